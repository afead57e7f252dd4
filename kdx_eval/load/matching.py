"""Matching the people of lists to the roster: every row gets a person or a reason, and who must decide on the rest; no name is kept."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from kdx_eval.load.cells import MISSING
from kdx_eval.load.database import create_table, name, text
from kdx_eval.load.people import fold_kana, fold_person, fold_variants
from kdx_eval.load.pseudonyms import Pseudonyms
from kdx_eval.load.report import MatchCount, MatchReport, OpenMatch
from kdx_eval.load.roster import Roster
from kdx_eval.load.staging import FAULTS, SEPARATOR, Stage, headings_of
from kdx_eval.safe import spreadsheet_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MATCHING = "matching"
ELSEWHERE = "（所属の一覧にない所属、または空欄）"
_MOST_ROWS = 20
HOW: Mapping[str, str] = MappingProxyType(
    {
        "staff_id": "職員番号",
        "name_department": "氏名と所属",
        "name_variant": "氏名（異体字をそろえて）と所属",
        "name_department_kana": "氏名と所属とカナ",
        "name_maiden": "旧姓と所属",
        "kana_department": "カナと所属",
        "name_other_day": "氏名と、別の時期の所属",
        "name_successor": "氏名と、統合・改称の前後の所属",
        "name_kana": "氏名とカナ（市に一人だけ）",
        "ambiguous": "二人以上いて決められない",
        "department_only": "名簿にいない（所属の人数にだけ数える）",
        "unknown_person": "氏名か所属がない",
    }
)
UNSETTLED = ("unknown_person", "ambiguous", "department_only")
# From the least certain: somebody found in several ways counts under the weakest of them.
_CERTAINTY = (*UNSETTLED, *reversed([how for how in HOW if how not in UNSETTLED]))
_NO_ROSTER = ("人事課", "職員名簿（職員番号・氏名・カナ・所属）を受け取り、データのフォルダーに加えてください")
_DECIDE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ambiguous": ("人事課", "この行に職員番号か氏名カナを書き加えてください"),
        "department_only": (
            "その所属（名簿にいない人か、氏名の書き誤りか）",
            "氏名の字を名簿と照らし、職員番号を書き加えてください。会計年度任用職員など名簿にいない人なら、このままで構いません",
        ),
        "unknown_person": ("研修の名簿を作った担当", "職員番号、または氏名と所属の両方を書いてください"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What matching may rely on: the roster, the keys, the departments that may be shown, and where each list came from."""

    roster: Roster
    pseudonyms: Pseudonyms
    departments: Collection[str]
    places: Mapping[str, tuple[str, str]]


def match_people(con: DuckDBPyConnection, stages: list[Stage], *, known: Known) -> MatchReport | None:
    """Fill in staff_id where a list has names only; ambiguous people become refused rows, people not on the roster stay with their department.

    A person not on the roster is kept under a pseudonym of name and department that begins with ``d``: trained, but of unknown posting.
    Returns None when every row has an id of its own.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE {MATCHING} (stage VARCHAR, rid BIGINT, line BIGINT, person VARCHAR, how VARCHAR, department VARCHAR)")
    people: dict[tuple[str, str, str], str] = {}
    ways: dict[str, str] = {}
    for stage in stages:
        con.execute(f"""INSERT INTO {MATCHING} SELECT _stage, _rid, _line, staff_id, 'staff_id', department_id FROM {stage.table}
            WHERE staff_id IS NOT NULL""")
        values: list[tuple[str | None, ...]] = []
        for called, kana, department, day in con.execute(_wanted(stage)).fetchall():
            how, staff_id = ("unknown_person", None)
            if fold_person(called).lower() not in MISSING:
                how, staff_id = known.roster.find(called, kana, department=department, day=day)
            if how == "department_only":
                staff_id = known.pseudonyms.of(SEPARATOR.join(("department", fold_variants(called), department)), prefix="d")
            person = people.setdefault((fold_variants(called), fold_kana(kana), department), f"n{len(people)}")
            ways[person] = min(ways.get(person, how), how, key=_CERTAINTY.index)
            rule = {"ambiguous": "ambiguous_person", "unknown_person": "unknown_person"}.get(how)
            values.append((called, kana, department, None if day is None else day.isoformat(), staff_id, rule, person, how))
        if values:
            _fill_in(con, stage, values)
    return _summary(con, ways, known) if ways else None


def _day() -> str:
    return "coalesce(enrolled_on, completed_on, offered_on)"


def _wanted(stage: Stage) -> str:
    columns = f"full_name, coalesce(kana, ''), coalesce(department_id, ''), {_day()} AS day"
    return f"SELECT DISTINCT {columns} FROM {stage.table} WHERE staff_id IS NULL AND full_name IS NOT NULL ORDER BY ALL"


def _fill_in(con: DuckDBPyConnection, stage: Stage, values: list[tuple[str | None, ...]]) -> None:
    create_table(con, "found_people", columns=("called", "kana_", "department", "day", "found", "rule", "person", "how"), values=values)
    same = f"""p.called = s.full_name AND p.kana_ = coalesce(s.kana, '') AND p.department = coalesce(s.department_id, '')
        AND p.day::DATE IS NOT DISTINCT FROM {_day()} AND s.staff_id IS NULL"""
    heading = text(headings_of((stage.layout,), "full_name"))
    con.execute(f"""INSERT INTO {FAULTS} SELECT s._stage, s._rid, s._line, {heading}, p.rule
        FROM {name(stage.table)} s JOIN found_people p ON {same} WHERE p.rule IS NOT NULL""")
    con.execute(f"""INSERT INTO {MATCHING} SELECT s._stage, s._rid, s._line, p.person, p.how, s.department_id
        FROM {name(stage.table)} s JOIN found_people p ON {same}""")
    con.execute(f"UPDATE {name(stage.table)} s SET staff_id = p.found FROM found_people p WHERE {same}")
    con.execute("DROP TABLE found_people")


def _summary(con: DuckDBPyConnection, ways: Mapping[str, str], known: Known) -> MatchReport:
    by = {how: sum(way == how for way in ways.values()) for how in sorted(set(ways.values()))}
    unmatched = by.get("department_only", 0) + by.get("unknown_person", 0)
    counts = con.execute(f"SELECT stage, department, how, count(DISTINCT person), count(*) FROM {MATCHING} GROUP BY ALL").fetchall()
    merged: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for stage, department, how, n_people, n_rows in counts:
        key = (*known.places[stage], _shown(department, known), how)
        before = merged.get(key, (0, 0))
        merged[key] = (before[0] + n_people, before[1] + n_rows)
    places = tuple(
        MatchCount(file=file, sheet=sheet, department=department, how=how, n_people=n_people, n_rows=n_rows)
        for (file, sheet, department, how), (n_people, n_rows) in sorted(merged.items())
    )
    return MatchReport(
        n_people=len(ways), n_matched=len(ways) - by.get("ambiguous", 0) - unmatched, n_ambiguous=by.get("ambiguous", 0), n_unmatched=unmatched, by=by,
        places=places, open=tuple(_open(con, known)),
    )  # fmt: skip


def _shown(department: str | None, known: Known) -> str:
    # Somebody's name may have slipped into the column of departments: only what is known to be one is repeated.
    return department if department is not None and department in known.departments else ELSEWHERE


def _open(con: DuckDBPyConnection, known: Known) -> list[OpenMatch]:
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for (file, sheet, line), department, how in unsettled_rows(con, known):
        groups.setdefault((file, sheet, department, how), []).append(line)
    return [
        OpenMatch(
            file=file, sheet=sheet, department=department, how=how, n_rows=len(lines), rows=tuple(lines[:_MOST_ROWS]),
            ask=decide(how, known)[0], remedy=decide(how, known)[1],
        )
        for (file, sheet, department, how), lines in sorted(groups.items())
    ]  # fmt: skip


def unsettled_rows(con: DuckDBPyConnection, known: Known) -> list[tuple[tuple[str, str, int], str, str]]:
    """((file, sheet, row), department, how) of every row whose person is not settled, in the order of the files."""
    rows = con.execute(f"SELECT stage, line, department, how FROM {MATCHING} WHERE how IN ({', '.join(map(text, UNSETTLED))})").fetchall()
    return sorted(((*known.places[stage], int(line)), _shown(department, known), how) for stage, line, department, how in rows)


def decide(how: str, known: Known) -> tuple[str, str]:
    """Whom to ask about a row, and what to write into it."""
    return _NO_ROSTER if how == "department_only" and not known.roster.exact else _DECIDE[how]


def write_unmatched(con: DuckDBPyConnection, path: Path, *, known: Known) -> None:
    """unmatched.csv: file, sheet, row, department, reason, ask, remedy of every row whose person is not settled; never a name."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("file", "sheet", "row", "department", "reason", "ask", "remedy"))
        for (file, sheet, line), department, how in unsettled_rows(con, known):
            writer.writerow((*map(spreadsheet_text, (file, sheet, line, department)), HOW[how], *decide(how, known)))

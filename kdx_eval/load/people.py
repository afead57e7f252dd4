"""Finding the people of lists without an id on the roster, by name, department and カナ; afterwards the names are dropped."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kdx_eval.load.cells import MISSING
from kdx_eval.load.database import create_table, name, text
from kdx_eval.load.pseudonyms import Pseudonyms
from kdx_eval.load.report import MatchReport
from kdx_eval.load.staging import FAULTS, SEPARATOR, Stage, headings_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Characters of names that are typed in a commoner form. Exact spelling is tried first.
_VARIANTS = str.maketrans(
    "髙﨑碕𠮷邊邉齋齊斉澤濵濱栁桒廣德惠國嶋嶌眞櫻瀨冨曾靑黑",
    "高崎崎吉辺辺斎斎斎沢浜浜柳桑広徳恵国島島真桜瀬富曽青黒",
)
_ALL_TIME = dt.date(1900, 1, 1)  # a roster without a date is held to be in force throughout
_AS_OF = re.compile(r"(令和|平成|[RHrh])\s*\.?\s*(\d{1,2}|元)\s*[年.\-/]\s*(\d{1,2})\s*[月.\-/]\s*(\d{1,2})|20\d{2}[年./-]\d{1,2}[月./-]\d{1,2}")


def fold_person(written: str) -> str:
    """A person's name for comparison: without spaces; characters are left as they are."""
    return re.sub(r"[\s\u3000]", "", written)


def fold_variants(written: str) -> str:
    """A person's name with uncommon forms of characters replaced by the common ones."""
    return fold_person(written).translate(_VARIANTS)


def fold_kana(written: str) -> str:
    """カナ for comparison: half-width and hiragana become full-width katakana, without spaces."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", written))
    return "".join(chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" else char for char in plain)


def roster_date(texts: Iterable[str]) -> dt.date | None:
    """The day on which a roster holds, from its title, sheet or file name (令和6年4月1日現在)."""
    from kdx_eval.load.dates import Refusal, parse_date

    for candidate in texts:
        found = _AS_OF.search(unicodedata.normalize("NFKC", candidate))
        if found:
            day = parse_date(found[0])
            if not isinstance(day, Refusal):
                return day
    return None


def identify_roster(con: DuckDBPyConnection, stages: list[Stage], *, pseudonyms: Pseudonyms) -> None:
    """Give people on rosters without ids a pseudonym: by name and カナ where these are unique on each roster, else with the department.

    Two people who agree in all three cannot be told apart: they get different pseudonyms and later count as ambiguous.
    """
    for stage in stages:
        day = roster_date((stage.layout.title, stage.grid.sheet, stage.grid.file))
        con.execute(f"UPDATE {stage.table} SET as_of = coalesce(as_of, {text(day.isoformat() if day else None)}::DATE)")
    columns = "_stage, _rid, full_name, kana, department_id, as_of"
    union = " UNION ALL ".join(f"SELECT {columns} FROM {stage.table} WHERE staff_id IS NULL AND full_name IS NOT NULL" for stage in stages)
    rows = con.execute(f"SELECT * FROM ({union}) ORDER BY _stage, _rid").fetchall() if stages else []
    keyed = [(stage, rid, fold_person(called), fold_kana(kana or ""), department or "", as_of) for stage, rid, called, kana, department, as_of in rows]
    on_one_roster = Counter((called, kana, as_of) for _, _, called, kana, _, as_of in keyed)
    repeated = {(called, kana) for (called, kana, _), count in on_one_roster.items() if count > 1}
    seen: Counter[tuple[object, ...]] = Counter()
    values: list[tuple[str | None, ...]] = []
    for stage_key, rid, called, kana, department, as_of in keyed:
        parts = (called, kana, department) if (called, kana) in repeated else (called, kana)
        seen[*parts, as_of] += 1
        ordinal = seen[*parts, as_of]
        values.append((stage_key, str(rid), pseudonyms.of(SEPARATOR.join(("name", *parts, str(ordinal))))))
    if values:
        create_table(con, "identified", columns=("stage", "rid", "staff_id"), values=values)
        for stage in stages:
            con.execute(f"UPDATE {stage.table} s SET staff_id = i.staff_id FROM identified i WHERE i.stage = s._stage AND i.rid::BIGINT = s._rid")
        con.execute("DROP TABLE identified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """People by department: spelled name -> (pseudonym, カナ) of everyone so called."""

    exact: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    variant: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)

    def add(self, called: str, kana: str, *, department: str, staff_id: str) -> None:
        """Take in one person in one department."""
        entry = (staff_id, fold_kana(kana))
        self.exact.setdefault((fold_person(called), department), set()).add(entry)
        self.variant.setdefault((fold_variants(called), department), set()).add(entry)

    def find(self, called: str, kana: str, *, department: str) -> tuple[str, str | None]:
        """(how found, pseudonym): ``ambiguous`` and ``department_only`` have no pseudonym."""
        for how, index, key in (("name_department", self.exact, fold_person(called)), ("name_variant", self.variant, fold_variants(called))):
            found = index.get((key, department), set())
            if len({staff_id for staff_id, _ in found}) > 1 and kana:
                found = {entry for entry in found if entry[1] == fold_kana(kana)}
                how = "name_department_kana"
            people = {staff_id for staff_id, _ in found}
            if len(people) == 1:
                return how, people.pop()
            if people:
                return "ambiguous", None
        return "department_only", None


def read_roster(con: DuckDBPyConnection, stages: list[Stage], *, postings: list[Stage]) -> Roster:
    """Everyone on the staff list, in the department written there and in those of the posting history."""
    roster = Roster()
    for stage in stages:
        sources = [f"SELECT s.full_name, s.kana, s.department_id, s.staff_id FROM {stage.table} s"]
        sources += [f"SELECT s.full_name, s.kana, a.department_id, s.staff_id FROM {stage.table} s JOIN {other.table} a USING (staff_id)" for other in postings]
        union = " UNION ".join(sources)
        known = "full_name IS NOT NULL AND department_id IS NOT NULL AND staff_id IS NOT NULL"
        for called, kana, department, staff_id in con.execute(f"SELECT * FROM ({union}) WHERE {known}").fetchall():
            roster.add(called, kana or "", department=department, staff_id=staff_id)
    return roster


def match_people(con: DuckDBPyConnection, stages: list[Stage], *, roster: Roster, pseudonyms: Pseudonyms) -> MatchReport | None:
    """Fill in staff_id where a list has names only; ambiguous people become refused rows, people not on the roster stay with their department.

    A person not on the roster is kept under a pseudonym of name and department that begins with ``d``: trained, but of unknown posting.
    """
    by: Counter[str] = Counter()
    people: set[tuple[str, str, str]] = set()
    for stage in stages:
        columns = "full_name, coalesce(kana, ''), coalesce(department_id, '')"
        wanted = con.execute(f"SELECT DISTINCT {columns} FROM {stage.table} WHERE staff_id IS NULL AND full_name IS NOT NULL ORDER BY ALL").fetchall()
        values: list[tuple[str | None, ...]] = []
        for called, kana, department in wanted:
            known = department and fold_person(called).lower() not in MISSING
            how, staff_id = roster.find(called, kana, department=department) if known else ("unknown_person", None)
            if how == "department_only":
                staff_id = pseudonyms.of(SEPARATOR.join(("department", fold_variants(called), department)), prefix="d")
            rule = {"ambiguous": "ambiguous_person", "unknown_person": "unknown_person"}.get(how)
            values.append((called, kana, department, staff_id, rule))
            person = (fold_variants(called), fold_kana(kana), department)
            if person not in people:
                people.add(person)
                by[how] += 1
        if values:
            _fill_in(con, stage, values)
    if not people:
        return None
    matched = sum(by[how] for how in ("name_department", "name_variant", "name_department_kana"))
    unmatched = by["department_only"] + by["unknown_person"]
    return MatchReport(n_people=len(people), n_matched=matched, n_ambiguous=by["ambiguous"], n_unmatched=unmatched, by=dict(sorted(by.items())))


def _fill_in(con: DuckDBPyConnection, stage: Stage, values: list[tuple[str | None, ...]]) -> None:
    create_table(con, "found_people", columns=("called", "kana_", "department", "found", "rule"), values=values)
    same = "p.called = s.full_name AND p.kana_ = coalesce(s.kana, '') AND p.department = coalesce(s.department_id, '') AND s.staff_id IS NULL"
    heading = text(headings_of((stage.layout,), "full_name"))
    con.execute(f"""INSERT INTO {FAULTS} SELECT s._stage, s._rid, s._line, {heading}, p.rule
        FROM {name(stage.table)} s JOIN found_people p ON {same} WHERE p.rule IS NOT NULL""")
    con.execute(f"UPDATE {name(stage.table)} s SET staff_id = p.found FROM found_people p WHERE {same}")
    con.execute("DROP TABLE found_people")


def derive_assignments(stages: list[Stage]) -> str:
    """SQL of the postings that dated rosters show: from a roster's date until the day before the next one on which the posting is another.

    Who is missing on the next roster ends the day before it; nobody is posted before the first roster; a roster without a date is held to
    be in force throughout; the last roster is in force until today. Two departments on one roster are two postings. What happened between
    two rosters is not known, which ``posting_kind = 'roster'`` says.
    """
    columns = f"staff_id, department_id, coalesce(as_of, DATE '{_ALL_TIME}') AS as_of"
    union = " UNION ".join(f"SELECT {columns} FROM {stage.table} WHERE staff_id IS NOT NULL AND department_id IS NOT NULL" for stage in stages)
    return f"""WITH seen AS ({union}), days AS (SELECT as_of, lead(as_of) OVER (ORDER BY as_of) AS following FROM (SELECT DISTINCT as_of FROM seen)),
        spells AS (SELECT seen.*, following FROM seen JOIN days USING (as_of)),
        numbered AS (SELECT *, CASE WHEN lag(following) OVER w IS NOT DISTINCT FROM as_of THEN 0 ELSE 1 END AS new
            FROM spells WINDOW w AS (PARTITION BY staff_id, department_id ORDER BY as_of)),
        runs AS (SELECT *, sum(new) OVER (PARTITION BY staff_id, department_id ORDER BY as_of) AS run FROM numbered)
        SELECT staff_id, department_id, min(as_of) AS valid_from, arg_max_null(following, as_of) - INTERVAL 1 DAY AS valid_to,
               'roster' AS posting_kind
        FROM runs GROUP BY staff_id, department_id, run"""

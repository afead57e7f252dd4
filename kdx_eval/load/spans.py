"""What shows only beside other files: months that do not agree, people in departments that nobody has listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows, scalar
from kdx_eval.load.staging import Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEASURES = ("worktime", "workload", "indicators", "headcount")
_COUNTED = frozenset({"headcount", "indicators"})  # may be numbers of 1 April; work never is
_APRIL = "04"
_FEWEST = 12  # months; a shorter file need not begin with a fiscal year


def note_spans(con: DuckDBPyConnection, stages: Mapping[str, list[Stage]], *, accepted: Callable[[Stage], str]) -> Mapping[str, list[Stage]]:
    """``stages`` with notes where a file begins within a fiscal year, or covers other months than the other files of measures.

    ``accepted`` gives the SQL of the rows of a stage that were not refused: only their months count.
    """
    covered: dict[str, set[str]] = {}
    work: set[str] = set()
    for table in _MEASURES:
        for stage in stages.get(table, []):
            months = rows(con, f"SELECT strftime(m, '%Y-%m') FROM (SELECT DISTINCT month AS m FROM ({accepted(stage)}) WHERE month IS NOT NULL)")
            covered.setdefault(stage.grid.file, set()).update(str(row[0]) for row in months)
            work |= {stage.grid.file} if table not in _COUNTED else set()
    # Numbers of 1 April stand for their year; they have no range of months.
    ranged = {file: months for file, months in covered.items() if months and (file in work or any(not month.endswith(_APRIL) for month in months))}
    spans = {file: (min(months), max(months)) for file, months in ranged.items()}
    notes: dict[str, tuple[str, ...]] = {}
    for file, (first, last) in spans.items():
        said = []
        if len(covered[file]) >= _FEWEST and not first.endswith(_APRIL):
            said.append(f"注意: 月が{first}から始まっています（年度の初めではありません）。月のずれや、年度と暦年の取り違えを確かめてください")
        others = [other for other, span in spans.items() if other != file and span != (first, last)]
        if others:
            said.append(f"注意: 月の範囲（{first}～{last}）が「{others[0]}」の範囲（{spans[others[0]][0]}～{spans[others[0]][1]}）と違います")
        notes[file] = tuple(said)
    return {table: [replace(stage, notes=(*stage.notes, *notes.get(stage.grid.file, ()))) for stage in found] for table, found in stages.items()}


def note_strangers(con: DuckDBPyConnection, stages: Mapping[str, list[Stage]], *, accepted: Callable[[Stage], str]) -> Mapping[str, list[Stage]]:
    """The staff lists with notes on people without a department, and on those whose department is not on the delivered list."""
    listed = stages.get("departments", [])
    known = " UNION ALL ".join(f"SELECT department_id FROM {stage.table} WHERE department_id IS NOT NULL" for stage in listed)
    noted = []
    for stage in stages.get("staff", []):
        said = []
        strangers = scalar(con, f"SELECT count(*) FROM {stage.table} WHERE department_id IS NOT NULL AND department_id NOT IN ({known})") if known else 0
        if strangers:
            said.append(f"注意: 所属の一覧にない所属の職員が{strangers}人います。一覧の漏れや所属の書き誤りを確かめてください")
        blank = scalar(con, f"SELECT count(*) FROM ({accepted(stage)}) WHERE department_id IS NULL") if stage.layout.has("department_id") else 0
        if blank:
            said.append(f"注意: 所属が空欄の職員が{blank}人います。休職や派遣でなければ、空欄や列のずれを確かめてください")
        noted.append(replace(stage, notes=(*stage.notes, *said)))
    return {"staff": noted} if noted else {}

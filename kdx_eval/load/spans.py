"""What shows only beside other files: months that do not agree, people in departments that nobody has listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows, scalar
from kdx_eval.load.staging import Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEASURES = ("worktime", "workload", "indicators", "headcount")
_APRIL = "04"
_FEWEST = 12  # months; a shorter file need not begin with a fiscal year


def note_spans(con: DuckDBPyConnection, stages: Mapping[str, list[Stage]]) -> Mapping[str, list[Stage]]:
    """``stages`` with notes where a file begins within a fiscal year, or covers other months than the other files of measures."""
    covered: dict[str, set[str]] = {}
    for table in _MEASURES:
        for stage in stages.get(table, []):
            months = rows(con, f"SELECT strftime(m, '%Y-%m') FROM (SELECT DISTINCT month AS m FROM {stage.table} WHERE month IS NOT NULL)")
            covered.setdefault(stage.grid.file, set()).update(str(row[0]) for row in months)
    # Numbers of 1 April stand for their year; they have no range of months.
    spans = {file: (min(months), max(months)) for file, months in covered.items() if any(not month.endswith(_APRIL) for month in months)}
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


def note_strangers(con: DuckDBPyConnection, stages: Mapping[str, list[Stage]]) -> Mapping[str, list[Stage]]:
    """The staff lists with a note on people whose department is not on the delivered list of departments."""
    listed = stages.get("departments", [])
    if not listed:
        return {}
    known = " UNION ALL ".join(f"SELECT department_id FROM {stage.table} WHERE department_id IS NOT NULL" for stage in listed)
    noted = []
    for stage in stages.get("staff", []):
        strangers = scalar(con, f"SELECT count(*) FROM {stage.table} WHERE department_id IS NOT NULL AND department_id NOT IN ({known})")
        said = (f"注意: 所属の一覧にない所属の職員が{strangers}人います。一覧の漏れや所属の書き誤りを確かめてください",) if strangers else ()
        noted.append(replace(stage, notes=(*stage.notes, *said)))
    return {"staff": noted} if noted else {}

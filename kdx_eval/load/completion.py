"""Who completed: one date (受講日) stands for beginning and end, so the status says whether somebody came to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.load.database import scalar
from kdx_eval.load.staging import Stage, headings_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def clear_uncompleted(con: DuckDBPyConnection, stage: Stage) -> tuple[str, ...]:
    """Take the day of completion from those whose status is another, and from blanks beside the mark of those who completed; remarks on the latter.

    Where only absence is marked (欠席), a blank means attendance.
    """
    if not any(column.field.name == "completed_on" and column.shared for column in stage.layout.columns):
        return ()
    con.execute(f"UPDATE {stage.table} SET completed_on = NULL WHERE status IS NOT NULL AND status <> 'completed'")
    if not stage.layout.has("status") or not scalar(con, f"SELECT count(*) FROM {stage.table} WHERE status = 'completed'"):
        return ()
    # A text that is no word of the list is blank here too; its row is refused and needs no remark.
    blank = f"status IS NULL AND completed_on IS NOT NULL AND _rid NOT IN (SELECT rid FROM faults WHERE stage = '{stage.key}')"
    n_blank = scalar(con, f"SELECT count(*) FROM {stage.table} WHERE {blank}")
    if not n_blank:
        return ()
    con.execute(f"UPDATE {stage.table} SET completed_on = NULL WHERE {blank}")
    heading = headings_of((stage.layout,), "status")
    return (f"注意: 「{heading}」が空欄の{n_blank}行は、修了したか分からないので修了に数えていません。修了していれば ○ を書いてください",)

"""Overtime told twice, by person and by department: what the rows of persons leave out shows in the sums of the departments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows
from kdx_eval.load.quality.types import Finding
from kdx_eval.schema import load_schema

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.dataset import Dataset

_AGREES = (0.95, 1.05)  # rounding to whole hours and people who moved within a month
_BOTH = frozenset({"staff_id", "department_id", "overtime_hours"})


def find_persons_left_out(con: DuckDBPyConnection, dataset: Dataset) -> Iterator[Finding]:
    """Whether the overtime of the persons adds up to that of the departments, in the months that have both; ``con`` has the views."""
    if not dataset.has("worktime") or not set(dataset.columns("worktime")) >= _BOTH:
        return
    ((persons, own, departments),) = rows(
        con,
        """WITH months AS (SELECT month FROM worktime WHERE overtime_hours IS NOT NULL GROUP BY month
                HAVING count(staff_id) > 0 AND count(*) FILTER (staff_id IS NULL) > 0)
            SELECT count(DISTINCT staff_id), sum(overtime_hours) FILTER (staff_id IS NOT NULL)::DOUBLE, sum(overtime_hours) FILTER (staff_id IS NULL)::DOUBLE
            FROM worktime JOIN months USING (month)""",
    )
    if not persons or not departments:
        return
    share = float(str(own)) / float(str(departments))
    if not _AGREES[0] <= share <= _AGREES[1]:
        table = load_schema().table("worktime")
        place = f"{table.title}「{table.field('overtime_hours').title}」"
        yield Finding(
            severity="ask", kind="gap", table=table.name, column="overtime_hours", place=place, factor=share,
            sentence=f"職員ごとの行（{int(str(persons)):,}人）を足した時間は、所属ごとの行を足した時間の{share:.0%}です",
            remedy="一部の職員だけの表か、職員や所属の行が欠けていないかを、人事課の職員数と照らして確かめてください",
        )  # fmt: skip

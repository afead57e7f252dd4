"""Two files that both tell the work of the same process, department and month: the panel adds them, which may be double."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows
from kdx_eval.load.repeats import FEWEST_ROWS
from kdx_eval.load.staging import FAULTS, Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_KEY = "process_id, department_id, staff_id, measure_basis, fiscal_year, coalesce(date, month)"


def overlaps(con: DuckDBPyConnection, stages: Sequence[Stage]) -> dict[str, list[str]]:
    """Notes by stage of ``workload`` on rows of which an earlier file has the process, department, person, basis and month as well.

    What a whole month repeats word for word was refused before; this is what is left: files that contradict each other, or overlap in part.
    """
    if len(stages) < 2:
        return {}
    places = {stage.key: f"{stage.grid.file} {stage.grid.sheet}".strip() for stage in stages}
    accepted = f"NOT EXISTS (SELECT 1 FROM {FAULTS} f WHERE f.stage = a._stage AND f.rid = a._rid)"
    summed = f"""SELECT _stage, hash({_KEY}) AS k, sum(cases) AS cases, sum("minutes") AS worked FROM all_workload a WHERE {accepted} GROUP BY ALL"""
    differs = "a.cases IS DISTINCT FROM b.cases OR a.worked IS DISTINCT FROM b.worked"
    found = rows(
        con,
        f"""WITH summed AS ({summed}) SELECT b._stage, a._stage, count(*), count(*) FILTER ({differs})
            FROM summed a JOIN summed b ON a.k = b.k AND a._stage < b._stage GROUP BY ALL ORDER BY ALL""",
    )
    notes: dict[str, list[str]] = {}
    for stage, earlier, count, differing in found:
        n_rows, n_differing = int(str(count)), int(str(differing))
        if not n_differing and n_rows < FEWEST_ROWS:
            continue  # remarked as equal rows already
        said = f"「{places[str(earlier)]}」と同じ業務・所属・月が{n_rows}あり、そのうち{n_differing}は値が違います"
        notes.setdefault(str(stage), []).append(f"{said}。分析では足し合わせるので、訂正の出し直しや二重でないか確かめてください")
    return notes

"""Workload events by the hundred million, for trying the tool at scale."""

from __future__ import annotations

from pathlib import Path

from kdx_eval.errors import ParameterError
from kdx_eval.synthetic_city.design import CitySize

_LARGEST = 1_000_000_000

# Every row is a hash of its number and the seed: any part can be made again without the parts before it. Codes start at a
# power of ten, since padding with zeros costs more than all the rest.
_EVENTS = """
COPY (
    SELECT
        'S' || (10000 + h % {staff}) AS staff_id,
        {department}
        'P' || (1000 + (h >> 16) % {processes}) AS process_id,
        DATE '2022-04-01' + CAST((h >> 32) % 1461 AS INTEGER) AS "date",
        CAST(1 AS BIGINT) AS cases,
        CAST(5 + (h >> 48) % 90 AS BIGINT) AS "minutes",
        'log' AS measure_basis
    FROM (SELECT hash("range", {seed}) AS h FROM range({rows}))
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 1000000)
"""


def write_workload(path: Path, *, rows: int, seed: int, size: CitySize | None = None, with_department: bool = True) -> Path:
    """Write ``rows`` workload events (one case each) to one Parquet file in bounded memory; returns ``path``.

    Columns: staff_id, department_id (unless the log does not keep it), process_id, date, cases, minutes, measure_basis. The same rows
    and seed give the same table. Raises ParameterError for a number of rows outside 1 to 10 億.
    """
    import duckdb

    if not 1 <= rows <= _LARGEST:
        raise ParameterError("行数が範囲の外です", place="rows", hint="1 から 10 億までの数にしてください")
    size = size or CitySize()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    department = f"'D' || (100 + (h >> 16) % {size.processes} % {size.departments}) AS department_id," if with_department else ""
    query = _EVENTS.format(
        department=department,
        rows=rows,
        seed=int(seed),
        staff=size.staff,
        processes=size.processes,
        path=str(partial).replace("'", "''"),
    )
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "1GB",
        "temp_directory": str(path.parent / ".duckdb_tmp"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(config=settings) as connection:
            connection.execute(query)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path

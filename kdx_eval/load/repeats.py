"""The same export delivered twice: whole sheets left aside, repeated periods refused, so that nothing is counted double."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from kdx_eval.load.database import name, scalar, text
from kdx_eval.load.event_log import EventLog
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Layout
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.people import roster_date
from kdx_eval.load.report import FileReport
from kdx_eval.load.staging import FAULTS
from kdx_eval.schema import TableSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Source = tuple[Grid, Layout, FileMapping, tuple[str, ...]]
# Fewer equal rows in two files may be chance (one fee paid twice); these are only remarked.
FEWEST_ROWS = 3
_LARGE = 1_000_000
_PERIODS: Mapping[str, str] = {
    "month": "{}", "date": "date_trunc('month', {})::DATE", "fiscal_year": "make_date({}::BIGINT, 4, 1)", "valid_from": "{}", "assessed_on": "{}",
    "applied_on": "{}",
}  # fmt: skip


def leave_repeats_aside(con: DuckDBPyConnection, sources: Sequence[Source]) -> tuple[list[Source], list[FileReport]]:
    """The sources without those whose content another one already has, and a report that names that other for each left aside."""
    alike = Counter(_shape(grid, layout) for grid, layout, _, _ in sources)
    shapes = [_counted(con, grid, layout, is_alone=alike[_shape(grid, layout)] == 1) for grid, layout, _, _ in sources]
    several = {shape for shape, count in Counter(shapes).items() if count > 1}
    first: dict[Hashable, Grid] = {}
    kept: list[Source] = []
    aside: list[FileReport] = []
    for source, shape in zip(sources, shapes, strict=True):
        grid, layout = source[0], source[1]
        content = (*shape, _content(con, grid, layout)) if shape in several and shape[-1] else grid.table
        if content in first:
            aside.append(_left_aside(grid, first[content]))
        else:
            first[content] = grid
            kept.append(source)
    return kept, aside


def _left_aside(grid: Grid, like: Grid) -> FileReport:
    shown = f"{like.file} {like.sheet}".strip()
    note = f"注意: 「{shown}」と中身が同じなので、二重に数えないよう読みませんでした。別の月や所属のものなら、出し直しを頼んでください"
    return FileReport(file=grid.file, sheet=grid.sheet, table=None, encoding=grid.encoding, notes=(note,))


def repeated_log(con: DuckDBPyConnection, log: tuple[str, Grid, EventLog], *, earlier: Sequence[tuple[str, Grid, EventLog]]) -> FileReport | None:
    """The report that leaves a log of events aside when an ``earlier`` one has the very same cases; its refused rows are forgotten."""
    key, grid, read = log
    for _, like, other in earlier:
        if read.rows_read == other.rows_read and _cases(con, read) == _cases(con, other):
            con.execute(f"DELETE FROM {FAULTS} WHERE stage = {text(key)}")
            return _left_aside(grid, like)
    return None


def _cases(con: DuckDBPyConnection, log: EventLog) -> int:
    # Not by process: without a mapping each log is a process called by its file.
    return int(con.execute(f"SELECT sum(hash(month, lead_minutes, department_id)::HUGEINT) FROM {log.durations}").fetchall()[0][0] or 0)


def _shape(grid: Grid, layout: Layout) -> tuple[Hashable, ...]:
    # A roster says by its name for which day it holds: the same people a year later are no repetition.
    day = roster_date((layout.title, grid.sheet, grid.file)) if layout.table.name == "staff" else None
    return layout.table.name, tuple(sorted((column.field.name, column.scale) for column in layout.columns)), tuple(sorted(layout.constants.items())), day


def _counted(con: DuckDBPyConnection, grid: Grid, layout: Layout, *, is_alone: bool) -> tuple[Hashable, ...]:
    # Counting a large file costs; one that has no like needs none.
    n_rows = 0 if is_alone else scalar(con, f"SELECT count(*) FROM {name(grid.table)} WHERE line > {layout.header_line}")
    # To hash many millions of rows costs more; parts of equal size that begin differently are taken to be different.
    return *_shape(grid, layout), grid.head if n_rows > _LARGE else None, n_rows


def _content(con: DuckDBPyConnection, grid: Grid, layout: Layout) -> int:
    cells = [f"c{column.index}" for column in sorted(layout.columns, key=lambda column: column.field.name)]
    # A sum of hashes does not depend on the order of rows.
    total = f"SELECT sum(hash({', '.join(cells)})::HUGEINT) FROM {name(grid.table)} WHERE line > {layout.header_line}"
    return int(con.execute(total).fetchall()[0][0] or 0)


def refuse_repeated_periods(con: DuckDBPyConnection, table: str, *, spec: TableSpec) -> dict[str, list[str]]:
    """Refuse the rows of a month (or year, or day) that another file before has in just the same way; for tables without a key.

    Returns remarks by stage on rows that equal those of another file but are too few to be sure; they stay.
    """
    present = {field.name for field in spec.fields}
    periods = [sql.format(name(field)) for field, sql in _PERIODS.items() if field in present]
    period = f"coalesce({', '.join(periods)})" if periods else "NULL::DATE"
    values = ", ".join(f"CAST({name(field.name)} AS VARCHAR)" for field in spec.fields)
    accepted = f"NOT EXISTS (SELECT 1 FROM {FAULTS} x WHERE x.stage = t._stage AND x.rid = t._rid)"
    # Counts first: where no period has as many rows in two files, none is repeated, and no row need be hashed.
    con.execute(f"""CREATE OR REPLACE TEMP TABLE alike AS SELECT _of, _when FROM
        (SELECT _stage AS _of, {period} AS _when, count(*) AS _n FROM {table} t WHERE {accepted} GROUP BY ALL)
        QUALIFY count(*) OVER (PARTITION BY _when, _n) > 1""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE repeated AS SELECT * FROM
        (SELECT _of, _when, count(*) AS _n, sum(hash({values})::HUGEINT) AS _content FROM {table} t
            JOIN alike ON _of = _stage AND _when IS NOT DISTINCT FROM {period} WHERE {accepted} GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY _when, _n, _content ORDER BY _of) > 1""")
    few = con.execute(f"SELECT _of, sum(_n)::BIGINT FROM repeated WHERE _n < {FEWEST_ROWS} GROUP BY _of ORDER BY _of").fetchall()
    con.execute(f"""INSERT INTO {FAULTS} SELECT _stage, _rid, _line, '', {text("delivered_twice")}
        FROM {table} t JOIN repeated ON _of = _stage AND _when IS NOT DISTINCT FROM {period} WHERE _n >= {FEWEST_ROWS} AND {accepted}""")
    con.execute("DROP TABLE repeated; DROP TABLE alike")
    return {str(stage): [f"注意: 別のファイルと同じ内容の行が{count}行あります。二重でないか確かめてください"] for stage, count in few}

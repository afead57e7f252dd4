"""Merged cells under the header: what stands in one holds for all its rows when it is a key, and for none when it is a number."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from kdx_eval.load.cells import MERGED_VALUE
from kdx_eval.load.database import create_table, name, text
from kdx_eval.load.files import Grid

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def spread_merged(con: DuckDBPyConnection, grid: Grid, *, after: int, keys: Collection[int], measures: Collection[int]) -> list[str]:
    """Write out the merged cells of ``grid`` below line ``after``: keys are filled down, numbers are marked to be refused.

    Returns notes in Japanese. ``keys`` and ``measures`` are columns from 0; a merged cell whose rows are otherwise blank is one row.
    """
    body = [block for block in grid.blocks if block[0] > after]
    if not body:
        return []
    lines = [int(row[0]) for row in con.execute(f"SELECT line FROM {name(grid.table)} ORDER BY line").fetchall()]
    filled, marked = 0, 0
    for column in sorted({*keys, *measures}):
        spans = [(top, bottom, left, right) for top, bottom, left, right in body if left <= column <= right]
        if column in keys:
            filled += _fill(con, grid, column, spans=((top, bottom) for top, bottom, left, _ in spans if bottom > top and left == column))
        else:
            shared = (
                (top, bottom, left)
                for top, bottom, left, right in spans
                if left in measures and (sum(top <= line <= bottom for line in lines) > 1 or sum(left <= one <= right for one in measures) > 1)
            )
            marked += _mark(con, grid, column, spans=shared)
    notes = [f"結合されたセル{filled}行分を、上の値で埋めました"] if filled else []
    return notes + ([f"注意: 結合された数のセルが{marked}か所あり、その行は受け入れませんでした"] if marked else [])


def _fill(con: DuckDBPyConnection, grid: Grid, column: int, *, spans: Iterable[tuple[int, int]]) -> int:
    cell, table = f"c{column}", name(grid.table)
    create_table(con, "spans", columns=("first", "last"), values=[(str(top), str(bottom)) for top, bottom in spans])
    changed = con.execute(f"""UPDATE {table} SET {cell} = s.written
        FROM (SELECT first::BIGINT AS first, last::BIGINT AS last, {cell} AS written FROM spans JOIN {table} ON line = first::BIGINT) s
        WHERE line > s.first AND line <= s.last AND {cell} = '' AND s.written <> ''""").fetchall()
    return int(changed[0][0])


def _mark(con: DuckDBPyConnection, grid: Grid, column: int, *, spans: Iterable[tuple[int, int, int]]) -> int:
    """Refuse the cells of ``column`` in merged cells that hold a value in their first column."""
    cell, table, changed = f"c{column}", name(grid.table), 0
    for top, bottom, left in spans:
        holds = f"(SELECT c{left} <> '' FROM {table} WHERE line = {top})" if left != column else f"EXISTS (FROM {table} WHERE line = {top} AND {cell} <> '')"
        done = con.execute(f"UPDATE {table} SET {cell} = {text(MERGED_VALUE)} WHERE line BETWEEN {top} AND {bottom} AND coalesce({holds}, false)").fetchall()
        changed += int(done[0][0])
    return changed

"""One grid -> the tables it holds: what mapping.yaml leaves out is taken away, months are made whole, cross-tabs are turned."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from kdx_eval.errors import SchemaError
from kdx_eval.load.blocks import Block
from kdx_eval.load.cost_years import find_cost_block
from kdx_eval.load.crosstabs import find_blocks
from kdx_eval.load.database import name
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Layout, doubtful_headings, recognise
from kdx_eval.load.mapping import FileMapping, Mappings, headings_not_found
from kdx_eval.load.merged import spread_merged
from kdx_eval.load.per_case import compose_minutes
from kdx_eval.load.units_said import is_sum, is_worked_out, scale_note
from kdx_eval.load.unpivot import unpivot
from kdx_eval.load.year_month import compose_month
from kdx_eval.schema import Schema
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Source: TypeAlias = tuple[Grid, Layout, FileMapping, tuple[str, ...]]
_UNKNOWN = "どの表か分からないので読みません。kdx-eval check --suggest-mapping で対応表の案を作れます"
_NO_AMOUNTS = (
    "注意: 表題に「平均」「1人当たり」「累計」「増減」などとある表を読みませんでした。"
    "実際の時間や件数の表なら、mapping.yaml の crosstab に measure（overtime_hours など）を書いてください"
)
_RANGE = re.compile(r"(\d+)\s*[-〜～~]\s*(\d+)")


def recognise_grid(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mappings: Mappings) -> tuple[list[Source], tuple[str, ...]]:
    """The tables in ``grid`` with the layout by which each is read; when there are none, the reasons why it is left aside.

    Raises SchemaError or DataError when it is a known table that cannot be read as such.
    """
    mapping = mappings.of(grid.file, grid.sheet)
    if mapping.ignore:
        return [], ("mapping.yaml の指定により読みません",)
    if not grid.n_columns:  # a hidden sheet
        return [], grid.notes
    grid, skipped = leave_out_rows(con, grid, mapping=mapping)
    blocks, set_aside = _blocks(con, grid, schema=schema, mapping=mapping)
    sources: list[Source] = []
    spread = [note for block in blocks for note in _spread_block(con, grid, block)]
    if spread:
        blocks, _ = _blocks(con, grid, schema=schema, mapping=mapping)
    for number, block in enumerate(blocks):
        long, layout, notes = unpivot(con, grid, block=block, number=number, mapping=mapping)
        sources.append((long, layout, mapping, (*skipped, *set_aside, *dict.fromkeys(spread), *_which(layout, of=len(blocks)), *notes)))
    if sources or set_aside:
        return sources, set_aside
    grid, said, dated = compose_month(con, grid, schema=schema, mapping=mapping)
    grid, said, timed = compose_minutes(con, grid, schema=schema, mapping=said)
    layout_found = recognise(grid, schema=schema, mapping=said)
    if layout_found is None:
        return [], (_UNKNOWN, *grid.notes)
    measures = {column.index for column in layout_found.columns if column.field.type in {"number", "integer"}}
    keys = {column.index for column in layout_found.columns} - measures
    filled = spread_merged(con, grid, after=layout_found.header_line, keys=keys, measures=measures)
    absent = headings_not_found(mapping, tuple(cell for _, cells in grid.head for cell in cells), everywhere=mappings.columns)
    notes = (*skipped, *dated, *timed, *filled, *((absent,) if absent else ()), *_remarks(layout_found, mapping))
    return [(grid, layout_found, said, notes)], ()


def _remarks(layout: Layout, mapping: FileMapping) -> list[str]:
    """What was done to units and year, and what is not read."""
    found = [note for column in layout.columns if (note := scale_note(column.field, column.heading, scale=column.scale))]
    return [*found, *_year_note(layout, mapping), *doubtful_headings(layout), *_no_values(layout)] + (
        [f"使わない列: {'、'.join(layout.unused[:8])}"] if layout.unused else []
    )


def _blocks(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> tuple[list[Block], tuple[str, ...]]:
    """The blocks whose titles do not call them averages, shares or running totals, and a remark on the others.

    Nothing is taken away where mapping.yaml says what the cells hold.
    """
    blocks = find_blocks(con, grid, schema=schema, mapping=mapping) or find_cost_block(con, grid, schema=schema, mapping=mapping)
    if mapping.crosstab and (mapping.crosstab.measure or mapping.crosstab.measures):
        return blocks, ()
    kept = [block for block in blocks if not (is_sum(block.table.name, block.measure.field.name) and is_worked_out(f"{block.title} {grid.sheet}"))]
    return kept, (_NO_AMOUNTS,) if len(kept) < len(blocks) else ()


def _year_note(layout: Layout, mapping: FileMapping) -> tuple[str, ...]:
    year = layout.constants.get("fiscal_year") if "fiscal_year" not in mapping.constants else None
    return (f"年度の列がないので、表題・シート名・ファイル名から {FiscalYear(int(year)).wareki} の表としました",) if year else ()


def _no_values(layout: Layout) -> tuple[str, ...]:
    """A remark on a table of amounts in which there is no amount."""
    sums = [spec for spec in layout.table.fields if is_sum(layout.table.name, spec.name)]
    if not sums or any(layout.has(spec.name) for spec in sums):
        return ()
    return (f"注意: 値の列がありません（{'、'.join(spec.title for spec in sums)} のどれか）。見出しを直すか、mapping.yaml の columns に書いてください",)


def _spread_block(con: DuckDBPyConnection, grid: Grid, block: Block) -> list[str]:
    keys, measures = {key.index for key in block.keys}, {value.index for value in block.values}
    return list(spread_merged(con, grid, after=block.header_line, keys=keys, measures=measures))


def _which(layout: Layout, *, of: int) -> tuple[str, ...]:
    """Which of several blocks on a sheet is meant; nothing for a single one."""
    measure = layout.columns[-1].field
    return (f"{layout.header_line}行から下の表: {measure.title}",) if of > 1 else ()


def leave_out_rows(con: DuckDBPyConnection, grid: Grid, *, mapping: FileMapping) -> tuple[Grid, tuple[str, ...]]:
    """``grid`` without the rows that mapping.yaml names, and a remark that says how many these are.

    Raises SchemaError for a Parquet file, which has no rows that a person could count.
    """
    if not mapping.skip_rows:
        return grid, ()
    if grid.encoding == "parquet":
        raise SchemaError("Parquet のファイルには skip_rows を使えません", place=f"mapping.yaml {grid.file}", hint="元のシステムで行を除いてください")
    cells = ", ".join(f"nullif(c{index}, '')" for index in range(grid.n_columns))
    first = con.execute(f"SELECT line, coalesce({cells}, '') FROM {name(grid.table)} ORDER BY line").fetchall()
    lines = {int(line) for line, label in first if any(_is_meant(int(line), str(label), one) for one in mapping.skip_rows)}
    if not lines:
        return grid, ("注意: mapping.yaml の skip_rows に当たる行がありません",)
    kept = f"{grid.table}_kept"
    con.execute(f"CREATE TABLE {name(kept)} AS SELECT * FROM {name(grid.table)} WHERE line NOT IN ({', '.join(map(str, sorted(lines)))})")
    con.execute(f"DROP {grid.kind} {name(grid.table)}")
    head = tuple((line, row) for line, row in grid.head if line not in lines)
    return replace(grid, table=kept, head=head, parquet=None, raw=()), (f"mapping.yaml の指定により{len(lines)}行を読みません",)


def _is_meant(line: int, label: str, said: str) -> bool:
    if said.strip().isdecimal():
        return line == int(said)
    if found := _RANGE.fullmatch(said.strip()):
        return int(found[1]) <= line <= int(found[2])
    return fnmatch.fnmatchcase(label, said)

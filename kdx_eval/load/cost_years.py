"""A table of costs with years and stages across (R6決算、R7当初、R9要求), as a budget office writes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.load.block_words import block_title
from kdx_eval.load.blocks import Block, Row, Sheet, Value
from kdx_eval.load.cells import is_missing, parse_enum
from kdx_eval.load.crosstabs import read_sheet
from kdx_eval.load.dates import parse_fiscal_year
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, fold, heading_names, is_ignored, table_named
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.sub_headings import written_scale
from kdx_eval.schema import Schema, TableSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_YEAR_AND_STAGE = re.compile(r"(?P<year>(令和|平成|R|H)\s*(\d{1,2}|元)|(FY)?20\d{2})\s*(年度|年)?[\s・:_-]*(?P<stage>[^\d]+)")
_HEADER_WITHIN = 30
_FEWEST = 2


def find_cost_block(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> list[Block]:
    """The table of costs in ``grid`` as one block; none when it is no such table.

    Columns that are worked out of the others (増減) and cells left blank give no rows.
    """
    table = schema.table("costs")
    if mapping.table not in {None, table.name}:
        return []
    for position, (line, cells) in enumerate(grid.whole_head[:_HEADER_WITHIN]):
        dated = {index: fixed for index, cell in enumerate(cells) if not is_ignored(cell, mapping) and (fixed := _year_and_stage(cell, table))}
        if len(dated) < _FEWEST:
            continue
        title = block_title(grid.whole_head[:position])
        keys = _keys(table, cells, before=min(dated), mapping=mapping)
        if not keys and table_named(grid.sheet, schema) != table and table_named(grid.file.rsplit("/", 1)[-1], schema) != table:
            return []
        sheet = read_sheet(con, grid, schema=schema, mapping=mapping)
        return [_block(sheet, table, header=(line, cells), dated=dated, keys=keys, title=title)]
    return []


def _year_and_stage(heading: str, table: TableSpec) -> dict[str, str] | None:
    found = _YEAR_AND_STAGE.fullmatch(re.sub(r"[(\[【][^)\]】]*[)\]】]", "", unicodedata.normalize("NFKC", heading)).strip())
    if not found:
        return None
    year = parse_fiscal_year(re.sub(r"\s", "", found["year"]))
    stage = parse_enum(re.sub(r"\s|予算額?$|額$", "", found["stage"]) or found["stage"], table.field("stage"))
    return {"fiscal_year": str(year), "stage": stage} if isinstance(year, int) and isinstance(stage, str) else None


def _keys(table: TableSpec, cells: Sequence[str], *, before: int, mapping: FileMapping) -> tuple[Column, ...]:
    found: dict[str, Column] = {}
    for index, cell in enumerate(cells[:before]):
        specs = [spec for spec in table.fields if spec.type == "string" and spec.name not in {"stage", *found}]
        spec = next((one for one in specs if mapping.columns.get(cell) == one.name or fold(cell) in heading_names(one)), None)
        if spec and cell and not is_ignored(cell, mapping):
            found[spec.name] = Column(field=spec, index=index, heading=cell)
    return tuple(found.values())


def _block(
    sheet: Sheet, table: TableSpec, *, header: tuple[int, Sequence[str]], dated: dict[int, dict[str, str]], keys: tuple[Column, ...], title: str
) -> Block:
    line, cells = header
    yen = table.field("yen")
    scale = written_scale(sheet, yen, label=cells[min(dated)], titles=(title, *sheet.called))
    rows: tuple[Row, ...] = tuple(row for row in sheet.rows if row[0] > line)
    used = {*dated, *(key.index for key in keys)}
    block = Block(
        table=table, header_line=line, rows=rows, keys=keys, totals=(), title=title, labels=tuple(range(min(dated))),
        measure=Column(field=yen, index=0, heading="金額", scale=scale), skip_blanks=True,
        values=tuple(Value(index=index, heading=cells[index], fixed=fixed) for index, fixed in dated.items()),
        unused=tuple(cell for index, cell in enumerate(cells) if cell and index not in used),
    )  # fmt: skip
    n_blank = sum(is_missing(row[1][index]) for row in rows if any(row[1][index] for index in dated) for index in dated)
    notes = (f"空欄の{n_blank}か所は、費用の記入がないものとして行を作っていません",) if n_blank else ()
    return replace(block, notes=notes)

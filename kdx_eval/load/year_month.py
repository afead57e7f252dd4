"""A month written in two columns (年度 and 月, or 年 and 月), or without its year, as one column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kdx_eval.errors import SchemaError
from kdx_eval.load.cells import is_missing
from kdx_eval.load.database import create_table, name, text
from kdx_eval.load.dates import Refusal, parse_fiscal_year
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import fold
from kdx_eval.load.mapping import FileMapping, heading_key
from kdx_eval.load.shapes import first_year, place_month, year_in
from kdx_eval.schema import FieldSpec, Schema

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BARE = re.compile(r"0?([1-9]|1[0-2])(月|月分)?(\.0)?")
_CALENDAR = frozenset({"年", "西暦", "暦年", "対象年", "西暦年", "year"})
_HEADER_WITHIN = 30
_FEWEST = 0.9  # share of cells that are a bare month; blanks and a row of totals may be among them


@dataclass(frozen=True, slots=True, kw_only=True)
class YearMonth:
    """Where year and month stand: position of the header in the head, columns, and the year when it is fixed."""

    position: int
    month: int
    year: int | None
    fixed: int | None
    calendar: bool


def compose_month(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> tuple[Grid, FileMapping, tuple[str, ...]]:
    """``grid`` with one more column that holds the whole month, and the mapping that says so; both unchanged when none is needed.

    1月 of 令和6年度 is 2025-01; with a calendar year it is 2024-01. A year that cannot be read makes the row a refused one.

    Raises SchemaError when the mapping names a heading that is not there, or a fixed year that is none.
    """
    found = _said(grid, mapping) if mapping.year_month else _seen(grid, schema=schema, mapping=mapping)
    if found is None:
        return grid, mapping, ()
    line, header = grid.whole_head[found.position]
    headings = [header[index] for index in (found.year, found.month) if index is not None]
    together = "・".join(re.sub(r"\s", "", one) for one in headings) + ("" if found.year is not None else "（年を補ったもの）")
    grid = _add_column(con, grid, found, heading=together, line=line)
    # The parts are no fields of their own any more; a list of many tables' fields finds the whole only.
    said = replace(mapping, columns={**mapping.columns, together: "month"}, ignore_columns=(*mapping.ignore_columns, *headings))
    year = f"{found.fixed}{'年' if found.calendar else '年度'}"
    note = f"「{headings[-1]}」の列に年がないので、{year}の月として読みました" if found.fixed else f"「{'」と「'.join(headings)}」を合わせて年月としました"
    return grid, said, (note,)


def _said(grid: Grid, mapping: FileMapping) -> YearMonth | None:
    said = dict(mapping.year_month or {})
    calendar = "year" in said
    year = said["year" if calendar else "fiscal_year"]
    for position, (_, cells) in enumerate(grid.whole_head[:_HEADER_WITHIN]):
        keys = [heading_key(cell) for cell in cells]
        if heading_key(said["month"]) not in keys or not (year.startswith("=") or heading_key(year) in keys):
            continue
        month = keys.index(heading_key(said["month"]))
        if not year.startswith("="):
            return YearMonth(position=position, month=month, year=keys.index(heading_key(year)), fixed=None, calendar=calendar)
        fixed = year_in(year[1:])
        if fixed is None:
            raise SchemaError("year_month の = の後が年として読めません", place=f"mapping.yaml {grid.file}", hint="=R6 や =2024 のように書いてください")
        return YearMonth(position=position, month=month, year=None, fixed=fixed[0], calendar=calendar)
    raise SchemaError("year_month に書かれた見出しがありません", place=f"mapping.yaml {grid.file} {grid.sheet}".strip(), hint="見出しの字を確かめてください")


def _seen(grid: Grid, *, schema: Schema, mapping: FileMapping) -> YearMonth | None:
    months, fiscal = _names(schema, "month"), _names(schema, "fiscal_year")
    said = {heading_key(heading) for heading, field in mapping.columns.items() if field == "month"}
    for position, (line, cells) in enumerate(grid.whole_head[:_HEADER_WITHIN]):
        folded = [fold(cell) for cell in cells]
        month = next((index for index, cell in enumerate(cells) if folded[index] in months or (cell and heading_key(cell) in said)), None)
        if month is None or not _are_bare(grid, line, month):
            continue
        year = next((index for index, cell in enumerate(folded) if cell in fiscal | _CALENDAR), None)
        if year is not None:
            return YearMonth(position=position, month=month, year=year, fixed=None, calendar=folded[year] in _CALENDAR)
        title = " ".join(cell for _, row in grid.head[:position] for cell in row if cell)
        around = first_year((grid.sheet, title, grid.file.rsplit("/", 1)[-1]))
        if around is not None:
            return YearMonth(position=position, month=month, year=None, fixed=around[0], calendar=False)
    return None


def _names(schema: Schema, field: str) -> frozenset[str]:
    specs: list[FieldSpec] = [spec for table in schema.tables.values() for spec in table.fields if spec.name == field]
    return frozenset(fold(one) for spec in specs for one in (spec.name, spec.title, *spec.aliases))


def _are_bare(grid: Grid, line: int, column: int) -> bool:
    cells = [row[column] for below, row in grid.whole_head if below > line and not is_missing(row[column])]
    bare = sum(bool(_BARE.fullmatch(unicodedata.normalize("NFKC", cell))) for cell in cells)
    return bool(cells) and bare >= _FEWEST * len(cells)


def _whole(year: str, month: str, found: YearMonth) -> str:
    """``2025-01``; a text that no parser accepts when one of the two cannot be read, blank when there is no month."""
    if is_missing(month) and (found.year is None or is_missing(year)):
        return ""
    number = _BARE.fullmatch(unicodedata.normalize("NFKC", month).strip())
    read = parse_fiscal_year(year) if found.fixed is None else found.fixed
    if number is None or isinstance(read, Refusal):
        return f"{year} {month} ?"
    return f"{place_month(int(number[1]), read, calendar=found.calendar):%Y-%m}"


def _add_column(con: DuckDBPyConnection, grid: Grid, found: YearMonth, *, heading: str, line: int) -> Grid:
    year = f"c{found.year}" if found.year is not None else "''"
    pairs: Sequence[tuple[str, str]] = con.execute(f"SELECT DISTINCT {year}, c{found.month} FROM {name(grid.table)} WHERE line > {line}").fetchall()
    values = [(one, other, _whole(one, other, found)) for one, other in pairs]
    lookup, table, added = f"{grid.table}_months", f"{grid.table}_dated", f"c{grid.n_columns}"
    create_table(con, lookup, columns=("y", "m", "v"), values=list(values))
    con.execute(f"""CREATE TABLE {name(table)} AS SELECT g.* REPLACE (g.width + 1 AS width),
        CASE WHEN g.line = {line} THEN {text(heading)} ELSE coalesce(p.v, '') END AS {added}
        FROM {name(grid.table)} g LEFT JOIN {name(lookup)} p ON g.line > {line} AND p.y = {year.replace("c", "g.c", 1)} AND p.m = g.c{found.month}""")
    con.execute(f"DROP {grid.kind} {name(grid.table)}")
    shown = {(one, other): whole for one, other, whole in values}
    head = tuple(
        (below, (*cells, heading if below == line else shown.get((cells[found.year] if found.year is not None else "", cells[found.month]), "")))
        for below, cells in grid.whole_head
    )
    return replace(grid, table=table, n_columns=grid.n_columns + 1, head=head, parquet=None, raw=())

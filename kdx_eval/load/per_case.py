"""件数 and 1件当たりの時間 in two columns, as a survey of work asks for them, as one column of minutes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from kdx_eval.load.cells import Quantity, is_missing, parse_hours, parse_number, tidy
from kdx_eval.load.database import create_table, name, text
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import fold, heading_names
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.units_said import BRACKETS
from kdx_eval.schema import Schema

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HEADER_WITHIN = 30
_PER_CASE = re.compile(
    r".*((1|一)件(当|あ)た?り).*(時間|分).*|.*(時間|分|所要).*((1|一)件(当|あ)た?り|/(1|一)?件).*|(平均|標準)(処理|作業|所要)(時間|分).*"
)
_TOTAL = re.compile(r"(年間|総|合計|延べ?).*時間.*")
_UNIT = re.compile(r"[(\[].*?(?P<unit>時間|分|秒|h).*?[)\]]")
_CASES = re.compile(r"(年間|月間|延べ?|総)?(処理|取扱|受付)?件数(（件）|\(件\))?")
_SCALES = {"分": Decimal(1), "時間": Decimal(60), "h": Decimal(60), "秒": Decimal(1) / 60}


def compose_minutes(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> tuple[Grid, FileMapping, tuple[str, ...]]:
    """``grid`` with a column of 件数 × 1件当たりの時間, and the mapping that says so; both unchanged when there are no such columns.

    The unit stands in the heading (分/件) or in every cell (15分): a bare number without one is not multiplied, since 0.25 may be hours.
    """
    found = _seen(grid, schema, mapping)
    if found is None:
        return grid, mapping, ()
    line, header, cases, each = found
    unit = _UNIT.search(unicodedata.normalize("NFKC", header[each]))
    scale = _SCALES.get(unit["unit"] if unit else mapping.units.get("minutes", ""))
    pairs = con.execute(f"SELECT DISTINCT c{cases}, c{each} FROM {name(grid.table)} WHERE line > {line} ORDER BY ALL").fetchall()
    heading = re.sub(r"\s", "", header[each])
    if scale is None and any(isinstance(parse_number(one), Decimal) for _, one in pairs):
        how = "見出しに（分）か（時間）と書くか、mapping.yaml に units: {minutes: 分} と書けば、件数を掛けて処理時間とします"
        return grid, mapping, (f"注意: 「{heading}」の単位が書かれていないので使いません。{how}",)
    called = re.sub(r"\s", "", header[cases])
    together = f"{called}×{BRACKETS.sub('', unicodedata.normalize('NFKC', heading))}"  # the unit is minutes now
    values = [(one, other, _product(one, other, scale or Decimal(1))) for one, other in pairs]
    grid = _add_column(con, grid, columns=(cases, each), heading=together, line=line, values=values)
    units = {field: written for field, written in mapping.units.items() if field != "minutes"}  # the product is in minutes
    columns = {**mapping.columns, header[cases]: "cases", together: "minutes"}
    said = replace(mapping, units=units, columns=columns, ignore_columns=(*mapping.ignore_columns, header[each]))
    return grid, said, (f"「{called}」に「{heading}」を掛けて、処理時間（分）としました",)


def _seen(grid: Grid, schema: Schema, mapping: FileMapping) -> tuple[int, tuple[str, ...], int, int] | None:
    """Line and cells of the header, and the columns of cases and of minutes for each; None when there are none, or a total stands there as well."""
    fields = {spec.name: heading_names(spec) for spec in schema.table("workload").fields}
    for line, cells in grid.whole_head[:_HEADER_WITHIN]:
        plain = [re.sub(r"\s", "", unicodedata.normalize("NFKC", cell)) for cell in cells]
        each = [index for index, cell in enumerate(plain) if _PER_CASE.fullmatch(cell)]
        cases = [index for index, cell in enumerate(plain) if fold(cells[index]) in fields["cases"] or _CASES.fullmatch(cell)]
        others = [index for index, cell in enumerate(plain) if cell and index not in each]
        total = [index for index in others if fold(cells[index]) in fields["minutes"] or _TOTAL.fullmatch(plain[index])]
        if len(each) == 1 and len(cases) == 1 and not total and "minutes" not in mapping.columns.values():
            return line, cells, cases[0], each[0]
    return None


def _product(cases: str, each: str, scale: Decimal) -> str:
    """Minutes as text: blank when either is blank; when one cannot be read, a text that is refused."""
    if is_missing(cases) or is_missing(each):
        return ""
    number = parse_number(cases, Quantity(unit="cases", whole=False))
    minutes = parse_hours(each, Quantity(unit="minutes", whole=False, scale=scale))
    return f"{number * minutes:f}" if isinstance(number, Decimal) and isinstance(minutes, Decimal) else f"{tidy(cases)}×{tidy(each)}"


def _add_column(con: DuckDBPyConnection, grid: Grid, *, columns: tuple[int, int], heading: str, line: int, values: list[tuple[str, str, str]]) -> Grid:
    lookup, table, added = f"{grid.table}_products", f"{grid.table}_timed", f"c{grid.n_columns}"
    create_table(con, lookup, columns=("a", "b", "v"), values=list(values))
    con.execute(f"""CREATE TABLE {name(table)} AS SELECT g.* REPLACE (g.width + 1 AS width),
        CASE WHEN g.line = {line} THEN {text(heading)} ELSE coalesce(p.v, '') END AS {added}
        FROM {name(grid.table)} g LEFT JOIN {name(lookup)} p ON g.line > {line} AND p.a = g.c{columns[0]} AND p.b = g.c{columns[1]}""")
    con.execute(f"DROP {grid.kind} {name(grid.table)}")
    shown = {(one, other): product for one, other, product in values}
    head = tuple(
        (below, (*cells, heading if below == line else shown.get((cells[columns[0]], cells[columns[1]]), "") if below > line else ""))
        for below, cells in grid.whole_head
    )
    return replace(grid, table=table, n_columns=grid.n_columns + 1, head=head, parquet=None, raw=())

"""What mapping.yaml could say about a cross-tab that is not read as it is, and about a month in two columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kdx_eval.errors import KdxError
from kdx_eval.load.cells import is_missing, parse_fiscal_year, parse_number
from kdx_eval.load.crosstabs import FEWEST_MONTHS, find_blocks
from kdx_eval.load.dates import Refusal
from kdx_eval.load.files import Grid
from kdx_eval.load.guessing import ColumnGuess, Known, Samples, content
from kdx_eval.load.mapping import CrosstabMapping, FileMapping
from kdx_eval.load.shapes import month_of
from kdx_eval.schema import Schema, TableSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BARE = re.compile(r"0?([1-9]|1[0-2])(月|月分)?")
_MANY_YEN = 1000  # hours of overtime of a department in a month stay under it more often than not; allowances do not


@dataclass(frozen=True, slots=True, kw_only=True)
class CrosstabGuess:
    """What to write under ``crosstab``; ``reads`` says whether the sheet is read with it, ``asks`` what somebody has to fill in."""

    table: str
    said: CrosstabMapping
    score: float
    reads: bool
    why: str
    asks: tuple[tuple[str, str], ...] = ()


def guess_crosstab(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping, known: Known) -> CrosstabGuess | None:
    """The cross-tab that ``grid`` seems to be although it is not read; None when no months stand in a row."""
    header = next((position for position, (_, cells) in enumerate(grid.head) if sum(month_of(cell) is not None for cell in cells) >= FEWEST_MONTHS), None)
    if header is None or mapping.table not in {None, "worktime", "workload", "headcount", "indicators"}:
        return None
    _, cells = grid.whole_head[header]
    first = next(index for index, cell in enumerate(cells) if month_of(cell) is not None)
    below = [row for _, row in grid.whole_head[header + 1 :]]
    department = schema.table("worktime").field("department_id")
    shares = {index: content([row[index] for row in below], department, known=known) or 0.0 for index in range(first) if cells[index]}
    key = max(shares, key=lambda index: (shares[index], index), default=None)
    if key is None or shares[key] < FEWEST_MONTHS / 12:
        return None
    measure = _measure(below, first)
    why = f"月が横に並び、「{cells[key]}」の{shares[key]:.0%}が所属"
    missing = ""
    tried = [CrosstabMapping(key=cells[key]), CrosstabMapping(key=cells[key], measure=measure)]
    for said in tried:
        try:
            blocks = find_blocks(con, grid, schema=schema, mapping=replace(mapping, crosstab=said))
        except KdxError as problem:
            missing = f"。{problem.reason}"
            continue
        if blocks:
            # Nothing but the size of the numbers tells the measure: somebody has to look.
            is_measured = said.measure is None and blocks[0].measure.field.name != "overtime_hours"
            sure = 0.9 if is_measured or "時間外" in f"{grid.sheet}{grid.file}{blocks[0].title}" else 0.7
            shown = replace(said, measure=blocks[0].measure.field.name)
            return CrosstabGuess(table=blocks[0].table.name, said=shown, score=sure, reads=True, why=why)
    return CrosstabGuess(
        table="worktime", said=CrosstabMapping(key=cells[key], measure=measure), score=0.5, reads=False, why=why + missing, asks=(("fiscal_year", "R6"),)
    )


def _measure(rows: Sequence[Sequence[str]], first: int) -> str:
    numbers = [number for row in rows for cell in row[first:] if not isinstance(number := parse_number(cell), Refusal) and number is not None]
    large = sum(number >= _MANY_YEN for number in numbers)
    return "paid_overtime_yen" if numbers and 2 * large > len(numbers) else "overtime_hours"


def guess_year_month(samples: Samples, table: TableSpec, *, columns: Sequence[ColumnGuess]) -> tuple[tuple[str, str], ...]:
    """(fiscal_year or year, heading), (month, heading) where year and month stand in two columns whose headings say too little."""
    if "month" not in {spec.name for spec in table.fields} or any(guess.field.name == "month" and guess.plain for guess in columns):
        return ()
    filled = {heading: [one for one in texts if not is_missing(one)] for heading, texts in zip(samples.headings, samples.texts, strict=True) if heading}
    months = [heading for heading, texts in filled.items() if texts and all(_BARE.fullmatch(unicodedata.normalize("NFKC", one)) for one in texts)]
    years = [heading for heading, texts in filled.items() if texts and not any(isinstance(parse_fiscal_year(one), Refusal) for one in texts)]
    # Small counts look like months too: only one column may, or one whose heading says so.
    months = [one for one in months if "月" in one or "期" in one] or (months if len(months) == 1 else [])
    if len(months) != 1 or len(years) != 1:
        return ()
    fiscal = "年度" in years[0] or any("年度" in one for one in filled[years[0]])
    return (("fiscal_year" if fiscal or "年" not in years[0] else "year", years[0]), ("month", months[0]))

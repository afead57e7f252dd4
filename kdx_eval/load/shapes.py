"""Cross-tabs (課 down, months across, one sheet a year) turned into one row for each department and month."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError
from kdx_eval.load.database import name, text
from kdx_eval.load.dates import Refusal, parse_fiscal_year, parse_month
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, Layout, fold, table_named
from kdx_eval.load.mapping import FileMapping
from kdx_eval.schema import FieldSpec, Schema

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TOTAL = re.compile(
    r"[\s　]*([\(（【]?(合[\s　]*計|小[\s　]*計|総[\s　]*計|総合計|計|全体|全庁|全庁計|市全体|累計)[\)）】]?"
    r"|.{1,12}(部|局|課|所属|全庁|年度|年間|期)[\s　]*(合計|小計|計))[\s　]*"
)
_BARE_MONTH = re.compile(r"(1[0-2]|[1-9])月(分)?")
_YEAR_IN_TEXT = re.compile(r"(令和|平成|R|H)\s*(\d{1,2}|元)\s*(年度|年|度)?|(FY)?(20\d{2})\s*(年度|年)?(?!\d)")
_MEASURES = {"時間外勤務手当": "paid_overtime_yen", "時間外手当": "paid_overtime_yen", "超過勤務手当": "paid_overtime_yen"}
_PERSON = frozenset(fold(word) for word in ("氏名", "職員氏名", "職員名", "名前", "氏名カナ", "カナ", "フリガナ", "受講者", "受講者氏名"))
_FEWEST_MONTHS = 6
_YEAR_START = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosstab:
    """Where the months stand: header line, column of the key, (column, month) pairs and the column of totals."""

    header_line: int
    key: Column
    months: tuple[tuple[int, dt.date, str], ...]
    total: int | None
    measure: FieldSpec
    layout_title: str


def find_crosstab(grid: Grid, *, schema: Schema, mapping: FileMapping) -> Crosstab | None:
    """The cross-tab in ``grid``, or None. Raises DataError when months stand across but their year is nowhere said."""
    worktime = schema.table("worktime")
    for position, (line, cells) in enumerate(grid.head[:30]):
        marked = [(index, _month_of(cell)) for index, cell in enumerate(cells)]
        found = [(index, month) for index, month in marked if month is not None]
        if len(found) < _FEWEST_MONTHS:
            continue
        title = " ".join(cell for _, row in grid.head[:position] for cell in row if cell.strip())
        names = (mapping.table, grid.sheet, title, grid.file.rsplit("/", 1)[-1])
        tables = [spec for spec in (table_named(text_, schema) for text_ in names if text_) if spec]
        if mapping.crosstab is None and tables and all(spec.name != "worktime" for spec in tables):
            return None
        key = _key_column(cells, found[0][0], worktime.fields)
        if key is None:
            return None
        year = _year_of(mapping, grid, title)
        needs_year = any(isinstance(month, int) for _, month in found)
        if needs_year and year is None:
            place = f"{grid.file} {grid.sheet}".strip()
            raise DataError("月だけで年度が書かれていません", place=place, hint="シート名を R6年度 のようにするか、表題に年度を書いてください")
        months = tuple((index, _place(month, year or 0), cells[index]) for index, month in found)
        total = next((index for index, cell in enumerate(cells) if index > found[0][0] and TOTAL.fullmatch(cell)), None)
        measure = (mapping.crosstab or {}).get("measure") or next(
            (field for word, field in _MEASURES.items() if word in fold(f"{grid.sheet}{title}{grid.file}")), "overtime_hours"
        )
        return Crosstab(header_line=line, key=key, months=months, total=total, measure=worktime.field(measure), layout_title=title)
    return None


def _key_column(cells: Sequence[str], before: int, fields: Sequence[FieldSpec]) -> Column | None:
    for wanted in ("staff_id", "department_id"):
        spec = next(field for field in fields if field.name == wanted)
        known = {fold(spec.name), fold(spec.title), *(fold(alias) for alias in spec.aliases)}
        for index, cell in enumerate(cells[:before]):
            if fold(cell) in known:
                return Column(field=spec, index=index, heading=cell)
    if before == 1 and fold(cells[0]) in _PERSON:
        return None  # people by name are no departments
    if before == 1:
        return Column(field=next(field for field in fields if field.name == "department_id"), index=0, heading=cells[0])
    return None


def _month_of(cell: str) -> int | dt.date | None:
    """A bare month of the fiscal year as a number, a dated one as its first day."""
    plain = unicodedata.normalize("NFKC", cell).strip().replace(" ", "")
    if found := _BARE_MONTH.fullmatch(plain):
        return int(found[1])
    if len(plain) < 4 or (plain.isdecimal() and len(plain) != 6):
        return None
    month = parse_month(plain)
    return None if isinstance(month, Refusal) else month


def _place(month: int | dt.date, fiscal_year: int) -> dt.date:
    if isinstance(month, dt.date):
        return month
    return dt.date(fiscal_year if month >= _YEAR_START else fiscal_year + 1, month, 1)


def _year_of(mapping: FileMapping, grid: Grid, title: str) -> int | None:
    for candidate in ((mapping.crosstab or {}).get("fiscal_year"), grid.sheet, title, grid.file.rsplit("/", 1)[-1]):
        year = year_in(candidate or "")
        if year is not None:
            return year
    return None


def year_in(written: str) -> int | None:
    """The fiscal year that a name or title speaks of (令和6年度, R6, 2024年度), or None."""
    found = _YEAR_IN_TEXT.search(unicodedata.normalize("NFKC", written).replace("元", "1"))
    year = parse_fiscal_year(re.sub(r"\s", "", found[0])) if found else None
    return year if isinstance(year, int) else None


def unpivot(con: DuckDBPyConnection, grid: Grid, *, crosstab: Crosstab, schema: Schema) -> tuple[Grid, Layout, list[str]]:
    """A grid of (key, month, measure) with the layout to read it, and notes on totals and empty months.

    Rows and columns of totals are compared with their sum and left out; a month in which nobody has a value was not collected.
    """
    worktime = schema.table("worktime")
    key = f"c{crosstab.key.index}"
    body = f"SELECT * FROM {name(grid.table)} WHERE line > {crosstab.header_line} AND {key} <> ''"
    dated = [month for _, month, _ in crosstab.months]
    notes = [] if dated == sorted(dated) else ["注意: 月の見出しが順に並んでいません。見出しの書き誤りでないか確かめてください"]
    filled = [
        (index, month, heading)
        for index, month, heading in crosstab.months
        if con.execute(f"SELECT count(*) FROM ({body}) WHERE c{index} <> ''").fetchall()[0][0]
    ]
    if len(filled) < len(crosstab.months):
        notes.append(f"値のない月が{len(crosstab.months) - len(filled)}つあり、未収集としました")
    if crosstab.total is not None:
        filled.append((crosstab.total, dt.date.min, "合計"))
    pieces = []
    for index, month, heading in filled:
        shown = text("" if month == dt.date.min else f"{month:%Y-%m}")
        pieces.append(f"SELECT line, 3 AS width, {key} AS c0, {shown} AS c1, c{index} AS c2, {text(heading)} AS heading FROM ({body})")
    table = f"{grid.table}_long"
    union = " UNION ALL ".join(pieces) or "SELECT 0 AS line, 3 AS width, '' AS c0, '' AS c1, '' AS c2, '' AS heading LIMIT 0"
    con.execute(f"CREATE TABLE {name(table)} AS SELECT row_number() OVER () AS rid, * FROM ({union})")
    columns = (
        replace(crosstab.key, index=0),
        Column(field=worktime.field("month"), index=1, heading="月"),
        Column(field=crosstab.measure, index=2, heading="月の列"),
    )
    layout = Layout(table=worktime, header_line=crosstab.header_line, columns=columns, headings=(crosstab.key.heading, "月", "値"), title=crosstab.layout_title)
    notes += check_totals(con, table, months=[heading for _, month, heading in filled if month != dt.date.min], measure=crosstab.measure)
    return replace(grid, table=table, n_columns=3), layout, notes


def check_totals(con: DuckDBPyConnection, table: str, *, months: Sequence[str], measure: FieldSpec) -> list[str]:
    """Compare rows and columns of totals with the sums, take them out of the long grid, and say what was found."""
    from kdx_eval.load.cells import parse_cell

    rows = con.execute(f"SELECT line, c0, c2, heading FROM {name(table)} ORDER BY line").fetchall()
    values: dict[tuple[int, str], float] = {}
    total_lines: list[int] = []
    for line, label, written, heading in rows:
        value = parse_cell(str(written), measure)
        values[line, heading] = float(value) if isinstance(value, str) else 0.0
        if TOTAL.fullmatch(str(label)) and line not in total_lines:
            total_lines.append(line)
    lines = list(dict.fromkeys(row[0] for row in rows))
    wrong = 0
    for total in total_lines:
        # A grand total covers all rows above that are no totals, a subtotal those since the last total.
        above = [line for line in lines if line < total]
        since = [line for line in above if line > max((other for other in total_lines if other < total), default=0)]
        sums = [[sum(values.get((line, month), 0.0) for line in part if line not in total_lines) for month in months] for part in (above, since)]
        stated = [values.get((total, month), 0.0) for month in months]
        wrong += not any(all(abs(a - b) < 0.5 for a, b in zip(stated, one, strict=True)) for one in sums)
    stated_sums = {line: values[line, "合計"] for line in lines if (line, "合計") in values}
    across = [line for line, stated_sum in stated_sums.items() if abs(stated_sum - sum(values.get((line, month), 0.0) for month in months)) >= 0.5]
    con.execute(f"DELETE FROM {name(table)} WHERE heading = '合計' OR line IN ({', '.join(map(str, total_lines)) or 'NULL'})")
    notes = [f"合計の行{len(total_lines)}つはデータに数えていません"] if total_lines else []
    if wrong:
        notes.append(f"注意: 合計の行のうち{wrong}つが内訳の合計と合いません")
    if across:
        notes.append(f"注意: 合計の列が内訳の合計と合わない行が{len(across)}つあります（{'、'.join(f'{line}行' for line in across[:5])}）")
    return notes

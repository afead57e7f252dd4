"""What a file says twice: running numbers, totals under a list, quantity x unit price, the year in its name. Contradictions become notes."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

from kdx_eval.load.cells import Refusal, parse_cell
from kdx_eval.load.database import name, rows, scalar, text
from kdx_eval.load.endings import broken_off
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, Layout
from kdx_eval.load.shapes import year_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_RUNNING = frozenset({"no", "no.", "№", "番号", "連番", "通番", "項番", "通し番号", "整理番号", "#"})
# (field, a field that is nearly always larger in the same row, what to say where it is not)
_SMALLER = {
    "worktime": (("overtime_hours", "scheduled_hours", "時間外勤務時間が正規の勤務時間より多い"),),
    "workload": (("cases", "minutes", "1件あたり1分に満たない"),),
    "costs": (("quantity", "unit_price", "数量が単価より大きい"),),
}
_TAX = ("1", "1.1", "1.08")  # unit prices are written with or without consumption tax
_MANY = 6  # rows of the usual name, beside which a name with one row is odd
_FEWEST = 3  # numbers in a column before it counts as running


def contradictions(con: DuckDBPyConnection, grid: Grid, *, layout: Layout, key: str) -> list[str]:
    """Notes on where the rows of a file contradict what the same file says about them; reads body_, odd_ and stage_<key>."""
    return [
        *_running_numbers(con, layout, key=key),
        *_totals(con, grid, layout=layout, key=key),
        *_products(con, layout, key=key),
        *_exchanged_measures(con, layout, key=key),
        *_year_of_the_name(con, grid, layout=layout, key=key),
        *_lone_names(con, layout, key=key),
        *broken_off(con, layout, key=key),
    ]


def _running_numbers(con: DuckDBPyConnection, layout: Layout, *, key: str) -> list[str]:
    used = {column.index for column in layout.columns}
    for index, heading in enumerate(layout.headings):
        if index in used or unicodedata.normalize("NFKC", heading).strip().lower() not in _RUNNING:
            continue
        found = rows(con, f"SELECT count(n), count(DISTINCT n), min(n), max(n), count(*) FROM (SELECT TRY_CAST(c{index} AS BIGINT) AS n FROM body_{key})")[0]
        filled, distinct, first, last, n_rows = (int(str(value or 0)) for value in found)
        missing, repeated, blank = last - distinct, filled - distinct, n_rows - filled
        if n_rows >= _FEWEST and not filled:
            return [f"注意: 「{heading.strip()}」の列が空です。列がずれていないか確かめてください"]
        # A column of other numbers (an account, a room) is no running one.
        if distinct < _FEWEST or first < 0 or 2 * distinct < last or 2 * filled < n_rows:
            continue
        if missing > 0 or repeated or blank:
            return [f"注意: 「{heading.strip()}」の番号に抜けが{max(missing, 0)}、重なりが{repeated}、空欄が{blank}あります。行の漏れや重複を確かめてください"]
    return []


def _totals(con: DuckDBPyConnection, grid: Grid, *, layout: Layout, key: str) -> list[str]:
    """Each total row against the sum of all rows above, of those since the last total, and of the totals above."""
    lines = [int(str(row[0])) for row in rows(con, f"SELECT line FROM odd_{key} WHERE kind = 'total_row' ORDER BY line")]
    measures = [column for column in layout.columns if column.field.type in {"integer", "number"} and column.field.unit not in {None, "fiscal_year", "points"}]
    if not lines or not measures:
        return []
    wrong = 0
    for number, line in enumerate(lines):
        last = lines[number - 1] if number else layout.header_line
        for column in measures:
            written = rows(con, f"SELECT c{column.index} FROM {name(grid.table)} WHERE line = {line}")[0][0]
            stated = parse_cell(str(written), column.field, scale=column.scale)
            if isinstance(stated, Refusal):
                wrong += 1
            elif stated is not None:
                total = f"coalesce(sum({name(column.field.name)}), 0)"
                sums = rows(con, f"SELECT {total}, {total.replace('), 0)', f') FILTER (_line > {last}), 0)')} FROM stage_{key} WHERE _line < {line}")[0]
                wrong += not any(abs(Decimal(str(value)) - Decimal(stated)) <= _rounding(column) for value in sums)
    return [f"注意: 合計の行の{wrong}か所が、その上の行の合計と合いません。行の漏れや値の変わったところを確かめてください"] if wrong else []


def _rounding(column: Column) -> Decimal:
    """How far a total may lie from the sum: sums of whole numbers not at all, others as far as they are rounded when printed."""
    if column.scale > 1:
        return column.scale
    return Decimal(0) if column.field.type == "integer" else Decimal("0.5")


def _products(con: DuckDBPyConnection, layout: Layout, *, key: str) -> list[str]:
    if layout.table.name != "costs" or not all(layout.has(part) for part in ("quantity", "unit_price", "yen")):
        return []
    scale = max((column.scale for column in layout.columns if column.field.name == "yen"), default=Decimal(1))
    fits = " OR ".join(f"abs(yen - quantity * unit_price * {tax}) <= {max(scale, Decimal(1))}" for tax in _TAX)
    wrong = scalar(con, f"SELECT count(*) FROM stage_{key} WHERE quantity IS NOT NULL AND unit_price IS NOT NULL AND yen IS NOT NULL AND NOT ({fits})")
    notes = [f"注意: 数量×単価が金額と合わない行が{wrong}あります。数量、単価、金額の単位（円と千円）を確かめてください"] if wrong else []
    half = scalar(con, f"SELECT count(*) FROM stage_{key} WHERE yen IS NOT NULL AND (quantity IS NULL) <> (unit_price IS NULL)")
    return [*notes, *([f"注意: 数量と単価の片方だけが空欄の行が{half}あります。書き漏れでないか確かめてください"] if half else [])]


def _exchanged_measures(con: DuckDBPyConnection, layout: Layout, *, key: str) -> list[str]:
    """Two measures of one row of which one is nearly always the larger: columns were exchanged, or one is in another unit."""
    notes = []
    for small, large, said in _SMALLER.get(layout.table.name, ()):
        if layout.has(small) and layout.has(large):
            pair = f"count(*) FILTER ({name(small)} > {name(large)}), count(*) FILTER ({name(small)} > 0 AND {name(large)} IS NOT NULL)"
            odd, both = (int(str(value)) for value in rows(con, f"SELECT {pair} FROM stage_{key}")[0])
            if both >= _FEWEST and 2 * odd > both:
                notes.append(f"注意: {said}行が{both}行のうち{odd}あります。列の取り違えや単位を確かめてください")
    return notes


def _year_of_the_name(con: DuckDBPyConnection, grid: Grid, *, layout: Layout, key: str) -> list[str]:
    """Dates and fiscal years against the fiscal year that the file, the sheet or the title names; a staff list holds older dates."""
    kinds = {column.field.name: column.field.type for column in layout.columns if column.field.type in {"date", "yearmonth", "year"}}
    sheet, title, file = (_fiscal_year_in(written) for written in (grid.sheet, layout.title, grid.file.rsplit("/", 1)[-1]))
    years = [year for year in (sheet, title, file) if year is not None]
    if not years or layout.table.name not in {"training", "worktime", "workload", "indicators", "costs", "applicants"}:
        return []
    if sheet is not None and title is not None and sheet != title:
        return [f"注意: シート名の年度（{sheet}年度）と表題の年度（{title}年度）が違います。どちらが正しいか確かめてください"]
    year = years[0]
    first, after = text(f"{year}-04-01"), text(f"{year + 1}-04-01")
    tests = [f"{name(one)} <> {year}" if kind == "year" else f"{name(one)} < DATE {first} OR {name(one)} >= DATE {after}" for one, kind in kinds.items()]
    outside = scalar(con, f"SELECT count(*) FROM stage_{key} WHERE {' OR '.join(f'({test})' for test in tests)}") if tests else 0
    return [f"注意: 名前や表題に書かれた年度（{year}年度）の外の日付が{outside}行にあります。年度と暦年の取り違えを確かめてください"] if outside else []


def _fiscal_year_in(written: str) -> int | None:
    """The fiscal year a name speaks of; 2024年 without 度 is a calendar year."""
    found = year_in(written)
    return found[0] if found and found[1] != "年" else None


def _lone_names(con: DuckDBPyConnection, layout: Layout, *, key: str) -> list[str]:
    """Names and numbers that stand in one row only, where the others have a row for many months."""
    if layout.table.name not in {"worktime", "workload", "headcount"}:
        return []
    notes = []
    for column in layout.columns:
        if column.field.name not in {"department_id", "process_id", "staff_id"}:
            continue
        counts = f"SELECT count(*) AS n, min(_line) AS line FROM stage_{key} WHERE {name(column.field.name)} IS NOT NULL GROUP BY {name(column.field.name)}"
        found = rows(con, f"SELECT line FROM ({counts}) WHERE n = 1 AND (SELECT median(n) FROM ({counts})) >= {_MANY} ORDER BY line")
        if found:
            lines = "、".join(f"{row[0]}行" for row in found[:5])
            notes.append(f"注意: 「{column.heading}」に一度しか現れない名前や番号が{len(found)}つあります（{lines}）。書き誤りでないか確かめてください")
    return notes

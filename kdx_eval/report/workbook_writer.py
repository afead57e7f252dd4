"""Writing the calculation workbook: a cursor on each sheet, texts that stay texts, and the addresses that formulas refer to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.blocks import visible
from kdx_eval.report.wording import planned

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from kdx_eval.results import Results

ASSUMPTIONS, CALCULATION = "前提", "計算"
_MOST_CHARS = 32000  # a cell holds 32,767
_THIN = {"border": 1, "border_color": "#C3CBD1"}
_FORMATS: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True, "valign": "vcenter", **_THIN},
    "plain": {},
    "title": {"font_size": 14, "font_color": "#0B4F7D"},
    "head": {"bg_color": "#EEF3F7", "font_color": "#0B4F7D", "border": 1, "border_color": "#9AA5AD", "text_wrap": True, "align": "center", "valign": "vcenter"},
    "warn": {"font_color": "#FFFFFF", "bg_color": "#B34700"},
    "number": {"num_format": "#,##0;△#,##0", "valign": "vcenter", **_THIN},
    "decimal": {"num_format": "#,##0.00;△#,##0.00", "valign": "vcenter", **_THIN},
    "small": {"num_format": "0.0000;△0.0000", "valign": "vcenter", **_THIN},
    "share": {"num_format": "0.0%", "valign": "vcenter", **_THIN},
    "factor": {"num_format": "0.0000", "valign": "vcenter", **_THIN},
    "input": {"num_format": "#,##0;△#,##0", "bg_color": "#FFF7DB", "valign": "vcenter", **_THIN},
    "input_decimal": {"num_format": "#,##0.00;△#,##0.00", "bg_color": "#FFF7DB", "valign": "vcenter", **_THIN},
    "input_share": {"num_format": "0.0%", "bg_color": "#FFF7DB", "valign": "vcenter", **_THIN},
}


class SheetWriter:
    """A cursor on each sheet, and the addresses of the figures that formulas refer to."""

    def __init__(self, book: Workbook, results: Results) -> None:
        self._book = book
        self._plan = planned(results)
        self._formats: dict[str, Format] = {name: book.add_format({"font_name": "游ゴシック", **spec}) for name, spec in _FORMATS.items()}
        self._sheets: dict[str, Worksheet] = {}
        self._row: dict[str, int] = {}
        self._widths: dict[str, tuple[float, ...]] = {}
        self.place: dict[str, str] = {}
        self.value: dict[str, float] = {}

    def add_sheet(self, name: str) -> None:
        """A sheet with its title, the note on synthetic data, and A4 landscape printing."""
        sheet = self._book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&C&P／&N")
        if self._plan.synthetic:
            sheet.set_header(f"&R{SYNTHETIC_NOTE}")
        self._sheets[name] = sheet
        self._row[name] = 0
        self.texts(name, [f"{name}　{self._plan.heading}"], style="title")
        if self._plan.synthetic:
            sheet.merge_range(1, 0, 1, 3, SYNTHETIC_NOTE, self._formats["warn"])
            self._row[name] += 1

    def widths(self, name: str, *widths: float) -> None:
        """Column widths in characters."""
        self._widths[name] = widths
        for column, width in enumerate(widths):
            self._sheets[name].set_column(column, column, width)

    def texts(self, name: str, cells: Sequence[object], *, style: str = "text") -> None:
        """One row of texts and numbers; texts are always strings."""
        row = self._next(name)
        if style in ("text", "head"):
            lines = max((_lines(cell, width) for cell, width in zip(cells, self._widths[name], strict=False)), default=1)
            self._sheets[name].set_row(row, 18 * min(lines, 20))
        for column, cell in enumerate(cells):
            if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
                self._sheets[name].write_number(row, column, cell, self._formats[_style_of(cell)])
            elif cell is not None and not isinstance(cell, float):
                self._sheets[name].write_string(row, column, visible(str(cell))[:_MOST_CHARS], self._formats[style])
            elif style == "text":
                self._sheets[name].write_blank(row, column, None, self._formats[style])

    def given(self, key: str, label: str, *, value: float, unit: str, style: str = "input") -> None:
        """A row of 前提: label, a value that may be changed, unit."""
        self.texts(ASSUMPTIONS, [label, None, unit])
        row = self._row[ASSUMPTIONS] - 1
        self._sheets[ASSUMPTIONS].write_number(row, 1, value, self._formats[style])
        self._remember(key, ASSUMPTIONS, row, column=1, value=value)

    def formula(self, key: str, label: str, *, formula: str, value: float, style: str = "number") -> None:
        """A row of 計算: label, a formula in which ``{name}`` is the address of a figure, and its cached value."""
        self.texts(CALCULATION, [label])
        self.formula_at(CALCULATION, 1, key=key, formula=formula, value=value, style=style)

    def formula_at(self, name: str, column: int, *, key: str, formula: str, value: float, style: str = "number") -> None:
        """A formula in the last row of a sheet."""
        row = self._row[name] - 1
        self._sheets[name].write_formula(row, column, "=" + formula.format_map(self.place), self._formats[style], value)
        self._remember(key, name, row, column=column, value=value)

    def number_at(self, name: str, column: int, *, key: str, value: float, style: str = "input") -> None:
        """A number in the last row of a sheet."""
        row = self._row[name] - 1
        self._sheets[name].write_number(row, column, value, self._formats[style])
        self._remember(key, name, row, column=column, value=value)

    def next_row(self, name: str) -> int:
        """The number, from 1, of the row that is written next."""
        return self._row[name] + 1

    def gap(self, name: str) -> None:
        """An empty row."""
        self._row[name] += 1

    def filter_from(self, name: str, *, columns: int) -> None:
        """Freeze the rows above and let the table below be filtered; the head is the last row written."""
        row = self._row[name]
        self._sheets[name].freeze_panes(row, 0)
        self._sheets[name].autofilter(row - 1, 0, row - 1, columns - 1)
        self._sheets[name].repeat_rows(row - 1)

    def _next(self, name: str) -> int:
        self._row[name] += 1
        return self._row[name] - 1

    def _remember(self, key: str, name: str, row: int, *, column: int, value: float) -> None:
        self.place[key] = f"'{name}'!${chr(65 + column)}${row + 1}"
        self.value[key] = value


def _style_of(number: float) -> str:
    return "number" if float(number).is_integer() else "decimal" if abs(number) >= 0.1 else "small"


def _lines(cell: object, width: float) -> int:
    """Lines that a wrapped text takes; a Japanese character is as wide as two others, and no program measures this when a file is opened."""
    if not isinstance(cell, str):
        return 1
    return sum(max(1, math.ceil(sum(1 if char.isascii() else 2 for char in part) * 1.1 / width)) for part in cell.split("\n"))


def factor_formula(years: str, *, rate: str, kept: str) -> str:
    """The present value of one yen a year as a formula of three addresses: the sum of a geometric series.

    A ratio of one (no discount, no decay) would divide by zero.
    """
    ratio = f"({kept}/(1+{rate}))"
    return f"IF({ratio}=1,{years},(1-{ratio}^{years})/(1-{ratio}))/(1+{rate})"

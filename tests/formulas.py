"""An evaluator of the workbook's formulas in plain Python: a handful of functions, arithmetic, and addresses of other cells."""

from __future__ import annotations

import io
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from openpyxl import load_workbook

_ADDRESS = re.compile(r"(?:'(?P<sheet>[^']+)'!)?\$(?P<column>[A-Z]+)\$(?P<row>\d+)(?::\$(?P<column2>[A-Z]+)\$(?P<row2>\d+))?")


class Formulas:
    """All cells of a workbook; ``value`` computes a cell from its formula and never looks at what was cached."""

    def __init__(self, content: bytes) -> None:
        book = load_workbook(io.BytesIO(content))
        self.cells: dict[tuple[str, str], Any] = {(sheet.title, cell.coordinate): cell.value for sheet in book for row in sheet for cell in row}
        self._known: dict[tuple[str, str], Any] = {}

    def change(self, sheet: str, cell: str, value: float) -> None:
        """Write into one input cell; what follows from it is computed anew."""
        assert isinstance(self.cells[sheet, cell], int | float)
        self.cells[sheet, cell] = value
        self._known.clear()

    def find(self, sheet: str, label: str) -> str:
        """Address of the cell to the right of the label in column A."""
        return self.beside(sheet, "A", label, column="B")

    def beside(self, sheet: str, labels: str, label: str, *, column: str) -> str:
        """Address of the cell in ``column`` of the row whose text in column ``labels`` begins so."""
        wanted = re.compile(rf"{labels}\d+")
        (row,) = [key[1][1:] for key, value in self.cells.items() if key[0] == sheet and wanted.fullmatch(key[1]) and str(value).startswith(label)]
        return f"{column}{row}"

    def formulas(self) -> list[tuple[str, str]]:
        """Every cell that holds a formula."""
        return [key for key, value in self.cells.items() if isinstance(value, str) and value.startswith("=")]

    def value(self, sheet: str, cell: str) -> Any:
        """The cell's value, computed."""
        key = (sheet, cell)
        if key not in self._known:
            raw = self.cells[key]
            self._known[key] = self._compute(raw[1:], sheet) if isinstance(raw, str) and raw.startswith("=") else raw
        return self._known[key]

    def _compute(self, formula: str, sheet: str) -> float:
        def read(match: re.Match[str]) -> str:
            name = match["sheet"] or sheet
            if not match["row2"]:
                return repr(self.value(name, f"{match['column']}{match['row']}"))
            assert match["column"] == match["column2"]
            rows = range(int(match["row"]), int(match["row2"]) + 1)
            return f"RANGE({[self.value(name, match['column'] + str(row)) for row in rows]!r})"

        text = _ADDRESS.sub(read, formula).replace("^", "**")
        text = re.sub(r"(?<![<>=*])=(?!=)", "==", text)
        return float(eval(text, _FUNCTIONS))


def _round(value: Any, digits: int) -> Any:
    if isinstance(value, np.ndarray):
        return np.array([_round(one, digits) for one in value])
    # A spreadsheet rounds half away from zero, at the 15 digits that it shows.
    return float(Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def _choose(condition: bool, yes: float, no: float) -> float:
    return yes if condition else no


_FUNCTIONS: dict[str, Any] = {
    "ROUND": _round, "SUM": np.nansum, "SUMPRODUCT": np.nansum, "IF": _choose, "MIN": min, "MAX": max, "RANGE": lambda cells: np.array(cells, dtype=float),
}  # fmt: skip

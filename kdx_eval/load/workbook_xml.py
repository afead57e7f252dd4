"""What a workbook's XML says and the fast reader does not: errors, formulas without a result, hidden rows and columns."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kdx_eval.load.cells import UNCALCULATED

_SHEET = re.compile(r"<sheet\b([^>]*)/?>")
_RELATION = re.compile(r"<Relationship\b([^>]*)/?>")
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')
_CALCULATION = re.compile(r"<calcPr\b([^>]*)>")
_CELL = rb'<c\b(?P<attributes>[^>]*?\br="(?P<letters>[A-Z]+)(?P<row>\d+)"[^>]*)>'
_ERROR_CELL = re.compile(rb'(?=<c\b[^>]*\bt="e")' + _CELL + rb"(?:(?!</c>).)*?<v>(?P<error>[^<]*)</v>", re.DOTALL)
_FORMULA_CELL = re.compile(_CELL + rb"<f\b(?P<formula>(?:[^>]*/>|(?:(?!</c>).)*?</f>))(?P<rest>(?:(?!</c>).)*)</c>", re.DOTALL)
_VALUE = re.compile(rb"<v>[^<]+</v>|<is>")
_HIDDEN_ROW = re.compile(rb'<row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*\br="(\d+)"')
_HIDDEN_COLUMN = re.compile(rb'<col\b(?=[^>]*\bhidden="(?:1|true)")([^>]*)>')
_PREFIX = re.compile(rb"<(/?)\w+:(?=\w)")
_LAST_COLUMN = 16_383
_HAS_XML = frozenset({".xlsx", ".xlsm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """Of one sheet: cells to be shown as an error or a mark (row -> column from 0 -> text), and what is hidden in it.

    Attributes
    ----------
    n_formulas : int
        Formulas whose saved result is read.
    n_uncalculated : int
        Formulas saved without a result; they stand in ``marks``.
    """

    marks: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    n_formulas: int = 0
    n_uncalculated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookFacts:
    """Of a workbook: its sheets by name, and whether its results may be older than its numbers."""

    sheets: Mapping[str, SheetFacts]
    is_stale: bool
    is_known: bool = True

    def of(self, sheet: str) -> SheetFacts:
        """What is known of ``sheet``; nothing when the format has no XML."""
        return self.sheets.get(sheet, SheetFacts())


def inspect_workbook(path: Path) -> WorkbookFacts:
    """The facts of every sheet of an xlsx or xlsm; ``is_known`` is False for other formats, where nothing can be told.

    Raises KeyError or BadZipFile when the archive lacks the parts of a workbook.
    """
    if path.suffix.lower() not in _HAS_XML:
        return WorkbookFacts(sheets={}, is_stale=False, is_known=False)
    sheets: dict[str, SheetFacts] = {}
    with zipfile.ZipFile(path) as archive:
        parts = frozenset(archive.namelist())
        book = _plain(archive.read("xl/workbook.xml")).decode("utf-8", errors="replace")
        targets = _targets(archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", errors="replace"))
        for match in _SHEET.finditer(book):
            attributes = dict(_ATTRIBUTE.findall(match[1]))
            target = targets.get(attributes.get("r:id", ""))
            if target in parts:
                sheets[html.unescape(attributes.get("name", ""))] = _sheet_facts(_plain(archive.read(target)))
    calculation = _CALCULATION.search(book)
    said = dict(_ATTRIBUTE.findall(calculation[1])) if calculation else {}
    return WorkbookFacts(sheets=sheets, is_stale=said.get("fullCalcOnLoad") in {"1", "true"} or said.get("calcMode") == "manual")


def _plain(data: bytes) -> bytes:
    """XML without prefixes before its elements, which some programs write (``<x:row>``)."""
    return _PREFIX.sub(rb"<\1", data) if re.match(rb"\s*(<\?[^>]*>\s*)?<\w+:", data[:400]) else data


def _targets(relations: str) -> dict[str, str]:
    found = {}
    for match in _RELATION.finditer(relations):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        found[attributes.get("Id", "")] = "xl/" + attributes.get("Target", "").removeprefix("/").removeprefix("xl/")
    return found


def _sheet_facts(data: bytes) -> SheetFacts:
    marks: dict[int, dict[int, str]] = {}
    n_formulas = n_uncalculated = 0
    if b't="e"' in data:
        for match in _ERROR_CELL.finditer(data):
            marks.setdefault(int(match["row"]), {})[_column(match["letters"])] = match["error"].decode("utf-8", errors="replace")
    if b"<f" in data:
        for match in _FORMULA_CELL.finditer(data):
            # A formula may rightly give an empty text; a number or a date is never empty.
            if _VALUE.search(match["rest"]) or b't="str"' in match["attributes"]:
                n_formulas += 1
            else:
                n_uncalculated += 1
                marks.setdefault(int(match["row"]), {})[_column(match["letters"])] = UNCALCULATED
    return SheetFacts(
        marks=marks, hidden_rows=frozenset(int(row) for row in _HIDDEN_ROW.findall(data)), hidden_columns=_hidden_columns(data),
        n_formulas=n_formulas, n_uncalculated=n_uncalculated,
    )  # fmt: skip


def _hidden_columns(data: bytes) -> frozenset[int]:
    hidden: set[int] = set()
    for match in _HIDDEN_COLUMN.findall(data.partition(b"<sheetData")[0]):
        attributes = dict(_ATTRIBUTE.findall(match.decode("utf-8", errors="replace")))
        first, last = int(attributes.get("min", "1")), int(attributes.get("max", "0"))
        hidden |= set(range(first - 1, min(last, _LAST_COLUMN)))
    return frozenset(hidden)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1

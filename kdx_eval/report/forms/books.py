"""A new workbook with the formats that all forms share, and how its sheets are printed."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_A4 = 9
_CHOICES_SHEET = "選択肢"
_LONGEST_LIST = 255  # characters that Excel takes in a list written out; a longer one must stand in cells
_LOOKS: Mapping[str, Mapping[str, object]] = {
    "title": {"bold": True, "font_size": 14, "font_color": "#0B4F7D", "valign": "vcenter"},
    "head": {"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "align": "center", "valign": "vcenter"},
    "must": {"bold": True, "bg_color": "#FCE4D6", "border": 1, "text_wrap": True, "align": "center", "valign": "vcenter"},
    "told": {"font_size": 9, "font_color": "#595959", "bg_color": "#F7F7F7", "border": 1, "text_wrap": True, "valign": "top"},
    "example": {"italic": True, "font_color": "#7F7F7F", "bg_color": "#F2F2F2", "border": 1, "text_wrap": True, "valign": "top"},
    "wrap": {"text_wrap": True, "valign": "top"},
    "cell": {"text_wrap": True, "valign": "top", "border": 1},
    "section": {"bold": True, "font_size": 12, "font_color": "#0B4F7D", "bottom": 1, "bottom_color": "#0B4F7D"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBook:
    """A workbook being written; ``close`` gives its bytes, which are the same on every run."""

    stream: io.BytesIO
    book: Any
    formats: dict[tuple[tuple[str, str], ...], Any] = field(default_factory=dict)
    lists: dict[tuple[str, ...], str] = field(default_factory=dict)

    def look(self, name: str, **more: object) -> Any:
        """The format called ``name``, with some properties replaced."""
        wanted = {"font_name": "游ゴシック", "font_size": 10, **_LOOKS.get(name, {}), **more}
        key = tuple(sorted((one, repr(value)) for one, value in wanted.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format(wanted)
        return self.formats[key]

    def list_source(self, words: tuple[str, ...]) -> list[str] | str:
        """What a drop-down takes its words from: the words themselves, or cells of a hidden sheet where they are too long for a list."""
        if len(",".join(words)) <= _LONGEST_LIST and not any("," in word for word in words):
            return list(words)
        if words not in self.lists:
            sheet = self.book.get_worksheet_by_name(_CHOICES_SHEET)
            if sheet is None:
                sheet = self.book.add_worksheet(_CHOICES_SHEET)
                sheet.hide()
            column = len(self.lists)
            for row, word in enumerate(words):
                sheet.write_string(row, column, word)
            letter = _letters(column)
            self.lists[words] = f"='{_CHOICES_SHEET}'!${letter}$1:${letter}${len(words)}"
        return self.lists[words]

    def close(self) -> bytes:
        """Finish the workbook and return its bytes."""
        self.book.close()
        return self.stream.getvalue()


def new_book() -> FormBook:
    """An empty workbook in memory; texts that look like formulas or addresses stay texts."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    book.set_properties({"created": dt.datetime(2026, 4, 1)})  # the same bytes on every run
    return FormBook(stream=stream, book=book)


def print_on_a4(sheet: Any, *, repeat: tuple[int, int] | None = None) -> None:
    """Set a sheet up for A4 landscape, one page wide, with the rows ``repeat`` on every page and page numbers."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    sheet.set_footer("&L&A&R&P／&N")
    if repeat is not None:
        sheet.repeat_rows(*repeat)


def _letters(column: int) -> str:
    text = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        text = chr(ord("A") + rest) + text
        column -= 1
    return text


def lines_needed(text: str, width: float) -> int:
    """How many lines a text takes in a column of ``width`` narrow characters; Japanese characters are two wide."""
    if not text:
        return 1
    return sum(-(-max(1, sum(2 if ord(char) > 0x2E7F or char in "①②③○◎×…—" else 1 for char in part)) // max(1, int(width) - 1)) for part in text.split("\n"))

"""Official Word pages from plain sentences: one style, exact line heights, the same bytes on every run."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

_FONT = "ＭＳ 明朝"
SIZE, _LINE = 10.5, 15.5
_TO_FILL_IN = re.compile(r"\[\[(.*?)\]\]")


def new_page(title: str) -> Document:
    """An empty A4 document of that title in the official style."""
    import docx

    document = docx.Document()
    _prepare(document, title)
    return document


def page_bytes(document: Document) -> bytes:
    """The finished file."""
    stream = io.BytesIO()
    document.save(stream)
    return _timeless(stream)


def _timeless(package: io.BytesIO) -> bytes:
    """The same file with no time of writing in it: the same bytes on every run."""
    stream = io.BytesIO()
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def points(size: float) -> Any:
    """A length in points."""
    from docx.shared import Pt

    return Pt(size)


def _prepare(document: Document, title: str) -> None:
    import datetime as dt

    from docx.oxml.ns import qn
    from docx.shared import Mm

    style = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, points(SIZE)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
        del fonts.attrib[theme]  # theme fonts would win over the East Asian font
    for key in ("w:eastAsia", "w:ascii", "w:hAnsi", "w:cs"):
        fonts.set(qn(key), _FONT)
    layout = style.paragraph_format
    # Exact heights: fonts differ in their own line height, and a letter must not grow by a page from one PC to the next.
    layout.space_before, layout.space_after, layout.line_spacing = points(0), points(0), points(_LINE)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(22)
    section.top_margin, section.bottom_margin = Mm(20), Mm(18)
    properties = document.core_properties
    properties.language, properties.title, properties.author, properties.comments = "ja-JP", printable(title), "", ""
    properties.created = properties.modified = dt.datetime(2026, 4, 1)  # the same bytes on every run


def paragraph(document: Document, text: str, *, before: float = 0) -> Paragraph:
    """A paragraph; parts in double brackets are marked yellow."""
    added: Paragraph = document.add_paragraph()
    added.paragraph_format.space_before = points(before)
    runs(added, text)
    return added


def runs(added: Paragraph, text: str) -> None:
    """Add ``text``; what stands in double brackets is marked yellow, to be filled in by hand."""
    from docx.enum.text import WD_COLOR_INDEX

    for place, part in enumerate(_TO_FILL_IN.split(printable(text))):
        run = added.add_run(part)
        if place % 2:
            run.font.highlight_color = WD_COLOR_INDEX.YELLOW


def printable(text: str) -> str:
    """``text`` without the characters that no Word file can hold (control characters, halves of characters)."""
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn"})


def heading(document: Document, text: str, *, number: int) -> None:
    """A numbered heading that stays with what follows."""
    paragraph(document, f"{number}　{text}", before=4).paragraph_format.keep_with_next = True


def item(document: Document, text: str) -> None:
    """An indented sentence."""
    paragraph(document, f"　{text}").paragraph_format.left_indent = points(SIZE)


def numbered(document: Document, text: str, *, number: int) -> None:
    """A numbered sentence."""
    added = paragraph(document, f"({number})　{text}")
    added.paragraph_format.left_indent = points(SIZE * 3)
    added.paragraph_format.first_line_indent = points(-SIZE * 2)

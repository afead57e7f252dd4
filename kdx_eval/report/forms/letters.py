"""The request letters (照会文) as Word files in the official form, ready to be numbered and sent."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING, Any

from kdx_eval.report.forms import letter_words as words
from kdx_eval.report.forms.senders import Asked
from kdx_eval.report.forms.tables import asked_fields
from kdx_eval.units import wareki_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docx.document import Document
    from docx.text.paragraph import Paragraph

    from kdx_eval.report.forms.calendar import RequestCalendar
    from kdx_eval.schema import TableSpec

_FONT = "ＭＳ 明朝"
_SIZE, _LINE = 10.5, 15.5
_SMALL, _SMALL_LINE = 9.0, 12.0
_TO_FILL_IN = re.compile(r"\[\[(.*?)\]\]")
_WIDTHS = (27, 70, 49, 20)  # mm: table, columns, period, form


def request_letter(asked: Asked, calendar: RequestCalendar) -> bytes:
    """The letter to one section or department as a Word file of one or two A4 pages."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    document = docx.Document()
    _prepare(document)
    for text in ("[[○○第　　　号]]", wareki_date(calendar.asked)):
        _paragraph(document, text).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _paragraph(document, f"　{asked.addressee}　様")
    _paragraph(document, f"{words.SENT_BY}　　").alignment = WD_ALIGN_PARAGRAPH.RIGHT
    subject = _paragraph(document, f"　　　{words.SUBJECT}", before=8)
    subject.paragraph_format.space_after = _points(6)
    _paragraph(document, words.opening(calendar))
    _paragraph(document, "記", before=4).alignment = WD_ALIGN_PARAGRAPH.CENTER
    _heading(document, 1, "照会の目的")
    _item(document, words.purpose(calendar))
    _heading(document, 2, "利用目的")
    for text in words.use(asked):
        _item(document, text)
    _heading(document, 3, "求める資料")
    _table(document, asked, calendar)
    _item(document, "※　◎は必ず要る列です。いずれも、今あるものだけで構いません。")
    _heading(document, 4, "提出期限")
    for text in words.deadline(asked, calendar):
        _item(document, text)
    _heading(document, 5, "提出方法")
    for number, text in enumerate(words.how_to_hand_over(asked), start=1):
        _numbered(document, number, text)
    _heading(document, 6, "資料の取扱い")
    for number, text in enumerate(words.handling(asked, calendar), start=1):
        _numbered(document, number, text)
    _heading(document, 7, "問い合わせ先")
    _item(document, words.contact())
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


def _points(size: float) -> Any:
    from docx.shared import Pt

    return Pt(size)


def _prepare(document: Document) -> None:
    import datetime as dt

    from docx.oxml.ns import qn
    from docx.shared import Mm

    style = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, _points(_SIZE)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
        del fonts.attrib[theme]  # theme fonts would win over the East Asian font
    for key in ("w:eastAsia", "w:ascii", "w:hAnsi", "w:cs"):
        fonts.set(qn(key), _FONT)
    layout = style.paragraph_format
    # Exact heights: fonts differ in their own line height, and a letter must not grow by a page from one PC to the next.
    layout.space_before, layout.space_after, layout.line_spacing = _points(0), _points(0), _points(_LINE)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(22)
    section.top_margin, section.bottom_margin = Mm(20), Mm(18)
    properties = document.core_properties
    properties.language, properties.title, properties.author, properties.comments = "ja-JP", words.SUBJECT, "", ""
    properties.created = properties.modified = dt.datetime(2026, 4, 1)  # the same bytes on every run


def _paragraph(document: Document, text: str, *, before: float = 0) -> Paragraph:
    paragraph: Paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before = _points(before)
    _runs(paragraph, text)
    return paragraph


def _runs(paragraph: Paragraph, text: str) -> None:
    """Add ``text``; what stands in double brackets is marked yellow, to be filled in by hand."""
    from docx.enum.text import WD_COLOR_INDEX

    for place, part in enumerate(_TO_FILL_IN.split(printable(text))):
        run = paragraph.add_run(part)
        if place % 2:
            run.font.highlight_color = WD_COLOR_INDEX.YELLOW


def printable(text: str) -> str:
    """``text`` without the characters that no Word file can hold (control characters, halves of characters)."""
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn"})


def _heading(document: Document, number: int, text: str) -> None:
    _paragraph(document, f"{number}　{text}", before=4).paragraph_format.keep_with_next = True


def _item(document: Document, text: str) -> None:
    _paragraph(document, f"　{text}").paragraph_format.left_indent = _points(_SIZE)


def _numbered(document: Document, number: int, text: str) -> None:
    paragraph = _paragraph(document, f"({number})　{text}")
    paragraph.paragraph_format.left_indent = _points(_SIZE * 3)
    paragraph.paragraph_format.first_line_indent = _points(-_SIZE * 2)


def _table(document: Document, asked: Asked, calendar: RequestCalendar) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Mm

    tables = asked.tables
    grid = document.add_table(rows=len(tables) + 1, cols=len(_WIDTHS), style="Table Grid")
    grid.autofit = False
    rows = [("表（シート名）", "主な列", "期間", "形式"), *(_row(table, asked, calendar) for table in tables)]
    for column, width in zip(grid.columns, _WIDTHS, strict=True):
        column.width = Mm(width)
    for place, (row, texts) in enumerate(zip(grid.rows, rows, strict=True)):
        for cell, text, width in zip(row.cells, texts, _WIDTHS, strict=True):
            cell.width = Mm(width)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.line_spacing = _points(_SMALL_LINE)
            paragraph.paragraph_format.keep_with_next = place < len(tables)  # the table stays on one page
            _runs(paragraph, text)
            for run in paragraph.runs:
                run.font.size = _points(_SMALL)
            if place == 0:
                shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="EEF3F7"/>')
                cell._tc.get_or_add_tcPr().append(shade)
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))


def _row(table: TableSpec, asked: Asked, calendar: RequestCalendar) -> Sequence[str]:
    titles = [("◎" if spec.required else "") + spec.title for spec in asked_fields(table, asked.filling)]
    return table.title, "、".join(titles), words.period(table.period, calendar), "様式・CSV"

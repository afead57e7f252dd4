"""The request letters (照会文) as Word files in the official form, ready to be numbered and sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.report.forms import letter_words as words
from kdx_eval.report.forms.senders import Asked
from kdx_eval.report.forms.tables import asked_fields
from kdx_eval.report.forms.word_pages import heading, item, new_page, numbered, page_bytes, paragraph, points, runs
from kdx_eval.units import wareki_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docx.document import Document

    from kdx_eval.report.forms.calendar import RequestCalendar
    from kdx_eval.schema import TableSpec

_SMALL, _SMALL_LINE = 9.0, 12.0
_WIDTHS = (27, 70, 49, 20)  # mm: table, columns, period, form


def request_letter(asked: Asked, calendar: RequestCalendar) -> bytes:
    """The letter to one section or department as a Word file of one or two A4 pages."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    document = new_page(words.SUBJECT)
    for text in ("[[○○第　　　号]]", wareki_date(calendar.asked)):
        paragraph(document, text).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    paragraph(document, f"　{asked.addressee}　様")
    paragraph(document, f"{words.SENT_BY}　　").alignment = WD_ALIGN_PARAGRAPH.RIGHT
    subject = paragraph(document, f"　　　{words.SUBJECT}", before=8)
    subject.paragraph_format.space_after = points(6)
    paragraph(document, words.opening(calendar))
    paragraph(document, "記", before=4).alignment = WD_ALIGN_PARAGRAPH.CENTER
    heading(document, "照会の目的", number=1)
    item(document, words.purpose(calendar))
    heading(document, "利用目的", number=2)
    for text in words.use(asked):
        item(document, text)
    heading(document, "求める資料", number=3)
    _table(document, asked, calendar)
    item(document, "※　◎は必ず要る列です。いずれも、今あるものだけで構いません。")
    heading(document, "提出期限", number=4)
    for text in words.deadline(asked, calendar):
        item(document, text)
    heading(document, "提出方法", number=5)
    for number, text in enumerate(words.how_to_hand_over(asked), start=1):
        numbered(document, text, number=number)
    heading(document, "資料の取扱い", number=6)
    for number, text in enumerate(words.handling(asked, calendar), start=1):
        numbered(document, text, number=number)
    heading(document, "問い合わせ先", number=7)
    item(document, words.contact())
    return page_bytes(document)


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
            line = cell.paragraphs[0]
            line.paragraph_format.line_spacing = points(_SMALL_LINE)
            line.paragraph_format.keep_with_next = place < len(tables)  # the table stays on one page
            runs(line, text)
            for run in line.runs:
                run.font.size = points(_SMALL)
            if place == 0:
                shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="EEF3F7"/>')
                cell._tc.get_or_add_tcPr().append(shade)
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))


def _row(table: TableSpec, asked: Asked, calendar: RequestCalendar) -> Sequence[str]:
    titles = [("◎" if spec.required else "") + spec.title for spec in asked_fields(table, asked.filling)]
    return table.title, "、".join(titles), words.period(table.period, calendar), "様式・CSV"

"""Builds the default Word template, reports/templates/budget_appendix.docx, which a city may copy and edit.

The template is a plain Word file with docxtpl fields. A city that puts its own ``templates/budget_appendix.docx`` into the data
folder may use the same fields in any order and leave out what it does not want.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

EAST_ASIAN_FONT = "游ゴシック"  # Word falls back to ＭＳ ゴシック, LibreOffice to an installed Gothic
LATIN_FONT = "Yu Gothic"
BLUE, PALE, WARN = "0B4F7D", "EEF3F7", "B34700"
TEMPLATE_NAME = "budget_appendix.docx"

# (heading, block): a block is a table (list name, columns as (title, field, width in mm, right-aligned)), or paragraphs of fields.
_TableSpec = tuple[str, Sequence[tuple[str, str, int, bool]], str]

_PAGE_ONE: tuple[tuple[str, _TableSpec | tuple[str, ...]], ...] = (
    (
        "1　{{ amounts_heading }}",
        ("amounts", (("区分", "label", 70, False), ("金額", "value", 60, True), ("単位", "unit", 46, False)), "change_reason"),
    ),
    (
        "2　財源",
        ("funding", (("区分", "name", 76, False), ("要求額（千円）", "request", 50, True), ("前年度（千円）", "previous", 50, True)), "funding_more"),
    ),
    (
        "3　積算",
        (
            "breakdown",
            (
                ("節", "section", 22, False),
                ("内容", "detail", 58, False),
                ("数量", "quantity", 14, True),
                ("単価（円）", "unit_price", 20, True),
                ("要求額（千円）", "amount", 25, True),
                ("根拠", "basis", 37, False),
            ),
            "breakdown_more",
        ),
    ),
    (
        "4　前年度の見込みと実績",
        (
            "prior",
            (
                ("前年度要求時の見込み", "claim", 74, False),
                ("見込み", "promised", 22, True),
                ("実績", "result", 38, True),
                ("見込みに対して", "remark", 42, False),
            ),
            "prior_note",
        ),
    ),
    ("5　効果（一文）", ("effect_sentence", "sure_sentence", "honest_case")),
    ("6　予算が実際に減る額", ("cash_amount", "cash_text")),
    (
        "7　減額した場合の影響",
        (
            "reduction",
            (("案", "option", 16, False), ("要求額（千円）", "amount", 26, True), ("実施できること", "can_do", 32, False), ("失うもの", "forgone", 102, False)),
            "reduction_more",
        ),
    ),
)

_PAGE_TWO: tuple[tuple[str, _TableSpec | tuple[str, ...]], ...] = (
    (
        "8　誰に何をしたか（{{ evaluated_label }}）",
        (
            "reach",
            (
                ("研修", "course", 62, False),
                ("受講者", "enrolled", 20, True),
                ("修了者", "completed", 20, True),
                ("修了率", "share", 16, True),
                ("費用（千円）", "cost", 24, True),
                ("修了1人当たり（円）", "unit_cost", 34, True),
            ),
            "reach_more",
        ),
    ),
    (
        "9　効果はあったか",
        (
            "effects",
            (
                ("問い", "question", 46, False),
                ("比べ方", "basis", 22, False),
                ("判定", "verdict", 19, False),
                ("効果（幅は95％）", "effect", 51, False),
                ("参考：単純な前後比較（効果とは言えない）", "naive", 38, False),
            ),
            "effects_more",
        ),
    ),
)

_LISTS = (("10　創出時間と分岐点", "hours"), ("11　限界と、判断が変わる条件", "limits"), ("12　来年度の計画", "next_year"))


def build_default_template(path: Path) -> Path:
    """Write the default Word template to ``path`` and return it.

    Two A4 pages with East Asian fonts set; every value is a docxtpl field.
    """
    import docx
    from docx.enum.text import WD_LINE_SPACING

    document = docx.Document()
    prepare(document, title="予算要求書 附属資料")
    title = document.add_heading("{{ title }}", level=1)
    title.add_run("　{{ heading }}").font.size = points(10.5)
    document.add_paragraph("{{ city }}　{{ prepared }}")
    for heading, body in _PAGE_ONE:
        _section(document, heading, body)
    for place, (heading, body) in enumerate(_PAGE_TWO):
        _section(document, heading, body).paragraph_format.page_break_before = place == 0
    document.add_paragraph("{{ detectable_text }}")
    pictures = document.add_paragraph("{% for figure in figures %}{{ figure.image }} {% endfor %}")
    pictures.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE  # an exact height would cut the pictures off
    document.add_paragraph("{% for figure in figures %}{{ figure.caption }}　　{% endfor %}")
    for heading, field in _LISTS:
        document.add_heading(heading, level=2)
        document.add_paragraph(f"{{%p for item in {field} %}}")
        document.add_paragraph("・{{ item }}")
        document.add_paragraph("{%p endfor %}")
    document.add_paragraph("{{ notes }}")
    document.save(str(path))
    return path


def points(size: float) -> Any:
    """A length in points, as python-docx takes it."""
    from docx.shared import Pt

    return Pt(size)


def prepare(document: Document, *, title: str) -> None:
    """Set fonts, margins, header and footer: A4 with East Asian fonts, and no author.

    Parameters
    ----------
    title : str
        The title in the file's properties.
    """
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm, RGBColor

    for name, size, colour, before, height in (("Normal", 8, None, 0, 10.5), ("Heading 1", 15, BLUE, 0, 19), ("Heading 2", 10, BLUE, 4, 13)):
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold = LATIN_FONT, points(size), False
        if colour:
            style.font.color.rgb = RGBColor.from_string(colour)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[theme]  # theme fonts would win over the East Asian font
        for key, font in (("w:eastAsia", EAST_ASIAN_FONT), ("w:ascii", LATIN_FONT), ("w:hAnsi", LATIN_FONT), ("w:cs", LATIN_FONT)):
            fonts.set(qn(key), font)
        layout = style.paragraph_format
        # Exact heights: Yu Gothic's own line height is half as high again in Word, and two pages would become three.
        layout.space_before, layout.space_after, layout.line_spacing = points(before), points(1), points(height)
        for tag in ("w:autoSpaceDE", "w:autoSpaceDN"):
            setting = OxmlElement(tag)
            setting.set(qn("w:val"), "0")
            layout.element.pPr.find(qn("w:spacing")).addprevious(setting)  # Word refuses another order
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(17)
    section.top_margin, section.bottom_margin = Mm(14), Mm(11)
    section.header_distance = section.footer_distance = Mm(6)
    header = section.header.paragraphs[0]
    header.add_run("{{ running_title }}　")
    header.add_run("{{ synthetic_note }}").font.color.rgb = RGBColor.from_string(WARN)
    footer = section.footer.paragraphs[0]
    footer.add_run("{{ footer }}　　")
    for code, after in (("PAGE", "／"), ("NUMPAGES", "")):
        _add_field(footer, code)
        footer.add_run(after)
    document.core_properties.language = "ja-JP"
    document.core_properties.title = title
    document.core_properties.author = ""
    document.core_properties.comments = ""


def _add_field(paragraph: Paragraph, code: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    paragraph._p.append(field)


def _section(document: Document, heading: str, body: _TableSpec | tuple[str, ...]) -> Paragraph:
    title: Paragraph = document.add_heading(heading, level=2)
    if len(body) == 3 and not isinstance(body[1], str):
        name, columns, note = body
        document.add_paragraph(f"{{%p if {name} %}}")
        _table(document, name, columns)
        document.add_paragraph("{%p endif %}")
        if note:
            for text in (f"{{%p if {note} %}}", f"{{{{ {note} }}}}", "{%p endif %}"):
                document.add_paragraph(text)
    else:
        for field in body:
            for text in (f"{{%p if {field} %}}", f"{{{{ {field} }}}}", "{%p endif %}"):
                document.add_paragraph(text)
    return title


def _table(document: Document, name: str, columns: Sequence[tuple[str, str, int, bool]]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls
    from docx.shared import Mm

    table = document.add_table(rows=4, cols=len(columns), style="Table Grid")
    table.autofit = False
    table.rows[1].cells[0].text = f"{{%tr for row in {name} %}}"
    table.rows[3].cells[0].text = "{%tr endfor %}"
    for place, (title, field, width, right) in enumerate(columns):
        table.columns[place].width = Mm(width)
        for row in table.rows:
            row.cells[place].width = Mm(width)
        table.rows[0].cells[place].text = title
        shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="{PALE}"/>')
        table.rows[0].cells[place]._tc.get_or_add_tcPr().append(shade)
        cell = table.rows[2].cells[place]
        cell.text = f"{{{{ row.{field} }}}}"
        table.rows[0].cells[place].paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        if right:
            cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for row in table.rows:
        properties = row._tr.get_or_add_trPr()
        properties.append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))

"""Parts of editable slides: text boxes, tables and charts of PowerPoint itself, with text sized so that nothing runs over."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from kdx_eval.report.blocks import shorten, visible

FONT = "BIZ UDPゴシック"  # on every Windows since 2018; PowerPoint takes the theme's font where it is missing
THEME_FONT = "游ゴシック"
BLUE, PALE, WARN, INK, GREY = "0B4F7D", "EEF3F7", "B34700", "1A1A1A", "5A6570"
QUESTION_MARK = "問　"  # a paragraph that begins so is set off from its answer
_POINTS_PER_MM = 72 / 25.4
_LINE = 1.32  # height of a line of a Japanese font, in its size
_HALF = 0.62  # width of a Latin letter or digit of these fonts, in its size; a little too wide on purpose
_GRID_STYLE = "{5940675A-B579-460E-94D1-54222C63F5DA}"  # PowerPoint's own 表のスタイル: no fill, all lines
_PADDING_MM, _VERTICAL_MM = 1.2, 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rectangle in mm from the upper left corner of the slide."""

    left: float
    top: float
    width: float
    height: float


def ems(text: str) -> float:
    """The width of a text in the size of its font."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WFA" else _HALF for char in text)


def lines_needed(text: str, *, size: float, width_mm: float) -> int:
    """Lines that a paragraph takes in a box of that inner width."""
    per_line = max(1.0, width_mm * _POINTS_PER_MM / size - 1.0)  # words and closing brackets are not broken
    return sum(max(1, math.ceil(ems(part) / per_line)) for part in text.split("\n"))


def fitting_size(paragraphs: Sequence[str], *, place: Place, sizes: Sequence[float]) -> float | None:
    """The first of ``sizes`` at which all paragraphs fit into the place; None when none does."""
    width, height = place.width - 2 * _PADDING_MM, (place.height - 2 * _VERTICAL_MM) * _POINTS_PER_MM
    for size in sizes:
        if sum(lines_needed(text, size=size, width_mm=width) for text in paragraphs) * size * _LINE <= height:
            return size
    return None


def fit_paragraphs(paragraphs: Sequence[str], *, place: Place, sizes: Sequence[float]) -> tuple[tuple[str, ...], float]:
    """The paragraphs, shortened when even the smallest size is too large, and their size."""
    shown = tuple(visible(text) for text in paragraphs if text)
    width = max((len(text) for text in shown), default=0)
    while True:
        size = fitting_size(shown, place=place, sizes=sizes)
        if size is not None or width <= 12:
            return shown, size if size is not None else sizes[-1]
        width = int(width * 0.85)
        shown = tuple(shorten(text, width) for text in shown)


def add_text(slide: Any, place: Place, *, paragraphs: Sequence[str], sizes: Sequence[float] = (12, 11, 10, 9, 8), colour: str = INK, fill: str = "") -> Any:
    """A text box whose text fits; returns its shape."""
    from pptx.enum.text import MSO_AUTO_SIZE
    from pptx.util import Mm

    shape = slide.shapes.add_textbox(Mm(place.left), Mm(place.top), Mm(place.width), Mm(place.height))
    shown, size = fit_paragraphs(paragraphs, place=place, sizes=sizes)
    frame = shape.text_frame
    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = Mm(_PADDING_MM)
    frame.margin_top = frame.margin_bottom = Mm(_VERTICAL_MM)
    for number, text in enumerate(shown):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        _write(paragraph, text, size=size, colour=BLUE if text.startswith(QUESTION_MARK) else colour)
    if fill:
        _fill(shape.fill, fill)
    return shape


def add_heading(slide: Any, place: Place, *, text: str) -> Any:
    """A section's heading: white on blue, one line."""
    return add_text(slide, place, paragraphs=(text,), sizes=(11, 10, 9, 8), colour="FFFFFF", fill=BLUE)


def add_table(slide: Any, place: Place, *, rows: Sequence[Sequence[str]], widths: Sequence[float], right: Sequence[int] = ()) -> Any:
    """A table, first row as heads, that stays inside the place; cells that are too long are shortened."""
    from pptx.oxml.ns import qn
    from pptx.util import Mm

    shape = slide.shapes.add_table(len(rows), len(widths), Mm(place.left), Mm(place.top), Mm(place.width), Mm(place.height))
    table = shape.table
    shape._element.graphic.graphicData.tbl.tblPr.find(qn("a:tableStyleId")).text = _GRID_STYLE
    millimetres = [place.width * width / sum(widths) for width in widths]
    shown, size = _fit_rows(rows, millimetres=millimetres, height=place.height)
    heights = _row_heights(shown, millimetres=millimetres, size=size)
    for column, width in enumerate(millimetres):
        table.columns[column].width = Mm(width)
    for number, row in enumerate(shown):
        table.rows[number].height = Mm(heights[number])
        for column, text in enumerate(row):
            cell = table.cell(number, column)
            cell.margin_left = cell.margin_right = Mm(_PADDING_MM)
            cell.margin_top = cell.margin_bottom = Mm(0.5)
            _fill(cell.fill, PALE if number == 0 else "FFFFFF")
            _write(cell.text_frame.paragraphs[0], text, size=size, colour=BLUE if number == 0 else INK, right=column in right and number > 0)
    return shape


def _fit_rows(rows: Sequence[Sequence[str]], *, millimetres: Sequence[float], height: float) -> tuple[list[list[str]], float]:
    shown = [[" ".join(visible(cell).split()) for cell in row] for row in rows]
    width = max(len(cell) for row in shown for cell in row)
    while True:
        for size in (11.0, 10.0, 9.0, 8.0):
            if sum(_row_heights(shown, millimetres=millimetres, size=size)) <= height:
                return shown, size
        if width <= 8:
            return shown, 8.0
        width = int(width * 0.85)
        shown = [[shorten(cell, width) for cell in row] for row in shown]


def _row_heights(rows: Sequence[Sequence[str]], *, millimetres: Sequence[float], size: float) -> list[float]:
    def lines(row: Sequence[str]) -> int:
        return max(lines_needed(cell, size=size, width_mm=width - 2 * _PADDING_MM) for cell, width in zip(row, millimetres, strict=True))

    return [lines(row) * size * _LINE / _POINTS_PER_MM + 1.0 for row in rows]


def rgb(colour: str) -> Any:
    """A colour from its six hexadecimal digits."""
    colours: Any = import_module("pptx.dml.color")
    return colours.RGBColor.from_string(colour)


def style_font(font: Any, *, size: float, colour: str = INK) -> None:
    """Our font by name for Latin and Japanese text alike, as python-pptx sets it for Latin only."""
    from pptx.oxml.ns import qn
    from pptx.util import Pt

    font.name, font.size = FONT, Pt(size)
    font.color.rgb = rgb(colour)
    properties = font._element
    for old in properties.findall(qn("a:ea")):
        properties.remove(old)
    latin = properties.find(qn("a:latin"))
    east = properties.makeelement(qn("a:ea"), {"typeface": FONT})
    latin.addnext(east)


def _write(paragraph: Any, text: str, *, size: float, colour: str, right: bool = False) -> None:
    from pptx.enum.text import PP_ALIGN

    paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
    run = paragraph.add_run()
    run.text = text
    style_font(run.font, size=size, colour=colour)


def _fill(fill: Any, colour: str) -> None:
    fill.solid()
    fill.fore_color.rgb = rgb(colour)


def new_presentation(*, title: str, day: Any) -> Any:
    """An empty A4 landscape presentation with a Japanese theme font, no author and the given day."""
    from pptx import Presentation
    from pptx.opc.constants import RELATIONSHIP_TYPE
    from pptx.util import Mm

    made = Presentation()
    made.slide_width, made.slide_height = Mm(297), Mm(210)
    theme = made.slide_masters[0].part.part_related_by(RELATIONSHIP_TYPE.THEME)
    theme._blob = theme.blob.replace(b'<a:ea typeface=""/>', f'<a:ea typeface="{THEME_FONT}"/>'.encode())
    about = made.core_properties
    about.title, about.author, about.last_modified_by, about.language = title, "", "", "ja-JP"
    about.created = about.modified = day
    return made


def blank_slide(made: Any) -> Any:
    """A slide without placeholders."""
    return made.slides.add_slide(made.slide_layouts[6])

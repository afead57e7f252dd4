"""The parts of a long document: written once, shown by the annex (typst) and by the site (HTML)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from kdx_eval.safe import MISSING_GLYPH, escape_html, replace_missing_glyphs

_SHORT = 8  # characters of a cell that is not broken over lines
Align = Literal["left", "right", "center"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of level 2 (section) or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list of short sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its title, its relative width and how its cells are set."""

    title: str
    width: float = 1.0
    align: Align = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of texts; ``on_paper`` names the rows that the printed 別冊 shows of a long one (None: all), the site shows every row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    note: str = ""
    on_paper: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture (PNG) with its alternative text; a ``wide`` one takes more of the printed page."""

    name: str
    png: bytes = field(repr=False)
    alt: str
    caption: str
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One plot: its file, alternative text, caption, and its width relative to the one beside it."""

    file: str
    alt: str
    caption: str
    width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a logic model, and the evidence on the arrow that leads to it (``status`` and ``evidence`` are empty for the first)."""

    title: str
    items: tuple[str, ...]
    status: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A logic model: stages below each other, joined by arrows."""

    stages: tuple[Stage, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Many short entries in small print, in columns on paper: each its key first."""

    items: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Two halves of a page side by side on paper, below each other on a screen."""

    left: tuple[Block, ...]
    right: tuple[Block, ...]


Block: TypeAlias = "Heading | Paragraph | Bullets | Table | Figure | Flow | Entries | Row"


def columns(*titles: str, right: Sequence[int] = (), center: Sequence[int] = (), widths: Sequence[float] = ()) -> tuple[Column, ...]:
    """Columns of those titles; ``right`` and ``center`` number the columns that are set so, ``widths`` are relative."""
    aligns: list[Align] = ["right" if place in right else "center" if place in center else "left" for place in range(len(titles))]
    return tuple(Column(title=title, width=widths[place] if widths else 1.0, align=aligns[place]) for place, title in enumerate(titles))


def without_empty_columns(table: Table) -> Table:
    """The table without the columns that hold nothing in any row."""
    kept = [place for place in range(len(table.columns)) if any(row[place].strip() for row in table.rows)]
    rows = tuple(tuple(row[place] for place in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows) if kept else table


def typst_blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """The blocks as plain data for the typst template."""
    return [_typst_block(block) for block in blocks]


def _typst_block(block: Block) -> dict[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", "level": block.level, "text": block.text}
        case Paragraph():
            return {"kind": "paragraph", "text": block.text}
        case Bullets():
            return {"kind": "bullets", "items": list(block.items)}
        case Figure():
            return {"kind": "figure", "file": f"{block.name}.png", "alt": block.alt, "caption": block.caption, "wide": block.wide}
        case Flow():
            stages = [{"title": one.title, "items": list(one.items), "status": one.status, "evidence": one.evidence} for one in block.stages]
            return {"kind": "flow", "stages": stages, "caption": block.caption}
        case Table():
            heads = [[column.title, str(column.width), column.align] for column in block.columns]
            return {"kind": "table", "columns": heads, "rows": [list(row) for row in block.rows], "caption": block.caption, "note": block.note}
        case Entries():
            return {"kind": "entries", "items": [list(item) for item in block.items]}
        case Row():
            return {"kind": "row", "halves": [typst_blocks(block.left), typst_blocks(block.right)]}


def html_blocks(blocks: Iterable[Block], *, images: str) -> str:
    """The blocks as HTML; every text is escaped, pictures are referred to as ``images/<name>.png`` relative to the page."""
    return "\n".join(_html_block(block, images=images) for block in blocks)


def _html_block(block: Block, *, images: str) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{escape_html(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{escape_html(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{escape_html(item)}</li>" for item in block.items) + "</ul>"
        case Figure():
            source = escape_html(f"{images}/{block.name}.png")
            caption = escape_html(block.caption)
            return f'<figure><img src="{source}" alt="{escape_html(block.alt)}"><figcaption>{caption}</figcaption></figure>'
        case Flow():
            return _html_flow(block)
        case Table():
            return html_table(block)
        case Entries():
            return "<ul>" + "".join(f"<li>{escape_html('　'.join(filter(None, item)))}</li>" for item in block.items) + "</ul>"
        case Row():
            return html_blocks((*block.left, *block.right), images=images)


def _html_flow(flow: Flow) -> str:
    """An ordered list, so that it is read in order aloud too."""
    rows = []
    for stage in flow.stages:
        arrow = f'<p class="note">↓ {escape_html(stage.status)}：{escape_html(stage.evidence)}</p>' if stage.status else ""
        rows.append(f"<li>{arrow}<strong>{escape_html(stage.title)}</strong><ul>{''.join(f'<li>{escape_html(item)}</li>' for item in stage.items)}</ul></li>")
    return f'<ol class="flow">{"".join(rows)}</ol><p class="note">{escape_html(flow.caption)}</p>'


def html_table(table: Table) -> str:
    """The table as HTML with a caption and column headers; it can be sorted and filtered when the page's script runs."""
    caption = f"<caption>{escape_html(table.caption)}</caption>" if table.caption else ""
    head = "".join(f'<th scope="col">{escape_html(column.title)}</th>' for column in table.columns)
    body = "".join(
        "<tr>" + "".join(f'<td class="{_cell_class(column, cell)}">{escape_html(cell)}</td>' for column, cell in zip(table.columns, row, strict=True)) + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape_html(table.note)}</p>' if table.note else ""
    label = escape_html(table.caption or table.columns[0].title)
    inner = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="表：{label}">{inner}</div>{note}'


def _cell_class(column: Column, cell: str) -> str:
    return f"{column.align} tight" if len(cell) <= _SHORT else column.align


def drawable(value: Any) -> tuple[Any, tuple[str, ...]]:
    """The same nested data with 〓 for glyphs that the document font lacks, and the code points replaced, each once."""
    found: dict[str, None] = {}

    def draw(text: str) -> str:
        shown, points = replace_missing_glyphs(text)
        found.update(dict.fromkeys(points))
        return shown

    return _walk(value, draw), tuple(found)


def visible(value: Any) -> Any:
    """The same nested data without control, direction-changing and half characters (〓 instead), which no Office file may hold."""
    return _walk(value, lambda text: "".join(MISSING_GLYPH if unicodedata.category(char) in _HIDDEN and char != "\n" else char for char in text))


_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Cn"))


def _walk(item: Any, change: Callable[[str], str]) -> Any:
    if isinstance(item, str):
        return change(item)
    if isinstance(item, dict):
        return {key: _walk(inner, change) for key, inner in item.items()}
    if isinstance(item, list | tuple):
        return [_walk(inner, change) for inner in item]
    return item


def shorten(text: str, width: int) -> str:
    """``text`` on one line, cut to ``width`` characters with an ellipsis."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"

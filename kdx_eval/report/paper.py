"""The printed 別冊: the same blocks as on the site, set so that an examiner turns fewer pages.

Nothing is reworded or reckoned here: a plot stands beside the next one or beside its text, a long table shows its leading rows and says where the
others are, and columns are as wide as their texts ask for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from kdx_eval.report.blocks import Block, Bullets, Figure, Paragraph, Row, Table
from kdx_eval.report.column_widths import HALF_PAGE_EMS, PAGE_EMS, fit_widths, table_lines, text_lines
from kdx_eval.report.pictures import DOTS_PER_INCH

REST_NOTE = "主な行だけを載せています。すべての行は閲覧用のサイトにあります。"
REST_ROW = "ほかの行"
_TOTALS = frozenset({"計", "合計"})
_NARROW = 4  # a table of at most that many columns may stand on half a page
_LONG, _MOST_GROUPS = 20, 6  # rows of a table that is set in groups, and how many groups there may be
_OVER = 12  # lines that may reach below the plot: below each other, both would take more
_WIDE = 5.5  # inches: a wider plot stands alone
_HALF_PAGE, _LINE = 244.0, 11.5  # points: half the text's width, and a line with its leading


def paper_blocks(blocks: Iterable[Block]) -> list[Block]:
    """The blocks for print, in their order: long tables cut to the rows meant for paper, plots beside each other or their text, columns fitted."""
    parts = [part for block in blocks for cut in _cut(block) for part in _groups(cut)]
    return [_fitted(block, PAGE_EMS) for block in _paired(parts)]


def _cut(block: Block) -> Iterator[Block]:
    """A table without the rows that stand elsewhere; nothing of a table that is not meant for paper."""
    if not isinstance(block, Table) or block.on_paper is None or len(block.on_paper) == len(block.rows):
        yield block
    elif block.on_paper:
        rows = [block.rows[place] for place in block.on_paper]
        if len(block.rows) - 1 in block.on_paper and rows[-1][0] in _TOTALS:
            rows.insert(-1, (REST_ROW, *("…" for _ in rows[-1][1:])))  # who adds the rows up must see that some are left out
        yield replace(block, rows=tuple(rows), note=f"{block.note}{REST_NOTE}", on_paper=None)


def _groups(block: Block) -> Iterator[Block]:
    """A long table whose first column names groups as a table for each group, so that none is torn and no page stays half empty for it."""
    runs = [(name, tuple(rows)) for name, rows in groupby(block.rows, key=lambda row: row[0])] if isinstance(block, Table) else []
    if not isinstance(block, Table) or len(block.rows) < _LONG or not 1 < len(runs) <= _MOST_GROUPS or len({name for name, _ in runs}) < len(runs):
        yield block
        return
    for place, (name, rows) in enumerate(runs):
        last = place == len(runs) - 1
        yield replace(block, rows=rows, caption=f"{block.caption}（{name}）", note=block.note if last else "")


def _paired(blocks: list[Block]) -> Iterator[Block]:
    """Two plots or two one-column tables in a row; a plot beside the text and short tables that follow it, as far as they are no taller."""
    place = 0
    while place < len(blocks):
        first, rest = blocks[place], blocks[place + 1 :]
        count = _beside(first, rest)
        yield Row(left=(first,), right=tuple(rest[:count])) if count else first
        place += 1 + count


def _beside(first: Block, rest: list[Block]) -> int:
    """How many of the following blocks stand beside the first."""
    second = rest[0] if rest else None
    if isinstance(first, Figure) and _is_wide(first):
        return 0
    if isinstance(first, Figure) and isinstance(second, Figure):
        return int(not _is_wide(second))
    if isinstance(first, Table) and len(first.columns) == 1:
        return int(isinstance(second, Table) and len(second.columns) == 1)
    if not isinstance(first, Figure):
        return 0
    room, count = _plot_lines(first), 0
    for block in rest:
        room -= _half_lines(block)
        if room < 0:
            break
        count += 1
    return count


def _is_wide(figure: Figure) -> bool:
    """Whether half a page would make its letters too small to read."""
    return _size(figure)[0] > _WIDE * DOTS_PER_INCH


def _size(figure: Figure) -> tuple[int, int]:
    """Width and height in dots, which a PNG begins with; twice as wide as tall where there is no picture."""
    return struct.unpack(">II", figure.png[16:24]) if len(figure.png) > 24 else (2, 1)


def _plot_lines(figure: Figure) -> float:
    """Lines that may stand beside the plot on half a page, some more than it is tall."""
    width, height = _size(figure)
    return _OVER + (height / width * _HALF_PAGE) / _LINE


def _half_lines(block: Block) -> float:
    """Lines of a block on half a page; endless for what must not stand there."""
    match block:
        case Paragraph():
            return text_lines(block.text, HALF_PAGE_EMS) + 0.5
        case Bullets():
            return sum(text_lines(item, HALF_PAGE_EMS) for item in block.items) + 0.5
        case Table() if 1 < len(block.columns) <= _NARROW:
            heads = [column.title for column in block.columns]
            lines = table_lines(heads, block.rows, widths=fit_widths(heads, block.rows, ems=HALF_PAGE_EMS))
            return lines * 1.15 + text_lines(block.caption, HALF_PAGE_EMS) + text_lines(block.note, HALF_PAGE_EMS)
        case _:
            return float("inf")


def _fitted(block: Block, ems: float) -> Block:
    """The block with tables whose columns are as wide as their texts ask for."""
    if isinstance(block, Row):
        left, right = (tuple(_fitted(one, HALF_PAGE_EMS) for one in half) for half in (block.left, block.right))
        return Row(left=left, right=right)
    if isinstance(block, Figure) and _is_wide(block):
        return replace(block, wide=True)
    if not isinstance(block, Table) or len(block.columns) < 2:
        return block
    widths = fit_widths([column.title for column in block.columns], block.rows, ems=ems)
    return replace(block, columns=tuple(replace(column, width=width) for column, width in zip(block.columns, widths, strict=True)))

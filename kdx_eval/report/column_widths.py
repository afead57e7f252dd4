"""Widths of a printed table from its own texts: those at which its rows take few lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

PAGE_EMS = 63.5  # full-width characters of table text across the 別冊's page
HALF_PAGE_EMS = 30.8
_PADDING = 0.85  # of a cell, left and right together
_SHORT, _MOST_SHORT = 7.0, 0.75  # cells up to that many characters stay on one line, where they all take no more than that share of the page
_MOVES = (0.5, 1.0, 2.5)  # full-width characters handed from one column to another
_MOST_MOVES = 40
_WORD = re.compile(r"[0-9A-Za-z,.:%/_+△-]+")  # typst breaks no line inside

Lengths = npt.NDArray[np.float64]


def fit_widths(heads: Sequence[str], rows: Sequence[Sequence[str]], *, ems: float) -> tuple[float, ...]:
    """Widths in full-width characters that fill ``ems``.

    Each column starts at its longest word, and short cells on one line where that leaves room; what is left goes to the columns as their longest
    cells ask for it. Then the wider columns hand on what saves lines elsewhere.
    """
    texts = [tuple(heads), *rows]
    lengths, breaks = _measured(texts)
    words = np.array([max(1.5, *(_longest_word(row[place]) for row in texts)) for place in range(len(heads))])
    room = ems - _PADDING * len(heads)
    longest = lengths.max(axis=0)
    whole = np.maximum(words, np.minimum(longest, _SHORT))
    least = whole if whole.sum() <= _MOST_SHORT * room else words
    if np.maximum(least, longest).sum() <= room:
        least = np.maximum(least, longest)
        wanted = least  # every cell on one line: what is left is shared
    else:
        wanted = np.maximum(longest - least, 0.0)
    widths = least + max(room - float(least.sum()), 0.0) * wanted / wanted.sum()
    return tuple(float(width) for width in _traded(lengths, breaks, widths, least=least) + _PADDING)


def table_lines(heads: Sequence[str], rows: Sequence[Sequence[str]], *, widths: Sequence[float]) -> float:
    """Lines that the table takes at those widths, head and all."""
    lengths, breaks = _measured([tuple(heads), *rows])
    return float(_lines(lengths, breaks, np.array(widths) - _PADDING).max(axis=1).sum())


def text_lines(text: str, ems: float) -> float:
    """Lines that a text takes across ``ems`` full-width characters."""
    return float(np.ceil(_ems(text) / ems))


def _traded(lengths: Lengths, breaks: Lengths, widths: Lengths, *, least: Lengths) -> Lengths:
    cost = _cost(lengths, breaks, widths)
    for _ in range(_MOST_MOVES if len(widths) > 1 else 0):
        donors = np.argsort(-(widths - least), kind="stable")[:2]
        moved: list[tuple[float, int, Lengths]] = []
        for donor, taker, step in product(donors, range(len(widths)), _MOVES):
            if donor != taker and widths[donor] - step >= least[donor]:
                changed = widths.copy()
                changed[donor] -= step
                changed[taker] += step
                moved.append((_cost(lengths, breaks, changed), len(moved), changed))
        if not moved or min(moved)[0] >= cost:
            break
        cost, _, widths = min(moved)
    return widths


def _cost(lengths: Lengths, breaks: Lengths, widths: Lengths) -> float:
    """Lines of all rows; between equals, fewer lines in the cells."""
    lines = _lines(lengths, breaks, widths)
    return float(lines.max(axis=1).sum() + 0.02 * lines.sum())


def _lines(lengths: Lengths, breaks: Lengths, widths: Lengths) -> Lengths:
    # A line loses about half a character where a word does not fit any more.
    found: Lengths = np.ceil(np.where(lengths <= widths, lengths, lengths + 0.5) / widths - 1e-9).clip(1) + breaks
    return found


def _measured(texts: Sequence[Sequence[str]]) -> tuple[Lengths, Lengths]:
    """Length of each cell's longest line, and how many lines it has besides."""
    lengths = np.array([[max(_ems(line) for line in cell.split("\n")) for cell in row] for row in texts])
    return lengths, np.array([[float(cell.count("\n")) for cell in row] for row in texts])


@lru_cache(maxsize=8192)
def _ems(text: str) -> float:
    return sum(1.0 if unicodedata.east_asian_width(char) in "WFA" else 0.55 for char in text)


@lru_cache(maxsize=8192)
def _longest_word(text: str) -> float:
    return max((_ems(word) for word in _WORD.findall(text)), default=1.0)

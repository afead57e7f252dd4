"""Short answers of a fixed length, made of whole sentences of the ledger: what does not fit is left out, never cut off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kdx_eval.report.blocks import shorten

Standing: TypeAlias = Literal["答えられる", "一部だけ答えられる", "答えられない", "問題が見つかった"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question that will be asked, and what this run's results say to it.

    Attributes
    ----------
    objection, text : str
        The question as it will be put, and the answer in whole Japanese sentences.
    standing : str
        Whether the results answer it: ``答えられる``, ``一部だけ答えられる``, ``答えられない``, or ``問題が見つかった``.
    grounds : tuple of str
        The checks and figures behind the answer, each with its statistic and margin.
    needed : str
        What would have to be collected or done to answer it (better); empty when nothing is lacking.
    """

    objection: str
    text: str
    standing: Standing = "答えられる"
    grounds: tuple[str, ...] = ()
    needed: str = ""


def counted_length(text: str) -> int:
    """Characters as finance systems on Windows count them: UTF-16 units, so that 𠮷 counts as two and no limit is broken."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fill(sentences: Iterable[str], limit: int) -> str:
    """The sentences in their order, on one line, as long as they fit into ``limit`` characters.

    A sentence that does not fit is left out whole, so that no figure loses its range; a first sentence that is too long by itself is cut
    off with an ellipsis.
    """
    text = ""
    for sentence in sentences:
        flat = " ".join(sentence.split())
        if flat and counted_length(text + flat) <= limit:
            text += flat
        elif flat and not text:
            text = _cut(flat, limit)
    return text


def _cut(text: str, limit: int) -> str:
    width = limit
    while counted_length(shorten(text, width)) > limit:
        width -= 1
    return shorten(text, width)

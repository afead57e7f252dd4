"""Hours of some of the lines of a total, with the interval that their joint correlation gives."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kdx_eval.savings.types import Hours, Savings, SavingsLine


def split_decided(savings: Savings) -> tuple[tuple[SavingsLine, ...], tuple[SavingsLine, ...]]:
    """The lines of the total whose verdict permits a claim or says that hours rose, and the rest, of which nothing is certain."""
    counted = tuple(line for line in savings.lines if line.in_total and line.saved is not None)
    decided = tuple(line for line in counted if line.may_claim or line.verdict == "逆効果")
    return decided, tuple(line for line in counted if line not in decided)


def add_lines(savings: Savings, lines: Sequence[SavingsLine]) -> Hours:
    """Sum of lines of the total; all of them are the total itself.

    The half widths of the lines' intervals add as their correlation says, so that one line keeps its own interval.
    """
    counted = [line for line in savings.lines if line.in_total and line.saved is not None]
    if savings.created is not None and len(lines) == len(counted):
        return savings.created
    places = [counted.index(line) for line in lines]
    saved = [line.saved for line in lines if line.saved is not None]
    hours = math.fsum(one.hours for one in saved)
    if len(saved) == 1:
        return saved[0]

    def joint(sizes: Sequence[float]) -> float:
        pairs = (a * b * savings.correlation[i][j] for a, i in zip(sizes, places, strict=True) for b, j in zip(sizes, places, strict=True))
        return math.sqrt(max(0.0, math.fsum(pairs)))

    half = joint([(one.conf_high - one.conf_low) / 2 for one in saved])
    return Hours(hours=hours, std_error=joint([one.std_error for one in saved]), conf_low=hours - half, conf_high=hours + half)

"""Indicators of one group of scores, and of two assessments of the same people; a group of fewer than ten persons is never described."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.disclosure import SMALL_CELL

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.schema.policy_version import RequiredLevel

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How one group of persons scored by one instrument.

    Attributes
    ----------
    persons : int or None
        Zero where nobody was assessed; None where fewer than ten were (秘匿), and then all else is None too.
    attained : float or None
        Share at or above the required level; None where no level is set. ``below`` is the rest.
    gap : float or None
        Mean less the required level; negative is short of it.
    mean, deviation, width : float or None
        Mean, standard deviation (n - 1) and P90 - P10 (linear between ranks), in points.
    floor, ceiling : float or None
        Share at the lowest and at the highest score of the scale: where many are, the instrument cannot tell them apart.
    """

    persons: int | None
    attained: float | None = None
    below: float | None = None
    gap: float | None = None
    mean: float | None = None
    deviation: float | None = None
    width: float | None = None
    floor: float | None = None
    ceiling: float | None = None

    @property
    def is_masked(self) -> bool:
        """Whether there is somebody, but too few to be shown."""
        return self.persons is None


def describe(scores: Floats, level: RequiredLevel | None) -> Spread:
    """The indicators of one group; ``scores`` holds one score for each person."""
    if len(scores) == 0:
        return Spread(persons=0)
    if len(scores) < SMALL_CELL:
        return Spread(persons=None)
    low, high = np.percentile(scores, [10, 90])
    shown = Spread(persons=len(scores), mean=float(scores.mean()), deviation=float(scores.std(ddof=1)), width=float(high - low))
    if level is None:
        return shown
    attained = float((scores >= level.required).mean())
    return Spread(
        persons=shown.persons, mean=shown.mean, deviation=shown.deviation, width=shown.width, attained=attained, below=1.0 - attained,
        gap=float(scores.mean() - level.required), floor=float((scores <= level.scale_min).mean()), ceiling=float((scores >= level.scale_max).mean()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The same persons assessed twice by the same instrument; ``low`` and ``high`` are the 95 % interval of the mean difference (t).

    ``persons`` is as in `Spread`; the rest is None where it is zero or masked. No effect: nobody is compared with.
    """

    persons: int | None
    before: float | None = None
    after: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None


def gain_of(before: Floats, after: Floats) -> Gain:
    """The mean difference of paired scores with its interval."""
    count = len(before)
    if count < SMALL_CELL:
        return Gain(persons=None if count else 0)
    from scipy import stats

    change = after - before
    half = float(stats.t.ppf(0.975, count - 1) * change.std(ddof=1) / math.sqrt(count))
    mean = float(change.mean())
    return Gain(persons=count, before=float(before.mean()), after=float(after.mean()), gain=mean, low=mean - half, high=mean + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Self-assessment against test of the same persons in the same year; each is held against its own required level, scores are not mixed.

    Attributes
    ----------
    self_attained, test_attained : float or None
        Share that reaches the required level by each.
    self_only, test_only : float or None
        Share that reaches it by one alone.
    correlation : float or None
        Spearman; None where one of them does not vary.
    """

    persons: int | None
    self_attained: float | None = None
    test_attained: float | None = None
    self_only: float | None = None
    test_only: float | None = None
    correlation: float | None = None


def agreement_of(pairs: pd.DataFrame) -> Agreement:
    """From columns self, test (scores), self_required, test_required, one row a person."""
    if len(pairs) < SMALL_CELL:
        return Agreement(persons=None if len(pairs) else 0)
    ranks = pairs[["self", "test"]].rank()
    varies = bool((ranks.nunique() > 1).all())
    claims, shows = pairs["self"] >= pairs["self_required"], pairs["test"] >= pairs["test_required"]
    return Agreement(
        persons=len(pairs), self_attained=float(claims.mean()), test_attained=float(shows.mean()), self_only=float((claims & ~shows).mean()),
        test_only=float((shows & ~claims).mean()), correlation=float(np.corrcoef(ranks["self"], ranks["test"])[0, 1]) if varies else None,
    )  # fmt: skip

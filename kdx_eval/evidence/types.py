"""What may be said about one question: verdict, grades, permitted and forbidden sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kdx_eval.effect.checks import TREND_BEFORE_SELECTION, TREND_CARRIED_ON
from kdx_eval.effect.study import Better, CheckResult, Entry
from kdx_eval.plan.types import PriceBasis

Verdict: TypeAlias = Literal["効果あり", "小さい効果", "実質的効果なし", "逆効果", "判定不能", "検証対象外"]
Basis: TypeAlias = Literal["比較対照あり", "前後比較のみ", "自己申告のみ", "比較対象なし"]
Interval: TypeAlias = tuple[float, float]

CLAIMABLE: frozenset[Verdict] = frozenset({"効果あり", "小さい効果"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A dated price of one staff hour.

    Attributes
    ----------
    yen_per_hour : int
        Yen for one staff hour.
    basis : str
        ``wage_only``, ``fully_loaded``, ``marginal_overtime`` or ``avoided_cash``.
    source, status : str
        Who published it; ``sourced`` or ``derived`` (an ``unverified`` price is never chosen).
    sentence : str
        Japanese, ready to print: which price this is and where it comes from.
    """

    yen_per_hour: int
    fiscal_year: int
    basis: PriceBasis
    source: str
    status: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestEffect:
    """The smallest effect that matters, fixed before the result is looked at.

    Attributes
    ----------
    value : float
        Absolute size, in the outcome's unit per unit and period; above zero, or NaN where nothing sets a scale.
    basis : str
        ``declared`` in the plan, ``break_even`` with the costs, or ``fallback`` (5 % of the mean before training).
    hours : float or None
        The same over all treated unit-periods of the year, in staff hours.
    sentence : str
        Japanese, ready to print: where the figure comes from.
    """

    value: float
    basis: Literal["declared", "break_even", "fallback"]
    hours: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Verdict, grades and wording for one question.

    Attributes
    ----------
    verdict : str
        One of the six words of METHODS 8.
    maryland : int or None
        Maryland scale, 0 to 5, high is strong; None where nothing was estimated.
    japan : str or None
        Ladder used in Japan, ``Lv1`` to ``Lv4``, low is strong.
    basis_plain : str
        The same for readers in finance.
    smallest : SmallestEffect or None
        What the interval is held against.
    detectable : float or None
        Smallest effect that would have been found, outcome's unit per unit-period.
    detectable_range : (float, float) or None
        95 % interval of ``detectable``.
    interval90 : (float, float) or None
        90 % interval of the estimate, for the equivalence test.
    p_holm : float or None
        p value of the headline, adjusted by Holm over the primary questions of the year.
    holm95 : (float, float) or None
        Interval of the headline that excludes zero exactly where Holm's test rejects at 5 %; the verdict is read from it.
    headline_sentence : str
        The one sentence that a budget page may carry.
    sentences, forbidden : tuple of str
        この数字は言ってよい / 言ってはいけない.
    reasons : tuple of str
        Why the grade is not higher.
    limits : tuple of str
        What must be printed beside the headline sentence.
    """

    question_id: str
    title: str
    role: str
    outcome_label: str
    unit_label: str
    better: Better
    verdict: Verdict
    maryland: int | None
    japan: str | None
    basis_plain: Basis
    smallest: SmallestEffect | None
    detectable: float | None
    detectable_range: Interval | None = None
    interval90: Interval | None
    p_holm: float | None
    holm95: Interval | None
    headline: Entry | None
    headline_sentence: str
    sentences: tuple[str, ...]
    forbidden: tuple[str, ...]
    limits: tuple[str, ...]
    reasons: tuple[str, ...]
    checks: tuple[CheckResult, ...]

    @property
    def could_find(self) -> float | None:
        """What the result could find: ``detectable``, or what the width of its interval allows where that is more; unit as ``detectable``.

        What is foreseen rests on the months before training; where the outcome varied more than these show, it promises too much.
        """
        if self.detectable is None or self.headline is None:
            return self.detectable
        return max(self.detectable, self.headline.could_find)

    @property
    def may_claim(self) -> bool:
        """Whether an effect may be claimed in a document, with its limits printed beside it."""
        return self.verdict in CLAIMABLE and (self.maryland or 0) >= 2

    @property
    def strict95(self) -> Interval | None:
        """The 95 % interval widened by those of the effect less a slope that went on from before training; None where there is none.

        Two slopes: of each start from all its months before, and one common to all from the months before the last half-year. It stands beside every
        claim: a drift too small for any check, or hidden by that half-year, moves the plain interval, not all three.
        """
        found = [check for check in self.checks if check.check_id in {TREND_CARRIED_ON, TREND_BEFORE_SELECTION}]
        ends = [(check.conf_low, check.conf_high) for check in found if check.conf_low is not None and check.conf_high is not None]
        if self.headline is None or not ends:
            return None
        return min(self.headline.conf_low, *(low for low, _ in ends)), max(self.headline.conf_high, *(high for _, high in ends))

    @property
    def smallest_effect(self) -> float | None:
        """``smallest.value``: outcome's unit per unit-period."""
        return None if self.smallest is None else self.smallest.value

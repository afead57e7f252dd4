"""Two readings of the same panel, between which the effect lies if either assumption holds (Ding & Li 2019).

Difference-in-differences trusts that trends are alike; adjustment for the outcome before treatment trusts that units with the same past
outcome are alike. Where untreated outcomes return to the mean, the two err in opposite directions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kdx_eval.effect.adjusted import doubly_robust
from kdx_eval.effect.averages import Kind
from kdx_eval.effect.group_time import Control
from kdx_eval.effect.inference import Estimate
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

Order = Literal["lower", "higher", "crossing"]
_LAG = "outcome before treatment"
_SMIRNOV_95 = 1.2238  # one-sided 5 % point of the two-sample Smirnov distance, times sqrt(1/n + 1/m) (large samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaggedOutcomeBracket:
    """Difference-in-differences and lagged-outcome estimate, in the outcome's unit, with the conditions under which they bracket the effect.

    Attributes
    ----------
    difference, lagged : Estimate
        Both over the same cohorts and periods.
    slope : float
        Largest slope over the treated cells of the controls' outcome on their outcome at the base; stationarity asks for less than one.
    order : "lower", "higher" or "crossing"
        Where treated units stood before treatment against their controls: lower or higher throughout the distribution (up to sampling
        error) in every cohort, or neither.
    n_cells : int
        Cohort-period pairs behind both figures.
    """

    difference: Estimate
    lagged: Estimate
    slope: float
    order: Order
    n_cells: int

    @property
    def low(self) -> float:
        """The smaller of the two estimates."""
        return min(self.difference.estimate, self.lagged.estimate)

    @property
    def high(self) -> float:
        """The larger of the two estimates."""
        return max(self.difference.estimate, self.lagged.estimate)

    @property
    def conf_low(self) -> float:
        """The lower of the two intervals' lower ends (95 % each)."""
        return min(self.difference.conf_low, self.lagged.conf_low)

    @property
    def conf_high(self) -> float:
        """The higher of the two intervals' upper ends (95 % each)."""
        return max(self.difference.conf_high, self.lagged.conf_high)

    @property
    def conditions_hold(self) -> bool:
        """Stationarity and stochastic order (Ding & Li 2019, conditions 1 and 2), as far as the data show."""
        return self.slope < 1 and self.order != "crossing"


def lagged_outcome_bracket(panel: Panel, *, control: Control = "not_yet_treated", kind: Kind = "simple", anticipation: int = 0) -> LaggedOutcomeBracket:
    """Both estimates of the effect, by regression among the controls: of the change, and of the outcome on its value at the base period.

    Covariates of the panel enter both. If stationarity holds and treated units stood lower (higher) before, the
    difference-in-differences estimate is the larger (smaller) of the two, whichever assumption is right (Ding & Li 2019, Theorem 1).

    Parameters
    ----------
    panel : Panel
    control : "not_yet_treated" or "never_treated"
    kind : "simple", "event_time", "cohort", "calendar" or "total"
        Whose overall figure is meant.
    anticipation : int

    Returns
    -------
    LaggedOutcomeBracket

    Raises
    ------
    ParameterError
        An option is unknown, or a covariate bears the name used for the lagged outcome.
    NotIdentifiedError
        No cohort and period has both estimates.
    """
    if _LAG in panel.covariates:
        raise ParameterError("共変量の名前が受講前の結果と重なっています", place="covariates", hint="共変量の名前を変えてください")
    with_lag = replace(panel, covariates={**panel.covariates, _LAG: panel.outcome})
    plain = doubly_robust(panel, control=control, method="reg", anticipation=anticipation)
    given = doubly_robust(with_lag, control=control, method="reg", anticipation=anticipation)
    cells = [set(zip(effects.cohort, effects.period, strict=True)) for effects in (plain, given)]
    common = {cell for cell in cells[0] & cells[1] if cell[1] >= cell[0]}
    if not common:
        raise NotIdentifiedError("受講前の結果をそろえて比べられる相手がいません", hint="比較対象を増やしてください")
    plain, given = (effects.select(np.array([cell in common for cell in zip(effects.cohort, effects.period, strict=True)])) for effects in (plain, given))
    return LaggedOutcomeBracket(
        difference=plain.aggregate(kind).overall,
        lagged=given.aggregate(kind).overall,
        slope=max(_slope(panel, cohort, period, control=control, anticipation=anticipation) for cohort, period in common),
        order=_order(panel, sorted({cohort for cohort, _ in common}), control=control, anticipation=anticipation),
        n_cells=len(common),
    )


def _controls(panel: Panel, cohort: float, period: float, *, control: Control, anticipation: int) -> tuple[int, np.ndarray]:
    """Column of the cohort's base period, and which units are its controls in the period."""
    base = int(np.searchsorted(panel.periods, cohort - anticipation)) - 1
    others = np.isinf(panel.cohort) if control == "never_treated" else panel.cohort > max(period, panel.periods[base]) + anticipation
    return base, others & (panel.cohort != cohort) & np.isfinite(panel.outcome[:, base])


def _slope(panel: Panel, cohort: float, period: float, *, control: Control, anticipation: int) -> float:
    """Weighted least-squares slope of the controls' outcome in the period on their outcome at the base."""
    base, others = _controls(panel, cohort, period, control=control, anticipation=anticipation)
    after = panel.outcome[:, int(np.searchsorted(panel.periods, period))]
    used = others & np.isfinite(after)
    weight = np.ones(int(used.sum())) if panel.weight is None else panel.weight[used]
    before = panel.outcome[used, base] - np.average(panel.outcome[used, base], weights=weight)
    return float((weight * before) @ after[used] / ((weight * before) @ before))


def _order(panel: Panel, cohorts: list[float], *, control: Control, anticipation: int) -> Order:
    """Order of the treated and their controls at the base, the same in every cohort; gaps against it within sampling error are allowed."""
    possible: set[Order] = {"lower", "higher"}
    for cohort in cohorts:
        base, others = _controls(panel, cohort, cohort, control=control, anticipation=anticipation)
        own = panel.outcome[(panel.cohort == cohort) & np.isfinite(panel.outcome[:, base]), base]
        above, below = _distances(own, panel.outcome[others, base])
        allowed = _SMIRNOV_95 * np.sqrt(1 / len(own) + 1 / int(others.sum()))
        if below > allowed:
            possible.discard("lower")
        if above > allowed:
            possible.discard("higher")
    if len(possible) == 2:  # no visible difference in any cohort: the larger gap tells
        base, others = _controls(panel, cohorts[0], cohorts[0], control=control, anticipation=anticipation)
        own = panel.outcome[panel.cohort == cohorts[0], base]
        return "lower" if np.nanmean(own) <= panel.outcome[others, base].mean() else "higher"
    return possible.pop() if possible else "crossing"


def _distances(own: FloatArray, others: FloatArray) -> tuple[float, float]:
    """Largest excess of the first distribution function over the second, and of the second over the first."""
    grid = np.concatenate([own, others])
    first = np.searchsorted(np.sort(own), grid, side="right") / len(own)
    second = np.searchsorted(np.sort(others), grid, side="right") / len(others)
    return float((first - second).max()), float((second - first).max())

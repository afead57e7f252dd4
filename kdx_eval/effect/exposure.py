"""Exposure that rises, falls in April and starts above zero: first stage, effect per trained share, and treatments that switch off.

The headline is the effect of the offer on the department, dilution included. What one trained member of staff does follows only
under an assumption (training works in the department through nothing but the share of staff who are trained), so it is shown with the
first stage beside it and never leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON, FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, make_estimate, pooled_covariance, t_quantile
from kdx_eval.effect.unit_weights import UnitContrast
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel

_WEAK = 10.0  # first-stage F under which a ratio's usual interval is not to be trusted (Staiger & Stock 1997)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerExposure:
    """Effect per trained share of staff.

    Attributes
    ----------
    first_stage : Estimate
        What the start of training did to the share of trained staff, 0 to 1.
    ratio : Estimate
        Effect on the outcome if the whole staff were trained, in the outcome's unit per unit and period; ``std_error`` by the delta method,
        interval by Anderson & Rubin 1949 (bounds -inf and inf where the first stage is too weak to bound it).
    weak : bool
        First-stage F below 10.
    """

    first_stage: Estimate
    ratio: Estimate
    weak: bool


def effect_per_exposure(panel: Panel, target: FiscalYearTarget) -> PerExposure:
    """Headline effect divided by what training did to the share of trained staff.

    Both are the same contrast, so the ratio θ solves contrast(y - θ x) = 0; its interval holds every θ that the headline test of
    y - θ x does not reject (Anderson & Rubin 1949).

    Raises
    ------
    NotIdentifiedError
        No exposure is known for some unit and period, no comparison exists, or exposure did not change at all.
    """
    exposure = _known_exposure(panel)
    m = moments(panel)
    contrast = fiscal_year_contrast(m, target).effect
    first = _judge(replace(panel, outcome=exposure), target)
    if not first.std_error > 0 or first.estimate == 0:
        raise NotIdentifiedError("受講の割合が動いていないため、職員あたりの効果は求められません", hint="所属履歴と受講記録のつながりを確かめてください")
    ratio = float(contrast.estimate(m)[0]) / first.estimate
    at_ratio = _judge(replace(panel, outcome=panel.outcome - ratio * exposure), target)
    low, high = _anderson_rubin(panel, exposure, target=target, df=at_ratio.df)
    delta = make_estimate(ratio, at_ratio.std_error / abs(first.estimate), df=at_ratio.df)
    return PerExposure(
        first_stage=first, ratio=replace(delta, conf_low=low, conf_high=high), weak=bool((first.estimate / first.std_error) ** 2 < _WEAK)
    )


def _known_exposure(panel: Panel) -> FloatArray:
    if panel.exposure is None or not np.isfinite(panel.exposure).all():
        raise NotIdentifiedError("課ごとの受講の割合がわからないため、職員あたりの効果は求められません", hint="所属履歴（または職員名簿）を入れてください")
    return panel.exposure


def _judge(panel: Panel, target: FiscalYearTarget) -> Estimate:
    m = moments(panel)
    contrast = fiscal_year_contrast(m, target).effect
    variance, df = pooled_covariance(m).variance(contrast, m)
    return make_estimate(float(contrast.estimate(m)[0]), float(np.sqrt(max(variance[0], 0.0))), df=float(df[0]))


def _anderson_rubin(panel: Panel, exposure: FloatArray, *, target: FiscalYearTarget, df: float) -> tuple[float, float]:
    """Bounds of {θ : (a - θ b)² <= t² V(θ)}: V is a quadratic in θ, known from three values; the set may be a half line or everything."""

    def at(theta: float) -> tuple[float, float]:
        found = _judge(replace(panel, outcome=panel.outcome - theta * exposure), target)
        return found.estimate, found.std_error**2

    (a, v0), (plus, v1), (_, v2) = at(0.0), at(1.0), at(-1.0)
    b = a - plus
    quadratic, linear = (v1 + v2) / 2 - v0, (v1 - v2) / 2
    t2 = t_quantile(0.975, df) ** 2
    # (b² - t² q) θ² - (2ab + t² l) θ + (a² - t² v0) <= 0
    lead, middle, last = b**2 - t2 * quadratic, -(2 * a * b + t2 * linear), a**2 - t2 * v0
    root = middle**2 - 4 * lead * last
    if lead <= 0 or root < 0:
        return -np.inf, np.inf
    half = np.sqrt(root)
    return float((-middle - half) / (2 * lead)), float((-middle + half) / (2 * lead))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitcherEffect:
    """Effect in the period of the switch, over units whose treatment begins or ends.

    Attributes
    ----------
    overall, joiners, leavers : Estimate
        In the outcome's unit; ``joiners`` and ``leavers`` have NaN where there are none. Outcome with training minus outcome without, for both.
    n_joins, n_leaves : int
        Switches that have a comparison.
    n_lost : int
        Switches without enough units that stay as they were.
    """

    overall: Estimate
    joiners: Estimate
    leavers: Estimate
    n_joins: int
    n_leaves: int
    n_lost: int


def switcher_effect(panel: Panel, *, threshold: float) -> SwitcherEffect:
    """DID_M of de Chaisemartin & D'Haultfoeuille 2020 (section 3): a unit is treated in a period while its exposure is at least ``threshold``.

    Units that begin are compared with units that stay untreated over the same two periods, units that end with units that stay treated. Errors
    take the treatment paths as given and pool the covariance within cohorts, as the headline does.

    Raises
    ------
    NotIdentifiedError
        No unit switches with at least three units staying as they were, or exposure is unknown.
    """
    treated = _known_exposure(panel) >= threshold
    joins, leaves = ~treated[:, :-1] & treated[:, 1:], treated[:, :-1] & ~treated[:, 1:]
    join_weights, n_joins = _switch_weights(joins, stay=~treated[:, :-1] & ~treated[:, 1:])
    leave_weights, n_leaves = _switch_weights(leaves, stay=treated[:, :-1] & treated[:, 1:])
    switches = n_joins + n_leaves
    if not switches:
        raise NotIdentifiedError(
            "受講の割合が基準をまたいで動いた単位に、比べられる相手がいません", hint="基準（threshold_share）と、動かなかった課の数を確かめてください"
        )
    m = moments(panel)
    pooled = pooled_covariance(m)

    def judged(step: FloatArray, count: int) -> Estimate:
        if not count:
            return make_estimate(float("nan"), float("nan"))
        weights = np.zeros(panel.outcome.shape)
        weights[:, 1:] += step / count
        weights[:, :-1] -= step / count
        return UnitContrast(weights=weights).judge(panel, m=m, pooled=pooled)

    return SwitcherEffect(
        overall=judged(join_weights - leave_weights, switches),
        joiners=judged(join_weights, n_joins),
        leavers=judged(-leave_weights, n_leaves),
        n_joins=n_joins,
        n_leaves=n_leaves,
        n_lost=int(joins.sum() + leaves.sum()) - switches,
    )


def _switch_weights(switch: npt.NDArray[np.bool_], *, stay: npt.NDArray[np.bool_]) -> tuple[FloatArray, int]:
    """Weight of each unit's change, (N, T-1): +1 for a switcher, minus the switchers' number spread over the stayers; and switches counted."""
    n_switch, n_stay = switch.sum(axis=0), stay.sum(axis=0)
    usable = (n_switch > 0) & (n_stay >= SMALLEST_COMPARISON)
    spread = np.where(usable, n_switch / np.maximum(n_stay, 1), 0.0)
    weights: FloatArray = (switch & usable) - stay * spread
    return weights, int(n_switch[usable].sum())

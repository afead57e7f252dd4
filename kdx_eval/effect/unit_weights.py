"""Contrasts that cohort means do not carry: each treated unit with a weight of its own, the comparison as in the headline.

A cohort mean gives every unit of the cohort the same weight. Dose and exposure differ within a cohort, so here an estimand is a matrix
of weights over (unit, period); the covariance is the pooled one of the headline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, PooledCovariance, make_estimate
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitContrast:
    """One weighted sum over units and periods.

    Attributes
    ----------
    weights : ndarray, (N, T)
        Weight of each unit's outcome in each period.
    """

    weights: FloatArray

    def value(self, outcome: FloatArray) -> float:
        """The weighted sum of an outcome, (N, T)."""
        return float((self.weights * outcome).sum())

    def judge(self, panel: Panel, *, m: CohortMoments, pooled: PooledCovariance) -> Estimate:
        """Estimate with headline inference: V = Σ_p tr(Σ_p B_p), B_p the sum of a_i a_i' over the units of pool p, Satterthwaite degrees of freedom.

        Within a cohort, units must stand for themselves: ``panel`` is unweighted.
        """
        pool = pooled.pool[m.groups_of(panel)]
        total = spread = 0.0
        for p in range(len(pooled.df)):
            a = self.weights[pool == p]
            # tr((Σ B)²) through the T x T product, so that the number of units does not matter.
            product = pooled.covariance[p] @ (a.T @ a)
            total += float(np.trace(product))
            spread += float((product * product.T).sum()) / pooled.df[p]
        df = min(total**2 / spread, float(pooled.df.sum())) if spread > 0 else 0.0
        return make_estimate(self.value(panel.outcome), float(np.sqrt(max(total, 0.0))), df=df)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCohort:
    """A treated cohort that the headline counts: its own weights per unit, those of each comparison unit, and how many periods count."""

    members: npt.NDArray[np.bool_]
    own: FloatArray
    comparison: FloatArray
    n_periods: int


def counted_cohorts(panel: Panel, m: CohortMoments, *, target: FiscalYearTarget) -> list[CountedCohort]:
    """For each cohort the effect of one of its units over the periods that count, as in the headline.

    Returns
    -------
    list of CountedCohort
        ``own`` is (T,), ``comparison`` (N, T); a unit's effect is ``own @ y_i + (comparison * y).sum()``.

    Raises
    ------
    NotIdentifiedError
        No cohort has a comparison, or units carry weights.
    """
    if panel.weight is not None:
        raise NotIdentifiedError("重みのある単位では、受講の割合ごとに分けて比べられません", hint="課を単位にした問いで見てください")
    treated = m.cohorts[np.isfinite(m.cohorts)]
    found = []
    for g in np.flatnonzero(np.isfinite(m.cohorts)):
        others = frozenset(float(cohort) for cohort in treated if cohort != m.cohorts[g])
        try:
            contrast = fiscal_year_contrast(m, replace(target, omitted=target.omitted | others))
        except NotIdentifiedError:
            continue
        weights = contrast.effect.weights[0]
        members = panel.cohort == m.cohorts[g]
        share = weights / m.mass[:, None]
        share[g] = 0.0
        comparison = share[np.searchsorted(m.cohorts, panel.cohort)]
        found.append(CountedCohort(members=members, own=weights[g], comparison=comparison, n_periods=int(contrast.cells[g].sum())))
    if not found:
        raise NotIdentifiedError("比べられる相手のいる開始時期がありません", hint="受講前の月を延ばすか、まだ受けていない課を3つ以上残してください")
    return found


def weighted_effect(cohorts: list[CountedCohort], mix: FloatArray) -> UnitContrast:
    """The sum over treated units of ``mix`` times the unit's effect; ``mix`` is (N,) and counts only treated units that have a comparison."""
    weights = np.zeros_like(cohorts[0].comparison)
    for cohort in cohorts:
        shares = mix[cohort.members]
        weights[cohort.members] += shares[:, None] * cohort.own
        weights += shares.sum() * cohort.comparison
    return UnitContrast(weights=weights)


def cells_of(cohorts: list[CountedCohort], n_units: int) -> npt.NDArray[np.int64]:
    """Counted periods of each unit, (N,); zero where it is not counted as treated."""
    cells = np.zeros(n_units, dtype=np.int64)
    for cohort in cohorts:
        cells[cohort.members] = cohort.n_periods
    return cells

"""Estimates as weighted sums of single units, so that the difference of two over other units or other cohorts has its own variance."""

from __future__ import annotations

import numpy as np

from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, PooledCovariance, make_estimate, pooled_covariance
from kdx_eval.panel.type import FloatArray, Panel


def unit_weights(weights: FloatArray, panel: Panel, *, m: CohortMoments) -> FloatArray:
    """Weight of each unit's outcome, (N, T), behind weights of cohort means, (G, T)."""
    group = m.groups_of(panel)
    own = np.ones(panel.n_units) if panel.weight is None else panel.weight
    found: FloatArray = weights[group] * (own / m.mass[group])[:, None]
    return found


def fiscal_year_weights(panel: Panel, target: FiscalYearTarget) -> FloatArray:
    """Unit weights, (N, T), of the fiscal-year effect of a panel; raises NotIdentifiedError as `fiscal_year_contrast` does."""
    m = moments(panel)
    return unit_weights(fiscal_year_contrast(m, target).effect.weights[0], panel, m=m)


def judge_unit_weights(weights: FloatArray, panel: Panel, *, pooled: PooledCovariance, m: CohortMoments) -> Estimate:
    """Estimate of a weighted sum of units with the pooled covariance of the headline: V = Σ_i d_i' Σ_p(i) d_i, degrees of freedom by Satterthwaite.

    For weights that are equal within cohorts this is `PooledCovariance.variance`. Weights of each unit must sum to zero over time, or its level
    would count as noise.
    """
    pool = pooled.pool[m.groups_of(panel)]
    total, spread = 0.0, 0.0
    for p, covariance in enumerate(pooled.covariance):
        own = weights[pool == p]
        product = covariance @ (own.T @ own)
        total += float(np.trace(product))
        spread += float((product * product.T).sum()) / float(pooled.df[p])
    df = min(total**2 / spread, float(pooled.df.sum())) if spread > 0 else 0.0
    return make_estimate(float((weights * panel.outcome).sum()), float(np.sqrt(max(total, 0.0))), df=df)


def effect_on(panel: Panel, target: FiscalYearTarget) -> Estimate:
    """The fiscal-year effect on the outcome of ``panel`` with headline inference of its own.

    Raises
    ------
    NotIdentifiedError
        No comparison exists, or there is no spread to measure.
    """
    m = moments(panel)
    found, pooled = fiscal_year_contrast(m, target), pooled_covariance(m)
    variance, df = pooled.variance(found.effect, m)
    return make_estimate(float(found.effect.estimate(m)[0]), float(np.sqrt(max(variance[0], 0.0))), df=float(df[0]))

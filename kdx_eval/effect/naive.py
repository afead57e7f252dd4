"""The comparisons that a hurried reader would make, as contrasts of the same cohort means: shown beside the headline, labelled naive."""

from __future__ import annotations

import numpy as np

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import FiscalYearContrast
from kdx_eval.panel.type import FloatArray


def trained_against_untrained(m: CohortMoments, found: FiscalYearContrast) -> Contrast | None:
    """Level of the treated cells minus the level of never treated units in the same periods; None without never treated units."""
    if not m.never.any():
        return None
    treated = m.mass[:, None] * found.cells
    weights = treated / treated.sum()
    by_period = weights.sum(axis=0)
    share = np.where(m.never, m.mass, 0.0)
    weights = weights - (share / share.sum())[:, None] * by_period[None, :]
    return _single(weights, m)


def two_way_fixed_effects(m: CohortMoments) -> Contrast | None:
    """Coefficient of "already treated" in a regression with unit and period effects (balanced panel).

    The regressor is constant within a cohort, so the coefficient is a weighted sum of cohort means, with weights of both signs
    (Goodman-Bacon 2021; de Chaisemartin & D'Haultfoeuille 2020). None where treatment does not vary.
    """
    treated = (m.periods[None, :] >= m.cohorts[:, None]).astype(np.float64)
    share = m.mass / m.mass.sum()
    residual = treated - treated.mean(axis=1, keepdims=True) - (share @ treated)[None, :] + float(share @ treated.mean(axis=1))
    scale = float((m.mass[:, None] * residual**2).sum())
    if scale <= 1e-12 * m.mass.sum():
        return None
    return _single(m.mass[:, None] * residual / scale, m)


def _single(weights: FloatArray, m: CohortMoments) -> Contrast:
    return Contrast(weights=weights[None], constant=np.zeros((1, len(m.cohorts))))

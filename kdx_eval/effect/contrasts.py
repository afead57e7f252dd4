"""An estimand is a matrix of weights over (cohort, period); a new estimand is a new way to fill that matrix.

``Contrast`` holds K of them. Its estimates are sums of weights times cohort means; each unit's influence on estimate k is
``w_i (A_kg (y_i - m_g) / W_g + c_kg)``, with A the weights and c the part that estimated cohort shares and pooled controls add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.panel.type import FloatArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """K weighted sums of cohort means.

    Attributes
    ----------
    weights : ndarray, (K, G, T)
        Weight of each cohort mean in each period.
    constant : ndarray, (K, G)
        Part of a unit's influence that is the same for all units of its cohort (estimated shares, pooled controls).
    """

    weights: FloatArray
    constant: FloatArray

    def estimate(self, m: CohortMoments) -> FloatArray:
        """The K estimates, in the outcome's unit."""
        estimates: FloatArray = np.einsum("kgt,gt->k", self.weights, m.mean)
        return estimates

    def covariance(self, m: CohortMoments) -> FloatArray:
        """Covariance of the estimates, (K, K), from the influence function without degrees-of-freedom correction.

        Sum over units of the product of influences (Callaway & Sant'Anna 2021, Theorem 2), written in cohort moments.
        """
        per_unit = self.weights / m.mass[None, :, None]
        total = np.zeros((len(self.weights), len(self.weights)))
        for group in range(len(m.cohorts)):
            a, c = per_unit[:, group], self.constant[:, group]
            cross = np.outer(c, a @ m.drift[group])
            total += a @ m.scatter[group] @ a.T + cross + cross.T + m.mass2[group] * np.outer(c, c)
        return total

    def influence(self, panel: Panel, m: CohortMoments) -> FloatArray:
        """Influence of each unit on each estimate, (N, K); its columns sum to zero up to the constant part."""
        group = m.groups_of(panel)
        weight = np.ones(panel.n_units) if panel.weight is None else panel.weight
        values = np.zeros((panel.n_units, len(self.weights)))
        for g in range(len(m.cohorts)):
            members = group == g
            deviations = panel.outcome[members] - m.mean[g]
            values[members] = deviations @ (self.weights[:, g] / m.mass[g]).T + self.constant[:, g]
        return values * weight[:, None]

    def combine(self, mix: FloatArray) -> Contrast:
        """The contrasts ``mix @ self``, mix (R, K)."""
        return Contrast(weights=np.tensordot(mix, self.weights, axes=1), constant=mix @ self.constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairContrasts:
    """K contrasts of changes between two periods: ``sum_g coefficient_kg (mean_g[period_k] - mean_g[base_k])``.

    The compact form of group-time effects: two periods a row, so that thousands of them stay small.

    Attributes
    ----------
    period, base : ndarray of int, (K,)
        Column of the period and of its base.
    coefficient, constant : ndarray, (K, G)
        Weight of each cohort's change; cohort-constant influence.
    """

    period: np.ndarray[tuple[int], np.dtype[np.intp]]
    base: np.ndarray[tuple[int], np.dtype[np.intp]]
    coefficient: FloatArray
    constant: FloatArray

    def estimate(self, m: CohortMoments) -> FloatArray:
        """The K estimates."""
        change = m.mean[:, self.period] - m.mean[:, self.base]
        estimates: FloatArray = np.einsum("kg,gk->k", self.coefficient, change)
        return estimates

    def variance(self, m: CohortMoments) -> FloatArray:
        """Their K variances (the diagonal of ``Contrast.covariance``), without building the K x G x T weights."""
        t, b = self.period, self.base
        diagonal = np.einsum("gtt->gt", m.scatter)
        spread = diagonal[:, t] + diagonal[:, b] - 2 * m.scatter[:, t, b]  # (G, K)
        per_unit = self.coefficient / m.mass
        drift = (m.drift[:, t] - m.drift[:, b]).T
        own = per_unit**2 * spread.T + 2 * self.constant * per_unit * drift + m.mass2 * self.constant**2
        variance: FloatArray = own.sum(axis=1)
        return variance

    def combine(self, mix: FloatArray, periods: int) -> Contrast:
        """The full contrasts ``mix @ self``, mix (R, K), over ``periods`` columns."""
        rows = np.arange(len(self.period))
        step = np.zeros((len(rows), periods))
        np.add.at(step, (rows, self.period), 1.0)
        np.add.at(step, (rows, self.base), -1.0)
        groups = self.coefficient.shape[1]
        weights = np.empty((len(mix), groups, periods))
        for row, share in enumerate(mix):
            used = np.flatnonzero(share)
            weights[row] = (share[used, None] * self.coefficient[used]).T @ step[used]
        return Contrast(weights=weights, constant=mix @ self.constant)

"""Group-time effects with the influence of every unit kept: for covariates, gaps, clusters above the unit and the bootstrap.

The influence of unit i on estimate k is scaled so that an estimate's variance is the sum of squared influences over independent clusters
(Callaway & Sant'Anna 2021, Theorem 2; their remark on clustering: influences are summed within a cluster first).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from kdx_eval.effect.averages import AverageWeights, Cells, Kind, average_weights
from kdx_eval.effect.group_time import GroupTimeEffects
from kdx_eval.effect.inference import Estimate, interval_columns, make_estimate, sup_t_critical
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

IntArray = npt.NDArray[np.intp]
CANCELLED = 1e-20  # a variance below this share of the one without clusters is rounding, not spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The N units behind the effects.

    Attributes
    ----------
    cohort, weight : ndarray, (N,)
    cluster : ndarray of int, (N,) or None
        Number of each unit's cluster; None where every unit stands for itself.
    """

    cohort: FloatArray
    weight: FloatArray
    cluster: IntArray | None

    def by_cluster(self, influence: FloatArray) -> FloatArray:
        """Influences (K, N) summed within clusters, (K, C); unchanged without clusters."""
        if self.cluster is None:
            return influence
        count = len(self.cluster)
        member = sparse.csr_array((np.ones(count), (self.cluster, np.arange(count))))
        return np.asarray(member @ influence.T, dtype=np.float64).T

    def covariance(self, influence: FloatArray) -> FloatArray:
        """Covariance of K estimates from their influences (K, N): cluster sums, no degrees-of-freedom correction."""
        summed = self.by_cluster(influence)
        covariance: FloatArray = summed @ summed.T
        return covariance

    def std_error(self, influence: FloatArray) -> FloatArray:
        """Square root of the diagonal of ``covariance``, (K,); NaN where influences cancel within every cluster, so that nothing varies."""
        summed = self.by_cluster(influence)
        variance: FloatArray = np.einsum("kc,kc->k", summed, summed)
        return np.sqrt(np.where(variance > CANCELLED * np.einsum("kn,kn->k", influence, influence), variance, np.nan))


def units_of(panel: Panel) -> Units:
    """Cohort, weight and cluster number of the panel's units.

    Raises
    ------
    ParameterError
        A weight is negative or not finite, or a cluster is missing.
    NotIdentifiedError
        All units are in one cluster.
    """
    weight = np.ones(panel.n_units) if panel.weight is None else panel.weight
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ParameterError("重みに負または無限の値があります", place="weight", hint="0以上の有限の値にしてください")
    if panel.cluster is None:
        return Units(cohort=panel.cohort, weight=weight, cluster=None)
    codes, _ = pd.factorize(panel.cluster)
    if (codes < 0).any():
        raise ParameterError("まとまり（cluster）が空の単位があります", place="cluster", hint="すべての単位に書いてください")
    if not codes.any():
        raise NotIdentifiedError("まとまり（cluster）が一つしかなく、ばらつきを測れません", hint="まとまりを二つ以上に分けるか、cluster を外してください")
    return Units(cohort=panel.cohort, weight=weight, cluster=codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLevelEffects:
    """ATT(g, t) like ``GroupTimeEffects``, with the influence of every unit in place of moments.

    Attributes
    ----------
    cohort, period, estimate, std_error : ndarray, (K,)
        In the outcome's unit; the error respects clusters and is NaN, not zero, where nothing varies (period is the base, one unit a side).
    influence : ndarray, (K, N)
        Of each unit on each estimate; zero for units not used.
    lost_share : ndarray, (K,)
        Share of the cohort's and its controls' units not seen in both periods (or without covariates), which are left out.
    dropped_units : int
        Units treated from the first period on.
    dropped_cells : int
        Cohort-period pairs without a comparison, without overlap or with collinear covariates.
    """

    cohort: FloatArray
    period: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    influence: FloatArray
    units: Units
    lost_share: FloatArray
    anticipation: int
    dropped_units: int
    dropped_cells: int

    @property
    def event_time(self) -> FloatArray:
        """Periods since the first treated one, (K,)."""
        return self.period - self.cohort

    def table(self) -> pd.DataFrame:
        """One row an effect: cohort, period, event_time, estimate, std_error, conf_low, conf_high (95 %, pointwise), p_value, lost_share."""
        frame = pd.DataFrame({"cohort": self.cohort, "period": self.period, "event_time": self.event_time})
        return frame.assign(**interval_columns(self.estimate, self.std_error), lost_share=self.lost_share)

    def aggregate(self, kind: Kind = "simple") -> UnitLevelAggregation:
        """Effects averaged as by ``GroupTimeEffects.aggregate``: ``simple``, ``event_time``, ``cohort``, ``calendar`` or ``total``.

        Returns
        -------
        UnitLevelAggregation
            ``.overall`` and ``.table()``.

        Raises
        ------
        ParameterError
            ``kind`` is unknown.
        NotIdentifiedError
            No treated cell has a comparison.
        """
        units = self.units
        cohorts, place = np.unique(units.cohort, return_inverse=True)
        mass = np.bincount(place, weights=units.weight).astype(np.float64)
        cells = Cells(cohort=self.cohort, period=self.period, estimate=self.estimate, cohorts=cohorts, mass=mass)
        weights = average_weights(kind, cells)
        estimates, mixed = weights.mix @ self.estimate, weights.mix @ self.influence
        return UnitLevelAggregation(
            weights=weights,
            estimates=estimates,
            influence=mixed + units.weight * weights.share[:, place],
            whole_estimate=float(weights.overall @ estimates),
            whole_influence=weights.overall @ mixed + units.weight * weights.overall_share[place],
            units=units,
        )

    def select(self, keep: npt.NDArray[np.bool_]) -> UnitLevelEffects:
        """Only the effects in ``keep``, (K,) booleans; the others count as dropped cells."""
        return replace(
            self,
            cohort=self.cohort[keep],
            period=self.period[keep],
            estimate=self.estimate[keep],
            std_error=self.std_error[keep],
            influence=self.influence[keep],
            lost_share=self.lost_share[keep],
            dropped_cells=self.dropped_cells + int((~keep).sum()),
        )

    def __repr__(self) -> str:
        return f"UnitLevelEffects({len(self.estimate)} effects of {len(self.units.cohort)} units)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLevelAggregation:
    """Averaged effects with unit influences: ``estimates`` (R,), ``influence`` (R, N), and the one overall figure."""

    weights: AverageWeights
    estimates: FloatArray
    influence: FloatArray
    whole_estimate: float
    whole_influence: FloatArray
    units: Units

    @property
    def kind(self) -> Kind:
        """Which aggregation."""
        return self.weights.kind

    @property
    def keys(self) -> FloatArray:
        """Key of each row, (R,)."""
        return self.weights.keys

    @property
    def overall(self) -> Estimate:
        """The one overall figure, normal 95 % interval."""
        return make_estimate(self.whole_estimate, float(self.units.std_error(self.whole_influence[None, :])[0]))

    def covariance(self) -> FloatArray:
        """Joint covariance of the rows, (R, R)."""
        return self.units.covariance(self.influence)

    def table(self) -> pd.DataFrame:
        """One row a key: estimate, std_error, conf_low, conf_high (pointwise), p_value, band_low, band_high (simultaneous, sup-t)."""
        error = self.units.std_error(self.influence)
        half = sup_t_critical(self.covariance()) * error
        frame = pd.DataFrame({self.weights.key: self.keys}).assign(**interval_columns(self.estimates, error))
        return frame.assign(band_low=self.estimates - half, band_high=self.estimates + half)


def unit_level_effects(effects: GroupTimeEffects, panel: Panel) -> UnitLevelEffects:
    """The same effects with the influence of every unit, so that clusters above the unit count.

    Parameters
    ----------
    effects : GroupTimeEffects
        From the moments of this panel.
    panel : Panel
        With ``cluster`` where units are not independent.

    Returns
    -------
    UnitLevelEffects
        The same estimates; standard errors from cluster sums (equal to those of ``effects`` without clusters).

    Raises
    ------
    ParameterError
        The panel is not the one the effects come from.
    """
    m, units = effects.moments, units_of(panel)
    if not np.array_equal(m.periods, panel.periods) or m.n_units + effects.dropped_units != panel.n_units:
        raise ParameterError("推定に使ったパネルと違うパネルです", place="panel", hint="moments に渡したパネルを渡してください")
    pairs = effects.pairs
    influence = np.zeros((len(effects.estimate), panel.n_units))
    for g, cohort in enumerate(m.cohorts):
        members = np.flatnonzero(panel.cohort == cohort)
        # An effect in which neither the cohort nor a control pool it belongs to takes part has no influence from it.
        used = np.flatnonzero((pairs.coefficient[:, g] != 0) | (pairs.constant[:, g] != 0))
        deviation = np.ascontiguousarray((panel.outcome[members] - m.mean[g]).T)  # (T, n)
        change = deviation[pairs.period[used]] - deviation[pairs.base[used]]
        change *= (pairs.coefficient[used, g] / m.mass[g])[:, None]
        change += pairs.constant[used, g][:, None]
        influence[used[:, None], members[None, :]] = change * units.weight[members]
    return UnitLevelEffects(
        cohort=effects.cohort,
        period=effects.period,
        estimate=effects.estimate,
        std_error=units.std_error(influence),
        influence=influence,
        units=units if not effects.dropped_units else _without_always_treated(units, m.cohorts),
        lost_share=np.zeros(len(effects.estimate)),
        anticipation=effects.anticipation,
        dropped_units=effects.dropped_units,
        dropped_cells=effects.dropped_cells,
    )


def _without_always_treated(units: Units, cohorts: FloatArray) -> Units:
    """Units of other cohorts keep their place but weigh nothing, so that they enter no cohort share."""
    weight = np.where(np.isin(units.cohort, cohorts), units.weight, 0.0)
    return Units(cohort=units.cohort, weight=weight, cluster=units.cluster)

"""Effects by imputation (Borusyak, Jaravel & Spiess 2024): what each treated unit would have had, from unit and period effects of untreated cells.

Unit and period effects are fitted on the cells not (yet) treated; a treated cell's effect is its outcome minus the fitted one; an estimand is a
weighted mean of these. Gaps are allowed. Nothing of size (units x periods) squared is formed: unit effects are solved out, T equations remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, stats
from scipy.sparse import csgraph

from kdx_eval.effect.inference import Estimate, interval_columns, make_estimate, sup_t_critical
from kdx_eval.effect.influence_path import Units, units_of
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImputationEffects:
    """Mean effects by event time and over all treated cells, in the outcome's unit.

    Attributes
    ----------
    event_time, estimate, std_error : ndarray, (R,)
    influence, whole_influence : ndarray, (R, N) and (N,)
        Of each unit on each row and on the overall figure; errors are sums of squares over clusters.
    overall : Estimate
        Mean effect over all treated cells that can be imputed (by unit weight).
    dropped_units : int
        Treated units without any untreated cell.
    dropped_cells : int
        Treated cells of other units that cannot be imputed: nobody is untreated in that period, or no chain of units links it.
    """

    event_time: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    overall: Estimate
    influence: FloatArray
    whole_influence: FloatArray
    units: Units
    dropped_units: int
    dropped_cells: int

    def covariance(self) -> FloatArray:
        """Joint covariance of the rows, (R, R)."""
        return self.units.covariance(self.influence)

    def table(self) -> pd.DataFrame:
        """One row an event time: estimate, std_error, conf_low, conf_high, p_value (pointwise, normal), band_low, band_high (sup-t)."""
        half = sup_t_critical(self.covariance()) * self.std_error
        frame = pd.DataFrame({"event_time": self.event_time}).assign(**interval_columns(self.estimate, self.std_error))
        return frame.assign(band_low=self.estimate - half, band_high=self.estimate + half)

    def __repr__(self) -> str:
        return f"ImputationEffects({len(self.estimate)} event times of {len(self.units.cohort)} units)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrends:
    """Differences before treatment, estimated on untreated cells only, and the test that all are zero.

    Attributes
    ----------
    event_time, estimate, std_error : ndarray, (R,)
    covariance : ndarray, (R, R)
    statistic, p_value : float
        Joint F statistic with R and clusters - 1 degrees of freedom.
    """

    event_time: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    covariance: FloatArray
    statistic: float
    p_value: float

    def table(self) -> pd.DataFrame:
        """One row an event time: estimate, std_error, conf_low, conf_high, p_value (pointwise, normal)."""
        return pd.DataFrame({"event_time": self.event_time}).assign(**interval_columns(self.estimate, self.std_error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """Unit and period effects fitted on untreated cells, by least squares with fixed unit weights."""

    units: Units
    event: FloatArray  # (N, T) periods since treatment, -inf for never treated
    seen: BoolArray  # (N, T) cells with an outcome, of units that can be used
    mass: FloatArray  # (N, T) weight of untreated cells, zero elsewhere
    inverse: FloatArray  # (T, T) generalised inverse of the period equations
    residual: FloatArray  # (N, T) outcome minus fitted untreated outcome, zero where not seen
    imputable: BoolArray  # (N, T) treated cells whose untreated outcome is identified

    @property
    def fitted(self) -> BoolArray:
        """Units with an untreated cell, (N,)."""
        return np.asarray(self.mass.sum(axis=1) > 0)

    def solve(self, by_unit: FloatArray, by_period: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Unit and period effects (N, R), (T, R) whose weighted sums over untreated cells are the given totals by unit and by period."""
        return _solve(self.mass, self.inverse, by_unit, by_period)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """R weighted sums over chosen cells: ``row`` (N, T) tells which sum a cell belongs to (-1: none), ``weight`` (N, T) its weight."""

    keys: FloatArray
    row: IntArray
    weight: FloatArray

    def by_unit(self, values: FloatArray) -> FloatArray:
        """Sums of weight times ``values`` (N, T) by unit and row, (N, R)."""
        unit, column = np.nonzero(self.row >= 0)
        row = self.row[unit, column]
        total = np.zeros((len(self.row), len(self.keys)))
        total[unit, row] = (self.weight * values)[unit, column]  # a unit has one cell an event time
        return total

    def by_period(self) -> FloatArray:
        """Sums of the weights by period and row, (T, R)."""
        unit, column = np.nonzero(self.row >= 0)
        flat = column * len(self.keys) + self.row[unit, column]
        total = np.bincount(flat, weights=self.weight[unit, column], minlength=self.row.shape[1] * len(self.keys))
        return total.astype(np.float64).reshape(self.row.shape[1], len(self.keys))


def imputation_effects(panel: Panel) -> ImputationEffects:
    """Effects by imputation with conservative standard errors.

    Returns
    -------
    ImputationEffects
        One row an event time from 0 on, and the overall mean. Errors follow Borusyak, Jaravel & Spiess 2024, Theorem 3 with residuals of
        treated cells taken about the mean effect of their cohort and event time; clusters of the panel are respected.

    Raises
    ------
    NotIdentifiedError
        No treated cell can be imputed.
    ParameterError
        A weight is negative or a cluster missing.
    """
    fit = _fit(panel)
    rows = _event_rows(fit, fit.imputable)
    centre = np.zeros_like(fit.residual)
    unit, column = np.nonzero(fit.imputable)
    group = np.unique(fit.units.cohort, return_inverse=True)[1][unit] * fit.event.shape[1] + column  # cohort and period, so event time
    squared = fit.units.weight[unit] ** 2
    total = np.bincount(group, weights=squared * fit.residual[unit, column])
    centre[unit, column] = total[group] / np.bincount(group, weights=squared)[group]
    return _effects(fit, rows, centre=centre, whole_centre=centre)


def two_stage_effects(panel: Panel, *, leads: bool = False) -> ImputationEffects:
    """The same estimates as the second stage of a regression (Gardner 2021), with its two-stage (GMM) standard errors.

    Parameters
    ----------
    panel : Panel
    leads : bool
        Also rows before treatment, but event time -1: means of the first-stage residuals, which are not free of the fit (prefer
        ``pre_trends``).

    Returns
    -------
    ImputationEffects
        Errors take the residuals of a row about that row's estimate: effects that differ within a row count as noise.

    Raises
    ------
    NotIdentifiedError
        No treated cell can be imputed.
    ParameterError
        A weight is negative or a cluster missing.
    """
    fit = _fit(panel)
    before = (fit.mass > 0) & np.isfinite(fit.event) & (fit.event != -1)
    rows = _event_rows(fit, fit.imputable | before if leads else fit.imputable)
    estimate = rows.by_unit(fit.residual).sum(axis=0)
    centre = np.where(rows.row >= 0, estimate[rows.row], 0.0)
    treated = np.where(fit.imputable, fit.units.weight[:, None], 0.0)
    whole = float((treated * fit.residual).sum() / treated.sum())
    return _effects(fit, rows, centre=centre, whole_centre=np.full_like(centre, whole))


def pre_trends(panel: Panel, *, leads: int | None = None) -> PreTrends:
    """Differences before treatment against the remaining untreated cells, and their joint test (Borusyak, Jaravel & Spiess 2024, section 4.4).

    Parameters
    ----------
    panel : Panel
    leads : int or None
        Event times -1 to -leads, earlier ones being the comparison; None: all but -1, which is then the comparison.

    Returns
    -------
    PreTrends
        Standard errors by cluster, with the small-sample factor C/(C-1) x (n-1)/(n-p) (p: rows and period effects).

    Raises
    ------
    ParameterError
        ``leads`` is below one.
    NotIdentifiedError
        No cells lie before treatment, or the leads cannot be told from period effects.
    """
    if leads is not None and leads < 1:
        raise ParameterError("leads は1以上の整数です", place="leads", hint="受講前の何期分を調べるかを指定してください")
    fit = _fit(panel)
    own = (fit.mass > 0) & np.isfinite(fit.event)
    own &= fit.event != -1 if leads is None else fit.event >= -leads
    if not own.any():
        raise NotIdentifiedError("受講前の期間が足りません", hint="受講より前の記録を加えてください")
    rows = _cell_rows(fit, own, fit.mass)
    by_unit, by_period = rows.by_unit(np.ones_like(fit.mass)), rows.by_period()
    unit_effect, period_effect = fit.solve(by_unit, by_period)
    information = np.diag(by_period.sum(axis=0)) - by_unit.T @ unit_effect - by_period.T @ period_effect
    if np.linalg.matrix_rank(information, hermitian=True) < len(information):
        raise NotIdentifiedError("受講前の差を期間の効果と区別できません", hint="leads を小さくするか、比較対象を加えてください")
    bread = np.linalg.inv(information)
    estimate = bread @ (rows.by_unit(fit.residual).sum(axis=0) - period_effect.T @ (fit.mass * fit.residual).sum(axis=0))
    fitted = np.where(rows.row >= 0, estimate[rows.row], 0.0)
    totals = fit.mass * fitted
    unit_part, period_part = fit.solve(totals.sum(axis=1)[:, None], totals.sum(axis=0)[:, None])
    error = np.where(fit.mass > 0, fit.residual - fitted + unit_part + period_part.T, 0.0)
    score = rows.by_unit(error) - (fit.mass * error) @ period_effect
    clusters = fit.units.by_cluster(score.T)
    cells, count = int((fit.mass > 0).sum()), int(fit.fitted.sum())
    if fit.units.cluster is not None:
        count = len(np.unique(fit.units.cluster[fit.fitted]))
    free = cells - len(estimate) - int((fit.mass.sum(axis=0) > 0).sum())
    covariance = bread @ (clusters @ clusters.T) @ bread * (count / (count - 1) * (cells - 1) / free)
    statistic = float(estimate @ np.linalg.pinv(covariance, hermitian=True) @ estimate) / len(estimate)
    return PreTrends(
        event_time=rows.keys,
        estimate=estimate,
        std_error=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        statistic=statistic,
        p_value=float(stats.f.sf(statistic, len(estimate), count - 1)),
    )


def _effects(fit: _Fit, rows: _Rows, *, centre: FloatArray, whole_centre: FloatArray) -> ImputationEffects:
    """Estimates and unit influences; residuals of the chosen cells are taken about ``centre`` (rows) and ``whole_centre`` (overall)."""
    estimate = rows.by_unit(fit.residual).sum(axis=0)
    _, period_effect = fit.solve(rows.by_unit(np.ones_like(fit.mass)), rows.by_period())
    # Through the fitted effects: residuals of untreated cells sum to zero within a unit, so that only the period part remains.
    fitted = (fit.mass * fit.residual) @ period_effect
    influence = (rows.by_unit(fit.residual - centre) - fitted).T
    treated = np.broadcast_to(fit.units.weight[:, None], fit.event.shape)[fit.imputable]
    mass = np.bincount(rows.row[fit.imputable], weights=treated, minlength=len(rows.keys))
    mix = mass / mass.sum()
    whole_influence = (rows.by_unit(fit.residual - whole_centre) - fitted) @ mix
    return ImputationEffects(
        event_time=rows.keys,
        estimate=estimate,
        std_error=fit.units.std_error(influence),
        overall=make_estimate(float(mix @ estimate), float(fit.units.std_error(whole_influence[None, :])[0])),
        influence=influence,
        whole_influence=whole_influence,
        units=fit.units,
        dropped_units=int((fit.seen.any(axis=1) & ~fit.fitted).sum()),
        dropped_cells=int((fit.seen & (fit.event >= 0) & fit.fitted[:, None] & ~fit.imputable).sum()),
    )


def _event_rows(fit: _Fit, chosen: BoolArray) -> _Rows:
    """One row an event time of the chosen cells, weights adding to one within each row."""
    rows = _cell_rows(fit, chosen, np.broadcast_to(fit.units.weight[:, None], chosen.shape))
    total = rows.by_period().sum(axis=0)
    return _Rows(keys=rows.keys, row=rows.row, weight=np.where(rows.row >= 0, rows.weight / total[rows.row], 0.0))


def _cell_rows(fit: _Fit, chosen: BoolArray, weight: FloatArray) -> _Rows:
    keys, place = np.unique(fit.event[chosen], return_inverse=True)
    row = np.full(chosen.shape, -1, dtype=np.intp)
    row[chosen] = place
    return _Rows(keys=keys, row=row, weight=weight)


def _solve(mass: FloatArray, inverse: FloatArray, by_unit: FloatArray, by_period: FloatArray) -> tuple[FloatArray, FloatArray]:
    count = mass.sum(axis=1)[:, None]
    share = np.divide(by_unit, count, out=np.zeros_like(by_unit), where=count > 0)
    period = inverse @ (by_period - mass.T @ share)
    unit = np.divide(by_unit - mass @ period, count, out=np.zeros_like(by_unit), where=count > 0)
    return unit, period


def _fit(panel: Panel) -> _Fit:
    units = units_of(panel)
    seen = np.isfinite(panel.outcome) & (units.weight > 0)[:, None]
    event = np.where(np.isfinite(panel.cohort)[:, None], panel.periods - np.where(np.isfinite(panel.cohort), panel.cohort, 0.0)[:, None], -np.inf)
    mass = np.where(seen & (event < 0), units.weight[:, None], 0.0)
    outcome = np.where(seen, panel.outcome, 0.0)
    count = mass.sum(axis=1)
    equations = np.diag(mass.sum(axis=0)) - mass.T @ np.divide(mass, count[:, None], out=np.zeros_like(mass), where=count[:, None] > 0)
    inverse = np.linalg.pinv(equations, hermitian=True, rcond=1e-12)
    totals = mass * outcome
    unit, period = _solve(mass, inverse, totals.sum(axis=1)[:, None], totals.sum(axis=0)[:, None])
    imputable = seen & (event >= 0) & _linked(mass)
    if not imputable.any():
        raise NotIdentifiedError("受講後の姿を推し量れる相手がいません", hint="受講前の記録がある単位と、同じ時期にまだ受講していない単位が必要です")
    return _Fit(
        units=units,
        event=event,
        seen=seen,
        mass=mass,
        inverse=inverse,
        residual=np.where(seen, outcome - unit - period.T, 0.0),
        imputable=imputable,
    )


def _linked(mass: FloatArray) -> BoolArray:
    """Cells whose unit and period effects are determined together: both appear in one connected set of untreated cells, (N, T)."""
    used = np.asarray(mass > 0)
    together = sparse.csr_array((mass.T @ mass > 0).astype(np.float64))
    _, part = csgraph.connected_components(together, directed=False)
    first = np.argmax(used, axis=1)
    linked = part[first][:, None] == part[None, :]
    return np.asarray(linked & (mass.sum(axis=1) > 0)[:, None] & (mass.sum(axis=0) > 0)[None, :])

"""The efficient estimator for a randomised roll-out (Roth & Sant'Anna 2023), from cohort moments.

The plug-in estimator is θ(β) = θ(0) - β X, with θ(0) a contrast of treated against not yet treated in the treated periods and X the same contrast
in the last period before treatment; β* = Var(X)^-1 Cov(X, θ(0)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.inference import interval_columns, make_estimate, sup_t_critical
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray

Estimand = Literal["simple", "cohort", "calendar", "event_time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficientRollout:
    """Estimate of one estimand by the efficient plug-in, in the outcome's unit.

    Attributes
    ----------
    estimate : float
        The overall figure; for ``event_time`` the mean of the rows from 0 on.
    std_error, std_error_neyman : float
        Refined and conservative (Neyman) standard error; the intervals use the refined one.
    beta : ndarray, (R,)
        Share of the difference before treatment that was taken off, one a row.
    balance_statistic, balance_p_value : float
        Of the difference before treatment, which a random order leaves at zero.
    keys, estimates, std_errors, std_errors_neyman : ndarray, (R,)
        Rows of ``table()``: one, or one an event time.
    """

    estimand: Estimand
    keys: FloatArray
    estimates: FloatArray
    std_errors: FloatArray
    std_errors_neyman: FloatArray
    beta: FloatArray
    covariance: FloatArray
    balance_statistic: float
    balance_p_value: float
    contrast: Contrast
    moments: CohortMoments
    dropped_units: int
    estimate: float
    std_error: float
    std_error_neyman: float
    n_cells: int

    @property
    def conf_low(self) -> float:
        """Lower end of the 95 % interval (normal, refined error)."""
        return make_estimate(self.estimate, self.std_error).conf_low

    @property
    def conf_high(self) -> float:
        """Upper end of the 95 % interval (normal, refined error)."""
        return make_estimate(self.estimate, self.std_error).conf_high

    @property
    def p_value(self) -> float:
        """Two-sided, normal, refined error."""
        return make_estimate(self.estimate, self.std_error).p_value

    def table(self) -> pd.DataFrame:
        """One row a key: event_time, estimate, std_error, std_error_neyman, conf_low, conf_high, p_value, band_low, band_high."""
        half = sup_t_critical(self.covariance) * self.std_errors
        shown = interval_columns(self.estimates, self.std_errors)
        first = {"event_time": self.keys, "estimate": self.estimates, "std_error": self.std_errors, "std_error_neyman": self.std_errors_neyman}
        return pd.DataFrame(first | shown | {"band_low": self.estimates - half, "band_high": self.estimates + half})

    def __repr__(self) -> str:
        return f"EfficientRollout({self.estimand}, {len(self.keys)} rows)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """Treated cells (cohort place, period column) of the design, each with its not yet treated controls."""

    cohort: np.ndarray[tuple[int], np.dtype[np.intp]]
    column: np.ndarray[tuple[int], np.dtype[np.intp]]
    control: FloatArray  # (cells, G) shares of the control cohorts
    before: np.ndarray[tuple[int], np.dtype[np.intp]]  # column of the last period before treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutContrasts:
    """The rows of an estimand as contrasts of cohort means, in the treated periods (``after``) and just before treatment (``before``).

    Attributes
    ----------
    keys : ndarray, (R,)
        Event times, or one zero.
    whole : ndarray, (R,)
        Weights of the overall figure.
    n_cells : int
        Treated unit-periods averaged over.
    """

    keys: FloatArray
    after: Contrast
    before: Contrast
    whole: FloatArray
    n_cells: int


def rollout_contrasts(m: CohortMoments, *, estimand: Estimand) -> RolloutContrasts:
    """Fill the weights of an estimand (Roth & Sant'Anna 2023, section 2).

    Returns
    -------
    RolloutContrasts
        One row, or one an event time.

    Raises
    ------
    NotIdentifiedError
        Fewer than two cohorts, or no treated period with a comparison.
    """
    cells = _treated_cells(m)
    keys, after, before, whole = _fill(m, cells, estimand)
    return RolloutContrasts(keys=keys, after=after, before=before, whole=whole, n_cells=int(m.size[cells.cohort].sum()))


def efficient_rollout(m: CohortMoments, *, estimand: Estimand = "simple", beta: float | None = None) -> EfficientRollout:
    """Effect of a roll-out in random order, adjusted by the difference before treatment.

    Controls are all units not yet treated; without never treated units the last cohort is the control and its treated periods drop.
    Units treated in the first period and cohorts of a single unit (no variance) are left out and counted.

    Parameters
    ----------
    m : CohortMoments
        Without weights.
    estimand : "simple", "cohort", "calendar" or "event_time"
    beta : float or None
        Share of the difference before treatment that is taken off. None: the efficient share, estimated. 1: the difference-in-differences
        of Callaway & Sant'Anna with standard errors for a random order; 0: the plain difference in means.

    Returns
    -------
    EfficientRollout
        With refined and Neyman standard errors (Roth & Sant'Anna 2023, sections 2 and 3).

    Raises
    ------
    ParameterError
        The estimand is unknown, ``beta`` is not finite, or the panel has weights.
    NotIdentifiedError
        Fewer than two cohorts remain, or none has a comparison.
    """
    if estimand not in get_args(Estimand):
        raise ParameterError(f"推定対象 {estimand!r} はありません", place="estimand", hint=f"{', '.join(get_args(Estimand))} のどれかです")
    if beta is not None and not np.isfinite(beta):
        raise ParameterError("beta は有限の数か None です", place="beta", hint="推定させるなら None、差の差なら 1、調整しないなら 0 です")
    if not np.allclose(m.mass, m.size):
        raise ParameterError("無作為な順番の推定に重みは使えません", hint="重みを外すか、group_time_effects を使ってください")
    usable = np.asarray((m.cohorts > m.periods[0]) & (m.size > 1))
    dropped = int(m.size[~usable].sum())
    m = m.select(usable)
    filled = rollout_contrasts(m, estimand=estimand)
    after, before, whole = filled.after, filled.before, filled.whole
    share = _efficient_share(m, after, before) if beta is None else np.full(len(filled.keys), float(beta))
    contrast = Contrast(weights=after.weights - share[:, None, None] * before.weights, constant=after.constant)
    neyman = _inner(m, contrast, contrast)
    estimates = contrast.estimate(m)
    rows = _positive_or(neyman - _refinement(m, after), neyman)
    balance, p_value = _balance(m, before)
    return EfficientRollout(
        estimand=estimand,
        keys=filled.keys,
        estimates=estimates,
        std_errors=_errors(rows),
        std_errors_neyman=_errors(neyman),
        beta=share,
        covariance=rows,
        balance_statistic=balance,
        balance_p_value=p_value,
        contrast=contrast,
        moments=m,
        dropped_units=dropped,
        estimate=float(whole @ estimates),
        std_error=float(np.sqrt(max(float(whole @ rows @ whole), 0.0))),
        std_error_neyman=float(np.sqrt(whole @ neyman @ whole)),
        n_cells=filled.n_cells,
    )


def _treated_cells(m: CohortMoments) -> _Cells:
    if len(m.cohorts) < 2:
        raise NotIdentifiedError("開始時期の異なる群が二つ以上ありません", hint="比較できる相手がいません")
    later = np.asarray(m.cohorts[None, :] > m.periods[:, None])  # (T, G) not yet treated at t
    reachable = np.asarray(later.any(axis=1))
    treated = np.asarray(m.cohorts[:, None] <= m.periods[None, :]) & reachable[None, :]
    cohort, column = np.nonzero(treated)
    if not len(cohort):
        raise NotIdentifiedError("受講後の期間に比較できる相手がいません", hint="期間と受講時期を確かめてください")
    share = later[column] * m.size
    if m.stratum is not None:
        share = share * (m.stratum[None, :] == m.stratum[cohort][:, None])
        # What a stratum cannot answer for (nobody of it left to wait) is no cell.
        answered = np.asarray(share.sum(axis=1) > 0)
        cohort, column, share = cohort[answered], column[answered], share[answered]
        if not len(cohort):
            raise NotIdentifiedError("抽選の区分の中に、比較できる相手がいません", hint="抽選の区分と受講時期を確かめてください")
    before = np.searchsorted(m.periods, m.cohorts) - 1
    return _Cells(cohort=cohort, column=column, control=share / share.sum(axis=1)[:, None], before=before[cohort])


def _fill(m: CohortMoments, cells: _Cells, estimand: Estimand) -> tuple[FloatArray, Contrast, Contrast, FloatArray]:
    """Rows of the estimand as contrasts in the treated periods and before, and the weights of the overall figure."""
    size = m.size[cells.cohort].astype(np.float64)
    if estimand == "event_time":
        event = m.periods[cells.column] - m.cohorts[cells.cohort]
        keys = np.unique(event)
        members = (event[None, :] == keys[:, None]) * size
        mix = members / members.sum(axis=1)[:, None]
    else:
        keys, mix = np.zeros(1), _cell_weights(m, cells, estimand)[None, :]
    shape = (len(keys), len(m.cohorts), len(m.periods))
    after, before = np.zeros(shape), np.zeros(shape)
    effect = -cells.control
    effect[np.arange(len(size)), cells.cohort] += 1.0
    for row, weight in enumerate(mix):
        used = np.flatnonzero(weight)
        scaled = (weight[used, None] * effect[used]).T  # (G, used cells)
        for place, columns in ((after, cells.column), (before, cells.before)):
            np.add.at(place[row].T, columns[used], scaled.T)
    none = np.zeros(shape[:2])
    return keys, Contrast(weights=after, constant=none), Contrast(weights=before, constant=none), np.full(len(keys), 1 / len(keys))


def _cell_weights(m: CohortMoments, cells: _Cells, estimand: Estimand) -> FloatArray:
    """Share of each treated cell in the overall figure: by units; units and equal periods; or periods, by units within each."""
    size = m.size[cells.cohort].astype(np.float64)
    if estimand == "cohort":
        size /= np.bincount(cells.cohort, minlength=len(m.cohorts))[cells.cohort]
    if estimand == "calendar":
        size /= np.bincount(cells.column, weights=size, minlength=len(m.periods))[cells.column]
    return size / float(size.sum())


def _inner(m: CohortMoments, left: Contrast, right: Contrast) -> FloatArray:
    """Neyman covariance of two sets of contrasts: sum_g A_g S_g/(n_g - 1) B_g' / n_g."""
    total = np.zeros((len(left.weights), len(right.weights)))
    for g in range(len(m.cohorts)):
        total += left.weights[:, g] @ m.scatter[g] @ right.weights[:, g].T / ((m.size[g] - 1) * m.size[g])
    return total


def _efficient_share(m: CohortMoments, after: Contrast, before: Contrast) -> FloatArray:
    """β* = Cov(X̂, θ̂(0)) / Var(X̂) of each row (each uses its own X̂), (R,)."""
    own = np.einsum("rr->r", _inner(m, before, before))
    # A difference before treatment that does not vary (rare outcomes) carries no information: no adjustment.
    share: FloatArray = np.where(own > 0, np.einsum("rr->r", _inner(m, before, after)) / np.where(own > 0, own, 1.0), 0.0)
    return share


def _refinement(m: CohortMoments, after: Contrast) -> FloatArray:
    """What the refined variance takes off: explained part of the unidentified covariance of effects (Roth & Sant'Anna 2023, section 3.3)."""
    if m.stratum is not None:  # each stratum was a lottery of its own
        inside = [np.asarray(m.stratum == name) for name in np.unique(m.stratum.astype(str))]
        parts = [(replace(m.select(own), stratum=None), Contrast(weights=after.weights[:, own], constant=after.constant[:, own])) for own in inside]
        return np.asarray(sum(_refinement(part, contrast) for part, contrast in parts))
    early = m.periods < m.cohorts.min()
    if not early.any():
        return np.zeros((len(after.weights), len(after.weights)))
    total = np.zeros((len(after.weights), int(early.sum())))
    pooled = np.zeros((int(early.sum()),) * 2)
    for g in range(len(m.cohorts)):
        covariance = m.scatter[g] / (m.size[g] - 1)
        inside = covariance[np.ix_(early, early)]
        total += (np.linalg.pinv(inside, hermitian=True) @ covariance[early] @ after.weights[:, g].T).T
        pooled += inside
    refinement: FloatArray = total @ (pooled / len(m.cohorts)) @ total.T / m.n_units
    return refinement


def _positive_or(refined: FloatArray, neyman: FloatArray) -> FloatArray:
    """The refined covariance; in tiny samples a row's estimate can be negative, and then the conservative one stands for that row."""
    negative = (np.diag(refined) <= 0) & (np.diag(neyman) > 0)
    covariance = np.where(negative[:, None] | negative[None, :], neyman, refined)
    return covariance if covariance.sum() > 0 else neyman


def _errors(covariance: FloatArray) -> FloatArray:
    """Standard errors; NaN, not zero, where a row has no variance left (no interval can be given)."""
    variance = np.diag(covariance)
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def _balance(m: CohortMoments, before: Contrast) -> tuple[float, float]:
    """Chi-square statistic of the differences before treatment, all rows jointly, and its p value."""
    difference, covariance = before.estimate(m), _inner(m, before, before)
    statistic = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference)
    return statistic, float(stats.chi2.sf(statistic, np.linalg.matrix_rank(covariance, hermitian=True)))

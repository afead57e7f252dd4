"""Everyone at once: the series before against the series after, with no one to compare with.

Whatever else changed at that time is counted as effect. So the result is never more than Maryland 2, and usually only completion can be reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.effect.inference import Estimate, make_estimate
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

MARYLAND_AT_MOST = 2
MONTHS = 12
FEWEST_BEFORE = 8  # periods from which a straight line before treatment says anything
FEWEST_FOR_SLOPE = 3  # periods after treatment from which a change of slope can be told from one of level
SEASONS_FOR_SEASONALITY = 2  # seen twice before treatment, or the season cannot be told from the trend


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedSeries:
    """Segmented regression of one series, in the outcome's unit.

    Attributes
    ----------
    effect : Estimate
        Mean over the periods after the start of the series minus its course before, carried on.
    level_change, slope_change : Estimate
        Step at the start, and change of the slope per period; the slope is None with fewer than 3 periods after.
    same_month : Estimate or None
        Mean of each later period minus the mean of the same calendar months before, without any trend; None where no month recurs.
    counterfactual : ndarray, (T,)
        The course before, carried on.
    seasonal : bool
        Calendar months are in the regression; not with fewer than two years before.
    lags : int
        Periods over which errors may be correlated (Newey & West 1987).
    maryland_at_most : int
        The highest grade such a result may have, whatever its checks say.
    """

    effect: Estimate
    level_change: Estimate
    slope_change: Estimate | None
    same_month: Estimate | None
    periods: FloatArray
    observed: FloatArray
    counterfactual: FloatArray
    n_before: int
    n_after: int
    seasonal: bool
    lags: int
    maryland_at_most: int = MARYLAND_AT_MOST

    def table(self) -> pd.DataFrame:
        """One row a figure: figure, estimate, std_error, conf_low, conf_high, p_value."""
        found = {"effect": self.effect, "level_change": self.level_change, "slope_change": self.slope_change, "same_month": self.same_month}
        return pd.DataFrame(
            [
                {
                    "figure": name,
                    "estimate": row.estimate,
                    "std_error": row.std_error,
                    "conf_low": row.conf_low,
                    "conf_high": row.conf_high,
                    "p_value": row.p_value,
                }
                for name, row in found.items()
                if row is not None
            ]
        )

    def __repr__(self) -> str:
        return f"InterruptedSeries({self.n_before} + {self.n_after} periods, {self.lags} lags)"


def interrupted_series(data: Panel | npt.ArrayLike, *, start: int | None = None, season: int | None = None, lags: int | None = None) -> InterruptedSeries:
    """Change of a series at the time when everyone was trained.

    y_t = a + b t + c [t >= s] + d (t - s) [t >= s] + calendar month, by least squares, with errors robust to autocorrelation (Newey & West 1987,
    Bartlett weights, factor T / (T - k), t quantiles). In short series such errors are still too small; read the interval as a lower bound.

    Parameters
    ----------
    data : Panel, or array (T,)
        A panel whose treated units all start together (untreated ones are left aside), taken as the mean over units; or a series.
    start : int
        Number of periods before treatment; for a series only.
    season : int
        Periods a year: 12 for panels in months, otherwise 1 (none) where not given.
    lags : int
        floor(4 (T / 100)^(2/9)) and at least 1 where not given (Newey & West 1994).

    Returns
    -------
    InterruptedSeries

    Raises
    ------
    NotIdentifiedError
        Treated units start at different times or nobody is treated; fewer than 8 periods before treatment, or none after.
    DataError
        A cell is missing.
    ParameterError
        A series comes without ``start``, or an option is out of range.
    """
    observed, periods, before, cycle = _series(data, start, season)
    count = len(observed)
    if before < FEWEST_BEFORE or before >= count:
        raise NotIdentifiedError(f"受講前に{FEWEST_BEFORE}期間以上、受講後に1期間以上が必要です", hint="期間を広げるか、受講の完了だけを報告してください")
    width = max(1, int(4 * (count / 100) ** (2 / 9))) if lags is None else lags
    if cycle < 1 or not 0 <= width < count:
        raise ParameterError("season は1以上、lags は0以上で系列より短くしてください", place="season / lags")
    if not np.isfinite(observed).all():
        raise DataError("結果に欠けているセルがあります", place="outcome", hint="欠けた単位か月を除いてください")
    seasonal = cycle > 1 and before >= SEASONS_FOR_SEASONALITY * cycle
    design, changes = _design(count, before, cycle if seasonal else 1)
    if count <= design.shape[1]:
        raise NotIdentifiedError("期間が少なすぎて、変化の誤差を測れません", hint="期間を広げてください")
    fit = _least_squares(observed, design, width)
    coefficient, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
    df = float(count - design.shape[1])
    mean_change = np.zeros(design.shape[1])
    mean_change[changes] = design[before:, changes].mean(axis=0)

    def combination(weights: FloatArray) -> Estimate:
        return make_estimate(float(weights @ coefficient), float(np.sqrt(max(weights @ covariance @ weights, 0.0))), df=df)

    alone = [combination(np.eye(design.shape[1])[column]) for column in changes]
    return InterruptedSeries(
        effect=combination(mean_change),
        level_change=alone[0],
        slope_change=alone[1] if len(alone) > 1 else None,
        same_month=_same_month(observed, before, cycle, width),
        periods=periods,
        observed=observed,
        counterfactual=observed - np.asarray(fit.resid) - design[:, changes] @ coefficient[changes],
        n_before=before,
        n_after=count - before,
        seasonal=seasonal,
        lags=width,
    )


def _series(data: Panel | npt.ArrayLike, start: int | None, season: int | None) -> tuple[FloatArray, FloatArray, int, int]:
    """The series, its periods, how many of them lie before treatment, and the periods a year."""
    if isinstance(data, Panel):
        treated = data.cohort <= data.periods[-1]
        starts = np.unique(data.cohort[treated])
        if len(starts) != 1:
            raise NotIdentifiedError("受講した単位がないか、開始時期が分かれています", hint="開始時期の異なる受講には group_time_effects を使ってください")
        weight = np.ones(int(treated.sum())) if data.weight is None else data.weight[treated]
        gaps = np.diff(data.periods)
        if not np.allclose(gaps, gaps[:1]):
            raise NotIdentifiedError("期間が飛んでいるため、系列の傾きを測れません", hint="期間に抜けのないパネルを使ってください")
        observed = (weight / weight.sum()) @ data.outcome[treated]
        cycle = (MONTHS if data.monthly else 1) if season is None else season
        return observed, data.periods, int(np.searchsorted(data.periods, starts[0])), cycle
    observed = np.asarray(data, dtype=np.float64)
    if start is None or observed.ndim != 1:
        raise ParameterError("系列は一列の数とし、start（受講前の期間の数）を指定してください", place="start")
    return observed, np.arange(len(observed), dtype=np.float64), start, 1 if season is None else season


def _design(count: int, before: int, cycle: int) -> tuple[FloatArray, list[int]]:
    """Columns of the regression, and which of them are the change."""
    time = np.arange(count, dtype=np.float64)
    after = (time >= before).astype(np.float64)
    columns = [after] if count - before < FEWEST_FOR_SLOPE else [after, after * (time - before)]
    changes = list(range(2, 2 + len(columns)))
    months = [(time % cycle == month).astype(np.float64) for month in range(1, cycle)]
    return np.column_stack([np.ones(count), time - before, *columns, *months]), changes


def _least_squares(observed: FloatArray, design: FloatArray, lags: int) -> Any:
    from statsmodels.regression.linear_model import OLS

    return OLS(observed, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True)


def _same_month(observed: FloatArray, before: int, cycle: int, lags: int) -> Estimate | None:
    """Later periods against the mean of the same calendar months before, error by the same Bartlett weights on the residuals."""
    month = np.arange(len(observed)) % cycle
    seen = np.bincount(month[:before], minlength=cycle)
    matched = np.flatnonzero(seen[month[before:]] > 0) + before
    if not len(matched):
        return None
    base = np.bincount(month[:before], weights=observed[:before], minlength=cycle) / np.maximum(seen, 1)
    apart = observed - base[month]
    estimate = float(apart[matched].mean())
    weight, residual = np.zeros(len(observed)), apart.copy()
    weight[matched] = 1 / len(matched)
    share = np.bincount(month[matched], minlength=cycle) / len(matched)
    weight[:before] = -share[month[:before]] / seen[month[:before]]
    residual[before:] -= estimate
    used = before + len(matched)
    parameters = int((seen > 0).sum()) + 1
    if used <= parameters:
        return None
    score = weight * residual
    variance = float(score @ score)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(score[lag:] @ score[:-lag])
    df = float(used - parameters)
    return make_estimate(estimate, float(np.sqrt(max(variance, 0.0) * used / df)), df=df)

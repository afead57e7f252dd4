"""An event study as the sensitivity analyses take it, and their common result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.effect.inference import Estimate, make_estimate
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray

LARGEST_DOUBLING = 10  # a thousand times the start: no bound of interest lies beyond
SINGULAR = 1e-10  # smallest eigenvalue of the correlation matrix under which it has no usable inverse


@runtime_checkable
class EventTimeAggregation(Protocol):
    """Effects averaged by event time, from cohort moments or with unit influences."""

    @property
    def kind(self) -> str:
        """Which aggregation."""
        ...

    @property
    def keys(self) -> FloatArray:
        """Event times, (R,)."""
        ...

    def covariance(self) -> FloatArray:
        """Joint covariance of the rows, (R, R)."""
        ...

    def table(self) -> pd.DataFrame:
        """One row an event time, with the column estimate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStudy:
    """Estimates by event time around a base period, which itself is left out.

    Attributes
    ----------
    betahat : ndarray, (n_pre + n_post,)
        In the outcome's unit, in order of event time.
    sigma : ndarray, (n, n)
        Their covariance.
    n_pre : int
        Periods before the base.
    l_vec : ndarray, (n_post,)
        Weights of the estimand over the periods after it.
    """

    betahat: FloatArray
    sigma: FloatArray
    n_pre: int
    l_vec: FloatArray

    @property
    def n_post(self) -> int:
        """Periods after the base."""
        return len(self.l_vec)

    @property
    def original(self) -> Estimate:
        """The estimand as if the groups had run exactly parallel."""
        weight = np.concatenate([np.zeros(self.n_pre), self.l_vec])
        return make_estimate(float(weight @ self.betahat), float(self.errors(weight[None])[0]))

    def steps(self) -> FloatArray:
        """Rows that turn the estimates into steps from each period to the next, (n, n): ``n_pre`` up to the base, then those after it."""
        n = len(self.betahat)
        levels = np.insert(np.eye(n), self.n_pre, 0.0, axis=0)  # the base is zero
        steps: FloatArray = np.diff(levels, axis=0)
        return steps

    def errors(self, rows: FloatArray) -> FloatArray:
        """Standard error of each row's combination of the estimates, (R,)."""
        variance = np.einsum("rn,nm,rm->r", rows, self.sigma, rows)
        errors: FloatArray = np.sqrt(np.clip(variance, 0.0, None))
        return errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Intervals of the estimand under ever weaker assumptions.

    Attributes
    ----------
    restriction : "relative_magnitudes" or "smoothness"
    bound : ndarray, (B,)
        M̄ (a ratio), or M (outcome's unit per period squared).
    conf_low, conf_high : ndarray, (B,)
        95 % intervals, in the outcome's unit; low above high where every value of the estimand was rejected.
    original : Estimate
        With exactly parallel groups.
    breakdown : float
        The smallest bound whose interval contains zero: 0 where exactly parallel (or straight) courses give no clear effect, inf where none was found.
    """

    restriction: Literal["relative_magnitudes", "smoothness"]
    bound: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    original: Estimate
    breakdown: float

    def table(self) -> pd.DataFrame:
        """One row a bound: bound, conf_low, conf_high."""
        return pd.DataFrame({"bound": self.bound, "conf_low": self.conf_low, "conf_high": self.conf_high})


def as_event_study(
    estimates: EventTimeAggregation | npt.ArrayLike,
    sigma: npt.ArrayLike | None = None,
    *,
    n_pre: int | None = None,
    n_post: int | None = None,
    l_vec: npt.ArrayLike | None = None,
) -> EventStudy:
    """An event study from an ``event_time`` aggregation with the universal base, or from estimates and their covariance.

    Returns
    -------
    EventStudy
        With the mean over the periods from event time 0 on as estimand where ``l_vec`` is not given.

    Raises
    ------
    ParameterError
        Sizes do not fit, a value is not finite, event times have gaps, or no base period is there.
    NotIdentifiedError
        The covariance is singular (fewer units than periods, nothing varies), or an aggregation has no period before its base.
    """
    if isinstance(estimates, EventTimeAggregation):
        return _from_aggregation(estimates, l_vec)
    if sigma is None or n_pre is None or n_post is None:
        raise ParameterError("推定値の列には、共分散 sigma と期間の数 n_pre・n_post が必要です", place="sigma")
    weight = np.full(n_post, 1 / n_post) if l_vec is None and n_post > 0 else l_vec
    return _checked(np.asarray(estimates, dtype=np.float64), np.asarray(sigma, dtype=np.float64), n_pre, np.asarray(weight, dtype=np.float64), n_post)


def _from_aggregation(aggregation: EventTimeAggregation, l_vec: npt.ArrayLike | None) -> EventStudy:
    if aggregation.kind != "event_time":
        raise ParameterError("受講からの月数別（event_time）の集計が必要です", hint='aggregate("event_time") の結果を渡してください')
    estimate, covariance = aggregation.table()["estimate"].to_numpy(dtype=np.float64), aggregation.covariance()
    base = np.flatnonzero((np.diag(covariance) <= 0) & (estimate == 0) & (aggregation.keys < 0))
    if len(base) != 1:
        raise ParameterError("受講前の基準の月が一つに決まりません", hint='group_time_effects(..., base="universal") の集計を渡してください')
    if not np.allclose(np.diff(aggregation.keys), 1.0):
        raise ParameterError("受講からの月数が飛んでいます", hint="期間に抜けのないパネルを使ってください")
    if base[0] == 0:
        raise NotIdentifiedError("基準の月より前の期間がなく、受講前のぶれを測れません", hint="受講より前の期間を加えてください")
    rest = np.arange(len(estimate)) != base[0]
    counted = aggregation.keys[base[0] + 1 :] >= 0  # with anticipation, periods between the base and treatment are no part of the effect
    weight = counted / counted.sum() if l_vec is None else np.asarray(l_vec, dtype=np.float64)
    return _checked(estimate[rest], covariance[np.ix_(rest, rest)], int(base[0]), weight, len(counted))


def _checked(betahat: FloatArray, sigma: FloatArray, n_pre: int, l_vec: FloatArray, n_post: int) -> EventStudy:
    if n_pre < 1 or n_post < 1:
        raise ParameterError("基準の月の前と後に、それぞれ一つ以上の期間が必要です", place="n_pre / n_post", hint="期間を広げてください")
    n = n_pre + n_post
    if betahat.shape != (n,) or sigma.shape != (n, n) or l_vec.shape != (n_post,):
        raise ParameterError(
            f"大きさが合いません（推定値 {betahat.shape}、共分散 {sigma.shape}、重み {l_vec.shape}、期間 {n_pre} と {n_post}）",
            hint="基準の月は推定値から除き、期間の数と合わせてください",
        )
    if not (np.isfinite(betahat).all() and np.isfinite(sigma).all() and np.isfinite(l_vec).all() and l_vec.any()):
        raise ParameterError("推定値・共分散・重みに有限でない値があるか、重みがすべて0です")
    if not np.allclose(sigma, sigma.T) or (np.diag(sigma) < 0).any():
        raise ParameterError("共分散行列になっていません", place="sigma", hint="対称で、分散が正の行列を渡してください")
    error = np.sqrt(np.diag(sigma))
    if not error.all() or np.linalg.eigvalsh(sigma / np.outer(error, error))[0] < SINGULAR:
        raise NotIdentifiedError("推定値の共分散が特異で、感度を測れません", place="sigma", hint="単位を増やすか、期間を減らしてください")
    return EventStudy(betahat=betahat, sigma=(sigma + sigma.T) / 2, n_pre=n_pre, l_vec=l_vec)


def breakdown_value(in_doubt: Callable[[float], bool], *, start: float, precision: float) -> float:
    """The smallest bound at which the effect is in doubt, by doubling from ``start`` and halving; 0 or inf at the ends of the search."""
    if in_doubt(0.0):
        return 0.0
    low, high = 0.0, start
    for _ in range(LARGEST_DOUBLING):
        if in_doubt(high):
            break
        low, high = high, 2 * high
    else:
        return float("inf")
    while high - low > precision:
        middle = (low + high) / 2
        low, high = (low, middle) if in_doubt(middle) else (middle, high)
    return high

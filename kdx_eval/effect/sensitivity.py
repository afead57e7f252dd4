"""How far the parallel course of the groups may be broken before the effect is in doubt (Rambachan & Roth 2023).

δ is the difference that would have been seen without treatment: δ_0 = 0 in the base period, δ_s before, δ_t after. Relative magnitudes: no step of δ
after treatment is larger than M̄ times the largest step before. The interval inverts the conditional least-favourable hybrid test (Andrews, Roth &
Pakes 2023). Its linear programme is solved in closed form: in steps x_t = δ_t - δ_(t-1) each nuisance parameter lies in an interval of its own, and
only their weighted sum is tied to the hypothesis, so that no more than four vertices of the dual programme matter, listed by ``_vertices``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from kdx_eval.effect.event_study import EventStudy, EventTimeAggregation, Sensitivity, as_event_study, breakdown_value
from kdx_eval.effect.inference import LEVEL
from kdx_eval.errors import ParameterError
from kdx_eval.panel.type import FloatArray

ERROR = 1 - LEVEL
FIRST_STAGE = ERROR / 10  # size of the least-favourable first stage (Rambachan & Roth 2023, section 3: κ = α/10)
SECOND_STAGE = (ERROR - FIRST_STAGE) / (1 - FIRST_STAGE)
LEAST_FAVOURABLE_DRAWS = 10_000
GRID = 401  # hypotheses looked at between the ends of the first stage, before the ends of the interval are closed in on
ZOOM = 65
ZOOM_STEPS = 5  # 1/64 a step: 1e-9 of the grid's width
SAME = 1e-10  # correlation from which two vertices move together


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """The event study as steps from each period to the next.

    Attributes
    ----------
    found : ndarray, (n_pre,)
        Steps before treatment.
    covariance : ndarray, (n, n)
        Of all steps.
    weight : ndarray, (n_post,)
        Of each later step in the estimand: the sum of ``l_vec`` from there on.
    draws : ndarray, (n_pre + 1, D)
        Draws of the errors of the steps before and, last, of the estimand.
    """

    found: FloatArray
    covariance: FloatArray
    weight: FloatArray
    estimate: float
    draws: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vertices:
    """Vertices of the dual programme: the statistic for the hypothesis θ is the largest of ``value - slope θ``.

    Attributes
    ----------
    value, slope : ndarray, (J,)
    covariance : ndarray, (J, J)
        Of ``value``.
    critical : float
        Least-favourable critical value of the first stage.
    """

    value: FloatArray
    slope: FloatArray
    covariance: FloatArray
    critical: float

    def range(self) -> tuple[float, float]:
        """Hypotheses that the first stage does not reject; low above high where it rejects all."""
        if (self.value[self.slope == 0] > self.critical).any():
            return np.inf, -np.inf
        ends = (self.value - self.critical)[self.slope != 0] / self.slope[self.slope != 0]
        falling = self.slope[self.slope != 0] > 0  # these bound θ from below
        return float(ends[falling].max()), float(ends[~falling].min())

    def accepts(self, hypotheses: FloatArray) -> npt.NDArray[np.bool_]:
        """Which of the hypotheses about θ the hybrid test does not reject, (H,).

        The statistic, given which vertex is largest and everything independent of it, is a truncated normal variable (Andrews, Roth &
        Pakes 2023, section on conditional tests); the test rejects where its survival function at a mean of zero is below the second
        stage's size and the statistic is positive.
        """
        values = self.value[None, :] - np.outer(hypotheses, self.slope)
        largest = values.argmax(axis=1)
        statistic = values.max(axis=1)
        accepted: npt.NDArray[np.bool_] = statistic <= self.critical
        for vertex in np.unique(largest):
            rows = np.flatnonzero((largest == vertex) & (statistic > 0) & accepted)
            if len(rows):
                accepted[rows] = self._tail(values[rows], vertex) >= SECOND_STAGE
        return accepted

    def _tail(self, values: FloatArray, vertex: np.intp) -> FloatArray:
        """P(statistic at least as large | vertex is the largest, first stage passed), with mean zero."""
        variance = self.covariance[vertex, vertex]
        ratio = self.covariance[vertex] / variance
        apart = 1 - ratio
        statistic = values[:, vertex]
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = (values - statistic[:, None] * ratio) / apart
        low = np.where(apart > SAME, ends, -np.inf).max(axis=1)
        high = np.minimum(np.where(apart < -SAME, ends, np.inf).min(axis=1), self.critical)
        return _truncated_tail(statistic / np.sqrt(variance), low / np.sqrt(variance), high / np.sqrt(variance))


def relative_magnitudes(
    estimates: EventTimeAggregation | npt.ArrayLike,
    sigma: npt.ArrayLike | None = None,
    *,
    n_pre: int | None = None,
    n_post: int | None = None,
    l_vec: npt.ArrayLike | None = None,
    mbar: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
) -> Sensitivity:
    """95 % intervals that hold as long as no step of δ after treatment exceeds ``mbar`` times the largest step before.

    Parameters
    ----------
    estimates : aggregation, or array (n_pre + n_post,)
        Event study: an ``event_time`` aggregation with the universal base, or its estimates without the base period.
    sigma : array, (n, n)
        Their covariance; not given with an aggregation.
    l_vec : array, (n_post,)
        Weights of the estimand over the periods after treatment; their mean (from event time 0 on) where it is not given.

    Returns
    -------
    Sensitivity
        One interval a value of ``mbar``, and the breakdown value: the smallest ``mbar`` (to 0.001) whose interval contains zero.
        Δ^RM(M̄) is the union over the period s and the sign of the largest step (Rambachan & Roth 2023, section 2.4.1 and Lemma 2.2);
        the interval is the union of the intervals by the C-LF hybrid test, a hypothesis being rejected only if every part rejects it.

    Raises
    ------
    ParameterError
        Sizes do not fit, a value is not finite, ``mbar`` is negative, or the aggregation has no universal base.
    NotIdentifiedError
        The covariance of the estimates is singular.
    """
    if not len(mbar) or not all(np.isfinite(value) and value >= 0 for value in mbar):
        raise ParameterError("M̄ には0以上の数を並べてください", place="mbar")
    study = as_event_study(estimates, sigma, n_pre=n_pre, n_post=n_post, l_vec=l_vec)
    steps = _steps(study, np.random.default_rng(0).standard_normal((len(study.betahat), LEAST_FAVOURABLE_DRAWS)))
    found = [_interval(steps, float(value)) for value in mbar]
    return Sensitivity(
        restriction="relative_magnitudes",
        bound=np.array(mbar, dtype=np.float64),
        conf_low=np.array([low for low, _ in found]),
        conf_high=np.array([high for _, high in found]),
        original=study.original,
        breakdown=breakdown_value(lambda value: _reaches_zero(steps, value), start=1.0, precision=1e-3),
    )


def _root(sigma: FloatArray) -> FloatArray:
    """A matrix R with R R' = sigma; sigma may be singular."""
    values, vectors = np.linalg.eigh(sigma)
    root: FloatArray = vectors * np.sqrt(np.clip(values, 0, None))
    return root


def _steps(study: EventStudy, normal: FloatArray) -> _Steps:
    """The steps of an event study, and draws of their errors from standard normal draws, (n, D)."""
    steps, pre = study.steps(), study.n_pre
    weight = np.cumsum(study.l_vec[::-1])[::-1]
    rows = np.concatenate([steps[:pre], (weight @ steps[pre:])[None]])
    return _Steps(
        found=steps[:pre] @ study.betahat,
        covariance=steps @ study.sigma @ steps.T,
        weight=weight,
        estimate=study.original.estimate,
        draws=rows @ _root(study.sigma) @ normal,
    )


def _parts(steps: _Steps, mbar: float) -> Iterator[_Vertices]:
    """The parts of Δ^RM: each period in which the largest step before treatment may lie, and each sign; the widest are likely to come first."""
    for direction in (1.0, -1.0):
        for step in np.argsort(-np.abs(steps.found)):
            yield _vertices(steps, step=int(step), sign=direction if steps.found[step] >= 0 else -direction, mbar=mbar)


def _interval(steps: _Steps, mbar: float) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for part in _parts(steps, mbar):
        first, last = part.range()
        if first < low or last > high:  # otherwise this part lies inside those already found
            found = _accepted_range(part.accepts, first, last)
            low, high = min(low, found[0]), max(high, found[1])
    return low, high


def _reaches_zero(steps: _Steps, mbar: float) -> bool:
    """Some value of the estimand on the far side of zero, or zero, is not rejected."""
    for part in _parts(steps, mbar):
        first, last = part.range()
        if first <= 0.0 <= last and part.accepts(np.linspace(0.0, first if steps.estimate > 0 else last, GRID)).any():
            return True
    return False


def _accepted_range(accepts: Callable[[FloatArray], npt.NDArray[np.bool_]], first: float, last: float) -> tuple[float, float]:
    """Smallest and largest accepted hypothesis between ``first`` and ``last``; low above high where none is."""
    if first > last:
        return np.inf, -np.inf
    grid = np.linspace(first, last, GRID)
    inside = np.flatnonzero(accepts(grid))
    if not len(inside):
        return np.inf, -np.inf
    width = grid[1] - grid[0]
    return _closed_in(accepts, grid[inside[0]], -width), _closed_in(accepts, grid[inside[-1]], width)


def _closed_in(accepts: Callable[[FloatArray], npt.NDArray[np.bool_]], inside: float, width: float) -> float:
    """The last accepted hypothesis from ``inside`` on towards ``inside + width``."""
    for _ in range(ZOOM_STEPS):
        points = inside + np.linspace(0.0, width, ZOOM)
        refused = np.flatnonzero(~accepts(points))
        if not len(refused):
            return float(points[-1])
        if refused[0] == 0:  # rounding at the very edge
            return inside
        inside, width = float(points[refused[0] - 1]), width / (ZOOM - 1)
    return inside


def _vertices(steps: _Steps, *, step: int, sign: float, mbar: float) -> _Vertices:
    """Vertices for "the largest step before treatment is number ``step``, of that sign".

    Rows of moment inequalities, each over its standard error σ: ±x_t - M̄ b <= 0 for the steps after treatment, b the signed largest one
    before. The programme min η s.t. row_i <= η σ_i, Σ w_t x_t = l'β̂ - θ is feasible if and only if every x_t has room (its two rows added:
    -2 M̄ b <= η (σ_t+ + σ_t-), where only the smallest and the largest sum can bind), and the largest and smallest possible Σ w_t x_t enclose
    l'β̂ - θ. All of it is linear in b and l'β̂.
    """
    pre, weight = len(steps.found), steps.weight
    variance, shared = np.diag(steps.covariance)[pre:] + mbar**2 * steps.covariance[step, step], 2 * mbar * sign * steps.covariance[step, pre:]
    error_up, error_down = np.sqrt(variance - shared), np.sqrt(variance + shared)
    positive, negative = np.clip(weight, 0, None), np.clip(-weight, 0, None)
    above, below = positive @ error_up + negative @ error_down, positive @ error_down + negative @ error_up
    room, reach = error_up + error_down, mbar * np.abs(weight).sum()
    functional = np.array([[-2 * mbar / room.min(), 0], [-2 * mbar / room.max(), 0], [-reach / above, 1 / above], [-reach / below, -1 / below]])
    if mbar == 0:  # rows without room for steps add to nothing
        functional = functional[2:]
    slope = functional[:, 1]
    draws = functional[:, :1] * (sign * steps.draws[step]) + functional[:, 1:] * steps.draws[-1]
    critical = float(np.quantile(draws.max(axis=0), 1 - FIRST_STAGE))
    cross = sign * float(steps.covariance[step, pre:] @ weight)
    own = float(weight @ steps.covariance[pre:, pre:] @ weight)
    covariance = functional @ np.array([[steps.covariance[step, step], cross], [cross, own]]) @ functional.T
    return _Vertices(value=functional @ [sign * steps.found[step], steps.estimate], slope=slope, covariance=covariance, critical=critical)


def _truncated_tail(x: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """P(Z >= x | low <= Z <= high) of a standard normal Z with low <= x <= high, in logarithms because it may lie far out."""
    at_x, at_low, at_high = log_ndtr(-x), log_ndtr(-low), log_ndtr(-np.maximum(high, x))
    with np.errstate(invalid="ignore", divide="ignore"):
        tail = np.exp(at_x - at_low) * np.expm1(at_high - at_x) / np.expm1(at_high - at_low)
    return np.where(at_low > at_high, tail, 1.0)

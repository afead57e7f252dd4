"""Fixed-length intervals where the difference between the groups may bend, but not sharply (Rambachan & Roth 2023, Δ^SD(M)).

δ, the difference without treatment, changes its slope by no more than M from one period to the next. The shortest interval of fixed length around an
affine estimator is near optimal there. Among estimators with the same worst-case bias the one of least variance is sought, which is a lasso path;
the best point of the path has the shortest interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr, ndtri

from kdx_eval.effect.event_study import EventStudy, EventTimeAggregation, Sensitivity, as_event_study, breakdown_value
from kdx_eval.effect.inference import LEVEL
from kdx_eval.errors import ParameterError
from kdx_eval.panel.type import FloatArray

PATH_TOLERANCE = 1e-12


def smoothness(
    estimates: EventTimeAggregation | npt.ArrayLike,
    sigma: npt.ArrayLike | None = None,
    *,
    n_pre: int | None = None,
    n_post: int | None = None,
    l_vec: npt.ArrayLike | None = None,
    m: Sequence[float] = (0.0,),
) -> Sensitivity:
    """95 % intervals that hold as long as the slope of δ changes by at most ``m`` from one period to the next; 0 is a straight line.

    Parameters
    ----------
    estimates, sigma, n_pre, n_post, l_vec
        As in ``relative_magnitudes``.
    m : sequence of float
        Bounds, in the outcome's unit per period squared.

    Returns
    -------
    Sensitivity
        One interval a value of ``m``, of the shortest fixed length (Rambachan & Roth 2023, section 4.1; Armstrong & Kolesár 2018), and the
        breakdown value to a thousandth of the estimand's standard error.

    Raises
    ------
    ParameterError
        Sizes do not fit, a value is not finite, ``m`` is negative, or the aggregation has no universal base.
    NotIdentifiedError
        The covariance of the estimates is singular.
    """
    if not len(m) or not all(np.isfinite(value) and value >= 0 for value in m):
        raise ParameterError("M には0以上の数を並べてください", place="m")
    study = as_event_study(estimates, sigma, n_pre=n_pre, n_post=n_post, l_vec=l_vec)
    path = _estimator_path(study)
    found = np.array([path.interval(float(value)) for value in m])
    scale = study.original.std_error

    def in_doubt(bound: float) -> bool:
        low, high = path.interval(bound)
        return low <= 0.0 <= high

    return Sensitivity(
        restriction="smoothness",
        bound=np.array(m, dtype=np.float64),
        conf_low=found[:, 0],
        conf_high=found[:, 1],
        original=study.original,
        breakdown=breakdown_value(in_doubt, start=scale, precision=scale / 1000),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """Estimators ``weights @ betahat`` with the least variance for their worst-case bias, from the least bias on.

    Attributes
    ----------
    weights : ndarray, (K, n)
        Knots; between them the weights move on straight lines.
    bias : ndarray, (K,)
        Worst-case bias at M = 1.
    """

    study: EventStudy
    weights: FloatArray
    bias: FloatArray

    def interval(self, m: float) -> tuple[float, float]:
        """The shortest interval for the bound ``m``.

        Half length: σ cv(m bias / σ), quasi-convex along the path, so that only the two lines at the best knot need a search.
        """
        errors = self.study.errors(self.weights)
        lengths = [_half_length(error, m * bias) for error, bias in zip(errors, self.bias, strict=True)]
        best = int(np.argmin(lengths))
        length, weights = lengths[best], self.weights[best]
        for left in range(max(best - 1, 0), min(best + 1, len(lengths) - 1)):
            found = minimize_scalar(lambda share, left=left: self._between(left, share, m)[0], bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9})
            if found.fun < length:
                length, weights = self._between(left, float(found.x), m)
        centre = float(weights @ self.study.betahat)
        return centre - length, centre + length

    def _between(self, left: int, share: float, m: float) -> tuple[float, FloatArray]:
        weights = (1 - share) * self.weights[left] + share * self.weights[left + 1]
        bias = (1 - share) * self.bias[left] + share * self.bias[left + 1]
        return _half_length(float(self.study.errors(weights[None])[0]), m * bias), weights


def _half_length(error: float, bias: float) -> float:
    """Half length of a 95 % interval around a normal estimator with at most that bias: error times the quantile of |N(bias/error, 1)|."""
    if not error > 0:
        return float(bias)
    shift = bias / error

    def excess(x: float) -> float:
        return float(ndtr(x - shift) - ndtr(-x - shift)) - LEVEL

    # The quantile lies between those of a one-sided and a two-sided test.
    return float(error * brentq(excess, shift + ndtri(LEVEL) - 1e-9, shift + ndtri(0.5 + LEVEL / 2) + 1e-9, xtol=1e-13))


def _estimator_path(study: EventStudy) -> _Path:
    """All useful estimators l'β̂_post + v'β̂_pre.

    With the slope after the base fixed by ``Σ s v_s = Σ t l_t`` (otherwise a steep straight line has no bound), the bias is a sum of changes
    of slope κ: at -j with weight c_j = Σ_{s>j} (s-j) v_s, at j >= 1 with weight Σ_{t>j} (t-j) l_t. So c_0 = Σ t l_t is given, the worst-case
    bias is M times the sum of absolute weights, and c_1, c_2, ... are free: least variance for a given sum is a lasso in them.
    """
    pre, post = study.n_pre, study.n_post
    distance = np.arange(pre, 0, -1.0)  # of each period before the base
    changes = np.clip(distance[None, :] - np.arange(pre)[:, None], 0.0, None)  # c = changes @ v
    after = np.arange(1.0, post + 1)
    slope = float(after @ study.l_vec)
    fixed = abs(slope) + float(np.abs(np.clip(after[None, :] - np.arange(1, post)[:, None], 0.0, None) @ study.l_vec).sum())
    to_pre = np.linalg.inv(changes)
    start = np.concatenate([to_pre[:, 0] * slope, study.l_vec])
    free = np.concatenate([to_pre[:, 1:], np.zeros((post, pre - 1))])
    knots = _lasso_path(free.T @ study.sigma @ free, free.T @ study.sigma @ start)
    return _Path(study=study, weights=start + knots @ free.T, bias=fixed + np.abs(knots).sum(axis=1))


def _lasso_path(quadratic: FloatArray, linear: FloatArray) -> FloatArray:
    """Knots of argmin z'Qz/2 + q'z + λ|z|_1 from the smallest λ with z = 0 down to λ = 0, (K, dimension).

    Between knots the solution moves on a line: with A the nonzero places and s their signs, z_A = -Q_AA^-1 (q_A + λ s_A) (Osborne, Presnell &
    Turlach 2000; Efron, Hastie, Johnstone & Tibshirani 2004, lasso modification).
    """
    count = len(linear)
    place = np.zeros(count)
    knots = [place]
    if not count or not np.abs(linear).max() > 0:
        return np.array(knots)
    penalty = float(np.abs(linear).max())
    active = np.zeros(count, dtype=bool)
    active[np.abs(linear).argmax()] = True
    sign = -np.sign(linear)
    sides = np.array([[1.0], [-1.0]])
    for _ in range(50 * count):
        inside = np.flatnonzero(active)
        towards = np.zeros(count)  # change of z as λ falls by one
        towards[inside] = np.linalg.pinv(quadratic[np.ix_(inside, inside)], hermitian=True) @ sign[inside]
        gradient, falling = -(linear + quadratic @ place), -(quadratic @ towards)
        with np.errstate(divide="ignore", invalid="ignore"):
            leaves = np.where(active, -place / towards, np.inf)
            enters = np.where(active, np.inf, (penalty - sides * gradient) / (1 + sides * falling))
        steps = np.concatenate([leaves[None], enters])
        steps[~(steps > PATH_TOLERANCE * penalty)] = np.inf
        event, j = np.unravel_index(int(steps.argmin()), steps.shape)
        step = min(float(steps[event, j]), penalty)
        place = place + step * towards
        if step >= penalty:
            break
        penalty -= step
        if event == 0:
            place[j], active[j] = 0.0, False
        else:
            active[j], sign[j] = True, float(sides[event - 1, 0])
        knots.append(place)
    knots.append(place)
    return np.array(knots)

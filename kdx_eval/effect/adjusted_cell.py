"""One comparison of a cohort with its controls, adjusted for covariates, and the influence of every unit (Sant'Anna & Zhao 2020).

Every estimator of the paper for panels is of the form sum_i a_i (dy_i - x_i'b) with an influence that is linear in the change dy, so that all
periods that share a cohort, controls and covariates are done in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kdx_eval.panel.type import FloatArray

Method = Literal["dr", "ipw", "reg"]
LARGEST_SCORE = 0.999  # a treated unit with a larger propensity has no comparison: the effect is not identified
LARGEST_CONTROL_SCORE = 0.995  # a control with a larger propensity would outweigh two hundred others: it is left out
NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Who is compared with whom, and by which covariates.

    Attributes
    ----------
    treated : ndarray of bool, (n,)
    weight : ndarray, (n,)
    design : ndarray, (n, p)
        Constant and covariates, each with mean zero and unit spread.
    """

    treated: npt.NDArray[np.bool_]
    weight: FloatArray
    design: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighting:
    """Odds weights of the controls and what the estimated propensity score adds to the influence."""

    control: FloatArray  # (n,) w (1 - D) p / (1 - p)
    score: FloatArray  # (n,) w (D - p)
    inverse: FloatArray  # (p, p) inverse of the information


def comparison(treated: npt.NDArray[np.bool_], weight: FloatArray, covariates: FloatArray) -> Comparison:
    """The comparison with standardised covariates (n, q); the estimates do not depend on their units."""
    spread = covariates.std(axis=0)
    scaled = (covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return Comparison(treated=treated, weight=weight, design=np.column_stack([np.ones(len(treated)), scaled]))


def adjusted_change(compared: Comparison, change: FloatArray, *, method: Method) -> tuple[FloatArray, FloatArray] | None:
    """ATT of K changes and the influences of the n units, or None where the comparison does not identify it.

    Parameters
    ----------
    compared : Comparison
    change : ndarray, (K, n)
        Outcome in the period minus outcome in the base period.
    method : "dr", "ipw" or "reg"
        Doubly robust (eq. 2.6 with logit and least squares: the traditional estimator of section 2.3), normalised inverse probability
        weighting (Hajek form of Abadie 2005), outcome regression (Heckman, Ichimura & Todd 1997).

    Returns
    -------
    (ndarray (K,), ndarray (K, n)) or None
        None where covariates are collinear among the controls, or a propensity score is about one (no overlap).
    """
    x, w = compared.design, compared.weight
    own = np.where(compared.treated, w, 0.0) / w[compared.treated].sum()  # treated, sum one
    others = np.where(compared.treated, 0.0, w)
    weighting = None if method == "reg" else _propensity(compared)
    regression = None if method == "ipw" else _inverse((x * others[:, None]).T @ x)
    if (method != "reg" and weighting is None) or (method != "ipw" and regression is None):
        return None
    odds = np.zeros(len(w)) if weighting is None else weighting.control / weighting.control.sum()
    slope = np.zeros((x.shape[1], len(change)))
    multiplier = own - odds
    if regression is not None:
        slope = regression @ ((x * others[:, None]).T @ change.T)
        # The controls' residuals count a second time, through the estimated outcome regression.
        multiplier = multiplier - (x @ (regression @ (x.T @ (own - odds)))) * others
    first = own @ change.T - (own @ x) @ slope
    second = odds @ change.T - (odds @ x) @ slope
    # Influence = residual x multiplier - (own, odds, score) @ loadings, with residual = change - x'slope.
    columns, loadings = [own, odds, x * multiplier[:, None]], [first[None], -second[None], slope]
    if weighting is not None:
        moment = (x * odds[:, None]).T @ change.T - (x * odds[:, None]).T @ x @ slope - np.outer(x.T @ odds, second)
        columns.append(x * weighting.score[:, None])
        loadings.append(weighting.inverse @ moment)
    influence = change * multiplier
    influence -= np.concatenate(loadings).T @ np.column_stack(columns).T
    return first - second, influence


def _propensity(compared: Comparison) -> _Weighting | None:
    """Logit propensity score by Newton's method, as odds weights; None without overlap or with collinear covariates."""
    x, w, treated = compared.design, compared.weight, compared.treated.astype(np.float64)
    if (compared.design.std(axis=0)[1:] == 0).any():
        return None
    share = float(w @ treated / w.sum())
    coefficient = np.zeros(x.shape[1])
    coefficient[0] = np.log(share / (1 - share))
    for _ in range(NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(x @ coefficient, -30, 30)))
        inverse = _inverse((x * (w * probability * (1 - probability))[:, None]).T @ x)
        if inverse is None:
            return None
        step = inverse @ (x.T @ (w * (treated - probability)))
        if np.abs(step).max() < 1e-10:
            break
        coefficient += step
    else:
        return None
    if probability[w > 0].max() >= LARGEST_SCORE:
        return None
    kept = ~compared.treated & (probability < LARGEST_CONTROL_SCORE)
    control = np.where(kept, w * probability / (1 - probability), 0.0)
    if not control.sum() > 0:
        return None
    return _Weighting(control=control, score=w * (treated - probability), inverse=inverse)


def _inverse(matrix: FloatArray) -> FloatArray | None:
    """Inverse of a symmetric matrix, or None where it is singular to working precision."""
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all():
        return None
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    if not values[0] > 1e-10:
        return None
    inverse: FloatArray = (vectors / values) @ vectors.T / np.outer(scale, scale)
    return inverse

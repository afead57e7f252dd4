"""One comparison of a cohort with its controls, adjusted for covariates, and the influence of every unit (Sant'Anna & Zhao 2020).

Every estimator of the paper for panels is of the form sum_i a_i (dy_i - x_i'b) with an influence that is linear in the change dy, so that all
periods that share a cohort, controls and covariates are done in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

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
    design : ndarray, (p, n)
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


def comparison(treated: npt.NDArray[np.bool_], *, weight: FloatArray, covariates: FloatArray) -> Comparison:
    """The comparison with standardised covariates (q, n); the estimates do not depend on their units."""
    scaled = covariates - covariates.mean(axis=1, keepdims=True)
    spread = np.sqrt((scaled**2).mean(axis=1, keepdims=True))
    scaled /= np.where(spread > 0, spread, 1.0)
    return Comparison(treated=treated, weight=weight, design=np.vstack([np.ones(len(treated)), scaled]))


def adjusted_change(compared: Comparison, change: FloatArray, *, method: Method) -> tuple[FloatArray, FloatArray] | None:
    """ATT of K changes and the influences of the n units, or None where the comparison does not identify it.

    Parameters
    ----------
    compared : Comparison
    change : ndarray, (K, n)
        Outcome in the period minus outcome in the base period.
    method : "dr", "ipw" or "reg"
        Doubly robust (eq. 3.1, with logit by maximum likelihood and least squares among the controls), normalised inverse probability
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
    regression = None if method == "ipw" else _inverse((x * others) @ x.T)
    if (method != "reg" and weighting is None) or (method != "ipw" and regression is None):
        return None
    odds = np.zeros(len(w)) if weighting is None else weighting.control / weighting.control.sum()
    slope = np.zeros((len(change), len(x)))
    multiplier = own - odds
    if regression is not None:
        slope = change @ (x * others).T @ regression
        # The controls' residuals count a second time, through the estimated outcome regression.
        multiplier = multiplier - ((x @ (own - odds)) @ regression @ x) * others
    first = change @ own - slope @ (x @ own)
    second = change @ odds - slope @ (x @ odds)
    # Influence = residual x multiplier - loadings @ (own, odds, score), with residual = change - slope @ x.
    rows, loadings = [own, -odds, x * multiplier], [first[:, None], second[:, None], slope]
    if weighting is not None:
        weighted = x * odds
        moment = change @ weighted.T - slope @ (x @ weighted.T) - np.outer(second, x @ odds)
        rows.append(x * weighting.score)
        loadings.append(moment @ weighting.inverse)
    influence = change * multiplier
    influence -= np.hstack(loadings) @ np.vstack(rows)
    return first - second, influence


def _propensity(compared: Comparison) -> _Weighting | None:
    """Logit propensity score by Newton's method, as odds weights; None without overlap or with collinear covariates."""
    x, w, treated = compared.design, compared.weight, compared.treated.astype(np.float64)
    share = float(w @ treated / w.sum())
    coefficient = np.zeros(len(x))
    coefficient[0] = np.log(share / (1 - share))
    for _ in range(NEWTON_STEPS):
        probability = special.expit(coefficient @ x)
        score = w * (treated - probability)
        inverse = _inverse((x * (w * probability * (1 - probability))) @ x.T)
        if inverse is None:
            return None
        step = inverse @ (x @ score)
        if np.abs(step).max() < 1e-10:
            break
        coefficient += step
    else:
        return None
    if probability[w > 0].max() >= LARGEST_SCORE:
        return None
    kept = ~compared.treated & (probability < LARGEST_CONTROL_SCORE)
    control = np.zeros(len(w))
    np.divide(w * probability, 1 - probability, out=control, where=kept)
    if not control.sum() > 0:
        return None
    return _Weighting(control=control, score=score, inverse=inverse)


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

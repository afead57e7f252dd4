"""From an estimate and its spread to interval, p value and simultaneous bands.

Two inferences are kept apart by name: ``reference`` is what the authors' software prints; ``headline`` is what a city of sixty
departments may rely on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray

LEVEL = 0.95
POWER = 0.80
_SETTLED, _MOST_STEPS = 1e-4, 30  # a twentieth of the Monte-Carlo error; each step shrinks the distance several times
SMALLEST_POOL = 3  # degrees of freedom under which a pool is joined to the other: chi-square with 1-2 df has no useful spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One estimate with its 95 % interval, in the outcome's unit; ``df`` is inf for a normal interval."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    df: float = float("inf")


def make_estimate(estimate: float, std_error: float, *, df: float = float("inf")) -> Estimate:
    """Estimate with a two-sided 95 % t interval (normal where df is inf); a zero or missing error gives NaN bounds."""
    if not std_error > 0:
        nan = float("nan")
        return Estimate(estimate=float(estimate), std_error=float(std_error), conf_low=nan, conf_high=nan, p_value=nan, df=float(df))
    half = t_quantile(0.5 + LEVEL / 2, df) * std_error
    return Estimate(
        estimate=float(estimate),
        std_error=float(std_error),
        conf_low=float(estimate - half),
        conf_high=float(estimate + half),
        p_value=float(2 * (special.ndtr(-abs(estimate / std_error)) if np.isinf(df) else special.stdtr(df, -abs(estimate / std_error)))),
        df=float(df),
    )


def interval_columns(estimate: FloatArray, std_error: FloatArray) -> dict[str, FloatArray]:
    """Columns of a table from K estimates and their errors: estimate, std_error, conf_low, conf_high (95 %), p_value; pointwise and normal."""
    half = t_quantile(0.5 + LEVEL / 2, float("inf")) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * special.ndtr(-np.abs(estimate / std_error))
    return {"estimate": estimate, "std_error": std_error, "conf_low": estimate - half, "conf_high": estimate + half, "p_value": p_value}


def sup_t_critical(covariance: FloatArray, *, draws: int = 1000, seed: int = 0) -> float:
    """Critical value of a simultaneous 95 % band: the quantile of max |t| where t is Gaussian with ``covariance``.

    Simulated from a covariance, not a bootstrap (Montiel Olea & Plagborg-Møller 2019, Algorithm 1). Only the tail is drawn (Owen,
    Maximov & Chertkov 2019): P(max |t| > c) = R P(|t_j| > c) E[1/S], S counting the rows beyond c when row j, any of the R
    in turn, is. At least ``draws`` draws; 1 000 of the tail leave a smaller error than 5 000 of the whole (tests/spec/test_sup_t.py).

    Returns
    -------
    float
        Between the pointwise critical value and Bonferroni's. Rows without variance are left out.
    """
    scale = np.sqrt(np.diag(covariance))
    used = scale > 0
    pointwise = t_quantile(0.5 + LEVEL / 2, float("inf"))
    if used.sum() < 2:
        return pointwise
    correlation = covariance[np.ix_(used, used)] / np.outer(scale[used], scale[used])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    return max(pointwise, _largest_quantile(correlation, root, rounds=-(-draws // len(values)), rng=np.random.default_rng(seed)))


def _largest_quantile(correlation: FloatArray, root: FloatArray, *, rounds: int, rng: np.random.Generator) -> float:
    """The 95 % quantile of max |t| of R correlated normals, by draws given that each row in turn (``rounds`` times) lies beyond it."""
    rows = len(correlation)
    beyond = np.tile(np.arange(rows), rounds)
    pull = correlation[beyond]
    rest = rng.standard_normal((len(beyond), rows)) @ root.T
    rest -= pull * rest[np.arange(len(beyond)), beyond, None]  # what is left of a draw when row ``beyond`` is held at zero
    depth = 1 - rng.random(len(beyond))  # never 0, which would lie at infinity
    critical = float(-special.ndtri((1 - LEVEL) / 2 / rows))
    for _ in range(_MOST_STEPS):
        held = -special.ndtri(depth * special.ndtr(-critical))  # normal given that it exceeds ``critical``
        count = np.maximum((np.abs(rest + pull * held[:, None]) > critical).sum(axis=1), 1)
        last, critical = critical, float(-special.ndtri((1 - LEVEL) / 2 / (rows * np.mean(1 / count))))
        if abs(critical - last) < _SETTLED:
            break
    return critical


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledCovariance:
    """Covariance of the outcome pooled within cohorts, one for the ever treated and one for the never treated.

    Cohorts of one or two departments have no usable scatter of their own; a variance taken cohort by cohort rejects a true null in
    most samples (METHODS section 4). Treated and never treated departments are pooled apart because they may differ in size; a pool
    with fewer than ``SMALLEST_POOL`` degrees of freedom is joined to the other.

    Attributes
    ----------
    covariance : ndarray, (P, T, T)
        One matrix a pool.
    df : ndarray, (P,)
        Units minus cohorts.
    pool : ndarray of int, (G,)
        Pool of each cohort.
    """

    covariance: FloatArray
    df: FloatArray
    pool: np.ndarray[tuple[int], np.dtype[np.intp]]

    def covariance_of(self, contrast: Contrast, m: CohortMoments) -> FloatArray:
        """Joint covariance of K contrasts, (K, K)."""
        total = np.zeros((len(contrast.weights), len(contrast.weights)))
        for g in range(len(m.cohorts)):
            a = contrast.weights[:, g] * (np.sqrt(m.mass2[g]) / m.mass[g])
            total += a @ self.covariance[self.pool[g]] @ a.T
        return total

    def variance(self, contrast: Contrast, m: CohortMoments) -> tuple[FloatArray, FloatArray]:
        """Variance of each of K contrasts and its Satterthwaite degrees of freedom, both (K,).

        V = sum_p tr(Σ_p B_p) with B_p = Σ_{g in p} a_g a_g' q_g / W_g²; df = V² / Σ_p tr((Σ_p B_p)²)/ν_p, never above Σν_p
        (Satterthwaite 1946; the Wishart form of the contrast-specific degrees of freedom in Pustejovsky & Tipton 2018).
        """
        count = len(contrast.weights)
        total, spread = np.zeros(count), np.zeros(count)
        for p in range(len(self.df)):
            groups = np.flatnonzero(self.pool == p)
            scale = np.sqrt(m.mass2[groups]) / m.mass[groups]
            a = contrast.weights[:, groups] * scale[None, :, None]  # (K, g, T)
            inner = np.einsum("kgt,ts,khs->kgh", a, self.covariance[p], a)
            own = np.einsum("kgg->k", inner)
            total += own
            # tr((Σ B)²) = sum of squared inner products; with one direction it equals own² and df is ν.
            spread += (inner**2).sum(axis=(1, 2)) / self.df[p]
        with np.errstate(divide="ignore", invalid="ignore"):
            df = np.where(spread > 0, np.minimum(total**2 / spread, self.df.sum()), 0.0)
        return total, df


def pooled_covariance(m: CohortMoments) -> PooledCovariance:
    """Covariance pooled within cohorts from the moments.

    Raises
    ------
    NotIdentifiedError
        Fewer than ``SMALLEST_POOL`` degrees of freedom in all: no interval can be given.
    """
    pool = np.where(m.never, 1, 0).astype(np.intp)
    df = np.array([(m.size[pool == p] - 1).sum() for p in (0, 1)], dtype=np.float64)
    if df.sum() < SMALLEST_POOL:
        raise NotIdentifiedError(
            "同じ時期に始めた単位が少なすぎて、ばらつきを測れません", hint="比べる課を増やすか、開始時期の区切りを四半期・半期にしてください"
        )
    if (df < SMALLEST_POOL).any():
        pool = np.zeros_like(pool)
        df = np.array([df.sum()])
    covariance = np.stack([pooled_scatter(m, pool == p) for p in range(len(df))])
    return PooledCovariance(covariance=covariance, df=df, pool=pool)


def contrast_estimate(contrast: Contrast, m: CohortMoments) -> Estimate:
    """First row of a contrast with headline inference: covariance pooled within cohorts; raises as `pooled_covariance`."""
    variance, df = pooled_covariance(m).variance(contrast, m)
    return make_estimate(float(contrast.estimate(m)[0]), float(np.sqrt(max(variance[0], 0.0))), df=float(df[0]))


def pooled_scatter(m: CohortMoments, groups: npt.NDArray[np.bool_]) -> FloatArray:
    """Covariance of one unit within those cohorts, (T, T): S / (n - G) without weights, Σw²yy'/Σw² x n / (n - G) with them."""
    units = float(m.size[groups].sum())
    spread: FloatArray = m.scatter[groups].sum(axis=0) / m.mass2[groups].sum()
    return spread * units / (units - float(groups.sum()))


def detectable_effect(std_error: float, df: float) -> float:
    """Smallest effect found with 80 % probability by a two-sided 5 % test: (t(.975) + t(.80)) x standard error (Bloom 1995)."""
    if not df > 0:
        return float("inf")
    return (t_quantile(0.5 + LEVEL / 2, df) + t_quantile(POWER, df)) * std_error


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t, of the normal where df is inf (the bare function: scipy's distribution objects cost milliseconds each)."""
    return float(special.ndtri(probability) if np.isinf(df) else special.stdtrit(df, probability))

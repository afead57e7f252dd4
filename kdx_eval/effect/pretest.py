"""What a test before treatment can and cannot do: its power against a slope, and how often the interval covers once it was passed (Roth 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from kdx_eval.panel.type import FloatArray

DRAWS = 4000  # of the coefficients before treatment; coverage given each is in closed form, so that its error stays under half a point
_LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTest:
    """Joint test that K differences before treatment are zero.

    Attributes
    ----------
    statistic, p_value : float
        F statistic with ``n_pre`` and ``df`` - ``n_pre`` + 1 degrees of freedom (Hotelling's T squared).
    bias_50, bias_80 : float
        Apparent effect, outcome's unit, of the straight slope that the test notices in 50 % and 80 % of cases.
    coverage, coverage_50 : float
        Share of 95 % intervals that cover the truth once the test was passed: without a slope, and with the one noticed in 50 %.
    """

    n_pre: int
    df: float
    statistic: float
    p_value: float
    bias_50: float
    bias_80: float
    coverage: float
    coverage_50: float


def pretest(differences: FloatArray, covariance: FloatArray, *, slope: FloatArray, df: float, half_width: float) -> PreTest:
    """Test, power and coverage.

    Parameters
    ----------
    differences : ndarray, (K,)
        Differences before treatment.
    covariance : ndarray, (K + 1, K + 1)
        Joint covariance of the differences and (last) the effect.
    slope : ndarray, (K + 1,)
        What a slope of one unit a period adds to each of them.
    df : float
        Degrees of freedom of the covariance; inf for a known one. At least K.
    half_width : float
        Half of the effect's 95 % interval.
    """
    count = len(differences)
    scale = 1.0 if np.isinf(df) else (df - count + 1) / df
    second = float("inf") if np.isinf(df) else df - count + 1
    inverse: FloatArray = np.asarray(np.linalg.inv(covariance[:count, :count]), dtype=np.float64)
    critical = _f_quantile(1 - _LEVEL, count, second)
    statistic = float(differences @ inverse @ differences) * scale / count
    # Noncentrality of one unit of slope; the sizes noticed with a given probability follow by root finding.
    unit = float(slope[:count] @ inverse @ slope[:count])
    sizes = [np.sqrt(_noncentrality(power, count, second=second, critical=critical) / unit) if unit > 0 else float("inf") for power in (0.5, 0.8)]
    biases = [abs(float(slope[count])) * float(size) if np.isfinite(size) else float("inf") for size in sizes]

    def after(size: float) -> float:
        if not np.isfinite(size):
            return float("nan")
        return _coverage(covariance, inverse, shift=slope * size, bound=critical * count / scale, half_width=half_width)

    return PreTest(
        n_pre=count,
        df=df,
        statistic=statistic,
        p_value=float(stats.chi2.sf(statistic * count, count)) if np.isinf(second) else float(special.fdtrc(count, second, statistic)),
        bias_50=biases[0],
        bias_80=biases[1],
        coverage=after(0.0),
        coverage_50=after(float(sizes[0])),
    )


def _f_quantile(level: float, first: int, second: float) -> float:
    return float(stats.chi2.ppf(level, first)) / first if np.isinf(second) else float(special.fdtri(first, second, level))


def _noncentrality(power: float, first: int, *, second: float, critical: float) -> float:
    """Noncentrality at which the test rejects with that probability."""

    def short(value: float) -> float:
        if np.isinf(second):
            return float(special.chndtr(critical * first, first, value)) - (1 - power)
        return float(special.ncfdtr(first, second, value, critical)) - (1 - power)

    high = 10.0
    while short(high) > 0:
        high *= 2
    return float(optimize.brentq(short, 1e-9, high))


def _coverage(covariance: FloatArray, inverse: FloatArray, *, shift: FloatArray, bound: float, half_width: float) -> float:
    """Probability that effect ± half width covers, given that the differences pass; normal with known covariance."""
    count = len(inverse)
    root = np.linalg.cholesky(covariance[:count, :count])
    noise = np.random.default_rng(0).standard_normal((DRAWS, count)) @ root.T
    drawn = noise + shift[:count]
    passing = np.einsum("dk,kl,dl->d", drawn, inverse, drawn) <= bound
    if not passing.any():
        return float("nan")
    link = inverse @ covariance[:count, count]
    centre = shift[count] + noise[passing] @ link
    spread = np.sqrt(max(float(covariance[count, count] - covariance[count, :count] @ link), 1e-300))
    covered = special.ndtr((half_width - centre) / spread) - special.ndtr((-half_width - centre) / spread)
    return float(covered.mean())

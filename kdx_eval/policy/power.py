"""Power of a roll-out in waves, by simulating the very analysis that will be run: matched months, pooled covariance, t interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import LEVEL, POWER, SMALLEST_POOL
from kdx_eval.effect.structure import Structure
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel

DRAWS = 5_000  # METHODS 10; the standard error of a power of 80 % is then 0.6 points


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """Units in waves: the period in which each wave starts and how many units it has; a start after the last period is the wave in reserve."""

    starts: tuple[float, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisDraws:
    """The analysis of years in which training changes nothing.

    Attributes
    ----------
    estimate, std_error, df : ndarray, (DRAWS,)
        Headline estimate in the outcome's unit per unit and period, its error and degrees of freedom.
    unit_periods : int
        Treated unit-periods that the estimate averages over.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    unit_periods: int

    def power(self, effect: float) -> float:
        """Share of the draws in which the 95 % interval excludes zero on the side of ``effect``."""
        from scipy import special

        reach = special.stdtrit(self.df, 0.5 + LEVEL / 2) * self.std_error
        return float((abs(effect) + self.estimate > reach).mean())

    def detectable(self) -> float:
        """The effect that is found with 80 % probability."""
        from scipy import special

        reach = special.stdtrit(self.df, 0.5 + LEVEL / 2) * self.std_error
        return float(np.quantile(reach - self.estimate, POWER))


def wave_moments(waves: Waves, periods: FloatArray) -> CohortMoments:
    """Moments of units without any outcome yet, so that the analysis' own weights can be taken from them."""
    count = sum(waves.sizes)
    panel = Panel(
        outcome=np.zeros((count, len(periods))),
        units=np.arange(count).astype(object),
        periods=periods,
        cohort=np.repeat(np.array(waves.starts, dtype=float), waves.sizes),
        persons=np.ones(count, dtype=np.int64),
        monthly=True,
    )
    return moments(panel)


def simulate_analysis(waves: Waves, target: FiscalYearTarget, *, periods: FloatArray, structure: Structure, draws: int = DRAWS, seed: int = 0) -> AnalysisDraws:
    """Draw the outcomes of every unit from ``structure`` and run the headline analysis on each draw.

    The analysis needs of a unit only its products with the cohorts' weights, which are drawn directly: (waves) numbers a unit instead of (months).

    Raises
    ------
    NotIdentifiedError
        The waves leave no comparison, or too few units to measure their spread.
    """
    m = wave_moments(waves, periods)
    found = fiscal_year_contrast(m, target)
    df = float((m.size - 1).sum())
    if df < SMALLEST_POOL:
        raise NotIdentifiedError("課が少なすぎて、ばらつきを測れません", hint="回（ウェーブ）の数を減らすか、対象の課を増やしてください")
    weights = found.effect.weights[0] / np.sqrt(m.size)[:, None]
    root = _root(weights @ structure.covariance(periods) @ weights.T)
    random = np.random.default_rng(seed)
    cohort = np.repeat(np.arange(len(m.size)), m.size)
    estimate, error, degrees = np.empty(draws), np.empty(draws), np.empty(draws)
    step = max(1, 2_000_000 // (m.n_units * len(m.size)))
    for first in range(0, draws, step):
        size = min(step, draws - first)
        scores = random.standard_normal((size, m.n_units, len(root))) @ root.T  # (draws, units, waves): each unit's product with each wave's weights
        mean = np.stack([scores[:, cohort == g].mean(axis=1) for g in range(len(m.size))], axis=1)  # (draws, waves, waves)
        part = slice(first, first + size)
        estimate[part] = np.einsum("dgg,g->d", mean, np.sqrt(m.size))
        centred = scores - mean[:, cohort]
        inner = np.einsum("dug,duh->dgh", centred, centred) / df
        variance = np.einsum("dgg->d", inner)
        error[part] = np.sqrt(variance)
        degrees[part] = np.minimum(variance**2 * df / (inner**2).sum(axis=(1, 2)), df)
    return AnalysisDraws(estimate=estimate, std_error=error, df=degrees, unit_periods=found.unit_periods)


def _root(covariance: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))

"""How the outcome varies in the months before anyone was treated: what could be detected is printed before the result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.inference import LEVEL, Estimate, detectable_effect, pooled_scatter
from kdx_eval.panel.type import FloatArray

SHORTEST = 6  # periods before treatment under which no structure is fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Covariance of a unit's outcome about its own level: season (same calendar month) + noise x correlation^distance.

    Attributes
    ----------
    seasonal, noise : float
        Variances, in the outcome's unit squared.
    correlation : float
        Of the noise from one period to the next.
    df : float
        Units minus cohorts behind the fit.
    """

    seasonal: float
    noise: float
    correlation: float
    season: int
    df: float

    def covariance(self, periods: FloatArray) -> FloatArray:
        """The covariance over ``periods``, (T, T)."""
        distance = np.abs(periods[:, None] - periods[None, :])
        same = (distance % self.season == 0) & (self.season > 1)
        covariance: FloatArray = self.seasonal * same + self.noise * self.correlation**distance
        return covariance


def fit_structure(m: CohortMoments, *, season: int, excluded: frozenset[float] = frozenset()) -> Structure | None:
    """Least squares fit to the covariance within cohorts, over the periods before the first treatment.

    Returns
    -------
    Structure or None
        None with fewer than ``SHORTEST`` periods or no unit beyond one a cohort.
    """
    start = m.cohorts.min()
    used = np.flatnonzero((m.periods < start) & ~np.isin(m.periods, list(excluded)))
    df = float((m.size - 1).sum())
    if len(used) < SHORTEST or df < 1:
        return None
    centre = np.eye(len(used)) - 1.0 / len(used)

    def within(matrix: FloatArray) -> FloatArray:
        """Covariance of deviations from the unit's own mean: the level, which may differ a hundredfold between units, drops out."""
        return (centre @ matrix @ centre)[upper]

    distance = np.abs(m.periods[used][:, None] - m.periods[used][None, :])
    upper = np.triu_indices(len(used))
    observed = within(pooled_scatter(m, np.ones(len(m.cohorts), dtype=bool))[np.ix_(used, used)])
    same = within(((distance % season == 0) & (season > 1)).astype(np.float64))
    fits = []
    for correlation in np.linspace(0, 0.95, 20):
        found, error = optimize.nnls(np.column_stack([same, within(correlation**distance)]), observed)
        fits.append((float(error), float(correlation), float(found[0]), float(found[1])))
    _, correlation, seasonal, noise = min(fits)
    return Structure(seasonal=seasonal, noise=noise, correlation=correlation, season=season, df=df)


def foreseen(structure: Structure | None, contrast: Contrast, *, m: CohortMoments, otherwise: Estimate) -> tuple[float, tuple[float, float]]:
    """Smallest effect that the contrast finds with 80 % probability, and its 95 % interval, in the outcome's unit.

    From the structure alone; without one from the error of the estimate, ``otherwise``. The interval is that of a variance with as many degrees of
    freedom, χ²: exact for a covariance without structure, at most as wide with one. It does not hold how the months after may differ from those before.
    """
    if structure is None:
        value, df = detectable_effect(otherwise.std_error, otherwise.df), otherwise.df
    else:
        covariance = structure.covariance(m.periods)
        per_unit = contrast.weights[0] * (np.sqrt(m.mass2) / m.mass)[:, None]
        variance = float(np.einsum("gt,ts,gs->", per_unit, covariance, per_unit))
        value, df = detectable_effect(float(np.sqrt(max(variance, 0.0))), structure.df), structure.df
    if not np.isfinite(df):
        return value, (value, value)
    low, high = (float(value * np.sqrt(df / special.chdtri(df, tail))) for tail in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2))
    return value, (low, high)

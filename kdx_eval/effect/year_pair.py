"""How much of the first year's effect is left in the second: the same units and the same calendar months, one year apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON, FiscalYearTarget, comparison_cohorts
from kdx_eval.effect.inference import pooled_covariance, t_quantile
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class YearPair:
    """Effect per unit and period in the first and in the second year since training began.

    Attributes
    ----------
    effects : ndarray, (2,)
        In the outcome's unit.
    covariance : ndarray, (2, 2)
    df : float
        The fewer of the two degrees of freedom.
    n_units : int
        Treated units behind both.
    """

    effects: FloatArray
    covariance: FloatArray
    df: float
    n_units: int


def year_pair(panel: Panel, target: FiscalYearTarget) -> YearPair:
    """The effect of either year, over the cells (cohort, calendar month) that were observed in both.

    Each cell is held against the same calendar months before treatment and against units not treated by then, as the headline is. Cohorts whose
    second year has not come are left out of the first too, so that the two years differ by time alone.

    Raises
    ------
    NotIdentifiedError
        No trained unit has been seen for more than a year with a comparison.
    """
    m = moments(panel)
    season = max(target.season, 1)
    column = {float(period): place for place, period in enumerate(m.periods) if period not in target.excluded}
    weights = np.zeros((2, len(m.cohorts), len(m.periods)))
    total, groups = 0.0, set()
    for g in np.flatnonzero(np.isfinite(m.cohorts) & ~np.isin(m.cohorts, list(target.omitted))):
        past = [place for period, place in column.items() if period < m.cohorts[g] - target.skip_before]
        for step in range(target.buffer, season):
            pair = [column.get(float(m.cohorts[g]) + step + year * season) for year in (0, 1)]
            base = [place for place in past if (m.periods[place] - m.cohorts[g] - step) % season == 0]
            others = [comparison_cohorts(m, target, g=int(g), period=float(m.cohorts[g]) + step + year * season) for year in (0, 1)]
            if None in pair or not base or any(m.size[one].sum() < SMALLEST_COMPARISON for one in others):
                continue
            for year in (0, 1):
                change = np.zeros(len(m.periods))
                change[base] = -1.0 / len(base)
                change[pair[year]] += 1.0
                weights[year] -= m.mass[g] * (np.where(others[year], m.mass, 0.0) / m.mass[others[year]].sum())[:, None] * change[None, :]
                weights[year, g] += m.mass[g] * change
            total += float(m.mass[g])
            groups.add(int(g))
    if not groups:
        raise NotIdentifiedError(
            "研修から1年を超えて比べられる課がないため、効果がどれだけ残るかを測れません", hint="来年度のデータが加わると測れるようになります"
        )
    contrast = Contrast(weights=weights / total, constant=np.zeros((2, len(m.cohorts))))
    pooled = pooled_covariance(m)
    _, df = pooled.variance(contrast, m)
    return YearPair(effects=contrast.estimate(m), covariance=pooled.covariance_of(contrast, m), df=float(df.min()), n_units=int(m.size[sorted(groups)].sum()))


def fieller(numerator: float, denominator: float, *, covariance: FloatArray, df: float) -> tuple[float, float]:
    """95 % interval of a ratio of two correlated estimates (Fieller 1954, JRSS B 16, section 2).

    Parameters
    ----------
    covariance : ndarray, (2, 2)
        Of (denominator, numerator).

    Returns
    -------
    (float, float)
        All ratios r for which numerator - r x denominator does not differ from zero.

    Raises
    ------
    NotIdentifiedError
        The denominator itself does not differ from zero: no finite interval exists.
    """
    reach = t_quantile(0.5 + LEVEL / 2, df) ** 2 if df > 0 else math.inf
    below = denominator**2 - reach * float(covariance[0, 0])
    if not (math.isfinite(below) and below > 0):
        raise NotIdentifiedError("最初の年の効果が0と区別できないため、効果がどれだけ残るかを測れません", hint="来年度のデータが加わると測れる場合があります")
    cross = denominator * numerator - reach * float(covariance[0, 1])
    over = numerator**2 - reach * float(covariance[1, 1])
    root = math.sqrt(max(cross**2 - below * over, 0.0))
    return (cross - root) / below, (cross + root) / below

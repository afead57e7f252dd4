"""What the months before training say of the comparison, as weights on cohort means: the slope carried on, and the last season by quarters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.check_parts import Headline
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON, comparison_cohorts
from kdx_eval.panel.type import FloatArray

SHORTEST_PLACEBO = 6  # periods before treatment under which neither slope nor placebo says anything
_KEPT = 0.5  # share of the slope's variation in time that must lie within calendar months: fourteen months have it, thirteen not


def slope_weights(headline: Headline) -> FloatArray | None:
    """Weights, (G, T), of what a straight continuation of the slopes before treatment adds to the headline; None with too few periods.

    A drift of one a period adds to each counted cell its distance from the matched periods, so that the headline less these weights does not move
    with any straight drift. Each cell is held against the same units as in the headline: against units trained later alone, who may drift alike, a
    drift of all who are ever trained would not show.
    """
    m, target, found = headline.m, headline.target, headline.found
    usable = ~np.isin(m.periods, list(target.excluded))
    total = np.zeros((len(m.cohorts), len(m.periods)))
    for g in np.flatnonzero(found.cells.any(axis=1)):
        past = usable & (m.periods < m.cohorts[g])
        if past.sum() < SHORTEST_PLACEBO:
            return None
        slope = _slope(m.periods, past, season=target.season)
        base = past & (m.periods < m.cohorts[g] - target.skip_before)
        for t in np.flatnonzero(found.cells[g]):
            others = comparison_cohorts(m, target, g=int(g), period=float(m.periods[t]))
            share = np.where(others, m.mass, 0.0) / m.mass[others].sum()
            matched = base & ((m.periods - m.periods[t]) % target.season == 0)
            step = m.mass[g] * (m.periods[t] - m.periods[matched].mean()) * slope
            total[g] += step
            total -= share[:, None] * step[None, :]
    weights: FloatArray = total / float((m.mass[:, None] * found.cells).sum())
    return weights


def _slope(periods: FloatArray, past: npt.NDArray[np.bool_], *, season: int) -> FloatArray:
    """Weights, (T,), of the least squares slope over the past, within calendar months wherever that keeps half of its variation in time.

    A stretch that is no whole number of years takes part of the season for a slope: in simulated cities the slope had 1.4 times the error it has
    within calendar months, and a bias as large as half that error.
    """
    plain = np.where(past, periods - periods[past].mean(), 0.0)
    within = _within_season(periods, past, season=season)
    used = within if (within**2).sum() >= _KEPT * (plain**2).sum() else plain
    weights: FloatArray = used / (used**2).sum()
    return weights


def _within_season(periods: FloatArray, past: npt.NDArray[np.bool_], *, season: int) -> FloatArray:
    """Distance of each past period from the mean of its calendar month; 0 elsewhere."""
    within = np.where(past, periods - periods[past].mean(), 0.0)
    for place in range(season):
        same = past & (periods % season == place)
        if same.any():
            within[same] -= within[same].mean()
    return within


def common_slope_weights(headline: Headline, *, skip: int) -> FloatArray | None:
    """The same for one slope common to all who are trained, measured without the last ``skip`` periods before each start.

    Selection on a bad half-year or work held back can hide a drift in those periods; single starts then have too few left, all together have not.
    The slope is taken against the never trained, calendar month by calendar month. None with fewer than three of them or too few periods.
    """
    m, target, found = headline.m, headline.target, headline.found
    usable = ~np.isin(m.periods, list(target.excluded))
    slope, kept, whole, reach = np.zeros((len(m.cohorts), len(m.periods))), 0.0, 0.0, 0.0
    if m.size[m.never].sum() < SMALLEST_COMPARISON:
        return None
    never = np.where(m.never, m.mass, 0.0) / m.mass[m.never].sum()
    for g in np.flatnonzero(found.cells.any(axis=1)):
        base = usable & (m.periods < m.cohorts[g] - target.skip_before)
        past = usable & (m.periods < m.cohorts[g] - skip)
        if past.any():
            own = m.mass[g] * _within_season(m.periods, past, season=target.season)
            slope[g] += own
            slope -= never[:, None] * own[None, :]
            kept += float((own**2).sum()) / m.mass[g]
            whole += m.mass[g] * float(((m.periods[past] - m.periods[past].mean()) ** 2).sum())
        for t in np.flatnonzero(found.cells[g]):
            others = comparison_cohorts(m, target, g=int(g), period=float(m.periods[t]))
            matched = base & ((m.periods - m.periods[t]) % target.season == 0)
            # Those trained later drift alike, so that they take their share out of the comparison.
            apart = 1.0 - m.mass[others & ~m.never].sum() / m.mass[others].sum()
            reach += float(m.mass[g] * (m.periods[t] - m.periods[matched].mean()) * apart)
    if not kept or kept < _KEPT * whole:
        return None
    weights: FloatArray = slope / kept * reach / float((m.mass[:, None] * found.cells).sum())
    return weights


def last_season(headline: Headline, *, width: int) -> Contrast | None:
    """The last season before each start in bins of ``width`` periods, each period against the same calendar months before that season.

    Returns
    -------
    Contrast or None
        One row a bin, earliest first, treated minus units not yet treated; None where some bin has no start with such months.
    """
    m, target = headline.m, headline.target
    usable = ~np.isin(m.periods, list(target.excluded))
    bins = target.season // width
    rows, mass = np.zeros((bins, len(m.cohorts), len(m.periods))), np.zeros(bins)
    for g in np.flatnonzero(np.isfinite(m.cohorts) & ~np.isin(m.cohorts, list(target.omitted))):
        start = m.cohorts[g]
        earlier = usable & (m.periods < start - target.season)
        for t in np.flatnonzero(usable & (m.periods < start) & (m.periods >= start - target.season)):
            matched = earlier & ((m.periods - m.periods[t]) % target.season == 0)
            others = comparison_cohorts(m, target, g=int(g), period=float(start - 1))
            if not matched.any() or m.size[others].sum() < SMALLEST_COMPARISON:
                continue
            change = -1.0 * matched / matched.sum()
            change[t] += 1.0
            place = int(m.periods[t] - start + target.season) // width
            rows[place] -= m.mass[g] * (np.where(others, m.mass, 0.0) / m.mass[others].sum())[:, None] * change[None, :]
            rows[place, g] += m.mass[g] * change
            mass[place] += m.mass[g]
    if not mass.all():
        return None
    return Contrast(weights=rows / mass[:, None, None], constant=np.zeros((bins, len(m.cohorts))))

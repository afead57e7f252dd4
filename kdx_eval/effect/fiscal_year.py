"""The headline estimand of a city: effect over a fiscal year, against the same calendar months before treatment.

One base month is noise (its standard error is 1.3 to 2.5 times that of a year of base months) and March is a peak, so each treated
month is held against the mean of the same calendar month before treatment, in the trained units and in units not yet trained
(METHODS section 4). It is one more way to fill a matrix of weights over (cohort, period).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray

SMALLEST_COMPARISON = 3  # units; METHODS section 4: no interval for cells under 3 units


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYearTarget:
    """Which treated months count, and what they are held against.

    Attributes
    ----------
    first, last : float
        Evaluated periods, both included, on the panel's scale.
    season : int
        Periods in a season: 12 for months; 1 compares with the mean of all periods before treatment.
    buffer : int
        Periods from the start of treatment that count neither as before nor as after.
    skip_before : int
        Periods just before treatment that are not used (those by which units may have been selected).
    shift : int
        Treatment is moved so many periods back and everything from the true start on is set aside: a placebo.
    excluded, omitted : frozenset of float
        Periods, and cohorts, left out.
    only_never : bool
        Compare with never treated units only.
    """

    first: float
    last: float
    season: int = 12
    buffer: int = 0
    skip_before: int = 0
    shift: int = 0
    excluded: frozenset[float] = frozenset()
    omitted: frozenset[float] = frozenset()
    only_never: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYearContrast:
    """The filled weights of one target, one row each, and what they rest on.

    Attributes
    ----------
    effect : Contrast
        Treated against comparison units.
    before_after : Contrast
        The treated units alone: the naive comparison.
    baseline : Contrast
        Level of the treated units in the matched months before treatment.
    cells : ndarray of bool, (G, T)
        Treated cells that count.
    shortest_before : int
        Usable periods before treatment, of the cohort that has fewest.
    dropped_cells : int
        Treated cells without matched months or with fewer than three comparison units.
    """

    effect: Contrast
    before_after: Contrast
    baseline: Contrast
    cells: npt.NDArray[np.bool_]
    controls: npt.NDArray[np.bool_]
    unit_periods: int
    n_treated: int
    n_control: int
    shortest_before: int
    dropped_cells: int


def fiscal_year_contrast(m: CohortMoments, target: FiscalYearTarget) -> FiscalYearContrast:
    """Weights of the effect over the evaluated periods, per treated unit and period.

    For each treated cohort g and counted period t: (m_g[t] - mean of m_g in the matched periods before g) minus the same change of the units not
    treated by t, cells weighted by the units of g.

    Raises
    ------
    NotIdentifiedError
        No treated cell has both matched periods before treatment and three comparison units.
    """
    groups, periods = len(m.cohorts), len(m.periods)
    after, before = np.zeros((groups, periods)), np.zeros((groups, periods))
    effect = np.zeros((groups, periods))
    cells = np.zeros((groups, periods), dtype=bool)
    controls = np.zeros(groups, dtype=bool)
    shortest, dropped = periods, 0
    usable = ~np.isin(m.periods, list(target.excluded))
    for g in np.flatnonzero(np.isfinite(m.cohorts) & ~np.isin(m.cohorts, list(target.omitted))):
        counted, past = _windows(m, target, m.cohorts[g], usable)
        for t in np.flatnonzero(counted):
            matched = past & ((m.periods - m.periods[t]) % target.season == 0)
            others = comparison_cohorts(m, target, g=int(g), period=float(m.periods[t]))
            if not matched.any() or m.size[others].sum() < SMALLEST_COMPARISON:
                dropped += 1
                continue
            base = matched / matched.sum()
            change = -base
            change[t] += 1.0
            share = np.where(others, m.mass, 0.0) / m.mass[others].sum()
            after[g, t] += m.mass[g]
            before[g] += m.mass[g] * base
            effect -= m.mass[g] * share[:, None] * change[None, :]
            effect[g] += m.mass[g] * change
            cells[g, t] = True
            controls |= others
        if cells[g].any():
            shortest = min(shortest, int(past.sum()))
    if not cells.any():
        raise NotIdentifiedError(
            "評価年度に、受講前の同じ月と比べられる課がありません",
            hint="受講前のデータを12か月以上に延ばすか、まだ受けていない課を3つ以上残してください",
        )
    total = float((m.mass[:, None] * cells).sum())
    none = np.zeros((1, groups))
    contrast = [Contrast(weights=weights[None] / total, constant=none) for weights in (effect, after - before, before)]
    return FiscalYearContrast(
        effect=contrast[0],
        before_after=contrast[1],
        baseline=contrast[2],
        cells=cells,
        controls=controls,
        unit_periods=round(float((m.mass[:, None] * cells).sum())),
        n_treated=int(m.size[cells.any(axis=1)].sum()),
        n_control=int(m.size[controls].sum()),
        shortest_before=shortest,
        dropped_cells=dropped,
    )


def _windows(m: CohortMoments, target: FiscalYearTarget, cohort: float, usable: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Periods of a cohort that count as after and as before."""
    start = cohort - target.shift
    past = usable & (m.periods < start - target.skip_before)
    if target.shift:
        return usable & (m.periods >= start) & (m.periods < cohort), past
    return usable & (m.periods >= start + target.buffer) & (m.periods >= target.first) & (m.periods <= target.last), past


def comparison_cohorts(m: CohortMoments, target: FiscalYearTarget, *, g: int, period: float) -> npt.NDArray[np.bool_]:
    """Cohorts that serve as comparison for cohort g in that period: not treated by then, nor (placebo) before g itself was; in a lottery of its stratum."""
    if target.only_never:
        return np.asarray(m.never & m.comparable(g))
    others = (m.cohorts > max(period, m.cohorts[g] if target.shift else period)) & m.comparable(g)
    others[g] = False
    return others


def event_bins(m: CohortMoments, target: FiscalYearTarget, *, width: int) -> tuple[FloatArray, Contrast, FloatArray]:
    """Effect by time since treatment in bins of ``width`` periods, each against the mean of all usable periods before treatment.

    Returns
    -------
    keys : ndarray, (R,)
        First event time of each bin; negative before treatment.
    contrast : Contrast
        R rows.
    n_units : ndarray, (R,)
        Treated units behind each bin.
    """
    usable = ~np.isin(m.periods, list(target.excluded))
    rows: dict[float, npt.NDArray[np.float64]] = {}
    mass: dict[float, float] = {}
    behind: dict[float, set[int]] = {}
    for g in np.flatnonzero(np.isfinite(m.cohorts)):
        past = usable & (m.periods < m.cohorts[g] - target.skip_before)
        if not past.any():
            continue
        for t in np.flatnonzero(usable):
            others = comparison_cohorts(m, target, g=int(g), period=float(max(m.periods[t], m.cohorts[g] - 1)))
            if m.size[others].sum() < SMALLEST_COMPARISON:
                continue
            key = float(np.floor((m.periods[t] - m.cohorts[g]) / width) * width)
            change = -1.0 * past / past.sum()
            change[t] += 1.0
            row = rows.setdefault(key, np.zeros((len(m.cohorts), len(m.periods))))
            row -= m.mass[g] * (np.where(others, m.mass, 0.0) / m.mass[others].sum())[:, None] * change[None, :]
            row[g] += m.mass[g] * change
            mass[key] = mass.get(key, 0.0) + m.mass[g]
            behind.setdefault(key, set()).add(int(g))
    keys = np.array(sorted(rows))
    if not len(keys):
        return keys, Contrast(weights=np.zeros((0, len(m.cohorts), len(m.periods))), constant=np.zeros((0, len(m.cohorts)))), keys
    weights = np.stack([rows[key] / mass[key] for key in keys])
    units = np.array([m.size[list(behind[key])].sum() for key in keys], dtype=np.float64)
    return keys, Contrast(weights=weights, constant=np.zeros((len(keys), len(m.cohorts)))), units

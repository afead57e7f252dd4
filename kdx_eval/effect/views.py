"""Frames that let a reader see who was trained when and what happened; no estimate is made here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.panel.type import FloatArray, Panel


def timing_frame(m: CohortMoments, panel: Panel) -> pd.DataFrame:
    """One row a cohort: cohort, label, n_units, n_persons; never treated last."""
    return pd.DataFrame(
        {
            "cohort": m.cohorts,
            "label": [panel.period_label(cohort) for cohort in m.cohorts],
            "n_units": m.size,
            "n_persons": m.persons,
        }
    )


def series_frame(m: CohortMoments, treated: np.ndarray, *, last: float, excluded: frozenset[float], panel: Panel) -> pd.DataFrame:
    """Mean outcome by period of the counted treated units and of the comparison, the latter moved to the treated level before treatment.

    The comparison is fixed over time: units not treated by ``last``; without any, the cohort treated last, up to its start.

    Returns
    -------
    DataFrame
        period, label, treated_mean, comparison_mean (NaN where there is none), n_treated (units treated by then), excluded.
    """
    others = m.cohorts > last
    until = np.inf
    if not others.any():
        others = m.cohorts == m.cohorts.max()
        until = float(m.cohorts.max())
    treated_mean, comparison = _mean(m, treated & ~others), _mean(m, others)
    starts = m.cohorts[treated & ~others]
    before = (m.periods < (starts.min() if len(starts) else np.inf)) & ~np.isin(m.periods, list(excluded))
    shift = float((treated_mean - comparison)[before].mean()) if before.any() else 0.0
    begun = (m.cohorts[:, None] <= m.periods[None, :]) & treated[:, None]
    return pd.DataFrame(
        {
            "period": m.periods,
            "label": [panel.period_label(period) for period in m.periods],
            "treated_mean": treated_mean,
            "comparison_mean": np.where(m.periods < until, comparison + shift, np.nan),
            "n_treated": (m.size[:, None] * begun).sum(axis=0),
            "excluded": np.isin(m.periods, list(excluded)),
        }
    )


def _mean(m: CohortMoments, groups: np.ndarray) -> FloatArray:
    if not groups.any():
        return np.full(len(m.periods), np.nan)
    mean: FloatArray = m.mass[groups] @ m.mean[groups] / m.mass[groups].sum()
    return mean

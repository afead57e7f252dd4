"""Frames that let a reader see who was trained when and what happened; no estimate is made here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON
from kdx_eval.panel.comparison import comparison_table
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Question

COMPARISON_SHARE = 0.05  # of all units: enough for a line in a plot that is not noise


def timing_frame(m: CohortMoments, panel: Panel, *, question: Question) -> pd.DataFrame:
    """One row a cohort: cohort, label, n_units, n_persons, months_before, months_after, share_at_start; never treated last."""
    frame = comparison_table(panel, question=question)
    return frame.assign(label=[panel.period_label(cohort) for cohort in m.cohorts], n_units=m.size, n_persons=m.persons)


def series_frame(m: CohortMoments, treated: np.ndarray, *, last: float, excluded: frozenset[float], panel: Panel) -> pd.DataFrame:
    """Mean outcome by period of the counted treated units and of the comparison, the latter moved to the treated level before treatment.

    The comparison is fixed over time: units not treated by ``last``; without any, the cohorts treated last, up to the first of their starts.

    Returns
    -------
    DataFrame
        period, label, treated_mean, comparison_mean (NaN where there is none), n_treated (units treated by then), excluded.
    """
    others, until = m.cohorts > last, np.inf
    if not others.any():
        # The cohorts treated last, enough of them that their mean is no handful's.
        behind = np.cumsum(m.size[::-1])[::-1] - m.size
        others = behind < max(SMALLEST_COMPARISON, COMPARISON_SHARE * m.n_units)
        until = float(m.cohorts[others].min())
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

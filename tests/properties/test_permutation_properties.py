"""Fisher's test on any panel: p values are uniform where nothing happened, and ignore levels and scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_panels import long_frames, panel_of
from scipy import stats

from kdx_eval.effect.permutation import fisher_test
from kdx_eval.panel.type import Panel


def drawn_by_lot(seed: int) -> Panel:
    """Heavy-tailed, correlated outcomes in two strata of five clusters; starting times drawn by cluster; no effect."""
    rng = np.random.default_rng(seed)
    clusters, size, periods = 10, 2, 6
    cohort = np.concatenate([rng.permutation([3.0, 3, 5, np.inf, np.inf]) for _ in range(2)])
    outcome = rng.standard_t(3, (clusters * size, 1)) * 3 + np.cumsum(rng.standard_t(3, (clusters * size, periods)), axis=1)
    return Panel(
        outcome=outcome + np.repeat(rng.normal(size=(clusters, 1)), size, axis=0) + 4 * (np.arange(20) >= 10)[:, None],
        units=np.arange(20).astype(object),
        periods=np.arange(1.0, periods + 1),
        cohort=np.repeat(cohort, size),
        persons=np.ones(20, dtype=np.int64),
        cluster=np.repeat(np.arange(clusters), size).astype(object),
        stratum=np.repeat(["north", "south"], 10).astype(object),
    )


def test_p_values_are_uniform_under_the_null() -> None:
    panels = 400
    found = np.array([fisher_test(drawn_by_lot(seed), draws=99, seed=seed).p_value for seed in range(panels)])
    for level in (0.05, 0.1, 0.25, 0.5, 0.8):
        low, high = stats.binom.ppf([5e-4, 1 - 5e-4], panels, level) / panels
        assert low <= (found <= level + 1e-12).mean() <= high


@settings(max_examples=15, deadline=None)
@given(long_frames(), st.floats(-50, 50), st.floats(0.1, 20), st.integers(0, 2**31))
def test_p_values_ignore_levels_and_scale(frame: pd.DataFrame, shift: float, scale: float, seed: int) -> None:
    panel = panel_of(frame)
    assume((panel.cohort > panel.periods[0]).all())
    original = fisher_test(panel, draws=60, seed=seed)
    by_period = shift * np.sin(panel.periods)
    changed = fisher_test(replace(panel, outcome=scale * panel.outcome + by_period), draws=60, seed=seed)
    assert changed.p_value == pytest.approx(original.p_value)
    assert changed.statistic == pytest.approx(original.statistic, rel=1e-6, abs=1e-9)

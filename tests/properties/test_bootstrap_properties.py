"""Clusters above the unit and the multiplier bootstrap, against literal code and against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_panels import long_frames, panel_of

from kdx_eval.effect import doubly_robust, group_time_effects, moments, multiplier_bootstrap, unit_level_effects
from kdx_eval.panel.type import Panel

KINDS = st.sampled_from(["simple", "event_time", "cohort", "calendar", "total"])


def clustered(panel: Panel, seed: int) -> Panel:
    """The panel with units in about a third as many clusters, which cut across cohorts."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, max(3, panel.n_units // 3), panel.n_units)
    numbers[[0, 1, -2, -1]] = [0, 1, 1, 2]  # never one cluster alone, and one that holds treated and never treated units
    return replace(panel, cluster=np.array([f"c{number}" for number in numbers], dtype=object))


def literal_clustered_errors(panel: Panel, influence: np.ndarray) -> list[float]:
    """Square root of the sum of squared cluster totals, one cluster and one estimate at a time."""
    assert panel.cluster is not None
    errors = []
    for row in influence:
        total = 0.0
        for name in set(panel.cluster):
            total += sum(value for value, cluster in zip(row, panel.cluster, strict=True) if cluster == name) ** 2
        errors.append(np.sqrt(total))
    return errors


@settings(max_examples=15)
@given(long_frames(weighted=True), st.integers(0, 2**31), KINDS)
def test_clustered_errors_agree_with_the_definition(frame: pd.DataFrame, seed: int, kind: str) -> None:
    panel = clustered(panel_of(frame, weighted=True), seed)
    effects = unit_level_effects(group_time_effects(moments(panel)), panel)
    np.testing.assert_allclose(effects.std_error, literal_clustered_errors(panel, effects.influence), rtol=1e-9, atol=1e-12)
    averaged = effects.aggregate(kind)
    np.testing.assert_allclose(np.sqrt(np.diag(averaged.covariance())), literal_clustered_errors(panel, averaged.influence), rtol=1e-8, atol=1e-9)
    assert averaged.overall.std_error == pytest.approx(literal_clustered_errors(panel, averaged.whole_influence[None, :])[0], rel=1e-8, abs=1e-9)
    np.testing.assert_allclose(doubly_robust(panel).std_error, effects.std_error, rtol=1e-8, atol=1e-9)


@settings(max_examples=10)
@given(long_frames(weighted=True), st.integers(0, 2**31), KINDS, st.booleans(), st.sampled_from(["mammen", "rademacher"]))
def test_moments_and_unit_influences_give_the_same_draws(frame: pd.DataFrame, seed: int, kind: str, grouped: bool, multiplier: str) -> None:
    panel = panel_of(frame, weighted=True)
    panel = clustered(panel, seed) if grouped else panel
    effects = group_time_effects(moments(panel))
    slow = unit_level_effects(effects, panel)
    for short, long in ((effects, slow), (effects.aggregate(kind), slow.aggregate(kind))):
        a = multiplier_bootstrap(short, panel, draws=199, seed=seed, multiplier=multiplier)
        b = multiplier_bootstrap(long, panel, draws=199, seed=seed, multiplier=multiplier)
        # Single precision, and cancellation in the sums over cohorts.
        np.testing.assert_allclose(a.std_error, b.std_error, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-8, atol=1e-9)
        assert a.overall_std_error == pytest.approx(b.overall_std_error, rel=1e-3, abs=1e-4, nan_ok=True)
        assert a.n_clusters == b.n_clusters == (panel.n_units if panel.cluster is None else len(set(panel.cluster)))


@settings(max_examples=5)
@given(st.integers(0, 2**31), st.sampled_from(["mammen", "rademacher"]))
def test_bootstrap_errors_are_the_clustered_errors_up_to_the_draws(seed: int, multiplier: str) -> None:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(200), 2)
    outcome = rng.normal(0, 1, (400, 5)) + rng.normal(0, 1, (200, 5))[cluster]
    cohort = np.array([3.0, 4.0, np.inf, np.inf])[rng.integers(0, 4, 200)][cluster]
    panel = Panel(
        outcome=outcome,
        units=np.arange(400).astype(object),
        periods=np.arange(1.0, 6.0),
        cohort=cohort,
        persons=np.ones(400, dtype=np.int64),
        cluster=cluster.astype(object),
    )
    effects = group_time_effects(moments(panel)).aggregate("event_time")
    expected = unit_level_effects(group_time_effects(moments(panel)), panel).aggregate("event_time")
    found = multiplier_bootstrap(effects, panel, draws=4000, seed=seed, multiplier=multiplier)
    # An interquartile range of 4 000 draws has a relative error of 1.8 %.
    np.testing.assert_allclose(found.std_error, expected.table().std_error, rtol=0.1)
    assert found.overall_std_error == pytest.approx(expected.overall.std_error, rel=0.1)
    bands = expected.table()
    wide = float(((bands.band_high - bands.estimate) / bands.std_error).iloc[0])
    assert found.critical == pytest.approx(wide, rel=0.1)

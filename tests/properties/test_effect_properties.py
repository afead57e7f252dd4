"""What must hold for any panel: invariances, merging, and agreement with slow literal code written from the definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_panels import long_frames, panel_of

from kdx_eval.effect import efficient_rollout, group_time_effects, moments
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError

CLOSE = {"rtol": 1e-9, "atol": 1e-9}  # sums of some hundred doubles of size about ten


def slow_influence(frame: pd.DataFrame, cohort: float, period: int, base: int) -> pd.Series:
    """ATT(g, t) against not yet treated and each unit's influence, from the definition, one unit at a time."""
    wide = frame.pivot(index="unit", columns="period", values="outcome")
    first = frame.groupby("unit")["cohort"].first()
    change = wide[period] - wide[base]
    treated, controls = first == cohort, (first > max(period, base)) & (first != cohort)
    att = change[treated].mean() - change[controls].mean()
    values = pd.Series(0.0, index=wide.index)
    for unit in wide.index:
        if treated[unit]:
            values[unit] = (change[unit] - change[treated].mean()) / treated.sum()
        elif controls[unit]:
            values[unit] = -(change[unit] - change[controls].mean()) / controls.sum()
    values.attrs["att"] = att
    return values


@settings(max_examples=25, deadline=None)
@given(long_frames())
def test_group_time_effects_agree_with_the_definition(frame: pd.DataFrame) -> None:
    table = group_time_effects(moments(panel_of(frame))).table()
    for row in table.itertuples():
        base = row.period - 1 if row.period < row.cohort else row.cohort - 1
        slow = slow_influence(frame, row.cohort, int(row.period), int(base))
        assert row.estimate == pytest.approx(slow.attrs["att"], rel=1e-9, abs=1e-9)
        assert row.std_error == pytest.approx(np.sqrt((slow**2).sum()), rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(long_frames())
def test_simple_average_agrees_with_unit_level_influence(frame: pd.DataFrame) -> None:
    effects = group_time_effects(moments(panel_of(frame)))
    first = frame.groupby("unit")["cohort"].first()
    total = pd.Series(0.0, index=first.index)
    sizes = first.map(first.value_counts())
    treated = [(g, int(t)) for g, t in zip(effects.cohort, effects.period, strict=True) if t >= g]
    shares = np.array([(first == g).sum() for g, _ in treated], dtype=float)
    atts = []
    for (g, t), share in zip(treated, shares, strict=True):
        slow = slow_influence(frame, g, t, int(g) - 1)
        atts.append(slow.attrs["att"])
        total += slow * share / shares.sum()
    overall = float(np.average(atts, weights=shares))
    for (g, _), att in zip(treated, atts, strict=True):  # estimated cohort sizes
        total += (first == g) * (att - overall) / shares.sum()
    found = effects.aggregate("simple").overall
    assert len(sizes) == len(total)
    assert found.estimate == pytest.approx(overall, rel=1e-9, abs=1e-9)
    assert found.std_error == pytest.approx(np.sqrt((total**2).sum()), rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(long_frames(weighted=True), st.booleans(), st.integers(0, 2**31))
def test_moments_of_disjoint_parts_add(frame: pd.DataFrame, weighted: bool, seed: int) -> None:
    whole = moments(panel_of(frame, weighted=weighted))
    units = frame["unit"].unique()
    half = np.random.default_rng(seed).permutation(units)[: len(units) // 2]
    parts = [panel_of(frame[frame["unit"].isin(half) == inside], weighted=weighted) for inside in (True, False)]
    merged = moments(parts[0]) + moments(parts[1])
    for name in ("cohorts", "size", "mass", "mass2", "mean", "drift", "scatter"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), **CLOSE)
    with pytest.raises(ParameterError, match="同じ単位"):
        moments(parts[0]) + whole


@settings(max_examples=25, deadline=None)
@given(long_frames(), st.floats(-50, 50), st.floats(0.1, 20), st.integers(0, 2**31))
def test_estimates_ignore_levels_and_follow_scale(frame: pd.DataFrame, shift: float, scale: float, seed: int) -> None:
    original = group_time_effects(moments(panel_of(frame))).table()
    changed = frame.sample(frac=1, random_state=seed % 2**31)
    by_unit = changed["unit"].map({unit: i * shift for i, unit in enumerate(sorted(frame["unit"].unique()))})
    changed = changed.assign(outcome=scale * changed["outcome"] + by_unit + shift * np.sin(changed["period"]))
    table = group_time_effects(moments(panel_of(changed))).table()
    np.testing.assert_allclose(table.estimate, scale * original.estimate, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(table.std_error, scale * original.std_error, rtol=1e-6, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(long_frames(), st.floats(0.5, 5))
def test_unit_weights_of_any_constant_change_nothing(frame: pd.DataFrame, weight: float) -> None:
    plain = group_time_effects(moments(panel_of(frame))).aggregate("simple").overall
    weighted = group_time_effects(moments(panel_of(frame.assign(weight=weight), weighted=True))).aggregate("simple").overall
    assert weighted.estimate == pytest.approx(plain.estimate, rel=1e-9, abs=1e-10)
    assert weighted.std_error == pytest.approx(plain.std_error, rel=1e-9, abs=1e-10)


@settings(max_examples=15, deadline=None)
@given(long_frames())
def test_total_is_the_sum_of_sizes_times_effects(frame: pd.DataFrame) -> None:
    effects = group_time_effects(moments(panel_of(frame)))
    table = effects.table().query("event_time >= 0")
    sizes = frame.groupby("cohort")["unit"].nunique()
    assert effects.aggregate("total").overall.estimate == pytest.approx(float((table.estimate * table.cohort.map(sizes)).sum()), rel=1e-9, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(long_frames(), st.floats(-10, 10))
def test_efficient_estimate_moves_with_a_constant_effect_on_treated_cells(frame: pd.DataFrame, effect: float) -> None:
    before = efficient_rollout(moments(panel_of(frame)))
    treated = frame["period"] >= frame["cohort"]
    after = efficient_rollout(moments(panel_of(frame.assign(outcome=frame["outcome"] + effect * treated))))
    assert after.estimate - before.estimate == pytest.approx(effect, abs=1e-8)
    assert after.std_error_neyman == pytest.approx(before.std_error_neyman, rel=1e-8)


def test_a_missing_cohort_is_an_error_and_not_a_control() -> None:
    frame = pd.DataFrame({"unit": ["a", "a", "b", "b"], "period": [1, 2, 1, 2], "cohort": [2, 2, np.nan, np.nan], "outcome": [1.0, 2, 3, 4]})
    with pytest.raises(DataError, match="未受講とみなす"):
        panel_of(frame)


def test_without_controls_there_is_a_refusal_and_no_number() -> None:
    frame = pd.DataFrame({"unit": ["a", "a", "b", "b"], "period": [1, 2, 1, 2], "cohort": [2.0] * 4, "outcome": [1.0, 2, 3, 4]})
    with pytest.raises(NotIdentifiedError):
        group_time_effects(moments(panel_of(frame)))

"""What must hold for effects with covariates: equality without them, invariances, and influences that are derivatives by the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_panels import long_frames, panel_of
from scipy import optimize

from kdx_eval.effect import doubly_robust, group_time_effects, moments, unit_level_effects
from kdx_eval.panel.type import Panel

METHODS = st.sampled_from(["dr", "ipw", "reg"])
KINDS = ["simple", "event_time", "cohort", "calendar", "total"]


def covariate_panel(seed: int, *, weighted: bool = True) -> Panel:
    """60 units in 6 periods, cohorts 3, 5 and never, whose start depends on a covariate that moves over time."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (60, 1)) + 0.3 * rng.normal(0, 1, (60, 6))
    cohort = np.array([3.0, 5.0, np.inf])[np.clip(np.digitize(x[:, 0] + 1.5 * rng.normal(0, 1, 60), [-0.6, 0.4]), 0, 2)]
    outcome = 2 * x[:, :1] * np.arange(6) + rng.normal(0, 1, (60, 6)) + (np.arange(1, 7) >= cohort[:, None])
    return Panel(
        outcome=outcome,
        units=np.arange(60).astype(object),
        periods=np.arange(1.0, 7.0),
        cohort=cohort,
        persons=np.ones(60, dtype=np.int64),
        weight=rng.uniform(0.5, 2, 60) if weighted else None,
        covariates={"x": x, "z": rng.normal(0, 1, (60, 6))},
    )


def literal_doubly_robust(panel: Panel, *, cohort: float, column: int, base: int) -> float:
    """ATT(g, t) against never treated units in the words of the paper: likelihood, least squares, then the weighted residuals."""
    use = (panel.cohort == cohort) | np.isinf(panel.cohort)
    treated = (panel.cohort == cohort)[use]
    x = np.column_stack([np.ones(use.sum()), *(values[use, base] for values in panel.covariates.values())])
    change = panel.outcome[use, column] - panel.outcome[use, base]
    fitted = optimize.minimize(lambda b: np.sum(np.log1p(np.exp(x @ b)) - treated * (x @ b)), np.zeros(x.shape[1]), method="BFGS", options={"gtol": 1e-9})
    score = 1 / (1 + np.exp(-x @ fitted.x))
    slope = np.linalg.lstsq(x[~treated], change[~treated], rcond=None)[0]
    residual = change - x @ slope
    odds = (score / (1 - score))[~treated]
    return float(residual[treated].mean() - residual[~treated] @ odds / odds.sum())


@settings(max_examples=15)
@given(long_frames(weighted=True), st.booleans(), METHODS, st.sampled_from(["varying", "universal"]), st.sampled_from(["never_treated", "not_yet_treated"]))
def test_without_covariates_the_numbers_are_those_of_the_moments(frame: pd.DataFrame, weighted: bool, method: str, base: str, control: str) -> None:
    panel = panel_of(frame, weighted=weighted)
    expected = group_time_effects(moments(panel), control=control, base=base)
    found = doubly_robust(panel, control=control, base=base, method=method)
    columns = expected.table().columns
    np.testing.assert_allclose(found.table()[columns], expected.table(), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(unit_level_effects(expected, panel).influence, found.influence, rtol=1e-8, atol=1e-9)
    for kind in KINDS:
        table, wanted = found.aggregate(kind).table(), expected.aggregate(kind).table()
        bands = ["band_low", "band_high"]  # from Gaussian draws, whose rotation is arbitrary where the covariance is singular
        np.testing.assert_allclose(table[wanted.columns].drop(columns=bands), wanted.drop(columns=bands), rtol=1e-7, atol=1e-8)
        half = table.band_high - table.band_low
        np.testing.assert_allclose(half, wanted.band_high - wanted.band_low, rtol=0.1, atol=1e-8)
        assert found.aggregate(kind).overall.std_error == pytest.approx(expected.aggregate(kind).overall.std_error, rel=1e-8, abs=1e-9)


@settings(max_examples=10)
@given(st.integers(0, 2**31), METHODS, st.sampled_from(["never_treated", "not_yet_treated"]))
def test_influence_is_the_derivative_by_the_units_weight(seed: int, method: str, control: str) -> None:
    """Whatever is estimated on the way (score, regression, cohort shares): influence_i = w_i d estimate / d w_i."""
    panel = covariate_panel(seed)
    weight = panel.weight
    assert weight is not None
    found = doubly_robust(panel, method=method, control=control)

    def overall(changed: np.ndarray) -> np.ndarray:
        effects = doubly_robust(replace(panel, weight=changed), method=method, control=control)
        return np.append(effects.estimate, [effects.aggregate(kind).overall.estimate for kind in KINDS[:-1]])

    influence = np.vstack([found.influence, *(found.aggregate(kind).whole_influence for kind in KINDS[:-1])])
    for unit in (0, 17, 42):
        step = np.zeros(60)
        step[unit] = 1e-5 * weight[unit]
        slow = (overall(weight + step) - overall(weight - step)) / 2e-5
        np.testing.assert_allclose(influence[:, unit], slow, rtol=1e-4, atol=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_doubly_robust_estimate_agrees_with_the_definition(seed: int) -> None:
    panel = covariate_panel(seed, weighted=False)
    found = doubly_robust(panel, control="never_treated")
    for cohort, period, estimate in zip(found.cohort, found.period, found.estimate, strict=True):
        base = int(cohort) - 2 if period >= cohort else int(period) - 2
        slow = literal_doubly_robust(panel, cohort=cohort, column=int(period) - 1, base=base)
        assert estimate == pytest.approx(slow, rel=1e-5, abs=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 2**31), METHODS, st.floats(0.01, 1000), st.floats(-1000, 1000))
def test_units_of_the_covariates_and_order_of_units_change_nothing(seed: int, method: str, scale: float, shift: float) -> None:
    panel = covariate_panel(seed)
    order = np.random.default_rng(seed).permutation(60)
    assert panel.weight is not None
    moved = replace(
        panel,
        outcome=panel.outcome[order],
        cohort=panel.cohort[order],
        weight=panel.weight[order],
        covariates={name: scale * values[order] + shift for name, values in panel.covariates.items()},
    )
    before, after = doubly_robust(panel, method=method), doubly_robust(moved, method=method)
    np.testing.assert_allclose(after.estimate, before.estimate, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(after.influence, before.influence[:, order], rtol=1e-5, atol=1e-7)


@settings(max_examples=15)
@given(long_frames(), st.integers(0, 2**31), METHODS)
def test_with_gaps_each_effect_rests_on_the_units_seen_in_both_periods(frame: pd.DataFrame, seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    thinned = frame[rng.random(len(frame)) > 0.15]
    # Every unit keeps two rows, so that it stays in the panel and cohort shares are those of the frame.
    thinned = pd.concat([thinned, frame[frame["period"] <= 2]]).drop_duplicates(["unit", "period"])
    found = doubly_robust(panel_of(thinned), control="never_treated", method=method)
    for row in found.table().itertuples():
        base = row.period - 1 if row.period < row.cohort else row.cohort - 1
        wide = thinned.pivot(index="unit", columns="period", values="outcome")
        first = thinned.groupby("unit")["cohort"].first()
        involved = (first == row.cohort) | np.isinf(first)
        change = (wide[row.period] - wide[base])[involved].dropna()
        treated = first[change.index] == row.cohort
        assert row.estimate == pytest.approx(change[treated].mean() - change[~treated].mean(), rel=1e-9, abs=1e-9)
        assert np.nan_to_num(row.std_error) == pytest.approx(
            np.sqrt(change[treated].var(ddof=0) / treated.sum() + change[~treated].var(ddof=0) / (~treated).sum()), abs=1e-9
        )
        assert row.lost_share == pytest.approx(1 - len(change) / involved.sum())

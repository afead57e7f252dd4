"""Imputation against dense regressions with a dummy for every unit and period, on panels with gaps, weights and clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_panels import long_frames, panel_of

from kdx_eval.effect import imputation_effects, pre_trends, two_stage_effects
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel


def with_gaps(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The frame with a tenth of its rows missing, the first period of every unit and all of the never treated kept."""
    keep = np.random.default_rng(seed).random(len(frame)) > 0.1
    return frame[keep | (frame["period"] == 1) | np.isinf(frame["cohort"])]


def cells_of(panel: Panel) -> pd.DataFrame:
    """One row a cell that was seen: unit, column, event, outcome, weight."""
    unit, column = np.nonzero(np.isfinite(panel.outcome))
    weight = np.ones(panel.n_units) if panel.weight is None else panel.weight
    event = panel.periods[column] - panel.cohort[unit]
    return pd.DataFrame({"unit": unit, "column": column, "event": event, "outcome": panel.outcome[unit, column], "weight": weight[unit]})


def dummies(cells: pd.DataFrame, panel: Panel) -> np.ndarray:
    units, periods = np.eye(panel.n_units), np.eye(panel.n_periods)
    return np.hstack([units[cells.unit], periods[cells.column][:, 1:]])


def literal_imputation(panel: Panel, event: float | None) -> tuple[float, float]:
    """Estimate and conservative error for one event time (None: all) from the explicit weights v of the paper, one cell at a time."""
    cells = cells_of(panel)
    z, w, y = dummies(cells, panel), cells.weight.to_numpy(), cells.outcome.to_numpy()
    free = (cells.event < 0).to_numpy()
    chosen = (cells.event >= 0 if event is None else cells.event == event).to_numpy()
    target = np.where(chosen, w, 0.0) / w[chosen].sum()
    inverse = np.linalg.pinv(z[free].T @ (z[free] * w[free, None]))
    v = target.copy()
    v[free] -= w[free] * (z[free] @ inverse @ (z.T @ target))
    effect = y - z @ (inverse @ (z[free].T @ (w[free] * y[free])))
    cohort = panel.cohort[cells.unit]
    centred = effect.copy()
    for group in {(g, e) for g, e in zip(cohort[chosen], cells.event[chosen], strict=True)}:
        members = chosen & (cohort == group[0]) & (cells.event == group[1]).to_numpy()
        centred[members] -= (v[members] ** 2 @ effect[members]) / (v[members] ** 2).sum()
    label = cells.unit if panel.cluster is None else pd.Series(panel.cluster[cells.unit])
    total = (pd.Series(v * centred * (free | chosen)).groupby(label.to_numpy()).sum() ** 2).sum()
    return float(v @ y), float(np.sqrt(total))


@settings(max_examples=15)
@given(long_frames(weighted=True), st.booleans(), st.booleans(), st.integers(0, 2**31))
def test_imputation_agrees_with_dummies_and_explicit_weights(frame: pd.DataFrame, weighted: bool, grouped: bool, seed: int) -> None:
    panel = panel_of(with_gaps(frame, seed), weighted=weighted)
    if grouped:
        panel = replace(panel, cluster=np.random.default_rng(seed).integers(0, 5, panel.n_units).astype(object))
    found = imputation_effects(panel)
    for event, estimate, error in zip(found.event_time, found.estimate, found.std_error, strict=True):
        assert (estimate, error) == pytest.approx(literal_imputation(panel, event), rel=1e-7, abs=1e-8)
    assert (found.overall.estimate, found.overall.std_error) == pytest.approx(literal_imputation(panel, None), rel=1e-7, abs=1e-8)


@settings(max_examples=10)
@given(long_frames(weighted=True), st.integers(0, 2**31))
def test_two_stage_influence_is_the_derivative_by_the_units_weight(frame: pd.DataFrame, seed: int) -> None:
    panel = panel_of(with_gaps(frame, seed), weighted=True)
    weight = panel.weight
    assert weight is not None
    found = two_stage_effects(panel, leads=True)
    for unit in (0, panel.n_units - 1):
        step = np.zeros(panel.n_units)
        step[unit] = 1e-4 * weight[unit]
        up, down = (two_stage_effects(replace(panel, weight=weight + sign * step), leads=True) for sign in (1, -1))
        np.testing.assert_allclose(found.influence[:, unit], (up.estimate - down.estimate) / 2e-4, rtol=1e-3, atol=1e-5)
        assert found.whole_influence[unit] == pytest.approx((up.overall.estimate - down.overall.estimate) / 2e-4, rel=1e-3, abs=1e-5)


@settings(max_examples=10)
@given(long_frames(weighted=True), st.booleans(), st.integers(0, 2**31))
def test_differences_before_treatment_agree_with_dummies(frame: pd.DataFrame, weighted: bool, seed: int) -> None:
    panel = panel_of(with_gaps(frame[frame["cohort"] > 2], seed), weighted=weighted)
    if not np.isfinite(panel.cohort).any():
        return
    cells = cells_of(panel).query("event < 0")
    lead = (cells.event == -1).to_numpy(dtype=float)
    if not lead.any():  # the gaps took every cell just before treatment
        with pytest.raises(NotIdentifiedError):
            pre_trends(panel, leads=1)
        return
    found = pre_trends(panel, leads=1)
    root = np.sqrt(cells.weight.to_numpy())[:, None]
    x = np.column_stack([lead, dummies(cells, panel)])
    slope, rank = np.linalg.lstsq(x * root, cells.outcome * root[:, 0], rcond=1e-10)[::2][0], np.linalg.matrix_rank(x)
    assert found.event_time.tolist() == [-1.0]
    assert found.estimate[0] == pytest.approx(slope[0], rel=1e-7, abs=1e-8)
    bread = np.linalg.pinv((x * root).T @ (x * root), rcond=1e-10)
    score = pd.DataFrame(x * root**2 * (cells.outcome - x @ slope).to_numpy()[:, None]).groupby(cells.unit.to_numpy()).sum().to_numpy()
    units = cells.unit.nunique()
    factor = units / (units - 1) * (len(cells) - 1) / (len(cells) - (rank - units) - 1)
    assert found.std_error[0] == pytest.approx(np.sqrt((bread @ score.T @ score @ bread)[0, 0] * factor), rel=1e-6)


@settings(max_examples=15)
@given(long_frames(), st.floats(-20, 20), st.integers(0, 2**31))
def test_levels_of_units_and_periods_change_nothing_and_a_constant_effect_is_found(frame: pd.DataFrame, effect: float, seed: int) -> None:
    before = imputation_effects(panel_of(frame))
    rng = np.random.default_rng(seed)
    unit = frame["unit"].map(dict(zip(frame["unit"].unique(), rng.normal(0, 9, frame["unit"].nunique()), strict=True)))
    moved = frame.assign(outcome=frame["outcome"] + unit + np.sin(frame["period"]) + effect * (frame["period"] >= frame["cohort"]))
    after = imputation_effects(panel_of(moved.sample(frac=1, random_state=seed)))
    np.testing.assert_allclose(after.estimate, before.estimate + effect, atol=1e-8)
    np.testing.assert_allclose(after.std_error, before.std_error, rtol=1e-7, atol=1e-8)

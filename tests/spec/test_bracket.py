"""Difference-in-differences and lagged-outcome adjustment side by side, by example and by property."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.effect import group_time_effects, lagged_outcome_bracket, moments
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def panel(seed: int, *, memory: float, shift: float, units: int = 400, effect: float = 1.0) -> Panel:
    """Two periods: half the units train in the second; they stood ``shift`` higher before; outcomes keep ``memory`` of the past."""
    rng = np.random.default_rng(seed)
    treated = np.arange(units) < units // 2
    before = rng.normal(0, 1, units) + shift * treated
    after = memory * before + rng.normal(0, 0.2, units) + effect * treated
    return Panel(
        outcome=np.column_stack([before, after]),
        units=np.arange(units).astype(object),
        periods=np.array([1.0, 2.0]),
        cohort=np.where(treated, 2.0, np.inf),
        persons=np.ones(units, dtype=np.int64),
    )


def test_departments_chosen_in_a_bad_half_year_look_better_by_difference_in_differences() -> None:
    found = lagged_outcome_bracket(panel(1, memory=0.5, shift=-1.0))
    assert found.lagged.estimate == pytest.approx(1.0, abs=0.1)
    assert found.difference.estimate == pytest.approx(1.5, abs=0.2)  # half of the gap closes by itself
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.order == "lower"
    assert found.conditions_hold
    assert (found.low, found.high) == (found.lagged.estimate, found.difference.estimate)
    assert found.conf_low < found.low < found.high < found.conf_high


def test_departments_that_stood_higher_look_worse_by_difference_in_differences() -> None:
    found = lagged_outcome_bracket(panel(2, memory=0.5, shift=1.0))
    assert found.order == "higher"
    assert found.difference.estimate < found.lagged.estimate


def test_outcomes_that_run_away_break_the_bracket() -> None:
    assert not lagged_outcome_bracket(panel(3, memory=1.5, shift=1.0)).conditions_hold


def test_distributions_that_cross_break_the_bracket() -> None:
    whole = panel(4, memory=0.5, shift=0.0)
    spread = whole.outcome.copy()
    spread[whole.cohort == 2, 0] *= 6
    found = lagged_outcome_bracket(replace(whole, outcome=spread))
    assert found.order == "crossing"
    assert not found.conditions_hold


def test_alike_groups_are_a_bracket_of_almost_no_width() -> None:
    found = lagged_outcome_bracket(panel(5, memory=0.5, shift=0.0))
    assert found.high - found.low < 0.15
    assert found.order in {"lower", "higher"}


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(-1, 2), st.floats(-2, 2))
def test_the_width_is_the_gap_before_times_the_slope_less_one(seed: int, memory: float, shift: float) -> None:
    """Identity of the linear case: difference - lagged = (slope - 1) x (mean of the treated before - mean of the controls before)."""
    whole = panel(seed, memory=memory, shift=shift, units=40)
    found = lagged_outcome_bracket(whole)
    gap = whole.outcome[:20, 0].mean() - whole.outcome[20:, 0].mean()
    assert found.difference.estimate - found.lagged.estimate == pytest.approx((found.slope - 1) * gap, abs=1e-9)
    plain = group_time_effects(moments(whole)).aggregate("simple").overall
    assert found.difference.estimate == pytest.approx(plain.estimate, abs=1e-9)
    assert found.difference.std_error == pytest.approx(plain.std_error, abs=1e-9)


def test_a_constant_past_or_a_clashing_name_is_refused() -> None:
    whole = panel(6, memory=0.5, shift=0.0)
    flat = whole.outcome.copy()
    flat[:, 0] = 1.0
    with pytest.raises(NotIdentifiedError):
        lagged_outcome_bracket(replace(whole, outcome=flat))
    with pytest.raises(ParameterError, match="重なっています"):
        lagged_outcome_bracket(replace(whole, covariates={"outcome before treatment": whole.outcome}))


def test_gaps_and_covariates_are_allowed() -> None:
    whole = panel(7, memory=0.5, shift=-1.0)
    gappy = whole.outcome.copy()
    gappy[::17, 1] = np.nan
    noise = np.random.default_rng(0).normal(0, 1, gappy.shape)
    found = lagged_outcome_bracket(replace(whole, outcome=gappy, covariates={"z": noise}), control="never_treated")
    assert found.lagged.estimate == pytest.approx(1.0, abs=0.1)
    assert found.n_cells == 1

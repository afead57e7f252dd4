"""Which cohorts have effects and which are only ever controls; both paths (moments, single units) must agree on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import doubly_robust, efficient_rollout, group_time_effects, interrupted_series, moments, relative_magnitudes, synthetic_did
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel

PERIODS = np.array([1.0, 2, 3, 5, 6])  # no fourth one


def panel(*cohorts: float, units: int = 5, seed: int = 0) -> Panel:
    """``units`` of each cohort, in PERIODS."""
    cohort = np.repeat(np.array(cohorts, dtype=np.float64), units)
    outcome = np.random.default_rng(seed).normal(size=(len(cohort), len(PERIODS)))
    labels = np.arange(len(cohort)).astype(object)
    return Panel(outcome=outcome, units=labels, periods=PERIODS, cohort=cohort, persons=np.ones(len(cohort), dtype=np.int64))


def regular(*cohorts: float, units: int = 5) -> Panel:
    """The same in five periods without a gap."""
    return replace(panel(*cohorts, units=units), periods=np.arange(1.0, 6.0))


def both(found: Panel, **options: Any) -> list[tuple[float, float, float]]:
    """Cohort, period and effect of every row, the same by either path."""
    one, other = group_time_effects(moments(found), **options), doubly_robust(found, **options)
    np.testing.assert_array_equal(one.table()[["cohort", "period"]], other.table()[["cohort", "period"]])
    np.testing.assert_allclose(one.estimate, other.estimate, atol=1e-12)  # sums of a few doubles
    np.testing.assert_allclose(one.std_error, other.std_error, rtol=1e-9)
    return list(zip(one.cohort.tolist(), one.period.tolist(), one.estimate.tolist(), strict=True))


def difference(found: Panel, cohort: float, controls: list[float], period: float, base: float) -> float:
    """By its definition."""
    change = found.outcome[:, period == PERIODS][:, 0] - found.outcome[:, base == PERIODS][:, 0]
    return float(change[found.cohort == cohort].mean() - change[np.isin(found.cohort, controls)].mean())


@pytest.mark.parametrize("base", ["varying", "universal"])
def test_without_never_treated_units_the_last_cohort_is_only_a_control(base: Any) -> None:
    found = panel(2, 5, 6)
    rows = both(found, base=base)
    assert {cohort for cohort, _, _ in rows} == {2, 5}
    assert max(period for _, period, _ in rows) == 5  # at 6 nobody is left to compare with
    assert {(g, t): y for g, t, y in rows}[(5, 5)] == pytest.approx(difference(found, 5, [6], 5, 3))


def test_a_cohort_after_the_last_period_counts_as_never_treated_unless_it_may_anticipate() -> None:
    found = panel(3, 7)
    assert both(found, control="never_treated") == both(found)
    assert {(g, t): y for g, t, y in both(found)}[(3, 6)] == pytest.approx(difference(found, 3, [7], 6, 2))
    with pytest.raises(NotIdentifiedError, match="一度も受講していない"):
        both(found, control="never_treated", anticipation=1)
    assert max(period for _, period, _ in both(found, anticipation=1)) == 5  # cohort 7 may react from 6 on


def test_a_cohort_between_two_periods_is_compared_from_the_period_before() -> None:
    found = panel(4, np.inf)
    assert {(g, t): y for g, t, y in both(found)}[(4, 5)] == pytest.approx(difference(found, 4, [np.inf], 5, 3))
    assert group_time_effects(moments(found)).aggregate("event_time").keys.tolist() == [-2, -1, 1, 2]


@pytest.mark.parametrize("cohorts", [(3.0,), (1.0, np.inf), (9.0, np.inf), (np.inf,), (1.0, 3.0)])
def test_nothing_to_compare_is_refused_by_both_paths(cohorts: tuple[float, ...]) -> None:
    found = panel(*cohorts)
    for estimate in (lambda: group_time_effects(moments(found)), lambda: doubly_robust(found)):
        with pytest.raises(NotIdentifiedError) as refused:
            estimate()
        assert refused.value.hint


def test_an_outcome_that_never_varies_has_no_error_rather_than_an_error_of_zero() -> None:
    found = panel(3, np.inf)
    still = replace(found, outcome=np.ones_like(found.outcome))
    for overall in (group_time_effects(moments(still)).aggregate().overall, doubly_robust(still).aggregate().overall):
        assert overall.estimate == 0 and np.isnan([overall.std_error, overall.conf_low, overall.p_value]).all()


def test_sensitivity_needs_spread_and_a_period_before_the_base() -> None:
    with pytest.raises(NotIdentifiedError, match="基準の月より前"):
        relative_magnitudes(group_time_effects(moments(regular(2, np.inf)), base="universal").aggregate("event_time"))
    with pytest.raises(NotIdentifiedError, match="特異"):
        relative_magnitudes(group_time_effects(moments(regular(3, np.inf, units=2)), base="universal").aggregate("event_time"))
    with pytest.raises(NotIdentifiedError, match="特異"):
        relative_magnitudes([0.1, 1.0], np.diag([0.0, 1.0]), n_pre=1, n_post=1)


def test_one_period_is_no_series() -> None:
    found = panel(1)
    with pytest.raises(NotIdentifiedError, match="受講前に"):
        interrupted_series(replace(found, outcome=found.outcome[:, :1], periods=PERIODS[:1]))


def test_weights_that_a_method_cannot_use_are_refused_and_not_passed_over() -> None:
    weighted = replace(regular(5, np.inf), weight=np.arange(10) + 1.0)
    for estimate in (lambda: synthetic_did(weighted), lambda: efficient_rollout(moments(weighted))):
        with pytest.raises(ParameterError, match="重みは使えません"):
            estimate()
    assert synthetic_did(replace(weighted, weight=np.full(10, 2.0)), draws=2).estimate == synthetic_did(regular(5, np.inf), draws=2).estimate


def test_tables_of_both_paths_have_the_same_columns_in_the_same_order() -> None:
    found = panel(3, 5, np.inf)
    one, other = group_time_effects(moments(found)), doubly_robust(found)
    first = ["estimate", "std_error", "conf_low", "conf_high", "p_value"]
    assert list(one.table()) == ["cohort", "period", "event_time", *first] == list(other.table())[:-1]
    for kind in ("simple", "event_time", "cohort", "calendar", "total"):
        table = one.aggregate(kind).table()
        assert list(table)[1:] == [*first, "band_low", "band_high"]
        pd.testing.assert_frame_equal(table, other.aggregate(kind).table(), rtol=1e-9)


def test_with_the_whole_difference_before_taken_off_the_roll_out_is_the_plain_difference_in_differences() -> None:
    m = moments(panel(2, 5, 6, np.inf))
    for estimand in ("simple", "cohort", "calendar"):
        plain = efficient_rollout(m, estimand=estimand, beta=1)
        assert plain.estimate == pytest.approx(group_time_effects(m).aggregate(estimand).overall.estimate, rel=1e-12)
        assert efficient_rollout(m, estimand=estimand, beta=efficient_rollout(m, estimand=estimand).beta[0]).std_error_neyman <= plain.std_error_neyman
    with pytest.raises(ParameterError, match="beta"):
        efficient_rollout(m, beta=float("nan"))

"""Interrupted series by example: known steps and slopes, Newey-West by hand, calendar months, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kdx_eval.effect.inference import Estimate
from kdx_eval.effect.interrupted import interrupted_series
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel
from kdx_eval.units import Month

MONTHLY = np.array([3.0, 0, 1, -2, 0, 5, 0, -1, 2, 0, -4, 9])  # March peaks


def course(before: int, after: int, level: float = -4.0, slope: float = -0.5) -> np.ndarray:
    time = np.arange(before + after)
    later = np.clip(time - before, 0, None) * (time >= before)
    return 20 + 0.3 * time + level * (time >= before) + slope * later


def city(outcome: np.ndarray, start: int = 30) -> Panel:
    units, periods = outcome.shape
    first = Month.parse("2022-04").index
    return Panel(
        outcome=outcome,
        units=np.arange(units).astype(object),
        periods=np.arange(first, first + periods, dtype=float),
        cohort=np.full(units, float(first + start)),
        persons=np.ones(units, dtype=np.int64),
        monthly=True,
    )


def test_a_noiseless_step_and_slope_are_recovered() -> None:
    found = interrupted_series(course(20, 9), start=20)
    assert found.level_change.estimate == pytest.approx(-4.0)
    assert found.slope_change is not None
    assert found.slope_change.estimate == pytest.approx(-0.5)
    assert found.effect.estimate == pytest.approx(-4 - 0.5 * 4)  # mean distance from the start is four periods
    np.testing.assert_allclose(found.counterfactual, 20 + 0.3 * np.arange(29))
    assert (found.n_before, found.n_after, found.seasonal) == (20, 9, False)
    assert found.maryland_at_most == 2


def test_calendar_months_enter_with_two_years_before_and_not_with_fewer() -> None:
    season = np.resize(MONTHLY, 45)
    with_season = interrupted_series(course(30, 15) + season, start=30, season=12)
    assert with_season.seasonal
    assert with_season.effect.estimate == pytest.approx(-4 - 0.5 * 7)
    short = interrupted_series((course(23, 10) + season[:33]), start=23, season=12)
    assert not short.seasonal


def newey_west(y: np.ndarray, x: np.ndarray, lags: int) -> np.ndarray:
    """Covariance of least squares from the definition, one pair of periods at a time."""
    inverse = np.linalg.inv(x.T @ x)
    residual = y - x @ inverse @ x.T @ y
    middle = np.zeros((x.shape[1],) * 2)
    for s in range(len(y)):
        for t in range(len(y)):
            if abs(s - t) <= lags:
                middle += (1 - abs(s - t) / (lags + 1)) * residual[s] * residual[t] * np.outer(x[s], x[t])
    return inverse @ middle @ inverse * len(y) / (len(y) - x.shape[1])


@pytest.mark.parametrize("lags", [0, 1, 4])
def test_errors_equal_newey_west_by_hand(lags: int) -> None:
    rng = np.random.default_rng(lags)
    y = course(18, 8) + rng.normal(size=26)
    time = np.arange(26.0)
    after = (time >= 18).astype(float)
    x = np.column_stack([np.ones(26), time - 18, after, after * (time - 18)])
    covariance = newey_west(y, x, lags)
    found = interrupted_series(y, start=18, lags=lags)
    coefficient = np.linalg.lstsq(x, y, rcond=None)[0]
    mean_change = np.array([0, 0, 1, 3.5])
    assert found.effect.estimate == pytest.approx(mean_change @ coefficient)
    assert found.effect.std_error == pytest.approx(np.sqrt(mean_change @ covariance @ mean_change))
    assert found.level_change.std_error == pytest.approx(np.sqrt(covariance[2, 2]))
    assert found.effect.df == 22
    assert found.same_month is not None
    plain = newey_west(y, np.column_stack([np.ones(26), after]), lags)
    assert found.same_month.estimate == pytest.approx(y[18:].mean() - y[:18].mean())
    assert found.same_month.std_error == pytest.approx(np.sqrt(plain[1, 1]))


def test_same_months_are_compared_with_their_own_mean() -> None:
    rng = np.random.default_rng(3)
    y = np.resize(MONTHLY, 30) + rng.normal(size=30)
    y[24:] += 6
    found = interrupted_series(y, start=24, season=12).same_month
    assert found is not None
    by_hand = np.mean([y[t] - (y[t - 24] + y[t - 12]) / 2 for t in range(24, 30)])
    assert found.estimate == pytest.approx(by_hand)
    assert found.std_error > 0
    unmatched = interrupted_series(np.append(rng.normal(size=9), 4.0), start=9, season=12)
    assert unmatched.same_month is None  # the one later month was never seen before


def same(one: Estimate, other: Estimate) -> None:
    assert one.estimate == pytest.approx(other.estimate)
    assert one.std_error == pytest.approx(other.std_error)


def test_a_panel_is_taken_as_the_mean_of_its_treated_units() -> None:
    rng = np.random.default_rng(5)
    outcome = course(30, 12)[None, :] + np.resize(MONTHLY, 42) + rng.normal(size=(8, 42))
    panel = city(outcome)
    found, series = interrupted_series(panel), interrupted_series(outcome.mean(axis=0), start=30, season=12)
    same(found.effect, series.effect)
    assert found.seasonal
    assert found.table().figure.tolist() == ["effect", "level_change", "slope_change", "same_month"]
    weight = rng.uniform(1, 3, 8)
    weighted = interrupted_series(replace(panel, weight=weight))
    same(weighted.effect, interrupted_series((weight / weight.sum()) @ outcome, start=30, season=12).effect)
    aside = replace(panel, cohort=np.r_[panel.cohort[:7], np.inf])
    same(interrupted_series(aside).effect, interrupted_series(outcome[:7].mean(axis=0), start=30, season=12).effect)


def test_levels_and_scale() -> None:
    y = course(20, 8) + np.random.default_rng(6).normal(size=28)
    plain, changed = interrupted_series(y, start=20).effect, interrupted_series(5 * y + 2 + 3 * np.arange(28), start=20).effect
    assert changed.estimate == pytest.approx(5 * plain.estimate)
    assert changed.std_error == pytest.approx(5 * plain.std_error)
    assert changed.p_value == pytest.approx(plain.p_value, rel=1e-6)


def test_few_periods_after_leave_the_slope_out() -> None:
    found = interrupted_series(course(12, 2) + np.random.default_rng(7).normal(size=14), start=12)
    assert found.slope_change is None
    assert found.table().figure.tolist() == ["effect", "level_change", "same_month"]
    assert found.effect == found.level_change


def test_what_cannot_be_told_is_refused() -> None:
    y = np.random.default_rng(8).normal(size=30)
    panel = city(np.tile(y, (3, 1)), start=20)
    refused: list[tuple[type[Exception], Any, dict[str, Any]]] = [
        (ParameterError, y, {}),
        (ParameterError, y[None], {"start": 20}),
        (ParameterError, y, {"start": 20, "season": 0}),
        (ParameterError, y, {"start": 20, "lags": -1}),
        (ParameterError, y, {"start": 20, "lags": 30}),
        (DataError, np.where(np.arange(30) == 3, np.nan, y), {"start": 20}),
        (NotIdentifiedError, y, {"start": 7}),
        (NotIdentifiedError, y, {"start": 30}),
        (NotIdentifiedError, replace(panel, cohort=np.full(3, np.inf)), {}),
        (NotIdentifiedError, replace(panel, cohort=panel.cohort + np.array([0, 0, 1])), {}),
        (NotIdentifiedError, replace(panel, periods=panel.periods + (np.arange(30) > 4)), {}),
    ]
    for kind, data, options in refused:
        with pytest.raises(kind):
            interrupted_series(data, **options)

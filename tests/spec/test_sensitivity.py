"""Sensitivity analyses by example: against literal linear programmes, grids and direct minimisation; and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import linprog, minimize

from kdx_eval.effect import group_time_effects, moments, unit_level_effects
from kdx_eval.effect.event_study import EventStudy, as_event_study
from kdx_eval.effect.fixed_length import _estimator_path, _half_length, smoothness
from kdx_eval.effect.sensitivity import FIRST_STAGE, SECOND_STAGE, _interval, _parts, _root, _steps, _vertices, relative_magnitudes
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def random_study(seed: int, n_pre: int = 3, n_post: int = 2, l_vec: list[float] | None = None) -> EventStudy:
    rng = np.random.default_rng(seed)
    n = n_pre + n_post
    root = rng.normal(size=(n, n)) + np.eye(n)
    betahat = rng.normal(size=n) * 2
    return as_event_study(betahat, root @ root.T / n, n_pre=n_pre, n_post=n_post, l_vec=rng.normal(size=n_post) if l_vec is None else l_vec)


def literal_rows(study: EventStudy, step: int, sign: float, mbar: float) -> np.ndarray:
    """Rows A of A δ <= 0, written from the definition of one part of Δ^RM, over the periods without the base."""
    n, pre = len(study.betahat), study.n_pre
    level = [np.eye(n)[i] for i in range(pre)] + [np.zeros(n)] + [np.eye(n)[i] for i in range(pre, n)]
    largest = sign * (level[step + 1] - level[step])
    rows = []
    for t in range(pre, n):
        rows += [level[t + 1] - level[t] - mbar * largest, level[t] - level[t + 1] - mbar * largest]
    return np.array(rows)


def programme(study: EventStudy, rows: np.ndarray, betahat: np.ndarray, theta: float) -> tuple[float, np.ndarray]:
    """min η over η and τ with l'τ = θ, A(β̂ - τ) <= η σ; and the multipliers of the rows."""
    sigma = np.sqrt(np.diag(rows @ study.sigma @ rows.T))
    post = rows[:, study.n_pre :]
    done = linprog(
        np.r_[1.0, np.zeros(study.n_post)],
        A_ub=np.column_stack([-sigma, -post]),
        b_ub=-(rows @ betahat),
        A_eq=np.r_[0.0, study.l_vec][None],
        b_eq=[theta],
        bounds=(None, None),
        method="highs",
    )
    assert done.status == 0
    return done.fun, -done.ineqlin.marginals


@pytest.mark.parametrize("l_vec", [[1.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0, 0.0], [1.0, -2.0, 0.3]])
@pytest.mark.parametrize("mbar", [0.0, 0.7, 2.0])
def test_the_vertices_give_the_value_of_the_linear_programme(l_vec: list[float], mbar: float) -> None:
    rng = np.random.default_rng(3)
    study = random_study(1, 3, len(l_vec), l_vec)
    steps = _steps(study, rng.normal(size=(len(study.betahat), 50)))
    for step, sign in [(0, 1.0), (2, -1.0)]:
        vertices, rows = _vertices(steps, step=step, sign=sign, mbar=mbar), literal_rows(study, step, sign, mbar)
        for theta in rng.normal(0, 5, 10):
            assert (vertices.value - vertices.slope * theta).max() == pytest.approx(programme(study, rows, study.betahat, theta)[0], abs=1e-8)


def literal_decision(study: EventStudy, rows: np.ndarray, theta: float, critical: float) -> bool:
    """Conditional hybrid test with a given first-stage value; where the truncation ends is found by linear programmes alone."""
    statistic, gamma = programme(study, rows, study.betahat, theta)
    if statistic > critical:
        return False
    covariance = rows @ study.sigma @ rows.T
    variance = gamma @ covariance @ gamma
    direction = study.sigma @ rows.T @ gamma / variance  # β̂ moves this way as the statistic moves by one

    def still_largest(value: float) -> bool:
        moved = study.betahat + (value - statistic) * direction
        return programme(study, rows, moved, theta)[0] <= value + 1e-8

    def end(far: float) -> float:
        near = statistic
        if still_largest(far):
            return far
        for _ in range(25):
            middle = (near + far) / 2
            near, far = (middle, far) if still_largest(middle) else (near, middle)
        return near

    sd = np.sqrt(variance)
    low, high = end(statistic - 60 * sd) / sd, min(end(critical), critical) / sd
    quantile = stats.truncnorm.ppf(1 - SECOND_STAGE, low, high) * sd
    return bool(statistic <= max(0.0, quantile))


@pytest.mark.parametrize("seed", range(2))
def test_decisions_equal_those_of_a_literal_conditional_test(seed: int) -> None:
    study = random_study(seed)
    steps = _steps(study, np.random.default_rng(0).standard_normal((5, 500)))
    seen = []
    for step, sign in [(0, 1.0), (1, -1.0), (2, 1.0)]:
        vertices, rows = _vertices(steps, step=step, sign=sign, mbar=1.0), literal_rows(study, step, sign, 1.0)
        first, last = vertices.range()
        if first < last:
            thetas = np.linspace(first - 0.1, last + 0.1, 7)
            seen += [literal_decision(study, rows, theta, vertices.critical) for theta in thetas]
            assert vertices.accepts(thetas).tolist() == seen[-7:]
    assert True in seen
    assert False in seen


def test_the_least_favourable_value_is_the_quantile_of_the_programme_over_draws() -> None:
    study = random_study(5)
    normal = np.random.default_rng(1).standard_normal((5, 120))
    rows = literal_rows(study, 1, 1.0, 0.8)
    slow = [programme(study, rows, draw, 0.0)[0] for draw in (_root(study.sigma) @ normal).T]
    assert _vertices(_steps(study, normal), step=1, sign=1.0, mbar=0.8).critical == pytest.approx(np.quantile(slow, 1 - FIRST_STAGE), abs=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_ends_of_the_interval_are_those_of_a_fine_grid(seed: int) -> None:
    study = random_study(seed, 4, 3)
    steps = _steps(study, np.random.default_rng(0).standard_normal((7, 500)))
    low, high = _interval(steps, 1.0)
    grid = np.linspace(low - (high - low) / 5, high + (high - low) / 5, 20_001)
    accepted = grid[np.any([part.accepts(grid) for part in _parts(steps, 1.0)], axis=0)]
    assert accepted[0] == pytest.approx(low, abs=1.01 * (grid[1] - grid[0]))
    assert accepted[-1] == pytest.approx(high, abs=1.01 * (grid[1] - grid[0]))


def test_the_interval_covers_at_the_edge_of_what_is_allowed() -> None:
    # The largest step before treatment is the last; each step after is Mbar times it: the case that ignoring sampling error gets wrong.
    rng = np.random.default_rng(11)
    n_pre, n_post, mbar, samples = 3, 1, 2.0, 1500
    truth = np.array([-1.0, -1.0, -1.0, mbar])  # δ with one step of size 1 before and 2 after
    sigma = 0.25 * (np.eye(4) + np.ones((4, 4)))
    normal = rng.standard_normal((4, 2000))
    covered = 0
    for betahat in truth + rng.standard_normal((samples, 4)) @ _root(sigma).T:
        study = as_event_study(betahat, sigma, n_pre=n_pre, n_post=n_post)
        covered += any(part.accepts(np.zeros(1))[0] for part in _parts(_steps(study, normal), mbar))
    assert covered / samples >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / samples)
    assert covered < samples  # and it does reject


def test_the_breakdown_value_is_where_the_interval_reaches_zero() -> None:
    betahat, sigma = np.array([0.1, -0.2, 0.15, 3.0, 3.5]), 0.05 * (np.eye(5) + 0.5)
    known = {"n_pre": 3, "n_post": 2}
    ratio = relative_magnitudes(betahat, sigma, **known, mbar=[1.0]).breakdown
    around = relative_magnitudes(betahat, sigma, **known, mbar=[ratio - 0.002, ratio])
    assert around.conf_low[0] > 0 >= around.conf_low[1]
    bend = smoothness(betahat, sigma, **known).breakdown
    around = smoothness(betahat, sigma, **known, m=[bend * 0.999, bend])
    assert around.conf_low[0] > 0 >= around.conf_low[1] - 1e-9
    turned = relative_magnitudes(-betahat, sigma, **known, mbar=[1.0])
    assert turned.breakdown == pytest.approx(ratio, abs=0.02)  # other draws of the first stage
    unclear = relative_magnitudes(betahat / 100, sigma, **known)
    assert unclear.breakdown == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_worst_case_bias_equals_a_linear_programme_over_all_bending_courses(seed: int) -> None:
    study = random_study(seed, 4, 3)
    path = _estimator_path(study)
    n = len(study.betahat)
    levels = np.insert(np.eye(n), study.n_pre, 0.0, axis=0)
    bends = np.diff(levels, n=2, axis=0)
    for weights, bias in zip(path.weights, path.bias, strict=True):
        done = linprog(-weights, A_ub=np.r_[bends, -bends], b_ub=np.ones(2 * len(bends)), bounds=(None, None), method="highs")
        assert -done.fun == pytest.approx(bias, rel=1e-7)
        np.testing.assert_array_equal(weights[study.n_pre :], study.l_vec)


@pytest.mark.parametrize("m", [0.0, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_estimator_has_a_shorter_interval(seed: int, m: float) -> None:
    study = random_study(seed, 4, 2)
    path = _estimator_path(study)
    low, high = path.interval(m)
    after = float(np.arange(1.0, 3) @ study.l_vec)
    distance = np.array([4.0, 3, 2, 1])

    def length(free: np.ndarray) -> float:
        pre = np.append(free, after - distance[:3] @ free)  # the last weight keeps straight lines out
        weights = np.append(pre, study.l_vec)
        changes = [sum((s - j) * w for s, w in zip(distance, pre, strict=True) if s > j) for j in range(4)]
        bias = sum(map(abs, changes)) + abs(study.l_vec[1])
        return _half_length(float(study.errors(weights[None])[0]), m * bias)

    starts = [path.weights[k, :3] for k in range(len(path.weights))] + [np.zeros(3)]
    best = min(minimize(length, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}).fun for start in starts)
    assert (high - low) / 2 == pytest.approx(best, rel=1e-6)


def test_half_length_is_the_quantile_of_a_folded_normal() -> None:
    assert _half_length(2.0, 0.0) == pytest.approx(2 * stats.norm.ppf(0.975))
    assert _half_length(1.0, 1.3) == pytest.approx(np.sqrt(stats.ncx2.ppf(0.95, 1, 1.3**2)))
    assert _half_length(0.0, 1.3) == 1.3


def city_panel() -> Panel:
    rng = np.random.default_rng(2)
    cohort = np.repeat([5.0, 7.0, np.inf], 20)
    outcome = rng.normal(size=(60, 10)) + 4 * (np.arange(1.0, 11)[None, :] >= cohort[:, None])
    return Panel(outcome=outcome, units=np.arange(60).astype(object), periods=np.arange(1.0, 11), cohort=cohort, persons=np.ones(60, dtype=np.int64))


def city(anticipation: int = 0, base: Any = "universal") -> Any:
    return group_time_effects(moments(city_panel()), base=base, anticipation=anticipation).aggregate("event_time")


def test_an_aggregation_with_unit_influences_is_taken_as_well() -> None:
    panel = city_panel()
    by_unit = unit_level_effects(group_time_effects(moments(panel), base="universal"), panel).aggregate("event_time")
    study = as_event_study(by_unit)
    np.testing.assert_allclose(study.betahat, as_event_study(city()).betahat)
    np.testing.assert_allclose(study.sigma, as_event_study(city()).sigma, atol=1e-12)


def test_an_event_study_aggregation_is_taken_as_it_is() -> None:
    aggregation = city()
    study = as_event_study(aggregation)
    table = aggregation.table()
    rest = table[table.event_time != -1]
    np.testing.assert_allclose(study.betahat, rest.estimate)
    np.testing.assert_allclose(np.sqrt(np.diag(study.sigma)), rest.std_error)
    assert (study.n_pre, study.n_post) == ((rest.event_time < 0).sum(), (rest.event_time >= 0).sum())
    assert study.original.estimate == pytest.approx(aggregation.overall.estimate)
    by_hand = relative_magnitudes(study.betahat, study.sigma, n_pre=study.n_pre, n_post=study.n_post, mbar=[0.5])
    pd.testing.assert_frame_equal(relative_magnitudes(aggregation, mbar=[0.5]).table(), by_hand.table())
    assert smoothness(aggregation).breakdown > 0
    early = as_event_study(city(anticipation=1))  # base at -2: event time -1 is after the base and no part of the effect
    assert early.l_vec[0] == 0
    assert early.l_vec[1:] == pytest.approx(1 / (early.n_post - 1))


def test_what_makes_no_event_study_is_refused() -> None:
    betahat, sigma = np.zeros(3), np.eye(3)
    with pytest.raises(ParameterError, match="universal"):
        relative_magnitudes(city(base="varying"))
    for wrong in (
        {"sigma": None, "n_pre": 2, "n_post": 1},
        {"sigma": sigma, "n_pre": 3, "n_post": 0},
        {"sigma": sigma, "n_pre": 2, "n_post": 2},
        {"sigma": -sigma, "n_pre": 2, "n_post": 1},
        {"sigma": sigma * np.nan, "n_pre": 2, "n_post": 1},
        {"sigma": sigma, "n_pre": 2, "n_post": 1, "l_vec": [0.0]},
        {"sigma": np.ones((3, 3)) + np.triu(np.ones((3, 3))), "n_pre": 2, "n_post": 1},
    ):
        with pytest.raises(ParameterError):
            as_event_study(betahat, **wrong)
    with pytest.raises(NotIdentifiedError, match="特異"):
        as_event_study(betahat, np.ones((3, 3)), n_pre=2, n_post=1)
    for bounds in ([], [-1.0], [np.nan]):
        with pytest.raises(ParameterError):
            relative_magnitudes(betahat, sigma, n_pre=2, n_post=1, mbar=bounds)
        with pytest.raises(ParameterError):
            smoothness(betahat, sigma, n_pre=2, n_post=1, m=bounds)

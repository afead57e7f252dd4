"""Fisher's randomisation test by example: against brute force, within strata and clusters, and where it must refuse."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from kdx_eval.effect import efficient_rollout, moments
from kdx_eval.effect.permutation import fisher_test
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def lottery(cohorts: list[float], periods: int = 5, seed: int = 0, **parts: Any) -> Panel:
    """Random walks whose starting times were drawn by lot; no effect on anyone."""
    rng = np.random.default_rng(seed)
    outcome = rng.normal(0, 2, (len(cohorts), 1)) + np.cumsum(rng.normal(size=(len(cohorts), periods)), axis=1)
    units = np.array([f"u{i:02d}" for i in range(len(cohorts))], dtype=object)
    known = {name: np.array(values, dtype=object) for name, values in parts.items()}
    return Panel(
        outcome=outcome,
        units=units,
        periods=np.arange(1.0, periods + 1),
        cohort=np.array(cohorts, dtype=float),
        persons=np.ones(len(units), dtype=np.int64),
        **known,
    )


def brute_force(panel: Panel, estimand: Any = "simple", allowed: Any = None) -> tuple[float, int]:
    """p value over all distinct assignments, each through the estimator itself; and their number."""
    found = []
    for order in sorted(set(permutations(panel.cohort.tolist()))):
        if allowed is None or allowed(np.array(order)):
            result = efficient_rollout(moments(replace(panel, cohort=np.array(order))), estimand=estimand)
            found.append(abs(result.estimate / result.std_error_neyman))
    result = efficient_rollout(moments(panel), estimand=estimand)
    observed = abs(result.estimate / result.std_error_neyman)
    return float(np.mean(np.array(found) >= observed - 1e-9)), len(found)


@pytest.mark.parametrize("estimand", ["simple", "cohort", "calendar", "event_time"])
def test_a_tiny_lottery_is_enumerated_and_equals_brute_force(estimand: Any) -> None:
    panel = lottery([3, 3, 4, 4, np.inf, np.inf])
    test, (expected, assignments) = fisher_test(panel, estimand=estimand), brute_force(panel, estimand)
    assert test.exact
    assert test.draws + 1 == assignments == 90
    assert test.p_value == pytest.approx(expected)


@pytest.mark.parametrize("estimand", ["simple", "cohort", "calendar", "event_time"])
def test_the_statistic_is_the_efficient_estimate_over_its_neyman_error(estimand: Any) -> None:
    panel = lottery([1, 3, 3, 3, 4, 4, 4, 5, np.inf, np.inf, np.inf])  # with a cohort of one and one from the first period on
    test, result = fisher_test(panel, estimand=estimand, draws=50), efficient_rollout(moments(panel), estimand=estimand)
    assert test.estimate == pytest.approx(result.estimate, rel=1e-12)
    assert test.std_error == pytest.approx(result.std_error_neyman, rel=1e-12)
    assert test.statistic == pytest.approx(result.estimate / result.std_error_neyman, rel=1e-12)


def test_random_draws_approach_the_exact_p_value() -> None:
    panel = lottery([3, 3, 3, 4, 4, 4, np.inf, np.inf, np.inf], seed=3)
    exact, drawn = fisher_test(panel, draws=1680), fisher_test(panel, draws=1600)
    assert exact.exact
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * np.sqrt(0.25 / 1600))


def test_starting_times_move_within_strata_only() -> None:
    strata = list("aaaabbbb")
    panel = lottery([3, 3, np.inf, np.inf, 3, 4, 4, np.inf], seed=5, stratum=strata)
    first = np.sort(panel.cohort[:4]).tolist()
    expected, assignments = brute_force(panel, allowed=lambda order: np.sort(order[:4]).tolist() == first)
    test = fisher_test(panel)
    assert test.draws + 1 == assignments == 6 * 12
    assert test.p_value == pytest.approx(expected)


def test_whole_clusters_move_together_even_where_they_differ_in_size() -> None:
    cluster = list("aabbbccdd")
    panel = lottery([3, 3, 3, 3, 3, np.inf, np.inf, np.inf, np.inf], seed=6, cluster=cluster)
    together = [(0, 1), (2, 3, 4), (5, 6), (7, 8)]
    by_cluster = [tuple(3.0 if place in chosen else np.inf for place in range(4)) for chosen in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]]
    found = []
    for drawn in by_cluster:
        cohort = np.concatenate([[value] * len(members) for value, members in zip(drawn, together, strict=True)])
        result = efficient_rollout(moments(replace(panel, cohort=cohort)))
        found.append(abs(result.estimate / result.std_error_neyman))
    test = fisher_test(panel)
    assert test.draws == 5
    assert test.p_value == pytest.approx(np.mean(np.array(found) >= found[0] - 1e-9))
    assert test.smallest_p_value == pytest.approx(2 / 6)  # each choice and its complement


def test_two_equal_arms_cannot_give_less_than_two_assignments() -> None:
    # Swapping the arms turns the sign only, so that two assignments are always equally extreme.
    test = fisher_test(lottery([3, 3, 3, np.inf, np.inf, np.inf]))
    assert test.smallest_p_value == pytest.approx(2 / 20)


def test_a_large_effect_is_found_and_the_seed_decides_the_draws() -> None:
    panel = lottery([3.0] * 10 + [4.0] * 10 + [np.inf] * 10)
    treated = panel.periods[None, :] >= panel.cohort[:, None]
    moved = replace(panel, outcome=panel.outcome + 50 * treated)
    assert fisher_test(moved, draws=199).p_value == 1 / 200 == fisher_test(moved, draws=199).smallest_p_value
    assert fisher_test(panel, draws=199, seed=4) == fisher_test(panel, draws=199, seed=4)


def test_what_cannot_be_tested_is_refused() -> None:
    panel = lottery([3, 3, np.inf, np.inf])
    with pytest.raises(ParameterError):
        fisher_test(panel, estimand="median")
    with pytest.raises(ParameterError):
        fisher_test(panel, draws=0)
    with pytest.raises(ParameterError):
        fisher_test(replace(panel, weight=np.ones(4)))
    with pytest.raises(DataError, match="クラスター"):
        fisher_test(replace(panel, cluster=np.array(list("abab"), dtype=object), cohort=np.array([3, 3, 3, np.inf])))
    with pytest.raises(NotIdentifiedError, match="入れ替え"):
        fisher_test(replace(panel, stratum=np.array(list("aabb"), dtype=object)))
    with pytest.raises(NotIdentifiedError, match="ばらつき"):
        fisher_test(replace(panel, outcome=np.zeros((4, 5))))
    with pytest.raises(NotIdentifiedError):
        fisher_test(replace(panel, cohort=np.array([3.0, 3, 3, 3])))
    with pytest.raises(NotIdentifiedError):
        fisher_test(replace(panel, cohort=np.array([1.0, 1, 3, 3])))  # nobody left to compare with
    with pytest.raises(DataError):
        fisher_test(replace(panel, outcome=np.where(np.eye(4, 5) > 0, np.nan, panel.outcome)))

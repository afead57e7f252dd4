"""A lottery drawn by stratum: contrasts within strata, weighted by who was treated; lots drawn again within strata; checks of a lottery."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from math import comb
from typing import Any

import numpy as np
import pytest

from kdx_eval.effect import efficient_rollout, estimate_effect, moments
from kdx_eval.effect.checks import Headline
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import contrast_estimate, pooled_covariance
from kdx_eval.effect.lottery_checks import balance_check, exits_check
from kdx_eval.effect.permutation import fisher_test
from kdx_eval.effect.randomisation import redraw
from kdx_eval.effect.rollout import LARGE_ROLLOUT
from kdx_eval.effect.strata import compared_within_strata, strata_sentence
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.lottery import Draw, Exits
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.panel.type import Panel
from kdx_eval.plan import plan_from_dict

INF = np.inf
PERSONS = Draw(n_drawn=1, n_drawn_attended=1, n_lost=1, n_lost_attended=0, n_strata=2)
PLAIN = FiscalYearTarget(first=2.0, last=3.0, season=1)


def panel(outcome: Any, cohort: Any, stratum: str = "", **parts: Any) -> Panel:
    values = np.asarray(outcome, dtype=float)
    return Panel(
        outcome=values, units=np.array([f"u{i:03d}" for i in range(len(values))], dtype=object), periods=np.arange(values.shape[1], dtype=float),
        cohort=np.asarray(cohort, dtype=float), persons=np.ones(len(values), dtype=np.int64),
        stratum=np.array(list(stratum), dtype=object) if stratum else None,
        draw=PERSONS, **parts,
    )  # fmt: skip


def held(one: Panel, target: FiscalYearTarget = PLAIN) -> Headline:
    m = moments(one)
    found = fiscal_year_contrast(m, target)
    return Headline(m=m, target=target, found=found, pooled=pooled_covariance(m), estimate=contrast_estimate(found.effect, m), unit_label="h")


def walks(cohort: list[float], stratum: str, periods: int = 6, seed: int = 0, drift: float = 0.0) -> Panel:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 2, (len(cohort), 1)) + np.cumsum(rng.normal(size=(len(cohort), periods)), axis=1)
    values += drift * np.arange(periods) * (np.array(list(stratum)) == "B")[:, None]
    return panel(values, cohort, stratum)


# Stratum A, three of six drawn: 10 -> 8 against 10 -> 11, effect -3. Stratum B, one of four drawn: 20 -> 24 against 20 -> 26, effect -2.
# Within strata, weighted by who was treated: (3 x -3 + 1 x -2) / 4 = -2.75. Across strata: treated +4 and three times -2, mean -0.5; not treated
# three times +1 and three times +6, mean 3.5; -0.5 - 3.5 = -4, wrong for both strata: B, which grows, had fewer chances.
FLAT, GROWN = [[10, 10, 11, 11]] * 3, [[20, 20, 26, 26]] * 3
HAND = panel([*[[10, 10, 8, 8]] * 3, *FLAT, [20, 20, 24, 24], *GROWN], [2, 2, 2, INF, INF, INF, 2, INF, INF, INF], "A" * 6 + "B" * 4)


def test_effects_within_strata_are_weighted_by_who_was_treated() -> None:
    m = moments(compared_within_strata(HAND))
    assert m.cohorts.tolist() == [2, 2, INF, INF]
    assert m.stratum is not None and m.stratum.tolist() == ["A", "B", "A", "B"]
    assert fiscal_year_contrast(m, PLAIN).effect.estimate(m)[0] == pytest.approx(-2.75)
    across = moments(HAND)
    assert fiscal_year_contrast(across, PLAIN).effect.estimate(across)[0] == pytest.approx(-4.0)


def literal(one: Panel, target: FiscalYearTarget) -> float:
    """The same sentence, one treated unit and period at a time."""
    assert one.within is not None
    total, cells = 0.0, 0
    for unit in range(one.n_units):
        for t, period in enumerate(one.periods):
            start = one.cohort[unit]
            if start > period or not target.first <= period <= target.last:
                continue
            before = [k for k, past in enumerate(one.periods) if past < start]
            others = [j for j in range(one.n_units) if one.within[j] == one.within[unit] and one.cohort[j] > period and one.cohort[j] != start]
            if len(others) < 3 or not before:
                continue
            change = [one.outcome[j, t] - one.outcome[j, before].mean() for j in (unit, *others)]
            total += change[0] - float(np.mean(change[1:]))
            cells += 1
    return total / cells


@pytest.mark.parametrize("seed", range(5))
def test_a_literal_version_agrees_on_random_panels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cohort = [*rng.choice([3, 4, INF], 20, p=[0.3, 0.3, 0.4]), *[INF] * 3, *rng.choice([3, 4, INF], 15, p=[0.5, 0.2, 0.3]), *[INF] * 3]
    one = replace(walks(cohort, "A" * 23 + "B" * 18, seed=seed), within=np.array(list("A" * 23 + "B" * 18), dtype=object))
    target = FiscalYearTarget(first=3.0, last=5.0, season=1)
    m = moments(one)
    found = fiscal_year_contrast(m, target)
    assert found.effect.estimate(m)[0] == pytest.approx(literal(one, target), abs=1e-9)  # sums of a few hundred doubles
    assert found.effect.influence(one, m).sum() == pytest.approx(0.0, abs=1e-9)


def test_the_efficient_estimate_within_strata_is_that_of_each_stratum_weighted_by_treated_cells() -> None:
    # With one period before, the adjustment is the same sum of products over both strata: worked from the two lotteries alone.
    one = walks([3] * 6 + [INF] * 6 + [3] * 4 + [INF] * 8, "A" * 12 + "B" * 12, periods=4, seed=2)
    whole = efficient_rollout(moments(replace(one, within=one.stratum)))
    parts = []
    for name in "AB":
        rows = one.stratum == name
        y, treated = one.outcome[rows], np.isfinite(one.cohort[rows])
        share = treated.sum() / np.isfinite(one.cohort).sum()
        after, before = y[:, 3], y[:, 2]
        theta = share * (after[treated].mean() - after[~treated].mean())
        x = share * (before[treated].mean() - before[~treated].mean())
        cov = [np.cov(before[side], after[side]) / side.sum() * share**2 for side in (treated, ~treated)]
        parts.append((theta, x, sum(c[0, 0] for c in cov), sum(c[0, 1] for c in cov)))
    theta, x, own, cross = (sum(part[k] for part in parts) for k in range(4))
    assert whole.estimate == pytest.approx(theta - cross / own * x, abs=1e-10)


def test_small_strata_are_joined_only_where_chances_were_the_same() -> None:
    cohort = [2, 2, INF, INF, INF, INF, 2, INF, INF, 2, INF, INF, 2, 2, INF]
    one = panel(np.zeros((15, 4)), cohort, "A" * 6 + "B" * 3 + "C" * 3 + "D" * 3)
    joined = compared_within_strata(one)
    # B and C had one chance in three each and are joined; so had A, which stands alone; D had two in three, and nobody like it.
    assert joined.within is not None
    assert dict(zip(one.stratum, joined.within, strict=True)) == {"A": "A", "B": "B・C", "C": "B・C", "D": "D"}
    assert "1区分の3単位は" in (strata_sentence(joined) or "")
    order = OrderDraw(draw_id="x", n_units=15, n_followed=15, early=(), late=(), n_strata=4, reproduced=True, began={})
    dealt = compared_within_strata(replace(one, draw=order))  # dealt out in turn: the same chances in every stratum
    assert dict(zip(one.stratum, dealt.within, strict=True)) == {"A": "A", "B": "B・C・D", "C": "B・C・D", "D": "B・C・D"}
    assert compared_within_strata(replace(one, draw=None)).within is None  # nothing is known of chances
    with pytest.raises(NotIdentifiedError, match="どの区分にも"):
        compared_within_strata(panel(np.zeros((3, 2)), [1, INF, INF], "ABC"))  # all of A won, all of B and C lost


def test_a_small_stratum_that_cannot_stand_takes_the_smallest_with_the_same_chances() -> None:
    cohort = [2] * 4 + [INF] * 4 + [2] * 3 + [INF] * 3 + [2, INF]
    joined = compared_within_strata(panel(np.zeros((16, 4)), cohort, "A" * 8 + "B" * 6 + "C" * 2))
    assert joined.within is not None
    assert set(joined.within) == {"A", "B・C"}


def brute_force(one: Panel) -> float:
    """Every assignment that the strata allow, each through moments, contrast and pooled covariance."""
    assert one.stratum is not None
    places = [np.flatnonzero(one.stratum == name) for name in np.unique(one.stratum.astype(str))]
    found = []
    for first in sorted(set(permutations(one.cohort[places[0]].tolist()))):
        for second in sorted(set(permutations(one.cohort[places[1]].tolist()))):
            cohort = one.cohort.copy()
            cohort[places[0]], cohort[places[1]] = first, second
            estimate = held(replace(one, cohort=cohort)).estimate
            found.append(abs(estimate.estimate / estimate.std_error))
    observed = held(one).estimate
    return float(np.mean(np.array(found) >= abs(observed.estimate / observed.std_error) * (1 - 1e-9)))


@pytest.mark.parametrize("within", [False, True])
def test_the_headline_drawn_again_approaches_all_assignments(within: bool) -> None:
    one = walks([2, 2, INF, INF, INF, 2, INF, INF, INF], "AAAAABBBB", periods=4, seed=3)
    one = replace(one, within=one.stratum) if within else one
    found = redraw(held(one), one, draws=4_000)
    assert found is not None
    assert found.statistic == pytest.approx(abs(held(one).estimate.estimate / held(one).estimate.std_error), rel=1e-9)
    # 4 000 draws of a probability: four standard errors.
    assert found.p_value == pytest.approx(brute_force(one), abs=4 * np.sqrt(0.25 / 4_000))
    assert found.smallest_p_value == pytest.approx(1 / 40)


def test_fisher_test_of_the_efficient_estimate_compares_within_strata_too() -> None:
    one = walks([3, 3, INF, INF, INF, 3, 3, INF, INF], "AAAAABBBB", periods=5, seed=5)
    one = replace(one, within=one.stratum)
    result = efficient_rollout(moments(one))
    test = fisher_test(one)
    assert test.statistic == pytest.approx(result.estimate / result.std_error_neyman, rel=1e-12)
    assert test.draws + 1 == 10 * 6


def test_where_strata_differ_in_chances_and_trend_only_the_comparison_within_is_right() -> None:
    # No effect; stratum B grows and had four chances in five, A one in five: across strata its growth passes for an effect.
    cohort = [3] * 4 + [INF] * 16 + [3] * 16 + [INF] * 4
    across, within = [], []
    for seed in range(60):
        one = walks(cohort, "A" * 20 + "B" * 20, seed=seed, drift=2.0)
        target = FiscalYearTarget(first=3.0, last=5.0, season=1)
        for kept, candidate in ((across, one), (within, compared_within_strata(one))):
            estimate = held(candidate, target).estimate
            kept.append(estimate.conf_low <= 0 <= estimate.conf_high)
    assert np.mean(across) < 0.2
    assert np.mean(within) >= 0.95 - 4 * np.sqrt(0.05 * 0.95 / 60)


def test_balance_before_fails_for_an_order_by_level_and_not_for_a_draw() -> None:
    rng = np.random.default_rng(1)
    level = np.sort(rng.normal(0, 5, 24))
    outcome = level[:, None] + rng.normal(0, 1, (24, 8))
    cohort = np.repeat([4.0, 6.0, INF], 8)
    chosen = panel(outcome, cohort)
    assert balance_check(chosen, PLAIN).outcome == "failed"
    assert balance_check(replace(chosen, outcome=outcome[rng.permutation(24)]), PLAIN).outcome == "passed"
    by_stratum = replace(chosen, stratum=np.repeat(np.array(["a", "b", "c"], dtype=object), 8))  # within strata nothing could be exchanged
    assert balance_check(by_stratum, PLAIN).p_value == 1.0


def test_losing_more_of_one_side_breaks_a_lottery() -> None:
    one = panel(np.zeros((4, 2)), [1, 1, INF, INF])
    even, uneven = (replace(one, exits=Exits(n_treated=40, lost_treated=lost, n_waiting=40, lost_waiting=4)) for lost in (5, 16))
    assert exits_check(even).outcome == "passed"
    found = exits_check(uneven)
    assert found.outcome == "failed" and "40のうち16（40%）" in found.sentence
    # Two of 2 x 40 tables: the hypergeometric sum of all tables at most as likely.
    odds = [comb(40, a) * comb(40, 20 - a) / comb(80, 20) for a in range(21)]
    assert found.p_value == pytest.approx(sum(p for p in odds if p <= odds[16] * (1 + 1e-7)))
    gappy = replace(one, outcome=np.array([[0, np.nan], [0, 0], [0, 0], [0, 0]]), exits=Exits(n_treated=2, n_waiting=2))
    assert gappy.without_gaps().exits == Exits(n_treated=2, lost_treated=1, n_waiting=2, lost_waiting=0)
    assert exits_check(one).outcome == "not_applicable"


def large(effect: float = 0.0, before: float = 0.0, seed: int = 0) -> Panel:
    """Three hundred units in two strata, 24 periods before the first start; ``before`` lifts later starters in the middle of them."""
    rng = np.random.default_rng(seed)
    count, periods = 300, 36
    cohort = rng.permutation(np.repeat([24.0, 28.0, INF], count // 3))
    values = rng.normal(0, 1, (count, periods)) + rng.normal(0, 2, (count, 1))
    values += effect * (np.arange(periods)[None, :] >= cohort[:, None])
    values += before * ((np.arange(periods) >= 14) & (np.arange(periods) < 20))[None, :] * (cohort == 24)[:, None]
    return panel(values, cohort, "AB" * (count // 2))


def test_a_large_roll_out_has_its_months_before_and_the_lottery_drawn_again_checked() -> None:
    plan = plan_from_dict(
        {
            "request_fiscal_year": 2027, "evaluated_fiscal_year": 2025, "evaluated_through": "2026-03",
            "questions": [{
                "question_id": "q1", "title": "題", "courses": ["C1"], "unit": "department", "outcome": "worktime.overtime_hours", "design": "lottery",
                "cohort_width": "month",
            }],
        }
    )  # fmt: skip
    assert large().n_units >= LARGE_ROLLOUT
    outcomes = {}
    for name, one in {"effect": large(effect=-1.0), "nothing": large(), "before": large(before=3.0)}.items():
        study = estimate_effect(one, plan.questions[0], plan=plan)
        outcomes[name] = {check.check_id: check for check in study.checks}
        assert len(study.timing) == 3  # the strata do not split what is shown
        assert study.influence["value"].sum() == pytest.approx(0.0, abs=1e-9)
    assert {name: found["placebo_date"].outcome for name, found in outcomes.items()} == {"effect": "passed", "nothing": "powerless", "before": "failed"}
    assert outcomes["effect"]["randomisation"].p_value == 1 / 501
    assert outcomes["effect"]["balance"].outcome == outcomes["effect"]["randomisation"].outcome == "passed"

"""What is left of the effect in the second year: plain loops, Fieller's interval by hand, and a city whose effect fades by a known share."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from kdx_eval.effect.entries import evaluated_target
from kdx_eval.effect.estimate import estimate_effect
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.year_pair import fieller, year_pair
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.savings.retention import measure_retention
from kdx_eval.units import Month
from tests.small_panels import make_panel
from tests.spec.money_cases import plan, question

FIRST = Month.of(2022, 4).index


def fading(kept: float, *, seed: int = 1, effect: float = -8.0):
    """Four years by month; from the thirteenth month since the start on only ``kept`` of the effect is left."""
    panel = make_panel(seed=seed, never=15, cohorts=(18.0, 24.0), units=8)
    periods = np.arange(48.0)
    since = periods[None, :] - panel.cohort[:, None]
    noise = np.random.default_rng([seed, 1]).normal(0, 2, since.shape)
    level = panel.outcome.mean(axis=1, keepdims=True) + 20 * np.cos(2 * np.pi * periods / 12)
    outcome = level + noise + np.where(since >= 12, kept * effect, np.where(since >= 0, effect, 0.0))
    return dataclasses.replace(panel, outcome=outcome, periods=periods + FIRST, cohort=panel.cohort + FIRST, monthly=True)


def test_both_years_are_those_of_plain_loops_over_cells_seen_twice():
    panel = fading(0.5)
    target = FiscalYearTarget(first=FIRST + 36, last=FIRST + 47, buffer=3)
    sums, mass, units = [0.0, 0.0], 0.0, set()
    for cohort in (FIRST + 18, FIRST + 24):
        own = panel.cohort == cohort
        for step in range(3, 12):
            if cohort + step + 12 > FIRST + 47:
                continue
            units.add(cohort)
            mass += own.sum()
            for year in (0, 1):
                t = cohort - FIRST + step + 12 * year
                base = [p for p in range(48) if FIRST + p < cohort and (t - p) % 12 == 0]
                others = panel.cohort > FIRST + t
                change = [panel.outcome[who][:, t].mean() - panel.outcome[who][:, base].mean() for who in (own, others)]
                sums[year] += own.sum() * (change[0] - change[1])
    found = year_pair(panel, target)
    assert found.effects == pytest.approx(np.array(sums) / mass)
    assert found.n_units == sum((panel.cohort == one).sum() for one in units)


def test_fieller_by_hand():
    # With a sure denominator the ratio is as unsure as the numerator: 6/10 with a standard error of 1 and z = 1.96 is 0.6 -+ 0.196.
    low, high = fieller(6.0, 10.0, covariance=np.diag([0.0, 1.0]), df=math.inf)
    assert (low, high) == pytest.approx((0.6 - 0.1959964, 0.6 + 0.1959964))
    # Both unsure alike and unrelated, z² = 3.8415: (60 -+ sqrt(3600 - (100 - 3.8415)(36 - 3.8415))) / (100 - 3.8415).
    low, high = fieller(6.0, 10.0, covariance=np.eye(2), df=math.inf)
    assert (low, high) == pytest.approx((0.389650, 0.858290), abs=1e-5)
    with pytest.raises(NotIdentifiedError, match="0と区別できない"):
        fieller(1.0, 1.0, covariance=np.eye(2), df=math.inf)


@pytest.mark.parametrize("kept", [1.0, 0.4])
def test_the_share_that_is_left_comes_out(kept):
    the_plan = plan(question())
    inside = 0
    for seed in range(12):
        panel = fading(kept, seed=seed)
        study = estimate_effect(panel, the_plan.question("q1"), plan=the_plan)
        found, reason = measure_retention([study], {"q1": panel}, plan=the_plan, correlation=((1.0,),))
        assert reason == ""
        assert found.question_ids == ("q1",)
        assert found.share == pytest.approx(found.second_hours / found.first_hours)
        inside += found.conf_low <= kept <= found.conf_high
    assert inside >= 9  # of 12 at 95 %; fewer than 9 happens once in 5 000


def test_what_cannot_be_measured_says_why():
    the_plan = plan(question())
    panel = fading(1.0)
    study = estimate_effect(panel, the_plan.question("q1"), plan=the_plan)
    assert measure_retention([study], {}, plan=the_plan, correlation=((1.0,),))[0] is None
    late = dataclasses.replace(panel, cohort=np.where(np.isfinite(panel.cohort), float(FIRST + 40), np.inf))
    found, reason = measure_retention([study], {"q1": late}, plan=the_plan, correlation=((1.0,),))
    assert found is None
    assert "1年を超えて" in reason
    nothing = fading(1.0, effect=-0.01)
    found, reason = measure_retention([study], {"q1": nothing}, plan=the_plan, correlation=((1.0,),))
    assert found is None
    assert "0と区別できない" in reason


def test_errors_of_two_questions_add_as_their_correlation_says():
    the_plan = plan(question(), question("q2"))
    panel = fading(0.7)
    studies = [dataclasses.replace(estimate_effect(panel, the_plan.question("q1"), plan=the_plan), question_id=key) for key in ("q1", "q2")]
    panels = {"q1": panel, "q2": panel}
    alone, _ = measure_retention(studies[:1], panels, plan=the_plan, correlation=((1.0,),))
    same, _ = measure_retention(studies, panels, plan=the_plan, correlation=((1.0, 1.0), (1.0, 1.0)))
    apart, _ = measure_retention(studies, panels, plan=the_plan, correlation=((1.0, 0.0), (0.0, 1.0)))
    # Twice the same question says no more than once; two independent ones say more.
    assert (same.share, same.conf_low, same.conf_high) == pytest.approx((alone.share, alone.conf_low, alone.conf_high))
    assert apart.conf_high - apart.conf_low < 0.8 * (alone.conf_high - alone.conf_low)
    assert evaluated_target(panel, the_plan.question("q1"), plan=the_plan).season == 12

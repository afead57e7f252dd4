"""The headline at other thresholds and under other assumptions; a plan may let hours and yen follow the wider interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_tables import ASSIGNMENTS, NEVER, TRAINING, WORKTIME, SmallTables, build, cohorts, enrolled, make_plan, month, overtime, posted

from kdx_eval.effect import estimate_effect, moments
from kdx_eval.effect.staggered import _headline
from kdx_eval.effect.thresholds import threshold_sentence, threshold_variants, unit_weights
from kdx_eval.errors import NotIdentifiedError, PlanError
from kdx_eval.evidence import assess_evidence
from kdx_eval.panel.treatment import other_shares
from kdx_eval.panel.type import Panel
from kdx_eval.plan import plan_from_dict, plan_to_dict, plan_to_yaml
from kdx_eval.units import Month

FIRST = Month.parse("2022-04").index
PLAN = make_plan(outcome="worktime.overtime_hours", cohort_width="quarter", threshold_share=0.15)
QUESTION = PLAN.questions[0]


def city(*, seed: int = 0, effect: float = -6.0, noise: float = 2.0) -> Panel:
    rng = np.random.default_rng(seed)
    starts = np.array([27.0] * 8 + [30.0] * 8 + [np.inf] * 14) + FIRST
    periods = FIRST + np.arange(48.0)
    outcome = 100 + rng.normal(0, 8, (30, 1)) + rng.normal(0, noise, (30, 48)) + effect * (periods >= starts[:, None] + 3)
    higher = np.where(np.arange(30) % 4 == 0, np.inf, starts)
    return Panel(
        outcome=outcome,
        units=np.array([f"d{i:02d}" for i in range(30)], dtype=object),
        periods=periods,
        cohort=starts,
        persons=np.full(30, 20),
        monthly=True,
        other_cohorts={0.08: starts, 0.23: higher, 0.3: np.full(30, np.inf)},
    )


# --- thresholds ------------------------------------------------------------------------------------------------------


def test_cohorts_are_rebuilt_at_half_one_and_a_half_and_twice_the_share() -> None:
    staff = posted(**{f"a{i}": "A" for i in range(4)}, **{f"b{i}": "B" for i in range(4)}, c0="C")
    training = enrolled(a0="2025-05-10", a1="2025-08-20", b0="2025-06-10")
    panel = build(SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, staff), training=(TRAINING, training)), make_plan())
    assert other_shares(0.5) == (0.25, 0.75, 1.0)
    assert cohorts(panel) == {"A": month("2025-08"), "B": NEVER, "C": NEVER}
    found = {share: dict(zip(panel.units, values, strict=True)) for share, values in panel.other_cohorts.items()}
    assert found[0.25] == {"A": month("2025-05"), "B": month("2025-06"), "C": NEVER}
    assert found[0.75] == found[1.0] == {"A": NEVER, "B": NEVER, "C": NEVER}


def test_a_variant_is_the_headline_of_the_rebuilt_panel_and_its_difference_has_the_error_of_one_sum() -> None:
    panel = city()
    held = _headline(panel, QUESTION, plan=PLAN)
    variants = {one.setting: one for one in threshold_variants(panel, held)}
    assert set(variants) == {0.08, 0.23}  # at 30 % nobody is treated
    assert (variants[0.08].difference, variants[0.08].difference_high) == (0.0, 0.0)
    again = _headline(replace(panel, cohort=panel.other_cohorts[0.23]), QUESTION, plan=PLAN)
    one = variants[0.23]
    assert (one.estimate, one.conf_low) == (pytest.approx(again.estimate.estimate), pytest.approx(again.estimate.conf_low))
    assert one.difference == pytest.approx(again.estimate.estimate - held.estimate.estimate)
    # The slow way: every unit's weight in either figure, then the quadratic form over units.
    apart = unit_weights(again.found.effect, replace(panel, cohort=panel.other_cohorts[0.23]), m=again.m) - unit_weights(held.found.effect, panel, m=held.m)
    pool = held.pooled.pool[np.searchsorted(held.m.cohorts, panel.cohort)]
    variance = sum(float(apart[i] @ held.pooled.covariance[pool[i]] @ apart[i]) for i in range(30))
    reach = (one.difference_high - one.difference_low) / 2
    assert reach == pytest.approx(np.sqrt(variance) * 2.05, rel=0.05)  # t quantiles at 12 to 28 degrees of freedom: 2.18 to 2.05


def test_the_difference_covers_its_truth_when_the_share_does_not_matter() -> None:
    """Units that a higher share leaves out get no effect in the first place: 100 cities, at 95 % at most 13 misses (99.9 % binomial)."""
    missed = 0
    for seed in range(100):
        panel = city(seed=seed, effect=0.0)
        one = next(one for one in threshold_variants(panel, _headline(panel, QUESTION, plan=PLAN)) if one.setting == 0.23)
        missed += not one.difference_low <= 0 <= one.difference_high
    assert missed <= 13


def test_the_sentence_names_shares_without_a_comparison() -> None:
    panel = city()
    variants = threshold_variants(panel, _headline(panel, QUESTION, plan=PLAN))
    sentence = threshold_sentence(variants, planned=0.15, asked=(0.08, 0.23, 0.3), unit_label="時間") or ""
    assert "計画は15%" in sentence and "30%では比べる相手がそろいません" in sentence
    assert threshold_sentence((), planned=0.15, asked=(), unit_label="時間") is None


# --- intervals under other assumptions -------------------------------------------------------------------------------


def test_wider_assumptions_give_wider_intervals_that_cover_the_plain_one() -> None:
    study = estimate_effect(city(noise=0.5), QUESTION, plan=PLAN)
    found = {(one.kind, one.setting): one for one in study.variants}
    half, whole, straight = (found[key] for key in (("relative_magnitudes", 0.5), ("relative_magnitudes", 1.0), ("smoothness", 0.0)))
    assert whole.conf_low <= half.conf_low <= study.headline.conf_low
    assert whole.conf_high >= half.conf_high >= study.headline.conf_high
    assert straight.conf_low <= study.headline.conf_low
    assert straight.estimate == study.headline.estimate


@pytest.mark.parametrize(("interval", "key"), [("honest", ("relative_magnitudes", 1.0)), ("straight", ("smoothness", 0.0))])
def test_a_plan_lets_headline_and_hours_carry_the_wider_interval_and_says_so(interval: str, key: tuple[str, float]) -> None:
    asked = replace(QUESTION, interval=interval)
    plain, study = (estimate_effect(city(noise=0.5), question, plan=PLAN) for question in (QUESTION, asked))
    bound = next(one for one in study.variants if (one.kind, one.setting) == key)
    assert study.headline.inference == "honest"
    assert study.headline.estimate == plain.headline.estimate
    assert study.headline.conf_low <= bound.conf_low and study.headline.conf_high >= bound.conf_high
    assert study.entries[1] == plain.headline  # the plain interval stays on record
    assert study.total_std_error > plain.total_std_error
    assert "計画で指定" in study.settings["幅の取り方"]
    limits = assess_evidence(study, asked, plan=PLAN, smallest_effect=1.0).limits
    assert any("厳しい取り方" in limit for limit in limits)
    assert not any("厳しい取り方" in limit for limit in assess_evidence(plain, QUESTION, plan=PLAN, smallest_effect=1.0).limits)


def test_where_the_wider_interval_cannot_be_had_the_question_is_refused_and_no_number_given() -> None:
    panel = city()
    short = replace(panel, outcome=panel.outcome[:, 25:], periods=panel.periods[25:])
    estimate_effect(short, QUESTION, plan=PLAN)
    with pytest.raises(NotIdentifiedError, match="interval"):
        estimate_effect(short, replace(QUESTION, interval="honest"), plan=PLAN)


def test_the_choice_is_written_read_and_leaves_older_plans_their_digest() -> None:
    asked = make_plan(interval="straight")
    assert plan_from_dict(plan_to_dict(asked)).questions[0].interval == "straight"
    assert 'interval: "straight"' in plan_to_yaml(asked)
    assert "interval" not in plan_to_dict(make_plan())["questions"][0]
    with pytest.raises(PlanError, match="一つの課"):
        make_plan(design="single", interval="honest")
    assert moments(city()).n_units == 30

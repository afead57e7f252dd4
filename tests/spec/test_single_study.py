"""One supported department in the real run: rank, interval, verdict; what cannot be decided says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import make_plan

from kdx_eval.effect import estimate_effect, synthetic_did
from kdx_eval.effect.placebo_rank import placebo_rank
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.evidence import assess_evidence
from kdx_eval.panel.type import Panel
from kdx_eval.results import Results, read_results, save_effects
from kdx_eval.units import Month

FIRST = Month.parse("2023-04").index
PLAN = make_plan(design="single", outcome="workload.minutes", cohort_width="month")
QUESTION = PLAN.questions[0]
START = float(Month.parse("2025-04").index)


def one_supported(*, controls: int = 25, effect: float = 0.0, seed: int = 0, start: float = START, months: int = 36) -> Panel:
    rng = np.random.default_rng(seed)
    periods = FIRST + np.arange(float(months))
    common = 10 * np.cos(2 * np.pi * periods / 12) - 0.2 * (periods - FIRST)
    outcome = 100 + rng.normal(0, 10, (controls + 1, 1)) + common + rng.normal(0, 2, (controls + 1, months))
    outcome[0] += effect * (periods >= start)
    return Panel(
        outcome=outcome,
        units=np.array([f"d{i:02d}" for i in range(controls + 1)], dtype=object),
        periods=periods,
        cohort=np.array([start] + [np.inf] * controls),
        persons=np.full(controls + 1, 20),
        monthly=True,
        names={f"d{i:02d}": f"第{i}課" for i in range(controls + 1)},
    )


# --- the rank by hand ------------------------------------------------------------------------------------------------


def test_rank_and_interval_by_hand() -> None:
    """Nineteen placebos 1..19 imitated alike: only the largest of twenty has p = 0.05, so the half width is the largest placebo."""
    placebos, fits = np.arange(1.0, 20.0), np.ones(19)
    assert placebo_rank(19.5, placebos, fit=1.0, fits=fits).p_value == pytest.approx(1 / 20)
    found = placebo_rank(-18.5, placebos, fit=1.0, fits=fits)
    assert (found.p_value, found.half_width) == (pytest.approx(2 / 20), 19.0)
    # Imitated twice as badly as the others, it must be twice as large; imitated better, the plain size still counts.
    assert placebo_rank(30.0, placebos, fit=2.0, fits=fits).half_width == 38.0
    assert placebo_rank(30.0, placebos, fit=2.0, fits=fits).p_value == pytest.approx((1 + 5) / 20)
    assert placebo_rank(30.0, placebos, fit=0.5, fits=fits).half_width == 19.0


def test_with_eighteen_placebos_no_difference_can_be_told_from_chance() -> None:
    found = placebo_rank(1e6, np.ones(18), fit=1.0, fits=np.ones(18))
    assert found.smallest_p_value > 0.05
    assert np.isnan([found.half_width, found.interval.conf_low, found.interval.std_error]).all()
    assert found.detectable == np.inf


@given(st.integers(19, 120), st.floats(-5, 5), st.integers(0, 10_000))
@settings(max_examples=80, deadline=None)
def test_the_interval_excludes_zero_exactly_where_the_ranks_reject(count: int, estimate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = placebo_rank(estimate, rng.normal(size=count), fit=float(rng.uniform(0.5, 2)), fits=rng.uniform(0.5, 2, count))
    assert (abs(estimate) > found.half_width) == (found.p_value <= 0.05)
    assert found.interval.conf_high == pytest.approx(estimate + found.half_width)


def test_the_rank_rejects_a_true_null_at_most_as_often_as_it_says() -> None:
    """500 exchangeable draws of 40 units of unlike size: at most 5 %, 99.9 % binomial bound 42."""
    rng, rejected = np.random.default_rng(0), 0
    for _ in range(500):
        scale = rng.lognormal(0, 1, 40)
        values = rng.normal(size=40) * scale
        rejected += placebo_rank(float(values[0]), values[1:], fit=float(scale[0]), fits=scale[1:]).p_value <= 0.05
    assert rejected <= 42


# --- in the run ------------------------------------------------------------------------------------------------------


def test_a_large_effect_is_found_and_graded_three() -> None:
    panel = one_supported(effect=-25.0)
    study = estimate_effect(panel, QUESTION, plan=PLAN)
    reference = synthetic_did(panel.outcome[np.r_[1:26, 0]], n_controls=25, n_before=24)
    assert study.headline.estimate == pytest.approx(reference.estimate, rel=1e-9)
    assert (study.headline.method, study.headline.inference) == ("synthetic_did", "placebo")
    assert study.unit_periods == 12
    assert study.headline.conf_low < -25 < study.headline.conf_high < 0
    frozen = replace(PLAN, frozen=None)
    evidence = assess_evidence(study, QUESTION, plan=frozen, smallest_effect=5.0)
    assert evidence.verdict == "効果あり"
    assert [reason for reason in evidence.reasons if "点検" in reason] == []
    assert sum(donor.weight for donor in study.donors) == pytest.approx(1.0, abs=25 * 0.005)
    assert "第" in next(note for note in study.notes if note.startswith("比較に使った相手と重み"))


def test_the_path_before_the_start_is_that_of_the_mix_and_its_gap_after_is_the_estimate() -> None:
    study = estimate_effect(one_supported(effect=-25.0), QUESTION, plan=PLAN)
    gap = study.series["treated_mean"] - study.series["comparison_mean"]
    after = study.series["period"] >= START
    assert float(gap[after].mean()) == pytest.approx(study.headline.estimate, rel=1e-9)
    assert float(gap[~after].abs().mean()) < 3  # noise of 2 a month


def test_without_effect_nothing_is_claimed() -> None:
    verdicts = []
    for seed in range(12):
        study = estimate_effect(one_supported(seed=seed), QUESTION, plan=PLAN)
        verdicts.append(assess_evidence(study, QUESTION, plan=PLAN, smallest_effect=0.5).verdict)
    assert verdicts.count("判定不能") >= 10  # 12 draws at 5 %: three claims or more have a probability of 2 %


def test_with_ten_comparison_units_the_verdict_is_open_and_says_why() -> None:
    study = estimate_effect(one_supported(controls=10, effect=-60.0), QUESTION, plan=PLAN)
    evidence = assess_evidence(study, QUESTION, plan=PLAN, smallest_effect=1.0)
    assert evidence.verdict == "判定不能"
    assert evidence.maryland == 2
    assert np.isnan(study.headline.conf_low)
    assert any("19" in reason for reason in evidence.reasons)
    rank = next(check for check in study.checks if check.check_id == "rank_placebo")
    assert rank.outcome == "powerless" and "判定できません" in rank.sentence


def test_a_supported_department_that_drifts_anyway_is_no_success() -> None:
    claims = 0
    for seed in range(10):
        panel = one_supported(seed=seed)
        drift = panel.outcome.copy()
        drift[0] -= 0.6 * np.arange(36)
        study = estimate_effect(replace(panel, outcome=drift), QUESTION, plan=PLAN)
        claims += assess_evidence(study, QUESTION, plan=PLAN, smallest_effect=0.5).may_claim
    assert claims <= 1


def test_rank_p_above_holms_level_is_no_finding() -> None:
    """Among 25 units the smallest p is 1/26: with a second question Holm asks for 0.025, which no difference can reach."""
    study = estimate_effect(one_supported(effect=-60.0), QUESTION, plan=PLAN)
    evidence = assess_evidence(study, QUESTION, plan=PLAN, smallest_effect=1.0, family={"q1": study.headline.p_value, "q2": 0.9})
    assert evidence.verdict == "判定不能"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cohort": np.array([START, START - 3, *[np.inf] * 24])}, "分かれています"),
        ({"cohort": np.full(26, np.inf)}, "分かれています"),
        ({"cohort": np.array([START, *[START] * 24, np.inf])}, "2つ以上"),
        ({"cohort": np.array([float(FIRST + 2), *[np.inf] * 25])}, "3か月以上"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(change: dict[str, object], reason: str) -> None:
    with pytest.raises(NotIdentifiedError, match=reason):
        estimate_effect(replace(one_supported(), **change), QUESTION, plan=PLAN)


def test_relabelling_shifting_and_scaling_act_as_theory_says() -> None:
    panel = one_supported(effect=-8.0, seed=3)
    plain = estimate_effect(panel, QUESTION, plan=PLAN).headline
    order = np.random.default_rng(1).permutation(26)
    mixed = replace(panel, outcome=panel.outcome[order], units=panel.units[order], cohort=panel.cohort[order])
    again = estimate_effect(mixed, QUESTION, plan=PLAN).headline
    assert (again.estimate, again.p_value) == (pytest.approx(plain.estimate, rel=1e-6), plain.p_value)
    moved = estimate_effect(replace(panel, outcome=3 * panel.outcome + np.arange(36.0) + 7), QUESTION, plan=PLAN).headline
    assert moved.estimate == pytest.approx(3 * plain.estimate, rel=1e-6)
    assert moved.conf_high == pytest.approx(3 * plain.conf_high, rel=1e-6)


def test_the_study_is_stored_and_read_back(tmp_path) -> None:
    study = estimate_effect(one_supported(effect=-25.0), QUESTION, plan=PLAN)
    evidence = {"q1": assess_evidence(study, QUESTION, plan=PLAN, smallest_effect=5.0)}
    save_effects(tmp_path, {"q1": study}, evidence=evidence)
    back: Results = read_results(tmp_path)
    assert back.studies["q1"].donors == study.donors
    assert back.studies["q1"].headline == study.headline
    assert back.studies["q1"].placebos == study.placebos

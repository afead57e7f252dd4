"""The plan: what it says, how it is frozen, and how one is proposed from training dates only."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from kdx_eval.errors import PlanError
from kdx_eval.plan import (
    SIX_QUESTIONS,
    CourseFacts,
    IndicatorFacts,
    PlanFacts,
    freeze_plan,
    plan_digest,
    plan_from_answers,
    plan_from_dict,
    plan_to_dict,
    plan_to_yaml,
    propose_plan,
    read_plan,
)
from kdx_eval.units import FiscalYear, Month

YAML = """
title: 評価の計画
city: 架空市
request_fiscal_year: R9
evaluated_fiscal_year: 令和7年度
evaluated_through: 2026-09
questions:
  - question_id: rpa
    title: RPA研修は業務時間を減らしたか
    courses: [C01, C02]
    unit: department
    outcome: workload.minutes
    excluded_periods:
      - [2020-04, 2023-05]
    window: [2019-04, null]
"""


def write(folder, text, name="plan.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def test_a_short_plan_is_read_with_its_defaults(tmp_path):
    plan = read_plan(write(tmp_path, YAML))
    question = plan.question("rpa")
    assert plan.request_fiscal_year == FiscalYear(2027)
    assert plan.evaluated_fiscal_year == FiscalYear(2025)
    assert plan.heading == "R9要求 / R8上期まで評価"
    assert question.outcome.label == "業務時間"
    assert question.outcome.unit_label == "時間/課・月"
    assert question.outcome.hours_per_unit == 1.0
    assert question.threshold_share == 0.15
    assert question.smallest_effect == "break_even"
    assert question.excludes(Month.of(2023, 5)) and not question.excludes(Month.of(2023, 6))
    assert question.window == (Month.of(2019, 4), None)


@pytest.mark.parametrize("text", ["2027", "R9", "Ｒ９", "令和9年度", "令和９", "FY2027", "2027年度"])
def test_a_fiscal_year_may_be_written_in_several_ways(text):
    raw = plan_to_dict(proposal())
    raw["request_fiscal_year"] = text
    assert plan_from_dict(raw).request_fiscal_year == FiscalYear(2027)


def test_the_first_year_of_an_era_may_be_written_gannen():
    raw = plan_to_dict(proposal()) | {"request_fiscal_year": "R9", "evaluated_fiscal_year": "令和元年度"}
    assert plan_from_dict(raw).evaluated_fiscal_year == FiscalYear(2019)


def test_an_indicator_of_the_citys_own_needs_its_good_direction():
    raw = plan_to_dict(proposal())
    raw["questions"][0]["outcome"] = "indicators.complaints"
    with pytest.raises(PlanError, match="better"):
        plan_from_dict(raw)
    raw["questions"][0]["outcome"] = {"indicator_id": "complaints", "better": "lower", "label": "苦情"}
    outcome = plan_from_dict(raw).questions[0].outcome
    assert (outcome.key, outcome.better, outcome.hours_per_unit) == ("indicators.complaints", "lower", None)


def test_without_a_year_the_last_whole_fiscal_year_is_evaluated():
    raw = plan_to_dict(proposal())
    del raw["evaluated_fiscal_year"]
    assert plan_from_dict(raw | {"evaluated_through": "2026-09"}).evaluated_fiscal_year == FiscalYear(2025)
    assert plan_from_dict(raw | {"evaluated_through": "2026-03"}).evaluated_fiscal_year == FiscalYear(2025)


def test_an_unfrozen_plan_counts_as_made_afterwards(tmp_path):
    plan = read_plan(write(tmp_path, YAML))
    assert plan.evaluated_after_period
    assert "事後計画" in plan.freeze_note


def test_freezing_before_the_period_ends_is_recognised_beside_the_plan(tmp_path):
    path = write(tmp_path, YAML)
    frozen_path = freeze_plan(path, on=dt.date(2026, 9, 30))
    plan = read_plan(path)
    assert plan == read_plan(frozen_path)
    assert not plan.evaluated_after_period
    assert plan.frozen is not None and plan.frozen.sha256 == plan_digest(plan)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["plan.frozen.json", "plan.yaml"]


def test_freezing_on_the_day_after_the_period_is_afterwards(tmp_path):
    path = write(tmp_path, YAML)
    freeze_plan(path, on=dt.date(2026, 10, 1))
    assert read_plan(path).evaluated_after_period


def test_freezing_twice_keeps_the_first_date(tmp_path):
    path = write(tmp_path, YAML)
    first = freeze_plan(path, on=dt.date(2025, 3, 31)).read_bytes()
    assert freeze_plan(path, on=dt.date(2026, 3, 31)).read_bytes() == first


def test_a_plan_changed_since_it_was_frozen_says_so_and_is_not_overwritten(tmp_path):
    path = write(tmp_path, YAML)
    freeze_plan(path, on=dt.date(2025, 3, 31))
    write(tmp_path, YAML.replace("workload.minutes", "worktime.overtime_hours"))
    plan = read_plan(path)
    assert plan.changed_since_freeze and plan.evaluated_after_period and "凍結後に変更" in plan.freeze_note
    with pytest.raises(PlanError, match="すでに凍結"):
        freeze_plan(path, on=dt.date(2025, 4, 1))


def test_a_comment_does_not_change_the_hash_but_a_threshold_does(tmp_path):
    plan = read_plan(write(tmp_path, YAML))
    assert plan_digest(read_plan(write(tmp_path, "# 覚え書き\n" + YAML))) == plan_digest(plan)
    changed = replace(plan, questions=(replace(plan.questions[0], threshold_share=0.2),))
    assert plan_digest(changed) != plan_digest(plan)


def test_a_frozen_copy_that_was_edited_is_refused(tmp_path):
    frozen = freeze_plan(write(tmp_path, YAML), on=dt.date(2025, 3, 31))
    raw = json.loads(frozen.read_text(encoding="utf-8"))
    raw["plan"]["questions"][0]["threshold_share"] = 0.5
    write(tmp_path, json.dumps(raw), name="plan.frozen.json")
    with pytest.raises(PlanError, match="書き換え"):
        read_plan(frozen)


# --- proposals -------------------------------------------------------------------------------------------------

MONTHS = {"workload": (Month.of(2022, 4), Month.of(2026, 3))}


def course(*months, **given):
    facts = {"course_id": "C01", "course_name": "RPA研修", "n_trained": 100, "n_staff": 600, "n_units": 20, "months": months}
    return CourseFacts(**{**facts, **given})


def proposal(*courses, **facts):
    given = {"months": MONTHS, **facts}
    staggered = course(*(Month.of(2024, 4 + 3 * (number % 3)) for number in range(6)))
    return propose_plan(PlanFacts(courses=courses or (staggered,), **given))


def test_different_starts_are_compared_with_departments_not_yet_trained():
    question = proposal().questions[0]
    assert (question.design, question.control, question.role) == ("staggered", "not_yet_treated", "primary")
    assert question.explanation == "受講を始めた時期が課ごとに違うので、まだ受けていない課と比べます"
    assert question.outcome.key == "workload.minutes"
    assert question.cohort_width == "quarter"


@pytest.mark.parametrize(
    ("facts", "design", "role"),
    [
        (course(Month.of(2024, 4), Month.of(2024, 7), Month.of(2024, 10), compulsory=True), "everyone", "completion_only"),
        (course(*[Month.of(2024, 5)] * 20, n_trained=590), "everyone", "completion_only"),
        (course(*[Month.of(2024, 5)] * 20), "everyone", "completion_only"),
        (course(Month.of(2024, 5)), "single", "completion_only"),
        (course(Month.of(2024, 5), Month.of(2024, 8)), "staggered", "completion_only"),
        (course(*[Month.of(2024, 5)] * 3), "staggered", "primary"),
        (course(*[Month.of(2024, 5)] * 18), "staggered", "completion_only"),
        (course(*[Month.of(2024, 5)] * 17), "staggered", "primary"),
    ],
)
def test_the_design_follows_from_who_was_trained_when(facts, design, role):
    question = proposal(facts).questions[0]
    assert (question.design, question.role) == (design, role)
    assert question.explanation


def test_a_course_nobody_took_is_not_asked_about():
    with pytest.raises(PlanError, match="受講した人"):
        proposal(course(n_trained=0))


def test_two_years_of_work_time_are_preferred_to_overtime_and_overtime_to_indicators():
    short = {"workload": (Month.of(2025, 4), Month.of(2026, 3)), "worktime": (Month.of(2022, 4), Month.of(2026, 3))}
    assert proposal(months=short).questions[0].outcome.key == "worktime.overtime_hours"
    only = {"indicators": (Month.of(2022, 4), Month.of(2026, 3))}
    indicators = (IndicatorFacts(indicator_id="genai_uses", unit="department"),)
    assert proposal(months=only, indicators=indicators).questions[0].outcome.key == "indicators.genai_uses"


def test_without_any_outcome_only_completion_is_reported():
    question = proposal(months={}).questions[0]
    assert question.role == "completion_only"


def test_covid_months_are_left_out_when_a_year_before_the_first_cohort_remains():
    late = course(*(Month.of(2024, 6 + 3 * (number % 3) - 1) for number in range(6)))
    early = course(*(Month.of(2024, 4 + 3 * (number % 3)) for number in range(6)))
    # 2023-06 .. 2024-05 are twelve months; 2023-06 .. 2024-03 are not.
    assert proposal(course(*[Month.of(2024, 6)] * 4)).questions[0].excluded_periods == ((Month.of(2022, 4), Month.of(2023, 5)),)
    assert proposal(late).questions[0].excluded_periods == ()
    assert proposal(early).questions[0].excluded_periods == ()


def test_the_request_follows_the_data_by_the_budget_calendar():
    assert proposal().request_fiscal_year == FiscalYear(2027)  # data to March 2026, request due October 2026
    autumn = {"workload": (Month.of(2022, 4), Month.of(2026, 9))}
    assert proposal(months=autumn).request_fiscal_year == FiscalYear(2027)


def test_six_questions_are_asked():
    assert len(SIX_QUESTIONS) == 6
    assert all(question.text.endswith("か") and question.hint for question in SIX_QUESTIONS)


def test_answers_adapt_the_proposal():
    other = course(*[Month.of(2024, 5)] * 4, course_id="C02", course_name="生成AI研修")
    facts = PlanFacts(courses=(course(*[Month.of(2024, 5)] * 4), other), months=MONTHS)
    answers = {
        "courses": "生成AI研修",
        "outcome": "時間外勤務",
        "order": "抽選",
        "request_fiscal_year": "令和9年度",
        "evaluated_through": "2025-09",
        "smallest_effect": "1.5",
        "city": "架空市",
    }
    plan = plan_from_answers(answers, facts)
    assert [question.courses for question in plan.questions] == [("C02",)]
    question = plan.questions[0]
    assert question.design == "lottery"
    assert question.outcome.key == "worktime.overtime_hours"
    assert question.title == "生成AI研修は時間外勤務時間を減らしたか"
    assert question.smallest_effect == 1.5
    assert (plan.evaluated_through, plan.evaluated_fiscal_year) == (Month.of(2025, 9), FiscalYear(2024))
    assert plan.city == "架空市"


def test_empty_answers_keep_the_proposal():
    facts = PlanFacts(courses=(course(*[Month.of(2024, 5)] * 4),), months=MONTHS)
    assert plan_from_answers({question.key: "" for question in SIX_QUESTIONS}, facts) == propose_plan(facts)


def test_a_lottery_is_never_guessed():
    assert proposal(course(*[Month.of(2024, 5)] * 4)).questions[0].design == "staggered"


def test_yaml_with_comments_reads_back_the_same_plan(tmp_path):
    plan = proposal(city="架空市")
    text = plan_to_yaml(plan)
    assert "# 比べ方: lottery（抽選）" in text
    assert read_plan(write(tmp_path, text)) == plan

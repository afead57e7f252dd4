"""Five levels: what is known at each, that nothing passes for more than it shows, and that missing data is said and not filled in."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_city
from small_tables import SmallTables

from kdx_eval.budget import YenRange
from kdx_eval.policy.level_items import LEVELS, LevelItem
from kdx_eval.policy.level_records import learning_items, project_items, reaction_items, supervisor_items
from kdx_eval.policy.level_results import result_items, return_items, tool_items
from kdx_eval.policy.levels import Levels, complete, sort_by_level
from kdx_eval.policy.parts import NothingYet
from kdx_eval.policy.skills import skill_map_of
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.policy_parts.levels import SECTION
from kdx_eval.results import read_results, save_result
from kdx_eval.savings import Hours, SavingsLine
from kdx_eval.schema.policy_version import load_policy
from kdx_eval.units import FiscalYear

POLICY, YEAR = load_policy(), FiscalYear(2025)
TRAINING = "staff_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE, test_score DOUBLE, satisfaction DOUBLE"
DAY = dt.date(2025, 6, 1)
Row = tuple[object, ...]


class City(SmallTables):
    """Tables with the policy's versions beside them."""

    def policies(self) -> tuple[Any, ...]:
        return (POLICY,)


def answered(count: int, *, course: str = "A", satisfaction: float | None = 4, score: float | None = None, start: int = 0, day: dt.date = DAY) -> list[Row]:
    return [(f"s{k}", course, day, day, score, satisfaction) for k in range(start, start + count)]


def test_satisfaction_counts_those_who_answered_and_says_how_many_did_not() -> None:
    # 12 say 5, 8 say 3, 20 say nothing: mean 4.2 of 20 answers, half of the 40 who came.
    rows = [*answered(12, satisfaction=5), *answered(8, satisfaction=3, start=12), *answered(20, satisfaction=None, start=20)]
    rows += [*answered(9, course="B"), *answered(30, course="C", day=dt.date(2024, 6, 1))]
    known, masked = reaction_items(SmallTables(training=(TRAINING, rows)), year=YEAR)
    assert (known.subject, known.value, known.persons) == ("A", pytest.approx(4.2), 20)
    assert "受講40人のうち50%が回答（回答は3～5）" in known.sentence
    assert (masked.subject, masked.state, masked.value, masked.persons) == ("B", "masked", None, None)  # last year's course C is not listed


SKILLS = "staff_id VARCHAR, skill_area VARCHAR, assessed_on DATE, score DOUBLE, instrument VARCHAR"
TIERS = "staff_id VARCHAR, tier VARCHAR, valid_from DATE, valid_to DATE"


def assessed(by: str, before: float, after: float, *, people: range) -> list[Row]:
    area = "BPR・業務改善"
    first, last = dt.date(2024, 6, 1), dt.date(2025, 6, 1)
    return [(f"s{k}", area, day, score, by) for k in people for day, score in ((first, before), (last, after))]


def assessments() -> City:
    rows = [*assessed("test", 50, 60, people=range(12)), *assessed("test", 50, 51, people=range(12, 24))]
    rows += [*assessed("supervisor", 2, 4, people=range(12)), *assessed("self", 2, 5, people=range(12))]
    training = [(f"s{k}", "DXBPR", dt.date(2024, 9, 1), dt.date(2024, 10, 1), None, None) for k in range(12)]
    tiers = [(f"s{k}", "全職員", dt.date(2020, 4, 1), None) for k in range(24)]
    return City(skills=(SKILLS, rows), tiers=(TIERS, tiers), training=(TRAINING, training))


def test_a_test_is_learning_a_supervisor_sees_behaviour_and_ones_own_view_is_neither() -> None:
    city = assessments()
    skills = skill_map_of(city, policies=(POLICY,), year=YEAR)
    (learnt,) = learning_items(city, skills, year=YEAR)
    assert (learnt.level, learnt.value, learnt.persons) == (2, 10.0, 12)
    assert "同じ期間に受けなかった人は1.00点" in learnt.sentence
    assert "効果ではありません" in learnt.sentence
    (seen,) = supervisor_items(skills)
    assert (seen.level, seen.value, seen.persons) == (3, 2.0, 12)
    assert "受けなかった人の値はありません" in seen.sentence


def test_projects_are_counted_by_the_end_of_the_year() -> None:
    columns = "intervention_id VARCHAR, department_id VARCHAR, started_on DATE, live_on DATE"
    rows = [("1", "a", DAY, dt.date(2025, 9, 1)), ("2", "a", DAY, dt.date(2026, 9, 1)), ("3", "b", DAY, None), ("4", "c", dt.date(2026, 5, 1), None)]
    (item,) = project_items(SmallTables(interventions=(columns, rows)), year=YEAR)
    assert (item.level, item.value, item.persons) == (3, 3.0, None)
    assert "2課で着手し、1件が稼働" in item.sentence


def plan_with(indicator: str | None) -> tuple[Any, Any]:
    results = report_city.city()
    assert results.plan is not None
    question = results.plan.questions[0]
    asked = replace(question, outcome=replace(question.outcome, indicator_id=indicator))
    return replace(results.plan, questions=(asked,)), results


def test_use_of_a_tool_is_behaviour_and_days_or_hours_are_results() -> None:
    for indicator, level in (("genai_uses", 3), ("processing_days", 4), (None, 4)):
        plan, results = plan_with(indicator)
        items = [*tool_items(plan, results.evidence, studies=results.studies), *result_items(plan, results.evidence, studies=results.studies)]
        (item,) = items
        judged = results.evidence[plan.questions[0].question_id]
        assert item.level == level
        assert item.title == f"判定：{judged.verdict}"
        assert judged.headline_sentence.endswith(item.sentence)


def test_the_return_by_hand_is_a_reference_and_needs_a_proven_effect() -> None:
    results = report_city.city()
    assert results.savings is not None
    assert results.budget is not None
    # 1 000 hours in class at 4 000 yen: 4 000 000. Cost 6 000 000, net value of the hours 16 000 000: (16 - 6) / (6 + 4) = 1.
    worth = YenRange(yen=16_000_000, low=1_000_000, high=26_000_000)
    lines = tuple(replace(line, may_claim=True) for line in results.savings.lines)  # nothing undecided: the whole value enters
    savings = replace(results.savings, lines=lines, may_claim=True, attendance_hours=1_000.0)
    budget = replace(results.budget, cost_yen=6_000_000, reference_value=worth, price=report_city.PRICE)
    cash, gain = return_items(savings, budget)
    assert (cash.title, cash.unit) == ("予算が実際に減る額", "円")
    assert (gain.value, gain.low, gain.high) == (1.0, -0.5, 2.0)
    assert "現金の収支ではありません" in gain.sentence
    _, none = return_items(replace(savings, may_claim=False), budget)
    assert (none.state, none.value) == ("none", None)
    assert list(return_items(None, budget)) == []
    assert list(return_items(savings, replace(budget, cost_yen=None))) == []


def test_hours_of_which_nothing_is_certain_stay_out_of_the_return_and_stand_beside_it() -> None:
    results = report_city.city()
    assert results.savings is not None
    assert results.budget is not None
    # Three lines of the total: 5,000 h that may be claimed, 1,000 h more that were lost, 2,000 h undecided. 5,000 - 1,000 - 1,000 in class at 4,000
    # yen are 12,000,000; (12 - 6) / (6 + 4) = 0.6. Uncorrelated half widths of 300 and 400 h make 500 h: 10 and 14 million.
    first = results.savings.lines[0]

    def line(key: str, verdict: str, hours: float, half: float) -> SavingsLine:
        saved = Hours(hours=hours, std_error=half / 2, conf_low=hours - half, conf_high=hours + half)
        return replace(first, question_id=key, verdict=verdict, saved=saved, in_total=True, may_claim=verdict == "効果あり")  # type: ignore[arg-type]

    lines = (line("a", "効果あり", 5_000.0, 300.0), line("b", "逆効果", -1_000.0, 400.0), line("c", "判定不能", 2_000.0, 5_000.0))
    correlation = tuple(tuple(1.0 if row == column else 0.0 for column in range(3)) for row in range(3))
    savings = replace(results.savings, lines=lines, correlation=correlation, may_claim=True, attendance_hours=1_000.0)
    worth = YenRange(yen=20_000_000, low=1, high=2)
    budget = replace(results.budget, cost_yen=6_000_000, reference_value=worth, price=report_city.PRICE)
    _, gain, rest = return_items(savings, budget)
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.6, 0.4, 0.8))
    assert "判定がついた問いの時間だけ" in gain.sentence
    assert (rest.title, rest.value, rest.low, rest.high, rest.unit) == ("未確定の時間", 2_000.0, -3_000.0, 7_000.0, "時間")
    assert "収益率に入れていません" in rest.sentence


def test_every_level_without_data_says_what_to_collect() -> None:
    items = complete([LevelItem(level=2, title="研修後のテストの平均", value=60.0, unit="点", persons=20)])
    assert [item.level for item in items] == list(LEVELS)
    assert [item.state for item in items] == ["none", "known", "none", "none", "none"]
    assert all(item.sentence for item in items if item.state == "none")


def whole() -> Levels:
    return sort_by_level(assessments(), plan=report_city.plan(()), so_far=NothingYet())  # type: ignore[arg-type]


def test_links_ideals_and_the_log_are_marked_by_what_they_rest_on() -> None:
    found = whole()
    assert {one.link.status for one in found.links} == {"toolkit"}
    first = next(one for one in found.links if one.skill_area == "BPR・業務改善")
    assert first.link.role_type == "ビジネスアーキテクト"
    assert [one.ideal for one in found.ideals] == ["革新力", "協働力", "業務処理力", "全体の奉仕者意識"]
    assert [one.is_known for one in found.ideals] == [True, False, False, False]
    assert found.ideals[3].found == "データなし"
    assert [one.date for one in found.trends] == sorted(one.date for one in found.trends)
    assert all(one.source for one in found.trends)
    assert [one.status for one in found.trends if "特別交付税措置の令和8年度" in one.event] == ["check"]


@pytest.mark.parametrize(("hours", "known"), [(1.0, True), (None, False)])
def test_the_ideal_of_getting_work_done_is_shown_by_questions_on_hours_alone(hours: float | None, known: bool) -> None:
    plan, results = plan_with("processing_days")
    asked = replace(plan.questions[0], outcome=replace(plan.questions[0].outcome, hours_per_unit=hours))
    found = sort_by_level(assessments(), plan=replace(plan, questions=(asked,)), so_far=results)  # type: ignore[arg-type]
    assert any(item.level == 4 and item.state == "known" for item in found.items)
    assert found.ideals[2].is_known is known


def test_the_four_ideals_and_the_skill_standard_are_those_of_the_policy(shared: Path) -> None:
    (source,) = (shared / "seed").glob("*.txt")
    text = source.read_text(encoding="utf-8")
    assert all(f"『{one.ideal}』" in text for one in POLICY.supplements.ideals)
    assert all(f"「{one.role_type}」" in text for one in POLICY.supplements.links)


def test_levels_are_stored_and_read_back_and_shown(tmp_path: Path) -> None:
    found = whole()
    assert save_result(tmp_path, found).name == "policy_levels.json"
    assert read_results(tmp_path).policy["levels"] == found
    ledger = build_ledger(report_city.city(policy={"levels": found}))
    blocks = str(list(SECTION.blocks(ledger, found)))
    for words in ("データなし", "独自の対応付け", "要確認", "革新力"):
        assert words in blocks
    place = next(k for k, item in enumerate(found.items) if item.level == 3)
    assert ledger.text(f"levels.item.{place}.value") == "+2.00点"

"""Hours: every frozen question counted, nothing counted twice, cash never above what really fell."""

from __future__ import annotations

import dataclasses
import math

import pandas as pd
import pytest

from kdx_eval.errors import RuleError
from kdx_eval.evidence import assess_evidence
from kdx_eval.savings import SavingsFacts, check_cash, check_claims, count_savings, gather_facts
from tests.spec.money_cases import OVERTIME, USES, plan, question, reach, study


def count(studies, *questions, facts=None):
    the_plan = plan(*questions)
    evidence = {key: assess_evidence(one, the_plan.question(key), plan=the_plan, smallest_effect=1.0) for key, one in studies.items()}
    return count_savings(evidence, studies, plan=the_plan, facts=facts)


def test_one_question_by_hand():
    found = count({"q1": study()}, question(), facts=SavingsFacts(reach=reach(("course_q1", 100, 90, 60.0))))
    line = found.lines[0]
    # 3 h less a unit-month x 120 unit-months; the interval keeps its ends: (3 -+ 2.086 x 0.5) x 120.
    assert line.saved.hours == pytest.approx(360.0)
    assert (line.saved.conf_low, line.saved.conf_high) == pytest.approx((234.84, 485.16), abs=0.01)
    assert (line.baseline_hours, line.share_of_baseline) == (pytest.approx(12_000.0), pytest.approx(0.03))
    assert found.net.hours == pytest.approx(300.0)
    assert found.person_equivalent == pytest.approx(300 / 1883)
    assert "1,883時間" in found.person_basis
    assert found.may_claim


def test_a_question_that_cost_hours_is_subtracted_and_never_left_out():
    found = count({"q1": study(), "q2": study("q2", estimate=1.0)}, question(), question("q2"))
    assert found.created.hours == pytest.approx(360 - 120)
    assert any("増えた問い" in text for text in found.notes)


def test_an_undecided_question_is_in_the_total_but_may_not_be_claimed():
    found = count({"q1": study(estimate=-0.2)}, question())
    assert found.lines[0].verdict == "判定不能"
    assert found.created.hours == pytest.approx(24.0)
    assert not found.may_claim
    assert not found.lines[0].may_claim


@pytest.mark.parametrize(
    ("values", "correlation", "std_error"),
    [
        ([1.0, -1.0, 2.0, -2.0], 1.0, 120.0),  # the same units push both: errors add, 60 + 60
        ([-1.0, 1.0, -2.0, 2.0], -1.0, 0.0),
        ([2.0, -2.0, -1.0, 1.0], 0.0, math.hypot(60, 60)),
    ],
)
def test_the_total_keeps_the_covariance_between_questions(values, correlation, std_error):
    other = study("q2", influence=pd.DataFrame({"unit": ["a", "b", "c", "d"], "value": values}))
    found = count({"q1": study(), "q2": other}, question(), question("q2"))
    assert found.correlation[0][1] == pytest.approx(correlation)
    assert found.created.std_error == pytest.approx(std_error, abs=1e-9)


def test_units_of_different_kinds_cannot_be_matched_and_take_the_widest_total():
    found = count({"q1": study(), "q2": study("q2")}, question(), question("q2", unit="process"))
    assert found.correlation[0][1] == 1.0


def test_overtime_is_inside_working_time_of_the_same_course_and_is_not_added():
    inside = question("q2", courses=("course_q1",), outcome=OVERTIME)
    found = count({"q1": study(), "q2": study("q2", estimate=-2.0)}, question(), inside)
    assert found.created.hours == pytest.approx(360.0)
    assert (found.lines[1].in_total, found.lines[1].benefit_class) == (False, "時間外勤務手当の縮減")
    assert "うち" in found.lines[1].note


def test_hours_on_the_time_sheet_hold_the_work_done_and_are_not_added_either():
    sheet = dataclasses.replace(OVERTIME, measure="total_hours")
    found = count({"q1": study(), "q2": study("q2")}, question(), question("q2", courses=("course_q1",), outcome=sheet))
    assert found.created.hours == pytest.approx(360.0)
    assert (found.lines[1].in_total, found.lines[1].benefit_class) == (False, "業務時間の創出（予算額は減らない）")


def test_where_overtime_is_all_there_is_it_makes_the_total():
    found = count({"q1": study(estimate=-2.0)}, question(outcome=OVERTIME))
    assert found.created.hours == pytest.approx(240.0)


def test_attendance_counts_each_course_once_and_only_in_the_evaluated_year():
    frame = pd.concat([reach(("course_q1", 10, 10, 30.0), ("x", 5, 5, 99.0)), reach(("course_q1", 10, 10, 70.0)).assign(fiscal_year=2024)])
    both = question("q2", courses=("研修 course_q1",), outcome=OVERTIME)  # the same course, by its name
    found = count({"q1": study(), "q2": study("q2")}, question(), both, facts=SavingsFacts(reach=frame))
    assert found.attendance_hours == 30.0


def test_an_outcome_without_conversion_is_qualitative_and_has_no_total():
    found = count({"q1": study(better="higher", hours_per_unit=None, estimate=3.0)}, question(outcome=USES))
    assert found.lines[0].benefit_class == "定性的効果"
    assert found.lines[0].note.endswith("金額換算なし。")
    assert (found.created, found.net, found.person_equivalent) == (None, None, None)


def test_the_same_hours_of_one_course_in_two_primary_questions_are_refused():
    with pytest.raises(RuleError, match="二重"):
        count({"q1": study(), "q2": study("q2")}, question(), question("q2", courses=("course_q1",)))


CLAIM = {"department_id": "d", "process_id": "p", "fiscal_year": 2025}


def test_claims_of_two_projects_over_the_hours_there_were_are_refused_without_naming_anybody():
    # RPA claims 700 h and BPR 400 h of a process that took 1,000 h.
    claims = pd.DataFrame([CLAIM | {"hours": 700.0}, CLAIM | {"hours": 400.0}])
    with pytest.raises(RuleError, match="1件") as caught:
        check_claims(claims, pd.DataFrame([CLAIM | {"hours": 1000.0}]))
    assert caught.value.exit_status == 10
    check_claims(claims, pd.DataFrame([CLAIM | {"hours": 1100.0}]))


def test_cash_above_the_fall_in_overtime_and_budget_is_refused():
    check_cash(300, overtime_fall_yen=200, budget_fall_yen=100)
    with pytest.raises(RuleError, match="実際の減少"):
        check_cash(301, overtime_fall_yen=200, budget_fall_yen=100)
    with pytest.raises(RuleError):
        check_cash(1, overtime_fall_yen=-500, budget_fall_yen=0)


def overtime(before, after, *, yen=2500):
    return pd.DataFrame({"fiscal_year": [2024, 2025], "overtime_hours": [before, after], "paid_overtime_yen": [int(before * yen), int(after * yen)]})


@pytest.mark.parametrize(
    ("before", "after", "hours", "yen", "limited"),
    [
        (10_000.0, 9_000.0, 240.0, 600_000, False),  # 240 h x 2,500 yen, below the fall of 1,000 h
        (10_000.0, 9_900.0, 100.0, 250_000, True),  # only 100 h fell
        (10_000.0, 10_500.0, 0.0, 0, True),  # it rose: nothing leaves the budget
    ],
)
def test_cash_is_the_estimate_or_the_real_fall_whichever_is_smaller(before, after, hours, yen, limited):
    found = count({"q1": study(estimate=-2.0)}, question(outcome=OVERTIME), facts=SavingsFacts(overtime=overtime(before, after))).cash
    assert (found.cash_hours, found.cash_yen, found.limited) == (hours, yen, limited)


def test_no_cash_on_a_comparison_whose_key_check_had_no_power():
    weak = study(estimate=-2.0)
    weak = dataclasses.replace(weak, checks=tuple(dataclasses.replace(check, outcome="powerless") for check in weak.checks))
    found = count({"q1": weak}, question(outcome=OVERTIME), facts=SavingsFacts(overtime=overtime(10_000.0, 9_000.0)))
    assert found.lines[0].may_claim  # the hours may be named, with their limits
    assert (found.cash.cash_yen, found.cash.estimated_hours) == (0, 0)
    assert "参考程度" in found.cash.sentence


def test_no_cash_without_an_effect_that_may_be_claimed():
    facts = SavingsFacts(overtime=overtime(10_000.0, 9_000.0))
    found = count({"q1": study(estimate=-0.2)}, question(outcome=OVERTIME), facts=facts).cash
    assert (found.cash_yen, found.estimated_hours) == (0, 0)
    assert found.sentence.startswith("予算が実際に減る額はありません")


def test_the_bridge_from_created_to_redeployed_leaves_the_rest_unexplained():
    frame = pd.DataFrame(
        {"department_id": ["a", "b", "c"], "fiscal_year": [2025, 2025, 2024], "hours": [100.0, 50.0, 999.0], "destination": ["窓口", None, "窓口"]}
    )
    found = count({"q1": study()}, question(), facts=SavingsFacts(redeployment=frame)).bridge
    assert (found.redeployed_hours, found.unexplained_hours) == (150.0, pytest.approx(210.0))
    assert found.destinations == (("窓口", 100.0), ("（再配分先の記入なし）", 50.0))


class City:
    """A small dataset in memory: tables as the loader names them."""

    def __init__(self, **tables: pd.DataFrame) -> None:
        self.tables = tables

    def has(self, table):
        return table in self.tables

    def columns(self, table):
        return tuple(self.tables[table].columns)

    def connect(self):
        import duckdb

        connection = duckdb.connect()
        for name, frame in self.tables.items():
            connection.register(f"{name}_frame", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_frame")
        return connection


def test_facts_compare_the_same_months_of_both_years_and_nothing_later():
    months = pd.to_datetime(["2024-04-01", "2024-05-01", "2025-04-01", "2025-06-01", "2026-04-01"])
    worktime = pd.DataFrame(
        {"department_id": "d", "month": months, "overtime_hours": [30.0, 99.0, 20.0, 99.0, 99.0], "paid_overtime_yen": [75_000, 9, 50_000, 9, 9]}
    )
    found = gather_facts(City(worktime=worktime), plan=plan())
    # Only April stands in both years.
    assert found.overtime.to_dict("list") == {"fiscal_year": [2024, 2025], "overtime_hours": [30.0, 20.0], "paid_overtime_yen": [75_000, 50_000]}
    assert (found.redeployment, found.claims, found.baseline) == (None, None, None)


def test_claims_of_interventions_are_held_against_the_fullest_year_of_the_process():
    months = pd.to_datetime(["2024-04-01", "2025-04-01"])
    workload = pd.DataFrame({"process_id": "p", "department_id": "d", "month": months, "minutes": [60_000.0, 6_000.0]})
    interventions = pd.DataFrame(
        {"department_id": ["d", "d"], "process_id": ["p", "p"], "claimed_hours": [900.0, 200.0], "live_on": pd.to_datetime(["2025-05-01", "2026-05-01"])}
    )
    facts = gather_facts(City(workload=workload, interventions=interventions), plan=plan())
    assert facts.claims["hours"].tolist() == [900.0]  # the second is not live yet
    assert facts.baseline["hours"].tolist() == [1000.0]
    check_claims(facts.claims, facts.baseline)


def test_facts_of_a_city_without_these_tables_are_empty():
    assert repr(gather_facts(City(), plan=plan())) == "SavingsFacts(nothing)"

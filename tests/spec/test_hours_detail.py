"""Hours in detail: parts that sum to the total, against a slow computation and the known truth; per person, full year, bridge, books."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect.estimate import estimate_effect
from kdx_eval.effect.staggered import judged_study
from kdx_eval.evidence import assess_evidence
from kdx_eval.panel.build import Panels
from kdx_eval.panel.type import Panel
from kdx_eval.results import read_results, save_savings
from kdx_eval.savings import SavingsFacts, count_savings
from kdx_eval.savings.reconcile import reconcile
from kdx_eval.savings.records import read_basis, read_staff, read_years
from kdx_eval.savings.units import split_hours
from kdx_eval.units import FiscalYear, Month, round_to_total
from tests.hours_city import Delivered, books, project, projects, register
from tests.small_panels import make_panel
from tests.spec.money_cases import HOURS, OVERTIME, USES, plan, question, study

FIRST = Month.of(2023, 4).index


def monthly(panel: Panel) -> Panel:
    """The small panel on real months, April 2023 to March 2026."""
    return dataclasses.replace(panel, periods=panel.periods + FIRST, cohort=panel.cohort + FIRST, monthly=True)


@pytest.fixture(scope="module")
def small():
    panel = monthly(make_panel(effect=-6.0, seed=3, never=9))
    the_plan = plan(question())
    return panel, the_plan, estimate_effect(panel, the_plan.question("q1"), plan=the_plan)


def by_hand(panel: Panel, cohort: float, start: int) -> dict[str, float]:
    """Hours of each unit of one cohort, month by month in plain loops: own change less the comparison's in proportion to hours before."""
    months = [t for t in range(24, 36) if t >= start]
    members = np.flatnonzero(panel.cohort == cohort)
    change, before, others = dict.fromkeys(members, 0.0), dict.fromkeys(members, 0.0), 0.0
    for t in months:
        past = [p for p in range(36) if FIRST + p < cohort and (t - p) % 12 == 0]
        rest = [j for j in range(panel.n_units) if panel.cohort[j] > FIRST + t]
        for i in members:
            base = sum(panel.outcome[i, p] for p in past) / len(past)
            change[i] += panel.outcome[i, t] - base
            before[i] += base
        others += sum(panel.outcome[j, t] - sum(panel.outcome[j, p] for p in past) / len(past) for j in rest) / len(rest)
    mean = sum(before.values()) / len(members)
    return {str(panel.units[i]): -(change[i] - others * before[i] / mean) for i in members}


def test_hours_by_department_are_those_of_plain_loops_and_sum_to_the_total(small):
    panel, the_plan, found = small
    split = split_hours(found, panel, question=the_plan.question("q1"), plan=the_plan)
    assert len(split.departments) == 12
    assert split.processes == ()
    slow = by_hand(panel, FIRST + 18.0, 21) | by_hand(panel, FIRST + 21.0, 24)
    assert {unit.department_id: unit.hours for unit in split.departments} == pytest.approx(slow)
    total = -found.total
    for field in ("hours", "shrunken"):
        assert math.fsum(getattr(unit, field) for unit in split.departments) == pytest.approx(total)
    assert all(unit.conf_low < unit.hours < unit.conf_high and unit.shrunken_low < unit.shrunken < unit.shrunken_high for unit in split.departments)
    assert math.fsum(unit.baseline_hours for unit in split.departments) == pytest.approx(found.baseline_mean * found.unit_periods)


def test_shrunken_departments_lie_closer_to_an_effect_that_is_the_same_share_everywhere():
    raw, shrunken, covered = [], [], []
    for seed in range(10):
        panel = monthly(make_panel(seed=seed, never=12))
        share = np.where(panel.periods[None, :] >= panel.cohort[:, None], 0.05, 0.0)
        panel = dataclasses.replace(panel, outcome=panel.outcome * (1 - share))
        the_plan = plan(question())
        split = split_hours(judged_study(panel, the_plan.question("q1"), plan=the_plan), panel, question=the_plan.question("q1"), plan=the_plan)
        for unit in split.departments:
            truth = 0.05 * unit.baseline_hours
            raw.append(unit.hours - truth)
            shrunken.append(unit.shrunken - truth)
            covered.append(unit.conf_low <= truth <= unit.conf_high)
    assert np.mean(np.square(shrunken)) < 0.7 * np.mean(np.square(raw))
    # 120 intervals of 95 %: three standard errors of the share are 0.06; units of one panel share their comparison, hence twice that.
    assert abs(np.mean(covered) - 0.95) < 0.12


def test_processes_sum_to_their_department_and_are_left_out_where_some_are_missing(small):
    panel, the_plan, found = small
    rng = np.random.default_rng(5)
    part = rng.uniform(0.3, 0.7, (panel.n_units, 1))
    outcome = np.concatenate([panel.outcome * part, panel.outcome * (1 - part)])
    names = np.array([f"{unit}/{process}" for process in "ab" for unit in panel.units], dtype=object)
    inner = dataclasses.replace(panel, outcome=outcome, units=names, cohort=np.tile(panel.cohort, 2), persons=np.tile(panel.persons, 2))
    asked = the_plan.question("q1")
    split = split_hours(found, panel, question=asked, plan=the_plan, processes=inner)
    assert len(split.processes) == 24
    for department in split.departments:
        members = [unit for unit in split.processes if unit.department_id == department.department_id]
        for field in ("hours", "shrunken"):
            assert math.fsum(getattr(unit, field) for unit in members) == pytest.approx(getattr(department, field))
    short = dataclasses.replace(inner, outcome=inner.outcome[1:], units=names[1:], cohort=inner.cohort[1:], persons=inner.persons[1:])
    assert split_hours(found, panel, question=asked, plan=the_plan, processes=short).processes == ()


def test_a_department_without_hours_before_does_not_break_the_split(small):
    panel, the_plan, _ = small
    outcome = panel.outcome.copy()
    outcome[0] = 0.0
    empty = dataclasses.replace(panel, outcome=outcome)
    found = estimate_effect(empty, the_plan.question("q1"), plan=the_plan)
    split = split_hours(found, empty, question=the_plan.question("q1"), plan=the_plan)
    assert math.fsum(unit.shrunken for unit in split.departments) == pytest.approx(-found.total)
    assert all(math.isfinite(unit.shrunken) for unit in split.departments)


def test_an_outcome_without_hours_and_a_total_that_units_do_not_make_up_have_no_parts(small):
    panel, the_plan, found = small
    asked = the_plan.question("q1")
    assert split_hours(dataclasses.replace(found, hours_per_unit=None), panel, question=asked, plan=the_plan).note.startswith("時間への換算がない")
    other = dataclasses.replace(found, headline=dataclasses.replace(found.headline, estimate=found.headline.estimate - 1))
    assert "分けられません" in split_hours(other, panel, question=asked, plan=the_plan).note


def counted(found, panel, the_plan, **facts):
    panels = Panels(panels={"q1": panel}, refused={}, completion=pd.DataFrame(), attendance_hours={}, plan=the_plan)
    evidence = {"q1": assess_evidence(found, the_plan.question("q1"), plan=the_plan, smallest_effect=1.0)}
    return count_savings(evidence, {"q1": found}, plan=the_plan, facts=SavingsFacts(panels=panels, **facts))


def test_the_details_of_a_small_city_and_their_way_through_json(small, tmp_path):
    panel, the_plan, found = small
    redeployment = pd.DataFrame({"department_id": ["d0", "d0", "dx"], "fiscal_year": 2025, "hours": [30.0, 10.0, 5.0], "destination": ["窓口", None, "訪問"]})
    staff = {f"d{k}": 10.0 for k in range(21)}
    savings = counted(found, panel, the_plan, redeployment=redeployment, staff=staff, names={"d0": "髙﨑課"}, years=books())
    assert savings.may_claim
    # 12 departments of 10 persons; a full year is 12 x 12 months where the evaluated year had 6 x 12 and 6 x 12 treated ones.
    (one,) = savings.per_person
    assert (one.persons, one.per_person) == (120.0, pytest.approx(savings.created.hours / 120))
    assert savings.annualised.hours == pytest.approx(savings.created.hours * 144 / found.unit_periods)
    assert [year.year for year in savings.persistence] == [1, 2]
    assert savings.persistence[0].hours > 0
    rows = savings.bridge.departments
    assert math.fsum(row.created_hours for row in rows) == pytest.approx(savings.bridge.created_hours)
    assert math.fsum(row.redeployed_hours for row in rows) == savings.bridge.redeployed_hours == 45.0
    assert math.fsum(row.unexplained_hours for row in rows) == pytest.approx(savings.bridge.unexplained_hours)
    first = next(row for row in rows if row.department_id == "d0")
    assert (first.name, first.destinations) == ("髙﨑課", (("窓口", 30.0), ("（再配分先の記入なし）", 10.0)))
    assert next(row for row in rows if row.department_id == "dx").created_hours == 0.0
    assert savings.register.counted_hours == pytest.approx(savings.created.hours)
    first_bytes = save_savings(tmp_path / "a", savings).read_bytes()
    back = read_results(tmp_path / "a").savings
    assert back == savings
    assert save_savings(tmp_path / "b", back).read_bytes() == first_bytes
    json.loads(first_bytes, parse_constant=pytest.fail)


def test_a_public_run_has_the_same_totals_and_nothing_of_single_departments(small):
    panel, the_plan, found = small
    rows = projects(project("1", department_id="d0", process_id=None, realised_hours=5.0, savings_basis="usage_log"))
    inside = counted(found, panel, the_plan, projects=rows, names={"d0": "総務課"})
    outside = counted(found, panel, dataclasses.replace(the_plan, audience="public"), projects=rows, names={"d0": "総務課"})
    assert "総務課" in repr(inside)
    assert "総務課" not in repr(outside)
    assert "d0" not in repr(outside)
    assert outside.created == inside.created
    assert outside.register.measured_hours == inside.register.measured_hours
    assert outside.bridge.departments == outside.units[0].departments == ()


def test_persons_come_from_the_postings_where_the_headcount_does_not_reach(small):
    panel, the_plan, found = small
    (one,) = counted(found, panel, the_plan, staff={"d0": 10.0}).per_person
    assert (one.persons, one.source) == (found.persons_treated, "所属の記録から数えた職員")


def test_a_city_without_an_effect_claims_no_hours_anywhere(small):
    _, the_plan, _ = small
    flat = monthly(make_panel(effect=0.0, seed=4, never=9))
    found = estimate_effect(flat, the_plan.question("q1"), plan=the_plan)
    savings = counted(found, flat, the_plan, years=books())
    assert not savings.may_claim
    assert savings.register.rows == ()
    assert savings.register.measured_hours == 0.0
    assert savings.reconciliation.sentences[0].startswith("測って数えられる時間がない")


@pytest.mark.parametrize(("basis", "may_claim"), [("survey", False), ("claimed", False), ("usage_log", True), ("observed", True)])
def test_hours_of_survey_answers_or_estimates_may_not_be_claimed_whatever_the_comparison(small, basis, may_claim):
    panel, the_plan, found = small
    savings = counted(found, panel, the_plan, bases={"q1": basis})
    assert (savings.may_claim, savings.lines[0].may_claim, savings.lines[0].basis) == (may_claim, may_claim, basis)
    assert may_claim or "参考として示し" in savings.lines[0].note


def test_the_basis_of_an_outcome_is_the_weakest_way_in_which_it_was_measured():
    def basis(outcome, *words):
        city = Delivered(workload=pd.DataFrame({"measure_basis": [*words, None], "minutes": 1}))
        return read_basis(city.connect(), city, question=question(outcome=outcome))

    assert basis(HOURS, "log", "timesheet") == "usage_log"
    assert basis(HOURS, "log", "allocation") == "claimed"
    assert basis(HOURS, "survey", "stopwatch") == "survey"
    assert basis(HOURS) is None
    assert (basis(OVERTIME, "estimate"), basis(USES, "log")) == ("observed", None)


WORKTIME = pd.DataFrame({
    "month": pd.to_datetime(["2024-04-01", "2024-05-01", "2025-04-01", "2025-06-01"]), "overtime_hours": [30.0, 99.0, 20.0, 99.0],
    "paid_overtime_yen": [75_000, 200_000, 50_000, 240_000],
})  # fmt: skip


def test_the_books_compare_the_same_months_and_name_the_firmest_stage_of_the_budget():
    april = pd.to_datetime(["2024-04-01", "2024-04-01", "2025-04-01"])
    headcount = pd.DataFrame({"department_id": ["a", "b", "a"], "month": april, "actual": [10.0, 5.0, 12.0]})
    costs = pd.DataFrame({"fiscal_year": [2024, 2024, 2025, 2027], "stage": ["当初", "決算", "当初", "要求"], "yen": [100, 90, 110, 999]})
    events = pd.DataFrame({"valid_from": [dt.date(2025, 4, 1)], "valid_to": [dt.date(2026, 3, 31)], "kind": ["枠配当"], "note": ["前年度の97％"]})
    city = Delivered(worktime=WORKTIME, headcount=headcount, costs=costs, events=events)
    found = read_years(city.connect(), city, plan=plan()).set_index("fiscal_year")
    assert found["overtime_hours"].to_dict() == {2024: 129.0, 2025: 119.0}
    assert found["overtime_fall"].to_dict() == {2024: pytest.approx(math.nan, nan_ok=True), 2025: 10.0}  # April alone stands in both years
    assert found["staff"].to_dict() == {2024: 15.0, 2025: 12.0}
    assert found["budget_yen"].to_dict() == {2024: 90.0, 2025: 110.0}
    assert found["budget_stage"].to_dict() == {2024: "決算", 2025: "当初"}
    assert found["allotment"].to_dict() == {2024: "", 2025: "前年度の97％"}
    assert read_staff(city.connect(), city, year=FiscalYear(2025)) == {"a": 12.0}


def test_what_the_books_do_not_show_is_called_unexplained():
    found = register(project("1", realised_hours=1_000.0, savings_basis="usage_log"))
    years = books(staff=99.9)
    result = reconcile(years, found, projects=None, redeployed=250.0, hours_per_person=1_000.0)
    before, now = result.years
    assert (before.measured_hours, before.unexplained_hours, before.overtime_fall) == (None, None, None)
    # 1,000 h measured less 250 redeployed, 400 of overtime and 0.1 person x 1,000 h.
    assert now.unexplained_hours == pytest.approx(250.0)
    assert "残る250時間は、どこに使われたかの記録がありません" in result.sentences[0]
    allotted = reconcile(books(allotment="前年度の97％"), found, projects=None, redeployed=None, hours_per_person=1_000.0)
    assert any("枠配当" in text and "前年度の97％" in text for text in allotted.sentences)
    more = reconcile(books(overtime_fall=5_000.0), found, projects=None, redeployed=None, hours_per_person=1_000.0)
    assert "ほかの理由" in more.sentences[0]


def test_without_books_there_is_no_table_and_a_sentence_says_why():
    result = reconcile(None, register(), projects=None, redeployed=None, hours_per_person=1_883.0)
    assert result.years == ()
    assert "突き合わせはできません" in result.sentences[0]


@pytest.mark.parametrize(
    ("values", "whole"),
    [((1.4, 1.4, 1.4), (2, 1, 1)), ((27_029.88, 122.5, 1_293.67), (27_030, 122, 1_294)), ((-0.6, 0.2, 10.4), (-1, 0, 11)), ((), ()), ((2.0, -2.0), (2, -2))],
)
def test_rounded_parts_add_up_to_the_rounded_total(values, whole):
    assert round_to_total(values) == whole


def test_full_year_needs_months():
    the_plan = plan(question())
    found = study(monthly=False)
    evidence = {"q1": assess_evidence(found, the_plan.question("q1"), plan=the_plan, smallest_effect=1.0)}
    savings = count_savings(evidence, {"q1": found}, plan=the_plan)
    assert (savings.lines[0].annualised, savings.annualised) == (None, None)

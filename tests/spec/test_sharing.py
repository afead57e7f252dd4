"""Hours that others claim too: one rule from the department to the yen, by hand; what was measured stays beside it."""

from __future__ import annotations

import dataclasses
import math

import pandas as pd
import pytest

from kdx_eval.budget import BudgetTables, make_budget_case
from kdx_eval.effect.estimate import estimate_effect
from kdx_eval.evidence import assess_evidence
from kdx_eval.panel.build import Panels
from kdx_eval.savings import Hours, QuestionUnits, SavingsFacts, UnitHours, count_savings
from kdx_eval.savings.sharing import OtherClaims, share_out
from kdx_eval.units import FiscalYear
from tests.hours_city import project, projects
from tests.small_panels import make_panel
from tests.spec.budget_city import TABLES
from tests.spec.budget_city import savings as two_questions
from tests.spec.money_cases import OVERTIME, plan, question
from tests.spec.test_hours_detail import monthly

YEAR = FiscalYear(2025)


def unit(department: str, hours: float, process: str = "") -> UnitHours:
    """A department, or a process of it, with an interval of 10 hours either way."""
    ends = {"conf_low": hours - 10, "conf_high": hours + 10, "shrunken": hours, "shrunken_low": hours - 10, "shrunken_high": hours + 10}
    return UnitHours(department_id=department, process_id=process, name=department, hours=hours, baseline_hours=1000.0, months=12, **ends)


def line(hours: float, low: float, high: float, key: str = "q1", **changes):
    """A line of the total with those hours."""
    saved = Hours(hours=hours, std_error=(high - low) / 4, conf_low=low, conf_high=high)
    base = next(one for one in two_questions().lines if one.question_id == key)
    return dataclasses.replace(base, saved=saved, gross=saved, annualised=saved, in_total=True, may_claim=True, **changes)


def shared(lines, units, *rows, base=None, may_claim=True):
    """The division of those lines among those projects."""
    total = [one.saved for one in lines if one.in_total]
    gross = Hours(
        hours=sum(one.hours for one in total),
        std_error=1.0,
        conf_low=sum(one.conf_low for one in total),
        conf_high=sum(one.conf_high for one in total),
    )
    others = OtherClaims(projects=projects(*rows) if rows else None, year=YEAR, baseline=base, names={})
    return share_out(lines, gross, units=units, may_claim=may_claim, others=others)


def rpa(hours: float, number: str = "I-1", **fields):
    """A logged claim on department d."""
    return project(number, process_id=None, realised_hours=hours, savings_basis="usage_log", **fields)


def test_an_equal_claim_halves_the_hours_and_the_interval():
    # Training 100 (40 to 160), RPA 100, all in department d: 100 hours to divide, 50 each. At 40 the larger claim is the RPA's 100: training
    # first 40, second 0, mean 20. At 160: 160 to divide; training first 160, second 60, mean 110.
    found = shared([line(100.0, 40.0, 160.0)], [QuestionUnits(question_id="q1", departments=(unit("d", 100.0),), processes=())], rpa(100.0))
    assert (found.lines[0].saved.conf_low, found.lines[0].saved.hours, found.lines[0].saved.conf_high) == pytest.approx((20.0, 50.0, 110.0))
    assert (found.created.conf_low, found.created.hours, found.created.conf_high) == pytest.approx((20.0, 50.0, 110.0))
    assert found.lines[0].gross.hours == 100.0
    assert found.lines[0].annualised.hours == pytest.approx(50.0)
    assert found.lines[0].share_of_baseline == pytest.approx(line(100.0, 40.0, 160.0).share_of_baseline / 2)
    (department,) = found.units[0].departments
    assert (department.hours, department.conf_low, department.conf_high, department.shrunken) == pytest.approx((50.0, 40.0, 60.0, 50.0))
    assert found.register.training_hours == pytest.approx(found.created.hours)


def test_a_department_in_which_hours_rose_is_set_off_before_hours_are_claimed_elsewhere():
    # d saved 300, e lost 200: 100 in all, so the training claims 100 of d, not 300. RPA claims 300 there: 300 to divide; first 100, second 0.
    units = [QuestionUnits(question_id="q1", departments=(unit("d", 300.0), unit("e", -200.0)), processes=())]
    found = shared([line(100.0, 50.0, 150.0)], units, rpa(300.0))
    assert found.created.hours == pytest.approx(50.0)
    assert [one.shrunken for one in found.units[0].departments] == pytest.approx([250.0, -200.0])
    assert found.register.training_hours == pytest.approx(50.0)


def test_two_questions_lose_in_proportion_to_what_each_claims_in_the_department():
    # d: 60 and 20 claimed by the questions, 80 by the RPA: the training keeps half of d; e is its own.
    lines = [line(90.0, 80.0, 100.0), line(20.0, 10.0, 30.0, key="q2")]
    units = [
        QuestionUnits(question_id="q1", departments=(unit("d", 60.0), unit("e", 30.0)), processes=()),
        QuestionUnits(question_id="q2", departments=(unit("d", 20.0),), processes=()),
    ]
    found = shared(lines, units, rpa(80.0))
    assert [one.saved.hours for one in found.lines] == pytest.approx([60.0, 10.0])
    assert found.created.hours == pytest.approx(70.0)
    assert found.register.training_hours == pytest.approx(70.0)


def test_a_question_known_by_department_only_meets_the_claims_on_processes_too():
    # q1 knows processes, q2 does not: the whole department is one pot, else q2's 50 hours would be held against nothing.
    lines = [line(100.0, 90.0, 110.0), line(50.0, 40.0, 60.0, key="q2")]
    units = [
        QuestionUnits(question_id="q1", departments=(unit("d", 100.0),), processes=(unit("d", 70.0, "p"), unit("d", 30.0, "r"))),
        QuestionUnits(question_id="q2", departments=(unit("d", 50.0),), processes=()),
    ]
    found = shared(lines, units, project("I-1", realised_hours=150.0, savings_basis="usage_log"))
    assert [one.saved.hours for one in found.lines] == pytest.approx([50.0, 25.0])
    assert [one.shrunken for one in found.units[0].processes] == pytest.approx([35.0, 15.0])


def test_processes_lose_what_the_register_took_from_them_and_add_up_to_their_department():
    units = [QuestionUnits(question_id="q1", departments=(unit("d", 100.0),), processes=(unit("d", 60.0, "p"), unit("d", 40.0, "r")))]
    found = shared([line(100.0, 90.0, 110.0)], units, project("I-1", realised_hours=60.0, savings_basis="usage_log"))
    assert found.created.hours == pytest.approx(70.0)
    assert [one.shrunken for one in found.units[0].processes] == pytest.approx([30.0, 40.0])


def test_an_unmeasured_claim_takes_its_part_too_and_nobody_is_said_to_have_achieved_it():
    found = shared([line(100.0, 90.0, 110.0)], [QuestionUnits(question_id="q1", departments=(unit("d", 100.0),), processes=())],
                   project("I-1", process_id=None, claimed_hours=100.0, savings_basis="claimed"))  # fmt: skip
    assert found.created.hours == pytest.approx(50.0)
    assert (found.register.other_hours, found.register.disputed_hours) == pytest.approx((0.0, 50.0))


def test_without_a_claim_or_without_other_projects_nothing_is_divided():
    units = [QuestionUnits(question_id="q1", departments=(unit("d", 100.0),), processes=())]
    for rows, may_claim in (((rpa(100.0),), False), ((), True), ((rpa(100.0, department_id="z"),), True)):
        found = shared([line(100.0, 40.0, 160.0)], units, *rows, may_claim=may_claim)
        assert found.lines[0].saved == found.lines[0].gross
        assert found.created.hours == 100.0


def test_hours_of_no_known_department_are_said_to_be_unchecked():
    found = shared([line(100.0, 40.0, 160.0)], [QuestionUnits(question_id="q1", departments=(), processes=(), note="分けられない")], rpa(100.0))
    assert found.created.hours == 100.0
    assert any("重なりを確かめられない" in note for note in found.register.notes)


@pytest.fixture(scope="module")
def city():
    """A small city with a real panel, in which an RPA project claims as many hours of one department as the training saved there."""
    panel, the_plan = monthly(make_panel(effect=-6.0, seed=3, never=9)), plan(question())
    found = estimate_effect(panel, the_plan.question("q1"), plan=the_plan)
    panels = Panels(panels={"q1": panel}, refused={}, completion=pd.DataFrame(), attendance_hours={}, plan=the_plan)
    evidence = {"q1": assess_evidence(found, the_plan.question("q1"), plan=the_plan, smallest_effect=1.0)}
    redeployed = pd.DataFrame({"department_id": ["d0"], "fiscal_year": 2025, "hours": [30.0], "destination": ["窓口"]})

    def counted(*rows):
        facts = SavingsFacts(panels=panels, projects=projects(*rows) if rows else None, redeployment=redeployed, staff={f"d{k}": 10.0 for k in range(21)})
        return count_savings(evidence, {"q1": found}, plan=the_plan, facts=facts)

    return the_plan, counted


def test_every_total_of_a_run_rests_on_the_hours_after_the_division(city):
    the_plan, counted = city
    alone = counted()
    mine = next(one for one in alone.units[0].departments if one.department_id == "d0").shrunken
    found = counted(rpa(mine, department_id="d0"))
    lost = mine / 2
    assert alone.created == alone.gross
    assert found.gross == alone.created
    assert found.created.hours == pytest.approx(alone.created.hours - lost)
    assert found.net.hours == pytest.approx(found.created.hours - found.attendance_hours)
    assert found.share_of_baseline == pytest.approx(found.created.hours / found.baseline_hours)
    assert found.person_equivalent == pytest.approx(found.net.hours / found.hours_per_person)
    assert found.bridge.created_hours == found.created.hours
    assert math.fsum(row.created_hours for row in found.bridge.departments) == pytest.approx(found.created.hours)
    assert math.fsum(one.shrunken for one in found.units[0].departments) == pytest.approx(found.lines[0].saved.hours) == pytest.approx(found.created.hours)
    assert found.per_person[0].hours == found.lines[0].saved.hours
    assert found.register.training_hours == pytest.approx(found.created.hours)
    assert found.register.training_before == pytest.approx(found.gross.hours)
    assert found.annualised.hours / alone.annualised.hours == pytest.approx(found.created.hours / alone.created.hours)
    case = make_budget_case(found, plan=the_plan, tables=BudgetTables(**TABLES))
    assert case.reference_value.yen == round(found.net.hours * case.price.yen_per_hour)
    assert next(one for one in case.scenarios if one.years == 1 and one.base).benefit.yen < case.reference_value.yen


def test_what_other_projects_claim_of_the_overtime_pay_is_not_claimed_again(city):
    from kdx_eval.savings.cash import claimed_overtime, count_cash
    from tests.hours_city import register

    saved = Hours(hours=100.0, std_error=5.0, conf_low=90.0, conf_high=110.0)
    overtime = dataclasses.replace(line(100.0, 90.0, 110.0), saved=saved)
    the_plan = plan(question(outcome=OVERTIME))
    facts = SavingsFacts(overtime=pd.DataFrame({"fiscal_year": [2024, 2025], "overtime_hours": [1000.0, 900.0], "paid_overtime_yen": [2_500_000, 2_250_000]}))
    judged = {"q1": dataclasses.replace(_firm(), maryland=3)}
    whole = count_cash([overtime], judged, plan=the_plan, facts=facts)
    assert (whole.cash_yen, whole.cash_hours) == (250_000, 100.0)
    rows = register(project("1", reduced_yen=150_000, benefit_class="budget_cut", realised_hours=5.0, savings_basis="usage_log")).rows
    taken = claimed_overtime(rows, facts=facts, year=2025)
    left = count_cash([overtime], judged, plan=the_plan, facts=facts, taken_yen=taken)
    assert (taken, left.cash_yen, left.cash_hours, left.limited) == (150_000, 100_000, pytest.approx(40.0), True)
    none = count_cash([overtime], judged, plan=the_plan, facts=facts, taken_yen=250_000)
    assert none.cash_yen == 0
    assert "ほかの取組の減額" in none.sentence


def _firm():
    from tests.spec.money_cases import study

    return assess_evidence(study(), question(), plan=plan(), smallest_effect=1.0)


def test_the_main_text_leads_with_the_divided_hours_and_only_the_annex_shows_the_gross_ones():
    from kdx_eval.report.audience import for_audience
    from kdx_eval.report.content import appendix_content
    from kdx_eval.report.questions import expected_answers
    from tests.report_city import AS_OF
    from tests.report_city import city as report_city

    whole = report_city().savings
    gross = Hours(hours=2_000.0, std_error=500.0, conf_low=1_000.0, conf_high=3_000.0)
    first = dataclasses.replace(whole.lines[0], gross=gross)
    results = report_city(savings=dataclasses.replace(whole, gross=gross, lines=(first, *whole.lines[1:]), may_claim=True))
    ledger = for_audience(results)[1]
    assert (ledger.text("savings.gross"), ledger.text("savings.overlap"), ledger.text("savings.created")) == ("2,000時間", "390時間", "1,610時間")
    content = appendix_content(results, ledger, as_of=AS_OF)
    told = "".join(content["hours"])
    assert "年1,610時間" in told
    assert "ほかの取組と重なる390時間を除いた後" in told
    assert "2,000時間" not in str(content)
    plain = report_city()
    assert not for_audience(plain)[1].has("savings.gross")
    assert any("二重" in answer.objection for answer in expected_answers(results, ledger))

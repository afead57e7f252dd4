"""The budget case: sums to the yen, nothing made up, yen of hours apart from what leaves the budget."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from kdx_eval.budget import BudgetTables, annuity, make_budget_case
from kdx_eval.budget.worth import yen_of
from kdx_eval.errors import DataError, ParameterError
from kdx_eval.evidence import assess_evidence
from kdx_eval.savings import Retention, SavingsFacts, count_savings
from tests.spec.money_cases import costs, plan, question, reach, study, wages

WAGES = wages((2025, "fully_loaded", 4000, "財政課", "sourced"))
REACH = reach(("course_q1", 100, 80, 60.0))
COSTS = costs(
    (2027, "要求", "研修委託", 3.0, 400_000, 1_200_000, "course_q1"),
    (2027, "要求", "教材", None, None, 100_000, ""),
    (2026, "当初", "研修委託", 2.0, 350_000, 700_000, "course_q1"),
    (2026, "当初", "旅費", None, None, 50_000, ""),
    (2025, "当初", "研修委託", None, None, 900_000, "course_q1"),
    (2025, "決算", "研修委託", None, None, 800_000, "course_q1"),
)


# Chosen so that what follows can be reckoned by hand; a panel of two years would have to measure it.
RETENTION = Retention(share=0.8, conf_low=0.6, conf_high=1.0, first_hours=1000.0, second_hours=800.0, n_units=10, question_ids=("q1",))


def savings(one=None, **options):
    asked = question()
    the_plan = plan(asked)
    one = one or study(**options)
    evidence = {"q1": assess_evidence(one, asked, plan=the_plan, smallest_effect=1.0)}
    found = count_savings(evidence, {"q1": one}, plan=the_plan, facts=SavingsFacts(reach=REACH))
    return dataclasses.replace(found, retention=RETENTION)


def case(found=None, **given):
    tables = {"costs": COSTS, "wages": WAGES, "reach": REACH} | given
    return make_budget_case(found or savings(), plan=tables.pop("plan", plan(question())), tables=BudgetTables(**tables))


# Source: DOMAIN 2.6, five years.
@pytest.mark.parametrize(("rate", "factor"), [(0.04, 4.4518), (0.02, 4.7135), (0.01, 4.8534)])
def test_the_annuity_of_five_years(rate, factor):
    assert annuity(5, rate=rate) == pytest.approx(factor, abs=5e-5)


def test_the_convention_of_the_jri_is_the_annuity_without_discount_and_decay():
    # 冨島 2022: hours a year x yen an hour x years; 1,000 h x 4,000 yen x 5 years = 20,000,000 yen.
    assert 1000 * 4000 * annuity(5, rate=0.0) == pytest.approx(20_000_000)


def test_decay_is_counted_from_the_second_year():
    assert annuity(3, rate=0.0, retention=0.5) == pytest.approx(1 + 0.5 + 0.25)
    assert annuity(1, rate=0.04, retention=0.0) == pytest.approx(1 / 1.04)
    with pytest.raises(ParameterError):
        annuity(0, rate=0.04)


# Source: DOMAIN 2.4, published hours and yen.
@pytest.mark.parametrize(
    ("yen", "hours", "price"), [(7_088_000, 1_555, 4_558), (200_000_000, 50_248, 3_980), (11_930_000, 3_632, 3_285), (4_700_000, 2_102, 2_236)]
)
def test_the_published_unit_prices_reproduce(yen, hours, price):
    assert yen_of(hours, yen_per_hour=price) == pytest.approx(yen, rel=2e-4)


def test_request_previous_change_and_reasons_add_up_to_the_yen():
    found = case()
    assert (found.request_yen, found.previous_yen, found.change_yen) == (1_300_000, 750_000, 550_000)
    assert sum(change.yen for change in found.changes) == 550_000
    # 3 x 400,000 - 2 x 350,000: one more at the old price 350,000, three at 50,000 more each 150,000.
    assert {(change.detail, change.kind): change.yen for change in found.changes} == {
        ("研修委託", "数量"): 350_000, ("研修委託", "単価"): 150_000, ("教材", "新規"): 100_000, ("旅費", "廃止"): -50_000,
    }  # fmt: skip
    assert "550,000円の増" in found.change_reason
    assert sum(line.yen for line in found.funding) == 1_300_000


def test_the_cost_of_the_year_is_the_settled_one_and_each_completion_has_its_price():
    found = case()
    assert (found.cost_yen, found.cost_stage) == (800_000, "決算")
    assert found.cost_per_completion_yen == 10_000
    assert found.reach[0].cost_per_completion_yen == 10_000


def test_hours_in_yen_are_a_reference_apart_from_what_leaves_the_budget():
    found = case()
    # net 360 - 60 h at 4,000 yen; ends (234.84 - 60) and (485.16 - 60) h.
    assert found.reference_value.yen == 1_200_000
    assert found.reference_value.low == pytest.approx(699_300, abs=200)
    assert found.cash_reduction_yen == 0
    assert any("参考" in text for text in found.notes)


def test_break_even_by_hand():
    found = case().break_even
    # 1,300,000 / 4,000 + 60 = 385 h; x 60 / (100 persons x 12 months) = 19.25 minutes.
    assert (found.hours_per_year, found.minutes_per_person_month) == (pytest.approx(385.0), pytest.approx(19.25))
    values = {one.assumption: one.threshold for one in case().switching_values}
    # 300 h x 4,000 yen pay a cost of 1,200,000; the share left after a year solves (360 x (1/1.04 + r/1.04^2 + r^2/1.04^3) - 60/1.04) x 4,000 = 1,300,000.
    assert values == {
        "生まれる時間": pytest.approx(385.0), "1時間の単価": pytest.approx(1_300_000 / 300), "続く年数": pytest.approx(1_300_000 / 1_200_000),
        "1人1月当たりの時間": pytest.approx(19.25), "費用": pytest.approx(1_200_000), "1年後に残る割合（3年）": pytest.approx(0.1001362, abs=1e-6),
    }  # fmt: skip


def test_scenarios_hold_three_horizons_and_rates_with_one_first_for_each_horizon():
    found = case().scenarios
    assert len(found) == 3 + 9 + 9
    assert [(one.years, one.discount_rate, one.retention) for one in found if one.base] == [(1, 0.04, 1.0), (3, 0.04, 0.8), (5, 0.04, 0.8)]
    five = next(one for one in found if (one.years, one.discount_rate, one.retention) == (5, 0.04, 1.0))
    # (360 h x 4.45182 - 60 h / 1.04) x 4,000 yen.
    assert five.benefit.yen == pytest.approx((360 * 4.4518223 - 60 / 1.04) * 4000, abs=1)
    assert five.net_yen == five.benefit.yen - 1_300_000


def test_a_cut_to_last_years_amount_names_the_seats_and_hours_it_forgoes():
    full, less, none = case().cuts
    assert (full.yen, full.seats, full.forgone_seats) == (1_300_000, 100, 0)
    assert (less.yen, less.forgone_seats) == (750_000, 43)  # 100 x 550/1300 = 42.3, rounded up
    # Only what the year's own attendees would add, of which 0.8 is left: 360 / 100 x 100 x 0.8 = 288 h; those trained before keep theirs.
    assert less.forgone_hours == pytest.approx(288 * 550 / 1300)
    assert (less.forgone_low, less.forgone_high) == (pytest.approx(216 * 550 / 1300), pytest.approx(360 * 550 / 1300))
    assert less.forgone_yen == round(288 * 550 / 1300 * 4000)
    assert (none.yen, none.forgone_seats) == (0, 100)
    assert "見込み" in less.sentence


def test_undecided_evidence_still_gives_reach_cost_and_break_even_and_promises_no_hours():
    found = case(savings(estimate=-0.2))
    assert found.break_even is not None
    assert found.cost_per_completion_yen == 10_000
    assert all(cut.forgone_hours is None for cut in found.cuts)


def test_without_costs_the_page_says_what_is_missing_and_makes_nothing_up():
    found = case(costs=None, wages=None)
    assert (found.request_yen, found.change_yen, found.cost_per_completion_yen, found.break_even, found.reference_value) == (None,) * 5
    assert any("費用の表がありません" in text for text in found.missing)
    assert "時間だけを示し" in found.price_sentence
    assert found.scenarios == found.cuts == ()


def test_without_a_request_the_missing_line_is_named():
    found = case(costs=COSTS[COSTS["stage"] != "要求"])
    assert found.request_yen is None
    assert "令和9年度の要求額がありません" in found.missing[0]
    assert found.break_even.cost_yen == 800_000


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((2027, "要求", "x", None, None, -1, ""), "負の値"),
        ((2027, "要求", "x", 2.0, 100, 201, ""), "数量×単価"),
        ((2027, "要求", "x", None, None, None, ""), "空か"),
    ],
)
def test_a_faulty_cost_line_is_refused_by_its_year_and_stage(row, message):
    with pytest.raises(DataError, match=f"R9・要求の行.*{message}"):
        case(costs=costs((2027, "要求", "a", None, None, 1, ""), row))


def test_a_supplementary_budget_may_reduce_the_year_and_no_further_than_to_nothing():
    reduced = case(costs=pd.concat([COSTS, costs((2025, "補正", "研修委託", None, None, -60_000, "course_q1"))], ignore_index=True))
    (execution,) = [one for one in reduced.executions if one.fiscal_year == 2025]
    # 900,000 - 60,000 were there, 800,000 spent.
    assert (execution.budget_yen, execution.spent_yen, execution.unused_yen) == (840_000, 800_000, 40_000)
    assert [(one.stage, one.yen) for one in reduced.stages if one.fiscal_year == 2025] == [("当初", 900_000), ("補正", -60_000), ("決算", 800_000)]
    with pytest.raises(DataError, match=r"R7・補正の行.*当初の額を超えて"):
        case(costs=pd.concat([COSTS, costs((2025, "補正", "研修委託", None, None, -900_001, ""))], ignore_index=True))


def test_a_price_that_is_missing_for_the_year_stops_with_a_remedy():
    with pytest.raises(DataError, match="令和7年度の人件費単価"):
        case(wages=wages((2020, "fully_loaded", 4000, "財政課", "sourced")))


def test_promise_and_result_are_reconciled_by_question_or_against_the_total():
    claims = pd.DataFrame({"fiscal_year": [2025, 2026], "claim_id": ["q1", "q1"], "hours": [720.0, 100.0], "yen": [None, None], "basis": ["見込み", ""]})
    found = case(prior_claims=claims).prior_claims
    assert (found[0].result_hours, found[0].realised_share) == (pytest.approx(360.0), pytest.approx(0.5))
    assert (found[1].result_hours, found[1].realised_share) == (None, None)
    total = case(prior_claims=claims.iloc[:1].assign(claim_id="全体")).prior_claims[0]
    assert total.result_hours == pytest.approx(300.0)

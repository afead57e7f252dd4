"""Full cost, prices, forecast, ranges, alternatives, other cities and promises: by hand, and as properties."""

from __future__ import annotations

import dataclasses
import io
import math
from pathlib import Path

import pandas as pd
import pytest

from kdx_eval.budget import annuity, gather_budget_tables
from kdx_eval.budget.draws import draw_ranges
from kdx_eval.budget.ladder import first_year_net
from kdx_eval.budget.outlook import carry_forward, find_correction
from kdx_eval.budget.pay import complete_prices, price_steps
from kdx_eval.budget.promises import promises_csv
from kdx_eval.budget.sensitivity import Assumptions
from kdx_eval.budget.worth import conventional_yen, find_payback, net_present_yen
from kdx_eval.errors import DataError, PlanError
from kdx_eval.evidence import choose_price
from kdx_eval.load import load_dataset
from kdx_eval.plan import plan_digest, plan_from_dict, plan_to_dict
from kdx_eval.results import read_results, save_budget
from kdx_eval.schema import parameter
from kdx_eval.schema.peer_cases import load_peer_cases
from kdx_eval.units import FiscalYear
from tests.spec.budget_city import COSTS, PLAN, PLANS, REACH, TABLES, WAGES, case, savings
from tests.spec.money_cases import costs, wages

R7 = FiscalYear(2025)
# 職員数, 給料, 職員手当, 期末勤勉, 共済費: the form of 「給与・定員管理等について」; the amounts are chosen so that each step is a round number.
PAY = pd.DataFrame(
    {
        "fiscal_year": [2025], "staff_count": [100], "salary_yen": [403_000_000], "allowance_yen": [80_600_000], "bonus_yen": [161_200_000],
        "contribution_yen": [120_900_000], "hours_per_year": [None], "source": ["給与・定員管理等について（令和7年度）"],
    }
)  # fmt: skip

# Published cases (DOMAIN 2.4): city, hours, yen, yen an hour.
PUBLISHED = """
武蔵野市 1555  7088000   4558
深谷市   50248 200000000 3980
宇城市   3632  11930000  3285
泉大津市 2102  4700000   2236
"""


@pytest.mark.parametrize("line", PUBLISHED.split("\n")[1:-1])
def test_the_published_prices_of_an_hour_follow_from_the_published_hours_and_yen(line: str) -> None:
    city, hours, yen, price = line.split()
    (found,) = [one for one in case().peers if one.city == city and one.hours == float(hours)]
    assert (found.yen, found.yen_per_hour) == (int(yen), int(price))


def test_other_cities_cases_agree_with_the_parameters_of_the_same_source() -> None:
    by_id = {one.case_id: one for one in load_peer_cases()}
    for city in ("musashino", "fukaya", "uki", "izumiotsu"):
        assert (by_id[city].hours, by_id[city].yen) == (parameter(f"peer_hours_{city}").value, parameter(f"peer_yen_{city}").value)
    assert by_id["izumiotsu_all"].hours == parameter("izumiotsu_extrapolated_hours").value


def test_an_extrapolated_survey_says_so_and_stands_beside_its_lower_bound() -> None:
    (found,) = [one for one in case().peers if one.hours == 18_017]
    assert (found.basis, found.comparable, found.lower_hours) == ("アンケートの拡大推計", False, 2_102)


def test_the_rpa_of_toshima_costs_more_than_it_saves_at_any_published_price() -> None:
    # 134 h by hand against 112.5 h by RPA; licence 800,000 yen once and 200,000 yen a year (DOMAIN 2.3).
    assert first_year_net(134 - 112.5, yen_per_hour=4_000, initial_yen=800_000, yearly_yen=200_000) == 86_000 - 1_000_000
    # Even if all 134 hours had been saved: 536,000 yen.
    assert first_year_net(134, yen_per_hour=4_000, initial_yen=800_000, yearly_yen=200_000) == -464_000
    (found,) = [one for one in case().peers if one.city == "豊島区"]
    assert found.net_yen == round(21.5 * 7_088_000 / 1_555) - 1_000_000 < 0


def test_the_realised_share_of_tokaimura_is_two_fifths_of_what_was_proposed() -> None:
    (found,) = [one for one in case().peers if one.city == "東海村"]
    assert found.realised_share == pytest.approx(0.395, abs=0.0005)


def test_the_convention_of_the_jri_multiplies_hours_price_and_years_and_adds_costs_that_fall() -> None:
    assert conventional_yen(1_000, yen_per_hour=4_000, years=5, cost_cut_yen=300_000) == 20_300_000
    assert case().conventional_yen == 2_880 * 4_000 * 5
    assert case(savings((0.0, 0.0))).conventional_yen is None


def test_the_price_from_the_published_table_step_by_step() -> None:
    # 644,800,000 / 100 = 6,448,000; with 1,209,000 of 共済費 7,657,000; / (38.75 x 52 = 2,015 h) = 3,800.
    steps = price_steps(PAY, fiscal_year=R7)
    assert [one.value for one in steps] == [644_800_000, 6_448_000, 2_015, 1_209_000, 3_800]
    prices = complete_prices(None, pay=PAY).set_index("basis")["yen_per_hour"].to_dict()
    # (403 + 80.6) / 100 / 2,015 = 2,400; 403 / 100 / 2,015 x 1.25 = 2,500.
    assert prices == {"wage_only": 2_400, "fully_loaded": 3_800, "marginal_overtime": 2_500}


def test_without_published_contributions_no_full_price_is_made_up() -> None:
    rows = complete_prices(None, pay=PAY.assign(contribution_yen=None))
    assert set(rows["basis"]) == {"wage_only", "marginal_overtime"}
    chosen = choose_price(rows, fiscal_year=R7, basis="fully_loaded")
    assert (chosen.basis, chosen.yen_per_hour, chosen.status) == ("wage_only", 2_400, "derived")


def test_finances_own_price_comes_before_the_computed_one() -> None:
    given = wages((2025, "fully_loaded", 4_200, "財政課", "sourced"))
    assert choose_price(complete_prices(given, pay=PAY), fiscal_year=R7, basis="fully_loaded").yen_per_hour == 4_200
    assert choose_price(complete_prices(given, pay=PAY), fiscal_year=R7, basis="wage_only").yen_per_hour == 2_400
    assert complete_prices(given, pay=None) is given


def test_an_unverified_price_is_shown_and_never_used() -> None:
    found = {one.basis: one for one in case().prices}
    assert [(one.basis, one.in_headline, one.used) for one in found.values()] == [
        ("wage_only", True, False), ("fully_loaded", True, True), ("marginal_overtime", False, False), ("avoided_cash", False, False),
    ]  # fmt: skip
    assert (found["avoided_cash"].yen_per_hour, found["avoided_cash"].status) == (1500, "unverified")
    assert min(bar.low for bar in case().swings if bar.assumption == "1時間の単価") == 2500
    assert found["marginal_overtime"].note == "単価の記入がありません。"


def test_the_full_cost_by_hand() -> None:
    full = case().full_cost
    # Budget 840,000; attendance 300 + 100 h, office 40 + 10.5 h, teaching 20 h, each at 4,000 yen.
    assert [item.yen for item in full.items] == [840_000, 1_600_000, 202_000, 80_000, 2_722_000]
    assert full.yen == sum(item.yen for item in full.items[:-1]) == sum(course.full_yen for course in full.courses)
    assert [(course.course_name, course.full_yen) for course in full.courses] == [
        ("研修 course_q1", 2_160_000), ("研修 course_q2", 522_000), ("研修を特定しない費用", 40_000),
    ]  # fmt: skip
    assert (full.per_attendee_yen, full.per_completion_yen) == (round(2_722_000 / 150), round(2_722_000 / 120))
    assert full.per_hour_yen == round(2_722_000 / 2_880)
    assert full.per_hour_low < full.per_hour_yen < full.per_hour_high


def test_what_a_full_cost_lacks_is_named_and_not_counted_as_nothing() -> None:
    full = case(course_plans=None).full_cost
    assert any("事務局の時間の記録がない" in text for text in full.missing)
    assert full.yen == 840_000 + 1_600_000
    assert case(wages=None).full_cost is None


def test_the_forecast_by_hand() -> None:
    outlook = case().outlook
    # q1: 2,400 h by 100 attendees, 120 planned; q2: 480 h by 50, 60 planned; two years later.
    low, middle, high = outlook.cases
    assert middle.carried_hours == pytest.approx(2_880 * 0.8**2)
    assert middle.new_hours == pytest.approx((2_400 * 120 / 100 + 480 * 60 / 50) * 0.8)
    assert [case.hours for case in (low, high)] == pytest.approx([2_880 * 0.36 + 3_456 * 0.6, 2_880 + 3_456])
    assert middle.value.yen == round(middle.hours * 4_000)
    assert outlook.attendance_hours == pytest.approx(400 * 180 / 150)
    assert all(one.low < one.hours < one.high for one in outlook.cases)


def test_the_years_between_are_carried_as_far_as_they_are_known() -> None:
    later = pd.concat([REACH, REACH.assign(fiscal_year=2026, n_enrolled=[30, 10])], ignore_index=True)
    (_, middle, _) = case(reach=later).outlook.cases
    assert middle.carried_hours == pytest.approx(2_880 * 0.8**2 + (2_400 * 30 / 100 + 480 * 10 / 50) * 0.8)


def test_a_promise_half_kept_halves_the_forecast_and_one_more_than_kept_does_not_raise_it() -> None:
    def prior(hours: float) -> pd.DataFrame:
        return pd.DataFrame({"fiscal_year": [2025], "claim_id": ["全体"], "hours": [hours], "yen": [None], "basis": ["前年度"]})

    net = savings().net.hours
    assert case(prior_claims=prior(2 * net)).outlook.correction == pytest.approx(0.5)
    assert case(prior_claims=prior(2 * net)).outlook.central.hours == pytest.approx(case().outlook.central.hours / 2)
    assert case(prior_claims=prior(net / 2)).outlook.correction == 1.0
    assert find_correction(()) == (1.0, "前年度までの見込みと実績の記録がないため、見込みの補正はしていません。")


def test_budgets_settlements_and_what_was_not_spent() -> None:
    found = case()
    assert [(one.fiscal_year, one.stage, one.yen) for one in found.stages] == [
        (2025, "当初", 900_000), (2025, "補正", 50_000), (2025, "決算", 840_000), (2026, "当初", 700_000), (2027, "要求", 1_300_000),
    ]  # fmt: skip
    assert all(one.recurring_yen + one.one_off_yen + one.unmarked_yen == one.yen for one in found.stages)
    (year,) = found.executions
    assert (year.budget_yen, year.spent_yen, year.unused_yen) == (950_000, 840_000, 110_000)


def test_special_allocation_stays_inside_general_funds() -> None:
    found = case(costs=COSTS.assign(funding=["特別交付税"] + ["一般財源"] * 6))
    assert [(line.source, line.yen) for line in found.funding] == [("一般財源", 1_300_000)]
    assert found.special_allocation.yen == 1_200_000
    assert "特定財源には数えません" in found.special_allocation.sentence
    assert "見込んでいません" in found.special_allocation.sentence


def test_the_tornado_moves_one_assumption_at_a_time_around_the_base_scenario() -> None:
    found = case()
    base = next(one.net_yen for one in found.scenarios if one.base and one.years == 3)
    bars = {bar.assumption: bar for bar in found.swings}
    assert [abs(bar.net_at_high - bar.net_at_low) for bar in found.swings] == sorted(
        (abs(bar.net_at_high - bar.net_at_low) for bar in found.swings), reverse=True
    )
    assert bars["1時間の単価"].net_at_high == bars["割引率"].net_at_low == bars["費用の数え方"].net_at_high == base
    # The price alone at 2,500 yen: (2,880 x factor - 400 / 1.04) x 2,500 - 1,300,000.
    factor = annuity(3, rate=0.04, retention=0.8)
    assert bars["1時間の単価"].net_at_low == pytest.approx((2_880 * factor - 400 / 1.04) * 2_500 - 1_300_000, abs=0.5)
    assert bars["費用の数え方"].net_at_low == base - 282_000


def test_at_each_switching_value_the_case_just_pays() -> None:
    found, counted = case(costs=COSTS.assign(quantity=None, unit_price=None, yen=[16_000_000, 0, 1, 1, 1, 1, 1])), savings()
    values = {one.assumption: one.threshold for one in found.switching_values}
    one_year = {"attendance_hours": 400.0, "cost_yen": 16_000_000}
    assert values["生まれる時間"] * 4_000 - 400 * 4_000 == pytest.approx(16_000_000)
    assert values["1時間の単価"] * counted.net.hours == pytest.approx(16_000_000)
    # 120 seats are planned in the one course that costs something.
    assert values["1人1月当たりの時間"] * 120 * 12 / 60 == pytest.approx(values["生まれる時間"])
    kept = values["1年後に残る割合（3年）"]
    assert net_present_yen(counted.created.hours, yen_per_hour=4_000, case=(3, 0.04, kept), **one_year) == pytest.approx(0, abs=1)


def test_payback_lies_where_the_discounted_value_has_paid() -> None:
    # 1,000 h x 1,000 yen a year against 1,500,000 yen without discount or decay: a year and a half.
    given = {"attendance_hours": 0.0, "yen_per_hour": 1_000, "cost_yen": 1_500_000}
    assert find_payback(1_000, case=(3, 0.0, 1.0), **given) == pytest.approx(1.5)
    assert find_payback(1_000, case=(3, 0.0, 0.2), **given) is None
    assert find_payback(-1_000, case=(3, 0.0, 1.0), **given) is None


def test_the_ratio_of_benefit_to_cost_has_no_pass_mark() -> None:
    found = case()
    assert all(one.ratio == pytest.approx(one.benefit.yen / one.cost_yen) for one in found.scenarios)


def test_printed_digits_of_the_drawn_ranges_do_not_depend_on_the_draws() -> None:
    found = case()
    counted = savings()
    carried, _ = carry_forward(counted, plan=PLAN, reach=REACH, course_plans=PLANS)
    assumed = Assumptions(price=found.price, prices=found.prices, cost_yen=found.request_yen, kept=found.kept)
    given = {"given": assumed, "forecast": (carried, 2, 1.0)}
    others = [draw_ranges(counted, **given, seed=seed) for seed in (1, 2)]
    assert [draw_ranges(counted, **given) for _ in range(2)] == [found.drawn] * 2
    for place, one in enumerate(found.drawn):
        for other in others:
            # One step where a figure lies on the edge between two; the step is fifty times the error of the draws.
            assert max(abs(getattr(one, end) - getattr(other[place], end)) for end in ("low", "middle", "high")) <= max(one.step, other[place].step)
        assert one.step <= (one.high - one.low) / 20


def test_a_drawn_range_agrees_with_the_exact_one_where_only_the_hours_vary() -> None:
    # One price basis at the end of its own range and no forecast: the year's value is normal, 95 % within 1.96 standard errors.
    counted = savings()
    price = case().price
    prices = tuple(dataclasses.replace(one, yen_per_hour=price.yen_per_hour - 1) if one.basis == "wage_only" else one for one in case().prices)
    (value,) = draw_ranges(counted, given=Assumptions(price=price, prices=prices, cost_yen=None, kept=None))
    half = (counted.created.conf_high - counted.created.conf_low) / 2
    assert value.low == pytest.approx((counted.net.hours - half) * 4_000, abs=value.step + 0.01 * half * 4_000)
    assert value.high == pytest.approx((counted.net.hours + half) * 4_000, abs=value.step + 0.01 * half * 4_000)


def test_alternatives_stand_in_a_ladder_and_what_was_not_stated_has_no_figure() -> None:
    ladder = {one.option: one for one in case().ladder}
    # (500,000 + 100 x 4,000) / 300.
    assert ladder["J-LIS"].yen_per_hour == 3_000
    assert next(iter(ladder)) == "この研修（評価年度の実績）"
    assert (ladder["内製"].yen_per_hour, ladder["内製"].reason) == (None, "生まれる時間の記入がない。講師がいない")
    assert "代替案の表に書けます" in ladder["外部専門人材"].reason
    assert ladder["何もしない"].yen == 0
    assert case().alternatives[0].startswith("J-LIS：1時間を生む費用は3,000円")


def test_last_years_promise_comes_back_unchanged_as_next_years_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    found = case()
    data = tmp_path / "data"
    data.mkdir()
    (data / "prior_claims_2027.csv").write_bytes(("\ufeff" + promises_csv(found.promises)).encode())
    dataset = load_dataset(data)
    assert [(one.table, one.rows_rejected) for one in dataset.report.files] == [("prior_claims", 0)]
    (row,) = gather_budget_tables(dataset).prior_claims.to_dict("records")
    (promise,) = found.promises
    assert (row["fiscal_year"], row["claim_id"], float(row["hours"]), row["yen"], row["basis"]) == (
        2027, promise.claim_id, promise.hours, promise.yen, promise.basis,
    )  # fmt: skip
    assert promise.hours == round(found.outlook.central.hours - found.outlook.attendance_hours)


def test_next_year_the_promise_is_held_against_the_net_hours_of_the_whole() -> None:
    table = pd.read_csv(io.StringIO(promises_csv(case().promises)))
    table.columns = ["fiscal_year", "claim_id", "hours", "yen", "basis"]
    later = dataclasses.replace(PLAN, request_fiscal_year=FiscalYear(2029), evaluated_fiscal_year=FiscalYear(2027))
    counted = dataclasses.replace(savings(), fiscal_year=2027)
    found = case(counted, plan=later, prior_claims=table, wages=WAGES.assign(fiscal_year=2027), reach=REACH.assign(fiscal_year=2027)).prior_claims[0]
    assert found.result_hours == counted.net.hours
    assert found.realised_share == pytest.approx(counted.net.hours / table["hours"].iloc[0])


@pytest.mark.parametrize("estimates", [(0.0, 0.0), (-0.2, 0.3)])
def test_where_nothing_may_be_claimed_no_hours_are_promised_and_the_honest_case_stands(estimates: tuple[float, float], tmp_path: Path) -> None:
    found = case(savings(estimates))
    assert found.outlook.cases == found.swings == found.drawn == ()
    assert found.promises[0].hours is None
    assert "分岐点" in found.promises[0].basis
    assert all(cut.forgone_hours is None for cut in found.cuts)
    assert found.full_cost.per_hour_yen is None
    assert found.full_cost.per_completion_yen == round(2_722_000 / 120)
    assert found.break_even.minutes_per_person_month > 0
    assert next(one for one in found.ladder if one.ours).reason == "効果があると言える結果がまだないため示しません"
    # The blank is a blank and not a zero.
    assert ",全体,,," in promises_csv(found.promises)


def test_the_end_and_the_condition_are_the_plans_or_a_proposal_that_says_so() -> None:
    proposed = case().continuation
    assert (proposed.ends_fiscal_year, proposed.proposed) == (2029, True)
    assert "本資料の提案" in proposed.sentence
    own = case(plan=dataclasses.replace(PLAN, ends_fiscal_year=FiscalYear(2028), continue_hours=900.0)).continuation
    assert (own.ends_fiscal_year, own.proposed, own.continue_hours) == (2028, False, 900.0)
    assert "年900時間（計画の定め）" in own.sentence


def test_a_plan_without_an_end_keeps_its_digest_and_one_with_an_end_is_read_back() -> None:
    plain = plan_to_dict(PLAN)
    assert not {"ends_fiscal_year", "continue_hours"} & set(plain)
    changed = dataclasses.replace(PLAN, ends_fiscal_year=FiscalYear(2029), continue_hours=1200.0, frozen=None)
    assert plan_from_dict(plan_to_dict(changed)) == changed
    assert plan_digest(changed) != plan_digest(PLAN)
    with pytest.raises(PlanError, match="終期が要求年度より前"):
        plan_from_dict({**plain, "ends_fiscal_year": 2026})


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"wages": wages((2025, "fully_loaded", 4000, "財政課", "sourced"), (2025, "fully_loaded", 4100, "人事課", "sourced"))}, "違う単価が2つ"),
        ({"wages": wages((2024, "fully_loaded", 4000, "財政課", "sourced"))}, "令和7年度の人件費単価がありません"),
        ({"wages": wages((2025, "fully_loaded", -1, "財政課", "sourced"))}, "0以下"),
        ({"costs": costs((2027, "要求", "x", 2.0, 100, 201, ""))}, "R9・要求の行.*数量×単価"),
        ({"costs": costs((2027, "要求", "x", None, None, -5, ""))}, "R9・要求の行.*負の値"),
        ({"course_plans": PLANS.assign(office_hours=-1.0)}, "実施計画に負の値"),
        ({"course_plans": pd.concat([PLANS, PLANS])}, "実施計画が2行"),
        ({"alternatives": TABLES["alternatives"].assign(yen=-1)}, "代替案に負の値"),
        ({"pay": pd.concat([PAY, PAY])}, "給与費が2行"),
        ({"pay": PAY.assign(staff_count=0)}, "空か0以下"),
    ],
)
def test_a_faulty_table_stops_with_what_and_where(tables: dict[str, pd.DataFrame], message: str) -> None:
    with pytest.raises(DataError, match=message):
        case(**tables)


def test_every_part_is_read_back_as_it_was_stored_and_stored_again_in_the_same_bytes(tmp_path: Path) -> None:
    found = case(pay=PAY, costs=COSTS.assign(funding=["特別交付税"] + ["一般財源"] * 6))
    first = save_budget(tmp_path, found).read_bytes()
    back = read_results(tmp_path).budget
    assert back == found
    assert save_budget(tmp_path / "again", back).read_bytes() == first


def test_more_hours_a_higher_price_and_a_lower_cost_never_make_the_case_worse() -> None:
    worse, better = case(savings((-18.0, -4.0))), case(savings((-20.0, -4.0)))
    for one, other in zip(worse.scenarios, better.scenarios, strict=True):
        assert one.net_yen < other.net_yen
    dear = case(wages=wages((2025, "fully_loaded", 5000, "財政課", "sourced")))
    assert all(math.copysign(1, one.benefit.yen) < 0 or one.net_yen < other.net_yen for one, other in zip(case().scenarios, dear.scenarios, strict=True))
    assert case().break_even.hours_per_year > dear.break_even.hours_per_year


def test_the_tornado_draws_a_bar_for_each_assumption_and_nothing_where_nothing_may_be_claimed() -> None:
    from kdx_eval.plots import plot_tornado

    found = case()
    axes = plot_tornado(found, synthetic=True).axes[0]
    assert [label.get_text().partition("（")[0] for label in axes.get_yticklabels()] == [bar.assumption for bar in found.swings]
    ends = {round(patch.get_x() + patch.get_width(), 3) for patch in axes.patches} | {round(patch.get_x(), 3) for patch in axes.patches}
    assert {round(bar.net_at_low / 1000, 3) for bar in found.swings} <= ends
    assert len(plot_tornado(case(savings((0.0, 0.0)))).axes[0].patches) == 0


def test_every_number_of_the_parts_stands_in_the_ledger_and_the_blocks_print_only_what_it_says() -> None:
    from kdx_eval.report.blocks import Table
    from kdx_eval.report.claims import build_ledger
    from kdx_eval.report.money_blocks import full_cost_blocks, outlook_blocks, stage_blocks
    from kdx_eval.results import Results

    results = Results(plan=PLAN, studies={}, evidence={}, savings=savings(), budget=case(), quality={}, reach=None)
    ledger = build_ledger(results)
    texts = {claim.text for claim in ledger} | {claim.range_text.removeprefix("幅") for claim in ledger}
    tables = [block for maker in (stage_blocks, full_cost_blocks, outlook_blocks) for block in maker(results, ledger) if isinstance(block, Table)]
    assert len(tables) >= 5
    for table in tables:
        for row in table.rows:
            numbers = [cell for cell, column in zip(row, table.columns, strict=True) if column.align == "right"]
            assert numbers
            assert set(numbers) <= texts


@pytest.mark.parametrize("estimates", [(0.0, 0.0), (-20.0, -4.0)])
@pytest.mark.parametrize("given", [{}, {"wages": None}, {"costs": None}, {"reach": None}])
def test_the_blocks_of_any_city_say_what_there_is_and_claim_no_hours_that_may_not_be_claimed(estimates: tuple[float, float], given: dict[str, None]) -> None:
    from kdx_eval.report.blocks import Paragraph
    from kdx_eval.report.claims import build_ledger
    from kdx_eval.report.money_blocks import money_blocks
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results

    results = Results(plan=PLAN, studies={}, evidence={}, savings=savings(estimates), budget=case(savings(estimates), **given), quality={}, reach=None)
    pictures = Pictures(content={}, main=(), wide=(), by_question={})
    blocks = list(money_blocks(results, build_ledger(results), pictures=pictures))
    said = "".join(block.text for block in blocks if isinstance(block, Paragraph))
    assert ("見込みは年" in said) == (estimates[0] != 0 and "reach" not in given)
    assert "終期は" in said
    assert ("フルコストは示せません" in said) == bool({"wages", "costs"} & set(given))

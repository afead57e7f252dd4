"""What may be said: verdicts, grades, Holm, the smallest effect that matters, and the sentences."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from types import SimpleNamespace

import pytest

from kdx_eval.effect.checks import TREND_BEFORE_SELECTION, TREND_CARRIED_ON
from kdx_eval.effect.study import CheckResult
from kdx_eval.errors import DataError, PlanError
from kdx_eval.evidence import assess_all, assess_evidence, choose_price, decide_verdict, holm, smallest_effects, smallest_meaningful_effect
from kdx_eval.evidence.wording import vocabulary
from kdx_eval.panel.lottery import Draw
from kdx_eval.plan import Frozen
from kdx_eval.units import FiscalYear
from tests.spec.money_cases import MINUTES, USES, costs, entry, plan, question, reach, study, wages


@pytest.mark.parametrize(
    ("interval", "interval90", "verdict"),
    [
        ((1.1, 3.0), (1.3, 2.8), "効果あり"),  # beyond 1
        ((1.0, 3.0), (1.2, 2.8), "小さい効果"),  # touches the smallest effect: not beyond it
        ((0.1, 3.0), (0.4, 2.7), "小さい効果"),  # excludes zero only
        ((0.1, 0.8), (0.15, 0.75), "小さい効果"),  # equivalent as well, but a difference was shown
        ((0.0, 0.8), (0.05, 0.75), "実質的効果なし"),  # touches zero: not shown
        ((-0.8, 0.8), (-0.7, 0.7), "実質的効果なし"),
        ((-1.2, 0.9), (-1.0, 0.7), "判定不能"),  # 90 % interval touches -1
        ((-0.8, -0.1), (-0.75, -0.15), "逆効果"),  # small harm is not hidden behind equivalence
        ((-3.0, -1.1), (-2.8, -1.3), "逆効果"),
        ((-2.0, 3.0), (-1.6, 2.6), "判定不能"),
        ((math.nan, math.nan), (math.nan, math.nan), "判定不能"),
    ],
)
def test_the_six_verdicts_at_their_boundaries_with_a_smallest_effect_of_one(interval, interval90, verdict):
    assert decide_verdict(interval, interval90=interval90, smallest=1.0) == verdict


def test_without_a_scale_neither_a_full_effect_nor_equivalence_can_be_claimed():
    assert decide_verdict((5.0, 9.0), interval90=(5.5, 8.5), smallest=math.nan) == "小さい効果"
    assert decide_verdict((-0.1, 0.1), interval90=(-0.1, 0.1), smallest=math.nan) == "判定不能"


def test_holm_by_hand():
    # Holm 1979: sorted .01 .02 .04 .04 -> 4(.01)=.04, 3(.02)=.06, 2(.04)=.08, then never below the one before.
    found = holm({"d": 0.04, "a": 0.01, "b": 0.02, "c": 0.04})
    assert [round(found[key][0], 10) for key in "abcd"] == [0.04, 0.06, 0.08, 0.08]
    # After the first that is kept, all share its level 0.05/3: the interval excludes zero exactly where p_holm < 0.05.
    assert [found[key][1] for key in "abcd"] == pytest.approx([0.05 / 4, 0.05 / 3, 0.05 / 3, 0.05 / 3])
    assert holm({"a": 0.03, "b": math.nan})["a"][0] == pytest.approx(0.06)


def assess(one=None, asked=None, *, the_plan=None, smallest=1.0, **options):
    asked = asked or question()
    return assess_evidence(one or study(), asked, plan=the_plan or plan(asked), smallest_effect=smallest, **options)


def test_a_reduction_is_good_when_lower_is_better_and_harm_when_higher_is():
    assert assess().verdict == "効果あり"
    higher = question(outcome=USES)
    assert assess(asked=higher).verdict == "逆効果"


def test_a_failed_check_leaves_nothing_to_claim_in_either_direction():
    assert assess(study(checks=(PASSED,))).verdict == "効果あり"
    for one in (study(checks=(FAILED,)), study(checks=(PASSED, FAILED), estimate=3.0), study(checks=(FAILED,), estimate=0.0, std_error=0.01)):
        found = assess(one)
        assert found.verdict == "判定不能"
        assert not found.may_claim
        assert any("前提の崩れ" in limit for limit in found.limits)


def test_a_difference_that_a_slope_could_explain_is_no_claim_unless_the_order_was_random():
    maybe = dataclasses.replace(TREND, outcome="powerless", conf_low=-3.0, conf_high=0.5)
    for one in (study(checks=(PASSED, maybe)), study(checks=(PASSED, maybe), estimate=3.0)):
        found = assess(one)
        assert found.verdict == "判定不能"
        assert any("傾き" in limit for limit in found.limits)
    drawn = question(design="lottery", lottery_log="log.csv")
    assert assess(study(checks=(PASSED, maybe), draw=DRAW), drawn).verdict == "効果あり"


def test_a_claim_carries_the_wider_of_both_intervals():
    found = assess(study(checks=(PASSED, TREND)))
    assert found.verdict == "効果あり"
    assert found.strict95 == (TREND.conf_low, found.headline.conf_high)
    assert "傾き" in found.limits[0]
    assert assess().strict95 is None


def test_a_slope_hidden_by_the_last_half_year_widens_the_claim_and_is_told_where_it_reaches_zero():
    hidden = dataclasses.replace(TREND, check_id=TREND_BEFORE_SELECTION, conf_low=-9.0, conf_high=-2.2)
    found = assess(study(checks=(PASSED, TREND, hidden)))
    assert found.strict95 == (-9.0, found.headline.conf_high)
    assert "0を含む" not in found.limits[0]
    wide = assess(study(checks=(PASSED, TREND, dataclasses.replace(hidden, outcome="powerless", conf_high=0.4))))
    assert wide.verdict == "効果あり"  # it widens what is printed and decides nothing
    assert wide.strict95 == (-9.0, 0.4)
    assert "0を含む" in wide.limits[0]


def test_the_equivalence_interval_is_the_90_percent_one():
    found = assess(study(estimate=0.0, std_error=0.5))
    # t(0.95, 20) = 1.7247: +-0.8624, inside 1; the 95 % interval +-1.0430 is not.
    assert found.interval90 == pytest.approx((-0.86235, 0.86235), abs=1e-4)
    assert found.verdict == "実質的効果なし"


DRAW = Draw(n_drawn=40, n_drawn_attended=36, n_lost=40, n_lost_attended=2, n_strata=1)
PASSED = study().checks[0]
FAILED = dataclasses.replace(PASSED, outcome="failed")
POWERLESS = dataclasses.replace(PASSED, outcome="powerless")
TREND = CheckResult(check_id=TREND_CARRIED_ON, title="傾き", outcome="passed", sentence="", statistic=-4.5, conf_low=-7.0, conf_high=-2.5)
BALANCED = CheckResult(check_id="balance", title="受講前の差", outcome="passed", sentence="差はありません。")
SIDE = CheckResult(check_id="robustness", title="別の方法", outcome="powerless", sentence="分かりません。")


@pytest.mark.parametrize(
    ("asked", "changes", "maryland", "japan"),
    [
        ({"design": "lottery", "lottery_log": "log.csv"}, {"draw": DRAW}, 5, "Lv1"),
        ({"design": "lottery", "lottery_log": "log.csv"}, {}, 3, "Lv2a"),  # nobody knows who of those drawn took part
        ({"design": "lottery"}, {}, 3, "Lv2a"),  # no log
        ({"order_argument": "五十音順"}, {"checks": (PASSED, BALANCED)}, 4, "Lv2a"),
        ({"order_argument": "五十音順"}, {}, 3, "Lv2a"),  # argued, not shown to be balanced
        ({}, {}, 3, "Lv2a"),
        ({}, {"checks": (PASSED, SIDE)}, 3, "Lv2a"),  # a side check may be powerless
        ({}, {"checks": (FAILED,)}, 2, "Lv2b"),
        ({}, {"checks": (POWERLESS,)}, 2, "Lv2b"),
        ({}, {"checks": ()}, 2, "Lv2b"),  # nobody looked
        ({"design": "lottery", "lottery_log": "log.csv"}, {"checks": (FAILED,), "draw": DRAW}, 2, "Lv2b"),
        ({"checks": (PASSED.check_id, "placebo_date")}, {}, 2, "Lv2b"),  # the plan called a check indispensable that could not be made
        ({}, {"n_control_units": 0}, 1, "Lv3"),
        ({"design": "everyone"}, {}, 1, "Lv3"),
    ],
)
def test_the_grades_of_methods_8(asked, changes, maryland, japan):
    found = assess(study(**changes), question(**asked))
    assert (found.maryland, found.japan) == (maryland, japan)
    held_in_full = maryland > 3 or (maryland == 3 and not asked)
    assert bool(found.reasons) != held_in_full


def test_eleven_months_before_are_not_enough_for_grade_three_and_the_reason_says_so():
    found = assess(pre_months=11)
    assert found.maryland == 2
    assert "11か月" in found.reasons[0]
    assert assess(pre_months=12).maryland == 3


def test_a_plan_made_afterwards_caps_the_grade_and_stands_beside_the_claim():
    late = plan(frozen=Frozen(at=dt.date(2026, 4, 1), sha256="0" * 64))
    found = assess(the_plan=late)
    assert (found.verdict, found.maryland) == ("効果あり", 2)
    assert any("事後" in text for text in found.limits)
    assert any("事後計画" in text for text in found.reasons)
    assert found.may_claim


def test_before_and_after_alone_is_no_evidence_of_an_effect_however_narrow_its_interval():
    found = assess(study(n_control_units=0, std_error=0.001))
    assert (found.verdict, found.basis_plain, found.may_claim) == ("検証対象外", "前後比較のみ", False)
    assert not any("少ない" in text for text in (found.headline_sentence, *found.sentences))


def test_the_verdict_is_read_from_the_interval_that_agrees_with_holm():
    # p = 0.040: alone it excludes zero, among three questions it does not.
    one = study(headline=entry("q1", -1.1, 0.5))
    assert assess(one).verdict == "小さい効果"
    found = assess(one, family={"q1": one.headline.p_value, "q2": 0.5, "q3": 0.6})
    assert found.verdict == "判定不能"
    assert found.p_holm == pytest.approx(3 * one.headline.p_value)
    assert found.holm95[0] < 0 < found.holm95[1]
    assert any("3件" in text for text in found.limits)


def test_every_question_of_the_plan_gets_a_verdict_and_a_refused_one_says_why():
    asked = (question("q1"), question("q2"), question("q3", role="completion_only"))
    panels = SimpleNamespace(panels={}, refused={"q2": "受講していない課がありません。", "q3": "x"})
    found = assess_all({"q1": study()}, panels, plan=plan(*asked))
    assert [one.verdict for one in found.values()] == ["効果あり", "検証対象外", "検証対象外"]
    assert "受講していない課がありません。" in found["q2"].reasons[0]
    assert found["q3"].headline is None
    assert found["q3"].basis_plain == "比較対象なし"


def test_sentences_carry_the_direction_and_the_interval_and_no_template_is_left_open():
    found = assess()
    assert "3.00時間少ない" in found.headline_sentence
    assert "1.96時間少ない" in found.headline_sentence  # 3 - 2.086 x 0.5
    for text in (found.headline_sentence, *found.sentences, *found.forbidden):
        assert "{" not in text


@pytest.mark.parametrize("verdict", ["判定不能", "実質的効果なし", "逆効果", "検証対象外"])
def test_no_permitted_sentence_of_a_verdict_without_effect_claims_one(verdict):
    entry_of = vocabulary()["verdicts"][verdict]
    for text in (entry_of["headline"], *entry_of["permitted"]):
        assert "効果がありました" not in text
        assert "削減" not in text
    assert entry_of["forbidden"]


# --- the smallest effect that matters


def test_break_even_by_hand():
    # 1,200,000 yen / 4,000 yen = 300 h, plus 60 h of attendance = 360 h over 120 unit-months = 3 h = 180 minutes each.
    asked = question(outcome=MINUTES, smallest_effect="break_even")
    found = smallest_meaningful_effect(asked, annual_cost_yen=1_200_000, yen_per_hour=4_000, unit_periods=120, baseline_mean=6000.0, attendance_hours=60.0)
    assert found.value == pytest.approx(180.0)
    assert (found.basis, found.hours) == ("break_even", pytest.approx(360.0))


@pytest.mark.parametrize("missing", [{"annual_cost_yen": None}, {"yen_per_hour": None}, {"unit_periods": 0}])
def test_without_cost_or_price_five_percent_of_the_mean_before_is_used_and_said(missing):
    given = {"annual_cost_yen": 1_200_000, "yen_per_hour": 4_000, "unit_periods": 120, "baseline_mean": 100.0} | missing
    found = smallest_meaningful_effect(question(smallest_effect="break_even"), **given)
    assert (found.value, found.basis) == (pytest.approx(5.0), "fallback")
    assert "5%" in found.sentence


def test_a_declared_size_must_be_positive():
    with pytest.raises(PlanError, match="正の数"):
        smallest_meaningful_effect(question(smallest_effect=0.0), annual_cost_yen=None, yen_per_hour=None, unit_periods=1, baseline_mean=1.0)


def test_a_courses_own_cost_goes_to_its_question_and_shared_cost_by_persons_trained():
    asked = [question(key, smallest_effect="break_even") for key in ("q1", "q2")]
    table = costs((2025, "決算", "講師", None, None, 400_000, "course_q1"), (2025, "決算", "会場", None, None, 400_000, ""))
    studies = {"q1": study("q1", persons_treated=75), "q2": study("q2", persons_treated=25)}
    found = smallest_effects(
        studies, plan=plan(*asked), costs=table, wages=wages((2025, "fully_loaded", 4000, "財政課", "sourced")), reach=reach(("course_q1", 75, 70, 25.0))
    )
    # q1: (400,000 + 300,000) / 4,000 + 25 = 200 h; q2: 100,000 / 4,000 = 25 h; both over 120 unit-months.
    assert found["q1"].hours == pytest.approx(200.0)
    assert found["q2"].value == pytest.approx(25 / 120)


# --- prices


def test_finances_own_price_comes_first_and_an_unverified_one_never():
    table = wages(
        (2025, "wage_only", 2583, "財政課通知", "sourced"), (2025, "fully_loaded", 4000, "概算", "unverified"), (2025, "fully_loaded", 4100, "", "sourced")
    )
    price = choose_price(table, fiscal_year=FiscalYear(2025), basis="fully_loaded")
    assert (price.yen_per_hour, price.basis) == (2583, "wage_only")
    assert "財政課通知" in price.sentence
    assert choose_price(None, fiscal_year=FiscalYear(2025), basis="fully_loaded") is None


def test_a_price_year_that_is_not_covered_is_an_error_with_a_remedy():
    with pytest.raises(DataError, match=r"令和7年度.*加えてください"):
        choose_price(wages((2024, "fully_loaded", 4000, "財政課", "sourced")), fiscal_year=FiscalYear(2025), basis="fully_loaded")


def test_what_the_result_could_find_is_never_less_than_its_own_width_allows() -> None:
    # Standard error 1 with 20 degrees of freedom: t(.975) + t(.80) = 2.086 + 0.860 of any table of t (Bloom 1995), against 1.4 foreseen.
    item = assess(study("q", estimate=-3.0, std_error=1.0))
    assert item.detectable == 1.4
    assert item.could_find == pytest.approx(2.086 + 0.860, abs=1e-3)
    calm = assess(study("q", estimate=-3.0, std_error=0.1))
    assert calm.could_find == calm.detectable == 1.4

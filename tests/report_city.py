"""A small city written out by hand, for the tests of the documents: no estimation, every number chosen."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from kdx_eval.budget import BudgetCase, CostLine, FundingLine, KeptShare, Outlook, OutlookCase, PriorClaim, Reach, SwitchingValue, YenRange
from kdx_eval.budget.cuts import cut_lines, make_cuts
from kdx_eval.budget.worth import find_break_even, make_scenarios
from kdx_eval.effect.study import CheckResult, EffectStudy, Entry
from kdx_eval.evidence import Evidence, Price, SmallestEffect
from kdx_eval.plan.types import Frozen, Outcome, Plan, Question
from kdx_eval.results import Results
from kdx_eval.savings import Bridge, Cash, Hours, Savings, SavingsLine
from kdx_eval.units import FiscalYear, Month

AS_OF = dt.date(2026, 9, 30)
START = Month.of(2022, 4).index
PRICE = Price(
    yen_per_hour=4000,
    fiscal_year=2025,
    basis="fully_loaded",
    source="給与・定員管理の公表",
    status="derived",
    sentence="1時間4,000円（令和7年度、公表値から算出）。",
)


KEPT = KeptShare(low=0.6, central=0.8, high=1.0, measured=True, source="この市での測定（95％の幅）")


def outlook_of(savings: Savings) -> Outlook:
    """A forecast in which the request year's attendees bring what was created, where hours may be claimed."""
    made = savings.created.hours if savings.created is not None and savings.may_claim else None
    cases = () if made is None else tuple(
        OutlookCase(name=name, persistence=share, carried_hours=0.0, new_hours=made, hours=made, low=made - 10, high=made + 10, value=None)
        for name, share in (("低位", KEPT.low), ("中位", KEPT.central), ("高位", KEPT.high))
    )  # fmt: skip
    return Outlook(
        fiscal_year=2027, lines=(), cases=cases, correction=1.0, correction_sentence="", attendance_hours=0.0, planned_seats=360, planned_known=True,
        sentence="見込みです。", measured=True,
    )  # fmt: skip


def entry(question_id: str, estimand: str, estimate: float, error: float) -> Entry:
    """An estimate whose interval is two standard errors wide on each side."""
    naive = estimand.startswith("naive")
    return Entry(
        question_id=question_id,
        outcome="worktime.overtime_hours",
        estimand=estimand,
        method="naive" if naive else "matched_months",
        inference="naive" if naive else "headline",
        estimate=estimate,
        std_error=error,
        conf_low=estimate - 2 * error,
        conf_high=estimate + 2 * error,
        p_value=0.01,
        df=20.0,
        n_units=60,
        n_persons=900,
        n_cohorts=3,
        n_periods=48,
    )


def study(question_id: str, title: str, estimate: float, *, error: float = 1.4, hours_per_unit: float | None = 1.0) -> EffectStudy:
    """48 months with a March peak; trained from month 30 on."""
    season = np.tile([40.0, 30, 25, 20, 18, 20, 24, 21, 20, 24, 26, 38], 4)
    treated = season + np.where(np.arange(48) >= 30, estimate, 0.0)
    times = np.arange(-24, 18)
    effect = np.where(times >= 0, estimate, 0.2)
    headline = entry(question_id, "fiscal_year", estimate, error)
    return EffectStudy(
        question_id=question_id,
        title=title,
        outcome_label="時間外勤務時間",
        unit_label="時間/課・月",
        better="lower",
        hours_per_unit=hours_per_unit,
        monthly=True,
        headline=headline,
        entries=(headline, entry(question_id, "naive_before_after", estimate - 4.8, 0.8)),
        event_study=pd.DataFrame(
            {"event_time": times, "estimate": effect, "std_error": 0.7, "conf_low": effect - 1.4, "conf_high": effect + 1.4}
            | {"band_low": effect - 2.1, "band_high": effect + 2.1, "n_units": 24}
        ),
        group_time=pd.DataFrame({"cohort": [START + 30.0], "period": [START + 31.0], "estimate": [estimate]}),
        series=pd.DataFrame({"period": START + np.arange(48.0), "treated_mean": treated, "comparison_mean": season, "n_treated": 24}),
        timing=pd.DataFrame(
            {
                "cohort": [START + 30.0, START + 33.0, START + 36.0, np.inf],
                "label": ["R6.10-12", "R7.1-3", "R7.4-6", "未受講"],
                "n_units": [8, 9, 7, 36],
                "n_persons": [120, 130, 90, 500],
            }
        ),
        detectable=2.9,
        unit_periods=240,
        baseline_mean=26.0,
        checks=(),
        influence=pd.DataFrame({"unit": ["a"], "value": [0.0]}),
        n_treated_units=24,
        n_control_units=36,
        persons_treated=340,
        settings={"synthetic": "true"},
    )


CHECKS = (
    CheckResult(
        check_id="pretrend",
        title="研修前の動きが平行か",
        outcome="passed",
        sentence="研修前の動きに差は見られません（見つけられた大きさ 1.20）。",
        detectable=1.2,
    ),
    CheckResult(check_id="placebo", title="偽の開始日", outcome="powerless", sentence="偽の開始日の検査は、見分ける力が足りません。"),
)


def evidence(question_id: str, title: str, verdict: str, *, headline: Entry | None) -> Evidence:
    """Evidence with the wording of the verdict."""
    none = headline is None
    size = "" if none else f"{abs(headline.estimate):.2f}少ない（95%の幅：{abs(headline.conf_high):.2f}少ない～{abs(headline.conf_low):.2f}少ない）"
    sentence = {
        "効果あり": f"{title}：受講した課では、未受講の課と比べて時間外勤務時間が時間/課・月当たり{size}。",
        "判定不能": f"{title}：効果は、今のデータでは「ある」とも「ない」とも言えません。",
        "検証対象外": f"{title}：比べる相手がないため、修了の状況だけを示します。",
    }[verdict]
    return Evidence(
        question_id=question_id,
        title=title,
        role="primary",
        outcome_label="時間外勤務時間",
        unit_label="時間/課・月",
        better="lower",
        verdict=verdict,  # type: ignore[arg-type]
        maryland=None if none else 3,
        japan=None if none else "Lv2a",
        basis_plain="比較対象なし" if none else "比較対照あり",
        smallest=None if none else SmallestEffect(value=1.5, basis="break_even", hours=360.0, sentence="費用と釣り合う大きさは1.50時間/課・月です。"),
        detectable=None if none else 2.9,
        interval90=None if none else (-8.5, -3.9),
        p_holm=None if none else 0.01,
        holm95=None if none else (-9.0, -3.4),
        headline=headline,
        headline_sentence=sentence,
        sentences=(sentence,),
        forbidden=("人件費が減る、予算が減ると言うこと。", "幅を付けずに一つの数字だけを示すこと。"),
        limits=("受講した課は自ら手を挙げた課を含みます。", "支払われない時間外勤務は見えません。"),
        reasons=("くじで決めた順番ではありません。",),
        checks=() if none else CHECKS,
    )


def hours(value: float, error: float) -> Hours:
    """Hours with an interval of two standard errors."""
    return Hours(hours=value, std_error=error, conf_low=value - 2 * error, conf_high=value + 2 * error)


def line(item: Evidence, saved: Hours | None) -> SavingsLine:
    """The savings line of one question."""
    return SavingsLine(
        question_id=item.question_id,
        title=item.title,
        role="primary",
        verdict=item.verdict,
        benefit_class="業務時間の創出（予算額は減らない）" if saved else "定性的効果",
        outcome_label=item.outcome_label,
        saved=saved,
        baseline_hours=6240.0 if saved else None,
        share_of_baseline=saved.hours / 6240.0 if saved else None,
        attendance_hours=510.0,
        unit_periods=240,
        n_treated_units=24,
        persons_treated=340,
        in_total=saved is not None,
        may_claim=item.may_claim,
        note="",
    )


def savings(lines: tuple[SavingsLine, ...], *, may_claim: bool, has: bool = False) -> Savings:
    """Totals written by hand."""
    has = has or any(item.saved for item in lines)
    return Savings(
        fiscal_year=2025,
        lines=lines,
        created=hours(1610.0, 420.0) if has else None,
        attendance_hours=1020.0,
        net=hours(590.0, 420.0) if has else None,
        baseline_hours=12480.0 if has else None,
        share_of_baseline=0.129 if has else None,
        person_equivalent=590 / 1883 if has else None,
        hours_per_person=1883.0,
        person_basis="1人分は年1,883時間（7時間45分×243日）として換算",
        may_claim=may_claim,
        bridge=Bridge(created_hours=590.0, redeployed_hours=400.0, unexplained_hours=190.0, destinations=(("窓口相談の充実", 400.0),), recorded=True),
        cash=Cash(
            estimated_hours=1488.0,
            fall_hours=900.0,
            fall_yen=2250000,
            cash_hours=900.0,
            cash_yen=2250000,
            limited=True,
            sentence="時間外勤務手当の実際の減は900時間・2,250千円です。",
        ),
        correlation=((1.0, 0.0), (0.0, 1.0)),
        notes=(),
    )


def cost(detail: str, quantity: int, price: int, *, section: str = "委託料") -> CostLine:
    """One line of the 積算."""
    return CostLine(
        account="2-1-8",
        project="DX人材育成事業",
        section=section,
        detail=detail,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        yen=quantity * price,
        quote_reference="見積2者",
        recurring="経常",
        funding="一般財源",
        course_id="c1",
    )


def budget(lines: tuple[CostLine, ...]) -> BudgetCase:
    """A request of the lines' sum against 7,000,000 yen the year before."""
    total = sum(item.yen for item in lines)
    saved = savings((), may_claim=True, has=True)
    cuts = make_cuts(total, 7000000, seats=360, outlook=outlook_of(saved), price=PRICE)
    return BudgetCase(
        request_fiscal_year=2027,
        evaluated_fiscal_year=2025,
        request_yen=total,
        previous_yen=7000000,
        change_yen=total - 7000000,
        changes=(),
        change_reason="BPR研修の対象を2課増やすため。",
        funding=(FundingLine(source="国庫", yen=2000000, previous_yen=1500000), FundingLine(source="一般財源", yen=total - 2000000, previous_yen=5500000)),
        lines=lines,
        cost_yen=6800000,
        cost_stage="決算",
        prior_claims=(
            PriorClaim(
                claim_id="p1",
                fiscal_year=2025,
                basis="RPAと研修による時間外の縮減",
                claimed_hours=2400.0,
                claimed_yen=None,
                result_hours=590.0,
                result_low=-250.0,
                result_high=1430.0,
                realised_share=0.2458,
                sentence="見込み2,400時間に対し実績590時間（25%）。",
            ),
        ),
        cash_reduction_yen=2250000,
        cash_sentence="時間外勤務手当が実際に2,250千円減りました。それ以外の時間の創出では予算額は減りません。",
        reference_value=YenRange(yen=2360000, low=-1000000, high=5720000),
        price=PRICE,
        price_sentence="1時間4,000円（令和7年度、公表値から算出）。",
        break_even=find_break_even(total, price=PRICE, attendance_hours=saved.attendance_hours, persons=340),
        scenarios=make_scenarios(saved, price=PRICE, cost_yen=total, kept=KEPT),
        kept=KEPT,
        kept_sentence="2年目に残った効果は1年目の80%でした。",
        switching_values=(
            SwitchingValue(assumption="時間単価", base=4000.0, threshold=5200.0, unit="円", sentence="時間単価が5,200円を超えると費用を上回ります。"),
        ),
        cuts=cuts,
        cut_lines=cut_lines(lines, (), reduced_yen=cuts[1].yen),
        reach=(
            Reach(
                course_id="c1",
                course_name="生成AI庁内活用推進研修",
                enrolled=340,
                completed=322,
                staff=2600,
                completion_share=0.947,
                reach_share=0.131,
                attendance_hours=510.0,
                cost_yen=4200000,
                cost_per_completion_yen=13043,
            ),
            Reach(
                course_id="c2",
                course_name="情報セキュリティ研修",
                enrolled=2550,
                completed=2512,
                staff=2600,
                completion_share=0.985,
                reach_share=0.98,
                attendance_hours=510.0,
                cost_yen=None,
                cost_per_completion_yen=None,
            ),
        ),
        cost_per_completion_yen=13043,
        alternatives=("J-LISの動画研修で代えると費用は下がるが、庁内の業務に即した演習ができない。",),
        missing=(),
        notes=(),
    )


def plan(questions: tuple[Question, ...]) -> Plan:
    """R9要求 / R7年度まで評価, frozen before the period ended."""
    return Plan(
        title="DX人材育成事業",
        city="合成市",
        synthetic=True,
        request_fiscal_year=FiscalYear(2027),
        evaluated_fiscal_year=FiscalYear(2025),
        evaluated_through=Month.of(2026, 3),
        questions=questions,
        frozen=Frozen(at=dt.date(2025, 4, 1), sha256="0" * 64),
    )


def question(question_id: str, title: str, *, completion_only: bool = False) -> Question:
    """A question on overtime by department."""
    outcome = Outcome(table="worktime", measure="overtime_hours", label="時間外勤務時間", unit_label="時間/課・月", better="lower", hours_per_unit=1.0)
    return Question(
        question_id=question_id,
        title=title,
        courses=("c1",),
        unit="department",
        outcome=outcome,
        design="everyone" if completion_only else "staggered",
        role="completion_only" if completion_only else "primary",
        explanation="受講の時期が課ごとにずれているため、まだ受けていない課と比べます。",
    )


TITLES = {"q1": "生成AI研修は時間外勤務を減らしたか", "q2": "BPR研修は時間外勤務を減らしたか", "q3": "情報セキュリティ研修"}


def city(**changes: Any) -> Results:
    """One question that works, one that cannot be told, one that has no comparison; ``changes`` replace fields of the results."""
    studies = {"q1": study("q1", TITLES["q1"], -6.2), "q2": study("q2", TITLES["q2"], -0.5, error=1.8)}
    found = {
        "q1": evidence("q1", TITLES["q1"], "効果あり", headline=studies["q1"].headline),
        "q2": evidence("q2", TITLES["q2"], "判定不能", headline=studies["q2"].headline),
        "q3": evidence("q3", TITLES["q3"], "検証対象外", headline=None),
    }
    lines = (line(found["q1"], hours(1488.0, 336.0)), line(found["q2"], hours(122.0, 432.0)))
    asked = (cost("生成AI研修 委託", 12, 350000), cost("BPR研修 委託", 8, 400000), cost("教材", 360, 2000, section="需用費"))
    base = Results(
        plan=plan((question("q1", TITLES["q1"]), question("q2", TITLES["q2"]), question("q3", TITLES["q3"], completion_only=True))),
        studies=studies,
        evidence=found,
        savings=savings(lines, may_claim=True),
        budget=budget(asked),
        quality={"rows_read": 12000, "rows_accepted": 11950, "rows_rejected": 50},
        reach=None,
    )
    return replace(base, **changes)

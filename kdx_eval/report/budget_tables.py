"""Tables of a budget case for notebook 05: one row for each part, in Japanese, ready to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kdx_eval.report.claims_budget import assumption_text
from kdx_eval.report.money_blocks import STATUS_WORDS
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, format_thousand_yen, format_yen

NONE = "－"


def _yen(value: int | None) -> str:
    return NONE if value is None else f"{format_thousand_yen(value)}千円"


def _each(value: int | None) -> str:
    return NONE if value is None else format_yen(value)


def _hours(value: float | None) -> str:
    return NONE if value is None else format_hours(value)


def payback_texts(scenario: Any) -> tuple[str, str]:
    """Benefit over cost, which has no pass mark, and the years until the cost is paid."""
    ratio = NONE if scenario.ratio is None else format_number(scenario.ratio, 2)
    return ratio, "期間内に回収しない" if scenario.payback_years is None else f"{format_number(scenario.payback_years, 1)}年"


def _stages(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.stages:
        yield FiscalYear(item.fiscal_year).wareki, item.stage, _yen(item.yen), _yen(item.recurring_yen), _yen(item.one_off_yen), ""
    for one in budget.executions:
        told = f"執行率{format_share(one.share)}（予算{_yen(one.budget_yen)}に対し{one.spent_stage}{_yen(one.spent_yen)}）"
        yield FiscalYear(one.fiscal_year).wareki, "不用額", _yen(one.unused_yen), "", "", told
    if budget.special_allocation is not None:
        yield FiscalYear(budget.request_fiscal_year).wareki, "一般財源のうち", _yen(budget.special_allocation.yen), "", "", budget.special_allocation.sentence


def _prior(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.prior_claims:
        share = NONE if item.realised_share is None else format_share(item.realised_share, 0)
        yield FiscalYear(item.fiscal_year).wareki, item.basis or item.claim_id, _hours(item.claimed_hours), _hours(item.result_hours), share, item.sentence


def _full_cost(budget: Any) -> Iterable[Sequence[str]]:
    full = budget.full_cost
    if full is None:
        return
    for item in full.items:
        yield item.label, _hours(item.hours), _yen(item.yen), "", ""
    yield "受講・修了1人当たり", "", "", _each(full.per_attendee_yen), _each(full.per_completion_yen)
    yield "生まれた1時間当たり", "", _each(full.per_hour_yen), "", ""
    for course in full.courses:
        hours = course.attendance_hours + course.office_hours + course.instructor_hours
        yield f"　{course.course_name}", _hours(hours), _yen(course.full_yen), _each(course.per_attendee_yen), _each(course.per_completion_yen)
    for sentence in full.missing:
        yield "足りないもの", "", "", "", sentence


def _prices(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.prices:
        value = NONE if item.value is None else _yen(item.value.yen)
        used = "使っている単価" if item.used else ""
        yield item.label, _each(item.yen_per_hour), STATUS_WORDS.get(item.status, item.status), item.use, value, used, item.source or item.note
    for step in budget.price_steps:
        digits = 0 if abs(step.value) >= 100 else 2
        yield f"　公表資料からの計算：{step.label}", f"{format_number(step.value, digits)}{step.unit}", "計算", "", "", "", step.formula


def _outlook(budget: Any) -> Iterable[Sequence[str]]:
    outlook = budget.outlook
    if outlook is None:
        return
    for case in outlook.cases:
        width = f"{format_hours(case.low)} ～ {format_hours(case.high)}"
        parts = (_hours(case.carried_hours), _hours(case.new_hours), _hours(case.hours))
        yield f"{case.name}（1年後に{format_share(case.persistence, 0)}残る）", *parts, width, NONE if case.value is None else _yen(case.value.yen)
    yield "説明", "", "", "", "", f"{outlook.sentence}{outlook.correction_sentence}"


def _promises(budget: Any) -> Iterable[Sequence[str]]:
    if budget.continuation is not None:
        yield "終期と継続の条件", "", budget.continuation.sentence
    for item in budget.promises:
        yield f"{FiscalYear(item.fiscal_year).wareki}の見込みとして残すもの", NONE if item.hours is None else format_hours(item.hours), item.basis


def _swings(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.swings:
        ends = (assumption_text(value, item.unit) for value in (item.low, item.base, item.high))
        yield item.assumption, *ends, _yen(item.net_at_low), _yen(item.net_at_high), item.source


def _drawn(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.drawn:
        middle, low, high = (_yen(int(one)) if item.unit == "円" else _hours(one) for one in (item.middle, item.low, item.high))
        share = NONE if item.share_above is None else "ほぼすべて" if item.share_above > 0.99 else format_share(item.share_above, 0)
        yield item.label, f"約{middle}", f"約{low} ～ {high}", share
    if budget.conventional_yen is not None:
        yield "参考：慣行の式（時間×単価×5年。割引も効果の薄れも見込まないため、判断には使いません）", _yen(budget.conventional_yen), "", ""


def _ladder(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.ladder:
        yield item.option, _yen(item.yen), _hours(item.staff_hours), _hours(item.saved_hours), _each(item.yen_per_hour), item.reason or item.basis


def _peers(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.peers:
        share = NONE if item.realised_share is None else format_share(item.realised_share, 0)
        hours = _hours(item.hours) if item.lower_hours is None else f"{_hours(item.hours)}（下限{_hours(item.lower_hours)}）"
        yield f"{item.city} {item.subject}（{item.fiscal_year}）", item.basis, hours, _each(item.yen_per_hour), share, _yen(item.net_yen), item.note


BUDGET_TABLES: dict[str, tuple[tuple[str, ...], Callable[[Any], Iterable[Sequence[str]]]]] = {
    "stages": (("年度", "区分", "計", "経常", "臨時", "説明"), _stages),
    "prior": (("年度", "見込みの内容", "見込み", "実績", "実績÷見込み", "説明"), _prior),
    "full_cost": (("項目", "職員の時間", "金額", "受講1人当たり", "修了1人当たり"), _full_cost),
    "prices": (("単価の種類", "1時間", "確かさ", "使いみち", "差引の時間の換算（参考）", "", "出典・計算"), _prices),
    "outlook": (("見込み（実績には足さない）", "これまでの受講者", "要求年度の受講者", "合計", "幅（95%）", "人件費換算（参考）"), _outlook),
    "promises": (("", "時間", "説明"), _promises),
    "swings": (("前提", "低い場合", "基準", "高い場合", "差し引き（低い場合）", "差し引き（高い場合）", "範囲の根拠"), _swings),
    "drawn": (("項目", "中央", "95%の範囲", "費用を上回る割合（この前提の範囲で）"), _drawn),
    "ladder": (("方法", "費用", "職員が使う時間", "生まれる時間", "1時間を生む費用", "説明"), _ladder),
    "peers": (("団体・内容", "時間の根拠", "時間", "1時間の単価", "見込みに対する実行", "初年度の差し引き", "注意"), _peers),
}

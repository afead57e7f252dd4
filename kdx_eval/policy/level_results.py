"""Levels three to five from what the run has found: use of tools, verdicts on results, return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.budget.worth import value_hours
from kdx_eval.policy.level_items import LevelItem
from kdx_eval.savings.subtotal import add_lines, split_decided
from kdx_eval.units import format_yen

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.plan import Plan, Question
    from kdx_eval.savings import Hours, Savings

# Whether people use a tool is what they do; whether the citizen is served sooner is a result (data_schema/indicators.csv).
TOOL_USE = frozenset({"genai_uses", "online_forms", "rpa_hours"})


def tool_items(plan: Plan, evidence: Mapping[str, Evidence], *, studies: Mapping[str, EffectStudy]) -> Iterator[LevelItem]:
    """Verdicts on questions about the use of tools."""
    for question in plan.questions:
        if question.is_estimated and question.outcome.indicator_id in TOOL_USE and question.question_id in evidence:
            yield _judged(question, evidence[question.question_id], level=3, studies=studies)


def result_items(plan: Plan, evidence: Mapping[str, Evidence], *, studies: Mapping[str, EffectStudy]) -> Iterator[LevelItem]:
    """Verdicts on all other questions that were estimated."""
    for question in plan.questions:
        if question.is_estimated and question.outcome.indicator_id not in TOOL_USE and question.question_id in evidence:
            yield _judged(question, evidence[question.question_id], level=4, studies=studies)


def _judged(question: Question, judged: Evidence, *, level: int, studies: Mapping[str, EffectStudy]) -> LevelItem:
    study = studies.get(question.question_id)
    return LevelItem(
        level=level, title=f"判定：{judged.verdict}", subject=question.title, persons=None if study is None else int(study.persons_treated),
        sentence=judged.headline_sentence.removeprefix(f"{question.title}："),
    )  # fmt: skip


def return_items(savings: Savings | None, budget: BudgetCase | None) -> Iterator[LevelItem]:
    """What leaves the budget, and the return of the first year by Phillips: (benefits - fully loaded costs) / fully loaded costs.

    Benefits are the value of the hours created by questions whose verdict permits a claim, less those that were lost for certain; hours of which
    nothing is certain stand beside as 未確定. Costs are the money spent and the value of the hours in class; a reference figure, no cash.
    """
    if savings is None or budget is None or budget.cost_yen is None:
        return
    cost = budget.cost_yen
    yield LevelItem(level=5, title="予算が実際に減る額", value=float(budget.cash_reduction_yen), unit="円", sentence=budget.cash_sentence)
    if not savings.may_claim or budget.reference_value is None or budget.price is None:
        why = "効果が確かめられていないため" if not savings.may_claim else "単価がないため"
        yield LevelItem(level=5, title="収益率（参考）", state="none", sentence=f"{why}、計算していません。費用は{format_yen(cost)}（{budget.cost_stage}）です")
        return
    attended = savings.attendance_hours * budget.price.yen_per_hour
    loaded = cost + attended
    decided, open_lines = split_decided(savings)
    hours = add_lines(savings, decided)
    worth = budget.reference_value if not open_lines else value_hours(_less(hours, savings.attendance_hours), price=budget.price)
    assert worth is not None
    value, low, high = ((net - cost) / loaded for net in (worth.yen, worth.low, worth.high))
    only = "効果の判定がついた問いの時間だけによる" if open_lines else ""
    said = f"{only}人件費換算による1年分。費用は{format_yen(cost)}と受講時間の人件費{format_yen(attended)}。現金の収支ではありません"
    yield LevelItem(level=5, title="収益率（参考）", value=value, low=low, high=high, unit="割合", sentence=said)
    if open_lines:
        rest = add_lines(savings, open_lines)
        verdicts = "・".join(dict.fromkeys(line.verdict for line in open_lines))
        why = f"{verdicts}の問い{len(open_lines)}件の時間。増えたとも減ったとも言えないため、収益率に入れていません"
        yield LevelItem(level=5, title="未確定の時間", value=rest.hours, low=rest.conf_low, high=rest.conf_high, unit="時間", sentence=why)


def _less(hours: Hours, attendance: float) -> Hours:
    return replace(hours, hours=hours.hours - attendance, conf_low=hours.conf_low - attendance, conf_high=hours.conf_high - attendance)

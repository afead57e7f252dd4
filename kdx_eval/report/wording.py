"""How quantities are put into words in every document, so that no two documents disagree."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError
from kdx_eval.evidence.wording import quantity_text
from kdx_eval.report.blocks import shorten
from kdx_eval.schema.policy_version import policy_on
from kdx_eval.units import format_hours, format_number, wareki_date

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.plan import Plan
    from kdx_eval.results import Results

NOT_GIVEN = "未入力"
VERDICT_ORDER = ("逆効果", "効果あり", "小さい効果", "実質的効果なし", "判定不能", "検証対象外")
ROUNDING_NOTE = "千円未満を四捨五入しているため、内訳と計が合わないことがあります。△はマイナスです。"
CHECK_WORDS = {"passed": "支障なし", "failed": "問題あり", "powerless": "確かめる力が足りない", "not_applicable": "対象外"}
AFTER_PERIOD_NOTE = "計画は評価対象期間の後に定めたもの（事後計画）です。このため確からしさを控えめに見ています。"


def split_unit(unit_label: str) -> tuple[str, str]:
    """``("時間", "1課・1か月当たり")`` for ``時間/課・月``; the second part is empty when nothing stands after the slash."""
    unit, _, per = unit_label.replace("／", "/").partition("/")
    parts = ["1か月" if part == "月" else f"1{part}" for part in per.strip().split("・") if part]
    return unit.strip(), f"{'・'.join(parts)}当たり" if parts else ""


def digits_for(*values: float) -> int:
    """Decimals that the largest of the values deserves, so that an estimate is not printed finer than its range."""
    size = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4


def change_text(value: float, unit_label: str, *, digits: int | None = None) -> str:
    """``1課・1か月当たり6.20時間の減``; ``digits`` where the range asks for fewer."""
    if not math.isfinite(value):
        return "－"
    unit, per = split_unit(unit_label)
    size = quantity_text(abs(value)) if digits is None else format_number(abs(value), digits)
    return f"{per}{size}{unit}の{'減' if value < 0 else '増'}"


def size_text(value: float, unit_label: str) -> str:
    """A size without direction: ``1課・1か月当たり6.20時間``."""
    unit, per = split_unit(unit_label)
    return f"{per}{quantity_text(value)}{unit}" if math.isfinite(value) else "－"


def size_range_text(low: float, high: float, *, unit_label: str) -> str:
    """The interval of a size: ``幅5.10～8.00時間``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "幅は計算できない"
    unit, _ = split_unit(unit_label)
    return f"幅{quantity_text(low)}～{quantity_text(high)}{unit}"


def change_range_text(low: float, high: float, *, unit_label: str) -> str:
    """``幅3.40～9.00時間の減``, or with both directions named when the range crosses zero."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "幅は計算できない"
    unit, _ = split_unit(unit_label)
    digits = digits_for(low, high)
    small, large = (format_number(abs(end), digits) for end in (low, high))
    if low < 0 <= high:
        return f"幅{small}{unit}の減～{large}{unit}の増"
    return f"幅{large}～{small}{unit}の減" if high < 0 else f"幅{small}～{large}{unit}の増"


def hours_range_text(low: float, high: float) -> str:
    """``幅820～2,160時間``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "幅は計算できない"
    return f"幅{format_number(low)}～{format_hours(high)}"


def yen_text(yen: float | None) -> str:
    """Yen in 千円 without the unit, 未入力 when the city did not give it."""
    return NOT_GIVEN if yen is None else format_number(yen / 1000)


def ordered_evidence(results: Results) -> list[Evidence]:
    """All questions in the plan's order, which gives them their numbers."""
    asked = () if results.plan is None else [question.question_id for question in results.plan.questions]
    place = {question_id: number for number, question_id in enumerate(asked)}
    return sorted(results.evidence.values(), key=lambda item: place.get(item.question_id, len(place)))


def numbered_evidence(results: Results) -> list[tuple[int, Evidence]]:
    """Number and question, what a short list must show first: primary questions, harmful effects before good ones, so that a cut never hides the bad news.

    What is worth hours comes before what is not: good news without a price must not push an undecided question on overtime off the page.
    """
    asked = () if results.plan is None else results.plan.questions
    in_hours = {question.question_id for question in asked if question.outcome.hours_per_unit is not None and question.is_estimated}

    def place(pair: tuple[int, Evidence]) -> tuple[bool, bool, bool, int, int]:
        number, item = pair
        return item.role != "primary", item.verdict != "逆効果", item.question_id not in in_hours, VERDICT_ORDER.index(item.verdict), number

    return sorted(enumerate(ordered_evidence(results), start=1), key=place)


def part_of(results: Results, question_id: str) -> int | None:
    """The number of the question whose hours already hold this one's (overtime is a part of all hours); None where there is none."""
    lines = () if results.savings is None else results.savings.lines
    line = next((line for line in lines if line.question_id == question_id), None)
    if line is None or line.in_total or line.saved is None:
        return None
    questions = {question.question_id: question for question in planned(results).questions}
    whole = {line.question_id for line in lines if line.in_total and line.saved is not None}
    for number, item in enumerate(ordered_evidence(results), start=1):
        if item.question_id in whole and set(questions[item.question_id].courses) & set(questions[question_id].courses):
            return number
    return None


def may_claim_prior(results: Results, claim_id: str) -> bool:
    """Whether the result of a promise may be told as a result: its question's effect may be claimed, or the total where it names no question."""
    found = results.evidence.get(claim_id)
    return results.savings is not None and results.savings.may_claim if found is None else found.may_claim


def plan_note(plan: Plan) -> str:
    """When the plan was fixed, in plain words, dates in the Japanese calendar."""
    if plan.evaluated_after_period and not plan.changed_since_freeze:
        return AFTER_PERIOD_NOTE
    return re.sub(r"\d{4}-\d{2}-\d{2}", lambda found: wareki_date(dt.date.fromisoformat(found.group())), plan.freeze_note)


def policy_note(results: Results) -> str:
    """The version of the policy in force at the end of the evaluated period, and those in between from which definitions changed."""
    plan = planned(results)
    last = (plan.evaluated_through + 1).first_day - dt.timedelta(days=1)
    recorded = [(str(one["effective_from"]), str(one["label"])) for one in results.quality.get("policies") or ()]
    in_force = [(day, label) for day, label in recorded if day <= last.isoformat()] or recorded[:1]
    label = in_force[-1][1] if in_force else policy_on(last).label
    earlier = "、".join(wareki_date(dt.date.fromisoformat(day)) for day, _ in in_force[1:])
    changed = f"{earlier}に版が改まっており、定義の変わった区分・領域・研修の数字は、その前後で差をとりません。" if earlier else ""
    return f"人材区分・スキル・研修の定義は{shorten(label, 60)}によります。{changed}"


def planned(results: Results) -> Plan:
    """The plan, without which no document can be headed.

    Raises
    ------
    DataError
        When the results hold none.
    """
    if results.plan is None:
        raise DataError("計算結果に計画が含まれていません", place="results/plan.json", hint="01 のノートから順に実行してください")
    return results.plan

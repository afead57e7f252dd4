"""How quantities are put into words in every document, so that no two documents disagree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError
from kdx_eval.evidence.wording import quantity_text
from kdx_eval.units import format_hours, format_number

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.plan import Plan
    from kdx_eval.results import Results

NOT_GIVEN = "未入力"
VERDICT_ORDER = ("逆効果", "効果あり", "小さい効果", "実質的効果なし", "判定不能", "検証対象外")
ROUNDING_NOTE = "金額は千円未満を四捨五入して表示しているため、内訳の計と合計が一致しないことがあります。△は減少（時間の欄では増加・悪化）を示します。"


def split_unit(unit_label: str) -> tuple[str, str]:
    """``("時間", "1課・月当たり")`` for ``時間/課・月``; the second part is empty when nothing stands after the slash."""
    unit, _, per = unit_label.replace("／", "/").partition("/")
    return unit.strip(), f"1{per.strip()}当たり" if per.strip() else ""


def change_text(value: float, unit_label: str) -> str:
    """``1課・月当たり6.20時間の減``."""
    if not math.isfinite(value):
        return "－"
    unit, per = split_unit(unit_label)
    return f"{per}{quantity_text(abs(value))}{unit}の{'減' if value < 0 else '増'}"


def size_text(value: float, unit_label: str) -> str:
    """A size without direction: ``1課・月当たり6.20時間``."""
    unit, per = split_unit(unit_label)
    return f"{per}{quantity_text(value)}{unit}" if math.isfinite(value) else "－"


def change_range_text(low: float, high: float, *, unit_label: str) -> str:
    """``幅3.40～9.00時間の減``, or with both directions named when the range crosses zero."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "幅は計算できない"
    unit, _ = split_unit(unit_label)
    small, large = (quantity_text(abs(end)) for end in (low, high))
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
    """Primary questions first, harmful effects before good ones, so that a cut list never hides the bad news."""
    asked = () if results.plan is None else [question.question_id for question in results.plan.questions]
    place = {question_id: number for number, question_id in enumerate(asked)}
    items = list(results.evidence.values())
    return sorted(items, key=lambda item: (item.role != "primary", VERDICT_ORDER.index(item.verdict), place.get(item.question_id, len(place))))


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

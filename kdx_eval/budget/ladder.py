"""Other ways to the same end as a ladder of yen for one hour created, and published cases of other cities beside ours."""

from __future__ import annotations

import pandas as pd

from kdx_eval.budget.parts import Alternative, FullCost, PeerComparison
from kdx_eval.errors import DataError
from kdx_eval.evidence import Price
from kdx_eval.evidence.price import Record, decimal_or_none, records, text_column
from kdx_eval.savings import Savings
from kdx_eval.schema.peer_cases import PeerBasis, PeerCase, load_peer_cases
from kdx_eval.units import FiscalYear, format_yen, round_half_up

OPTIONS = ("何もしない", "J-LIS", "内製", "近隣との共同", "外部専門人材")
OURS = "この研修（評価年度の実績）"
MEASURED = frozenset(("task_measured", "usage_log", "observed"))
BASIS_WORDS: dict[PeerBasis, str] = {
    "claimed": "見込み",
    "task_measured": "実測",
    "survey": "アンケートの拡大推計",
    "usage_log": "利用記録",
    "observed": "勤務時間の実績",
    "unknown": "不明",
}


def climb_ladder(
    alternatives: pd.DataFrame | None, *, fiscal_year: FiscalYear, price: Price | None, full_cost: FullCost | None, savings: Savings
) -> tuple[Alternative, ...]:
    """This training and every alternative, cheapest hour first, then those without a figure.

    For each: (budget + staff hours x price) / hours created. What the city did not state stays without a figure, with the reason.

    Raises
    ------
    DataError
        A cost or a number of hours is negative.
    """
    rows = _rows(alternatives, fiscal_year=fiscal_year)
    others = [_other(option, rows.get(option), price=price) for option in OPTIONS]
    found = [_ours(full_cost, savings=savings), *others]
    return tuple(sorted(found, key=lambda one: (one.yen_per_hour is None, one.yen_per_hour or 0)))


def _rows(alternatives: pd.DataFrame | None, *, fiscal_year: FiscalYear) -> dict[str, Record]:
    if alternatives is None or alternatives.empty:
        return {}
    rows = alternatives.copy()
    for name in ("option", "savings_basis", "note", "source"):
        rows[name] = text_column(rows, name)
    return {row["option"]: row for row in records(rows[rows["fiscal_year"].astype(int) == fiscal_year.year])}


def _ours(full_cost: FullCost | None, *, savings: Savings) -> Alternative:
    if full_cost is None:
        reason = "費用か単価がないため計算できません"
    elif full_cost.per_hour_yen is None:
        reason = "効果があると言える結果がまだないため示しません"
    else:
        reason = ""
    return Alternative(
        option=OURS,
        ours=True,
        yen=None if full_cost is None else full_cost.budget_yen,
        staff_hours=None if full_cost is None else sum(item.hours or 0.0 for item in full_cost.items),
        saved_hours=savings.created.hours if savings.may_claim and savings.created is not None else None,
        yen_per_hour=None if full_cost is None else full_cost.per_hour_yen,
        basis="比較対照のある推定" if not reason else "",
        reason=reason,
        source="この評価",
    )


def _other(option: str, row: Record | None, *, price: Price | None) -> Alternative:
    if row is None:
        reason = "費用も生まれる時間もない" if option == OPTIONS[0] else "費用と時間の記入がない（代替案の表に書けます）"
        nothing = option == OPTIONS[0]
        hours = 0.0 if nothing else None
        return Alternative(
            option=option, ours=False, yen=0 if nothing else None, staff_hours=hours, saved_hours=hours, yen_per_hour=None, basis="", reason=reason, source=""
        )  # fmt: skip
    numbers = [decimal_or_none(row.get(name)) for name in ("yen", "staff_hours", "saved_hours")]
    if any(number is not None and number < 0 for number in numbers):
        raise DataError("代替案に負の値があります", place=f"alternatives（代替案）{option}", hint="費用と時間は0以上にしてください")
    yen, staff, saved = (None if number is None else float(number) for number in numbers)
    lacking = [name for name, value in (("費用", yen), ("生まれる時間", saved), ("時間の単価", price)) if value is None]
    each = None
    if yen is not None and saved and price is not None:
        each = int(round_half_up((yen + (staff or 0.0) * price.yen_per_hour) / saved))
    note = f"。{row['note']}" if row["note"] else ""
    basis = next((words for key, words in BASIS_WORDS.items() if key == row["savings_basis"]), "")
    # A zero is an answer and not a blank: a way that creates no hour has no price for one.
    without = f"{'・'.join(lacking)}の記入がない" if lacking else "時間を生まない"
    reason = f"{without if each is None else f'生まれる時間の根拠：{basis}' if basis else '生まれる時間の根拠の記入なし'}{note}"
    return Alternative(
        option=option,
        ours=False,
        yen=None if yen is None else int(yen),
        staff_hours=staff,
        saved_hours=saved,
        yen_per_hour=each,
        basis=basis,
        reason=reason,
        source=row["source"] or "出典の記入なし",
    )


def tell_alternatives(ladder: tuple[Alternative, ...]) -> tuple[str, ...]:
    """One sentence for each alternative that the city stated, in the ladder's order."""
    found = []
    for item in ladder:
        if not item.ours and item.source:
            each = "1時間を生む費用は計算できません" if item.yen_per_hour is None else f"1時間を生む費用は{format_yen(item.yen_per_hour)}"
            found.append(f"{item.option}：{each}（{item.reason}）。")
    return tuple(found)


def compare_peers() -> tuple[PeerComparison, ...]:
    """Every published case with the figures that follow from it; no own figure enters."""
    cases = load_peer_cases()
    dearest = max(case.yen / case.hours for case in cases if case.yen and case.hours and case.status == "sourced")
    return tuple(_peer(case, yen_per_hour=dearest) for case in cases)


def _peer(case: PeerCase, *, yen_per_hour: float) -> PeerComparison:
    cost = None if case.initial_yen is None and case.yearly_yen is None else (case.initial_yen or 0) + (case.yearly_yen or 0)
    net = None if cost is None or case.hours is None else first_year_net(case.hours, yen_per_hour=yen_per_hour, initial_yen=0, yearly_yen=cost)
    return PeerComparison(
        city=case.city,
        subject=case.subject,
        fiscal_year=case.fiscal_year,
        basis=BASIS_WORDS[case.savings_basis],
        comparable=case.savings_basis in MEASURED and case.hours is not None,
        hours=case.hours,
        lower_hours=case.hours_low,
        yen=case.yen,
        yen_per_hour=int(round_half_up(case.yen / case.hours)) if case.yen and case.hours else None,
        realised_share=case.hours / case.promised_hours if case.hours and case.promised_hours else None,
        net_yen=net,
        source=case.source,
        status=case.status,
        note=case.note,
    )


def first_year_net(hours: float, *, yen_per_hour: float, initial_yen: int, yearly_yen: int) -> int:
    """The first year's hours in yen less what the measure cost once and in that year."""
    return int(round_half_up(hours * yen_per_hour)) - initial_yen - yearly_yen

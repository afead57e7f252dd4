"""What this request promises, kept for next year's comparison, and when the measure ends unless it is renewed."""

from __future__ import annotations

from kdx_eval.budget.parts import Continuation, Outlook, Promise
from kdx_eval.budget.types import TOTAL_CLAIM, BreakEven
from kdx_eval.evidence import Price
from kdx_eval.plan import Plan
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, round_half_up

PROPOSED_YEARS = 3
COLUMNS = ("年度", "見込み番号", "見込み時間", "見込み額", "根拠")


def make_promises(outlook: Outlook, *, price: Price | None, break_even: BreakEven | None) -> tuple[Promise, ...]:
    """One promise for the request year, held next year against the net hours of the whole.

    The central case less the planned attendance, in whole hours. Where no hours may be claimed the row stands with its hours blank,
    so that next year's table says that nothing was promised.
    """
    central = outlook.central
    if central is None:
        even = "" if break_even is None else f"分岐点は年{format_hours(break_even.hours_per_year)}。"
        basis = f"時間の見込みは立てていない。{even}{outlook.sentence}"
        return (Promise(fiscal_year=outlook.fiscal_year, claim_id=TOTAL_CLAIM, hours=None, yen=None, basis=basis),)
    hours = int(round_half_up(central.hours - outlook.attendance_hours))
    ground = "測定" if outlook.measured else "前提、未検証"
    basis = (
        f"要求時の見込み（中位、受講時間を差し引いた後。受講予定延べ{format_number(outlook.planned_seats or 0)}人、"
        f"1年後に残る割合{format_share(central.persistence, 0)}（{ground}）、補正{format_number(outlook.correction, 2)}）"
    )
    yen = None if price is None else hours * price.yen_per_hour
    return (Promise(fiscal_year=outlook.fiscal_year, claim_id=TOTAL_CLAIM, hours=hours, yen=yen, basis=basis),)


def promises_csv(promises: tuple[Promise, ...]) -> str:
    """The promises as the table 前年度要求時の見込み, to be put into next year's data folder as it is."""
    import csv
    import io

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in promises:
        writer.writerow([one.fiscal_year, one.claim_id, "" if one.hours is None else one.hours, "" if one.yen is None else one.yen, one.basis])
    return stream.getvalue()


def set_continuation(plan: Plan, *, break_even: BreakEven | None) -> Continuation:
    """終期 and the condition for going on: the plan's, else a proposal that says it is one."""
    proposed = plan.ends_fiscal_year is None
    ends = plan.ends_fiscal_year or FiscalYear(plan.request_fiscal_year.year + PROPOSED_YEARS - 1)
    hours = plan.continue_hours if plan.continue_hours is not None else None if break_even is None else break_even.hours_per_year
    needed = "費用と釣り合う時間（単価と費用がそろえば算定）" if hours is None else f"年{format_hours(hours)}"
    source = "分岐点" if plan.continue_hours is None and hours is not None else "計画の定め" if plan.continue_hours is not None else ""
    whose = f"（{source}）" if source else ""
    label = "（本資料の提案。計画に定めがないため）" if proposed else "（計画の定め）"
    sentence = (
        f"終期は{ends.wareki}末{label}。終期の前年度の評価で、生まれた時間の幅の下端が0を上回り、推定が{needed}{whose}以上なら継続し、"
        "下回れば縮小か取りやめとする。それまでも毎年度この資料で突き合わせる。"
    )
    return Continuation(ends_fiscal_year=ends.year, continue_hours=hours, proposed=proposed, sentence=sentence)

"""Paid overtime that leaves the budget: never more than the effect, and never more than the books show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from kdx_eval.evidence import Evidence
from kdx_eval.plan import Plan
from kdx_eval.savings.details import RegisterRow
from kdx_eval.savings.facts import SavingsFacts, check_cash
from kdx_eval.savings.types import Cash, SavingsLine
from kdx_eval.units import format_hours, format_yen

CASH_GRADE = 3  # Maryland: a comparison that held its checks


def count_cash(lines: Sequence[SavingsLine], evidence: Mapping[str, Evidence], *, plan: Plan, facts: SavingsFacts, taken_yen: int = 0) -> Cash:
    """Paid overtime that may leave the budget: the estimate, but never more than the fall on the books.

    Of the fall ``taken_yen`` was claimed by other projects (`claimed_overtime`) and cannot be claimed again.

    The role does not matter here: overtime is usually asked as a part (うち) of all hours freed, and is never added to them. Cash needs
    a comparison that held all its checks (Maryland 3): a figure said to leave the budget is no place for 「参考程度」.
    """
    firm = [line for line in lines if line.may_claim and (evidence[line.question_id].maryland or 0) >= CASH_GRADE]
    claimed = math.fsum(line.saved.hours for line in firm if line.saved is not None)
    fall_hours, fall_yen, rate = _overtime_fall(facts, year=plan.evaluated_fiscal_year.year)
    cash_hours = max(0.0, min(claimed, fall_hours)) if fall_hours is not None else 0.0
    cash_yen = 0 if fall_yen is None or rate is None else max(0, min(math.floor(cash_hours * rate), fall_yen - taken_yen))
    if rate and taken_yen:
        cash_hours = min(cash_hours, cash_yen / rate)
    limited = fall_hours is not None and (claimed > max(fall_hours, 0.0) or cash_hours < claimed)
    if not any(line.may_claim for line in lines):
        sentence = "予算が実際に減る額はありません（時間外勤務の減少を研修によるものと言える結果がないため）。"
    elif not firm:
        sentence = "予算が実際に減る額は計上しません（時間外勤務の減少は見られますが、確からしさが参考程度にとどまるため）。"
    elif fall_hours is None:
        sentence = "予算が実際に減る額は示せません（支払った時間外勤務の記録が2年分ないため）。"
    elif cash_yen == 0 and taken_yen:
        sentence = "予算が実際に減る額は計上しません（時間外勤務手当の減は、ほかの取組の減額としてすでに数えているため）。"
    elif cash_yen == 0:
        sentence = "予算が実際に減る額はありません（時間外勤務手当の支払いが減っていないか、支払額の記録がないため）。"
    else:
        capped = "推定値のうち、実際に減った分までとしています。" if limited else ""
        sentence = f"時間外勤務手当のうち{format_yen(cash_yen)}（{format_hours(cash_hours)}）です。{capped}手当の予算を同じ額だけ減らす場合に限ります。"
    return Cash(estimated_hours=claimed, fall_hours=fall_hours, fall_yen=fall_yen, cash_hours=cash_hours, cash_yen=cash_yen, limited=limited, sentence=sentence)


def claimed_overtime(rows: Sequence[RegisterRow], *, facts: SavingsFacts, year: int) -> int:
    """Yen of the fall of paid overtime that projects say left the budget: what they claim beyond the fall of the budget line.

    Raises
    ------
    RuleError
        They claim more than left the books.
    """
    claimed = sum(row.reduced_yen or 0 for row in rows)
    if not claimed:
        return 0
    paid = [] if facts.overtime is None else facts.overtime["paid_overtime_yen"].tolist()
    overtime = int(paid[0] - paid[1]) if len(paid) == 2 and not any(math.isnan(value) for value in paid) else 0
    books = {} if facts.years is None else {int(row["fiscal_year"]): row for row in facts.years.to_dict("records")}
    now, before = books.get(year, {}), books.get(year - 1, {})
    same = now.get("budget_stage") and now.get("budget_stage") == before.get("budget_stage")
    budget = round(before["budget_yen"] - now["budget_yen"]) if same else 0
    check_cash(claimed, overtime_fall_yen=overtime, budget_fall_yen=budget)
    return max(0, claimed - max(budget, 0))


def _overtime_fall(facts: SavingsFacts, *, year: int) -> tuple[float | None, int | None, float | None]:
    """Fall of overtime hours, fall of yen paid, and yen paid for an hour in the year before."""
    if facts.overtime is None:
        return None, None, None
    hours, paid = (_by_year(facts.overtime, name) for name in ("overtime_hours", "paid_overtime_yen"))
    if not {year, year - 1} <= hours.keys():
        return None, None, None
    fall = hours[year - 1] - hours[year]
    if not {year, year - 1} <= paid.keys() or hours[year - 1] <= 0:
        return fall, None, None
    return fall, int(paid[year - 1] - paid[year]), paid[year - 1] / hours[year - 1]


def _by_year(frame: pd.DataFrame, name: str) -> dict[int, float]:
    """The column by fiscal year, without missing values."""
    if name not in frame.columns:
        return {}
    known = frame[frame[name].notna()]
    return dict(zip(known["fiscal_year"].astype(int), known[name].astype(float), strict=True))

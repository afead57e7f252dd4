"""The budget case of one request."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from kdx_eval.budget.lines import change_sentence, explain_change, split_funding, stage_lines, total_yen
from kdx_eval.budget.results_so_far import compare_promises, list_reach, per_completion
from kdx_eval.budget.types import BudgetCase, Reach
from kdx_eval.budget.worth import find_break_even, find_switching_values, make_cuts, make_scenarios, value_hours
from kdx_eval.evidence import Price, checked_costs, choose_price, course_keys, year_cost
from kdx_eval.plan import Plan
from kdx_eval.savings import Savings
from kdx_eval.units import FiscalYear

NO_PRICE = "人件費の単価（出所のあるもの）がないため、時間だけを示し、円には換算していません。"


def make_budget_case(
    savings: Savings,
    *,
    costs: pd.DataFrame | None,
    wages: pd.DataFrame | None,
    plan: Plan,
    prior_claims: pd.DataFrame | None = None,
    reach: pd.DataFrame | None = None,
) -> BudgetCase:
    """What is asked, why, what leaves the budget, and when it pays (DESIGN 8).

    What the tables lack is named in ``missing`` and never filled in; the value of hours in yen is a reference figure apart from
    what really leaves the budget.

    Parameters
    ----------
    costs, wages, prior_claims : DataFrame or None
        The tables 費用, 人件費単価, 前年度要求時の見込み.
    reach : DataFrame or None
        ``Panels.completion``.

    Raises
    ------
    DataError
        A cost is negative or not quantity times unit price; the evaluated year has no price although other years have one.
    """
    table = checked_costs(costs)
    evaluated = plan.evaluated_fiscal_year
    asked = _request(table, year=plan.request_fiscal_year)
    request_yen, previous_yen = asked["request_yen"], asked["previous_yen"]
    spent, stage = year_cost(table, fiscal_year=evaluated)
    cost_yen = int(spent["yen"].sum()) if len(spent) else None
    price = choose_price(wages, fiscal_year=evaluated, basis=plan.price_basis)
    reached = list_reach(reach, fiscal_year=evaluated, costs=spent)
    seats = _seats(reached, plan=plan, reach=reach)
    pay_back = request_yen if request_yen is not None else cost_yen
    break_even = find_break_even(pay_back, price=price, attendance_hours=savings.attendance_hours, persons=seats)
    return BudgetCase(
        **asked,
        request_fiscal_year=plan.request_fiscal_year.year,
        evaluated_fiscal_year=evaluated.year,
        cost_yen=cost_yen,
        cost_stage=stage,
        prior_claims=compare_promises(prior_claims, savings=savings),
        cash_reduction_yen=savings.cash.cash_yen,
        cash_sentence=savings.cash.sentence,
        reference_value=value_hours(savings.net, price=price),
        price=price,
        price_sentence=NO_PRICE if price is None else price.sentence,
        break_even=break_even,
        scenarios=make_scenarios(savings, price=price, cost_yen=pay_back),
        switching_values=find_switching_values(savings, price=price, break_even=break_even),
        cuts=make_cuts(request_yen, previous_yen, seats=seats, savings=savings),
        reach=reached,
        cost_per_completion_yen=_cost_of_one(reached, cost_yen=cost_yen),
        alternatives=(),
        missing=_missing(plan, has=(bool(len(table)), request_yen is not None, previous_yen is not None, cost_yen is not None), price=price),
        notes=_notes(savings, price=price),
    )


def _request(table: pd.DataFrame, *, year: FiscalYear) -> dict[str, Any]:
    """The fields of ``BudgetCase`` that the request and the year before decide."""
    lines = stage_lines(table, fiscal_year=year, stage="要求")
    previous = stage_lines(table, fiscal_year=FiscalYear(year.year - 1), stage="当初")
    request_yen, previous_yen = total_yen(lines), total_yen(previous)
    change_yen = None if request_yen is None or previous_yen is None else request_yen - previous_yen
    changes = explain_change(lines, previous) if change_yen is not None else ()
    return {
        "request_yen": request_yen,
        "previous_yen": previous_yen,
        "change_yen": change_yen,
        "changes": changes,
        "change_reason": change_sentence(change_yen, changes),
        "funding": split_funding(lines, previous),
        "lines": lines,
    }


def _seats(reached: tuple[Reach, ...], *, plan: Plan, reach: pd.DataFrame | None) -> int | None:
    """Enrolments of the evaluated year in the plan's courses that cost something: a cut of the budget takes away no free seat.

    All courses of the plan where no cost names a course; all courses where the plan's are not among them.
    """
    keys = frozenset().union(*(course_keys(question.courses, reach=reach) for question in plan.questions))
    planned = [one for one in reached if {one.course_id, one.course_name} & keys]
    paid = [one for one in planned if one.cost_yen]
    return sum(one.enrolled for one in paid or planned or reached) or None


def _cost_of_one(reached: tuple[Reach, ...], *, cost_yen: int | None) -> int | None:
    """Yen for one completion over the courses that have a cost of their own; over all courses where none has."""
    paid = [one for one in reached if one.cost_yen]
    if not paid:
        return per_completion(cost_yen, sum(one.completed for one in reached))
    return per_completion(sum(one.cost_yen or 0 for one in paid), sum(one.completed for one in paid))


def _missing(plan: Plan, *, has: tuple[bool, bool, bool, bool], price: Price | None) -> tuple[str, ...]:
    any_cost, request, previous, spent = has
    if not any_cost:
        found = ["費用の表がありません。要求額・積算・財源・修了1人当たりの費用は示せません。"]
    else:
        request_name = plan.request_fiscal_year.wareki
        previous_name = FiscalYear(plan.request_fiscal_year.year - 1).wareki
        found = [] if request else [f"{request_name}の要求額がありません（費用の表に、段階が「要求」の行がありません）。"]
        found += [] if previous else [f"{previous_name}の当初予算額がありません（費用の表に、段階が「当初」の行がありません）。"]
        found += [] if spent else [f"{plan.evaluated_fiscal_year.wareki}にかかった費用がありません（決算・決算見込・当初のどれもありません）。"]
    return tuple(found if price is not None else [*found, NO_PRICE])


def _notes(savings: Savings, *, price: Price | None) -> tuple[str, ...]:
    found = list(savings.notes)
    if price is not None:
        found.append("人件費換算は参考です。職員の給与はこの分だけ減るわけではありません。")
        found.append("3年・5年の試算は見込みで、実績には足していません。効果の残る割合は前提です。割引率は公共事業の率を準用しています。")
        if savings.net is not None and not math.isfinite(savings.net.std_error):
            found.append("時間の幅を計算できないため、円への換算は示していません。")
    return tuple(found)

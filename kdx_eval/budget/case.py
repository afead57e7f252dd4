"""The budget case of one request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kdx_eval.budget.cuts import cut_lines, make_cuts
from kdx_eval.budget.draws import draw_ranges
from kdx_eval.budget.full_cost import count_full_cost, read_plans
from kdx_eval.budget.kept import find_kept
from kdx_eval.budget.ladder import climb_ladder, compare_peers, tell_alternatives
from kdx_eval.budget.lines import change_sentence, explain_change, split_funding, stage_lines, total_yen
from kdx_eval.budget.outlook import Basis, Carried, carry_forward, find_correction, forecast_year
from kdx_eval.budget.parts import KeptShare
from kdx_eval.budget.pay import price_steps
from kdx_eval.budget.prices import list_prices
from kdx_eval.budget.promises import make_promises, set_continuation
from kdx_eval.budget.results_so_far import compare_promises, list_reach, per_completion
from kdx_eval.budget.sensitivity import Assumptions, find_swings, more_switching_values
from kdx_eval.budget.stages import find_special_allocation, list_executions, stage_totals
from kdx_eval.budget.tables import BudgetTables
from kdx_eval.budget.types import BudgetCase, CostLine, Reach
from kdx_eval.budget.worth import conventional_yen, find_break_even, find_switching_values, make_scenarios, value_hours
from kdx_eval.evidence import Price, checked_costs, choose_price, course_keys, year_cost
from kdx_eval.plan import Plan
from kdx_eval.savings import Savings
from kdx_eval.schema import parameter
from kdx_eval.units import FiscalYear

NO_PRICE = "人件費の単価（出所のあるもの）がないため、時間だけを示し、円には換算していません。"


def make_budget_case(savings: Savings, *, plan: Plan, tables: BudgetTables) -> BudgetCase:
    """What is asked, why, what leaves the budget, and when it pays (DESIGN 8).

    What the tables lack is named in ``missing`` and never filled in; the value of hours in yen is a reference figure apart from
    what really leaves the budget.

    Raises
    ------
    DataError
        A cost or a number of hours is negative, a cost is not quantity times unit price, the evaluated year has no price although
        other years have one, or has two.
    """
    table = checked_costs(tables.costs)
    evaluated = plan.evaluated_fiscal_year
    asked = _request(table, year=plan.request_fiscal_year)
    request_yen, previous_yen = asked["request_yen"], asked["previous_yen"]
    spent, stage = year_cost(table, fiscal_year=evaluated)
    cost_yen = int(spent["yen"].sum()) if len(spent) else None
    price = choose_price(tables.wages, fiscal_year=evaluated, basis=plan.price_basis)
    reached = list_reach(tables.reach, fiscal_year=evaluated, costs=spent)
    seats = _seats(reached, plan=plan, tables=tables)
    pay_back = request_yen if request_yen is not None else cost_yen
    break_even = find_break_even(pay_back, price=price, attendance_hours=savings.attendance_hours, persons=seats)
    prior = compare_promises(tables.prior_claims, savings=savings)
    kept, kept_sentence = find_kept(savings, plan=plan)
    basis = Basis(reach=tables.reach, course_plans=tables.course_plans, price=price, prior=prior, kept=kept, kept_sentence=kept_sentence)
    outlook = forecast_year(savings, plan=plan, basis=basis)
    switching = find_switching_values(savings, price=price, break_even=break_even)
    cuts = make_cuts(request_yen, previous_yen, seats=seats, outlook=outlook, price=price)
    reduced = next((one.yen for one in cuts if one.name == "減額"), None)
    return BudgetCase(
        **asked,
        **_parts(savings, plan=plan, tables=tables, found=_Found(table=table, spent=spent, reached=reached, basis=basis, pay_back=pay_back)),
        request_fiscal_year=plan.request_fiscal_year.year,
        evaluated_fiscal_year=evaluated.year,
        cost_yen=cost_yen,
        cost_stage=stage,
        prior_claims=prior,
        cash_reduction_yen=savings.cash.cash_yen,
        cash_sentence=savings.cash.sentence,
        reference_value=value_hours(savings.net, price=price),
        price=price,
        price_sentence=NO_PRICE if price is None else price.sentence,
        break_even=break_even,
        scenarios=make_scenarios(savings, price=price, cost_yen=pay_back, kept=kept),
        switching_values=switching + more_switching_values(savings, price=price, break_even=break_even, kept=kept),
        cuts=cuts,
        cut_lines=cut_lines(asked["lines"], _lines_before(table, year=plan.request_fiscal_year), reduced_yen=reduced),
        kept=kept,
        kept_sentence=kept_sentence,
        outlook=outlook,
        continuation=set_continuation(plan, break_even=break_even),
        promises=make_promises(outlook, price=price, break_even=break_even),
        reach=reached,
        cost_per_completion_yen=_cost_of_one(reached, cost_yen=cost_yen),
        missing=_missing(plan, has=(bool(len(table)), request_yen is not None, previous_yen is not None, cost_yen is not None), price=price),
        notes=_notes(savings, price=price, kept=kept),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What the costs and prices say, for the parts beside the request."""

    table: pd.DataFrame
    spent: pd.DataFrame
    reached: tuple[Reach, ...]
    basis: Basis
    pay_back: int | None


def _parts(savings: Savings, *, plan: Plan, tables: BudgetTables, found: _Found) -> dict[str, Any]:
    """The fields of ``BudgetCase`` on full cost, prices, ranges, alternatives and other cities."""
    price, evaluated = found.basis.price, plan.evaluated_fiscal_year
    stages = stage_totals(found.table)
    prices = list_prices(tables.wages, fiscal_year=evaluated, net=savings.net, chosen=price)
    full = count_full_cost(
        found.spent,
        reached=found.reached,
        plans=read_plans(tables.course_plans, fiscal_year=evaluated),
        price=price,
        savings=savings,
        keys=_plan_keys(plan, reach=tables.reach),
    )
    ladder = climb_ladder(tables.alternatives, fiscal_year=plan.request_fiscal_year, price=price, full_cost=full, savings=savings)
    given = Assumptions(price=price, prices=prices, cost_yen=found.pay_back, kept=found.basis.kept)
    return {
        "stages": stages,
        "executions": list_executions(stages),
        "full_cost": full,
        "prices": prices,
        "price_steps": price_steps(tables.pay, fiscal_year=evaluated),
        "swings": find_swings(savings, given=given, full_cost=full),
        "drawn": draw_ranges(savings, given=given, forecast=_carried(savings, plan=plan, basis=found.basis)),
        "ladder": ladder,
        "conventional_yen": _conventional(savings, price=price),
        "alternatives": tell_alternatives(ladder),
        "peers": compare_peers(),
    }


def _conventional(savings: Savings, *, price: Price | None) -> int | None:
    if price is None or savings.created is None or not savings.may_claim:
        return None
    years = int(float(parameter("benefit_years").value))
    return conventional_yen(savings.created.hours, yen_per_hour=price.yen_per_hour, years=years, cost_cut_yen=savings.cash.cash_yen * years)


def _carried(savings: Savings, *, plan: Plan, basis: Basis) -> tuple[tuple[Carried, ...], int, float] | None:
    carried, _ = carry_forward(savings, plan=plan, reach=basis.reach, course_plans=basis.course_plans)
    if not carried or not savings.may_claim:
        return None
    correction, _ = find_correction(basis.prior)
    return carried, plan.request_fiscal_year.year - savings.fiscal_year, correction


def _plan_keys(plan: Plan, *, reach: pd.DataFrame | None) -> frozenset[str]:
    return frozenset().union(*(course_keys(question.courses, reach=reach) for question in plan.questions if question.is_estimated))


def _request(table: pd.DataFrame, *, year: FiscalYear) -> dict[str, Any]:
    """The fields of ``BudgetCase`` that the request and the year before decide."""
    lines = stage_lines(table, fiscal_year=year, stage="要求")
    previous = _lines_before(table, year=year)
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
        "special_allocation": find_special_allocation(lines, previous),
        "lines": lines,
    }


def _lines_before(table: pd.DataFrame, *, year: FiscalYear) -> tuple[CostLine, ...]:
    return stage_lines(table, fiscal_year=FiscalYear(year.year - 1), stage="当初")


def _seats(reached: tuple[Reach, ...], *, plan: Plan, tables: BudgetTables) -> int | None:
    """Seats of the request in the plan's courses that cost something: a cut of the budget takes away no free seat.

    As planned for the request year, else as many as were enrolled in the evaluated one. All courses of the plan where no cost names
    a course; all courses where the plan's are not among them.
    """
    keys = frozenset().union(*(course_keys(question.courses, reach=tables.reach) for question in plan.questions))
    planned = [one for one in reached if {one.course_id, one.course_name} & keys]
    paid = [one for one in planned if one.cost_yen]
    wanted = {one.course: one.planned for one in read_plans(tables.course_plans, fiscal_year=plan.request_fiscal_year) if one.planned is not None}
    return sum(wanted.get(one.course_id, wanted.get(one.course_name, one.enrolled)) for one in paid or planned or reached) or None


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


def _notes(savings: Savings, *, price: Price | None, kept: KeptShare | None) -> tuple[str, ...]:
    found = list(savings.notes)
    if price is not None:
        found.append("人件費換算は参考です。職員の給与はこの分だけ減るわけではありません。")
        rate = "割引率は公共事業の率を準用しています。"
        if kept is None:
            found.append(f"効果がどれだけ残るかを測れていないため、3年・5年の試算はしていません。{rate}")
        else:
            share = "この市で測った値" if kept.measured else "計画の前提（出典なし・未検証）"
            found.append(f"3年・5年の試算は見込みで、実績には足していません。効果の残る割合は{share}です。{rate}")
        if savings.net is not None and not math.isfinite(savings.net.std_error):
            found.append("時間の幅を計算できないため、円への換算は示していません。")
    return tuple(found)

"""What the training cost in all: the budget, and the hours of those who attended, organised and taught, at the price of an hour."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from kdx_eval.budget.parts import CostItem, CourseCost, FullCost
from kdx_eval.budget.types import Reach
from kdx_eval.errors import DataError
from kdx_eval.evidence import Price
from kdx_eval.evidence.price import decimal_or_none, records, text_column
from kdx_eval.savings import Savings
from kdx_eval.units import FiscalYear, format_yen, round_half_up

SHARED = "研修を特定しない費用"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePlan:
    """One row of 研修の実施計画; None where a cell is blank."""

    course: str
    planned: int | None
    office_hours: float | None
    instructor_hours: float | None


def read_plans(course_plans: pd.DataFrame | None, *, fiscal_year: FiscalYear) -> tuple[CoursePlan, ...]:
    """The rows of one year in the order of their courses.

    Raises
    ------
    DataError
        A number is negative, or one course has two rows.
    """
    if course_plans is None or course_plans.empty:
        return ()
    rows = course_plans[course_plans["fiscal_year"].astype(int) == fiscal_year.year]
    rows = rows.assign(course_id=text_column(rows, "course_id")).sort_values("course_id", kind="stable")
    found = []
    for row in records(rows):
        numbers = [decimal_or_none(row.get(name)) for name in ("planned_attendees", "office_hours", "instructor_hours")]
        if any(number is not None and number < 0 for number in numbers):
            raise DataError("研修の実施計画に負の値があります", place="course_plans（研修の実施計画）", hint="0以上の数にしてください")
        planned, office, teaching = numbers
        found.append(
            CoursePlan(
                course=row["course_id"],
                planned=None if planned is None else int(planned),
                office_hours=None if office is None else float(office),
                instructor_hours=None if teaching is None else float(teaching),
            )
        )
    if len({plan.course for plan in found}) < len(found):
        raise DataError(
            f"{fiscal_year.wareki}の同じ研修の実施計画が2行あります", place="course_plans（研修の実施計画）", hint="1つの研修を1行にまとめてください"
        )
    return tuple(found)


def count_full_cost(
    costs: pd.DataFrame, *, reached: tuple[Reach, ...], plans: tuple[CoursePlan, ...], price: Price | None, savings: Savings, keys: Collection[str]
) -> FullCost | None:
    """The full cost of the evaluated year; None without a cost or without a price of hours.

    Parameters
    ----------
    costs : DataFrame
        Rows of ``checked_costs`` of the evaluated year.
    keys : collection of str
        Ids and names of the plan's courses: these, the courses with a cost and those with office or teaching hours are counted.
    """
    if costs.empty or price is None:
        return None
    yen_per_hour = price.yen_per_hour
    wanted = {*keys, *costs["course_id"], *(plan.course for plan in plans)} - {""}
    courses = [_course(one, plan=_plan_of(one, plans), yen_per_hour=yen_per_hour) for one in reached if {one.course_id, one.course_name} & wanted]
    budget = int(costs["yen"].sum())
    named = {name for one in reached for name in (one.course_id, one.course_name)}
    loose = [plan for plan in plans if plan.course not in named]
    rest = budget - sum(course.budget_yen for course in courses)
    shared = _shared(rest, loose=loose, yen_per_hour=yen_per_hour)
    rows = tuple([*courses, shared] if shared.full_yen else courses)
    total = sum(course.full_yen for course in rows)
    attended, completed = (sum(getattr(course, name) or 0 for course in rows) for name in ("attended", "completed"))
    each = _per_hour(total, savings=savings)
    return FullCost(
        fiscal_year=savings.fiscal_year,
        items=_items(rows, budget=budget, total=total, yen_per_hour=yen_per_hour),
        yen=total,
        budget_yen=budget,
        per_attendee_yen=_each(total, attended),
        per_completion_yen=_each(total, completed),
        per_hour_yen=each[0],
        per_hour_low=each[1],
        per_hour_high=each[2],
        courses=rows,
        missing=_missing(plans, rows),
        sentence=_sentence(total, budget=budget, completed=completed),
    )


def _plan_of(one: Reach, plans: tuple[CoursePlan, ...]) -> CoursePlan | None:
    return next((plan for plan in plans if plan.course in {one.course_id, one.course_name}), None)


def _yen(hours: float, yen_per_hour: int) -> int:
    return int(round_half_up(hours * yen_per_hour))


def _each(total: int, count: float) -> int | None:
    return int(round_half_up(total / count)) if count > 0 else None


def _course(one: Reach, *, plan: CoursePlan | None, yen_per_hour: int) -> CourseCost:
    office, teaching = (0.0, 0.0) if plan is None else (plan.office_hours or 0.0, plan.instructor_hours or 0.0)
    attendance, budget = one.attendance_hours or 0.0, one.cost_yen or 0
    full = budget + sum(_yen(hours, yen_per_hour) for hours in (attendance, office, teaching))
    return CourseCost(
        course_id=one.course_id,
        course_name=one.course_name,
        attended=one.enrolled,
        completed=one.completed,
        budget_yen=budget,
        attendance_hours=attendance,
        office_hours=office,
        instructor_hours=teaching,
        full_yen=full,
        per_attendee_yen=_each(full, one.enrolled),
        per_completion_yen=_each(full, one.completed),
    )


def _shared(budget: int, *, loose: list[CoursePlan], yen_per_hour: int) -> CourseCost:
    """Cost lines of no course that was held, and hours planned for such courses."""
    office, teaching = (sum((getattr(plan, name) or 0.0 for plan in loose), 0.0) for name in ("office_hours", "instructor_hours"))
    return CourseCost(
        course_id="",
        course_name=SHARED,
        attended=None,
        completed=None,
        budget_yen=budget,
        attendance_hours=0.0,
        office_hours=office,
        instructor_hours=teaching,
        full_yen=budget + _yen(office, yen_per_hour) + _yen(teaching, yen_per_hour),
        per_attendee_yen=None,
        per_completion_yen=None,
    )


def _items(rows: tuple[CourseCost, ...], *, budget: int, total: int, yen_per_hour: int) -> tuple[CostItem, ...]:
    items = [CostItem(label="予算の費用（委託料・旅費など）", hours=None, yen=budget, note="")]
    for label, name in (("受講した職員の時間", "attendance_hours"), ("事務局の時間", "office_hours"), ("庁内講師の時間", "instructor_hours")):
        hours = [getattr(course, name) for course in rows]
        # Rounded for each course, so that courses and items add up to the same yen.
        yen = sum(_yen(one, yen_per_hour) for one in hours)
        items.append(CostItem(label=label, hours=sum(hours), yen=yen, note=f"1時間{format_yen(yen_per_hour)}"))
    return (*items, CostItem(label="フルコスト", hours=None, yen=total, note=""))


def _per_hour(total: int, *, savings: Savings) -> tuple[int | None, int | None, int | None]:
    """Yen for one hour created, and the ends that the interval of the hours gives: few hours, dear hours."""
    created = savings.created
    if not savings.may_claim or created is None or created.hours <= 0:
        return None, None, None
    return _each(total, created.hours), _each(total, created.conf_high), _each(total, created.conf_low)


def _missing(plans: tuple[CoursePlan, ...], rows: tuple[CourseCost, ...]) -> tuple[str, ...]:
    found = []
    for label, name in (("事務局の時間", "office_hours"), ("庁内講師の時間", "instructor_hours")):
        if not any(getattr(plan, name) is not None for plan in plans):
            found.append(f"{label}の記録がないため、フルコストに入れていません（研修の実施計画に書けます）。")
    if not any(course.attendance_hours for course in rows):
        found.append("受講時間の記録がないため、フルコストに入れていません。")
    return tuple(found)


def _sentence(total: int, *, budget: int, completed: float) -> str:
    each = _each(total, completed)
    per = f"、修了1人当たり{format_yen(each)}" if each is not None else ""
    hours = total - budget
    return f"フルコストは{format_yen(total)}（予算{format_yen(budget)}、職員の時間{format_yen(hours)}相当）{per}です。職員の時間の分は、予算には現れません。"

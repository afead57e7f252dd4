"""The smallest effect that matters: by default the one that pays the cost, fixed without looking at any outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from kdx_eval.effect.study import EffectStudy
from kdx_eval.errors import PlanError
from kdx_eval.evidence.price import checked_costs, choose_price, question_cost, year_cost
from kdx_eval.evidence.types import SmallestEffect
from kdx_eval.evidence.wording import quantity_text
from kdx_eval.plan import Plan, Question
from kdx_eval.units import FiscalYear, format_hours, format_yen

FALLBACK_SHARE = 0.05


def smallest_meaningful_effect(
    question: Question,
    *,
    annual_cost_yen: int | None,
    yen_per_hour: int | None,
    unit_periods: int,
    baseline_mean: float,
    attendance_hours: float = 0.0,
) -> SmallestEffect:
    """The absolute effect per unit and period below which nothing is gained.

    Break-even: the year's hours ``annual_cost_yen / yen_per_hour + attendance_hours``, spread over the treated unit-periods and
    turned into the outcome's unit. Where price, cost or conversion to hours is missing: 5 % of the mean before training.

    Returns
    -------
    SmallestEffect
        Above zero, in the outcome's unit per unit and period; NaN where the mean before training is zero or unknown too.

    Raises
    ------
    PlanError
        The plan declares a size that is not above zero.
    """
    per_unit = question.outcome.hours_per_unit
    unit = question.outcome.unit_label
    if question.smallest_effect != "break_even":
        value = float(question.smallest_effect)
        if not (math.isfinite(value) and value > 0):
            raise PlanError("意味のある最小の効果は正の数です", place=f"{question.question_id}.smallest_effect", hint="正の数か break_even と書いてください")
        return SmallestEffect(
            value=value,
            basis="declared",
            hours=None if per_unit is None else value * per_unit * unit_periods,
            sentence=f"意味があるとみなす最小の大きさは、計画で{quantity_text(value)}（{unit}）と定めています。",
        )
    if annual_cost_yen and yen_per_hour and per_unit and unit_periods > 0:
        hours = annual_cost_yen / yen_per_hour + attendance_hours
        value = hours / (per_unit * unit_periods)
        sentence = (
            f"意味があるとみなす最小の大きさは、年間の費用{format_yen(annual_cost_yen)}（1時間{format_yen(yen_per_hour)}で換算）と受講時間"
            f"{format_hours(attendance_hours)}に釣り合う年{format_hours(hours)}、{quantity_text(value)}（{unit}）です。"
        )
        return SmallestEffect(value=value, basis="break_even", hours=hours, sentence=sentence)
    size = abs(baseline_mean) * FALLBACK_SHARE
    # A mean of zero leaves no scale: with NaN neither "larger than what matters" nor "smaller" can ever be said.
    value = size if math.isfinite(size) and size > 0 else math.nan
    return SmallestEffect(
        value=value,
        basis="fallback",
        hours=None if per_unit is None else value * per_unit * unit_periods,
        sentence=f"費用・単価・時間換算のいずれかがないため、意味があるとみなす最小の大きさは受講前の平均の5%（{quantity_text(value)}、{unit}）としています。",
    )


def smallest_effects(
    studies: Mapping[str, EffectStudy],
    *,
    plan: Plan,
    costs: pd.DataFrame | None = None,
    wages: pd.DataFrame | None = None,
    reach: pd.DataFrame | None = None,
) -> dict[str, SmallestEffect]:
    """The smallest meaningful effect of every estimated question, from costs, prices and timing alone.

    Parameters
    ----------
    costs, wages : DataFrame or None
        The tables 費用 and 人件費単価.
    reach : DataFrame or None
        ``Panels.completion``: course_id, course_name, fiscal_year, attendance_hours.

    Returns
    -------
    dict
        By question_id. Costs that name no course are shared among the primary questions by persons trained.

    Raises
    ------
    DataError
        A cost is negative or does not add up, or the evaluated year has no price although other years have one.
    """
    rows, _ = year_cost(checked_costs(costs), fiscal_year=plan.evaluated_fiscal_year)
    price = choose_price(wages, fiscal_year=plan.evaluated_fiscal_year, basis=plan.price_basis)
    persons = sum(study.persons_treated for key, study in studies.items() if plan.question(key).role == "primary")
    found = {}
    for key, study in studies.items():
        question = plan.question(key)
        courses = course_keys(question.courses, reach=reach)
        part = study.persons_treated / persons if persons and question.role == "primary" else 1.0
        found[key] = smallest_meaningful_effect(
            question,
            annual_cost_yen=question_cost(rows, courses=courses, shared_part=part),
            yen_per_hour=None if price is None else price.yen_per_hour,
            unit_periods=study.unit_periods,
            baseline_mean=study.baseline_mean,
            attendance_hours=course_hours(reach, courses=courses, year=plan.evaluated_fiscal_year),
        )
    return found


def course_keys(courses: tuple[str, ...], *, reach: pd.DataFrame | None) -> frozenset[str]:
    """Ids and names of the courses that a question names by either."""
    if reach is None or reach.empty:
        return frozenset(courses)
    known = reach[["course_id", "course_name"]].drop_duplicates().astype(str)
    meant = known[known["course_id"].isin(courses) | known["course_name"].isin(courses)]
    return frozenset((*courses, *meant["course_id"], *meant["course_name"]))


def course_hours(reach: pd.DataFrame | None, *, courses: frozenset[str], year: FiscalYear) -> float:
    """Person-hours attended in those courses in that year; 0 where none are known."""
    if reach is None or reach.empty:
        return 0.0
    rows = reach[reach["course_id"].astype(str).isin(courses) & (reach["fiscal_year"].astype(int) == year.year)]
    return float(rows["attendance_hours"].fillna(0).astype(float).sum())

"""Small studies, plans and tables for the tests of evidence, savings, budget and results."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from typing import Any

import pandas as pd
from scipy import stats

from kdx_eval.effect.study import CheckResult, EffectStudy, Entry
from kdx_eval.plan import Frozen, Outcome, Plan, Question
from kdx_eval.units import FiscalYear, Month

MINUTES = Outcome(table="workload", measure="minutes", label="処理時間", unit_label="分/課・月", better="lower", hours_per_unit=1 / 60)
HOURS = Outcome(table="workload", measure="minutes", label="業務時間", unit_label="時間/課・月", better="lower", hours_per_unit=1.0)
OVERTIME = Outcome(table="worktime", measure="overtime_hours", label="時間外勤務", unit_label="時間/課・月", better="lower", hours_per_unit=1.0)
USES = Outcome(
    table="indicators", measure="value", indicator_id="genai_uses", label="生成AI利用回数", unit_label="回/課・月", better="higher", hours_per_unit=None
)
PASSED = CheckResult(check_id="pre_trends", title="受講前の動き", outcome="passed", sentence="受講前の動きに差はありません。", statistic=0.1, p_value=0.8)


def question(key: str = "q1", **changes: Any) -> Question:
    """A staggered question on hours of work."""
    base = Question(question_id=key, title="研修A", courses=(f"course_{key}",), unit="department", outcome=HOURS, smallest_effect=1.0)
    return dataclasses.replace(base, **changes)


def plan(*questions: Question, **changes: Any) -> Plan:
    """A plan that was frozen in time, FY2025 evaluated for the request of FY2027."""
    base = Plan(
        title="計画",
        city="見本市",
        synthetic=True,
        request_fiscal_year=FiscalYear(2027),
        evaluated_fiscal_year=FiscalYear(2025),
        evaluated_through=Month.of(2026, 3),
        price_basis="fully_loaded",
        questions=questions or (question(),),
        frozen=Frozen(at=dt.date(2025, 4, 1), sha256="0" * 64),
    )
    return dataclasses.replace(base, **changes)


def entry(key: str, estimate: float, std_error: float, *, df: float = 20.0, estimand: str = "fiscal_year", inference: str = "headline") -> Entry:
    """An estimate with the 95 % interval and p value of its t distribution."""
    reach = float(stats.t.ppf(0.975, df)) * std_error
    p_value = float(2 * stats.t.sf(abs(estimate) / std_error, df)) if std_error > 0 else math.nan
    return Entry(
        question_id=key, outcome="業務時間", estimand=estimand, method="matched_months", inference=inference, estimate=estimate, std_error=std_error,
        conf_low=estimate - reach, conf_high=estimate + reach, p_value=p_value, df=df, n_units=40, n_persons=400, n_cohorts=3, n_periods=48,
    )  # fmt: skip


def study(key: str = "q1", estimate: float = -3.0, std_error: float = 0.5, **changes: Any) -> EffectStudy:
    """Ten treated departments over twelve months: 120 unit-months, a mean of 100 hours before."""
    headline = changes.pop("headline", None) or entry(key, estimate, std_error)
    months = pd.to_datetime(["2025-04-01", "2025-05-01"])
    base = EffectStudy(
        question_id=key,
        title="研修A",
        outcome_label="業務時間",
        unit_label="時間/課・月",
        better="lower",
        hours_per_unit=1.0,
        monthly=True,
        headline=headline,
        entries=(headline, entry(key, -9.0, 1.0, df=math.inf, estimand="naive_before_after", inference="naive")),
        event_study=pd.DataFrame({"event_time": [-24, -1, 0], "estimate": [0.0, 0.1, -3.0], "std_error": [0.5, math.nan, 0.5], "n_units": [10, 10, 10]}),
        group_time=pd.DataFrame({"cohort": [24300.0], "period": [24303.0], "estimate": [-3.0]}),
        series=pd.DataFrame({"month": months, "treated_mean": [100.0, 97.0], "comparison_mean": [100.0, math.inf], "n_treated": [10, 10]}),
        timing=pd.DataFrame({"cohort": [24300.0], "label": ["2025-04"], "n_units": [10], "n_persons": [100]}),
        detectable=1.4,
        unit_periods=120,
        baseline_mean=100.0,
        checks=(PASSED,),
        influence=pd.DataFrame({"unit": ["a", "b", "c", "d"], "value": [1.0, -1.0, 2.0, -2.0]}),
        n_treated_units=10,
        n_control_units=30,
        persons_treated=100,
        notes=("注記",),
        settings={"window": "all"},
    )
    return dataclasses.replace(base, **changes)


def reach(*rows: tuple[str, int, int, float]) -> pd.DataFrame:
    """Reach of FY2025: (course, enrolled, completed, attendance hours)."""
    return pd.DataFrame(
        [
            {
                "course_id": course, "course_name": f"研修 {course}", "fiscal_year": 2025, "n_offered": enrolled, "n_enrolled": enrolled,
                "n_completed": completed, "n_staff": 1000, "completion_share": completed / enrolled, "hours": 3.0, "attendance_hours": hours,
            }
            for course, enrolled, completed, hours in rows
        ]
    )  # fmt: skip


def costs(*rows: tuple[int, str, str, float | None, int | None, int, str]) -> pd.DataFrame:
    """Cost lines: (fiscal year, stage, detail, quantity, unit price, yen, course)."""
    columns = ["fiscal_year", "stage", "detail", "quantity", "unit_price", "yen", "course_id"]
    return pd.DataFrame(rows, columns=columns).assign(section="委託料", funding="一般財源")


def wages(*rows: tuple[int, str, int, str, str]) -> pd.DataFrame:
    """Prices: (fiscal year, basis, yen per hour, source, status)."""
    return pd.DataFrame(rows, columns=["fiscal_year", "basis", "yen_per_hour", "source", "status"])

"""A savings count, tables and a plan with every part of a budget case, all numbers chosen by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from kdx_eval.budget import BudgetCase, BudgetTables, make_budget_case
from kdx_eval.evidence import assess_evidence
from kdx_eval.savings import Retention, Savings, SavingsFacts, count_savings
from tests.spec.money_cases import costs, plan, question, reach, study, wages

PLAN = plan(question("q1"), question("q2"))
REACH = reach(("course_q1", 100, 80, 300.0), ("course_q2", 50, 40, 100.0))
COSTS = costs(
    (2027, "要求", "研修委託", 3.0, 400_000, 1_200_000, "course_q1"),
    (2027, "要求", "教材", None, None, 100_000, ""),
    (2026, "当初", "研修委託", 2.0, 350_000, 700_000, "course_q1"),
    (2025, "当初", "研修委託", None, None, 900_000, "course_q1"),
    (2025, "補正", "研修委託", None, None, 50_000, "course_q1"),
    (2025, "決算", "研修委託", None, None, 800_000, "course_q1"),
    (2025, "決算", "会場", None, None, 40_000, ""),
)
WAGES = wages(
    (2025, "fully_loaded", 4000, "財政課", "sourced"), (2025, "wage_only", 2500, "財政課", "sourced"), (2025, "avoided_cash", 1500, "聞き取り", "unverified")
)
PLANS = pd.DataFrame(
    {
        "fiscal_year": [2025, 2025, 2027, 2027],
        "course_id": ["course_q1", "course_q2", "course_q1", "course_q2"],
        "planned_attendees": [None, None, 120, 60],
        "office_hours": [40.0, 10.5, None, None],
        "instructor_hours": [None, 20.0, None, None],
    }
)
ALTERNATIVES = pd.DataFrame(
    {
        "fiscal_year": 2027, "option": ["J-LIS", "内製"], "yen": [500_000, 100_000], "staff_hours": [100.0, None], "saved_hours": [300.0, None],
        "savings_basis": ["claimed", None], "note": ["", "講師がいない"], "source": ["案内", ""],
    }
)  # fmt: skip
TABLES: dict[str, Any] = {"costs": COSTS, "wages": WAGES, "reach": REACH, "course_plans": PLANS, "alternatives": ALTERNATIVES}


# Two units cannot measure this; the number is chosen so that what follows can be reckoned by hand.
RETENTION = Retention(share=0.8, conf_low=0.6, conf_high=1.0, first_hours=1000.0, second_hours=800.0, n_units=10, question_ids=("q1", "q2"))


@cache
def savings(estimates: tuple[float, float] = (-20.0, -4.0)) -> Savings:
    """Two questions of 120 unit-months each: 2,400 and 480 hours by default."""
    studies = {key: study(key, estimate, 1.0) for key, estimate in zip(("q1", "q2"), estimates, strict=True)}
    evidence = {key: assess_evidence(one, PLAN.question(key), plan=PLAN, smallest_effect=1.0) for key, one in studies.items()}
    return replace(count_savings(evidence, studies, plan=PLAN, facts=SavingsFacts(reach=REACH)), retention=RETENTION, retention_note="")


@cache
def _plain() -> BudgetCase:
    return make_budget_case(savings(), plan=PLAN, tables=BudgetTables(**TABLES))


def case(found: Savings | None = None, **tables: Any) -> BudgetCase:
    """The budget case; ``tables`` replace or, with None, take away."""
    if found is None and not tables:
        return _plain()
    return make_budget_case(found or savings(), plan=tables.pop("plan", PLAN), tables=BudgetTables(**(TABLES | tables)))

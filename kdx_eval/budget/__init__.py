"""From staff hours and costs to the budget case."""

from kdx_eval.budget.case import make_budget_case
from kdx_eval.budget.types import (
    BreakEven,
    BudgetCase,
    CostChange,
    CostLine,
    CutOption,
    FundingLine,
    PriorClaim,
    Reach,
    Scenario,
    SwitchingValue,
    YenRange,
)
from kdx_eval.budget.worth import annuity, find_break_even

__all__ = [
    "BreakEven",
    "BudgetCase",
    "CostChange",
    "CostLine",
    "CutOption",
    "FundingLine",
    "PriorClaim",
    "Reach",
    "Scenario",
    "SwitchingValue",
    "YenRange",
    "annuity",
    "find_break_even",
    "make_budget_case",
]

"""The analysis plan: the questions, asked before looking; proposed from training dates, frozen and hashed."""

from kdx_eval.plan.freezing import freeze_plan
from kdx_eval.plan.proposal import (
    SIX_QUESTIONS,
    AskedQuestion,
    CourseFacts,
    IndicatorFacts,
    PlanFacts,
    plan_from_answers,
    propose_plan,
)
from kdx_eval.plan.reading import plan_digest, plan_from_dict, plan_to_dict, read_plan
from kdx_eval.plan.types import Frozen, Outcome, Plan, Question
from kdx_eval.plan.writing import plan_to_yaml

__all__ = [
    "SIX_QUESTIONS",
    "AskedQuestion",
    "CourseFacts",
    "Frozen",
    "IndicatorFacts",
    "Outcome",
    "Plan",
    "PlanFacts",
    "Question",
    "freeze_plan",
    "plan_digest",
    "plan_from_answers",
    "plan_from_dict",
    "plan_to_dict",
    "plan_to_yaml",
    "propose_plan",
    "read_plan",
]

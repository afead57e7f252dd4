"""From effects to evidence: verdict, grades, and what may be said."""

from kdx_eval.evidence.assess import assess_all, assess_evidence, not_assessed
from kdx_eval.evidence.grading import CLAIM_GRADE, decide_verdict, holm
from kdx_eval.evidence.price import checked_costs, choose_price, year_cost
from kdx_eval.evidence.smallest import course_hours, course_keys, smallest_effects, smallest_meaningful_effect
from kdx_eval.evidence.types import CLAIMABLE, Basis, Evidence, Interval, Price, SmallestEffect, Verdict

__all__ = [
    "CLAIMABLE",
    "CLAIM_GRADE",
    "Basis",
    "Evidence",
    "Interval",
    "Price",
    "SmallestEffect",
    "Verdict",
    "assess_all",
    "assess_evidence",
    "checked_costs",
    "choose_price",
    "course_hours",
    "course_keys",
    "decide_verdict",
    "holm",
    "not_assessed",
    "smallest_effects",
    "smallest_meaningful_effect",
    "year_cost",
]

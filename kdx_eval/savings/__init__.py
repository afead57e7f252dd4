"""From evidence to staff hours, by benefit class."""

from kdx_eval.savings.allocation import allocate
from kdx_eval.savings.bases import BASIS_WORDS, HEADLINE_BASES, SavingsBasis, Survey, realised_share
from kdx_eval.savings.count import count_savings
from kdx_eval.savings.details import BenefitClass, BookYear, BridgeRow, Overlap, PerPerson, Reconciliation, Register, RegisterRow, Retention, YearSince
from kdx_eval.savings.facts import SavingsFacts, check_cash, check_claims, gather_facts
from kdx_eval.savings.types import Bridge, Cash, Hours, Savings, SavingsLine
from kdx_eval.savings.units import QuestionUnits, UnitHours

__all__ = [
    "BASIS_WORDS",
    "HEADLINE_BASES",
    "BenefitClass",
    "BookYear",
    "Bridge",
    "BridgeRow",
    "Cash",
    "Hours",
    "Overlap",
    "PerPerson",
    "QuestionUnits",
    "Reconciliation",
    "Register",
    "RegisterRow",
    "Retention",
    "Savings",
    "SavingsBasis",
    "SavingsFacts",
    "SavingsLine",
    "Survey",
    "UnitHours",
    "YearSince",
    "allocate",
    "check_cash",
    "check_claims",
    "count_savings",
    "gather_facts",
    "realised_share",
]

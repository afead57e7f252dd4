"""From evidence to staff hours, by benefit class."""

from kdx_eval.savings.count import count_savings
from kdx_eval.savings.facts import SavingsFacts, check_cash, check_claims, gather_facts
from kdx_eval.savings.types import BenefitClass, Bridge, Cash, Hours, Savings, SavingsLine

__all__ = [
    "BenefitClass",
    "Bridge",
    "Cash",
    "Hours",
    "Savings",
    "SavingsFacts",
    "SavingsLine",
    "check_cash",
    "check_claims",
    "count_savings",
    "gather_facts",
]

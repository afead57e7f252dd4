"""Hours that several projects claim at once are divided among them: the average over all orders in which they could be counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from kdx_eval.errors import RuleError

MOST_IN_ORDERS = 12  # claims; beyond, all orders are too many, and so many small claims come close to proportional parts


def allocate(claims: Sequence[float], *, estate: float) -> tuple[float, ...]:
    """Divide ``estate`` hours among ``claims`` (hours) by the random arrival rule.

    Each claimant in turn takes what it claims as far as hours are left; the mean over all orders is its part (O'Neill 1982, section 3,
    "recursive completion"), which is the Shapley value (Shapley 1953) of the game v(S) = min(estate, claims of S). Hence the parts are never
    negative nor above the claim, equal for equal claims, and sum to min(estate, sum of claims). Exact: counted in whole ratios, not drawn.
    More than ``MOST_IN_ORDERS`` claims get parts in proportion to the claims, to which the mean over all orders tends as claims become many and
    small (Aumann & Shapley 1974); all that is said above holds for these too.

    Returns
    -------
    tuple of float
        One part for each claim, in hours.

    Raises
    ------
    RuleError
        A claim or the estate is negative or not a number.
    """
    if not all(math.isfinite(value) and value >= 0 for value in (*claims, estate)):
        raise RuleError("割り当てる時間に、負の値か数でない値があります", place="interventions（支援案件）", hint="削減時間は0以上の数で書いてください")
    whole = Fraction(estate)
    total = sum((Fraction(claim) for claim in claims), Fraction(0))
    if total <= whole:
        return tuple(float(claim) for claim in claims)
    if sum(claim > 0 for claim in claims) > MOST_IN_ORDERS:
        return tuple(float(Fraction(claim) * whole / total) for claim in claims)
    wanted = [min(Fraction(claim), whole) for claim in claims if claim > 0]
    parts = iter([float(_part(wanted, place, estate=whole)) for place in range(len(wanted))])
    return tuple(next(parts) if claim > 0 else 0.0 for claim in claims)


def _part(wanted: Sequence[Fraction], place: int, *, estate: Fraction) -> Fraction:
    """Mean over all orders of what is left for one claimant, at most its claim."""
    others = [claim for number, claim in enumerate(wanted) if number != place]
    # (how many came before, what they take together) -> in how many ways; what is taken is capped, so that few sums differ.
    before: dict[tuple[int, Fraction], int] = {(0, Fraction(0)): 1}
    for claim in others:
        grown = dict(before)
        for (count, taken), ways in before.items():
            key = (count + 1, min(estate, taken + claim))
            grown[key] = grown.get(key, 0) + ways
        before = grown
    orders = math.factorial(len(wanted))
    rest = len(others)
    return sum(
        (
            Fraction(ways * math.factorial(count) * math.factorial(rest - count), orders) * min(wanted[place], estate - taken)
            for (count, taken), ways in before.items()
        ),
        Fraction(0),
    )

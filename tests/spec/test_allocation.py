"""Hours claimed twice are divided by the random arrival rule: against published divisions, all orders written out, and properties."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.errors import RuleError
from kdx_eval.savings import allocate

# Claims of 100, 200 and 300 (the Talmud's case) under random arrival, by hand over the six orders:
# estate 100: whoever comes first takes all; estate 200 and 300: sums of the six orders over six.
BY_HAND = {
    100.0: (100 / 3, 100 / 3, 100 / 3),
    200.0: (200 / 6, 500 / 6, 500 / 6),
    300.0: (300 / 6, 600 / 6, 900 / 6),
    600.0: (100.0, 200.0, 300.0),
}


@pytest.mark.parametrize("estate", BY_HAND)
def test_three_claims_are_divided_as_by_hand(estate):
    assert allocate((100.0, 200.0, 300.0), estate=estate) == pytest.approx(BY_HAND[estate])


def all_orders(claims, estate):
    """The same by writing out every order; slow, and nothing shared with the code."""
    parts = [Fraction(0)] * len(claims)
    orders = list(itertools.permutations(range(len(claims))))
    for order in orders:
        left = Fraction(estate)
        for who in order:
            got = min(Fraction(claims[who]), left)
            parts[who] += got
            left -= got
    return [float(part / len(orders)) for part in parts]


claims_of = st.lists(st.floats(0, 5_000, allow_nan=False), min_size=1, max_size=5)


@settings(max_examples=60)
@given(claims=claims_of, estate=st.floats(0, 9_000))
def test_the_parts_are_the_mean_over_all_orders(claims, estate):
    assert allocate(claims, estate=estate) == pytest.approx(all_orders(claims, estate), abs=1e-9)


@settings(max_examples=60)
@given(claims=claims_of, estate=st.floats(0, 9_000), data=st.data())
def test_parts_sum_to_what_there_is_are_never_negative_nor_above_the_claim_and_do_not_depend_on_the_order(claims, estate, data):
    parts = allocate(claims, estate=estate)
    # Exact in whole ratios; each part is rounded to a double once.
    assert math.isclose(math.fsum(parts), min(estate, math.fsum(claims)), rel_tol=1e-12, abs_tol=1e-12)
    assert all(0 <= part <= claim for part, claim in zip(parts, claims, strict=True))
    turned = data.draw(st.permutations(range(len(claims))))
    assert allocate([claims[place] for place in turned], estate=estate) == tuple(parts[place] for place in turned)
    equal = allocate([*claims, claims[0]], estate=estate)
    assert equal[0] == equal[-1]


@settings(max_examples=40)
@given(claims=claims_of, estate=st.floats(0, 9_000), more=st.floats(0, 100))
def test_more_hours_take_nothing_from_anybody(claims, estate, more):
    less, larger = allocate(claims, estate=estate), allocate(claims, estate=estate + more)
    assert all(after >= before - 1e-9 for before, after in zip(less, larger, strict=True))


def test_many_claims_are_divided_in_proportion_which_twelve_in_all_orders_come_close_to():
    claims = [float(k) for k in range(20, 32)]
    exact = allocate(claims, estate=100.0)
    assert math.fsum(exact) == pytest.approx(100.0, abs=1e-9)
    proportional = [100.0 * claim / sum(claims) for claim in claims]
    # The largest claim is a tenth of all: what remains of the order in which claims come is of that size.
    assert exact == pytest.approx(proportional, rel=0.1)
    many = [*claims, 24.0, 0.0]
    parts = allocate(many, estate=100.0)
    assert parts == pytest.approx([100.0 * claim / sum(many) for claim in many])
    assert allocate(many, estate=sum(many)) == tuple(many)


def test_claims_of_nothing_take_no_place_among_the_orders():
    assert allocate([3.0, *[0.0] * 60, 5.0], estate=4.0) == (1.5, *[0.0] * 60, 2.5)


@pytest.mark.parametrize(("claims", "estate"), [([-1.0], 5.0), ([1.0], -5.0), ([math.nan], 5.0), ([1.0], math.inf)])
def test_what_is_no_number_of_hours_is_refused(claims, estate):
    with pytest.raises(RuleError, match="負の値か数でない"):
        allocate(claims, estate=estate)

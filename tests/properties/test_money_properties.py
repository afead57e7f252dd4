"""Properties of verdicts, Holm, sums and prices that hold for any numbers."""

from __future__ import annotations

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.budget import annuity
from kdx_eval.budget.lines import explain_change, stage_lines
from kdx_eval.evidence import checked_costs, decide_verdict, holm
from kdx_eval.evidence.grading import good_direction
from kdx_eval.units import FiscalYear
from tests.spec.money_cases import costs

numbers = st.floats(-100, 100)
p_values = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0, 1), min_size=1, max_size=6)


@given(middle=numbers, half=st.floats(0, 50), smallest=st.floats(0.01, 50))
def test_a_claim_always_excludes_zero_and_mirrors_when_the_direction_turns(middle, half, smallest):
    wide, narrow = (middle - half, middle + half), (middle - 0.8 * half, middle + 0.8 * half)
    verdict = decide_verdict(wide, interval90=narrow, smallest=smallest)
    mirrored = decide_verdict(good_direction(wide, better="lower"), interval90=good_direction(narrow, better="lower"), smallest=smallest)
    assert (verdict in {"効果あり", "小さい効果"}) == (wide[0] > 0)
    assert (mirrored == "逆効果") == (wide[0] > 0)
    assert (verdict == "実質的効果なし") == (mirrored == "実質的効果なし")


@given(p_values)
def test_holm_never_lowers_a_p_value_keeps_their_order_and_matches_its_levels(values):
    found = holm(values)
    ordered = sorted(values, key=lambda key: values[key])
    for one, other in itertools.pairwise(ordered):
        assert found[one][0] <= found[other][0]
    for key, p in values.items():
        adjusted, level = found[key]
        assert p <= adjusted <= 1
        assert (p * (0.05 / level) < 0.05) == (adjusted < 0.05) or math.isclose(adjusted, 0.05)


items = st.tuples(st.sampled_from(["委託", "教材", "旅費"]), st.integers(1, 9), st.integers(0, 10**6))


@settings(max_examples=40)
@given(now=st.lists(items, max_size=4), before=st.lists(items, max_size=4))
def test_the_reasons_for_a_change_add_up_to_the_yen(now, before):
    rows = [(2027, "要求", name, float(n), price, n * price, "") for name, n, price in now]
    rows += [(2026, "当初", name, float(n), price, n * price, "") for name, n, price in before]
    table = checked_costs(costs(*rows))
    lines = stage_lines(table, fiscal_year=FiscalYear(2027), stage="要求")
    previous = stage_lines(table, fiscal_year=FiscalYear(2026), stage="当初")
    assert sum(change.yen for change in explain_change(lines, previous)) == sum(n * p for _, n, p in now) - sum(n * p for _, n, p in before)


@given(years=st.integers(1, 30), rate=st.floats(0.001, 0.2), retention=st.floats(0, 1))
def test_decay_and_discount_only_ever_lower_the_value(years, rate, retention):
    assert 0 < annuity(years, rate=rate, retention=retention) <= annuity(years, rate=rate) * (1 + 1e-12) < years
    assert math.isclose(annuity(years, rate=rate), (1 - (1 + rate) ** -years) / rate, rel_tol=1e-9)

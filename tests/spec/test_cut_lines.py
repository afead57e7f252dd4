"""満額・減額・見送り line by line: by hand, and to the yen whatever the amounts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.budget.cuts import cut_lines, share_running
from kdx_eval.budget.types import CostLine
from tests.spec.budget_city import case
from tests.spec.money_cases import costs


def cost(detail: str, yen: int, quantity: int | None = None) -> CostLine:
    """A line of 委託料."""
    price = None if quantity is None else Decimal(yen) / quantity
    return CostLine(
        account="", project="", section="委託料", detail=detail, quantity=None if quantity is None else Decimal(quantity), unit_price=price, yen=yen,
        quote_reference="", recurring="経常", funding="一般財源", course_id="",
    )  # fmt: skip


def test_the_cut_falls_on_what_grew_against_the_year_before():
    # Asked 1,200,000 + 100,000, before 700,000 + 0: 500,000 and 100,000 more. Back to 700,000 is a cut of 600,000: all that grew.
    found = {item.detail: item for item in case().cut_lines}
    assert [(one.full_yen, one.before_yen, one.reduced_yen, one.forgone_yen) for one in found.values()] == [
        (100_000, 0, 0, 100_000), (1_200_000, 700_000, 700_000, 500_000),
    ]  # fmt: skip
    assert found["教材"].sentence == "すべて取りやめます"
    assert found["研修委託"].sentence == "数量3のうち1.3を取りやめます"  # 500,000 / 400,000


def test_half_of_what_grew_is_taken_in_proportion():
    found = cut_lines((cost("a", 1_000), cost("b", 500), cost("c", 300)), (cost("a", 700), cost("b", 400), cost("c", 400)), reduced_yen=1_600)
    assert [item.forgone_yen for item in found] == [150, 50, 0]
    assert [item.sentence for item in found] == ["この細節の15%を取りやめます", "この細節の10%を取りやめます", "減らしません"]


def test_without_growth_enough_every_line_gives_in_proportion_to_its_amount():
    asked = (("a", 700_001), ("b", 300_000))
    before = (("a", 1_500_000), ("b", 300_000))
    tables = costs(*((2027, "要求", name, None, None, yen, "") for name, yen in asked), *((2026, "当初", name, None, None, yen, "") for name, yen in before))
    found = case(costs=tables)
    # A fifth of 1,000,001 is kept off: 800,000.8 rounds to 800,001, the cut is 200,000.
    assert [item.forgone_yen for item in found.cut_lines] == [140_000, 60_000]
    assert "20%減と仮定" in found.cuts[1].sentence


def test_lines_of_one_item_stand_in_one_row_and_no_request_has_no_rows():
    found = cut_lines((cost("a", 100), cost("a", 50)), (), reduced_yen=120)
    assert [(item.full_yen, item.forgone_yen) for item in found] == [(150, 30)]
    assert case(costs=None).cut_lines == ()


amounts = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=12)


@given(amounts, st.integers(0, 10**9))
def test_every_column_adds_up_to_its_option_and_no_line_goes_below_nought_or_grows(pairs, cut):
    now = tuple(cost(f"x{place:02d}", yen) for place, (yen, _) in enumerate(pairs))
    before = tuple(cost(f"x{place:02d}", yen) for place, (_, yen) in enumerate(pairs) if yen)
    total = sum(line.yen for line in now)
    reduced = total - min(cut, total)
    found = cut_lines(now, before, reduced_yen=reduced)
    assert sum(item.full_yen for item in found) == total
    assert sum(item.reduced_yen for item in found) == reduced
    assert all(0 <= item.reduced_yen <= item.full_yen and item.full_yen - item.reduced_yen == item.forgone_yen for item in found)


@given(st.integers(0, 10**10), st.lists(st.integers(0, 10**9), max_size=12))
def test_running_shares_add_up_and_lie_within_one_yen(total, weights):
    parts = share_running(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    assert all(abs(part - total * weight / (sum(weights) or 1)) < 1 + 1e-4 for part, weight in zip(parts, weights, strict=True) if sum(weights))

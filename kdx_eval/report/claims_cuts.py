"""Ledger entries of the request's lines under 満額, 減額 and 見送り."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Table, columns, shorten
from kdx_eval.report.wording import yen_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kdx_eval.budget import BudgetCase, CutLine
    from kdx_eval.report.ledger import Ledger, LedgerBook
    from kdx_eval.results import Results

FIELDS = (("full", "満額"), ("reduced", "減額"), ("forgone", "うち減らす額"))
NOTE = (
    "減額の内訳は案で、査定により変わります。"
    "前年度から増えた分の計が減らす額以上ならその増えた分に、足りなければ要求額に比例して減らします。"
)


def enter_cut_lines(book: LedgerBook, budget: BudgetCase) -> None:
    """Enter ``cutline.*``: each line's three amounts in yen and what the cut takes away."""
    for place, item in enumerate(budget.cut_lines):
        name = f"cutline.{place}"
        book.about(name, f"減額の内訳{place + 1}　{line_name(item)}")
        for field, label in FIELDS:
            value: int = getattr(item, f"{field}_yen")
            book.figure(f"{name}.{field}", value, text=yen_text(value), unit="円", label=label, inputs=("costs", "request.yen"))
        book.sentence(f"{name}.sentence", item.sentence, label="減額で諦めるもの")


def line_name(item: CutLine) -> str:
    """``委託料 研修委託``."""
    return shorten(" ".join(part for part in (item.section, item.detail) if part) or "節・細節の記入なし", 40)


def cut_line_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """The table of the 別冊; its last row is the options themselves."""
    budget = results.budget
    if budget is None or not budget.cut_lines:
        return
    places = {cut.name: place for place, cut in enumerate(budget.cuts)}
    reduced, nothing = (ledger.text(f"cut.{places[name]}.yen") for name in ("減額", "見送り"))
    rows = [
        (line_name(item), *(ledger.text(f"cutline.{place}.{field}") for field, _ in FIELDS), nothing, ledger.text(f"cutline.{place}.sentence"))
        for place, item in enumerate(budget.cut_lines)
    ]
    rows.append(("計", ledger.text("request.yen"), reduced, ledger.text("gap.yen"), nothing, ""))
    heads = columns("節・細節（千円）", *(label for _, label in FIELDS), "見送り", "減額で諦めるもの", right=(1, 2, 3, 4), widths=(2.4, 0.8, 0.8, 1, 0.8, 2.2))
    yield Table(columns=heads, rows=tuple(rows), caption="満額・減額の節・細節ごとの内訳", note=NOTE)

"""How the 別冊 begins and ends: the summary in sentences, and the ledger with one row for figures that belong together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Entries, Table, columns
from kdx_eval.report.content import appendix_content
from kdx_eval.report.policy_parts import section_of
from kdx_eval.report.wording import planned
from kdx_eval.report.words_hours import TABLES

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Claim, Ledger
    from kdx_eval.results import Results

_IN_SUBJECT = (".retention", ".discount_rate")
_SHARED_ROWS = frozenset((
    "line", "funding", "changes", "prior", "cut", "cutline", "reach", "scenario", "stage", "execution", "full_item", "full_course", "price_basis",
    "outlook_line", "scenario_return", "outlook_case", "swing", "drawn", "ladder", "peer",
))  # fmt: skip


def summary_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """One page in sentences: the amount, what leaves the budget, the effect, how sure it is, what comes next."""
    fields = appendix_content(results, ledger, as_of=planned(results).evaluated_through.first_day)
    rows = [(item["label"], f"{item['value']}{item['unit']}") for item in fields["amounts"]]
    rows += [("増減の理由", fields["change_reason"]), ("予算が実際に減る額", f"{fields['cash_amount']}　{fields['cash_text']}")]
    rows += [("効果", "\n".join(filter(None, (fields["effect_sentence"], fields["sure_sentence"], fields["honest_case"]))))]
    rows += [(label, "\n".join(f"・{item}" for item in fields[key])) for label, key in (("時間と分岐点", "hours"), ("限界", "limits"), ("来年度", "next_year"))]
    yield Table(columns=columns("項目", "内容", widths=(1, 5)), rows=tuple(rows))


def ledger_entries(ledger: Ledger) -> Entries:
    """The ledger for paper: the figures of one budget line, course or scenario share a row."""
    rows: list[tuple[str, ...]] = []
    for _, group in groupby((claim for claim in ledger if claim.is_figure), key=_row_key):
        first, *more = claims = list(group)
        table = _table_of(first.name)
        if table:
            rows.append((f"{first.id}～{claims[-1].id}", f"表「{table}」"))
        elif more:
            values = "、".join(f"{claim.label}{claim.full_text}" for claim in claims if not claim.name.endswith(_IN_SUBJECT))
            ranges = "、".join(claim.full_range for claim in claims if claim.full_range)
            rows.append((f"{first.id}～{more[-1].id}", first.subject, values, ranges))
        else:
            rows.append((first.id, first.title, first.full_text, first.full_range))
    return Entries(items=tuple(rows))


def _row_key(claim: Claim) -> str:
    kind, _, rest = claim.name.partition(".")
    table = _table_of(claim.name)
    if table:
        return table
    return f"{kind}.{rest.partition('.')[0]}" if kind in _SHARED_ROWS and claim.subject else claim.name


def _table_of(name: str) -> str:
    """The table or section in which all figures of that kind stand, where the ledger on paper only points to it."""
    section = section_of(name)
    return TABLES.get(name.partition(".")[0], "") if section is None else section.title

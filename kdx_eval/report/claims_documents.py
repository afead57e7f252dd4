"""Figures that only the documents need: totals over all courses, the tally of verdicts, what a cut takes from the request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kdx_eval.report.ledger import LedgerBook
from kdx_eval.report.wording import VERDICT_ORDER, yen_text
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from kdx_eval.results import Results


def enter_document_claims(book: LedgerBook, results: Results) -> None:
    """Enter ``total.*``, ``tally.*`` and ``gap.*``."""
    budget = results.budget
    reach = () if budget is None else budget.reach
    if reach:
        for field in ("enrolled", "completed"):
            number = sum(getattr(item, field) for item in reach)
            inputs = tuple(f"reach.{place}.{field}" for place in range(len(reach)))
            book.figure(f"total.{field}", number, text=f"延べ{format_number(number)}人", unit="人", formula="全研修の合計（延べ）", inputs=inputs)
        book.figure("total.courses", len(reach), text=f"{len(reach)}講座", unit="講座", inputs=("training",))
    told = tuple(f"question.{question_id}.headline" for question_id in results.evidence)
    counts: Counter[str] = Counter(item.verdict for item in results.evidence.values())
    book.figure("tally.all", len(results.evidence), text=f"{len(results.evidence)}件", unit="件", inputs=told)
    for verdict in VERDICT_ORDER:
        number = counts[verdict]
        book.figure(f"tally.{verdict}", number, text=f"{number}件", unit="件", inputs=told, label=f"判定が「{verdict}」の問い")
    for cut in () if budget is None else budget.cuts:
        if budget is not None and budget.request_yen is not None and cut.name == "減額":
            gap = budget.request_yen - cut.yen
            book.figure("gap.yen", gap, text=yen_text(gap), unit="円", formula="要求額－減額後の額", inputs=("request.yen",))

"""The honest case when nothing may be claimed: whom it reached, at what cost, when it would pay, what could be detected, and what decides next year."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.report.wording import numbered_evidence, planned

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results


def honest_case(results: Results, ledger: Ledger) -> str:
    """What page one says beside the effect when no effect may be claimed; empty when one may."""
    if any(item.may_claim for item in results.evidence.values()):
        return ""
    return f"今の段階で言えること：{''.join(_sentences(results, ledger))}"


def sure_sentence(results: Results, ledger: Ledger) -> str:
    """How sure the effect on page one is: how it was compared, and the first thing that must stand beside it; empty without a question."""
    items = [item for _, item in numbered_evidence(results)]
    if not items or items[0].headline is None:
        return ""
    first = items[0]
    limit = ledger.text(f"question.{first.question_id}.limit.0") if first.limits else ""
    return f"確からしさ：{first.basis_plain}。{limit}"


def unit_cost_sentence(results: Results, ledger: Ledger) -> str:
    """Yen for one completion, and over which courses; empty without costs."""
    budget = results.budget
    if budget is None or budget.cost_per_completion_yen is None:
        return ""
    over = "費用の分かる研修をならすと" if any(item.cost_yen for item in budget.reach) else "全研修をならすと"
    return f"{over}、修了1人当たり{ledger.text('reach.unit_cost')}。"


def _sentences(results: Results, ledger: Ledger) -> Iterator[str]:
    budget = results.budget
    if budget is not None and budget.reach:
        yield f"受講{ledger.text('total.enrolled')}、修了{ledger.text('total.completed')}。"
    yield unit_cost_sentence(results, ledger)
    if budget is not None and budget.break_even is not None:
        yield ledger.text("even.sentence")
    found = next((item for _, item in numbered_evidence(results) if ledger.has(f"question.{item.question_id}.could_find")), None)
    if found is not None:
        yield f"今回のデータで見つけられたのは{ledger.text(f'question.{found.question_id}.could_find')}以上の差。"
    yield f"{planned(results).request_fiscal_year.wareki}は、受ける順番を課ごとにずらし、記録を加えて、同じ計画のまま判定し直す。"

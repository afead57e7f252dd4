"""復活要求: the same appendix at the reduced amount, with what the cut takes away and why the rest is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kdx_eval.report.blocks import shorten
from kdx_eval.report.wording import planned

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

TITLE = "予算要求書 附属資料（復活要求）"
_LINES_NOTE = "積算は要求時のもの。減額する細節は査定の結果により定める（案は別冊の「満額・減額の節・細節ごとの内訳」）。"


def can_restore(ledger: Ledger) -> bool:
    """Whether a reduced amount exists at all; without a request there is nothing to restore."""
    return ledger.has("gap.yen")


def restoration_content(content: Mapping[str, Any], results: Results, *, ledger: Ledger) -> dict[str, Any]:
    """The fields of `appendix_content` with the reduced amount in the place of the full one; call it where `can_restore` says so."""
    budget, plan = results.budget, planned(results)
    assert budget is not None
    place = next(place for place, cut in enumerate(budget.cuts) if cut.name == "減額")
    reduced, gap = ledger.text(f"cut.{place}.yen"), ledger.text("gap.yen")
    amounts = [
        {"label": f"{plan.request_fiscal_year.wareki} 要求額（満額）", "value": ledger.text("request.yen"), "unit": "千円"},
        {"label": "減額後の額", "value": reduced, "unit": "千円"},
        {"label": "復活を求める額（差額）", "value": gap, "unit": "千円"},
    ]
    breakdown = [dict(row) for row in content["breakdown"]]
    if breakdown:
        blank = {"section": "", "detail": "", "quantity": "", "unit_price": "", "basis": ""}
        breakdown += [{**blank, "detail": "減額（内訳は査定による）", "amount": f"△{gap}"}, {**blank, "section": "減額後の計", "amount": reduced}]
    return {
        **content,
        "title": TITLE,
        "running_title": shorten(f"{TITLE}　{plan.title}", 60),
        "amounts_heading": "復活を求める額と理由",
        "amounts": amounts,
        "change_reason": shorten("".join(_reasons(results, ledger, place=place)), 320),
        "funding_more": f"財源は満額の要求によるもの。{content['funding_more']}",
        "breakdown": breakdown,
        "breakdown_more": _LINES_NOTE if breakdown else content["breakdown_more"],
        "reduction": [row for row in content["reduction"] if row["option"] != "見送り"],
    }


def _reasons(results: Results, ledger: Ledger, *, place: int) -> Iterator[str]:
    assert results.budget is not None
    cut = results.budget.cuts[place]
    if cut.forgone_seats is not None:
        yield f"減額後の額では、延べ{ledger.text(f'cut.{place}.forgone_seats')}の受講ができない（見込み、金額に比例）。"
    if cut.forgone_hours is not None:
        yield f"生まれる時間は年{ledger.text(f'cut.{place}.forgone_hours')}減る（見込み、実績に比例）。効果があると言える問いは、下の5と裏面9のとおり。"
    else:
        yield "効果があるとはまだ言えないため、時間の減少は理由としない。"
    counts = [ledger.claim(f"tally.{verdict}") for verdict in ("判定不能",)]
    if any(claim.value for claim in counts):
        yield f"判定不能の{counts[0].text}は、受ける課と比べる課の数が要る。受講の枠を減らすと、来年度も判定できないおそれがある。"
    if results.budget.break_even is not None:
        yield f"費用と釣り合うのは年{ledger.text('even.hours')}で、満額の要求についてのもの。"

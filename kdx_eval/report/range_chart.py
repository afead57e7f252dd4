"""The hours of each question with their range, drawn into the page: each row can be pointed at or reached by the keyboard and then tells its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.plots import SYNTHETIC_NOTE, UNDECIDED
from kdx_eval.report.blocks import shorten
from kdx_eval.report.wording import ordered_evidence, planned
from kdx_eval.safe import escape_html

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Claim, Ledger
    from kdx_eval.results import Results

_LEFT, _RIGHT, _WIDTH, _ROW, _TOP = 400, 30, 1000, 48, 16


def range_chart(results: Results, ledger: Ledger, *, most: int = 12) -> str:
    """An SVG as part of a page, empty when no question converts to hours; figures and words are the ledger's."""
    rows: list[tuple[str, str, Claim]] = []
    for number, item in enumerate(ordered_evidence(results), start=1):
        name = f"question.{item.question_id}.saved"
        claim = ledger.claim(name) if ledger.has(name) else None
        if claim is not None and claim.value is not None and claim.low is not None and claim.high is not None:
            rows.append((f"問{number}　{shorten(item.outcome_label, 12)}", item.verdict, claim))
    rows = rows[:most]
    if not rows:
        return ""
    ends = [0.0, *(float(end) for _, _, claim in rows for end in (claim.low, claim.high) if end is not None)]
    low, high = min(ends), max(ends)
    scale = (_WIDTH - _LEFT - _RIGHT) / ((high - low) or 1.0)

    def x(value: float) -> float:
        return round(_LEFT + (value - low) * scale, 1)

    drawn = "".join(_row(place, label, verdict=verdict, claim=claim, ends=(x(claim.low or 0), x(claim.value or 0), x(claim.high or 0)))
                    for place, (label, verdict, claim) in enumerate(rows))  # fmt: skip
    height = _TOP + _ROW * len(rows) + 34
    zero = f'<line class="zero" x1="{x(0)}" x2="{x(0)}" y1="{_TOP}" y2="{height - 30}"/><text class="axis" x="{x(0)}" y="{height - 10}">0時間</text>'
    about = "年間の時間と95％の幅。0より右は時間の減、左は増。白い丸は効果と言えないもの。"
    note = f'<text class="note" x="{_WIDTH - 8}" y="{height - 10}">{escape_html(SYNTHETIC_NOTE)}</text>' if planned(results).synthetic else ""
    return (
        f'<figure class="chart"><svg viewBox="0 0 {_WIDTH} {height}" role="group" aria-label="{escape_html(about)}">{zero}{drawn}{note}</svg>'
        f"<figcaption>{escape_html(about)}</figcaption></figure>"
    )


def _row(place: int, label: str, *, verdict: str, claim: Claim, ends: tuple[float, float, float]) -> str:
    middle = _TOP + _ROW * place + _ROW / 2
    figures = f"{claim.full_text}　{claim.full_range}"
    told = f"{label}（{verdict}）　{figures}　台帳 {claim.id}"
    is_open = verdict in UNDECIDED or (claim.low or 0) <= 0 <= (claim.high or 0)
    kind = "open" if is_open else "good" if (claim.value or 0) > 0 else "bad"
    left, centre, right = ends
    return (
        f'<g class="row {kind}" tabindex="0" role="img" aria-label="{escape_html(told)}"><title>{escape_html(told)}</title>'
        f'<rect class="hit" x="0" y="{middle - _ROW / 2}" width="{_WIDTH}" height="{_ROW}"/>'
        f'<text x="8" y="{middle - 4}">{escape_html(f"{label}（{verdict}）")}</text><text class="told" x="8" y="{middle + 15}">{escape_html(figures)}</text>'
        f'<line x1="{left}" x2="{right}" y1="{middle}" y2="{middle}"/><circle cx="{centre}" cy="{middle}" r="8"/></g>'
    )

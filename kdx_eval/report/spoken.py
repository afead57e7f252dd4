"""答弁要旨 and the texts to paste into a finance system: whole sentences of the ledger up to a number of characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.evidence.wording import limit_text
from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.answers import Answer, counted_length, fill
from kdx_eval.report.blocks import shorten, visible
from kdx_eval.report.content import effect_finding, effect_sentence, next_year, verdict_tally
from kdx_eval.report.honest import unit_cost_sentence
from kdx_eval.report.wording import may_claim_prior, numbered_evidence, plan_note, planned

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

SPOKEN_LIMIT = 300
PASTE_LIMITS = {"事業概要": 200, "要求理由": 400, "効果": 200}
_NO_COSTS = "費用の記録がないため、お答えできません。"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasteText:
    """One field of a finance system: its name, the text, and the characters that it may have."""

    field: str
    text: str
    limit: int

    @property
    def length(self) -> int:
        """Characters as counted by `counted_length`."""
        return counted_length(self.text)


def spoken_answers(results: Results, ledger: Ledger) -> tuple[Answer, ...]:
    """Ten questions of the council or the mayor, each answered in at most `SPOKEN_LIMIT` characters.

    Raises
    ------
    DataError
        When the results hold no plan.
    """
    asked = (
        ("いくら要求するのか。なぜ増える（減る）のか。", (*_amount(results, ledger), *_more_changes(results, ledger))),
        ("研修に効果はあったのか。", _effect(results, ledger)),
        ("予算や人件費は減るのか。", _cash(results, ledger)),
        ("空いた時間は何に使ったのか。", _use(results, ledger)),
        ("前の年に見込んだとおりになったか。", _promised(results, ledger)),
        ("その結果はどこまで確かか。", _certain(results, ledger)),
        ("何人が受け、1人いくらかかったか。", _people(results, ledger)),
        ("何時間減れば元が取れるのか。", _even(results, ledger)),
        ("予算を減らしたら何ができなくなるか。", _cut(results, ledger)),
        ("来年度はどう確かめ、効果がなければどうするのか。", (*_ending(ledger), *next_year(results, ledger))),
    )
    return tuple(Answer(objection=question, text=fill(sentences, SPOKEN_LIMIT)) for question, sentences in asked)


def paste_texts(results: Results, ledger: Ledger) -> tuple[PasteText, ...]:
    """事業概要, 要求理由 and 効果 for the finance system, each within its limit and in plain words."""
    made = {
        "事業概要": _outline(results, ledger),
        "要求理由": (*_amount(results, ledger), *_even(results, ledger), *next_year(results, ledger)),
        "効果": (effect_finding(results, ledger), *_doubt(results), verdict_tally(results), *_effect(results, ledger)[1:], *_cash(results, ledger)),
    }
    return tuple(PasteText(field=field, text=visible(fill(made[field], limit)), limit=limit) for field, limit in PASTE_LIMITS.items())


def paste_file(results: Results, ledger: Ledger) -> bytes:
    """The same as a text file: UTF-8 with a byte order mark and CRLF, so that Notepad and Excel of any age read it."""
    plan = planned(results)
    lines = [f"{plan.heading}　財務会計システム貼り付け用"] + ([SYNTHETIC_NOTE] if plan.synthetic else [])
    for item in paste_texts(results, ledger):
        lines += ["", f"【{item.field}】{item.limit}字以内（{item.length}字）", item.text]
    return b"\xef\xbb\xbf" + ("\r\n".join(lines) + "\r\n").encode("utf-8")


def _outline(results: Results, ledger: Ledger) -> Iterator[str]:
    plan = planned(results)
    yield f"{shorten(plan.title, 60)}。研修で職員の時間を生み出し、行政サービスの向上に振り向ける。"
    if results.budget is not None and results.budget.reach:
        year = plan.evaluated_fiscal_year.wareki
        yield f"{year}は{ledger.text('total.courses')}を行い、受講{ledger.text('total.enrolled')}、修了{ledger.text('total.completed')}。"
    yield "効果は、受けた課とまだ受けていない課を比べて毎年確かめ、結果によらず報告する。"


def _amount(results: Results, ledger: Ledger) -> Iterator[str]:
    budget, plan = results.budget, planned(results)
    if budget is None or budget.request_yen is None:
        yield "要求額は未入力のため、お答えできません。"
        return
    before = "" if budget.previous_yen is None else f"前年度予算額{ledger.text('previous.yen')}千円に対し、"
    yield f"{plan.request_fiscal_year.wareki}は{before}{ledger.text('request.yen')}千円を要求します。"
    yield ledger.text("change.reason")


def _more_changes(results: Results, ledger: Ledger) -> Iterator[str]:
    """Changes that the reason does not name yet."""
    for place, change in enumerate(() if results.budget is None else results.budget.changes):
        if change.sentence not in ledger.text("change.reason"):
            yield f"{ledger.text(f'changes.{place}.sentence')}。"


def _effect(results: Results, ledger: Ledger) -> tuple[str, ...]:
    items = [item for _, item in numbered_evidence(results)]
    if items and not items[0].may_claim:
        return (effect_sentence(results, ledger), *_reached(results, ledger))
    scope = "効果は、受けていない課との差で見ており、調べていない課や年度には広げません。"
    return (effect_sentence(results, ledger), *_doubt(results), scope)


def _doubt(results: Results) -> Iterator[str]:
    """In short what the leading claim must say beside it, where its strictest interval reaches zero."""
    items = [item for _, item in numbered_evidence(results)]
    strict = items[0].strict95 if items and items[0].may_claim else None
    if strict is not None and strict[0] <= 0 <= strict[1]:
        yield limit_text("strict_short")


def _reached(results: Results, ledger: Ledger) -> Iterator[str]:
    budget = results.budget
    if budget is None or not budget.reach:
        return
    yield f"受講{ledger.text('total.enrolled')}、修了{ledger.text('total.completed')}です。"
    yield unit_cost_sentence(results, ledger)


def _cash(results: Results, ledger: Ledger) -> Iterator[str]:
    if results.budget is None:
        yield _NO_COSTS
        return
    yield ledger.text("cash.sentence")
    yield "職員の給料が研修によって減ることはありません。"
    if results.savings is not None and results.savings.may_claim and ledger.has("value.yen"):
        price = f"（1時間{ledger.text('price.yen')}）" if ledger.has("price.yen") else ""
        yield f"人件費に換算した額は{ledger.text('value.yen')}（{ledger.range_text('value.yen')}）ですが{price}、参考であり、予算の減には数えません。"


def _use(results: Results, ledger: Ledger) -> Iterator[str]:
    savings = results.savings
    if savings is None or not savings.may_claim:
        yield "空いた時間があるとは、まだ言えません。このため使い道の説明もしません。"
        return
    yield f"研修の受講時間を差し引く前で、年{ledger.text('savings.created')}（{ledger.range_text('savings.created')}）です。"
    if savings.bridge.recorded:
        yield f"使い道の記録があるのは{ledger.text('bridge.redeployed')}で、残り{ledger.text('bridge.unexplained')}は記録がありません。"
        names = "、".join(shorten(name, 20) for name, _ in savings.bridge.destinations[:3])
        yield f"主な使い道は、{names}です。" if names else ""
    else:
        yield "使い道の記録がないため、何に使ったかはお答えできません。記録を始めます。"


def _promised(results: Results, ledger: Ledger) -> Iterator[str]:
    claims = () if results.budget is None else results.budget.prior_claims
    if not claims:
        yield "前の年に見込みを記録していないため、お答えできません。今回の見込みを記録し、来年度に突き合わせます。"
    for place, item in enumerate(claims):
        found = results.evidence.get(item.claim_id)
        if not may_claim_prior(results, item.claim_id):
            verdict = "合計を主張できる段階ではありません" if found is None else f"判定は「{found.verdict}」です"
            yield f"{shorten(item.basis or item.claim_id, 40)}は、{ledger.text(f'prior.{place}.claimed_hours')}の見込みに対し、{verdict}。"
        else:
            yield f"{shorten(item.basis or item.claim_id, 40)}：{ledger.text(f'prior.{place}.sentence')}"


def _certain(results: Results, ledger: Ledger) -> Iterator[str]:
    items = numbered_evidence(results)
    if not items:
        yield "効果を調べる問いをまだ立てていません。"
        return
    number, item = items[0]
    yield f"問{number}は「{item.basis_plain}」の調べ方で、判定は「{item.verdict}」です。"
    name = f"question.{item.question_id}"
    if ledger.has(f"{name}.could_find"):
        yield f"見つけられる最小の大きさは{ledger.text(f'{name}.could_find')}で、これより小さい効果は判定できません。"
    yield from (ledger.text(f"{name}.limit.{place}") for place in range(len(item.limits)))
    yield plan_note(planned(results))


def _people(results: Results, ledger: Ledger) -> Iterator[str]:
    budget = results.budget
    if budget is None or not budget.reach:
        yield "受講の記録がないため、お答えできません。"
        return
    yield from _reached(results, ledger)
    largest = sorted(range(len(budget.reach)), key=lambda place: (-(budget.reach[place].cost_yen or 0), -budget.reach[place].enrolled))
    for place in largest[:3]:
        item = budget.reach[place]
        cost = f"、修了1人当たり{ledger.text(f'reach.{place}.unit_cost')}円" if item.cost_per_completion_yen is not None else ""
        yield f"{shorten(item.course_name, 30)}は受講{ledger.text(f'reach.{place}.enrolled')}、修了{ledger.text(f'reach.{place}.completed')}{cost}です。"


def _even(results: Results, ledger: Ledger) -> Iterator[str]:
    budget = results.budget
    if budget is None or budget.break_even is None:
        yield (
            "費用または時間の単価がないため、費用と釣り合う時間は示せません。" if budget is None or budget.price is not None else ledger.text("price.sentence")
        )
        return
    yield ledger.text("even.sentence")
    if results.savings is not None and not results.savings.may_claim:
        yield "これに届いたかどうかは、まだ言えません。"


def _cut(results: Results, ledger: Ledger) -> Iterator[str]:
    cuts = () if results.budget is None else results.budget.cuts
    if not cuts:
        yield "要求額が未入力のため、お答えできません。"
    for place, cut in enumerate(cuts):
        if cut.name != "満額":
            yield f"{cut.name}（{ledger.text(f'cut.{place}.yen')}千円）の場合：{ledger.text(f'cut.{place}.sentence')}"


def _ending(ledger: Ledger) -> Iterator[str]:
    """When the measure goes on and when it ends, where the budget case says so."""
    if ledger.has("continuation.sentence"):
        yield ledger.text("continuation.sentence")

"""Two editable A4 slides: one for 市長査定, one for 部長レク; native text, tables and charts, every figure from the ledger."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.answers import fill
from kdx_eval.report.blocks import shorten
from kdx_eval.report.content import appendix_content, effect_text
from kdx_eval.report.pptx_charts import add_hours_chart, add_reach_chart
from kdx_eval.report.pptx_parts import BLUE, GREY, PALE, QUESTION_MARK, WARN, Place, add_heading, add_table, add_text, blank_slide, new_presentation
from kdx_eval.report.spoken import spoken_answers
from kdx_eval.report.wording import ROUNDING_NOTE, numbered_evidence, planned

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

MAYOR_TITLE, DIRECTOR_TITLE = "市長査定", "部長レク"
_ANSWER_CHARACTERS = 130
_MOST_QUESTIONS, _MOST_LIMITS = 5, 4
_DIRECTORS_QUESTIONS = (1, 2, 5, 7, 9)  # effect, cash, how sure, break-even, next year: what a director is asked first


def slides_bytes(results: Results, ledger: Ledger, *, as_of: dt.date) -> bytes:
    """The presentation; raises DataError when the results hold no plan."""
    plan = planned(results)
    made = new_presentation(title=shorten(f"{MAYOR_TITLE}・{DIRECTOR_TITLE}　{plan.title}", 60), day=dt.datetime.combine(as_of, dt.time()))
    fields = appendix_content(results, ledger, as_of=as_of)
    _mayor(blank_slide(made), results, ledger=ledger, fields=fields)
    _director(blank_slide(made), results, ledger=ledger, fields=fields)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def _frame(slide: Any, results: Results, *, name: str, page: int) -> None:
    plan = planned(results)
    title = shorten(f"{name}　{plan.title}", 44)
    add_text(slide, Place(left=10, top=6, width=190, height=11), paragraphs=(title,), sizes=(20, 18, 16, 14, 12), colour=BLUE)
    add_text(slide, Place(left=200, top=6, width=87, height=6), paragraphs=(f"{plan.heading}　{shorten(plan.city, 16)}",), sizes=(10, 9, 8, 7), colour=GREY)
    if plan.synthetic:
        add_text(slide, Place(left=200, top=12, width=87, height=6), paragraphs=(SYNTHETIC_NOTE,), sizes=(9, 8, 7), colour="FFFFFF", fill=WARN)
    footer = f"{ROUNDING_NOTE}　{page}／2"
    add_text(slide, Place(left=10, top=203, width=277, height=5.5), paragraphs=(footer,), sizes=(8, 7), colour=GREY)


def _section(slide: Any, place: Place, *, heading: str, paragraphs: Sequence[str], sizes: Sequence[float] = (12, 11, 10, 9, 8)) -> None:
    add_heading(slide, Place(left=place.left, top=place.top, width=place.width, height=6.5), text=heading)
    inner = Place(left=place.left, top=place.top + 6.5, width=place.width, height=place.height - 6.5)
    add_text(slide, inner, paragraphs=paragraphs, sizes=sizes, fill="FFFFFF")


def _mayor(slide: Any, results: Results, *, ledger: Ledger, fields: dict[str, Any]) -> None:
    _frame(slide, results, name=MAYOR_TITLE, page=1)
    cards = [(item["label"], f"{item['value']}{item['unit']}") for item in fields["amounts"]] + [("予算が実際に減る額", fields["cash_amount"])]
    for number, (label, value) in enumerate(cards):
        left = 10 + number * 70
        add_text(slide, Place(left=left, top=20, width=67, height=6), paragraphs=(label,), sizes=(10, 9, 8), colour=GREY, fill=PALE)
        add_text(slide, Place(left=left, top=26, width=67, height=12), paragraphs=(value,), sizes=(22, 18, 14), colour=BLUE, fill=PALE)
    _section(slide, Place(left=10, top=41, width=136, height=40), heading="なぜ要るか", paragraphs=(fields["change_reason"],))
    effect = [text for text in (fields["effect_sentence"], fields["honest_case"]) if text]
    _section(slide, Place(left=10, top=83, width=136, height=62), heading="効果はあったか", paragraphs=effect)
    sure = [f"・{text}" for text in fields["limits"][:_MOST_LIMITS]]
    _section(slide, Place(left=10, top=147, width=136, height=54), heading="どこまで確かか", paragraphs=sure)
    add_heading(slide, Place(left=151, top=41, width=136, height=6.5), text=_draw_chart(slide, results, ledger=ledger))
    add_heading(slide, Place(left=151, top=129, width=136, height=6.5), text="減額した場合の影響")
    rows = [("案", "千円", "受講", "失うもの"), *((row["option"], row["amount"], row["can_do"], row["forgone"]) for row in fields["reduction"])]
    if len(rows) > 1:
        add_table(slide, Place(left=151, top=136.5, width=136, height=64), rows=rows, widths=(0.8, 0.9, 1.5, 4), right=(1,))
    else:
        add_text(slide, Place(left=151, top=136.5, width=136, height=20), paragraphs=(fields["reduction_more"],))


def _draw_chart(slide: Any, results: Results, *, ledger: Ledger) -> str:
    """The chart of hours, of reach where no hours were estimated, or a sentence; returns the heading above it."""
    place = Place(left=151, top=48, width=136, height=78)
    if add_hours_chart(slide, place, results=results, ledger=ledger):
        return "年間の時間と95％の幅（時間／年、右ほど良い）"
    if add_reach_chart(slide, place, results=results, ledger=ledger):
        return "受講者と修了者（人）"
    add_text(slide, place, paragraphs=("受講と効果の記録がないため、図はありません。",))
    return "図"


def _director(slide: Any, results: Results, *, ledger: Ledger, fields: dict[str, Any]) -> None:
    _frame(slide, results, name=DIRECTOR_TITLE, page=2)
    add_heading(slide, Place(left=10, top=20, width=150, height=6.5), text="問いと判定（幅は95％）")
    items = sorted(numbered_evidence(results)[:_MOST_QUESTIONS], key=lambda pair: pair[0])
    rows = [("問い", "比べ方", "判定", "効果")]
    rows += [(f"問{number}　{shorten(item.title, 34)}", item.basis_plain, item.verdict, effect_text(item, ledger)) for number, item in items]
    if items:
        add_table(slide, Place(left=10, top=27.5, width=150, height=82), rows=rows, widths=(2.4, 1.3, 1.2, 3))
    else:
        add_text(slide, Place(left=10, top=27.5, width=150, height=20), paragraphs=("効果を調べる問いは、まだ立てていません。",))
    limits = [f"・問{number}：{text}" for number, item in items for text in item.limits][:_MOST_LIMITS] or ["・特になし"]
    _section(slide, Place(left=10, top=112, width=150, height=42), heading="必ず添えること", paragraphs=limits)
    _section(
        slide, Place(left=10, top=156, width=150, height=45), heading="来年度の計画", paragraphs=[f"・{text}" for text in fields["next_year"][:_MOST_LIMITS]]
    )
    answers = spoken_answers(results, ledger)
    told: list[str] = []
    for place in _DIRECTORS_QUESTIONS:
        told += [f"{QUESTION_MARK}{answers[place].objection}", f"答　{fill(re.split(r'(?<=。)', answers[place].text), _ANSWER_CHARACTERS)}"]
    _section(slide, Place(left=165, top=20, width=122, height=181), heading="聞かれること", paragraphs=told, sizes=(13, 12, 11.5, 11, 10, 9, 8))

"""想定問答 and 答弁要旨 as Word files and as blocks of the 別冊."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.answers import Answer
from kdx_eval.report.blocks import Block, Bullets, Heading, Paragraph, shorten
from kdx_eval.report.questions import expected_answers, standing_count
from kdx_eval.report.spoken import SPOKEN_LIMIT, spoken_answers
from kdx_eval.report.word import find_template, render_word
from kdx_eval.report.word_template_answers import QUESTIONS_NAME, SPOKEN_NAME
from kdx_eval.report.wording import ROUNDING_NOTE, planned
from kdx_eval.units import wareki_date

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

QUESTIONS_TITLE, SPOKEN_TITLE = "想定問答", "答弁要旨"


def questions_word(results: Results, ledger: Ledger, *, as_of: dt.date, data: Path | None = None) -> bytes:
    """想定問答 as Word, through the city's template where there is one; raises OutputError when that is faulty."""
    answers = expected_answers(results, ledger)
    content = _content(results, answers, title=QUESTIONS_TITLE, intro=intro_text(answers), as_of=as_of)
    return render_word(content, images={}, template=find_template(QUESTIONS_NAME, data=data))


def spoken_word(results: Results, ledger: Ledger, *, as_of: dt.date, data: Path | None = None) -> bytes:
    """答弁要旨 as Word, through the city's template where there is one; raises OutputError when that is faulty."""
    intro = f"答えは一問{SPOKEN_LIMIT}字以内。数字はすべて附属資料と同じもの。"
    content = _content(results, spoken_answers(results, ledger), title=SPOKEN_TITLE, intro=intro, as_of=as_of)
    return render_word(content, images={}, template=find_template(SPOKEN_NAME, data=data))


def question_blocks_of(results: Results, ledger: Ledger) -> Iterator[Block]:
    """想定問答 as blocks of the 別冊."""
    answers = expected_answers(results, ledger)
    yield Paragraph(text=intro_text(answers))
    for number, answer in enumerate(answers, start=1):
        yield Heading(text=f"想定問{number}　{answer.objection}", level=3)
        yield Paragraph(text=f"【{answer.standing}】{answer.text}")
        if answer.grounds:
            yield Bullets(items=answer.grounds)
        if answer.needed:
            yield Paragraph(text=f"足りないもの：{answer.needed}")


def intro_text(answers: Sequence[Answer]) -> str:
    """How many are answered, and how not."""
    tally = "、".join(f"{standing}{number}問" for standing, number in standing_count(answers))
    return f"今回の結果から答えを書いたもの。{tally}。答えられない問いには、何があれば答えられるかを書いた。"


def _content(results: Results, answers: Sequence[Answer], *, title: str, intro: str, as_of: dt.date) -> dict[str, Any]:
    plan = planned(results)
    items = [
        {"number": str(number), "question": one.objection, "answer": one.text, "standing": one.standing, "grounds": list(one.grounds), "needed": one.needed}
        for number, one in enumerate(answers, start=1)
    ]
    return {
        "title": title,
        "heading": plan.heading,
        "city": shorten(plan.city or "団体名未入力", 40),
        "running_title": shorten(f"{title}　{plan.title}", 60),
        "prepared": f"データ基準日 {wareki_date(as_of)}",
        "synthetic_note": SYNTHETIC_NOTE if plan.synthetic else "",
        "footer": ROUNDING_NOTE,
        "intro": intro,
        "items": items,
    }

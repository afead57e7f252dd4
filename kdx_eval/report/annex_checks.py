"""What was checked and what came of it: all checks of all questions in one table, then each question's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Figure, Table, columns
from kdx_eval.report.wording import CHECK_WORDS, ordered_evidence

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results

MARKS = {"passed": "○", "powerless": "△", "failed": "×", "not_applicable": "－"}
MOST_MARKED = 10  # questions beside each other; a longer run has its checks under each question


def check_matrix(results: Results) -> Iterator[Block]:
    """One row a check, one column a question: whether it passed."""
    asked = [(number, item) for number, item in enumerate(ordered_evidence(results), start=1) if item.checks]
    if not 1 < len(asked) <= MOST_MARKED:
        return
    titles = dict.fromkeys(check.title for _, item in asked for check in item.checks)
    outcome = {(number, check.title): MARKS[check.outcome] for number, item in asked for check in item.checks}
    rows = tuple((title, *(outcome.get((number, title), "") for number, _ in asked)) for title in titles)
    words = "、".join(f"{mark}＝{CHECK_WORDS[name]}" for name, mark in MARKS.items())
    heads = columns("確認したこと", *(f"問{number}" for number, _ in asked), widths=(3, *(1 for _ in asked)), center=range(1, len(asked) + 1))
    yield Table(columns=heads, rows=rows, caption="確認の一覧（すべての問い）", note=f"{words}。○でないものは、問いごとに説明します。")


def check_blocks(item: Evidence, ledger: Ledger, *, pictures: Pictures) -> Iterator[Block]:
    """The plot of one question's checks, and all of them with their sentences."""
    picture = pictures.checks.get(item.question_id)
    if picture is not None:
        yield Figure(name=picture.file.removesuffix(".png"), png=pictures.content[picture.file], alt=picture.alt, caption=picture.caption)
    yield from check_table(item, ledger, whole=True)


def check_table(item: Evidence, ledger: Ledger, *, whole: bool) -> Iterator[Block]:
    """The sentences of one question's checks, a table for each outcome; on paper, unless ``whole``, only of those that did not pass."""
    heads = columns("確認したこと", "説明", widths=(1.5, 5))
    for outcome in ("failed", "powerless", "passed", "not_applicable"):
        found = [check for check in item.checks if check.outcome == outcome]
        rows = tuple((check.title, ledger.text(f"question.{item.question_id}.check.{check.check_id}")) for check in found)
        if rows:
            printed = whole or outcome in ("failed", "powerless")
            yield Table(columns=heads, rows=rows, caption=f"確認したこと：{CHECK_WORDS[outcome]}", on_paper=None if printed else ())

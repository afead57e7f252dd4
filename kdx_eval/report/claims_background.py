"""The figures that documents print beside the results: who took part when, rows by file, and the bases of conversions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Table
from kdx_eval.report.content import largest_lines
from kdx_eval.report.quality_rows import files_table
from kdx_eval.report.timing import timing_table
from kdx_eval.report.wording import yen_text
from kdx_eval.units import format_hours, format_number

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.report.ledger import LedgerBook
    from kdx_eval.results import Results


def enter_background(book: LedgerBook, results: Results) -> None:
    """Enter them, each row of a table as one sentence that stands for the figures inside it."""
    for key, study in results.studies.items():
        for place, text in enumerate(timing_texts(study)):
            label = f"誰と誰を比べるか{place + 1}"
            book.sentence(f"question.{key}.timing.{place}", text, question_id=key, label=label, inputs=("training",))
    table = files_table(results)
    for place, text in enumerate(() if table is None else row_texts(table)):
        book.sentence(f"quality.file.{place}", text, label=f"ファイルごとの行数{place + 1}", inputs=("results/quality.json",))
    if results.savings is not None:
        hours, basis = results.savings.hours_per_person, ("data_schema/parameters.csv",)
        book.figure("savings.hours_per_person", hours, text=format_hours(hours), unit="時間／年", label="1人の年間時間", inputs=basis)
    _enter_rest(book, results)
    even = None if results.budget is None else results.budget.break_even
    if even is not None and even.persons:
        text, label = f"{format_number(even.persons)}人", "受講者（延べ、分岐点の計算）"
        book.figure("even.persons", even.persons, text=text, unit="人", label=label, inputs=("training",))


def _enter_rest(book: LedgerBook, results: Results) -> None:
    """The budget lines for which two pages have no room, as one sum."""
    lines = () if results.budget is None else results.budget.lines
    left = [line.yen for place, line in enumerate(lines) if place not in largest_lines(lines)]
    if left:
        text, formula = yen_text(sum(left)), "2ページに載せない細目の合計"
        book.figure("request.rest", sum(left), text=text, unit="円", label="そのほかの細目の要求額", formula=formula, inputs=("costs",))


def timing_texts(study: EffectStudy) -> list[str]:
    """The rows of the table of starting times as sentences."""
    return list(row_texts(timing_table(study)))


def row_texts(table: Table) -> Iterator[str]:
    """Each row as ``head：title cell、title cell``."""
    for row in table.rows:
        yield f"{row[0]}：" + "、".join(f"{column.title} {cell}" for column, cell in zip(table.columns[1:], row[1:], strict=True))

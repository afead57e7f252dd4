"""The answer sheet of the plan's six questions: written here, read back here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.errors import PlanError
from kdx_eval.plan import SIX_QUESTIONS
from kdx_eval.report.forms.books import new_book, print_on_a4

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_SHEET = "answers.xlsx"
_ANSWER_COLUMN = 3


def answer_sheet() -> bytes:
    """The workbook with the six questions and an empty column for the answers."""
    form = new_book()
    sheet = form.book.add_worksheet("6つの質問")
    for column, (title, width) in enumerate((("番号", 6), ("質問", 46), ("書き方", 60), ("答え", 40))):
        sheet.write_string(0, column, title, form.look("head"))
        sheet.set_column(column, column, width)
    for row, question in enumerate(SIX_QUESTIONS, start=1):
        for column, text in enumerate((str(row), question.text, question.hint)):
            sheet.write_string(row, column, text, form.look("cell"))
        sheet.write_blank(row, _ANSWER_COLUMN, None, form.look("cell", bg_color="#FFF2CC", num_format="@"))
    print_on_a4(sheet, repeat=(0, 0))
    return form.close()


def read_answer_sheet(path: Path) -> dict[str, object]:
    """The answers in an answer sheet, by key of the question.

    Raises
    ------
    PlanError
        When the file cannot be read or is no answer sheet.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    except (OSError, CalamineError) as error:
        raise PlanError("答えの用紙を読めません", place=path.name, hint="kdx-eval templates で書き出した answers.xlsx を使ってください") from error
    by_text = {str(row[1]).strip(): row[_ANSWER_COLUMN] for row in rows if len(row) > _ANSWER_COLUMN}
    missing = [question.text for question in SIX_QUESTIONS if question.text not in by_text]
    if missing:
        raise PlanError("答えの用紙に質問の行がありません", place=f"{path.name}: {missing[0]}", hint="質問の文を書き換えずに、答えの列だけを埋めてください")
    return {question.key: _text(by_text[question.text]) for question in SIX_QUESTIONS}


def _text(value: object) -> str:
    # Excel holds every number as a float; 2027 must not become "2027.0", nor a month "2026-03-01 00:00:00".
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.strftime("%Y-%m") if hasattr(value, "strftime") else str(value).strip()

"""Excel forms to collect the data with, made from data_schema/, and the answer sheet of the plan's six questions."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdx_eval.errors import PlanError
from kdx_eval.plan import SIX_QUESTIONS
from kdx_eval.report.data_page import data_page
from kdx_eval.safe import safe_child, safe_name, write_atomic
from kdx_eval.schema import load_schema

if TYPE_CHECKING:
    from kdx_eval.schema import TableSpec

ANSWER_SHEET = "answers.xlsx"
_TYPE_NAMES = {"string": "文字", "integer": "整数", "number": "数", "date": "日付", "boolean": "はい・いいえ", "yearmonth": "年月", "year": "年"}
_ANSWER_COLUMN = 3
_FORM_ROWS = 500


def write_forms(folder: Path) -> tuple[Path, ...]:
    """Write one workbook for each table, the answer sheet and a description of all columns into an existing folder.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    forms = [_write(folder, f"{safe_name(f'{table.title}_{table.name}')}.xlsx", _form(table)) for table in load_schema().tables.values()]
    return (*forms, _write(folder, ANSWER_SHEET, _answer_sheet()), write_atomic(safe_child(folder, "DATA.md"), data_page()))


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


def _write(folder: Path, name: str, content: bytes) -> Path:
    return write_atomic(safe_child(folder, name), content)


def _workbook(stream: io.BytesIO) -> Any:
    import datetime as dt

    import xlsxwriter

    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": dt.datetime(2026, 4, 1)})  # the same bytes on every run
    return book


def _form(table: TableSpec) -> bytes:
    stream = io.BytesIO()
    book = _workbook(stream)
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "valign": "top"})
    must = book.add_format({"bold": True, "bg_color": "#FCE4D6", "border": 1, "text_wrap": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(table.title[:31])
    guide = book.add_worksheet("書き方")
    sheet.freeze_panes(1, 0)
    for column, spec in enumerate(table.fields):
        sheet.write_string(0, column, spec.title, must if spec.required else head)
        sheet.set_column(column, column, max(12, 2 * len(spec.title) + 2))
        if spec.enum:
            sheet.data_validation(1, column, _FORM_ROWS, column, {"validate": "list", "source": _listed(spec.enum)})
    guide.set_column(0, 0, 20)
    guide.set_column(1, 2, 12)
    guide.set_column(3, 4, 50)
    guide.write_string(0, 0, f"{table.title}: {table.description}")
    for column, title in enumerate(("列", "種類", "必須", "説明", "例")):
        guide.write_string(2, column, title, head)
    for row, spec in enumerate(table.fields, start=3):
        cells = (spec.title, _TYPE_NAMES.get(spec.type, spec.type), "必須" if spec.required else "", spec.description, spec.example)
        for column, text in enumerate(cells):
            guide.write_string(row, column, text, wrap)
    book.close()
    return stream.getvalue()


def _listed(values: Any) -> list[str]:
    texts = [str(value) for value in values]
    # Excel allows 255 characters in a list of choices.
    return texts if len(",".join(texts)) <= 255 else texts[:1]


def _answer_sheet() -> bytes:
    stream = io.BytesIO()
    book = _workbook(stream)
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    answer = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "bg_color": "#FFF2CC", "num_format": "@"})
    sheet = book.add_worksheet("6つの質問")
    for column, (title, width) in enumerate((("番号", 6), ("質問", 46), ("書き方", 60), ("答え", 40))):
        sheet.write_string(0, column, title, head)
        sheet.set_column(column, column, width)
    for row, question in enumerate(SIX_QUESTIONS, start=1):
        sheet.write_string(row, 0, str(row), wrap)
        sheet.write_string(row, 1, question.text, wrap)
        sheet.write_string(row, 2, question.hint, wrap)
        sheet.write_blank(row, _ANSWER_COLUMN, None, answer)
    book.close()
    return stream.getvalue()

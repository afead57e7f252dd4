"""The sheet 「書き方」 of every form: how to fill it in, and each column in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kdx_eval.load.form_marks import EXAMPLE, EXPLANATION, GUIDE
from kdx_eval.report.forms.books import FormBook, lines_needed, print_on_a4
from kdx_eval.report.forms.tables import Filling, asked_fields, example_row, words_for
from kdx_eval.report.schema_words import kind_words

if TYPE_CHECKING:
    from kdx_eval.schema import FieldSpec, TableSpec

GUIDE_SHEET = "書き方"
_RULES = (
    f"「{EXPLANATION}」と「{EXAMPLE}」の行は、そのまま残してください。読み込むときに自動で飛ばします。記入は、その下の行から始めてください。",
    "橙色の見出しの列は必ず書いてください。そのほかの列は、分かる範囲で構いません。",
    "調べていない・分からないものは空欄に、調べて 0 だったものは 0 と書いてください。空欄と 0 は別のものとして扱います。",
    "合計の行は要りません。列の順を変えたり、見出しを書き換えたりしないでください。",
    "使わないシートは空のままで構いません。システムから出した CSV や Excel があれば、写さずにそのまま提出して構いません。",
)
_COLUMNS = (("列", 20), ("必須", 7), ("種類", 12), ("説明", 58), ("選ぶ言葉", 34), ("例", 20))


def add_guide(form: FormBook, tables: Sequence[TableSpec], *, title: str, filling: Filling, notes: Sequence[str] = ()) -> Any:
    """Add the guide for some tables and return its sheet; ``notes`` stand after the rules that hold for every form."""
    sheet = form.book.add_worksheet(GUIDE_SHEET)
    for column, (_, width) in enumerate(_COLUMNS):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, f"{GUIDE}{title}", form.look("title"))
    sheet.set_row(0, 24)
    row = 1
    whole = sum(width for _, width in _COLUMNS)
    for number, text in enumerate((*_RULES, *notes), start=1):
        sheet.merge_range(row, 0, row, len(_COLUMNS) - 1, f"{number}　{text}", form.look("wrap"))
        sheet.set_row(row, 14 * lines_needed(text, whole))
        row += 1
    for table in tables:
        row = _add_table(form, sheet, table, filling=filling, row=row + 1)
    print_on_a4(sheet)
    return sheet


def _add_table(form: FormBook, sheet: Any, table: TableSpec, *, filling: Filling, row: int) -> int:
    sheet.merge_range(row, 0, row, len(_COLUMNS) - 1, f"{table.title}　{table.description}", form.look("section"))
    for column, (heading, _) in enumerate(_COLUMNS):
        sheet.write_string(row + 1, column, heading, form.look("head"))
    examples = example_row(table, filling)
    row += 2
    for spec in asked_fields(table, filling):
        words = "・".join(words_for(spec, table=table, filling=filling)[:20])
        cells = (
            f"{spec.title}{_personal(spec)}", "必須" if spec.required else _either(spec, table), kind_words(spec), spec.description,
            words if spec.enum or not words else f"{words} など", examples.get(spec.name, ""),
        )  # fmt: skip
        for column, text in enumerate(cells):
            sheet.write_string(row, column, text, form.look("cell"))
        sheet.set_row(row, 14 * max(lines_needed(text, width * 1.15) for text, (_, width) in zip(cells, _COLUMNS, strict=True)))
        row += 1
    return row


def _personal(spec: FieldSpec) -> str:
    return "（個人情報）" if spec.personal and spec.personal_when is None else ""


def _either(spec: FieldSpec, table: TableSpec) -> str:
    return "どれか" if any(spec.name in group and len(group) > 1 for group in table.require_one_of) else ""

"""One table as a sheet to fill in: headings, an explanation row, a marked example row, drop-downs and checks; made from data_schema/."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kdx_eval.load.cells import parse_cell
from kdx_eval.load.form_marks import EXAMPLE, EXPLANATION
from kdx_eval.report.forms.books import FormBook, lines_needed, print_on_a4
from kdx_eval.report.schema_words import unit_word
from kdx_eval.schema import load_indicators

if TYPE_CHECKING:
    from kdx_eval.schema import FieldSpec, TableSpec

HEADER_ROW, FIRST_ROW = 1, 4  # title, headings, explanation, example, then data
_LAST_ROW = 3000
_RULED_ROWS = 20  # on paper; more may be filled in
_FEW, _WIDEST, _NARROW = 8, 26, 16  # columns; on A4 many columns must be narrow to stay legible
_EARLIEST, _LATEST = dt.date(1950, 1, 1), dt.date(2100, 12, 31)
_LARGEST = 10**11 - 1  # what the loader takes for a number at most
_FORMATS = {"string": "@", "boolean": "@", "date": "yyyy/mm/dd", "yearmonth": "yyyy/mm", "year": "0", "integer": "#,##0", "number": "General"}
# How Excel itself takes a value; the loader reads more forms than a checked cell lets through.
_WRITTEN = {"date": "。2025/4/1 のように書く", "yearmonth": "。2025/4 のように書く", "year": "。西暦4けたで書く（令和7年度は2025）"}
_YES_NO = ("はい", "いいえ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Who fills a form in.

    Attributes
    ----------
    heading : str
        What stands before the title (the department's name).
    about_people : bool
        Whether staff may be told apart; else columns and words that do so are left out, so that nobody hands over what nobody asked for.
    offered : mapping
        Field -> words offered besides others (the names of departments).
    examples : mapping
        Field -> example in place of the schema's.
    """

    heading: str = ""
    about_people: bool = True
    offered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)


def asked_fields(table: TableSpec, filling: Filling) -> tuple[FieldSpec, ...]:
    """The fields of the form: all of them, or only those that tell nobody apart."""
    return tuple(spec for spec in table.fields if filling.about_people or not spec.personal or spec.personal_when is not None)


def words_for(spec: FieldSpec, *, table: TableSpec, filling: Filling) -> tuple[str, ...]:
    """The Japanese words a drop-down offers: of the list of values, はい and いいえ, the shipped indicators, or words that are only suggested."""
    if spec.enum:
        personal = {other.personal_when[1] for other in table.fields if other.personal_when and other.personal_when[0] == spec.name}
        return tuple(spec.word(value) for value in spec.enum if filling.about_people or value not in personal)
    if spec.type == "boolean":
        return _YES_NO
    if spec.name in filling.offered:
        return filling.offered[spec.name]
    return tuple(known.title for known in load_indicators().values()) if spec.name == "indicator_id" else spec.choices


def example_row(table: TableSpec, filling: Filling) -> dict[str, str]:
    """Field -> example as a person would write it; of a month, a day and a year that may stand for each other only the first is given."""
    left_out: set[str] = set()
    for group in table.require_one_of:
        kinds = [table.field(name).type for name in group]
        left_out |= {name for name, kind in zip(group, kinds, strict=True) if kind != kinds[0]}
    row = {spec.name: filling.examples.get(spec.name, spec.example) for spec in asked_fields(table, filling) if spec.name not in left_out}
    for spec in asked_fields(table, filling):
        read = parse_cell(row[spec.name], spec) if spec.enum and spec.name in row else None
        if isinstance(read, str):
            row[spec.name] = spec.word(read)
    return row


def explanation(spec: FieldSpec) -> str:
    """What the row under the headings says about a column: whether it must be filled, what it means, its unit."""
    must = "必須。" if spec.required else ""
    unit = unit_word(spec)
    return f"{must}{spec.description}{f'（単位：{unit}）' if unit else ''}{_WRITTEN.get(spec.type, '')}"


def add_table_sheet(form: FormBook, table: TableSpec, *, filling: Filling) -> Any:
    """Add the sheet for ``table``, named by its Japanese title so that the loader knows it, and return it."""
    sheet = form.book.add_worksheet(table.title[:31])
    fields = asked_fields(table, filling)
    sheet.write_string(0, 0, f"{filling.heading}　{table.title}".strip("　"), form.look("title"))
    sheet.set_row(0, 24)
    sheet.set_row(HEADER_ROW, 32)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    row = example_row(table, filling)
    widths = [_width(spec, row.get(spec.name, ""), widest=_WIDEST if len(fields) <= _FEW else _NARROW) for spec in fields]
    for column, spec in enumerate(fields):
        mark, sample = (EXPLANATION, EXAMPLE) if column == 0 else ("", "")
        sheet.write_string(HEADER_ROW, column, spec.title, form.look("must" if spec.required else "head"))
        sheet.write_string(HEADER_ROW + 1, column, mark + explanation(spec), form.look("told"))
        _write_example(form, sheet, column, spec=spec, text=sample + row.get(spec.name, ""))
        sheet.set_column(column, column, widths[column], form.look("", num_format=_FORMATS[spec.type]))
        for line in range(FIRST_ROW, FIRST_ROW + _RULED_ROWS):
            sheet.write_blank(line, column, None, form.look("", num_format=_FORMATS[spec.type], border=1, border_color="#BFBFBF"))
        check = _check(form, spec, words=words_for(spec, table=table, filling=filling))
        if check:
            sheet.data_validation(FIRST_ROW, column, _LAST_ROW, column, check)
    needed = max(lines_needed((EXPLANATION if not column else "") + explanation(spec), widths[column] * 1.25) for column, spec in enumerate(fields))
    sheet.set_row(HEADER_ROW + 1, 12.5 * needed + 3)
    print_on_a4(sheet, repeat=(0, HEADER_ROW))
    return sheet


def _width(spec: FieldSpec, example: str, *, widest: float) -> float:
    longest = max(lines_needed(text, 2) for text in (spec.title, example or " "))
    return float(min(widest, max(11, longest + 2, len(spec.description) * 0.45)))


def _write_example(form: FormBook, sheet: Any, column: int, *, spec: FieldSpec, text: str) -> None:
    look = form.look("example", num_format=_FORMATS[spec.type])
    if spec.type in {"integer", "number"} and text.replace(".", "", 1).isdecimal():
        sheet.write_number(HEADER_ROW + 2, column, float(text), look)
    else:
        sheet.write_string(HEADER_ROW + 2, column, text, look)


def _check(form: FormBook, spec: FieldSpec, *, words: Sequence[str]) -> dict[str, object]:
    """What Excel checks while somebody types, with its message; nothing for free text."""
    if words:
        strict = bool(spec.enum) or spec.type == "boolean"
        told = "一覧から選んでください。" if strict else "一覧にない言葉です。これでよければ OK を押してください。"
        return {"validate": "list", "source": form.list_source(tuple(words)), "error_type": "stop" if strict else "information"} | _message(spec, told)
    if spec.type in {"date", "yearmonth"}:
        told = "日付で書いてください（例 2025/4/1、R7.4.1）。" if spec.type == "date" else "年月で書いてください（例 2025/4）。"
        return {"validate": "date", "criteria": "between", "minimum": _EARLIEST, "maximum": _LATEST} | _message(spec, told)
    if spec.type not in {"year", "integer", "number"}:
        return {}
    low = spec.minimum if spec.minimum is not None else -_LARGEST
    high = spec.maximum if spec.maximum is not None else _LARGEST
    told = "西暦4けたの年度で書いてください（令和7年度は 2025）。" if spec.type == "year" else _number_told(spec)
    kind = "decimal" if spec.type == "number" else "integer"
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high} | _message(spec, told)


def _number_told(spec: FieldSpec) -> str:
    whole = "小数のない数" if spec.type == "integer" else "数"
    limits = [f"{spec.minimum:,.0f}以上"] if spec.minimum is not None else []
    limits += [f"{spec.maximum:,.0f}以下"] if spec.maximum is not None else []
    unit = "" if spec.unit_note else unit_word(spec)
    clock = "43.5 または 43:30（43時間30分）のように書いてください。" if spec.unit in {"hours", "minutes"} else ""
    return f"{'で'.join(limits)}{'の' if limits else ''}{whole}で書いてください{f'（単位は{unit}）' if unit else ''}。{clock}単位の文字は付けません。"


def _message(spec: FieldSpec, told: str) -> dict[str, object]:
    return {"error_title": spec.title[:32], "error_message": f"「{spec.title}」は、{told}"[:255]}

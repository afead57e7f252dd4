"""Input forms: made from data_schema/, checked by Excel as the loader would, and read back as they were filled in."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.load import load_dataset
from kdx_eval.load.cells import Refusal, parse_cell
from kdx_eval.load.form_marks import EXAMPLE, EXPLANATION
from kdx_eval.report.forms import Department, write_forms
from kdx_eval.report.forms.books import new_book
from kdx_eval.report.forms.senders import asked_departments, sections, sender_form, table_form
from kdx_eval.report.forms.tables import FIRST_ROW, HEADER_ROW, Filling, asked_fields, example_row, words_for
from kdx_eval.schema import FieldSpec, TableSpec, load_schema

TABLES = list(load_schema().tables.values())
NAMES = [table.name for table in TABLES]
OFFICE = (Department(department_id="0123", name="市民課"), Department(department_id="0124", name="=HYPERLINK(1)/..課\x07"))


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def opened(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def typed(text: str, spec: FieldSpec) -> object:
    """What Excel keeps when a person types ``text`` into a cell of the form."""
    if spec.type == "date":
        return dt.datetime.fromisoformat(text)
    if spec.type == "yearmonth":
        return dt.datetime.fromisoformat(f"{text}-01")
    if spec.type == "year" or (spec.type in {"integer", "number"} and ":" not in text):
        return float(text)
    return dt.timedelta(hours=int(text.split(":", maxsplit=1)[0]), minutes=int(text.split(":")[1])) if ":" in text else text


def another(text: str, spec: FieldSpec) -> str:
    """A different value for a second row."""
    if spec.enum:
        return spec.words[-1]
    if spec.type == "date":
        return (dt.date.fromisoformat(text) + dt.timedelta(days=366)).isoformat()
    if spec.type == "yearmonth":
        return f"{int(text[:4]) + 1}{text[4:]}"
    if spec.type in {"integer", "number", "year"}:
        return "7" if spec.unit in {"hours", "minutes"} else str(int(float(text)) + 1)
    return {"boolean": "いいえ"}.get(spec.type, text[:-1] + ("8" if spec.pattern else "0"))


def fill(sheet: openpyxl.worksheet.worksheet.Worksheet, rows: list[dict[str, str]], table: TableSpec) -> None:
    for number, row in enumerate(rows):
        for column, spec in enumerate(table.fields):
            if spec.name in row:
                sheet.cell(FIRST_ROW + 1 + number, column + 1, typed(row[spec.name], spec))


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_a_filled_form_is_read_as_it_was_written(table: TableSpec, tmp_path: Path) -> None:
    first = example_row(table, Filling())
    rows = [first, {name: another(text, table.field(name)) for name, text in first.items()}]
    book = opened(table_form(table))
    fill(book[table.title], rows, table)
    book.save(tmp_path / f"様式_{table.name}.xlsx")
    dataset = load_dataset(tmp_path)
    assert {file.table for file in dataset.report.files if file.rows_read} == {table.name}
    assert (dataset.report.rows_read, dataset.report.rows_rejected) == (2, 0)
    kept = [spec for spec in table.kept if spec.name in first]
    # People become pseudonyms; names of lists that were not delivered are their own ids.
    compared = [spec for spec in kept if not spec.personal]
    with dataset.connect() as con:
        found = con.execute(f'SELECT {", ".join(f"""CAST("{spec.name}" AS VARCHAR)""" for spec in compared)} FROM {table.name}').fetchall()
    assert sorted(tuple(map(plain, row)) for row in found) == sorted(tuple(meant(row[spec.name], spec) for spec in compared) for row in rows)
    if any(spec.name == "staff_id" for spec in kept):
        assert dataset.frame(table.name)["staff_id"].nunique() == 2


def plain(text: str | None) -> str | None:
    return text if text is None or not text.replace(".", "", 1).isdecimal() or text.startswith("0") else str(Decimal(text).normalize())


def meant(text: str, spec: FieldSpec) -> str | None:
    if spec.name == "indicator_id":
        return {"生成AI利用回数": "genai_uses"}.get(text, text)
    value = parse_cell(text, spec)
    assert isinstance(value, str)
    return plain(f"{value[:7]}-01" if spec.type == "yearmonth" else value)


def test_an_example_typed_over_is_data_and_a_moved_form_is_still_known(tmp_path: Path) -> None:
    table = load_schema().table("processes")
    book = opened(table_form(table))
    sheet = book["業務"]
    sheet.cell(FIRST_ROW, 1, "P900")
    sheet.insert_cols(1)
    book.save(tmp_path / "業務.xlsx")
    dataset = load_dataset(tmp_path)
    assert dataset.frame("processes")["process_id"].tolist() == ["P900"]
    assert any("様式の説明と例の行1行" in note for file in dataset.report.files for note in file.notes)


def test_forms_that_nobody_filled_in_deliver_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "forms"
    folder.mkdir()
    write_forms(folder)
    dataset = load_dataset(folder)
    assert dataset.tables == {}
    assert dataset.report.rows_read == 0
    assert {file.table for file in dataset.report.files} == {None}


def test_an_unfilled_list_of_departments_does_not_make_every_department_unknown(tmp_path: Path) -> None:
    book = opened(sender_form(next(asked for asked in sections() if asked.sender == "personnel")))
    headcount = load_schema().table("headcount")
    fill(book["人員"], [example_row(headcount, Filling())], headcount)
    book.save(tmp_path / "記入様式_人事課.xlsx")
    dataset = load_dataset(tmp_path)
    assert dataset.report.rows_rejected == 0
    assert dataset.frame("headcount")["department_id"].tolist() == ["0123"]
    assert set(dataset.tables) == {"headcount", "departments"}
    assert dataset.report.derived == ("departments",)


def test_a_workbook_of_a_sender_is_read_sheet_by_sheet(tmp_path: Path) -> None:
    for asked in (*sections(), *asked_departments()):
        book = opened(sender_form(asked))
        for table in asked.tables:
            row = example_row(table, asked.filling)
            columns = {spec.name: place for place, spec in enumerate(asked_fields(table, asked.filling), start=1)}
            for name, place in columns.items():
                if name in row:
                    book[table.title].cell(FIRST_ROW + 1, place, typed(row[name], table.field(name)))
        book.save(tmp_path / f"{asked.sender}.xlsx")
    dataset = load_dataset(tmp_path)
    with dataset.rejected.open(encoding="utf-8-sig") as stream:
        # The examples name one successor and one replaced course that no list holds.
        assert [line.split(",")[4] for line in stream][1:] == ["unknown_course"]
    assert set(dataset.tables) >= set(NAMES) - {"partner_results", "knowledge"}


def validations(content: bytes) -> Iterator[tuple[openpyxl.Workbook, str, openpyxl.worksheet.datavalidation.DataValidation]]:
    book = opened(content)
    for sheet in book.worksheets:
        for check in sheet.data_validations.dataValidation:
            yield book, sheet.title, check


def listed(book: openpyxl.Workbook, formula: str) -> list[str]:
    if formula.startswith('"'):
        return formula.strip('"').split(",")
    sheet, _, cells = formula.partition("!")
    assert book[sheet.strip("'")].sheet_state == "hidden"
    return [str(row[0].value) for row in book[sheet.strip("'")][cells.replace("$", "")]]


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_what_a_form_lets_through_is_accepted_and_what_it_stops_is_explained_in_japanese(table: TableSpec) -> None:
    by_letter = {openpyxl.utils.get_column_letter(place): spec for place, spec in enumerate(table.fields, start=1)}
    seen = set()
    for book, sheet, check in validations(table_form(table)):
        assert sheet == table.title
        (cells,) = check.sqref.ranges
        spec = by_letter[openpyxl.utils.get_column_letter(cells.min_col)]
        seen.add(spec.name)
        assert cells.min_row == FIRST_ROW + 1
        assert spec.title in check.error
        assert len(check.error) <= 255
        values = listed(book, check.formula1) if check.type == "list" else [check.formula1, check.formula2]
        if check.type == "date":
            values = [(dt.date(1899, 12, 30) + dt.timedelta(days=int(value))).isoformat() for value in values]
        assert [value for value in values if isinstance(parse_cell(value, spec), Refusal)] == []
        if spec.enum or spec.type == "boolean":
            assert check.errorStyle in {None, "stop"}
            assert not any(word.isascii() for word in values)
    checked = {spec.name for spec in table.fields if spec.enum or spec.choices or spec.type != "string"}
    assert checked <= seen


@given(st.data())
def test_any_number_within_a_form_s_limits_is_accepted(data: st.DataObject) -> None:
    numbers = [spec for table in TABLES for spec in table.fields if spec.type in {"integer", "number"}]
    spec = data.draw(st.sampled_from(numbers))
    low = int(spec.minimum if spec.minimum is not None else -(10**11) + 1)
    high = int(spec.maximum if spec.maximum is not None else 10**11 - 1)
    written = data.draw(st.integers(low, high).map(str) if spec.type == "integer" else st.decimals(low, high, places=2).map(lambda value: f"{value:f}"))
    value = parse_cell(written, spec)
    assert isinstance(value, str)
    assert Decimal(value) == Decimal(written)


def test_a_list_too_long_for_excel_stands_in_a_hidden_sheet() -> None:
    form = new_book()
    long = tuple(f"とても長い名前の課その{number}" for number in range(60))
    form.book.add_worksheet("表")
    source = form.list_source(long)
    assert source == "='選択肢'!$A$1:$A$60"
    assert form.list_source(long) == source
    assert form.list_source(("あり、なし", "a,b")) == "='選択肢'!$B$1:$B$2"
    assert form.list_source(("短い",)) == ["短い"]
    book = opened(form.close())
    assert [row[0].value for row in book["選択肢"]["A1:A60"]] == list(long)
    assert book["選択肢"].sheet_state == "hidden"


def test_many_departments_are_offered_to_the_sections() -> None:
    office = tuple(Department(department_id=f"{number:04d}", name=f"第{number}地域包括支援センター") for number in range(60))
    asked = next(one for one in sections(office) if one.sender == "payroll")
    (offered,) = [listed(book, check.formula1) for book, sheet, check in validations(sender_form(asked)) if sheet == "勤務時間" and check.type == "list"]
    assert offered == [one.name for one in office]


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_a_form_keeps_leading_zeros_prints_on_a4_and_shows_headings_on_every_page(table: TableSpec) -> None:
    sheet = opened(table_form(table))[table.title]
    assert [cell.value for cell in sheet[HEADER_ROW + 1]] == [spec.title for spec in table.fields]
    assert str(sheet[HEADER_ROW + 2][0].value).startswith(EXPLANATION)
    assert str(sheet[HEADER_ROW + 3][0].value).startswith(EXAMPLE)
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToWidth) == ("landscape", 9, None)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$1:$2"
    assert sheet.freeze_panes == f"A{HEADER_ROW + 2}"
    for place, spec in enumerate(table.fields):
        if spec.type == "string":
            assert sheet.cell(FIRST_ROW + 1, place + 1).number_format == "@"


def test_hours_are_in_no_number_format_that_would_show_a_clock_time_as_days() -> None:
    """A cell formatted 0.00 shows 43:30 as 1.81 and keeps it as days; only the general format lets Excel mark it as a duration."""
    sheet = opened(table_form(load_schema().table("worktime")))["勤務時間"]
    columns = [place for place, spec in enumerate(load_schema().table("worktime").fields, start=1) if spec.unit == "hours"]
    assert {sheet.cell(FIRST_ROW + 1, column).number_format for column in columns} == {"General"}


def test_every_table_but_those_of_other_cities_has_one_sender() -> None:
    asked = [table.name for one in (*sections(), *asked_departments()) for table in one.tables]
    assert sorted(asked) == sorted(set(NAMES) - {"partner_results"})


def test_departments_are_not_asked_who_somebody_is() -> None:
    (asked,) = asked_departments()
    for table in asked.tables:
        for spec in asked_fields(table, asked.filling):
            assert not spec.personal or spec.personal_when
    unit_type = load_schema().table("indicators").field("unit_type")
    assert words_for(unit_type, table=load_schema().table("indicators"), filling=asked.filling) == ("所属", "業務")


def test_a_department_s_name_is_text_and_nothing_else(tmp_path: Path) -> None:
    written = write_forms(tmp_path, departments=OFFICE)
    assert len({path.name for path in written}) == len(written)
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in written)
    (hostile,) = [path for path in written if path.parent.name == "各課" and "HYPERLINK" in path.name and path.suffix == ".xlsx"]
    cells = [cell for sheet in openpyxl.load_workbook(hostile).worksheets for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert any(str(cell.value).startswith("=HYPERLINK(1)/..課") for cell in cells)


def test_two_departments_of_one_name_get_a_form_each_and_write_their_ids() -> None:
    office = (Department(department_id="0101", name="総務課"), Department(department_id="0901", name="総務課"), Department(department_id="0123", name="市民課"))
    assert [asked.name for asked in asked_departments(office)] == ["総務課（0101）", "総務課（0901）", "市民課"]
    assert [asked.addressee for asked in asked_departments(office)] == ["総務課長", "総務課長", "市民課長"]
    assert [asked.filling.examples["department_id"] for asked in asked_departments(office)] == ["0101", "0901", "市民課"]
    assert sections(office)[0].filling.offered == {"department_id": ("0101", "0901", "市民課")}

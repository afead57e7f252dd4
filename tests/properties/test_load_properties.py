"""What holds for any delivery: forms of one date agree, rows are all counted, order and format do not matter."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from pathlib import Path
from unittest import mock

import duckdb
import pandas as pd
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdx_eval.load import load_dataset
from kdx_eval.load.cells import parse_boolean, parse_cell, parse_hours, parse_number
from kdx_eval.load.dates import Refusal, parse_date, parse_fiscal_year, parse_month
from kdx_eval.schema import load_schema
from kdx_eval.units import FiscalYear, wareki_date

DAYS = st.dates(min_value=dt.date(1989, 1, 8), max_value=dt.date(2060, 12, 31))
WIDE = str.maketrans("0123456789.-/R", "０１２３４５６７８９．－／Ｒ")
FIELDS = [field for table in load_schema().tables.values() for field in table.fields]


def short(day: dt.date) -> str:
    era, year = ("R", day.year - 2018) if day >= dt.date(2019, 5, 1) else ("H", day.year - 1988)
    return f"{era}{year}.{day.month}.{day.day}"


@given(DAYS)
def test_any_day_comes_back_from_every_accepted_form(day: dt.date) -> None:
    forms = [
        day.isoformat(),
        f"{day:%Y/%m/%d}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日",
        wareki_date(day),
        short(day),
    ]
    for form in (*forms, *(form.translate(WIDE) for form in forms)):
        assert parse_date(form) == day, form


@given(DAYS)
def test_any_month_comes_back_and_lies_in_its_fiscal_year(day: dt.date) -> None:
    first = day.replace(day=1)
    for form in (f"{day:%Y-%m}", f"{day:%Y%m}", f"{day.year}年{day.month}月"):
        assert parse_month(form) == first
    year = FiscalYear(max(day.year, 1990))
    assert {parse_fiscal_year(form) for form in (str(year), year.wareki, year.short)} == {year.year}


@given(st.integers(-(10**10), 10**10))
def test_a_number_survives_every_way_of_writing_it(number: int) -> None:
    plain = f"{number:,}"
    for form in (str(number), plain, plain.replace("-", "△"), plain.replace("-", "▲"), plain.replace("-", "−"), plain.translate(WIDE), f"{plain}円"):
        assert parse_number(form) == number, form


@given(st.integers(0, 9_999), st.integers(0, 59))
def test_hours_survive_every_way_of_writing_them(hours: int, minutes: int) -> None:
    forms = {parse_hours(form) for form in (f"{hours}:{minutes:02d}", f"{hours}時間{minutes}分", f"{hours * 60 + minutes}分")}
    assert len(forms) == 1


@given(st.text(max_size=40), st.sampled_from(FIELDS))
def test_no_text_makes_a_parser_fail_and_no_refusal_repeats_it(text: str, field: object) -> None:
    read = parse_cell(text, field)  # type: ignore[arg-type]
    if isinstance(read, Refusal):
        assert len(text) < 3 or text not in read.reason + read.hint
    parse_boolean(text)


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "", "合計", "Ｐ３"]),
        st.sampled_from(["2025-04", "R7.5", "令和7年6月", "2025-13", ""]),
        st.sampled_from(["1", "1,200", "△3", "多い", "", "#REF!"]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def write(folder: Path, rows: list[tuple[str, str, str]], kind: str) -> None:
    header = ("業務コード", "年月", "件数")
    if kind == "xlsx":
        with xlsxwriter.Workbook(str(folder / "業務量.xlsx")) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([header, *rows]):
                sheet.write_row(number, 0, row)
    elif kind == "parquet":
        frame = pd.DataFrame(rows, columns=list(header), dtype=object)
        with duckdb.connect() as con:
            con.register("frame", frame)
            con.execute(f"COPY (SELECT * FROM frame) TO '{(folder / '業務量.parquet').as_posix()}' (FORMAT parquet)")
    else:
        text = "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in [header, *rows])
        (folder / "業務量.csv").write_bytes(text.encode(kind))


def result(rows: list[tuple[str, str, str]], kind: str) -> tuple[list[list[object]], int, int]:
    with tempfile.TemporaryDirectory() as name, mock.patch.dict("os.environ", {"KDX_EVAL_HOME": f"{name}/home"}):
        folder = Path(name) / "data"
        folder.mkdir()
        write(folder, rows, kind)
        dataset = load_dataset(folder)
        report = dataset.report
        assert report.rows_accepted + report.rows_rejected == report.rows_read
        frame = dataset.frame("workload", ["process_id", "month", "cases"]).astype(object)
        return frame.where(frame.notna(), None).values.tolist(), report.rows_read, report.rows_rejected


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.randoms())
def test_the_result_depends_neither_on_row_order_nor_encoding_nor_format(rows: list[tuple[str, str, str]], shuffler: random.Random) -> None:
    expected = result(rows, "utf-8")
    assert expected[1] == sum(any(row) for row in rows)
    shuffled = rows.copy()
    shuffler.shuffle(shuffled)
    for kind, given_rows in (("cp932", rows), ("xlsx", rows), ("parquet", rows), ("utf-8-sig", shuffled)):
        assert result(given_rows, kind) == expected, kind

"""One meaning, however it is written: every accepted form of a date, month, year or duration; every order, encoding and kind of file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import tempfile
from decimal import Decimal
from pathlib import Path
from unittest import mock

import duckdb
import pandas as pd
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdx_eval.load import Dataset, load_dataset
from kdx_eval.load.cells import parse_hours
from kdx_eval.load.dates import Refusal, parse_date, parse_fiscal_year, parse_month

SLOW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ERAS = (("令和", "令", "R", 2018, dt.date(2019, 5, 1)), ("平成", "平", "H", 1988, dt.date(1989, 1, 8)), ("昭和", "昭", "S", 1925, dt.date(1926, 12, 25)))
WIDE = str.maketrans("0123456789.-/:RHS()", "０１２３４５６７８９．－／：ＲＨＳ（）")
KANJI = "〇一二三四五六七八九"
DAYS = st.dates(min_value=dt.date(1926, 12, 25), max_value=dt.date(2068, 12, 31))


def era_of(day: dt.date) -> tuple[str, str, str, int]:
    """(name, one character, letter, year of the era) of a day."""
    name, short, letter, before, _ = next(era for era in ERAS if day >= era[4])
    return name, short, letter, day.year - before


def in_kanji(number: int) -> str:
    """A number below a hundred in kanji: 七, 十, 二十三."""
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else KANJI[tens] + "十") + (KANJI[ones] if ones else "")


def forms_of(day: dt.date) -> list[str]:
    """Every way in which the parser promises to read a day."""
    name, short, letter, year = era_of(day)
    y, m, d = day.year, day.month, day.day
    weekday = "月火水木金土日"[day.weekday()]
    forms = [f"{y}-{m:02d}-{d:02d}", f"{y}/{m}/{d}", f"{y}.{m}.{d}", f"{y}年{m}月{d}日", f"{y} 年 {m} 月 {d} 日", f"{y}-{m:02d}-{d:02d} 00:00:00"]
    forms += [f"{y}-{m:02d}-{d:02d}T09:30:00+09:00", f"{y}年{m}月{d}日({weekday})", f"{y}/{m}/{d}（{weekday}）"]
    signs = (("年", "月", "日"), (".", ".", ""), ("/", "/", ""), ("-", "-", ""))
    forms += [f"{era}{year}{a}{m}{b}{d}{c}" for era in (name, short, letter, letter.lower()) for a, b, c in signs]
    forms += [f"{letter}.{year}.{m}.{d}", f"{letter}{year:02d}{m:02d}{d:02d}", f"{name}{in_kanji(year)}年{in_kanji(m)}月{in_kanji(d)}日"]
    forms += [f"{y}{m:02d}{d:02d}"] if y >= 1900 else []
    forms += [f"{name}元年{m}月{d}日", f"{letter}元.{m}.{d}"] if year == 1 else []
    return forms


@given(DAYS)
def test_a_day_comes_back_from_every_form(day: dt.date) -> None:
    for form in forms_of(day):
        for written in (form, form.translate(WIDE), f"　{form} "):
            assert parse_date(written) == day, written


@given(DAYS)
def test_a_month_comes_back_from_every_form(day: dt.date) -> None:
    first = day.replace(day=1)
    name, short, letter, year = era_of(day)
    forms = [f"{day:%Y-%m}", f"{day:%Y/%m}", f"{day:%Y%m}", f"{day.year}年{day.month}月", f"{day.year}.{day.month}", f"{day.year}年{day.month}月分"]
    forms += [f"{name}{year}年{day.month}月", f"{short}{year}.{day.month}", f"{letter}{year}.{day.month}", f"{letter}{year}/{day.month}"]
    forms += [f"{name}{in_kanji(year)}年{in_kanji(day.month)}月", *forms_of(day)]
    for form in forms:
        for written in (form, form.translate(WIDE)):
            assert parse_month(written) == first, written


@given(st.integers(1990, 2060))
def test_a_fiscal_year_comes_back_from_every_form(year: int) -> None:
    name, short, letter, number = era_of(dt.date(year, 12, 31))
    forms = [str(year), f"{year}年度", f"FY{year}", f"{name}{number}年度", f"{name}{number}", f"{letter}{number}", f"{short}{number}年度"]
    forms += [f"{name}{in_kanji(number)}年度"]
    for form in forms:
        for written in (form, form.translate(WIDE)):
            assert parse_fiscal_year(written) == year, written


@given(DAYS)
def test_a_year_without_era_is_never_guessed(day: dt.date) -> None:
    year = era_of(day)[3]
    assert parse_date(f"{year}.{day.month}.{day.day}") == Refusal("ambiguous_date")
    assert parse_month(f"{year}.{day.month}") == Refusal("ambiguous_date")


@given(st.integers(0, 99_999), st.integers(0, 59))
def test_a_duration_comes_back_from_every_form(hours: int, minutes: int) -> None:
    exact = (Decimal(hours) + Decimal(minutes) / 60).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    forms = [f"{hours}:{minutes:02d}", f"{hours}:{minutes:02d}:00", f"{hours}時間{minutes}分", f"{hours}h{minutes}m", f"{hours * 60 + minutes}分"]
    forms += [str(exact), f"{exact}h", f"{exact}時間"]
    for form in forms:
        for written in (form, form.translate(WIDE)):
            assert parse_hours(written) == exact, written


# --- whole deliveries

HEADER = ("職員番号", "年月", "正規の勤務時間", "時間外勤務時間", "時間外勤務手当")
CELLS = {
    0: st.sampled_from(["0012345", "0012346", "P-7", "", "合計", "００１２３４７"]),
    1: st.sampled_from(["2025-04", "R7.5", "令和7年6月", "2025-13", "7.4", ""]),
    2: st.sampled_from(["155", "155:30", "155時間30分", "-3", "#REF!", "", "多い"]),
    3: st.sampled_from(["12", "12.5", "0", "△3", "1,200", ""]),
    4: st.sampled_from(["34000", "34,000円", "34千円", "1.5", "1e20", ""]),
}
ROWS = st.lists(st.tuples(*(CELLS[index] for index in range(5))), min_size=1, max_size=10)


def loaded(files: dict[str, bytes]) -> tuple[dict[str, list[tuple[object, ...]]], tuple[int, int, int]]:
    """Rows of each table, and how many rows were read, accepted and refused."""
    with tempfile.TemporaryDirectory() as place, mock.patch.dict("os.environ", {"KDX_EVAL_HOME": f"{place}/home", "KDX_EVAL_KEY_FILE": f"{place}/key"}):
        (Path(place) / "key").write_bytes(b"k" * 32)  # one key for all, else pseudonyms differ
        folder = Path(place) / "data"
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        dataset = load_dataset(folder)
        report = dataset.report
        return tables_of(dataset), (report.rows_read, report.rows_accepted, report.rows_rejected)


def tables_of(dataset: Dataset) -> dict[str, list[tuple[object, ...]]]:
    with dataset.connect() as con:
        return {table: con.execute(f'SELECT * FROM "{table}" ORDER BY ALL').fetchall() for table in dataset.tables}


def as_csv(rows: list[tuple[str, ...]], encoding: str, *, header: tuple[str, ...] = HEADER, delimiter: str = ",") -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL, delimiter=delimiter).writerows([header, *rows])
    return stream.getvalue().encode(encoding)


@SLOW
@given(ROWS, st.randoms())
def test_every_row_is_accepted_or_refused_and_neither_order_nor_encoding_matters(rows: list[tuple[str, ...]], shuffler: random.Random) -> None:
    tables, counts = loaded({"勤務時間.csv": as_csv(rows, "utf-8")})
    assert counts[1] + counts[2] == counts[0] == sum(any(row) for row in rows)
    shuffled = rows.copy()
    shuffler.shuffle(shuffled)
    for encoding in ("utf-8-sig", "cp932", "euc_jp", "utf-16"):
        assert loaded({"勤務時間.csv": as_csv(shuffled, encoding)}) == (tables, counts), encoding
    assert loaded({"勤務時間.tsv": as_csv(rows, "utf-8", delimiter="\t")}) == (tables, counts)


@SLOW
@given(ROWS, st.integers(0, 10), st.permutations([1, 2, 3]))
def test_neither_the_names_of_files_nor_the_order_of_columns_matters(rows: list[tuple[str, ...]], cut: int, names: list[int]) -> None:
    parts = [rows[:cut], rows[cut:]]
    one = {f"勤務時間{names[index]}.csv": as_csv(part, "utf-8") for index, part in enumerate(parts) if part}
    other = {f"勤務時間{names[-1 - index]}.csv": as_csv(part, "cp932") for index, part in enumerate(parts) if part}
    assert loaded(one) == loaded(other)
    turned = [row[::-1] for row in rows]
    assert loaded({"勤務時間.csv": as_csv(turned, "utf-8", header=HEADER[::-1])}) == loaded({"勤務時間.csv": as_csv(rows, "utf-8")})


TYPED = st.lists(
    st.tuples(
        st.integers(1, 10**7), st.dates(dt.date(2015, 4, 1), dt.date(2026, 3, 31)), st.integers(0, 20_000), st.integers(0, 10_000), st.integers(-9_999, 10**7),
    ),
    min_size=1, max_size=8, unique_by=lambda row: (row[0], row[1].replace(day=1)),
)  # fmt: skip


def as_excel(rows: list[tuple[int, dt.date, int, int, int]]) -> bytes:
    """Real dates, durations as [h]:mm, numbers as numbers."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("勤務時間")
        date, duration = book.add_format({"num_format": "yyyy/m/d"}), book.add_format({"num_format": "[h]:mm"})
        sheet.write_row(0, 0, HEADER)
        for number, (staff, day, minutes, hundredths, yen) in enumerate(rows, 1):
            sheet.write_string(number, 0, f"{staff:08d}")
            sheet.write_datetime(number, 1, dt.datetime(day.year, day.month, day.day), date)
            sheet.write_datetime(number, 2, dt.timedelta(minutes=minutes), duration)
            sheet.write_number(number, 3, hundredths / 100)
            sheet.write_number(number, 4, yen)
    return stream.getvalue()


def as_parquet(rows: list[tuple[int, dt.date, int, int, int]]) -> bytes:
    """Typed columns: text, DATE, DOUBLE hours, DECIMAL, BIGINT."""
    columns: dict[str, list[object]] = {
        HEADER[0]: [f"{row[0]:08d}" for row in rows],
        HEADER[1]: [row[1].isoformat() for row in rows],
        HEADER[2]: [row[2] / 60 for row in rows],
        HEADER[3]: [str(Decimal(row[3]) / 100) for row in rows],
        HEADER[4]: [row[4] for row in rows],
    }
    frame = pd.DataFrame(columns)
    with tempfile.TemporaryDirectory() as place, duckdb.connect() as con:
        con.register("frame", frame)
        path = Path(place) / "x.parquet"
        typed = f'CAST("{HEADER[1]}" AS DATE) AS "{HEADER[1]}", CAST("{HEADER[3]}" AS DECIMAL(12,2)) AS "{HEADER[3]}"'
        con.execute(f"COPY (SELECT * REPLACE ({typed}) FROM frame) TO '{path.as_posix()}' (FORMAT parquet)")
        return path.read_bytes()


@SLOW
@given(TYPED)
def test_csv_excel_and_parquet_give_equal_tables(rows: list[tuple[int, dt.date, int, int, int]]) -> None:
    written = [
        (f"{staff:08d}", day.isoformat(), f"{minutes // 60}:{minutes % 60:02d}", f"{hundredths / 100}", str(yen))
        for staff, day, minutes, hundredths, yen in rows
    ]
    tables, counts = loaded({"勤務時間.csv": as_csv(written, "utf-8")})
    assert counts == (len(rows), len(rows), 0)
    assert loaded({"勤務時間.xlsx": as_excel(rows)}) == (tables, counts)
    assert loaded({"勤務時間.parquet": as_parquet(rows)}) == (tables, counts)

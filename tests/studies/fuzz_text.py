"""Mutations of text files: what editors, exports, mail gateways and people do to a CSV."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from fuzz_base import Delivery, Rows, Table, base_tables, text_bytes

TABLES = {table.file: table for table in base_tables()}
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
ODD = (
    "", "ー", "-", "0", "#REF!", "#N/A", "約100", "10～20", "1.2.3", "1,23", "不明", "〃", "同上", "1E+05", "1.23E+05", "○", "'12", "=1+1", "NaN", "1e400",
)  # fmt: skip
_ISO = re.compile(r"(\d{4})-(\d{2})(-(\d{2}))?")


@dataclass(slots=True)
class Copy:
    """One copy of a delivery while it is being damaged; ``touched`` names the file."""

    files: Delivery
    random: Random
    touched: str = ""

    def pick(self, suffix: str = ".csv", *, having: Callable[[Table], bool] | None = None) -> str:
        """A file of the delivery, by chance."""
        fitting = [file for file in sorted(self.files) if file.endswith(suffix) and (having is None or having(TABLES[file]))]
        if not fitting:
            raise NotApplicableError
        self.touched = self.random.choice(fitting)
        return self.touched

    def table(self, having: Callable[[Table], bool] | None = None) -> tuple[Table, Rows]:
        """A text file of the delivery and its rows to change."""
        table = TABLES[self.pick(having=having)]
        return table, [list(row) for row in table.rows]

    def write(self, table: Table, rows: Rows, *, encoding: str | None = None, delimiter: str = ",") -> None:
        """Put the changed rows in place of the file."""
        self.files[table.file] = text_bytes(rows, encoding or table.encoding, delimiter=delimiter)

    def body(self, rows: Rows) -> list[int]:
        """Indices of the rows of data, without header and total."""
        return [index for index, row in enumerate(rows) if index and row[0] != "合計"]

    def one(self, rows: Rows) -> int:
        """Index of one row of data."""
        return self.random.choice(self.body(rows))


class NotApplicableError(Exception):
    """The delivery has no file of the kind that is needed."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to damage a delivery."""

    name: str
    family: str
    apply: Callable[[Copy], None] = field(repr=False)


Mutator: TypeAlias = Callable[[Copy], None]
MUTATIONS: dict[str, Mutation] = {}


def mutation(family: str) -> Callable[[Mutator], Mutator]:
    """Enter a function into the list under its own name."""

    def enter(function: Mutator) -> Mutator:
        MUTATIONS[function.__name__] = Mutation(function.__name__, family, function)
        return function

    return enter


def column(rows: Rows, *headings: str) -> int:
    """Index of the first of ``headings`` that the file has."""
    for heading in headings:
        if heading in rows[0]:
            return rows[0].index(heading)
    raise NotApplicableError


def each(copy: Copy, rows: Rows, change: Callable[[str], str], *, only: tuple[int, ...] | None = None, share: float = 1.0) -> None:
    """Change the cells of data (of some columns; of a share of the rows)."""
    for index in copy.body(rows):
        if copy.random.random() < share:
            rows[index] = [change(cell) if only is None or number in only else cell for number, cell in enumerate(rows[index])]


def _dated(table: Table) -> bool:
    return any(_ISO.fullmatch(cell) for cell in table.rows[1])


def date_columns(rows: Rows) -> tuple[int, ...]:
    """Indices of the columns that hold dates or months."""
    return tuple(number for number, cell in enumerate(rows[1]) if _ISO.fullmatch(cell))


def on_dates(copy: Copy, change: Callable[[int, int, int | None], str], *, share: float = 1.0) -> None:
    """Rewrite every date or month of one file."""
    table, rows = copy.table(_dated)

    def rewritten(cell: str) -> str:
        found = _ISO.fullmatch(cell)
        return change(int(found[1]), int(found[2]), int(found[4]) if found[4] else None) if found else cell

    each(copy, rows, rewritten, only=date_columns(rows), share=share)
    copy.write(table, rows)


# --- bytes


@mutation("bit flips and lost bytes")
def flip_a_bit_of_a_csv(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick()])
    data[copy.random.randrange(len(data))] ^= 1 << copy.random.randrange(8)
    copy.files[copy.touched] = bytes(data)


@mutation("bit flips and lost bytes")
def flip_a_bit_of_a_header(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick()])
    data[copy.random.randrange(data.index(b"\n") + 1)] ^= 1 << copy.random.randrange(8)
    copy.files[copy.touched] = bytes(data)


@mutation("bit flips and lost bytes")
def lose_a_byte_of_a_csv(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick()])
    del data[copy.random.randrange(len(data))]
    copy.files[copy.touched] = bytes(data)


@mutation("bit flips and lost bytes")
def overwrite_a_block_with_zeros(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick()])
    start = copy.random.randrange(len(data))
    size = min(copy.random.choice((4, 64, 512)), len(data) - start)
    data[start : start + size] = bytes(size)
    copy.files[copy.touched] = bytes(data)


@mutation("bit flips and lost bytes")
def lose_a_block_of_a_csv(copy: Copy) -> None:
    data = copy.files[copy.pick()]
    start = copy.random.randrange(len(data))
    copy.files[copy.touched] = data[:start] + data[start + copy.random.choice((16, 128, 512)) :]


@mutation("truncation")
def cut_a_csv_off(copy: Copy) -> None:
    data = copy.files[copy.pick()]
    copy.files[copy.touched] = data[: copy.random.randrange(len(data))]


@mutation("truncation")
def cut_a_csv_off_at_a_line_end(copy: Copy) -> None:
    lines = copy.files[copy.pick()].splitlines(keepends=True)
    copy.files[copy.touched] = b"".join(lines[: copy.random.randrange(1, len(lines))])


# --- columns


@mutation("swapped columns")
def swap_two_columns_under_their_headings(copy: Copy) -> None:
    table, rows = copy.table()
    one, other = copy.random.sample(range(len(rows[0])), 2)
    for row in rows[1:]:
        row[one], row[other] = row[other], row[one]
    copy.write(table, rows)


@mutation("swapped columns")
def swap_two_columns_with_their_headings(copy: Copy) -> None:
    table, rows = copy.table()
    one, other = copy.random.sample(range(len(rows[0])), 2)
    for row in rows:
        row[one], row[other] = row[other], row[one]
    copy.write(table, rows)


@mutation("swapped columns")
def swap_two_cells_of_one_row(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    one, other = copy.random.sample(range(len(row)), 2)
    row[one], row[other] = row[other], row[one]
    copy.write(table, rows)


@mutation("shifted columns")
def insert_a_cell_into_a_row(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    row.insert(copy.random.randrange(len(row)), "")
    copy.write(table, rows)


@mutation("shifted columns")
def remove_a_cell_from_a_row(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    del row[copy.random.randrange(len(row))]
    copy.write(table, rows)


@mutation("shifted columns")
def shift_all_rows_against_the_header(copy: Copy) -> None:
    table, rows = copy.table()
    rows[1:] = [["", *row[:-1]] if row[0] != "合計" else row for row in rows[1:]]
    copy.write(table, rows)


@mutation("shifted columns")
def shift_one_column_down(copy: Copy) -> None:
    table, rows = copy.table()
    number, body = copy.random.randrange(len(rows[0])), copy.body(rows)
    cells = [rows[index][number] for index in body]
    for index, cell in zip(body, ["", *cells[:-1]], strict=True):
        rows[index][number] = cell
    copy.write(table, rows)


# --- rows


@mutation("dropped rows")
def drop_a_row(copy: Copy) -> None:
    table, rows = copy.table()
    del rows[copy.one(rows)]
    copy.write(table, rows)


@mutation("dropped rows")
def drop_some_rows(copy: Copy) -> None:
    table, rows = copy.table()
    gone = set(copy.random.sample(copy.body(rows), copy.random.randint(2, max(2, len(copy.body(rows)) // 3))))
    copy.write(table, [row for index, row in enumerate(rows) if index not in gone])


@mutation("dropped rows")
def blank_a_row(copy: Copy) -> None:
    table, rows = copy.table()
    index = copy.one(rows)
    rows[index] = [""] * len(rows[index])
    copy.write(table, rows)


@mutation("dropped rows")
def drop_the_header(copy: Copy) -> None:
    table, rows = copy.table()
    copy.write(table, rows[1:])


@mutation("duplicated rows")
def repeat_a_row(copy: Copy) -> None:
    table, rows = copy.table()
    index = copy.one(rows)
    rows.insert(copy.one(rows), list(rows[index]))
    copy.write(table, rows)


@mutation("duplicated rows")
def repeat_the_whole_table(copy: Copy) -> None:
    table, rows = copy.table()
    copy.write(table, [*rows, *rows[1:]])


@mutation("duplicated rows")
def deliver_a_file_twice(copy: Copy) -> None:
    file = copy.pick()
    copy.files[f"写し_{file}"] = copy.files[file]


@mutation("duplicated rows")
def repeat_the_header_inside(copy: Copy) -> None:
    table, rows = copy.table()
    rows.insert(copy.one(rows), list(rows[0]))
    copy.write(table, rows)


@mutation("duplicated rows")
def shuffle_the_rows(copy: Copy) -> None:
    table, rows = copy.table()
    body = copy.body(rows)
    shuffled = [rows[index] for index in copy.random.sample(body, len(body))]
    copy.write(table, [rows[0], *shuffled, *(row for row in rows[1:] if row[0] == "合計")])


# --- encodings and delimiters


@mutation("other encodings")
def write_in_another_encoding(copy: Copy) -> None:
    table, rows = copy.table()
    copy.write(table, rows, encoding=copy.random.choice(("utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16")))


@mutation("other encodings")
def join_two_encodings(copy: Copy) -> None:
    table, rows = copy.table()
    cut = copy.one(rows)
    first, second = copy.random.choice((("utf-8", "cp932"), ("cp932", "utf-8"), ("euc_jp", "cp932"), ("utf-8", "euc_jp"), ("utf-8-sig", "cp932")))
    copy.files[table.file] = text_bytes(rows[:cut], first) + text_bytes(rows[cut:], second)


@mutation("other encodings")
def decode_wrongly_and_save(copy: Copy) -> None:
    table, rows = copy.table()
    written, read = copy.random.choice((("cp932", "utf-8"), ("utf-8", "cp932"), ("euc_jp", "cp932"), ("utf-8", "latin-1")))
    copy.files[table.file] = text_bytes(rows, written).decode(read, errors="replace").encode("utf-8")


@mutation("other encodings")
def lose_characters_to_question_marks(copy: Copy) -> None:
    table, rows = copy.table()
    copy.files[table.file] = text_bytes(rows, "utf-8").decode("utf-8").encode("ascii", errors="replace")


@mutation("other encodings")
def change_the_line_ends(copy: Copy) -> None:
    data = copy.files[copy.pick()]
    copy.files[copy.touched] = data.replace(b"\r\n", copy.random.choice((b"\n", b"\r", b"\r\n\r\n")))


@mutation("delimiters and quotes")
def change_the_delimiter(copy: Copy) -> None:
    table, rows = copy.table()
    copy.write(table, rows, delimiter=copy.random.choice("\t;|:"))


@mutation("delimiters and quotes")
def open_a_quote_and_never_close_it(copy: Copy) -> None:
    data = copy.files[copy.pick()]
    at = copy.random.choice([match.end() for match in re.finditer(rb"[,\n]", data[:-2])])
    copy.files[copy.touched] = data[:at] + b'"' + data[at:]


@mutation("delimiters and quotes")
def break_a_line_within_quotes(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    number = copy.random.randrange(len(row))
    row[number] = copy.random.choice((f"{row[number]}\n", f"\n{row[number]}", f"{row[number][:2]}\n{row[number][2:]}"))
    copy.write(table, rows)


@mutation("delimiters and quotes")
def put_a_delimiter_into_a_cell(copy: Copy) -> None:
    data = copy.files[copy.pick()]
    at = copy.random.randrange(data.index(b"\n"), len(data))
    copy.files[copy.touched] = data[:at] + b"," + data[at:]


@mutation("delimiters and quotes")
def quote_and_pad_every_cell(copy: Copy) -> None:
    table, rows = copy.table()
    text = "".join(",".join(f'"{copy.random.choice(("", " ", "　"))}{cell} "' for cell in row) + "\r\n" for row in rows)
    copy.files[table.file] = text.encode(table.encoding)


# --- cells


@mutation("full-width digits")
def widen_the_digits_of_a_file(copy: Copy) -> None:
    table, rows = copy.table()
    each(copy, rows, lambda cell: cell.translate(WIDE), share=copy.random.choice((0.02, 0.3, 1.0)))
    copy.write(table, rows)


@mutation("numbers as people write them")
def group_the_thousands(copy: Copy) -> None:
    table, rows = copy.table()
    numbers = [number for number, heading in enumerate(rows[0]) if heading in {"件数", "時間（分）", "単価", "金額", "時間外勤務時間", "正規の勤務時間"}]
    for row in rows[1:]:
        for number in numbers:
            row[number] = f"{int(row[number]):,}" if row[number] else ""
    copy.write(table, rows)


@mutation("numbers as people write them")
def write_a_number_negative(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    number = copy.random.choice([index for index, cell in enumerate(row) if cell.isdecimal()] or [0])
    row[number] = copy.random.choice("△▲−-") + row[number]
    copy.write(table, rows)


@mutation("numbers as people write them")
def put_an_odd_text_into_a_cell(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    row[copy.random.randrange(len(row))] = copy.random.choice(ODD)
    copy.write(table, rows)


@mutation("numbers as people write them")
def lose_leading_zeros(copy: Copy) -> None:
    table, rows = copy.table()
    each(copy, rows, lambda cell: cell.lstrip("0") if cell.isdecimal() and cell.strip("0") else cell)
    copy.write(table, rows)


@mutation("numbers as people write them")
def change_one_digit_of_a_number(copy: Copy) -> None:
    table, rows = copy.table()
    row = rows[copy.one(rows)]
    number = copy.random.choice([index for index, cell in enumerate(row) if cell.isdecimal()] or [0])
    at = copy.random.randrange(len(row[number]))
    row[number] = row[number][:at] + copy.random.choice("0123456789") + row[number][at + 1 :]
    copy.write(table, rows)


# --- dates


def _short(year: int, month: int, day: int | None) -> str:
    old = (year, month) < (2019, 5)
    return f"{'H' if old else 'R'}{year - (1988 if old else 2018)}.{month}" + (f".{day}" if day else "")


def _named(year: int, month: int, day: int | None) -> str:
    old = (year, month) < (2019, 5)
    return f"{'平成' if old else '令和'}{year - (1988 if old else 2018)}年{month}月" + (f"{day}日" if day else "")


@mutation("wareki and other forms of dates")
def write_dates_in_another_form(copy: Copy) -> None:
    forms: tuple[Callable[[int, int, int | None], str], ...] = (
        _short,
        _named,
        lambda y, m, d: f"{y}/{m}" + (f"/{d}" if d else ""),
        lambda y, m, d: f"{y}年{m}月" + (f"{d}日" if d else ""),
        lambda y, m, d: f"{y}{m:02d}" + (f"{d:02d}" if d else ""),
        lambda y, m, d: _short(y, m, d).translate(WIDE),
    )
    on_dates(copy, copy.random.choice(forms), share=copy.random.choice((0.1, 1.0)))


@mutation("wareki and other forms of dates")
def write_dates_without_an_era(copy: Copy) -> None:
    on_dates(copy, lambda y, m, d: _short(y, m, d)[1:], share=copy.random.choice((0.05, 1.0)))


@mutation("wareki and other forms of dates")
def write_dates_in_the_wrong_era(copy: Copy) -> None:
    on_dates(copy, lambda y, m, d: _short(y, m, d).replace("R", "H", 1), share=copy.random.choice((0.05, 1.0)))


@mutation("wareki and other forms of dates")
def carry_an_era_on(copy: Copy) -> None:
    on_dates(copy, lambda y, m, d: f"H{y - 1988}.{m}" + (f".{d}" if d else ""))


@mutation("wareki and other forms of dates")
def write_dates_as_serial_numbers(copy: Copy) -> None:
    on_dates(copy, lambda y, m, d: str((dt.date(y, m, d or 1) - dt.date(1899, 12, 30)).days), share=copy.random.choice((0.1, 1.0)))


@mutation("wareki and other forms of dates")
def swap_day_and_month(copy: Copy) -> None:
    on_dates(copy, lambda y, m, d: f"{y}-{d or m:02d}-{m:02d}", share=copy.random.choice((0.1, 1.0)))


def _moved(months: int) -> Callable[[int, int, int | None], str]:
    def change(year: int, month: int, day: int | None) -> str:
        index = year * 12 + month - 1 + months
        return f"{index // 12}-{index % 12 + 1:02d}" + (f"-{day:02d}" if day else "")

    return change


@mutation("shifted months")
def move_all_dates_of_a_file_by_a_month(copy: Copy) -> None:
    on_dates(copy, _moved(copy.random.choice((-1, 1))))


@mutation("shifted months")
def move_all_dates_of_a_file_by_a_year(copy: Copy) -> None:
    on_dates(copy, _moved(copy.random.choice((-12, 12))))


@mutation("shifted months")
def move_some_dates_of_a_file_by_a_month(copy: Copy) -> None:
    on_dates(copy, _moved(copy.random.choice((-1, 1))), share=0.1)


@mutation("calendar and fiscal years")
def write_the_fiscal_year_before_the_month(copy: Copy) -> None:
    on_dates(copy, lambda y, m, d: f"{y - (m < 4)}-{m:02d}" + (f"-{d:02d}" if d else ""))


@mutation("calendar and fiscal years")
def move_the_fiscal_years_of_the_costs(copy: Copy) -> None:
    table, rows = copy.table(lambda table: table.rows[0][0] == "年度")
    step = copy.random.choice((-1, 1))
    each(copy, rows, lambda cell: str(int(cell) + step), only=(0,), share=copy.random.choice((0.3, 1.0)))
    copy.write(table, rows)


# --- units


def _scaled(copy: Copy, heading: str, *, new: str | None, factor: float) -> None:
    table, rows = copy.table(lambda table: heading in table.rows[0])
    number = rows[0].index(heading)
    for row in rows[1:]:
        row[number] = f"{float(row[number]) * factor:.10g}" if row[number] else ""
    rows[0][number] = new or heading
    copy.write(table, rows)


@mutation("units, said in the heading")
def hours_in_minutes_and_the_heading_says_so(copy: Copy) -> None:
    _scaled(copy, copy.random.choice(("時間外勤務時間", "正規の勤務時間")), new="時間外勤務時間（分）", factor=60)


@mutation("units, said in the heading")
def yen_in_thousands_and_the_heading_says_so(copy: Copy) -> None:
    _scaled(copy, "金額", new="金額（千円）", factor=0.001)


@mutation("units, said in the heading")
def minutes_in_hours_and_the_heading_says_so(copy: Copy) -> None:
    _scaled(copy, "時間（分）", new="時間（時間）", factor=1 / 60)


@mutation("units, not said")
def hours_in_minutes_unsaid(copy: Copy) -> None:
    _scaled(copy, copy.random.choice(("時間外勤務時間", "正規の勤務時間")), new=None, factor=60)


@mutation("units, not said")
def minutes_in_hours_unsaid(copy: Copy) -> None:
    _scaled(copy, "時間（分）", new=None, factor=1 / 60)


@mutation("units, not said")
def yen_in_thousands_unsaid(copy: Copy) -> None:
    _scaled(copy, "金額", new=None, factor=0.001)


@mutation("units, not said")
def all_money_in_thousands_unsaid(copy: Copy) -> None:
    table, rows = copy.table(lambda table: "単価" in table.rows[0])
    for row in rows[1:]:
        for number in (6, 7):
            row[number] = f"{float(row[number]) / 1000:.10g}" if row[number] else ""
    copy.write(table, rows)


@mutation("units, not said")
def one_cell_in_another_unit(copy: Copy) -> None:
    table, rows = copy.table(lambda table: any(heading in table.rows[0] for heading in ("時間（分）", "時間外勤務時間", "金額")))
    number = column(rows, "時間（分）", "時間外勤務時間", "金額")
    row = rows[copy.one(rows)]
    row[number] = copy.random.choice((f"{float(row[number]) * 60:.10g}", f"{float(row[number]) / 60:.2f}", f"{row[number]}000", f"{row[number]}千円"))
    copy.write(table, rows)


# --- headings, totals, files


@mutation("headings")
def rename_a_heading(copy: Copy) -> None:
    table, rows = copy.table()
    rows[0][copy.random.randrange(len(rows[0]))] = copy.random.choice(("項目1", "備考", "", "値", "ID", "氏名", "年月", "所属"))
    copy.write(table, rows)


@mutation("headings")
def exchange_two_headings(copy: Copy) -> None:
    table, rows = copy.table()
    one, other = copy.random.sample(range(len(rows[0])), 2)
    rows[0][one], rows[0][other] = rows[0][other], rows[0][one]
    copy.write(table, rows)


@mutation("headings")
def repeat_a_heading(copy: Copy) -> None:
    table, rows = copy.table()
    number = copy.random.randrange(len(rows[0]))
    for index, row in enumerate(rows):
        row.insert(copy.random.choice((number, number + 1)) if index == 0 else number + 1, row[number] if index == 0 else copy.random.choice(("", "1")))
    copy.write(table, rows)


@mutation("headings")
def remove_a_column(copy: Copy) -> None:
    table, rows = copy.table()
    number = copy.random.randrange(len(rows[0]))
    copy.write(table, [row[:number] + row[number + 1 :] for row in rows])


@mutation("headings")
def put_titles_above(copy: Copy) -> None:
    table, rows = copy.table()
    width = len(rows[0])
    titles = [["令和7年度　照会への回答", *[""] * (width - 1)], [""] * width][: copy.random.randint(1, 2)]
    copy.write(table, [*titles, *rows])


@mutation("total rows")
def add_a_total_row(copy: Copy) -> None:
    table, rows = copy.table()
    label = copy.random.choice(("合計", "合　計", "小計", "総計", "計", "【合計】", "（計）"))
    sums = [str(sum(int(row[number]) for row in rows[1:] if row[number].isdecimal() and row[0] != "合計")) for number in range(len(rows[0]))]
    rows.insert(copy.random.choice((len(rows), copy.one(rows))), [label, *sums[1:]])
    copy.write(table, rows)


@mutation("total rows")
def drop_the_total_row(copy: Copy) -> None:
    table, rows = copy.table(lambda table: table.rows[-1][0] == "合計")
    copy.write(table, rows[:-1])


@mutation("total rows")
def add_notes_below(copy: Copy) -> None:
    table, rows = copy.table()
    width = len(rows[0])
    copy.write(table, [*rows, [""] * width, ["※ 数値は速報値である。", *[""] * (width - 1)]])


@mutation("files")
def rename_a_file(copy: Copy) -> None:
    file = copy.pick()
    copy.files[copy.random.choice(("data.csv", "R7提出.csv", "研修の受講.csv", "時間外.csv", "所属別費用.txt", "回答.dat"))] = copy.files.pop(file)


@mutation("files")
def lose_a_file(copy: Copy) -> None:
    del copy.files[copy.pick()]


@mutation("files")
def empty_a_file(copy: Copy) -> None:
    copy.files[copy.pick()] = copy.random.choice((b"", b"\r\n", b"\xef\xbb\xbf"))


@mutation("files")
def exchange_the_contents_of_two_files(copy: Copy) -> None:
    one = copy.pick()
    other = copy.random.choice([file for file in sorted(copy.files) if file.endswith(".csv") and file != one])
    copy.files[one], copy.files[other] = copy.files[other], copy.files[one]


@mutation("files")
def add_a_stray_file(copy: Copy) -> None:
    copy.touched = copy.random.choice(("メモ.txt", "~$勤怠.csv", "thumbs.db", "図.png", ".csv"))
    copy.files[copy.touched] = copy.random.choice((b"memo\r\n", b"\x89PNG\r\n", bytes(100), "連絡,先\r\n人事課,内線\r\n".encode("cp932")))

"""The valid delivery that the mutation harness damages: twelve departments, twenty-four months, with the redundancy that real exports carry.

Running numbers, rows and columns of totals, quantity x unit price = amount, one row for each department and month: what a city's own
files hold twice is what lets a loader notice that one of the two was changed.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import xlsxwriter

Rows: TypeAlias = list[list[str]]
Delivery: TypeAlias = dict[str, bytes]

DEPARTMENTS = [(f"{100 + 7 * n:04d}", called) for n, called in enumerate((
    "総務課", "財政課", "市民課", "税務課", "福祉課", "保険年金課", "環境課", "農政課", "商工課", "都市計画課", "建築課", "教育総務課",
))]  # fmt: skip
MONTHS = [(2023 + (m + 3) // 12, (m + 3) % 12 + 1) for m in range(24)]
COURSES = (("GENAI", "生成AI活用研修", "3"), ("BPR", "業務改善研修", "6"), ("DATA", "データ利活用研修", "4"))
FAMILY = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田"]
GIVEN = ["一郎", "花子", "健太", "美咲"]
KANA_FAMILY = ["サトウ", "スズキ", "タカハシ", "タナカ", "イトウ", "ワタナベ", "ヤマモト", "ナカムラ", "コバヤシ", "カトウ", "ヨシダ", "ヤマダ"]
KANA_GIVEN = ["イチロウ", "ハナコ", "ケンタ", "ミサキ"]
SHEETS = ("R5年度", "R6年度")
HEADER = 1  # row of the headings in a sheet, under its title


@dataclass(frozen=True, slots=True)
class Table:
    """A text file of the delivery before it is written: its encoding, header and rows."""

    file: str
    encoding: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Book:
    """The workbook of the delivery before it is written: one cross-tab a fiscal year."""

    file: str
    sheets: dict[str, list[list[str | int]]]


@cache
def base_tables() -> tuple[Table, ...]:
    """The text files."""
    draw = random.Random(20250401)
    staff = [(f"{1001 + 3 * n:07d}", n) for n in range(48)]
    departments: Rows = [["No.", "所属コード", "所属名", "部局", "所属区分"]]
    departments += [[str(n), code, called, f"{called[:2]}部", "本庁"] for n, (code, called) in enumerate(DEPARTMENTS, 1)]
    courses: Rows = [["研修番号", "研修名", "実施方法", "時間数", "必修"], *([*course[:2], "集合", course[2], "選択"] for course in COURSES)]
    roster: Rows = [["No.", "職員番号", "氏名", "カナ", "所属コード", "級", "採用日"]]
    for code, n in staff:
        name, kana = f"{FAMILY[n % 12]}　{GIVEN[n // 12]}", f"{KANA_FAMILY[n % 12]} {KANA_GIVEN[n // 12]}"
        roster.append([str(n + 1), code, name, kana, DEPARTMENTS[n % 12][0], str(1 + n % 6), f"{1995 + n % 25}-04-01"])
    training: Rows = [["No.", "職員番号", "研修番号", "受講開始日", "修了日", "受講状況", "受講時間"]]
    for number, n in enumerate(range(0, 48, 2), 1):
        course, day = COURSES[n % 3], f"2024-{6 + n % 3:02d}-{10 + n % 3}"
        training.append([str(number), staff[n][0], course[0], day, day, "修了", course[2]])
    workload: Rows = [["業務コード", "所属コード", "年月", "件数", "時間（分）", "測り方"]]
    for n, (code, _) in enumerate(DEPARTMENTS):
        for year, month in MONTHS:
            cases = 80 + 5 * n + draw.randrange(20)
            workload.append([f"P{n + 1:02d}", code, f"{year}-{month:02d}", str(cases), str(cases * 24 + draw.randrange(60)), "timesheet"])
    workload.append(["合計", "", "", *(str(sum(int(row[index]) for row in workload[1:])) for index in (3, 4)), ""])
    hours: Rows = [["職員番号", "年月", "正規の勤務時間", "時間外勤務時間"]]
    for code, _ in staff[:12]:
        hours += [[code, f"{year}-{month:02d}", str(150 + month % 3 * 5), str(5 + draw.randrange(30))] for year, month in MONTHS]
    hours.append(["合計", "", *(str(sum(int(row[index]) for row in hours[1:])) for index in (2, 3))])
    costs: Rows = [["年度", "予算区分", "款項目", "節", "細節", "数量", "単価", "金額", "財源", "研修番号"]]
    for section, factor in (("委託料", 1), ("需用費", 0.01)):
        for n, (course, called, _) in enumerate(COURSES):
            quantity, price = 4 + n, int((150000 + 10000 * n) * factor)
            costs.append(["2024", "決算", "2-1-8", section, f"{called}分", str(quantity), str(price), str(quantity * price), "一般財源", course])
    costs.append(["合計", "", "", "", "", "", "", str(sum(int(row[7]) for row in costs[1:])), "", ""])
    return (
        Table("所属.csv", "utf-8", departments),
        Table("研修.csv", "utf-8", courses),
        Table("職員名簿.csv", "cp932", roster),
        Table("受講者名簿_令和6年度.csv", "cp932", training),
        Table("業務量.csv", "utf-8", workload),
        Table("勤怠.csv", "utf-8-sig", hours),
        Table("費用_令和6年度.csv", "cp932", costs),
    )


@cache
def base_book() -> Book:
    """The cross-tab of overtime by department and month, with totals down and across."""
    draw = random.Random(4)
    sheets: dict[str, list[list[str | int]]] = {}
    for sheet in SHEETS:
        year = f"令和{sheet[1]}年度　時間外勤務時間"
        grid: list[list[str | int]] = [[year, *[""] * 13], ["所属", *(f"{month}月" for month in (*range(4, 13), 1, 2, 3)), "合計"]]
        for n, (_, called) in enumerate(DEPARTMENTS):
            values = [120 + 9 * n + draw.randrange(30) for _ in range(12)]
            grid.append([called, *values, sum(values)])
        grid.append(["合計", *(sum(int(row[index]) for row in grid[HEADER + 1 :]) for index in range(1, 14))])
        sheets[sheet] = grid
    return Book("時間外勤務.xlsx", sheets)


def text_bytes(rows: Sequence[Sequence[str]], encoding: str, *, delimiter: str = ",") -> bytes:
    """Rows as a CSV file."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return stream.getvalue().encode(encoding)


def book_bytes(book: Book, *, change: Callable[[xlsxwriter.Workbook], None] | None = None) -> bytes:
    """The workbook as a file; ``change`` is applied before it is closed."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as written:
        for called, grid in book.sheets.items():
            sheet = written.add_worksheet(called)
            for number, row in enumerate(grid):
                sheet.write_row(number, 0, row)
        if change:
            change(written)
    return stream.getvalue()


# Smaller deliveries load faster, and each keeps the redundancy between its own files.
DELIVERIES = {
    "overtime": ("所属.csv", "時間外勤務.xlsx", "業務量.csv", "勤怠.csv"),
    "people": ("所属.csv", "研修.csv", "職員名簿.csv", "受講者名簿_令和6年度.csv"),
    "money": ("研修.csv", "受講者名簿_令和6年度.csv", "費用_令和6年度.csv"),
}


@cache
def base_delivery(called: str) -> Delivery:
    """File name -> content of one of the `DELIVERIES`."""
    files = {table.file: text_bytes(table.rows, table.encoding) for table in base_tables()}
    files[base_book().file] = book_bytes(base_book())
    return {file: files[file] for file in DELIVERIES[called]}

"""Mutations of a workbook: damage to the container, to its XML, and what people do to a cross-tab of totals down and across."""

from __future__ import annotations

import copy as copying
import io
import re
import zipfile
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from fuzz_base import HEADER, SHEETS, Book, base_book, book_bytes
from fuzz_text import Copy, mutation

Grid: TypeAlias = list[list[str | int]]
MAIN = "xl/worksheets/sheet1.xml"


def changed_grid(copy: Copy, change: Callable[[Grid], None], *, sheet: str | None = None) -> None:
    """Write the workbook anew with one sheet's cells changed."""
    file = copy.pick(".xlsx")
    sheets = copying.deepcopy(base_book().sheets)
    change(sheets[sheet or copy.random.choice(SHEETS)])
    copy.files[file] = book_bytes(Book(file, sheets))


def changed_parts(copy: Copy, change: Callable[[dict[str, bytes]], None]) -> None:
    """Unpack the workbook, change its parts, pack it again."""
    file = copy.pick(".xlsx")
    copy.files[file] = repacked(copy.files[file], change)


def repacked(workbook: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The workbook with its parts changed."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _row(copy: Copy, grid: Grid) -> int:
    return copy.random.randrange(HEADER + 1, len(grid) - 1)


# --- the container


@mutation("Excel: damaged container")
def flip_a_bit_of_a_workbook(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick(".xlsx")])
    data[copy.random.randrange(len(data))] ^= 1 << copy.random.randrange(8)
    copy.files[copy.touched] = bytes(data)


@mutation("Excel: damaged container")
def lose_a_byte_of_a_workbook(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick(".xlsx")])
    del data[copy.random.randrange(len(data))]
    copy.files[copy.touched] = bytes(data)


@mutation("Excel: damaged container")
def cut_a_workbook_off(copy: Copy) -> None:
    data = copy.files[copy.pick(".xlsx")]
    copy.files[copy.touched] = data[: copy.random.randrange(len(data))]


@mutation("Excel: damaged container")
def damage_the_central_directory(copy: Copy) -> None:
    data = bytearray(copy.files[copy.pick(".xlsx")])
    start = data.index(b"PK\x01\x02")
    for _ in range(copy.random.randint(1, 8)):
        data[copy.random.randrange(start, len(data))] = copy.random.randrange(256)
    copy.files[copy.touched] = bytes(data)


@mutation("Excel: damaged container")
def save_something_else_as_xlsx(copy: Copy) -> None:
    copy.files[copy.pick(".xlsx")] = copy.random.choice(
        (b"", b"<html><table><tr><td>1</td></tr></table></html>", b"\xd0\xcf\x11\xe0" + bytes(600), b"PK\x05\x06" + bytes(18), b"a,b\r\n1,2\r\n")
    )


@mutation("Excel: zip bombs")
def inflate_beyond_reason(copy: Copy) -> None:
    size = copy.random.choice((1 << 26, 1 << 27))
    place = copy.random.choice((MAIN, "xl/sharedStrings.xml", "xl/media/image1.bin", "docProps/app.xml"))
    file = copy.pick(".xlsx")
    copy.files[file] = _inflating(copy.files[file], place, size)


@cache  # to press such a part takes longer than to refuse it
def _inflating(workbook: bytes, place: str, size: int) -> bytes:
    return repacked(workbook, lambda parts: parts.update({place: b" " * size}))


@mutation("Excel: zip bombs")
def claim_a_small_size_and_inflate(copy: Copy) -> None:
    inflate_beyond_reason(copy)
    data = bytearray(copy.files[copy.touched])
    at = data.index(b"PK\x01\x02")
    while at >= 0:  # the sizes in the central directory lie
        if int.from_bytes(data[at + 24 : at + 28], "little") >= 1 << 26:
            data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
        at = data.find(b"PK\x01\x02", at + 4)
    copy.files[copy.touched] = bytes(data)


@mutation("Excel: zip bombs")
def spread_the_cells_to_the_far_corner(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts[MAIN] = parts[MAIN].replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')

    changed_parts(copy, change)


# --- the XML


@mutation("Excel: damaged XML")
def flip_a_bit_of_a_part(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        name = copy.random.choice(sorted(parts))
        part = bytearray(parts[name])
        part[copy.random.randrange(len(part))] ^= 1 << copy.random.randrange(8)
        parts[name] = bytes(part)

    changed_parts(copy, change)


@mutation("Excel: damaged XML")
def cut_a_sheet_off(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts[MAIN] = parts[MAIN][: copy.random.randrange(len(parts[MAIN]))]

    changed_parts(copy, change)


@mutation("Excel: damaged XML")
def lose_a_part(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        del parts[copy.random.choice(sorted(parts))]

    changed_parts(copy, change)


@mutation("Excel: damaged XML")
def exchange_two_shared_strings(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        strings = re.findall(rb"<si>.*?</si>", parts["xl/sharedStrings.xml"], re.DOTALL)
        one, other = copy.random.sample(range(len(strings)), 2)
        strings[one], strings[other] = strings[other], strings[one]
        remaining = iter(strings)
        parts["xl/sharedStrings.xml"] = re.sub(rb"<si>.*?</si>", lambda _: next(remaining), parts["xl/sharedStrings.xml"], flags=re.DOTALL)

    changed_parts(copy, change)


@mutation("Excel: damaged XML")
def lose_a_shared_string(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        strings = re.findall(rb"<si>.*?</si>", parts["xl/sharedStrings.xml"], re.DOTALL)
        parts["xl/sharedStrings.xml"] = parts["xl/sharedStrings.xml"].replace(copy.random.choice(strings), b"", 1)

    changed_parts(copy, change)


@mutation("Excel: damaged XML")
def exchange_the_contents_of_two_sheets(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        other = MAIN.replace("sheet1", "sheet2")
        parts[MAIN], parts[other] = parts[other], parts[MAIN]

    changed_parts(copy, change)


@mutation("Excel: damaged XML")
def move_a_cell_in_the_xml(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        places = re.findall(rb'r="([A-Z]+\d+)"', parts[MAIN])
        one, other = copy.random.sample(places, 2)
        parts[MAIN] = parts[MAIN].replace(b'r="' + one + b'"', b'r="' + other + b'"', 1)

    changed_parts(copy, change)


# --- what people do


@mutation("Excel: error cells")
def leave_an_error_cell(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        cells = re.findall(rb'<c r="[B-M](?:[3-9]|1[0-4])"[^>]*><v>[^<]*</v></c>', parts[MAIN])
        chosen = copy.random.choice(cells)
        error = copy.random.choice((b"#DIV/0!", b"#REF!", b"#N/A", b"#VALUE!"))
        place = re.search(rb'r="([A-Z]+\d+)"', chosen)
        assert place is not None
        parts[MAIN] = parts[MAIN].replace(chosen, b'<c r="' + place[1] + b'" t="e"><v>' + error + b"</v></c>", 1)

    changed_parts(copy, change)


@mutation("Excel: error cells")
def leave_a_formula_with_an_old_value(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        cells = re.findall(rb'<c r="[B-M](?:[3-9]|1[0-4])"[^>]*><v>[^<]*</v></c>', parts[MAIN])
        chosen = copy.random.choice(cells)
        value = copy.random.choice((b"<v>0</v>", b"<v></v>", b"<v>777</v>", b""))
        parts[MAIN] = parts[MAIN].replace(chosen, re.sub(rb"<v>.*</v>", b"<f>SUM(Z1:Z9)</f>" + value, chosen), 1)

    changed_parts(copy, change)


@mutation("Excel: hidden rows and sheets")
def hide_a_row(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        row = copy.random.randint(3, 14)
        parts[MAIN] = re.sub(rb'<row r="%d"' % row, rb'<row r="%d" hidden="1"' % row, parts[MAIN], count=1)

    changed_parts(copy, change)


@mutation("Excel: hidden rows and sheets")
def hide_a_sheet(copy: Copy) -> None:
    def change(parts: dict[str, bytes]) -> None:
        name = copy.random.choice(SHEETS).encode("utf-8")
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'name="' + name + b'"', b'name="' + name + b'" state="hidden"')

    changed_parts(copy, change)


@mutation("Excel: hidden rows and sheets")
def delete_a_sheet(copy: Copy) -> None:
    file = copy.pick(".xlsx")
    sheets = copying.deepcopy(base_book().sheets)
    del sheets[copy.random.choice(SHEETS)]
    copy.files[file] = book_bytes(Book(file, sheets))


@mutation("Excel: hidden rows and sheets")
def rename_a_sheet(copy: Copy) -> None:
    file = copy.pick(".xlsx")
    old, new = copy.random.choice(SHEETS), copy.random.choice(("R7年度", "令和5年度", "2024年度", "Sheet1", "R4", "R6年"))
    copy.files[file] = book_bytes(Book(file, {(new if called == old else called): grid for called, grid in base_book().sheets.items()}))


@mutation("Excel: dates of 1904")
def switch_to_the_dates_of_1904(copy: Copy) -> None:
    def dated(grid: Grid) -> None:
        # Months as real dates: then the switch would move them by 1 462 days.
        grid[HEADER][1:13] = [f"{2023 if month > 3 else 2024}/{month}/1" for month in (*range(4, 13), 1, 2, 3)]

    changed_grid(copy, dated, sheet=SHEETS[0])
    data = copy.files[copy.touched]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"<workbookPr ", b'<workbookPr date1904="1" ')
    for number, month in enumerate((*range(4, 13), 1, 2, 3)):
        serial = sum((30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29)[:number]) + 45017 - 1462
        letter = "BCDEFGHIJKLM"[number].encode()
        cell = re.search(rb'<c r="' + letter + rb'2"[^>]*>.*?</c>', parts[MAIN])
        assert cell is not None, month
        parts[MAIN] = parts[MAIN].replace(cell[0], b'<c r="' + letter + b'2" s="1"><v>%d</v></c>' % serial, 1)
    styles = parts["xl/styles.xml"]
    parts["xl/styles.xml"] = re.sub(
        rb'<cellXfs count="1">(<xf [^>]*/>)</cellXfs>',
        rb'<cellXfs count="2">\1<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>',
        styles,
    )
    if copy.random.random() < 0.5:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b' date1904="1"', b"")  # the flag is lost, the numbers stay
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    copy.files[copy.touched] = stream.getvalue()


@mutation("Excel: cross-tab, values")
def change_a_value_of_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        row = grid[_row(copy, grid)]
        number = copy.random.randrange(1, 13)
        row[number] = copy.random.choice((int(row[number]) + 1, int(row[number]) * 10, int(row[number]) // 10, int(row[number]) * 60, 0, -5))

    changed_grid(copy, change)


@mutation("Excel: cross-tab, values")
def put_an_odd_text_into_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        odd = ("", "-", "ー", "△3", "12:30", "１２０", "120時間", "7200分", "不明", "#REF!", "1,200", "120h", "0", " ", "＊", "120 ※")
        grid[_row(copy, grid)][copy.random.randrange(1, 13)] = copy.random.choice(odd)

    changed_grid(copy, change)


@mutation("Excel: cross-tab, values")
def write_a_sheet_in_minutes(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        for row in grid[HEADER + 1 :]:
            row[1:] = [int(value) * 60 for value in row[1:]]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def drop_a_department_of_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        del grid[_row(copy, grid)]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def drop_a_department_and_correct_the_totals(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        gone = grid.pop(_row(copy, grid))
        grid[-1][1:] = [int(total) - int(value) for total, value in zip(grid[-1][1:], gone[1:], strict=True)]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def repeat_a_department_of_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        grid.insert(_row(copy, grid), list(grid[_row(copy, grid)]))

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def exchange_two_departments_of_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        one, other = copy.random.sample(range(HEADER + 1, len(grid) - 1), 2)
        grid[one], grid[other] = grid[other], grid[one]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def move_the_months_by_one(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        for row in grid[HEADER + 1 :]:
            row[1:13] = ["", *row[1:12]]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def begin_the_headings_in_january(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        grid[HEADER][1:13] = [f"{month}月" for month in range(1, 13)]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def exchange_two_months_of_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        one, other = copy.random.sample(range(1, 13), 2)
        for row in grid[HEADER:]:
            row[one], row[other] = row[other], row[one]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def drop_a_month_of_the_crosstab(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        number = copy.random.randrange(1, 13)
        for row in grid[HEADER:]:
            del row[number]

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def put_a_subtotal_between(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        at = copy.random.randrange(HEADER + 3, len(grid) - 2)
        sums = [sum(int(row[number]) for row in grid[HEADER + 1 : at]) for number in range(1, 14)]
        grid.insert(at, [copy.random.choice(("小計", "市民部計", "計", "（小計）")), *sums])

    changed_grid(copy, change)


@mutation("Excel: cross-tab, rows and columns")
def move_one_row_by_a_column(copy: Copy) -> None:
    def change(grid: Grid) -> None:
        row = grid[_row(copy, grid)]
        row[1:] = ["", *row[1:-1]]

    changed_grid(copy, change)

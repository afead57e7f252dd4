"""Small deliveries with one fault each: how they are written, and what the answer is made of."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from kdx_eval.errors import DataError, KdxError, SchemaError
from kdx_eval.load import Dataset, load_dataset

# Stands in every list of people of these deliveries, and may stand in no message and no list of refused rows.
SECRET = "秘密丸　太郎"
_MONTHS_OF_YEAR = [*range(4, 13), *range(1, 4)]
MONTHS = [f"{month}月" for month in _MONTHS_OF_YEAR]


def put(folder: Path, called: str, content: str | bytes, encoding: str = "utf-8") -> Path:
    """A text file, with the line ends as given."""
    path = folder / called
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def put_sheet(folder: Path, called: str, rows: Sequence[Sequence[object]], *, sheet: str = "一覧", merged: Sequence[str] = ()) -> Path:
    """A workbook of one sheet; the ranges ``merged`` show the value of their first cell."""
    path = folder / called
    with xlsxwriter.Workbook(str(path.with_suffix(".xlsx"))) as book:
        page = book.add_worksheet(sheet)
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
        for area in merged:
            page.merge_range(area, "")
            first = area.split(":")[0]
            page.write(first, rows[int(first[1:]) - 1][ord(first[0]) - ord("A")])
    return path.with_suffix(".xlsx").replace(path)


def edit_part(path: Path, part: str, change: Callable[[str], str]) -> None:
    """Change the XML of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    before = parts[part].decode("utf-8")
    after = change(before)
    assert after != before
    parts[part] = after.encode("utf-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, data in parts.items():
            archive.writestr(one, data)


def stops(folder: Path, *, place: str, reason: str) -> KdxError:
    """The delivery is refused as a whole, by a message that names place, reason and remedy in one line and no name of a person."""
    with pytest.raises((DataError, SchemaError)) as caught:
        load_dataset(folder)
    error = caught.value
    assert place in error.place
    assert reason in error.reason
    assert error.hint
    assert "\n" not in error.message
    assert SECRET[:3] not in error.message
    return error


def accept(folder: Path) -> Dataset:
    """The loaded delivery, after looking that every row is accounted for and no name is told."""
    dataset = load_dataset(folder)
    report = dataset.report
    assert report.rows_accepted + report.rows_rejected == report.rows_read
    told = json.dumps(report.to_dict(), ensure_ascii=False) + dataset.rejected.read_text(encoding="utf-8-sig") + repr(dataset)
    assert SECRET[:3] not in told
    return dataset


def refused(dataset: Dataset) -> list[tuple[str, int, str, str]]:
    """(file, or file and sheet; physical row; heading; rule) of every refused cell; each has a reason and a remedy."""
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert all(row["reason"] and row["hint"] for row in found)
    return [(f"{row['file']} {row['sheet']}".strip(), int(row["row"]), row["column"], row["rule"]) for row in found]


def remarks(dataset: Dataset, file: str) -> str:
    """All notes on one file."""
    return "\n".join(note for one in dataset.report.files if one.file == file for note in one.notes)


def values(dataset: Dataset, table: str, columns: str) -> list[tuple[object, ...]]:
    """Some columns of a table, ordered."""
    with dataset.connect() as con:
        return con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()

"""Excel sheets as grids of text: the reader's types are kept as unambiguous text, error cells are found in the sheet's XML."""

from __future__ import annotations

import csv
import datetime as dt
import html
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kdx_eval.errors import DataError
from kdx_eval.load.excel_guard import refuse_bombs
from kdx_eval.load.files import HEAD_ROWS, Grid, load_regular

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OLE = b"\xd0\xcf\x11\xe0"
_ERROR_CELL = re.compile(rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)(\d+)"[^>]*>(?:(?!</c>).)*?<v>([^<]*)</v>', re.DOTALL)
_SHEET = re.compile(r"<sheet\b([^>]*)/?>")
_RELATION = re.compile(r"<Relationship\b([^>]*)/?>")
_Errors: TypeAlias = dict[int, dict[int, str]]
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')


def read_excel_grids(con: DuckDBPyConnection, path: Path, *, file: str, table: str, work: Path) -> list[Grid]:
    """Every visible sheet that has cells, as a grid named ``<table>_<n>``.

    Raises DataError when the file is empty, cut off, protected by a password, HTML by content, or inflates beyond reason.
    """
    import python_calamine

    _look_inside(path, file=file)
    hint = "Excel で開き、xlsx として保存し直してください"
    try:
        with python_calamine.load_workbook(str(path)) as book:
            errors = _error_cells(path)
            grids = []
            for number, meta in enumerate(book.sheets_metadata):
                if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                    continue
                if meta.visible != python_calamine.SheetVisibleEnum.Visible:
                    aside = ("非表示のシートなので読みません",)
                    grids.append(Grid(file=file, sheet=meta.name, encoding="", table="", n_columns=0, head=(), notes=aside))
                    continue
                sheet = book.get_sheet_by_name(meta.name)
                grid = _sheet_grid(con, sheet, errors=errors.get(meta.name, {}), file=file, table=f"{table}_{number}", work=work)
                if grid:
                    grids.append(grid)
    except python_calamine.PasswordError as problem:
        raise DataError("パスワードがかかっています", place=file, hint="パスワードを外して保存し直してください") from problem
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, KeyError) as problem:
        raise DataError("Excel のファイルとして読めません（途中で切れているか、壊れています）", place=file, hint=hint) from problem
    if not any(grid.n_columns for grid in grids):
        raise DataError("どのシートにも値がありません", place=file, hint="元のファイルを確かめてください")
    return grids


def _look_inside(path: Path, *, file: str) -> None:
    with path.open("rb") as stream:
        head = stream.read(512)
    if not head:
        raise DataError("ファイルが空です", place=file, hint="元のシステムから出し直してください")
    if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        raise DataError("中身が HTML です", place=file, hint="Excel で開き、xlsx として保存し直してください")
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xlsb"}:
        if head.startswith(_OLE):
            raise DataError("パスワードがかかっているか、古い形式の Excel です", place=file, hint="パスワードを外し、xlsx として保存し直してください")
        refuse_bombs(path, file=file)


def _sheet_grid(con: DuckDBPyConnection, sheet: Any, *, errors: _Errors, file: str, table: str, work: Path) -> Grid | None:
    rows = sheet.to_python(skip_empty_area=False)
    if not rows:
        return None
    n_columns = max(len(row) for row in rows)
    head: list[tuple[int, tuple[str, ...]]] = []
    regular = work / f"{table}.csv"
    with regular.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for line, row in enumerate(rows, start=1):
            cells = [cell_text(value) for value in row] + [""] * (n_columns - len(row))
            for column, error in errors.get(line, {}).items():
                cells[column] = error
            if not any(cells):
                continue
            writer.writerow([line, n_columns, *cells])
            if len(head) < HEAD_ROWS:
                head.append((line, tuple(cells)))
    if not head:
        regular.unlink()
        return None
    load_regular(con, regular, table=table, n_columns=n_columns)
    merged = tuple((start[0] + 1, start[1], end[1]) for start, end in (sheet.merged_cell_ranges or ()) if end[1] > start[1])
    return Grid(file=file, sheet=sheet.name, encoding="", table=table, n_columns=n_columns, head=tuple(head), merged=merged)


def cell_text(value: object) -> str:
    """A cell as text that keeps its type: dates in ISO, durations as H:MM:SS, whole numbers without a point."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return f"{value.hour}:{value.minute:02d}:{value.second:02d}"
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02d}:{abs(seconds) % 60:02d}"
    return "" if value is None else str(value)


def _error_cells(path: Path) -> dict[str, _Errors]:
    """By sheet, row and column (from 0) the error written there, since the reader shows an error cell as empty."""
    if path.suffix.lower() not in {".xlsx", ".xlsm"}:
        return {}
    found: dict[str, _Errors] = {}
    with zipfile.ZipFile(path) as archive:
        relations = {}
        for match in _RELATION.finditer(archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", errors="replace")):
            attributes = dict(_ATTRIBUTE.findall(match[1]))
            relations[attributes.get("Id")] = attributes.get("Target", "").removeprefix("/").removeprefix("xl/")
        for match in _SHEET.finditer(archive.read("xl/workbook.xml").decode("utf-8", errors="replace")):
            attributes = dict(_ATTRIBUTE.findall(match[1]))
            target = relations.get(attributes.get("r:id"))
            if not target or f"xl/{target}" not in archive.namelist():
                continue
            data = archive.read(f"xl/{target}")
            if b't="e"' in data:
                sheet = found.setdefault(html.unescape(attributes.get("name", "")), {})
                for letters, row, error in _ERROR_CELL.findall(data):
                    sheet.setdefault(int(row), {})[_column(letters)] = error.decode()
    return found


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1

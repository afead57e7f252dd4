"""Excel sheets as grids of text: the reader's types are kept as unambiguous text; what it does not tell is taken from the XML."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdx_eval.errors import DataError
from kdx_eval.load.excel_guard import refuse_bombs
from kdx_eval.load.files import HEAD_ROWS, Grid, load_regular
from kdx_eval.load.garbled import refuse_garbled
from kdx_eval.load.workbook_xml import SheetFacts, WorkbookFacts, inspect_workbook

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OLE = b"\xd0\xcf\x11\xe0"
_OLD_FORMAT = "注意: この形式では、エラーのセル・非表示の行・計算し直していない式を見分けられません。xlsx で保存し直してください"


def read_excel_grids(con: DuckDBPyConnection, path: Path, *, file: str, table: str, work: Path) -> list[Grid]:
    """Every visible sheet that has cells, as a grid named ``<table>_<n>``.

    Raises DataError when the file is empty, cut off, protected by a password, HTML by content, or inflates beyond reason.
    """
    import python_calamine

    _look_inside(path, file=file)
    hint = "Excel で開き、xlsx として保存し直してください"
    try:
        with python_calamine.load_workbook(str(path)) as book:
            facts = inspect_workbook(path)
            grids = []
            for number, meta in enumerate(book.sheets_metadata):
                if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                    continue
                if meta.visible != python_calamine.SheetVisibleEnum.Visible:
                    aside = ("非表示のシートなので読みません",)
                    grids.append(Grid(file=file, sheet=meta.name, encoding="", table="", n_columns=0, head=(), notes=aside))
                    continue
                sheet = book.get_sheet_by_name(meta.name)
                grid = _sheet_grid(con, sheet, facts=facts.of(meta.name), file=file, table=f"{table}_{number}", work=work)
                if grid:
                    refuse_garbled(grid.head, place=f"{file} {meta.name}")
                    grids.append(replace(grid, notes=(*grid.notes, *_book_notes(facts, meta.name))))
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


def _sheet_grid(con: DuckDBPyConnection, sheet: Any, *, facts: SheetFacts, file: str, table: str, work: Path) -> Grid | None:
    rows = sheet.to_python(skip_empty_area=False)
    marks = facts.marks
    # The reader stops at the last cell it shows; a mark may stand beyond it.
    n_rows = max(len(rows), max(marks, default=0))
    n_columns = max((*(len(row) for row in rows), *(max(marked) + 1 for marked in marks.values())), default=0)
    head: list[tuple[int, tuple[str, ...]]] = []
    hidden = 0
    regular = work / f"{table}.csv"
    with regular.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for line in range(1, n_rows + 1):
            cells = [cell_text(value) for value in rows[line - 1]] if line <= len(rows) else []
            cells += [""] * (n_columns - len(cells))
            for column, mark in marks.get(line, {}).items():
                cells[column] = mark
            if not any(cells):
                continue
            hidden += line in facts.hidden_rows
            writer.writerow([line, n_columns, *cells])
            if len(head) < HEAD_ROWS:
                head.append((line, tuple(cells)))
    if not head:
        regular.unlink()
        return None
    load_regular(con, regular, table=table, n_columns=n_columns)
    blocks = tuple((first[0] + 1, last[0] + 1, first[1], last[1]) for first, last in (sheet.merged_cell_ranges or ()))
    merged = tuple((top, left, right) for top, _, left, right in blocks if right > left)
    notes = _hidden_notes(hidden, len(facts.hidden_columns & set(range(n_columns))))
    return Grid(file=file, sheet=sheet.name, encoding="", table=table, n_columns=n_columns, head=tuple(head), merged=merged, blocks=blocks, notes=notes)


def _hidden_notes(n_rows: int, n_columns: int) -> tuple[str, ...]:
    notes = []
    if n_rows:
        notes.append(f"注意: 非表示の行が{n_rows}行あり、データとして読みました。数えない行なら消してから渡してください")
    if n_columns:
        notes.append(f"注意: 非表示の列が{n_columns}列あり、データとして読みました")
    return tuple(notes)


def _book_notes(facts: WorkbookFacts, sheet: str) -> tuple[str, ...]:
    if not facts.is_known:
        return (_OLD_FORMAT,)
    found, notes = facts.of(sheet), []
    if found.n_uncalculated:
        notes.append(f"注意: 結果が保存されていない計算式が{found.n_uncalculated}つあります。Excel で開き、上書き保存してから渡してください")
    if found.n_formulas and facts.is_stale:
        notes.append(f"注意: 計算式{found.n_formulas}つの結果が古いかもしれません。Excel で開いて計算し直し、上書き保存してください")
    return tuple(notes)


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

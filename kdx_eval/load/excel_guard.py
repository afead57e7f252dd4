"""What would bring the reader of workbooks down: containers that lie about their size, and a lone cell in a far corner."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from kdx_eval.errors import DataError

_LARGEST_UNPACKED = 1 << 30
_LARGEST_RATIO = 200
_SMALLEST_BASE = 1 << 18  # bytes; below this a ratio says nothing
_LARGEST_GRID = 20_000_000  # cells between the corner and the last value: the reader reserves memory for all of them
_LARGEST_COLUMN = 16_384
_TWO_LETTERS = 702
_CHUNK = 1 << 20
_ROW = re.compile(rb'<row\b[^>]*?\br="(\d{1,7})"')
_FAR_COLUMN = re.compile(rb'\br="[A-Z]{3}\d')
_VALUE = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<(?:v|is|f)\b')
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)


def refuse_bombs(path: Path, *, file: str) -> None:
    """Raise DataError when the workbook is no sound container, inflates beyond reason, or spreads its cells beyond what fits into memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_swollen(archive, path, file=file)
            for entry in archive.infolist():
                if entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml"):
                    _refuse_spread(archive.read(entry), file=file)
    except _BROKEN as problem:
        hint = "元のファイルを受け取り直してください"
        raise DataError("Excel のファイルとして読めません（途中で切れているか、壊れています）", place=file, hint=hint) from problem


def _refuse_swollen(archive: zipfile.ZipFile, path: Path, *, file: str) -> None:
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _LARGEST_UNPACKED or unpacked > _LARGEST_RATIO * max(path.stat().st_size, _SMALLEST_BASE):
        raise DataError("開くと異常に大きくなるファイルです", place=file, hint="必要なシートだけを新しいファイルに移して保存してください")
    for entry in archive.infolist():
        # Reading to the end compares size and check sum, so that no part is longer than it claims to be.
        with archive.open(entry) as part:
            while part.read(_CHUNK):
                pass


def _refuse_spread(sheet: bytes, *, file: str) -> None:
    last_row = max((int(row) for row in _ROW.findall(sheet)), default=0)
    if last_row * (_LARGEST_COLUMN if _FAR_COLUMN.search(sheet) else _TWO_LETTERS) <= _LARGEST_GRID:
        return
    rows = columns = 0
    for letters, row in _VALUE.findall(sheet):
        rows, columns = max(rows, int(row)), max(columns, _number(letters))
    if rows * columns > _LARGEST_GRID:
        hint = "表から離れた右や下のセルに残った値を消すか、必要な範囲だけを新しいファイルに移して保存してください"
        raise DataError("表から遠く離れたセルに値があり、大きすぎて読めません", place=file, hint=hint)


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number

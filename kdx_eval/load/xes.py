"""XES process logs (IEEE 1849, .xes and .xes.gz) as grids of text: streamed, with nothing resolved from outside the file."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from kdx_eval.errors import DataError
from kdx_eval.load.files import HEAD_ROWS, XES_ENDINGS, Grid, load_regular

if TYPE_CHECKING:
    from _csv import Writer

    from duckdb import DuckDBPyConnection

_CHUNK = 1 << 18
_LARGEST_UNPACKED = 1 << 34
_LARGEST_RATIO = 200
_DEEPEST = 64
_LONGEST_VALUE = 1 << 16
_LONGEST_PIECE = 1 << 22
_MOST_COLUMNS = 500
_AGAIN = "元のシステムから出し直してください"


def is_xes(path: Path) -> bool:
    """Whether the name of the file is that of an XES log."""
    return path.name.lower().endswith(XES_ENDINGS)


def read_xes_grid(con: DuckDBPyConnection, path: Path, *, file: str, table: str, work: Path) -> Grid:
    """The events of an XES log, one row each: attributes of the trace as ``case:<key>``, those of the event under their key.

    ``line`` is the line of the file at which the event begins. Attributes within attributes are passed over.

    Raises
    ------
    DataError
        The file is no XES, is cut off, declares a document type or entities, is nested too deeply, or inflates beyond reason.
    """
    ragged, regular = work / f"{table}.ragged.csv", work / f"{table}.csv"
    with ragged.open("w", encoding="utf-8", newline="") as stream:
        reader = _Reader(file=file, writer=csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n"))
        _feed(reader, path)
    if not reader.columns:
        raise DataError("XES に処理の記録（event）がありません", place=file, hint=_AGAIN)
    # The columns are known only at the end: rows written before the last new one are filled up.
    n_columns = len(reader.columns)
    head: list[tuple[int, tuple[str, ...]]] = [(0, tuple(reader.columns))]
    with ragged.open(encoding="utf-8", newline="") as source, regular.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for line, *cells in csv.reader(source):
            cells += [""] * (n_columns - len(cells))
            writer.writerow([line, n_columns, *cells])
            if len(head) <= HEAD_ROWS:
                head.append((int(line), tuple(cells)))
    ragged.unlink()
    load_regular(con, regular, table=table, n_columns=n_columns)
    return Grid(file=file, sheet="", encoding="xes", table=table, n_columns=n_columns, head=tuple(head))


def _feed(reader: _Reader, path: Path) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    # Entities can only be declared in a document type: without one nothing expands and nothing is fetched.
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.EntityDeclHandler = reader.refuse_doctype
    reader.line = lambda: int(parser.CurrentLineNumber)
    try:
        fed = 0
        for chunk in _pieces(path, file=reader.file):
            parser.Parse(chunk, False)
            fed += len(chunk)
            # A piece that never ends is read again with each chunk, in time that grows with its square.
            if fed - parser.CurrentByteIndex > _LONGEST_PIECE:
                raise DataError("長すぎる部分があります", place=reader.file, hint=_AGAIN)
        parser.Parse(b"", True)
    except ValueError as problem:  # an encoding of several bytes that expat does not know
        raise DataError("文字コードが扱えません", place=reader.file, hint="UTF-8 で出し直してください") from problem
    except expat.ExpatError as problem:
        raise DataError(f"XES として読めません（{problem.lineno}行目）", place=reader.file, hint=f"途中で切れていないか確かめ、{_AGAIN}") from problem
    if not reader.is_log:
        raise DataError("XES の処理の記録ではありません", place=reader.file, hint=_AGAIN)


def _pieces(path: Path, *, file: str) -> Iterator[bytes]:
    size = path.stat().st_size
    if not size:
        raise DataError("ファイルが空です", place=file, hint=_AGAIN)
    limit = min(_LARGEST_UNPACKED, _LARGEST_RATIO * max(size, 1 << 18))
    total = 0
    try:
        with _opened(path) as stream:
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                if total > limit:
                    raise DataError("開くと異常に大きくなるファイルです", place=file, hint="期間を分けて出し直してください")
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise DataError("圧縮されたファイルが途中で切れているか、壊れています", place=file, hint=_AGAIN) from problem


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


class _Reader:
    """Where the parser stands: the elements from the root, and the attributes of the trace and of the event at hand."""

    def __init__(self, *, file: str, writer: Writer) -> None:
        self.file = file
        self.writer = writer
        self.line: Callable[[], int] = lambda: 0
        self.columns: dict[str, int] = {}
        self.is_log = False
        self._open: list[str] = []
        self._trace: dict[str, str] = {}
        self._event: dict[str, str] | None = None
        self._had_event = False
        self._begins = 0

    def refuse_doctype(self, *_: object) -> None:
        """Called for a document type or an entity, neither of which a log needs."""
        raise DataError("XES に文書型の宣言（DOCTYPE・ENTITY）があります", place=self.file, hint="安全のため読みません。宣言のない XES を出し直してください")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        parent = self._open[-1] if self._open else ""
        kind = tag.rpartition(":")[2]
        if len(self._open) >= _DEEPEST:
            raise DataError("XES の入れ子が深すぎます", place=self.file, hint=_AGAIN)
        if not parent and kind == "log":
            self.is_log = True
        elif kind == "trace" and parent == "log":
            self._trace, self._had_event = {}, False
        elif kind == "event" and parent in {"trace", "log"}:
            self._event, self._had_event, self._begins = {}, True, self.line()
        elif parent == "event" and self._event is not None:
            self._take(self._event, attributes)
        elif parent == "trace" and "key" in attributes:
            if self._had_event:
                raise DataError(f"案件の属性が作業の記録の後ろにあります（{self.line()}行目）", place=self.file, hint=_AGAIN)
            self._take(self._trace, attributes)
        self._open.append(kind)

    def end(self, tag: str) -> None:
        """An element ends; an event is written with what is known of its trace."""
        self._open.pop()
        kind = tag.rpartition(":")[2]
        if kind == "event" and self._event is not None and self._open[-1] in {"trace", "log"}:
            whole = {f"case:{key}": value for key, value in self._trace.items()} if self._open[-1] == "trace" else {}
            self._write(whole | self._event)
            self._event = None
        elif kind == "trace":
            self._trace = {}

    def _take(self, target: dict[str, str], attributes: dict[str, str]) -> None:
        key, value = attributes.get("key"), attributes.get("value")
        if key is None or value is None:  # a list or container
            return
        if len(value) > _LONGEST_VALUE:
            raise DataError(f"長すぎる値があります（{self.line()}行目）", place=self.file, hint=_AGAIN)
        target.setdefault(key, value)

    def _write(self, cells: dict[str, str]) -> None:
        for key in cells:
            self.columns.setdefault(key, len(self.columns))
        if len(self.columns) > _MOST_COLUMNS:
            raise DataError("XES の属性の種類が多すぎます", place=self.file, hint=f"{_MOST_COLUMNS}種類までにして出し直してください")
        row = [""] * len(self.columns)
        for key, value in cells.items():
            row[self.columns[key]] = value.strip()
        self.writer.writerow([self._begins, *row])

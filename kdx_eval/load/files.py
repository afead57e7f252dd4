"""Which files there are, in which encoding, and CSV files as grids of text with their physical line numbers."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from kdx_eval.errors import DataError
from kdx_eval.load.database import name, path_text
from kdx_eval.load.garbled import refuse_garbled, refuse_mixed, refuse_utf8_within
from kdx_eval.load.on_disk import csv_to_parquet, raw_columns, text_view

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Encoding: TypeAlias = Literal["utf-8", "utf-8-sig", "utf-16", "cp932", "euc_jp"]
TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
EXCEL_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
PARQUET_SUFFIXES = frozenset({".parquet"})
XES_ENDINGS = (".xes", ".xes.gz")
AUXILIARY = frozenset({
    "plan.yaml", "plan.yml", "plan.frozen.json", "mapping.yaml", "mapping.yml", "truth.json", "rejected.csv", "unmatched.csv", "thumbs.db",
    "desktop.ini",
})  # fmt: skip
POLICY_FOLDER = "policy"
HEAD_ROWS = 60
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 25  # bytes
_FAST_FROM = 4_000_000  # bytes; smaller files take the careful path, which costs nothing there
_HALF_WIDTH_KANA = re.compile("[｡-ﾟ]")
_NO_LINE_END = "注意: 最後の行に改行がありません。ファイルが途中で切れていないか、最後の行を確かめてください"
_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")

csv.field_size_limit(1 << 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One sheet as text in the working database: columns ``line``, ``width``, ``c0`` ... ; ``head`` are its first rows.

    Cells have no blanks around them. ``line`` is the physical line of a text file or the row of a sheet, counted from 1;
    ``width`` is the number of cells written there. ``merged`` are merged cells that span columns (row, first and last column),
    ``blocks`` all merged cells (first and last row, first and last column from 0). A large file stays on disk: then ``table`` is a
    view of ``parquet``, whose columns ``raw`` (name and database type, in the order of ``c0`` ...) hold the cells as they lie there,
    row n on line n + 1.
    """

    file: str
    sheet: str
    encoding: str
    table: str
    n_columns: int
    head: tuple[tuple[int, tuple[str, ...]], ...]
    merged: tuple[tuple[int, int, int], ...] = ()
    blocks: tuple[tuple[int, int, int, int], ...] = ()
    notes: tuple[str, ...] = field(default=())
    parquet: Path | None = None
    raw: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """What ``table`` is in the database."""
        return "VIEW" if self.parquet else "TABLE"

    @property
    def whole_head(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """``head`` with short rows filled up to the width of the grid."""
        return tuple((line, (*cells, *[""] * (self.n_columns - len(cells)))) for line, cells in self.head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """The files to read and those left aside, with the reason."""

    readable: tuple[Path, ...]
    ignored: tuple[tuple[Path, str], ...]


def discover(folder: Path) -> Discovered:
    """The data files under ``folder``, ordered by name. Raises DataError when it is missing or holds none."""
    if not folder.exists():
        raise DataError("データのフォルダがありません", place=str(folder), hint="フォルダの場所を確かめてください")
    if not folder.is_dir():
        raise DataError("フォルダではありません", place=str(folder), hint="ファイルの入ったフォルダを指定してください")
    readable, ignored = [], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        reason = _why_ignored(path, folder)
        if reason:
            ignored.append((path, reason))
        else:
            readable.append(path)
    if not readable:
        raise DataError("読めるファイルがありません", place=str(folder), hint="CSV、Excel、Parquet のファイルを置いてください")
    _refuse_locked(readable, folder)
    return Discovered(readable=tuple(readable), ignored=tuple(ignored))


def _refuse_locked(paths: Iterable[Path], folder: Path) -> None:
    """Raise DataError for files that another program holds, all of them at once: on Windows a workbook open in Excel may be one."""
    locked = []
    for path in paths:
        try:
            with path.open("rb"):
                pass
        except OSError:
            locked.append(path.relative_to(folder).as_posix())
    if locked:
        hint = "Excel などで開いていれば閉じてください。共有フォルダーにあるなら、手元に写してから試してください"
        raise DataError("ファイルを開けません", place="、".join(locked[:5]), hint=hint)


def _why_ignored(path: Path, folder: Path) -> str | None:
    parts = path.relative_to(folder).parts
    if any(part.startswith((".", "~$", "__MACOSX")) for part in parts):
        return "隠しファイルまたは一時ファイルなので読みません"
    if parts[0] == POLICY_FOLDER and len(parts) > 1:
        return "方針の版のファイルです（表としては読みません）"
    if path.name.lower() in AUXILIARY or path.name.upper().startswith("README"):
        return "データではないので読みません"
    if is_own_form(path):
        return "記入する様式（同じ名前の .yaml がある Excel）なので、データとしては読みません"
    if path.suffix.lower() not in TEXT_SUFFIXES | EXCEL_SUFFIXES | PARQUET_SUFFIXES and not path.name.lower().endswith(XES_ENDINGS):
        return "扱わない種類のファイルなので読みません"
    return None


def is_own_form(path: Path) -> bool:
    """Whether an Excel file is a form of the city's own, to be filled: a mapping of the same name lies beside it."""
    return path.suffix.lower() == ".xlsx" and path.stem not in ("plan", "mapping") and any(path.with_suffix(end).is_file() for end in (".yaml", ".yml"))


def detect_encoding(path: Path, *, place: str) -> Encoding:
    """The encoding of a text file: BOM, else strict UTF-8, else cp932 against EUC-JP. Raises DataError when none fits."""
    with path.open("rb") as stream:
        head = stream.read(_CHUNK)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:
        raise DataError("文字のファイルではありません", place=place, hint="CSV として保存し直してください")
    if head.lstrip()[:1] == b"<":
        raise DataError("中身が HTML です", place=place, hint="Excel で開き、CSV または xlsx として保存し直してください")
    if _decodes(path, "utf-8"):
        return "utf-8"
    if _decodes(path, "utf-8", whole=False):  # all is well but the last character
        raise DataError("ファイルが途中で切れています", place=place, hint="元のシステムから出し直してください")
    fitting: list[Encoding] = [candidate for candidate in ("cp932", "euc_jp") if _decodes(path, candidate)]
    if len(fitting) == 2:
        # EUC-JP read as cp932 turns into half-width kana; real half-width kana stand among other Japanese characters.
        as_cp932 = head.decode("cp932", errors="ignore")
        kana, others = len(_HALF_WIDTH_KANA.findall(as_cp932)), len(_JAPANESE.findall(as_cp932))
        as_euc = head.decode("euc_jp", errors="ignore")
        fitting = ["euc_jp" if kana > others and len(_JAPANESE.findall(as_euc)) > others else "cp932"]
    if fitting == ["cp932"]:
        refuse_utf8_within(path, place=place)
    if fitting:
        return fitting[0]
    refuse_mixed(path, place=place)
    raise DataError("文字コードが分かりません", place=place, hint="UTF-8 か Shift_JIS（CP932）の CSV として保存し直してください")


def _decodes(path: Path, encoding: str, *, whole: bool = True) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            if whole:
                decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def read_text_grid(con: DuckDBPyConnection, path: Path, *, file: str, table: str, encoding: str | None, work: Path) -> Grid:
    """A CSV, TSV or semicolon file as a grid. Raises DataError when it is empty, cut off or in a wrong encoding."""
    if path.stat().st_size == 0:
        raise DataError("ファイルが空です", place=file, hint="元のシステムから出し直してください")
    used = encoding or detect_encoding(path, place=file)
    try:
        delimiter, head = _sniff(path, used)
        if not head:
            raise DataError("ファイルに行がありません", place=file, hint="元のシステムから出し直してください")
        refuse_garbled(head, place=file)
        n_columns = max(len(cells) for _, cells in head)
        quick = path.stat().st_size >= _FAST_FROM and len(head[0][1]) == n_columns
        parquet = work / f"{table}.parquet"
        regular = quick and csv_to_parquet(con, path, encoding=used, delimiter=delimiter, n_columns=n_columns, target=parquet)
        raw = raw_columns(con, parquet) if regular else ()
        if regular:
            text_view(con, parquet, table=table, raw=raw)
        else:
            _read_carefully(con, _records(path, used, delimiter), table=table, n_columns=n_columns, work=work)
    except (UnicodeDecodeError, LookupError) as problem:
        raise DataError(f"文字コードが {used} ではありません", place=file, hint="mapping.yaml の encoding を直すか、UTF-8 で保存し直してください") from problem
    except csv.Error as problem:
        raise DataError("ファイルが途中で切れているか、引用符が閉じていません", place=file, hint="元のシステムから出し直してください") from problem
    # In a regular file every row has all its cells.
    notes = () if regular or _ends_whole(con, path, table=table, file=file, encoding=used) else (_NO_LINE_END,)
    kept = parquet if regular else None
    return Grid(file=file, sheet="", encoding=used, table=table, n_columns=n_columns, head=tuple(head), notes=notes, parquet=kept, raw=raw)


def read_parquet_grid(con: DuckDBPyConnection, path: Path, *, file: str, table: str) -> Grid:
    """A Parquet file as a grid of text, read where it lies. Raises DataError when it is damaged."""
    import duckdb

    try:
        raw = raw_columns(con, path)
        text_view(con, path, table=table, raw=raw)
        sample = con.execute(f"SELECT * EXCLUDE (width) FROM {name(table)} LIMIT {HEAD_ROWS}").fetchall()
    except duckdb.Error as problem:
        raise DataError("Parquet のファイルとして読めません", place=file, hint="元のシステムから出し直してください") from problem
    head = ((0, tuple(column for column, _ in raw)), *((int(row[0]), tuple(map(str, row[1:]))) for row in sample))
    return Grid(file=file, sheet="", encoding="parquet", table=table, n_columns=len(raw), head=head, parquet=path, raw=raw)


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Physical line at which each record begins, and its cells; blank lines are passed over."""
    with path.open(encoding=encoding, newline="", errors="strict") as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        begins = 1
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 1


def _sniff(path: Path, encoding: str) -> tuple[str, list[tuple[int, tuple[str, ...]]]]:
    found: list[tuple[int, str, list[tuple[int, tuple[str, ...]]]]] = []
    for delimiter in (",", "\t", ";"):
        head: list[tuple[int, tuple[str, ...]]] = []
        try:
            for line, cells in _records(path, encoding, delimiter):
                head.append((line, tuple(cells)))
                if len(head) == HEAD_ROWS:
                    break
        except csv.Error:
            if not head:
                continue
        found.append((sum(len(cells) for _, cells in head), delimiter, head))
    if not found:
        raise csv.Error
    # The delimiter that cuts the first rows into most cells; on a tie the comma.
    return max(found, key=lambda entry: entry[0])[1:]


def _read_carefully(con: DuckDBPyConnection, records: Iterator[tuple[int, list[str]]], *, table: str, n_columns: int, work: Path) -> None:
    """Records of any width -> the grid table, through a regular file that DuckDB reads without guessing."""
    regular = work / f"{table}.csv"
    blank = [""] * n_columns
    with regular.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for line, cells in records:
            while len(cells) > n_columns and not cells[-1].strip():
                cells.pop()
            writer.writerow([line, len(cells), *(cell.strip() for cell in (cells + blank)[:n_columns])])
    load_regular(con, regular, table=table, n_columns=n_columns)


def load_regular(con: DuckDBPyConnection, regular: Path, *, table: str, n_columns: int) -> None:
    """A file of quoted ``line, width, c0 ...`` -> the grid table; the file is removed."""
    columns = ", ".join(["'line': 'BIGINT'", "'width': 'INTEGER'", *(f"'c{i}': 'VARCHAR'" for i in range(n_columns))])
    longest = min(max(regular.stat().st_size, 1), _LONGEST_LINE)  # the database sets aside room for many such lines
    # DuckDB reads an empty cell as NULL, quoted or not; here a cell is always text.
    fields = ", ".join(f"coalesce(c{i}, '') AS c{i}" for i in range(n_columns))
    con.execute(f"""CREATE TABLE {name(table)} AS SELECT line, width, {fields} FROM read_csv({path_text(regular)}, header=false, auto_detect=false, delim=',',
        quote='"', escape='"', new_line='\\n', columns={{{columns}}}, parallel=false, max_line_size={longest})""")
    regular.unlink()


def _ends_whole(con: DuckDBPyConnection, path: Path, *, table: str, file: str, encoding: str) -> bool:
    """Whether the last line has its line end, as exports have. Raises DataError when it also has too few cells."""
    with path.open("rb") as stream:
        stream.seek(-min(4, path.stat().st_size), 2)
        ends = stream.read().decode("utf-16-le" if encoding == "utf-16" else "latin-1").endswith(("\n", "\r"))
    widths = con.execute(f"SELECT width, mode(width) OVER () FROM {name(table)} ORDER BY line DESC LIMIT 1").fetchall()
    if widths and not ends and widths[0][0] < widths[0][1]:
        raise DataError("最後の行が途中で切れています", place=file, hint="元のシステムから出し直してください")
    return ends

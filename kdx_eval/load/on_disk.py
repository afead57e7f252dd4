"""Grids too large for memory: a Parquet file where it lies, a large CSV file as a Parquet copy of its texts."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.load.database import BLANKS, name, path_text, rows, scalar, target_text
from kdx_eval.load.progress import execute, tell

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CHUNK = 1 << 20
_TRANSCODED = 0.5  # of the time a CSV file takes


def raw_columns(con: DuckDBPyConnection, parquet: Path) -> tuple[tuple[str, str], ...]:
    """Names and database types of the columns of a Parquet file."""
    return tuple((str(row[0]), str(row[1])) for row in rows(con, f"DESCRIBE SELECT * FROM read_parquet({path_text(parquet)})"))


def n_rows(con: DuckDBPyConnection, parquet: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    return scalar(con, f"SELECT sum(num_rows) FROM parquet_file_metadata({path_text(parquet)})")


def text_view(con: DuckDBPyConnection, parquet: Path, *, table: str, raw: tuple[tuple[str, str], ...]) -> None:
    """A grid over a Parquet file: the view ``table`` of line, width and the cells as text."""
    fields = ", ".join(f"coalesce({as_text(name(column), kind)}, '') AS c{index}" for index, (column, kind) in enumerate(raw))
    source = f"read_parquet({path_text(parquet)}, file_row_number=true)"
    con.execute(f"CREATE VIEW {name(table)} AS SELECT file_row_number + 1 AS line, {len(raw)} AS width, {fields} FROM {source}")


def as_text(column: str, kind: str) -> str:
    """SQL for a value of database type ``kind`` as a person would write it; NULL stays NULL."""
    if kind in {"DOUBLE", "FLOAT"}:  # whole numbers without a point
        return f"CASE WHEN {column} = trunc({column}) AND abs({column}) < 1e15 THEN CAST({column}::BIGINT AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    return f"trim({column}, {BLANKS})" if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"


def csv_to_parquet(con: DuckDBPyConnection, path: Path, *, encoding: str, delimiter: str, n_columns: int, target: Path) -> bool:
    """Copy a large CSV file to Parquet, one row a line, in bounded memory; False when it is not regular, so that lines could be miscounted.

    Raises UnicodeDecodeError when the encoding is another.
    """
    import duckdb

    transcoded = target.with_suffix(".utf8.csv")
    try:
        source, n_lines = _as_utf8(path, encoding, copy=transcoded)
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(n_columns))
        options = f"""header=false, auto_detect=false, delim='{delimiter}', quote='"', escape='"', columns={{{columns}}}, strict_mode=true"""
        select = f"SELECT * FROM read_csv({path_text(source)}, {options})"
        execute(con, f"COPY ({select}) TO {target_text(target)} (FORMAT parquet)", start=_TRANSCODED)
    except duckdb.Error:
        return False
    finally:
        transcoded.unlink(missing_ok=True)
    # A blank line or a line break within quotes would shift the count.
    return n_rows(con, target) == n_lines


def _as_utf8(path: Path, encoding: str, *, copy: Path) -> tuple[Path, int]:
    """The file in UTF-8 (itself when it already is, else ``copy``) and its number of lines; read in pieces."""
    n_lines, last, done, size = 0, "", 0, path.stat().st_size
    plain = encoding in {"utf-8", "utf-8-sig"}
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    with path.open("rb") as source, copy.open("wb") as target:
        while chunk := source.read(_CHUNK):
            decoded = decoder.decode(chunk)
            n_lines += decoded.count("\n")
            last = decoded[-1:] or last
            if not plain:
                target.write(decoded.encode("utf-8"))
            done += len(chunk)
            tell(_TRANSCODED * done / size)
        decoder.decode(b"", final=True)
    return (path if plain else copy), n_lines + (last != "\n")

"""DuckDB, started so that it keeps to its place: bounded memory, its own temporary folder, no extension fetched or loaded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_LIMIT = "400MB"
BLANKS = "' \u3000\t\r\n'"  # an SQL literal: what is taken off around a cell


def connect(temp: Path, *, database: str = ":memory:") -> DuckDBPyConnection:
    """A connection that spills to ``temp`` only, keeps the order of rows and uses no extension from elsewhere."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT, "temp_directory": str(temp), "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }  # fmt: skip
    return duckdb.connect(database, config=settings)


def name(identifier: str) -> str:
    """``identifier`` quoted for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str | None) -> str:
    """``value`` as an SQL literal."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """A list of SQL literals between parentheses; an empty list matches nothing."""
    return "(" + (", ".join(text(value) for value in values) or "NULL") + ")"


def path_text(path: Path) -> str:
    """A path as an SQL literal in which ``[ * ?`` stand for themselves; DuckDB reads paths as glob patterns."""
    escaped = "".join(f"[{char}]" if char in "[*?" else char for char in path.as_posix())
    return text(escaped)


def target_text(path: Path) -> str:
    """A path to write to, as an SQL literal; not a glob pattern there."""
    return text(path.as_posix())


def rows(con: DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    """All rows of a query."""
    return con.execute(sql).fetchall()


def scalar(con: DuckDBPyConnection, sql: str) -> int:
    """The single whole number a query returns."""
    # fetchall, not fetchone: an unfinished result blocks the connection.
    found = con.execute(sql).fetchall()
    return int(found[0][0] or 0) if found else 0


def create_table(con: DuckDBPyConnection, table: str, *, columns: tuple[str, ...], values: list[tuple[str | None, ...]]) -> None:
    """A temporary table of text columns from Python rows, in one statement (executemany is slow)."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name(table)} ({', '.join(f'{name(column)} VARCHAR' for column in columns)})")
    if values:
        lists = [list(column) for column in zip(*values, strict=True)]
        con.execute(f"INSERT INTO {name(table)} SELECT {', '.join(f'unnest(${i + 1}::VARCHAR[])' for i in range(len(columns)))}", lists)

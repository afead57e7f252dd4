"""Rows with a key that another row has, in any number of rows: one pass over the keys, bounded memory, and no doubt left to a hash."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from kdx_eval.load.database import name, scalar, text
from kdx_eval.load.progress import tell
from kdx_eval.load.staging import FAULTS, pick_rows
from kdx_eval.schema import TableSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Hashes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint64]]"
_SORTED_AT_ONCE = 12_000_000  # hashes of eight bytes
_VECTORS = 256  # of 2 048 rows: a piece of four megabytes


def check_duplicates(con: DuckDBPyConnection, table: str, *, alike: str, spec: TableSpec, key: tuple[str, ...], heading: str) -> None:
    """Note rows with the same key: of equal rows all but the first, of contradicting rows all, so that file order does not decide.

    ``alike`` is ``table``, or the view that `staging.Stage` calls so where the table is one stage. Equal hashes only nominate rows; keys and other
    fields are compared by value.
    """
    if not key:
        return
    columns = ", ".join(name(field) for field in key)
    if not _find_repeated(con, alike, columns=columns):
        return
    pick_rows(con, "maybe_doubled", table=table, alike=alike, where=f"hash({columns}) IN (SELECT h FROM repeated)")
    rest = ", ".join(name(field.name) for field in spec.fields if field.name not in key) or "''"
    con.execute(f"""CREATE OR REPLACE TEMP TABLE doubled AS SELECT {columns}, min(row({rest})) <> max(row({rest})) AS contradicting
        FROM maybe_doubled GROUP BY {columns} HAVING count(*) > 1""")
    same = " AND ".join(f"t.{name(field)} IS NOT DISTINCT FROM d.{name(field)}" for field in key)
    partition = ", ".join(f"t.{name(field)}" for field in key)
    con.execute(f"""INSERT INTO {FAULTS} SELECT _stage, _rid, _line, {text(heading)}, 'duplicate' FROM (
        SELECT t._stage, t._rid, t._line, d.contradicting, row_number() OVER (PARTITION BY {partition} ORDER BY t._stage, t._rid) AS n
        FROM maybe_doubled t JOIN doubled d ON {same} WHERE NOT EXISTS (SELECT 1 FROM {FAULTS} x WHERE x.stage = t._stage AND x.rid = t._rid))
        WHERE contradicting OR n > 1""")
    con.execute("DROP TABLE doubled; DROP TABLE maybe_doubled; DROP TABLE repeated")


def _find_repeated(con: DuckDBPyConnection, table: str, *, columns: str) -> int:
    """Put the hashes of keys that occur more than once into the table ``repeated``; their number, usually none.

    Sorting the hashes of ten million keys takes a quarter of the time, and of the memory, that grouping them does.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE repeated (h UBIGINT)")
    rows, found = scalar(con, f"SELECT count(*) FROM {table}"), 0
    pieces = _hashes(con, table, columns=columns, rows=rows)
    spill = Path(str(con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]))
    for hashes in _shares(pieces, rows=rows, spill=spill) if rows > _SORTED_AT_ONCE else [_together(pieces, rows=rows)]:
        hashes.sort()
        repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        if len(repeated):
            con.register("repeated_share", pd.DataFrame({"h": repeated}))
            con.execute("INSERT INTO repeated SELECT h FROM repeated_share")
            con.unregister("repeated_share")
        found += len(repeated)
    return found


def _hashes(con: DuckDBPyConnection, table: str, *, columns: str, rows: int) -> Iterator[Hashes]:
    """The hash of every row's key, in pieces, while the table is read."""
    running, done = con.execute(f"SELECT hash({columns}) AS h FROM {table}"), 0
    while len(piece := running.fetch_df_chunk(_VECTORS)):
        yield piece["h"].to_numpy()
        tell((done := done + len(piece)) / rows)


def _together(pieces: Iterator[Hashes], *, rows: int) -> Hashes:
    """All hashes in one array, made at once since joining pieces would need its memory twice."""
    hashes, done = np.empty(rows, dtype=np.uint64), 0
    for piece in pieces:
        hashes[done : (done := done + len(piece))] = piece
    return hashes


def _shares(pieces: Iterator[Hashes], *, rows: int, spill: Path) -> Iterator[Hashes]:
    """The hashes in arrays small enough to be sorted, equal ones in the same, by way of files; of one that a piece has often, two."""
    n_shares = -(-rows // _SORTED_AT_ONCE)
    limits = np.array([(number << 64) // n_shares for number in range(1, n_shares)], dtype=np.uint64)
    with tempfile.TemporaryDirectory(dir=spill) as folder:
        paths = [Path(folder) / f"{number}.bin" for number in range(n_shares)]
        for piece in pieces:
            ordered = np.sort(piece)
            ordered = np.concatenate((ordered[:2], ordered[2:][ordered[2:] != ordered[:-2]]))
            for path, share in zip(paths, np.split(ordered, np.searchsorted(ordered, limits)), strict=True):
                with path.open("ab") as stream:
                    share.tofile(stream)
        for path in paths:
            yield np.fromfile(path, dtype=np.uint64)

"""A long table too large for one matrix, as panels of disjoint units: each part is small, and the moments of the parts add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kdx_eval.errors import DataError, ParameterError
from kdx_eval.panel.columns import NEVER
from kdx_eval.panel.type import FloatArray, Panel

if TYPE_CHECKING:
    import duckdb

_VECTORS = 64  # of 2 048 rows each: a chunk of four megabytes
_ROWS_AT_A_TIME = 4_000_000  # sorted in some 200 MB: a table that is sorted at once writes and reads all of its rows once more
_SAMPLE = 10_000  # rows from which the ranges of units are chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTable:
    """Where unit, period, cohort and outcome stand in a relation of a DuckDB connection.

    Attributes
    ----------
    source : str
        Name of a table or view of the connection.
    never : float or None
        The cohort value that means never treated, beside inf; a missing cohort is an error.
    """

    source: str
    unit: str
    period: str
    cohort: str
    outcome: str
    never: float | None = None


def panel_parts(connection: duckdb.DuckDBPyConnection, table: LongTable, *, units: int = 10_000) -> Iterator[Panel]:
    """The units of ``table`` in balanced panels of ``units`` each that share no unit, whatever the order of its rows.

    A large table is sorted one range of units after the other. Where it is a Parquet file in the order of units, each range reads its own
    part of the file only.

    Yields
    ------
    Panel
        Units increasing, one row for every period; periods and cohorts as numbers on one scale.

    Raises
    ------
    ParameterError
        ``units`` is not positive.
    DataError
        A unit lacks a period or has it twice, a cohort is missing or changes within a unit, an outcome is missing.
    """
    if units < 1:
        raise ParameterError("一度に読む単位の数は1以上にしてください", place="units")
    names = {key: _quoted(getattr(table, key)) for key in ("source", "unit", "period", "cohort", "outcome")}
    found = connection.execute("SELECT DISTINCT CAST({period} AS DOUBLE) FROM {source} ORDER BY 1".format(**names)).fetchall()
    periods = np.array([row[0] for row in found], dtype=np.float64)
    rows, held = units * len(periods), []
    for chunk in _sorted_chunks(connection, names):
        held.append(chunk)
        while sum(map(len, held)) >= rows:
            together = pd.concat(held)
            yield _to_panel(together.iloc[:rows], periods, table=table)
            held = [together.iloc[rows:]]
    together = pd.concat(held) if held else pd.DataFrame()
    if len(together):
        yield _to_panel(together, periods, table=table)


def _sorted_chunks(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """All rows by unit and period in pieces, as they are sorted: they are never held whole."""
    query = (
        "SELECT {unit} AS unit, CAST({period} AS DOUBLE) AS period, CAST({cohort} AS DOUBLE) AS cohort, CAST({outcome} AS DOUBLE) AS outcome "
        "FROM {source} WHERE {where} ORDER BY unit, period"
    )
    for where, values in _ranges(connection, names):
        running = connection.execute(query.format(**names, where=where), values)
        while len(chunk := running.fetch_df_chunk(_VECTORS)):
            yield chunk


def _ranges(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> Iterator[tuple[str, list[Any]]]:
    """Conditions, with their values, that divide the rows by unit, in the order of units; every row meets one, a blank unit the last.

    Where the borders lie changes how long it takes and nothing else, so that a sample will do.
    """
    ((rows,),) = connection.execute("SELECT count(*) FROM {source}".format(**names)).fetchall()
    passes = -(-rows // _ROWS_AT_A_TIME)
    borders: list[Any] = []
    if passes > 1:
        shares = ", ".join(str(number / passes) for number in range(1, passes))
        sample = "SELECT {unit} AS unit FROM {source} WHERE {unit} IS NOT NULL USING SAMPLE reservoir({size} ROWS) REPEATABLE (0)"
        found = connection.execute(f"SELECT quantile_disc(unit, [{shares}]) FROM ({sample.format(**names, size=_SAMPLE)})").fetchall()
        borders = list(dict.fromkeys(found[0][0] or []))
    if not borders:
        yield "true", []
        return
    yield "{unit} < ?".format(**names), borders[:1]
    for low, high in pairwise(borders):
        yield "{unit} >= ? AND {unit} < ?".format(**names), [low, high]
    yield "({unit} >= ? OR {unit} IS NULL)".format(**names), borders[-1:]


def _to_panel(columns: pd.DataFrame, periods: FloatArray, *, table: LongTable) -> Panel:
    width, rows = len(periods), len(columns)
    shown = columns["period"].to_numpy(dtype=np.float64, na_value=np.nan)
    if rows % width or not np.array_equal(shown.reshape(-1, width), np.broadcast_to(periods, (rows // width, width))):
        raise DataError("期間がそろわない単位があります", place=table.unit, hint="すべての単位がすべての期間に一行ずつある表にしてください")
    units = columns["unit"].to_numpy().reshape(-1, width)
    cohort, outcome = (columns[name].to_numpy(dtype=np.float64, na_value=np.nan).reshape(-1, width) for name in ("cohort", "outcome"))
    if np.isnan(cohort).any():
        raise DataError("受講時期が欠けている行があります（未受講とはみなしません）", place=table.cohort, hint="未受講は inf か never= の値にしてください")
    if np.isnan(outcome).any():
        raise DataError("結果に欠けている値があります", place=table.outcome, hint="欠けた単位を除いてください")
    if (cohort != cohort[:, :1]).any() or (units[:, 0] != units[:, -1]).any():
        raise DataError("単位の中で受講時期が変わっています", place=table.cohort, hint="単位ごとに一つの値にしてください")
    first = cohort[:, 0].copy()
    if table.never is not None:
        first[first == table.never] = NEVER
    return Panel(outcome=outcome, units=units[:, 0].astype(object), periods=periods, cohort=first, persons=np.ones(len(first), dtype=np.int64))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

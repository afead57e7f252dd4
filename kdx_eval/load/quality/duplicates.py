"""The same figures twice: a month delivered as another, a department's year pasted over another's, a file under two names, rows appended twice.

Equal figures are a finding only when chance would hardly produce them: the probability that all compared cells agree by chance, times
the number of comparisons, must be below ``_CHANCE``. A cell agrees by chance as often as two months of its unit agree, or two units in
its month; slow counts (電子申請フォーム数) and small numbers agree often and are thereby left alone, hours with a decimal hardly ever.
Hours fixed by the calendar and posts (正規の勤務時間, 定数) are not looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.load.database import name, rows
from kdx_eval.load.files import discover
from kdx_eval.load.quality.series import Series
from kdx_eval.load.quality.types import Finding, FloatMatrix
from kdx_eval.load.quality.wording import codes_text, months_text
from kdx_eval.manifest import digest_file
from kdx_eval.schema import load_schema
from kdx_eval.units import FISCAL_YEAR_START, Month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.dataset import Dataset

_CHANCE = float(np.log(1e-3))
_LEAST_CELLS = 5  # not zero
_LEAST_KINDS = 3  # different values among them
_WHOLE_TABLE = 3
_LEAST_ROWS = 10  # of a block of rows that all stand twice
_FIXED = frozenset({"scheduled_hours"})
_REMEDY = "どちらが正しいかを元の帳票で確かめ、違う方を出し直してもらってください"


def find_repeated_figures(series: Series) -> Iterator[Finding]:
    """Months that equal another month (of the city, or of one department by process or person), and years that equal another year."""
    if series.measure in _FIXED or series.unit == "persons":
        return
    units = series.by_unit()
    offsets: set[int] = set()
    for offset, pairs in _equal_months(units.values, comparisons=1).items():
        offsets.add(offset)
        yield _months_finding(series, pairs, offset=offset, codes=())
    departments = series.departments.astype(str)
    order = np.argsort(departments, kind="stable")
    groups = np.split(order, np.flatnonzero(departments[order][1:] != departments[order][:-1]) + 1)
    for members in groups:
        if _LEAST_CELLS <= len(members) < len(departments):
            for offset, pairs in _equal_months(series.values[members], comparisons=len(groups)).items():
                if offset not in offsets:
                    yield _months_finding(series, pairs, offset=offset, codes=(departments[members[0]],))
    yield from _equal_years(series, units, offsets=offsets)


def _log_odds(values: FloatMatrix, *, rows: Sequence[int], columns: Sequence[int]) -> float:
    """Log probability that the cells of some rows and columns all agree with others by chance; blanks and zeros never count."""
    by_unit = np.array([max(_agreement(values[row]), _stickiness(values[row])) for row in rows])
    by_month = np.array([_agreement(values[:, column]) for column in columns])
    # As many months as there are cannot tell a smaller probability.
    chance = np.maximum(np.maximum(by_unit[:, None], by_month[None, :]), 1 / values.shape[1])
    counted = np.nan_to_num(values[np.ix_(rows, columns)]) != 0
    return float(np.log(chance[counted]).sum())


def _agreement(values: FloatMatrix) -> float:
    """How often two different cells of ``values`` are equal; 1 when there are less than two."""
    present = values[~np.isnan(values)]
    if len(present) < 2:
        return 1.0
    _, counts = np.unique(present, return_counts=True)
    return float((counts * (counts - 1)).sum() / (len(present) * (len(present) - 1)))


def _stickiness(values: FloatMatrix) -> float:
    present = values[~np.isnan(values)]
    return float((present[1:] == present[:-1]).mean()) if len(present) > 1 else 1.0


def _tells(cells: FloatMatrix) -> bool:
    worth = cells[np.nan_to_num(cells) != 0]
    return len(worth) >= _LEAST_CELLS and len(np.unique(worth)) >= _LEAST_KINDS


def _equal_months(values: FloatMatrix, *, comparisons: int) -> dict[int, list[tuple[int, int]]]:
    """Months apart -> (earlier, later) columns that are equal in every cell."""
    n_months = values.shape[1]
    tries = np.log(max(comparisons * n_months * (n_months - 1) / 2, 1))
    same: dict[bytes, list[int]] = defaultdict(list)
    for at in range(n_months):
        same[np.ascontiguousarray(np.nan_to_num(values[:, at], nan=-1.0)).tobytes()].append(at)
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for columns in same.values():
        if len(columns) < 2 or not _tells(values[:, columns[0]]):
            continue
        if _log_odds(values, rows=range(len(values)), columns=columns[:1]) + tries < _CHANCE:
            for earlier, later in pairwise(columns):
                found[later - earlier].append((earlier, later))
    return found


def _months_finding(series: Series, pairs: Sequence[tuple[int, int]], *, offset: int, codes: tuple[str, ...]) -> Finding:
    earlier, later = ([series.month(pair[side]) for pair in pairs] for side in (0, 1))
    who = f"{series.called(codes)} の " if codes else ""
    whose = "すべての値" if codes else "すべての所属の値"
    return Finding(
        severity="stop", kind="duplicate", table=series.table, column=series.measure, place=series.place, units=codes,
        months=tuple(sorted({str(month) for month in (*earlier, *later)})),
        sentence=f"{who}{months_text(earlier)} と {months_text(later)} で、{whose}が同じです（同じ月のファイルを{offset}か月後の分としても入れていませんか）",
        remedy=_REMEDY,
    )  # fmt: skip


def _equal_years(series: Series, units: Series, *, offsets: set[int]) -> Iterator[Finding]:
    """Fiscal years of a unit that equal another year or another unit's year."""
    first = units.month(0)
    start = (FISCAL_YEAR_START - first.month) % 12
    years = range(start, len(units.months) - 11, 12)
    same: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for row in range(len(units.parts)):
        for at in years:
            block = units.values[row, at : at + 12]
            if _tells(block):
                same[np.nan_to_num(block, nan=-1.0).tobytes()].append((row, at))
    tries = np.log(max(1, (len(units.parts) * len(years)) ** 2 / 2))
    for blocks in same.values():
        row, at = blocks[0]
        whole = [(one, start_at) for one, start_at in blocks if not (one == row and start_at - at in offsets)]
        if len(whole) > 1 and _log_odds(units.values, rows=[row], columns=range(at, at + 12)) + tries < _CHANCE:
            shown = "、".join(f"{series.called([units.parts[one]])} の {units.month(start_at).fiscal_year.wareki}" for one, start_at in whole[:4])
            months = sorted({str(units.month(start_at + k)) for _, start_at in whole for k in range(12)})
            yield Finding(
                severity="stop", kind="duplicate", table=series.table, column=series.measure, place=series.place,
                units=tuple(sorted({str(units.parts[one]) for one, _ in whole})), months=tuple(months),
                sentence=f"{shown} で、12か月の値がすべて同じです（貼り付け間違いではありませんか）", remedy=_REMEDY,
            )  # fmt: skip


def find_same_files(dataset: Dataset) -> Iterator[Finding]:
    """Files with the same content under two names; only files of one size are read."""
    sizes: dict[int, list[Path]] = defaultdict(list)
    for path in discover(dataset.folder).readable:
        sizes[path.stat().st_size].append(path)
    contents: dict[str, list[str]] = defaultdict(list)
    for paths in sizes.values():
        for path in paths if len(paths) > 1 else ():
            contents[digest_file(path)].append(path.relative_to(dataset.folder).as_posix())
    tables = {item.file: item.table or "" for item in dataset.report.files}
    for files in sorted(contents.values()):
        if len(files) > 1:
            yield Finding(
                severity="stop", kind="duplicate", table=tables.get(files[0], ""), place=files[0],
                sentence=f"{'、'.join(files)} は中身がまったく同じファイルです。二重に数えるおそれがあります", remedy="一つだけを残してください",
            )  # fmt: skip


def find_repeated_rows(con: DuckDBPyConnection, dataset: Dataset, *, names: Mapping[str, str]) -> Iterator[Finding]:
    """Rows appended twice in tables without a key: blocks (the table, a month, a department) in which every row stands an even number of times.

    Where all rows of a block stand in pairs, the exclusive or of their hashes is zero; that needs one pass and no memory. Single equal rows
    are no finding: two cases of one process on one day may take the same time.
    """
    for table in dataset.tables:
        spec = load_schema().tables.get(table)
        columns = set(dataset.columns(table))
        if spec is not None and not spec.primary_key and columns:  # a table whose rows were all refused has none
            yield from _twice_in(con, table, columns=columns, names=names)


def _twice_in(con: DuckDBPyConnection, table: str, *, columns: set[str], names: Mapping[str, str]) -> Iterator[Finding]:
    everything = ", ".join(name(column) for column in sorted(columns))
    unit = next((column for column in ("department_id", "process_id") if column in columns), "NULL::VARCHAR")
    dates = [column for column in ("month", "date") if column in columns]
    month = f"CAST(date_trunc('month', coalesce({', '.join(dates)})) AS DATE)" if dates else "NULL::DATE"
    found = rows(
        con,
        # grouping() is 3 for the whole table: a month or department that is itself blank is no block.
        f"""SELECT grouping(m, u) AS whole, m, u FROM (SELECT {month} AS m, {unit} AS u, hash({everything}) AS h FROM {name(table)})
            GROUP BY GROUPING SETS ((), (m), (u)) HAVING bit_xor(h) = 0 AND count(*) >= {_LEAST_ROWS} ORDER BY ALL""",
    )
    months = [Month.parse(str(at)) for _, at, _ in found if at is not None]
    units = tuple(str(code) for _, _, code in found if code is not None)
    if any(whole == _WHOLE_TABLE for whole, _, _ in found):
        yield _twice(table, "すべての行が二つずつあります")
    elif months:
        yield _twice(table, f"{months_text(months)} は、すべての行が二つずつあります", months=tuple(map(str, months)))
    elif units:
        yield _twice(table, f"{codes_text(units, names)} は、すべての行が二つずつあります", units=units)


def _twice(table: str, sentence: str, *, months: tuple[str, ...] = (), units: tuple[str, ...] = ()) -> Finding:
    return Finding(
        severity="stop", kind="duplicate", table=table, place=load_schema().table(table).title, units=units, months=months,
        sentence=f"{sentence}（同じ出力を続けて貼り付けていませんか）。数が2倍になります", remedy="重なった行を取り除いてから、もう一度確かめてください",
    )  # fmt: skip

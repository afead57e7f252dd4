"""What became of a damaged copy: refused, same, quarantined, flagged, indistinguishable - or silent, or a crash."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import duckdb
from fuzz_base import base_book, base_tables

from kdx_eval.errors import KdxError
from kdx_eval.load import Dataset, answerable, inspect_quality, load_dataset

Outcome: TypeAlias = Literal["same", "refused", "quarantined", "flagged", "indistinguishable", "silent", "crash"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
# These columns are said nowhere else in the delivery: no total, no second file, no grid that would show a hole, so a value that is valid
# by itself cannot be told from the original. Every other column is held twice, and a change there must be noticed. (The number of somebody
# whom another file mentions is held twice too: there the reference fails, and the row is refused.)
SAID_ONCE: Mapping[str, frozenset[str]] = {
    "departments": frozenset({"department_name", "division", "department_type"}),
    "courses": frozenset({"course_name", "provider", "delivery", "hours", "compulsory"}),
    "staff": frozenset({"staff_id", "grade", "hired_on", "department_id"}),
    "assignments": frozenset({"staff_id", "department_id"}),  # derived from the roster
    "training": frozenset({"staff_id", "course_id", "enrolled_on", "completed_on", "status", "hours"}),
    "workload": frozenset({"measure_basis"}),
    "costs": frozenset({"fiscal_year", "stage", "account", "section", "detail", "funding", "course_id"}),
}
# An id that is another valid word in its own list, and that every other table follows, is the same delivery with another label.
IDS = (("courses", "course_id", "研修番号"), ("departments", "department_id", "所属コード"), ("processes", "process_id", "業務コード"))
# A list that ends earlier is another valid list, where no total, grid or other table counts its rows; its beginning and middle are numbered.
OPEN_LISTS = frozenset({"training", "costs"})
ANYTHING = (Exception,)  # whatever a damaged copy makes the loader raise is the finding, not an accident of the harness
_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
_Table: TypeAlias = Counter[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A delivery as it was read: rows of each table, lines of rejected.csv, and everything that is said about it."""

    columns: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, _Table]
    rejected: frozenset[tuple[str, ...]]
    dataset: Dataset

    @cached_property
    def said(self) -> frozenset[str]:
        """What is said of it; asked for only where the tables do not tell."""
        return frozenset(flags(self.dataset))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one copy and, where it is a fault of the loader, what happened."""

    outcome: Outcome
    detail: str = ""


def flags(dataset: Dataset) -> list[str]:
    """Everything the tool says about the quality of a delivery, one sentence each."""
    said = [f"{file.file} {file.sheet} {note}" for file in dataset.report.files for note in file.notes]
    said += [f"{file.file} {file.sheet} 表: {file.table}" for file in dataset.report.files]
    said += [f"一覧がなく、ほかの表から作った表: {table}" for table in dataset.report.derived]
    said += [answer.sentence for answer in answerable(dataset)]
    return said + [repr(finding) for finding in inspect_quality(dataset).findings]


def load(folder: Path, cache_dir: Path) -> Loaded:
    """Read ``folder`` and keep what can be compared."""
    dataset = load_dataset(folder, cache_dir=cache_dir)
    report = dataset.report
    if report.rows_accepted + report.rows_rejected != report.rows_read:
        raise AssertionError("accepted + rejected != read")
    columns, tables = {}, {}
    for table, path in dataset.tables.items():
        found = _reader().execute(f"SELECT * FROM read_parquet('{path.as_posix()}')")
        columns[table] = tuple(column[0] for column in found.description)
        tables[table] = Counter(found.fetchall())
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        rejected = frozenset(tuple(row) for row in csv.reader(stream)) - {("file", "sheet", "row", "column", "rule", "reason", "hint")}
    return Loaded(columns=columns, tables=tables, rejected=rejected, dataset=dataset)


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    """One database for all comparisons of a process: to start one takes longer than to read a copy."""
    return duckdb.connect()


def judge(folder: Path, cache_dir: Path, original: Loaded) -> Verdict:
    """Load the damaged copy in ``folder`` and compare it with the original."""
    try:
        found = load(folder, cache_dir)
    except KdxError as error:
        if not _JAPANESE.search(error.message):
            return Verdict("crash", "a message without Japanese")
        leaked = next((value for value in _personal_values() if value in error.message), None)
        return Verdict("crash", "a cell's value in a message") if leaked else Verdict("refused")
    except ANYTHING as error:
        return Verdict("crash", f"{type(error).__name__}: {str(error)[:160]}")
    if found.tables == original.tables:
        return Verdict("same")
    lost = {table: rows - found.tables.get(table, Counter()) for table, rows in original.tables.items()}
    gained = {table: rows - original.tables.get(table, Counter()) for table, rows in found.tables.items()}
    refused = found.rejected - original.rejected
    if refused and not any(gained.values()) and sum(rows.total() for rows in lost.values()) <= len({row[:3] for row in refused}):
        return Verdict("quarantined")
    try:
        if refused or found.said - original.said:
            return Verdict("flagged")
    except ANYTHING as error:
        return Verdict("crash", f"the quality report: {type(error).__name__}: {str(error)[:160]}")
    return _unseen(found, original.tables, lost=lost, gained=gained)


def _unseen(found: Loaded, original_tables: Mapping[str, _Table], *, lost: Mapping[str, _Table], gained: Mapping[str, _Table]) -> Verdict:
    """A change nobody spoke of: cells of columns said once, all else being equal, or a silent change."""
    changes, allowed = [], True
    for table in sorted({*lost, *gained}):
        old, new = lost.get(table, Counter()), gained.get(table, Counter())
        if not old and not new:
            continue
        names = found.columns.get(table, ())
        differing = [name for index, name in enumerate(names) if _part(old, {index}) != _part(new, {index})]
        fixed = {index for index, name in enumerate(names) if name not in SAID_ONCE.get(table, ())}
        allowed_here = bool(names) and _part(old, fixed) == _part(new, fixed)
        gone = {index for index, name in enumerate(names) if name in differing and all(row[index] is None for row in found.tables[table])}
        if gone and old.total() == new.total() and _part(old, set(range(len(names))) - gone) == _part(new, set(range(len(names))) - gone):
            # An optional column that a file does not have is a column that this city does not keep.
            allowed_here, differing = True, [f"{name} (no such column in the file)" for name in differing]
        allowed = allowed and allowed_here
        changes.append(f"{table}: {', '.join(differing)}, {'one row' if new.total() == 1 else f'{old.total()} rows lost, {new.total()} gained'}")
    detail = "; ".join(changes)
    if allowed:
        return Verdict("indistinguishable", detail)
    for table, key, heads in IDS:
        renamed = _new_labels(lost.get(table, Counter()), gained.get(table, Counter()), columns=found.columns.get(table, ()), key=key)
        others = {*lost, *gained} - {table}
        if renamed and all(_renamed(lost.get(one, Counter()), renamed) == _renamed(gained.get(one, Counter()), renamed) for one in others):
            return Verdict("indistinguishable", f"{table}: an id is written otherwise and all tables follow ({heads})")
    if {table for table in lost if lost[table]} == {"worktime"} and _people(lost["worktime"]) == _people(gained["worktime"]):
        return Verdict("indistinguishable", "worktime: all staff numbers are written otherwise, and no list of staff was delivered")
    if {table for table in lost if lost[table]} == {"worktime"} and _exchanged(lost["worktime"], gained["worktime"]):
        return Verdict("indistinguishable", "worktime: two departments of the cross-tab exchanged their names")
    if list(found.tables) == list(original_tables) and not any(gained.values()) and {table for table, rows in lost.items() if rows} <= OPEN_LISTS:
        return Verdict("indistinguishable", f"{detail.split(':')[0]}: the end of a list without a total is missing")
    return Verdict("silent", detail)


def _new_labels(lost: _Table, gained: _Table, *, columns: tuple[str, ...], key: str) -> dict[object, object]:
    """Old id -> new id, where rows differ in nothing but their id and name; nothing where that cannot be told."""
    label = {index for index, column in enumerate(columns) if column in {key, key.replace("_id", "_name")}}
    rest = {index for index in range(len(columns)) if index not in label}
    old, new = ({next(iter(_part(Counter([row]), rest))): row for row in rows} for rows in (lost, gained))
    if not lost or len(old) != lost.total() or old.keys() != new.keys():
        return {}
    return {row[columns.index(key)]: new[others][columns.index(key)] for others, row in old.items()}


def _people(rows: _Table) -> Counter[frozenset[tuple[object, ...]]]:
    """What is said of each person, whoever it is."""
    by_person: dict[object, set[tuple[object, ...]]] = {}
    for row in rows:
        by_person.setdefault(row[0], set()).add(row[1:])
    return Counter(map(frozenset, by_person.values()))


def _exchanged(lost: _Table, gained: _Table) -> bool:
    """Whether the new rows are the old ones with the names of two units exchanged."""
    index = 1  # department_id
    names = sorted({str(row[index]) for row in lost})
    return len(names) == 2 and _renamed(lost, dict(zip(names, reversed(names), strict=True))) == gained


def _renamed(rows: _Table, names: Mapping[object, object]) -> _Table:
    """The rows with some values replaced."""
    part: _Table = Counter()
    for row, count in rows.items():
        part[tuple(names.get(value, value) for value in row)] += count
    return part


def _part(rows: _Table, columns: set[int]) -> _Table:
    """The rows cut down to some columns."""
    part: _Table = Counter()
    for row, count in rows.items():
        part[tuple(value for index, value in enumerate(row) if index in columns)] += count
    return part


@cache
def _personal_values() -> tuple[str, ...]:
    """Cell values that no message may repeat: names, kana, numbers of staff."""
    found: set[str] = set()
    for table in base_tables():
        for index, heading in enumerate(table.rows[0]):
            if heading in {"氏名", "カナ", "職員番号"}:
                found |= {row[index] for row in table.rows[1:] if row[index] and row[index] != "合計"}
    numbers = {str(cell) for grid in base_book().sheets.values() for row in grid for cell in row[-1:] if isinstance(cell, int)}
    return tuple(sorted(found | numbers))

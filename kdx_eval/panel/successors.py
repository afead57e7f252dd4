"""Departments that were renamed, merged or split: joined into units that stay the same over time.

Renamed (A -> C): one unit throughout. Merged (A, B -> C): A and B together before, C after. Split (A -> B; C): A before, B and C together
after. Whatever can be reached over successors is one unit, so that its outcome is the same work before and after.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import DataError
from kdx_eval.panel.cells import OutcomeCells
from kdx_eval.panel.tables import Tables, column
from kdx_eval.units import Month, wareki_date

if TYPE_CHECKING:
    import duckdb

_SEPARATORS = re.compile(r"[;；,，、\n]+")
JOIN = "＋"
Days = tuple[dt.date | None, dt.date | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A row of the list of departments: its successors and the days on which it existed (None: not written)."""

    department_id: str
    name: str
    successors: tuple[str, ...] = ()
    valid: Days = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedUnit:
    """Departments that are one unit.

    Attributes
    ----------
    unit : str
        Its label: the department that exists last, several joined by ``＋``.
    name : str
        ``新名称（旧: 旧名称）``.
    members : tuple of str
        Department ids, sorted.
    since : tuple of date
        The days of the changes, as far as known.
    """

    unit: str
    name: str
    members: tuple[str, ...]
    since: tuple[dt.date, ...]

    @property
    def sentence(self) -> str:
        """One Japanese sentence for the gap report."""
        days = "、".join(wareki_date(day) for day in self.since)
        return f"{self.name}は機構改革の前後を一つの単位として通して数えました（{f'{days}の変更' if days else '変更の日は書かれていません'}）。"


@dataclass(frozen=True, slots=True, kw_only=True)
class StableUnits:
    """Which departments are one unit in a window; departments not named stand for themselves.

    Attributes
    ----------
    joined : tuple of JoinedUnit
    departments : mapping of department_id to Department
    unit : mapping of department_id to str
        Unit by department, of the joined ones.
    """

    joined: tuple[JoinedUnit, ...] = ()
    departments: Mapping[str, Department] = field(default_factory=dict)
    unit: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", {member: one.unit for one in self.joined for member in one.members})

    @property
    def names(self) -> dict[str, str]:
        """Names to show by unit."""
        return {number: row.name for number, row in self.departments.items()} | {one.unit: one.name for one in self.joined}

    def of(self, department: str) -> str:
        """The unit of a department."""
        return self.unit.get(department, department)

    def existed(self, department: str, months: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Months throughout which a department existed; all of them where its days are not written."""
        return _existed(self.departments.get(department) or _unlisted(department), months, seen=np.ones(len(months), dtype=bool))


def read_departments(connection: duckdb.DuckDBPyConnection, tables: Tables) -> dict[str, Department]:
    """The list of departments by id, successors found by id or by name; empty without a list."""
    if not tables.has("departments"):
        return {}
    named, successor = (column(tables, "departments", name=name, kind="VARCHAR") for name in ("department_name", "successor_id"))
    begin, end = (column(tables, "departments", name=name, kind="DATE") for name in ("valid_from", "valid_to"))
    rows = connection.execute(
        f"""SELECT department_id, coalesce({named}, department_id), {successor}, {begin}, {end} FROM departments
            WHERE department_id IS NOT NULL ORDER BY ALL"""
    ).fetchall()
    by_name = {str(row[1]): str(row[0]) for row in rows}
    ids = {str(row[0]) for row in rows}
    found: dict[str, Department] = {}
    for number, name, written, first, last in rows:
        words = [word.strip() for word in _SEPARATORS.split(written or "") if word.strip()]
        named_here = [word if word in ids else by_name.get(word, word) for word in words]
        successors = tuple(dict.fromkeys(word for word in named_here if word != number))
        found[number] = Department(department_id=number, name=name, successors=successors, valid=(first, last))
    return found


def stable_units(departments: Mapping[str, Department], *, first: dt.date, last: dt.date) -> StableUnits:
    """Join departments over the changes that took effect after ``first`` and not after ``last``; changes without a date count.

    Raises
    ------
    DataError
        Successors go round in a circle; the message names the departments.
    """
    links: dict[str, tuple[str, ...]] = {}
    days: dict[str, dt.date | None] = {}
    for row in departments.values():
        changed = _changed_on(row, departments)
        if row.successors and (changed is None or first < changed <= last):
            links[row.department_id], days[row.department_id] = row.successors, changed
    _refuse_circles(links, departments)
    return StableUnits(joined=tuple(_joined(group, links, days=days, departments=departments) for group in _groups(links)), departments=departments)


def _changed_on(row: Department, departments: Mapping[str, Department]) -> dt.date | None:
    """The day after the last of the predecessor, else the first of a successor."""
    if row.valid[1] is not None:
        return row.valid[1] + dt.timedelta(days=1)
    starts = [departments[name].valid[0] for name in row.successors if name in departments]
    return min((start for start in starts if start is not None), default=None)


def _refuse_circles(links: Mapping[str, Sequence[str]], departments: Mapping[str, Department]) -> None:
    finished: set[str] = set()
    for start in links:
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                finished.add(path.pop())
            elif name in path:
                circle = " → ".join(departments[one].name if one in departments else one for one in (*path[path.index(name) :], name))
                raise DataError(
                    f"後継所属をたどると元の所属に戻ります（{circle}）",
                    place="departments（所属）の後継所属コード",
                    hint="いちばん新しい所属の後継所属コードを空欄にしてください",
                )
            elif name not in finished:
                path.append(name)
                stack.append((name, True))
                stack += [(following, False) for following in links.get(name, ())]


def _groups(links: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Connected departments, by union and find."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for name, successors in links.items():
        for successor in successors:
            parent[root(name)] = root(successor)
    groups: dict[str, list[str]] = {}
    for name in sorted(parent):
        groups.setdefault(root(name), []).append(name)
    return sorted(tuple(group) for group in groups.values())


def _joined(
    group: tuple[str, ...], links: Mapping[str, Sequence[str]], *, days: Mapping[str, dt.date | None], departments: Mapping[str, Department]
) -> JoinedUnit:
    def shown(names: Iterable[str], between: str) -> str:
        return between.join(departments[name].name if name in departments else name for name in names)

    new = tuple(name for name in group if name not in links)
    old = tuple(name for name in group if name in links)
    since = sorted({day for name in old if (day := days[name]) is not None})
    return JoinedUnit(unit=JOIN.join(new), name=f"{shown(new, JOIN)}（旧: {shown(old, '、')}）", members=group, since=tuple(since))


def join_cells(cells: OutcomeCells, units: StableUnits, *, additive: bool) -> OutcomeCells:
    """The outcome by stable unit: the sum over the departments that existed, missing where one of them has no value.

    Parameters
    ----------
    additive : bool
        False for shares and means, which cannot be added: months with more than one department are then missing.
    """
    places: dict[str, list[int]] = {}
    labels = [_label(str(unit), home, units) for unit, home in zip(cells.units, cells.department, strict=True)]
    for row, label in enumerate(labels):
        places.setdefault(label, []).append(row)
    order = sorted(places)
    if len(order) == len(labels) and labels == list(cells.units):
        return cells
    first = [places[label][0] for label in order]
    matrix, blank = cells.matrix[first].copy(), cells.blank[first].copy()
    whole = {one.unit: one.members for one in units.joined}
    for at, label in enumerate(order):
        home = units.of(str(cells.department[first[at]]))
        if home in whole:
            rows = {str(cells.department[row]): row for row in places[label]}
            # A process need not be done by every member; a department that should report must.
            expected = whole[home] if label == home else tuple(rows)
            matrix[at] = _sum(cells, rows, expected=[units.departments.get(name) or _unlisted(name) for name in expected], additive=additive)
            blank[at] = cells.blank[places[label]].any(axis=0) & np.isnan(matrix[at])
    return replace(
        cells,
        matrix=matrix,
        blank=blank,
        units=np.array(order, dtype=object),
        department=np.array([units.of(str(cells.department[row])) for row in first], dtype=object),
    )


def _label(unit: str, home: object, units: StableUnits) -> str:
    """A unit is a department, or a process behind its department: ``A/p1``."""
    return unit if home is None else units.of(str(home)) + unit.removeprefix(str(home))


def _unlisted(name: str) -> Department:
    return Department(department_id=name, name=name)


def _sum(cells: OutcomeCells, rows: Mapping[str, int], *, expected: Sequence[Department], additive: bool) -> npt.NDArray[np.float64]:
    parts = np.array([cells.matrix[rows[one.department_id]] if one.department_id in rows else np.full(len(cells.months), np.nan) for one in expected])
    seen = ~np.isnan(parts)
    absent = np.array([_existed(one, cells.months, seen=seen[at]) for at, one in enumerate(expected)]) & ~seen
    unknown = absent.any(axis=0) | ~seen.any(axis=0) | (False if additive else seen.sum(axis=0) > 1)
    return np.asarray(np.where(unknown, np.nan, np.nansum(parts, axis=0)))


def _existed(one: Department, months: npt.NDArray[np.int64], *, seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Months throughout which a department existed, by its days; without any, from its first to its last value."""
    begin, end = one.valid
    if begin is None and end is None:
        found = np.flatnonzero(seen)
        inside = np.zeros(len(months), dtype=bool)
        inside[found.min(initial=len(months)) : found.max(initial=-1) + 1] = True
        return inside
    edges = [Month(int(month)).first_day for month in (*months, months[-1] + 1)]
    whole = [(begin is None or begin <= first) and (end is None or end + dt.timedelta(days=1) >= after) for first, after in pairwise(edges)]
    return np.array(whole, dtype=bool)

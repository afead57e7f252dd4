"""Where there are values and where not: complete, zero, missing and not collected are four different things."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from kdx_eval.load.quality.directory import Department
from kdx_eval.load.quality.series import UNKNOWN, Series
from kdx_eval.load.quality.types import STATES, Finding, Grid
from kdx_eval.load.quality.wording import codes_text, months_text
from kdx_eval.schema import load_schema
from kdx_eval.units import Month

_COMPLETE, _ZERO, _MISSING, _NOT_COLLECTED = range(len(STATES))
_WORK = frozenset({"worktime", "workload"})
_FEW = 0.5  # a table of less than half the departments was not asked of all


def grid_of(series: Series, departments: Mapping[str, Department]) -> Grid:
    """The states of one measure by department and month; of a yearly count only the months in which it is due."""
    summed = series.by_department()
    units = [str(unit) for unit in summed.parts]
    due = _due(summed)
    summed = replace(summed, months=summed.months[due], values=summed.values[:, due], n_rows=summed.n_rows[:, due], n_values=summed.n_values[:, due])
    collected = summed.n_rows.any(axis=0)
    states = np.where(summed.n_values == 0, _MISSING, np.where(summed.values == 0, _ZERO, _COMPLETE)).astype(np.int8)
    states[:, ~collected] = _NOT_COLLECTED
    for row, unit in enumerate(units):
        known = departments.get(unit)
        if known is not None:
            gone = np.array([not known.existed(int(month)) for month in summed.months]) & (summed.n_rows[row] == 0)
            states[row, gone] = _NOT_COLLECTED
    return Grid(
        table=series.table, measure=series.measure, title=series.place, units=tuple(units),
        names=tuple(series.names.get(unit, unit) for unit in units),
        months=tuple(Month(int(month)) for month in summed.months), states=states,
        partly_blank=int(np.count_nonzero((summed.n_values > 0) & (summed.n_values < summed.n_rows))),
    )  # fmt: skip


def _due(series: Series) -> npt.NDArray[np.int64]:
    """Columns of the months that belong to the series: all, unless it is only ever collected so many months apart."""
    seen = np.flatnonzero(series.n_rows.any(axis=0))
    step = step_of([series.month(int(at)) for at in seen])
    regular = bool(len(seen)) and bool(np.all((seen - seen[0]) % step == 0))
    return np.arange(seen[0], seen[-1] + 1, step) if regular and step > 1 else np.arange(len(series.months))


def step_of(months: Sequence[Month]) -> int:
    """How many months apart the collection is: 1 monthly, 12 for a yearly count (人員 on 1 April)."""
    gaps = Counter(later - earlier for earlier, later in pairwise(months))
    return min(gaps, key=lambda gap: (-gaps[gap], gap)) if gaps else 1


def find_gaps(grids: Sequence[Grid], departments: Mapping[str, Department]) -> Iterator[Finding]:
    """Whole months missing, departments that stop, start or pause, and departments of the list without a row.

    Measures of one table that miss the same cells are told once.
    """
    alike: dict[tuple[str, tuple[str, ...], bytes], list[Grid]] = defaultdict(list)
    for grid in grids:
        alike[grid.table, grid.units, (grid.states >= _MISSING).tobytes()].append(grid)
    for same in alike.values():
        place = same[0].title if len(same) == 1 else f"{same[0].title}ほか{len(same) - 1}列"
        yield from _whole_months(same[0], place)
        yield from _departments_with_gaps(same[0], place)
    for table in dict.fromkeys(grid.table for grid in grids):
        yield from _absent([grid for grid in grids if grid.table == table], departments)
    for grid in grids:
        yield from _nothing_but_zeros(grid)
        if grid.partly_blank:
            yield Finding(
                severity="note", kind="gap", table=grid.table, column=grid.measure, place=grid.title,
                sentence=f"{grid.partly_blank:,} か所（所属と月）で、一部の行だけが空欄です。合計はその分だけ小さくなります",
                remedy="空欄が「0」の意味なら 0 を、分からないなら空欄のままにしてください",
            )  # fmt: skip


def _whole_months(grid: Grid, place: str) -> Iterator[Finding]:
    seen = _collected(grid)
    step = step_of(seen)
    expected = [seen[0] + step * k for k in range((seen[-1] - seen[0]) // step + 1)] if seen else []
    lost = sorted(set(expected) - set(seen))
    if lost:
        yield Finding(
            severity="stop", kind="gap", table=grid.table, column=grid.measure, place=place, months=tuple(map(str, lost)),
            sentence=f"{months_text(lost, step=step)} は、どの所属にも行がありません（月のファイルの入れ忘れではありませんか）",
            remedy="その月のファイルを加えてください。集めていない月なら、このままでかまいません",
        )  # fmt: skip


def _collected(grid: Grid) -> list[Month]:
    return [month for month, column in zip(grid.months, grid.states.T, strict=True) if (column != _NOT_COLLECTED).any()]


def _departments_with_gaps(grid: Grid, place: str) -> Iterator[Finding]:
    """Departments missing in the same months are one finding."""
    together: dict[tuple[Month, ...], list[str]] = defaultdict(list)
    for unit, row in zip(grid.units, grid.states, strict=True):
        lost = tuple(month for month, state in zip(grid.months, row, strict=True) if state == _MISSING)
        if lost and unit != UNKNOWN:
            together[lost].append(unit)
    seen = _collected(grid)
    names = dict(zip(grid.units, grid.names, strict=True))
    for lost, units in sorted(together.items(), key=lambda item: (-len(item[0]) * len(item[1]), item[1])):
        yield Finding(
            severity="ask", kind="gap", table=grid.table, column=grid.measure, place=place, units=tuple(units), months=tuple(map(str, lost)),
            sentence=f"{codes_text(units, names)} は {months_text(lost, step=step_of(seen))} の値がありません{_how(lost, seen)}",
            remedy="その所属に確かめてください。廃止・新設・統合なら、所属の一覧に開始日・終了日・後継の所属を書いてください",
        )  # fmt: skip


def _nothing_but_zeros(grid: Grid) -> Iterator[Finding]:
    """Departments with zeros only, in tables of work, where a zero often stands for a value nobody collected."""
    valued = np.isin(grid.states, (_COMPLETE, _ZERO))
    empty = tuple(grid.units[row] for row in np.flatnonzero(valued.any(axis=1) & ~(grid.states == _COMPLETE).any(axis=1)))
    if grid.table in _WORK and 0 < len(empty) < len(grid.units):
        called = codes_text(empty, dict(zip(grid.units, grid.names, strict=True)))
        yield Finding(
            severity="note", kind="gap", table=grid.table, column=grid.measure, place=grid.title, units=empty,
            sentence=f"{called} は、値がすべて 0 です（集めていない所を 0 で埋めていませんか）", remedy="集めていないのなら、0 ではなく空欄にしてください",
        )  # fmt: skip


def _how(lost: Sequence[Month], seen: Sequence[Month]) -> str:
    if tuple(lost) == tuple(seen):
        return "（行はありますが、すべて空欄です）"
    if tuple(lost) == tuple(seen[: len(lost)]):
        return "（途中から始まっています）"
    return "（途中で終わっています）" if tuple(lost) == tuple(seen[-len(lost) :]) else ""


def _absent(grids: Sequence[Grid], departments: Mapping[str, Department]) -> Iterator[Finding]:
    """Departments of the list without any row in a table."""
    months = {month.index for grid in grids for month in grid.months}
    expected = {one.code for one in departments.values() if any(one.existed(month) for month in months)}
    absent = tuple(sorted(expected - {unit for grid in grids for unit in grid.units}))
    if absent:
        few = len(absent) > _FEW * len(expected)
        called = codes_text(absent, {one.code: one.name for one in departments.values()})
        yield Finding(
            severity="note" if few else "ask", kind="gap", table=grids[0].table, place=load_schema().table(grids[0].table).title, units=absent,
            sentence=f"所属の一覧にある {len(expected):,} 所属のうち {len(absent):,} 所属（{called}）は、この表に1行もありません",
            remedy="集めていないのか、別の名前・コードで入っているのかを確かめてください",
        )  # fmt: skip

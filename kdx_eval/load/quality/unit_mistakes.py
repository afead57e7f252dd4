"""Months of a department that stand many times above or below its other months: hours and minutes, yen and thousands, shares and per cent.

The rule. Logarithms of the positive monthly values; from each, the unit's own level is taken (the median of the months around its lower
median, so that a series half in minutes still has its level inside one half), and the middle of all units in that month, which removes
seasons. A run of months is suspected when what remains is beyond ``EXTREME`` and all of these hold:

- the unit's level is not tiny (``_FLOORS``), since ratios of small numbers mean nothing;
- the run of such months begins and ends abruptly (``_ABRUPT``): a new tool that spreads grows a hundredfold too, but not from one month to the next;
- what moves with it does not move alike (``companion``: cases with minutes, pay with overtime): an election month is busy in both;
- it does not return every year in the same months (``_ALIKE``): a tax division's overtime in February is a season.

Why 25: natural peaks of departments lie below about 5 (overtime in April and March 2.4 times an average month), and the smallest common
mistake is 60. What the units have in common is taken from those within ``_CITYWIDE`` of their level only, or a month that most departments
sent in minutes would hide itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from kdx_eval.load.quality.series import Series
from kdx_eval.load.quality.types import Finding, FloatMatrix
from kdx_eval.load.quality.wording import months_text, times_text

EXTREME = float(np.log(25.0))
_IN_RUN = float(np.log(12.0))  # a run does not break where noise brings one month below EXTREME
_ABRUPT = float(np.log(10.0))
_ALIKE = float(np.log(3.0))
_CITYWIDE = float(np.log(8.0))
_NEAR = float(np.log(2.2))  # a factor is recognised with seasons and noise on it
_LEAST_MONTHS = 6
_LEAST_UNITS = 3
_SEVERAL = 3  # that many departments do not have the same extraordinary month
_MOST_PER_PERSON = {"hours": 200.0, "minutes": 44_640.0}  # overtime beyond any month on record; all minutes of a month of 31 days
_FLOORS: Mapping[str, float] = {"hours": 3.0, "minutes": 180.0, "yen": 5_000.0, "割合": 0.02}
_FLOOR = 5.0  # cases, uses
_SCALES: Mapping[str, tuple[tuple[float, str], ...]] = {
    "hours": ((60.0, "時間と分"), (1000.0, "桁")), "minutes": ((60.0, "分と時間"), (1000.0, "桁")),
    "yen": ((1000.0, "円と千円"), (10_000.0, "円と万円"), (1_000_000.0, "円と百万円")), "割合": ((100.0, "割合と百分率（％）"),),
}  # fmt: skip
_OTHER_SCALES = ((100.0, "桁"), (1000.0, "桁"), (10_000.0, "桁"))

_HEADINGS: Mapping[tuple[str, float], str] = {
    ("hours", 60.0): "分", ("minutes", round(1 / 60, 9)): "時間", ("yen", 1e-3): "千円", ("yen", 1e-4): "万円", ("yen", 1e-6): "百万円",
}  # fmt: skip


def find_unit_mistakes(series: Series, heads: Mapping[str, float], *, companion: Series | None = None) -> Iterator[Finding]:
    """Suspected unit mistakes in some months of some units; units that are off in the same months by the same factor are one finding.

    Parameters
    ----------
    heads : mapping
        People by department, where known: a month that no human could have worked is no question but a mistake.
    companion : Series
        Another measure of the same table that rises and falls with this one.
    """
    if series.unit == "persons":
        return
    units = series.by_unit()
    together: dict[tuple[float, tuple[int, ...]], list[int]] = defaultdict(list)
    for row, runs in suspected(units, None if companion is None else companion.by_unit()).items():
        for factor, columns in _by_factor(runs, unit=series.unit).items():
            together[factor, columns].append(row)
    for (factor, columns), members in sorted(together.items(), key=lambda item: (-len(item[0][1]) * len(item[1]), item[0])):
        yield _finding(units, members, factor=factor, columns=columns, heads=heads)


def suspected(series: Series, companion: Series | None = None) -> dict[int, dict[int, float]]:
    """Row -> column -> log of how many times too large, for the months that the rule in this module's docstring suspects."""
    deviation, level = _deviation(series.values)
    other = np.full(deviation.shape, np.inf) if companion is None else _deviation(companion.values)[0]
    alike = np.abs(np.nan_to_num(deviation - other, nan=np.inf)) <= _ALIKE
    floor = np.log(_FLOORS.get(series.unit, _FLOOR))
    found: dict[int, dict[int, float]] = {}
    for sign, least in ((1.0, floor), (-1.0, floor + np.log(10.0))):
        away = np.nan_to_num(sign * deviation)
        for row in np.flatnonzero((away >= EXTREME).any(axis=1) & (np.nan_to_num(level, nan=-np.inf) >= least)):
            runs = [run for run in _runs(away[row] >= _IN_RUN, deviation[row]) if np.median(away[row, run]) >= EXTREME and _is_abrupt(run, deviation[row])]
            kept = [at for run in runs for at in run if not alike[row, at] and not _is_seasonal(at, deviation[row])]
            if kept:
                found.setdefault(int(row), {}).update({at: float(deviation[row, at]) for at in kept})
    return found


def _deviation(values: FloatMatrix) -> tuple[FloatMatrix, npt.NDArray[np.float64]]:
    """(N, T) logarithms beyond the unit's level and what all units have in common in a month, NaN without a positive value; (N,) levels."""
    logs = np.full(values.shape, np.nan)
    np.log(values, out=logs, where=values > 0)
    centred = logs - _level(logs)[:, None]
    common = np.zeros(values.shape[1])
    for column, month in enumerate(centred.T):
        near = month[np.abs(np.nan_to_num(month, nan=np.inf)) < _CITYWIDE]
        if len(near) >= _LEAST_UNITS:
            common[column] = np.median(near)
    adjusted = logs - common
    level = _level(adjusted)
    return adjusted - level[:, None], level


def _level(logs: FloatMatrix) -> npt.NDArray[np.float64]:
    """(N,) level of each row: the median of its months around the lower median; NaN for rows with too few values."""
    counts = (~np.isnan(logs)).sum(axis=1)
    anchor = np.sort(logs, axis=1)[np.arange(len(logs)), np.maximum(counts - 1, 0) // 2]  # NaN are sorted last
    enough = counts >= _LEAST_MONTHS
    level = np.full(len(logs), np.nan)
    near = np.where(np.abs(logs - anchor[:, None]) < _CITYWIDE, logs, np.nan)
    level[enough] = np.nanmedian(near[enough], axis=1)
    return level


def _runs(marked: npt.NDArray[np.bool_], deviation: FloatMatrix) -> list[list[int]]:
    """Columns marked one after the other; columns without a value do not interrupt."""
    runs: list[list[int]] = [[]]
    for at in np.flatnonzero(~np.isnan(deviation)):
        if marked[at]:
            runs[-1].append(int(at))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _is_abrupt(run: Sequence[int], deviation: FloatMatrix) -> bool:
    present = np.flatnonzero(~np.isnan(deviation))
    before, after = present[present < run[0]], present[present > run[-1]]
    steps = [abs(deviation[run[0]] - deviation[before[-1]])] if len(before) else []
    steps += [abs(deviation[run[-1]] - deviation[after[0]])] if len(after) else []
    return all(step >= _ABRUPT for step in steps)


def _is_seasonal(at: int, deviation: FloatMatrix) -> bool:
    others = [deviation[k] for k in range(at % 12, len(deviation), 12) if k != at and not np.isnan(deviation[k])]
    return bool(others) and all(abs(other - deviation[at]) <= _ALIKE for other in others)


def _by_factor(months: Mapping[int, float], *, unit: str) -> dict[float, tuple[int, ...]]:
    """Recognised factor (or the observed ratio, when it is none that is known) -> columns."""
    grouped: dict[float, list[int]] = defaultdict(list)
    unknown: list[int] = []
    for at, log_ratio in months.items():
        near = [(abs(abs(log_ratio) - np.log(size)), size) for size, _ in _SCALES.get(unit, _OTHER_SCALES)]
        distance, size = min(near)
        if distance <= _NEAR:
            grouped[size if log_ratio > 0 else 1 / size].append(at)
        else:
            unknown.append(at)
    if unknown:
        grouped[_round(float(np.exp(np.median([months[at] for at in unknown]))))] += unknown
    return {factor: tuple(sorted(columns)) for factor, columns in grouped.items()}


def _round(ratio: float) -> float:
    return float(f"{ratio:.1g}")


def _finding(series: Series, members: Sequence[int], *, factor: float, columns: tuple[int, ...], heads: Mapping[str, float]) -> Finding:
    codes = tuple(sorted({str(series.parts[row]) for row in members}))
    months = [series.month(at) for at in columns]
    mixed = next((words for size, words in _SCALES.get(series.unit, _OTHER_SCALES) if size in {factor, round(1 / factor)} and words != "桁"), "")
    impossible = factor > 1 and any(_per_person(series, row, columns, heads) > _MOST_PER_PERSON.get(series.unit, np.inf) for row in members)
    certain = bool(mixed) and (impossible or len(members) >= _SEVERAL)
    who = "すべての" + ("業務" if series.table == "workload" else "所属") if len(members) == len(series.parts) else series.called(codes)
    why = f"{mixed}の取り違えではありませんか" if mixed else "桁や単位が違っていませんか"
    more = "（一人あたりにすると、1か月に働ける時間を超えます）" if impossible else ""
    real = () if certain else ("選挙・災害などで実際にそうだった月なら、このままでかまいません",)
    return Finding(
        severity="stop" if certain else "ask", kind="unit", table=series.table, column=series.measure, place=series.place, units=codes,
        months=tuple(map(str, months)), factor=factor,
        sentence=f"{who} の {months_text(months)} は、ほかの月の約{times_text(factor)}です。{why}{more}",
        remedy="。".join((mend_text(series.unit, factor, title=series.title), *real)),
    )  # fmt: skip


def _per_person(series: Series, row: int, columns: Sequence[int], heads: Mapping[str, float]) -> float:
    people = heads.get(str(series.departments[row]))
    return float(np.nanmedian(series.values[row, list(columns)])) / people if people else 0.0


def mend_text(unit: str, factor: float, *, title: str) -> str:
    """How to mend values that are ``factor`` times too large: by a heading that names their unit, where the reader knows it."""
    written = _HEADINGS.get((unit, round(factor, 9)))
    if written:
        heading = f"{title.partition('（')[0]}（{written}）"
        return f"その部分を別のシートかファイルに分けて見出しを「{heading}」とすれば、読むときに直します。または単位をそろえて出し直してください"
    if unit == "割合":
        return "0.35 か 35% のように、書き方をそろえて出し直してください"
    return "元の帳票と見比べ、単位をそろえて出し直してください"

"""Series that jump to another level and stay: a question about reorganisation or definition, not an error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kdx_eval.load.quality.series import Series
from kdx_eval.load.quality.types import Finding, FloatMatrix
from kdx_eval.load.quality.unit_mistakes import EXTREME
from kdx_eval.load.quality.wording import times_text

_TABLES = frozenset({"worktime", "workload"})
_LARGE = float(np.log(3.0))
_STEP = float(np.log(2.0))  # from the last three months before to the first three after
_SIDE = 6  # months on each side
_STEADY = 0.9  # of the months on each side lie on their side of the middle
_FLOOR = 10.0


def find_shifts(series: Series) -> Iterator[Finding]:
    """Departments whose level changes more than threefold from one month on and stays; unit mistakes are far larger."""
    if series.table not in _TABLES:
        return
    summed = series.by_department()
    for row, values in enumerate(summed.values):
        found = shift_of(values)
        if found is not None:
            at, ratio = found
            month, code = summed.month(at), str(summed.parts[row])
            times = times_text(ratio) if ratio >= 1 else f"{ratio:.2g}倍"
            yield Finding(
                severity="ask", kind="shift", table=series.table, column=series.measure, place=series.place, units=(code,), months=(str(month),), factor=ratio,
                sentence=f"{series.called([code])} は {month.year}年{month.month}月から、それまでの約{times}の水準が続いています",
                remedy="機構改革や測り方の変更がなかったかを確かめ、あれば所属の一覧（後継の所属）か計画の excluded_periods に書いてください",
            )  # fmt: skip


def shift_of(values: FloatMatrix) -> tuple[int, float] | None:
    """First column of the new level and how many times the old one it is; None without a lasting jump."""
    present = np.flatnonzero(np.nan_to_num(values) > 0)
    if len(present) < 2 * _SIDE or float(np.median(values[present])) < _FLOOR:
        return None
    logs = np.log(values[present])
    # Two levels that explain the series best, in absolute deviations.
    k = min(range(_SIDE, len(logs) - _SIDE + 1), key=lambda place: _scatter(logs[:place]) + _scatter(logs[place:]))
    before, after = logs[:k], logs[k:]
    size, step = float(np.median(after) - np.median(before)), float(np.median(after[:3]) - np.median(before[-3:]))
    if not _LARGE <= abs(size) < EXTREME or abs(step) < _STEP:
        return None
    sign, middle = np.sign(size), (np.median(after) + np.median(before)) / 2
    steady = min((sign * (after - middle) > 0).mean(), (sign * (before - middle) < 0).mean())
    return (int(present[k]), float(np.exp(size))) if steady >= _STEADY else None


def _scatter(logs: FloatMatrix) -> float:
    return float(np.abs(logs - np.median(logs)).sum())

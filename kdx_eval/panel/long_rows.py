"""Where each row of a long table stands in the matrix of units by periods; rows that stand in its order already are not looked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import DataError

FloatArray = npt.NDArray[np.float64]

_BLOCK = 1024  # units compared at a time: some hundred kilobytes, which stay in the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LongRows:
    """The rows of a long table as cells of a matrix.

    Attributes
    ----------
    labels : ndarray, (N,)
        Units, sorted.
    periods : ndarray, (T,)
        Increasing.
    cells : ndarray of int, (rows,) or None
        Place of each row in the matrix laid out row by row; None where the rows are its cells in order.
    """

    labels: npt.NDArray[np.object_]
    periods: FloatArray
    cells: npt.NDArray[np.intp] | None

    def matrix(self, values: npt.ArrayLike) -> FloatArray:
        """``values`` of the rows as a matrix of its own, (N, T), NaN where no row is."""
        shape = (len(self.labels), len(self.periods))
        if self.cells is None:
            return np.array(values, dtype=np.float64).reshape(shape)
        filled = np.full(shape[0] * shape[1], np.nan)
        filled[self.cells] = np.asarray(values, dtype=np.float64)
        return filled.reshape(shape)

    def constant(self, values: FloatArray, *, name: str) -> FloatArray:
        """The one value of each unit, (N,), from values of its rows or from the `heads`. Raises DataError where a unit has two."""
        width = len(self.periods)
        if self.cells is None and len(values) == len(self.labels):
            return values
        if self.cells is None:
            wide = values.reshape(-1, width)
            first, same = wide[:, 0].copy(), bool((wide == wide[:, :1]).all())
        else:
            codes = self.cells // width
            first = np.zeros(len(self.labels))
            first[codes[::-1]] = values[::-1]
            same = np.array_equal(first[codes], values)
        if not same:
            raise DataError("単位の中で値が変わっています", place=name, hint="単位ごとに一つの値にしてください")
        return first


def long_rows(units: pd.Series, times: FloatArray, *, width: int, place: str) -> LongRows:
    """The places of rows with those units and periods; ``place`` names both in messages.

    Parameters
    ----------
    times : ndarray
        Period of each row; of the first unit's rows where they are a whole matrix in order.
    width : int
        What `width_in_order` found.

    Raises
    ------
    DataError
        A unit is blank, or has two rows in one period.
    """
    if width:
        return LongRows(labels=units.iloc[::width].to_numpy().astype(object), periods=times, cells=None)
    codes, labels = pd.factorize(units, sort=True)
    if (codes < 0).any():
        raise DataError("単位の名前が空の行があります", place=str(units.name), hint="単位の列を埋めてください")
    columns, distinct = pd.factorize(times)
    order = np.argsort(distinct)
    cells = codes * len(distinct) + np.argsort(order)[columns]
    repeated = int((np.bincount(cells, minlength=1) > 1).sum())
    if repeated:
        raise DataError(f"同じ単位・期間の行が重複しています（{repeated} 組）", place=place, hint="重複を除いてください")
    return LongRows(labels=np.asarray(labels, dtype=object), periods=np.asarray(distinct[order], dtype=np.float64), cells=cells)


def width_in_order(units: pd.Series, times: pd.Series) -> int:
    """Rows of each unit when the rows are a whole matrix row by row, units (whole numbers) and periods increasing; else 0."""
    if not len(units) or not _plain(units, "iu") or not _plain(times, "iuf"):
        return 0
    numbers, shown = units.to_numpy(), times.to_numpy()
    width = int(np.searchsorted(numbers, numbers[0], side="right"))  # of rows that are not in order any number: it is checked
    if not width or len(numbers) % width:
        return 0
    labels, periods = numbers[::width], shown[:width]
    ordered = bool((periods[1:] > periods[:-1]).all()) and bool((labels[1:] > labels[:-1]).all()) and not np.isnan(periods).any()
    whole = ordered and _repeats(numbers, labels[:, None]) and _repeats(shown, np.broadcast_to(periods, (len(labels), width)))
    return width if whole else 0


def heads(column: pd.Series, width: int) -> pd.Series:
    """The first row of each unit where rows are in order and the value does not change within a unit; all rows otherwise."""
    if not width or not _plain(column, "iuf"):
        return column
    values = column.to_numpy()
    return column.iloc[::width] if _repeats(values, values[::width, None]) else column


def _plain(column: pd.Series, kinds: str) -> bool:
    """Numbers of those kinds in NumPy's own form, which are compared without being converted."""
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in kinds


def _repeats(values: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> bool:
    """Whether the rows, unit by unit, are ``expected`` (N, 1 or T); a block at a time, so that memory is touched once. NaN equals nothing."""
    wide = values.reshape(len(expected), -1)
    return all(bool((wide[start : start + _BLOCK] == expected[start : start + _BLOCK]).all()) for start in range(0, len(wide), _BLOCK))

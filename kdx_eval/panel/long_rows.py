"""Where each row of a long table stands in the matrix of units by periods; rows that stand in its order already are not looked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import DataError

FloatArray = npt.NDArray[np.float64]


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
        """The one value of each unit, (N,). Raises DataError where a unit has two."""
        width = len(self.periods)
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


def long_rows(units: pd.Series, times: FloatArray, *, place: str) -> LongRows:
    """The places of rows with those units and periods; ``place`` names both in messages.

    Raises
    ------
    DataError
        A unit is blank, or has two rows in one period.
    """
    if pd.api.types.is_integer_dtype(units.dtype) and not units.hasnans and (width := _width_in_order(units.to_numpy(), times)):
        return LongRows(labels=units.iloc[::width].to_numpy().astype(object), periods=times[:width].copy(), cells=None)
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


def _width_in_order(units: npt.NDArray[np.int64], times: FloatArray) -> int:
    """Rows of each unit when the rows are a whole matrix row by row, units and periods increasing; else 0."""
    if not len(units):
        return 0
    width = int(np.argmax(units != units[0])) or len(units)
    if len(units) % width or len(times) != len(units):
        return 0
    wide, labels = units.reshape(-1, width), units[::width]
    ordered = bool((times[1:width] > times[: width - 1]).all()) and bool((labels[1:] > labels[:-1]).all())
    whole = ordered and bool((wide == wide[:, :1]).all()) and bool((times.reshape(-1, width) == times[:width]).all())
    return width if whole else 0

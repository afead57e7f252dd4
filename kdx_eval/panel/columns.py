"""Columns of a long table as the panel takes them: numbers, and periods and cohorts on one scale."""

from __future__ import annotations

from collections.abc import Hashable
from numbers import Real

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import DataError, ParameterError
from kdx_eval.units import Month

FloatArray = npt.NDArray[np.float64]
NEVER = float("inf")


def numbers(column: pd.Series) -> FloatArray:
    """The column as floats, NaN where it is blank.

    Raises
    ------
    DataError
        A value is no number.
    """
    try:
        return column.to_numpy(dtype=np.float64)
    except (ValueError, TypeError):
        pass
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise DataError("数として読めない値があります", place=str(column.name), hint="数だけの列にしてください（空欄は欠測として扱います）") from error


def months_or_numbers(column: pd.Series) -> bool:
    """Whether the periods are months (text, dates) and not numbers."""
    return not pd.api.types.is_numeric_dtype(column) and not all(isinstance(value, Real) for value in column.dropna().unique())


def on_scale(column: pd.Series, *, monthly: bool, never: Hashable | None) -> FloatArray:
    """Periods or cohorts as floats (months as ``Month.index``), inf for never treated, NaN where the column is blank.

    Parameters
    ----------
    column : Series
    monthly : bool
        Whether the scale is months.
    never : object or None
        The value that means never treated, also when it is written as text.

    Raises
    ------
    DataError
        A value is not on that scale, or minus infinity.
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan).copy()
        values[_is(column, never)] = NEVER
        stray = np.isfinite(values) & monthly
    else:
        codes, distinct = pd.factorize(column)
        read = [_value(value, monthly=monthly, never=never) for value in distinct]
        values = np.array([np.nan if value is None else value for value in read] + [np.nan])[codes]  # code -1 (blank) takes the last
        stray = np.array([value is None for value in read] + [False])[codes]
    if stray.any():
        expected = "月（2025-04 など）" if monthly else "数"
        raise DataError(
            f"{expected}として読めない値が {int(stray.sum())} 行あります",
            place=str(column.name),
            hint="期間と受講時期は同じ尺度で書いてください。未受講を表す値であれば never= に指定してください",
        )
    if np.isneginf(values).any():
        raise DataError("期間に負の無限大があります", place=str(column.name), hint="未受講は inf としてください")
    return values


def _is(column: pd.Series, never: Hashable | None) -> npt.NDArray[np.bool_]:
    return np.zeros(len(column), dtype=bool) if never is None else (column == never).to_numpy(dtype=bool, na_value=False)


def _value(value: object, *, monthly: bool, never: Hashable | None) -> float | None:
    """One period or cohort; None where it is not on the scale."""
    text = str(value).strip()
    if never is not None and (value == never or text == str(never).strip()):
        return NEVER
    if text.lower() in {"inf", "infinity"}:
        return NEVER
    try:
        if not monthly:
            return float(text)
        if isinstance(value, str):
            return float(Month.parse(text).index)
        if isinstance(value, Real):
            return None
        stamp = pd.Timestamp(text)
        return float(Month.of(stamp.year, stamp.month).index)
    except (ValueError, ParameterError):
        return None

"""An indicator by fiscal year: whole years only, the same units throughout, and a trend only where the definition did not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.panel.tables import column, month_index
from kdx_eval.plan.types import UNIT_NAMES
from kdx_eval.schema.policy_version import comparable_spans
from kdx_eval.units import FiscalYear, Month, format_measure, format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.panel.tables import Tables

RATES = frozenset({"割合", "点", "日", "分", "時間/件", "%"})  # units whose mean over units means something; others are added up
_FEWEST_POINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One fiscal year of a series, and what it rests on (departments, persons or rows)."""

    fiscal_year: int
    value: float
    base: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Mean change a year (least squares over the years) of the longest span to the last year in which definitions stayed the same.

    Attributes
    ----------
    first, last : int
        Fiscal years.
    per_year : float or None
        In the indicator's unit; None with fewer than three years, where only the difference is told.
    difference : float
        Last less first value.
    """

    first: int
    last: int
    per_year: float | None
    difference: float


def indicator_by_year(tables: Tables, indicator_id: str, *, unit: str, last: FiscalYear) -> tuple[tuple[Point, ...], str]:
    """Values of one indicator of the table 成果指標 by whole fiscal year until ``last``, and a note on what was left out.

    Of departments where they report it, else of processes, else of persons: what stands for different things is not averaged together, and nothing is
    told of fewer than ten persons. Only units with all twelve months in every year count, so that a unit which began to report moves nothing. A rate
    is the mean over units and months; a count is the mean over months of the sum over units.
    """
    if not tables.has("indicators"):
        return (), ""
    connection = tables.connect()
    try:
        frame = connection.execute(
            f"""SELECT coalesce({column(tables, "indicators", name="unit_type", kind="VARCHAR")}, 'department') AS kind, unit_id,
                       {month_index("month")} AS month, avg(CAST(value AS DOUBLE)) AS value FROM indicators
                WHERE indicator_id = $name AND value IS NOT NULL AND unit_id IS NOT NULL AND month IS NOT NULL GROUP BY ALL ORDER BY ALL""",
            {"name": indicator_id},
        ).df()
    finally:
        connection.close()
    kind = next((one for one in UNIT_NAMES if one in set(frame["kind"])), "department")
    frame = frame[frame["kind"] == kind].reset_index(drop=True)
    frame["year"] = [Month(int(month)).fiscal_year.year for month in frame["month"]]
    frame = frame[frame["year"] <= last.year]
    months = frame.groupby(["unit_id", "year"])["month"].nunique().unstack(fill_value=0)
    whole = months == 12
    whole = whole.loc[:, whole.any()]
    if whole.empty:
        return (), "12か月そろった年度がありません"
    kept = whole.index[whole.all(axis=1)]
    if kept.empty:
        return (), "どの年度もそろって測っている対象がありません"
    if kind == "staff" and len(kept) < SMALL_CELL:
        return (), f"{SMALL_CELL}人未満のため示しません"
    dropped = int((~whole.index.isin(kept)).sum())
    rows = frame[frame["unit_id"].isin(kept) & frame["year"].isin(whole.columns)]
    monthly = rows.groupby(["year", "month"])["value"].agg("mean" if unit in RATES else "sum")
    yearly = monthly.groupby("year").mean()
    note = f"すべての年度で12か月そろった{len(kept)}の対象だけで計算し、ほかの{dropped}は除きました" if dropped else ""
    return tuple(Point(fiscal_year=int(year), value=float(value), base=len(kept)) for year, value in zip(yearly.index, yearly, strict=True)), note


def find_trend(points: Sequence[Point], *, breaks: tuple[Month, ...]) -> Trend | None:
    """The trend of the span that ends with the last point; None with fewer than two points in it."""
    if len(points) < 2:
        return None
    last = points[-1].fiscal_year
    spans = comparable_spans(FiscalYear(points[0].fiscal_year).first, FiscalYear(last).last, breaks=breaks)
    since = spans[-1][0]
    inside = [one for one in points if FiscalYear(one.fiscal_year).first >= since]
    if len(inside) < 2:
        return None
    years, values = np.array([one.fiscal_year for one in inside], dtype=float), np.array([one.value for one in inside])
    centred = years - years.mean()
    slope = float((centred * values).sum() / (centred**2).sum()) if len(inside) >= _FEWEST_POINTS else None
    return Trend(first=inside[0].fiscal_year, last=inside[-1].fiscal_year, per_year=slope, difference=float(values[-1] - values[0]))


def value_text(value: float, unit: str) -> str:
    """A value with its unit: a share as per cent, points and days with two decimals, else three significant digits."""
    if unit == "割合":
        return format_share(value)
    return f"{format_number(value, 2) if unit in RATES else format_measure(value)}{unit}"


def change_by_year(value: float, unit: str) -> str:
    """A change with its sign: ``＋2.1ポイント``, ``△0.31日``."""
    text = f"{format_number(value * 100, 1)}ポイント" if unit == "割合" else value_text(value, unit)
    return f"＋{text}" if value > 0 else text

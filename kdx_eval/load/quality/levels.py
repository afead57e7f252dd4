"""Whole columns whose level cannot be right: a month has 744 hours, an hour of overtime costs neither 3 yen nor a million.

Each rule compares a ratio with what is possible, far from what is usual, so that no city with true figures is asked: hours a person
(overtime averages 13 a month in 総務省 地方公務員の時間外勤務に関する実態調査; the law's cap for a single month is 100), yen an hour of overtime,
minutes a case, yen against quantity times unit price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.load.database import rows
from kdx_eval.load.quality.series import Series
from kdx_eval.load.quality.types import Finding
from kdx_eval.load.quality.unit_mistakes import mend_text
from kdx_eval.schema import load_schema, parameter

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.dataset import Dataset

_HOURS_OF_A_MONTH = 744.0
_MOST_OVERTIME = 200.0  # a person and month, as the middle of a whole department's months
_DAYS = (10.0, 26.0)  # scheduled time a person and month that looks like days
_FEWEST_MINUTES_A_CASE = 0.5  # 30 seconds, as the middle over all processes
_OVERTIME_PRICE = (500.0, 15_000.0)  # yen an hour, as the middle over all rows
_WAGE = (700.0, 20_000.0)  # yen an hour, any basis
_SMALLEST_COST = 50_000.0  # yen; a year's largest cost line is above it
_LEAST = 5  # fewer values say nothing about a column


@dataclass(frozen=True, slots=True, kw_only=True)
class _PerPerson:
    """Most that a person can have in a month of one measure, and what more would mean; 60 times too large, if it is the unit."""

    table: str
    measure: str
    most: float
    sentence: str


_OVER = "一人あたり月{}時間を超えます。"
_RULES = (
    _PerPerson(table="worktime", measure="overtime_hours", most=_MOST_OVERTIME, sentence=f"時間外勤務が{_OVER.format(200)}分で書かれていませんか"),
    _PerPerson(table="worktime", measure="scheduled_hours", most=_HOURS_OF_A_MONTH, sentence=f"勤務時間が{_OVER.format(744)}分で書かれていませんか"),
    _PerPerson(table="workload", measure="minutes", most=60 * _HOURS_OF_A_MONTH,
               sentence=f"業務の時間が{_OVER.format(744)}秒で書かれているか、待ち時間を含んでいませんか"),
)  # fmt: skip


def find_levels(con: DuckDBPyConnection, dataset: Dataset, *, series: Sequence[Series], heads: Mapping[str, float]) -> Iterator[Finding]:
    """Suspected unit mistakes of whole columns, or of all months of some departments; ``con`` has the views."""
    by_name = {(one.table, one.measure): one for one in series}
    for rule in _RULES:
        if (rule.table, rule.measure) in by_name and not (rule.measure == "minutes" and has_lead_times(con, dataset)):
            yield from _per_person(by_name[rule.table, rule.measure], heads, rule=rule)
    if ("worktime", "scheduled_hours") in by_name and dataset.has("assignments"):
        yield from _days(by_name["worktime", "scheduled_hours"], heads)
    if {("workload", "minutes"), ("workload", "cases")} <= set(by_name):
        yield from _minutes_a_case(by_name["workload", "minutes"], by_name["workload", "cases"])
    yield from _overtime_price(con, dataset)
    yield from _costs(con, dataset)
    yield from _wages(con, dataset)
    yield from (finding for one in series if one.unit == "割合" for finding in _shares(one))


def _finding(table: str, column: str, *, factor: float, sentence: str, units: Sequence[str] = (), ask: bool = True) -> Finding:
    field = load_schema().table(table).field(column) if table != "indicators" else None
    title = field.title if field else column
    return Finding(
        severity="ask" if ask else "stop", kind="unit", table=table, column=column, place=f"{load_schema().table(table).title}「{title}」", units=tuple(units),
        factor=factor, sentence=sentence, remedy=mend_text((field.unit if field else "割合") or "", factor, title=title),
    )  # fmt: skip


def has_lead_times(con: DuckDBPyConnection, dataset: Dataset) -> bool:
    """Whether minutes of the workload are waiting times (of an event log), whose tail is long by nature."""
    if not dataset.has("workload"):
        return False
    return "measure_basis" in dataset.columns("workload") and bool(rows(con, "SELECT 1 FROM workload WHERE measure_basis = 'lead_time' LIMIT 1"))


def _per_department(series: Series, heads: Mapping[str, float]) -> dict[str, float]:
    """Middle month of each department for one person, where its people are known."""
    summed = series.by_department()
    found = {}
    for code, row in zip(summed.parts, summed.values, strict=True):
        positive = row[np.nan_to_num(row) > 0]
        if str(code) in heads and len(positive):
            found[str(code)] = float(np.median(positive)) / heads[str(code)]
    return found


def _per_person(series: Series, heads: Mapping[str, float], *, rule: _PerPerson) -> Iterator[Finding]:
    each = _per_department(series, heads)
    over = sorted(code for code, value in each.items() if value > rule.most)
    if over:
        everywhere = 2 * len(over) > len(each)
        who = "" if everywhere else f"{series.called(over)} は、"
        yield _finding(series.table, series.measure, factor=60.0, sentence=who + rule.sentence, units=() if everywhere else over, ask=False)


def _days(series: Series, heads: Mapping[str, float]) -> Iterator[Finding]:
    each = list(_per_department(series, heads).values())
    if len(each) >= _LEAST and _DAYS[0] <= float(np.median(each)) <= _DAYS[1]:
        a_day = 1 / float(parameter("daily_hours").value)
        yield _finding(series.table, series.measure, factor=a_day, sentence="一人あたり月に10～26しかありません。時間ではなく日数が書かれていませんか")


def _minutes_a_case(minutes: Series, cases: Series) -> Iterator[Finding]:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.nansum(minutes.values, axis=1) / np.nansum(cases.values, axis=1)
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    if len(ratio) >= _LEAST and float(np.median(ratio)) < _FEWEST_MINUTES_A_CASE:
        yield _finding("workload", "minutes", factor=1 / 60, sentence="1件あたりの時間が30秒に届かない業務が半分以上です。分ではなく時間で書かれていませんか")


def _middle(con: DuckDBPyConnection, value: str, *, source: str) -> float | None:
    """The median of an expression where it is positive; None for fewer than ``_LEAST`` rows."""
    ((n, middle),) = rows(con, f"SELECT count(*), median(v) FROM (SELECT CAST({value} AS DOUBLE) AS v FROM {source}) WHERE v > 0")
    return float(str(middle)) if int(str(n)) >= _LEAST else None


def _overtime_price(con: DuckDBPyConnection, dataset: Dataset) -> Iterator[Finding]:
    if not dataset.has("worktime") or not {"overtime_hours", "paid_overtime_yen"} <= set(dataset.columns("worktime")):
        return
    price = _middle(con, "paid_overtime_yen / overtime_hours", source="worktime WHERE overtime_hours > 0 AND paid_overtime_yen > 0")
    low, high = _OVERTIME_PRICE
    if price is None or low <= price <= high:
        return
    thousands = low <= 1000 * price <= high
    likely = "手当が千円で書かれていませんか" if thousands else "手当か時間の単位が違っていませんか"
    sentence = f"時間外勤務1時間あたりの手当が約{price:,.3g}円です。{likely}"
    yield _finding("worktime", "paid_overtime_yen", factor=1e-3 if thousands else price / 2500, sentence=sentence, ask=False)


def _costs(con: DuckDBPyConnection, dataset: Dataset) -> Iterator[Finding]:
    if not dataset.has("costs"):
        return
    if {"quantity", "unit_price"} <= set(dataset.columns("costs")):
        ratio = _middle(con, "yen / (quantity * unit_price)", source="costs WHERE quantity > 0 AND unit_price > 0")
        for factor, words in ((1e-3, "金額が千円で、単価が円で"), (1e3, "金額が円で、単価が千円で")):
            if ratio is not None and abs(ratio / factor - 1) < 0.2:
                column = "yen" if factor < 1 else "unit_price"
                yield _finding("costs", column, factor=1e-3, sentence=f"数量×単価と金額が千倍違います。{words}書かれていませんか", ask=False)
                return
    ((n, largest),) = rows(con, "SELECT count(*), max(yen) FROM costs")
    if int(str(n)) >= _LEAST and 0 < float(str(largest)) < _SMALLEST_COST:
        yield _finding("costs", "yen", factor=1e-3, sentence="最も大きい金額でも5万円に届きません。円ではなく千円で書かれていませんか")


def _wages(con: DuckDBPyConnection, dataset: Dataset) -> Iterator[Finding]:
    if not dataset.has("wages"):
        return
    ((low, high),) = rows(con, "SELECT min(yen_per_hour), max(yen_per_hour) FROM wages")
    if low is not None and float(str(low)) < _WAGE[0]:
        yield _finding("wages", "yen_per_hour", factor=1e-3, sentence="1時間700円に届かない単価があります。千円で書かれていませんか")
    if high is not None and float(str(high)) > _WAGE[1]:
        yield _finding("wages", "yen_per_hour", factor=160.0, sentence="1時間2万円を超える単価があります。月額や日額ではありませんか")


def _shares(series: Series) -> Iterator[Finding]:
    summed = series.by_department()
    over = np.nan_to_num(summed.values) > 1.5 * np.maximum(summed.n_values, 1)
    units = [str(code) for code, row in zip(summed.parts, over, strict=True) if row.any()]
    if units:
        everywhere = 2 * over.sum() > (np.nan_to_num(summed.values) > 0).sum()
        whole = "割合が1を超えています。百分率（35％を 35）で書かれていませんか"
        sentence = whole if everywhere else f"{series.called(units)} に、1を超える割合があります（35％を 35 と書いた月が混じっていませんか）"
        yield _finding("indicators", series.title, factor=100.0, sentence=sentence, units=() if everywhere else units)

"""Design ``everyone``: all were trained at once and nobody is left to compare with; the course before and after is described, and is no effect.

Whatever else changed at that time is in it. So it carries no verdict but 検証対象外, enters no total, and has the grade of a bare before and after.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kdx_eval.effect.inference import Estimate
from kdx_eval.effect.interrupted import InterruptedSeries, interrupted_series
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Question
from kdx_eval.plan.types import UNIT_NAMES
from kdx_eval.units import Month, format_measure, format_number, wareki_date

FEWEST_MONTHS = 12  # before the start, or no calendar month of the year after was seen before
ALMOST_ALL = 0.9  # of the units, that began in one month: else there is someone to compare with


def describe_everyone(panel: Panel, question: Question) -> str:
    """One Japanese sentence on the course before and after, with its interval and what it is not.

    Segmented regression of the mean over units with Newey-West errors (`interrupted_series`), and the same calendar months before.

    Raises
    ------
    NotIdentifiedError
        Units began at different times (and could be compared), or too few months lie before.
    """
    whole = panel.without_gaps()
    begun = whole.cohort[whole.cohort <= whole.periods[-1]] if whole.n_periods else whole.cohort[:0]
    if not len(begun):
        raise NotIdentifiedError("使う期間の中で研修を受けた単位がありません", hint="期間（window）と threshold_share を確かめてください")
    starts, counts = np.unique(begun, return_counts=True)
    start = float(starts[np.argmax(counts)])
    if counts.max() < ALMOST_ALL * whole.n_units:
        reason = "受け始めた時期が課によって違うため、全員が同時に受けたとは言えません"
        raise NotIdentifiedError(reason, hint="計画の design を staggered にすれば、まだ受けていない課と比べられます")
    excluded = np.array([panel.monthly and question.excludes(Month(int(period))) for period in whole.periods], dtype=bool)
    if excluded.any():  # a series needs every month: it begins after the last excluded month before the start
        first = whole.periods[excluded & (whole.periods < start)].max(initial=-np.inf)
        used = whole.periods > first
        whole = replace(whole, outcome=whole.outcome[:, used], periods=whole.periods[used], exposure=None, cases=None)
    before = int((whole.periods < start).sum())
    if before < FEWEST_MONTHS:
        raise NotIdentifiedError(f"受講前の月が{before}しかなく、前後の推移も示せません（{FEWEST_MONTHS}か月から示せます）")
    kept = whole.cohort == start
    only = replace(
        whole, outcome=whole.outcome[kept], units=whole.units[kept], cohort=whole.cohort[kept], persons=whole.persons[kept],
        weight=None if whole.weight is None else whole.weight[kept], cluster=None, stratum=None, exposure=None, cases=None, other_cohorts={}, covariates={},
    )  # fmt: skip
    return _sentence(interrupted_series(only), only, question=question, start=start)


def _sentence(found: InterruptedSeries, panel: Panel, *, question: Question, start: float) -> str:
    outcome = question.outcome
    begin = wareki_date(Month(int(start)).first_day).removesuffix("1日") if panel.monthly else format_measure(start)
    season = "" if found.seasonal or not panel.monthly else "受講前が24か月に満たないため、季節の動きは除けていません。"
    same = "" if found.same_month is None else f"前の年までの同じ月と比べると{_with_interval(found.same_month, outcome.unit_label)}でした。"
    return (
        f"参考（受講の前と後の推移）：{begin}に一斉に受けた{format_number(panel.n_units)}{UNIT_NAMES[question.unit]}の{outcome.label}は、"
        f"それまでの傾きを延ばした値との差が{_with_interval(found.effect, outcome.unit_label)}でした。{same}{season}"
        "同じ時期に起きたほかの変化もすべて含みます。比較対象がないため効果とは言えません。"
    )


def _with_interval(found: Estimate, unit: str) -> str:
    return f"{format_measure(found.estimate)}{unit}（95%の幅：{format_measure(found.conf_low)}～{format_measure(found.conf_high)}）"

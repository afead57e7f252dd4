"""Who is compared with whom, and what was left out: shown before anything is estimated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pandas as pd

from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Question
from kdx_eval.units import Month, wareki_date

UNTREATED = "期間内に受けていない"
_MOST_NAMED = 10


def comparison_table(panel: Panel, *, question: Question | None = None) -> pd.DataFrame:
    """The cohorts of a panel before any estimate.

    Parameters
    ----------
    question : Question or None
        Says which months do not count because the plan excludes them, and that processes of one department share its staff.

    Returns
    -------
    DataFrame
        cohort (period; inf for units without training, which come last), label (``令和6年7月開始``), n_units, n_persons (staff behind the
        units), months_before, months_after (periods of the panel before and since the start), share_at_start (trained staff-months over
        staff-months in the first period; missing where unknown). Cohorts that begin after the last period are not yet treated:
        ``months_after`` is 0.
    """
    excluded = [question is not None and panel.monthly and question.excludes(Month(int(period))) for period in panel.periods]
    counted = panel.periods[~np.array(excluded, dtype=bool)]
    rows = []
    for cohort in panel.cohorts:
        members = panel.cohort == cohort
        before = int((counted < cohort).sum())
        sizes = (int(members.sum()), _persons(panel, members, question), before, len(counted) - before)
        rows.append((cohort, _label(panel, cohort), *sizes, _share(panel, cohort)))
    columns = ["cohort", "label", "n_units", "n_persons", "months_before", "months_after", "share_at_start"]
    return pd.DataFrame(rows, columns=columns)


def _label(panel: Panel, cohort: float) -> str:
    if np.isinf(cohort):
        return UNTREATED
    if not panel.monthly:
        return f"{cohort:g}開始"
    month = wareki_date(Month(int(cohort)).first_day).removesuffix("1日")
    return f"{month}開始" + ("（期間の後）" if cohort > panel.periods[-1] else "")


def _persons(panel: Panel, members: np.ndarray, question: Question | None) -> int:
    if question is None or question.unit != "process" or panel.cluster is None:
        return int(panel.persons[members].sum())
    homes = pd.Series(panel.persons[members]).groupby(panel.cluster[members]).max()
    return int(homes.sum())


def _share(panel: Panel, cohort: float) -> float:
    at = np.flatnonzero(panel.periods == cohort)
    if panel.exposure is None or len(at) == 0:
        return float("nan")
    begun: FloatArray = panel.exposure[panel.cohort == cohort, at[0]]
    return float(np.nanmean(begun)) if (~np.isnan(begun)).any() else float("nan")


def coverage_sentences(panel: Panel) -> tuple[str, ...]:
    """分析に使った単位と使わなかった単位: which units the estimate rests on, which were left out and why, and what was made of gaps.

    Persons are counted, never listed.
    """
    return tuple(_coverage(panel))


def _coverage(panel: Panel) -> Iterator[str]:
    used = panel.without_gaps()
    treated = int((used.cohort <= (panel.periods[-1] if panel.n_periods else -np.inf)).sum())
    yield f"分析に使ったのは{used.n_units:,}単位（期間内に受けた{treated:,}、受けていない{used.n_units - treated:,}）、{panel.n_periods:,}か月です。"
    gaps = panel.gaps
    kept = set(used.units)
    later = tuple((str(unit), "値のない月があり、分析の直前に除きました") for unit in panel.units if unit not in kept)
    dropped = (*(gaps.dropped_units if gaps is not None else ()), *later)
    if not dropped:
        yield "使わなかった単位はありません。"
    for reason, pairs in groupby(sorted(dropped, key=lambda pair: (pair[1], pair[0])), key=lambda pair: pair[1]):
        units = [unit for unit, _ in pairs]
        named = [panel.names[unit] for unit in units[:_MOST_NAMED] if unit in panel.names]
        who = f"（{'、'.join(named)}{'など' if len(units) > len(named) else ''}）" if named else ""
        yield f"使わなかった単位: {len(units):,}{who}。理由: {reason}。"
    if gaps is not None:
        yield gaps.sentence
        yield from gaps.joined

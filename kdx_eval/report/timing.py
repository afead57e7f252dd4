"""誰と誰を比べるか: the starting times of a study as a table of the 別冊, told before its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.disclosure import MASKED
from kdx_eval.errors import ParameterError
from kdx_eval.report.blocks import Table, columns
from kdx_eval.units import Month, format_share, wareki_date

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.effect.study import EffectStudy

MOST_TIMES = 24  # months of a first training that are listed one by one
SHARE_NOTE = "開始時の受講割合は、始めた月の延べ職員月数のうち、受講した職員のもの。月数は計画で除いた月を含まない。"
_TIMES = ["months_before", "months_after", "share_at_start"]


def timing_table(study: EffectStudy) -> Table:
    """Who is compared with whom, told before the results: the starting times, by fiscal year where there are many."""
    yearly = len(study.timing) > MOST_TIMES
    timing = study.timing.reindex(columns=[*study.timing.columns.union(_TIMES, sort=False)])  # results of earlier versions lack some
    grouped = timing.assign(when=[_month_text(str(label), yearly=yearly) for label in timing["label"]]).groupby("when", sort=False)
    rows = tuple(
        (str(when), _count(part["n_units"]), _count(part["n_persons"]), *(_span(part[name]) for name in _TIMES[:2]), _share(part))
        for when, part in grouped
    )
    titles = ("受講が始まった時期", "単位の数", "職員数（人）", "前の月数", "後の月数", "開始時の受講割合")
    heads = columns(*titles, right=range(1, 6), widths=(2, 1, 1.1, 1, 1, 1.4))
    return Table(columns=heads, rows=rows[:40], caption="誰と誰を比べるか（いつ、どれだけが受けたか）", note=SHARE_NOTE)


def _count(values: pd.Series) -> str:
    return MASKED if values.isna().any() else f"{int(values.sum()):,}"


def _span(values: pd.Series) -> str:
    if values.isna().all():
        return "－"
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,}～{high:,}"


def _share(part: pd.DataFrame) -> str:
    known = part[part["share_at_start"].notna()]
    return format_share(float(np.average(known["share_at_start"], weights=known["n_units"]))) if len(known) else "－"


def _month_text(label: str, *, yearly: bool) -> str:
    """``令和6年7月から`` for ``2024-07``, or its fiscal year; other labels stay as they are."""
    try:
        month = Month.parse(label)
    except ParameterError:
        return label
    return month.fiscal_year.wareki if yearly else f"{wareki_date(month.first_day).removesuffix('1日')}から"

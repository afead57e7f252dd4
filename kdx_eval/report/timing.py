"""誰と誰を比べるか: the starting times of a study as a table of the 別冊, told before its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kdx_eval.disclosure import MASKED
from kdx_eval.errors import ParameterError
from kdx_eval.report.blocks import Table, columns
from kdx_eval.units import Month, format_share, wareki_date

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy

MOST_TIMES = 24  # months of a first training that are listed one by one
SHARE_NOTE = "開始時の受講割合は、始めた月の延べ職員月数のうち、受講した職員のもの。月数は計画で除いた月を含まない。"


def timing_table(study: EffectStudy) -> Table:
    """Who is compared with whom, told before the results: the starting times, by fiscal year where there are many."""
    yearly = len(study.timing) > MOST_TIMES
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in study.timing.to_dict("records"):
        groups.setdefault(_month_text(str(record["label"]), yearly=yearly), []).append({str(key): value for key, value in record.items()})
    rows = tuple(
        (when, *(_count(part, name) for name in ("n_units", "n_persons")), *(_span(part, name) for name in ("months_before", "months_after")), _share(part))
        for when, part in groups.items()
    )
    titles = ("受講が始まった時期", "単位の数", "職員数（人）", "前の月数", "後の月数", "開始時の受講割合")
    heads = columns(*titles, right=range(1, 6), widths=(2, 1, 1.1, 1, 1, 1.4))
    return Table(columns=heads, rows=rows[:40], caption="誰と誰を比べるか（いつ、どれだけが受けたか）", note=SHARE_NOTE)


def _known(part: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """The values there are; results of earlier versions lack some columns."""
    values = (record.get(name) for record in part)
    return [float(value) for value in values if value is not None and value == value]


def _count(part: Sequence[Mapping[str, Any]], name: str) -> str:
    values = _known(part, name)
    return f"{int(sum(values)):,}" if len(values) == len(part) else MASKED


def _span(part: Sequence[Mapping[str, Any]], name: str) -> str:
    values = _known(part, name)
    if not values:
        return "－"
    low, high = int(min(values)), int(max(values))
    return f"{low:,}" if low == high else f"{low:,}～{high:,}"


def _share(part: Sequence[Mapping[str, Any]]) -> str:
    """The mean over units, of those starting times for which it is known."""
    known = [record for record in part if _known([record], "share_at_start") and _known([record], "n_units")]
    units = sum(float(record["n_units"]) for record in known)
    return format_share(sum(float(record["share_at_start"]) * float(record["n_units"]) for record in known) / units) if units else "－"


def _month_text(label: str, *, yearly: bool) -> str:
    """``令和6年7月から`` for ``2024-07``, or its fiscal year; other labels stay as they are."""
    try:
        month = Month.parse(label)
    except ParameterError:
        return label
    return month.fiscal_year.wareki if yearly else f"{wareki_date(month.first_day).removesuffix('1日')}から"

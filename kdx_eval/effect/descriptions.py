"""What else the data say beside the headline, one sentence each for the annex: trained share, dose, types of department, years since training."""

from __future__ import annotations

import numpy as np

from kdx_eval.effect.exposure import effect_per_exposure
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.heterogeneity import dose_slope, effects_by_stratum, persistence
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel
from kdx_eval.units import format_measure, format_number

_SHARE = 0.05  # level under which types of department are said to differ


def describe(panel: Panel, target: FiscalYearTarget, *, unit_label: str) -> tuple[str, ...]:
    """The sentences that can be made; none of them is graded or enters a total."""
    sentences = []
    for sentence in (_per_share, _dose, _types, _years):
        try:
            found = sentence(panel, target, unit_label)
        except NotIdentifiedError:
            continue
        sentences += [found] if found else []
    return tuple(sentences)


def _per_share(panel: Panel, target: FiscalYearTarget, unit: str) -> str:
    found = effect_per_exposure(panel, target)
    points = f"{format_number(100 * found.first_stage.estimate, 0)}ポイント"
    start = f"参考（受講の割合）：受講の開始で、課の職員のうち受講済みの人の割合は平均{points}上がりました（異動で薄まった分を含みます）。"
    if found.weak or not np.isfinite(found.ratio.conf_low):
        return f"{start}動きが小さいため、全員が受けた場合の効果には換算できません。"
    low, high = (format_measure(bound) for bound in (found.ratio.conf_low, found.ratio.conf_high))
    return (
        f"{start}効果が受講者の割合だけを通じて生じるという前提を置けば、全員が受けた課では{format_measure(found.ratio.estimate)}{unit}"
        f"（幅 {low}～{high}）にあたります。この前提は検証できません。"
    )


def _dose(panel: Panel, target: FiscalYearTarget, unit: str) -> str:
    found = dose_slope(panel, target)
    ten = [format_measure(value / 10) for value in (found.estimate, found.conf_low, found.conf_high)]
    return f"参考（割合と効果）：受けた課のうち、受講済みの割合が10ポイント高い課は{ten[0]}{unit}（幅 {ten[1]}～{ten[2]}）違いました。原因とは限りません。"


def _types(panel: Panel, target: FiscalYearTarget, unit: str) -> str:
    found = effects_by_stratum(panel, target)
    differ = "区分によって効果が違うと言えます" if found.p_value < _SHARE else "区分による違いがあるとは言えません"
    each = "、".join(f"{name} {format_measure(float(value))}{unit}" for name, value in zip(found.table["stratum"], found.table["shrunken"], strict=True))
    return f"参考（課の区分）：{differ}。区分ごとの見込み（全体の平均に寄せた値）は、{each}です。"


def _years(panel: Panel, target: FiscalYearTarget, unit: str) -> str:
    found = persistence(panel, target)
    if len(found) < 2:
        return ""
    years = zip(found["year"], found["estimate"], found["n_units"], strict=True)
    each = "、".join(f"{int(year) + 1}年目 {format_measure(float(value))}{unit}（{int(units)}単位）" for year, value, units in years)
    return f"参考（続き方）：受け始めてからの年ごとの変化は、{each}です。年によって対象の課が違います。"



"""The headline when other shares of trained staff make a unit count as treated: described, never graded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kdx_eval.effect.checks import Headline
from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import fiscal_year_contrast
from kdx_eval.effect.inference import contrast_estimate
from kdx_eval.effect.study import Variant
from kdx_eval.effect.unit_weights import UnitContrast
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.units import format_measure, format_share


def threshold_variants(panel: Panel, held: Headline) -> tuple[Variant, ...]:
    """One variant a share, smallest first; shares at which no comparison is left are missing.

    Both figures are weighted sums over the same units and months, so the variance of their difference is that of one such sum, with the
    covariance of the headline.
    """
    return tuple(_variants(panel, held))


def _variants(panel: Panel, held: Headline) -> Iterator[Variant]:
    for share, cohort in sorted(panel.other_cohorts.items()):
        other = replace(panel, cohort=cohort)
        try:
            m = moments(other)
            found = fiscal_year_contrast(m, held.target)
            estimate = contrast_estimate(found.effect, m)
        except NotIdentifiedError:
            continue
        apart = unit_weights(found.effect, other, m=m) - unit_weights(held.found.effect, panel, m=held.m)
        difference = UnitContrast(weights=apart).judge(panel, m=held.m, pooled=held.pooled)
        same = np.array_equal(cohort, panel.cohort)
        yield Variant(
            kind="threshold",
            setting=share,
            label=f"職員の{format_share(share, 0)}から",
            estimate=estimate.estimate,
            conf_low=estimate.conf_low,
            conf_high=estimate.conf_high,
            n_treated=found.n_treated,
            difference=0.0 if same else difference.estimate,
            difference_low=0.0 if same else difference.conf_low,
            difference_high=0.0 if same else difference.conf_high,
        )


def unit_weights(contrast: Contrast, panel: Panel, *, m: CohortMoments) -> FloatArray:
    """Weight of each unit's outcome in each period in the contrast's first row, (N, T)."""
    group = m.groups_of(panel)
    weight = np.ones(panel.n_units) if panel.weight is None else panel.weight
    weights: FloatArray = contrast.weights[0][group] * (weight / m.mass[group])[:, None]
    return weights


def threshold_sentence(variants: tuple[Variant, ...], *, planned: float, asked: tuple[float, ...], unit_label: str) -> str | None:
    """What the choice of the share matters, in words for the annex; None where it was not varied."""
    found = [one for one in variants if one.kind == "threshold"]
    lost = [share for share in asked if share not in {one.setting for one in found}]
    if not found:
        return None
    each = "、".join(
        f"{format_share(one.setting, 0)}で{format_measure(one.estimate)}{unit_label}"
        f"（幅 {format_measure(one.conf_low)}～{format_measure(one.conf_high)}、{one.n_treated}単位）"
        for one in found
    )
    largest = max(found, key=lambda one: abs(one.difference or 0.0))
    change = (
        f"計画の条件との差は、最も大きくて{format_measure(largest.difference or 0.0)}"
        f"（幅 {format_measure(largest.difference_low or 0.0)}～{format_measure(largest.difference_high or 0.0)}）です。"
        if largest.difference
        else "計画の条件と結果は変わりません。"
    )
    gone = f"{'、'.join(format_share(share, 0) for share in lost)}では比べる相手がそろいません。" if lost else ""
    mixed = "割合を高くすると、少しだけ受けた課が比べる相手に回ります。"
    return f"参考（「受けた」とみなす割合を変えた場合。計画は{format_share(planned, 0)}）：{each}。{change}{mixed}{gone}"

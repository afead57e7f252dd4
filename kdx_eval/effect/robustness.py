"""How far the assumption behind the headline may fail: intervals under broken parallel courses, and the breakdown value in one sentence.

The estimand is the headline's: each bin since the start of training counts by how many of the headline's unit-months lie in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kdx_eval.effect.checks import Headline
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import event_bins
from kdx_eval.effect.fixed_length import smoothness
from kdx_eval.effect.inference import LEVEL, Estimate, make_estimate, t_quantile
from kdx_eval.effect.sensitivity import relative_magnitudes
from kdx_eval.effect.study import Variant, VariantKind
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray
from kdx_eval.plan.types import Interval
from kdx_eval.units import format_measure, format_number

SHOWN_MBAR = (0.5, 1.0)
# What a plan may choose: no step after training is larger than the largest before (the benchmark of Rambachan & Roth 2023), or a straight line goes on.
CHOSEN: dict[Interval, tuple[VariantKind, float]] = {"honest": ("relative_magnitudes", 1.0), "straight": ("smoothness", 0.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HonestBounds:
    """Intervals of the headline's estimand, each at least as wide as the plain one.

    Attributes
    ----------
    variants : tuple of Variant
        ``relative_magnitudes`` at M̄ of ``SHOWN_MBAR`` and ``smoothness`` at M = 0 (a straight difference that goes on).
    breakdown : float
        The smallest M̄ whose interval contains zero, 0 where even M̄ = 0 does.
    """

    variants: tuple[Variant, ...]
    breakdown: float


def honest_bounds(held: Headline, *, width: int) -> HonestBounds | None:
    """Rambachan & Roth 2023 on the effect by time since training in bins of ``width`` periods, with headline covariance.

    The last bin before training is the base; the plain interval rests on all months before and is narrower, so each interval returned also
    covers the plain one.

    Returns
    -------
    HonestBounds or None
        None without three bins before training, or where the covariance is singular.
    """
    found = _event_study(held, width=width)
    if found is None:
        return None
    anchored, weight, n_pre = found
    estimates, covariance = anchored.estimate(held.m), held.pooled.covariance_of(anchored, held.m)
    try:
        relative = relative_magnitudes(estimates, covariance, n_pre=n_pre, n_post=len(weight), l_vec=weight, mbar=SHOWN_MBAR)
        straight = smoothness(estimates, covariance, n_pre=n_pre, n_post=len(weight), l_vec=weight)
    except (NotIdentifiedError, ParameterError):
        return None
    labels = {0.5: "食い違いが受講前の最大の半分まで", 1.0: "食い違いが受講前の最大と同じまで"}
    rows = [("relative_magnitudes", mbar, labels[mbar], relative.conf_low[at], relative.conf_high[at]) for at, mbar in enumerate(SHOWN_MBAR)]
    rows.append(("smoothness", 0.0, "受講前の傾きの差がまっすぐ続く", straight.conf_low[0], straight.conf_high[0]))
    plain = held.estimate
    variants = tuple(
        Variant(
            kind="smoothness" if kind == "smoothness" else "relative_magnitudes",
            setting=setting,
            label=label,
            estimate=plain.estimate,
            conf_low=min(float(low), plain.conf_low),
            conf_high=max(float(high), plain.conf_high),
            n_treated=held.found.n_treated,
        )
        for kind, setting, label, low, high in rows
    )
    return HonestBounds(variants=variants, breakdown=relative.breakdown)


def honest_estimate(plain: Estimate, bounds: HonestBounds | None, *, interval: Interval) -> Estimate:
    """The headline with the interval that the plan chose: symmetric about the estimate, its standard error such that all else follows.

    Raises
    ------
    NotIdentifiedError
        No such interval exists.
    """
    found = [one for one in bounds.variants if (one.kind, one.setting) == CHOSEN[interval]] if bounds is not None else []
    reach = max((max(one.conf_high - plain.estimate, plain.estimate - one.conf_low) for one in found), default=math.inf)
    if not math.isfinite(reach):
        raise NotIdentifiedError(
            "受講前の四半期が3つに満たないか、課が少なく、計画で選んだ厳しい幅（interval）を求められません",
            hint="受講前のデータを延ばすか、計画の interval を plain にしてください",
        )
    wide = make_estimate(plain.estimate, reach / t_quantile(0.5 + LEVEL / 2, plain.df), df=plain.df)
    return replace(wide, conf_low=plain.estimate - reach, conf_high=plain.estimate + reach)


def breakdown_sentence(bounds: HonestBounds | None) -> str | None:
    """The breakdown value in words for the annex; None where it cannot be computed. Printed, not graded: docs/METHODS.md says why."""
    if bounds is None:
        return None
    if bounds.breakdown <= 0:
        return "参考（厳しい見方）：受講がなければ同じ動きが続いたと考えても、効果の向き（増減）ははっきりしません。"
    size = "どれだけ大きくても" if math.isinf(bounds.breakdown) else f"受講前に見られた最大のぶれの{format_number(bounds.breakdown, 2)}倍未満なら"
    return f"参考（厳しい見方）：受講後に動きの食い違いが毎期積み重なるとしても、一期の食い違いが{size}、効果の向き（増減）は変わりません。"


def _event_study(held: Headline, *, width: int) -> tuple[Contrast, FloatArray, int] | None:
    """Effects by bin measured from the last bin before treatment, the weights of the headline on the later ones, and the number of earlier ones."""
    keys, contrast, _ = event_bins(held.m, held.target, width=width)
    weight = _share_of_cells(held, keys, width=width)
    before = int((keys < 0).sum())
    if before < 3 or not weight[before:].any():
        return None
    last = int(np.flatnonzero(weight)[-1]) + 1  # what lies after the evaluated year is no part of it
    mix = np.eye(len(keys))[:last]
    mix[:, before - 1] -= 1.0
    return contrast.combine(np.delete(mix, before - 1, axis=0)), weight[before:last] / weight[before:last].sum(), before - 1


def _share_of_cells(held: Headline, keys: FloatArray, *, width: int) -> FloatArray:
    """Units times counted periods in each bin."""
    event = np.floor((held.m.periods[None, :] - held.m.cohorts[:, None]) / width) * width
    mass = held.m.mass[:, None] * held.found.cells
    share: FloatArray = np.array([float(mass[event == key].sum()) for key in keys])
    return share


def honest_lines(variants: Sequence[Variant], *, unit_label: str) -> str | None:
    """The three intervals in one sentence; None where there are none."""
    found = [one for one in variants if one.kind != "threshold"]
    if not found:
        return None
    each = "、".join(f"{one.label}なら{format_measure(one.conf_low)}～{format_measure(one.conf_high)}" for one in found)
    return f"参考（幅を厳しく取った場合）：95%の幅は、{each}（{unit_label}）です。"

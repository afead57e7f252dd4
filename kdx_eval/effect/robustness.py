"""How far the assumption behind the headline may fail before its sign is in doubt, in one sentence."""

from __future__ import annotations

import math

import numpy as np

from kdx_eval.effect.checks import Headline
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import event_bins
from kdx_eval.effect.sensitivity import relative_magnitudes
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray
from kdx_eval.units import format_number


def breakdown_sentence(held: Headline, *, width: int) -> str | None:
    """The breakdown value of the effect after the first bin, in words for the annex; None where it cannot be computed.

    Relative magnitudes (Rambachan & Roth 2023) on the effect by time since training in bins of ``width`` periods, with headline
    covariance and the last bin before training as base. Printed, not graded: its cut-off is not calibrated.
    """
    keys, contrast, _ = event_bins(held.m, held.target, width=width)
    used = _anchored(keys, contrast)
    if used is None:
        return None
    anchored, n_pre, n_post = used
    weight = np.ones(n_post)
    weight[0] = 0.0 if n_post > 1 else 1.0  # training sets in somewhere within the first bin
    try:
        found = relative_magnitudes(
            anchored.estimate(held.m),
            held.pooled.covariance_of(anchored, held.m),
            n_pre=n_pre,
            n_post=n_post,
            l_vec=weight / weight.sum(),
        )
    except (NotIdentifiedError, ParameterError):
        return None
    if found.breakdown <= 0:
        return "参考（厳しい見方）：受講がなければ同じ動きが続いたと考えても、効果の向き（増減）ははっきりしません。"
    size = "どれだけ大きくても" if math.isinf(found.breakdown) else f"受講前に見られた最大のぶれの{format_number(found.breakdown, 2)}倍未満なら"
    return f"参考（厳しい見方）：受講後に動きの食い違いが毎期積み重なるとしても、一期の食い違いが{size}、効果の向き（増減）は変わりません。"


def _anchored(keys: FloatArray, contrast: Contrast) -> tuple[Contrast, int, int] | None:
    """The rows measured from the last bin before treatment, which is left out; None without two bins before and one after."""
    before = int((keys < 0).sum())
    if before < 3 or before == len(keys):
        return None
    mix = np.eye(len(keys))
    mix[:, before - 1] -= 1.0
    return contrast.combine(np.delete(mix, before - 1, axis=0)), before - 1, len(keys) - before

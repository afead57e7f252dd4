"""Bounds on an effect when staying is itself affected by treatment (Lee 2009, Review of Economic Studies)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.inference import LEVEL, t_quantile
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray

BoolArray = npt.NDArray[np.bool_]
_FEWEST = 3  # clusters a side under which spread between them cannot be told


@dataclass(frozen=True, slots=True, kw_only=True)
class LeeBounds:
    """Bounds on the effect among those who would stay either way, in the outcome's unit.

    Attributes
    ----------
    low, high : float
        The bounds.
    conf_low, conf_high : float
        Interval that covers both bounds: each moved outwards by its own error from leaving out one cluster at a time.
    stayed_treated, stayed_untreated : float
        Shares that stayed.
    trimmed : float
        Share cut from the side that stayed more.
    """

    low: float
    high: float
    conf_low: float
    conf_high: float
    stayed_treated: float
    stayed_untreated: float
    trimmed: float


def lee_bounds(outcome: FloatArray, *, stayed: BoolArray, treated: BoolArray, cluster: npt.NDArray[np.object_]) -> LeeBounds:
    """Trim the side that stayed more, by (p_more - p_less) / p_more, once from the top and once from the bottom.

    Staying must be moved in one direction only by treatment (Lee 2009, assumption 2): nobody is kept by it while another is driven out.

    Parameters
    ----------
    outcome : ndarray, (N,)
        Of each person; not read where ``stayed`` is false.
    cluster : ndarray, (N,)
        Departments: treatment is theirs, so that they are what varies.

    Raises
    ------
    NotIdentifiedError
        A side has nobody who stayed, or fewer than three clusters.
    """
    codes, labels = np.unique(cluster.astype(str), return_inverse=True)[1], np.unique(cluster.astype(str))
    sides = [len(np.unique(codes[treated == side])) for side in (True, False)]
    if min(sides) < _FEWEST:
        raise NotIdentifiedError("職員ごとの値がある課が、受けた側・受けていない側のどちらかで3つ未満です")
    low, high, shares = _bounds(outcome, stayed, treated)
    without = []
    for code in range(len(labels)):
        kept = codes != code
        found = _bounds(outcome[kept], stayed[kept], treated[kept])
        without.append(found[:2])
    spread = np.array(without) - np.mean(without, axis=0)
    error = np.sqrt((len(labels) - 1) / len(labels) * (spread**2).sum(axis=0))
    reach = t_quantile(0.5 + LEVEL / 2, sum(sides) - 2.0) * error
    more, less = max(shares), min(shares)
    return LeeBounds(
        low=low,
        high=high,
        conf_low=float(low - reach[0]),
        conf_high=float(high + reach[1]),
        stayed_treated=shares[0],
        stayed_untreated=shares[1],
        trimmed=(more - less) / more,
    )


def _bounds(outcome: FloatArray, stayed: BoolArray, treated: BoolArray) -> tuple[float, float, tuple[float, float]]:
    shares = (float(stayed[treated].mean()), float(stayed[~treated].mean()))
    sides = [np.sort(outcome[stayed & (treated == side)]) for side in (True, False)]
    if not len(sides[0]) or not len(sides[1]):
        raise NotIdentifiedError("受けた側・受けていない側のどちらかに、同じ課に残った職員がいません")
    more = 0 if shares[0] >= shares[1] else 1
    kept = min(shares) / max(shares)
    lower, upper = _lowest(sides[more], kept), -_lowest(-sides[more][::-1], kept)
    other = float(sides[1 - more].mean())
    return (lower - other, upper - other, shares) if more == 0 else (other - upper, other - lower, shares)


def _lowest(ordered: FloatArray, share: float) -> float:
    """Mean of the lowest ``share`` of the ordered values, the one at the edge counted in part: no jump when one value is cut."""
    weight = np.clip(share * len(ordered) - np.arange(len(ordered)), 0.0, 1.0)
    return float(weight @ ordered / weight.sum())

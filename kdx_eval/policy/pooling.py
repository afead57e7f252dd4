"""Results of several cities together: contrasts within each city first; moments only where all agreed on one design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.heterogeneity import between_variance
from kdx_eval.errors import DataError, NotIdentifiedError
from kdx_eval.policy.release import Release

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledEffect:
    """Random-effects mean over cities.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
        Mean over cities with its 95 % interval, t with k - 1 degrees of freedom (Hartung & Knapp 2001).
    between : float
        Standard deviation of the true effects between cities (Paule & Mandel 1982).
    predict_low, predict_high : float or None
        95 % interval for a further city, t with k - 2 degrees of freedom (Higgins, Thompson & Spiegelhalter 2009); None with two cities.
    p_homogeneous : float
        Of "all cities have the same effect" (Cochran's Q).
    weights : tuple of float
        Share of each city, in their order.
    """

    n_cities: int
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    between: float
    predict_low: float | None
    predict_high: float | None
    p_homogeneous: float
    weights: tuple[float, ...]


def combine_effects_of_cities(estimate: FloatArray, std_error: FloatArray) -> PooledEffect:
    """Random effects by Paule-Mandel with the Hartung-Knapp interval, never narrower than without it.

    q = Σ w (y - μ)² / (k - 1), error² = max(q, 1) / Σ w with w = 1 / (s² + τ²): below 1 the correction would narrow the interval, which few cities
    cannot justify (Röver, Knapp & Friede 2015).

    Raises
    ------
    NotIdentifiedError
        Fewer than two cities.
    """
    from scipy import stats

    count = len(estimate)
    if count < 2:
        raise NotIdentifiedError("二つ以上の市の結果がないため、まとめられません", hint="他の市の結果のファイルを加えてください")
    tau2 = between_variance(estimate, std_error**2)
    weight = 1 / (std_error**2 + tau2)
    mean = float((weight * estimate).sum() / weight.sum())
    q = float((weight * (estimate - mean) ** 2).sum()) / (count - 1)
    error = float(np.sqrt(max(q, 1.0) / weight.sum()))
    half = float(stats.t.ppf(0.975, count - 1)) * error
    reach = float(stats.t.ppf(0.975, count - 2) * np.sqrt(tau2 + error**2)) if count > 2 else None
    fixed = 1 / std_error**2
    level = float((fixed * estimate).sum() / fixed.sum())
    p_value = float(stats.chi2.sf(float((fixed * (estimate - level) ** 2).sum()), count - 1))
    return PooledEffect(
        n_cities=count, estimate=mean, std_error=error, conf_low=mean - half, conf_high=mean + half, between=float(np.sqrt(tau2)),
        predict_low=None if reach is None else mean - reach, predict_high=None if reach is None else mean + reach, p_homogeneous=p_value,
        weights=tuple(float(share) for share in weight / weight.sum()),
    )  # fmt: skip


def pool_contrasts(releases: Sequence[Release]) -> PooledEffect:
    """Within-city contrasts combined; no city is another's comparison.

    Raises
    ------
    DataError
        Two releases share units or a city, or they look at different outcomes.
    NotIdentifiedError
        Fewer than two.
    """
    _require_distinct(releases)
    outcomes = {(one.design["outcome"], one.design["unit"]) for one in releases}
    if len(outcomes) > 1:
        raise DataError("見ている成果が市によって違うため、まとめられません", place="pool", hint="同じ成果（outcome）と単位（unit）の結果だけを渡してください")
    return combine_effects_of_cities(np.array([one.contrast.estimate for one in releases]), np.array([one.contrast.std_error for one in releases]))


def pool_shares(releases: Sequence[Release]) -> PooledEffect | None:
    """The same in shares of each city's mean before training, whose own error is not counted; None where a mean is zero or unknown."""
    base = np.array([one.contrast.baseline_mean for one in releases])
    if not (np.isfinite(base).all() and (base > 0).all()):
        return None
    estimate, error = (np.array([getattr(one.contrast, name) for one in releases]) / base for name in ("estimate", "std_error"))
    return combine_effects_of_cities(estimate, error)


def pool_moments(releases: Sequence[Release]) -> CohortMoments:
    """The moments of all cities together, as if their departments were those of one: only where all agreed on one design beforehand.

    Equals the moments of the pooled panel; each city's departments are then compared with all others, which the cities must have wanted.

    Raises
    ------
    DataError
        Two releases share units or a city, one gave no moments, or the designs differ (the first difference is named).
    """
    _require_distinct(releases)
    parts = []
    for release in releases:
        if release.moments is None:
            raise DataError(f"{release.city}は対比だけを渡しています", place="pool", hint="モーメントを含めて書き出してもらうか、対比だけをまとめてください")
        different = [key for key, value in releases[0].design.items() if release.design.get(key) != value]
        if different:
            raise DataError(
                f"{release.city}の計画が{releases[0].city}と違います（{different[0]}）", place="pool", hint="同じ計画で書き出すか、対比だけをまとめてください"
            )
        parts.append(release.moments)
    return reduce(add, parts)


def _require_distinct(releases: Sequence[Release]) -> None:
    seen: dict[str, str] = {}
    for release in releases:
        if release.city_id in {one.city_id for one in releases if one is not release}:
            raise DataError(
                f"{release.city}の結果が二つあります。二つを引くと一つの課の値が分かることがあるため、まとめません", place="pool", hint="一つだけ渡してください"
            )
        for unit in release.units:
            if unit in seen:
                both = f"{seen[unit]}と{release.city}"
                raise DataError(f"{both}の結果に、同じ課が入っています。重なる結果はまとめません", place="pool", hint="団体コードと対象の課を確かめてください")
            seen[unit] = release.city

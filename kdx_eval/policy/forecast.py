"""Next year's hours of each piece of work, corrected for regression to the mean: a bad year is partly chance and will not come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import NotIdentifiedError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Expected hours of a year in which nothing is done.

    Attributes
    ----------
    hours : ndarray, (N,)
        Posterior mean, hours a year.
    log_sd : ndarray, (N,)
        Standard deviation of next year's hours on the log scale, its own chance included.
    reliability : float
        Share of a unit's deviation from its group, averaged over the years seen, that is lasting (0 to 1).
    """

    hours: FloatArray
    log_sd: FloatArray
    reliability: float


def forecast_hours(yearly: FloatArray, groups: npt.NDArray[np.object_]) -> Forecast:
    """Hours of the next year by empirical Bayes on the logarithms (Morris 1983, JASA 78, section 1).

    log h_it = group mean + year + a_i + e_it, with a_i ~ N(0, σ_a²) lasting and e_it ~ N(0, σ_e²) the year's chance. Both variances come from the
    analysis of variance within groups; the deviation of a unit's mean over T years is kept to the share σ_a² / (σ_a² + σ_e² / T). The year's common
    movement is that of the last year: no trend is carried forward.

    Parameters
    ----------
    yearly : ndarray, (N, T)
        Hours by unit and whole year, all above zero; at least two years.
    groups : ndarray, (N,)
        The unit's group (department type); a group of one is drawn to its own value.

    Raises
    ------
    NotIdentifiedError
        One year only: lasting and passing cannot be told apart.
    """
    n, t = yearly.shape
    if t < 2:
        raise NotIdentifiedError(
            "年間の時間が1年分しかないため、たまたま多かった年かどうかを見分けられません", hint="2年分以上の業務量（または時間外勤務）を入れてください"
        )
    logs = np.log(yearly)
    years = logs.mean(axis=0)
    centred = logs - years
    unit = centred.mean(axis=1)
    labels, codes = np.unique(groups.astype(str), return_inverse=True)
    sizes = np.bincount(codes)
    mean = (np.bincount(codes, weights=unit) / sizes)[codes]
    within = float(((centred - unit[:, None]) ** 2).sum()) / max((n - 1) * (t - 1), 1)
    spread = float(((unit - mean) ** 2).sum()) / max(n - len(labels), 1)
    lasting = max(spread - within / t, 0.0)
    kept = lasting / (lasting + within / t) if lasting + within > 0 else 1.0
    centre = mean + kept * (unit - mean) + years[-1]
    alone = kept * within / t + (1 - kept) ** 2 * spread / sizes[codes]
    variance = alone + within
    return Forecast(hours=np.exp(centre + variance / 2), log_sd=np.sqrt(variance), reliability=float(kept))

"""The multiplier bootstrap of group-time effects and their averages (Callaway & Sant'Anna 2021, Algorithm 1), clusters above the unit included.

Every draw multiplies each cluster's influence by an independent weight of mean zero and variance one. Nothing is estimated again, and
a contrast of cohort means needs only the weighted sums of deviations by cohort and period, (T + 1) numbers a cohort, however many effects.
Draws are the last axis throughout: one estimate's are neighbours in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse, special

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast, PairContrasts
from kdx_eval.effect.group_time import Aggregation, GroupTimeEffects
from kdx_eval.effect.inference import LEVEL
from kdx_eval.effect.influence_path import IntArray, UnitLevelAggregation, UnitLevelEffects, Units, units_of
from kdx_eval.errors import ParameterError
from kdx_eval.panel.type import FloatArray, Panel

Multiplier = Literal["mammen", "rademacher"]
Effects = GroupTimeEffects | Aggregation | UnitLevelEffects | UnitLevelAggregation
Float32Array = npt.NDArray[np.float32]
Draws = npt.NDArray[np.floating[Any]]

_GOLDEN = (1 + 5**0.5) / 2
_LOW_PROBABILITY: dict[str, float] = {"mammen": _GOLDEN / 5**0.5, "rademacher": 0.5}
_ROUNDING = 1e-5  # single precision, after cancellation
_BATCH = 256  # clusters a batch: 999 draws fit in the processor's cache, and memory does not grow with N
_ROWS_AT_A_TIME = 64  # effects: the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Standard errors and the simultaneous critical value of K rows (and of the overall figure) by the multiplier bootstrap.

    Attributes
    ----------
    estimate, std_error : ndarray, (K,)
        In the outcome's unit; the error is the interquartile range of the draws over that of the normal (Algorithm 1, step 4), NaN for
        rows without variance.
    critical : float
        95 % quantile over draws of the largest |t| among the rows: half widths of the simultaneous band are ``critical * std_error``.
    overall_std_error : float
        Of the overall figure of an aggregation; NaN for group-time effects, which have none.
    n_clusters, draws : int
    """

    estimate: FloatArray
    std_error: FloatArray
    critical: float
    overall_std_error: float
    n_clusters: int
    draws: int
    multiplier: Multiplier

    def table(self) -> pd.DataFrame:
        """One row an estimate, in the order of the effects: estimate, std_error, conf_low, conf_high (pointwise), band_low, band_high."""
        point = float(special.ndtri(0.5 + LEVEL / 2)) * self.std_error
        band = self.critical * self.std_error
        return pd.DataFrame(
            {
                "estimate": self.estimate,
                "std_error": self.std_error,
                "conf_low": self.estimate - point,
                "conf_high": self.estimate + point,
                "band_low": self.estimate - band,
                "band_high": self.estimate + band,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What every draw needs: clusters (neighbours in number serve the same cohort where possible), how many draws, with which weights."""

    cluster: IntArray
    n_clusters: int
    draws: int
    multiplier: Multiplier
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Values (c, V) of the clusters ``cluster`` (c,), increasing, whose weighted sums are wanted; stored divided by ``scale`` (V,)."""

    cluster: IntArray
    values: Float32Array
    scale: FloatArray


def multiplier_bootstrap(effects: Effects, panel: Panel, *, draws: int = 999, seed: int = 0, multiplier: Multiplier = "rademacher") -> Bootstrap:
    """Bootstrap standard errors and sup-t critical value of group-time effects or of an aggregation of them.

    Parameters
    ----------
    effects : GroupTimeEffects, Aggregation, UnitLevelEffects or UnitLevelAggregation
        Of this panel.
    panel : Panel
        One weight is drawn for each of its clusters, or for each unit where there are none.
    draws, seed : int
    multiplier : "rademacher" or "mammen"
        Rademacher's two points are plus and minus one, the usual choice of the authors' software and one random bit a weight; Mammen's
        match the third moment too.

    Returns
    -------
    Bootstrap
        Rows in the order of ``effects.table()``.

    Raises
    ------
    ParameterError
        Fewer than 99 draws, an unknown multiplier, or effects of another panel.
    NotIdentifiedError
        All units are in one cluster.
    """
    (found,) = multiplier_bootstraps([effects], panel, draws=draws, seed=seed, multiplier=multiplier)
    return found


def multiplier_bootstraps(
    several: Sequence[Effects], panel: Panel, *, draws: int = 999, seed: int = 0, multiplier: Multiplier = "rademacher"
) -> list[Bootstrap]:
    """`multiplier_bootstrap` of several results of one panel, as effects and their averages, in the same draws.

    Returns
    -------
    list of Bootstrap
        In the order of ``several``.

    Raises
    ------
    ParameterError, NotIdentifiedError
        As `multiplier_bootstrap`.
    """
    if draws < 99 or multiplier not in get_args(Multiplier):
        raise ParameterError("draws / multiplier の値が違います", hint='draws は99以上、multiplier は "mammen" か "rademacher" です')
    units = units_of(panel)
    cluster = _numbered(units)
    plan = _Plan(cluster=cluster, n_clusters=int(cluster.max()) + 1, draws=draws, multiplier=multiplier, seed=seed)
    found: list[Bootstrap] = []
    held: tuple[CohortMoments, FloatArray] | None = None
    for effects in several:
        if isinstance(effects, GroupTimeEffects | Aggregation):
            if held is None or held[0] is not effects.moments:
                held = (effects.moments, _cohort_sums(effects.moments, panel, units, plan))
            found.append(_bootstrap(_moment_rows(effects, held[1]), plan))
        else:
            found.append(_bootstrap(_unit_rows(effects, plan), plan))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Estimates (K,), their errors without clusters (K,), their draws in pieces (k, B) one after the other and those (1, B) of the overall figure.

    The pieces are stored divided by ``unit``.
    """

    estimate: FloatArray
    scale: FloatArray
    draws: Iterable[Draws]
    whole: FloatArray | None = None
    unit: float = 1.0


def _bootstrap(rows: _Rows, plan: _Plan) -> Bootstrap:
    error, critical = _error_and_critical(rows, plan.draws)
    whole = None if rows.whole is None else _interquartile_error(rows.whole, np.zeros(1))
    return Bootstrap(
        estimate=rows.estimate,
        std_error=error,
        critical=critical,
        overall_std_error=float("nan") if whole is None else float(whole[0]),
        n_clusters=plan.n_clusters,
        draws=plan.draws,
        multiplier=plan.multiplier,
    )


def _moment_rows(effects: GroupTimeEffects | Aggregation, sums: FloatArray) -> _Rows:
    m = effects.moments
    if isinstance(effects, GroupTimeEffects):
        unit = float(np.abs(sums[:, :-1]).max()) or 1.0  # keeps tiny and huge outcomes within single precision's reach
        return _Rows(estimate=effects.estimate, scale=effects.std_error, draws=_pair_draws(effects.pairs, m, sums, unit=unit), unit=unit)
    return _Rows(
        estimate=effects.rows.estimate(m),
        scale=np.sqrt(np.clip(np.diag(effects.covariance()), 0, None)),
        draws=[_contrast_draws(effects.rows, m, sums)],
        whole=_contrast_draws(effects.whole, m, sums),
    )


def _unit_rows(effects: UnitLevelEffects | UnitLevelAggregation, plan: _Plan) -> _Rows:
    _require_same(len(effects.units.cohort), len(plan.cluster))
    influence = effects.influence
    scale = np.sqrt(np.einsum("kn,kn->k", influence, influence))
    if isinstance(effects, UnitLevelEffects):
        return _Rows(estimate=effects.estimate, scale=scale, draws=[_sums([_block(influence.T, plan.cluster)], plan)])
    draws = _sums([_block(np.vstack([influence, effects.whole_influence]).T, plan.cluster)], plan)
    return _Rows(estimate=effects.estimates, scale=scale, draws=[draws[:-1]], whole=draws[-1:])


def _require_same(expected: int, given: int) -> None:
    if expected != given:
        raise ParameterError("推定に使ったパネルと違うパネルです", place="panel", hint="推定に使ったパネルを渡してください")


def _points(plan: _Plan) -> tuple[int, float, float]:
    """The two weights of the multiplier, with mean zero and variance one, and the 16-bit number from which the high one is drawn.

    16 random bits choose between Mammen's; the points are those that are exact for the probability in 65 536ths.
    """
    threshold = round(_LOW_PROBABILITY[plan.multiplier] * 65536)
    p = threshold / 65536
    return threshold, -(((1 - p) / p) ** 0.5), (p / (1 - p)) ** 0.5


def _high(plan: _Plan, threshold: int) -> Iterator[tuple[int, Float32Array]]:
    """Batches of draws, 1 for the high weight and 0 for the low one (clusters of the batch, draws), each with its first cluster.

    The array is the same for every batch: it is written over by the next.
    """
    rng = np.random.default_rng(plan.seed)
    held = np.empty((min(_BATCH, plan.n_clusters), plan.draws), dtype=np.float32)
    for start in range(0, plan.n_clusters, _BATCH):
        bits: npt.NDArray[np.generic]
        chosen = held[: plan.n_clusters - start]
        if plan.multiplier == "rademacher":  # equally likely: one bit each
            bits = np.unpackbits(_random_words(rng, bits=chosen.size).view(np.uint8), count=chosen.size)
        else:
            bits = _random_words(rng, bits=16 * chosen.size).view("<u2")[: chosen.size] >= threshold
        np.copyto(chosen, bits.reshape(chosen.shape))
        yield start, chosen


def _random_words(rng: np.random.Generator, *, bits: int) -> npt.NDArray[np.uint64]:
    """At least so many random bits, the same on every machine."""
    return rng.integers(0, 1 << 64, size=-(-bits // 64), dtype=np.uint64).astype("<u8", copy=False)


def _numbered(units: Units) -> IntArray:
    """Cluster number of each unit (its own where there are none), counted cohort by cohort."""
    order = np.argsort(units.cohort, kind="stable")
    cluster = np.empty(len(order), dtype=np.intp)
    cluster[order] = np.arange(len(order)) if units.cluster is None else pd.factorize(units.cluster[order])[0]
    return cluster


def _block(values: FloatArray, cluster: IntArray) -> _Block:
    """Values of units (n, V) summed by cluster and put in the clusters' order."""
    present, place = np.unique(cluster, return_inverse=True)
    if len(present) < len(cluster):
        values = np.asarray(sparse.csr_array((np.ones(len(place)), (place, np.arange(len(place))))) @ values, dtype=np.float64)
    elif (np.diff(cluster) < 0).any():
        values = values[np.argsort(cluster)]
    scale = np.maximum(values.max(axis=0), -values.min(axis=0))
    scale = np.where(scale > 0, scale, 1.0)  # keeps tiny influences above single precision's floor
    single = np.empty(values.shape, dtype=np.float32)
    return _Block(cluster=present, values=np.divide(values, scale, out=single, casting="same_kind"), scale=scale)


def _sums(blocks: list[_Block], plan: _Plan) -> FloatArray:
    """Weighted sums over the clusters of each block, V rows (of B draws) a block; a cluster in several blocks has one weight a draw."""
    threshold, low, high = _points(plan)
    ends = np.cumsum([block.values.shape[1] for block in blocks])
    whole = np.zeros((int(ends[-1]), plan.draws))
    totals = np.split(whole, ends[:-1])
    product = np.empty((max(len(total) for total in totals), plan.draws), dtype=np.float32)
    for start, chosen in _high(plan, threshold):
        for block, total in zip(blocks, totals, strict=True):
            if start > block.cluster[-1] or start + len(chosen) <= block.cluster[0]:
                continue
            first, last = np.searchsorted(block.cluster, [start, start + len(chosen)])
            own = block.cluster[first:last] - start
            neighbours = own[-1] - own[0] + 1 == len(own)
            # Single precision within a batch only: the sums of all batches nearly cancel.
            drawn = chosen[own[0] : own[-1] + 1] if neighbours else chosen[own]
            total += np.matmul(block.values[first:last].T, drawn, out=product[: len(total)])
    for block, total in zip(blocks, totals, strict=True):
        # Every cluster has the low weight, and those that were chosen the step up to the high one.
        total *= ((high - low) * block.scale)[:, None]
        total += (low * block.scale * block.values.sum(axis=0, dtype=np.float64))[:, None]
    return whole


def _cohort_sums(m: CohortMoments, panel: Panel, units: Units, plan: _Plan) -> FloatArray:
    """By cohort and draw: weighted sums of the deviations in each period and of the weights themselves, (G, T + 1, B)."""
    _require_same(len(m.periods), panel.n_periods)
    _require_same(len(m.units), panel.n_units)
    blocks = []
    for g, cohort in enumerate(m.cohorts):
        members = np.flatnonzero(panel.cohort == cohort)
        values = np.ones((len(members), panel.n_periods + 1))
        np.subtract(panel.outcome[members], m.mean[g], out=values[:, :-1])
        if panel.weight is not None:
            values *= units.weight[members, None]
        blocks.append(_block(values, plan.cluster[members]))
    return _sums(blocks, plan).reshape(len(blocks), -1, plan.draws)


def _pair_draws(pairs: PairContrasts, m: CohortMoments, sums: FloatArray, *, unit: float) -> Iterator[Float32Array]:
    """Draws of K group-time effects divided by ``unit``, some at a time, (k, B): each needs few of the G (T + 1) sums."""
    width, draws = sums.shape[1:]
    effect, group = np.nonzero(pairs.coefficient)
    of_mean, (alike, member) = (pairs.coefficient / m.mass)[effect, group], np.nonzero(pairs.constant)
    entries = np.concatenate([of_mean, -of_mean, pairs.constant[alike, member] / unit])
    rows = np.concatenate([effect, effect, alike])
    columns = np.concatenate([group * width + pairs.period[effect], group * width + pairs.base[effect], (member + 1) * width - 1])
    weights = sparse.csr_array((entries.astype(np.float32), (rows, columns)), shape=(len(pairs.period), len(m.cohorts) * width))
    single = np.empty(sums.shape, dtype=np.float32)  # as they were drawn
    np.divide(sums[:, :-1], unit, out=single[:, :-1], casting="same_kind")
    single[:, -1] = sums[:, -1]
    for start in range(0, len(pairs.period), _ROWS_AT_A_TIME):
        yield weights[start : start + _ROWS_AT_A_TIME] @ single.reshape(-1, draws)


def _contrast_draws(contrast: Contrast, m: CohortMoments, sums: FloatArray) -> FloatArray:
    """Draws of R contrasts, (R, B)."""
    full = np.concatenate([contrast.weights / m.mass[None, :, None], contrast.constant[:, :, None]], axis=2)
    draws: FloatArray = full.reshape(len(full), -1) @ sums.reshape(-1, sums.shape[-1])
    return draws


def _interquartile_error(draws: Draws, scale: FloatArray) -> FloatArray:
    """Interquartile range of each row over that of the standard normal; NaN where it is rounding against ``scale``, or nothing varies."""
    ordered = np.sort(draws, axis=1)
    low, high = (_quantile_of_ordered(ordered, share) for share in (0.25, 0.75))
    error = (high - low) / float(special.ndtri(0.75) - special.ndtri(0.25))
    return np.where((error > 0) & (error > _ROUNDING * scale), error, np.nan)


def _quantile_of_ordered(ordered: Draws, share: float) -> FloatArray:
    """Quantile of each row, between two neighbours by straight line (a sorted row costs a quarter of np.quantile)."""
    place = share * (ordered.shape[1] - 1)
    below = int(place)
    low, high = ordered[:, below].astype(np.float64), ordered[:, below + 1].astype(np.float64)
    quantile: FloatArray = low + (place - below) * (high - low)
    return quantile


def _error_and_critical(rows: _Rows, n_draws: int) -> tuple[FloatArray, float]:
    """Errors of the rows, and the 95 % quantile of the largest |draw / error|, at least the pointwise normal value; the draws are used up."""
    errors: list[FloatArray] = []
    largest, done = np.zeros(n_draws), 0
    for draws in rows.draws:
        error = _interquartile_error(draws, rows.scale[done : done + len(draws)] / rows.unit)
        errors.append(rows.unit * error)
        done += len(draws)
        draws /= np.where(np.isfinite(error), error, np.inf).astype(draws.dtype)[:, None]
        np.maximum(largest, draws.max(axis=0), out=largest)
        np.maximum(largest, -draws.min(axis=0), out=largest)
    together = np.concatenate(errors)
    if not np.isfinite(together).any():
        return together, float("nan")
    return together, max(float(special.ndtri(0.5 + LEVEL / 2)), float(np.quantile(largest, LEVEL)))

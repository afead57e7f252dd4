"""Size, mean and scatter of the outcome in each cohort: all that a causal contrast of cohort means needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import DataError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortMoments:
    """Size, mean and scatter of the outcome in each cohort of units first treated in the same period.

    With fixed unit weights w (1 when there are none) and the weighted cohort mean m, per cohort:

    Attributes
    ----------
    cohorts : ndarray, (G,)
        First treated period, increasing, inf last for never treated.
    periods : ndarray, (T,)
    size, persons : ndarray, (G,)
        Units, and persons behind them.
    mass : ndarray, (G,)
        Sum of w; equals ``size`` without weights.
    mass2 : ndarray, (G,)
        Sum of w squared.
    mean : ndarray, (G, T)
        Weighted mean outcome by period.
    drift : ndarray, (G, T)
        Sum of w squared times the deviation from ``mean``; zero without weights.
    scatter : ndarray, (G, T, T)
        Sum of w squared times the outer product of the deviations from ``mean``.
    units : ndarray, (N,)
        Labels of all units, by which overlapping parts are refused.
    stratum : ndarray, (G,) or None
        Stratum of a lottery, where each cohort is taken apart by stratum: ``cohorts`` then repeats, and units are compared within their stratum only.

    Moments of parts that share no unit add: ``a + b`` are the moments of both together (Chan, Golub & LeVeque 1979, eq. 2.1 for
    the unweighted case; METHODS section 1).
    """

    cohorts: FloatArray
    periods: FloatArray
    size: npt.NDArray[np.int64]
    persons: npt.NDArray[np.int64]
    mass: FloatArray
    mass2: FloatArray
    mean: FloatArray
    drift: FloatArray
    scatter: FloatArray
    units: npt.NDArray[np.object_]
    monthly: bool = False
    stratum: npt.NDArray[np.object_] | None = None

    @property
    def n_units(self) -> int:
        """Units in all cohorts together."""
        return int(self.size.sum())

    @property
    def never(self) -> npt.NDArray[np.bool_]:
        """Which cohorts were never treated, (G,)."""
        return np.isinf(self.cohorts)

    def groups_of(self, panel: Panel) -> npt.NDArray[np.intp]:
        """Place of each unit of ``panel`` among the cohorts (and strata), (N,)."""
        if self.stratum is None or panel.within is None:
            return np.searchsorted(self.cohorts, panel.cohort)
        place = pd.MultiIndex.from_arrays([self.cohorts, self.stratum.astype(str)])
        return np.asarray(place.get_indexer(pd.MultiIndex.from_arrays([panel.cohort, panel.within.astype(str)])), dtype=np.intp)

    def comparable(self, g: int) -> npt.NDArray[np.bool_]:
        """Cohorts that group ``g`` may be compared with: all, or those of its stratum, (G,)."""
        return np.ones(len(self.cohorts), dtype=bool) if self.stratum is None else np.asarray(self.stratum == self.stratum[g])

    def __add__(self, other: CohortMoments) -> CohortMoments:
        """Moments of both parts together.

        Raises
        ------
        ParameterError
            The periods differ, or a unit is in both parts.
        """
        if not np.array_equal(self.periods, other.periods):
            raise ParameterError("期間の異なるモーメントは足せません", hint="同じ期間にそろえてから足してください")
        if self.stratum is not None or other.stratum is not None:
            raise ParameterError("抽選の区分に分けたモーメントは足せません", hint="パネルを合わせてから区分に分けてください")
        if pd.Index(self.units).isin(other.units).any():
            raise ParameterError("同じ単位を含むモーメントは足せません", hint="単位が重ならないように分けてください（月ごとのファイルは先に結合します）")
        cohorts = np.union1d(self.cohorts, other.cohorts)
        a, b = _spread(self, cohorts), _spread(other, cohorts)
        mass = a.mass + b.mass
        mean = (a.mass[:, None] * a.mean + b.mass[:, None] * b.mean) / mass[:, None]
        return CohortMoments(
            cohorts=cohorts,
            periods=self.periods,
            size=a.size + b.size,
            persons=a.persons + b.persons,
            mass=mass,
            mass2=a.mass2 + b.mass2,
            mean=mean,
            drift=a.drift + a.mass2[:, None] * (a.mean - mean) + b.drift + b.mass2[:, None] * (b.mean - mean),
            scatter=_recentred(a, mean) + _recentred(b, mean),
            units=np.concatenate([self.units, other.units]),
            monthly=self.monthly,
        )

    def select(self, keep: npt.NDArray[np.bool_]) -> CohortMoments:
        """The moments of the cohorts in ``keep``, (G,) booleans; unit labels stay, so that overlap is still refused."""
        return CohortMoments(
            cohorts=self.cohorts[keep],
            periods=self.periods,
            size=self.size[keep],
            persons=self.persons[keep],
            mass=self.mass[keep],
            mass2=self.mass2[keep],
            mean=self.mean[keep],
            drift=self.drift[keep],
            scatter=self.scatter[keep],
            units=self.units,
            monthly=self.monthly,
            stratum=None if self.stratum is None else self.stratum[keep],
        )

    def __repr__(self) -> str:
        return f"CohortMoments({self.n_units} units, {len(self.cohorts)} cohorts x {len(self.periods)} periods)"


def moments(panel: Panel) -> CohortMoments:
    """Cohort moments of a balanced panel, in one pass over the outcome.

    Clusters above the unit are not carried: for errors that respect them use ``doubly_robust``, ``unit_level_effects``, or moments of
    ``panel.by_cluster()``.

    Returns
    -------
    CohortMoments
        G cohorts and T periods, in the outcome's unit.

    Raises
    ------
    DataError
        The panel has missing cells (moments need every unit in every period), the outcome is not finite, or the weights of a cohort add to zero.
    """
    if not np.isfinite(panel.outcome).all():
        cells = int((~np.isfinite(panel.outcome)).sum())
        raise DataError(f"結果に欠けているセルが {cells} 個あります", hint="欠けた単位を除くか、doubly_robust を使ってください")
    cohorts, codes = np.unique(panel.cohort, return_inverse=True)
    stratum: npt.NDArray[np.object_] | None = None
    if panel.within is not None:
        names, own = np.unique(panel.within.astype(str), return_inverse=True)
        pairs, codes = np.unique(codes * len(names) + own, return_inverse=True)
        cohorts, stratum = cohorts[pairs // len(names)], names[pairs % len(names)].astype(object)
    groups, periods = len(cohorts), panel.n_periods
    weight = np.ones(panel.n_units) if panel.weight is None else panel.weight
    if (weight < 0).any() or not np.isfinite(weight).all():
        raise DataError("重みに負または無限の値があります", place="weight", hint="0以上の有限の値にしてください")
    if (np.bincount(codes, weights=weight) == 0).any():
        raise DataError("重みの合計が0の開始時期があります", place="weight", hint="数えない単位は、表から除いてください")
    mean, drift = np.empty((groups, periods)), np.zeros((groups, periods))
    scatter = np.empty((groups, periods, periods))
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(groups + 1))
    for group in range(groups):
        members = order[bounds[group] : bounds[group + 1]]
        values, w = panel.outcome[members], weight[members]
        mean[group] = (w @ values) / w.sum()
        values -= mean[group]  # ``values`` is a copy: no second and third one is made
        if panel.weight is not None:
            values *= w[:, None]
            drift[group] = w @ values
        scatter[group] = values.T @ values
    return CohortMoments(
        cohorts=cohorts,
        periods=panel.periods,
        size=np.bincount(codes, minlength=groups).astype(np.int64),
        persons=np.bincount(codes, weights=panel.persons, minlength=groups).astype(np.int64),
        mass=np.bincount(codes, weights=weight, minlength=groups).astype(np.float64),
        mass2=np.bincount(codes, weights=weight**2, minlength=groups).astype(np.float64),
        mean=mean,
        drift=drift,
        scatter=scatter,
        units=panel.units,
        monthly=panel.monthly,
        stratum=stratum,
    )


def add_moments(parts: Iterable[CohortMoments]) -> CohortMoments:
    """Moments of all parts together; two of a size are added at a time, so that labels are compared a few times and not once a part.

    Raises
    ------
    ParameterError
        There is no part, the periods differ, or a unit is in two parts.
    """
    held: list[CohortMoments] = []
    for number, part in enumerate(parts, start=1):
        held.append(part)
        for _ in range((number & -number).bit_length() - 1):
            last = held.pop()
            held[-1] = held[-1] + last
    if not held:
        raise ParameterError("足すモーメントがありません", hint="行のある表を渡してください")
    return reduce(add, held)


def _spread(part: CohortMoments, cohorts: FloatArray) -> CohortMoments:
    """``part`` with an empty place for each cohort that only the other part has."""
    where = np.searchsorted(cohorts, part.cohorts)

    def place(values: npt.NDArray[np.generic]) -> FloatArray:
        spread = np.zeros((len(cohorts), *values.shape[1:]), dtype=values.dtype)
        spread[where] = values
        return spread

    return CohortMoments(
        cohorts=cohorts,
        periods=part.periods,
        size=place(part.size).astype(np.int64),
        persons=place(part.persons).astype(np.int64),
        mass=place(part.mass),
        mass2=place(part.mass2),
        mean=place(part.mean),
        drift=place(part.drift),
        scatter=place(part.scatter),
        units=part.units,
        monthly=part.monthly,
    )


def _recentred(part: CohortMoments, mean: FloatArray) -> FloatArray:
    """Scatter of ``part`` about another mean: S + d s' + s d' + q s s' with s the shift and d the drift."""
    shift = part.mean - mean
    cross = part.drift[:, :, None] * shift[:, None, :]
    return part.scatter + cross + cross.transpose(0, 2, 1) + part.mass2[:, None, None] * shift[:, :, None] * shift[:, None, :]

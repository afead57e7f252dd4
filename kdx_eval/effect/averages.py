"""How group-time effects are averaged: weights over the effects, and what the estimated cohort shares add to each unit's influence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray

Kind = Literal["simple", "event_time", "cohort", "calendar", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """K effects of cohorts in periods, and the masses of the G cohorts by which they are averaged.

    Attributes
    ----------
    cohort, period, estimate : ndarray, (K,)
    cohorts, mass : ndarray, (G,)
        Cohorts, increasing, and the sum of their units' weights.
    """

    cohort: FloatArray
    period: FloatArray
    estimate: FloatArray
    cohorts: FloatArray
    mass: FloatArray

    @property
    def treated(self) -> npt.NDArray[np.bool_]:
        """Which effects lie at or after the first treated period, (K,)."""
        return np.asarray(self.period >= self.cohort)

    @property
    def place(self) -> npt.NDArray[np.intp]:
        """Place of each effect's cohort among the cohorts, (K,)."""
        return np.searchsorted(self.cohorts, self.cohort)


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageWeights:
    """R averages of K effects and one overall figure.

    Attributes
    ----------
    keys : ndarray, (R,)
    mix : ndarray, (R, K)
        Weight of each effect in each average.
    share : ndarray, (R, G)
        Influence on the average, per unit of weight, of belonging to a cohort: its size is estimated too.
    overall, overall_share : ndarray, (R,) and (G,)
        Weight of each average in the overall figure, and the influence of cohort membership on it.
    """

    kind: Kind
    key: str
    keys: FloatArray
    mix: FloatArray
    share: FloatArray
    overall: FloatArray
    overall_share: FloatArray


def average_weights(kind: Kind, cells: Cells) -> AverageWeights:
    """Weights of an aggregation (Callaway & Sant'Anna 2021, section 3.1), with the influence of estimated shares (Corollary 2).

    Returns
    -------
    AverageWeights
        ``simple``: all treated cells by cohort mass; ``event_time`` (all event times; overall: plain mean from 0 on), ``calendar`` and
        ``cohort`` (overall: by cohort mass): one row a key; ``total``: mass times effect by period, masses taken as known volumes.

    Raises
    ------
    ParameterError
        ``kind`` is unknown.
    NotIdentifiedError
        No treated cell has a comparison.
    """
    if kind not in get_args(Kind):
        raise ParameterError(f"集計の種類 {kind!r} はありません", place="aggregate", hint=f"{', '.join(get_args(Kind))} のどれかです")
    if not cells.treated.any():
        raise NotIdentifiedError("受講後の期間に比較できる相手がいません", hint="比較対象と期間を確かめてください")
    if kind == "cohort":
        return _by_cohort(cells)
    if kind == "total":
        return _total(cells)
    if kind == "simple":
        mix, share = _by_mass(cells, cells.treated[None, :])
        return _weights(kind, "all", np.zeros(1), mix=mix, share=share)
    values = cells.period - cells.cohort if kind == "event_time" else cells.period
    used = np.ones(len(values), dtype=bool) if kind == "event_time" else cells.treated
    keys = np.unique(values[used])
    mix, share = _by_mass(cells, (values[None, :] == keys[:, None]) & used)
    counted = keys >= 0 if kind == "event_time" else None
    return _weights(kind, "event_time" if kind == "event_time" else "period", keys, mix=mix, share=share, counted=counted)


def _weights(kind: Kind, key: str, keys: FloatArray, mix: FloatArray, share: FloatArray, counted: npt.NDArray[np.bool_] | None = None) -> AverageWeights:
    """Averages whose overall figure is the plain mean of the counted rows."""
    rows = np.ones(len(keys), dtype=bool) if counted is None else counted
    plain = rows / rows.sum()
    return AverageWeights(kind=kind, key=key, keys=keys, mix=mix, share=share, overall=plain, overall_share=plain @ share)


def _by_mass(cells: Cells, members: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Averages over ``members`` (R, K) by cohort mass, and the influence of the masses (R, G)."""
    mass = cells.mass[cells.place]
    total = members @ mass
    mix = members * mass / total[:, None]
    excess = members * (cells.estimate[None, :] - (mix @ cells.estimate)[:, None])
    share = np.zeros((len(cells.cohorts), len(members)))
    np.add.at(share, cells.place, excess.T)
    return mix, share.T / total[:, None]


def _by_cohort(cells: Cells) -> AverageWeights:
    keys = np.unique(cells.cohort[cells.treated])
    members = (cells.cohort[None, :] == keys[:, None]) & cells.treated
    mix = members / members.sum(axis=1)[:, None]
    place = np.searchsorted(cells.cohorts, keys)
    mass = cells.mass[place] / cells.mass[place].sum()
    averages = mix @ cells.estimate
    overall_share = np.zeros(len(cells.cohorts))
    overall_share[place] = (averages - averages @ mass) / cells.mass[place].sum()
    none = np.zeros((len(keys), len(cells.cohorts)))
    return AverageWeights(kind="cohort", key="cohort", keys=keys, mix=mix, share=none, overall=mass, overall_share=overall_share)


def _total(cells: Cells) -> AverageWeights:
    keys = np.unique(cells.period[cells.treated])
    mix = ((cells.period[None, :] == keys[:, None]) & cells.treated) * cells.mass[cells.place]
    none = np.zeros((len(keys), len(cells.cohorts)))
    return AverageWeights(kind="total", key="period", keys=keys, mix=mix, share=none, overall=np.ones(len(keys)), overall_share=none[0])

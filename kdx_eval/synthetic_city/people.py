"""Departments, people and where they are posted each fiscal year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdx_eval.synthetic_city.design import FIRST_MONTH, MONTHS, CitySize, Mechanism, stream
from kdx_eval.synthetic_city.names import department_names

SPECIALISTS = 8  # chosen by open call (庁内公募), posted to the DX division and not moved
_LEAVERS = 0.03  # share who retire or resign each March and are replaced by new staff in April


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody who ever worked in the city.

    Attributes
    ----------
    departments : DataFrame     department_id, department_name, division, department_type; row 0 is the DX division
    posting : ndarray, (N, Y)   row of the department where a person is posted in each fiscal year, -1 when not employed
    ability : ndarray, (N,)     standard normal; who volunteers and who scores high
    grade : ndarray, (N,)       1 (youngest) to 8
    hired : ndarray, (N,)       calendar year of hiring, always on 1 April
    specialist : ndarray, (N,)  DXスペシャリスト
    """

    departments: pd.DataFrame
    posting: NDArray[np.int64]
    ability: NDArray[np.float64]
    grade: NDArray[np.int64]
    hired: NDArray[np.int64]
    specialist: NDArray[np.bool_]

    @property
    def staff_ids(self) -> NDArray[np.str_]:
        """Staff numbers, six digits with a leading zero as HR systems print them."""
        return np.array([f"{10_000 + 7 * k:06d}" for k in range(len(self.posting))])

    def heads(self) -> NDArray[np.int64]:
        """(D, Y) posted people by department and fiscal year."""
        return self.posted(np.ones(len(self.posting), dtype=bool))

    def posted(self, chosen: NDArray[np.bool_], *, year: int | None = None) -> NDArray[np.int64]:
        """(D, Y) number of ``chosen`` people posted; (D,) for one fiscal year's column."""
        rows = self.posting[chosen]
        count = len(self.departments)
        years = range(rows.shape[1]) if year is None else (year,)
        counts = [np.bincount(rows[rows[:, y] >= 0, y], minlength=count) for y in years]
        return np.stack(counts, axis=1) if year is None else counts[0]


def make_people(size: CitySize, mechanism: Mechanism, *, seed: int) -> People:
    """The departments with lognormal sizes, their people, and transfers every April that keep each size."""
    rng = stream(seed, "people")
    heads = _heads(size, rng)
    post_department = np.repeat(np.arange(size.departments), heads)
    fixed = np.arange(size.staff) < min(SPECIALISTS, int(heads[0]) - 1)  # specialists hold their posts for good
    earlier = FIRST_MONTH.year - rng.integers(0, 38, size.staff)
    holders = _holders(fixed, rotation=mechanism.rotation, rng=rng)
    everyone = int(holders.max()) + 1
    posting = np.full((everyone, holders.shape[1]), -1)
    for year, people in enumerate(holders.T):
        posting[people, year] = post_department
    hired = FIRST_MONTH.year + np.argmax(posting >= 0, axis=1)
    hired[: size.staff] = earlier
    specialist = np.arange(everyone) < fixed.sum()
    tenure = FIRST_MONTH.year + holders.shape[1] - 1 - hired
    return People(
        departments=_departments(size),
        posting=posting,
        ability=rng.standard_normal(everyone) + 1.0 * specialist,
        grade=np.clip(1 + tenure // 5 + rng.integers(0, 2, everyone), 1, 8),
        hired=hired,
        specialist=specialist,
    )


def _holders(fixed: NDArray[np.bool_], *, rotation: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """(posts, Y) who holds each post: every April leavers are replaced by new people and movers swap posts."""
    years = MONTHS // 12
    holders: NDArray[np.int64] = np.tile(np.arange(len(fixed))[:, None], (1, years))
    movable = np.flatnonzero(~fixed)
    for year in range(1, years):
        now = holders[:, year - 1].copy()
        leaving = movable[rng.random(len(movable)) < _LEAVERS]
        now[leaving] = holders[:, :year].max() + 1 + np.arange(len(leaving))
        moving = movable[rng.random(len(movable)) < rotation]
        now[moving] = now[rng.permutation(moving)]
        holders[:, year] = now
    return holders


def _departments(size: CitySize) -> pd.DataFrame:
    rows = department_names(size.departments)
    return pd.DataFrame(
        {
            "department_id": [f"{1000 + 10 * k:06d}" for k in range(len(rows))],
            "department_name": [row[0] for row in rows],
            "division": [row[1] for row in rows],
            "department_type": [row[2] for row in rows],
        }
    )


def _heads(size: CitySize, rng: np.random.Generator) -> NDArray[np.int64]:
    """Lognormal sizes between a third and three times the mean, that add up to the city's staff."""
    weight = np.clip(np.exp(0.45 * rng.standard_normal(size.departments)), 0.35, 3.0)
    weight[0] = 0.5  # the DX division is a small one
    heads: NDArray[np.int64] = np.maximum(np.floor(weight / weight.sum() * size.staff).astype(np.int64), 4)
    # The largest departments take the rounding, so that the total is exact.
    order = np.argsort(-heads)
    step = 1 if size.staff >= heads.sum() else -1
    for k in range(abs(int(size.staff - heads.sum()))):
        heads[order[k % len(order)]] += step
    return heads

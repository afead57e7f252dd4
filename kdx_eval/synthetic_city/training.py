"""Who enrols in which course, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdx_eval.synthetic_city.design import FIRST_MONTH, MONTHS, ROLLOUTS, Mechanism, Rollout, stream
from kdx_eval.synthetic_city.people import People
from kdx_eval.units import Month

NEVER = 10_000  # month offset of those who never enrol


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """One rolled-out course.

    Attributes
    ----------
    start : ndarray, (D,)      month offset from 2022-04 in which the department's people begin to enrol; NEVER
    share : ndarray, (D,)      enrolled / posted at the start (0 for departments without a start)
    enrolled : ndarray, (N,)   month offset of each person's enrolment; NEVER
    """

    course_id: str
    start: NDArray[np.int64]
    share: NDArray[np.float64]
    enrolled: NDArray[np.int64]


def make_uptakes(people: People, *, seed: int) -> dict[str, Uptake]:
    """Each rolled-out course's uptake.

    The courses after the first reach departments with and without the first one in equal proportion, wave by wave: an
    effect of the first course is not mistaken for theirs.
    """
    uptakes: dict[str, Uptake] = {}
    stratum = np.zeros(len(people.departments), dtype=np.int64)
    for rollout in ROLLOUTS:
        rng = stream(seed, "course " + rollout.course_id)
        start = _starts(rollout, stratum, rng=rng)
        uptakes[rollout.course_id] = _uptake(rollout, people, start=start, rng=rng)
        stratum = (uptakes[ROLLOUTS[0].course_id].start < NEVER).astype(np.int64)
    return uptakes


def volunteers(uptakes: dict[str, Uptake]) -> NDArray[np.bool_]:
    """(D,) departments that came forward for a course that takes volunteers."""
    chosen = [uptakes[rollout.course_id].start < NEVER for rollout in ROLLOUTS if rollout.volunteers]
    return np.asarray(np.logical_or.reduce(chosen))


def _starts(rollout: Rollout, stratum: NDArray[np.int64], *, rng: np.random.Generator) -> NDArray[np.int64]:
    """(D,) month offset of each department's start, NEVER without; each stratum has its share of every wave."""
    count = len(stratum)
    waves = rng.permutation(_waves(max(2, round(rollout.departments * count / 60)), len(rollout.quarters)))
    place = np.full(count, np.inf)  # the DX division itself is never reached
    for value in np.unique(stratum):
        members = 1 + np.flatnonzero(stratum[1:] == value)
        place[rng.permutation(members)] = (np.arange(len(members)) + rng.random()) / len(members)
    treated = np.argsort(place, kind="stable")[: waves.sum()]
    start = np.full(count, NEVER)
    start[treated] = np.repeat([month - FIRST_MONTH for month in rollout.quarters], waves) + rng.integers(0, 2, len(treated))
    return start


def _uptake(rollout: Rollout, people: People, *, start: NDArray[np.int64], rng: np.random.Generator) -> Uptake:
    share = np.zeros(len(start))
    enrolled = np.full(len(people.posting), NEVER)
    for department in range(1, len(start)):
        month = int(start[department])
        anyone = month < NEVER
        when = month if anyone else int(rng.integers(24, MONTHS - 4))
        posted = np.flatnonzero(people.posting[:, when // 12] == department)
        posted = posted[enrolled[posted] == NEVER]
        wanted = rng.uniform(*rollout.share) if anyone else 0.04  # single enrolments stay below any threshold
        number = int(np.ceil(wanted * len(posted))) if anyone else int(wanted * len(posted))
        chosen = _volunteer(posted, number, ability=people.ability, rng=rng)
        enrolled[chosen] = when + (np.arange(number) >= np.ceil(0.6 * number))
        share[department] = number / len(posted) if anyone else 0.0
    return Uptake(course_id=rollout.course_id, start=start, share=share, enrolled=enrolled)


def _waves(total: int, number: int) -> NDArray[np.int64]:
    """Wave sizes that differ by at most three and add up to ``total``."""
    sizes = np.full(number, total // number)
    sizes[: total % number] += 1
    if number >= 4 and sizes.min() > 2:
        sizes[:4] += np.array([1, -1, 1, -1])
    return sizes


def _volunteer(posted: NDArray[np.int64], number: int, *, ability: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """``number`` of the ``posted`` people, the more able first but not only (Gumbel top-k sampling)."""
    keys = ability[posted] + rng.gumbel(size=len(posted))
    return posted[np.argsort(-keys, kind="stable")[:number]]


def exposure(uptake: Uptake, people: People, *, mechanism: Mechanism) -> NDArray[np.float64]:
    """(D, T) share of the full effect that acts: trained people still posted, relative to the start, after the ramp.

    Zero before the start and in departments without one; at most 1.
    """
    heads = people.heads()
    result = np.zeros((len(heads), MONTHS))
    treated = np.flatnonzero(uptake.start < NEVER)
    for month in range(int(uptake.start.min()), MONTHS):
        year = month // 12
        trained = people.posted(uptake.enrolled <= month, year=year) / np.maximum(heads[:, year], 1)
        since = month - uptake.start[treated]
        ramp = np.clip(since / max(mechanism.ramp_months, 1), 0.0, 1.0) if mechanism.ramp_months else (since >= 0) * 1.0
        result[treated, month] = ramp * np.minimum(trained[treated] / uptake.share[treated], 1.0)
    return result


def cohorts(uptakes: dict[str, Uptake], people: People) -> pd.DataFrame:
    """First enrolment of each department that a course reached: course_id, department_id, month, quarter, share."""
    rows = []
    for uptake in uptakes.values():
        for department in np.flatnonzero(uptake.start < NEVER):
            month = FIRST_MONTH + int(uptake.start[department])
            rows.append(
                {
                    "course_id": uptake.course_id,
                    "department_id": people.departments["department_id"][int(department)],
                    "month": str(month),
                    "quarter": str(Month(month.index - month.index % 3)),
                    "share": round(float(uptake.share[department]), 6),
                }
            )
    return pd.DataFrame(rows).sort_values(["course_id", "department_id"], ignore_index=True)

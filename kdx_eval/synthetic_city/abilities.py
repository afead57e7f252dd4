"""Skill assessments by three instruments: one's own, the supervisor's, a test; courses raise the low more, so that people differ less afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.design import FIRST_MONTH, stream
from kdx_eval.synthetic_city.records import policy_table

# What a city of beginners is good at, and what the three courses that reach departments teach.
_LEVEL: Mapping[str, float] = {"literacy": 3.2, "security": 3.6, "bpr": 2.9, "data": 2.6, "tools": 3.1}
_TAUGHT: Mapping[str, tuple[str, ...]] = {"bpr": ("DXBPR",), "tools": ("FORMTOOL", "AITOOL")}
_SHARED, _SHARED_FROM = frozenset({"security", "bpr", "tools"}), 36
_TYPED_WRONG = 3  # self-assessments of 35 for 3.5: outside the scale, to be set aside and not averaged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instrument:
    """Months of the two rounds (offset), who is asked (an interval of a person's own number between 0 and 1), and how a level becomes a score."""

    title: str
    months: tuple[int, int]
    asked: tuple[float, float]
    slope: float
    start: float
    noise: float
    range: tuple[int, int]


_INSTRUMENTS = (
    _Instrument(title="自己評価", months=(26, 38), asked=(0.0, 0.42), slope=0.85, start=0.75, noise=0.55, range=(1, 5)),
    _Instrument(title="上司評価", months=(25, 43), asked=(0.0, 0.30), slope=1.0, start=0.0, noise=0.45, range=(1, 5)),
    _Instrument(title="テスト", months=(25, 44), asked=(0.08, 0.44), slope=15.0, start=18.0, noise=8.0, range=(0, 100)),
)


def skills(city: City) -> pd.DataFrame:
    """person, skill_area, assessed_on, score (1 to 5; tests 0 to 100), instrument: two rounds of each, the same people where they are still posted."""
    rng = stream(city.seed, "skills")
    number = rng.random(len(city.people.posting))
    liking = 0.35 * rng.standard_normal((len(number), len(_LEVEL)))  # what somebody is better at than in other things
    parts = []
    for instrument in _INSTRUMENTS:
        for month in instrument.months:
            posting = city.people.posting[:, month // 12]
            drawn = (number >= instrument.asked[0]) & (number < instrument.asked[1])
            asked = np.flatnonzero((posting >= 0) & (drawn | (posting == 0)))  # all of the DX division
            level = (_levels(city, month) + liking)[asked]
            score = instrument.start + instrument.slope * level + instrument.noise * rng.standard_normal(level.shape)
            parts.append(_rows(asked, score, instrument=instrument, month=month))
    frame = pd.concat(parts, ignore_index=True)
    own = np.flatnonzero(frame["instrument"] == _INSTRUMENTS[0].title)
    frame.loc[own[7 : 7 + _TYPED_WRONG], "score"] = 35
    return frame


def _levels(city: City, month: int) -> NDArray[np.float64]:
    """(N, areas) what everybody can do in a month."""
    people = city.people
    level = np.array(list(_LEVEL.values())) + 0.55 * people.ability[:, None]
    level += 0.9 * (people.posting[:, month // 12] == 0)[:, None]
    for place, area in enumerate(_LEVEL):
        for course in _TAUGHT.get(area, ()):
            taught = city.uptakes[course].enrolled < month - 1
            level[:, place] += taught * (0.35 + 0.3 * np.clip(-people.ability, 0, 2))
        if area in _SHARED and month >= _SHARED_FROM:  # manuals and courses for all bring up those who were behind, trained or not
            level[:, place] += 0.4 * np.clip(_LEVEL[area] - level[:, place], 0, 2)
    return level


def _rows(asked: NDArray[np.int64], score: NDArray[np.float64], *, instrument: _Instrument, month: int) -> pd.DataFrame:
    names = policy_table("skill_areas").set_index("skill_area_id")["skill_area"]
    areas = names[list(_LEVEL)].to_numpy()
    return pd.DataFrame(
        {
            "person": np.repeat(asked, len(areas)),
            "skill_area": np.tile(areas, len(asked)),
            "assessed_on": np.datetime64(f"{FIRST_MONTH + month}-15"),
            "score": np.clip(np.rint(score), *instrument.range).astype(int).ravel(),
            "instrument": instrument.title,
        }
    )

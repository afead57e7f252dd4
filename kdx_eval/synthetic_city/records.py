"""What happened to people in courses: attendance, applications, tiers, postings, names."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdx_eval.resources import root_dir
from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.design import FIRST_MONTH, MONTHS, stream
from kdx_eval.synthetic_city.names import given_names, surnames
from kdx_eval.synthetic_city.training import NEVER

POLICY_VERSION = "r7-04"
_JLIS = ("JLIS_PM", "JLIS_PLAN", "JLIS_ISM", "JLIS_TEACH", "JLIS_BPR", "JLIS_DATA", "JLIS_STAKE")
_COMPULSORY = {"SECURITY": 2, "INFOSEC": 7}  # month offset within the fiscal year: June, November
_NEW_STAFF = ("NEWNET", "NEWSEC")
# Invented, like everything of this city: the policy names courses and says nothing of their length.
_COURSE_HOURS = {
    "DXLIT": "3", "DXBPR": "12", "DXNET": "6", "BA": "30", "JLIS_PM": "4", "JLIS_PLAN": "4", "JLIS_ISM": "4", "JLIS_TEACH": "6", "JLIS_BPR": "6",
    "JLIS_DATA": "4", "JLIS_STAKE": "4", "CYDER": "7", "SECURITY": "2", "NEWNET": "2", "NEWSEC": "2", "INFOSEC": "1.5", "AITOOL": "3", "FORMTOOL": "3",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Written name and kana of each person; a few pairs in one department share both or only the writing."""

    written: NDArray[np.str_]
    kana: NDArray[np.str_]


@cache
def policy_table(name: str) -> pd.DataFrame:
    """A table of the policy version on which the city's courses and tiers rest, all as text; courses with the hours they have in this city."""
    path = root_dir("data_schema") / "policy" / POLICY_VERSION / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return pd.DataFrame([row | {"hours": _COURSE_HOURS[row["course_id"]]} for row in rows] if name == "course_catalogue" else rows)


def make_names(city: City) -> Names:
    """Invented names, the common ones more often."""
    rng = stream(city.seed, "names")
    family, given = surnames(), given_names()
    weight = 1.0 / (np.arange(len(family)) + 8.0)
    count = len(city.people.posting)
    first = rng.choice(len(family), count, p=weight / weight.sum())
    second = rng.integers(0, len(given), count)
    for department in range(1, 4):  # namesakes in one department: matching by name alone must not guess
        pair = np.flatnonzero((city.people.posting[:, 2] == department) & (city.people.posting[:, 1] == department))[:2]
        first[pair], second[pair] = first[pair[0]], second[pair[0]]
    return Names(
        written=np.array([f"{family[a][0]}　{given[b][0]}" for a, b in zip(first, second, strict=True)]),
        kana=np.array([f"{family[a][1]} {given[b][1]}" for a, b in zip(first, second, strict=True)]),
    )


def assignments(city: City) -> pd.DataFrame:
    """person, department (rows), valid_from, valid_to (NaT when still posted); one row for each unbroken posting."""
    posting = city.people.posting
    rows = []
    for year in range(posting.shape[1]):
        begins = (posting[:, year] >= 0) & (True if year == 0 else posting[:, year] != posting[:, year - 1])
        people = np.flatnonzero(begins)
        same = posting[people] == posting[people, year][:, None]
        same[:, :year] = True
        years = np.where(same.all(axis=1), posting.shape[1], np.argmin(same, axis=1))
        rows.append(pd.DataFrame({"person": people, "department": posting[people, year], "first": year, "end": years}))
    frame = pd.concat(rows).sort_values(["person", "first"], ignore_index=True)
    start = np.array([np.datetime64(f"{FIRST_MONTH.year + y}-04-01") for y in range(posting.shape[1] + 1)])
    frame["valid_from"] = start[frame["first"].to_numpy()]
    end = start[frame["end"].to_numpy()] - np.timedelta64(1, "D")
    frame["valid_to"] = np.where(frame["end"].to_numpy() == posting.shape[1], np.datetime64("NaT"), end)
    return frame[["person", "department", "valid_from", "valid_to"]]


def tiers(city: City, postings: pd.DataFrame) -> pd.DataFrame:
    """person, tier, valid_from, valid_to: specialists and others posted to the DX division, everybody else 全職員."""
    names = policy_table("tiers").set_index("tier_id")["tier"]
    specialist = city.people.specialist[postings["person"].to_numpy()]
    inside = postings["department"].to_numpy() == 0
    tier = np.where(inside, np.where(specialist, names["specialist"], names["promoter"]), names["everyone"])
    frame = postings.assign(tier=tier)
    # Two postings in a row within one tier are one row: a tier does not end with a transfer.
    new = (frame["person"] != frame["person"].shift()) | (frame["tier"] != frame["tier"].shift())
    grouped = frame.assign(run=new.cumsum()).groupby("run", sort=True)
    return grouped.agg(
        person=("person", "first"), tier=("tier", "first"), valid_from=("valid_from", "first"), valid_to=("valid_to", lambda v: v.iloc[-1])
    ).reset_index(drop=True)


def attendance(city: City) -> pd.DataFrame:
    """Every enrolment: person, course_id, offered_on, enrolled_on, completed_on (NaT if not), test_score, satisfaction (missing: not answered)."""
    rng = stream(city.seed, "attendance")
    parts = [(course, *_enrolled(uptake.enrolled)) for course, uptake in city.uptakes.items()]
    parts += _compulsory(city) + _tier_courses(city, rng)
    person = np.concatenate([part[1] for part in parts])
    month = np.concatenate([part[2] for part in parts])
    frame = pd.DataFrame({"person": person, "course_id": np.repeat([part[0] for part in parts], [len(part[1]) for part in parts])})
    first_day = np.datetime64(str(FIRST_MONTH)) + month.astype("timedelta64[M]")
    day = np.busday_offset(first_day.astype("datetime64[D]"), rng.integers(3, 17, len(person)), roll="forward")
    frame["offered_on"] = np.busday_offset(day, -rng.integers(18, 30, len(person)))
    frame["enrolled_on"] = day
    length = np.where(frame["course_id"].isin(["DXBPR", "BA"]), 30, 1)
    done = np.busday_offset(day, rng.integers(0, 10, len(person)) + length)
    finished = rng.random(len(person)) < np.where(frame["course_id"].isin(list(_COMPULSORY)), 0.97, 0.92)
    frame["completed_on"] = np.where(finished & (done < np.datetime64("2026-04-01")), done, np.datetime64("NaT"))
    score = 62 + 9 * city.people.ability[person] + 8 * rng.standard_normal(len(person))
    frame["test_score"] = np.clip(np.rint(score), 0, 100).astype(int)
    answered = np.clip(np.rint(3.8 + 0.8 * rng.standard_normal(len(person))), 1, 5)
    # A third of those who attended hand in no questionnaire.
    silent = stream(city.seed, "questionnaires").random(len(person)) < 0.34
    frame["satisfaction"] = pd.array(np.where(silent, np.nan, answered), dtype="Int64")
    return frame.sort_values(["enrolled_on", "course_id", "person"], ignore_index=True)


def _enrolled(months: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    people = np.flatnonzero(months < NEVER)
    return people, months[people]


def _compulsory(city: City) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Everybody posted, every year; and the courses for new staff in the April of their hiring."""
    parts = []
    for year in range(MONTHS // 12):
        posted = np.flatnonzero(city.people.posting[:, year] >= 0)
        parts += [(course, posted, np.full(len(posted), 12 * year + offset)) for course, offset in _COMPULSORY.items()]
        new = posted[city.people.hired[posted] == FIRST_MONTH.year + year]
        parts += [(course, new, np.full(len(new), 12 * year)) for course in _NEW_STAFF]
    return parts


def _tier_courses(city: City, rng: np.random.Generator) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """J-LIS courses and CYDER for the DX division, ビジネスアーキテクト for specialists, some outsourced seats for others."""
    parts = []
    for year in range(MONTHS // 12):
        inside = np.flatnonzero(city.people.posting[:, year] == 0)
        parts.append(("CYDER", inside, 12 * year + rng.integers(5, 9, len(inside))))
        for course in _JLIS:
            some = inside[rng.random(len(inside)) < 0.3]
            parts.append((course, some, 12 * year + rng.integers(1, 11, len(some))))
        if year >= 2:  # the outsourced courses began in 令和6年度
            specialist = inside[city.people.specialist[inside]]
            parts.append(("BA", specialist, 12 * year + rng.integers(3, 6, len(specialist))))
            posted = np.flatnonzero(city.people.posting[:, year] >= 0)
            for course, share in (("DXLIT", 0.03), ("DXNET", 0.015)):
                some = posted[rng.random(len(posted)) < share]
                parts.append((course, some, 12 * year + rng.integers(2, 10, len(some))))
    return parts


def applicants(city: City, attended: pd.DataFrame) -> pd.DataFrame:
    """person, course_id, post, applied_on, outcome: those who got a seat in DXBPR and a quarter as many who did not; the open call for specialists."""
    rng = stream(city.seed, "applicants")
    took = attended[attended["course_id"] == "DXBPR"]
    never = np.flatnonzero((city.uptakes["DXBPR"].enrolled == NEVER) & (city.people.posting[:, 3] >= 0))
    keys = city.people.ability[never] + rng.gumbel(size=len(never))
    without = never[np.argsort(-keys, kind="stable")[: len(took) // 4]]
    day = took["offered_on"].to_numpy().astype("datetime64[D]")
    selected = pd.DataFrame({"person": took["person"], "applied_on": np.busday_offset(day, 5), "outcome": "当選"})
    others = pd.DataFrame(
        {
            "person": without,
            "applied_on": rng.choice(selected["applied_on"].to_numpy(), len(without)),
            "outcome": np.where(rng.random(len(without)) < 0.8, "補欠", "辞退"),
        }
    )
    frame = pd.concat([pd.concat([selected, others]).assign(course_id="DXBPR", post=""), _open_call(city)])
    return frame.sort_values(["applied_on", "person"], ignore_index=True)


def _open_call(city: City) -> pd.DataFrame:
    """庁内公募: the specialists in post since April 2022, and two and a half times as many who were not chosen."""
    rng = stream(city.seed, "open call")
    chosen = np.flatnonzero(city.people.specialist)
    others = np.flatnonzero((city.people.posting[:, 0] > 0) & ~city.people.specialist)
    keys = city.people.ability[others] + rng.gumbel(size=len(others))
    refused = others[np.argsort(-keys, kind="stable")[: len(chosen) * 5 // 2]]
    people = np.concatenate([chosen, refused])
    return pd.DataFrame(
        {
            "person": people, "course_id": "", "post": "DXスペシャリスト", "applied_on": np.datetime64("2022-01-17"),
            "outcome": np.repeat(["採用", "不採用"], [len(chosen), len(refused)]),
        }
    )  # fmt: skip

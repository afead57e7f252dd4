"""定着率: who completed a course and is still posted where it was to be applied."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.policy.posts import posted_on
from kdx_eval.policy.tier_counts import LATER

if TYPE_CHECKING:
    from kdx_eval.panel.postings import Postings
    from kdx_eval.panel.successors import StableUnits

EVERY_COURSE = "任意の研修すべて"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """Of those who completed a course, the share posted in the same department ``later`` years after; None where fewer than ten stand behind it.

    Attributes
    ----------
    persons : int or None
        Completions whose day lies ``later`` years or more before the last day known.
    same : float or None
        Still in the department (or in what it was reorganised into).
    elsewhere, gone : float or None
        In another department; in none, having left or being unknown.
    """

    course: str
    later: int
    persons: int | None
    same: float | None
    elsewhere: float | None
    gone: float | None


def count_staying(done: pd.DataFrame, postings: Postings, *, units: StableUnits, last: dt.date, names: Mapping[str, str]) -> Iterator[Staying]:
    """All courses that are not compulsory together, then each, after one, two and three years; each person by the first completion of a course."""
    first = done[~done["compulsory"].astype(bool)].sort_values("day").drop_duplicates(["staff_id", "course_id"]).reset_index(drop=True)
    if first.empty:
        return
    first = first.assign(home=_units(posted_on(postings, first["staff_id"], days=first["day"]), units))
    first = first[first["home"].notna()].reset_index(drop=True)
    for later in LATER:
        when = first["day"] + pd.DateOffset(years=later)
        followed = first[when <= pd.Timestamp(last)]
        if followed.empty:
            continue
        after = _units(posted_on(postings, followed["staff_id"], days=when[followed.index]), units).to_numpy(dtype=object)
        seen = followed.assign(after=after)
        yield _stay(EVERY_COURSE, later, seen.drop_duplicates("staff_id"))
        for course, group in seen.groupby("course_id", sort=True):
            yield _stay(names.get(str(course), str(course)), later, group)


def _stay(course: str, later: int, group: pd.DataFrame) -> Staying:
    count = len(group)
    if count < SMALL_CELL:
        return Staying(course=course, later=later, persons=None if count else 0, same=None, elsewhere=None, gone=None)
    gone, same = int(group["after"].isna().sum()), int((group["after"] == group["home"]).sum())
    return Staying(course=course, later=later, persons=count, same=same / count, elsewhere=(count - same - gone) / count, gone=gone / count)


def _units(departments: pd.Series, units: StableUnits) -> pd.Series:
    return departments.map(units.of, na_action="ignore")

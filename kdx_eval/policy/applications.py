"""Applicants for courses and for posts by open call (庁内公募), and what became of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.disclosure import mask_small
from kdx_eval.panel.tables import Tables, column
from kdx_eval.units import Month

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTCOMES: Mapping[str, str] = {"selected": "当選・採用", "waitlisted": "補欠", "rejected": "落選・不採用", "declined": "辞退"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications:
    """One call.

    Attributes
    ----------
    called, is_post, year : str, bool, int or None
        Course or post, which of the two, and the fiscal year of application (None: no date).
    applicants : int or None
        Applications; None where masked.
    outcomes : tuple of (str, int or None)
        By outcome in Japanese; None where masked, since a total minus the others would give it away.
    competition : float or None
        Applicants for each one selected (倍率); None where either is masked or nobody was.
    """

    called: str
    is_post: bool
    year: int | None
    applicants: int | None
    outcomes: tuple[tuple[str, int | None], ...]
    competition: float | None


def count_applications(tables: Tables, *, last: int, names: Mapping[str, str]) -> tuple[Applications, ...]:
    """Every call until the fiscal year ``last``, posts first; empty without the table of applicants."""
    if not tables.has("applicants"):
        return ()
    course, post = (column(tables, "applicants", name=name, kind="VARCHAR") for name in ("course_id", "post"))
    applied = column(tables, "applicants", name="applied_on", kind="DATE")
    connection = tables.connect()
    try:
        frame = connection.execute(
            f"""SELECT coalesce({post}, {course}, '（応募先の記入なし）') AS called, {post} IS NOT NULL AS is_post, {applied} AS day, outcome
                FROM applicants WHERE outcome IS NOT NULL ORDER BY ALL"""
        ).df()
    finally:
        connection.close()
    frame["year"] = [None if pd.isna(day) else Month.of_date(day.date()).fiscal_year.year for day in frame["day"]]
    frame = frame[frame["year"].isna() | (frame["year"].astype(float) <= last)]
    frame["key"] = [f"{0 if is_post else 1}\t{called}\t{year}" for is_post, called, year in zip(frame["is_post"], frame["called"], frame["year"], strict=True)]
    frame["total"] = frame.groupby("key")["key"].transform("size")
    counts = frame.groupby(["key", "outcome"], sort=True).size().rename("persons").reset_index()
    if counts.empty:
        return ()
    masked = mask_small(counts, "persons", totals=("key",))
    return tuple(_call(frame[frame["key"] == key].iloc[0], group, names=names) for key, group in masked.groupby("key", sort=True))


def _call(first: pd.Series, group: pd.DataFrame, *, names: Mapping[str, str]) -> Applications:
    known = {str(word): None if math.isnan(count) else int(count) for word, count in zip(group["outcome"], group["persons"].astype(float), strict=True)}
    total = None if (group["masked"] == "total").any() else int(first["total"])
    selected = known.get("selected", 0)
    return Applications(
        called=names.get(str(first["called"]), str(first["called"])), is_post=bool(first["is_post"]),
        year=None if pd.isna(first["year"]) else int(first["year"]),
        applicants=total, outcomes=tuple((title, known.get(word, 0)) for word, title in OUTCOMES.items()),
        competition=total / selected if total is not None and selected else None,
    )  # fmt: skip

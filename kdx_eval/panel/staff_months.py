"""Postings as shares of staff-months: an interval join of dated assignments with months, to the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.panel.postings import Postings

Days = npt.NDArray[np.int64]
Codes = npt.NDArray[np.intp]
_DAY = "datetime64[D]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StaffMonths:
    """Staff-months by person, department and month; a person may have several rows of one department in one month.

    Attributes
    ----------
    people, departments : ndarray
        Labels, sorted.
    person, department, month : ndarray, (R,)
        Positions in ``people``, in ``departments`` and among the months.
    share : ndarray, (R,)
        Part of the month (0 < share <= 1).
    """

    people: npt.NDArray[np.object_]
    departments: npt.NDArray[np.object_]
    person: Codes
    department: Codes
    month: Codes
    share: npt.NDArray[np.float64]

    def total(self, n_months: int, *, counted: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.float64]:
        """(departments, months) sums of the rows that are ``counted``, by default all."""
        rows = slice(None) if counted is None else counted
        cell = (self.department * n_months + self.month)[rows]
        size = len(self.departments) * n_months
        return np.asarray(np.bincount(cell, weights=self.share[rows], minlength=size).reshape(-1, n_months))


def split_postings(postings: Postings, months: npt.NDArray[np.int64]) -> StaffMonths:
    """The rows behind :func:`staff_months`, for sums that need no row of their own for each person."""
    edges = _month_edges(months)
    both = pd.concat([postings.frame, postings.leave], ignore_index=True)
    person, people = pd.factorize(both["staff_id"], sort=True)
    department, departments = pd.factorize(postings.frame["department_id"], sort=True)
    department = np.concatenate([department, np.full(len(postings.leave), -1)])  # leave: a department that takes the whole day
    begin, end = _bounds(both, edges=edges)
    seen = begin < end
    pieces = _cut(person[seen], department[seen], begin=begin[seen], end=end[seen])
    row, month, share = _by_month(pieces, edges - edges[0])
    return StaffMonths(
        people=np.asarray(people, dtype=object),
        departments=np.asarray(departments, dtype=object),
        person=pieces["person"].to_numpy()[row],
        department=pieces["department"].to_numpy()[row],
        month=month,
        share=share,
    )


def staff_months(postings: Postings, months: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Share of each month that each person was at work in each department.

    A move in the middle of a month splits it by days. On a day with several postings (兼務, or a day of handing over) each department
    gets an equal part of the day, so that the shares of a person in a month sum to at most 1; days without a posting, or on leave, count
    for nobody.

    Parameters
    ----------
    months : ndarray
        ``Month.index``, consecutive and increasing.

    Returns
    -------
    DataFrame
        staff_id, department_id, month, share (0 < share <= 1), ordered by the first three.
    """
    found = split_postings(postings, months)
    codes = pd.DataFrame({"person": found.person, "department": found.department, "month": found.month, "share": found.share})
    summed = codes.groupby(["person", "department", "month"], sort=True)[["share"]].sum().reset_index()
    return pd.DataFrame(
        {
            "staff_id": found.people[summed["person"]],
            "department_id": found.departments[summed["department"]],
            "month": months[summed["month"]],
            "share": summed["share"],
        }
    )


def _month_edges(months: npt.NDArray[np.int64]) -> Days:
    """The first day of each month and of the one after the last, in days since 1970."""
    bounds = np.append(months, months[-1] + 1) - 1970 * 12
    return np.asarray(bounds.astype("datetime64[M]").astype(_DAY).astype(np.int64))


def _bounds(spells: pd.DataFrame, *, edges: Days) -> tuple[Days, Days]:
    """First day and the day after the last one of every spell, cut to the months, in days since their first."""
    begin, last = (spells[name].to_numpy().astype(_DAY).astype(np.int64) for name in ("valid_from", "valid_to"))
    return np.clip(begin, edges[0], edges[-1]) - edges[0], np.clip(last + 1, edges[0], edges[-1]) - edges[0]


def _cut(person: Codes, department: Codes, *, begin: Days, end: Days) -> pd.DataFrame:
    """Each person's time cut wherever a spell begins or ends: person, department, begin, end, part of each day; leave taken out."""
    width = int(end.max(initial=0)) + 1
    points = np.unique(np.concatenate([person * width + begin, person * width + end]))
    low, high = (np.searchsorted(points, person * width + day) for day in (begin, end))
    piece = np.repeat(low, high - low) + _counted(high - low)
    held = pd.DataFrame({"piece": piece, "department": np.repeat(department, high - low)}).drop_duplicates()
    held = held[~held["piece"].isin(held.loc[held["department"] < 0, "piece"])].sort_values(["piece", "department"])
    at = held["piece"].to_numpy()
    return pd.DataFrame(
        {
            "person": points[at] // width,
            "department": held["department"].to_numpy(),
            "begin": points[at] % width,
            "end": points[at + 1] % width,  # the piece before a person's last point, so the next point is the same person's
            "part": 1.0 / np.bincount(at, minlength=1)[at],
        }
    )


def _counted(lengths: Codes) -> Codes:
    """0, 1, ... within each of consecutive groups of these lengths."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _by_month(pieces: pd.DataFrame, edges: Days) -> tuple[Codes, Codes, npt.NDArray[np.float64]]:
    """Pieces split at the first of each month: row of ``pieces``, position of the month, share."""
    begin, end = pieces["begin"].to_numpy(), pieces["end"].to_numpy()
    first = np.searchsorted(edges, begin, side="right") - 1
    span = np.searchsorted(edges, end, side="left") - first
    row, month = np.repeat(np.arange(len(pieces)), span), np.repeat(first, span) + _counted(span)
    days = np.minimum(end[row], edges[month + 1]) - np.maximum(begin[row], edges[month])
    return row, month, days * pieces["part"].to_numpy()[row] / (edges[month + 1] - edges[month])

"""Postings as shares of staff-months: an interval join of dated assignments with months, to the day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.panel.postings import Postings

Days = npt.NDArray[np.int64]
_DAY = "datetime64[D]"


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
    edges = _month_edges(months)
    people, person = np.unique(_labels(postings, "staff_id"), return_inverse=True)
    departments, department = np.unique(postings.frame["department_id"].to_numpy(dtype=str), return_inverse=True)
    department = np.concatenate([department, np.full(len(postings.leave), -1)])  # leave: a department that takes the whole day
    begin, end = _bounds(postings, edges=edges)
    seen = begin < end
    pieces = _cut(person[seen], department[seen], begin=begin[seen], end=end[seen])
    shares = _by_month(pieces, edges - edges[0])
    return pd.DataFrame(
        {
            "staff_id": people[shares["person"]].astype(object),
            "department_id": departments[shares["department"]].astype(object),
            "month": months[shares["month"]],
            "share": shares["share"],
        }
    )


def _month_edges(months: npt.NDArray[np.int64]) -> Days:
    """The first day of each month and of the one after the last, in days since 1970."""
    bounds = np.append(months, months[-1] + 1) - 1970 * 12
    return np.asarray(bounds.astype("datetime64[M]").astype(_DAY).astype(np.int64))


def _labels(postings: Postings, name: str) -> npt.NDArray[np.str_]:
    return np.concatenate([frame[name].to_numpy(dtype=str) for frame in (postings.frame, postings.leave)])


def _bounds(postings: Postings, *, edges: Days) -> tuple[Days, Days]:
    """First day and the day after the last one of every spell, cut to the months, in days since their first."""
    both = pd.concat([postings.frame, postings.leave])
    begin, last = (both[name].to_numpy().astype(_DAY).astype(np.int64) for name in ("valid_from", "valid_to"))
    return np.clip(begin, edges[0], edges[-1]) - edges[0], np.clip(last + 1, edges[0], edges[-1]) - edges[0]


def _cut(person: npt.NDArray[np.intp], department: npt.NDArray[np.intp], *, begin: Days, end: Days) -> pd.DataFrame:
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


def _counted(lengths: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """0, 1, ... within each of consecutive groups of these lengths."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _by_month(pieces: pd.DataFrame, edges: Days) -> pd.DataFrame:
    """Pieces split at the first of each month and summed: person, department, month (position), share."""
    begin, end = pieces["begin"].to_numpy(), pieces["end"].to_numpy()
    first = np.searchsorted(edges, begin, side="right") - 1
    span = np.searchsorted(edges, end, side="left") - first
    row, month = np.repeat(np.arange(len(pieces)), span), np.repeat(first, span) + _counted(span)
    days = np.minimum(end[row], edges[month + 1]) - np.maximum(begin[row], edges[month])
    split = pieces.iloc[row][["person", "department"]].assign(month=month)
    split["share"] = days * pieces["part"].to_numpy()[row] / (edges[month + 1] - edges[month])
    return split.groupby(["person", "department", "month"], sort=True)[["share"]].sum().reset_index()

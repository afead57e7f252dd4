"""Small cells and secondary suppression, by audience.

A cell that rests on fewer than ten persons is masked (秘匿) before it leaves the office: docs/SECURITY.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from kdx_eval.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

SMALL_CELL = 10
MASKED = "秘匿"  # what is printed in place of a masked cell
Audience = Literal["internal", "public"]
Kind = Literal["attendance", "overtime", "score", "career"]
_SHOWN_INSIDE: frozenset[Kind] = frozenset(("attendance", "overtime"))


def smallest_shown(kind: Kind, *, audience: Audience = "internal") -> int:
    """The smallest number of persons whose cell is shown: the one rule for documents, notebooks and site.

    Inside the office (庁内限り) attendance and departments' overtime are shown whoever they count, since the division that asks for the money runs
    the courses; what tells of single persons, their scores and careers (tiers held, moves, applications), needs ten persons there too. Outside,
    every cell does.
    """
    return 1 if audience == "internal" and kind in _SHOWN_INSIDE else SMALL_CELL


def mask_small(
    frame: pd.DataFrame,
    count_column: str,
    *,
    value_columns: Sequence[str] = (),
    threshold: int = SMALL_CELL,
    audience: Audience = "public",
    totals: Sequence[str] | None = (),
) -> pd.DataFrame:
    """Return a copy in which cells that rest on few persons are missing, with a column ``masked`` that says why.

    Parameters
    ----------
    frame : DataFrame
        One row per cell.
    count_column : str
        Persons behind the cell; a count of zero, or a missing one, is not small.
    value_columns : sequence of str
        Further columns to blank together with the count.
    threshold : int
        Counts from 1 to ``threshold - 1`` are masked.
    audience : {"internal", "public"}
        Inside the office nothing is masked.
    totals : sequence of str or None
        Columns by which totals are shown beside the cells; ``()`` for one grand total, ``None`` for no total.

    Returns
    -------
    DataFrame
        ``masked`` is ``""``, ``"small"``, ``"secondary"`` (a further cell, masked so that a shown total does not give the small one away)
        or ``"total"`` (a small cell of a group in which no further cell could hide it: its total must not be shown either).

    Raises
    ------
    ParameterError
        When a named column is missing or a count is negative.
    """
    import numpy as np

    wanted = [count_column, *value_columns, *(totals or ())]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise ParameterError("表に必要な列がありません", place="、".join(missing), hint="列名を確かめてください")
    counts = frame[count_column].to_numpy(dtype=float, na_value=np.nan)
    if (counts < 0).any():
        raise ParameterError("人数が負になっています", place=count_column, hint="人数の列を確かめてください")
    labels = np.full(len(frame), "", dtype=object)
    if audience == "public":
        labels[(counts > 0) & (counts < threshold)] = "small"
        if totals is not None:
            for members in _groups(frame, totals):
                labels[members] = _hide_further(counts[members].tolist(), labels[members].tolist(), threshold)
    masked = frame.copy()
    hidden = labels != ""
    for name in (count_column, *value_columns):
        masked[name] = masked[name].mask(hidden)
    masked["masked"] = labels.astype(str)
    return masked


def _groups(frame: pd.DataFrame, totals: Sequence[str]) -> list[list[int]]:
    if not totals:
        return [list(range(len(frame)))]
    numbers = frame.groupby(list(totals), sort=False, dropna=False).ngroup().tolist()
    members: dict[int, list[int]] = {}
    for row, number in enumerate(numbers):
        members.setdefault(number, []).append(row)
    return list(members.values())


def _hide_further(counts: Sequence[float], labels: Sequence[str], threshold: int) -> list[str]:
    """Labels of one group after secondary suppression: what total minus shown cells reveals must itself be no small cell."""
    result = list(labels)
    hidden = [row for row, label in enumerate(result) if label]
    if not hidden:
        return result
    # Smallest first: the least information is lost.
    shown = sorted((row for row, label in enumerate(result) if not label and counts[row] > 0), key=lambda row: counts[row], reverse=True)
    while shown and (len(hidden) < 2 or sum(counts[row] for row in hidden) < threshold):
        further = shown.pop()
        result[further] = "secondary"
        hidden.append(further)
    if len(hidden) < 2 or sum(counts[row] for row in hidden) < threshold:
        return ["total" if label else label for label in result]
    return result

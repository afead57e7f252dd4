"""Tiers over time: persons, moves between tiers, who is still there one, two and three years later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.policy.course_cover import spelling_key

if TYPE_CHECKING:
    from kdx_eval.panel.tiers import Tiers
    from kdx_eval.schema.policy_version import PolicyVersion

OUTSIDE = "在籍なし（採用前・退職後）"
LATER = (1, 2, 3)
_OPEN = pd.Timestamp(9000, 1, 1)  # ends beyond are no ends


@dataclass(frozen=True, slots=True, kw_only=True)
class TierYear:
    """Persons of a tier on 1 April (an organisation's number of posts, not a fact about persons: never masked).

    Attributes
    ----------
    target : int or None
        How many there should be, where somebody decided; ``filled`` is the share (充足率).
    """

    tier: str
    year: int
    persons: int
    target: int | None
    filled: float | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Persons by their tier on one 1 April and on the next, over all pairs of years; ``persons`` None where masked."""

    before: str
    after: str
    persons: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Of the persons of a tier on 1 April, the share in the same tier ``later`` years after.

    ``persons`` counts a person once for each 1 April that has a later one to look at; both are None where fewer than ten different persons stand
    behind it, however many years they stand for.
    """

    tier: str
    later: int
    persons: int | None
    share: float | None


def under_policy_names(tiers: Tiers, policy: PolicyVersion) -> Tiers:
    """The same history with the tiers as the policy spells them; others stay as they are."""
    names = {spelling_key(tier.tier): tier.tier for tier in policy.tiers}
    return replace(tiers, frame=tiers.frame.assign(tier=[names.get(spelling_key(str(word)), word) for word in tiers.frame["tier"]]))


def history_faults(tiers: Tiers, policy: PolicyVersion) -> tuple[int, int, int]:
    """Rows that begin before the person's last one has ended, rows before which the person has a gap, rows of a tier that the policy does not have.

    A row without an end is ended by the next and is no fault.
    """
    frame = tiers.frame.sort_values(["staff_id", "valid_from"], kind="stable")
    before = frame.groupby("staff_id")["valid_to"].shift()
    written = before.notna() & (before < _OPEN)
    overlaps = written & (frame["valid_from"] <= before)
    gaps = written & (frame["valid_from"] > before + pd.Timedelta(days=1))
    strange = ~frame["tier"].isin([tier.tier for tier in policy.tiers])
    return int(overlaps.sum()), int(gaps.sum()), int(strange.sum())


def april_tiers(tiers: Tiers, *, last: int) -> pd.DataFrame:
    """staff_id by 1 April (columns: years), the tier's name where one holds; from the first April of the history to that of ``last``."""
    first = tiers.frame["valid_from"].min()
    begin = int(first.year) if (first.month, first.day) <= (4, 1) else int(first.year) + 1
    people = pd.Series(sorted(tiers.frame["staff_id"].unique()), dtype=object)
    columns = {year: tiers.tiers_on(people, pd.Series([pd.Timestamp(dt.date(year, 4, 1))] * len(people))) for year in range(begin, last + 1)}
    return pd.DataFrame(columns).set_axis(people, axis=0)


def count_tiers(april: pd.DataFrame, policy: PolicyVersion) -> Iterator[TierYear]:
    """Persons by tier and year with the target that was set for it."""
    targets = {(one.tier_id, one.fiscal_year): one for one in policy.supplements.targets}
    for tier in policy.tiers:
        for year in april.columns:
            persons = int((april[year] == tier.tier).sum())
            target = targets.get((tier.tier_id, int(year)))
            filled = persons / target.persons if target is not None and target.persons else None
            yield TierYear(
                tier=tier.tier, year=int(year), persons=persons, target=None if target is None else target.persons, filled=filled,
                source="" if target is None else target.source,
            )  # fmt: skip


def count_moves(april: pd.DataFrame, policy: PolicyVersion) -> tuple[Move, ...]:
    """The matrix of moves, rows before and columns after in the policy's order; small cells and what would give them away are masked.

    Persons by tier and year are shown beside it, so rows and columns have known totals: a masked cell is never alone in either.
    """
    names = [*(tier.tier for tier in policy.tiers), OUTSIDE]
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    years = list(april.columns)
    for before, after in pairwise(years):
        rows, columns = (april[year].fillna(OUTSIDE).map(place).fillna(place[OUTSIDE]).to_numpy(dtype=np.int64) for year in (before, after))
        np.add.at(counts, (rows, columns), 1)
    counts[-1, -1] = 0
    # Who belongs to a small tier is known to colleagues: neither where they came from nor where they went is told.
    people = np.array([*((april == tier.tier).any(axis=1).sum() for tier in policy.tiers), SMALL_CELL])
    hidden = mask_matrix(counts, small=(people > 0) & (people < SMALL_CELL))
    return tuple(
        Move(before=before, after=after, persons=None if hidden[i, j] else int(counts[i, j])) for i, before in enumerate(names) for j, after in enumerate(names)
    )


def mask_matrix(counts: npt.NDArray[np.int64], *, small: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
    """Cells to hide where the totals of rows and columns are known: those below ten, and further ones until no row or column gives a small one away.

    The rows and columns of the groups marked ``small`` are hidden whole.
    """
    hidden: npt.NDArray[np.bool_] = (counts > 0) & (counts < SMALL_CELL)
    if small is not None:
        hidden |= small[:, None] | small[None, :]
    changed = True
    while changed:
        changed = False
        for values, masked in (*zip(counts, hidden, strict=True), *zip(counts.T, hidden.T, strict=True)):  # rows and columns, as views
            secret = values[masked].sum()  # none at all is no small number
            if secret == 0 or (masked.sum() >= 2 and secret >= SMALL_CELL):
                continue
            open_cells = np.flatnonzero(~masked & (values > 0))
            if len(open_cells):
                masked[open_cells[np.argmin(values[open_cells])]] = True
                changed = True
    return hidden


def keep_tiers(april: pd.DataFrame, policy: PolicyVersion) -> Iterator[Retention]:
    """Retention of every tier after one, two and three years, as far as the history reaches."""
    years = [int(year) for year in april.columns]
    for tier in policy.tiers:
        for later in LATER:
            if not any(year + later in years for year in years):
                continue
            people, persons, stayed = _kept(april, tier.tier, later=later, years=years)
            shown = people >= SMALL_CELL
            yield Retention(tier=tier.tier, later=later, persons=persons if shown or not persons else None, share=stayed / persons if shown else None)


def _kept(april: pd.DataFrame, tier: str, *, later: int, years: Sequence[int]) -> tuple[int, int, int]:
    """Different persons, persons counted once a year, and those of the latter who stayed."""
    persons = stayed = 0
    ever = pd.Series(False, index=april.index)
    for year in years:
        if year + later in years:
            held = april[year] == tier
            ever |= held
            persons += int(held.sum())
            stayed += int((held & (april[year + later] == tier)).sum())
    return int(ever.sum()), persons, stayed

"""Zero, missing and not collected are three things: counting them, and keeping a panel balanced without filling."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.units import Month

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Up to this share, units with a gap are left out so that every unit is seen in every month; beyond it they
# stay, since leaving out a fifth of a city would answer for another city.
LARGEST_DROPPED_SHARE = 0.2
_LARGEST_MISSING_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GapReport:
    """What is there and what is not, before any unit was left out.

    Attributes
    ----------
    cells : int
        Units x months; equals ``complete + missing + not_collected``.
    complete : int
        Cells with a value, zeros included.
    zero : int
        Cells whose value is zero.
    missing : int
        Cells without a value in a month in which other units have one.
    not_collected : int
        Cells of months in which no unit has a value.
    no_event : int
        Zeros that stand for a month without a row, since the plan says that no row means nothing happened (``no_row: zero``).
    partial : int
        Complete cells to which some rows without a value belong.
    dropped_units : tuple of (unit, reason)
        Units left out, with the reason in Japanese.
    joined : tuple of str
        Which departments were joined to one unit and since when, in Japanese.
    by_month : DataFrame
        month (datetime64), complete, zero, missing, not_collected.
    """

    cells: int
    complete: int
    zero: int
    missing: int
    not_collected: int
    partial: int
    dropped_units: tuple[tuple[str, str], ...]
    by_month: pd.DataFrame = field(repr=False)
    no_event: int = 0
    joined: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One Japanese sentence for the page on data quality."""
        rule = f"計画に従い、行のない{self.no_event:,}マスを0件とみなしました。" if self.no_event else "欠けた所を0で埋めてはいません。"
        return (
            f"全{self.cells:,}マスのうち値があるのは{self.complete:,}（うち0が{self.zero:,}）、"
            f"欠けているのは{self.missing:,}、まだ集めていない月が{self.not_collected:,}です。{rule}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Which rows and columns of the matrix stay, and why others went."""

    units: BoolArray
    months: BoolArray
    dropped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def choose_units(matrix: FloatArray, labels: npt.NDArray[np.object_], *, excluded: BoolArray) -> Kept:
    """Leave out months nobody has, and units with gaps as long as they are few.

    Parameters
    ----------
    matrix : ndarray, (N, T)
        NaN where there is no value.
    labels : ndarray, (N,)
    excluded : ndarray, (T,)
        Months the plan excludes: they cost no unit its place, and stay only when they have no gap.
    """
    seen = ~np.isnan(matrix)
    collected = np.asarray(seen.any(axis=0))
    months: BoolArray = collected & ~excluded
    gaps = (~seen[:, months]).sum(axis=1)
    mostly_missing = gaps > _LARGEST_MISSING_SHARE * max(int(months.sum()), 1)
    some = (gaps > 0) & ~mostly_missing
    stay = ~mostly_missing
    notes: list[str] = []
    if not collected.all():
        notes.append(f"どの単位にも値がない月が{int((~collected).sum())}か月あり、使っていません。")
    if some.sum() <= LARGEST_DROPPED_SHARE * max(int(stay.sum()), 1):
        stay = stay & ~some
    elif some.any():
        notes.append(f"値のない月がある単位が{int(some.sum())}あり、多いため除かずに残しています。")
    dropped = tuple((str(labels[row]), f"値のない月が{int(gaps[row])}か月あります") for row in np.flatnonzero(~stay))
    if dropped:
        notes.append(f"値のない月がある{len(dropped)}単位を除きました。")
    months = months | (excluded & collected & seen[stay].all(axis=0))
    return Kept(units=stay, months=months, dropped=dropped, notes=tuple(notes))


def count_gaps(
    matrix: FloatArray, months: npt.NDArray[np.int64], *, partial: int, dropped: tuple[tuple[str, str], ...], no_event: int = 0, joined: tuple[str, ...] = ()
) -> GapReport:
    """Count zero, missing and not collected cells of an (N, T) matrix whose columns are ``Month.index``."""
    seen = ~np.isnan(matrix)
    collected = seen.any(axis=0)
    n_units = matrix.shape[0]
    complete = seen.sum(axis=0)
    by_month = pd.DataFrame(
        {
            "month": pd.to_datetime([Month(int(index)).first_day for index in months]),
            "complete": complete,
            "zero": (matrix == 0).sum(axis=0),
            "missing": np.where(collected, n_units - complete, 0),
            "not_collected": np.where(collected, 0, n_units),
        }
    )
    totals = {name: int(by_month[name].sum()) for name in ("complete", "zero", "missing", "not_collected")}
    return GapReport(cells=int(matrix.size), partial=partial, dropped_units=dropped, by_month=by_month, no_event=no_event, joined=joined, **totals)

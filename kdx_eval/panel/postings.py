"""Who is posted where on which day, from dated assignments or from headcounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.panel.tables import Tables, column, month_index
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    import duckdb

_FOREVER = np.datetime64("9999-12-31", "D")
_SINCE_EVER = np.datetime64("0001-01-01", "D")
_USABLE_SHARE = 0.5  # a day on which fewer than half of the usual staff are posted is not a roster


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Postings:
    """Dated assignments, both days included.

    Attributes
    ----------
    frame, leave : DataFrame
        staff_id, department_id, valid_from, valid_to (datetime64; never missing), main (False for 兼務); by person, main posts last.
        Who is on leave (休職・育休) is at work in no department.
    from_rosters : bool
        Some postings come from dated rosters, so that moves between two of them are not known.
    """

    frame: pd.DataFrame = field(repr=False)
    leave: pd.DataFrame = field(repr=False)
    from_rosters: bool = False

    def on(self, day: dt.date) -> pd.Series:
        """Department by staff_id on a day: the main post, of several the one that began last. Leave does not end a posting."""
        held = self._held(self.frame, day)
        return held.drop_duplicates("staff_id", keep="last").set_index("staff_id")["department_id"]

    def at_work(self, day: dt.date) -> pd.Series:
        """As :meth:`on`, without those who are on leave that day."""
        posted = self.on(day)
        return posted[~posted.index.isin(self._held(self.leave, day)["staff_id"])]

    @staticmethod
    def _held(frame: pd.DataFrame, day: dt.date) -> pd.DataFrame:
        when = pd.Timestamp(day)
        return frame[(frame["valid_from"] <= when) & (frame["valid_to"] >= when)]

    def roster_day(self, year: FiscalYear) -> dt.date:
        """31 March before the fiscal year, or the nearest day on which most staff are posted."""
        wanted = year.first.first_day - dt.timedelta(days=1)
        starts = np.sort(self.frame["valid_from"].to_numpy(dtype="datetime64[D]"))
        ends = np.sort(self.frame["valid_to"].to_numpy(dtype="datetime64[D]"))

        def posted(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.intp]:
            return np.searchsorted(starts, days, side="right") - np.searchsorted(ends, days, side="left")

        days = np.unique(np.concatenate([starts, ends]))
        days = days[(days > _SINCE_EVER) & (days < _FOREVER)]
        if len(days) == 0:
            return wanted
        enough = _USABLE_SHARE * posted(days).max()
        target = np.datetime64(wanted, "D")
        if posted(np.array([target]))[0] >= enough:
            return wanted
        usable = days[posted(days) >= enough]
        nearest = usable[np.argmin(np.abs(usable - target))]
        return dt.date.fromisoformat(str(nearest))

    def departments(self) -> set[str]:
        """Every department anybody was ever posted to."""
        return set(self.frame["department_id"])

    def renamed(self, unit: Mapping[str, str]) -> Postings:
        """The same postings with departments that were joined under the name of their unit."""
        frame = self.frame.assign(department_id=self.frame["department_id"].map(lambda name: unit.get(name, name)))
        return replace(self, frame=frame)


def read_postings(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Postings | None:
    """The assignments, or None when there are none.

    A list of transfers often gives the day of arrival only. So an assignment without an end is ended by the person's next one without an
    end, unless it is a concurrent post (兼務) or read off a roster, where both stand on the same sheet.
    """
    if not tables.has("assignments"):
        return None
    kind = column(tables, "assignments", name="posting_kind", kind="VARCHAR")
    frame = connection.execute(
        f"""WITH held AS (SELECT staff_id, department_id, coalesce(valid_from, DATE '{_SINCE_EVER}') AS valid_from, valid_to,
                                 coalesce({kind}, 'main') AS kind
                          FROM assignments WHERE staff_id IS NOT NULL AND department_id IS NOT NULL),
            arrivals AS (SELECT DISTINCT staff_id, valid_from FROM held WHERE valid_to IS NULL AND kind = 'main'),
            moves AS (SELECT *, 'main' AS kind, lead(valid_from) OVER (PARTITION BY staff_id ORDER BY valid_from) - 1 AS left_on FROM arrivals)
            SELECT staff_id, department_id, valid_from, least(coalesce(valid_to, left_on, DATE '{_FOREVER}'), DATE '{_FOREVER}') AS valid_to,
                   kind <> 'concurrent' AS main, kind
            FROM held LEFT JOIN moves USING (staff_id, valid_from, kind)
            ORDER BY staff_id, main, valid_from, valid_to, department_id, kind"""
    ).df()
    if frame.empty:
        return None
    for name in ("valid_from", "valid_to"):
        frame[name] = frame[name].to_numpy().astype("datetime64[s]")
    kinds, spells = frame["kind"], frame.drop(columns="kind")
    return Postings(
        frame=spells[kinds != "leave"].reset_index(drop=True),
        leave=spells[kinds == "leave"].reset_index(drop=True),
        from_rosters=bool((kinds == "roster").any()),
    )


def read_headcount(connection: duckdb.DuckDBPyConnection, tables: Tables) -> pd.DataFrame | None:
    """``headcount.actual`` by department_id and month (``Month.index``), or None."""
    if not tables.has("headcount") or not {"department_id", "month", "actual"} <= set(tables.columns("headcount")):
        return None
    frame = connection.execute(
        f"""SELECT department_id, {month_index("month")} AS month, CAST(max(actual) AS DOUBLE) AS actual FROM headcount
            WHERE department_id IS NOT NULL AND month IS NOT NULL AND actual > 0 GROUP BY ALL ORDER BY ALL"""
    ).df()
    return None if frame.empty else frame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StaffCounts:
    """Staff at work in each department before the April of each fiscal year, and how it is known.

    Attributes
    ----------
    by_year : mapping of fiscal year to mapping of department to count
    source : "assignments", "headcount" or "unknown"
    """

    by_year: Mapping[int, Mapping[str, float]]
    source: str

    def of(self, department: str, year: int) -> float | None:
        """Staff of the department for that year, else of the nearest year known, else None."""
        known = [(abs(other - year), other) for other, counts in self.by_year.items() if counts.get(department)]
        return self.by_year[min(known)[1]][department] if known else None

    def usual(self, department: str) -> float | None:
        """Mean over the years known."""
        found = [counts[department] for counts in self.by_year.values() if counts.get(department)]
        return float(np.mean(found)) if found else None


def count_staff(postings: Postings | None, headcount: pd.DataFrame | None, *, years: range) -> StaffCounts:
    """Staff before April, from assignments, else from headcounts (latest month up to April, else the first)."""
    if postings is not None:
        by_year: dict[int, dict[str, float]] = {}
        for year in years:
            counts = postings.at_work(postings.roster_day(FiscalYear(year))).value_counts()
            by_year[year] = {str(name): float(count) for name, count in counts.items()}
        return StaffCounts(by_year=by_year, source="assignments")
    if headcount is None:
        return StaffCounts(by_year={}, source="unknown")
    by_year = {}
    for year in years:
        april = FiscalYear(year).first.index
        before = headcount[headcount["month"] <= april].drop_duplicates("department_id", keep="last")
        after = headcount[headcount["month"] > april].drop_duplicates("department_id", keep="first")
        both = pd.concat([before, after]).drop_duplicates("department_id", keep="first")
        by_year[year] = dict(zip(both["department_id"], both["actual"], strict=True))
    return StaffCounts(by_year=by_year, source="headcount")

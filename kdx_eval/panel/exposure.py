"""When each unit was first treated: the share of its staff, posted before April, whom the courses reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.panel.attendance import Attendance
from kdx_eval.panel.postings import Postings, StaffCounts
from kdx_eval.panel.staff_months import split_postings
from kdx_eval.plan.types import COHORT_MONTHS, CohortWidth
from kdx_eval.units import FiscalYear

NEVER = float("inf")
_APRIL = 3  # Month.index of any April modulo 12
_ATTENDEES_WITHOUT_ROSTER = 3
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DepartmentTreatment:
    """First treated month and staff of each department.

    Attributes
    ----------
    cohort : mapping of department to float
        First month (``Month.index``) of the cohort's period; departments not in it were never treated.
    reached : mapping of department to int
        Attendees counted in the department.
    notes : tuple of str
    """

    cohort: Mapping[str, float]
    reached: Mapping[str, int]
    notes: tuple[str, ...]


def floor_cohort(month: float, width: CohortWidth) -> float:
    """The first month of the quarter (Apr/Jul/Oct/Jan) or half-year (Apr/Oct) in which a month lies; inf stays."""
    months = COHORT_MONTHS[width]
    return month if np.isinf(month) else float((int(month) - _APRIL) // months * months + _APRIL)


def place_attendees(attendance: Attendance, postings: Postings | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Attendees with the department they were posted to before the April of their fiscal year.

    Who had no posting then counts in the department written on the attendance list; who has neither is left out,
    with a note, and never moved to the comparison side.
    """
    frame = attendance.frame.copy()
    frame["year"] = (frame["month"] - _APRIL) // 12
    frame["department"] = pd.Series(np.nan, index=frame.index, dtype=object)
    notes: list[str] = []
    if postings is not None:
        for year in sorted(frame["year"].unique()):
            fiscal = FiscalYear(int(year))
            day = postings.roster_day(fiscal)
            rows = frame["year"] == year
            frame.loc[rows, "department"] = frame.loc[rows, "person"].map(postings.on(day)).astype(object)
            if (fiscal.first.first_day - day).days != 1:
                notes.append(f"{fiscal.wareki}の前の3月31日の所属がわからないため、{day.isoformat()} の所属を使いました。")
    frame["department"] = frame["department"].where(frame["department"].notna(), frame["listed_department"])
    lost = int(frame["department"].isna().sum())
    if lost:
        notes.append(f"どの課にも結び付かない受講者が{lost}人おり、課の受講割合には入れていません。")
    return frame[frame["department"].notna()], tuple(notes)


def treat_departments(placed: pd.DataFrame, staff: StaffCounts, *, threshold_share: float, width: CohortWidth) -> DepartmentTreatment:
    """First month in which the share reached is at least the threshold, set back to the start of its cohort's period.

    Each attendee adds 1 / (staff of the department before the April of that fiscal year), so that the share
    moves only when somebody is trained, not when staff move. Without staff numbers, three attendees count as treated.
    """
    cohort: dict[str, float] = {}
    reached: dict[str, int] = {}
    guessed = 0
    for name, rows in placed.sort_values("month").groupby("department", sort=True):
        department = str(name)
        reached[department] = len(rows)
        sizes = [staff.of(department, int(year)) for year in rows["year"]]
        if any(size is None for size in sizes):
            guessed += 1
            enough = np.arange(1, len(rows) + 1) >= _ATTENDEES_WITHOUT_ROSTER
        else:
            enough = np.cumsum([1.0 / size for size in sizes if size]) >= threshold_share - _ROUNDING
        if enough.any():
            cohort[department] = floor_cohort(float(rows["month"].iloc[int(np.argmax(enough))]), width)
    notes: tuple[str, ...] = ()
    if guessed:
        notes = (f"職員数がわからない{guessed}課では、受講者が{_ATTENDEES_WITHOUT_ROSTER}人に達した月を始まりとしました。",)
    return DepartmentTreatment(cohort=cohort, reached=reached, notes=notes)


def trained_share(
    attendance: Attendance, postings: Postings, *, departments: npt.NDArray[np.object_], months: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Trained staff-months over staff-months: of the time staff spent at a department in a month, the part by those trained by its end.

    It rises with each attendance and falls again as trained people leave and untrained ones arrive, to the day (`staff_months`).

    Returns
    -------
    ndarray, (N, T)
        One row for each entry of ``departments`` (repeats allowed); NaN where nobody is known to be at work.
    """
    grid = np.arange(months.min(), months.max() + 1)
    held = split_postings(postings, grid)
    first = attendance.frame.set_index("person")["month"].reindex(held.people).to_numpy(dtype=np.float64)
    total = held.total(len(grid))
    trained = held.total(len(grid), counted=first[held.person] <= grid[held.month])
    with np.errstate(invalid="ignore", divide="ignore"):
        share: npt.NDArray[np.float64] = np.where(total > 0, trained / total, np.nan)
    known = np.vstack([share, np.full(len(grid), np.nan)])  # the last row is for departments nobody is posted to
    rows = pd.Index(held.departments).get_indexer(pd.Index(departments))
    return np.asarray(known[rows][:, months - grid[0]])


def treat_staff(attendance: Attendance, units: npt.NDArray[np.object_], *, width: CohortWidth) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """Cohort of each member of staff, inf without a training row; trained staff without an outcome are noted."""
    matched = attendance.frame[attendance.frame["matched"]]
    first = matched.set_index("person")["month"].reindex(units)
    cohort = np.array([NEVER if np.isnan(month) else floor_cohort(month, width) for month in first.to_numpy(dtype=np.float64)])
    lost = len(matched) - int(np.isfinite(cohort).sum())
    notes = (f"受講記録はあるが成果のデータがない職員が{lost}人おり、分析に入っていません。",) if lost else ()
    return cohort, notes

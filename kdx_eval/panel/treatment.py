"""Who counts as treated, and the people behind every unit: attendance, postings and headcounts under stable units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.panel.attendance import Attendance
from kdx_eval.panel.cells import OutcomeCells
from kdx_eval.panel.exposure import NEVER, floor_cohort, place_attendees, trained_share, treat_departments, treat_staff
from kdx_eval.panel.lottery import Applicants, Draw
from kdx_eval.panel.postings import Postings, StaffCounts, count_staff
from kdx_eval.panel.rollout_order import DrawnOrder, OrderDraw
from kdx_eval.panel.staffing import changed_departments, staffing_note
from kdx_eval.panel.successors import StableUnits
from kdx_eval.plan import Question
from kdx_eval.units import Month

OTHER_THRESHOLDS = (0.5, 1.5, 2.0)  # times the plan's share: half of it, half as much again, twice
SHARE_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class People:
    """Who attended and who is posted where, departments under the names of their stable units."""

    attendance: Attendance
    postings: Postings | None
    headcount: pd.DataFrame | None
    applicants: Applicants | None = None

    def assigned(self, question: Question) -> Attendance:
        """Attendance that decides who is treated: as drawn in a lottery with its log, else as it was."""
        drawn = self.applicants if question.design == "lottery" else None
        return self.attendance if drawn is None else drawn.as_drawn(self.attendance)

    def draw(self, question: Question) -> Draw | None:
        """The lottery behind the question, where its log was delivered."""
        return None if self.applicants is None or question.design != "lottery" else self.applicants.draw(self.attendance)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Treatment:
    """Cohort of each unit, which units have one that is known, and what it would be at other trained shares.

    Attributes
    ----------
    eligible : ndarray of bool, (N,) or None
        Units of applicants, where only these are compared.
    stratum : ndarray, (N,) or None
        Group of the lottery in which a person or department was drawn.
    """

    cohort: npt.NDArray[np.float64]
    known: npt.NDArray[np.bool_]
    persons: npt.NDArray[np.int64]
    exposure: npt.NDArray[np.float64] | None
    notes: tuple[str, ...]
    other_cohorts: Mapping[float, npt.NDArray[np.float64]] = field(default_factory=dict)
    eligible: npt.NDArray[np.bool_] | None = None
    stratum: npt.NDArray[np.object_] | None = None
    draw: Draw | OrderDraw | None = None


def gather_people(
    attendance: Attendance, postings: Postings | None, *, headcount: pd.DataFrame | None, units: StableUnits, applicants: Applicants | None = None
) -> People:
    """Attendance, postings and headcounts with every department under the name of its stable unit."""
    frame = attendance.frame
    listed = frame["listed_department"].map(lambda name: units.of(name) if isinstance(name, str) else name).astype(object)
    if headcount is not None and units.joined:
        headcount = headcount.assign(department_id=headcount["department_id"].map(units.of))
        headcount = headcount.groupby(["department_id", "month"], sort=True)[["actual"]].sum().reset_index()
    return People(
        attendance=replace(attendance, frame=frame.assign(listed_department=listed)),
        postings=None if postings is None else postings.renamed(units.unit),
        headcount=headcount,
        applicants=applicants,
    )


def treat_units(cells: OutcomeCells, people: People, *, units: StableUnits, question: Question) -> Treatment:
    """The cohort of each unit of ``cells`` by the plan's rule, and the share of its staff-months that are trained."""
    attendance, postings = people.attendance, people.postings
    if question.unit == "staff":
        return _treat_persons(cells, people, question=question)
    placed, notes = place_attendees(people.assigned(question), postings)
    staff = _staff_by_year(cells, placed, people)
    treated = treat_departments(placed, staff, threshold_share=question.threshold_share, width=question.cohort_width)
    departments = cells.department
    cohort = np.array([treated.cohort.get(name, NEVER) for name in departments])
    others = {
        share: treat_departments(placed, staff, threshold_share=share, width=question.cohort_width).cohort for share in other_shares(question.threshold_share)
    }
    known, exposure = np.ones(len(departments), dtype=bool), None
    if postings is not None:
        # A department nobody is posted to has lost its link to its staff; it must not pass for untreated.
        posted = postings.departments() | set(treated.reached)
        known = np.array([name in posted for name in departments], dtype=bool)
        exposure = trained_share(attendance, postings, departments=departments, months=cells.months)
    outside = len(set(treated.cohort) - set(departments))
    if outside:
        notes = (*notes, f"受講者はいるが成果のデータがない課が{outside}あり、分析に入っていません。")
    notes = (*notes, *_staffing_notes(cells, people, units=units))
    persons = np.array([_persons(name, month, staff) for name, month in zip(departments, cohort, strict=True)], dtype=np.int64)
    return Treatment(
        cohort=cohort,
        known=known,
        persons=persons,
        exposure=exposure,
        notes=(*attendance.notes, *notes, *treated.notes),
        other_cohorts={share: np.array([starts.get(name, NEVER) for name in departments]) for share, starts in others.items()},
        eligible=_departments_of_applicants(cells, people, reached=set(treated.reached)),
        draw=people.draw(question),
    )


def as_drawn(treatment: Treatment, order: DrawnOrder, *, cells: OutcomeCells, people: People, units: StableUnits, question: Question) -> Treatment:
    """Departments from the month they drew, whatever they did: intention to treat. What they did stays beside it (``exposure``, ``draw``)."""
    placed, _ = place_attendees(people.attendance, people.postings)
    staff = _staff_by_year(cells, placed, people)
    began = treat_departments(placed, staff, threshold_share=question.threshold_share, width="month").cohort
    planned, strata, departments = order.planned, order.strata, cells.department
    eligible = np.array([str(name) in planned for name in departments], dtype=bool)
    cohort = np.array([floor_cohort(planned.get(str(name), NEVER), question.cohort_width) for name in departments])
    draw = order.held_against(began, members=departments[eligible & treatment.known], last=float(cells.months[-1]), names=units.names)
    return replace(
        treatment,
        cohort=cohort,
        persons=np.array([_persons(name, month, staff) for name, month in zip(departments, cohort, strict=True)], dtype=np.int64),
        other_cohorts={},  # the month that was drawn knows no threshold
        eligible=eligible,
        stratum=np.array([strata.get(str(name), "") for name in departments], dtype=object) if draw.n_strata > 1 else None,
        draw=draw,
    )


def _staff_by_year(cells: OutcomeCells, placed: pd.DataFrame, people: People) -> StaffCounts:
    months = [*placed["month"], *cells.months]
    years = range(Month(int(min(months))).fiscal_year.year, Month(int(max(months))).fiscal_year.year + 1)
    return count_staff(people.postings, people.headcount, years=years)


def _departments_of_applicants(cells: OutcomeCells, people: People, *, reached: set[str]) -> npt.NDArray[np.bool_] | None:
    """Departments with an attendee, or with an applicant who was not chosen, as posted before the April of the application."""
    if people.applicants is None:
        return None
    frame = people.applicants.frame[~people.applicants.frame["drawn"]]
    months = frame["month"].fillna(people.attendance.frame["month"].min())
    asked = pd.DataFrame({"person": frame["person"], "matched": True, "listed_department": None, "month": months})
    placed, _ = place_attendees(replace(people.attendance, frame=asked), people.postings)
    applied = reached | set(placed["department"])
    return np.array([name in applied for name in cells.department], dtype=bool)


def other_shares(planned: float) -> tuple[float, ...]:
    """The shares of staff at which a unit might as well count as treated, beside the planned one."""
    return tuple(share for factor in OTHER_THRESHOLDS if (share := round(factor * planned, SHARE_DIGITS)) <= 1.0)


def _staffing_notes(cells: OutcomeCells, people: People, *, units: StableUnits) -> Iterator[str]:
    """What the reader must know of the staff behind the units: whole transfers unseen, departments that grew or shrank."""
    if people.postings is not None and people.postings.from_rosters:
        yield "所属は名簿の基準日のものです。名簿と名簿の間（年度の途中）の異動はわかりません。"
    first, last = (Month(int(cells.months[end])) for end in (0, -1))
    changed = changed_departments(people.postings, people.headcount, first=first, last=last)
    changed = {name: pair for name, pair in changed.items() if name in set(cells.department)}
    if changed:
        yield staffing_note(changed, names=units.names)


def _treat_persons(cells: OutcomeCells, people: People, *, question: Question) -> Treatment:
    attendance, applicants = people.attendance, people.applicants
    cohort, notes = treat_staff(people.assigned(question), cells.units, width=question.cohort_width)
    eligible = stratum = None
    if applicants is not None:
        draw = people.draw(question)
        asked = applicants.frame.set_index("person")["stratum"].reindex(cells.units)
        turned_away = applicants.frame.set_index("person")["drawn"].reindex(cells.units).eq(False).to_numpy(dtype=bool)
        # In a lottery nobody but applicants had a chance. Else who came is treated, and who was chosen and stayed away stands on neither side.
        eligible = asked.notna().to_numpy() if draw is not None else turned_away | np.isfinite(cohort)
        stratum = asked.fillna("").to_numpy(dtype=object) if draw is not None and draw.n_strata > 1 else None
    first = attendance.frame.set_index("person")["month"].reindex(cells.units).to_numpy(dtype=np.float64)
    started = np.where(np.isnan(first), NEVER, first)
    ones = np.ones(len(cohort), dtype=np.int64)
    return Treatment(
        cohort=cohort,
        known=ones.astype(bool),
        persons=ones,
        exposure=(cells.months[None, :] >= started[:, None]).astype(np.float64),
        notes=(*_staff_notes(attendance), *notes),
        eligible=eligible,
        stratum=stratum,
        draw=people.draw(question),
    )


def _staff_notes(attendance: Attendance) -> tuple[str, ...]:
    unmatched = int((~attendance.frame["matched"].astype(bool)).sum())
    dates = tuple(note for note in attendance.notes if "職員番号" not in note)
    if not unmatched:
        return dates
    return (*dates, f"職員番号と結び付かない受講者が{unmatched}人分あり、職員ごとの比較には入れられません。")


def _persons(department: str, cohort: float, staff: StaffCounts) -> int:
    """Staff behind a unit when it was first treated, or usually; 1 when unknown, so that disclosure errs on the safe side."""
    count = staff.usual(department) if np.isinf(cohort) else staff.of(department, Month(int(cohort)).fiscal_year.year)
    return max(1, round(count)) if count else 1

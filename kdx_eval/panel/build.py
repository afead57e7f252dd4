"""Dataset and question -> Panel; here a plan is held against the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.attendance import Attendance, course_ids, first_attendance, known_courses
from kdx_eval.panel.cells import OutcomeCells, read_cells, require_outcome
from kdx_eval.panel.exposure import NEVER, place_attendees, trained_share, treat_departments, treat_staff
from kdx_eval.panel.gaps import choose_units, count_gaps
from kdx_eval.panel.postings import Postings, StaffCounts, count_staff, read_headcount, read_postings
from kdx_eval.panel.reach import attendance_hours, count_completion
from kdx_eval.panel.tables import Tables
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.units import Month

if TYPE_CHECKING:
    import duckdb

EVERYONE = "全員が受けるため比較できる相手がいません"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panels:
    """The panels of a plan.

    Attributes
    ----------
    panels : mapping of question_id to Panel
    refused : mapping of question_id to str
        Why a question is not estimated, in Japanese.
    completion : DataFrame
        Reach of each course and fiscal year, see :func:`count_completion`.
    attendance_hours : mapping of question_id to float
        Hours spent attending in the evaluated fiscal year.
    """

    panels: Mapping[str, Panel]
    refused: Mapping[str, str]
    completion: pd.DataFrame = field(repr=False)
    attendance_hours: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Treatment:
    """Cohort of each unit, and which units have one that is known."""

    cohort: npt.NDArray[np.float64] = field(repr=False)
    known: npt.NDArray[np.bool_] = field(repr=False)
    persons: npt.NDArray[np.int64] = field(repr=False)
    exposure: npt.NDArray[np.float64] | None = field(repr=False)
    notes: tuple[str, ...]


def build_panel(dataset: Tables, question: Question, *, plan: Plan) -> Panel:
    """The outcome of a question by unit and month, with each unit's cohort.

    Returns
    -------
    Panel
        Outcome in the outcome's unit per month; periods are ``Month.index``; nothing is zero-filled.

    Raises
    ------
    PlanError
        When the data lack the courses or the outcome that the question names.
    NotIdentifiedError
        When no comparison exists: everyone is treated, nobody is, or nothing was measured before.
    """
    if not question.is_estimated:
        raise NotIdentifiedError(EVERYONE if question.design == "everyone" else "受講の実績だけを報告する問いです", place=question.question_id)
    connection = dataset.connect()
    try:
        courses = course_ids(known_courses(connection, dataset), question)
        attendance = first_attendance(connection, dataset, courses=courses, treated_from=question.treated_from)
        cells = read_cells(connection, dataset, question=question, plan=plan)
        postings = read_postings(connection, dataset)
        headcount = read_headcount(connection, dataset) if postings is None else None
        traits = _department_traits(connection, dataset, question=question)
    finally:
        connection.close()
    treatment = _treat(cells, attendance, postings, headcount=headcount, question=question)
    panel = _assemble(cells, treatment, question=question, traits=_unit_traits(cells, postings, traits, question=question))
    _require_comparison(panel, question)
    return panel


def build_panels(dataset: Tables, plan: Plan) -> Panels:
    """The panels of all questions that can be estimated, and the reach of every course.

    Raises
    ------
    PlanError
        When the data lack what a question names.
    """
    panels: dict[str, Panel] = {}
    refused: dict[str, str] = {}
    hours: dict[str, float] = {}
    for question in plan.questions:
        hours[question.question_id] = attendance_hours(dataset, question, year=plan.evaluated_fiscal_year)
        try:
            panels[question.question_id] = build_panel(dataset, question, plan=plan)
        except NotIdentifiedError as error:
            refused[question.question_id] = error.reason
    return Panels(panels=panels, refused=refused, completion=count_completion(dataset), attendance_hours=hours)


def check_questions(dataset: Tables, plan: Plan) -> None:
    """Hold a plan against the data without building a panel, so that a run is refused before it begins.

    Raises
    ------
    PlanError
        When the data lack the courses or the outcome that a question names.
    """
    connection = dataset.connect()
    try:
        known = known_courses(connection, dataset)
        for question in plan.questions:
            course_ids(known, question)
            if question.is_estimated:
                require_outcome(connection, dataset, question=question, plan=plan)
    finally:
        connection.close()


def _treat(cells: OutcomeCells, attendance: Attendance, postings: Postings | None, *, headcount: pd.DataFrame | None, question: Question) -> _Treatment:
    if question.unit == "staff":
        return _treat_persons(cells, attendance, question=question)
    placed, notes = place_attendees(attendance, postings)
    months = [*placed["month"], *cells.months]
    years = range(Month(int(min(months))).fiscal_year.year, Month(int(max(months))).fiscal_year.year + 1)
    staff = count_staff(postings, headcount, years=years)
    treated = treat_departments(placed, staff, threshold_share=question.threshold_share, width=question.cohort_width)
    departments = cells.department
    cohort = np.array([treated.cohort.get(name, NEVER) for name in departments])
    known, exposure = np.ones(len(departments), dtype=bool), None
    if postings is not None:
        # A department nobody is posted to has lost its link to its staff; it must not pass for untreated.
        posted = postings.departments() | set(treated.reached)
        known = np.array([name in posted for name in departments], dtype=bool)
        exposure = trained_share(attendance, postings, departments=departments, months=cells.months)
    outside = len(set(treated.cohort) - set(departments))
    if outside:
        notes = (*notes, f"受講者はいるが成果のデータがない課が{outside}あり、分析に入っていません。")
    persons = np.array([_persons(name, month, staff) for name, month in zip(departments, cohort, strict=True)], dtype=np.int64)
    return _Treatment(cohort=cohort, known=known, persons=persons, exposure=exposure, notes=(*attendance.notes, *notes, *treated.notes))


def _treat_persons(cells: OutcomeCells, attendance: Attendance, *, question: Question) -> _Treatment:
    cohort, notes = treat_staff(attendance, cells.units, width=question.cohort_width)
    first = attendance.frame.set_index("person")["month"].reindex(cells.units).to_numpy(dtype=np.float64)
    started = np.where(np.isnan(first), NEVER, first)
    ones = np.ones(len(cohort), dtype=np.int64)
    return _Treatment(
        cohort=cohort,
        known=ones.astype(bool),
        persons=ones,
        exposure=(cells.months[None, :] >= started[:, None]).astype(np.float64),
        notes=(*_staff_notes(attendance), *notes),
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


def _department_traits(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question) -> dict[str, Mapping[str, str]]:
    """department_type and division by department, as far as the question uses them; the latest row counts."""
    found: dict[str, Mapping[str, str]] = {}
    present = set(tables.columns("departments")) if tables.has("departments") else set()
    for name in {question.strata, question.cluster} & present:
        order = "valid_from" if "valid_from" in present else "department_id"
        rows = connection.execute(
            f"SELECT department_id, {name} FROM departments WHERE {name} IS NOT NULL ORDER BY department_id, {order} NULLS FIRST"
        ).fetchall()
        found[str(name)] = dict(rows)
    return found


def _unit_traits(
    cells: OutcomeCells, postings: Postings | None, traits: Mapping[str, Mapping[str, str]], *, question: Question
) -> dict[str, npt.NDArray[np.object_]]:
    """Stratum and cluster of each unit; where unknown, 不明 as a stratum and the unit itself as its cluster."""
    home = cells.department
    if question.unit == "staff" and postings is not None:
        first = postings.frame.drop_duplicates("staff_id").set_index("staff_id")["department_id"]
        home = first.reindex(cells.units).to_numpy(dtype=object)
    found: dict[str, npt.NDArray[np.object_]] = {}
    if question.strata in traits:
        found["stratum"] = np.array([traits[str(question.strata)].get(name, "不明") for name in home], dtype=object)
    above = question.cluster or ("department" if question.unit == "process" else None)
    if above is not None and (above == "department" or above in traits) and above != question.unit:
        groups = [name if above == "department" else traits[above].get(name) for name in home]
        own = [unit if pd.isna(group) else group for unit, group in zip(cells.units, groups, strict=True)]
        found["cluster"] = np.array(own, dtype=object)
    return found


def _assemble(
    cells: OutcomeCells,
    treatment: _Treatment,
    *,
    question: Question,
    traits: Mapping[str, npt.NDArray[np.object_]],
) -> Panel:
    lost = tuple((str(unit), "所属する職員がわからず、受講の有無を決められません") for unit in cells.units[~treatment.known])
    excluded = np.array([question.excludes(Month(int(index))) for index in cells.months], dtype=bool)
    kept = choose_units(cells.matrix[treatment.known], cells.units[treatment.known], excluded=excluded)
    rows = np.flatnonzero(treatment.known)[kept.units]
    report = count_gaps(cells.matrix, cells.months, partial=cells.partial, dropped=(*lost, *kept.dropped))
    notes = [*cells.notes, *treatment.notes, *kept.notes]
    if lost:
        notes.append(f"所属する職員がわからない{len(lost)}単位を除きました。")
    if cells.partial:
        notes.append(f"値のない行を含むマスが{cells.partial}あり、残りの行の合計を使いました。")
    if question.strata is not None and "stratum" not in traits:
        notes.append("所属の表に区分がないため、区分に分けずに比べます。")
    exposure = treatment.exposure
    return Panel(
        outcome=np.ascontiguousarray(cells.matrix[np.ix_(rows, kept.months)]),
        units=cells.units[rows],
        periods=cells.months[kept.months].astype(np.float64),
        cohort=treatment.cohort[rows],
        persons=treatment.persons[rows],
        cluster=traits["cluster"][rows] if "cluster" in traits else None,
        stratum=traits["stratum"][rows] if "stratum" in traits else None,
        exposure=None if exposure is None else exposure[np.ix_(rows, kept.months)],
        gaps=report,
        monthly=True,
        notes=tuple(notes),
    )


def _require_comparison(panel: Panel, question: Question) -> None:
    """Refuse what no comparison can answer."""

    def refuse(reason: str, hint: str) -> NotIdentifiedError:
        return NotIdentifiedError(reason, place=question.question_id, hint=hint)

    if panel.n_units == 0 or panel.n_periods == 0:
        raise refuse("比べられる単位が残りません", "成果のデータと所属・受講記録の番号が合っているか確かめてください")
    used = [period for period in panel.periods if not question.excludes(Month(int(period)))]
    if not used:
        raise refuse("使う期間がすべて除かれています", "window と excluded_periods を確かめてください")
    first, last = used[0], used[-1]
    starts = panel.cohort[panel.cohort <= last]
    if len(starts) == 0:
        raise refuse("使う期間の中で研修を受けた単位がありません", "期間（window）、threshold_share、対象の研修を確かめてください")
    if (starts <= first).all():
        raise refuse("研修の前の成果のデータがありません", "研修を始める12か月以上前からの成果のデータを入れてください")
    if len(np.unique(panel.cohort)) == 1:
        raise refuse("すべての単位が同じ時期に受けたため、比較できる相手がいません", "受講の実績だけを報告してください（role: completion_only）")
    if question.control == "never_treated" and np.isfinite(panel.cohort).all():
        raise refuse("最後まで受けない単位がありません", "control: not_yet_treated にしてください")

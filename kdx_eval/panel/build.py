"""Dataset and question -> Panel; here a plan is held against the data."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import NotIdentifiedError, PlanError
from kdx_eval.panel.attendance import Attendance, course_ids, first_attendance, known_courses
from kdx_eval.panel.cases import match_cases, prepared, read_cases
from kdx_eval.panel.cells import OutcomeCells, read_cells, require_outcome
from kdx_eval.panel.gaps import choose_units, count_gaps
from kdx_eval.panel.lottery import Exits, read_applicants
from kdx_eval.panel.postings import Postings, read_headcount, read_postings
from kdx_eval.panel.reach import attendance_hours, count_completion
from kdx_eval.panel.rollout_order import OrderDraw, read_order
from kdx_eval.panel.successors import Department, StableUnits, join_cells, read_departments, stable_units
from kdx_eval.panel.surroundings import SurroundingsReader
from kdx_eval.panel.tables import Tables
from kdx_eval.panel.treatment import Treatment, as_drawn, gather_people, treat_units
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.units import Month

if TYPE_CHECKING:
    import duckdb

_ADDITIVE = frozenset(("回", "件", "時間", "分", "人", "円", "枚", "個", "台"))  # units of counts and totals
EVERYONE = "全員が同時に受けるため、比べる相手がいません"


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
    plan : Plan
        The plan whose questions they answer.
    together : mapping of question_id to Panel
        Panels of questions whose units were all treated at once: described, never compared.
    """

    panels: Mapping[str, Panel]
    refused: Mapping[str, str]
    completion: pd.DataFrame = field(repr=False)
    attendance_hours: Mapping[str, float]
    plan: Plan
    together: Mapping[str, Panel] = field(default_factory=dict)

    def question(self, question_id: str) -> Question:
        """The question behind a panel."""
        return self.plan.question(question_id)

    @property
    def part_of_units(self) -> list[dict[str, str]]:
        """Which department or process began when in each question: ``question_id``, ``unit``, ``name``, ``began`` (``2024-07``, empty for never).

        Questions on single members of staff are left out.
        """
        return [
            {
                "question_id": key,
                "unit": str(unit),
                "name": panel.names.get(unit, str(unit)),
                "began": (str(Month(round(first))) if panel.monthly else str(round(first))) if math.isfinite(first) else "",
            }
            for key, panel in self.panels.items()
            if self.question(key).unit != "staff"
            for unit, first in zip(panel.units, panel.cohort.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gaps:
    """What was made of gaps and of changes in the organisation before units were chosen, and how units are called."""

    no_event: int
    joined: tuple[str, ...]
    names: Mapping[str, str]


def build_panel(dataset: Tables, question: Question, *, plan: Plan) -> Panel:
    """The outcome of a question by unit and month, with each unit's cohort.

    Departments that were renamed, merged or split are one unit throughout, see :mod:`kdx_eval.panel.successors`.

    Returns
    -------
    Panel
        Outcome in the outcome's unit per month; periods are ``Month.index``; nothing is zero-filled but what the plan declares
        (``no_row: zero``), and that is counted in the gap report.

    Raises
    ------
    PlanError
        When the data lack the courses or the outcome that the question names.
    DataError
        When the successors of departments go round in a circle.
    NotIdentifiedError
        When no comparison exists: everyone is treated, nobody is, or nothing was measured before.
    """
    if not question.is_estimated:
        raise NotIdentifiedError(EVERYONE if question.design == "everyone" else "受講の実績だけを報告する問いです", place=question.question_id)
    panel = outcome_panel(dataset, question, plan=plan)
    _require_comparison(panel, question)
    return panel


def outcome_panel(dataset: Tables, question: Question, *, plan: Plan) -> Panel:
    """As `build_panel`, whether or not a comparison exists in it: what a roll-out that has not begun is planned on."""
    connection = dataset.connect()
    try:
        courses = course_ids(known_courses(connection, dataset), question)
        attendance = first_attendance(connection, dataset, courses=courses, treated_from=question.treated_from)
        cells = read_cells(connection, dataset, question=question, plan=plan)
        cases = read_cases(connection, dataset, question=question, plan=plan)
        units = _stable_units(cells.months, attendance, read_departments(connection, dataset))
        applicants = read_applicants(connection, dataset, courses=courses, question=question)
        postings, headcount = read_postings(connection, dataset), read_headcount(connection, dataset)
        people = gather_people(attendance, postings, headcount=headcount, units=units, applicants=applicants)
        traits = _department_traits(connection, dataset, question=question, units=units)
        processes = _process_names(connection, dataset) if question.unit == "process" else {}
        cells, no_event = _without_rows(cells, units) if question.no_row == "zero" else (cells, 0)
        cells = _taking_part(join_cells(cells, units, additive=_is_additive(question)), units, question=question)
        treatment = treat_units(cells, people, units=units, question=question)
        order = read_order(connection, dataset, question=question, units=units)
        if order is not None:
            treatment = as_drawn(treatment, order, cells=cells, people=people, units=units, question=question)
        around = SurroundingsReader(connection=connection, tables=dataset, question=question, plan=plan, cells=cells, people=people, units=units)
        surroundings = None if question.unit == "staff" else around.read(treatment.cohort)
    finally:
        connection.close()
    zeros = (lambda one: _without_rows(one, units)[0],) if question.no_row == "zero" else ()
    cases = prepared(cases, *zeros, lambda one: _rows_of(join_cells(one, units, additive=True), set(cells.department) if question.departments else None))
    gaps = _Gaps(no_event=no_event, joined=_joined_here(cells, units), names=_names(cells, units, processes=processes))
    panel = _assemble(cells, treatment, question=question, traits=_unit_traits(cells, people.postings, traits, question=question), gaps=gaps, cases=cases)
    return replace(panel, surroundings=surroundings)


def _taking_part(cells: OutcomeCells, units: StableUnits, *, question: Question) -> OutcomeCells:
    """Only the departments that the plan names, by id or by name, if it names some."""
    if not question.departments:
        return cells
    ids = {name: number for number, name in units.names.items()}
    wanted = {units.of(ids.get(one, one)) for one in question.departments}
    lacking = wanted - {str(home) for home in cells.department}
    if lacking:
        reason = f"計画に書かれた対象の課のうち{len(lacking)}課の成果のデータがありません"
        raise PlanError(reason, place=f"{question.question_id}.departments", hint="課の番号または名前を確かめてください")
    return _rows_of(cells, wanted)


def _rows_of(cells: OutcomeCells, departments: Collection[str] | None) -> OutcomeCells:
    if departments is None:
        return cells
    keep = np.array([str(home) in departments for home in cells.department], dtype=bool)
    return replace(cells, matrix=cells.matrix[keep], blank=cells.blank[keep], units=cells.units[keep], department=cells.department[keep])


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
    together = {one.question_id: outcome_panel(dataset, one, plan=plan) for one in plan.questions if one.is_described}
    return Panels(panels=panels, refused=refused, completion=count_completion(dataset), attendance_hours=hours, plan=plan, together=together)


def check_questions(dataset: Tables, plan: Plan) -> None:
    """Hold a plan against the data without building a panel, so that a run is refused before it begins.

    Raises
    ------
    PlanError
        When the data lack the courses or the outcome that a question names.
    DataError
        When the successors of departments go round in a circle.
    """
    connection = dataset.connect()
    try:
        known = known_courses(connection, dataset)
        departments = read_departments(connection, dataset)
        for question in plan.questions:
            courses = course_ids(known, question)
            if question.is_estimated or question.is_described:
                months = require_outcome(connection, dataset, question=question, plan=plan)
                attendance = first_attendance(connection, dataset, courses=courses, treated_from=question.treated_from)
                _stable_units(months, attendance, departments)
    finally:
        connection.close()


def _stable_units(months: npt.NDArray[np.int64], attendance: Attendance, departments: Mapping[str, Department]) -> StableUnits:
    """Units that stay the same from the first April or month that matters until the last of the ``months`` of the outcome."""
    attended = attendance.frame["month"].min() if len(attendance.frame) else months[0]
    first = min(Month(int(months[0])), Month(int(attended)).fiscal_year.first)
    # The roster of 31 March decides who counts in April, so a change on 1 April lies within.
    return stable_units(departments, first=first.first_day - dt.timedelta(days=1), last=Month(int(months[-1])).first_day)


def _is_additive(question: Question) -> bool:
    """Whether the outcome of two departments is the sum of theirs; shares, means and scores are not."""
    return question.outcome.table != "indicators" or question.outcome.measure_word in _ADDITIVE


def _without_rows(cells: OutcomeCells, units: StableUnits) -> tuple[OutcomeCells, int]:
    """Months without a row as zero, where the plan says so: in months the log covers, while the department existed."""
    seen: npt.NDArray[np.bool_] = ~np.isnan(cells.matrix)
    existed = np.array([units.existed(str(name), cells.months) for name in cells.department])
    nothing = ~seen & ~cells.blank & seen.any(axis=0) & existed
    return replace(cells, matrix=np.where(nothing, 0.0, cells.matrix)), int(nothing.sum())


def _joined_here(cells: OutcomeCells, units: StableUnits) -> tuple[str, ...]:
    present = set(cells.department)
    return tuple(one.sentence for one in units.joined if one.unit in present)


def _names(cells: OutcomeCells, units: StableUnits, *, processes: Mapping[str, str]) -> dict[str, str]:
    """Names of departments and processes to show; persons have none."""
    found: dict[str, str] = {}
    called = units.names
    for unit, home in zip(cells.units, cells.department, strict=True):
        if home is not None:
            name, process = called.get(home, str(home)), str(unit).removeprefix(f"{home}").removeprefix("/")
            found[str(unit)] = f"{name}／{processes.get(process, process)}" if process else name
    return found


def _process_names(connection: duckdb.DuckDBPyConnection, tables: Tables) -> dict[str, str]:
    if not tables.has("processes") or "process_name" not in tables.columns("processes"):
        return {}
    rows = connection.execute("SELECT process_id, min(process_name) FROM processes WHERE process_name IS NOT NULL GROUP BY process_id ORDER BY ALL")
    return dict(rows.fetchall())


def _department_traits(
    connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question, units: StableUnits
) -> dict[str, Mapping[str, str]]:
    """department_type and division by department, as far as the question uses them; the latest row counts."""
    found: dict[str, Mapping[str, str]] = {}
    present = set(tables.columns("departments")) if tables.has("departments") else set()
    for name in {question.strata, question.cluster} & present:
        latest = "valid_from NULLS FIRST, " if "valid_from" in present else ""
        rows = connection.execute(f"SELECT department_id, {name} FROM departments WHERE {name} IS NOT NULL ORDER BY {latest}department_id").fetchall()
        found[str(name)] = {units.of(department): value for department, value in rows}
    return found


def _unit_traits(
    cells: OutcomeCells, postings: Postings | None, traits: Mapping[str, Mapping[str, str]], *, question: Question
) -> dict[str, npt.NDArray[np.object_]]:
    """Stratum and cluster of each unit; where unknown, 不明 as a stratum and the unit itself as its cluster."""
    home = cells.department
    if question.unit == "staff" and postings is not None:
        first = postings.frame.sort_values("main", ascending=False, kind="stable").drop_duplicates("staff_id").set_index("staff_id")["department_id"]
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
    treatment: Treatment,
    *,
    question: Question,
    traits: Mapping[str, npt.NDArray[np.object_]],
    gaps: _Gaps,
    cases: OutcomeCells | None,
) -> Panel:
    lost = tuple((str(unit), "所属する職員がわからず、受講の有無を決められません") for unit in cells.units[~treatment.known])
    eligible = treatment.known if treatment.eligible is None else treatment.known & treatment.eligible
    why = "順番表にないため、抽選した課どうし" if isinstance(treatment.draw, OrderDraw) else "応募していないため、応募者どうし"
    aside = tuple((str(unit), f"{why}の比較には入れていません") for unit in cells.units[treatment.known & ~eligible])
    excluded = np.array([question.excludes(Month(int(index))) for index in cells.months], dtype=bool)
    kept = choose_units(cells.matrix[eligible], cells.units[eligible], excluded=excluded)
    rows = np.flatnonzero(eligible)[kept.units]
    report = count_gaps(
        cells.matrix, cells.months, partial=cells.partial, dropped=(*lost, *aside, *kept.dropped), no_event=gaps.no_event, joined=gaps.joined
    )
    notes = [*cells.notes, *treatment.notes, *gaps.joined, *kept.notes]
    if gaps.joined and not _is_additive(question):
        notes.append("この成果は足し合わせられないため、統合・分割の前後で課が二つ以上ある月は「値なし」として扱いました。")
    if lost:
        notes.append(f"所属する職員がわからない{len(lost)}単位を除きました。")
    if cells.partial:
        notes.append(f"値のない行を含むマスが{cells.partial}あり、残りの行の合計を使いました。")
    if question.strata is not None and "stratum" not in traits:
        notes.append("所属の表に区分がないため、区分に分けずに比べます。")
    exposure = treatment.exposure
    stratum = traits.get("stratum") if treatment.stratum is None else treatment.stratum
    return Panel(
        outcome=np.ascontiguousarray(cells.matrix[np.ix_(rows, kept.months)]),
        units=cells.units[rows],
        periods=cells.months[kept.months].astype(np.float64),
        cohort=treatment.cohort[rows],
        persons=treatment.persons[rows],
        cluster=traits["cluster"][rows] if "cluster" in traits else None,
        stratum=None if stratum is None else stratum[rows],
        exposure=None if exposure is None else exposure[np.ix_(rows, kept.months)],
        gaps=report,
        monthly=True,
        notes=tuple(notes),
        names=gaps.names,
        other_cohorts={share: cohort[rows] for share, cohort in treatment.other_cohorts.items()},
        cases=match_cases(cases, cells, rows=rows, months=kept.months),
        draw=treatment.draw,
        exits=_exits(treatment.cohort[eligible] <= cells.months[-1], kept.units) if treatment.draw is not None else None,
    )


def _exits(treated: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]) -> Exits:
    """Units drawn to begin and to wait, and those of each that are not ``kept``."""
    return Exits(n_treated=int(treated.sum()), n_waiting=int((~treated).sum())).and_lost(treated[~kept])


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

"""Reach of the courses: offered, enrolled, completed, hours attended; and the timing a proposal may look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.panel.attendance import course_ids, first_attendance, known_courses
from kdx_eval.panel.exposure import place_attendees, treat_departments
from kdx_eval.panel.postings import count_staff, read_headcount, read_postings
from kdx_eval.panel.tables import Tables, column, is_staff_time, month_index
from kdx_eval.plan import CourseFacts, IndicatorFacts, PlanFacts, Question
from kdx_eval.plan.types import TreatedFrom
from kdx_eval.units import FiscalYear, Month

if TYPE_CHECKING:
    import duckdb

_PROPOSAL_SHARE = 0.15  # the plan's default threshold


def count_completion(dataset: Tables) -> pd.DataFrame:
    """Reach of each course by fiscal year.

    Returns
    -------
    DataFrame
        course_id, course_name, fiscal_year (int), n_offered, n_enrolled, n_completed (persons; who completed had enrolled, who
        enrolled had been offered), n_staff (staff of the city that year, missing when unknown), completion_share (completed /
        enrolled), hours (length of the course), attendance_hours (person-hours; missing where nobody's are known, which is not zero).
    """
    connection = dataset.connect()
    try:
        names = known_courses(connection, dataset)
        frame = connection.execute(
            f"""SELECT course_id, fiscal_year, count(DISTINCT person) AS n_offered,
                       count(DISTINCT person) FILTER (enrolled) AS n_enrolled, count(DISTINCT person) FILTER (completed) AS n_completed,
                       max(course_hours) AS hours, CAST(sum(hours) AS DOUBLE) AS attendance_hours
                FROM ({_rows_sql(dataset)}) GROUP BY ALL ORDER BY ALL"""
        ).df()
        staff = _staff_by_year(connection, dataset, years=[int(year) for year in frame["fiscal_year"].unique()])
    finally:
        connection.close()
    frame = frame.merge(names, on="course_id", how="left")
    frame["n_staff"] = frame["fiscal_year"].map(staff).astype("Int64")
    frame["completion_share"] = frame["n_completed"] / frame["n_enrolled"].where(frame["n_enrolled"] > 0)
    order = ["course_id", "course_name", "fiscal_year", "n_offered", "n_enrolled", "n_completed", "n_staff", "completion_share"]
    return frame[[*order, "hours", "attendance_hours"]]


def attendance_hours(dataset: Tables, question: Question, *, year: FiscalYear) -> float:
    """Person-hours spent in the question's courses during a fiscal year: 0 when nobody attended, NaN when nobody's hours are known.

    Raises
    ------
    PlanError
        When a course of the question has no training row.
    """
    connection = dataset.connect()
    try:
        courses = course_ids(known_courses(connection, dataset), question)
        found = connection.execute(
            f"""SELECT CASE WHEN count(*) = 0 THEN 0.0 ELSE CAST(sum(hours) AS DOUBLE) END FROM ({_rows_sql(dataset)})
                WHERE fiscal_year = $year AND list_contains($courses, course_id)""",
            {"year": year.year, "courses": courses},
        ).fetchone()
    finally:
        connection.close()
    return float("nan") if found is None or found[0] is None else float(found[0])


def _rows_sql(tables: Tables) -> str:
    """One row a training record: person, fiscal year, how far it went, hours attended."""
    day = {kind: column(tables, "training", name=f"{kind}_on", kind="DATE") for kind in ("offered", "enrolled", "completed")}
    staff = column(tables, "training", name="staff_id", kind="VARCHAR")
    own = column(tables, "training", name="hours", kind="DOUBLE")
    timed = tables.has("courses") and {"course_id", "hours"} <= set(tables.columns("courses"))
    join = "LEFT JOIN (SELECT course_id, max(hours) AS hours FROM courses GROUP BY course_id) AS c USING (course_id)" if timed else ""
    length = "CAST(c.hours AS DOUBLE)" if timed else "CAST(NULL AS DOUBLE)"
    # Who began but did not finish counts with the hours on record only, unless completion is never recorded.
    finished = f"({day['completed']} IS NOT NULL OR NOT bool_or({day['completed']} IS NOT NULL) OVER ())"
    attended = f"({day['enrolled']} IS NOT NULL OR {day['completed']} IS NOT NULL)"
    return f"""
        SELECT training.course_id AS course_id, {length} AS course_hours,
               coalesce({staff}, 'row ' || row_number() OVER ()) AS person,
               {month_index(f"coalesce({day['enrolled']}, {day['completed']}, {day['offered']})")} AS month,
               CAST(floor((month - 3) / 12.0) AS INTEGER) AS fiscal_year,
               {attended} AS enrolled, {day["completed"]} IS NOT NULL AS completed,
               CASE WHEN NOT {attended} THEN NULL
                    ELSE CAST(coalesce({own}, CASE WHEN {finished} THEN {length} END) AS DECIMAL(18, 3)) END AS hours
        FROM training {join}
        WHERE coalesce({day["enrolled"]}, {day["completed"]}, {day["offered"]}) IS NOT NULL AND training.course_id IS NOT NULL
    """


def _staff_by_year(connection: duckdb.DuckDBPyConnection, tables: Tables, *, years: list[int]) -> dict[int, int]:
    postings = read_postings(connection, tables)
    headcount = None if postings is not None else read_headcount(connection, tables)
    if postings is None and headcount is None:
        if not tables.has("staff"):
            return {}
        found = connection.execute("SELECT count(DISTINCT staff_id) FROM staff").fetchone()
        return dict.fromkeys(years, int(found[0])) if found and found[0] else {}
    if not years:
        return {}
    counts = count_staff(postings, headcount, years=range(min(years), max(years) + 1))
    return {year: round(sum(by_department.values())) for year, by_department in counts.by_year.items() if by_department}


def plan_facts(dataset: Tables, *, city: str = "", synthetic: bool = False) -> PlanFacts:
    """What ``plan new`` may look at: who was trained when, and which tables cover which months; never an outcome.

    Raises
    ------
    PlanError
        When there is no training table.
    """
    connection = dataset.connect()
    try:
        kinds: tuple[TreatedFrom, ...] = ("offered", "enrolled", "completed")
        dates = tuple(kind for kind in kinds if f"{kind}_on" in dataset.columns("training")) if dataset.has("training") else ()
        courses = tuple(
            _course_facts(connection, dataset, course_id=course_id, course_name=name)
            for course_id, name in known_courses(connection, dataset).itertuples(index=False)
        )
        return PlanFacts(
            courses=courses,
            months=covered_months(connection, dataset),
            indicators=_indicators(connection, dataset),
            training_dates=dates,
            city=city,
            synthetic=synthetic,
            has_department_types=dataset.has("departments") and "department_type" in dataset.columns("departments"),
        )
    finally:
        connection.close()


def _course_facts(connection: duckdb.DuckDBPyConnection, tables: Tables, *, course_id: str, course_name: str) -> CourseFacts:
    attendance = first_attendance(connection, tables, courses=[course_id], treated_from="enrolled")
    postings = read_postings(connection, tables)
    headcount = None if postings is not None else read_headcount(connection, tables)
    placed, _ = place_attendees(attendance, postings)
    years = [Month(int(index)).fiscal_year.year for index in placed["month"]] or [2000]
    staff = count_staff(postings, headcount, years=range(min(years), max(years) + 1))
    treated = treat_departments(placed, staff, threshold_share=_PROPOSAL_SHARE, width="month")
    months = list(treated.cohort.values())
    n_units = _count(connection, tables, sql="SELECT count(DISTINCT department_id) FROM departments")
    if placed.empty:  # no departments at all: the units are persons
        months = list(attendance.frame["month"])
        n_units = _count(connection, tables, sql="SELECT count(DISTINCT unit_id) FROM indicators WHERE unit_type = 'staff'")
    n_staff = _staff_by_year(connection, tables, years=years)
    compulsory = False
    if tables.has("courses") and "compulsory" in tables.columns("courses"):
        found = connection.execute("SELECT bool_or(compulsory) FROM courses WHERE course_id = $course", {"course": course_id}).fetchone()
        compulsory = bool(found and found[0])
    return CourseFacts(
        course_id=course_id,
        course_name=course_name,
        compulsory=compulsory,
        n_trained=len(attendance.frame),
        n_staff=max(n_staff.values(), default=0),
        n_units=max(n_units, len(months)),
        months=tuple(sorted(Month(int(index)) for index in months)),
    )


def _count(connection: duckdb.DuckDBPyConnection, tables: Tables, *, sql: str) -> int:
    if not tables.has(sql.split(" FROM ")[1].split(maxsplit=1)[0]):
        return 0
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found else 0


# What is proposed from each table; its mere presence counts, no value is looked at.
_PROPOSED = {"workload": "minutes", "worktime": "overtime_hours", "indicators": "value"}


def covered_months(connection: duckdb.DuckDBPyConnection, tables: Tables) -> dict[str, tuple[Month, Month]]:
    """First and last month of each table that holds outcomes, else of the training records."""
    found: dict[str, tuple[Month, Month]] = {}
    for table, measure in _PROPOSED.items():
        dated = [name for name in ("month", "date") if tables.has(table) and name in tables.columns(table)]
        if not dated or measure not in tables.columns(table):
            continue
        month = month_index(f"coalesce({', '.join(dated)})")
        # A log's lead time is no work that a plan could propose to measure.
        staff_time = f" AND {is_staff_time(tables)}" if table == "workload" else ""
        ends = connection.execute(f'SELECT min({month}), max({month}) FROM {table} WHERE "{measure}" IS NOT NULL{staff_time}').fetchone()
        if ends and ends[0] is not None:
            found[table] = (Month(int(ends[0])), Month(int(ends[1])))
    if not found and tables.has("training"):  # reach is all there is to report, up to its last month
        ends = connection.execute(f"SELECT min(month), max(month) FROM ({_rows_sql(tables)})").fetchone()
        if ends and ends[0] is not None:
            found["training"] = (Month(int(ends[0])), Month(int(ends[1])))
    return found


def _indicators(connection: duckdb.DuckDBPyConnection, tables: Tables) -> tuple[IndicatorFacts, ...]:
    if not tables.has("indicators"):
        return ()
    rows = connection.execute("SELECT indicator_id, unit_type FROM indicators WHERE unit_type IN ('department', 'staff') GROUP BY ALL ORDER BY ALL").fetchall()
    return tuple(IndicatorFacts(indicator_id=name, unit=unit) for name, unit in rows)

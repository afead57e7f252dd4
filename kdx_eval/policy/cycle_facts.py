"""What the tables say about the three phases: who was trained where, which projects followed, which knowledge was written and used."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kdx_eval.evidence import checked_costs
from kdx_eval.panel.postings import read_postings
from kdx_eval.panel.successors import read_departments, stable_units
from kdx_eval.panel.tables import Tables, column
from kdx_eval.schema import load_schema
from kdx_eval.units import FiscalYear, Month

if TYPE_CHECKING:
    import duckdb

    from kdx_eval.schema.policy_version import PolicyVersion

JOINED_YEARS = 10  # departments renamed, merged or split since then are one; as far back as records of training usually go
_SEPARATOR = re.compile(r"[、，,;；・/／\s]+")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CycleFacts:
    """Rows until the end of the evaluated fiscal year; departments are units that last over renamings and mergers (`stable_units`).

    Attributes
    ----------
    courses : dict
        course_id -> (provider, compulsory).
    course_names : dict
        course_id -> name.
    trained : DataFrame
        person, department (posted to at the end of the year, else as listed; may be missing), first (day), of courses that are not compulsory.
    projects : DataFrame
        intervention_id, department, started_on, live_on, claimed, realised, basis, support.
    knowledge : DataFrame
        asset_id, kind, created_on, author_tier, origin, replaces.
    reuse : DataFrame
        asset_id, department, known: one row for each use outside the department that wrote it, and whether that department is in the list of
        departments (True where there is no list).
    departments : int
        Units that exist at the end of the year; 0 without a list.
    """

    courses: dict[str, tuple[str, bool]]
    course_names: dict[str, str]
    trained: pd.DataFrame
    projects: pd.DataFrame
    knowledge: pd.DataFrame
    reuse: pd.DataFrame
    departments: int


def cycle_facts(tables: Tables, *, year: FiscalYear, policy: PolicyVersion) -> CycleFacts:
    """All of it; a table that was not delivered gives an empty frame."""
    end = (year.last + 1).first_day
    connection = tables.connect()
    try:
        courses, names = read_courses(connection, tables, policy=policy)
        listed = read_departments(connection, tables)
        last = end - dt.timedelta(days=1)
        # A project of a department that was renamed since belongs to the department of today.
        units = stable_units(listed, first=FiscalYear(year.year - JOINED_YEARS).first.first_day, last=last)
        unit_of = {row.name: units.of(one) for one, row in sorted(listed.items())} | {one: units.of(one) for one in listed}
        there = {units.of(one) for one, row in listed.items() if _exists(row.valid, last)}
        knowledge = read_knowledge(connection, tables, end=end)
        reuse = uses(knowledge, unit_of=unit_of)
        reuse["known"] = reuse["department"].isin(list(unit_of.values())) | (not listed)
        return CycleFacts(
            courses=courses,
            course_names=names,
            trained=_in_units(_trained(connection, tables, courses=courses, end=end), unit_of),
            projects=_in_units(read_projects(connection, tables, end=end), unit_of),
            knowledge=knowledge,
            reuse=reuse,
            departments=len(there),
        )
    finally:
        connection.close()


def read_courses(connection: duckdb.DuckDBPyConnection, tables: Tables, *, policy: PolicyVersion) -> tuple[dict[str, tuple[str, bool]], dict[str, str]]:
    """Provider, whether compulsory, and name of each course; what the city's list leaves blank is taken from the policy's catalogue."""
    known = {one.course_id: (one.provider, one.compulsory) for one in policy.courses}
    names = {one.course_id: one.course_name for one in policy.courses}
    if tables.has("courses"):
        provider, must = (column(tables, "courses", name=name, kind=kind) for name, kind in (("provider", "VARCHAR"), ("compulsory", "BOOLEAN")))
        rows = connection.execute(f"SELECT course_id, course_name, {provider}, {must} FROM courses WHERE course_id IS NOT NULL ORDER BY ALL").fetchall()
        for course, name, taught, compulsory in rows:
            before = known.get(course, ("", False))
            known[course] = (taught or before[0], before[1] if compulsory is None else bool(compulsory))
            names[course] = name or course
    return known, names


def _trained(connection: duckdb.DuckDBPyConnection, tables: Tables, *, courses: dict[str, tuple[str, bool]], end: dt.date) -> pd.DataFrame:
    if not tables.has("training"):
        return pd.DataFrame({"person": [], "department": [], "first": []})
    staff, home, done, begun = (
        column(tables, "training", name=name, kind=kind)
        for name, kind in (("staff_id", "VARCHAR"), ("department_id", "VARCHAR"), ("completed_on", "DATE"), ("enrolled_on", "DATE"))
    )
    recorded = connection.execute(f"SELECT count({done}) FROM training").fetchall()[0][0]
    day = done if recorded else begun
    compulsory = sorted(course for course, (_, must) in courses.items() if must)
    frame = connection.execute(
        f"""SELECT coalesce({staff}, 'row ' || row_number() OVER (ORDER BY {home}, {day})) AS person, {home} AS listed, {day} AS day FROM training
            WHERE {day} < $end AND NOT list_contains($compulsory, course_id)""",
        {"end": end, "compulsory": compulsory},
    ).df()
    rows = frame.sort_values(["day", "person", "listed"], kind="stable").groupby("person", sort=True).agg(listed=("listed", "first"), first=("day", "first"))
    postings = read_postings(connection, tables)
    posted = pd.Series(dtype=object) if postings is None else postings.on(end - dt.timedelta(days=1))
    people = rows.reset_index()
    department = people["person"].map(posted).astype(object)
    # Who left the city is not posted any more: the department on the attendance list would be a wrong answer.
    known = set() if postings is None else set(postings.frame["staff_id"])
    people["department"] = department.where(department.notna() | people["person"].isin(list(known)), people["listed"].astype(object))
    return people[["person", "department", "first"]]


def read_projects(connection: duckdb.DuckDBPyConnection, tables: Tables, *, end: dt.date) -> pd.DataFrame:
    """Projects begun before ``end``; ``live_on`` is missing where a project went live later."""
    names = ("intervention_id", "department", "started_on", "live_on", "claimed", "realised", "basis", "support")
    if not tables.has("interventions"):
        return pd.DataFrame({name: [] for name in names})
    number, home, started, live, claimed, realised, basis, support = (
        column(tables, "interventions", name=name, kind=kind)
        for name, kind in (
            ("intervention_id", "VARCHAR"), ("department_id", "VARCHAR"), ("started_on", "DATE"), ("live_on", "DATE"), ("claimed_hours", "DOUBLE"),
            ("realised_hours", "DOUBLE"), ("savings_basis", "VARCHAR"), ("support", "VARCHAR"),
        )
    )  # fmt: skip
    return connection.execute(
        f"""SELECT {number} AS intervention_id, {home} AS department, {started} AS started_on, CASE WHEN {live} < $end THEN {live} END AS live_on,
                   CAST({claimed} AS DOUBLE) AS claimed, CAST({realised} AS DOUBLE) AS realised, coalesce({basis}, '') AS basis,
                   coalesce({support}, '') AS support
            FROM interventions WHERE coalesce({started}, {live}) IS NULL OR coalesce({started}, {live}) < $end ORDER BY ALL""",
        {"end": end},
    ).df()


def read_knowledge(connection: duckdb.DuckDBPyConnection, tables: Tables, *, end: dt.date) -> pd.DataFrame:
    """Assets that existed before ``end``; one without a date counts, since it is there."""
    names = ("asset_id", "kind", "created_on", "author_tier", "origin", "reused_by", "replaces")
    if not tables.has("knowledge"):
        return pd.DataFrame({name: [] for name in names})
    kind, made, author, origin, users, replaces = (
        column(tables, "knowledge", name=name, kind=form)
        for name, form in (
            ("kind", "VARCHAR"), ("created_on", "DATE"), ("author_tier", "VARCHAR"), ("origin_department", "VARCHAR"), ("reused_by", "VARCHAR"),
            ("replaces_course_id", "VARCHAR"),
        )
    )  # fmt: skip
    return connection.execute(
        f"""SELECT asset_id, coalesce({kind}, '') AS kind, {made} AS created_on, coalesce({author}, '') AS author_tier, coalesce({origin}, '') AS origin,
                   coalesce({users}, '') AS reused_by, coalesce({replaces}, '') AS replaces
            FROM knowledge WHERE {made} IS NULL OR {made} < $end ORDER BY ALL""",
        {"end": end},
    ).df()


def _in_units(frame: pd.DataFrame, unit_of: Mapping[str, str]) -> pd.DataFrame:
    """The frame with the unit of each department; one that is not in the list stays as written."""
    return frame.assign(department=[home if pd.isna(home) else unit_of.get(str(home), str(home)) for home in frame["department"]])


def uses(knowledge: pd.DataFrame, *, unit_of: Mapping[str, str]) -> pd.DataFrame:
    """asset_id and department of each use by another department than the one that wrote it, each pair once; ``unit_of`` maps names and ids."""
    pairs = {
        (str(asset), unit_of.get(name, name))
        for asset, origin, users in zip(knowledge["asset_id"], knowledge["origin"], knowledge["reused_by"], strict=True)
        for name in _SEPARATOR.split(str(users))
        if name and unit_of.get(name, name) != unit_of.get(origin, origin)
    }
    return pd.DataFrame(sorted(pairs), columns=["asset_id", "department"])


def read_costs(tables: Tables) -> pd.DataFrame:
    """``checked_costs`` of the cost table, empty where there is none. Raises DataError for a wrong line."""
    if not tables.has("costs"):
        return checked_costs(None)
    connection = tables.connect()
    try:
        return checked_costs(connection.execute("SELECT * FROM costs ORDER BY ALL").df())
    finally:
        connection.close()


def _exists(valid: tuple[dt.date | None, dt.date | None], day: dt.date) -> bool:
    first, last = valid
    return (first is None or first <= day) and (last is None or last >= day)


def fiscal_year_of(day: Any) -> int | None:
    """The fiscal year of a day; None where it is missing."""
    when = pd.Timestamp(day)
    return None if pd.isna(when) else Month.of(when.year, when.month).fiscal_year.year


def instrument_word(instrument: str) -> str:
    """``自己評価`` and so on; what the schema does not know stays as written."""
    field = load_schema().table("skills").field("instrument")
    return field.word(instrument) if instrument in field.enum else instrument or "記入なし"

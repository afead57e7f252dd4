"""Which cells of the skill map the catalogue's courses cover, and which they do not."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import pandas as pd

from kdx_eval.panel.tables import Tables, column

if TYPE_CHECKING:
    from kdx_eval.schema.policy_version import CatalogueCourse, PolicyVersion

Cover: TypeAlias = Literal["named", "unclear", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCover:
    """The courses for one cell.

    Attributes
    ----------
    named, unclear : tuple of str
        Names of courses that the catalogue gives to the tier, and of those of which the document does not show whether they are for it.
    compulsory_only : bool
        Every named course is compulsory for all, so that reach is completion and no effect can be told.
    cover : "named", "unclear" or "none"
    """

    tier_id: str
    skill_area_id: str
    tier: str
    skill_area: str
    named: tuple[str, ...]
    unclear: tuple[str, ...]
    compulsory_only: bool
    cover: Cover


def cover_cells(policy: PolicyVersion) -> tuple[CellCover, ...]:
    """All cells in the policy's order with their courses; a cell without a named course is a gap of the catalogue."""
    found = []
    for tier in policy.tiers:
        for area in policy.skill_areas:
            for_cell = courses_for(policy, tier_id=tier.tier_id, skill_area_id=area.skill_area_id)
            named = [course for course in for_cell if tier.tier_id not in course.tiers_unclear]
            unclear = [course for course in for_cell if tier.tier_id in course.tiers_unclear]
            cover: Cover = "named" if named else "unclear" if unclear else "none"
            cell = CellCover(
                tier_id=tier.tier_id, skill_area_id=area.skill_area_id, tier=tier.tier, skill_area=area.skill_area,
                named=tuple(_called(course) for course in named), unclear=tuple(_called(course) for course in unclear),
                compulsory_only=bool(named) and all(course.compulsory for course in named), cover=cover,
            )  # fmt: skip
            found.append(cell)
    return tuple(found)


def courses_for(policy: PolicyVersion, *, tier_id: str, skill_area_id: str) -> tuple[CatalogueCourse, ...]:
    """The catalogue's courses for one cell, those whose tier is not certain too."""
    return tuple(course for course in policy.courses if tier_id in course.tiers and skill_area_id in course.skill_areas)


def _called(course: CatalogueCourse) -> str:
    return f"{course.course_name}（必修）" if course.compulsory else course.course_name


def spelling_key(text: str) -> str:
    """What two spellings of one name have in common: a city types names, with brackets, dots and blanks of either width."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def find_course(policies: Sequence[PolicyVersion], *words: str) -> CatalogueCourse | None:
    """The catalogue's course of which one of ``words`` is the id or the name, the latest version first; None where none is."""
    wanted = [spelling_key(word) for word in words]
    for policy in reversed(policies):
        known = {spelling_key(word): course for course in policy.courses for word in (course.course_name, course.course_id)}
        found = next((known[word] for word in wanted if word in known), None)
        if found is not None:
            return found
    return None


def completions(tables: Tables, *, policies: Sequence[PolicyVersion]) -> pd.DataFrame:
    """Every completion: staff_id, course_id (the catalogue's where known by id or name), day (datetime64), areas (tuple of ids), compulsory; ordered.

    Where no completion date is ever recorded, the date of enrolment stands for it. The areas are the catalogue's, else those of the city's own list.
    """
    columns = ["staff_id", "course_id", "day", "areas", "compulsory"]
    if not tables.has("training"):
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    staff, done, begun = (
        column(tables, "training", name=name, kind=kind) for name, kind in (("staff_id", "VARCHAR"), ("completed_on", "DATE"), ("enrolled_on", "DATE"))
    )
    listed = tables.has("courses")
    name, area = (column(tables, "courses", name=one, kind="VARCHAR") for one in ("course_name", "skill_areas"))
    compulsory = column(tables, "courses", name="compulsory", kind="BOOLEAN")
    own = f"SELECT courses.course_id, max({name}) AS called, max({area}) AS listed_areas, bool_or({compulsory}) AS must FROM courses GROUP BY 1"
    joined = f"LEFT JOIN ({own}) AS own ON own.course_id = training.course_id" if listed else ""
    extra = "own.called, own.listed_areas, own.must" if listed else "NULL AS called, NULL AS listed_areas, NULL AS must"
    connection = tables.connect()
    try:
        frame = connection.execute(
            f"""WITH took AS (SELECT {staff} AS staff_id, training.course_id, {done} AS done, {begun} AS begun, {extra} FROM training {joined})
                SELECT staff_id, course_id, called, listed_areas, coalesce(must, FALSE) AS compulsory,
                       coalesce(done, CASE WHEN NOT (SELECT bool_or(done IS NOT NULL) FROM took) THEN begun END) AS day
                FROM took WHERE staff_id IS NOT NULL AND course_id IS NOT NULL ORDER BY ALL"""
        ).df()
    finally:
        connection.close()
    frame = frame[frame["day"].notna()].reset_index(drop=True)
    frame["day"] = frame["day"].to_numpy().astype("datetime64[s]")
    return _with_areas(frame, policies)[columns]


def _with_areas(frame: pd.DataFrame, policies: Sequence[PolicyVersion]) -> pd.DataFrame:
    ids = {area.skill_area: area.skill_area_id for policy in policies for area in policy.skill_areas}
    kinds = frame[["course_id", "called", "listed_areas", "compulsory"]].drop_duplicates()
    of: dict[str, tuple[str, tuple[str, ...], bool]] = {}
    for row in kinds.itertuples(index=False):
        course = find_course(policies, str(row.course_id), str(row.called))
        words = str(row.listed_areas)
        areas = course.skill_areas if course else tuple(number for word, number in ids.items() if word in words)
        of[str(row.course_id)] = (course.course_id if course else str(row.course_id), areas, bool(row.compulsory) or bool(course and course.compulsory))
    found = [of[str(course)] for course in frame["course_id"]]
    covered = pd.Series([one[1] for one in found], index=frame.index, dtype=object)
    return frame.assign(course_id=[one[0] for one in found], areas=covered, compulsory=[one[2] for one in found])

"""One course in one year: for whom it is, who took it, at what cost; counts as `kdx_eval.disclosure.smallest_shown` allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.disclosure import mask_small, smallest_shown
from kdx_eval.panel.tables import Tables, column
from kdx_eval.panel.tiers import UNKNOWN, Tiers
from kdx_eval.policy.course_cover import find_course

if TYPE_CHECKING:
    from kdx_eval.budget import Reach
    from kdx_eval.schema.policy_version import CatalogueCourse, PolicyVersion
    from kdx_eval.units import FiscalYear

COMPULSORY = "全員が受ける必修のため、受けなかった場合と比べられません。修了の状況だけを示します。"


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseReach:
    """One course of the catalogue or of the records in the evaluated year.

    Attributes
    ----------
    areas, tiers : tuple of str
        What and whom it is for; a tier of which the document does not show it ends in ``（読み取れない）``. Empty: not in the catalogue.
    enrolled, completed : int or None
        Persons; None where fewer than may be shown, or where the total would give a tier away. Zero: nobody.
    by_tier : tuple of (str, int or None)
        Persons by the tier on the day they attended.
    cost_yen, yen_per_completion : int or None
        None where no cost names the course, or the number of completions is masked.
    note : str
        Why only completion can be told of a compulsory course; else empty.
    """

    course: str
    areas: tuple[str, ...]
    tiers: tuple[str, ...]
    compulsory: bool
    enrolled: int | None
    completed: int | None
    completion_share: float | None
    by_tier: tuple[tuple[str, int | None], ...]
    cost_yen: int | None
    yen_per_completion: int | None
    note: str


def attended_by_tier(tables: Tables, tiers: Tiers | None, *, year: FiscalYear) -> dict[str, dict[str, int]]:
    """Persons enrolled in the year by course and tier of the day they first attended."""
    if tiers is None or not tables.has("training"):
        return {}
    staff, begun, done = (
        column(tables, "training", name=name, kind=kind) for name, kind in (("staff_id", "VARCHAR"), ("enrolled_on", "DATE"), ("completed_on", "DATE"))
    )
    connection = tables.connect()
    try:
        frame = connection.execute(
            f"""SELECT course_id, {staff} AS staff_id, min(coalesce({begun}, {done})) AS day FROM training
                WHERE {staff} IS NOT NULL AND course_id IS NOT NULL AND coalesce({begun}, {done}) BETWEEN $first AND $last GROUP BY ALL ORDER BY ALL""",
            {"first": year.first.first_day, "last": pd.Timestamp((year.last + 1).first_day) - pd.Timedelta(days=1)},
        ).df()
    finally:
        connection.close()
    frame["tier"] = tiers.tiers_on(frame["staff_id"], frame["day"]).fillna(UNKNOWN).to_numpy()
    found: dict[str, dict[str, int]] = {}
    for course, tier in zip(frame["course_id"], frame["tier"], strict=True):
        counts = found.setdefault(str(course), {})
        counts[str(tier)] = counts.get(str(tier), 0) + 1
    return found


def list_courses(policy: PolicyVersion, reached: Sequence[Reach], *, by_tier: Mapping[str, Mapping[str, int]]) -> Iterator[CourseReach]:
    """The catalogue in its order, then courses that only the records know."""
    listed = [find_course((policy,), one.course_id, one.course_name) for one in reached]
    for course in policy.courses:
        own = next((one for one, known in zip(reached, listed, strict=True) if known is course), None)
        yield _course(policy, course, own=own, counts={} if own is None else by_tier.get(own.course_id, {}))
    for one, known in zip(reached, listed, strict=True):
        if known is None:
            yield _course(policy, None, own=one, counts=by_tier.get(one.course_id, {}))


def _course(policy: PolicyVersion, course: CatalogueCourse | None, *, own: Reach | None, counts: Mapping[str, int]) -> CourseReach:
    names = [*(tier.tier for tier in policy.tiers), UNKNOWN]
    table = pd.DataFrame({"tier": names, "persons": [counts.get(name, 0) for name in names]})
    least = smallest_shown("attendance")
    masked = mask_small(table, "persons", threshold=least)
    shown = tuple((name, None if pd.isna(value) else int(value)) for name, value in zip(masked["tier"], masked["persons"], strict=True))
    gives_away = bool((masked["masked"] == "total").any())
    enrolled, completed = ((0, 0) if own is None else (own.enrolled, own.completed))
    hide = gives_away or 0 < enrolled < least
    hide_completed = hide or 0 < completed < least
    must = bool(course and course.compulsory)
    return CourseReach(
        course=course.course_name if course else own.course_name if own else "",
        areas=tuple(area.skill_area for area in policy.skill_areas if course and area.skill_area_id in course.skill_areas),
        tiers=tuple(
            tier.tier + ("（読み取れない）" if tier.tier_id in course.tiers_unclear else "") for tier in policy.tiers if course and tier.tier_id in course.tiers
        ) if course else (),
        compulsory=must, enrolled=None if hide else enrolled, completed=None if hide_completed else completed,
        completion_share=None if hide_completed or own is None else own.completion_share,
        by_tier=tuple((name, value) for name, value in shown if name != UNKNOWN or value != 0),
        cost_yen=None if own is None else own.cost_yen,
        yen_per_completion=None if hide_completed or own is None else own.cost_per_completion_yen, note=COMPULSORY if must else "",
    )  # fmt: skip

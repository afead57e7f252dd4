"""Who was offered, enrolled in or completed the courses of a question, and when first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.errors import PlanError
from kdx_eval.panel.tables import Tables, column, month_index
from kdx_eval.plan import Question
from kdx_eval.plan.types import TreatedFrom, nearest_hint
from kdx_eval.plan.values import visible

if TYPE_CHECKING:
    import duckdb

_DATES: tuple[TreatedFrom, ...] = ("offered", "enrolled", "completed")
_KIND_NAMES = {"offered": "案内日", "enrolled": "受講開始日", "completed": "修了日"}
# Who completed had enrolled, and who enrolled had been offered the course; the reverse does not hold.
_IMPLIED_BY: dict[TreatedFrom, tuple[TreatedFrom, ...]] = {
    "offered": ("offered", "enrolled", "completed"),
    "enrolled": ("enrolled", "completed"),
    "completed": ("completed",),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attendance:
    """First date of each person in the courses of a question.

    Attributes
    ----------
    frame : DataFrame
        person (staff_id, or a row's own label where the person is unmatched), matched, listed_department, month (``Month.index``);
        one row a person.
    notes : tuple of str
    """

    frame: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]


def known_courses(connection: duckdb.DuckDBPyConnection, tables: Tables) -> pd.DataFrame:
    """course_id and course_name of every course somebody has a training row for; raises PlanError without the table."""
    if not tables.has("training"):
        raise PlanError("「受講記録」の表がデータにありません", place="training", hint="受講記録（氏名・所属・受講日）のファイルを入れてください")
    named = tables.has("courses") and {"course_id", "course_name"} <= set(tables.columns("courses"))
    name = "max(courses.course_name)" if named else "NULL"
    join = "LEFT JOIN courses ON courses.course_id = training.course_id" if named else ""
    return connection.execute(
        f"""SELECT training.course_id, coalesce({name}, training.course_id) AS course_name FROM training {join}
            WHERE training.course_id IS NOT NULL GROUP BY training.course_id ORDER BY training.course_id"""
    ).df()


def course_ids(known: pd.DataFrame, question: Question) -> list[str]:
    """The ids of the question's courses, which may be written as names.

    Raises
    ------
    PlanError
        When a course has no training row; the message names the nearest that has.
    """
    by_word = dict(zip(known["course_name"], known["course_id"], strict=True)) | {word: word for word in known["course_id"]}
    by_word |= {visible(str(word).strip()): number for word, number in by_word.items()}  # as a plan can hold it
    for course in question.courses:
        if course not in by_word:
            raise PlanError(
                "計画にある研修の受講記録がありません",
                place=f"{question.question_id}.courses",
                hint=nearest_hint(course, [str(word) for word in by_word]),
            )
    return sorted({str(by_word[course]) for course in question.courses})


def first_attendance(connection: duckdb.DuckDBPyConnection, tables: Tables, *, courses: list[str], treated_from: TreatedFrom) -> Attendance:
    """First month of each person in any of the courses, by the kind of date the plan names.

    When the table has no date of that kind, the next of offered, enrolled, completed that it has is used, with a note.
    """
    day = {kind: column(tables, "training", name=f"{kind}_on", kind="DATE") for kind in _DATES}
    counts = connection.execute(
        f"SELECT {', '.join(f'count({day[kind]})' for kind in _DATES)} FROM training WHERE list_contains($courses, course_id)",
        {"courses": courses},
    ).fetchone()
    present = [kind for kind, count in zip(_DATES, counts or (), strict=False) if count]
    notes: list[str] = []
    kind = treated_from
    if kind not in present and present:
        kind = present[0]
        notes.append(f"受講記録に{_KIND_NAMES[treated_from]}がないため、{_KIND_NAMES[kind]}を使いました。")
    first = f"coalesce({', '.join(day[word] for word in _IMPLIED_BY[kind])})"
    frame = connection.execute(_first_sql(tables, first=first), {"courses": courses}).df()
    unmatched = int((~frame["matched"]).sum()) if len(frame) else 0
    if unmatched:
        notes.append(f"職員番号と結び付かない受講者が{unmatched}人分あり、受講記録に書かれた所属で数えました。")
    return Attendance(frame=frame, notes=tuple(notes))


def _first_sql(tables: Tables, *, first: str) -> str:
    staff = column(tables, "training", name="staff_id", kind="VARCHAR")
    department = column(tables, "training", name="department_id", kind="VARCHAR")
    return f"""
        WITH attended AS (
            SELECT {staff} AS staff_id, {department} AS department_id, {first} AS day,
                   row_number() OVER (ORDER BY {department}, {first}) AS row
            FROM training WHERE list_contains($courses, course_id))
        SELECT coalesce(staff_id, 'row ' || row) AS person, bool_and(staff_id IS NOT NULL) AS matched,
               arg_min(department_id, (day, department_id)) AS listed_department, min({month_index("day")}) AS month
        FROM attended WHERE day IS NOT NULL GROUP BY person ORDER BY person
    """

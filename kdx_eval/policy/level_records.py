"""Levels one to three from the city's records: questionnaires, tests, assessments by supervisors, projects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.panel.tables import Tables, column
from kdx_eval.policy.level_items import LevelItem
from kdx_eval.policy.skill_scores import INSTRUMENTS
from kdx_eval.policy.skills import GROUPS
from kdx_eval.units import FiscalYear, format_number, format_share, format_value

if TYPE_CHECKING:
    from kdx_eval.policy.skills import Skills


def reaction_items(tables: Tables, *, year: FiscalYear) -> Iterator[LevelItem]:
    """Satisfaction by course: mean, who answered, and the answers seen (the scale is not recorded)."""
    for row in _by_course(tables, "satisfaction", year=year):
        if row.persons < SMALL_CELL:
            yield LevelItem(level=1, title="満足度", subject=row.course, state="masked", sentence=f"回答が{SMALL_CELL}人未満です")
            continue
        share = format_share(row.persons / row.attended, 0)
        said = f"受講{format_number(row.attended)}人のうち{share}が回答（回答は{format_value(row.low)}～{format_value(row.high)}）。答えなかった人は含みません"
        yield LevelItem(level=1, title="満足度の平均", subject=row.course, value=row.mean, unit="点", persons=row.persons, sentence=said)


def learning_items(tables: Tables, skills: Skills, *, year: FiscalYear) -> Iterator[LevelItem]:
    """Tests after a course, and paired skill tests of those who completed a course of the area."""
    for row in _by_course(tables, "test_score", year=year):
        if row.persons < SMALL_CELL:
            yield LevelItem(level=2, title="研修後のテスト", subject=row.course, state="masked", sentence=f"受験が{SMALL_CELL}人未満です")
            continue
        said = f"受講{format_number(row.attended)}人のうち{format_share(row.persons / row.attended, 0)}が受験。受講の前の点がないため、伸びはわかりません"
        yield LevelItem(level=2, title="研修後のテストの平均", subject=row.course, value=row.mean, unit="点", persons=row.persons, sentence=said)
    yield from _gains(skills, level=2, instrument=INSTRUMENTS["test"], title="スキルのテストの前後差")


def supervisor_items(skills: Skills) -> Iterator[LevelItem]:
    """Change in what supervisors see; one's own assessment is no evidence of behaviour."""
    yield from _gains(skills, level=3, instrument=INSTRUMENTS["supervisor"], title="上司評価の前後差")


def _gains(skills: Skills, *, level: int, instrument: str, title: str) -> Iterator[LevelItem]:
    mine = [one for one in skills.gains if one.instrument == instrument]
    others = {one.skill_area: one.gain for one in mine if one.group == GROUPS[1]}
    for one in mine:
        if one.group != GROUPS[0] or one.gain.persons == 0:
            continue
        if one.gain.persons is None:
            yield LevelItem(level=level, title=title, subject=one.skill_area, state="masked", sentence=f"修了した人が{SMALL_CELL}人未満です")
            continue
        other = others.get(one.skill_area)
        change = None if other is None else other.gain
        beside = "受けなかった人の値はありません" if change is None else f"同じ期間に受けなかった人は{format_number(change, 2)}点"
        yield LevelItem(
            level=level, title=title, subject=one.skill_area, value=one.gain.gain, low=one.gain.low, high=one.gain.high, unit="点",
            persons=one.gain.persons, sentence=f"評価の間に研修を修了した人。{beside}。前後の差であり、研修の効果ではありません",
        )  # fmt: skip


def project_items(tables: Tables, *, year: FiscalYear) -> Iterator[LevelItem]:
    """Departments in which work was really changed: projects begun and in use by the end of the year."""
    if not tables.has("interventions"):
        return
    home = column(tables, "interventions", name="department_id", kind="VARCHAR")
    begun, live = (column(tables, "interventions", name=name, kind="DATE") for name in ("started_on", "live_on"))
    connection = tables.connect()
    try:
        rows = connection.execute(
            f"""SELECT count(*), count(*) FILTER ({live} < $end), count(DISTINCT {home}) FROM interventions WHERE {begun} < $end""",
            {"end": (year.last + 1).first_day},
        ).fetchall()
    finally:
        connection.close()
    count, in_use, departments = (int(value) for value in rows[0])
    if count:
        said = f"{format_number(departments)}課で着手し、{format_number(in_use)}件が稼働。研修がなくても始まった案件を含みえます"
        yield LevelItem(level=3, title="着手した支援案件", value=float(count), unit="件", sentence=said)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What is known of a measure among those who attended a course in the year."""

    course: str
    attended: int
    persons: int
    mean: float
    low: float
    high: float


def _by_course(tables: Tables, measure: str, *, year: FiscalYear) -> tuple[_Course, ...]:
    """Courses in which the measure is known of somebody, most answers first."""
    if not tables.has("training") or measure not in tables.columns("training"):
        return ()
    begun, done = (column(tables, "training", name=name, kind="DATE") for name in ("enrolled_on", "completed_on"))
    named = tables.has("courses") and {"course_id", "course_name"} <= set(tables.columns("courses"))
    name = "coalesce(max(c.called), training.course_id)" if named else "training.course_id"
    join = "LEFT JOIN (SELECT course_id, max(course_name) AS called FROM courses GROUP BY 1) AS c ON c.course_id = training.course_id" if named else ""
    connection = tables.connect()
    try:
        rows = connection.execute(
            f"""SELECT {name} AS course, count(*) AS attended, count(training.{measure}) AS persons, CAST(avg(training.{measure}) AS DOUBLE) AS mean,
                       CAST(min(training.{measure}) AS DOUBLE) AS low, CAST(max(training.{measure}) AS DOUBLE) AS high
                FROM training {join} WHERE training.course_id IS NOT NULL AND coalesce({begun}, {done}) >= $first AND coalesce({begun}, {done}) < $end
                GROUP BY training.course_id HAVING persons > 0 ORDER BY persons DESC, course""",
            {"first": year.first.first_day, "end": (year.last + 1).first_day},
        ).fetchall()
    finally:
        connection.close()
    return tuple(_Course(course=row[0], attended=row[1], persons=row[2], mean=row[3], low=row[4], high=row[5]) for row in rows)

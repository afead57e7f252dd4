"""Indicators of the めざす姿 that the toolkit reads off the records of staff, projects and knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.panel.tables import Tables, column
from kdx_eval.policy.cycle_facts import CycleFacts, fiscal_year_of, instrument_word, read_costs
from kdx_eval.policy.fees import hours_by_year
from kdx_eval.policy.yearly import Point
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    import duckdb

Series: TypeAlias = tuple[tuple[Point, ...], str]
LITERACY_AREA, SPECIALIST_TIER = "DXリテラシー", "DXスペシャリスト人材"


def own_series(tables: Tables, facts: CycleFacts, *, reached: pd.DataFrame, year: FiscalYear) -> dict[str, Series]:
    """Points by fiscal year and a note, for each indicator that is not in the table 成果指標; no points where there are no records."""
    spread, mean = _literacy(tables, year=year)
    hours = hours_by_year(reached, facts.courses, costs=read_costs(tables), last=year)
    in_house = tuple(Point(fiscal_year=one.fiscal_year, value=one.elective_share, base=0) for one in hours if one.elective)
    return {
        "literacy_spread": spread,
        "literacy_mean": mean,
        "challenge_share": _cumulative(facts.projects["started_on"], facts.projects["department"], departments=facts.departments, year=year),
        "knowledge_share": _knowledge(facts, year=year),
        "in_house_share": (in_house, ""),
        "specialists": _specialists(tables, year=year),
    }


def _literacy(tables: Tables, *, year: FiscalYear) -> tuple[Series, Series]:
    """Standard deviation and mean over persons, of the instrument that the evaluated year used most."""
    if not tables.has("skills") or not {"staff_id", "skill_area", "assessed_on", "score"} <= set(tables.columns("skills")):
        return ((), ""), ((), "")
    tool = f"coalesce({column(tables, 'skills', name='instrument', kind='VARCHAR')}, '')"
    connection = tables.connect()
    try:
        rows = connection.execute(
            f"""WITH persons AS (SELECT {tool} AS tool, year(assessed_on) - CAST(month(assessed_on) < 4 AS INTEGER) AS fiscal_year, staff_id,
                                        avg(CAST(score AS DOUBLE)) AS score
                                 FROM skills WHERE skill_area = $area AND score IS NOT NULL AND staff_id IS NOT NULL AND assessed_on < $end GROUP BY ALL)
                SELECT tool, fiscal_year, count(*), stddev_samp(score ORDER BY staff_id), avg(score ORDER BY staff_id)
                FROM persons GROUP BY ALL ORDER BY ALL""",
            {"area": LITERACY_AREA, "end": (year.last + 1).first_day},
        ).fetchall()
    finally:
        connection.close()
    if not rows:
        return ((), ""), ((), "")
    used = max(rows, key=lambda row: (row[1], row[2]))[0]
    kept = [row for row in rows if row[0] == used and row[2] >= SMALL_CELL]
    note = f"測り方は{instrument_word(used)}（同じ測り方の年度だけ）"
    few = sum(row[0] == used for row in rows) - len(kept)
    note += f"。10人未満の{few}年度は示しません" if few else ""
    spread, mean = (tuple(Point(fiscal_year=int(row[1]), value=float(row[place]), base=int(row[2])) for row in kept) for place in (3, 4))
    return (spread, note), (mean, note)


def _cumulative(days: pd.Series, departments_of: pd.Series, *, departments: int, year: FiscalYear) -> Series:
    """Share of departments with at least one row dated until the end of each year; rows without a date do not count."""
    dated = [(fiscal_year_of(day), department) for day, department in zip(days, departments_of, strict=True)]
    rows = [(fiscal, str(department)) for fiscal, department in dated if fiscal is not None and not pd.isna(department) and department]
    if not rows or not departments:
        return (), ""
    first = min(fiscal for fiscal, _ in rows)
    points = tuple(
        Point(fiscal_year=one, value=len({name for fiscal, name in rows if fiscal <= one}) / departments, base=departments)
        for one in range(first, year.year + 1)
    )
    lost = len(dated) - len(rows)
    return points, f"日付か所属のない{lost}件は数えていません" if lost else ""


def _knowledge(facts: CycleFacts, *, year: FiscalYear) -> Series:
    made = dict(zip(facts.knowledge["asset_id"], facts.knowledge["created_on"], strict=True))
    used = facts.reuse[facts.reuse["known"]]
    points, note = _cumulative(used["asset_id"].map(made), used["department"], departments=facts.departments, year=year)
    return points, "。".join(filter(None, ("使い始めた日の記録がないため、資産の作成日から使ったとみています", note))) if points else note


def _specialists(tables: Tables, *, year: FiscalYear) -> Series:
    """Persons in the tier on the last day of each year; from one to nine are not shown."""
    if not tables.has("tiers"):
        return (), ""
    connection = tables.connect()
    try:
        found = _tier_counts(connection, year=year)
    finally:
        connection.close()
    shown = tuple(Point(fiscal_year=fiscal, value=float(count), base=count) for fiscal, count in found if count >= SMALL_CELL or count == 0)
    hidden = len(found) - len(shown)
    return shown, f"10人未満の{hidden}年度は示しません" if hidden else ""


def _tier_counts(connection: duckdb.DuckDBPyConnection, *, year: FiscalYear) -> list[tuple[int, int]]:
    begun = connection.execute("SELECT min(valid_from) FROM tiers WHERE tier = $tier", {"tier": SPECIALIST_TIER}).fetchall()[0][0]
    first = fiscal_year_of(begun)
    if first is None:
        return []
    counted = []
    for fiscal in range(first, year.year + 1):
        day = (FiscalYear(fiscal).last + 1).first_day
        rows = connection.execute(
            "SELECT count(DISTINCT staff_id) FROM tiers WHERE tier = $tier AND valid_from < $day AND (valid_to IS NULL OR valid_to + 1 >= $day)",
            {"tier": SPECIALIST_TIER, "day": day},
        ).fetchall()
        counted.append((fiscal, int(rows[0][0])))
    return counted

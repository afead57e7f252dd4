"""What the city's own records say beside the estimates: projects and their claims, staff, overtime, allotments, budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kdx_eval.panel.tables import Tables, column, is_staff_time, month_index
from kdx_eval.plan import Plan, Question
from kdx_eval.savings.bases import MEASURED_BY, SavingsBasis, weakest
from kdx_eval.units import FiscalYear, Month

if TYPE_CHECKING:
    import duckdb

ALLOTMENT = "枠配当"
_STAGES = ("決算", "決算見込", "当初")  # what a year is judged by, the firmest first
_PROJECT_FIELDS = {
    "department_id": "VARCHAR", "process_id": "VARCHAR", "kind": "VARCHAR", "live_on": "DATE", "claimed_hours": "DOUBLE", "savings_basis": "VARCHAR",
    "realised_hours": "DOUBLE", "benefit_class": "VARCHAR", "reduced_yen": "BIGINT", "survey_hours": "DOUBLE", "respondents": "BIGINT",
    "population": "BIGINT", "survey_months": "BIGINT",
}  # fmt: skip


def read_projects(connection: duckdb.DuckDBPyConnection, tables: Tables) -> pd.DataFrame | None:
    """Every project of ``interventions`` with the fields that may be absent, and the department of its process where none is written.

    Returns
    -------
    DataFrame or None
        project_id and the fields of `_PROJECT_FIELDS`; ordered; None without the table.
    """
    if not tables.has("interventions"):
        return None
    fields = {name: f"CAST({column(tables, 'interventions', name=name, kind=kind)} AS {kind})" for name, kind in _PROJECT_FIELDS.items()}
    homes = ""
    if tables.has("processes") and {"process_id", "department_id"} <= set(tables.columns("processes")):
        homes = f"""LEFT JOIN (SELECT process_id, min(department_id) AS home FROM processes GROUP BY ALL) AS homes
                    ON homes.process_id = {column(tables, "interventions", name="process_id", kind="VARCHAR")}"""
        fields["department_id"] = f"coalesce({fields['department_id']}, homes.home)"
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in fields.items())
    number = column(tables, "interventions", name="intervention_id", kind="VARCHAR")
    return connection.execute(f"SELECT {number} AS project_id, {chosen} FROM interventions {homes} ORDER BY ALL").df()


def months_live(live_on: pd.Timestamp | None, year: FiscalYear) -> int:
    """Whole months of the fiscal year in which a project was in use; all twelve where the day is unknown."""
    if live_on is None or pd.isna(live_on):
        return 12
    first = Month.of(live_on.year, live_on.month) + (0 if live_on.day == 1 else 1)
    return max(0, min(12, year.last - first + 1))


def read_staff(connection: duckdb.DuckDBPyConnection, tables: Tables, *, year: FiscalYear) -> dict[str, float] | None:
    """実員 by department: the mean of the months that the headcount has in the fiscal year; None without a headcount."""
    if not tables.has("headcount") or "actual" not in tables.columns("headcount"):
        return None
    rows = connection.execute(
        f"""SELECT department_id, avg(actual) AS persons FROM (
                SELECT department_id, {month_index("month")} AS month_index, CAST(max(actual) AS DOUBLE) AS actual FROM headcount
                WHERE department_id IS NOT NULL AND actual IS NOT NULL GROUP BY ALL)
            WHERE month_index BETWEEN $first AND $last GROUP BY department_id ORDER BY department_id""",
        {"first": year.first.index, "last": year.last.index},
    ).fetchall()
    return {str(department): float(persons) for department, persons in rows} or None


def read_names(connection: duckdb.DuckDBPyConnection, tables: Tables) -> dict[str, str]:
    """Names of departments by id, and of processes by ``/`` and id (a department and a process may bear the same code); the latest of each."""
    found: dict[str, str] = {}
    for table, key, name in (("departments", "department_id", "department_name"), ("processes", "process_id", "process_name")):
        if tables.has(table) and name in tables.columns(table):
            since = column(tables, table, name="valid_from", kind="DATE")
            sql = f"SELECT {key}, arg_max({name}, (coalesce({since}, DATE '0001-01-01'), {name})) FROM {table} WHERE {name} IS NOT NULL GROUP BY {key}"
            mark = "/" if table == "processes" else ""
            found |= {f"{mark}{code}": str(called) for code, called in connection.execute(f"{sql} ORDER BY {key}").fetchall()}
    return found


def read_basis(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question) -> SavingsBasis | None:
    """On what the outcome's hours rest: time sheets observe labour; a workload by the weakest way in which its rows were measured; None where not said."""
    if question.outcome.table == "worktime":
        return "observed"
    if question.outcome.table != "workload" or not tables.has("workload") or "measure_basis" not in tables.columns("workload"):
        return None
    rows = connection.execute(
        f"SELECT DISTINCT measure_basis FROM workload WHERE measure_basis IS NOT NULL AND {is_staff_time(tables)} ORDER BY measure_basis"
    ).fetchall()
    return weakest(frozenset(MEASURED_BY[str(word)] for (word,) in rows if str(word) in MEASURED_BY))


def read_years(connection: duckdb.DuckDBPyConnection, tables: Tables, *, plan: Plan) -> pd.DataFrame:
    """Overtime, staff, allotments and budget by fiscal year up to the evaluated one.

    Returns
    -------
    DataFrame
        fiscal_year, overtime_hours, overtime_fall (same months of both years; positive means less), paid_yen, months, staff, allotment (Japanese,
        empty without one), budget_yen, budget_stage; NaN or empty where nothing is recorded.
    """
    last = plan.evaluated_through.index
    overtime = _overtime(_monthly_overtime(connection, tables, last=last))
    staff, budget = _staff_by_year(connection, tables, last=last), _budget(connection, tables)
    years = sorted({year for year in (*overtime.index, *staff) if year <= plan.evaluated_fiscal_year.year} | {plan.evaluated_fiscal_year.year})
    frame = overtime.reindex(years)
    frame["staff"] = [staff.get(year, np.nan) for year in years]
    frame["allotment"] = [_allotments(connection, tables, year=FiscalYear(year)) for year in years]
    frame["budget_yen"] = [budget.get(year, (np.nan, ""))[0] for year in years]
    frame["budget_stage"] = [budget.get(year, (np.nan, ""))[1] for year in years]
    return frame.rename_axis("fiscal_year").reset_index()


def _monthly_overtime(connection: duckdb.DuckDBPyConnection, tables: Tables, *, last: int) -> pd.DataFrame:
    if not tables.has("worktime") or "overtime_hours" not in tables.columns("worktime"):
        return pd.DataFrame({"month_index": [], "overtime_hours": [], "paid_yen": []})
    yen = column(tables, "worktime", name="paid_overtime_yen", kind="BIGINT")
    return connection.execute(
        f"""SELECT {month_index("worktime.month")} AS month_index, CAST(sum(CAST(overtime_hours AS DECIMAL(18, 6))) AS DOUBLE) AS overtime_hours,
                   CAST(sum({yen}) AS DOUBLE) AS paid_yen
            FROM worktime WHERE month_index <= $last GROUP BY ALL ORDER BY ALL""",
        {"last": last},
    ).df()


def _overtime(monthly: pd.DataFrame) -> pd.DataFrame:
    """By fiscal year; the fall only over months that both years have."""
    index = monthly["month_index"].astype(int)
    table = monthly.assign(fiscal_year=(index - 3) // 12, part=index % 12)
    grouped = table.groupby("fiscal_year")
    frame = grouped[["overtime_hours", "paid_yen"]].sum(min_count=1).assign(months=grouped.size())
    by_part = table.pivot(index="part", columns="fiscal_year", values="overtime_hours")
    frame["overtime_fall"] = [
        float((by_part[year - 1] - by_part[year]).dropna().sum()) if year - 1 in by_part and (by_part[year - 1] - by_part[year]).notna().any() else np.nan
        for year in frame.index
    ]
    return frame


def _staff_by_year(connection: duckdb.DuckDBPyConnection, tables: Tables, *, last: int) -> dict[int, float]:
    if not tables.has("headcount") or "actual" not in tables.columns("headcount"):
        return {}
    rows = connection.execute(
        f"""SELECT CAST(floor((month_index - 3) / 12.0) AS INTEGER) AS fiscal_year, avg(persons) FROM (
                SELECT {month_index("month")} AS month_index, CAST(sum(actual) AS DOUBLE) AS persons FROM headcount
                WHERE actual IS NOT NULL AND month_index <= $last GROUP BY ALL)
            GROUP BY ALL ORDER BY ALL""",
        {"last": last},
    ).fetchall()
    return {int(year): float(persons) for year, persons in rows}


def _budget(connection: duckdb.DuckDBPyConnection, tables: Tables) -> dict[int, tuple[float, str]]:
    """Yen of the firmest stage of each year."""
    if not tables.has("costs") or "stage" not in tables.columns("costs"):
        return {}
    rows = connection.execute("SELECT fiscal_year, stage, CAST(sum(yen) AS BIGINT) FROM costs WHERE stage IS NOT NULL GROUP BY ALL ORDER BY ALL").fetchall()
    sums = {(int(year), str(stage)): float(yen) for year, stage, yen in rows}
    return {
        year: next((sums[year, stage], stage) for stage in _STAGES if (year, stage) in sums)
        for year in sorted({year for year, stage in sums if stage in _STAGES})
    }


def _allotments(connection: duckdb.DuckDBPyConnection, tables: Tables, *, year: FiscalYear) -> str:
    """Whether an overtime allotment was in force that year, in the words of the events table."""
    if not tables.has("events") or "kind" not in tables.columns("events"):
        return ""
    until, note = (column(tables, "events", name=name, kind=kind) for name, kind in (("valid_to", "DATE"), ("note", "VARCHAR")))
    rows = connection.execute(
        f"""SELECT {note} FROM events WHERE kind = $kind AND valid_from < $following AND ({until} IS NULL OR {until} >= $first) ORDER BY ALL""",
        {"kind": ALLOTMENT, "first": year.first.first_day, "following": (year.last + 1).first_day},
    ).fetchall()
    return "。".join(str(text or "あり") for (text,) in rows)

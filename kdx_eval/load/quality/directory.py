"""What the report knows of departments: their names, from when to when they existed, and how many people they have."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows
from kdx_eval.units import Month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.dataset import Dataset

SCHEDULED_HOURS = 155.0  # a month and person: 20 days of 7:45


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A department and the months in which it existed (``Month.index``; None without end)."""

    code: str
    name: str
    first: int | None
    last: int | None

    def existed(self, month: int) -> bool:
        """Whether it existed in the month with this index."""
        return (self.first is None or self.first <= month) and (self.last is None or month <= self.last)


def read_departments(con: DuckDBPyConnection, dataset: Dataset) -> Mapping[str, Department]:
    """The list of departments by code; empty when none was delivered or derived."""
    if not dataset.has("departments"):
        return {}
    found = {}
    sql = """SELECT department_id, any_value(department_name ORDER BY valid_from DESC), min(valid_from), max(valid_to),
                    count(valid_from) < count(*), count(valid_to) < count(*)
             FROM departments GROUP BY department_id ORDER BY department_id"""
    for code, title, first, last, always, still in rows(con, sql):
        begins = Month.of_date(first).index if isinstance(first, dt.date) and not always else None
        ends = Month.of_date(last).index if isinstance(last, dt.date) and not still else None
        found[str(code)] = Department(code=str(code), name=str(title or code), first=begins, last=ends)
    return found


def read_names(con: DuckDBPyConnection, dataset: Dataset) -> Mapping[str, str]:
    """What to call departments and processes: the name, with the code where two share it; codes without a name are not in it."""
    named: dict[str, str] = {}
    for table, stem in (("processes", "process"), ("departments", "department")):
        if dataset.has(table):
            found = rows(con, f"SELECT {stem}_id, any_value({stem}_name ORDER BY {stem}_name) FROM {table} WHERE {stem}_name IS NOT NULL GROUP BY {stem}_id")
            named |= {str(code): str(title) for code, title in found}
    often = Counter(named.values())
    return {code: title if often[title] == 1 else f"{title}（{code}）" for code, title in named.items()}


def read_heads(con: DuckDBPyConnection, dataset: Dataset) -> Mapping[str, float]:
    """Median number of people by department: by postings, else by headcount, else by scheduled hours; empty when nothing says it."""
    if dataset.has("assignments"):
        sql = """WITH days AS (SELECT unnest(generate_series(min(valid_from), max(coalesce(valid_to, valid_from)), INTERVAL 3 MONTH))::DATE AS day
                     FROM assignments),
                 counted AS (SELECT department_id, day, count(DISTINCT staff_id) AS heads FROM days JOIN assignments a
                     ON (a.valid_from IS NULL OR a.valid_from <= day) AND (a.valid_to IS NULL OR day <= a.valid_to) GROUP BY ALL)
                 SELECT department_id, median(heads) FROM counted GROUP BY department_id"""
    elif dataset.has("headcount") and "actual" in dataset.columns("headcount"):
        sql = "SELECT department_id, median(actual) FROM headcount WHERE actual > 0 GROUP BY department_id"
    elif dataset.has("worktime") and {"department_id", "scheduled_hours"} <= set(dataset.columns("worktime")):
        sql = f"""SELECT department_id, median(hours) / {SCHEDULED_HOURS} FROM (SELECT department_id, month, sum(scheduled_hours) AS hours FROM worktime
                  WHERE scheduled_hours > 0 GROUP BY ALL) GROUP BY department_id"""
    else:
        return {}
    return {str(code): float(str(heads)) for code, heads in rows(con, sql) if code is not None and heads is not None and float(str(heads)) > 0}

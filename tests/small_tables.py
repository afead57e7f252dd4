"""Small tables for panels whose answers are worked out by hand."""

import datetime as dt

import duckdb

from kdx_eval.panel.build import build_panel
from kdx_eval.plan import plan_from_dict
from kdx_eval.units import Month

NEVER = float("inf")


class SmallTables:
    """Tables given as ``name=(columns with types, rows)``, with the three methods that panels use of a Dataset."""

    def __init__(self, **tables):
        self._connection = duckdb.connect(config={"threads": 1})
        self._columns = {}
        for name, (columns, rows) in tables.items():
            self._connection.execute(f"CREATE TABLE {name} ({columns})")
            self._columns[name] = tuple(part.split()[0] for part in columns.split(","))
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                self._connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def has(self, table):
        return table in self._columns

    def columns(self, table):
        return self._columns[table]

    def connect(self):
        return self._connection.cursor()


WORKTIME = "department_id VARCHAR, month DATE, overtime_hours DECIMAL(9,2)"
STAFF_TIME = "staff_id VARCHAR, month DATE, overtime_hours DECIMAL(9,2)"
ASSIGNMENTS = "staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE"
TRAINING = "staff_id VARCHAR, department_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE"
WORKLOAD = "process_id VARCHAR, department_id VARCHAR, month DATE, minutes BIGINT"
INDICATORS = "unit_type VARCHAR, unit_id VARCHAR, month DATE, indicator_id VARCHAR, value DOUBLE"


def day(text):
    return dt.date.fromisoformat(text)


def month(text):
    return float(Month.parse(text).index)


def months(first, last):
    return [Month(index).first_day for index in range(Month.parse(first).index, Month.parse(last).index + 1)]


def question_of(plan):
    return plan.questions[0]


def make_plan(**question):
    given = {
        "question_id": "q1",
        "title": "題",
        "courses": ["C1"],
        "unit": "department",
        "outcome": "worktime.overtime_hours",
        "cohort_width": "month",
        "threshold_share": 0.5,
    }
    return plan_from_dict({"request_fiscal_year": 2027, "evaluated_fiscal_year": 2025, "evaluated_through": "2026-03", "questions": [{**given, **question}]})


def build(tables, plan):
    return build_panel(tables, question_of(plan), plan=plan)


def cohorts(panel):
    return dict(zip(panel.units, panel.cohort, strict=True))


def overtime(departments="ABC", first="2024-04", last="2026-03"):
    return [(name, day_, 10) for name in departments for day_ in months(first, last)]


def posted(**staff):
    """``a1="A"`` or ``a1=[("A", from, to), ...]``."""
    rows = []
    for person, where in staff.items():
        spells = [(where, "2020-04-01", None)] if isinstance(where, str) else where
        rows += [(person, name, day(begin), None if end is None else day(end)) for name, begin, end in spells]
    return rows


def enrolled(**when):
    return [(person, None, "C1", day(text), None) for person, text in when.items()]

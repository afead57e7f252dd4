"""Workload rows summed by unit and month, against a literal version that looks at every row and every posting."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.panel.cells import read_cells
from kdx_eval.plan import plan_from_dict
from kdx_eval.units import Month

TYPES = {"date": "DATE", "month": "DATE", "valid_from": "DATE", "valid_to": "DATE", "minutes": "BIGINT"}
FIRST, LAST = dt.date(2024, 12, 1), dt.date(2025, 3, 31)


class FrameTables:
    """Tables from lists of rows, with the three methods that panels use of a Dataset."""

    def __init__(self, **tables: list[dict[str, object]]) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.names: dict[str, tuple[str, ...]] = {}
        for name, rows in tables.items():
            columns = tuple(rows[0]) if rows else ("staff_id", "department_id", "valid_from", "valid_to")
            self.names[name] = columns
            typed = ", ".join(f"{one} {TYPES.get(one, 'VARCHAR')}" for one in columns)
            self.connection.execute(f"CREATE TABLE {name} ({typed})")
            if rows:
                marks = ", ".join(f"({', '.join('?' * len(columns))})" for _ in rows)
                self.connection.execute(f"INSERT INTO {name} VALUES {marks}", [row[one] for row in rows for one in columns])

    def has(self, table: str) -> bool:
        return table in self.names

    def columns(self, table: str) -> tuple[str, ...]:
        return self.names[table]

    def connect(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor()


def cells_of(tables: FrameTables, unit: str) -> tuple[dict[tuple[str, int], float], tuple[str, ...]]:
    question = {"question_id": "q", "title": "題", "courses": ["C"], "unit": unit, "outcome": "workload.minutes", "cohort_width": "month"}
    plan = plan_from_dict({"request_fiscal_year": 2027, "evaluated_fiscal_year": 2025, "evaluated_through": "2026-03", "questions": [question]})
    with tables.connect() as connection:
        cells = read_cells(connection, tables, question=plan.questions[0], plan=plan)
    found = pd.DataFrame(cells.matrix * 60, index=cells.units, columns=cells.months).stack().dropna()
    return {(str(one), int(month)): round(value) for (one, month), value in found.items()}, cells.notes


def literally(events, assignments, homes, unit):
    """Each row in turn: its own department, else its process's, else that of the last posting that covers its day."""
    sums: dict[tuple[str, int], int] = {}
    lost = 0
    for event in events:
        day = event.get("date") or event.get("month")
        month = Month.of_date(event.get("month") or event["date"]).index
        department = event.get("department_id") or homes.get(event["process_id"])
        held = [
            (posting["valid_from"] or dt.date.min, posting["valid_to"] or dt.date.max, posting["department_id"])
            for posting in assignments
            if posting["staff_id"] == event["staff_id"] is not None and (posting["valid_from"] or dt.date.min) <= day <= (posting["valid_to"] or dt.date.max)
        ]
        department = department or (max(held)[2] if held else None)
        named = {"staff": event["staff_id"], "department": department, "process": department and f"{department}/{event['process_id']}"}[unit]
        if named is None:
            lost += event["minutes"] is not None
        elif event["minutes"] is not None:
            sums[named, month] = sums.get((named, month), 0) + event["minutes"]
    return sums, lost


DAYS = st.dates(FIRST, LAST)
EDGES = st.one_of(
    st.none(), st.dates(dt.date(2024, 11, 20), dt.date(2025, 4, 10)), st.sampled_from([dt.date(2025, 1, 1), dt.date(2025, 1, 31), dt.date(2025, 2, 1)])
)
STAFF = st.sampled_from(["a", "b", "c"])
EVENTS = st.fixed_dictionaries({
    "staff_id": st.one_of(STAFF, STAFF, st.none()), "department_id": st.sampled_from([None, None, None, "D1"]),
    "process_id": st.sampled_from(["P1", "P2", "P3"]), "date": DAYS, "minutes": st.one_of(st.integers(0, 99), st.integers(0, 99), st.none()),
})  # fmt: skip
POSTINGS = st.fixed_dictionaries({"staff_id": STAFF, "department_id": st.sampled_from(["D1", "D2", "D3"]), "valid_from": EDGES, "valid_to": EDGES})


@given(st.lists(EVENTS, min_size=1, max_size=25), st.lists(POSTINGS, max_size=8), st.sampled_from(["department", "process", "staff"]), st.booleans())
@settings(max_examples=40)
def test_every_row_counts_where_its_person_was_posted_that_day(events, assignments, unit, has_home):
    assignments = [one for one in assignments if (one["valid_from"] or dt.date.min) <= (one["valid_to"] or dt.date.max)]
    homes = {"P3": "D3"} if has_home else {}
    extra = {"processes": [{"process_id": one, "department_id": homes.get(one)} for one in ("P1", "P2", "P3")]} if has_home else {}
    # One row that surely counts, so that there is something to read at all.
    events = [*events, {"staff_id": "z", "department_id": "D9", "process_id": "P1", "date": FIRST, "minutes": 1}]
    sums, lost = literally(events, assignments, homes, unit)
    found, notes = cells_of(FrameTables(workload=events, assignments=assignments, **extra), unit)
    first, last = min(month for _, month in sums), max(month for _, month in sums)
    assert found == {key: value for key, value in sums.items() if first <= key[1] <= last}
    assert [note for note in notes if f"わからない行が{lost}行" in note] or not lost


def test_a_move_within_a_month_splits_it_on_the_day():
    workload = [{"staff_id": "a", "process_id": "P", "date": dt.date(2025, 1, day), "minutes": 1} for day in range(1, 32)]
    moves = [
        {"staff_id": "a", "department_id": "D1", "valid_from": None, "valid_to": dt.date(2025, 1, 9)},
        {"staff_id": "a", "department_id": "D2", "valid_from": dt.date(2025, 1, 15), "valid_to": None},
        {"staff_id": "a", "department_id": "D3", "valid_from": dt.date(2025, 1, 30), "valid_to": dt.date(2025, 1, 30)},
    ]
    january = Month.parse("2025-01").index
    found, notes = cells_of(FrameTables(workload=workload, assignments=moves), "department")
    assert found == {("D1", january): 9, ("D2", january): 16, ("D3", january): 1}
    assert any("5行" in note for note in notes)  # from the 10th to the 14th in no department


def test_a_monthly_row_belongs_to_the_posting_on_the_first_and_a_date_beside_a_month_only_places_it():
    rows = [
        {"staff_id": "a", "process_id": "P", "date": None, "month": dt.date(2025, 1, 1), "minutes": 3},
        {"staff_id": "a", "process_id": "P", "date": dt.date(2025, 1, 20), "month": dt.date(2025, 2, 1), "minutes": 5},
    ]
    moves = [
        {"staff_id": "a", "department_id": "D1", "valid_from": None, "valid_to": dt.date(2025, 1, 9)},
        {"staff_id": "a", "department_id": "D2", "valid_from": dt.date(2025, 1, 10), "valid_to": None},
    ]
    found, _ = cells_of(FrameTables(workload=rows, assignments=moves), "department")
    assert found == {("D1", Month.parse("2025-01").index): 3, ("D2", Month.parse("2025-02").index): 5}


@pytest.mark.parametrize("unit", ["department", "staff"])
def test_without_assignments_only_what_the_row_says_counts(unit):
    rows = [
        {"staff_id": "a", "department_id": "D1", "process_id": "P", "date": dt.date(2025, 1, 2), "minutes": 3},
        {"staff_id": "b", "department_id": None, "process_id": "P", "date": dt.date(2025, 1, 2), "minutes": 4},
    ]
    found, _ = cells_of(FrameTables(workload=rows), unit)
    january = Month.parse("2025-01").index
    assert found == ({("D1", january): 3} if unit == "department" else {("a", january): 3, ("b", january): 4})

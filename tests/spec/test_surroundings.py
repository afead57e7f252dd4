"""What a delivery tells of the departments beside the outcome, from small tables worked by hand."""

from __future__ import annotations

import numpy as np
from small_tables import ASSIGNMENTS, STAFF_TIME, TRAINING, WORKLOAD, SmallTables, build, day, enrolled, make_plan, month, months, posted

from kdx_eval.panel.surroundings import Surroundings
from kdx_eval.panel.type import Panel

WORKTIME_BOTH = "department_id VARCHAR, month DATE, scheduled_hours DECIMAL(9,2), overtime_hours DECIMAL(9,2)"
FIRST, LAST = "2024-04", "2026-03"


def worktime() -> list[tuple[object, ...]]:
    return [(name, when, 100, 10) for name in "ABC" for when in months(FIRST, LAST)]


def surroundings(**tables: object) -> Surroundings:
    """Of a panel in which A is trained in May 2025, B and C are not; a2 moved from A to B in April 2025."""
    staff = posted(a1="A", a2=[("A", "2020-04-01", "2025-03-31"), ("B", "2025-04-01", None)], b1="B", c1="C")
    given = {"worktime": (WORKTIME_BOTH, worktime()), "assignments": (ASSIGNMENTS, staff), "training": (TRAINING, enrolled(a1="2025-05-10", a2="2025-05-10"))}
    panel: Panel = build(SmallTables(**{**given, **tables}), make_plan())
    assert panel.surroundings is not None
    return panel.surroundings


def at(found: Surroundings, values: np.ndarray | None, unit: str, when: str) -> float:
    assert values is not None
    return float(found.rows(values, units=np.array([unit], dtype=object), periods=np.array([month(when)]))[0, 0])


def test_total_hours_newcomers_and_staff_come_from_worktime_and_postings() -> None:
    found = surroundings()
    assert at(found, found.worktime, "A", "2025-06") == 110.0
    assert [at(found, found.staff, name, "2025-06") for name in "ABC"] == [1.0, 2.0, 1.0]
    assert at(found, found.newcomers, "B", "2025-06") == 0.5  # a2 was at A a year before
    assert at(found, found.newcomers, "A", "2025-06") == 0.0
    assert found.changed == frozenset({"A", "B"})


def test_attendees_count_where_they_are_now() -> None:
    # On 31 March both attendees were at A; today one of them is at B, one of its two.
    assert surroundings().cohort_now == {"A": month("2025-05"), "B": month("2025-05")}


def test_headcounts_stand_until_the_next_and_are_unknown_before_the_first() -> None:
    counted = [("A", day("2024-04-01"), 20.0), ("A", day("2025-04-01"), 16.0)]
    found = surroundings(headcount=("department_id VARCHAR, month DATE, actual DOUBLE", counted))
    assert [at(found, found.staff, "A", when) for when in ("2024-04", "2025-03", "2025-04", "2026-03")] == [20.0, 20.0, 16.0, 16.0]
    assert np.isnan(at(found, found.staff, "A", "2024-03"))
    assert np.isnan(at(found, found.staff, "B", "2025-05"))


def test_divisions_adopters_and_allotments_are_read_by_id_or_name() -> None:
    departments = [(name, f"{name}課", "X部" if name in "AB" else "Y部") for name in "ABC"]
    events = [("枠配当", "B課", day("2025-04-01"), None), ("選挙", "C", day("2025-04-01"), None), ("増員", "A", day("2019-04-01"), day("2020-03-31"))]
    found = surroundings(
        departments=("department_id VARCHAR, department_name VARCHAR, division VARCHAR", departments),
        knowledge=("asset_id VARCHAR, reused_by VARCHAR", [("K1", "B、C課"), ("K2", None)]),
        events=("kind VARCHAR, scope VARCHAR, valid_from DATE, valid_to DATE", events),
    )
    assert found.division == {"A": "X部", "B": "X部", "C": "Y部"}
    assert found.adopters == frozenset({"B", "C"})
    assert found.allotted == frozenset({"B"})  # an election is no staffing, and 2019 lies before the data


def test_work_that_no_support_was_aimed_at_is_summed_by_department() -> None:
    work = [(process, name, when, minutes) for name in "ABC" for when in months(FIRST, LAST) for process, minutes in (("P1", 600), ("P2", 120), ("P3", 60))]
    found = surroundings(workload=(WORKLOAD, work), interventions=("intervention_id VARCHAR, process_id VARCHAR", [("I1", "P1")]))
    assert at(found, found.other_work, "A", "2025-06") == 3.0


def test_own_records_of_persons_tell_who_stayed_and_what_changed() -> None:
    hours = [(person, when, 8 if when >= day("2025-05-01") and person == "a1" else 10) for person in ("a1", "a2", "b1", "c1") for when in months(FIRST, LAST)]
    persons = surroundings(worktime=(STAFF_TIME, hours)).persons
    assert persons is not None
    rows = persons.set_index(["unit", "stayed"])
    assert rows.loc[("A", True), ["before", "after"]].to_numpy().ravel().tolist() == [10.0, 8.0]
    assert rows.loc[("A", False), ["before", "after"]].to_numpy().ravel().tolist() == [10.0, 10.0]


def test_what_was_not_delivered_is_none_and_a_question_on_persons_has_no_surroundings() -> None:
    found = surroundings()
    assert (found.division, found.adopters, found.allotted, found.other_work, found.persons) == (None, None, None, None, None)
    hours = [(person, when, 10) for person in ("a1", "a2", "b1", "c1") for when in months(FIRST, LAST)]
    tables = SmallTables(worktime=(STAFF_TIME, hours), training=(TRAINING, enrolled(a1="2025-05-10")))
    assert build(tables, make_plan(unit="staff")).surroundings is None


def test_a_log_of_millions_of_rows_is_read_as_a_small_one() -> None:
    # Five million rows and one: each department an hour a month of work that no support names.
    tables = SmallTables(
        worktime=(WORKTIME_BOTH, worktime()), training=(TRAINING, enrolled(a1="2025-05-10", b1="2026-02-10")),
        assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")), interventions=("intervention_id VARCHAR, process_id VARCHAR", [("I1", "P1")]),
        workload=(WORKLOAD, []),
    )  # fmt: skip
    tables.connect().execute(
        """INSERT INTO workload SELECT 'P' || (1 + i % 2), chr(CAST(65 + (i // 2) % 3 AS INT)), DATE '2024-04-01' + to_months(CAST((i // 6) % 24 AS INT)), 60
           FROM range(5_000_001) t(i)"""
    )
    panel = build(tables, make_plan())
    assert panel.surroundings is not None
    rows = 5_000_001 / 6 / 24
    assert abs(at(panel.surroundings, panel.surroundings.other_work, "C", "2025-05") - rows) <= 1

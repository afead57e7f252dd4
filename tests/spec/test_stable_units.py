"""Departments renamed, merged or split, on tables whose answers were worked out by hand."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import ASSIGNMENTS, NEVER, TRAINING, WORKLOAD, WORKTIME, SmallTables, build, cohorts, day, enrolled, make_plan, month, months, posted

from kdx_eval.errors import DataError
from kdx_eval.panel.build import check_questions
from kdx_eval.panel.comparison import coverage_sentences
from kdx_eval.panel.successors import Department, stable_units

DEPARTMENTS = "department_id VARCHAR, department_name VARCHAR, valid_from DATE, valid_to DATE, successor_id VARCHAR, division VARCHAR"
INDICATORS = "unit_type VARCHAR, unit_id VARCHAR, month DATE, indicator_id VARCHAR, value DOUBLE"
CHANGE = "2025-04"  # all hand-worked changes take effect on 1 April 2025
FIRST, BEFORE, LAST = "2024-10", "2025-03", "2025-09"


def department(name, *, begin=None, end=None, successor=None, division=None):
    return (name, f"{name}課", None if begin is None else day(begin), None if end is None else day(end), successor, division)


def old(name, successor):
    return department(name, end="2025-03-31", successor=successor)


def new(name):
    return department(name, begin="2025-04-01")


def hours(name, first, last, value):
    return [(name, when, value) for when in months(first, last)]


def city(departments, rows, *, staff=None, training=None, **tables):
    staff = posted(d1="D", e1="E") if staff is None else staff
    return SmallTables(
        departments=(DEPARTMENTS, departments),
        worktime=(WORKTIME, [*rows, *hours("D", FIRST, LAST, 1), *hours("E", FIRST, LAST, 1)]),
        assignments=(ASSIGNMENTS, staff),
        training=(TRAINING, enrolled(d1="2025-05-10") if training is None else training),
        **tables,
    )


def values(panel, unit):
    return panel.outcome[list(panel.units).index(unit)].tolist()


def test_a_renamed_department_is_one_unit_through_time():
    moved = posted(a1=[("A", "2020-04-01", "2025-03-31"), ("C", "2025-04-01", None)], d1="D", e1="E")
    panel = build(city([old("A", "C"), new("C")], [*hours("A", FIRST, BEFORE, 10), *hours("C", CHANGE, LAST, 12)], staff=moved), make_plan())
    assert panel.units.tolist() == ["C", "D", "E"]
    assert values(panel, "C") == [10.0] * 6 + [12.0] * 6
    assert panel.names["C"] == "C課（旧: A課）"
    assert panel.gaps.joined == ("C課（旧: A課）は機構改革の前後を一つの単位として通して数えました（令和7年4月1日の変更）。",)
    assert panel.gaps.joined[0] in panel.notes and panel.gaps.joined[0] in coverage_sentences(panel)
    assert (panel.gaps.missing, panel.gaps.dropped_units) == (0, ())


def test_merged_departments_are_their_sum_before_and_the_new_one_after():
    rows = [*hours("A", FIRST, BEFORE, 10), *hours("B", FIRST, BEFORE, 5), *hours("C", CHANGE, LAST, 14)]
    staff = posted(
        a1=[("A", "2020-04-01", "2025-03-31"), ("C", "2025-04-01", None)], b1=[("B", "2020-04-01", "2025-03-31"), ("C", "2025-04-01", None)], d1="D", e1="E"
    )
    panel = build(city([old("A", "C"), old("B", "C"), new("C")], rows, staff=staff, training=enrolled(a1="2025-02-10")), make_plan())
    assert values(panel, "C") == [15.0] * 6 + [14.0] * 6
    assert panel.names["C"] == "C課（旧: A課、B課）"
    # Trained share and cohort are those of the whole: a1 is one of two in February, before the merger.
    assert cohorts(panel) == {"C": month("2025-02"), "D": NEVER, "E": NEVER}
    assert panel.exposure[0].tolist() == [0.0] * 4 + [0.5] * 8
    assert panel.persons.tolist() == [2, 1, 1]


@pytest.mark.parametrize("written", ["B;C", "B、C", "B課 , C課"])
def test_a_split_department_is_the_sum_of_its_successors_after(written):
    rows = [*hours("A", FIRST, BEFORE, 10), *hours("B", CHANGE, LAST, 6), *hours("C", CHANGE, LAST, 5)]
    staff = posted(a1=[("A", "2020-04-01", "2025-03-31"), ("B", "2025-04-01", None)], d1="D", e1="E")
    panel = build(city([old("A", written), new("B"), new("C")], rows, staff=staff), make_plan())
    assert panel.units.tolist() == ["B＋C", "D", "E"]
    assert values(panel, "B＋C") == [10.0] * 6 + [11.0] * 6
    assert panel.names["B＋C"] == "B課＋C課（旧: A課）"


def test_a_chain_of_changes_is_one_unit_called_by_its_last_name():
    departments = [
        department("A", end="2024-12-31", successor="B"),
        department("B", begin="2025-01-01", end="2025-03-31", successor="C"),
        new("C"),
    ]
    rows = [*hours("A", FIRST, "2024-12", 1), *hours("B", "2025-01", BEFORE, 2), *hours("C", CHANGE, LAST, 3)]
    staff = posted(c1="C", d1="D", e1="E")
    panel = build(city(departments, rows, staff=staff), make_plan())
    assert values(panel, "C") == [1.0] * 3 + [2.0] * 3 + [3.0] * 6
    assert "令和7年1月1日、令和7年4月1日の変更" in panel.gaps.joined[0]


def test_a_month_in_which_one_of_two_merging_departments_has_no_value_is_missing_and_no_half_sum():
    rows = [*hours("A", FIRST, BEFORE, 10), *hours("B", "2024-11", BEFORE, 5), *hours("C", CHANGE, LAST, 14)]
    more = [row for name in "FGHI" for row in hours(name, FIRST, LAST, 1)]
    staff = posted(c1="C", d1="D", e1="E", f1="F", g1="G", h1="H", i1="I")
    panel = build(city([old("A", "C"), old("B", "C"), new("C")], [*rows, *more], staff=staff), make_plan())
    assert panel.gaps.missing == 1
    assert panel.gaps.dropped_units == (("C", "値のない月が1か月あります"),)
    assert "使わなかった単位: 1（C課（旧: A課、B課））。理由: 値のない月が1か月あります。" in coverage_sentences(panel)


def test_shares_and_means_are_never_added():
    departments = [old("A", "C"), old("B", "C"), new("C")]
    rows = [("department", name, when, "satisfaction", 3.0) for name in "ABDE" for when in months(FIRST, BEFORE)]
    rows += [("department", name, when, "satisfaction", 3.0) for name in "CDE" for when in months(CHANGE, LAST)]
    counts = [(kind, name, when, "genai_uses", 2.0) for kind, name, when, _, _ in rows]
    tables = city(departments, [], staff=posted(c1="C", d1="D", e1="E"), indicators=(INDICATORS, [*rows, *counts]))
    scores = build(tables, make_plan(outcome="indicators.satisfaction"))
    assert scores.gaps.missing == 6 and any("足し合わせられない" in note for note in scores.notes)
    assert np.isnan(values(scores, "C")[:6]).all() and values(scores, "C")[6:] == [3.0] * 6
    uses = build(tables, make_plan(outcome="indicators.genai_uses"))
    assert values(uses, "C") == [4.0] * 6 + [2.0] * 6


def test_processes_move_with_their_department():
    rows = [("p1", "A", when, 60) for when in months(FIRST, BEFORE)] + [("p2", "B", when, 60) for when in months(FIRST, BEFORE)]
    rows += [("p1", "B", when, 60) for when in months(FIRST, BEFORE)]
    rows += [(process, "C", when, 180) for process in ("p1", "p2") for when in months(CHANGE, LAST)]
    rows += [("p1", name, when, 60) for name in "DE" for when in months(FIRST, LAST)]
    tables = city([old("A", "C"), old("B", "C"), new("C")], [], staff=posted(c1="C", d1="D", e1="E"), workload=(WORKLOAD, rows))
    panel = build(tables, make_plan(outcome="workload.minutes", unit="process"))
    assert panel.units.tolist() == ["C/p1", "C/p2", "D/p1", "E/p1"]
    assert values(panel, "C/p1") == [2.0] * 6 + [3.0] * 6
    assert values(panel, "C/p2") == [1.0] * 6 + [3.0] * 6
    assert panel.cluster.tolist() == ["C", "C", "D", "E"]


def test_who_attended_under_the_old_name_counts_in_the_new_department():
    rows = [*hours("A", FIRST, BEFORE, 10), *hours("C", CHANGE, LAST, 12)]
    training = [(None, "A", "C1", day("2025-02-10"), None)] * 3
    tables = SmallTables(
        departments=(DEPARTMENTS, [old("A", "C"), new("C")]),
        worktime=(WORKTIME, [*rows, *hours("D", FIRST, LAST, 1)]),
        training=(TRAINING, training),
    )
    assert cohorts(build(tables, make_plan())) == {"C": month("2025-02"), "D": NEVER}


def test_strata_and_clusters_of_a_joined_unit_are_those_of_its_latest_department():
    departments = [
        department("A", end="2025-03-31", successor="C", division="旧部"),
        department("C", begin="2025-04-01", division="新部"),
        department("D", division="旧部"),
    ]
    rows = [*hours("A", FIRST, BEFORE, 10), *hours("C", CHANGE, LAST, 12)]
    panel = build(city(departments, rows, staff=posted(c1="C", d1="D", e1="E")), make_plan(cluster="division"))
    assert dict(zip(panel.units, panel.cluster, strict=True)) == {"C": "新部", "D": "旧部", "E": "E"}


def test_a_merger_after_the_window_joins_nothing():
    departments = [department("D", end="2027-03-31", successor="Z"), department("E", end="2027-03-31", successor="Z"), department("Z", begin="2027-04-01")]
    panel = build(city(departments, []), make_plan())
    assert panel.units.tolist() == ["D", "E"] and panel.gaps.joined == ()


def test_departments_that_succeed_each_other_in_a_circle_are_refused_by_name():
    departments = [department("A", successor="B"), department("B", successor="C"), department("C", successor="A")]
    with pytest.raises(DataError, match="A課 → B課 → C課 → A課") as caught:
        build(city(departments, hours("A", FIRST, LAST, 1)), make_plan())
    assert "空欄" in str(caught.value.hint)


def test_a_circle_is_refused_before_a_run_begins_and_one_outside_the_window_is_not():
    a_and_b = [department("A", successor="B"), department("B", successor="A")]
    with pytest.raises(DataError, match="A課 → B課 → A課"):
        check_questions(city(a_and_b, hours("A", FIRST, LAST, 1)), make_plan())
    later = [department("A", end="2030-03-31", successor="B"), department("B", end="2031-03-31", successor="A")]
    there = city(later, hours("A", FIRST, LAST, 1))
    check_questions(there, make_plan())
    assert build(there, make_plan()).gaps.joined == ()


def test_a_department_that_names_itself_as_successor_stays_as_it_is():
    panel = build(city([department("D", successor="D")], []), make_plan())
    assert panel.units.tolist() == ["D", "E"] and panel.gaps.joined == ()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda link: link[0] < link[1]), max_size=12))
@settings(max_examples=60, deadline=None)
def test_units_are_what_can_be_reached_over_successors_in_either_direction(links):
    table = {
        f"{number}": Department(department_id=f"{number}", name=f"{number}", successors=tuple(sorted({f"{b}" for a, b in links if a == number})))
        for number in range(10)
    }
    units = stable_units(table, first=dt.date(2020, 1, 1), last=dt.date(2025, 1, 1))
    reach = {number: {number} for number in range(10)}
    for _ in range(10):
        for a, b in links:
            joined = reach[a] | reach[b]
            for one in joined:
                reach[one] = joined | reach[one]
    for a in range(10):
        for b in range(10):
            assert (units.of(f"{a}") == units.of(f"{b}")) == (b in reach[a])
    assert sum(len(one.members) for one in units.joined) == len({end for link in links for end in link})


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda link: link[0] != link[1]), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_circle_is_found_and_only_circles(links):
    table = {
        f"{number}": Department(department_id=f"{number}", name=f"{number}", successors=tuple(sorted({f"{b}" for a, b in links if a == number})))
        for number in range(5)
    }
    step = np.zeros((5, 5), dtype=bool)
    step[tuple(np.array(links).T)] = True
    reach = step.copy()
    for _ in range(5):
        reach = reach | (reach.astype(int) @ step.astype(int) > 0)
    if reach.diagonal().any():
        with pytest.raises(DataError, match="元の所属に戻ります"):
            stable_units(table, first=dt.date(2020, 1, 1), last=dt.date(2025, 1, 1))
    else:
        stable_units(table, first=dt.date(2020, 1, 1), last=dt.date(2025, 1, 1))

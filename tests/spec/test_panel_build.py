"""Panels from small tables whose answers were worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_tables import (
    ASSIGNMENTS,
    INDICATORS,
    NEVER,
    STAFF_TIME,
    TRAINING,
    WORKLOAD,
    WORKTIME,
    SmallTables,
    build,
    cohorts,
    day,
    enrolled,
    make_plan,
    month,
    months,
    overtime,
    posted,
)

from kdx_eval.errors import NotIdentifiedError, PlanError
from kdx_eval.panel.build import EVERYONE, build_panel, build_panels
from kdx_eval.panel.exposure import floor_cohort
from kdx_eval.panel.reach import plan_facts
from kdx_eval.plan import propose_plan
from kdx_eval.units import Month

# --- treatment date --------------------------------------------------------------------------------------------------


def test_a_department_is_treated_when_the_share_of_its_staff_reaches_the_threshold():
    staff = posted(a1="A", a2="A", a3="A", a4="A", b1="B", b2="B", b3="B", b4="B", c1="C")
    training = enrolled(a1="2025-05-10", a2="2025-08-20", b1="2025-05-10")  # A: 1/4, then 2/4; B stays at 1/4
    panel = build(SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, staff), training=(TRAINING, training)), make_plan())
    assert cohorts(panel) == {"A": month("2025-08"), "B": NEVER, "C": NEVER}
    assert dict(zip(panel.units, panel.persons, strict=True)) == {"A": 4, "B": 4, "C": 1}


@pytest.mark.parametrize(("threshold", "expected"), [(0.25, "2025-05"), (0.26, "2025-08"), (0.5, "2025-08")])
def test_the_threshold_is_inclusive(threshold, expected):
    staff = posted(a1="A", a2="A", a3="A", a4="A", b1="B")
    tables = SmallTables(
        worktime=(WORKTIME, overtime("AB")),
        assignments=(ASSIGNMENTS, staff),
        training=(TRAINING, enrolled(a1="2025-05-10", a2="2025-08-20")),
    )
    assert cohorts(build(tables, make_plan(threshold_share=threshold)))["A"] == month(expected)


def test_three_tenths_added_one_by_one_reach_a_threshold_of_three_tenths():
    staff = posted(**{f"a{number}": "A" for number in range(10)}, b1="B")
    tables = SmallTables(
        worktime=(WORKTIME, overtime("AB")),
        assignments=(ASSIGNMENTS, staff),
        training=(TRAINING, enrolled(a0="2025-05-10", a1="2025-06-10", a2="2025-07-10")),
    )
    assert cohorts(build(tables, make_plan(threshold_share=0.3)))["A"] == month("2025-07")


def test_who_moves_in_april_counts_where_they_were_posted_before_april():
    """a1 sits in A until March and in B from April; the course in May counts for A (intention to treat)."""
    moved = [("A", "2020-04-01", "2025-03-31"), ("B", "2025-04-01", None)]
    staff = posted(a1=moved, a2="A", b1="B", c1="C")
    tables = SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, staff), training=(TRAINING, enrolled(a1="2025-05-10")))
    panel = build(tables, make_plan())
    assert cohorts(panel) == {"A": month("2025-05"), "B": NEVER, "C": NEVER}
    share = pd.DataFrame(panel.exposure, index=panel.units, columns=panel.periods)
    assert share.loc["A", month("2025-05")] == 0.0  # a1 has left
    assert share.loc["B", [month("2025-04"), month("2025-05")]].tolist() == [0.0, 0.5]


def test_exposure_follows_a_move_in_the_middle_of_a_month_to_the_day():
    moved = [("A", "2020-04-01", "2025-09-14"), ("B", "2025-09-15", None)]
    staff = posted(a1=moved, a2="A", b1="B", c1="C")
    tables = SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, staff), training=(TRAINING, enrolled(a1="2025-05-10")))
    panel = build(tables, make_plan())
    share = pd.DataFrame(panel.exposure, index=panel.units, columns=panel.periods)
    assert share.loc["A", [month("2025-04"), month("2025-05"), month("2025-09"), month("2025-10")]].tolist() == pytest.approx(
        [0.0, 0.5, (14 / 30) / (14 / 30 + 1), 0.0]  # of 30 days in September a1 stays 14
    )
    assert share.loc["B", [month("2025-09"), month("2025-10")]].tolist() == pytest.approx([(16 / 30) / (16 / 30 + 1), 0.5])


def test_someone_hired_in_april_counts_where_the_attendance_list_says():
    staff = posted(a1="A", b1="B", c1="C", n1=[("A", "2025-04-01", None)])
    training = [("n1", "A", "C1", day("2025-05-10"), None), ("n2", None, "C1", day("2025-05-10"), None)]
    panel = build(SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, staff), training=(TRAINING, training)), make_plan())
    assert cohorts(panel)["A"] == month("2025-05")
    assert any("どの課にも結び付かない受講者が1人" in note for note in panel.notes)


def test_a_single_dated_roster_is_used_for_all_years_with_a_note():
    staff = [(person, name, day("2025-10-01"), None) for person, name in [("a1", "A"), ("a2", "A"), ("b1", "B")]]
    tables = SmallTables(worktime=(WORKTIME, overtime("AB")), assignments=(ASSIGNMENTS, staff), training=(TRAINING, enrolled(a1="2025-05-10")))
    panel = build(tables, make_plan())
    assert cohorts(panel) == {"A": month("2025-05"), "B": NEVER}
    assert any("2025-10-01 の所属" in note for note in panel.notes)
    assert np.isnan(panel.exposure[0, 0]) and panel.exposure[0, -1] == 0.5


def test_without_assignments_the_headcount_gives_the_share():
    headcount = [("A", day("2025-04-01"), 4), ("B", day("2025-04-01"), 4), ("A", day("2024-04-01"), 2), ("B", day("2024-04-01"), 4)]
    training = [(None, name, "C1", day(when), None) for name, when in [("A", "2025-05-10"), ("A", "2025-06-10"), ("B", "2025-06-10")]]
    tables = SmallTables(
        worktime=(WORKTIME, overtime("AB")),
        headcount=("department_id VARCHAR, month DATE, actual INTEGER", headcount),
        training=(TRAINING, training),
    )
    panel = build(tables, make_plan())
    assert cohorts(panel) == {"A": month("2025-06"), "B": NEVER}
    assert panel.persons.tolist() == [4, 4]
    assert any("職員番号と結び付かない受講者が3人分" in note for note in panel.notes)


def test_without_any_staff_numbers_three_attendees_count_as_treated():
    training = [(None, "A", "C1", day(when), None) for when in ("2025-05-10", "2025-06-10", "2025-07-10")]
    training += [(None, "B", "C1", day("2025-05-10"), None)] * 2
    tables = SmallTables(worktime=(WORKTIME, overtime("AB")), training=(TRAINING, training))
    panel = build(tables, make_plan())
    assert cohorts(panel) == {"A": month("2025-07"), "B": NEVER}
    assert any("受講者が3人に達した月" in note for note in panel.notes)


def test_the_same_person_in_two_courses_counts_once():
    training = [("a1", None, "C1", day("2025-05-10"), None), ("a1", None, "C2", day("2025-06-10"), None), ("b1", None, "C2", day("2025-06-10"), None)]
    staff = posted(a1="A", a2="A", a3="A", b1="B", c1="C")
    tables = SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, staff), training=(TRAINING, training))
    assert cohorts(build(tables, make_plan(courses=["C1", "C2"]))) == {"A": NEVER, "B": month("2025-06"), "C": NEVER}


def test_an_enrolment_counts_even_when_the_course_was_not_completed_but_not_the_reverse():
    training = [("a1", None, "C1", day("2025-05-10"), day("2025-07-31")), ("b1", None, "C1", day("2025-05-10"), None)]
    tables = SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")), training=(TRAINING, training))
    assert cohorts(build(tables, make_plan())) == {"A": month("2025-05"), "B": month("2025-05"), "C": NEVER}
    assert cohorts(build(tables, make_plan(treated_from="completed"))) == {"A": month("2025-07"), "B": NEVER, "C": NEVER}


def test_a_list_with_one_date_only_is_used_with_a_note():
    training = ("staff_id VARCHAR, course_id VARCHAR, completed_on DATE", [("a1", "C1", day("2025-05-10"))])
    tables = SmallTables(worktime=(WORKTIME, overtime()), assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")), training=training)
    panel = build(tables, make_plan(treated_from="enrolled"))
    assert cohorts(panel)["A"] == month("2025-05")
    assert "受講記録に受講開始日がないため、修了日を使いました。" in panel.notes


@pytest.mark.parametrize(
    ("start", "width", "expected"),
    [
        ("2025-04", "quarter", "2025-04"),
        ("2025-06", "quarter", "2025-04"),
        ("2025-07", "quarter", "2025-07"),
        ("2026-03", "quarter", "2026-01"),
        ("2025-09", "half_year", "2025-04"),
        ("2026-03", "half_year", "2025-10"),
        ("2026-03", "month", "2026-03"),
    ],
)
def test_cohorts_begin_with_the_quarter_or_half_of_the_fiscal_year(start, width, expected):
    assert floor_cohort(month(start), width) == month(expected)
    assert floor_cohort(NEVER, width) == NEVER


def test_a_department_without_any_posted_staff_is_left_out_and_never_a_control():
    tables = SmallTables(
        worktime=(WORKTIME, overtime("ABX")), assignments=(ASSIGNMENTS, posted(a1="A", b1="B")), training=(TRAINING, enrolled(a1="2025-05-10"))
    )
    panel = build(tables, make_plan())
    assert panel.units.tolist() == ["A", "B"]
    assert [unit for unit, _ in panel.gaps.dropped_units] == ["X"]


# --- outcome ---------------------------------------------------------------------------------------------------------


def roster(names="ABCDEF"):
    return posted(**{name.lower(): name for name in names})


def test_zero_missing_and_not_collected_are_three_things():
    rows = [row for row in overtime("ABCDEF") if row[1] != day("2024-12-01")]  # nobody was asked in December 2024
    rows = [(name, when, 0 if (name, when) == ("A", day("2024-06-01")) else value) for name, when, value in rows]
    rows = [row for row in rows if row[:2] != ("F", day("2025-02-01"))]
    tables = SmallTables(worktime=(WORKTIME, rows), assignments=(ASSIGNMENTS, roster()), training=(TRAINING, enrolled(a="2025-05-10")))
    panel = build(tables, make_plan())
    gaps = panel.gaps
    assert (gaps.cells, gaps.complete, gaps.zero, gaps.missing, gaps.not_collected) == (6 * 24, 6 * 23 - 1, 1, 1, 6)
    assert gaps.complete + gaps.missing + gaps.not_collected == gaps.cells
    assert gaps.dropped_units == (("F", "値のない月が1か月あります"),)
    assert panel.balanced and panel.units.tolist() == list("ABCDE")
    assert month("2024-12") not in panel.periods and panel.n_periods == 23
    assert panel.outcome[0, list(panel.periods).index(month("2024-06"))] == 0.0


def test_when_many_units_have_gaps_they_stay_and_the_gaps_stay_gaps():
    rows = [row for row in overtime("ABCDEF") if row[:2] not in {(name, day("2025-02-01")) for name in "DEF"}]
    tables = SmallTables(worktime=(WORKTIME, rows), assignments=(ASSIGNMENTS, roster()), training=(TRAINING, enrolled(a="2025-05-10")))
    panel = build(tables, make_plan())
    assert panel.n_units == 6 and not panel.balanced
    assert np.isnan(panel.outcome).sum() == 3


def test_minutes_become_hours_and_processes_add_up_to_their_department():
    rows = [(process, name, when, 60 * hours) for name in "AB" for process, hours in [("p1", 2), ("p2", 3)] for when in months("2025-04", "2025-06")]
    tables = SmallTables(workload=(WORKLOAD, rows), assignments=(ASSIGNMENTS, roster("AB")), training=(TRAINING, enrolled(a="2025-05-10")))
    panel = build(tables, make_plan(outcome="workload.minutes"))
    assert panel.outcome.tolist() == [[5.0] * 3] * 2
    by_process = build(tables, make_plan(outcome="workload.minutes", unit="process"))
    assert by_process.units.tolist() == ["A/p1", "A/p2", "B/p1", "B/p2"]
    assert by_process.cluster.tolist() == ["A", "A", "B", "B"]
    assert by_process.outcome[:, 0].tolist() == [2.0, 3.0, 2.0, 3.0]
    assert by_process.cohort.tolist() == [month("2025-05")] * 2 + [NEVER] * 2


def test_a_row_without_minutes_is_not_a_zero():
    rows = [("p1", name, when, 60) for name in "AB" for when in months("2025-04", "2025-06")] + [("p2", "A", day("2025-06-01"), None)]
    tables = SmallTables(workload=(WORKLOAD, rows), assignments=(ASSIGNMENTS, roster("AB")), training=(TRAINING, enrolled(a="2025-05-10")))
    panel = build(tables, make_plan(outcome="workload.minutes"))
    assert panel.gaps.partial == 1 and any("値のない行を含むマスが1" in note for note in panel.notes)


def test_daily_work_is_summed_by_month_and_its_department_found_by_process():
    rows = [("pA", day("2025-04-07"), 30), ("pA", day("2025-04-30"), 30), ("pB", day("2025-04-01"), 60)]
    rows += [(process, day("2025-05-01"), 60) for process in ("pA", "pB")] + [("lost", day("2025-05-01"), 60)]
    tables = SmallTables(
        workload=("process_id VARCHAR, date DATE, minutes BIGINT", rows),
        processes=("process_id VARCHAR, department_id VARCHAR", [("pA", "A"), ("pB", "B")]),
        assignments=(ASSIGNMENTS, roster("AB")),
        training=(TRAINING, enrolled(a="2025-05-10")),
    )
    panel = build(tables, make_plan(outcome="workload.minutes"))
    assert panel.outcome.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert any("わからない行が1行" in note for note in panel.notes)


def test_overtime_by_person_is_summed_where_the_person_was_posted_on_the_first_of_the_month():
    moved = [("A", "2020-04-01", "2025-05-14"), ("B", "2025-05-15", None)]
    rows = [(person, when, hours) for person, hours in [("a1", 1), ("a2", 2), ("b1", 4)] for when in months("2025-04", "2025-06")]
    tables = SmallTables(
        worktime=(STAFF_TIME, rows), assignments=(ASSIGNMENTS, posted(a1=moved, a2="A", b1="B")), training=(TRAINING, enrolled(a2="2025-05-10"))
    )
    panel = build(tables, make_plan())
    assert panel.outcome.tolist() == [[3.0, 3.0, 2.0], [4.0, 4.0, 5.0]]


def test_department_totals_beside_personal_rows_are_not_counted_twice():
    columns = "staff_id VARCHAR, department_id VARCHAR, month DATE, overtime_hours DECIMAL(9,2)"
    rows = [(None, name, when, 10) for name in "AB" for when in months("2025-04", "2025-06")]
    rows += [(name.lower(), name, when, 10) for name in "AB" for when in months("2025-04", "2025-06")]
    tables = SmallTables(worktime=(columns, rows), assignments=(ASSIGNMENTS, roster("AB")), training=(TRAINING, enrolled(a="2025-05-10")))
    assert build(tables, make_plan()).outcome.tolist() == [[10.0] * 3] * 2
    unmatched = [(None, name, when, 5) for name in "AB" for when in months("2025-04", "2025-06") for _ in range(2)]
    tables = SmallTables(worktime=(columns, unmatched), assignments=(ASSIGNMENTS, roster("AB")), training=(TRAINING, enrolled(a="2025-05-10")))
    assert build(tables, make_plan()).outcome.tolist() == [[10.0] * 3] * 2


def test_staff_without_a_training_row_are_never_treated_and_trained_staff_without_an_outcome_are_noted():
    rows = [("staff", person, when, "complaints", 1.0) for person in ("s1", "s2", "s3") for when in months("2025-04", "2025-09")]
    rows += [("department", "s1", when, "complaints", 99.0) for when in months("2025-04", "2025-09")]
    training = [*enrolled(s1="2025-06-10", s2="2025-08-10", gone="2025-06-10"), (None, None, "C1", day("2025-06-10"), None)]
    tables = SmallTables(indicators=(INDICATORS, rows), training=(TRAINING, training))
    plan = make_plan(unit="staff", outcome={"indicator_id": "complaints", "better": "lower"})
    panel = build(tables, plan)
    assert cohorts(panel) == {"s1": month("2025-06"), "s2": month("2025-08"), "s3": NEVER}
    assert panel.outcome.sum() == 18.0
    assert panel.exposure.sum(axis=1).tolist() == [4.0, 2.0, 0.0]
    assert any("成果のデータがない職員が1人" in note for note in panel.notes)
    assert any("職員ごとの比較には入れられません" in note for note in panel.notes)


def test_the_window_and_the_last_evaluated_month_bound_the_panel():
    tables = SmallTables(
        worktime=(WORKTIME, overtime(first="2023-04", last="2026-09")),
        assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")),
        training=(TRAINING, enrolled(a1="2025-05-10")),
    )
    panel = build(tables, make_plan(window=["2023-10", None]))
    assert panel.periods.tolist() == [month(str(Month.of_date(when))) for when in months("2023-10", "2026-03")]
    assert panel.monthly


def test_an_excluded_month_stays_for_the_effect_to_leave_out_unless_it_has_a_gap_and_costs_no_unit():
    rows = [row for row in overtime() if row[:2] != ("C", day("2024-06-01"))]
    tables = SmallTables(worktime=(WORKTIME, rows), assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")), training=(TRAINING, enrolled(a1="2025-05-10")))
    panel = build(tables, make_plan(excluded_periods=[["2024-05", "2024-06"]]))
    assert panel.units.tolist() == ["A", "B", "C"] and panel.balanced
    assert month("2024-05") in panel.periods and month("2024-06") not in panel.periods


def test_excluded_months_are_no_pre_period():
    with pytest.raises(NotIdentifiedError, match="研修の前"):
        build(city(enrolled(a="2024-07-10")), make_plan(excluded_periods=[["2024-04", "2024-06"]]))


def test_strata_and_clusters_come_from_the_departments():
    departments = ("department_id VARCHAR, department_type VARCHAR, division VARCHAR", [("A", "窓口", "市民部"), ("B", "管理", "総務部")])
    tables = SmallTables(
        worktime=(WORKTIME, overtime()),
        assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")),
        training=(TRAINING, enrolled(a1="2025-05-10")),
        departments=departments,
    )
    panel = build(tables, make_plan(strata="department_type", cluster="division"))
    assert panel.stratum.tolist() == ["窓口", "管理", "不明"]
    assert panel.cluster.tolist() == ["市民部", "総務部", "C"]


# --- refusals --------------------------------------------------------------------------------------------------------


def city(training=None, **tables):
    given = {"worktime": (WORKTIME, overtime()), "assignments": (ASSIGNMENTS, posted(a="A", b="B", c="C"))}
    rows = enrolled(a="2025-05-10") if training is None else training
    return SmallTables(**{**given, "training": (TRAINING, rows), **tables})


@pytest.mark.parametrize(
    ("training", "question", "reason"),
    [
        (None, {"design": "everyone"}, EVERYONE),
        (None, {"role": "completion_only"}, "受講の実績だけ"),
        (enrolled(a="2026-04-10"), {}, "使う期間の中で研修を受けた単位がありません"),
        (enrolled(a="2024-04-10"), {}, "研修の前の成果のデータがありません"),
        (enrolled(a="2025-05-10", b="2025-05-20", c="2025-05-30"), {}, "同じ時期"),
        (enrolled(a="2025-05-10", b="2025-06-10", c="2025-07-10"), {"control": "never_treated"}, "最後まで受けない"),
    ],
)
def test_what_no_comparison_can_answer_is_refused_with_the_reason(training, question, reason):
    with pytest.raises(NotIdentifiedError, match=reason) as caught:
        build(city(training), make_plan(**question))
    assert caught.value.place == "q1"


def test_a_course_without_training_rows_names_the_nearest():
    with pytest.raises(PlanError, match="C1"):
        build(city(), make_plan(courses=["C11"]))


def test_a_course_may_be_named_by_its_title():
    tables = city(courses=("course_id VARCHAR, course_name VARCHAR", [("C1", "RPA研修")]))
    assert cohorts(build(tables, make_plan(courses=["RPA研修"])))["A"] == month("2025-05")
    with pytest.raises(PlanError, match="RPA研修"):
        build(tables, make_plan(courses=["RPA研"]))


def test_a_missing_table_is_named():
    with pytest.raises(PlanError, match="業務量"):
        build(city(), make_plan(outcome="workload.minutes"))
    with pytest.raises(PlanError, match="この成果の行がありません"):
        build(city(indicators=(INDICATORS, [])), make_plan(outcome="indicators.genai_uses"))
    with pytest.raises(PlanError, match="受講記録"):
        build(SmallTables(worktime=(WORKTIME, overtime())), make_plan())


# --- all questions ---------------------------------------------------------------------------------------------------


def test_all_questions_are_built_or_refused_and_reach_is_counted():
    plan = make_plan()
    everyone = replace(plan.questions[0], question_id="q2", design="everyone", courses=("C2",))
    training = [
        ("a", None, "C1", day("2025-05-10"), day("2025-06-10")),
        ("b", None, "C1", day("2025-07-10"), None),
        ("a", None, "C2", day("2025-03-10"), day("2025-03-10")),
    ]
    tables = city(training, courses=("course_id VARCHAR, course_name VARCHAR, hours DOUBLE", [("C1", "RPA研修", 7.5), ("C2", "全員研修", 2.0)]))
    panels = build_panels(tables, replace(plan, questions=(plan.questions[0], everyone)))
    assert list(panels.panels) == ["q1"]
    assert dict(panels.refused) == {"q2": EVERYONE}
    assert dict(panels.attendance_hours) == {"q1": 7.5, "q2": 0.0}  # b did not finish; C2 was held in fiscal year 2024
    rows = panels.completion.set_index(["course_id", "fiscal_year"])
    one = rows.loc[("C1", 2025)]
    assert (one["n_offered"], one["n_enrolled"], one["n_completed"], one["n_staff"]) == (2, 2, 1, 3)
    assert (one["completion_share"], one["hours"], one["attendance_hours"]) == (0.5, 7.5, 7.5)
    assert rows.loc[("C2", 2024), "course_name"] == "全員研修"


def test_facts_for_a_proposal_hold_timing_and_no_outcome():
    people = posted(**{f"{name}{number}".lower(): name for name in "ABCDEFGH" for number in range(4)})
    training = enrolled(a0="2025-05-10", b0="2025-08-10", c0="2025-08-11")
    tables = SmallTables(
        worktime=(WORKTIME, overtime("ABCDEFGH")),
        assignments=(ASSIGNMENTS, people),
        training=(TRAINING, training),
        departments=("department_id VARCHAR, department_type VARCHAR", [(name, "窓口") for name in "ABCDEFGH"]),
    )
    facts = plan_facts(tables, city="架空市")
    course = facts.courses[0]
    assert (course.n_trained, course.n_staff, course.n_units) == (3, 32, 8)
    assert [str(when) for when in course.months] == ["2025-05", "2025-08", "2025-08"]
    plan = propose_plan(facts)
    assert plan.questions[0].design == "staggered" and plan.questions[0].strata is None  # strata belong to a lottery
    assert build_panel(tables, plan.questions[0], plan=plan).n_units == 8


def test_a_workload_without_minutes_is_no_outcome_to_propose():
    """Cases alone are counted everywhere; a plan that asked for minutes would stop the run."""
    rows = [("P1", "A", day(f"2024-{m:02d}-01"), 5, None) for m in range(1, 13)]
    tables = SmallTables(
        workload=("process_id VARCHAR, department_id VARCHAR, month DATE, cases BIGINT, minutes BIGINT", rows),
        worktime=(WORKTIME, [("A", day("2024-05-01"), 3)]),
        training=(TRAINING, [(None, "A", "C", day("2024-06-01"), None)]),
    )
    assert set(plan_facts(tables).months) == {"worktime"}


def test_a_log_by_day_is_covered_from_its_first_to_its_last_day():
    rows = [("P1", "A", day("2023-05-09"), 5), ("P1", "A", day("2025-02-03"), 5)]
    tables = SmallTables(
        workload=("process_id VARCHAR, department_id VARCHAR, date DATE, minutes BIGINT", rows),
        training=(TRAINING, [(None, "A", "C", day("2024-06-01"), None)]),
    )
    assert plan_facts(tables).months == {"workload": (Month.parse("2023-05"), Month.parse("2025-02"))}

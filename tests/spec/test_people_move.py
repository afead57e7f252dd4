"""Staff, tiers, gaps and cohorts as people move, on tables whose answers were worked out by hand."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import (
    ASSIGNMENTS,
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

from kdx_eval import plots
from kdx_eval.errors import PlanError
from kdx_eval.load import load_dataset
from kdx_eval.panel.build import build_panel, build_panels
from kdx_eval.panel.comparison import UNTREATED, comparison_table, coverage_sentences
from kdx_eval.panel.postings import read_postings
from kdx_eval.panel.staff_months import staff_months
from kdx_eval.panel.staffing import staffing
from kdx_eval.panel.tiers import UNKNOWN, count_by_tier, read_tiers
from kdx_eval.plan import plan_digest, plan_from_dict, plan_to_dict, plan_to_yaml, read_plan
from kdx_eval.report.tables import show_table
from kdx_eval.units import Month

HEADCOUNT = "department_id VARCHAR, month DATE, quota INTEGER, actual INTEGER, vacancies INTEGER"
TIERS = "staff_id VARCHAR, tier VARCHAR, valid_from DATE, valid_to DATE"


def city(training, *, staff=None, rows=None, **tables):
    staff = posted(a1="A", b1="B", c1="C") if staff is None else staff
    return SmallTables(worktime=(WORKTIME, overtime() if rows is None else rows), assignments=(ASSIGNMENTS, staff), training=(TRAINING, training), **tables)


# --- the treatment date by the plan's rule ---------------------------------------------------------------------------

OFFERED = "staff_id VARCHAR, department_id VARCHAR, course_id VARCHAR, offered_on DATE, enrolled_on DATE, completed_on DATE"
DATES = [  # two of four in A: offered in May and June, enrolled in August and September, one completed in December
    ("a1", None, "C1", day("2025-05-10"), day("2025-08-10"), day("2025-12-10")),
    ("a2", None, "C1", day("2025-06-10"), day("2025-09-10"), None),
]


@pytest.mark.parametrize(
    ("treated_from", "threshold_share", "cohort_width", "expected"),
    [
        ("offered", 0.25, "month", "2025-05"),
        ("offered", 0.25, "quarter", "2025-04"),
        ("offered", 0.5, "month", "2025-06"),
        ("offered", 0.5, "quarter", "2025-04"),
        ("offered", 0.51, "month", None),
        ("enrolled", 0.25, "month", "2025-08"),
        ("enrolled", 0.25, "quarter", "2025-07"),
        ("enrolled", 0.25, "half_year", "2025-04"),
        ("enrolled", 0.5, "month", "2025-09"),
        ("enrolled", 0.5, "quarter", "2025-07"),
        ("enrolled", 0.75, "month", None),
        ("completed", 0.25, "month", "2025-12"),
        ("completed", 0.25, "quarter", "2025-10"),
        ("completed", 0.25, "half_year", "2025-10"),
        ("completed", 0.5, "month", None),
    ],
)
@pytest.mark.parametrize("unit", ["department", "process"])
def test_the_start_follows_the_date_the_threshold_and_the_width_that_the_plan_names(treated_from, threshold_share, cohort_width, expected, unit):
    # B starts in every case, so that a comparison exists even where A never reaches the threshold.
    rows = [*DATES, ("b1", None, "C1", day("2025-10-10"), day("2025-10-10"), day("2025-10-10"))]
    work = [("p1", name, when, 60) for name in "ABC" for when in months("2024-04", "2026-03")]
    tables = SmallTables(
        workload=(WORKLOAD, work), assignments=(ASSIGNMENTS, posted(a1="A", a2="A", a3="A", a4="A", b1="B", c1="C")), training=(OFFERED, rows)
    )
    plan = make_plan(outcome="workload.minutes", unit=unit, treated_from=treated_from, threshold_share=threshold_share, cohort_width=cohort_width)
    found = {str(name)[0]: cohort for name, cohort in cohorts(build(tables, plan)).items()}
    assert found["A"] == (NEVER if expected is None else month(expected))
    assert found["C"] == NEVER


@pytest.mark.parametrize(
    ("treated_from", "width", "expected"),
    [("offered", "month", "2025-05"), ("enrolled", "quarter", "2025-07"), ("completed", "half_year", "2025-10")],
)
def test_a_person_starts_with_the_period_of_their_own_date_whatever_the_threshold(treated_from, width, expected):
    rows = [("staff", name, when, "complaints", 1.0) for name in ("a1", "a9") for when in months("2024-04", "2026-03")]
    tables = SmallTables(
        indicators=("unit_type VARCHAR, unit_id VARCHAR, month DATE, indicator_id VARCHAR, value DOUBLE", rows), training=(OFFERED, DATES[:1])
    )
    outcome = {"indicator_id": "complaints", "better": "lower"}
    plan = make_plan(unit="staff", outcome=outcome, treated_from=treated_from, cohort_width=width, threshold_share=1.0)
    assert cohorts(build(tables, plan)) == {"a1": month(expected), "a9": NEVER}


# --- rosters ---------------------------------------------------------------------------------------------------------


def test_postings_read_off_rosters_say_that_moves_within_the_year_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "職員名簿R5.4.1.csv").write_text("職員番号,氏名,所属\n1,甲,市民課\n2,乙,福祉課\n3,丙,福祉課\n", encoding="utf-8")
    (tmp_path / "職員名簿R6.4.1.csv").write_text("職員番号,氏名,所属\n1,甲,市民課\n2,乙,市民課\n", encoding="utf-8")
    (tmp_path / "受講者.csv").write_text("職員番号,研修名,受講開始日\n1,A,2024-06-10\n", encoding="utf-8")
    hours = "".join(f"{name},{when:%Y-%m},10\n" for name in ("市民課", "福祉課") for when in months("2023-04", "2025-03"))
    (tmp_path / "時間外.csv").write_text(f"所属,年月,時間外勤務時間\n{hours}", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert set(dataset.frame("assignments")["posting_kind"]) == {"roster"}
    panel = build(dataset, make_plan(courses=["A"], threshold_share=0.5))
    assert any("年度の途中）の異動はわかりません" in note for note in panel.notes)
    assert build(city(enrolled(a1="2025-05-10")), make_plan()).notes == ()


days = st.sampled_from([dt.date(2022, 4, 1), dt.date(2023, 4, 1), dt.date(2024, 4, 1), dt.date(2025, 4, 1)])


@given(st.lists(st.tuples(days, st.sampled_from("1234"), st.sampled_from(["市民課", "福祉課", "税務課"])), min_size=1, max_size=14, unique=True))
@settings(max_examples=6, deadline=None)
def test_on_and_between_rosters_people_are_where_the_last_roster_says(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("rosters")
    dates = sorted({date for date, _, _ in entries})
    for date in dates:
        lines = "".join(f"{person},{department}\n" for when, person, department in sorted(entries) if when == date)
        (folder / f"職員名簿R{date.year - 2018}.4.1.csv").write_text(f"職員番号,所属\n{lines}", encoding="utf-8")
    dataset = load_dataset(folder)
    connection = dataset.connect()
    postings = read_postings(connection, dataset)
    connection.close()
    assert postings is not None
    held = staff_months(postings, np.arange(Month.of(2022, 1).index, Month.of(2026, 3).index + 1))
    found = {(row.month, row.department_id): row.share for row in held.groupby(["month", "department_id"], as_index=False)["share"].sum().itertuples()}
    for index in range(Month.of(2022, 1).index, Month.of(2026, 3).index + 1):
        before = [date for date in dates if date <= Month(index).first_day]  # nobody is posted before the first roster
        here = [(person, department) for date, person, department in entries if before and date == before[-1]]
        for department in ("市民課", "福祉課", "税務課"):
            # Two departments on one roster share the person equally.
            share = sum(1 / sum(other == person for other, _ in here) for person, name in here if name == department)
            assert found.get((index, department), 0.0) == pytest.approx(share)


# --- headcount and leave ---------------------------------------------------------------------------------------------


def test_staffing_keeps_quota_staff_vacancies_and_leave_apart_and_fills_nothing():
    headcount = [("A", day("2025-04-01"), 5, 4, 1), ("A", day("2025-05-01"), 5, 5, None), ("B", day("2025-04-01"), None, 3, 0)]
    staff = posted(a1=[("A", "2020-04-01", "2025-04-15")], b1="B")
    frame = staffing(city(enrolled(a1="2025-05-10"), staff=staff, headcount=(HEADCOUNT, headcount)), make_plan()).set_index(["department_id", "month"])
    assert len(frame) == 24 + 13 + 1  # B throughout; A until April 2025, when a1 leaves, and its headcount of May
    april, may, there = (frame.loc[key] for key in [("A", "2025-04-01"), ("A", "2025-05-01"), ("B", "2025-04-01")])
    assert april[["posted", "quota", "actual", "vacancies", "on_leave"]].tolist() == [0.5, 5, 4, 1, 1]
    assert may[["quota", "actual", "vacancies"]].tolist() == [5, 5, 0] and may[["posted", "on_leave"]].isna().all()
    assert np.isnan(there["vacancies"]) and (there["actual"], there["on_leave"]) == (3, 0)
    assert np.isnan(frame.loc[("B", "2025-05-01"), "actual"])


def test_a_department_that_grew_or_shrank_by_more_than_a_fifth_is_named():
    headcount = [(name, day("2024-04-01"), 9, 10, 0) for name in "ABC"]
    headcount += [(name, day("2025-04-01"), 9, actual, 0) for name, actual in (("A", 12), ("B", 13), ("C", 7))]
    panel = build(city(enrolled(a1="2025-05-10"), headcount=(HEADCOUNT, headcount)), make_plan())
    assert "期間の初めと終わりで職員数が2割を超えて変わった課が2あります（B 10人→13人、C 10人→7人）。" in panel.notes
    # Without headcounts the postings say it: B has two at first and one at last.
    staff = posted(a1="A", b1="B", b2=[("B", "2020-04-01", "2025-03-31")], c1="C")
    assert any("B 2人→1人" in note for note in build(city(enrolled(a1="2025-05-10"), staff=staff), make_plan()).notes)


def test_who_is_on_leave_counts_neither_as_staff_nor_as_trained():
    columns = f"{ASSIGNMENTS}, posting_kind VARCHAR"
    staff = [(*row, None) for row in posted(a1="A", a2="A", a3="A", b1="B", c1="C")]
    staff.append(("a1", "A", day("2025-03-01"), day("2025-09-30"), "leave"))
    tables = SmallTables(worktime=(WORKTIME, overtime()), assignments=(columns, staff), training=(TRAINING, enrolled(a2="2025-05-10", a1="2024-05-10")))
    panel = build(tables, make_plan(threshold_share=0.6))
    # In April 2024 three are at work and a1 adds a third; in 2025 two are, and a2 adds a half: five sixths.
    assert cohorts(panel)["A"] == month("2025-05")
    at = list(panel.periods).index(month("2025-05"))
    assert panel.exposure[0, [at - 1, at, at + 5]].tolist() == pytest.approx([0.0, 0.5, 2 / 3])


# --- tiers -----------------------------------------------------------------------------------------------------------

HISTORY = [
    ("a1", "全職員", day("2023-04-01"), day("2025-03-31")),
    ("a1", "DX推進人材", day("2025-04-01"), None),
    ("b1", "全職員", day("2025-10-01"), None),
]


@pytest.mark.parametrize(
    ("person", "when", "expected"),
    [
        ("a1", "2023-03-31", None),
        ("a1", "2023-04-01", "全職員"),
        ("a1", "2025-03-31", "全職員"),
        ("a1", "2025-04-01", "DX推進人材"),
        ("a1", "2030-01-01", "DX推進人材"),
        ("b1", "2025-05-10", None),
        ("nobody", "2025-05-10", None),
    ],
)
def test_a_tier_holds_from_its_first_to_its_last_day(person, when, expected):
    tables = city([], tiers=(TIERS, HISTORY))
    tiers = read_tiers(tables.connect(), tables)
    assert tiers is not None
    assert tiers.tier_on(person, day(when)) == expected


def test_reach_by_tier_counts_people_in_the_tier_of_the_day_they_attended():
    again = [("a1", None, course, day(when), None) for course, when in (("C1", "2025-06-10"), ("C2", "2025-04-01"))]
    training = [*enrolled(a1="2025-03-31", b1="2025-05-10", c1="2025-05-10"), *again]
    frame = count_by_tier(city(training, tiers=(TIERS, HISTORY)))
    assert frame[["course_id", "tier", "n_persons"]].to_numpy().tolist() == [["C1", "全職員", 1], ["C1", UNKNOWN, 2], ["C2", "DX推進人材", 1]]
    assert count_by_tier(city(training)).empty


# --- who is compared with whom ---------------------------------------------------------------------------------------


def test_the_comparison_table_shows_cohorts_months_and_the_trained_share_before_any_estimate():
    staff = posted(a1="A", a2="A", b1="B", c1="C", d1="D")
    training = enrolled(a1="2025-05-10", b1="2025-08-20", d1="2026-05-20")
    tables = city(training, staff=staff, rows=overtime("ABCD", last="2026-06"))
    plan = make_plan(excluded_periods=[["2024-05", "2024-06"]], window=[None, "2026-03"])
    panel = build(tables, plan)
    found = comparison_table(panel, question=plan.questions[0])
    assert found.drop(columns="cohort").to_numpy().tolist()[:3] == [
        ["令和7年5月開始", 1, 2, 11, 11, 0.5],
        ["令和7年8月開始", 1, 1, 14, 8, 1.0],
        pytest.approx(["令和8年5月開始（期間の後）", 1, 1, 22, 0, float("nan")], nan_ok=True),
    ]
    last = found.iloc[-1]
    assert (last["label"], last["n_units"], last["months_before"], last["months_after"]) == (UNTREATED, 1, 22, 0)
    assert np.isnan(last["share_at_start"])


def test_processes_of_one_department_share_its_staff():
    work = [(process, name, when, 60) for name in "AB" for process in ("p1", "p2") for when in months("2025-04", "2025-09")]
    tables = SmallTables(workload=(WORKLOAD, work), assignments=(ASSIGNMENTS, posted(a1="A", a2="A", b1="B")), training=(TRAINING, enrolled(a1="2025-06-10")))
    plan = make_plan(outcome="workload.minutes", unit="process")
    panel = build_panel(tables, plan.questions[0], plan=plan)
    assert comparison_table(panel, question=plan.questions[0])[["n_units", "n_persons"]].to_numpy().tolist() == [[2, 2], [2, 1]]


def test_tables_and_the_figure_of_the_comparison_need_no_estimate():
    panels = build_panels(city(enrolled(a1="2025-05-10")), make_plan())
    assert show_table(panels, "comparison").frame["始めた月の受講割合"].tolist() == ["100.0%", "－"]
    assert show_table(panels, "units_used").frame.iloc[0, 1] == "分析に使ったのは3単位（期間内に受けた1、受けていない2）、24か月です。"
    figure = plots.plot_comparison(panels.panels["q1"], synthetic=True)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["A", "B", "C"]
    assert figure.get_supxlabel() == plots.SYNTHETIC_NOTE
    (shades,) = (part for part in figure.axes[0].collections if part.get_array() is not None)
    assert np.array_equal(np.asarray(shades.get_array()), panels.panels["q1"].exposure)


# --- gaps ------------------------------------------------------------------------------------------------------------


def test_units_left_out_are_listed_with_the_reason_and_persons_only_counted():
    rows = [row for row in overtime("ABCDEF") if row[:2] != ("F", day("2025-02-01"))]
    staff = posted(**{name.lower(): name for name in "ABCDE"})
    sentences = coverage_sentences(build(city(enrolled(a="2025-05-10"), staff=[*staff, *posted(f="F")], rows=[*rows, *overtime("X")]), make_plan()))
    assert "使わなかった単位: 1（F）。理由: 値のない月が1か月あります。" in sentences
    assert "使わなかった単位: 1（X）。理由: 所属する職員がわからず、受講の有無を決められません。" in sentences
    people = [("staff", name, when, "complaints", 1.0) for name in ("s1", "s2", "s3", "s4", "s5", "s6") for when in months("2025-04", "2025-09")][:-1]
    tables = SmallTables(
        indicators=("unit_type VARCHAR, unit_id VARCHAR, month DATE, indicator_id VARCHAR, value DOUBLE", people),
        training=(TRAINING, enrolled(s1="2025-06-10")),
    )
    lost = coverage_sentences(build(tables, make_plan(unit="staff", outcome={"indicator_id": "complaints", "better": "lower"})))
    assert "使わなかった単位: 1。理由: 値のない月が1か月あります。" in lost and not any("s6" in sentence for sentence in lost)


LOG = "process_id VARCHAR, department_id VARCHAR, date DATE, minutes BIGINT"


def log_city(**tables):
    """Work in A every month, in B not in May (no row) nor in June (a row without minutes), in C not in June; none at all in July."""
    rows = [("p", name, day(f"2025-{number:02d}-10"), 60) for name in "ABC" for number in (4, 5, 6, 8, 9)]
    rows = [row for row in rows if (row[1], row[2].month) not in {("B", 5), ("B", 6), ("C", 6)}] + [("p", "B", day("2025-06-10"), None)]
    return SmallTables(
        workload=(LOG, rows), assignments=(ASSIGNMENTS, posted(a1="A", b1="B", c1="C")), training=(TRAINING, enrolled(a1="2025-06-10")), **tables
    )


def test_a_month_without_a_row_is_missing_unless_the_plan_says_that_it_is_zero():
    plain = build(log_city(), make_plan(outcome="workload.minutes"))
    gaps = plain.gaps
    assert (gaps.cells, gaps.complete, gaps.zero, gaps.missing, gaps.not_collected, gaps.no_event) == (18, 12, 0, 3, 3, 0)
    assert "欠けた所を0で埋めてはいません" in gaps.sentence
    told = build(log_city(), make_plan(outcome="workload.minutes", no_row="zero"))
    gaps = told.gaps
    # B in May and C in June; B in June has a row of unknown length, July was not collected from anybody.
    assert (gaps.cells, gaps.complete, gaps.zero, gaps.missing, gaps.not_collected, gaps.no_event) == (18, 14, 2, 1, 3, 2)
    assert "行のない2マスを0件とみなしました" in gaps.sentence
    assert "欠けた所を0で埋めてはいません" not in gaps.sentence


def test_no_row_before_a_department_existed_is_no_zero():
    departments = ("department_id VARCHAR, valid_from DATE, valid_to DATE", [("C", day("2025-07-01"), None)])
    gaps = build(log_city(departments=departments), make_plan(outcome="workload.minutes", no_row="zero")).gaps
    assert (gaps.no_event, gaps.missing) == (1, 2)


def test_zero_for_no_row_is_refused_where_a_missing_row_may_be_a_form_not_sent_in():
    with pytest.raises(PlanError, match="行がない月を0とみなせるのは") as caught:
        make_plan(no_row="zero")
    assert caught.value.place == "questions.q1.no_row"


def test_a_plan_that_leaves_no_row_as_it_was_keeps_its_digest(tmp_path: Path) -> None:
    plan = make_plan(outcome="workload.minutes")
    assert "no_row" not in plan_to_dict(plan)["questions"][0]
    told = make_plan(outcome="workload.minutes", no_row="zero")
    assert plan_digest(told) != plan_digest(plan) == plan_digest(make_plan(outcome="workload.minutes", no_row="missing"))
    for one in (plan, told):
        (tmp_path / "plan.yaml").write_text(plan_to_yaml(one), encoding="utf-8", newline="\n")
        assert read_plan(tmp_path / "plan.yaml") == one == plan_from_dict(plan_to_dict(one))


def test_hours_of_attendance_that_nobody_recorded_are_unknown_and_not_zero():
    panels = build_panels(city(enrolled(a1="2025-05-10")), make_plan())
    assert np.isnan(panels.attendance_hours["q1"]) and panels.completion["attendance_hours"].isna().all()
    assert show_table(panels, "completion").frame["受講にかかった時間"].tolist() == ["記録なし"]
    nobody = build_panels(city(enrolled(a1="2024-05-10"), rows=overtime(first="2024-01")), make_plan())
    assert nobody.attendance_hours["q1"] == 0.0  # nobody attended in the evaluated year


def test_the_main_post_decides_who_counts_where_even_if_a_concurrent_one_began_later():
    staff = [(*row, "main") for row in posted(a1="A", b1="B", c1="C")]
    staff += [("a1", "B", day("2025-01-01"), None, "concurrent"), ("b1", "C", day("2025-01-01"), day("2025-03-31"), "leave")]
    rows = [(person, when, hours) for person, hours in [("a1", 1), ("b1", 2), ("c1", 4)] for when in months("2024-04", "2026-03")]
    tables = SmallTables(
        worktime=(STAFF_TIME, rows), assignments=(f"{ASSIGNMENTS}, posting_kind VARCHAR", staff), training=(TRAINING, enrolled(a1="2025-05-10"))
    )
    panel = build(tables, make_plan())
    assert cohorts(panel) == {"A": month("2025-05"), "B": NEVER, "C": NEVER}
    assert panel.outcome.tolist() == [[1.0] * 24, [2.0] * 24, [4.0] * 24]
    at = list(panel.periods).index(month("2025-05"))
    assert panel.exposure[:, at].tolist() == pytest.approx([1.0, 0.5 / 1.5, 0.0])

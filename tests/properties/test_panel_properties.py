"""What must hold for every plan and every panel, checked on drawn cases against slow independent code."""

import datetime as dt
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.panel.attendance import Attendance
from kdx_eval.panel.exposure import floor_cohort, place_attendees, treat_departments
from kdx_eval.panel.gaps import choose_units, count_gaps
from kdx_eval.panel.postings import Postings, count_staff, read_postings
from kdx_eval.plan import plan_digest, plan_from_dict, plan_to_dict, plan_to_yaml, read_plan
from kdx_eval.units import FiscalYear, Month

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(lambda word: word.strip())
month_texts = st.integers(2015 * 12, 2026 * 12).map(lambda index: str(Month(index)))
questions = st.fixed_dictionaries(
    {
        "title": words,
        "courses": st.lists(words.map(str.strip), min_size=1, max_size=3, unique=True),
        "unit": st.just("department"),
        "outcome": st.sampled_from(["workload.minutes", "worktime.overtime_hours", "indicators.genai_uses"]),
    },
    optional={
        "threshold_share": st.floats(0.001, 1.0),
        "smallest_effect": st.one_of(st.just("break_even"), st.floats(1e-9, 1e8)),
        "buffer_months": st.integers(0, 24),
        "note": st.one_of(st.just(""), words),
        "excluded_periods": st.lists(st.tuples(month_texts, month_texts).map(sorted), max_size=2),
        "cohort_width": st.sampled_from(["month", "quarter", "half_year"]),
    },
)


@given(questions, words)
@settings(max_examples=25, deadline=None)
def test_every_plan_survives_yaml_and_json_unchanged(question, city):
    raw = {"request_fiscal_year": 2027, "evaluated_through": "2026-03", "city": city, "questions": [{"question_id": "q", **question}]}
    plan = plan_from_dict(raw)
    assert plan_from_dict(plan_to_dict(plan)) == plan
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.yaml"
        path.write_text(plan_to_yaml(plan), encoding="utf-8", newline="\n")
        again = read_plan(path)
    assert again == plan
    assert plan_digest(again) == plan_digest(plan)


@given(st.integers(2000 * 12, 2100 * 12), st.sampled_from([("month", 1), ("quarter", 3), ("half_year", 6)]))
def test_a_cohort_begins_at_most_its_width_before_and_never_leaves_the_fiscal_year(index, width):
    name, size = width
    start = floor_cohort(float(index), name)
    assert index - size < start <= index
    assert floor_cohort(start, name) == start
    assert Month(int(start)).fiscal_year == Month(index).fiscal_year
    assert (Month(int(start)) - Month(index).fiscal_year.first) % size == 0


people = st.integers(0, 5).map("p{}".format)
departments = st.sampled_from(["A", "B", "C"])
days = st.integers(0, 900).map(lambda offset: dt.date(2023, 1, 1) + dt.timedelta(days=offset))


@st.composite
def careers(draw):
    """Spells that do not overlap within a person."""
    rows = []
    for person in range(draw(st.integers(1, 6))):
        cuts = sorted(draw(st.lists(days, min_size=1, max_size=4, unique=True)))
        for begin, following in zip(cuts, [*cuts[1:], None], strict=True):
            end = None if following is None else following - dt.timedelta(days=1)
            rows.append((f"p{person}", draw(departments), begin, end))
    return rows


class OneTable:
    """Assignments only."""

    def __init__(self, rows):
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("CREATE TABLE assignments (staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE)")
        self.connection.executemany("INSERT INTO assignments VALUES (?, ?, ?, ?)", rows)

    def has(self, table):
        return table == "assignments"

    def columns(self, table):
        return ("staff_id", "department_id", "valid_from", "valid_to")

    def connect(self):
        return self.connection


def read(rows) -> Postings:
    tables = OneTable(rows)
    postings = read_postings(tables.connect(), tables)
    assert postings is not None
    return postings


def attendance_of(trained) -> Attendance:
    frame = pd.DataFrame(
        [(person, True, None, Month.of_date(when).index) for person, when in sorted(trained.items())],
        columns=["person", "matched", "listed_department", "month"],
    )
    return Attendance(frame=frame, notes=())


def where(rows, person, when):
    for name, department, begin, end in rows:
        if name == person and begin <= when and (end is None or when <= end):
            return department
    return None


@given(careers(), st.dictionaries(people, days, min_size=1, max_size=6), st.floats(0.05, 1.0))
@settings(max_examples=25, deadline=None)
def test_nobody_counts_where_they_were_not_posted_before_april_and_a_higher_threshold_is_never_earlier(rows, trained, threshold):
    postings = read(rows)
    placed, notes = place_attendees(attendance_of(trained), postings)
    for person, department, month in placed[["person", "department", "month"]].itertuples(index=False):
        day = postings.roster_day(Month(int(month)).fiscal_year)
        assert where(rows, person, day) == department
    lost = len(trained) - len(placed)
    assert (lost > 0) == any("結び付かない" in note for note in notes)
    staff = count_staff(postings, None, years=range(2022, 2026))
    low = treat_departments(placed, staff, threshold_share=threshold / 2, width="month").cohort
    high = treat_departments(placed, staff, threshold_share=threshold, width="month").cohort
    assert set(high) <= set(low)
    assert all(low[name] <= high[name] for name in high)


@given(careers(), st.integers(2023, 2026))
@settings(max_examples=25, deadline=None)
def test_the_roster_day_has_at_least_half_of_the_largest_roster(rows, year):
    postings = read(rows)
    size = len(postings.on(postings.roster_day(FiscalYear(year))))
    largest = max(len(postings.on(begin)) for _, _, begin, _ in rows)
    assert size >= largest / 2


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.lists(st.sampled_from([np.nan, 0.0, 1.5]), min_size=6, max_size=6), min_size=n, max_size=n)))
@settings(max_examples=100, deadline=None)
def test_gaps_add_up_and_nothing_is_filled(rows):
    matrix = np.array(rows)
    labels = np.array([f"u{row}" for row in range(len(rows))], dtype=object)
    kept = choose_units(matrix, labels, excluded=np.zeros(6, dtype=bool))
    report = count_gaps(matrix, np.arange(6, dtype=np.int64) + 24_300, partial=0, dropped=kept.dropped)
    assert report.complete + report.missing + report.not_collected == report.cells == matrix.size
    assert report.zero == (matrix == 0).sum()
    assert len(kept.dropped) + kept.units.sum() == len(rows)
    assert report.not_collected == (~kept.months).sum() * len(rows)
    complete = ~np.isnan(matrix[:, kept.months]).any(axis=1)
    if kept.months.any():
        assert kept.units[complete].all()  # a unit seen in every collected month always stays

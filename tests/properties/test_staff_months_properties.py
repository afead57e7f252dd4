"""The interval join of postings and months against counting day by day and person by person."""

import datetime as dt
from collections import defaultdict

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kdx_eval.panel.attendance import Attendance
from kdx_eval.panel.exposure import trained_share
from kdx_eval.panel.postings import read_postings
from kdx_eval.panel.staff_months import staff_months
from kdx_eval.units import Month

FIRST, LAST = Month.of(2023, 1), Month.of(2023, 6)
MONTHS = np.arange(FIRST.index, LAST.index + 1)
# Sums of at most a few days' parts of a month; the two ways differ by rounding only.
CLOSE = {"rel": 1e-12, "abs": 1e-12}

people = st.sampled_from(["p0", "p1", "p2"])
# Few days, so that same-day moves, first and last days of months, overlaps and touching spells are drawn often.
days = st.one_of(
    st.sampled_from([dt.date(2023, 2, 1), dt.date(2023, 2, 28), dt.date(2023, 3, 1), dt.date(2023, 4, 1), dt.date(2023, 3, 31), dt.date(2023, 4, 16)]),
    st.integers(0, 300).map(lambda offset: dt.date(2022, 11, 1) + dt.timedelta(days=offset)),
)


@st.composite
def spells(draw):
    begin = draw(st.one_of(st.none(), days))
    length = draw(st.one_of(st.none(), st.integers(0, 120)))
    end = None if length is None else (begin or dt.date(2023, 2, 10)) + dt.timedelta(days=length)
    return draw(people), draw(st.sampled_from(["A", "B", "C"])), begin, end, draw(st.sampled_from([None, "main", "concurrent", "leave", "roster"]))


class Assignments:
    """A table of assignments with the kind of posting."""

    def __init__(self, rows):
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("CREATE TABLE assignments (staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE, posting_kind VARCHAR)")
        self.connection.executemany("INSERT INTO assignments VALUES (?, ?, ?, ?, ?)", rows)

    def has(self, table):
        return table == "assignments"

    def columns(self, table):
        return ("staff_id", "department_id", "valid_from", "valid_to", "posting_kind")


def read(rows):
    tables = Assignments(rows)
    return read_postings(tables.connection, tables)


def held_on(rows, person, day):
    """Departments where a person is at work on a day, from the rules in words."""

    def began(row):
        return row[2] or dt.date.min

    def arrives_later(row):
        """An open posting ends with the person's next open one, unless one of the two is concurrent, leave or from a roster."""
        plain = [other for other in rows if other[0] == person and other[3] is None and other[4] in (None, "main")]
        return row[3] is None and row[4] in (None, "main") and any(began(row) < began(other) <= day for other in plain)

    mine = [row for row in rows if row[0] == person and began(row) <= day and (row[3] is None or day <= row[3])]
    if any(row[4] == "leave" for row in mine):
        return set()
    return {row[1] for row in mine if not arrives_later(row)}


def slow_shares(rows):
    """(person, department, month) -> share, one day at a time."""
    found = defaultdict(float)
    for index in MONTHS:
        month = Month(int(index))
        length = ((month + 1).first_day - month.first_day).days
        for offset in range(length):
            for person in {row[0] for row in rows}:
                here = held_on(rows, person, month.first_day + dt.timedelta(days=offset))
                for department in here:
                    found[person, department, int(index)] += 1 / len(here) / length
    return dict(found)


MOVES_IN_THE_MIDDLE = [("p0", "A", dt.date(2022, 4, 1), dt.date(2023, 3, 14), None), ("p0", "B", dt.date(2023, 3, 15), None, None)]
ARRIVALS_ONLY = [("p0", "A", dt.date(2022, 4, 1), None, None), ("p0", "B", dt.date(2023, 4, 1), None, None)]
MOVES_ON_ONE_DAY = [("p0", "A", None, dt.date(2023, 4, 1), "main"), ("p0", "B", dt.date(2023, 4, 1), None, "main")]
ON_LEAVE = [("p0", "A", None, None, "main"), ("p0", "A", dt.date(2023, 2, 10), dt.date(2023, 4, 20), "leave")]


@given(st.lists(spells(), min_size=1, max_size=7))
@example(MOVES_IN_THE_MIDDLE)
@example(ARRIVALS_ONLY)
@example(MOVES_ON_ONE_DAY)
@example(ON_LEAVE)
@settings(max_examples=40, deadline=None)
def test_shares_of_months_equal_counting_day_by_day(rows):
    frame = staff_months(read(rows), MONTHS)
    found = {(row.staff_id, row.department_id, row.month): row.share for row in frame.itertuples()}
    assert len(found) == len(frame)
    assert found == pytest.approx(slow_shares(rows), **CLOSE)
    assert list(found) == sorted(found)
    assert (frame.groupby(["staff_id", "month"])["share"].sum() <= 1 + CLOSE["abs"]).all()


@given(st.lists(spells(), min_size=1, max_size=7), st.dictionaries(people, st.sampled_from(list(MONTHS)), max_size=3))
@example(MOVES_IN_THE_MIDDLE, {"p0": FIRST.index})
@settings(max_examples=25, deadline=None)
def test_exposure_equals_trained_staff_days_over_staff_days(rows, trained):
    frame = pd.DataFrame([(name, True, None, int(month)) for name, month in trained.items()], columns=["person", "matched", "listed_department", "month"])
    exposure = trained_share(Attendance(frame=frame, notes=()), read(rows), departments=np.array(["A", "B", "C"], dtype=object), months=MONTHS)
    shares = slow_shares(rows)
    for row, department in enumerate("ABC"):
        for column, index in enumerate(MONTHS):
            here = {person: share for (person, name, month), share in shares.items() if (name, month) == (department, index)}
            if here:
                reached = sum(share for person, share in here.items() if trained.get(person, index + 1) <= index)
                assert exposure[row, column] == pytest.approx(reached / sum(here.values()), **CLOSE)
            else:
                assert np.isnan(exposure[row, column])


def test_a_move_on_the_16th_of_april_gives_half_of_april_to_each_department():
    rows = [("p0", "A", dt.date(2022, 4, 1), dt.date(2023, 4, 15), None), ("p0", "B", dt.date(2023, 4, 16), None, None)]
    frame = staff_months(read(rows), np.array([Month.of(2023, 4).index]))
    assert frame[["department_id", "share"]].to_numpy().tolist() == [["A", 0.5], ["B", 0.5]]


def test_a_concurrent_post_takes_half_of_each_day_it_lasts():
    rows = [("p0", "A", dt.date(2022, 4, 1), None, "main"), ("p0", "B", dt.date(2023, 4, 1), None, "concurrent")]
    frame = staff_months(read(rows), np.array([Month.of(2023, 4).index]))
    assert frame[["department_id", "share"]].to_numpy().tolist() == [["A", 0.5], ["B", 0.5]]


def test_exposure_decays_as_the_trained_leave_and_the_untrained_arrive():
    """Two of two are trained in January; one leaves on 1 March, an untrained one comes on 1 April, half of whose June is leave."""
    rows = [
        ("p0", "A", None, None, None),
        ("p1", "A", None, dt.date(2023, 2, 28), None),
        ("p2", "A", dt.date(2023, 4, 1), None, None),
        ("p2", "A", dt.date(2023, 6, 1), dt.date(2023, 6, 15), "leave"),
    ]
    frame = pd.DataFrame([(name, True, None, FIRST.index) for name in ("p0", "p1")], columns=["person", "matched", "listed_department", "month"])
    exposure = trained_share(Attendance(frame=frame, notes=()), read(rows), departments=np.array(["A"], dtype=object), months=MONTHS)
    assert exposure[0].tolist() == pytest.approx([1.0, 1.0, 1.0, 0.5, 0.5, 1 / 1.5])

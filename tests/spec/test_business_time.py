"""Office time: hand-worked cases around Golden Week and the new year, and a literal minute-by-minute count that must agree."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.errors import ParameterError
from kdx_eval.load.business_time import OfficeHours, business_days, business_seconds, closed_days, read_office_hours

DAY = 465  # 8:30-17:15 without an hour


def minutes(start: str, end: str, office: OfficeHours | None = None) -> float:
    return float(business_seconds([start], [end], office=office)[0]) / 60


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-04-15T09:00", "2025-04-15T09:00", 0),  # an instant
        ("2025-04-15T09:00", "2025-04-15T10:30", 90),  # within one morning (Tuesday)
        ("2025-04-15T11:30", "2025-04-15T13:30", 60),  # over lunch
        ("2025-04-15T12:10", "2025-04-15T12:50", 0),  # at lunch
        ("2025-04-15T22:40", "2025-04-16T08:30", 0),  # sent at night, opened at once
        ("2025-04-15T22:40", "2025-04-16T09:00", 30),
        ("2025-04-15T00:00", "2025-04-16T00:00", DAY),
        ("2025-04-18T17:00", "2025-04-21T08:45", 30),  # Friday to Monday
        # Golden Week 2025: 29 April, 3-6 May closed; 28, 30 April, 1, 2 and 7 May open.
        ("2025-04-26T00:00", "2025-05-08T00:00", 5 * DAY),
        ("2025-05-02T17:00", "2025-05-07T09:00", 45),
        ("2025-05-06T08:30", "2025-05-06T17:15", 0),  # 6 May 2025 stands in for Sunday 4 May
        ("2025-11-24T08:30", "2025-11-24T17:15", 0),  # Monday after 勤労感謝の日 on Sunday
        ("2026-09-22T08:30", "2026-09-22T17:15", 0),  # 国民の休日 between two holidays
        # New year 2025/26: last day Friday 26 December, first day Monday 5 January.
        ("2025-12-26T17:00", "2026-01-05T09:00", 45),
        ("2025-12-27T00:00", "2026-01-05T00:00", 0),
        ("2019-04-26T17:15", "2019-05-07T08:30", 0),  # the ten days of 2019
    ],
)
def test_hand_worked_cases_in_japan(start: str, end: str, expected: float) -> None:
    assert minutes(start, end) == expected


def test_without_a_calendar_only_weekends_are_closed() -> None:
    office = read_office_hours(calendar="none")
    assert minutes("2025-05-05T00:00", "2025-05-10T00:00", office) == 5 * DAY
    assert minutes("2025-12-29T00:00", "2026-01-05T00:00", office) == 5 * DAY


def test_office_hours_are_read_as_people_write_them() -> None:
    office = read_office_hours(hours="9:00-17:00", lunch="なし")
    assert office.day_seconds == 8 * 3600
    assert minutes("2025-04-15T11:00", "2025-04-15T14:00", office) == 180
    assert read_office_hours(hours="8:30〜17:15", lunch="12:00～13:00") == OfficeHours()
    assert "12:00〜13:00を除く" in OfficeHours().sentence
    assert OfficeHours().day_seconds == 7 * 3600 + 45 * 60


@pytest.mark.parametrize(
    "wrong", [{"hours": "朝から"}, {"hours": "8:75-17:15"}, {"hours": "17:15-8:30"}, {"lunch": "18:00-19:00"}, {"calendar": "france"}, {"hours": "8:30-30:00"}]
)
def test_impossible_office_hours_are_refused_in_japanese(wrong: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match=r"時間|calendar"):
        read_office_hours(**wrong)


def test_intervals_that_end_before_they_start_or_have_no_time_are_refused() -> None:
    with pytest.raises(ParameterError, match="終わりが始まりより前"):
        business_seconds(["2025-04-15T10:00"], ["2025-04-15T09:59"])
    with pytest.raises(ParameterError, match="時刻のない"):
        business_seconds([np.datetime64("NaT")], ["2025-04-15T09:59"])
    with pytest.raises(ParameterError, match="長すぎます"):
        business_seconds(["1025-04-15"], ["2025-04-15"])
    with pytest.raises(ParameterError, match="より前"):
        business_days(dt.date(2025, 4, 2), dt.date(2025, 4, 1))


def test_nothing_in_gives_nothing_out() -> None:
    assert business_seconds([], []).shape == (0,)


def test_fiscal_year_2025_has_the_business_days_that_the_calendar_shows() -> None:
    # 365 days, 104 Saturdays and Sundays; of the 18 holidays and substitutes 15 fall on weekdays, and of the new year closure
    # four weekdays are no holiday already (29, 30, 31 December and 2 January): 365 - 104 - 15 - 4 = 242.
    year = (dt.date(2025, 4, 1), dt.date(2026, 3, 31))
    assert int(business_days(*year).sum()) == 242
    assert dt.date(2025, 12, 29) in closed_days(*year)
    assert dt.date(2025, 12, 28) not in closed_days(*year)


# A literal second opinion: each minute is asked whether the office works then. Holidays are typed off the Cabinet Office's list.
HOLIDAYS = {
    dt.date(2025, 4, 29), dt.date(2025, 5, 3), dt.date(2025, 5, 4), dt.date(2025, 5, 5), dt.date(2025, 5, 6), dt.date(2025, 7, 21), dt.date(2025, 8, 11),
    dt.date(2025, 9, 15), dt.date(2025, 9, 23), dt.date(2025, 10, 13), dt.date(2025, 11, 3), dt.date(2025, 11, 23), dt.date(2025, 11, 24),
    dt.date(2026, 1, 1), dt.date(2026, 1, 12), dt.date(2026, 2, 11), dt.date(2026, 2, 23), dt.date(2026, 3, 20),
}  # fmt: skip


def literal_minutes(start: dt.datetime, end: dt.datetime, office: OfficeHours) -> int:
    count, at = 0, start
    while at < end:
        day, second = at.date(), at.hour * 3600 + at.minute * 60
        closed = day.weekday() >= 5
        if office.calendar == "japan":
            closed = closed or day in HOLIDAYS or (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
        lunch = office.lunch_from <= second < office.lunch_to
        count += not closed and office.opens <= second < office.closes and not lunch
        at += dt.timedelta(minutes=1)
    return count


@st.composite
def intervals(draw: st.DrawFn) -> tuple[dt.datetime, dt.datetime]:
    # Half of them around Golden Week or the new year, where a mistake would show.
    day = draw(st.one_of(st.integers(0, 364), st.integers(20, 42), st.integers(265, 285)))
    start = dt.datetime(2025, 4, 1) + dt.timedelta(days=day, minutes=draw(st.integers(0, 1439)))
    end = start + dt.timedelta(minutes=draw(st.one_of(st.integers(0, 600), st.integers(0, 14 * 1440))))
    return start, min(end, dt.datetime(2026, 3, 31, 23, 59))


@settings(max_examples=60)
@given(intervals(), st.sampled_from(["japan", "none"]), st.sampled_from([("8:30-17:15", "12:00-13:00"), ("9:00-17:00", "なし"), ("0:00-24:00", "11:00-11:45")]))
def test_the_vectorised_count_equals_the_literal_one(interval: tuple[dt.datetime, dt.datetime], calendar: str, hours: tuple[str, str]) -> None:
    office = read_office_hours(hours=hours[0], lunch=hours[1], calendar=calendar)
    assert business_seconds([interval[0]], [interval[1]], office=office).tolist() == [60 * literal_minutes(*interval, office)]


@given(st.lists(st.integers(0, 400 * DAY * 60), min_size=3, max_size=3).map(sorted))
def test_office_time_adds_over_adjacent_intervals(seconds: list[int]) -> None:
    first, middle, last = (np.datetime64("2025-01-06T00:00:00") + np.timedelta64(second, "s") for second in seconds)
    parts = business_seconds([first, middle], [middle, last])
    assert int(parts.sum()) == int(business_seconds([first], [last])[0])

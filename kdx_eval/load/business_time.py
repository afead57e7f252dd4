"""Minutes that fall into office hours: business days, national holidays of Japan, the closed days of the new year."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import ParameterError

CalendarName: TypeAlias = Literal["japan", "none"]
Seconds: TypeAlias = npt.NDArray[np.int64]
DAY_SECONDS = 86_400
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-~〜～–]\s*(\d{1,2}):(\d{2})")  # the dashes people type
_NEW_YEAR = ((12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3))  # 地方自治法第4条の2第2項第3号: 年末年始は条例で定める休日
_FARTHEST_YEARS = 200  # beyond that a date is a typing mistake, and the calendar would only grow


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeHours:
    """When an office works; times of day in seconds after midnight, on the clock that hangs in the office.

    Attributes
    ----------
    opens, closes, lunch_from, lunch_to : int
        By default 8:30-17:15 without 12:00-13:00, that is 7 h 45 min.
    calendar : str
        ``japan``: closed on Saturdays, Sundays, national holidays and 29 December to 3 January; ``none``: on Saturdays and Sundays only.
    """

    opens: int = 8 * 3600 + 30 * 60
    closes: int = 17 * 3600 + 15 * 60
    lunch_from: int = 12 * 3600
    lunch_to: int = 13 * 3600
    calendar: CalendarName = "japan"

    def __post_init__(self) -> None:
        inside = self.opens <= self.lunch_from <= self.lunch_to <= self.closes
        if not (0 <= self.opens < self.closes <= DAY_SECONDS and inside):
            hint = "hours: 8:30-17:15、lunch: 12:00-13:00 のように、昼休みを開庁時間の中に書いてください"
            raise ParameterError("開庁時間が成り立ちません", hint=hint)

    @property
    def day_seconds(self) -> int:
        """Office seconds of one whole business day."""
        return self.closes - self.opens - (self.lunch_to - self.lunch_from)

    @property
    def sentence(self) -> str:
        """What is counted, in Japanese."""
        closed = "土日・祝日・12月29日〜1月3日" if self.calendar == "japan" else "土日"
        lunch = f"（{_clock(self.lunch_from)}〜{_clock(self.lunch_to)}を除く）" if self.lunch_to > self.lunch_from else ""
        return f"{closed}を除く日の{_clock(self.opens)}〜{_clock(self.closes)}{lunch}"


def read_office_hours(*, hours: str | None = None, lunch: str | None = None, calendar: str | None = None, place: str = "") -> OfficeHours:
    """Office hours from what people write: ``8:30-17:15``, ``12:00-13:00`` (or ``なし``), ``japan`` or ``none``.

    Raises ParameterError, naming ``place``, when one of them cannot be read.
    """
    usual = OfficeHours()
    opens, closes = _span(hours, place=f"{place} hours".strip()) if hours else (usual.opens, usual.closes)
    if lunch in {"なし", "none"}:
        lunch_from = lunch_to = opens
    else:
        lunch_from, lunch_to = _span(lunch, place=f"{place} lunch".strip()) if lunch else (usual.lunch_from, usual.lunch_to)
    if calendar not in {None, "japan", "none"}:
        raise ParameterError("calendar は japan か none です", place=place, hint="japan は土日・祝日・年末年始、none は土日だけを休みとします")
    return OfficeHours(opens=opens, closes=closes, lunch_from=lunch_from, lunch_to=lunch_to, calendar="none" if calendar == "none" else "japan")


def _span(written: str, *, place: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(written.strip())
    if not found or int(found[2]) > 59 or int(found[4]) > 59:
        raise ParameterError("時間帯が読めません", place=place, hint="8:30-17:15 のように書いてください")
    return int(found[1]) * 3600 + int(found[2]) * 60, int(found[3]) * 3600 + int(found[4]) * 60


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}"


def closed_days(first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
    """National holidays of Japan (substitute and in-between ones too) and 29 December to 3 January, in order, both ends included."""
    return tuple(day for year in range(first.year, last.year + 1) for day in _closed_in(year) if first <= day <= last)


@cache  # asking for every day of a year takes a tenth of a second
def _closed_in(year: int) -> tuple[dt.date, ...]:
    import jpholiday

    national = {day for day, _ in jpholiday.between(dt.date(year, 1, 1), dt.date(year, 12, 31))}
    return tuple(sorted(national | {dt.date(year, month, day) for month, day in _NEW_YEAR}))


def business_days(first: dt.date, last: dt.date, *, calendar: CalendarName = "japan") -> npt.NDArray[np.bool_]:
    """Whether the office works on each day from ``first`` to ``last``, both included.

    Raises ParameterError when the last day comes before the first, or more than 200 years after it.
    """
    if last < first:
        raise ParameterError("期間の終わりが始まりより前です", hint="日付を確かめてください")
    if last.year - first.year > _FARTHEST_YEARS:
        raise ParameterError("期間が長すぎます", hint=f"日付の書き誤りがないか確かめてください（{_FARTHEST_YEARS}年まで）")
    start = np.datetime64(first, "D")
    days = np.arange(start, np.datetime64(last, "D") + np.timedelta64(1, "D"))
    holidays = [np.datetime64(day, "D") for day in closed_days(first, last)] if calendar == "japan" else []
    return np.is_busday(days, holidays=holidays)


def seconds_before(first: dt.date, last: dt.date, *, office: OfficeHours) -> Seconds:
    """Office seconds from the start of ``first`` to the start of each day up to ``last``, shape (days,)."""
    whole = business_days(first, last, calendar=office.calendar) * np.int64(office.day_seconds)
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(whole, dtype=np.int64)[:-1]])


def business_seconds(start: npt.ArrayLike, end: npt.ArrayLike, *, office: OfficeHours | None = None) -> Seconds:
    """Office seconds between ``start`` and ``end``, two arrays of local times that numpy reads as datetime64 (kept to the second).

    Raises
    ------
    ParameterError
        An interval ends before it starts, has no time, or the times lie more than 200 years apart.
    """
    office = office or OfficeHours()
    begins, ends = (np.atleast_1d(np.asarray(given, dtype="datetime64[s]")) for given in (start, end))
    if np.isnat(begins).any() or np.isnat(ends).any():
        raise ParameterError("時刻のない区間があります", hint="時刻が空欄の行を除いてください")
    if (ends < begins).any():
        raise ParameterError("終わりが始まりより前の区間があります", hint="二つの時刻を確かめてください")
    if not begins.size:
        return np.zeros(0, dtype=np.int64)
    first, last = begins.min().astype("datetime64[D]"), ends.max().astype("datetime64[D]")
    before = seconds_before(first.item(), last.item(), office=office)
    works = business_days(first.item(), last.item(), calendar=office.calendar)

    def clock(times: npt.NDArray[np.datetime64]) -> Seconds:
        days = times.astype("datetime64[D]")
        at = (days - first).astype(np.int64)
        of_day = (times - days.astype("datetime64[s]")).astype(np.int64)
        open_so_far = np.clip(of_day, office.opens, office.closes) - office.opens
        lunch_so_far = np.clip(of_day, office.lunch_from, office.lunch_to) - office.lunch_from
        elapsed: Seconds = before[at] + np.where(works[at], open_so_far - lunch_so_far, 0)
        return elapsed

    return clock(ends) - clock(begins)

"""Months, fiscal years, wareki, hours and yen; the only place that rounds or formats a quantity."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from kdx_eval.errors import ParameterError

FISCAL_YEAR_START = 4  # April: 地方自治法 第208条
_ERAS = (  # (letter, name, first day), newest first
    ("R", "令和", dt.date(2019, 5, 1)),
    ("H", "平成", dt.date(1989, 1, 8)),
    ("S", "昭和", dt.date(1926, 12, 25)),
)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; ``index`` counts months since year 0, so that differences are months."""

    index: int

    @classmethod
    def of(cls, year: int, month: int) -> Month:
        """The month ``month`` (1-12) of the calendar year ``year``."""
        if not 1 <= month <= 12:
            raise ParameterError(f"月は1〜12です（{month}）", hint="月の値を確かめてください")
        return cls(year * 12 + month - 1)

    @classmethod
    def parse(cls, text: str) -> Month:
        """The month of ``"2025-04"`` or ``"2025-04-01"``; raises ParameterError otherwise."""
        parts = text.split("-")
        if len(parts) not in (2, 3) or not all(part.isdecimal() for part in parts):
            raise ParameterError("月の書式が違います", hint="2025-04 のように書いてください")
        return cls.of(int(parts[0]), int(parts[1]))

    @classmethod
    def of_date(cls, day: dt.date) -> Month:
        """The month in which ``day`` lies."""
        return cls.of(day.year, day.month)

    @property
    def year(self) -> int:
        """Calendar year."""
        return self.index // 12

    @property
    def month(self) -> int:
        """Month of the calendar year, 1 to 12."""
        return self.index % 12 + 1

    @property
    def first_day(self) -> dt.date:
        """The first day of the month."""
        return dt.date(self.year, self.month, 1)

    @property
    def fiscal_year(self) -> FiscalYear:
        """The Japanese fiscal year: January 2025 lies in 2024 (令和6年度)."""
        return FiscalYear(self.year if self.month >= FISCAL_YEAR_START else self.year - 1)

    def __add__(self, months: int) -> Month:
        return Month(self.index + months)

    def __sub__(self, other: Month) -> int:
        return self.index - other.index

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True, order=True)
class FiscalYear:
    """A Japanese fiscal year, April of ``year`` to March of the next."""

    year: int

    @property
    def first(self) -> Month:
        """April."""
        return Month.of(self.year, FISCAL_YEAR_START)

    @property
    def last(self) -> Month:
        """March of the next calendar year."""
        return self.first + 11

    @property
    def wareki(self) -> str:
        """``令和7年度``; the first year of an era is 元年度."""
        _, name, number = _era(self.first.first_day)
        return f"{name}{'元' if number == 1 else number}年度"

    @property
    def short(self) -> str:
        """``R7``."""
        letter, _, number = _era(self.first.first_day)
        return f"{letter}{number}"

    def __str__(self) -> str:
        return str(self.year)


def _era(day: dt.date) -> tuple[str, str, int]:
    for letter, name, first in _ERAS:
        # The year in which an era begins is its year 1, for a fiscal year as for a date:
        # FY2019 began in 平成31 but is 令和元年度 in budgets.
        start = dt.date(first.year, FISCAL_YEAR_START, 1) if letter == "R" else first
        if day >= start:
            return letter, name, day.year - first.year + 1
    raise ParameterError("昭和より前の年度は扱えません", hint="年を確かめてください")


def wareki_date(day: dt.date) -> str:
    """``令和7年4月1日`` for a date; raises ParameterError before 昭和."""
    for _, name, first in _ERAS:
        if day >= first:
            number = day.year - first.year + 1
            return f"{name}{'元' if number == 1 else number}年{day.month}月{day.day}日"
    raise ParameterError("昭和より前の日付は扱えません", hint="年を確かめてください")


def round_half_up(value: float, digits: int = 0) -> Decimal:
    """``value`` rounded half up (四捨五入), as municipal tables round; not banker's rounding."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def round_to_total(values: Sequence[float]) -> tuple[int, ...]:
    """Whole numbers that sum to the rounded total, each within one of its value: the largest fractions are rounded up (Hamilton's method).

    For tables whose rows must add up as printed; ties go to the earlier value. Nothing is rounded where a value is not finite: raises ParameterError.
    """
    if not all(math.isfinite(value) for value in values):
        raise ParameterError("数でない値は丸められません", hint="欠けている値を除いてください")
    whole = [math.floor(value) for value in values]
    left = int(round_half_up(math.fsum(values))) - sum(whole)
    order = sorted(range(len(values)), key=lambda place: (whole[place] - values[place], place))
    for place in order[: max(0, left)]:
        whole[place] += 1
    return tuple(whole)


def format_number(value: float, digits: int = 0) -> str:
    """``1,234.5``; negative numbers with △ as in budget tables; ``－`` when missing."""
    if value is None or not math.isfinite(value):
        return "－"
    rounded = round_half_up(value, digits)
    sign = "△" if rounded < 0 else ""
    return f"{sign}{abs(rounded):,.{digits}f}"


def format_p_value(value: float) -> str:
    """A p value to three decimals; what would round to nought is ``0.001未満``, since no p value is nought."""
    return "0.001未満" if value < 0.0005 else format_number(value, 3)


def format_value(value: float) -> str:
    """A value of a column as it stands there: no decimals from ten on, else up to two, ``0.5``."""
    text = format_number(value, 0 if abs(value) >= 10 else 2)
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_hours(hours: float, digits: int = 0) -> str:
    """Hours with their unit, ``1,234時間``."""
    return f"{format_number(hours, digits)}時間"


def format_yen(yen: float) -> str:
    """Yen with their unit, ``1,234円``."""
    return f"{format_number(yen)}円"


def thousand_yen(yen: float) -> Decimal:
    """Yen in 千円, rounded half up; for display only, sums are made in yen."""
    return round_half_up(yen / 1000)


def format_thousand_yen(yen: float) -> str:
    """Yen shown in 千円, ``1,235`` (the unit stands in the table's head)."""
    return format_number(yen / 1000) if math.isfinite(yen) else "－"


def format_share(share: float, digits: int = 1) -> str:
    """A share as per cent, ``12.3%``."""
    return f"{format_number(share * 100, digits)}%" if math.isfinite(share) else "－"


def format_measure(value: float) -> str:
    """A measured quantity to three significant digits, never more than six decimals: ``65.2``, ``0.00113``, ``△1,240``."""
    if value is None or not math.isfinite(value):
        return "－"
    digits = 0 if value == 0 else min(6, max(0, 2 - math.floor(math.log10(abs(value)))))
    return format_number(value, digits)

"""units: months, fiscal years, wareki, rounding, by example."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.errors import ParameterError
from kdx_eval.units import (
    FiscalYear,
    Month,
    format_hours,
    format_number,
    format_p_value,
    format_share,
    format_thousand_yen,
    format_yen,
    round_half_up,
    thousand_yen,
    wareki_date,
)


def test_months_count_across_years() -> None:
    assert Month.of(2026, 3) - Month.of(2025, 4) == 11
    assert str(Month.of(2025, 12) + 1) == "2026-01"
    assert (Month.of(2025, 1).year, Month.of(2025, 1).month) == (2025, 1)
    assert Month.of(2025, 4).first_day == dt.date(2025, 4, 1)


@pytest.mark.parametrize("text", ["2025-04", "2025-04-01", "2025-4"])
def test_a_month_is_read(text: str) -> None:
    assert Month.parse(text) == Month.of(2025, 4)


@pytest.mark.parametrize("text", ["", "2025", "2025/04", "2025-13", "2025-00", "令和7年4月", "-2025-04", "2025-04-01-01"])
def test_a_wrong_month_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        Month.parse(text)


def test_january_belongs_to_the_fiscal_year_that_began_in_april_before() -> None:
    assert Month.of(2025, 1).fiscal_year == FiscalYear(2024)
    assert Month.of(2025, 3).fiscal_year.wareki == "令和6年度"
    assert Month.of(2025, 4).fiscal_year.wareki == "令和7年度"


@pytest.mark.parametrize(
    ("year", "wareki", "short"),
    [(2027, "令和9年度", "R9"), (2019, "令和元年度", "R1"), (2018, "平成30年度", "H30"), (1989, "平成元年度", "H1"), (1988, "昭和63年度", "S63")],
)
def test_a_fiscal_year_has_the_name_that_budgets_use(year: int, wareki: str, short: str) -> None:
    assert FiscalYear(year).wareki == wareki
    assert FiscalYear(year).short == short


def test_a_fiscal_year_ends_in_march() -> None:
    assert str(FiscalYear(2025).first) == "2025-04"
    assert str(FiscalYear(2025).last) == "2026-03"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (dt.date(2019, 4, 30), "平成31年4月30日"), (dt.date(2019, 5, 1), "令和元年5月1日"), (dt.date(2025, 4, 1), "令和7年4月1日"),
        (dt.date(1989, 1, 7), "昭和64年1月7日"), (dt.date(1989, 1, 8), "平成元年1月8日"),
    ],
)  # fmt: skip
def test_a_date_has_the_era_of_its_day(day: dt.date, expected: str) -> None:
    assert wareki_date(day) == expected


def test_dates_before_showa_are_refused() -> None:
    with pytest.raises(ParameterError):
        wareki_date(dt.date(1926, 12, 24))


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [(0.5, 0, "1"), (1.5, 0, "2"), (2.5, 0, "3"), (-2.5, 0, "-3"), (2.675, 2, "2.68"), (1.005, 2, "1.01")],
)
def test_halves_are_rounded_up_as_written(value: float, digits: int, expected: str) -> None:
    assert round_half_up(value, digits) == Decimal(expected)


def test_numbers_are_printed_as_budget_tables_print_them() -> None:
    assert format_number(1234567.5) == "1,234,568"
    assert format_number(-1234.56, 1) == "△1,234.6"
    assert format_number(-0.4) == "0"
    assert format_number(math.nan) == format_number(math.inf) == "－"
    assert format_hours(1234.4) == "1,234時間"
    assert format_yen(-1234.5) == "△1,235円"
    assert thousand_yen(1_234_500) == Decimal(1235)
    assert format_thousand_yen(-1_234_499) == "△1,234"
    assert format_share(0.1234) == "12.3%"
    assert format_share(math.nan) == "－"


@given(st.integers(1, 9998), st.integers(1, 12))
def test_a_month_is_printed_and_read_back(year: int, month: int) -> None:
    assert Month.parse(str(Month.of(year, month))) == Month.of(year, month)


@given(st.dates(dt.date(1927, 1, 1)))
def test_every_day_lies_in_the_fiscal_year_of_its_month(day: dt.date) -> None:
    month = Month.of_date(day)
    assert month.fiscal_year.first <= month <= month.fiscal_year.last
    assert FiscalYear(month.fiscal_year.year).last - month.fiscal_year.first == 11


@given(st.integers(-(10**9), 10**9), st.integers(0, 3))
def test_rounding_is_never_off_by_more_than_half_a_unit(thousandths: int, digits: int) -> None:
    value = thousandths / 1000
    assert abs(round_half_up(value, digits) - Decimal(repr(value))) <= Decimal("0.5").scaleb(-digits)


def test_no_p_value_is_printed_as_nought() -> None:
    assert [format_p_value(value) for value in (2e-6, 0.00049, 0.0005, 0.0314, 1.0)] == ["0.001未満", "0.001未満", "0.001", "0.031", "1.000"]

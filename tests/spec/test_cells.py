"""Cells as people type them: what each means, or why it is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from kdx_eval.load.cells import MERGED_VALUE, UNCALCULATED, Quantity, parse_boolean, parse_cell, parse_enum, parse_hours, parse_number
from kdx_eval.load.dates import Refusal, parse_date, parse_fiscal_year, parse_month
from kdx_eval.load.rules import RULES
from kdx_eval.schema import load_schema

APRIL = dt.date(2025, 4, 1)
YEN = Quantity(unit="yen", whole=True)


@pytest.mark.parametrize(
    "written",
    [
        "2025-04-01", "2025/4/1", "2025.4.1", "20250401", "R7.4.1", "r7/4/1", "Ｒ７．４．１", "R07.04.01", "R070401", "令和7年4月1日", "令和７年４月１日",
        "令和七年四月一日", "㋿7年4月1日", "2025年4月1日（火）", "2025-04-01 00:00:00", "二〇二五年四月一日", " R7.4.1 ",
        "R.7.4.1", "令7.4.1", "２０２５／４／１", "2025年4月1日(火)", "R7.4.1（火・祝）",
    ],
)  # fmt: skip
def test_a_date_is_understood_in_every_usual_form(written: str) -> None:
    assert parse_date(written) == APRIL


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("7.4.1", "ambiguous_date"), ("07/04/01", "ambiguous_date"), ("H31.5.1", "era_over"), ("平成32年4月1日", "era_over"), ("R1.4.30", "era_not_begun"),
        ("2025-02-30", "impossible_date"), ("R7.13.1", "impossible_date"), ("R0.4.1", "impossible_date"), ("45748", "serial_number"), ("来週", "not_a_date"),
        ("25.4.1", "ambiguous_date"), ("S64.1.8", "era_over"), ("4/1", "not_a_date"), ("2025-04", "not_a_date"), ("", "not_a_date"),
    ],
)  # fmt: skip
def test_a_doubtful_date_is_refused_with_its_rule(written: str, rule: str) -> None:
    assert parse_date(written) == Refusal(rule)


def test_an_era_that_had_ended_is_refused_with_the_new_one_as_hint() -> None:
    refusal = parse_date("H31.5.1")
    assert isinstance(refusal, Refusal)
    assert "R1.5.1" in refusal.hint


def test_the_first_years_of_an_era_may_be_written_as_gannen() -> None:
    assert parse_date("令和元年5月1日") == dt.date(2019, 5, 1)
    assert parse_date("R元.5.1") == dt.date(2019, 5, 1)
    assert parse_date("平成三十一年四月三十日") == dt.date(2019, 4, 30)
    assert parse_date("昭和64年1月7日") == dt.date(1989, 1, 7)


@pytest.mark.parametrize("written", ["2025-04", "2025/04", "202504", "2025年4月", "2025年4月分", "R7.4", "令和7年4月", "令和七年四月", "2025-04-15"])
def test_a_month_is_its_first_day(written: str) -> None:
    assert parse_month(written) == APRIL


@pytest.mark.parametrize(
    ("written", "month"),
    [
        ("令和6年度1月", dt.date(2025, 1, 1)), ("R6年度12月分", dt.date(2024, 12, 1)), ("2024年度3月", dt.date(2025, 3, 1)),
        ("平成31年度3月", dt.date(2020, 3, 1)), ("令和元年度4月", dt.date(2019, 4, 1)),
    ],
)  # fmt: skip
def test_a_month_of_a_fiscal_year_may_lie_in_the_next_calendar_year(written: str, month: dt.date) -> None:
    assert parse_month(written) == month


@pytest.mark.parametrize(("written", "rule"), [("H32年度4月", "era_over"), ("R6年度13月", "not_a_month")])
def test_an_impossible_month_of_a_fiscal_year_is_refused(written: str, rule: str) -> None:
    assert parse_month(written) == Refusal(rule)


@pytest.mark.parametrize(("written", "rule"), [("7.4", "ambiguous_date"), ("2025-13", "not_a_month"), ("H31.5", "era_over"), ("四月", "not_a_month")])
def test_a_doubtful_month_is_refused(written: str, rule: str) -> None:
    assert parse_month(written) == Refusal(rule)


@pytest.mark.parametrize(
    ("written", "year"), [("2025", 2025), ("R7", 2025), ("令和7年度", 2025), ("R7年度", 2025), ("平成31年度", 2019), ("令和元年度", 2019), ("FY2025", 2025)]
)
def test_a_fiscal_year_is_the_year_in_which_it_begins(written: str, year: int) -> None:
    assert parse_fiscal_year(written) == year


def test_an_impossible_fiscal_year_is_refused() -> None:
    assert parse_fiscal_year("H40") == Refusal("era_over")
    assert parse_fiscal_year("来年度") == Refusal("not_a_year")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234", "1234"),
        ("△12", "-12"),
        ("▲1,200", "-1200"),
        ("−12", "-12"),
        ("１，２３４", "1234"),
        ("(12)", "-12"),
        ("12円", "12"),
        ("¥1,000", "1000"),
        ("1千円", "1000"),
        ("1,234円", "1234"),
        ("△ 1,200 円", "-1200"),
        ("￥１，０００", "1000"),
        ("+12", "12"),
    ],
)
def test_a_number_is_read_as_written_in_budget_tables(written: str, value: str) -> None:
    assert parse_number(written, YEN) == Decimal(value)


@pytest.mark.parametrize("written", ["", " ", "ー", "－", "-", "―", "n/a", "　"])
def test_a_dash_is_missing_and_never_zero(written: str) -> None:
    assert parse_number(written) is None


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("#REF!", "error_value"),
        ("#DIV/0!", "error_value"),
        ("1,23", "not_a_number"),
        ("約100", "not_a_number"),
        ("12時間", "wrong_unit"),
        ("1.5", "not_whole"),
        ("1e30", "too_large"),
        ("12 345", "not_a_number"),
        ("12-", "not_a_number"),
        ("ー12", "not_a_number"),
        (UNCALCULATED, "uncalculated"),
        (MERGED_VALUE, "merged_value"),
    ],
)
def test_a_broken_number_is_refused_and_never_missing(written: str, rule: str) -> None:
    assert parse_number(written, YEN) == Refusal(rule)


@pytest.mark.parametrize("written", ["43:30", "43:30:00", "43.5h", "43.5", "43時間30分", "４３：３０", "2610分", "43時間半", "43 時間 30 分"])
def test_hours_are_read_in_every_usual_form(written: str) -> None:
    assert parse_hours(written) == Decimal("43.50")


def test_hours_may_be_minutes_when_the_heading_says_so() -> None:
    assert parse_hours("90", Quantity(unit="hours", whole=False, scale=Decimal(1) / 60, digits=2)) == Decimal("1.50")
    assert parse_hours("1:30", Quantity(unit="minutes", whole=False, digits=2)) == Decimal("90.00")


def test_minutes_past_sixty_on_a_clock_are_refused() -> None:
    assert parse_hours("43:75") == Refusal("not_hours")


def test_yes_and_no_are_understood_in_japanese() -> None:
    assert [parse_boolean(word) for word in ("はい", "○", "必修", "TRUE", "1")] == [True] * 5
    assert [parse_boolean(word) for word in ("いいえ", "×", "任意", "false", "0")] == [False] * 5
    assert parse_boolean("") is None
    assert parse_boolean("たぶん") == Refusal("not_a_boolean")


def test_a_word_of_a_list_may_be_a_synonym() -> None:
    status = load_schema().table("training").field("status")
    assert parse_enum("修了", status) == "completed"
    assert parse_enum("completed", status) == "completed"
    assert parse_enum("不思議", status) == Refusal("enum")
    assert parse_enum("×", status) == "absent"


def test_an_id_that_excel_has_rounded_is_refused_and_leading_zeros_stay() -> None:
    staff_id = load_schema().table("staff").field("staff_id")
    assert [parse_cell(written, staff_id) for written in ("1.23E+05", "1E+05", "1.5e7")] == [Refusal("lost_digits")] * 3
    assert [parse_cell(written, staff_id) for written in ("1E5", "E12", "12-3")] == ["1E5", "E12", "12-3"]
    assert parse_cell("００１２", staff_id) == "0012"


def test_a_mark_or_a_lost_character_is_refused_in_every_kind_of_cell() -> None:
    training = load_schema().table("training")
    for called in ("staff_id", "full_name", "enrolled_on", "status", "hours", "test_score"):
        assert parse_cell("#REF!", training.field(called)) == Refusal("error_value"), called
        assert parse_cell(UNCALCULATED, training.field(called)) == Refusal("uncalculated"), called
    assert parse_cell("山\ufffd太郎", training.field("full_name")) == Refusal("lost_characters")
    assert parse_cell("00\ufffd", training.field("staff_id")) == Refusal("lost_characters")


def test_every_refusal_has_a_constant_reason_and_hint() -> None:
    assert all(reason and hint for reason, hint in RULES.values())
    assert Refusal("enum").reason == RULES["enum"][0]

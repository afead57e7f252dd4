"""The realistic faults of cells (docs/FAULTS.md): numbers of people, dates, hours and signs as people and Excel write them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from tests.deliveries import MONTHS, SECRET, accept, put, put_sheet, refused, remarks, stops, values

HOURS = "department_id, overtime_hours::DOUBLE"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


# Numbers of people and departments


def put_staff(folder: Path, *codes: str) -> None:
    put(folder, "職員.csv", "職員番号,氏名,級\n" + "".join(f"{code},{SECRET},3級\n" for code in codes))


def attended(folder: Path, *codes: str) -> None:
    put(folder, "受講記録.csv", "職員番号,研修番号,受講日\n" + "".join(f"{code},A,R7.5.{day}\n" for day, code in enumerate(codes, start=1)))


@pytest.mark.parametrize("written", ["12", "012", "12.0", "１２"])
def test_lost_zeros_are_restored_where_one_person_is_meant_and_it_is_noted(tmp_path: Path, written: str) -> None:
    put_staff(tmp_path, "0012", "0013")
    attended(tmp_path, written)
    dataset = accept(tmp_path)
    assert refused(dataset) == []
    assert set(values(dataset, "training", "staff_id")) < set(values(dataset, "staff", "staff_id"))
    assert "先頭の 0 が落ちた職員番号1種類" in remarks(dataset, "受講記録.csv")


def test_lost_zeros_that_could_mean_two_people_are_quarantined(tmp_path: Path) -> None:
    put_staff(tmp_path, "0012", "00012")
    attended(tmp_path, "12", "0012", "99")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("受講記録.csv", row, "職員番号", "unknown_reference") for row in (2, 4)]


def test_a_list_that_lost_its_zeros_fits_records_that_kept_them(tmp_path: Path) -> None:
    put_staff(tmp_path, "12", "13")
    attended(tmp_path, "0012", "0013")
    dataset = accept(tmp_path)
    assert values(dataset, "training", "staff_id") == values(dataset, "staff", "staff_id")


def test_two_numbers_of_one_list_that_differ_by_zeros_stay_two_people(tmp_path: Path) -> None:
    put_staff(tmp_path, "12", "0012")
    attended(tmp_path, "12", "0012")
    assert len(set(values(accept(tmp_path), "training", "staff_id"))) == 2


def test_lost_zeros_of_departments_are_restored(tmp_path: Path) -> None:
    put(tmp_path, "所属.csv", "所属コード,所属名\n001,市民課\n002,福祉課\n")
    put(tmp_path, "人員.csv", "所属コード,年月,実員\n1,2025-04,10\n002,2025-04,5\n3,2025-04,5\n")
    dataset = accept(tmp_path)
    assert values(dataset, "headcount", "department_id") == [("001",), ("002",)]
    assert refused(dataset) == [("人員.csv", 4, "所属コード", "unknown_department")]
    assert "先頭の 0 が落ちた所属コード1種類" in remarks(dataset, "人員.csv")


@pytest.mark.parametrize("written", ["1.23E+05", "1E+05", "1.23457E15"])
def test_a_number_of_a_person_that_excel_has_rounded_is_quarantined(tmp_path: Path, written: str) -> None:
    attended(tmp_path, "123456", written)
    assert refused(accept(tmp_path)) == [("受講記録.csv", 3, "職員番号", "lost_digits")]


def test_a_number_of_a_person_too_long_for_excel_is_quarantined(tmp_path: Path) -> None:
    put_sheet(tmp_path, "受講記録.xlsx", [["職員番号", "研修番号", "受講日"], [12345678901234567, "A", "R7.5.1"], ["0012", "A", "R7.5.1"]])
    assert refused(accept(tmp_path)) == [("受講記録.xlsx 一覧", 2, "職員番号", "lost_digits")]


def test_full_width_numbers_of_people_are_the_same_people(tmp_path: Path) -> None:
    put_staff(tmp_path, "A0012", "A0013")
    attended(tmp_path, "Ａ００１２", " A0013 ")
    dataset = accept(tmp_path)
    assert values(dataset, "training", "staff_id") == values(dataset, "staff", "staff_id")


# Dates


def put_dates(folder: Path, *dates: str) -> None:
    put(folder, "受講記録.csv", "職員番号,研修番号,受講日\n" + "".join(f"{number},A,{date}\n" for number, date in enumerate(dates, start=1)))


def test_the_japanese_calendar_is_read_in_all_its_forms(tmp_path: Path) -> None:
    japanese = ["R7.4.1", "令和7年4月1日", "令和七年四月一日", "㋿7年4月1日", "Ｒ７．４．１", "R7/4/1", "R070401", "令7.4.1"]
    put_dates(tmp_path, *japanese, "20250401", "2025/4/1", "2025年4月1日（火）")
    dataset = accept(tmp_path)
    assert refused(dataset) == []
    assert values(dataset, "training", "DISTINCT completed_on") == [(dt.date(2025, 4, 1),)]


def test_a_date_that_cannot_be_trusted_is_quarantined_with_its_own_remedy(tmp_path: Path) -> None:
    expected = {
        "H31.5.1": "era_over", "平成32年4月1日": "era_over", "S64.1.8": "era_over", "R1.4.30": "era_not_begun",
        "7.4.1": "ambiguous_date", "25/04/01": "ambiguous_date", "07-04-01": "ambiguous_date",
        "2025-02-29": "impossible_date", "R7.4.31": "impossible_date", "2025/13/1": "impossible_date", "R0.4.1": "impossible_date",
        "45748": "serial_number", "45748.5": "serial_number", "4月1日": "not_a_date", "Apr-25": "not_a_date",
    }  # fmt: skip
    put_dates(tmp_path, "R7.4.1", *expected)
    dataset = accept(tmp_path)
    assert refused(dataset) == [("受講記録.csv", row, "受講日", rule) for row, rule in enumerate(expected.values(), start=3)]
    assert dataset.rows("training") == 1
    assert "R1.5.1 のように、新しい元号で" in dataset.rejected.read_text(encoding="utf-8-sig")


def test_a_date_of_excel_without_its_format_is_quarantined(tmp_path: Path) -> None:
    put_sheet(tmp_path, "受講記録.xlsx", [["職員番号", "研修番号", "受講日"], ["0012", "A", 45748], ["0013", "A", "R7.4.1"]])
    assert refused(accept(tmp_path)) == [("受講記録.xlsx 一覧", 2, "受講日", "serial_number")]


@pytest.mark.parametrize("is_1904", [False, True])
def test_a_workbook_that_counts_days_from_1904_gives_the_same_days_and_hours(tmp_path: Path, is_1904: bool) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "勤務時間.xlsx"), {"date_1904": is_1904}) as book:
        page = book.add_worksheet("一覧")
        page.write_row(0, 0, ["所属", "年月", "時間外勤務時間"])
        page.write_string(1, 0, "市民課")
        page.write_datetime(1, 1, dt.datetime(2025, 4, 1), book.add_format({"num_format": 'yyyy"年"m"月"'}))
        page.write_number(1, 2, 1.8125, book.add_format({"num_format": "[h]:mm"}))
    assert values(accept(tmp_path), "worktime", "month, overtime_hours::DOUBLE") == [(dt.date(2025, 4, 1), 43.5)]


# Years


def test_january_to_march_belong_to_the_fiscal_year_before(tmp_path: Path) -> None:
    put_sheet(tmp_path, "時間外勤務.xlsx", [["課", *MONTHS], ["市民課", *range(1, 13)]], sheet="令和6年度")
    found = values(accept(tmp_path), "worktime", "month, overtime_hours::INTEGER")
    assert (found[0], found[9]) == ((dt.date(2024, 4, 1), 1), (dt.date(2025, 1, 1), 10))


def test_a_table_of_a_calendar_year_is_read_as_one(tmp_path: Path) -> None:
    put_sheet(tmp_path, "時間外勤務.xlsx", [["課", *(f"{n}月" for n in range(1, 13))], ["市民課", *range(1, 13)]], sheet="2024年")
    found = values(accept(tmp_path), "worktime", "month, overtime_hours::INTEGER")
    assert (found[0], found[11]) == ((dt.date(2024, 1, 1), 1), (dt.date(2024, 12, 1), 12))


@pytest.mark.parametrize("sheet", ["令和6年度", "R6"])
def test_a_fiscal_year_whose_months_begin_in_january_stops(tmp_path: Path, sheet: str) -> None:
    put_sheet(tmp_path, "時間外勤務.xlsx", [["課", *(f"{n}月" for n in range(1, 13))], ["市民課", *range(1, 13)]], sheet=sheet)
    stops(tmp_path, place=f"時間外勤務.xlsx {sheet}", reason="どの年か決められません")
    put(tmp_path, "mapping.yaml", "files: {時間外勤務.xlsx: {crosstab: {fiscal_year: R6}}}")
    assert values(accept(tmp_path), "worktime", "min(month), max(month)") == [(dt.date(2024, 4, 1), dt.date(2025, 3, 1))]


def test_a_year_that_contradicts_its_month_is_quarantined(tmp_path: Path) -> None:
    rows = ["P1,R6,2025-01,,10", "P1,R7,2025-01,,10", "P1,R7,2025-04,2025-04-30,10", "P1,,2025-04,2025-05-01,10", "P1,R6,,2025-04-01,10"]
    put(tmp_path, "業務量.csv", "\n".join(["業務コード,年度,年月,日付,件数", *rows, ""]))
    dataset = accept(tmp_path)
    found = [("業務量.csv", row, column, "year_contradiction") for row, column in ((3, "年度"), (5, "年月"), (6, "年度"))]
    assert refused(dataset) == found
    assert dataset.rows("workload") == 2


def test_a_month_may_be_written_with_its_fiscal_year(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務時間\n市民課,令和6年度1月,3\n市民課,2024年度4月分,4\n市民課,H31年度5月,5\n")
    assert values(accept(tmp_path), "worktime", "month") == [(dt.date(2019, 5, 1),), (dt.date(2024, 4, 1),), (dt.date(2025, 1, 1),)]


# Hours, signs and blanks


def test_hours_in_every_form_are_one_and_the_same(tmp_path: Path) -> None:
    forms = ["43:30", "43.5h", "43時間30分", "43時間半", "４３．５", "2610分", "43:30:00"]
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務時間\n" + "".join(f"課{n},2025-04,{form}\n" for n, form in enumerate(forms)))
    dataset = accept(tmp_path)
    assert refused(dataset) == []
    assert values(dataset, "worktime", "DISTINCT overtime_hours::DOUBLE") == [(43.5,)]


def test_minutes_are_minutes_when_the_heading_says_so_and_impossible_when_it_does_not(tmp_path: Path) -> None:
    people = "".join(f"{n},2025-04,{minutes}\n" for n, minutes in enumerate([1200] * 3 + [600] * 12))
    put(tmp_path, "勤務時間.csv", f"職員番号,年月,時間外勤務時間（分）\n{people}")
    assert values(accept(tmp_path), "worktime", "DISTINCT overtime_hours::DOUBLE") == [(10.0,), (20.0,)]
    put(tmp_path, "勤務時間.csv", f"職員番号,年月,時間外勤務時間\n{people}")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間.csv", row, "時間外勤務時間", "too_many_hours") for row in (2, 3, 4)]
    assert "時間ではなく分ではありませんか" in remarks(dataset, "勤務時間.csv")


def test_a_triangle_is_a_minus_and_a_dash_is_missing(tmp_path: Path) -> None:
    written = ["△1200", "▲1200", "−1200", "(1200)", "ー", "－", "", "0"]
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務手当,時間外勤務時間\n" + "".join(f"課{n},2025-04,{value},1\n" for n, value in enumerate(written)))
    assert values(accept(tmp_path), "worktime", "paid_overtime_yen") == [*[(-1200,)] * 4, (0,), *[(None,)] * 3]


def test_negative_hours_are_quarantined(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務時間\n市民課,2025-04,△12\n福祉課,2025-04,12\n")
    assert refused(accept(tmp_path)) == [("勤務時間.csv", 2, "時間外勤務時間", "minimum")]


def test_zero_blank_and_not_collected_are_three_things(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務時間\n市民課,2025-04,0\n市民課,2025-05,\n市民課,2025-07,3\n")
    dataset = accept(tmp_path)
    assert values(dataset, "worktime", "month, overtime_hours::DOUBLE") == [(dt.date(2025, 4, 1), 0.0), (dt.date(2025, 5, 1), None), (dt.date(2025, 7, 1), 3.0)]
    assert "行が一つもない月が1あります（2025-06）" in remarks(dataset, "勤務時間.csv")


@pytest.mark.parametrize(
    ("called", "heading", "good", "bad", "column"),
    [
        ("勤務時間", "職員番号,年月,時間外勤務時間", "1,2025-02,672", "2,2025-02,672.5", "時間外勤務時間"),
        ("勤務時間", "職員番号,年月,正規の勤務時間,時間外勤務時間", "1,2025-04,160,560", "2,2025-04,160,561", "時間外勤務時間"),
        ("業務量", "業務コード,日付,職員番号,時間（分）", "P1,2025-04-01,1,1440", "P1,2025-04-01,2,1441", "時間（分）"),
        ("業務量", "業務コード,年月,職員番号,時間（分）", "P1,2025-04,1,43200", "P1,2025-04,2,43201", "時間（分）"),
        ("受講記録", "職員番号,研修番号,受講日,受講時間", "1,A,2025-04-01,24", "2,A,2025-04-01,90", "受講時間"),
    ],
)
def test_more_hours_than_the_time_has_are_quarantined(tmp_path: Path, called: str, heading: str, good: str, bad: str, column: str) -> None:
    put(tmp_path, f"{called}.csv", f"{heading}\n{good}\n{bad}\n")
    assert refused(accept(tmp_path)) == [(f"{called}.csv", 3, column, "too_many_hours")]


def test_hours_of_a_whole_department_have_no_such_limit(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務時間\n市民課,2025-04,1900\n")
    assert refused(accept(tmp_path)) == []


def test_possible_but_unlikely_hours_are_remarked(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "職員番号,年月,時間外勤務時間\n1,2025-04,201\n2,2025-04,10\n")
    put(tmp_path, "業務量.csv", "業務コード,日付,職員番号,時間（分）\nP1,2025-04-01,1,800\nP2,2025-04-01,1,800\nP1,2025-04-02,1,800\n")
    dataset = accept(tmp_path)
    assert refused(dataset) == []
    assert "200時間を超える行が1行" in remarks(dataset, "勤務時間.csv")
    assert "24時間を超える日が1あります" in remarks(dataset, "業務量.csv")

"""The realistic faults of a delivery as a whole (docs/FAULTS.md): repeated exports, people and departments that do not fit, gaps."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import xlsxwriter

from tests.deliveries import MONTHS, SECRET, accept, put, put_sheet, refused, remarks, values

DOCS = Path(__file__).resolve().parents[2] / "docs" / "FAULTS.md"
WORKLOAD = "業務コード,年月,件数,時間（分）\nP1,2025-04,10,100\nP2,2025-04,10,100\nP3,2025-04,7,70\n"
MAY = "P1,2025-05,11,110\nP2,2025-05,12,120\nP3,2025-05,13,130\n"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


# The same export twice


def test_a_file_delivered_twice_is_counted_once_and_the_second_named(tmp_path: Path) -> None:
    put(tmp_path, "業務量.csv", WORKLOAD)
    shutil.copy(tmp_path / "業務量.csv", tmp_path / "業務量 (1).csv")
    dataset = accept(tmp_path)
    assert values(dataset, "workload", 'sum(cases)::INTEGER, sum("minutes")::INTEGER') == [(27, 270)]
    assert sorted(one.rows_read for one in dataset.report.files) == [0, 3]
    assert "「業務量 (1).csv」と中身が同じなので、二重に数えないよう読みませんでした" in remarks(dataset, "業務量.csv")


def test_the_same_rows_in_another_order_encoding_and_format_are_the_same_export(tmp_path: Path) -> None:
    header, *body = WORKLOAD.splitlines()
    put(tmp_path, "業務量A.csv", "\n".join([header, *reversed(body), ""]), "cp932")
    columns = header.split(",")
    put_sheet(tmp_path, "業務量B.xlsx", [columns[::-1], *(line.split(",")[::-1] for line in body)])
    dataset = accept(tmp_path)
    assert dataset.rows("workload") == 3
    assert "「業務量A.csv」と中身が同じ" in remarks(dataset, "業務量B.xlsx")


def test_a_sheet_copied_within_a_workbook_is_counted_once(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "業務量.xlsx")) as book:
        for sheet in ("4月", "4月 (2)"):
            page = book.add_worksheet(sheet)
            for number, line in enumerate(WORKLOAD.splitlines()):
                page.write_row(number, 0, line.split(","))
    dataset = accept(tmp_path)
    assert dataset.rows("workload") == 3
    assert "「業務量.xlsx 4月」と中身が同じ" in remarks(dataset, "業務量.xlsx")


def test_a_log_of_events_delivered_twice_is_counted_once(tmp_path: Path) -> None:
    for called in ("log.csv", "log_copy.csv"):
        put(tmp_path, called, "case,time\n1,2025-04-01 09:00\n1,2025-04-01 10:00\n2,2025-04-02 09:00\n2,2025-04-02 12:00\n3,きのう\n")
    put(tmp_path, "mapping.yaml", "files: {'log*.csv': {event_log: {case: case, timestamp: time}}}")
    dataset = accept(tmp_path)
    assert values(dataset, "workload", "process_id, cases::INTEGER") == [("log", 2)]
    assert refused(dataset) == [("log.csv", 6, "time", "not_a_date")]
    assert "「log.csv」と中身が同じ" in remarks(dataset, "log_copy.csv")


def test_exports_that_overlap_in_a_month_count_it_once(tmp_path: Path) -> None:
    put(tmp_path, "業務量4月.csv", WORKLOAD)
    put(tmp_path, "業務量上期.csv", WORKLOAD + MAY)
    dataset = accept(tmp_path)
    assert refused(dataset) == [("業務量上期.csv", row, "", "delivered_twice") for row in (2, 3, 4)]
    assert values(dataset, "workload", "sum(cases)::INTEGER, count(*)") == [(27 + 36, 6)]


def test_two_equal_rows_in_two_files_may_be_chance_and_are_remarked(tmp_path: Path) -> None:
    put(tmp_path, "費用A.csv", "年度,予算区分,内容,金額\nR7,当初,講師謝金,100000\n")
    put(tmp_path, "費用B.csv", "年度,予算区分,内容,金額\nR7,当初,講師謝金,100000\nR8,当初,講師謝金,5\n")
    dataset = accept(tmp_path)
    assert (dataset.rows("costs"), refused(dataset)) == (3, [])
    assert "別のファイルと同じ内容の行が1行" in remarks(dataset, "費用B.csv")


def test_rows_with_a_key_that_were_delivered_twice_stay_once_and_contradictions_go(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間1.csv", "所属,年月,時間外勤務時間\n市民課,2025-04,10\n福祉課,2025-04,12\n")
    put(tmp_path, "勤務時間2.csv", "所属,年月,時間外勤務時間\n市民課,2025-04,10\n福祉課,2025-04,13\n市民課,2025-05,9\n")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間1.csv", 3, "所属", "duplicate"), ("勤務時間2.csv", 2, "所属", "duplicate"), ("勤務時間2.csv", 3, "所属", "duplicate")]
    assert values(dataset, "worktime", "overtime_hours::INTEGER") == [(9,), (10,)]


def test_the_same_people_on_next_years_roster_and_the_same_hours_next_year_are_no_repetition(tmp_path: Path) -> None:
    for year in ("R5", "R6"):
        put(tmp_path, f"職員名簿{year}.4.1.csv", f"職員番号,氏名,所属\n1,{SECRET},市民課\n2,乙,福祉課\n")
    with xlsxwriter.Workbook(str(tmp_path / "時間外勤務.xlsx")) as book:
        for sheet in ("R5年度", "R6年度"):
            page = book.add_worksheet(sheet)
            page.write_row(0, 0, ["課", *MONTHS])
            page.write_row(1, 0, ["市民課", *[5] * 12])
    dataset = accept(tmp_path)
    assert values(dataset, "assignments", "valid_from::VARCHAR") == [("2023-04-01",)] * 2
    assert dataset.rows("worktime") == 24
    assert dataset.report.rows_rejected == 0


# People


def test_staff_unknown_to_the_personnel_division_is_quarantined(tmp_path: Path) -> None:
    put(tmp_path, "職員.csv", f"職員番号,氏名,級\n0012,{SECRET},3級\n")
    put(tmp_path, "受講記録.csv", "職員番号,研修番号,受講日\n0012,A,R7.5.1\n0099,A,R7.5.1\n")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("受講記録.csv", 3, "職員番号", "unknown_reference")]
    assert dataset.rows("training") == 1


@pytest.mark.parametrize(
    ("first_ends", "second_begins", "said"),
    [
        ("R6.6.30", "R6.7.1", None),
        ("R6.7.31", "R6.7.1", "同じ日に二つの所属がある人が1人"),
        ("R6.7.1", "R6.7.1", "同じ日に二つの所属がある人が1人"),
        ("R6.5.31", "R6.7.1", "空白の期間がある人が1人"),
        ("", "R6.7.1", "終了日が空欄のまま次の所属が始まる人が1人"),
    ],
)
def test_overlapping_and_gapped_transfers_are_remarked(tmp_path: Path, first_ends: str, second_begins: str, said: str | None) -> None:
    rows = f"0012,市民課,R6.4.1,{first_ends}\n0012,福祉課,{second_begins},\n0013,市民課,R6.4.1,\n"
    put(tmp_path, "所属履歴.csv", "職員番号,所属,開始日,終了日\n" + rows)
    dataset = accept(tmp_path)
    assert dataset.rows("assignments") == 3
    found = remarks(dataset, "所属履歴.csv")
    assert said in found if said else "注意" not in found


# Departments


def put_departments(folder: Path) -> None:
    rows = ["001,市民課,R3.4.1,R6.3.31,010", "002,窓口課,R3.4.1,R6.3.31,010", "010,市民窓口課,R6.4.1,,", "003,福祉課,R3.4.1,,"]
    put(folder, "所属.csv", "\n".join(["所属コード,所属名,開始日,終了日,後継所属コード", *rows, ""]))


def test_a_merged_department_is_known_by_its_old_and_its_new_name(tmp_path: Path) -> None:
    put_departments(tmp_path)
    put(tmp_path, "人員.csv", "所属,年月,実員\n市民課,2024-03,10\n窓口課,2024-03,5\n市民窓口課,2024-04,15\n福祉課,2024-03,4\n福祉課,2024-04,4\n")
    dataset = accept(tmp_path)
    assert refused(dataset) == []
    assert values(dataset, "headcount", "department_id") == [("001",), ("002",), ("003",), ("003",), ("010",)]
    assert values(dataset, "departments", "successor_id") == [("010",), ("010",), (None,), (None,)]
    assert "注意" not in remarks(dataset, "所属.csv") + remarks(dataset, "人員.csv")


def test_an_old_name_that_is_on_no_list_is_quarantined_with_the_way_to_add_it(tmp_path: Path) -> None:
    put_departments(tmp_path)
    put(tmp_path, "人員.csv", "所属,年月,実員\n戸籍課,2024-04,10\n福祉課,2024-04,4\n")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("人員.csv", 2, "所属", "unknown_department")]
    assert "後継所属コードを付けて" in dataset.rejected.read_text(encoding="utf-8-sig")


def test_figures_of_a_department_that_had_ended_are_remarked(tmp_path: Path) -> None:
    put_departments(tmp_path)
    put(tmp_path, "人員.csv", "所属,年月,実員\n市民課,2024-03,10\n市民課,2024-04,10\n窓口課,2024-03,5\n福祉課,2024-03,4\n市民窓口課,2024-04,1\n")
    assert "終了日より後の月の行が1行" in remarks(accept(tmp_path), "人員.csv")


def test_a_department_that_ends_without_a_successor_or_with_an_unknown_one_is_remarked(tmp_path: Path) -> None:
    put(tmp_path, "所属.csv", "所属コード,所属名,終了日,後継所属コード\n001,市民課,R6.3.31,\n002,窓口課,R6.3.31,099\n003,福祉課,,\n")
    said = remarks(accept(tmp_path), "所属.csv")
    assert "後継所属コードが所属の一覧にない所属が1" in said
    assert "後継所属コードのない所属が1" in said


# Gaps


def test_a_month_and_a_department_wholly_missing_are_remarked_and_not_taken_for_zero(tmp_path: Path) -> None:
    put(tmp_path, "所属.csv", "所属コード,所属名\n001,市民課\n002,福祉課\n003,税務課\n")
    rows = [f"{department},2025-{month:02d},1" for department in ("市民課", "福祉課") for month in (4, 5, 7, 8)]
    put(tmp_path, "勤務時間.csv", "\n".join(["所属,年月,時間外勤務時間", *rows, ""]))
    dataset = accept(tmp_path)
    said = remarks(dataset, "勤務時間.csv")
    assert "行が一つもない月が1あります（2025-06）" in said
    assert "行が一つもない所属が1あります" in said
    assert dataset.rows("worktime") == 8


def test_a_yearly_roster_has_no_missing_months(tmp_path: Path) -> None:
    put(tmp_path, "人員.csv", "所属,年月,実員\n市民課,2023-04,10\n市民課,2024-04,10\n市民課,2025-04,11\n")
    assert "注意" not in remarks(accept(tmp_path), "人員.csv")


# The page


def test_each_fault_of_the_page_has_its_tests_and_each_test_stands_on_the_page() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_faults_in_*.py"))
    tests = set(re.findall(r"^def (test_\w+)", written, flags=re.MULTILINE)) - {"test_each_fault_of_the_page_has_its_tests_and_each_test_stands_on_the_page"}
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 40
    assert all(re.search(r"\| (止める|除く|注記|読む)", row) and "`test_" in row for row in rows)
    assert {name for row in rows for name in re.findall(r"`(test_\w+)`", row)} == tests

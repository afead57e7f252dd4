"""Every way in which a city lays out a cross-tab, and months in two columns, against what a person reads off the sheet."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from kdx_eval.errors import DataError, KdxError, SchemaError
from kdx_eval.load import Dataset, load_dataset

MONTHS = [f"{(n + 3) % 12 + 1}月" for n in range(12)]
HALF = MONTHS[:6]


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def book(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    with xlsxwriter.Workbook(str(path)) as workbook:
        for called, rows in sheets.items():
            page = workbook.add_worksheet(called)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    page.write(number, column, value)


def said(folder: Path, text: str) -> None:
    (folder / "mapping.yaml").write_text(text, encoding="utf-8", newline="\n")


def found(dataset: Dataset, table: str, *columns: str) -> list[tuple[object, ...]]:
    with dataset.connect() as con:
        listed = ", ".join(f'"{column}"' for column in columns)
        rows = con.execute(f"SELECT {listed} FROM {table} ORDER BY ALL").fetchall()
    return [tuple(plain(cell) for cell in row) for row in rows]


def plain(cell: object) -> object:
    if isinstance(cell, dt.date):
        return f"{cell:%Y-%m}"
    return float(cell) if isinstance(cell, int | Decimal) else cell


def notes(dataset: Dataset) -> str:
    return "\n".join(note for file in dataset.report.files for note in file.notes)


def test_hours_and_allowances_stacked_on_one_sheet_become_one_row_for_each_department_and_month(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["時間外勤務の状況（令和6年度）"],
        ["（１）時間外勤務時間"],
        ["課", *HALF],
        ["市民課", 1, 2, 3, 4, 5, 6],
        ["福祉課", 0, "", 3, 4, 5, 6],
        ["合計", 1, 2, 6, 8, 10, 12],
        [],
        ["（２）時間外勤務手当（単位：千円）"],
        ["課", *HALF],
        ["市民課", 2, 4, 6, 8, 10, 12],
        ["福祉課", 1, 1, 1, 1, 1, 1],
        ["※ 手当は支給月による"],
    ]
    book(tmp_path / "時間外.xlsx", {"一覧": rows})
    dataset = load_dataset(tmp_path)
    read = found(dataset, "worktime", "department_id", "month", "overtime_hours", "paid_overtime_yen")
    assert read[:2] == [("市民課", "2024-04", 1.0, 2000.0), ("市民課", "2024-05", 2.0, 4000.0)]
    assert read[6:8] == [("福祉課", "2024-04", 0.0, 1000.0), ("福祉課", "2024-05", None, 1000.0)]
    assert len(read) == 12
    assert (dataset.report.rows_read, dataset.report.rows_rejected) == (24, 0)
    assert "注意" not in notes(dataset)
    assert "3行から下の表: 時間外勤務時間" in notes(dataset)


def test_the_same_measure_twice_is_still_a_duplicate(tmp_path: Path) -> None:
    book(tmp_path / "時間外.xlsx", {"R6": [["課", *HALF], ["市民課", *range(6)]], "R6 (2)": [["課", *HALF], ["市民課", *range(1, 7)]]})
    dataset = load_dataset(tmp_path)
    assert dataset.report.rows_rejected == 12
    assert "duplicate" in dataset.rejected.read_text(encoding="utf-8-sig")


def test_years_stacked_on_one_sheet_are_told_by_their_titles(tmp_path: Path) -> None:
    rows: list[list[object]] = [["時間外勤務時間 令和5年度"], ["課", *MONTHS], ["市民課", *[5] * 12], ["令和6年度"], ["課", *MONTHS], ["市民課", *[6] * 12]]
    book(tmp_path / "時間外.xlsx", {"R5-R6": rows})
    read = found(load_dataset(tmp_path), "worktime", "month", "overtime_hours")
    assert read[0] == ("2023-04", 5.0)
    assert read[11:13] == [("2024-03", 5.0), ("2024-04", 6.0)]
    assert read[-1] == ("2025-03", 6.0)


def test_years_side_by_side_are_told_by_the_row_above(tmp_path: Path) -> None:
    upper = ["課", "令和5年度", *[""] * 12, "令和6年度", *[""] * 12]
    rows: list[list[object]] = [["時間外勤務時間"], upper, ["", *MONTHS, "計", *MONTHS, "計"], ["市民課", *[5] * 12, 60, *[6] * 12, 72]]
    book(tmp_path / "時間外.xlsx", {"一覧": rows})
    dataset = load_dataset(tmp_path)
    read = found(dataset, "worktime", "department_id", "month", "overtime_hours")
    assert (len(read), read[0], read[-1]) == (24, ("市民課", "2023-04", 5.0), ("市民課", "2025-03", 6.0))
    assert "注意" not in notes(dataset)


def test_tables_side_by_side_keep_their_own_departments(tmp_path: Path) -> None:
    rows: list[list[object]] = [["課", *HALF, "", "課", *HALF], ["市民課", *[1] * 6, "", "福祉課", *[2] * 6], ["税務課", *[3] * 6]]
    book(tmp_path / "時間外.xlsx", {"R6": rows})
    read = found(load_dataset(tmp_path), "worktime", "department_id", "month", "overtime_hours")
    assert [(row[0], row[2]) for row in read if row[1] == "2024-04"] == [("市民課", 1.0), ("福祉課", 2.0), ("税務課", 3.0)]


def test_the_same_months_twice_without_a_year_are_refused(tmp_path: Path) -> None:
    book(tmp_path / "時間外.xlsx", {"R6": [["課", *HALF, *HALF], ["市民課", *range(12)]]})
    with pytest.raises(DataError, match="「4月」の列が二つ"):
        load_dataset(tmp_path)


def test_half_year_totals_agree_with_their_half(tmp_path: Path) -> None:
    header = ["課", *HALF, "上期計", *MONTHS[6:], "下期計", "合計"]
    book(tmp_path / "時間外.xlsx", {"R6": [header, ["市民課", *[1] * 6, 6, *[2] * 6, 12, 18]]})
    dataset = load_dataset(tmp_path)
    assert dataset.rows("worktime") == 12
    assert "注意" not in notes(dataset)
    book(tmp_path / "時間外.xlsx", {"R6": [header, ["市民課", *[1] * 6, 7, *[2] * 6, 12, 18]]})
    assert "合計の列が内訳の合計と合わない行が1つ" in notes(load_dataset(tmp_path))


def test_departments_across_and_months_down(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["時間外勤務時間（令和6年度）"],
        ["月", "市民課", "福祉課", "計"],
        *[[month, number, 2, number + 2] for number, month in enumerate(MONTHS)],
        ["合計", 66, 24, 90],
    ]
    book(tmp_path / "時間外.xlsx", {"一覧": rows})
    dataset = load_dataset(tmp_path)
    read = found(dataset, "worktime", "department_id", "month", "overtime_hours")
    assert (len(read), read[0], read[11]) == (24, ("市民課", "2024-04", 0.0), ("市民課", "2025-03", 11.0))
    assert "注意" not in notes(dataset)


def test_months_down_take_the_year_written_once_beside_them(tmp_path: Path) -> None:
    rows: list[list[object]] = [["年度", "月", "市民課", "福祉課"]]
    rows += [["R5" if number == 0 else "", month, 1, 2] for number, month in enumerate(MONTHS)]
    rows += [["R6" if number == 0 else "", month, 3, 4] for number, month in enumerate(MONTHS)]
    book(tmp_path / "時間外.xlsx", {"一覧": rows})
    read = found(load_dataset(tmp_path), "worktime", "department_id", "month", "overtime_hours")
    assert (read[0], read[12], read[23]) == (("市民課", "2023-04", 1.0), ("市民課", "2024-04", 3.0), ("市民課", "2025-03", 3.0))


def test_a_list_with_months_down_is_no_cross_tab(tmp_path: Path) -> None:
    lines = "".join(f"2024-{month:02d},市民課,{month},100\n" for month in range(1, 13))
    (tmp_path / "時間外.csv").write_text("年月,所属,時間外勤務時間,時間外勤務手当\n" + lines, encoding="utf-8")
    assert found(load_dataset(tmp_path), "worktime", "month", "overtime_hours")[0] == ("2024-01", 1.0)


def test_workload_by_process_and_measure_row_by_row(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["業務量調査 令和6年度"],
        ["課名", "業務名", "区分", *HALF],
        ["市民課", "住民票", "件数", 10, 20, 30, 40, 50, 60],
        ["", "", "処理時間", 100, 200, 300, 400, 500, 600],
        ["税務課", "証明", "件数", 1, 2, 3, 4, 5, 6],
        ["", "", "処理時間", 9, 8, 7, 6, 5, 4],
    ]
    book(tmp_path / "業務量.xlsx", {"一覧": rows})
    read = found(load_dataset(tmp_path), "workload", "department_id", "process_id", "month", "cases", "minutes")
    assert ("市民課", "住民票", "2024-04", 10.0, None) in read
    assert ("市民課", "住民票", "2024-04", None, 100.0) in read
    assert len(read) == 24


def test_headcount_and_indicators_are_read_from_cross_tabs(tmp_path: Path) -> None:
    book(tmp_path / "人員.xlsx", {"定数R6": [["課", *HALF], ["市民課", *[10] * 6]], "実員R6": [["課", *HALF], ["市民課", *[9] * 6]]})
    book(tmp_path / "成果指標.xlsx", {"R6年度": [["所属", "指標", *HALF], ["市民課", "生成AI利用回数", *range(6)]]})
    dataset = load_dataset(tmp_path)
    assert found(dataset, "headcount", "department_id", "month", "quota", "actual")[0] == ("市民課", "2024-04", 10.0, 9.0)
    assert found(dataset, "indicators", "unit_type", "unit_id", "month", "value")[1] == ("department", "市民課", "2024-05", 1.0)


def test_a_calendar_year_is_no_fiscal_year(tmp_path: Path) -> None:
    calendar = [f"{month}月" for month in range(1, 13)]
    book(tmp_path / "時間外.xlsx", {"2024年": [["課", *calendar], ["市民課", *range(1, 13)]]})
    assert found(load_dataset(tmp_path), "worktime", "month", "overtime_hours")[0] == ("2024-01", 1.0)
    book(tmp_path / "時間外.xlsx", {"R6年度": [["課", *calendar], ["市民課", *range(1, 13)]]})
    with pytest.raises(DataError, match="どの年か決められません"):
        load_dataset(tmp_path)
    said(tmp_path, "files: {時間外.xlsx: {crosstab: {fiscal_year: R6}}}")
    assert found(load_dataset(tmp_path), "worktime", "month", "overtime_hours")[0] == ("2024-04", 4.0)


def test_a_row_with_values_and_no_department_is_refused_and_not_lost(tmp_path: Path) -> None:
    book(tmp_path / "時間外.xlsx", {"R6": [["課", *HALF], ["市民課", *range(6)], ["", *range(6)]]})
    dataset = load_dataset(tmp_path)
    assert (dataset.report.rows_read, dataset.report.rows_accepted, dataset.report.rows_rejected) == (12, 6, 6)


def test_months_that_only_the_row_of_totals_fills_were_not_collected(tmp_path: Path) -> None:
    book(tmp_path / "時間外.xlsx", {"R6": [["課", *HALF], ["市民課", 1, 2, 3, 4, "", ""], ["合計", 1, 2, 3, 4, 0, 0]]})
    dataset = load_dataset(tmp_path)
    assert dataset.rows("worktime") == 4
    assert "未収集" in notes(dataset)


def test_a_table_of_names_without_ids_is_refused_so_that_no_name_becomes_a_department(tmp_path: Path) -> None:
    book(tmp_path / "時間外.xlsx", {"R6": [["氏名", *HALF], ["山田太郎", *range(6)]]})
    with pytest.raises(DataError, match="氏名だけの表") as caught:
        load_dataset(tmp_path)
    assert "山田" not in caught.value.message


def test_sheets_of_one_file_are_described_one_by_one(tmp_path: Path) -> None:
    book(
        tmp_path / "勤務.xlsx",
        {"R5実績": [["部署", *HALF], ["市民課", *[1] * 6]], "R6実績": [["グループ", *HALF], ["市民課", *[60] * 6]], "集計": [["x"], [1]]},
    )
    said(
        tmp_path,
        "files:\n  勤務.xlsx:\n  - {sheet: 'R5*', crosstab: {key: 部署, measure: overtime_hours}}\n"
        "  - {sheet: 'R6*', crosstab: {key: グループ, measure: overtime_hours}, units: {overtime_hours: 分}}\n  - {sheet: 集計, ignore: true}\n",
    )
    dataset = load_dataset(tmp_path)
    assert found(dataset, "worktime", "month", "overtime_hours")[::6] == [("2023-04", 1.0), ("2024-04", 1.0)]
    assert "mapping.yaml の指定により読みません" in notes(dataset)


def test_code_lists_rows_and_columns_to_leave_out_hold_for_all_files_or_one(tmp_path: Path) -> None:
    said(
        tmp_path,
        "columns: {組織: department_id}\nvalues: {department_id: {0101: 市民課, no: 福祉課}, course_id: {AI基礎: K1}}\n"
        "files:\n  時間外.csv: {skip_rows: [3, 'うち*'], ignore_columns: [時間外時間]}\n",
    )
    (tmp_path / "時間外.csv").write_text(
        "組織,年月,時間外勤務時間,時間外時間\n0101,2024-04,3,99\n0101,2024-05,4,99\nうち再任用,2024-04,1,1\nno,2024-04,5,99\n", encoding="utf-8"
    )
    (tmp_path / "受講記録.csv").write_text("職員番号,組織,研修名,修了日\n1,0101,AI基礎,2024-05-01\n", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert found(dataset, "worktime", "department_id", "month", "overtime_hours") == [("市民課", "2024-04", 3.0), ("福祉課", "2024-04", 5.0)]
    assert found(dataset, "training", "department_id", "course_id") == [("市民課", "K1")]
    assert "2行を読みません" in notes(dataset)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("年度,月,課,時間外\n令和6年度,1月,市民課,3\n", "2025-01"),
        ("年度,月,課,時間外\nR6,4,市民課,3\n", "2024-04"),
        ("年,月,課,時間外\n2024,1,市民課,3\n", "2024-01"),
        ("年,月,課,時間外\n令和6年,12月,市民課,3\n", "2024-12"),
        ("西暦,月,課,時間外\n２０２４,０１,市民課,3\n", "2024-01"),
    ],
)
def test_a_month_in_two_columns_is_one_month(tmp_path: Path, text: str, month: str) -> None:
    (tmp_path / "時間外.csv").write_text(text, encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert found(dataset, "worktime", "department_id", "month", "overtime_hours") == [("市民課", month, 3.0)]
    assert "合わせて年月としました" in notes(dataset)


def test_a_month_without_any_year_takes_that_of_the_sheet(tmp_path: Path) -> None:
    book(tmp_path / "時間外.xlsx", {"R6年度": [["月", "課", "時間外"], [4, "市民課", 1], [1, "市民課", 2]]})
    dataset = load_dataset(tmp_path)
    assert found(dataset, "worktime", "month", "overtime_hours") == [("2024-04", 1.0), ("2025-01", 2.0)]
    assert "2024年度の月として読みました" in notes(dataset)


def test_the_two_columns_may_be_named_by_the_mapping_and_bad_parts_refuse_the_row(tmp_path: Path) -> None:
    said(tmp_path, "files: {時間外.csv: {year_month: {fiscal_year: 区分年, month: 期}}}")
    (tmp_path / "時間外.csv").write_text("区分年,期,課,時間外\nR6,1,市民課,3\nR6,13,市民課,3\nいつか,4,市民課,3\n", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert found(dataset, "worktime", "month", "overtime_hours") == [("2025-01", 3.0)]
    assert dataset.report.rows_rejected == 2
    assert "区分年・期,not_a_month" in dataset.rejected.read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("files:\n  a.xlsx: {table: worktime}\n  a.xlsx: {table: costs}\n", "二度書かれ"),
        ("files: {時間外.xlsx: {crosstab: {measure: overtime}}}", "overtime_hours"),
        ("files: {時間外.xlsx: {crosstab: {across: よこ}}}", "使える語"),
        ("files: {時間外.xlsx: {crosstab: {key: 部署}}}", "月の左にある見出し: 課"),
        ("files: {時間外.xlsx: {units: {overtime_hours: 千円}}}", "使える単位: 分"),
        ("files: {時間外.xlsx: {header_row: 三}}", "header_row: 3"),
        ("files: {時間外.xlsx: {year_month: {month: 月}}}", "fiscal_year: 年度"),
        ("files: {時間外.xlsx: {skip_rows: {3: x}}}", "一覧"),
        ("values: {staus: {a: b}}", "status"),
        ("files: {時間外.xlsx: {values: 3}}", "values"),
    ],
)
def test_what_the_mapping_says_wrongly_is_named_with_its_remedy(tmp_path: Path, text: str, words: str) -> None:
    book(tmp_path / "時間外.xlsx", {"R6": [["課", *HALF], ["市民課", *range(6)]]})
    said(tmp_path, text)
    with pytest.raises(KdxError) as caught:
        load_dataset(tmp_path)
    assert isinstance(caught.value, SchemaError)
    assert words in caught.value.message


def test_a_heading_the_mapping_names_in_vain_is_remarked(tmp_path: Path) -> None:
    (tmp_path / "時間外.csv").write_text("課,年月,時間外\n市民課,2024-04,3\n", encoding="utf-8")
    said(tmp_path, "files: {時間外.csv: {columns: {部門: department_id}}}")
    assert "見出し「部門」がこの表にありません" in notes(load_dataset(tmp_path))

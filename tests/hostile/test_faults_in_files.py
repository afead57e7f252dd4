"""The realistic faults of whole files, sheets and headings (docs/FAULTS.md), each with the answer it must get."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from tests.deliveries import MONTHS, SECRET, accept, edit_part, put, put_sheet, refused, remarks, stops, values

TRAINING = "職員番号,氏名,研修番号,受講日,受講時間\n0012,秘密丸　太郎,生成ＡＩ研修,R7.5.1,6\n0013,山田　花子,生成ＡＩ研修,R7.5.2,6\n"
OVERTIME = "所属,年月,時間外勤務時間\n市民課,2025-04,10.5\n福祉課,2025-04,12\n"
OVERTIME_ROWS: list[list[object]] = [["所属", "年月", "時間外勤務時間"], ["市民課", "2025-04", 10.5], ["福祉課", "2025-04", 12]]
BOTH = [("市民課", 10.5), ("福祉課", 12.0)]
HOURS = "department_id, overtime_hours::DOUBLE"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def overtime(folder: Path) -> list[tuple[object, ...]]:
    return values(accept(folder), "worktime", HOURS)


# Encodings and characters


@pytest.mark.parametrize(
    "spoilt",
    [
        TRAINING.encode("cp932").decode("utf-8", errors="replace").encode("utf-8"),  # cp932 opened as UTF-8
        TRAINING.encode("utf-8").decode("cp932", errors="replace").encode("utf-8"),  # UTF-8 opened as cp932
        TRAINING.encode("utf-8").decode("cp932", errors="ignore").encode("cp932"),  # the same, saved as cp932
        TRAINING.encode("utf-8").decode("latin-1").encode("utf-8"),  # UTF-8 opened as a western text
        TRAINING.encode("cp932").decode("latin-1").encode("utf-8"),  # cp932 opened as a western text
    ],
)
def test_text_saved_after_opening_it_in_a_wrong_encoding_stops(tmp_path: Path, spoilt: bytes) -> None:
    put(tmp_path, "受講記録.csv", spoilt)
    stops(tmp_path, place="受講記録.csv ", reason="文字")


def test_a_csv_opened_wrongly_in_excel_and_saved_as_a_workbook_stops(tmp_path: Path) -> None:
    rows = [line.split(",") for line in TRAINING.encode("utf-8").decode("cp932", errors="replace").splitlines()]
    put_sheet(tmp_path, "受講記録.xlsx", rows)
    stops(tmp_path, place="受講記録.xlsx 一覧 1行目", reason="失われ")
    put_sheet(tmp_path, "受講記録.xlsx", [[cell.replace("\ufffd", "・") for cell in row] for row in rows])
    stops(tmp_path, place="受講記録.xlsx 一覧 1行目", reason="文字化け")


def test_a_row_whose_characters_were_lost_is_quarantined(tmp_path: Path) -> None:
    put(tmp_path, "worktime.csv", "department_id,month,overtime_hours\n市民課,2025-04,1\n\ufffds\ufffd,2025-05,2\n")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("worktime.csv", 3, "department_id", "lost_characters")]
    assert values(dataset, "worktime", HOURS) == [("市民課", 1.0)]


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ((("utf-8", TRAINING), ("cp932", "0014,佐藤　次郎,生成ＡＩ研修,R7.6.1,6\n")), 4),
        ((("cp932", TRAINING), ("utf-8", "0014,佐藤　次郎,生成ＡＩ研修,R7.6.1,6\n")), 4),
        ((("cp932", TRAINING), ("utf-8", "0014,市民,生成研修,R7.6.1,6\n")), 4),
        ((("utf-8", TRAINING), ("euc_jp", "0014,佐藤　次郎,生成ＡＩ研修,R7.6.1,6\n")), 4),
    ],
)
def test_a_file_of_two_encodings_stops_and_names_the_first_line_of_the_second(tmp_path: Path, parts: tuple[tuple[str, str], ...], line: int) -> None:
    put(tmp_path, "受講記録.csv", b"".join(text.encode(encoding) for encoding, text in parts))
    stops(tmp_path, place=f"受講記録.csv {line}行目", reason="文字コードが途中で変わっています")


def test_a_line_in_no_known_encoding_is_named(tmp_path: Path) -> None:
    put(tmp_path, "受講記録.csv", TRAINING.encode() + b"0014,\xff\xfe\x81,A,R7.6.1,6\n")
    stops(tmp_path, place="受講記録.csv 4行目", reason="文字コード")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932", "euc_jp"])
def test_every_usual_encoding_is_read_alike(tmp_path: Path, encoding: str) -> None:
    put(tmp_path, "勤務時間.csv", OVERTIME, encoding)
    assert overtime(tmp_path) == BOTH


@pytest.mark.parametrize("lost", ["?田　太郎", "〓田　太郎", "\ue000田　太郎"])
def test_a_name_with_a_lost_or_private_character_is_remarked(tmp_path: Path, lost: str) -> None:
    put(tmp_path, "職員名簿.csv", f"職員番号,氏名,所属\n1,{lost},市民課\n2,{SECRET},市民課\n")
    dataset = accept(tmp_path)
    assert "注意: 「氏名」の1行に外字または失われた文字" in remarks(dataset, "職員名簿.csv")
    assert dataset.rows("staff") == 2


def test_a_department_with_a_private_character_is_remarked(tmp_path: Path) -> None:
    put(tmp_path, "所属.csv", "所属コード,所属名\n001,\ue001市民課\n002,福祉課\n")
    assert "外字または失われた文字（〓）を含む名称が1" in remarks(accept(tmp_path), "所属.csv")


# What stands around and in the table


def test_a_title_above_the_header_and_notes_under_the_table_are_no_data(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", f"時間外勤務の状況,,\n（令和7年度）,,\n,,\n{OVERTIME}※　数値は速報値,,\n,,\n注：臨時の職員を除く。,,\n")
    dataset = accept(tmp_path)
    assert values(dataset, "worktime", HOURS) == BOTH
    assert "注記や繰り返しの見出し2行" in remarks(dataset, "勤務時間.csv")


def test_a_header_of_two_rows_with_merged_cells_is_read(tmp_path: Path) -> None:
    rows = [["所属", "", "年月", "勤務時間", ""], ["コード", "所属名", "", "正規の勤務時間", "時間外勤務時間"], ["001", "市民課", "R7.4", 155, 10.5]]
    put_sheet(tmp_path, "勤務時間.xlsx", rows, merged=["A1:B1", "C1:C2", "D1:E1"])
    assert values(accept(tmp_path), "worktime", "month::VARCHAR, scheduled_hours::DOUBLE, overtime_hours::DOUBLE") == [("2025-04-01", 155.0, 10.5)]


def test_merged_keys_are_filled_down_and_the_filling_is_noted(tmp_path: Path) -> None:
    rows: list[list[object]] = [["所属", "年月", "時間外勤務時間"], ["市民課", "2025-04", 1], ["", "2025-05", 2], ["", "2025-06", 3], ["福祉課", "2025-04", 4]]
    put_sheet(tmp_path, "勤務時間.xlsx", rows, merged=["A2:A4"])
    dataset = accept(tmp_path)
    assert values(dataset, "worktime", HOURS) == [("市民課", 1.0), ("市民課", 2.0), ("市民課", 3.0), ("福祉課", 4.0)]
    assert "結合されたセル2行分" in remarks(dataset, "勤務時間.xlsx")


def test_a_number_over_merged_rows_belongs_to_none_of_them(tmp_path: Path) -> None:
    rows = [["所属", "年月", "時間外勤務時間"], ["市民課", "2025-04", 30], ["福祉課", "2025-04", ""], ["税務課", "2025-04", 5]]
    put_sheet(tmp_path, "勤務時間.xlsx", rows, merged=["C2:C3"])
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間.xlsx 一覧", row, "時間外勤務時間", "merged_value") for row in (2, 3)]
    assert values(dataset, "worktime", HOURS) == [("税務課", 5.0)]


def test_rows_drawn_two_sheet_rows_high_are_one_row_each(tmp_path: Path) -> None:
    rows = [["所属", "年月", "時間外勤務時間"], ["市民課", "2025-04", 10.5], ["", "", ""], ["福祉課", "2025-04", 12], ["", "", ""]]
    put_sheet(tmp_path, "勤務時間.xlsx", rows, merged=[f"{column}{row}:{column}{row + 1}" for row in (2, 4) for column in "ABC"])
    assert overtime(tmp_path) == BOTH


def test_merged_departments_of_a_cross_tab_are_filled_down_and_merged_months_refused(tmp_path: Path) -> None:
    rows = [["課", *MONTHS], ["市民課", *[1] * 12], ["", *[2] * 12], ["福祉課", 7, "", *[3] * 10]]
    put_sheet(tmp_path, "時間外勤務.xlsx", rows, sheet="R6年度", merged=["A2:A3", "B4:C4"])
    dataset = accept(tmp_path)
    found = refused(dataset)
    # The same department twice with other hours: one cannot know which is right.
    assert [entry for entry in found if entry[3] == "merged_value"] == [("時間外勤務.xlsx R6年度", 4, month, "merged_value") for month in ("4月", "5月")]
    assert {entry[:2] for entry in found if entry[3] == "duplicate"} == {("時間外勤務.xlsx R6年度", 2), ("時間外勤務.xlsx R6年度", 3)}
    assert values(dataset, "worktime", HOURS) == [("福祉課", 3.0)] * 10


def test_rows_of_totals_are_quarantined_and_counted_nowhere(tmp_path: Path) -> None:
    labels = ("市民部計", "合　計", "【合計】", "（計）", "(小計)")
    put(tmp_path, "勤務時間.csv", OVERTIME + "".join(f"{label},2025-04,22.5\n" for label in labels))
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間.csv", row, "所属", "total_row") for row in range(4, 9)]
    assert values(dataset, "worktime", HOURS) == BOTH


def test_hidden_rows_and_columns_are_read_and_remarked_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "勤務時間.xlsx")) as book:
        page, aside = book.add_worksheet("一覧"), book.add_worksheet("旧")
        for number, row in enumerate(OVERTIME_ROWS):
            page.write_row(number, 0, row)
            aside.write_row(number, 0, row)
        page.set_row(2, None, None, {"hidden": True})
        page.set_column(1, 1, None, None, {"hidden": True})
        aside.hide()
    dataset = accept(tmp_path)
    assert values(dataset, "worktime", HOURS) == BOTH
    said = remarks(dataset, "勤務時間.xlsx")
    assert "非表示の行が1行" in said
    assert "非表示の列が1列" in said
    assert "非表示のシートなので読みません" in said


def test_each_sheet_is_read_as_what_it_is_and_a_strange_one_is_named(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "実績.xlsx")) as book:
        for sheet, month in (("4月", "2025-04"), ("5月", "2025-05")):
            page = book.add_worksheet(sheet)
            page.write_row(0, 0, ["所属", "年月", "時間外勤務時間"])
            page.write_row(1, 0, ["市民課", month, 3])
        strange = book.add_worksheet("作業用")
        strange.write_row(0, 0, ["りんご", "みかん"])
        strange.set_row(0, None, None, {"hidden": True})
    dataset = accept(tmp_path)
    assert values(dataset, "worktime", HOURS) == [("市民課", 3.0)] * 2
    assert {one.sheet: one.table for one in dataset.report.files} == {"4月": "worktime", "5月": "worktime", "作業用": None}
    assert "どの表か分からないので読みません" in remarks(dataset, "実績.xlsx")


# Columns


def test_a_renamed_column_stops_with_the_nearest_heading_as_hint(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,対象の年月,時間外勤務時間\n市民課,2025-04,10\n")
    assert "対象の年月" in stops(tmp_path, place="勤務時間.csv", reason="「年月」がありません").hint


def test_a_missing_column_stops_and_is_named(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,時間外勤務時間\n市民課,10\n")
    assert "見出し「年月」の列を加える" in stops(tmp_path, place="勤務時間.csv", reason="「年月」がありません").hint


def test_an_extra_column_is_left_aside_and_named(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,年月,備考欄,時間外勤務時間\n市民課,2025-04,速報,10.5\n福祉課,2025-04,,12\n")
    dataset = accept(tmp_path)
    assert values(dataset, "worktime", HOURS) == BOTH
    assert "使わない列: 備考欄" in remarks(dataset, "勤務時間.csv")


def test_two_columns_under_one_heading_stop_with_both_positions(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "所属,年月,時間外勤務時間,時間外 勤務時間\n市民課,2025-04,10,12\n")
    stops(tmp_path, place="勤務時間.csv 1行目", reason="「時間外勤務時間」の列が二つあります（3列目と4列目）")


def test_a_month_twice_across_stops(tmp_path: Path) -> None:
    put_sheet(tmp_path, "時間外勤務.xlsx", [["課", *MONTHS, "4月"], ["市民課", *[1] * 13]], sheet="R6年度")
    stops(tmp_path, place="時間外勤務.xlsx R6年度", reason="「4月」の列が二つあります（2列目と14列目）")


def test_swapped_columns_make_no_difference(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", "時間外勤務時間,年月,所属\n10.5,2025-04,市民課\n12,2025-04,福祉課\n")
    assert overtime(tmp_path) == BOTH


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_tabs_and_semicolons_are_delimiters_too(tmp_path: Path, delimiter: str) -> None:
    put(tmp_path, "勤務時間.csv", OVERTIME.replace(",", delimiter))
    assert overtime(tmp_path) == BOTH


def test_a_line_break_in_quotes_does_not_shift_the_rows_that_are_named(tmp_path: Path) -> None:
    put(tmp_path, "勤務時間.csv", '"所属\n（課）",年月,時間外勤務時間,"備\n考"\n市民課,2025-04,10.5,"二\n行"\n福祉課,2025-04,多数,\n')
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間.csv", 6, "時間外勤務時間", "not_hours")]
    assert values(dataset, "worktime", HOURS) == BOTH[:1]


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
@pytest.mark.parametrize("after", ["0014,", "0014,佐藤"])
@pytest.mark.parametrize("lost", [0, 1])
def test_a_text_file_cut_off_stops(tmp_path: Path, encoding: str, after: str, lost: int) -> None:
    # In the middle of a line, or of a character.
    put(tmp_path, "受講記録.csv", (TRAINING + after).encode(encoding)[: -lost or None])
    stops(tmp_path, place="受講記録.csv", reason="途中で切れています")


def test_a_workbook_cut_off_stops(tmp_path: Path) -> None:
    path = put_sheet(tmp_path, "勤務時間.xlsx", OVERTIME_ROWS)
    path.write_bytes(path.read_bytes()[:-200])
    stops(tmp_path, place="勤務時間.xlsx", reason="途中で切れている")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="the old format is written by an office program")
def test_the_old_excel_format_is_read_with_a_remark_on_what_it_hides(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = put_sheet(tmp_path, "勤務時間.xlsx", OVERTIME_ROWS)
    office = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'office').as_uri()}", "--convert-to", "xls", "--outdir", str(data), str(path)]
    subprocess.run(office, check=True, capture_output=True, timeout=120)
    dataset = accept(data)
    assert values(dataset, "worktime", HOURS) == BOTH
    assert "xlsx で保存し直してください" in remarks(dataset, "勤務時間.xls")


def test_a_workbook_with_macros_is_read_and_its_macros_are_not(tmp_path: Path) -> None:
    put_sheet(tmp_path, "勤務時間.xlsm", OVERTIME_ROWS)
    assert overtime(tmp_path) == BOTH


@pytest.mark.parametrize(
    ("called", "content", "reason"),
    [
        ("勤務時間.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "パスワード"),
        ("勤務時間.xls", b"<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        ("勤務時間.xls", "\ufeff <HTML>".encode(), "HTML"),
        ("勤務時間.csv", b"<table>", "HTML"),
    ],
)
def test_a_password_and_a_web_page_under_another_name_stop(tmp_path: Path, called: str, content: bytes, reason: str) -> None:
    put(tmp_path, called, content)
    stops(tmp_path, place=called, reason=reason)


# Formulas


def test_an_error_of_a_formula_is_quarantined_and_never_empty(tmp_path: Path) -> None:
    path = put_sheet(tmp_path, "勤務時間.xlsx", [*OVERTIME_ROWS, ["税務課", "2025-04", 77], ["防災課", "2025-04", ""]])
    edit_part(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('<c r="C4"><v>77</v>', '<c r="C4" t="e"><f>1/0</f><v>#DIV/0!</v>'))
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間.xlsx 一覧", 4, "時間外勤務時間", "error_value")]
    assert values(dataset, "worktime", HOURS) == [*BOTH, ("防災課", None)]


def test_a_formula_saved_without_its_result_is_quarantined_and_never_empty(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "一覧"
    for row in (*OVERTIME_ROWS, ["税務課", "2025-04", "=1+2"]):
        page.append(row)
    book.save(tmp_path / "勤務時間.xlsx")
    dataset = accept(tmp_path)
    assert refused(dataset) == [("勤務時間.xlsx 一覧", 4, "時間外勤務時間", "uncalculated")]
    assert values(dataset, "worktime", HOURS) == BOTH
    assert "結果が保存されていない計算式が1つ" in remarks(dataset, "勤務時間.xlsx")


def test_results_that_may_be_older_than_their_numbers_are_remarked(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "勤務時間.xlsx")) as book:
        page = book.add_worksheet("一覧")
        for number, row in enumerate(OVERTIME_ROWS):
            page.write_row(number, 0, row)
        page.write_formula(2, 2, "=5+7", None, 12)
    assert "計算式1つの結果が古いかもしれません" in remarks(accept(tmp_path), "勤務時間.xlsx")
    edit_part(tmp_path / "勤務時間.xlsx", "xl/workbook.xml", lambda xml: xml.replace(' fullCalcOnLoad="1"', ""))
    assert "計算式" not in remarks(accept(tmp_path), "勤務時間.xlsx")


def test_errors_are_found_where_a_program_writes_prefixed_xml(tmp_path: Path) -> None:
    path = put_sheet(tmp_path, "勤務時間.xlsx", [*OVERTIME_ROWS, ["税務課", "2025-04", 77]])

    def prefixed(xml: str) -> str:
        head, _, body = xml.partition("?>")
        body = body.replace('<c r="C4"><v>77</v>', '<c r="C4" t="e"><v>#REF!</v>').replace(' xmlns="', ' xmlns:x="')
        return f"{head}?>" + body.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")

    edit_part(path, "xl/worksheets/sheet1.xml", prefixed)
    assert refused(accept(tmp_path)) == [("勤務時間.xlsx 一覧", 4, "時間外勤務時間", "error_value")]

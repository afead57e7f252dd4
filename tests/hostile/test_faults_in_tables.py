"""The realistic faults of tables made to be looked at (docs/FAULTS.md): what is no amount of a unit is never counted as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from kdx_eval.errors import SchemaError
from kdx_eval.load import load_dataset
from kdx_eval.load.suggest import suggest_mapping
from tests.deliveries import accept, put, put_sheet, refused, remarks, stops, values

YEAR = [f"{month}月" for month in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)]
FILE = "時間外R6.xlsx"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def cross(folder: Path, *rows: Sequence[object], title: str = "") -> None:
    put_sheet(folder, FILE, [*([[title]] if title else []), *rows], sheet="R6")


def year(called: str, value: object, *labels: str) -> list[object]:
    return [called, *labels, *[value] * 12]


def yearly(folder: Path, measure: str = "overtime_hours") -> dict[str, float]:
    frame = accept(folder).frame("worktime")
    return {str(called): round(float(total), 2) for called, total in frame.groupby("department_id")[measure].sum().items()}


# Columns of several kinds under one month


def test_people_and_hours_under_each_month_are_told_apart(tmp_path: Path) -> None:
    months = [cell for month in YEAR for cell in (month, "")]
    cross(tmp_path, ["課", *months], ["", *["人数", "時間"] * 12], ["市民課", *[10, 7.5] * 12], ["税務課", *[5, 3.0] * 12])
    assert yearly(tmp_path) == {"市民課": 90.0, "税務課": 36.0}
    assert "使わない列: 人数" in remarks(accept(tmp_path), FILE)


def test_hours_and_pay_under_each_month_are_both_read(tmp_path: Path) -> None:
    months = [cell for month in YEAR for cell in (month, "")]
    cross(tmp_path, ["課", *months], ["", *["時間", "手当額（千円）"] * 12], ["市民課", *[10, 25] * 12])
    assert yearly(tmp_path) == {"市民課": 120.0}
    assert yearly(tmp_path, "paid_overtime_yen") == {"市民課": 300_000.0}


def test_headings_under_the_months_that_name_no_value_stop(tmp_path: Path) -> None:
    cross(tmp_path, ["課", *[cell for month in YEAR for cell in (month, "")]], ["", *["平日", "休日"] * 12], ["市民課", *[1, 2] * 12])
    assert "measures" in stops(tmp_path, place="2行", reason="月の下の見出し（平日、休日）").hint
    put(tmp_path, "mapping.yaml", f"files: {{{FILE}: {{crosstab: {{measures: {{休日: overtime_hours}}}}}}}}")
    assert yearly(tmp_path) == {"市民課": 24.0}


def test_numbers_under_no_heading_between_the_months_are_remarked(tmp_path: Path) -> None:
    cross(tmp_path, ["課", *[cell for month in YEAR for cell in (month, "")]], ["市民課", *[1, 2] * 12])
    assert "注意: 見出しのない列（3列目、5列目" in remarks(accept(tmp_path), FILE)


# Rows that are no unit


def test_averages_and_comparisons_are_no_departments(tmp_path: Path) -> None:
    named = ["平均", "１課平均", "最大", "前年度", "前年比", "増減", "開庁日数", "（うち再任用）"]
    cross(tmp_path, ["課", *YEAR], year("市民課", 10), year("税務課", 20), *(year(called, 15) for called in named))
    assert yearly(tmp_path) == {"市民課": 120.0, "税務課": 240.0}
    assert "平均・前年比・うち書きなどの行8行（4行、5行、6行、7行、8行）はデータに数えていません" in remarks(accept(tmp_path), FILE)


def test_a_division_whose_row_is_the_sum_of_its_sections_is_not_counted_twice(tmp_path: Path) -> None:
    one, two = [3.14, *[5.0] * 11], [2.71, *[4.0] * 11]
    both = [5.9, *[9.0] * 11]  # 5.85 to one digit
    cross(tmp_path, ["所属", *YEAR], ["総務部", *both], ["　総務課", *one], ["　人事課", *two], year("市民部", 9), year("　市民課", 9), year("消防本部", 70))
    assert yearly(tmp_path) == {"総務課": 58.14, "人事課": 46.71, "市民課": 108.0, "消防本部": 840.0}
    assert "部や局の合計の行2行（2行、5行）はデータに数えていません" in remarks(accept(tmp_path), FILE)


def test_a_division_that_is_no_sum_of_what_follows_stays_a_unit(tmp_path: Path) -> None:
    cross(tmp_path, ["所属", *YEAR], year("総務部", 31), year("総務課", 10), year("人事課", 20))
    assert yearly(tmp_path) == {"総務部": 372.0, "総務課": 120.0, "人事課": 240.0}


def test_a_division_without_values_is_a_heading(tmp_path: Path) -> None:
    cross(tmp_path, ["所属", *YEAR], ["総務部"], year("総務課", 1))
    assert yearly(tmp_path) == {"総務課": 12.0}


# Several rows of one unit


def test_sections_of_a_department_are_added_up_and_held_against_its_total(tmp_path: Path) -> None:
    rows = [year("市民課", 1, "窓口係"), year("", 2, "記録係"), year("", 3, "課計"), year("税務課", 5, "市民税係"), year("", 6, "資産税係"), year("", 11, "計")]
    cross(tmp_path, ["課", "係", *YEAR], *rows)
    assert yearly(tmp_path) == {"市民課": 36.0, "税務課": 132.0}
    assert "「係」ごとの4行を、2行に足し合わせました" in remarks(accept(tmp_path), FILE)


def test_a_month_of_which_one_section_is_blank_stays_blank(tmp_path: Path) -> None:
    cross(tmp_path, ["課", "係", *YEAR], ["市民課", "窓口係", "", *[1] * 11], year("", 2, "記録係"), year("税務課", 1, "市民税係"))
    assert yearly(tmp_path) == {"市民課": 33.0, "税務課": 12.0}
    assert values(accept(tmp_path), "worktime", "count(overtime_hours)::INTEGER, count(*)::INTEGER") == [(23, 24)]


def test_last_year_and_this_year_under_each_other_are_never_taken_for_one_another(tmp_path: Path) -> None:
    rows = [year("市民課", 9, "R5"), year("", 7, "R6"), year("", -2, "増減"), year("税務課", 5, "R5"), year("", 6, "R6"), year("", 1, "増減")]
    cross(tmp_path, ["課", "区分", *YEAR], *rows)
    assert "rows: {区分: 言葉}" in stops(tmp_path, place="R6", reason="「区分」の列でいくつかに分かれています（2行、3行など）").hint
    put(tmp_path, "mapping.yaml", f"files: {{{FILE}: {{crosstab: {{rows: {{区分: R6}}}}}}}}")
    assert yearly(tmp_path) == {"市民課": 84.0, "税務課": 72.0}


def test_shifts_are_added_up_only_when_somebody_says_so(tmp_path: Path) -> None:
    cross(tmp_path, ["課", "種別", *YEAR], year("市民課", "1:30", "平日"), year("", "0:45", "休日"))
    stops(tmp_path, place="R6", reason="「種別」の列でいくつかに分かれています")
    put(tmp_path, "mapping.yaml", f"files: {{{FILE}: {{crosstab: {{add_up: 種別}}}}}}")
    assert yearly(tmp_path) == {"市民課": 27.0}


def test_rows_of_cases_and_of_time_take_the_unit_of_the_title_each_for_itself(tmp_path: Path) -> None:
    rows = [["（単位：時間）"], ["課", "業務名", "区分", *YEAR], ["市民課", "窓口", "件数", *[20] * 12], ["", "", "処理時間", *[1.5] * 12]]
    put_sheet(tmp_path, "業務量R6.xlsx", rows)
    assert values(accept(tmp_path), "workload", 'sum(cases)::INTEGER, sum("minutes")::INTEGER') == [(240, 1080)]


# Units and words around the numbers


@pytest.mark.parametrize("title", ["令和6年度 時間外勤務（1人当たり月平均時間）", "時間外勤務時間（累計）", "時間外勤務の対前年度増減"])
def test_a_table_that_is_called_an_average_or_a_change_is_left_aside(tmp_path: Path, title: str) -> None:
    cross(tmp_path, ["課", *YEAR], year("市民課", 12.5), title=title)
    assert "「平均」「1人当たり」「累計」「増減」などとある表を読みませんでした" in stops(tmp_path, place="", reason="どの表か分かるファイルがありません").hint
    put(tmp_path, "mapping.yaml", f"files: {{{FILE}: {{crosstab: {{measure: overtime_hours}}}}}}")
    assert yearly(tmp_path) == {"市民課": 150.0}


def test_a_title_in_yen_makes_the_table_one_of_pay(tmp_path: Path) -> None:
    cross(tmp_path, ["課", *YEAR], year("市民課", 2), title="令和6年度 時間外勤務の状況（単位：千円）")
    assert yearly(tmp_path, "paid_overtime_yen") == {"市民課": 24_000.0}


def test_a_unit_that_cannot_be_one_of_the_values_stops(tmp_path: Path) -> None:
    cross(tmp_path, ["課", *YEAR], year("市民課", 2), title="時間外勤務の状況（単位：%）")
    stops(tmp_path, place="R6", reason="表の単位「%」は「時間外勤務時間」として読めません")


def test_hours_and_minutes_parted_by_a_point_are_read_when_said_and_remarked_when_not(tmp_path: Path) -> None:
    written = ["12.30", "10.45", "8.15", "7.5"] * 3
    cross(tmp_path, ["課", *YEAR], ["市民課", *written], title="（単位：時間.分）")
    assert yearly(tmp_path) == {"市民課": 3 * (12.5 + 10.75 + 8.25 + 7 + 5 / 6) - 0.01}  # 7時間50分 is 7.83 each
    cross(tmp_path, ["課", *YEAR], *([called, *written] for called in ("市民課", "税務課", "福祉課")))
    assert "小数点の後がどれも59以下です" in remarks(accept(tmp_path), FILE)


def test_a_year_headed_by_bare_numbers_is_a_year(tmp_path: Path) -> None:
    cross(tmp_path, ["課", 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3], year("市民課", 1))
    assert yearly(tmp_path) == {"市民課": 12.0}


def test_a_unit_over_a_list_or_among_other_words_is_heeded(tmp_path: Path) -> None:
    put(tmp_path, "費用A.csv", "研修費用,,（単位：千円）\n年度,予算区分,金額\nR6,決算,2200\n")
    put(tmp_path, "費用B.csv", "年度,予算区分,金額（税込、千円）\nR7,当初,3300\n")
    dataset = accept(tmp_path)
    assert sorted(values(dataset, "costs", "fiscal_year, yen")) == [(2024, 2_200_000), (2025, 3_300_000)]
    assert "「金額」は千円とみて、円に直しました" in remarks(dataset, "費用A.csv")


@pytest.mark.parametrize("heading", ["時間外勤務時間（1人当たり）", "時間外勤務時間（時間/人）", "時間外勤務（%）"])
def test_a_column_of_averages_is_not_read_as_hours(tmp_path: Path, heading: str) -> None:
    put(tmp_path, "時間外.csv", f"年月,所属,{heading}\n2024-04,市民課,12\n")
    dataset = accept(tmp_path)
    assert "overtime_hours" not in dataset.columns("worktime")
    assert "合わないので使いません" in remarks(dataset, "時間外.csv") and "注意: 値の列がありません" in remarks(dataset, "時間外.csv")


# Surveys of work, lists of people, budgets


def test_minutes_for_each_case_are_multiplied_by_the_cases(tmp_path: Path) -> None:
    put(tmp_path, "R6業務量調査.csv", "所属,業務名,年間件数,１件当たり処理時間（分）\n市民課,窓口,\"1,200件\",15\n税務課,照会,10,1時間\n税務課,調査,10,\n")
    dataset = accept(tmp_path)
    found = values(dataset, "workload", 'process_id, fiscal_year, cases::INTEGER, "minutes"::INTEGER')
    assert sorted(found) == [("照会", 2024, 10, 600), ("窓口", 2024, 1200, 18_000), ("調査", 2024, 10, None)]
    assert "令和6年度 の表としました" in remarks(dataset, "R6業務量調査.csv")


def test_time_for_each_case_without_a_unit_is_no_time_and_is_not_proposed_as_one(tmp_path: Path) -> None:
    put(tmp_path, "R6業務量調査.csv", "所属,業務名,件数,1件当たり処理時間\n市民課,窓口,1200,0.25\n")
    dataset = accept(tmp_path)
    assert "minutes" not in dataset.columns("workload")
    assert "「1件当たり処理時間」の単位が書かれていないので使いません" in remarks(dataset, "R6業務量調査.csv")
    assert [guess.field.name for one in suggest_mapping(tmp_path) for guess in one.columns] == []
    put(tmp_path, "mapping.yaml", "files: {R6業務量調査.csv: {units: {minutes: 時間}}}")
    assert values(accept(tmp_path), "workload", '"minutes"::INTEGER') == [(18_000,)]


def test_who_was_absent_or_bears_no_mark_did_not_complete(tmp_path: Path) -> None:
    header = "氏名,所属,研修名,受講日,修了\n"
    put(tmp_path, "受講者名簿.csv", header + "山田太郎,市民課,RPA,R6.7.1,〇\n鈴木一郎,市民課,RPA,R6.7.1,\n佐藤花子,税務課,RPA,R6.7.1,×\n")
    dataset = accept(tmp_path)
    assert values(dataset, "training", "count(*)::INTEGER, count(completed_on)::INTEGER") == [(3, 1)]
    assert "「修了」が空欄の1行は、修了したか分からないので修了に数えていません" in remarks(dataset, "受講者名簿.csv")


def test_where_only_absence_is_marked_a_blank_is_attendance(tmp_path: Path) -> None:
    put(tmp_path, "受講者名簿.csv", "氏名,所属,研修名,受講日,出欠\n山田太郎,市民課,RPA,R6.7.1,\n佐藤花子,税務課,RPA,R6.7.1,欠\n")
    assert values(accept(tmp_path), "training", "count(*)::INTEGER, count(completed_on)::INTEGER") == [(2, 1)]


def test_a_day_under_the_heading_of_completion_is_the_day(tmp_path: Path) -> None:
    put(tmp_path, "受講者名簿.csv", "氏名,所属,研修名,修了\n山田太郎,市民課,RPA,R6.7.1\n")
    assert values(accept(tmp_path), "training", "strftime(completed_on, '%Y-%m-%d')") == [("2024-07-01",)]


def test_a_total_under_the_running_number_or_in_a_late_column_is_a_total(tmp_path: Path) -> None:
    put(tmp_path, "受講者名簿.csv", "No.,氏名,所属,研修名,受講日\n1,山田太郎,市民課,RPA,R6.7.1\n計,1名,,,\n")
    put(tmp_path, "費用.csv", "年度,予算区分,款項目,事業,節,金額\nR6,決算,総務,DX,委託料,100\nR6,決算,総務,DX,小計,100\n")
    dataset = accept(tmp_path)
    assert values(dataset, "costs", "sum(yen)::INTEGER") == [(100,)]
    assert {(file, rule) for file, _, _, rule in refused(dataset)} == {("受講者名簿.csv", "total_row"), ("費用.csv", "total_row")}


def test_costs_with_years_and_stages_across_are_read(tmp_path: Path) -> None:
    heading = ["事業名", "節", "R6決算", "R7当初", "R9要求", "増減"]
    put_sheet(tmp_path, "研修経費.xlsx", [["研修費用（単位：千円）"], heading, ["DX", "委託料", 2200, 3300, "", 1], ["計", "", 2200, 3300, "", 1]])
    dataset = accept(tmp_path)
    assert sorted(values(dataset, "costs", "fiscal_year, stage, section, yen")) == [(2024, "決算", "委託料", 2_200_000), (2025, "当初", "委託料", 3_300_000)]
    assert "空欄の2か所は、費用の記入がないものとして行を作っていません" in remarks(dataset, "研修経費.xlsx")


def test_all_files_that_cannot_be_read_are_named_at_once(tmp_path: Path) -> None:
    put(tmp_path, "業務量.csv", "業務名,件数\n窓口,1\n")
    with xlsxwriter.Workbook(str(tmp_path / FILE)) as book:
        book.add_worksheet("時間外").write_row(0, 0, ["課", *YEAR])
        book.worksheets()[0].write_row(1, 0, year("市民課", 1))
    put(tmp_path, "研修費用.csv", "事業,節,決算額\nDX,委託料,100\n")
    with pytest.raises(SchemaError, match="必要な列「年月」か「日付」か「年度」がありません") as caught:
        load_dataset(tmp_path)
    problem = caught.value
    assert "このほかにも、直すものが1つあります" in problem.hint and "研修費用.csv: 表「費用」に必要な列「年度」がありません" in problem.hint


@pytest.mark.parametrize("pair", ["超過勤務(平日),超過勤務(休日)", "時間外(125%),時間外(150%)"])
def test_two_headings_of_one_amount_stop_until_one_is_left_out(tmp_path: Path, pair: str) -> None:
    put(tmp_path, "時間外.csv", f"年月,所属,{pair}\n2024-04,市民課,10,2\n")
    stops(tmp_path, place="時間外.csv", reason="のどちらも「時間外勤務時間」の見出しです")
    put(tmp_path, "mapping.yaml", f'files: {{時間外.csv: {{ignore_columns: ["{pair.split(",")[1]}"]}}}}')
    assert yearly(tmp_path) == {"市民課": 10.0}


def test_a_row_of_a_list_that_is_part_of_another_is_not_counted(tmp_path: Path) -> None:
    put(tmp_path, "時間外.csv", "年月,所属,時間外\n2024-04,市民課,10\n2024-04,うち再任用,2\n2024-04,税務課※1,5\n")
    assert yearly(tmp_path) == {"市民課": 10.0, "税務課": 5.0}


# Names and words as people write them


@pytest.mark.parametrize("called", ["＜小計＞", "総 合 計", "【合計】", "計（全庁）", "合計(時間)", "Total", "出先機関計", "部計", "市民生活部 計"])
def test_a_total_is_one_however_it_is_written(tmp_path: Path, called: str) -> None:
    cross(tmp_path, ["課", *YEAR], year("市民課", 1), year("税務課", 2), year(called, 3))
    assert yearly(tmp_path) == {"市民課": 12.0, "税務課": 24.0}


def test_an_office_is_known_without_its_ending_and_with_what_people_write_beside_it(tmp_path: Path) -> None:
    cross(tmp_path, ["課", *YEAR], year("101 市民課", 1), year("税務課（旧市税課）", 2))
    put(tmp_path, "受講者名簿.csv", "氏名,所属,研修名,受講日\n山田太郎,市民,RPA,R6.7.1\n鈴木一郎,税務課（兼）,RPA,R6.7.1\n佐藤花子,(101)市民課,RPA,R6.7.1\n")
    dataset = accept(tmp_path)
    assert yearly(tmp_path) == {"市民課": 12.0, "税務課": 24.0}
    assert sorted(values(dataset, "training", "department_id")) == [("市民課",), ("市民課",), ("税務課",)]
    assert "所属の書き方の違い（「課」の省略、（兼）、番号など）3種類をそろえて読みました" in remarks(dataset, "受講者名簿.csv")


def test_the_day_of_printing_is_not_taken_for_the_year_of_the_table(tmp_path: Path) -> None:
    put_sheet(tmp_path, "時間外.xlsx", [["2025/04/10 10:00 出力"], ["課", *YEAR], year("市民課", 1)], sheet="一覧")
    stops(tmp_path, place="時間外.xlsx", reason="月だけで年度が書かれていません")


# Windows


def test_a_workbook_that_another_program_holds_stops_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cross(tmp_path, ["課", *YEAR], year("市民課", 1))
    whole = Path.open

    def held(self: Path, *args: Any, **named: Any) -> Any:
        if self.name == FILE:
            raise PermissionError(13, "Permission denied", str(self))
        return whole(self, *args, **named)

    monkeypatch.setattr(Path, "open", held)
    assert "閉じてください" in stops(tmp_path, place=FILE, reason="ファイルを開けません").hint


def test_a_mapping_may_name_a_file_with_the_separators_of_windows(tmp_path: Path) -> None:
    (tmp_path / "研修").mkdir()
    put(tmp_path / "研修", "講座.csv", "番号,日,講座\n1,R6.5.1,AI\n")
    said = "files:\r\n  研修\\講座.csv:\r\n    table: training\r\n    columns: {番号: staff_id, 日: completed_on, 講座: course_id}\r\n"
    put(tmp_path, "mapping.yaml", said, "utf-8-sig")
    assert values(accept(tmp_path), "training", "course_id") == [("AI",)]

"""Cross-tabs, two-row headers, cost lists and attendance lists: from what a division keeps to one row per fact."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from kdx_eval.load import Dataset, inspect_quality, load_dataset

MONTHS = [f"{(n + 3) % 12 + 1}月" for n in range(12)]


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def sheet(path: Path, called: str, rows: list[list[object]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(called)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                page.write(number, column, value)


def worktime(dataset: Dataset) -> list[tuple[str, dt.date, float]]:
    with dataset.connect() as con:
        return con.execute("SELECT department_id, month, overtime_hours::DOUBLE FROM worktime ORDER BY department_id, month").fetchall()


@pytest.mark.parametrize("called", ["R6", "R6年度", "令和6年度", "2024", "2024年度"])
def test_a_cross_tab_becomes_one_row_for_each_department_and_month(tmp_path: Path, called: str) -> None:
    rows: list[list[object]] = [
        ["時間外勤務時間数"],
        [],
        ["課", *MONTHS, "合計"],
        ["市民課", *range(12), 66],
        ["福祉課", *[2] * 12, 24],
        ["合計", *range(2, 14), 90],
    ]
    sheet(tmp_path / "時間外勤務.xlsx", called, rows)
    dataset = load_dataset(tmp_path)
    found = worktime(dataset)
    assert len(found) == 24
    assert found[0] == ("市民課", dt.date(2024, 4, 1), 0.0)
    assert found[11] == ("市民課", dt.date(2025, 3, 1), 11.0)
    assert dataset.report.rows_read == 24
    assert not any("注意" in note for file in dataset.report.files for note in file.notes)


def test_totals_that_do_not_add_up_are_remarked(tmp_path: Path) -> None:
    rows: list[list[object]] = [["課", *MONTHS, "合計"], ["市民課", *[1] * 12, 99], ["福祉課", *[2] * 12, 24], ["合計", *[3] * 11, 4, 36]]
    sheet(tmp_path / "時間外.xlsx", "R6年度", rows)
    notes = " ".join(note for file in load_dataset(tmp_path).report.files for note in file.notes)
    assert "合計の行のうち1つが内訳の合計と合いません" in notes
    assert "2行" in notes


def test_a_blank_is_missing_a_zero_is_zero_and_a_month_without_values_was_not_collected(tmp_path: Path) -> None:
    rows: list[list[object]] = [["課", *MONTHS], ["市民課", 0, "", *[1] * 4, *[""] * 6], ["福祉課", *["12:30"] * 6, *[""] * 6]]
    sheet(tmp_path / "時間外.xlsx", "R7年度", rows)
    dataset = load_dataset(tmp_path)
    found = worktime(dataset)
    assert len(found) == 12
    assert [value for _, _, value in found[:3]] == [0.0, None, 1.0]
    assert found[6][2] == 12.5
    (grid,) = inspect_quality(dataset).grids
    assert grid.frame()["state"].tolist() == ["zero", "missing", *["complete"] * 10]


def test_a_two_row_merged_header_with_titles_total_and_note(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "勤務時間.xlsx")) as book:
        page, bold = book.add_worksheet("一覧"), book.add_format()
        page.write(0, 0, "勤務時間（令和6年度）")
        page.merge_range(2, 0, 2, 1, "所属", bold)
        page.merge_range(2, 2, 3, 2, "年月", bold)
        page.merge_range(2, 3, 2, 4, "時間数", bold)
        for column, called in {0: "所属コード", 1: "所属名", 3: "正規の勤務時間", 4: "時間外勤務時間"}.items():
            page.write(3, column, called)
        page.write_row(4, 0, ["001", "市民課", "令和6年4月", 155, 10.5])
        page.write_row(5, 0, ["合計", "", "", 155, 10.5])
        page.write(7, 0, "注　数値は速報値")
    dataset = load_dataset(tmp_path)
    assert worktime(dataset) == [("001", dt.date(2024, 4, 1), 10.5)]
    (file,) = dataset.report.files
    assert (file.rows_read, file.rows_accepted, file.rows_rejected) == (2, 1, 1)
    assert "total_row" in dataset.rejected.read_text(encoding="utf-8")


def test_a_cost_list_is_read_and_its_kubun_is_told_by_its_values(tmp_path: Path) -> None:
    text = '年度,区分,研修名,内容,数量,単価,金額（千円）,財源\n令和6年度,委託料,生成AI研修,講師,2,"250,000",500,一財\n合計,,,,,,500,\n'
    (tmp_path / "研修費用.csv").write_text(text, encoding="cp932")
    (row,) = load_dataset(tmp_path).frame("costs").to_dict("records")
    assert (row["fiscal_year"], row["section"], row["course_id"], row["detail"]) == (2024, "委託料", "生成AI研修", "講師")
    assert (row["quantity"], row["unit_price"], row["yen"], row["funding"]) == (2, 250_000, 500_000, "一般財源")
    (tmp_path / "研修費用.csv").write_text("年度,区分,内容,金額\nR6,当初予算,講師,500\n", encoding="utf-8")
    assert load_dataset(tmp_path).frame("costs")["stage"].tolist() == ["当初"]


def attendance(
    folder: Path, rows: str, *, roster: str = "氏名,カナ,所属,級\n山田　太郎,ヤマダ タロウ,市民課,3級\n髙橋　花子,タカハシ ハナコ,福祉課,2級\n"
) -> Dataset:
    (folder / "職員名簿（令和6年4月1日現在）.csv").write_text(roster, encoding="utf-8")
    (folder / "受講者名簿.csv").write_text("氏名,所属,研修名,受講日\n" + rows, encoding="utf-8")
    return load_dataset(folder)


def test_people_are_matched_by_name_and_department_and_their_names_dropped(tmp_path: Path) -> None:
    dataset = attendance(tmp_path, "山田太郎,市民課,A,R6.5.1\n高橋 花子,福祉課,A,R6.6.1\n")
    training, staff = dataset.frame("training"), dataset.frame("staff")
    assert set(training["staff_id"]) == set(staff["staff_id"])
    assert all(len(one) == 17 and one.startswith("p") for one in staff["staff_id"])
    assert (training["enrolled_on"] == training["completed_on"]).all()
    assert not {"full_name", "kana"} & set(staff.columns)
    matched = dataset.report.matched
    assert matched is not None
    assert (matched.n_people, matched.n_matched, dict(matched.by)) == (2, 2, {"name_department": 1, "name_variant": 1})
    assert dataset.frame("assignments")["valid_from"].dt.date.tolist() == [dt.date(2024, 4, 1)] * 2


def test_somebody_not_on_the_roster_stays_with_the_department_and_never_becomes_a_control(tmp_path: Path) -> None:
    dataset = attendance(tmp_path, "鈴木一郎,市民課,A,R6.5.1\n")
    (person,) = dataset.frame("training")["staff_id"]
    assert person.startswith("d")
    assert dataset.frame("training")["department_id"].tolist() == ["市民課"]
    matched = dataset.report.matched
    assert matched is not None
    assert (matched.n_unmatched, matched.by["department_only"]) == (1, 1)


def test_namesakes_in_one_department_are_refused_unless_kana_tells_them_apart(tmp_path: Path) -> None:
    roster = "氏名,カナ,所属,級\n山田太郎,ヤマダ タロウ,市民課,3級\n山田太郎,ヤマダ フトロウ,市民課,4級\n"
    dataset = attendance(tmp_path, "山田太郎,市民課,A,R6.5.1\n", roster=roster)
    assert dataset.rows("training") == 0
    assert "ambiguous_person" in dataset.rejected.read_text(encoding="utf-8")
    (tmp_path / "受講者名簿.csv").write_text("氏名,フリガナ,所属,研修名,受講日\n山田太郎,ﾔﾏﾀﾞ ﾀﾛｳ,市民課,A,R6.5.1\n", encoding="utf-8")
    assert load_dataset(tmp_path).rows("training") == 1


def test_yearly_rosters_become_postings(tmp_path: Path) -> None:
    (tmp_path / "職員名簿R5.4.1.csv").write_text("職員番号,氏名,所属\n1,甲,市民課\n2,乙,福祉課\n3,丙,市民課\n", encoding="utf-8")
    (tmp_path / "職員名簿R6.4.1.csv").write_text("職員番号,氏名,所属\n1,甲,福祉課\n2,乙,福祉課\n", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    frame = dataset.frame("assignments")
    spells = {(row.department_id, str(row.valid_from)[:10], str(row.valid_to)[:10]) for row in frame.itertuples()}
    assert spells == {
        ("市民課", "2023-04-01", "2024-03-31"), ("福祉課", "2024-04-01", "NaT"), ("福祉課", "2023-04-01", "NaT"),
    }  # fmt: skip
    assert len(frame) == 4
    assert dataset.rows("staff") == 3


def test_an_event_log_becomes_monthly_cases_and_durations(tmp_path: Path) -> None:
    log = "case,act,time\n1,受付,2025-04-01 09:00:00+09:00\n1,完了,2025-04-02 09:30:00+09:00\n"
    log += "2,受付,2025-04-30T23:00:00+09:00\n2,完了,2025-05-01 00:00:00+09:00\n3,受付,きのう\n"
    (tmp_path / "log.csv").write_text(log, encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text("files: {log.csv: {event_log: {case: case, activity: act, timestamp: time, process: =住民票}}}", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    rows = dataset.frame("workload", ["process_id", "month", "cases", "minutes"]).values.tolist()
    assert [(row[0], str(row[1])[:10], *row[2:]) for row in rows] == [("住民票", "2025-04-01", 1, 1470.0), ("住民票", "2025-05-01", 1, 60.0)]
    assert (dataset.report.rows_read, dataset.report.rows_rejected) == (5, 1)


def test_the_municipal_log_is_read(tmp_path: Path, shared: Path) -> None:
    (tmp_path / "log.csv").write_bytes((shared / "data" / "municipal_log" / "coselog_receipt.csv").read_bytes())
    said = "files: {log.csv: {event_log: {case: 'case:concept:name', activity: 'concept:name', timestamp: 'time:timestamp', "
    said += "department: 'case:department', process: =受付}}}"
    (tmp_path / "mapping.yaml").write_text(said, encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert dataset.frame("workload")["cases"].sum() == 1434  # cases in the file
    assert dataset.report.rows_read == 8577
    assert dataset.rows("durations") == 1434

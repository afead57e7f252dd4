"""check --suggest-mapping: what is proposed makes the load succeed and gives what a person reads off the sheet; no personal text is shown."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from kdx_eval.cli.suggesting import show_suggestion
from kdx_eval.errors import KdxError, ParameterError
from kdx_eval.load import Dataset, load_dataset
from kdx_eval.load.mapping import parse_mappings
from kdx_eval.load.suggest import SheetSuggestion, suggest_mapping
from kdx_eval.load.suggest_text import mapping_text
from kdx_eval.schema import load_schema
from tests.command_line import kdx

HALF = ["4月", "5月", "6月", "7月", "8月", "9月"]
DEPARTMENTS = "所属コード,所属名\n市民課,市民課\n税務課,税務課\n福祉課,福祉課\n"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def deliver(folder: Path, files: dict[str, str]) -> None:
    for called, text in files.items():
        (folder / called).write_text(text, encoding="utf-8", newline="\n")


def book(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    with xlsxwriter.Workbook(str(path)) as workbook:
        for called, rows in sheets.items():
            page = workbook.add_worksheet(called)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)


def adopt(folder: Path) -> tuple[str, Dataset]:
    """The proposal, and what is loaded once it is put into the folder as it is."""
    text = mapping_text(suggest_mapping(folder))
    (folder / "mapping.yaml").write_text(text, encoding="utf-8", newline="\n")
    return text, load_dataset(folder)


def of(found: tuple[SheetSuggestion, ...], file: str) -> SheetSuggestion:
    return next(one for one in found if one.file == file)


def test_headings_nobody_knows_are_told_by_what_stands_under_them(tmp_path: Path) -> None:
    rows = "".join(f"2024-{month:02d},市民課,{month}:30\n2024-{month:02d},税務課,0:15\n" for month in range(4, 10))
    deliver(tmp_path, {"所属.csv": DEPARTMENTS, "超勤データ.csv": "対象とする年月,担当の部署,超過勤務の時間\n" + rows})
    assert not load_dataset(tmp_path).has("worktime")
    text, dataset = adopt(tmp_path)
    assert "対象とする年月" in text
    frame = dataset.frame("worktime")
    assert len(frame) == 12
    first = frame[(frame["department_id"] == "市民課") & (frame["month"] == dt.datetime(2024, 4, 1))]
    assert first["overtime_hours"].tolist() == [4.5]


def test_a_missing_required_column_is_no_hindrance(tmp_path: Path) -> None:
    header = "氏名,課,受けた研修名,修了した日付,修了の状況\n"
    deliver(tmp_path, {"受講記録.csv": header + "山田太郎,市民課,AI,R6.5.1,修了済み\n鈴木一郎,市民課,AI,R6.5.2,修了済み\n"})
    with pytest.raises(KdxError):
        load_dataset(tmp_path)
    text, dataset = adopt(tmp_path)
    frame = dataset.frame("training")
    assert frame[["department_id", "course_id", "status"]].values.tolist() == [["市民課", "AI", "completed"]] * 2
    assert sorted(str(day)[:10] for day in frame["completed_on"]) == ["2024-05-01", "2024-05-02"]
    assert '"修了済み": completed' in text


def test_words_and_departments_written_otherwise_are_proposed_with_the_nearest_known(tmp_path: Path) -> None:
    roster = "職員番号,氏名,所属\n1,山田太郎,市民課\n2,鈴木一郎,税務課\n"
    attended = "氏名,所属,研修名,受講日,受講状況\n山田太郎,市民税務課,AI,R6.5.1,受講済み\n鈴木一郎,税務課,AI,R6.5.1,修了\n"
    deliver(tmp_path, {"所属.csv": DEPARTMENTS, "職員名簿R6.4.1.csv": roster, "受講者名簿.csv": attended})
    found = of(suggest_mapping(tmp_path), "受講者名簿.csv")
    assert {(word.field.name, word.written, word.meaning) for word in found.words} >= {("status", "受講済み", "completed")}
    text, dataset = adopt(tmp_path)
    assert dataset.frame("training")["status"].tolist() == ["completed"] * dataset.rows("training")
    assert "市民税務課" in text


def test_the_opposite_of_a_known_word_is_only_asked_about(tmp_path: Path) -> None:
    deliver(tmp_path, {"受講者名簿.csv": "氏名,所属,研修名,受講日,受講状況\n山田太郎,市民課,AI,R6.5.1,未完了者\n鈴木一郎,市民課,AI,R6.5.1,修了\n"})
    text = mapping_text(suggest_mapping(tmp_path))
    assert [line.lstrip()[0] for line in text.splitlines() if "未完了者" in line] == ["#"]


def test_a_cross_tab_with_its_own_key_heading_is_recognised(tmp_path: Path) -> None:
    rows = [["一般", "市民課", *[1] * 6], ["一般", "税務課", *[2] * 6], ["特別", "福祉課", *[3] * 6]]
    book(tmp_path / "実績.xlsx", {"R6": [["時間外"], ["区", "所管", *HALF], *rows]})
    deliver(tmp_path, {"所属.csv": DEPARTMENTS})
    text, dataset = adopt(tmp_path)
    assert "crosstab: {key:" in text
    with dataset.connect() as con:
        assert con.execute("SELECT department_id, sum(overtime_hours)::INTEGER FROM worktime GROUP BY ALL ORDER BY ALL").fetchall() == [
            ("市民課", 6), ("福祉課", 18), ("税務課", 12),
        ]  # fmt: skip


def test_sheets_are_proposed_one_by_one(tmp_path: Path) -> None:
    rows = [["対象とする年月", "担当の部署", "超過勤務の時間"], *[[f"2024-{month:02d}", "市民課", month] for month in range(4, 10)]]
    plain = [["年月", "所属", "時間外"], ["2023-04", "市民課", 1]]
    book(tmp_path / "勤務.xlsx", {"甲": rows, "時間外": plain})
    deliver(tmp_path, {"所属.csv": DEPARTMENTS})
    text, dataset = adopt(tmp_path)
    assert '- sheet: "甲"' in text
    assert dataset.rows("worktime") == 7


def test_year_and_month_in_two_columns_are_proposed(tmp_path: Path) -> None:
    lines = "".join(f"令和6年度,{month},市民課,3\n" for month in (4, 5, 1))
    deliver(tmp_path, {"所属.csv": DEPARTMENTS, "時間外.csv": "集計した年,集計月次,課,時間外\n" + lines})
    text, dataset = adopt(tmp_path)
    assert "year_month: {fiscal_year:" in text
    assert sorted(str(month)[:7] for month in dataset.frame("worktime")["month"]) == ["2024-04", "2024-05", "2025-01"]


def test_one_day_for_beginning_and_end_is_proposed_as_such(tmp_path: Path) -> None:
    deliver(tmp_path, {"受講者名簿.csv": "氏名,課,研修名,受講をした日,出欠\n山田太郎,市民課,AI,R6.5.1,出席\n鈴木一郎,市民課,AI,R6.5.1,欠席\n"})
    text, dataset = adopt(tmp_path)
    assert '"受講をした日": "受講日"' in text
    frame = dataset.frame("training").sort_values("status")
    assert frame["status"].tolist() == ["absent", "completed"]
    assert frame["completed_on"].isna().tolist() == [True, False]
    assert not frame["enrolled_on"].isna().any()


def test_what_is_read_as_it_is_needs_no_entry(tmp_path: Path) -> None:
    deliver(tmp_path, {"所属.csv": DEPARTMENTS, "時間外.csv": "年月,課,時間外\n2024-04,市民課,3\n"})
    text = mapping_text(suggest_mapping(tmp_path))
    assert "files: {}" in text
    assert "# 時間外.csv: そのまま読めます（勤務時間）" in text


def test_what_cannot_be_told_is_said_and_leaves_a_mapping_that_can_be_read(tmp_path: Path) -> None:
    deliver(tmp_path, {"所属.csv": DEPARTMENTS, "メモ.csv": "りんご,みかん\n赤,青\n", "こわれ.csv": ""})
    text = mapping_text(suggest_mapping(tmp_path))
    assert "どの表か分かりません" in text
    assert "ファイルが空です" in text
    assert parse_mappings(text, load_schema(), place="案").files == ()


PLANTED = ("秘密", "花子", "ヒミツ", "ﾋﾐﾂ", "9876543")


IN_EVERY_COLUMN = "氏名,ふりがな,課,受けた研修名,修了した日付,修了の状況\n秘密花子,ヒミツ ハナコ,市民課,AI,R6.5.1,秘密花子\n"
IN_EVERY_COLUMN += "秘密花子,ヒミツ,秘密花子,秘密花子修了,R6.5.1,秘密花子修了\n"


@pytest.mark.parametrize(
    "attended",
    [
        IN_EVERY_COLUMN,
        "職員の番号,氏名の欄,課,受けた研修名,修了した日付\n9876543,秘密 花子,秘密課,AI,R6.5.1\n9876543,秘密花子,市民課,AI研修（秘密）,R6.5.1\n",
        "秘密花子,ヒミツ,市民課,AI,R6.5.1\n秘密花子,ﾋﾐﾂ,市民課,AI,R6.5.2\n",
        "秘密花子,修了日,課\n秘密花子,R6.5.1,市民課\n秘密花子,R6.5.2,市民課\n",
        "氏名,所属,研修名,受講日,受講状況\n秘密花子,市民課,AI,R6.5.1,秘密\n鈴木,秘密花子,AI,R6.5.1,秘密花子済み\n",
    ],
)
def test_no_personal_text_is_shown_wherever_it_stands(tmp_path: Path, attended: str, capsys: pytest.CaptureFixture[str]) -> None:
    roster = "職員番号,氏名,カナ,所属\n9876543,秘密花子,ヒミツハナコ,市民課\n"
    deliver(tmp_path, {"所属.csv": DEPARTMENTS, "職員名簿.csv": roster, "研修.csv": "研修番号,研修名\nAI,AI研修\n", "受講記録.csv": attended})
    show_suggestion(tmp_path, out=None)
    shown = capsys.readouterr()
    assert [word for word in PLANTED if word in shown.out + shown.err] == []
    assert parse_mappings(mapping_text(suggest_mapping(tmp_path)), load_schema(), place="案") is not None


def test_the_proposal_is_written_only_where_the_user_says(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    deliver(data, {"所属.csv": DEPARTMENTS})
    out = tmp_path / "案.yaml"
    show_suggestion(data, out=out)
    assert "そのまま読めます" in out.read_text(encoding="utf-8")
    assert [one.name for one in data.iterdir()] == ["所属.csv"]
    with pytest.raises(ParameterError, match="フォルダーの中"):
        show_suggestion(data, out=data / "mapping.yaml")
    with pytest.raises(ParameterError, match="同じ名前"):
        show_suggestion(data, out=out)


def test_the_command_shows_the_proposal_and_writes_it_where_it_is_told(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "案.yaml"
    data.mkdir()
    deliver(data, {"所属.csv": DEPARTMENTS, "受講者名簿.csv": "氏名,所属の名称,研修名,受講日\n秘密花子,市民課,AI,R6.5.1\n"})
    shown = kdx("check", data, "--suggest-mapping", "--out", out, home=tmp_path / "home")
    assert shown.returncode == 0, shown.stderr
    assert '"所属の名称": department_id' in shown.stdout
    assert '"所属の名称": department_id' in out.read_text(encoding="utf-8")
    assert sorted(one.name for one in data.iterdir()) == ["受講者名簿.csv", "所属.csv"]
    assert "秘密" not in shown.stdout + shown.stderr


def test_a_process_log_reads_as_it_is_and_a_forms_guide_is_passed_over(tmp_path: Path) -> None:
    steps = [(case, step, case + wait, hour) for case in range(1, 5) for step, wait, hour in (("受付", 0, 9), ("交付", 2, 15))]
    rows = "\n".join(f"{case},{step},2025-04-{day:02d} {hour:02d}:30" for case, step, day, hour in steps)
    (tmp_path / "記録.csv").write_text(f"受付番号,作業,日時\n{rows}\n", encoding="utf-8")
    (tmp_path / "様式.csv").write_text("【書き方】,,\n列,説明,例\n所属,所属の名前,市民課\n", encoding="utf-8")
    found = suggest_mapping(tmp_path)
    assert [(one.file, one.reads) for one in found] == [("記録.csv", "yes")]

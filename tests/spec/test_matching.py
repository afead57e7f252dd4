"""Finding people by name, department, day and カナ: each rule against a small roster, and what the page says about the rest."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from kdx_eval.cli.matching import show_matching
from kdx_eval.load import Dataset, LoadReport, load_dataset
from kdx_eval.load.matching_tables import matching_table, row_ranges, unmatched_path, unsettled_table
from kdx_eval.load.roster import spellings


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


ROSTER = "職員番号,氏名,カナ,所属\n"


def deliver(folder: Path, attended: str, *, staff: str, more: dict[str, str] | None = None, header: str = "氏名,カナ,所属,研修名,受講日") -> Dataset:
    files = {"職員名簿（令和6年4月1日現在）.csv": ROSTER + staff, "受講者名簿.csv": f"{header}\n{attended}", **(more or {})}
    for called, text in files.items():
        (folder / called).write_text(text, encoding="utf-8", newline="\n")
    return load_dataset(folder)


def ways(dataset: Dataset) -> dict[str, int]:
    matched = dataset.report.matched
    assert matched is not None
    assert matched.n_matched + matched.n_ambiguous + matched.n_unmatched == matched.n_people == sum(matched.by.values())
    return dict(matched.by)


MOVED = {
    "所属履歴.csv": "職員番号,所属コード,開始日,終了日\n1,市民課,2023-04-01,2024-03-31\n1,税務課,2024-04-01,\n"
    "2,税務課,2023-04-01,2024-03-31\n2,市民課,2024-04-01,\n",
    "所属.csv": "所属コード,所属名\n市民課,市民課\n税務課,税務課\n福祉課,福祉課\n",
}
NAMESAKES = "1,山田太郎,,税務課\n2,山田太郎,,市民課\n"


def test_of_two_namesakes_the_one_who_was_in_the_department_on_that_day_is_meant(tmp_path: Path) -> None:
    dataset = deliver(tmp_path, "山田太郎,,市民課,A,R5.6.1\n山田太郎,,市民課,B,R6.6.1\n", staff=NAMESAKES, more=MOVED)
    training, postings = dataset.frame("training"), dataset.frame("assignments")
    then = postings[(postings["department_id"] == "市民課") & (postings["valid_from"].dt.year == 2023)]["staff_id"].tolist()
    now = postings[(postings["department_id"] == "市民課") & (postings["valid_from"].dt.year == 2024)]["staff_id"].tolist()
    assert training.sort_values("course_id")["staff_id"].tolist() == [*then, *now]
    assert ways(dataset) == {"name_department": 1}


def test_somebody_who_moved_in_april_is_still_found_by_the_former_department(tmp_path: Path) -> None:
    dataset = deliver(tmp_path, "山田太郎,,市民課,A,R6.6.1\n", staff="1,山田太郎,,税務課\n", more=MOVED)
    assert ways(dataset) == {"name_other_day": 1}
    assert set(dataset.frame("training")["staff_id"]) <= set(dataset.frame("staff")["staff_id"])


def test_departments_that_were_merged_count_as_each_other_but_not_their_siblings(tmp_path: Path) -> None:
    departments = "所属コード,所属名,終了日,後継所属\n旧市民課,旧市民課,2024-03-31,市民課\n旧戸籍課,旧戸籍課,2024-03-31,市民課\n市民課,市民課,,\n"
    staff = "1,山田太郎,,市民課\n2,鈴木一郎,,旧戸籍課\n"
    dataset = deliver(tmp_path, "山田太郎,,旧市民課,A,R6.6.1\n鈴木一郎,,旧市民課,A,R6.6.1\n", staff=staff, more={"所属.csv": departments})
    assert ways(dataset) == {"department_only": 1, "name_successor": 1}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("山田　花子", ("山田花子",)),
        ("山田（旧姓佐藤）花子", ("山田花子", "佐藤花子")),
        ("山田(佐藤) 花子", ("山田花子", "佐藤花子")),
        ("山田 花子（旧姓：佐藤）", ("山田花子", "佐藤花子")),
        ("山田花子（再任用）", ("山田花子",)),
        ("山田花子（旧姓佐藤）", ("山田花子", "佐藤田花子", "佐藤花子", "佐藤子")),
    ],
)
def test_a_name_with_brackets_is_read_with_and_without_them(written: str, expected: tuple[str, ...]) -> None:
    assert spellings(written) == expected


def test_a_former_surname_on_either_side_is_found(tmp_path: Path) -> None:
    staff = "1,佐藤花子,,市民課\n2,高橋（旧姓田中）春子,,市民課\n"
    dataset = deliver(tmp_path, "山田（旧姓佐藤）花子,,市民課,A,R6.6.1\n田中春子,,市民課,A,R6.6.1\n", staff=staff)
    assert ways(dataset) == {"name_maiden": 2}


def test_half_width_kana_for_a_name_is_found_in_the_department(tmp_path: Path) -> None:
    dataset = deliver(tmp_path, "ﾔﾏﾀﾞ ﾀﾛｳ,,市民課,A,R6.6.1\n", staff="1,山田太郎,ヤマダ タロウ,市民課\n")
    assert ways(dataset) == {"kana_department": 1}


def test_name_and_kana_suffice_only_where_one_person_in_the_city_has_both(tmp_path: Path) -> None:
    staff = "1,山田太郎,ヤマダ タロウ,市民課\n2,鈴木一郎,スズキ イチロウ,市民課\n3,鈴木一郎,スズキ イチロウ,税務課\n4,高橋春,,税務課\n"
    attended = "山田太郎,ヤマダタロウ,福祉課,A,R6.6.1\n鈴木一郎,スズキイチロウ,福祉課,A,R6.6.1\n"
    attended += "高橋春,,福祉課,A,R6.6.1\n山田太郎,やまだ たろう,,B,R6.6.1\n高橋春,,,B,R6.6.1\n"
    dataset = deliver(tmp_path, attended, staff=staff, more={"所属.csv": MOVED["所属.csv"]})
    # A name alone is never enough, not even one that only one person in the city has.
    assert ways(dataset) == {"ambiguous": 1, "department_only": 1, "name_kana": 2, "unknown_person": 1}
    assert dataset.report.rows_rejected == 2


ATTENDED = "1,何某太郎,市民課,A,R6.6.1\n,山田太郎,市民課,A,R6.6.1\n,鈴木一郎,市民課,A,R6.6.1\n"
ATTENDED += ",秘密花子,税務課,A,R6.6.1\n,秘密花子,秘密花子,A,R6.6.1\n,謎野春子,,A,R6.6.1\n"
PAGE_STAFF = "1,何某太郎,,市民課\n2,山田太郎,,市民課\n3,鈴木一郎,スズキイチロウ,市民課\n4,鈴木一郎,スズキカズロウ,市民課\n5,遠藤冬,,税務課\n"
PLANTED = ("何某", "太郎", "山田", "鈴木", "一郎", "秘密", "花子", "謎野", "春子", "スズキ", "遠藤")


def test_the_page_counts_who_was_found_by_what_and_says_who_must_decide_on_the_rest(tmp_path: Path) -> None:
    dataset = deliver(tmp_path, ATTENDED, staff=PAGE_STAFF, header="職員番号,氏名,所属,研修名,受講日")
    counted = {(row.department, row.how): row.n_people for row in matching_table(dataset).itertuples()}
    elsewhere = next(department for department, how in counted if how == "unknown_person")
    assert counted == {
        ("市民課", "staff_id"): 1, ("市民課", "name_department"): 1, ("市民課", "ambiguous"): 1, ("税務課", "department_only"): 1,
        (elsewhere, "unknown_person"): 2,  # none written, or a name of the list where the department belongs
    }  # fmt: skip
    waiting = {(row.reason, row.rows): (row.ask, row.remedy) for row in unsettled_table(dataset).itertuples()}
    assert waiting["二人以上いて決められない", "4"] == ("人事課", "この行に職員番号か氏名カナを書き加えてください")
    assert waiting["名簿にいない（所属の人数にだけ数える）", "5"][0].startswith("その所属")
    assert waiting["氏名か所属がない", "6–7"][0] == "研修の名簿を作った担当"
    with unmatched_path(dataset).open(encoding="utf-8-sig", newline="") as stream:
        assert [int(row["row"]) for row in csv.DictReader(stream)] == [4, 5, 6, 7]


def test_the_page_holds_no_name_also_where_a_name_slipped_into_the_column_of_departments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = deliver(tmp_path, ATTENDED, staff=PAGE_STAFF, header="職員番号,氏名,所属,研修名,受講日")
    show_matching(dataset)
    shown = capsys.readouterr().out
    assert "何で突き合わせたか" in shown
    assert "人事課" in shown
    report = json.dumps(dataset.report.to_dict(), ensure_ascii=False)
    texts = [shown, report, unmatched_path(dataset).read_text(encoding="utf-8-sig"), matching_table(dataset).to_csv()]
    assert [(word, text) for text in texts for word in PLANTED if word in text] == []


def test_the_report_survives_json(tmp_path: Path) -> None:
    dataset = deliver(tmp_path, ATTENDED, staff=PAGE_STAFF, header="職員番号,氏名,所属,研修名,受講日")
    assert LoadReport.from_dict(json.loads(json.dumps(dataset.report.to_dict()))) == dataset.report


def test_without_a_roster_the_personnel_division_is_asked_for_one(tmp_path: Path) -> None:
    (tmp_path / "受講者名簿.csv").write_text("氏名,所属,研修名,受講日\n山田太郎,市民課,A,R6.6.1\n", encoding="utf-8")
    (row,) = unsettled_table(load_dataset(tmp_path)).itertuples()
    assert row.ask == "人事課"
    assert "職員名簿" in row.remedy


def test_rows_are_written_in_short() -> None:
    assert row_ranges((3, 7, 8, 9, 12)) == "3、7–9、12"

"""What a delivery lost though every row that is left is right: rows at the end, persons, departments of persons, months told twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from deliveries import put, remarks

from kdx_eval.load import answerable, inspect_quality, load_dataset

MONTHS = [f"{2023 + (n + 3) // 12}-{(n + 3) % 12 + 1:02d}" for n in range(24)]
PEOPLE = [f"{n:04d}" for n in range(1001, 1005)]
CUT = "ファイルが途中で切れていないか"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def put_hours(folder: Path, cells: Sequence[tuple[str, str]], *, lines: int | None = None) -> None:
    """Ten hours of overtime for each person and month, of which the first ``lines`` are there."""
    rows = [f"{person},{month},150,10\n" for person, month in cells]
    put(folder, "勤怠.csv", "職員番号,年月,正規の勤務時間,時間外勤務時間\n" + "".join(rows[:lines]))


def put_departments(folder: Path, hours: int) -> None:
    """Hours of overtime of one department in each month."""
    put(folder, "課別の勤務時間.csv", "所属,年月,時間外勤務時間\n" + "".join(f"市民課,{month},{hours}\n" for month in MONTHS))


BY_PERSON = [(person, month) for person in PEOPLE for month in MONTHS]
BY_MONTH = [(person, month) for month in MONTHS for person in PEOPLE]


@pytest.mark.parametrize(
    ("cells", "lines", "words"),
    [
        (BY_PERSON, -1, "月が2025-02で終わっています（ほかは2025-03まであります）"),
        (BY_PERSON, 3 * 24 + 1, "月が2023-04で終わっています（ほかは2025-03まであります）"),
        (BY_MONTH, -1, "最後の月（2025-03）の行が、前の月と同じ並びの途中で終わっています（1行少ない）"),
        (BY_MONTH, 23 * 4 + 1, "最後の月（2025-03）の行が、前の月と同じ並びの途中で終わっています（3行少ない）"),
    ],
)
def test_a_file_cut_off_at_a_line_end_is_told_by_its_last_person_or_month(cells: list[tuple[str, str]], lines: int, words: str, tmp_path: Path) -> None:
    put_hours(tmp_path, cells, lines=lines)
    said = remarks(load_dataset(tmp_path), "勤怠.csv")
    assert words in said
    assert CUT in said


@pytest.mark.parametrize(
    "cells",
    [
        BY_PERSON,
        BY_MONTH,
        sorted(BY_PERSON, key=lambda cell: (cell[1][-1], cell)),  # in no order that a cut would show in
        [cell for cell in BY_PERSON if not (cell[0] == "1002" and cell[1] > "2024-06")],  # somebody left, not the last of the file
        [cell for cell in BY_PERSON if cell[0] == "1001" or cell[1] <= "2024-06"],  # most ended earlier
        [cell for cell in BY_MONTH if not (cell[0] == "1002" and cell[1] > "2025-02")],  # the last month lacks somebody in its middle
    ],
)
def test_whole_files_are_not_called_cut_off(cells: list[tuple[str, str]], tmp_path: Path) -> None:
    put_hours(tmp_path, cells)
    assert CUT not in remarks(load_dataset(tmp_path), "勤怠.csv")


def test_persons_who_no_longer_add_up_to_their_departments_are_asked_for(tmp_path: Path) -> None:
    put_departments(tmp_path, 40)
    put_hours(tmp_path, BY_PERSON)

    def said() -> list[str]:
        return [finding.sentence for finding in inspect_quality(load_dataset(tmp_path)).findings if "職員ごとの行" in finding.sentence]

    assert said() == []
    put_hours(tmp_path, BY_PERSON, lines=3 * 24)
    assert said() == ["職員ごとの行（3人）を足した時間は、所属ごとの行を足した時間の75%です"]


def test_overtime_of_departments_only_does_not_answer_for_persons(tmp_path: Path) -> None:
    put(tmp_path, "受講記録.csv", "職員番号,研修番号,受講開始日\n1001,A,2024-06-10\n")
    put_departments(tmp_path, 40)

    def own() -> tuple[bool, str]:
        (answer,) = (answer for answer in answerable(load_dataset(tmp_path)) if answer.kind == "own_overtime")
        return answer.possible, answer.sentence

    assert own() == (False, "「受講した職員本人の時間外勤務が減ったか」には「勤務時間（職員ごとの行）」が足りません。")
    put_hours(tmp_path, BY_PERSON)
    assert own()[0]


@pytest.mark.parametrize(("first", "words"), [("0107", ""), ("", "所属が空欄の職員が1人います")])
def test_a_person_without_a_department_is_counted(first: str, words: str, tmp_path: Path) -> None:
    put(tmp_path, "職員名簿.csv", f"職員番号,所属コード,級\n1001,{first},1\n1002,0107,2\n1003,0114,3\n")
    said = remarks(load_dataset(tmp_path), "職員名簿.csv")
    assert words in said
    assert bool(words) == ("空欄の職員" in said)


def put_work(folder: Path, called: str, rows: Sequence[tuple[str, str, int]]) -> None:
    """Cases by process and month, at ten minutes each."""
    lines = "".join(f"{process},市民課,{month},{cases},{10 * cases}\n" for process, month, cases in rows)
    put(folder, called, f"業務コード,所属,年月,件数,時間（分）\n{lines}")


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ([("P1", "2024-06", 51), ("P1", "2024-07", 50)], "「業務量1.csv」と同じ業務・所属・月が2あり、そのうち1は値が違います"),  # a correction
        ([("P1", month, 50) for month in MONTHS[12:]] + [("P2", month, 7) for month in MONTHS], "「業務量1.csv」と同じ業務・所属・月が12あり、そのうち0は"),
        ([("P2", month, 50) for month in MONTHS], ""),  # another process
        ([("P1", "2025-04", 50)], ""),  # the next month
    ],
)
def test_months_that_two_files_of_work_tell_are_remarked(second: list[tuple[str, str, int]], words: str, tmp_path: Path) -> None:
    put_work(tmp_path, "業務量1.csv", [("P1", month, 50) for month in MONTHS])
    put_work(tmp_path, "業務量2.csv", second)
    said = remarks(load_dataset(tmp_path), "業務量2.csv")
    assert words in said
    assert bool(words) == ("同じ業務・所属・月" in said)


def test_months_of_refused_rows_do_not_count_as_covered(tmp_path: Path) -> None:
    put_departments(tmp_path, 40)
    rows = [("P1", month, 50) for month in MONTHS] + [("P1", "2025-04", -5)]  # a negative count is refused
    put_work(tmp_path, "業務量.csv", rows)
    dataset = load_dataset(tmp_path)
    assert dataset.report.rows_rejected == 1
    assert "範囲" not in remarks(dataset, "業務量.csv")
    put_work(tmp_path, "業務量.csv", [*rows[:-1], ("P1", "2025-04", 5)])
    assert "月の範囲（2023-04～2025-04）が「課別の勤務時間.csv」" in remarks(load_dataset(tmp_path), "業務量.csv")


@pytest.mark.parametrize(("called", "head", "is_told"), [("業務量.csv", "業務コード,所属,年月,件数", True), ("人員.csv", "所属,年月,定数,実人員", False)])
def test_numbers_of_the_first_of_april_have_no_range_but_work_of_one_april_has(called: str, head: str, *, is_told: bool, tmp_path: Path) -> None:
    put_departments(tmp_path, 40)
    put(tmp_path, called, f"{head}\n" + ("P1,市民課,2023-04,50\n" if is_told else "市民課,2023-04,5,5\n市民課,2024-04,5,5\n"))
    assert ("範囲" in remarks(load_dataset(tmp_path), called)) == is_told

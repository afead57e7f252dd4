"""Rules of data_schema/ in force: every faulty row named by file, line, column and rule; the others accepted."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kdx_eval.load import Dataset, load_dataset
from kdx_eval.load.checks import row_conditions
from kdx_eval.schema import load_schema


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def load(folder: Path, **files: str) -> Dataset:
    for called, text in files.items():
        (folder / f"{called}.csv").write_text(text, encoding="utf-8")
    return load_dataset(folder)


def refused(dataset: Dataset) -> list[tuple[str, int, str, str]]:
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        return [(row["file"], int(row["row"]), row["column"], row["rule"]) for row in csv.DictReader(stream)]


@pytest.mark.parametrize(
    ("line", "column", "rule"),
    [
        ("P1,2025-04,-1,10", "件数", "minimum"), ("P1,2025-04,多数,10", "件数", "not_a_number"),
        ("P1,2025-04,1.5,10", "件数", "not_whole"), ("P1,,1,10", "年月", "required"),
        (",2025-04,1,10", "業務コード", "required"), ("P1,2025-13,1,10", "年月", "not_a_month"),
        ("P1,2025-04,#REF!,10", "件数", "error_value"), ("P1,2025-04,1", "", "columns"),
        ("合計,,1,10", "業務コード", "total_row"), ("P1,R7.4,1,3時間x", "時間（分）", "not_hours"),
    ],
)  # fmt: skip
def test_a_faulty_row_is_named_once_and_the_others_stay(tmp_path: Path, line: str, column: str, rule: str) -> None:
    dataset = load(tmp_path, 業務量=f"業務コード,年月,件数,時間（分）\nP1,2025-04,1,10\n{line}\nP1,2025-05,2,20\n")
    assert refused(dataset) == [("業務量.csv", 3, column, rule)]
    assert (dataset.report.rows_read, dataset.report.rows_accepted) == (3, 2)


def test_the_end_may_not_lie_before_the_beginning(tmp_path: Path) -> None:
    dataset = load(tmp_path, 所属="所属コード,所属名,開始日,終了日\n1,市民課,R6.4.1,R5.3.31\n")
    assert refused(dataset) == [("所属.csv", 2, "終了日", "date_order")]


def test_of_equal_rows_one_stays_and_contradicting_rows_are_all_refused(tmp_path: Path) -> None:
    dataset = load(tmp_path, 人員="所属コード,年月,実員\n1,2025-04,10\n1,2025-04,10\n2,2025-04,5\n2,2025-04,6\n")
    assert [(row, rule) for _, row, _, rule in refused(dataset)] == [(3, "duplicate"), (4, "duplicate"), (5, "duplicate")]


def test_references_are_checked_only_against_delivered_tables(tmp_path: Path) -> None:
    dataset = load(tmp_path, 人員="所属コード,年月,実員\n1,2025-04,10\n9,2025-04,5\n")
    assert refused(dataset) == []
    dataset = load(tmp_path, 所属="所属コード,所属名\n1,市民課\n")
    assert refused(dataset) == [("人員.csv", 3, "所属コード", "unknown_department")]


def test_departments_and_courses_may_be_written_by_name(tmp_path: Path) -> None:
    files = {
        "所属": "所属コード,所属名,部局\n001,市民課,市民部\n002,福祉課,福祉部\n", "研修": "研修番号,研修名\nGENAI,生成AI研修\n",
        "受講記録": "職員番号,所属,研修名,受講日\n7,市民部　市民課,生成ＡＩ研修,R6.5.1\n8,002,GENAI,R6.5.1\n9,福祉果,GENAI,R6.5.1\n8,002,情報研修,R6.5.2\n",
    }  # fmt: skip
    dataset = load(tmp_path, **files)
    frame = dataset.frame("training")
    assert sorted(zip(frame["department_id"], frame["course_id"], strict=True)) == [("001", "GENAI"), ("002", "GENAI")]
    assert {(row, rule) for _, row, _, rule in refused(dataset)} == {(4, "unknown_department"), (5, "unknown_course")}


def test_a_staff_row_refused_for_a_date_does_not_make_its_training_unknown(tmp_path: Path) -> None:
    dataset = load(tmp_path, 職員="職員番号,採用日\n1,H40.4.1\n2,H30.4.1\n", 受講記録="職員番号,研修番号,受講日\n1,A,R6.5.1\n3,A,R6.5.1\n")
    assert refused(dataset) == [("受講記録.csv", 3, "職員番号", "unknown_reference"), ("職員.csv", 2, "採用日", "era_over")]


def test_every_declared_rule_compiles(tmp_path: Path) -> None:
    dataset = load(tmp_path, 所属="所属コード,所属名\n1,市民課\n")
    with dataset.connect() as con:
        for table in load_schema().tables.values():
            columns = ", ".join(f'CAST(NULL AS {field.database_type}) AS "{field.name}"' for field in table.fields)
            for _, _, sql in row_conditions(table):
                con.execute(f"SELECT {sql} FROM (SELECT {columns})").fetchall()

"""Bad input on the command line: one Japanese message, the exit status of its class, nothing half-written."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import command_line
import pytest
from command_line import complaint

from kdx_eval.errors import DataError, OutputError, PlanError, SchemaError, VerifyError

ROWS = ["氏名,所属,受講日,研修名", *(f"職員{i},総務課,2025-{4 + i % 6:02d}-10,生成AI研修" for i in range(20))]
LIST = "\n".join(ROWS) + "\n"
PLAN = """title: 試し
city: 試し市
synthetic: false
request_fiscal_year: 2027
evaluated_fiscal_year: 2025
evaluated_through: "2026-03"
questions:
  - question_id: a
    title: 業務時間は減ったか
    courses: [生成AI研修]
    unit: department
    outcome: {table: workload, measure: minutes}
    design: staggered
    role: primary
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "データ　R7"
    folder.mkdir()
    (folder / "受講者名簿.csv").write_text(LIST, encoding="cp932", newline="\n")
    return folder


def kdx(*arguments: object, cwd: Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    return command_line.kdx(*arguments, home=cwd / "home", cwd=cwd, answers=answers)


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and "home" not in path.relative_to(folder).parts}


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_missing_folder(verb: str, tmp_path: Path) -> None:
    shown = kdx(verb, tmp_path / "ない", cwd=tmp_path)
    assert shown.returncode == DataError.exit_status
    assert "→" in complaint(shown)
    assert files(tmp_path) == set()


@pytest.mark.parametrize("verb", ["check", "run"])
def test_an_empty_folder(verb: str, tmp_path: Path) -> None:
    (tmp_path / "空").mkdir()
    shown = kdx(verb, tmp_path / "空", cwd=tmp_path)
    assert shown.returncode == DataError.exit_status
    complaint(shown)
    assert files(tmp_path) == set()


def test_an_output_folder_inside_the_data(data: Path, tmp_path: Path) -> None:
    before = files(tmp_path)
    shown = kdx("run", data, "--out", data / "結果", cwd=tmp_path)
    assert shown.returncode == OutputError.exit_status
    assert "データフォルダーの中" in complaint(shown)
    assert files(tmp_path) == before


def test_a_plan_that_is_not_there(data: Path, tmp_path: Path) -> None:
    shown = kdx("run", data, "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "out", cwd=tmp_path)
    assert shown.returncode == PlanError.exit_status
    complaint(shown)


def test_a_plan_with_an_unknown_key_names_the_nearest(data: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("request_fiscal_yaer: R9\n", encoding="utf-8", newline="\n")
    shown = kdx("run", data, "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "out", cwd=tmp_path)
    assert shown.returncode == PlanError.exit_status
    assert "request_fiscal_year" in complaint(shown)


def test_a_frozen_plan_can_neither_be_made_from_nothing_nor_overwritten(data: Path, tmp_path: Path) -> None:
    assert kdx("plan", "freeze", tmp_path / "plan.yaml", cwd=tmp_path).returncode == PlanError.exit_status
    (tmp_path / "plan.yaml").write_text("x\n", encoding="utf-8", newline="\n")
    shown = kdx("plan", "new", data, "--yes", cwd=tmp_path)
    assert shown.returncode == OutputError.exit_status
    assert (tmp_path / "plan.yaml").read_text(encoding="utf-8") == "x\n"


def test_answers_that_end_early(data: Path, tmp_path: Path) -> None:
    shown = kdx("plan", "new", data, cwd=tmp_path, answers="\n\n")
    assert shown.returncode == PlanError.exit_status
    assert "--yes" in complaint(shown)
    assert not (tmp_path / "plan.yaml").exists()


def test_an_answer_sheet_that_is_no_workbook(data: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.xlsx").write_bytes(b"PK\x03\x04 cut off")
    shown = kdx("plan", "new", data, "--answers", tmp_path / "answers.xlsx", cwd=tmp_path)
    assert shown.returncode == PlanError.exit_status
    complaint(shown)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    shown = kdx("verify", tmp_path, cwd=tmp_path)
    assert shown.returncode == VerifyError.exit_status
    complaint(shown)


def test_a_demo_never_deletes_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "out" / "city").mkdir(parents=True)
    (tmp_path / "out" / "city" / "大事.txt").write_text("x", encoding="utf-8", newline="\n")
    shown = kdx("demo", "--out", tmp_path / "out", cwd=tmp_path)
    assert shown.returncode == OutputError.exit_status
    assert (tmp_path / "out" / "city" / "大事.txt").exists()


def no_amount(folder: Path) -> None:
    (folder / "費用.csv").write_text("年度,段階,事業,金学\nR7,当初,DX研修,1000\n", encoding="utf-8", newline="\n")


def wrong_encoding(folder: Path) -> None:
    (folder / "受講者名簿.csv").write_bytes(LIST.encode("cp932") + b"\xff\xfe\x81")


def other_encoding_than_mapped(folder: Path) -> None:
    (folder / "mapping.yaml").write_text("files:\n  受講者名簿.csv: {table: training, encoding: utf-8}\n", encoding="utf-8", newline="\n")


def cut_off_workbook(folder: Path) -> None:
    from kdx_eval.report.forms import write_forms

    (whole,) = [path for path in write_forms(folder) if path.name.startswith("受講記録")]
    half = whole.read_bytes()[: whole.stat().st_size // 2]
    for path in folder.glob("*.xlsx"):
        path.unlink()
    whole.write_bytes(half)


def unknown_people(folder: Path) -> None:
    strangers = "".join(f"{i:05d},別人{i},税務課\n" for i in range(20))
    (folder / "職員名簿.csv").write_text("職員番号,氏名,所属\n" + strangers, encoding="cp932", newline="\n")


def unknown_word_in_the_mapping(folder: Path) -> None:
    (folder / "mapping.yaml").write_text("files:\n  受講者名簿.csv: {tabel: training}\n", encoding="utf-8", newline="\n")


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (no_amount, SchemaError, ("費用.csv", "「金額」", "「金学」")),
        (wrong_encoding, DataError, ("受講者名簿.csv", "文字コード", "UTF-8")),
        (other_encoding_than_mapped, DataError, ("受講者名簿.csv", "utf-8", "mapping.yaml")),
        (cut_off_workbook, DataError, ("受講記録", "途中で切れている")),
        (unknown_people, DataError, ("20 行", "限度は 5.0%", "kdx-eval check")),
        (unknown_word_in_the_mapping, SchemaError, ("mapping.yaml", "tabel", "table")),
    ],
)
def test_bad_files_are_refused_before_anything_is_written(
    spoil: Callable[[Path], None], kind: type[DataError | SchemaError], words: tuple[str, ...], data: Path, tmp_path: Path
) -> None:
    spoil(data)
    before = files(tmp_path)
    shown = kdx("run", data, "--out", tmp_path / "out", cwd=tmp_path)
    assert shown.returncode == kind.exit_status
    assert all(word in complaint(shown) for word in words)
    assert "職員1" not in shown.stderr + shown.stdout
    assert files(tmp_path) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("", ("「業務量」の表がデータにありません", "a:")),
        ("courses: [生成AI研集]", ("a.courses", "「生成AI研修」")),
        ("design: stagered", ("a.design", "「staggered」")),
        ("design: lottery\n    lottery_log: ないファイル.xlsx", ("a.lottery_log", "抽選の記録のファイルがありません")),
        ("outcome: {table: indicators, indicator_id: 何か, label: 何か, unit_label: 件, better: lower}", ("「成果指標」の表がデータにありません",)),
    ],
)
def test_a_plan_that_asks_what_the_data_cannot_answer(wrong: str, words: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    key = wrong.split(":", maxsplit=1)[0]
    lines = [f"    {wrong}" if wrong and line.strip().startswith(f"{key}:") else line for line in PLAN.splitlines()]
    (tmp_path / "plan.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    shown = kdx("run", data, "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "out", cwd=tmp_path)
    assert shown.returncode == PlanError.exit_status
    assert all(word in complaint(shown) for word in words)
    assert not (tmp_path / "out").exists()


def test_data_inside_the_output_folder(data: Path, tmp_path: Path) -> None:
    before = files(tmp_path)
    shown = kdx("run", data, "--out", tmp_path, cwd=tmp_path)
    assert shown.returncode == OutputError.exit_status
    assert "データフォルダーが出力先の中" in complaint(shown)
    assert files(tmp_path) == before


def test_a_slip_in_an_answer_is_asked_again_and_courses_go_by_number(data: Path, tmp_path: Path) -> None:
    shown = kdx("plan", "new", data, cwd=tmp_path, answers="9\n１\n\nくじ\n抽選\nR9\n\n\n")
    assert shown.returncode == 0
    assert shown.stdout.count("もう一度書いてください") == 2
    assert "生成AI研修" in (tmp_path / "plan.yaml").read_text(encoding="utf-8")


def test_a_run_that_is_refused_leaves_an_earlier_run_as_it_was(data: Path, tmp_path: Path) -> None:
    assert kdx("run", data, "--out", tmp_path / "out", cwd=tmp_path).returncode == 0
    before = {path: path.read_bytes() for path in files(tmp_path / "out")}
    unknown_people(data)
    assert kdx("run", data, "--out", tmp_path / "out", cwd=tmp_path).returncode == DataError.exit_status
    assert {path: path.read_bytes() for path in files(tmp_path / "out")} == before

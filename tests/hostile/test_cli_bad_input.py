"""Bad input on the command line: one Japanese message, the exit status of its class, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kdx_eval.errors import DataError, OutputError, PlanError, VerifyError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "データ　R7"
    folder.mkdir()
    rows = [f"職員{i},総務課,2025-{4 + i % 6:02d}-10,生成AI研修" for i in range(20)]
    (folder / "受講者名簿.csv").write_text("\n".join(["氏名,所属,受講日,研修名", *rows]) + "\n", encoding="cp932", newline="\n")
    return folder


def kdx(*arguments: object, cwd: Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KDX_EVAL_HOME": str(cwd / "home"), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "kdx_eval.cli", *map(str, arguments)],
        cwd=cwd, env=environment, input=answers, capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def complaint(shown: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in shown.stderr
    (line,) = [line for line in shown.stderr.splitlines() if line.startswith("[") and "%]" not in line[:7]]
    return line


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

"""The command line: verbs, help that teaches, one message and one exit status for each class of error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import kdx

from kdx_eval.cli import screen
from kdx_eval.cli.screen import INTERRUPTED_STATUS, UNEXPECTED_STATUS, guarded
from kdx_eval.errors import DataError, ParameterError

ROOT = Path(__file__).resolve().parents[2]
VERBS = ("demo", "check", "plan", "run", "verify", "templates", "pseudonymise", "lab")


def test_help_names_every_verb_in_japanese(tmp_path: Path) -> None:
    shown = kdx("--help", home=tmp_path)
    assert shown.returncode == 0
    assert all(verb in shown.stdout for verb in VERBS)
    assert "使い方" in shown.stdout
    assert not {"Usage", "Options", "Commands", "Show this message"} & set(shown.stdout.split())


@pytest.mark.parametrize("verb", [*((verb,) for verb in VERBS), ("plan", "new"), ("plan", "freeze")])
def test_every_verb_teaches_with_an_example(verb: tuple[str, ...], tmp_path: Path) -> None:
    shown = kdx(*verb, "--help", home=tmp_path)
    assert shown.returncode == 0
    assert verb == ("plan",) or f"kdx-eval {' '.join(verb)}" in shown.stdout.replace("使い方: kdx-eval", "", 1)


def test_help_imports_no_table_library() -> None:
    code = (
        "import sys; sys.argv = ['kdx-eval', '--help']\n"
        "from kdx_eval.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'duckdb', 'matplotlib', 'scipy', 'papermill', 'nbformat'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_help_survives_a_windows_console(tmp_path: Path) -> None:
    shown = kdx("--help", home=tmp_path, encoding="cp932")
    assert shown.returncode == 0
    assert "使い方" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rum",), "「run」のことですか"),
        (("run",), "データ を指定してください"),
        (("run", "x", "--pln", "y"), "「--plan」のことですか"),
        (("demo", "--seed", "abc"), "--seed の値が正しくありません"),
        (("demo", "a"), "書き方が正しくありません"),
    ],
)
def test_a_usage_error_is_one_japanese_message(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    shown = kdx(*arguments, home=tmp_path, cwd=tmp_path)
    assert shown.returncode == ParameterError.exit_status
    assert words in shown.stderr
    assert shown.stderr.count("\n") == 1
    assert shown.stdout == ""


def test_templates_write_a_form_for_each_table_and_an_answer_sheet(tmp_path: Path) -> None:
    from kdx_eval.plan import SIX_QUESTIONS
    from kdx_eval.report.forms import read_answer_sheet

    assert kdx("templates", str(tmp_path / "様式"), home=tmp_path / "home").returncode == 0
    names = {path.name for path in (tmp_path / "様式").iterdir()}
    assert {"受講記録_training.xlsx", "費用_costs.xlsx", "answers.xlsx"} <= names
    assert read_answer_sheet(tmp_path / "様式" / "answers.xlsx") == {question.key: "" for question in SIX_QUESTIONS}


def test_templates_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    from kdx_eval.report.forms import write_forms

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_forms(tmp_path / name)
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".xlsx", ".docx", ".md", ".csv"}
    assert [path.name for path in files if path.suffix == ".csv"] == ["required_levels.csv"]  # goes into the data folder as it is
    assert all((tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes() == path.read_bytes() for path in files)


def test_templates_write_a_letter_and_a_workbook_for_each_known_department(tmp_path: Path) -> None:
    (tmp_path / "データ").mkdir()
    (tmp_path / "データ" / "所属.csv").write_text(
        "所属コード,所属名,開始日,終了日\n1,市民課,2016-04-01,\n2,税務課,2016-04-01,\n3,旧課,2016-04-01,2020-03-31\n", encoding="utf-8"
    )
    shown = kdx("templates", tmp_path / "様式", "--data", tmp_path / "データ", "--year", "R20", home=tmp_path / "home")
    assert shown.returncode == 0, shown.stderr
    assert "2 の課それぞれへの" in shown.stdout
    assert "令和20年度予算要求" in shown.stdout
    found = {path.name for path in (tmp_path / "様式" / "照会" / "各課").iterdir()}
    assert found == {f"{kind}_{name}.{end}" for kind, end in (("照会文", "docx"), ("記入様式", "xlsx")) for name in ("市民課", "税務課")}
    assert [path.name for path in (tmp_path / "データ").iterdir()] == ["所属.csv"]


def test_a_request_year_that_is_none_is_refused_and_a_past_one_is_noticed(tmp_path: Path) -> None:
    shown = kdx("templates", tmp_path / "様式", "--year", "来年", home=tmp_path / "home")
    assert shown.returncode == ParameterError.exit_status
    assert "--year" in shown.stderr
    shown = kdx("templates", tmp_path / "様式", "--year", "2024", home=tmp_path / "home")
    assert "回答期限（2023-08-31）は過ぎています" in shown.stdout


def test_an_error_of_ours_keeps_its_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise DataError("読めません", place="表.csv", hint="直してください")

    assert guarded(fail) == DataError.exit_status
    assert capsys.readouterr().err == "[DATA] 表.csv: 読めません → 直してください\n"


def test_an_unexpected_error_shows_no_value_and_no_traceback(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path))

    def fail() -> int:
        raise ValueError("山田太郎")

    assert guarded(fail) == UNEXPECTED_STATUS
    shown = capsys.readouterr().err
    log = (tmp_path / "log" / "kdx-eval.log").read_text(encoding="utf-8")
    assert "ValueError" in shown
    assert "ValueError" in log
    assert "山田太郎" not in shown + log
    assert "Traceback" not in shown


def test_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def stop() -> int:
        raise KeyboardInterrupt

    assert guarded(stop) == INTERRUPTED_STATUS
    assert "もう一度実行" in capsys.readouterr().err


def test_a_number_on_the_screen_is_never_broken_over_two_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen.table(["とても長い見出しの列", "値", "もう一つ"], [["長い名前の業務" * 6, "1,234,567.89", "△12%"], ["短い", "9,876,543.21", "—"]])
    shown = capsys.readouterr().out
    assert all(number in shown for number in ("1,234,567.89", "9,876,543.21", "△12%"))


def test_a_log_of_which_nothing_could_be_read_is_shown_without_an_error(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "log.csv").write_text("case_id,activity,timestamp\n1,a,4/5/2025 9:00\n1,b,4/5/2025 10:00\n", encoding="utf-8")
    shown = kdx("check", str(data), home=tmp_path / "home")
    assert "決められません" in shown.stdout
    assert "UNEXPECTED" not in shown.stderr

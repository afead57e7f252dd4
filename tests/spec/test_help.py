"""The help and the commands printed on the screen: whole, in Japanese, and as they can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from kdx_eval.batch.kernels import NotebookFailedError
from kdx_eval.cli import screen
from kdx_eval.cli.app import app
from kdx_eval.cli.help_text import help_text
from kdx_eval.errors import KdxError

ROOT = typer.main.get_command(app)


def verbs() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for name, verb in ROOT.commands.items():
        found += [(name,), *((name, inner) for inner in getattr(verb, "commands", {}))]
    return found


def shown(path: tuple[str, ...]) -> str:
    command, context = ROOT, ROOT.make_context("kdx-eval", [], resilient_parsing=True)
    for name in path:
        command = command.commands[name]
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    return help_text(command, context)


@pytest.mark.parametrize("path", verbs(), ids=" ".join)
def test_the_help_of_a_verb_is_whole_and_has_no_word_of_the_library(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = shown(path)
    assert text.startswith(f"使い方: {' '.join(('kdx-eval', *path))} [オプション]")
    assert not [word for word in ("<path>", "<bool>", "<str>", "Usage", "Options", "…", "╭") if word in text]
    text.encode("cp932")  # a Windows console


def test_the_help_explains_the_status_of_each_class_of_error() -> None:
    statuses = {0, screen.UNEXPECTED_STATUS, screen.INTERRUPTED_STATUS, *(kind.exit_status for kind in (NotebookFailedError, *KdxError.__subclasses__()))}
    told = {int(number) for number in re.findall(r"(?<!\w)(\d+)\s", shown(()).partition("終了の状態")[2])}
    assert told == statuses


def test_commands_are_shown_as_they_are_typed_under_run_py(monkeypatch: pytest.MonkeyPatch) -> None:
    assert screen.as_typed("次は  kdx-eval run データ") == "次は  kdx-eval run データ"
    monkeypatch.setenv("KDX_EVAL_COMMAND", "py run.py")
    assert screen.as_typed("「kdx-eval check --help」 kdx-eval.log kdx-eval run") == "「py run.py check --help」 kdx-eval.log py run.py run"
    assert shown(("check",)).startswith("使い方: py run.py check ")


def test_a_path_with_a_blank_is_quoted() -> None:
    assert screen.quoted(Path("D/人事　データ")) == '"D/人事　データ"'
    assert screen.quoted(Path("data")) == "data"

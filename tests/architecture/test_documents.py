"""What the documents promise is there: commands, verbs, links, the picture on the first screen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "README.ja.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
VERBS = ["demo", "check", "plan", "run", "verify", "trace", "templates", "pseudonymise", "lab", "rollout", "pool"]
VERDICTS = ["効果あり", "小さい効果", "実質的効果なし", "逆効果", "判定不能", "検証対象外"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_first_screen_shows_both_commands_and_a_picture() -> None:
    screen = "\n".join(text("README.md").splitlines()[:22])
    assert "python3 run.py report" in screen
    assert "python3 run.py test" in screen
    assert "](reports/sample/appendix-1.png)" in screen


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_each_verb_stands_in_both_guides(name: str) -> None:
    assert [verb for verb in VERBS if not re.search(rf"`{verb}\b", text(name))] == []


def test_each_verb_exists_and_teaches() -> None:
    environment = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"}
    command = [sys.executable, "-m", "kdx_eval.cli", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True, env=environment)
    assert [verb for verb in VERBS if not re.search(rf"\b{verb}\b", done.stdout)] == []


def test_run_hands_over_each_verb_of_the_command_line() -> None:
    (line,) = [line for line in text("run.py").splitlines() if line.startswith("HANDED_OVER")]
    assert sorted(re.findall(r'"(\w+)"', line)) == sorted(VERBS)


def test_the_guide_for_analysts_explains_each_verdict() -> None:
    assert [verdict for verdict in VERDICTS if f"| {verdict} |" not in text("README.ja.md")] == []
    assert all(word in text("README.ja.md") for word in ("py run.py report", "wheelhouse", "--offline", "全角の空白"))


def test_the_committed_check_runs_the_two_commands() -> None:
    lines = text(".ci/run").splitlines()
    assert lines[-2:] == ["python3 run.py test", "python3 run.py report"]
    assert "set -euo pipefail" in lines

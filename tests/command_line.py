"""kdx-eval as a user calls it: a process of its own, Japanese in and out, nothing of the developer's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def kdx(*arguments: object, home: Path, cwd: Path | None = None, answers: str = "", encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Run one command with ``answers`` on standard input; its cache and keys lie in ``home``."""
    environment = {**os.environ, "KDX_EVAL_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": f"{encoding}:strict", "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "kdx_eval.cli", *map(str, arguments)],
        cwd=cwd or ROOT, env=environment, input=answers, capture_output=True, encoding=encoding, check=False, timeout=300,
    )  # fmt: skip


def complaint(shown: subprocess.CompletedProcess[str]) -> str:
    """The one line that says what is wrong; progress lines may stand before it, a traceback may not."""
    assert "Traceback" not in shown.stderr + shown.stdout
    (line,) = [line for line in shown.stderr.splitlines() if line.startswith("[") and "%]" not in line[:7]]
    return line

"""Starts notebooks and the site in child processes of their own and waits for them, however they end."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from kdx_eval.batch.notebook_files import rebuild_error
from kdx_eval.errors import KdxError

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 5
DEFAULT_TIMEOUT_SECONDS = 3600


class NotebookFailedError(KdxError):
    """A notebook (or the site) ended for a reason that is not the user's: an unexpected error, a dead kernel, a time-out."""

    code = "NOTEBOOK"
    exit_status = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One notebook to execute.

    Attributes
    ----------
    name : str
        Stem of the notebook, such as ``03_training_effect``.
    source, output, failed : Path
        The notebook, where the executed one goes, where a failed one is kept.
    cwd : Path
        Working directory of the kernel.
    timeout_seconds : int
        Longest time for one cell.
    """

    name: str
    source: Path
    output: Path
    failed: Path
    cwd: Path
    parameters: Mapping[str, object]
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS

    def request(self) -> dict[str, object]:
        """What the worker is told."""
        places = {"source": str(self.source), "output": str(self.output), "failed": str(self.failed), "cwd": str(self.cwd)}
        return {"task": "notebook", **places, "parameters": dict(self.parameters), "timeout": self.timeout_seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteJob:
    """The site to write below ``out`` from its results and these executed notebooks, with the date ``as_of`` on it; or what may leave the office."""

    name: str
    out: Path
    as_of: dt.date
    notebooks: tuple[Path, ...] = ()
    public: bool = False

    def request(self) -> dict[str, object]:
        """What the worker is told."""
        task = "public" if self.public else "site"
        return {"task": task, "out": str(self.out), "as_of": self.as_of.isoformat(), "notebooks": [str(path) for path in self.notebooks]}


class Kernels:
    """Runs jobs side by side; ``with`` ends every process that is left.

    Parameters
    ----------
    warm : bool or None
        Fork kernels from a parent with all imports done (Linux), or start each afresh; None decides by platform.
    """

    def __init__(self, *, warm: bool | None = None) -> None:
        self._warm = sys.platform == "linux" if warm is None else warm
        self._folder = Path(tempfile.mkdtemp(prefix="kdx-batch-"))
        self._server: subprocess.Popen[bytes] | None = None
        self._running: dict[str, tuple[Path, Path | None, subprocess.Popen[bytes]]] = {}
        if self._warm:
            self._server = self._start(serve=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        processes = [self._server] if self._server else [process for _, _, process in self._running.values()]
        for process in processes:
            with contextlib.suppress(OSError):
                if process.stdin:
                    process.stdin.close()  # the warm parent then ends its children
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_GRACE_SECONDS if self._running else 0)
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def submit(self, job: Job | SiteJob) -> None:
        """Start a job; returns at once."""
        folder = self._folder / job.name
        folder.mkdir()
        request = {"job": str(folder), **job.request()}
        process = self._server or self._start(serve=False)
        _send(process, json.dumps(request).encode() + b"\n", last=process is not self._server)
        self._running[job.name] = (folder, job.failed if isinstance(job, Job) else None, process)

    def wait(self) -> str:
        """Wait until one job ends well and return its name.

        Raises
        ------
        KdxError
            The error that the notebook raised, the same class and message.
        NotebookFailedError
            When it ended otherwise.
        """
        while True:
            for name, (folder, failed, process) in self._running.items():
                if (folder / "done").exists() or process.poll() is not None:
                    del self._running[name]
                    _check(name, folder, failed=failed)
                    return name
            time.sleep(_POLL_SECONDS)

    def _start(self, *, serve: bool) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONUTF8": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            # One thread each: notebooks run side by side, and sums then do not depend on the number of cores.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        }
        mode = "--serve" if serve else "--once"
        with (self._folder / "worker.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "kdx_eval.batch.worker", mode], stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment)


def _send(process: subprocess.Popen[bytes], line: bytes, *, last: bool) -> None:
    # A worker that has died already shows in wait(), which can say what happened.
    with contextlib.suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.write(line)
            process.stdin.flush()
            if last:
                process.stdin.close()


def _check(name: str, folder: Path, *, failed: Path | None) -> None:
    try:
        outcome = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        outcome = {"status": "failed", "error": "DeadKernelError", "message": ""}
    if outcome["status"] == "ok":
        return
    error, message = str(outcome["error"]), str(outcome["message"])
    raise rebuild_error(error, message) or NotebookFailedError(_reason(error), place=name, hint=_hint(kept=failed))


def _reason(error: str) -> str:
    if error == "DeadKernelError":
        return "計算の途中でプログラムが終了しました（メモリ不足の可能性があります）"
    if error == "CellTimeoutError":
        return "計算が制限時間内に終わりませんでした"
    return f"計算の途中で予期しない誤りが起きました（{error}）"


def _hint(*, kept: Path | None) -> str:
    again = "もう一度実行すると続きから始まります"
    return f"{again}。繰り返す場合は notebooks/{kept.name} の止まったセルを確かめてください" if kept and kept.is_file() else again

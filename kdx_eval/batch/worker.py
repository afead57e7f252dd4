"""The process behind one notebook or the site: papermill in a child, the kernel in a grandchild; on Linux both forked from a warm parent.

Requests arrive on standard input, one JSON object a line; each leaves ``outcome.json`` in its job folder. When standard input
closes, because the batch ended or was killed, everything started here ends too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import select
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

from kdx_eval.batch.notebook_files import error_class, finish, keep_failed, skip_address_grammar
from kdx_eval.batch.publishing import publish, publish_outside
from kdx_eval.safe import write_atomic

PRELOAD = (
    "papermill", "papermill.clientwrap", "nbclient", "nbformat", "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell",
    "jupyter_client.provisioning.local_provisioner", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "IPython.core.completer",
    "pandas", "duckdb", "scipy.stats", "scipy.linalg", "xlsxwriter", "docxtpl", "typst", "nbconvert", "kdx_eval.load", "kdx_eval.panel.build",
    "kdx_eval.effect", "kdx_eval.evidence", "kdx_eval.savings", "kdx_eval.budget", "kdx_eval.results", "kdx_eval.plots", "kdx_eval.report.documents",
    "kdx_eval.report.site", "kdx_eval.report.figures", "kdx_eval.report.tables",
)  # fmt: skip


def serve() -> None:
    """Fork one child for every request until standard input closes; Linux only, and single-threaded on purpose."""
    _preload()
    running: dict[int, Path] = {}
    buffer = b""
    open_input = True
    while open_input:
        ready, _, _ = select.select([0], [], [], 0.02)
        if ready:
            chunk = os.read(0, 65536)
            open_input = bool(chunk)
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                request = json.loads(line)
                running[_fork(request)] = Path(request["job"])
        for pid in list(running):
            if os.waitpid(pid, os.WNOHANG)[0]:
                _mark_done(running.pop(pid))
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def run_one() -> None:
    """Do the single request on standard input, a notebook with an ordinary kernel; every platform."""
    answer(json.loads(sys.stdin.readline()), forked=False)


def _preload() -> None:
    import gc
    import importlib

    for name in PRELOAD:
        # What a notebook cannot import it will say itself; the warm parent only saves time.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _mark_done(job: Path) -> None:
    with contextlib.suppress(OSError):
        (job / "done").touch()


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        devnull = os.open(os.devnull, os.O_RDONLY)
        os.dup2(devnull, 0)
        answer(request, forked=True)
        status = 0
    finally:
        os._exit(status)


def answer(request: dict[str, Any], *, forked: bool) -> None:
    """Do what is asked, each file whole or not at all, and say in ``outcome.json`` how it went."""
    raw = Path(request["job"]) / "executed.ipynb"
    with _Record(request, raw):
        if request["task"] == "site":
            publish(Path(request["out"]), as_of=dt.date.fromisoformat(request["as_of"]), notebooks=[Path(path) for path in request["notebooks"]])
        elif request["task"] == "public":
            publish_outside(Path(request["out"]), as_of=dt.date.fromisoformat(request["as_of"]))
        else:
            _execute(request, raw, forked=forked)
            finish(raw, target=Path(request["output"]), parameters=request["parameters"])


class _Record:
    """Turns whatever happens inside ``with`` into ``outcome.json``: class names and places in the code, no foreign message."""

    def __init__(self, request: dict[str, Any], raw: Path) -> None:
        self.request = request
        self.raw = raw

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        outcome: dict[str, object] = {"status": "ok"}
        if error is not None:
            name = str(getattr(error, "ename", type(error).__name__))
            message = str(getattr(error, "evalue", "")) if error_class(name) else ""
            frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
            outcome = {"status": "failed", "error": name, "message": message, "frames": frames}
            if self.raw.exists():
                keep_failed(self.raw, target=Path(self.request["failed"]), parameters=self.request["parameters"])
        write_atomic(Path(self.request["job"]) / "outcome.json", json.dumps(outcome, ensure_ascii=False))
        return isinstance(error, Exception)


def _execute(request: dict[str, Any], raw: Path, *, forked: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="kdx-", ignore_cleanup_errors=True) as folder:
        # The kernel is forked first: afterwards papermill starts an event loop and sockets, which must not be inherited.
        standby = _fork_kernel() if forked else None
        os.environ.update(JUPYTER_RUNTIME_DIR=folder, JUPYTER_PLATFORM_DIRS="1")
        import papermill

        from kdx_eval.batch.warm_kernel import manager_class

        warnings.filterwarnings("ignore", module="papermill|nbclient|jupyter_client|zmq|traitlets")
        papermill.execute_notebook(
            request["source"],
            str(raw),
            parameters=request["parameters"],
            cwd=request["cwd"],
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            execution_timeout=request["timeout"],
            kernel_manager_class=manager_class(standby, Path(folder)),
            shutdown_kernel="immediate",
        )


def _fork_kernel() -> tuple[int, int]:
    """A process that waits for the name of a connection file and then becomes a kernel; its id and the pipe to it."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(read_end)
        return pid, write_end
    status = 1
    try:
        os.close(write_end)
        os.setsid()
        parts = []
        while chunk := os.read(read_end, 4096):
            parts.append(chunk)
        launch = json.loads(b"".join(parts) or b"null")
        if launch is not None:
            _become_kernel(launch["connection_file"], launch["cwd"])
        status = 0
    finally:
        os._exit(status)


def _become_kernel(connection_file: str, cwd: str) -> None:
    import random

    from ipykernel.kernelapp import IPKernelApp

    random.seed()  # the inherited state would repeat in every notebook
    os.chdir(cwd)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())  # the kernel ends when papermill's process does
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    app = IPKernelApp.instance()
    reseed = "--IPKernelApp.exec_lines=import numpy as _numpy; _numpy.random.seed(); del _numpy"
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False", reseed])
    app.start()


if __name__ == "__main__":
    skip_address_grammar()
    serve() if sys.argv[1:] == ["--serve"] else run_one()

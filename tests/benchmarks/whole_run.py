"""One kdx-eval command: elapsed seconds, CPU seconds of all its processes, and the peak of their memory together."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def measure(*arguments: object) -> str:
    """Run the command in a home of its own, so that nothing comes from a cache, and return one line of figures.

    Memory is the sum over the processes of the proportional share (Linux): shared pages count once.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "KDX_EVAL_HOME": home, "PYTHONPATH": str(ROOT)}
        began, before, peak = time.perf_counter(), _cpu_seconds(), 0
        running = subprocess.Popen([sys.executable, "-m", "kdx_eval.cli", *map(str, arguments)], env=environment, stdout=subprocess.DEVNULL)
        while running.poll() is None:
            peak = max(peak, sum(_share(process) for process in _family(running.pid)))
            time.sleep(0.25)
    seconds, used = time.perf_counter() - began, _cpu_seconds() - before
    return f"status {running.returncode}; wall {seconds:.1f} s; CPU {used:.1f} s; peak memory {peak / 1024:.0f} MB (0: not measured)"


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _family(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry.parent.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _share(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

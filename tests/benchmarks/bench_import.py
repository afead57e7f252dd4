"""CPU seconds that `import kdx_eval` and `kdx-eval --help` add to a bare interpreter; the aim for the import is under 0.3."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

REPEATS = 7
AIM_SECONDS = 0.3


def cpu_seconds(*arguments: str) -> float:
    """Return the median CPU time of a child interpreter, in seconds."""
    times = []
    for _ in range(REPEATS):
        before = os.times()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(times)


if __name__ == "__main__":
    bare = cpu_seconds("-c", "pass")
    for title, arguments in {"import kdx_eval": ("-c", "import kdx_eval"), "kdx-eval --help": ("-m", "kdx_eval.cli", "--help")}.items():
        added = cpu_seconds(*arguments) - bare
        print(f"{title:20s} {added:6.3f} s CPU over {bare:.3f} s for the interpreter (aim {AIM_SECONDS} s for the import)")

"""The whole demo, from an empty cache to the documents: at most 60 s on 2 cores (DESIGN: `python3 run.py report`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from whole_run import measure

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print("demo:", measure("demo", "--out", Path(folder) / "demo"))
        print("demo --minimal:", measure("demo", "--minimal", "--out", Path(folder) / "minimal"))

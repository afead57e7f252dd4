"""7 785 police officers, 72 months, three outcomes, from files to documents: at most 40 s and 1 GB on 2 cores."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from whole_run import ROOT, measure

DATA = ROOT.parent / "shared" / "data" / "chicago_training"

if __name__ == "__main__":
    if not DATA.is_dir():
        print("skipped: the folder with real data is not on this machine")
        sys.exit(0)
    with tempfile.TemporaryDirectory() as folder:
        plan = ROOT / "tests" / "published" / "chicago_plan.yaml"
        print("police:", measure("run", DATA, "--plan", plan, "--out", Path(folder) / "out"))

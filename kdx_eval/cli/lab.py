"""``lab``: the notebooks in a working folder of the user's own, opened in JupyterLab."""

from __future__ import annotations

import os
from pathlib import Path

from kdx_eval.cli import screen
from kdx_eval.cli.running import DEMO_SEED, prepare_city


def open_lab(data: Path | None, *, out: Path, browser: bool) -> None:
    """Put copies of the notebooks, with the data folder filled in, below ``out`` and open them until the user stops JupyterLab.

    Notebooks that lie there already are kept: they may hold the user's work.
    """
    start = prepare_lab(data, out=out)
    screen.say(f"作業用のフォルダー: {start.parent}", "終わるときは、この画面で Ctrl+C を押してください。")
    from jupyterlab.labapp import LabApp

    os.environ["KDX_EVAL_DATA"] = str((data or out / "city" / "data").resolve())
    os.chdir(start.parent)
    LabApp.launch_instance([start.name, f"--ServerApp.open_browser={browser}"])


def prepare_lab(data: Path | None, *, out: Path) -> Path:
    """The first notebook of a working folder ready for use."""
    from kdx_eval.batch import take_plan, with_parameters
    from kdx_eval.load import load_dataset
    from kdx_eval.resources import root_dir
    from kdx_eval.safe import ensure_output_dir, write_atomic

    folder = ensure_output_dir(out, data)
    with screen.progress_bar() as progress:
        source = data.expanduser().resolve() if data else prepare_city(folder / "city", minimal=False, seed=DEMO_SEED)
        dataset = load_dataset(source, progress=progress)
    _, plan_file, _ = take_plan(dataset, plan=None, out=folder, synthetic=data is None)
    values: dict[str, object] = {
        "data_dir": str(source),
        "plan_path": f"../{plan_file}",
        "out_dir": "..",
    }
    for notebook in sorted(root_dir("notebooks").glob("*.ipynb")):
        copy = folder / "notebooks" / notebook.name
        if not copy.exists():
            write_atomic(copy, with_parameters(notebook, values))
    return folder / "notebooks" / "00_start.ipynb"

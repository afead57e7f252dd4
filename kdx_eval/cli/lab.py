"""``lab``: the notebooks in a working folder of the user's own, opened in JupyterLab."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from kdx_eval.cli import screen
from kdx_eval.cli.running import DEMO_SEED, prepare_city

# On a closed network JupyterLab must neither look for news nor offer extensions from elsewhere.
_NO_NETWORK = ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.extension_manager=readonly")
_NO_NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"


def open_lab(data: Path | None, *, out: Path | None, browser: bool) -> None:
    """Put copies of the notebooks, with the data folder filled in, below ``out`` and open them until the user stops JupyterLab.

    Notebooks and the plan that lie there already are kept: they may hold the user's work.
    """
    start = prepare_lab(data, out=out or _default_folder(data))
    screen.say(f"作業用のフォルダー: {start.parent}", "終わるときは、この画面で Ctrl+C を押してください。")
    from jupyterlab.labapp import LabApp

    from kdx_eval.safe import write_atomic

    # The terminal inside JupyterLab then finds kdx-eval too.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    os.chdir(start.parent)
    if "JUPYTERLAB_SETTINGS_DIR" not in os.environ:
        settings = start.parent.parent / ".jupyterlab"
        os.environ["JUPYTERLAB_SETTINGS_DIR"] = str(settings)
        if not (settings / _NO_NEWS).exists():
            write_atomic(settings / _NO_NEWS, json.dumps({"fetchNews": "false", "checkForUpdates": False}) + "\n")
    LabApp.launch_instance([start.name, f"--ServerApp.open_browser={browser}", *_NO_NETWORK])


def _default_folder(data: Path | None) -> Path:
    """One working folder for each data folder, so that no notebook speaks of another city's data."""
    from kdx_eval.safe import safe_name

    return Path("reports") / ("lab" if data is None else safe_name(f"lab-{data.expanduser().resolve().name}"))


def prepare_lab(data: Path | None, *, out: Path) -> Path:
    """The first notebook of a working folder ready for use."""
    from kdx_eval.batch import choose_plan, declared_parameters, find_plan, with_parameters
    from kdx_eval.load import load_dataset
    from kdx_eval.resources import root_dir
    from kdx_eval.safe import check_output_dir, ensure_output_dir, write_atomic

    folder = check_output_dir(out, data)
    with screen.progress_bar() as progress:
        source = data.expanduser().resolve() if data else prepare_city(folder / "city", minimal=False, seed=DEMO_SEED)
        dataset = load_dataset(source, progress=progress)
    ensure_output_dir(folder, data)
    kept = find_plan(folder)
    plan_file = kept.name if kept else choose_plan(dataset, None, out=folder, synthetic=data is None).write(folder)
    write_atomic(folder / "rejected.csv", Path(dataset.rejected).read_bytes())  # the notebooks speak of it
    values: dict[str, object] = {"data_dir": str(source), "plan_path": f"../{plan_file}", "out_dir": ".."}
    for notebook in sorted(root_dir("notebooks").glob("*.ipynb")):
        copy = folder / "notebooks" / notebook.name
        if not copy.exists():
            write_atomic(copy, with_parameters(notebook, values))
    start = folder / "notebooks" / "00_start.ipynb"
    if declared_parameters(start).get("data_dir") != str(source):
        screen.say("前に作ったノートブックを、そのまま使います（別のデータを指しています）。新しく作るときは --out で別の場所を指定してください。")
    return start

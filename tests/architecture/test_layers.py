"""Imports point downward only, in no circle, and importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS, ANALYSIS = PYPROJECT["tool"]["importlinter"]["contracts"]
HEAVY = {
    "duckdb", "pandas", "numpy", "scipy", "matplotlib", "statsmodels", "typst", "docxtpl", "xlsxwriter", "python_calamine", "openpyxl", "papermill", "IPython",
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("kdx_eval", cache_dir=None)


def test_the_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports" + Path(sys.executable).suffix)
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_are_those_of_the_design() -> None:
    names = [name.strip("() ") for layer in LAYERS["layers"] for name in layer.split("|")]
    assert names == [
        "cli", "batch", "report", "plots", "results", "policy", "budget", "savings", "evidence", "effect", "panel", "load", "synthetic_city",
        "plan", "schema", "disclosure", "manifest", "safe", "units", "resources", "errors",
    ]
    assert LAYERS["exhaustive"] is True
    assert "ignore_imports" not in LAYERS
    assert "ignore_imports" not in ANALYSIS
    present = {path.stem for path in (ROOT / "kdx_eval").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    bound = {name.removeprefix("kdx_eval.") for name in ANALYSIS["source_modules"]}
    assert bound == {"panel", "effect", "evidence", "savings", "budget", "policy"} & (present | bound)
    assert {"matplotlib", "papermill", "typst", "docx", "openpyxl", "xlsxwriter", "python_calamine"} <= set(ANALYSIS["forbidden_modules"])


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    circles = []
    for module in sorted(graph.modules):
        for imported in graph.find_modules_directly_imported_by(module):
            chain = graph.find_shortest_chain(imported, module)
            if chain:
                circles.append([module, *chain])
    # A package whose __init__ re-exports its own parts is no circle unless a part imports the package back.
    assert [" > ".join(circle) for circle in circles] == []


def test_no_layer_imports_a_higher_one_even_lazily(graph: grimp.ImportGraph) -> None:
    order = {name.strip("() "): rank for rank, layer in enumerate(LAYERS["layers"]) for name in layer.split("|")}
    upward = []
    for module in graph.modules - {"kdx_eval"}:
        for imported in graph.find_modules_directly_imported_by(module) - {"kdx_eval"}:
            low, high = module.split(".")[1], imported.split(".")[1]
            if low != high and order[high] <= order[low]:
                upward.append(f"{module} > {imported}")
    assert upward == []
    assert all(one < other for one, other in pairwise(sorted(set(order.values()))))


@pytest.mark.parametrize("module", ["kdx_eval", "kdx_eval.cli", "kdx_eval.errors", "kdx_eval.units", "kdx_eval.safe", "kdx_eval.schema", "kdx_eval.plan"])
def test_a_light_import_pulls_in_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    assert set(done.stdout.split()) & HEAVY == set()

"""The annual run on a synthetic city: every notebook executes, shows its figures, is skipped when nothing changed, and resumes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kdx_eval.batch import STAGES, BatchResult, run_batch
from kdx_eval.manifest import verify_manifest
from kdx_eval.synthetic_city import CitySize, make_city

FIGURES = {"01_data_quality": 1, "03_training_effect": 4, "04_staff_hours": 1, "05_cost_benefit": 1}


# Small: what is tested here is the run, not what it finds.
SIZE = CitySize(departments=16, staff=240, processes=24)


@pytest.fixture(scope="module", params=["full", "minimal"])
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BatchResult:
    folder = tmp_path_factory.mktemp(request.param)
    patch = pytest.MonkeyPatch()
    patch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))
    city = make_city(folder / "city", minimal=request.param == "minimal", size=SIZE)
    request.addfinalizer(patch.undo)
    return run_batch(city.data, out=folder, synthetic=True)


def again(result: BatchResult) -> BatchResult:
    return run_batch(result.out / "city" / "data", out=result.out, synthetic=True)


def executed(result: BatchResult, name: str) -> dict[str, list[dict[str, list[dict[str, object]]]]]:
    return json.loads((result.out / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir()}


def test_every_notebook_ran_and_shows_no_error_and_no_warning(first: BatchResult) -> None:
    assert [stage.outcome for stage in first.stages] == ["executed"] * (len(STAGES) + 2)  # the site, and what may leave the office
    for stage in STAGES:
        outputs = [output for cell in executed(first, stage.name)["cells"] for output in cell.get("outputs", [])]
        assert outputs
        assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []


def test_figures_survive_the_run(first: BatchResult) -> None:
    for name, least in FIGURES.items():
        outputs = [output for cell in executed(first, name)["cells"] for output in cell.get("outputs", [])]
        assert sum("image/png" in output.get("data", {}) for output in outputs) >= least, name


def test_the_run_leaves_all_that_was_promised(first: BatchResult) -> None:
    expected = {"documents/budget_appendix.pdf", "documents/budget_appendix.docx", "documents/annex.pdf", "documents/calculation.xlsx"}
    expected |= {"results/effects.json", "site/index.html", "rejected.csv", "manifest.json", "run.json"}
    assert {name for name in expected if not (first.out / name).is_file()} == set()
    assert verify_manifest(first.out) == []
    assert list(first.out.rglob("*.failed.ipynb")) == []


def test_a_second_run_is_skipped_and_a_damaged_one_resumes_to_the_same_results(first: BatchResult) -> None:
    before = results(first.out)
    assert {stage.outcome for stage in again(first).stages} == {"skipped"}
    (first.out / "results" / "savings.json").write_text("{}", encoding="utf-8", newline="\n")
    (first.out / "results" / "budget.json").write_text("", encoding="utf-8", newline="\n")
    outcomes = {stage.name: stage.outcome for stage in again(first).stages}
    assert outcomes["03_training_effect"] == "skipped"
    assert outcomes["04_staff_hours"] == "executed"
    assert results(first.out) == before


@pytest.mark.parametrize("first", ["minimal"], indirect=True)
def test_a_lost_page_is_made_again_and_nothing_else(first: BatchResult) -> None:
    (first.out / "site" / "index.html").unlink()
    assert [stage.name for stage in again(first).stages if stage.outcome == "executed"] == ["site"]
    assert verify_manifest(first.out) == []


@pytest.mark.parametrize("first", ["minimal"], indirect=True)
def test_a_killed_run_leaves_no_half_file_and_the_next_completes_it_to_the_same_bytes(first: BatchResult, tmp_path: Path) -> None:
    data, out = first.out / "city" / "data", tmp_path / "out"
    script = f"from pathlib import Path; from kdx_eval.batch import run_batch; run_batch(Path({str(data)!r}), out=Path({str(out)!r}), synthetic=True)"
    running = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    while running.poll() is None and not (out / "results" / "quality.json").exists():  # notebook 03 is under way by then
        time.sleep(0.02)
    running.kill()
    running.wait()
    assert not (out / "manifest.json").exists()
    (out / "results").mkdir(parents=True, exist_ok=True)
    (out / "results" / ".tmp-0123456789ab.json").write_text("{", encoding="utf-8", newline="\n")  # as a killed writer leaves it
    result = run_batch(data, out=out, synthetic=True)
    assert list(out.rglob(".tmp-*")) == []
    assert list(out.rglob("*.failed.ipynb")) == []
    assert verify_manifest(out) == []
    assert results(out) == results(first.out)
    assert {stage.outcome for stage in result.stages} >= {"executed"}

"""The whole command on 7 785 real police officers: from files to documents, with the reference's estimates in the results."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import kdx
from pypdf import PdfReader

from kdx_eval.manifest import verify_manifest

PLAN = Path(__file__).with_name("chicago_plan.yaml")
ENTRY = {
    "question_id", "outcome", "estimand", "method", "inference", "estimate", "std_error", "conf_low", "conf_high", "p_value", "n_units",
    "n_persons", "n_cohorts", "n_periods", "grade_maryland", "grade_japan", "verdict", "checks",
}  # fmt: skip
TEXTS = ("question_id", "outcome", "estimand", "method", "inference", "grade_japan", "verdict")
COUNTS = ("n_units", "n_persons", "n_cohorts", "n_periods")


@pytest.fixture(scope="module")
def out(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("police") / "out"
    shown = kdx("run", shared / "data" / "chicago_training", "--plan", PLAN, "--out", folder, home=tmp_path_factory.mktemp("home"))
    assert (shown.returncode, shown.stderr.count("Traceback")) == (0, 0), shown.stderr
    assert all(f"【{verdict}】" in shown.stdout for verdict in {entry["verdict"] for entry in entries(folder)})
    return folder


def entries(out: Path) -> list[dict[str, Any]]:
    return json.loads((out / "results" / "effects.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("estimand", ["simple", "cohort", "calendar"])
def test_efficient_rollout_of_complaints_equals_the_reference(out: Path, shared: Path, estimand: str) -> None:
    reference = json.loads((shared / "reference" / "staggered__pj__complaints__staggered.json").read_text(encoding="utf-8"))[estimand]
    wanted = ("complaints", estimand, "efficient_rollout", "refined")
    (found,) = [entry for entry in entries(out) if tuple(entry[name] for name in ("question_id", "estimand", "method", "inference")) == wanted]
    assert found["estimate"] == pytest.approx(reference["estimate"], rel=1e-8)
    assert found["std_error"] == pytest.approx(reference["se"], rel=1e-8)


def test_each_entry_has_exactly_the_promised_fields(out: Path) -> None:
    found = entries(out)
    assert {frozenset(entry) for entry in found} == {frozenset(ENTRY)}
    assert {entry["question_id"] for entry in found} == {"complaints", "sustained", "force"}
    for entry in found:
        assert all(isinstance(entry[name], str) for name in TEXTS)
        assert all(isinstance(entry[name], int) for name in COUNTS)
        assert isinstance(entry["checks"], list | dict)
        assert entry["grade_maryland"] in {1, 2, 3, 4, 5}
        assert entry["std_error"] is None or (math.isfinite(entry["estimate"]) and entry["conf_low"] <= entry["estimate"] <= entry["conf_high"])
    keys = [tuple(entry[name] for name in ("question_id", "estimand", "method", "inference")) for entry in found]
    assert len(set(keys)) == len(keys)


def test_no_hours_means_no_yen(out: Path) -> None:
    savings = json.loads((out / "results" / "savings.json").read_text(encoding="utf-8"))
    assert all(line["saved"] is None for line in savings["lines"])
    pages = PdfReader(out / "documents" / "budget_appendix.pdf").pages
    assert len(pages) == 2
    assert "金額換算なし" in "".join(page.extract_text() for page in [*pages, *PdfReader(out / "documents" / "annex.pdf").pages])


def test_the_documents_are_there_and_as_recorded(out: Path) -> None:
    names = {
        "budget_appendix.pdf", "budget_appendix.docx", "annex.pdf", "calculation.xlsx", "ledger.json", "expected_questions.docx", "spoken_answers.docx",
        "slides.pptx", "paste_texts.txt", "prior_claims_2018.csv",
    }  # fmt: skip
    assert names == {path.name for path in (out / "documents").iterdir()}
    assert (out / "site" / "index.html").is_file()
    assert verify_manifest(out) == []


def test_no_officer_is_named(out: Path, shared: Path) -> None:
    some = (shared / "data" / "chicago_training" / "training.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    search = subprocess.run(["grep", "-rlw", some, str(out / "results"), str(out / "site"), str(out / "notebooks")], capture_output=True, check=False)
    assert search.stdout == b""

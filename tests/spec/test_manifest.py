"""manifest: digests and their verification, by example."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.errors import ParameterError, VerifyError
from kdx_eval.manifest import Mismatch, canonical_json, code_digest, digest_file, digest_json, verify_manifest, write_manifest


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Path]:
    data, out = tmp_path / "データ", tmp_path / "out"
    for path, text in {
        data / "研修" / "受講.csv": "a", data / "費用.csv": "b", out / "results" / "effects.json": "[]", out / "documents" / "annex.pdf": "p",
        out / "run.json": "{}", out / "rejected.csv": "file",
    }.items():  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_manifest(out, inputs=data, parameters={"seed": 2025, "audience": "internal"}, code_version="c0de")
    return data, out


def test_a_digest_is_the_known_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert digest_file(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_canonical_json_has_one_form() -> None:
    assert canonical_json({"b": 1, "あ": [1.5, None, True], "a": {"d": (1, 2)}}) == '{"a":{"d":[1,2]},"b":1,"あ":[1.5,null,true]}'
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1}) == hashlib.sha256(b'{"a":1,"b":2}').hexdigest()


def test_dates_decimals_paths_dataclasses_and_numpy_scalars_are_understood() -> None:
    @dataclass(frozen=True)
    class Point:
        day: dt.date
        where: Path

    assert canonical_json(Point(dt.date(2026, 4, 1), Path("a/b"))) == '{"day":"2026-04-01","where":"a/b"}'
    assert canonical_json([np.float64(0.1), np.int64(3), np.bool_(True), Decimal("1.10")]) == '[0.1,3,true,"1.10"]'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), np.array([1.0]), {1: "a", "1": "b"}, b"x"])
def test_a_value_without_one_json_form_is_refused(value: object) -> None:
    with pytest.raises(ParameterError):
        canonical_json({"x": value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_canonical_json_is_read_back_as_the_same_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


def test_an_untouched_run_verifies(run: tuple[Path, Path]) -> None:
    data, out = run
    assert verify_manifest(out) == []
    assert verify_manifest(out, data=data) == []


def test_the_manifest_names_inputs_outputs_and_parameters_without_a_machine_path(run: tuple[Path, Path]) -> None:
    data, out = run
    text = (out / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert [entry["path"] for entry in manifest["inputs"]] == ["研修/受講.csv", "費用.csv"]
    assert [(entry["path"], entry["kind"]) for entry in manifest["outputs"]] == [
        ("documents/annex.pdf", "document"), ("rejected.csv", "result"), ("results/effects.json", "result"),
    ]  # fmt: skip
    assert manifest["inputs"][0] == {"path": "研修/受講.csv", "sha256": hashlib.sha256(b"a").hexdigest(), "bytes": 1}
    assert manifest["parameters"] == {"seed": 2025, "audience": "internal"}
    assert manifest["code"] == "c0de"
    assert str(data.parent) not in text


def test_the_same_run_writes_the_same_manifest(run: tuple[Path, Path]) -> None:
    data, out = run
    before = (out / "manifest.json").read_bytes()
    write_manifest(out, inputs=data, parameters={"audience": "internal", "seed": 2025}, code_version="c0de")
    assert (out / "manifest.json").read_bytes() == before


def test_a_changed_result_is_binding_and_a_document_edited_by_hand_is_not(run: tuple[Path, Path]) -> None:
    _, out = run
    (out / "results" / "effects.json").write_text("[1]", encoding="utf-8")
    (out / "documents" / "annex.pdf").write_text("q", encoding="utf-8")
    assert verify_manifest(out) == [
        Mismatch(path="documents/annex.pdf", reason="changed", binding=False),
        Mismatch(path="results/effects.json", reason="changed", binding=True),
    ]


def test_missing_and_unexpected_files_are_named(run: tuple[Path, Path]) -> None:
    _, out = run
    (out / "documents" / "annex.pdf").unlink()
    (out / "results" / "more.json").write_text("{}", encoding="utf-8")
    assert [(found.path, found.reason, found.binding) for found in verify_manifest(out)] == [
        ("documents/annex.pdf", "missing", True), ("results/more.json", "unexpected", True),
    ]  # fmt: skip


def test_inputs_that_changed_are_found_when_the_data_folder_is_given(run: tuple[Path, Path]) -> None:
    data, out = run
    (data / "費用.csv").write_text("c", encoding="utf-8")
    assert verify_manifest(out) == []
    assert verify_manifest(out, data=data) == [Mismatch(path="data/費用.csv", reason="changed", binding=True)]


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"inputs":[{}],"outputs":[]}', '{"inputs":[],"outputs":[{"path":1,"sha256":"x"}]}'])
def test_a_missing_or_broken_manifest_is_one_error(run: tuple[Path, Path], text: str | None) -> None:
    _, out = run
    (out / "manifest.json").unlink()
    if text is not None:
        (out / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(VerifyError):
        verify_manifest(out)


def test_two_inputs_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        write_manifest(tmp_path, inputs=[Path("a/x.csv"), Path("b/x.csv")], parameters={}, code_version="")


def test_the_code_digest_is_a_stable_sha256() -> None:
    assert len(code_digest()) == 64
    assert code_digest() == code_digest()

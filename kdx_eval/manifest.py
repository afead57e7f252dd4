"""Digests of inputs, code, lock, parameters and outputs, and their verification.

manifest.json lies in the output folder. It holds no date, no machine path and no user name, so that two runs on the same
inputs, code and parameters write the same manifest but for the documents.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import math
import platform
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Literal, cast

from kdx_eval import resources
from kdx_eval.errors import ParameterError, VerifyError
from kdx_eval.safe import write_atomic

MANIFEST = "manifest.json"
_UNRECORDED = frozenset([MANIFEST, "run.json"])  # run.json holds the state of a run, with its times
_RESULT_SUFFIXES = frozenset([".json", ".parquet", ".csv"])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A file that does not agree with the manifest.

    Attributes
    ----------
    path : str
        Relative to the output folder; inputs as ``data/<relative path>``.
    reason : {"changed", "missing", "unexpected"}
        What happened to it.
    binding : bool
        Whether it is a result or an input, which must agree; a document may have been edited by hand.
    """

    path: str
    reason: Literal["changed", "missing", "unexpected"]
    binding: bool


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits; raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(obj: object) -> str:
    """Return the one JSON text for ``obj``: keys sorted, no blanks, UTF-8; dataclasses, dates, enums, paths and NumPy scalars are understood.

    Raises
    ------
    ParameterError
        For a value without a JSON form: a set's order, NaN, infinity, an unknown type.
    """
    return json.dumps(_plain(obj), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_json(obj: object) -> str:
    """Return the SHA-256 of `canonical_json`, 64 hexadecimal digits; raises ParameterError as it does."""
    return hashlib.sha256(canonical_json(obj).encode("utf-8", "surrogatepass")).hexdigest()


def _plain(obj: object) -> object:
    if isinstance(obj, Enum):
        return _plain(obj.value)
    if obj is None or isinstance(obj, (bool, int, str)):
        return obj
    if isinstance(obj, float):
        if not math.isfinite(obj):
            raise ParameterError("数でない値（NaN・無限大）は記録できません", hint="欠測は None にしてください")
        return float(obj)
    if isinstance(obj, Mapping):
        plain = {key if isinstance(key, str) else str(key): _plain(value) for key, value in obj.items()}
        if len(plain) != len(obj):
            raise ParameterError("同じ名前の項目が二つあります", hint="項目名を文字列にそろえてください")
        return plain
    if isinstance(obj, (list, tuple)):
        return [_plain(item) for item in obj]
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {field.name: _plain(getattr(obj, field.name)) for field in dataclasses.fields(obj)}
    return _plain_scalar(obj)


def _plain_scalar(obj: object) -> object:
    if isinstance(obj, (dt.date, dt.time)):
        return obj.isoformat()
    if isinstance(obj, Path):
        return obj.as_posix()
    if isinstance(obj, Decimal):
        return str(obj)
    item = getattr(obj, "item", None)  # NumPy scalars, without importing NumPy
    if callable(item) and getattr(obj, "ndim", None) == 0:
        return _plain(item())
    raise ParameterError(f"記録できない型です（{type(obj).__name__}）", hint="文字列・数・リスト・辞書にしてください")


@functools.cache
def code_digest() -> str:
    """Return the SHA-256 over the package's source and data_schema/, 64 hexadecimal digits; the same on every platform."""
    package = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for label, folder, pattern in (("kdx_eval", package, "*.py"), ("data_schema", resources.root_dir("data_schema"), "*")):
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts)
        for name in files:
            # Line ends differ between a Windows checkout and a wheel; the code does not.
            content = (folder / name).read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{label}/{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def write_manifest(out: Path, *, inputs: Path | Sequence[Path], parameters: Mapping[str, object], code_version: str) -> Path:
    """Record what ``out`` was made from and what lies in it; return the path of manifest.json.

    Parameters
    ----------
    out : Path
        The output folder, complete but for the manifest.
    inputs : Path or sequence of Path
        The data folder, or the files read.
    parameters : mapping
        What the run was asked; must have a JSON form.
    code_version : str
        Usually `code_digest`.

    Raises
    ------
    ParameterError
        When a parameter has no JSON form.
    OutputError
        When the manifest cannot be written.
    """
    content = {
        "schema_version": 1,
        "inputs": [{"path": name, **_fingerprint(path)} for name, path in _input_files(inputs).items()],
        "parameters": parameters,
        "code": code_version,
        "lock": _lock_digest(),
        "python": platform.python_version(),
        "outputs": [{"path": name, "kind": _kind(name), **_fingerprint(out / name)} for name in _output_files(out)],
    }
    text = json.dumps(_plain(content), ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return write_atomic(out / MANIFEST, text + "\n")


def verify_manifest(out: Path, *, data: Path | None = None) -> list[Mismatch]:
    """Return every file that does not agree with manifest.json, ordered by path; the list is empty when all agree.

    Parameters
    ----------
    out : Path
        A folder written by a run.
    data : Path, optional
        The data folder, whose files are then held against the recorded inputs too.

    Raises
    ------
    VerifyError
        When the manifest is missing or unreadable.
    """
    recorded = _read_manifest(out)
    expected = {entry["path"]: entry["sha256"] for entry in recorded["outputs"]}
    found = {name: out / name for name in _output_files(out)}
    mismatches = _compare(expected, found, prefix="")
    if data is not None:
        inputs = {entry["path"]: entry["sha256"] for entry in recorded["inputs"]}
        mismatches += _compare(inputs, _input_files(data), prefix="data/")
    return sorted(mismatches, key=lambda mismatch: mismatch.path)


def _compare(expected: Mapping[str, str], found: Mapping[str, Path], *, prefix: str) -> list[Mismatch]:
    mismatches: list[Mismatch] = []
    for name in sorted(expected.keys() | found.keys()):
        reason: Literal["changed", "missing", "unexpected"]
        if name not in found:
            reason = "missing"
        elif name not in expected:
            reason = "unexpected"
        elif digest_file(found[name]) != expected[name]:
            reason = "changed"
        else:
            continue
        binding = bool(prefix) or reason == "missing" or _kind(name) == "result"
        mismatches.append(Mismatch(path=prefix + name, reason=reason, binding=binding))
    return mismatches


def _read_manifest(out: Path) -> dict[str, list[dict[str, str]]]:
    try:
        recorded = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        if all(isinstance(entry["path"], str) and isinstance(entry["sha256"], str) for key in ("inputs", "outputs") for entry in recorded[key]):
            return cast("dict[str, list[dict[str, str]]]", recorded)
        reason = "記録の形が違います"
    except FileNotFoundError:
        reason = "実行の記録がありません"
    except (OSError, ValueError, KeyError, TypeError):
        reason = "実行の記録を読めません"
    raise VerifyError(reason, place=MANIFEST, hint="kdx-eval run で作ったフォルダーを指定してください")


def _output_files(out: Path) -> list[str]:
    names = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and not path.name.startswith(".tmp-"))
    return sorted(name for name in names if name not in _UNRECORDED)


def _input_files(inputs: Path | Sequence[Path]) -> dict[str, Path]:
    if isinstance(inputs, Path):
        if inputs.is_dir():
            found = {path.relative_to(inputs).as_posix(): path for path in inputs.rglob("*") if path.is_file()}
        else:
            found = {inputs.name: inputs}
    else:
        found = {path.name: path for path in inputs}
        if len(found) != len(inputs):
            raise ParameterError("同じ名前の入力ファイルが二つあります", place="inputs", hint="フォルダーを指定してください")
    return dict(sorted(found.items()))


def _fingerprint(path: Path) -> dict[str, object]:
    return {"sha256": digest_file(path), "bytes": path.stat().st_size}


def _kind(name: str) -> str:
    return "result" if Path(name).suffix.lower() in _RESULT_SUFFIXES else "document"


def _lock_digest() -> str | None:
    lock = Path(__file__).resolve().parent.parent / "requirements.lock"
    return digest_file(lock) if resources.is_checkout() else None

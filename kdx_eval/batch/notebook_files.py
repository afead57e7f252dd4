"""Notebooks as files: what they declare, and how an executed one is put away."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from kdx_eval import errors
from kdx_eval.errors import KdxError, ParameterError
from kdx_eval.safe import write_atomic

_UNEXPECTED = "処理の途中で予期しない誤りが起きました（詳しい値は安全のため残していません）"


def skip_address_grammar() -> None:
    """Let nbformat load without the grammar of internationalised addresses: compiling it takes seconds, no notebook has one.

    jsonschema, which nbformat imports, does without the package when it cannot be imported.
    """
    sys.modules.setdefault("rfc3987_syntax", cast("ModuleType", None))


def declared_parameters(notebook: Path) -> dict[str, object]:
    """Names and default values in the cell tagged ``parameters``, read without running it.

    Raises
    ------
    ParameterError
        When the notebook cannot be read, or has no such cell, or the cell holds more than plain assignments.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        source = next("".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", []))
        return {_target(node): ast.literal_eval(node.value) for node in ast.parse(source).body if isinstance(node, ast.Assign)}
    except (OSError, ValueError, KeyError, TypeError, StopIteration, SyntaxError) as error:
        raise ParameterError(
            "ノートブックのパラメータを読めません", place=notebook.name, hint="parameters の札を付けたセルに「名前 = 値」だけを書いてください"
        ) from error


def _target(node: ast.Assign) -> str:
    (target,) = node.targets
    if not isinstance(target, ast.Name):
        raise ValueError("not a plain name")
    return target.id


def with_parameters(notebook: Path, values: Mapping[str, object]) -> str:
    """The notebook's text with the parameters cell filled in, for use in JupyterLab."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            defaults = declared_parameters(notebook)
            cell["source"] = _assignments({**defaults, **{name: value for name, value in values.items() if name in defaults}})
    return _text(content)


def finish(raw: Path, *, target: Path, parameters: Mapping[str, object]) -> None:
    """Put an executed notebook away without machine paths, clock times or escaped Japanese."""
    content = json.loads(raw.read_text(encoding="utf-8"))
    _tidy(content, parameters)
    write_atomic(target, _text(content))


def keep_failed(raw: Path, *, target: Path, parameters: Mapping[str, object]) -> None:
    """Keep a failed notebook beside the others; the failing cell keeps our message only, since tracebacks hold values."""
    content = json.loads(raw.read_text(encoding="utf-8"))
    _tidy(content, parameters)
    content["cells"] = [cell for cell in content["cells"] if "papermill-error-cell-tag" not in cell["metadata"].get("tags", [])]
    for cell in content["cells"]:
        faults = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
        if faults:
            own = error_class(faults[0]["ename"])
            message = faults[0]["evalue"] if own else _UNEXPECTED
            cell["outputs"] = [{"output_type": "stream", "name": "stderr", "text": f"{message}\n"}]
    write_atomic(target, _text(content))


def error_class(name: str) -> type[KdxError] | None:
    """The class of our error tree of that name, or None for any other exception."""
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, KdxError) else None


def rebuild_error(name: str, message: str) -> KdxError | None:
    """The error a notebook raised, from its class name and message; its own ``message`` is the same text. None if not ours."""
    kind = error_class(name)
    if kind is None:
        return None
    body = message.removeprefix(f"[{kind.code}] ")
    reason, _, hint = body.partition(" → ")
    place, separator, rest = reason.partition(": ")
    return kind(rest, place=place, hint=hint) if separator else kind(reason, hint=hint)


def _tidy(content: dict[str, Any], parameters: Mapping[str, object]) -> None:
    content["metadata"].pop("papermill", None)
    for cell in content["cells"]:
        for key in ("papermill", "execution", "collapsed", "scrolled"):
            cell["metadata"].pop(key, None)
        if "injected-parameters" in cell["metadata"].get("tags", []):
            cell["source"] = _assignments(parameters)


def _assignments(values: Mapping[str, object]) -> str:
    return "\n".join(f"{name} = {value!r}" for name, value in values.items())


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

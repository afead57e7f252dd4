"""Notebooks stay thin: each code cell is one call and one display, stored without outputs."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
FORBIDDEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try, ast.With, ast.Lambda, ast.comprehension, ast.IfExp)
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def is_parameters(cell: nbformat.NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def is_import(cell: nbformat.NotebookNode) -> bool:
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(ast.parse(cell.source)))


def test_the_notebooks_of_the_whole_path_are_there() -> None:
    assert {"00", "01", "03", "04", "05", "10"} <= {path.name[:2] for path in NOTEBOOKS}
    assert all(path.name.isascii() for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_valid_and_stored_without_outputs(path: Path) -> None:
    nbformat.validate(read(path))
    assert path.read_text(encoding="utf-8").endswith("}\n")
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_names_no_machine(path: Path) -> None:
    metadata = json.dumps(dict(read(path).metadata), ensure_ascii=False)
    assert "papermill" not in metadata
    assert not re.search(r"/home/|/roo[t]/|/Users/|[A-Z]:\\\\", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_written_for_its_reader(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert JAPANESE.search(first.source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_there_is_one_parameters_cell_of_plain_values(path: Path) -> None:
    (cell,) = [cell for cell in code_cells(path) if is_parameters(cell)]
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign | ast.AnnAssign), ast.unparse(statement)
        assert statement.value is not None
        ast.literal_eval(statement.value)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_there_is_one_import_and_it_is_ours(path: Path) -> None:
    imports = [node for cell in code_cells(path) for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    (only,) = imports
    modules = [alias.name for alias in only.names] if isinstance(only, ast.Import) else [only.module or ""]
    assert modules == ["kdx_eval"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_each_code_cell_is_one_call_and_one_display(path: Path) -> None:
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        assert not any(isinstance(node, FORBIDDEN) for node in ast.walk(tree)), cell.source
        if is_parameters(cell) or is_import(cell):
            continue
        *calls, display = tree.body
        assert len(calls) <= 1, cell.source
        assert all(isinstance(call, ast.Assign | ast.Expr) and isinstance(call.value, ast.Call) for call in calls), cell.source
        assert isinstance(display, ast.Expr | ast.Assign), cell.source

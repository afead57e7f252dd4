"""Loading inside a notebook's kernel, where nothing has been loaded before: what an analyst does who changes the data folder."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from kdx_eval.errors import DataError

PROGRAM = "from pathlib import Path\nfrom kdx_eval.load import load_dataset\ndataset = load_dataset(Path('data'))\ndataset"


def run(folder: Path, *cells: str) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))


def test_a_folder_is_loaded_within_the_kernel_and_shown_in_japanese(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "時間外.csv").write_text("年月,所属,時間外\n2024-04,市民課,1\n", encoding="utf-8")
    (cell,) = run(tmp_path, PROGRAM).cells
    assert [output.output_type for output in cell.outputs] == ["execute_result"]
    assert "勤務時間 1行" in cell.outputs[0].data["text/html"]


def test_an_error_of_ours_is_one_message_without_frames(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError) as caught:
        run(tmp_path, PROGRAM)
    assert caught.value.ename == "DataError"
    assert DataError("データのフォルダがありません").reason in caught.value.traceback
    assert ".py" not in caught.value.traceback

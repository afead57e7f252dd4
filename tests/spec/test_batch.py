"""Notebooks run in processes of their own: parameters checked first, failures contained, no value left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdx_eval import errors
from kdx_eval.batch.kernels import Job, Kernels, NotebookFailedError
from kdx_eval.batch.notebook_files import declared_parameters, rebuild_error, with_parameters
from kdx_eval.errors import KdxError, ParameterError, PlanError

ROOT = Path(__file__).resolve().parents[2]


def write_notebook(path: Path, *codes: str, parameters: str = 'word = ""') -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": ["parameters"]} if i == 0 else {}, "source": code, "execution_count": None, "outputs": []}
        for i, code in enumerate((parameters, *codes))
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8", newline="\n")
    return path


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels() as pool:
        yield pool


class Runner:
    def __init__(self, pool: Kernels, folder: Path, name: str) -> None:
        self.pool, self.folder, self.name = pool, folder, name

    def run(self, *codes: str, word: str = "", timeout: int = 60) -> dict[str, object]:
        source = write_notebook(self.folder / f"{self.name}.source.ipynb", *codes)
        self.pool.submit(
            Job(name=self.name, source=source, output=self.output, failed=self.failed, cwd=self.folder, parameters={"word": word}, timeout_seconds=timeout)
        )
        assert self.pool.wait() == self.name
        return json.loads(self.output.read_text(encoding="utf-8"))

    @property
    def output(self) -> Path:
        return self.folder / f"{self.name}.ipynb"

    @property
    def failed(self) -> Path:
        return self.folder / f"{self.name}.failed.ipynb"


@pytest.fixture
def runner(kernels: Kernels, tmp_path: Path, request: pytest.FixtureRequest) -> Runner:
    return Runner(kernels, tmp_path, request.node.name)


def test_a_parameter_arrives_as_it_was_given_and_is_shown_readably(runner: Runner) -> None:
    hostile = "総務課'\"\\; import os #\n{{x}}"
    content = runner.run("print(word == " + ascii(hostile) + ")", word=hostile)
    texts = [output["text"] for cell in content["cells"] for output in cell["outputs"] if output["output_type"] == "stream"]
    assert texts == [["True\n"]] or texts == ["True\n"]
    (injected,) = [cell for cell in content["cells"] if "injected-parameters" in cell["metadata"].get("tags", [])]
    assert "総務課" in "".join(injected["source"])


def test_an_executed_notebook_holds_no_machine_path_and_no_clock_time(runner: Runner) -> None:
    runner.run("1 + 1")
    text = runner.output.read_text(encoding="utf-8")
    assert str(runner.folder) not in text
    assert "start_time" not in text
    assert "papermill" not in text


def test_an_error_of_ours_comes_back_as_itself(runner: Runner) -> None:
    with pytest.raises(PlanError) as caught:
        runner.run("from kdx_eval.errors import PlanError", "raise PlanError('問いがありません', place='plan.yaml: questions', hint='書いてください')")
    assert caught.value.message == "[PLAN] plan.yaml: questions: 問いがありません → 書いてください"
    assert caught.value.exit_status == PlanError.exit_status
    assert not runner.output.exists()


def test_a_foreign_error_leaves_neither_its_message_nor_a_traceback(runner: Runner) -> None:
    with pytest.raises(NotebookFailedError) as caught:
        runner.run("secret = '山田' + '太郎'", "raise ValueError('cell holds ' + secret)")
    assert "ValueError" in caught.value.message
    assert "山田太郎" not in caught.value.message
    kept = runner.failed.read_text(encoding="utf-8")
    assert "山田太郎" not in kept
    assert "Traceback" not in kept
    assert not runner.output.exists()


@pytest.mark.parametrize("code", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "raise SystemExit(3)"])
def test_a_dead_kernel_is_one_error_and_the_next_notebook_still_runs(kernels: Kernels, tmp_path: Path, code: str) -> None:
    key = str(abs(hash(code)))
    with pytest.raises(NotebookFailedError):
        Runner(kernels, tmp_path, f"dead{key}").run(code)
    Runner(kernels, tmp_path, f"after{key}").run("1 + 1")


def test_an_endless_cell_ends_at_its_time_limit(runner: Runner) -> None:
    with pytest.raises(NotebookFailedError, match="制限時間"):
        runner.run("while True: pass", timeout=2)


def test_notebooks_share_no_state_and_no_random_numbers(kernels: Kernels, tmp_path: Path) -> None:
    code = "import random, numpy; print(random.random(), numpy.random.random(), 'left' in dir()); left = 1"
    outputs = [Runner(kernels, tmp_path, f"state{i}").run(code)["cells"][-1]["outputs"] for i in (1, 2)]
    texts = ["".join(output[0]["text"]) for output in outputs]
    assert texts[0] != texts[1]
    assert all(text.endswith("False\n") for text in texts)


def test_kernels_started_afresh_give_the_same_as_forked_ones(tmp_path: Path) -> None:
    with Kernels(warm=False) as pool:
        content = Runner(pool, tmp_path, "fresh").run("print(word)", word="課")
    assert any("課" in "".join(output.get("text", "")) for cell in content["cells"] for output in cell["outputs"])


def test_no_process_outlives_the_batch(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from kdx_eval.batch.kernels import Job, Kernels\n"
        "folder = Path(sys.argv[1])\n"
        "with Kernels() as pool:\n"
        "    pool.submit(Job(name='n', source=folder / 'n.source.ipynb', output=folder / 'n.ipynb', failed=folder / 'f.ipynb', cwd=folder, parameters={}))\n"
    )
    write_notebook(tmp_path / "n.source.ipynb", "import time; time.sleep(600)")
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    assert not (tmp_path / "n.ipynb").exists()


def test_declared_parameters_are_read_without_running_the_notebook(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", "raise SystemExit", parameters='folder = "data"\ncount = 3\nshare = 0.5')
    assert declared_parameters(path) == {"folder": "data", "count": 3, "share": 0.5}


@pytest.mark.parametrize("parameters", ["import os", "a = open('x')", "a, b = 1, 2", "a ="])
def test_a_parameters_cell_with_more_than_plain_values_is_refused(tmp_path: Path, parameters: str) -> None:
    path = write_notebook(tmp_path / "n.ipynb", parameters=parameters)
    if parameters == "import os":
        assert declared_parameters(path) == {}
        return
    with pytest.raises(ParameterError):
        declared_parameters(path)


def test_a_copy_for_jupyterlab_has_its_parameters_filled_in(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", parameters='data_dir = "data"\nas_of = ""')
    copy = tmp_path / "copy.ipynb"
    copy.write_text(with_parameters(path, {"data_dir": "C:\\共有\\データ", "unknown": 1}), encoding="utf-8", newline="\n")
    assert declared_parameters(copy) == {"data_dir": "C:\\共有\\データ", "as_of": ""}


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KdxError)])
@pytest.mark.parametrize(("place", "hint"), [("", ""), ("表.csv: 3行", ""), ("", "直す"), ("plan.yaml: a: b", "こう → そう")])
def test_an_error_is_rebuilt_with_the_same_message(kind: type[KdxError], place: str, hint: str) -> None:
    error = kind("理由: です", place=place, hint=hint)
    again = rebuild_error(kind.__name__, error.message)
    assert type(again) is kind
    assert again.message == error.message


def test_a_foreign_class_name_is_not_ours() -> None:
    assert rebuild_error("ValueError", "x") is None
    assert rebuild_error("ClassVar", "x") is None

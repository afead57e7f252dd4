"""``pool export`` and ``pool combine`` on files: seen before it is given, refused when changed, overlapping, small or given twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kdx_eval.cli.pooling import combine, export
from kdx_eval.effect import estimate_effect
from kdx_eval.errors import DataError, OutputError
from kdx_eval.load import load_dataset
from kdx_eval.manifest import digest_json, write_manifest
from kdx_eval.panel.build import build_panel
from kdx_eval.plan import read_plan
from kdx_eval.results import Results, write_results
from kdx_eval.synthetic_city import CitySize, make_city

QUESTION = "q1_bpr_hours"


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys and caches of the command line stay out of the developer's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run with one estimated question, and its data folder."""
    folder = tmp_path_factory.mktemp("pool")
    data = make_city(folder / "city", size=CitySize(departments=40, staff=1_200, processes=40)).data
    plan = read_plan(data / "plan.yaml")
    dataset = load_dataset(data)
    question = plan.question(QUESTION)
    study = estimate_effect(build_panel(dataset, question, plan=plan), question, plan=plan)
    only = Results(plan=plan, studies={QUESTION: study}, evidence={}, savings=None, budget=None, quality={}, reach=None)
    write_results(folder / "run" / "results", only)
    write_manifest(folder / "run", inputs=data, parameters={}, code_version="x")
    return folder / "run", data


@pytest.fixture(scope="module")
def file(run: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("given") / "柏市.json"
    export(*run, question=QUESTION, city="122173", out=out, contrast_only=True)
    return out


def other(file: Path, out: Path, **changed: Any) -> Path:
    """The file of a neighbour with other departments, with some of its fields changed and a digest that fits."""
    content = json.loads(file.read_text(encoding="utf-8"))
    units = sorted(hashlib.sha256(unit.encode()).hexdigest()[:16] for unit in content["units"])
    content |= {"city_id": "122190", "city": "隣の市", "units": units, **changed}
    content.pop("digest")
    out.write_text(json.dumps(content | {"digest": digest_json(content)}, ensure_ascii=False), encoding="utf-8")
    return out


def test_without_a_file_everything_is_shown_and_nothing_written(run: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path for folder in run for path in folder.rglob("*"))
    export(*run, question=QUESTION, city="122173", out=None, contrast_only=True)
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("まだ書き出していません", "効果と標準誤差", "課の指紋", "期間"))
    assert "書き出しました" not in shown
    assert sorted(path for folder in run for path in folder.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []


def test_a_second_release_of_the_question_is_refused_where_the_first_lies(run: tuple[Path, Path], file: Path) -> None:
    with pytest.raises(OutputError, match="前にも書き出しています"):
        export(*run, question=QUESTION, city="122173", out=file.with_name("別.json"), contrast_only=True)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_data_that_changed_since_the_run_are_refused_with_the_file(run: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(run[1], tmp_path / "data")
    path = tmp_path / "data" / "研修" / "受講記録.csv"
    path.write_bytes(path.read_bytes() + b"\r\n")
    with pytest.raises(DataError, match="データまたは結果が変わっています") as caught:
        export(run[0], tmp_path / "data", question=QUESTION, city="122173", out=None, contrast_only=True)
    assert caught.value.place == "data/研修/受講記録.csv"


def test_two_cities_are_combined_within_first_and_shares_are_written_as_elsewhere(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    combine([file, other(file, tmp_path / "b.json")], common_design=False)
    shown = capsys.readouterr().out
    assert "まとめた効果" in shown
    assert "△" in shown.split("もとの値に対する割合では")[1]
    assert "-" not in shown.split("もとの値に対する割合では")[1]


@pytest.mark.parametrize(
    ("changed", "reason", "place"),
    [
        ({"city_id": "122173", "city": "柏市"}, "結果が二つあります", "pool"),
        ({"units": None}, "と隣の市の結果に、同じ課が入っています", "pool"),
        ({"design": {"outcome": "worktime.overtime_hours"}}, "成果が市によって違う", "pool"),
        ({"contrast": {"persons_treated": 7}}, "10人または3課に満たない", "b.json"),
        ({"digest": "0"}, "書き出された後に変わっています", "b.json"),
    ],
)
def test_what_must_not_be_combined_is_refused_and_the_file_or_city_named(
    file: Path, tmp_path: Path, changed: dict[str, Any], reason: str, place: str
) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    whole = {key: content["units"] if value is None else content[key] | value if isinstance(value, dict) else value for key, value in changed.items()}
    path = other(file, tmp_path / "b.json", **{key: value for key, value in whole.items() if key != "digest"})
    if "digest" in changed:
        path.write_text(path.read_text(encoding="utf-8").replace("隣の市", "となり市"), encoding="utf-8")
    with pytest.raises(DataError, match=reason) as caught:
        combine([file, path], common_design=False)
    assert caught.value.place == place

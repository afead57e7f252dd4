"""Fields that refer to a list by another name: written as id or name, and refused when the list does not know them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kdx_eval.load import load_dataset


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def write(folder: Path, **files: str) -> None:
    for called, content in files.items():
        (folder / f"{called}.csv").write_text(content, encoding="utf-8", newline="\n")


def test_a_manual_names_its_department_and_course_by_id_or_by_name(tmp_path: Path) -> None:
    write(
        tmp_path, 所属="所属コード,所属名\n0123,市民課\n", 研修="研修番号,研修名\nBPR,業務改善研修\n",
        ナレッジ="資産番号,種類,作成所属,置き換えた研修\nK1,手引き,市民課,業務改善研修\nK2,手引き,0123,BPR\nK3,手引き,ない課,\n",
    )  # fmt: skip
    dataset = load_dataset(tmp_path)
    found = dataset.frame("knowledge")[["asset_id", "origin_department", "replaces_course_id"]].to_numpy().tolist()
    assert found == [["K1", "0123", "BPR"], ["K2", "0123", "BPR"]]
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        assert [(row["row"], row["column"], row["rule"]) for row in csv.DictReader(stream)] == [("4", "作成所属", "unknown_department")]


def test_a_cost_of_a_course_that_the_list_does_not_know_is_named_and_one_of_no_course_stays(tmp_path: Path) -> None:
    write(
        tmp_path, 研修="研修番号,研修名\nBPR,業務改善研修\n",
        費用="年度,予算区分,金額,研修番号\n2025,当初,1000,業務改善研修\n2025,当初,2000,ない研修\n2025,当初,3000,\n",
    )  # fmt: skip
    dataset = load_dataset(tmp_path)
    assert sorted(dataset.frame("costs")["yen"]) == [1000, 3000]
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        assert [(row["row"], row["column"], row["rule"]) for row in csv.DictReader(stream)] == [("3", "研修番号", "unknown_course")]


def test_without_a_list_every_name_is_taken(tmp_path: Path) -> None:
    write(tmp_path, 支援案件="案件番号,所属,業務コード,種類\nI1,市民課,届出の受付,RPA\n", ナレッジ="資産番号,種類,作成所属\nK1,手引き,税務課\n")
    dataset = load_dataset(tmp_path)
    assert dataset.report.rows_rejected == 0
    assert dataset.frame("interventions")["process_id"].tolist() == ["届出の受付"]
    assert dataset.frame("knowledge")["origin_department"].tolist() == ["税務課"]

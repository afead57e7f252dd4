"""``trace``: from a printed figure to files, sheets and rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kdx_eval.errors import DataError, ParameterError
from kdx_eval.report.audience import for_audience
from kdx_eval.report.documents import ledger_text
from kdx_eval.report.tracing import Run, find_claims, latest_run, list_rows, read_run, trace_lines
from tests.command_line import complaint, kdx
from tests.spec.test_every_figure import long_city

SHA = "ab" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves behind, as far as trace reads it."""
    out = tmp_path_factory.mktemp("run")
    results = long_city()
    for name in ("documents", "results"):
        (out / name).mkdir()
    (out / "documents" / "ledger.json").write_text(ledger_text(for_audience(results)[1]), encoding="utf-8")
    (out / "results" / "quality.json").write_text(json.dumps({"quality": dict(results.quality)}), encoding="utf-8")
    inputs = [{"path": "勤務時間.xlsx", "sha256": SHA}]
    (out / "manifest.json").write_text(json.dumps({"inputs": inputs, "outputs": [{"path": "results/effects.json", "sha256": SHA}]}), encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return read_run(folder)


def test_the_tree_leads_from_hours_to_sheet_and_rows(run: Run) -> None:
    lines = trace_lines(run, run.ledger.claim("question.q1.saved"))
    text = "\n".join(lines)
    assert "問1：生まれた時間　1,488時間（幅816～2,160時間）" in lines[0]
    assert "効果×受講単位・月数×換算時間" in text
    assert "勤務時間.xlsx シート「勤務」　読み込み2,882行・採用2,880行・除外2行　SHA-256 abababababab…" in text
    assert "受講.csv　読み込み777行・採用770行・除外7行" in text


def test_yen_lead_to_the_price_and_to_the_hours(run: Run) -> None:
    text = "\n".join(trace_lines(run, run.ledger.claim("value.yen")))
    for part in ("1時間の単価", "差引の時間", "生まれた時間の合計", "（この実行では受け取っていない）"):
        assert part in text


def test_what_was_shown_is_only_named_the_second_time(run: Run) -> None:
    text = "\n".join(trace_lines(run, run.ledger.claim("savings.created")))
    assert text.count("読み込み2,882行") == 1
    assert "上に示したとおり" in text


@pytest.mark.parametrize("text", ["F1", "f1", "request.yen", "Ｆ１"])
def test_an_id_or_a_name_is_found(run: Run, text: str) -> None:
    assert [claim.name for claim in find_claims(run.ledger, text)] == ["request.yen"]


@pytest.mark.parametrize("text", ["1,488時間", "１，４８８時間", " 1,488 時間"])
def test_a_printed_figure_is_found_by_its_text(run: Run, text: str) -> None:
    assert "question.q1.saved" in {claim.name for claim in find_claims(run.ledger, text)}


def test_thousands_of_yen_are_found_as_printed_and_to_the_yen(run: Run) -> None:
    thousand, yen = (run.ledger.claim("value.yen").text, run.ledger.claim("value.yen").full_text)
    assert thousand != yen
    assert all("value.yen" in {claim.name for claim in find_claims(run.ledger, text)} for text in (thousand, yen))


def test_a_part_of_a_number_is_not_that_number(run: Run) -> None:
    with pytest.raises(ParameterError, match="台帳に"):
        find_claims(run.ledger, "488時間")


def test_an_unknown_name_brings_those_that_come_near(run: Run) -> None:
    with pytest.raises(ParameterError, match=r"request\.yen"):
        find_claims(run.ledger, "requst.yen")


def test_the_list_can_be_narrowed_by_a_word(run: Run) -> None:
    every, few = list(list_rows(run.ledger)), list(list_rows(run.ledger, "要求額"))
    assert 0 < len(few) < len(every)
    assert all("要求額" in row[1] for row in few)


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="台帳"):
        read_run(tmp_path)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "ledger.json").write_text('{"claims": [{"inputs": []}], "digest": ""}', encoding="utf-8")
    with pytest.raises(DataError, match="形"):
        read_run(tmp_path)


def test_the_newest_run_is_taken(folder: Path, tmp_path: Path) -> None:
    assert latest_run([tmp_path, folder]) == folder
    assert latest_run([tmp_path]) is None


def test_the_command_shows_the_tree_the_list_and_the_remedy(folder: Path, tmp_path: Path) -> None:
    tree = kdx("trace", "request.yen", "--run", folder, home=tmp_path)
    assert tree.returncode == 0
    assert "F1　要求額" in tree.stdout
    assert "表「費用」 採用37行" in tree.stdout
    narrowed = kdx("trace", "--list", "要求額", "--run", folder, home=tmp_path, encoding="cp932")
    assert "request.yen" in narrowed.stdout
    assert "--list" in complaint(kdx("trace", "存在しない数字", "--run", folder, home=tmp_path))

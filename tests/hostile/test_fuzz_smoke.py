"""A small part of `run.py fuzz-data`: every third mutation once, none changes a result silently or makes the loader fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "studies"))

from fuzz_base import DELIVERIES, base_delivery
from fuzz_data import as_markdown, keep, kept, original, run, summarise, tasks_of
from fuzz_judge import judge
from fuzz_text import MUTATIONS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    original.cache_clear()


def test_no_mutation_changes_a_result_silently_or_makes_the_loader_fail() -> None:
    names = sorted(MUTATIONS)[::3]
    results = [result for batch in run(tasks_of(len(names), seed=7, only=names), jobs=1) for result in batch]
    assert [result for result in results if result.outcome in {"silent", "crash"}] == []
    table = summarise(results)
    assert sum(counts.total() for counts in table.values()) == len(names)
    assert {outcome for counts in table.values() for outcome in counts} >= {"same", "refused", "quarantined", "flagged"}
    assert f"{len(names):,} copies" in as_markdown(table, results, command="python run.py fuzz-data")


def test_a_run_that_was_killed_goes_on_where_it_was_and_says_meanwhile_that_it_is_not_finished(tmp_path: Path) -> None:
    tasks = tasks_of(3, seed=7, only=["empty_a_file"])
    (first,) = run(tasks[:2], jobs=1)
    keep(tmp_path / "kept.csv", first)
    assert kept(tmp_path / "kept.csv") == first
    assert kept(tmp_path / "none.csv") == []
    assert "Not finished: 2 of 3 copies" in as_markdown(summarise(first), first, command="run", of=len(tasks))
    # Outcomes of other code are not taken over.
    (tmp_path / "kept.csv").write_text("0" * 64 + ",empty_a_file,7000000,money,研修.csv,same,\n", encoding="utf-8")
    assert kept(tmp_path / "kept.csv") == []


@pytest.mark.parametrize("called", DELIVERIES)
def test_the_undamaged_delivery_is_judged_the_same(called: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for file, content in base_delivery(called).items():
        (folder / file).write_bytes(content)
    found = original(called)
    assert judge(folder, tmp_path / "cache", found).outcome == "same"
    assert not [sentence for sentence in found.said if "注意" in sentence]


def test_a_silent_change_is_called_silent(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    files = dict(base_delivery("money"))
    # Both amounts and the total fall alike: nothing contradicts, and the judge must not be content.
    files["費用_令和6年度.csv"] = files["費用_令和6年度.csv"].replace("決算".encode("cp932"), "補正".encode("cp932")).replace(b"2-1-8", b"2-1-9")
    files["研修.csv"] = files["研修.csv"].replace("選択\r\n".encode(), "必修\r\n".encode())
    for file, content in files.items():
        (folder / file).write_bytes(content)
    assert judge(folder, tmp_path / "cache", original("money")).outcome == "indistinguishable"
    (folder / "研修.csv").write_bytes(files["研修.csv"] + "NEW,新しい研修,集合,3,選択\r\n".encode())
    assert judge(folder, tmp_path / "cache", original("money")).outcome == "silent"

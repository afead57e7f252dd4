"""Pseudonymising alone at the personnel division: what can be matched afterwards, what cannot, and where the key lies."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest
from command_line import complaint, kdx

from kdx_eval.errors import OutputError
from kdx_eval.load import load_dataset, pseudonymise

ROSTER = "職員番号,氏名,カナ,所属,級\n0001,見本花子,ミホンハナコ,市民課,3級\n0002,見本太郎,ミホンタロウ,税務課,2級\n"
BY_NAME = "氏名,所属,研修名,受講日\n見本花子,市民課,研修A,2025-06-10\n"
BY_ID = "職員番号,研修名,受講日\n0001,研修A,2025-06-10\n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for called, content in files.items():
        (path / f"{called}.csv").write_text(content, encoding="utf-8", newline="\n")
    return path


def contents(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in path.iterdir()}


def test_personnel_files_alone_are_enough(tmp_path: Path) -> None:
    report = pseudonymise(folder(tmp_path / "data", 職員名簿=ROSTER), tmp_path / "out")
    assert report.rows_rejected == 0
    assert set(contents(tmp_path / "out")) == {"職員.csv", "所属.csv", "所属履歴.csv", "rejected.csv"}
    assert not any("見本".encode() in content or b"0001" in content for content in contents(tmp_path / "out").values())


def test_its_own_output_comes_out_unchanged_even_under_another_key(tmp_path: Path) -> None:
    pseudonymise(folder(tmp_path / "data", 職員名簿=ROSTER, 受講者名簿=BY_NAME), tmp_path / "out")
    pseudonymise(tmp_path / "out", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "out")
    pseudonymise(tmp_path / "out", tmp_path / "third", key_file=tmp_path / "keys" / "other.key")
    assert contents(tmp_path / "third") == contents(tmp_path / "out")


def test_names_alone_cannot_be_matched_once_the_roster_has_lost_its_names(tmp_path: Path) -> None:
    together = pseudonymise(folder(tmp_path / "both", 職員名簿=ROSTER, 受講者名簿=BY_NAME), tmp_path / "out_both")
    assert together.matched is not None
    assert together.matched.n_matched == 1
    pseudonymise(folder(tmp_path / "roster", 職員名簿=ROSTER), tmp_path / "handed")
    (tmp_path / "handed" / "受講者名簿.csv").write_text(BY_NAME, encoding="utf-8", newline="\n")
    apart = load_dataset(tmp_path / "handed").report.matched
    assert apart is not None
    assert (apart.n_people, apart.n_matched, apart.n_unmatched) == (1, 0, 1)


def test_ids_done_apart_agree_under_the_same_key_and_only_then(tmp_path: Path) -> None:
    roster, list_ = folder(tmp_path / "roster", 職員名簿=ROSTER), folder(tmp_path / "list", 受講記録=BY_ID)
    key, other = tmp_path / "keys" / "仮名化.key", tmp_path / "keys" / "other.key"
    pseudonymise(roster, tmp_path / "a", key_file=key)
    pseudonymise(list_, tmp_path / "b", key_file=key)
    pseudonymise(list_, tmp_path / "c", key_file=other)
    for place, refused in (("b", 0), ("c", 1)):
        joined = tmp_path / f"joined_{place}"
        shutil.copytree(tmp_path / "a", joined)
        shutil.copy(tmp_path / place / "受講記録.csv", joined / "受講記録.csv")
        dataset = load_dataset(joined)
        assert dataset.report.rows_rejected == refused
    assert load_dataset(tmp_path / "joined_b").frame("training")["staff_id"][0] in set(load_dataset(tmp_path / "a").frame("staff")["staff_id"])


def test_a_key_is_made_once_for_its_owner_and_never_beside_the_data(tmp_path: Path) -> None:
    data, key = folder(tmp_path / "data", 職員名簿=ROSTER), tmp_path / "keys" / "仮名化.key"
    pseudonymise(data, tmp_path / "out", key_file=key)
    made = key.read_bytes()
    pseudonymise(data, tmp_path / "out", key_file=key)
    assert key.read_bytes() == made
    if sys.platform != "win32":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for place in (data / "k.key", tmp_path / "out" / "k.key", tmp_path / "new" / "k.key"):
        with pytest.raises(OutputError, match="鍵"):
            pseudonymise(data, tmp_path / "new" if "new" in place.parts else tmp_path / "out", key_file=place)
        assert not place.exists()


def test_a_folder_that_holds_something_else_is_not_handed_over(tmp_path: Path) -> None:
    data, out = folder(tmp_path / "data", 職員名簿=ROSTER), folder(tmp_path / "out", 元の名簿=ROSTER)
    with pytest.raises(OutputError, match="ほかのファイル"):
        pseudonymise(data, out)
    assert set(contents(out)) == {"元の名簿.csv"}


def test_the_command_says_what_comes_next(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 職員名簿=ROSTER)
    key = tmp_path / "keys" / "k.key"
    shown = kdx("pseudonymise", data, "--out", tmp_path / "out", "--key", key, home=tmp_path / "home")
    assert shown.returncode == 0
    assert all(words in shown.stdout for words in ("このフォルダーだけを渡して", str(key), "受講記録がありませんでした", "まとめてもう一度"))
    assert "見本" not in shown.stdout + shown.stderr
    alone = folder(tmp_path / "list", 受講者名簿=BY_NAME)
    shown = kdx("pseudonymise", alone, "--out", tmp_path / "out2", home=tmp_path / "home")
    assert "職員名簿がない" in shown.stdout
    shown = kdx("pseudonymise", data, "--out", tmp_path / "out3", "--key", data / "k.key", home=tmp_path / "home")
    assert "鍵をデータと同じフォルダーに置けません" in complaint(shown)

"""Bad deliveries: one Japanese message each, with place, reason and remedy; and no name anywhere."""

from __future__ import annotations

import csv
import json
import stat
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from kdx_eval.errors import DataError, KdxError, OutputError, SchemaError
from kdx_eval.load import load_dataset, pseudonymise

NAME, KANA = "秘密　太郎丸", "ﾋﾐﾂ ﾀﾛｳﾏﾙ"
TRAINING = "職員番号,研修番号,受講開始日\n001,A,2025-04-01\n002,A,2025-05-01\n"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def refuse(folder: Path, kind: type[KdxError]) -> KdxError:
    with pytest.raises(kind) as caught:
        load_dataset(folder)
    assert caught.value.place
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


def test_a_missing_folder(tmp_path: Path) -> None:
    refuse(tmp_path / "ない", DataError)


def test_an_empty_folder(tmp_path: Path) -> None:
    refuse(tmp_path, DataError)


@pytest.mark.parametrize(
    ("called", "content", "words"),
    [
        ("受講記録.csv", b"", "空"),
        ("受講記録.csv", TRAINING.encode("cp932") + "氏名𠮷".encode() + b"\xff\xfe\x81", "文字コード"),
        ("受講記録.csv", TRAINING.encode()[:5], "切れて"),
        ("受講記録.csv", (TRAINING + "003,A").encode(), "途中で切れ"),
        ("受講記録.csv", (TRAINING + '003,"A,2025').encode(), "途中で切れ"),
        ("受講記録.xls", b"<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        ("受講記録.csv", b"<!DOCTYPE html><html></html>", "HTML"),
        ("受講記録.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "パスワード"),
        ("受講記録.xlsx", b"PK\x03\x04" + bytes(300), "Excel"),
        ("受講記録.parquet", b"PAR1" + bytes(30), "Parquet"),
        ("受講記録.csv", b"\x00\x01\x02" * 50, "文字のファイル"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, called: str, content: bytes, words: str) -> None:
    (tmp_path / called).write_bytes(content)
    error = refuse(tmp_path, DataError)
    assert words in error.reason
    assert called in error.place


def test_a_workbook_that_inflates_is_not_opened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "受講記録.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000_000)
    assert "大きく" in refuse(tmp_path, DataError).reason


def test_a_cut_off_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["職員番号", "研修番号", "受講開始日"])
    book.save(tmp_path / "受講記録.xlsx")
    whole = (tmp_path / "受講記録.xlsx").read_bytes()
    (tmp_path / "受講記録.xlsx").write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path, DataError)


def test_a_missing_column_names_the_nearest_heading(tmp_path: Path) -> None:
    (tmp_path / "費用.csv").write_text("年度,予算区分,金額計\nR7,当初,100\n", encoding="utf-8")
    error = refuse(tmp_path, SchemaError)
    assert "「金額」" in error.reason
    assert "金額計" in error.hint


def test_nothing_recognisable(tmp_path: Path) -> None:
    (tmp_path / "メモ.csv").write_text("りんご,みかん\n1,2\n", encoding="utf-8")
    refuse(tmp_path, DataError)


@pytest.mark.parametrize(
    "content",
    [
        "files: [",
        "files: 3",
        "fils: {}",
        "files: {a.csv: {tabel: costs}}",
        "files: {a.csv: {table: cost}}",
        "files: {a.csv: {table: costs, columns: {額: yenn}}}",
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "受講記録.csv").write_text(TRAINING, encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(content, encoding="utf-8")
    refuse(tmp_path, SchemaError)


def test_a_cross_tab_without_its_year(tmp_path: Path) -> None:
    months = [f"{(month + 2) % 12 + 1}月" for month in range(1, 13)]
    (tmp_path / "時間外.csv").write_text(f"課,{','.join(months)}\n市民課,{','.join(['1'] * 12)}\n", encoding="utf-8")
    assert "年度" in refuse(tmp_path, DataError).reason


def test_the_cache_may_not_lie_in_the_data(tmp_path: Path) -> None:
    (tmp_path / "受講記録.csv").write_text(TRAINING, encoding="utf-8")
    with pytest.raises(DataError):
        load_dataset(tmp_path, cache_dir=tmp_path / "cache")


def test_pseudonyms_are_not_written_beside_the_names(tmp_path: Path) -> None:
    (tmp_path / "受講記録.csv").write_text(TRAINING, encoding="utf-8")
    with pytest.raises(OutputError):
        pseudonymise(tmp_path, tmp_path / "out")


def test_a_name_is_nowhere_once_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    data, home, out = tmp_path / "data", tmp_path / "home", tmp_path / "out"
    data.mkdir()
    monkeypatch.setenv("KDX_EVAL_HOME", str(home))
    (data / "職員名簿.csv").write_text(f"氏名,カナ,所属,級,採用日\n{NAME},{KANA},市民課,3級,2020-04-01\n別人,,市民課,3級,{NAME}\n", encoding="utf-8")
    # The name also stands where it does not belong.
    rows = [f"{NAME},市民課,研修A,2025-04-01,3", f"{NAME},市民課,研修A,{NAME},3", f"{NAME},,研修A,2025-04-01,{NAME}", f"合計,,,,{NAME}"]
    (data / "受講者名簿.csv").write_text("\n".join(["氏名,所属,研修名,受講日,受講時間", *rows, ""]), encoding="utf-8")
    dataset = load_dataset(data)
    pseudonymise(data, out)
    said = repr(dataset) + json.dumps(dataset.report.to_dict(), ensure_ascii=False) + "".join(capfd.readouterr()) + caplog.text
    spellings = [NAME, NAME.replace("　", ""), KANA, "太郎丸"]
    forms = [form for spelling in spellings for form in (spelling.encode("utf-8"), spelling.encode("cp932"), json.dumps(spelling).strip('"').encode())]
    for path in [*home.rglob("*"), *out.rglob("*")]:
        if path.is_file():
            assert not any(form in path.read_bytes() for form in forms), path
    assert not any(form in said.encode("utf-8") for form in forms)
    assert dataset.report.rows_rejected == 4


@pytest.mark.skipif(sys.platform == "win32", reason="the profile's permissions protect it there")
def test_cache_and_key_are_readable_by_the_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "受講記録.csv").write_text(TRAINING, encoding="utf-8")
    dataset = load_dataset(tmp_path / "data")
    for path in (*dataset.tables.values(), dataset.rejected, tmp_path / "home" / "data" / "pseudonym.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home" / "cache").stat().st_mode) == 0o700


def test_a_hostile_department_is_data_and_nothing_else(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    hostile = ["=HYPERLINK(1)", "'; DROP TABLE x; --", "../../etc", "{{ 7*7 }}", "<script>"]
    with (data / "所属.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("所属コード", "所属名"), *((f"{n:03d}", name) for n, name in enumerate(hostile))])
    dataset = load_dataset(data)
    assert dataset.frame("departments")["department_name"].tolist() == hostile
    pseudonymise(data, out)
    assert "'=HYPERLINK" in (out / "所属.csv").read_text(encoding="utf-8-sig")
    assert {path.name for path in out.iterdir()} == {"所属.csv", "rejected.csv"}

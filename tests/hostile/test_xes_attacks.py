"""XES files that would expand, reach outside, never end or lie about themselves are refused with a Japanese message."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kdx_eval.errors import DataError
from kdx_eval.load import load_dataset

EVENT = '<event><string key="concept:name" value="a"/><date key="time:timestamp" value="2025-04-15T09:00:00"/></event>'
TRACE = f'<trace><string key="concept:name" value="1"/>{EVENT}{EVENT}</trace>'
LAUGHS = '<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'{LAUGHS}<log><trace><string key="concept:name" value="&c;"/>{EVENT}</trace></log>', "DOCTYPE"),
        ('<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', "DOCTYPE"),
        ('<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log>&x;</log>', "DOCTYPE"),
        (f"<log>{TRACE}", "XES として読めません"),
        ("case,activity\n1,2\n", "XES として読めません"),
        ("<html><body/></html>", "処理の記録ではありません"),
        ("<log/>", "ありません"),
        ("", "空です"),
        ("<log>" + "<a>" * 100 + "</a>" * 100 + "</log>", "深すぎ"),
        (f'<log><trace>{EVENT}<string key="concept:name" value="1"/></trace></log>', "後ろ"),
        (f'<log><trace><string key="concept:name" value="{"x" * 70_000}"/>{EVENT}</trace></log>', "長すぎる"),
        ("<log><trace><event>" + "".join(f'<string key="k{n}" value="v"/>' for n in range(600)) + "</event></trace></log>", "多すぎ"),
        ('<?xml version="1.0" encoding="Shift_JIS"?><log/>', "読めません|文字コード"),
    ],
)
def test_a_hostile_or_broken_log_stops_with_a_message(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "log.xes").write_bytes(content.encode())
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path)


def test_a_document_type_in_utf_16_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "log.xes").write_bytes(f'<?xml version="1.0" encoding="UTF-16"?>{LAUGHS}<log/>'.encode("utf-16"))
    with pytest.raises(DataError, match="DOCTYPE"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("inside", "message"),
    [(b"<!-- " + b"0" * (1 << 26) + b" -->", "長すぎる"), ((b"<!-- " + b"0" * 4000 + b" -->") * 16_000, "異常に大きく")],
    ids=["one", "many"],
)
def test_a_compressed_bomb_stops_early(tmp_path: Path, inside: bytes, message: str) -> None:
    (tmp_path / "log.xes.gz").write_bytes(gzip.compress(b"<log>" + inside + b"</log>"))
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path)


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_compressed_log_cut_off_is_refused(tmp_path: Path, keep: float) -> None:
    whole = gzip.compress(f"<log>{TRACE * 50}</log>".encode())
    (tmp_path / "log.xes.gz").write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(DataError, match="切れている"):
        load_dataset(tmp_path)

"""Rows that repeat a key, found with sorted hashes and files of them, against a slow comparison of every row with every other."""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.load import large, load_dataset, repeated_keys
from kdx_eval.load.repeated_keys import check_duplicates
from kdx_eval.load.staging import FAULTS, create_faults
from kdx_eval.schema import load_schema

KEY = ("staff_id", "department_id", "valid_from")
CELL = st.sampled_from([None, "a", "b"])
DAY = st.sampled_from([None, "2025-04-01", "2025-04-02"])
ROW = st.tuples(CELL, CELL, DAY, DAY, CELL)


def slowly(rows: list[tuple[str | None, ...]], refused: set[int]) -> list[int]:
    """Numbers of the rows to be refused: all of a key whose rows contradict each other, else all but the first; none twice."""
    same: dict[tuple[str | None, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        same[row[:3]].append(number)
    found = []
    for numbers in same.values():
        contradicting = len({rows[number - 1][3:] for number in numbers}) > 1
        left = [number for number in numbers if number not in refused]
        found += left if contradicting else left[1:]
    return sorted(found)


@given(rows=st.lists(ROW, min_size=1, max_size=24), refused=st.sets(st.integers(1, 24), max_size=3), at_once=st.sampled_from([2, 5, 1000]))
def test_the_same_rows_are_refused_as_when_every_row_is_compared(rows: list[tuple[str | None, ...]], refused: set[int], at_once: int) -> None:
    spec = load_schema().table("assignments")
    with tempfile.TemporaryDirectory() as work, duckdb.connect(config={"temp_directory": work}) as con, pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated_keys, "_SORTED_AT_ONCE", at_once)
        create_faults(con)
        fields = "staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE, posting_kind VARCHAR"
        con.execute(f"CREATE TABLE t (_stage VARCHAR, _rid BIGINT, _line BIGINT, {fields})")
        con.executemany("INSERT INTO t VALUES ('s', ?, ?, ?, ?, ?, ?, ?)", [(number, number + 1, *row) for number, row in enumerate(rows, start=1)])
        con.execute(f"INSERT INTO {FAULTS} SELECT _stage, _rid, _line, '', 'earlier' FROM t WHERE list_contains(?, _rid)", [sorted(refused)])
        check_duplicates(con, "t", alike="t", spec=spec, key=KEY, heading="職員番号")
        found = con.execute(f"SELECT rid, line FROM {FAULTS} WHERE rule = 'duplicate' ORDER BY rid").fetchall()
        assert [rid for rid, _ in found] == slowly(rows, refused)
        assert all(line == rid + 1 for rid, line in found)
        assert not list(Path(work).iterdir())


@pytest.mark.parametrize("codes", [("7", "8", "9"), ("7", "７", "9"), ("7", "7.0", ""), ("", "ー", "9")], ids=["plain", "two texts", "a blank", "blanks"])
def test_codes_as_the_file_has_them_decide_only_where_each_has_its_own_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: tuple[str, ...]) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    data = tmp_path / "data"
    data.mkdir()
    lines = ", ".join(f"('{codes[n % 3]}', 'D{n % 2}', DATE '2025-04-01' + {n % 40})" for n in range(130))
    with duckdb.connect() as con:
        table = f"SELECT nullif(c0, '') AS staff_id, c1 AS department_id, c2 AS valid_from FROM (VALUES {lines}) v(c0, c1, c2)"
        con.execute(f"COPY ({table}) TO '{(data / '所属履歴.parquet').as_posix()}'")
    refused = []
    for folder, rows in (("small", 1_000_000), ("large", 1)):
        monkeypatch.setattr(large, "LARGE_FROM", rows)
        with load_dataset(data, cache_dir=tmp_path / folder).rejected.open(encoding="utf-8-sig", newline="") as stream:
            refused.append([(row["row"], row["rule"]) for row in csv.DictReader(stream)])
    assert refused[0] == refused[1]
    assert "duplicate" in {rule for _, rule in refused[0]}

"""Large files are typed where they lie: the same tables, the same refusals and the same report as the careful path gives."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from kdx_eval.load import Dataset, files, large, load_dataset, pipeline
from kdx_eval.load.headers import Layout
from kdx_eval.load.progress import execute, telling
from kdx_eval.load.staging import Stage

ROWS = 3_000
LISTS = {
    "所属.csv": "所属コード,所属名\nD1,市民課\nD2,税務課\n",
    "業務.csv": "業務コード,業務名\nP1,転入\nP2,申告\n",
}
# What a row of workload may be instead of a good one, and the rule that must refuse it (none: it is no data, or it is repaired).
WORKLOAD_FAULTS = {
    100: ({"process_id": ""}, "required"),
    200: ({"process_id": "P9"}, None),
    300: ({"department_id": "D9"}, "unknown_department"),
    400: ({"date": "2025-02-30"}, "impossible_date"),
    500: ({"date": "H31.5.1"}, "era_over"),
    600: ({"cases": "十二"}, "not_a_number"),
    700: ({"cases": "1.5"}, "not_whole"),
    800: ({"minutes": "-5"}, "minimum"),
    900: ({"minutes": "#REF!"}, "error_value"),
    1000: ({"measure_basis": "目分量"}, "enum"),
    1100: ({"staff_id": "1.23E+05"}, "lost_digits"),
    1200: ({"minutes": "99999999999999"}, "too_large"),
    1300: ({"department_id": "市民課"}, None),
    1400: ({"minutes": "1:30"}, None),
    1500: ({"date": "Ｒ７．４．１"}, None),
    1600: ({"measure_basis": "ログ"}, None),
    1700: ({"process_id": "合計", "department_id": "", "staff_id": ""}, "total_row"),
    1800: ({"date": "", "cases": "", "minutes": "12", "rework": ""}, "required"),
    1900: ({"cases": "１，２３４"}, None),
    2000: ({"staff_id": ""}, None),
    2100: ({"staff_id": "S 17"}, None),
    2200: (dict.fromkeys(("process_id", "department_id", "date", "staff_id", "cases", "minutes", "measure_basis", "rework"), ""), None),
    2300: ({"rework": "ー"}, None),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def workload_rows() -> list[dict[str, str]]:
    rows = []
    for number in range(ROWS):
        row = {
            "process_id": f"P{number % 2 + 1}", "department_id": f"D{number % 2 + 1}", "date": f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
            "staff_id": f"S{number % 40}", "cases": str(number % 7), "minutes": f"{number % 90}.5", "measure_basis": "log", "rework": "0",
        }  # fmt: skip
        rows.append(row | WORKLOAD_FAULTS.get(number, ({}, None))[0])
    return rows


def posting_rows() -> list[dict[str, str]]:
    rows = [
        {"staff_id": f"S{number}", "department_id": "D1", "valid_from": f"2025-{number % 12 + 1:02d}-01", "valid_to": "2026-03-31"} for number in range(ROWS)
    ]
    rows[50]["valid_to"] = "2020-01-01"  # before it began
    rows[60] = dict(rows[10])  # an equal row again
    rows[70] = {**rows[20], "valid_to": "2026-02-28"}  # one that contradicts another
    return rows


def indicator_rows() -> list[dict[str, str]]:
    return [
        {
            "unit_type": "staff" if number % 2 else "department", "unit_id": f"S{number // 24}" if number % 2 else f"D{number % 4 // 2 + 1}",
            "month": f"20{10 + number // 12 // 20:02d}-{number % 12 + 1:02d}", "indicator_id": "生成AI利用回数" if number % 3 else "genai_uses",
            "value": "NaNs" if number == 77 else f"{number % 50}.25",
        }
        for number in range(ROWS)
    ]  # fmt: skip


def write_csv(path: Path, rows: list[dict[str, str]], *, encoding: str = "cp932") -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path: Path, rows: list[dict[str, str]], *, types: dict[str, str]) -> None:
    """Columns in their types; what does not fit a type, and a blank, is NULL, as in an export from a database."""
    source = path.with_suffix(".tmp.csv")
    write_csv(source, rows, encoding="utf-8")
    fields = ", ".join(f"TRY_CAST({column} AS {types.get(column, 'VARCHAR')}) AS {column}" for column in rows[0])
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE texts AS FROM read_csv('{source.as_posix()}', all_varchar=true)")
        con.execute(f"COPY (SELECT {fields} FROM texts) TO '{path.as_posix()}' (FORMAT parquet)")
    source.unlink()


def deliver_csv(folder: Path) -> None:
    write_csv(folder / "業務量.csv", workload_rows())
    write_csv(folder / "所属履歴.csv", posting_rows(), encoding="utf-8-sig")
    write_csv(folder / "成果指標.csv", indicator_rows(), encoding="utf-8")


def deliver_typed(folder: Path) -> None:
    types = {"date": "DATE", "cases": "DOUBLE", "minutes": "DECIMAL(18,3)", "rework": "SMALLINT"}
    write_parquet(folder / "業務量.parquet", workload_rows(), types=types)
    write_parquet(folder / "所属履歴.parquet", posting_rows(), types={"valid_from": "DATE", "valid_to": "TIMESTAMP"})
    write_parquet(folder / "成果指標.parquet", indicator_rows(), types={"value": "FLOAT"})


def deliver_whole(folder: Path) -> None:
    types = {"date": "TIMESTAMP", "cases": "BIGINT", "minutes": "BIGINT", "rework": "UTINYINT"}
    rows = [{**row, "minutes": row["minutes"].removesuffix(".5")} for row in workload_rows()]
    write_parquet(folder / "業務量.parquet", rows, types=types)
    write_parquet(folder / "所属履歴.parquet", posting_rows(), types={"valid_from": "DATE", "valid_to": "DATE"})


def load(folder: Path, cache: Path) -> Dataset:
    return load_dataset(folder, cache_dir=cache)


@pytest.mark.parametrize(("deliver", "many"), [(deliver_csv, 50_000), (deliver_csv, 10), (deliver_typed, 50_000), (deliver_typed, 10), (deliver_whole, 50_000)])
def test_both_paths_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deliver: Callable[[Path], None], many: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for called, content in LISTS.items():
        (data / called).write_text(content, encoding="utf-8")
    deliver(data)
    on_disk: list[str] = []

    def recorded(*given: object, layout: Layout, **more: object) -> Stage:
        on_disk.append(layout.table.name)
        return large.stage_on_disk(*given, layout=layout, **more)

    monkeypatch.setattr(pipeline, "stage_on_disk", recorded)
    slow = load(data, tmp_path / "slow")
    assert on_disk == []
    monkeypatch.setattr(large, "LARGE_FROM", 1)
    monkeypatch.setattr(large, "_MANY", many)  # 10: ids, dates and numbers count as too many to list
    monkeypatch.setattr(files, "_FAST_FROM", 1000)
    quick = load(data, tmp_path / "quick")
    assert {"workload", "assignments"} <= set(on_disk)
    assert quick.rejected.read_bytes() == slow.rejected.read_bytes()
    assert json.dumps(quick.report.to_dict(), ensure_ascii=False) == json.dumps(slow.report.to_dict(), ensure_ascii=False)
    assert set(quick.tables) == set(slow.tables)
    for table in slow.tables:
        with quick.connect() as one, slow.connect() as other:
            sql = f"SELECT * FROM {table} ORDER BY ALL"
            assert one.execute(sql).fetchall() == other.execute(sql).fetchall(), table


def test_every_seeded_fault_is_named_with_its_line_and_the_order_of_the_file_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for called, content in LISTS.items():
        (tmp_path / called).write_text(content, encoding="utf-8")
    deliver_csv(tmp_path)
    monkeypatch.setattr(large, "LARGE_FROM", 1)
    monkeypatch.setattr(files, "_FAST_FROM", 1000)
    dataset = load_dataset(tmp_path, cache_dir=tmp_path.with_name("cache"))
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        found = {(int(row["row"]), row["rule"]) for row in csv.DictReader(stream) if row["file"] == "業務量.csv"}
    # Row 0 stands on line 2. A process nobody listed is refused as a reference.
    expected = {(number + 2, rule) for number, (_, rule) in WORKLOAD_FAULTS.items() if rule} | {(202, "unknown_reference")}
    assert found == expected
    refused = {line for line, _ in found} | {2202}
    kept = [row for number, row in enumerate(workload_rows()) if number + 2 not in refused]
    assert dataset.frame("workload")["cases"].tolist() == [1234 if row["cases"] == "１，２３４" else int(row["cases"]) for row in kept]


def test_several_threads_do_not_change_the_order_of_a_file_of_many_row_groups(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with duckdb.connect() as con:
        row = "'P' || (range % 5) AS process_id, 'S' || (range % 90) AS staff_id, DATE '2025-04-01' AS date, range % 7 AS minutes, range AS cases"
        spoilt = "REPLACE (CASE cases WHEN 250000 THEN -1 ELSE cases END AS cases)"
        target = (data / "業務量.parquet").as_posix()
        con.execute(f"COPY (SELECT * {spoilt} FROM (SELECT {row} FROM range(400_000))) TO '{target}' (FORMAT parquet, ROW_GROUP_SIZE 20_480)")
    first, second = load(data, tmp_path / "first"), load(data, tmp_path / "second")
    assert first.frame("workload", ["cases"])["cases"].astype(int).tolist() == [n for n in range(400_000) if n != 250_000]
    assert first.tables["workload"].read_bytes() == second.tables["workload"].read_bytes()
    assert "250001,cases,minimum" in first.rejected.read_text(encoding="utf-8-sig")


def test_no_raw_id_stands_in_the_table_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_parquet(data / "業務量.parquet", [{**row, "staff_id": f"職員{n % 9}"} for n, row in enumerate(workload_rows())], types={"date": "DATE"})
    monkeypatch.setattr(large, "LARGE_FROM", 1)
    dataset = load(data, tmp_path / "cache")
    assert dataset.frame("workload")["staff_id"].str.fullmatch("p[0-9a-f]{16}").all()
    content = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert "職員".encode() not in content


def test_a_name_in_a_large_file_is_taken_out_as_in_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "職員.csv").write_text("職員番号,氏名,所属\n1,青木咲良,A\n2,井上拓真,B\n", encoding="utf-8")
    rows = [{"process_id": "青木咲良" if n == 7 else f"P{n % 5}", "month": "2024-04", "cases": str(n)} for n in range(2_000)]
    write_parquet(data / "業務量.parquet", rows, types={"cases": "BIGINT"})
    slow = load(data, tmp_path / "slow")
    monkeypatch.setattr(large, "LARGE_FROM", 1)
    quick = load(data, tmp_path / "quick")
    assert quick.rejected.read_bytes() == slow.rejected.read_bytes()
    assert "8,process_id,name_in_text" in quick.rejected.read_text(encoding="utf-8-sig")
    content = b"".join(path.read_bytes() for path in (tmp_path / "quick").rglob("*") if path.is_file())
    assert "青木".encode() not in content


def test_a_long_statement_tells_how_far_it_is_and_hands_on_its_error() -> None:
    told: list[float] = []
    with duckdb.connect() as con, telling(lambda _, share: told.append(share), "数えています", start=0.25, end=0.75):
        execute(con, "SELECT sum(a.range * b.range) FROM range(10_000) a, range(5_000) b")
        with pytest.raises(duckdb.Error):
            execute(con, "SELECT missing")
    assert told[0] == 0.25
    assert told[-1] == 0.75
    assert told == sorted(told)

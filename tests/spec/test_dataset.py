"""The loaded data: both demo deliveries, the real training data, the cache, and what the data can answer."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from kdx_eval.errors import DataError
from kdx_eval.load import answerable, load_dataset, most_useful_missing, pseudonymise
from kdx_eval.synthetic_city import make_city


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def test_of_the_full_delivery_exactly_the_planted_rows_are_refused(tmp_path: Path) -> None:
    city = make_city(tmp_path)
    dataset = load_dataset(city.data)
    planted = json.loads(city.truth.read_text(encoding="utf-8"))["planted_faults"]
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        found = {(row["file"], row["sheet"], int(row["row"]), row["column"]) for row in csv.DictReader(stream)}
    assert found == {(fault["file"], fault["sheet"], fault["row"], fault["column"]) for fault in planted}
    assert dataset.report.rows_accepted + dataset.report.rows_rejected == dataset.report.rows_read
    assert dataset.rows("departments") == 60
    assert dataset.rows("workload") == 150 * 48
    # The city sums overtime by department, so nobody's own is known.
    assert [item.kind for item in answerable(dataset) if not item.possible] == ["own_overtime"]


def test_the_minimal_delivery_needs_no_mapping(tmp_path: Path) -> None:
    dataset = load_dataset(make_city(tmp_path, minimal=True).data)
    assert {"training", "staff", "assignments", "worktime", "costs", "departments", "courses"} <= set(dataset.tables)
    assert dataset.rows("worktime") == 60 * 48
    matched = dataset.report.matched
    assert matched is not None
    assert matched.share > 0.8
    assert {file.rows_rejected for file in dataset.report.files if file.table != "training"} == {0}
    assert "業務量" in most_useful_missing(dataset)


def test_chicago_loads_and_people_agree_between_tables(shared: Path) -> None:
    dataset = load_dataset(shared / "data" / "chicago_training")
    assert dataset.rows("indicators") == 1_681_560
    with dataset.connect() as con:
        joined = con.execute("SELECT count(DISTINCT t.staff_id), sum(value)::BIGINT FROM training t JOIN indicators i ON i.unit_id = t.staff_id").fetchall()
        raw = con.execute(
            f"SELECT sum(value)::BIGINT FROM read_parquet('{(shared / 'data' / 'chicago_training' / 'indicators.parquet').as_posix()}')"
        ).fetchall()
    assert joined == [(7785, raw[0][0])]
    assert "enrolled_on" not in dataset.columns("training")
    assert not dataset.frame("training")["staff_id"].str.fullmatch(r"\d+").any()


def test_an_unchanged_folder_is_taken_from_the_cache_and_a_changed_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "所属.csv"
    path.write_text("所属コード,所属名\n1,市民課\n", encoding="utf-8")
    first = load_dataset(tmp_path)
    stamp = first.tables["departments"].stat().st_mtime_ns
    (tmp_path / "plan.frozen.json").write_text("{}", encoding="utf-8")
    (tmp_path / "plan.frozen.json").unlink()
    again = load_dataset(tmp_path)
    assert (again.digest, again.report) == (first.digest, first.report)
    assert again.tables["departments"].stat().st_mtime_ns == stamp
    path.write_text("所属コード,所属名\n1,福祉課\n", encoding="utf-8")
    assert load_dataset(tmp_path).digest != first.digest
    assert sorted(one.name for one in tmp_path.iterdir()) == ["所属.csv"]


def test_another_key_gives_other_pseudonyms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "職員.csv").write_text("職員番号,級\n1,3級\n", encoding="utf-8")
    first = load_dataset(data).frame("staff")["staff_id"].tolist()
    key = tmp_path / "key"
    key.write_bytes(b"k" * 40)
    monkeypatch.setenv("KDX_EVAL_KEY_FILE", str(key))
    assert load_dataset(data).frame("staff")["staff_id"].tolist() != first
    key.write_bytes(b"short")
    with pytest.raises(DataError, match="短すぎ"):
        load_dataset(data)


def test_what_pseudonymise_writes_loads_to_the_same_tables(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    (data / "職員名簿R6.4.1.csv").write_text("氏名,所属,級\n山田太郎,市民課,3級\n", encoding="utf-8")
    (data / "受講者名簿.csv").write_text("氏名,所属,研修名,受講日\n山田太郎,市民課,A,R6.5.1\n鈴木花子,市民課,A,R6.5.1\n", encoding="utf-8")
    pseudonymise(data, out)
    before, after = load_dataset(data), load_dataset(out)
    assert set(before.tables) == set(after.tables)
    for table in before.tables:
        assert before.frame(table).equals(after.frame(table)), table
    assert after.report.rows_rejected == 0


def test_repr_shows_shapes_and_a_missing_table_is_said_in_japanese(tmp_path: Path) -> None:
    (tmp_path / "所属.csv").write_text("所属コード,所属名\n1,市民課\n", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert repr(dataset) == "Dataset(departments 1×2)"
    with pytest.raises(DataError, match="受講記録"):
        dataset.rows("training")
    assert not answerable(dataset)[0].possible


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "所属.csv").write_text("所属コード,所属名\n1,市民課\n", encoding="utf-8")
    told: list[float] = []
    load_dataset(tmp_path, progress=lambda sentence, share: told.append(share) if sentence else None)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_mapping_yaml_names_headings_values_and_constants(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(
        "files:\n  超勤*.csv:\n    table: worktime\n    columns: {部門: department_id, 期: month, 超勤: overtime_hours}\n"
        "  講座.csv:\n    table: training\n    constants: {course_id: A}\n"
        "    columns: {番号: staff_id, 日: completed_on, 結果: status}\n    values: {status: {合格: completed}}\n",
        encoding="utf-8",
    )
    (tmp_path / "超勤R6.csv").write_text("部門,期,超勤\n市民課,2024-04,3:30\n", encoding="utf-8")
    (tmp_path / "講座.csv").write_text("番号,日,結果\n1,R6.5.1,合格\n", encoding="utf-8")
    dataset = load_dataset(tmp_path)
    assert dataset.frame("worktime")["overtime_hours"].tolist() == [3.5]
    assert dataset.frame("training")[["course_id", "status"]].values.tolist() == [["A", "completed"]]

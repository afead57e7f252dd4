"""A municipality's real process log (CoSeLoG receipt phase, 1 434 cases) becomes monthly cases and durations; pandas counts the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import kdx

from kdx_eval.load import Dataset, load_dataset

MAPPING = Path(__file__).with_name("mapping.yaml")


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("log")
    shutil.copy(shared / "data" / "municipal_log" / "coselog_receipt.csv", target)
    shutil.copy(MAPPING, target)
    return target


@pytest.fixture(scope="module")
def dataset(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return load_dataset(folder, cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def expected(folder: Path) -> pd.DataFrame:
    """One row a case: the month of its last event in the log's own local time, and minutes from first to last event."""
    log = pd.read_csv(folder / "coselog_receipt.csv", dtype=str)
    log["at"] = pd.to_datetime(log["time:timestamp"], utc=True, format="ISO8601")
    log["local"] = log["time:timestamp"].str.slice(0, 7)
    ordered = log.sort_values("at", kind="stable").groupby("case:concept:name", sort=True)
    cases = ordered.agg(first=("at", "first"), last=("at", "last"), month=("local", "last"), department=("case:department", "first"))
    cases["minutes"] = (cases["last"] - cases["first"]).dt.total_seconds() / 60
    return cases


def test_every_row_is_read_and_every_case_counted(dataset: Dataset, expected: pd.DataFrame) -> None:
    (log,) = [file for file in dataset.report.files if file.table == "workload"]
    assert (log.rows_read, log.rows_accepted, log.rows_rejected) == (8577, 8577, 0)
    assert int(dataset.frame("workload")["cases"].sum()) == len(expected) == 1434


def test_monthly_cases_and_minutes_by_department_equal_those_of_pandas(dataset: Dataset, expected: pd.DataFrame) -> None:
    workload = dataset.frame("workload")
    found = workload.assign(month=workload["month"].dt.strftime("%Y-%m")).groupby(["department_id", "month"])[["cases", "minutes"]].sum()
    wanted = expected.groupby(["department", "month"]).agg(cases=("minutes", "size"), minutes=("minutes", "sum"))
    assert found.index.tolist() == wanted.index.tolist()
    assert found["cases"].tolist() == wanted["cases"].tolist()
    # Times are kept to the second and durations to a hundredth of a minute: at most 0.03 minutes a case.
    error = (found["minutes"].to_numpy(dtype=float) - wanted["minutes"].to_numpy()) / wanted["cases"].to_numpy()
    assert abs(error).max() < 0.03


def test_single_durations_are_kept(dataset: Dataset, expected: pd.DataFrame) -> None:
    found = dataset.frame("durations")["lead_minutes"].astype(float).sort_values().to_numpy()
    assert abs(found - expected["minutes"].sort_values().to_numpy()).max() < 0.03
    assert set(dataset.frame("workload")["measure_basis"]) == {"lead_time"}


def test_check_prints_monthly_cases_and_durations(folder: Path, expected: pd.DataFrame, tmp_path: Path) -> None:
    shown = kdx("check", folder, home=tmp_path)
    assert shown.returncode == 0
    lines = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines() if line.strip() and line.split()[0] in {*expected["month"], "合計"}}
    days = expected["minutes"] / 1440
    for month, values in days.groupby(expected["month"]):
        assert lines[str(month)] == [f"{len(values):,}", f"{values.mean():.2f}", f"{values.median():.2f}"]
    assert lines["合計"] == ["1,434", f"{days.mean():.2f}", f"{days.median():.2f}"]


@pytest.fixture(scope="module")
def unmapped(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("unmapped")
    shutil.copy(shared / "data" / "municipal_log" / "coselog_receipt.csv", folder)
    return load_dataset(folder, cache_dir=tmp_path_factory.mktemp("cache"))


def test_without_a_mapping_the_headings_give_the_same_numbers(unmapped: Dataset, dataset: Dataset) -> None:
    (log,) = [file for file in unmapped.report.files if file.table == "workload"]
    assert (log.rows_read, log.rows_accepted, log.rows_rejected) == (8577, 8577, 0)
    assert any("見出しから処理の記録" in note for note in log.notes)
    measured = ["department_id", "month", "cases", "minutes", "measure_basis"]
    pd.testing.assert_frame_equal(unmapped.frame("workload", measured), dataset.frame("workload", measured))
    assert set(unmapped.frame("workload")["process_id"]) == {"coselog_receipt"}


def test_no_resource_of_the_log_is_kept(unmapped: Dataset) -> None:
    assert all(b"Resource" not in path.read_bytes() for path in unmapped.rejected.parent.iterdir())


def test_office_time_equals_a_count_of_business_days_made_by_numpy(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "municipal_log" / "coselog_receipt.csv"
    shutil.copy(source, tmp_path)
    said = "files: {coselog_receipt.csv: {event_log: {measure: business, calendar: none}}}"
    (tmp_path / "mapping.yaml").write_text(said, encoding="utf-8")
    loaded = load_dataset(tmp_path, cache_dir=tmp_path.parent / f"{tmp_path.name}-cache")

    log = pd.read_csv(source, dtype=str)
    log["at"] = pd.to_datetime(log["time:timestamp"], utc=True, format="ISO8601")
    log["wall"] = pd.to_datetime(log["time:timestamp"].str.replace(r"[+-]\d\d:\d\d$", "", regex=True), format="ISO8601")
    ends = log.sort_values("at", kind="stable").groupby("case:concept:name", sort=True)["wall"].agg(["first", "last"])

    def of_day(moments: pd.Series) -> np.ndarray:
        """Office minutes from the morning of the day of each moment, on a weekday."""
        minutes = (moments - moments.dt.normalize()).dt.total_seconds().to_numpy() / 60
        worked = np.minimum(np.maximum(minutes - 510, 0), 210) + np.minimum(np.maximum(minutes - 780, 0), 255)
        return np.where(moments.dt.day_of_week.to_numpy() < 5, worked, 0)

    days = [ends[end].to_numpy().astype("datetime64[D]") for end in ("first", "last")]
    expected = np.busday_count(days[0], days[1]) * 465 + of_day(ends["last"]) - of_day(ends["first"])
    found = loaded.frame("durations")["business_minutes"].astype(float).to_numpy()
    # Stored to a hundredth of a minute.
    np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=0.0051)
    assert float(loaded.frame("workload")["minutes"].astype(float).sum()) == pytest.approx(expected.sum(), abs=0.0051 * len(loaded.frame("workload")))
    assert 0 < expected.mean() < 0.25 * (loaded.frame("durations")["lead_minutes"].astype(float).mean())

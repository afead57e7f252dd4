"""A municipality's real process log (CoSeLoG receipt phase, 1 434 cases) becomes monthly cases and durations; pandas counts the same."""

from __future__ import annotations

import shutil
from pathlib import Path

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

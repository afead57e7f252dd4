"""Procedural justice training of 7 785 police officers (Wood, Tyler & Papachristos 2020) against Roth & Sant'Anna's own software.

Tolerance 1e-8 relative: the same closed form in another language; observed agreement is about 1e-14.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import CohortMoments, efficient_rollout, group_time_effects, moments
from kdx_eval.panel.type import Panel


@pytest.fixture(scope="module")
def police(shared: Path) -> CohortMoments:
    import duckdb

    folder = shared / "data" / "chicago_training"
    source = str(folder / "indicators.parquet").replace("'", "''")
    with duckdb.connect() as connection:
        query = f"SELECT CAST(unit_id AS VARCHAR) AS officer, month, value FROM '{source}' WHERE indicator_id = 'complaints'"
        frame = connection.execute(query).df()
    trained = pd.read_csv(folder / "training.csv", dtype={"staff_id": str}).set_index("staff_id")["completed_on"].str[:7]
    frame["first"] = frame["officer"].map(trained)
    frame["month"] = frame["month"].astype(str).str[:7]
    return moments(Panel.from_frame(frame, unit="officer", period="month", cohort="first", outcome="value"))


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference" / "staggered__pj__complaints__staggered.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("estimand", ["simple", "cohort", "calendar"])
def test_estimate_and_both_standard_errors_equal_the_reference(police: CohortMoments, reference: dict[str, Any], estimand: Any) -> None:
    result, expected = efficient_rollout(police, estimand=estimand), reference[estimand]
    assert result.estimate == pytest.approx(expected["estimate"], rel=1e-8)
    assert result.std_error == pytest.approx(expected["se"], rel=1e-8)
    assert result.std_error_neyman == pytest.approx(expected["se_neyman"], rel=1e-8)


def test_event_study_equals_the_reference(police: CohortMoments, reference: dict[str, Any]) -> None:
    expected = reference["eventstudy"]
    table = efficient_rollout(police, estimand="event_time").table().set_index("event_time").loc[expected["eventTime"]]
    np.testing.assert_allclose(table.estimate, expected["estimate"], rtol=1e-8)
    np.testing.assert_allclose(table.std_error, expected["se"], rtol=1e-8)
    np.testing.assert_allclose(table.std_error_neyman, expected["se_neyman"], rtol=1e-8)


@pytest.mark.parametrize("estimand", ["simple", "cohort", "calendar", "eventstudy"])
def test_differences_without_adjustment_equal_the_callaway_santanna_figures_of_the_same_software(police: CohortMoments, shared: Path, estimand: Any) -> None:
    stored = json.loads((shared / "reference" / "staggered__pj__complaints__staggered_cs.json").read_text(encoding="utf-8"))[estimand]
    found = efficient_rollout(police, estimand="event_time" if estimand == "eventstudy" else estimand, beta=1)
    table = found.table().set_index("event_time").loc[stored.get("eventTime", [0])]
    np.testing.assert_allclose(table.estimate, stored["estimate"], rtol=1e-8)
    np.testing.assert_allclose(table.std_error, stored["se"], rtol=1e-8)
    np.testing.assert_allclose(table.std_error_neyman, stored["se_neyman"], rtol=1e-8)


@pytest.mark.parametrize("estimand", ["simple", "cohort", "calendar"])
def test_group_time_effects_average_to_the_same_estimates(police: CohortMoments, shared: Path, estimand: Any) -> None:
    stored = json.loads((shared / "reference" / "staggered__pj__complaints__staggered_cs.json").read_text(encoding="utf-8"))
    # With everyone treated in the end, the last cohort is only ever a control.
    overall = group_time_effects(police).aggregate(estimand).overall
    assert overall.estimate == pytest.approx(stored[estimand]["estimate"], rel=1e-8)


def test_adjustment_about_halves_the_standard_error(police: CohortMoments, reference: dict[str, Any], shared: Path) -> None:
    stored = json.loads((shared / "reference" / "staggered__pj__complaints__staggered_cs.json").read_text(encoding="utf-8"))
    gain = 1 - efficient_rollout(police).std_error / stored["simple"]["se"]
    assert gain == pytest.approx(0.46, abs=0.01)  # METHODS section 3 states 46 %

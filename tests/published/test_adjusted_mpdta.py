"""County teen employment given the log of population, against the answers of the authors' own R packages, stored as full doubles.

Estimates agree to 1e-8 and standard errors to 1e-6, relative; observed 4e-10, which is how far R's logit is iterated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import UnitLevelEffects, doubly_robust
from kdx_eval.panel.type import Panel

KINDS = {"simple": "aggte_simple", "event_time": "aggte_dynamic", "cohort": "aggte_group", "calendar": "aggte_calendar"}
CONTROLS = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}
Case = tuple[UnitLevelEffects, dict[str, Any]]


def references(shared: Path) -> list[Path]:
    """Every stored answer with covariates: name parts are control group, method and perhaps the base."""
    return sorted((shared / "reference").glob("did__mpdta__lpop__*.json"))


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[Case]:
    frame = pd.read_csv(shared / "data" / "mpdta" / "mpdta.csv")
    panel = Panel.from_frame(frame, unit="countyreal", period="year", cohort="first.treat", outcome="lemp", never=0, covariates=("lpop",))
    found = []
    for path in references(shared):
        control, method, *base = path.stem.split("__")[3:]
        effects = doubly_robust(panel, control=CONTROLS[control], method=method, base=base[0] if base else "varying")
        found.append((effects, json.loads(path.read_text(encoding="utf-8"))))
    return found


def numbers(values: list[Any]) -> np.ndarray:
    return np.array([np.nan if value in (None, "NA") else value for value in values], dtype=float)


def test_group_time_effects_given_population_equal_the_reference(cases: list[Case]) -> None:
    assert cases
    for effects, reference in cases:
        table, expected = effects.table(), reference["att_gt"]
        assert table.cohort.tolist() == expected["group"]
        assert table.period.tolist() == expected["t"]
        np.testing.assert_allclose(table.estimate, numbers(expected["att"]), rtol=1e-8, atol=1e-14)
        np.testing.assert_allclose(table.std_error, numbers(expected["se"]), rtol=1e-6)


def test_joint_covariance_given_population_equals_the_reference(cases: list[Case]) -> None:
    for effects, reference in cases:
        expected = np.array(reference["V_analytical"], dtype=float) / reference["_meta"]["n"]
        np.testing.assert_allclose(effects.units.covariance(effects.influence), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_aggregations_given_population_equal_the_reference(cases: list[Case], kind: str) -> None:
    for effects, reference in cases:
        expected, result = reference[KINDS[kind]], effects.aggregate(kind)
        assert result.overall.estimate == pytest.approx(expected["overall_att"], rel=1e-8)
        assert result.overall.std_error == pytest.approx(expected["overall_se"], rel=1e-6)
        if expected["egt"] is not None:
            assert result.keys.tolist() == expected["egt"]
            np.testing.assert_allclose(result.table().estimate, numbers(expected["att_egt"]), rtol=1e-8, atol=1e-14)
            np.testing.assert_allclose(result.table().std_error, numbers(expected["se_egt"]), rtol=1e-6)

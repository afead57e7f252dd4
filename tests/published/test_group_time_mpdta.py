"""County teen employment (Callaway & Sant'Anna 2021) against the answers of the authors' own R package, stored as full doubles.

Estimates agree to 1e-8 and standard errors to 1e-6, relative: both are sums of a few hundred doubles, so anything above rounding
(about 1e-13) would be a different formula.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import group_time_effects, moments
from kdx_eval.panel.type import Panel

CASES = {
    "nevertreated__dr": {"control": "never_treated"},
    "notyettreated__dr": {"control": "not_yet_treated"},
    "nevertreated__dr__universal": {"control": "never_treated", "base": "universal"},
}
KINDS = {"simple": "aggte_simple", "event_time": "aggte_dynamic", "cohort": "aggte_group", "calendar": "aggte_calendar"}


@pytest.fixture(scope="module")
def panel(shared: Path) -> Panel:
    frame = pd.read_csv(shared / "data" / "mpdta" / "mpdta.csv")
    return Panel.from_frame(frame, unit="countyreal", period="year", cohort="first.treat", outcome="lemp", never=0)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, panel: Panel, shared: Path) -> tuple[Any, dict[str, Any]]:
    reference = json.loads((shared / "reference" / f"did__mpdta__nocov__{request.param}.json").read_text(encoding="utf-8"))
    return group_time_effects(moments(panel), **CASES[request.param]), reference


def numbers(values: list[Any]) -> np.ndarray:
    return np.array([np.nan if value in (None, "NA") else value for value in values], dtype=float)


def test_group_time_effects_equal_the_reference(case: tuple[Any, dict[str, Any]]) -> None:
    effects, reference = case
    table, expected = effects.table(), reference["att_gt"]
    assert table.cohort.tolist() == expected["group"]
    assert table.period.tolist() == expected["t"]
    np.testing.assert_allclose(table.estimate, expected["att"], rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(table.std_error, numbers(expected["se"]), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_aggregations_equal_the_reference(case: tuple[Any, dict[str, Any]], kind: str) -> None:
    effects, reference = case
    if KINDS[kind] not in reference:
        return
    expected, result = reference[KINDS[kind]], effects.aggregate(kind)
    assert result.overall.estimate == pytest.approx(expected["overall_att"], rel=1e-8)
    assert result.overall.std_error == pytest.approx(expected["overall_se"], rel=1e-6)
    if expected["egt"] is not None:
        assert result.keys.tolist() == expected["egt"]
        np.testing.assert_allclose(result.table().estimate, numbers(expected["att_egt"]), rtol=1e-8, atol=1e-14)
        np.testing.assert_allclose(result.table().std_error, numbers(expected["se_egt"]), rtol=1e-6)


def test_joint_covariance_equals_the_reference(case: tuple[Any, dict[str, Any]]) -> None:
    effects, reference = case
    if "V_analytical" not in reference:
        return
    every = effects.pairs.combine(np.eye(len(effects.estimate)), len(effects.moments.periods))
    expected = np.array(reference["V_analytical"], dtype=float) / 500
    np.testing.assert_allclose(every.covariance(effects.moments), expected, rtol=1e-6, atol=1e-12)


def test_zero_is_never_treated_only_where_the_caller_says_so(shared: Path) -> None:
    frame = pd.read_csv(shared / "data" / "mpdta" / "mpdta.csv")
    silent = Panel.from_frame(frame, unit="countyreal", period="year", cohort="first.treat", outcome="lemp")
    assert not np.isinf(silent.cohort).any()
    effects = group_time_effects(moments(silent))
    assert effects.dropped_units == int((frame.drop_duplicates("countyreal")["first.treat"] == 0).sum())

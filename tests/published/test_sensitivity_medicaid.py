"""Medicaid expansion and insurance (the example of Rambachan & Roth 2023) against the authors' own R package, stored as full doubles.

Tolerance 1e-3 (METHODS section 7). The package looks at 1 000 hypotheses from -20 to 20 standard errors; on that grid the same ones are accepted here.
Its quantiles of the folded normal are simulated (off by about 1e-3 of an error), ours are exact.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdx_eval.effect.event_study import as_event_study
from kdx_eval.effect.fixed_length import smoothness
from kdx_eval.effect.sensitivity import LEAST_FAVOURABLE_DRAWS, _parts, _steps, relative_magnitudes


@pytest.fixture(scope="module")
def stored(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference" / "honestdid__medicaid_ehec__first_post.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def study(stored: dict[str, Any]) -> dict[str, Any]:
    meta = stored["_meta"]
    return {
        "estimates": np.array(stored["betahat"]),
        "sigma": np.array(stored["sigma"]),
        "n_pre": meta["numPrePeriods"],
        "n_post": meta["numPostPeriods"],
        "l_vec": meta["l_vec"],
    }


def test_relative_magnitudes_equal_the_reference(stored: dict[str, Any], study: dict[str, Any]) -> None:
    expected = stored["relative_magnitudes_CLF"]
    found = relative_magnitudes(**study, mbar=expected["Mbar"])
    np.testing.assert_allclose(found.conf_low, expected["lb"], atol=4e-4)  # one step of the stored grid is 3.7e-4
    np.testing.assert_allclose(found.conf_high, expected["ub"], atol=4e-4)
    assert found.original.conf_low == pytest.approx(stored["original"]["lb"], abs=1e-12)
    assert found.original.conf_high == pytest.approx(stored["original"]["ub"], abs=1e-12)
    assert 1.5 < found.breakdown < 2.0  # between the stored intervals without and with zero


def test_the_same_hypotheses_of_the_stored_grid_are_accepted(stored: dict[str, Any], study: dict[str, Any]) -> None:
    expected = stored["relative_magnitudes_CLF"]
    inputs = as_event_study(**study)
    width = 20 * inputs.original.std_error
    grid = np.linspace(-width, width, 1000)
    steps = _steps(inputs, np.random.default_rng(0).standard_normal((len(inputs.betahat), LEAST_FAVOURABLE_DRAWS)))
    for mbar, low, high in zip(expected["Mbar"], expected["lb"], expected["ub"], strict=True):
        accepted = np.any([part.accepts(grid) for part in _parts(steps, mbar)], axis=0)
        assert grid[accepted][[0, -1]] == pytest.approx([low, high], abs=1e-12)


def test_smoothness_bounds_equal_the_reference(stored: dict[str, Any], study: dict[str, Any]) -> None:
    expected = stored["smoothness_FLCI"]
    found = smoothness(**study, m=expected["M"])
    np.testing.assert_allclose(found.conf_low, expected["lb"], atol=1e-4)
    np.testing.assert_allclose(found.conf_high, expected["ub"], atol=1e-4)
    lengths = [float(np.ravel(row["optimalHalfLength"])[0]) for row in stored["optimalFLCI"]]
    np.testing.assert_allclose((found.conf_high - found.conf_low) / 2, lengths, rtol=1.5e-3)
    assert 0.02 < found.breakdown < 0.03

"""Proposition 99 and cigarette sales in California against the software of Arkhangelsky et al. (2021), stored as full doubles.

The table is packs sold per head and year from "The Tax Burden on Tobacco" (Orzechowski & Walker; public data of the US Centers for Disease Control), the
39 states of Abadie, Diamond & Hainmueller (2010).

Tolerances: regularisation 1e-8 and plain differences 1e-7 (the authors keep sales as single precision). The authors' weights come from a descent that is
stopped early, ours solve the programme exactly: at their weights its objective is never lower, and the estimates differ by 1e-4 (synthetic
difference-in-differences) and 6e-3 (synthetic control), relative. Their placebo error has 200 random draws (simulation error about 7 %), ours uses each
of the 38 states once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect.single import METHODS, SingleUnitStudy, synthetic_did

STORED = dict(zip(METHODS, ("sdid", "sc", "did"), strict=True))


@pytest.fixture(scope="module")
def sales() -> np.ndarray:
    table = pd.read_csv(Path(__file__).with_name("california_prop99.csv"), index_col="year")
    return table.to_numpy(dtype=np.float32).T.astype(np.float64)


@pytest.fixture(scope="module")
def study(sales: np.ndarray) -> SingleUnitStudy:
    return synthetic_did(sales, n_controls=38, n_before=19)


@pytest.fixture(scope="module")
def stored(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference" / "synthdid__california_prop99.json").read_text(encoding="utf-8"))


def test_plain_differences_equal_the_reference(study: SingleUnitStudy, stored: dict[str, Any]) -> None:
    assert study.fit("did").estimate == pytest.approx(stored["did"]["estimate"], rel=1e-7)
    np.testing.assert_allclose(study.fit("did").curve, stored["did"]["effect_curve"], rtol=1e-7)


def test_regularisation_equals_the_reference(study: SingleUnitStudy, stored: dict[str, Any]) -> None:
    found = study.fit("synthetic_did")
    assert found.zeta_unit == pytest.approx(stored["sdid"]["zeta_omega"], rel=1e-8)
    assert found.zeta_time == pytest.approx(stored["sdid"]["zeta_lambda"], rel=1e-8)
    assert study.fit("synthetic_control").zeta_unit == pytest.approx(stored["sc"]["zeta_omega"], rel=1e-8)


@pytest.mark.parametrize(("method", "estimate", "weights"), [("synthetic_did", 2e-4, 4e-3), ("synthetic_control", 6e-3, 5e-3)])
def test_estimates_and_weights_are_those_of_the_reference(study: SingleUnitStudy, stored: dict[str, Any], method: Any, estimate: float, weights: float) -> None:
    found, expected = study.fit(method), stored[STORED[method]]
    assert found.estimate == pytest.approx(expected["estimate"], rel=estimate)
    np.testing.assert_allclose(found.unit_weights, list(expected["omega"].values()), atol=weights)
    np.testing.assert_allclose(found.time_weights, list(expected["lambda"].values()), atol=1e-6)


@pytest.mark.parametrize("method", ["synthetic_did", "synthetic_control"])
def test_no_stored_weights_fit_better(study: SingleUnitStudy, stored: dict[str, Any], sales: np.ndarray, method: Any) -> None:
    found = study.fit(method)
    before, target = sales[:38, :19], sales[38, :19]

    def objective(weights: np.ndarray) -> float:
        gap = weights @ before - target
        if method == "synthetic_did":
            gap = gap - gap.mean()
        return float(gap @ gap + 19 * found.zeta_unit**2 * weights @ weights)

    assert objective(found.unit_weights) <= objective(np.array(list(stored[STORED[method]]["omega"].values())))


@pytest.mark.parametrize("method", METHODS)
def test_placebo_errors_agree_within_their_simulation_error(study: SingleUnitStudy, stored: dict[str, Any], method: Any) -> None:
    placebos = study.fit(method).placebos
    spread = ((placebos - placebos.mean()) ** 2).std() / np.sqrt(200) / (2 * study.fit(method).std_error)
    assert len(placebos) == 38
    assert study.fit(method).std_error == pytest.approx(stored[STORED[method]]["placebo_se"], abs=3 * spread)

"""One treated unit by example: optimality of the weights, the double difference by hand, placebos, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from kdx_eval.effect.single import METHODS, _simplex_weights, synthetic_did
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def factors(seed: int, controls: int = 12, treated: int = 1, effect: float = 0.0, periods: int = 20) -> np.ndarray:
    """Outcomes with two common factors; the last rows are treated from period 14 on and follow the factors more closely."""
    rng = np.random.default_rng(seed)
    loads = rng.uniform(0, 2, (controls + treated, 2))
    loads[controls:] = 1.4  # above the others' mean, within their range
    course = np.cumsum(rng.normal(0.4, 1, (2, periods)), axis=1)
    outcome = rng.normal(10, 3, (controls + treated, 1)) + loads @ course + rng.normal(0, 0.5, (controls + treated, periods))
    outcome[controls:, 14:] += effect
    return outcome


def panel_of(outcome: np.ndarray, controls: int, start: float = 14.0) -> Panel:
    cohort = np.where(np.arange(len(outcome)) < controls, np.inf, start)
    return Panel(
        outcome=outcome,
        units=np.array([f"u{i:02d}" for i in range(len(outcome))], dtype=object),
        periods=np.arange(float(outcome.shape[1])),
        cohort=cohort,
        persons=np.ones(len(outcome), dtype=np.int64),
    )


@pytest.mark.parametrize("ridge", [1e-6, 0.3, 20.0])
@pytest.mark.parametrize("seed", range(4))
def test_weights_are_the_optimum_on_the_simplex(seed: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    columns, target = rng.normal(size=(15, 8)) + rng.normal(size=8), rng.normal(size=15)
    found = _simplex_weights(columns, target, ridge=ridge)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0).all()
    # Karush-Kuhn-Tucker: the gradient is level where the weight is positive, and nowhere lower.
    gradient = columns.T @ (columns @ found - target) + 15 * ridge**2 * found
    scale = np.abs(gradient).max()
    assert np.ptp(gradient[found > 0]) <= 1e-8 * scale
    assert gradient[found == 0].min(initial=np.inf) >= gradient[found > 0].min() - 1e-8 * scale
    slow = minimize(
        lambda w: ((columns @ w - target) ** 2).sum() + 15 * ridge**2 * (w @ w),
        np.full(8, 1 / 8),
        method="SLSQP",
        bounds=[(0, 1)] * 8,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(found, slow.x, atol=1e-4)


def test_the_estimate_is_a_weighted_double_difference_with_the_regularisation_of_the_paper() -> None:
    y = factors(0, treated=2)
    study = synthetic_did(y, n_controls=12, n_before=14, draws=5)
    fit = study.fit("synthetic_did")
    gap = y[12:].mean(axis=0) - fit.unit_weights @ y[:12]
    assert fit.estimate == pytest.approx(gap[14:].mean() - fit.time_weights @ gap[:14])
    changes = np.diff(y[:12, :14], axis=1)
    noise = np.sqrt(((changes - changes.mean()) ** 2).sum() / (changes.size - 1))
    assert fit.zeta_unit == pytest.approx((2 * 6) ** 0.25 * noise)
    assert fit.zeta_time == pytest.approx(1e-6 * noise)
    plain = study.fit("did").estimate
    assert plain == pytest.approx(y[12:, 14:].mean() - y[12:, :14].mean() - y[:12, 14:].mean() + y[:12, :14].mean())
    control = study.fit("synthetic_control")
    assert control.estimate == pytest.approx(y[12:, 14:].mean() - (control.unit_weights @ y[:12, 14:]).mean())
    assert study.estimate == fit.estimate == pytest.approx(fit.curve.mean())


def test_a_known_effect_is_recovered_where_plain_differences_fail() -> None:
    errors: dict[Any, list[float]] = {method: [] for method in METHODS}
    for seed in range(40):
        study = synthetic_did(factors(seed, controls=25, treated=3, effect=3.0), n_controls=25, n_before=14, draws=2)
        for method in METHODS:
            errors[method].append(study.fit(method).estimate - 3.0)
    size = {method: float(np.sqrt(np.mean(np.square(found)))) for method, found in errors.items()}
    assert size["synthetic_did"] < 0.5 * size["did"]
    # The regularisation keeps some bias where the factors themselves move a lot from period to period.
    assert abs(np.mean(errors["synthetic_did"])) < 0.5 * abs(np.mean(errors["did"]))


def test_one_treated_unit_takes_every_other_unit_once_as_placebo() -> None:
    y = factors(1, effect=30.0)
    study = synthetic_did(y, n_controls=12, n_before=14)
    fit = study.fit("synthetic_did")
    by_hand = []
    for unit in range(12):
        order = [*[i for i in range(12) if i != unit], unit]
        by_hand.append(synthetic_did(y[order], n_controls=11, n_before=14).estimate)
    np.testing.assert_allclose(fit.placebos, by_hand, rtol=1e-10)
    assert fit.std_error == pytest.approx(np.std(by_hand))
    assert fit.rank_p_value == 1 / 13 == fit.smallest_p_value
    assert fit.interval.conf_low == pytest.approx(fit.estimate - 1.959963984540054 * fit.std_error)
    assert study.table().method.tolist() == list(METHODS)
    assert np.isnan(synthetic_did(y[[0, 1, 12]], n_controls=2, n_before=14).std_error)  # nobody left to compare a placebo with


def test_a_panel_gives_the_same_as_its_matrix_in_any_order_of_units() -> None:
    y = factors(2, treated=2)
    matrix = synthetic_did(y, n_controls=12, n_before=14, draws=20, seed=3)
    panel = panel_of(y, 12)
    assert synthetic_did(panel, draws=20, seed=3).table().equals(matrix.table())
    order = np.random.default_rng(0).permutation(14)
    moved = replace(panel, outcome=y[order], units=panel.units[order], cohort=panel.cohort[order])
    study = synthetic_did(moved, draws=20, seed=3)
    assert study.estimate == pytest.approx(matrix.estimate, rel=1e-9)
    weights = dict(zip(study.units, study.fit("synthetic_did").unit_weights, strict=True))
    np.testing.assert_allclose([weights[f"u{i:02d}"] for i in range(12)], matrix.fit("synthetic_did").unit_weights, atol=1e-9)


def test_levels_do_not_matter_and_scale_does() -> None:
    y = factors(3)
    original = synthetic_did(y, n_controls=12, n_before=14)
    by_unit, by_period = np.linspace(-9, 9, 13)[:, None], np.sin(np.arange(20.0))
    changed = synthetic_did(7 * y + by_unit + 4, n_controls=12, n_before=14)
    assert changed.estimate == pytest.approx(7 * original.estimate, rel=1e-8)
    assert changed.std_error == pytest.approx(7 * original.std_error, rel=1e-8)
    shifted = synthetic_did(y + by_period, n_controls=12, n_before=14)
    assert shifted.fit("did").estimate == pytest.approx(original.fit("did").estimate)
    assert shifted.fit("synthetic_control").estimate == pytest.approx(original.fit("synthetic_control").estimate, rel=1e-4)


def test_what_has_no_comparison_is_refused() -> None:
    y = factors(4)
    panel = panel_of(y, 12)
    with pytest.raises(ParameterError):
        synthetic_did(y)
    with pytest.raises(ParameterError):
        synthetic_did(y[0], n_controls=1, n_before=14)
    with pytest.raises(ParameterError):
        synthetic_did(panel, draws=1)
    with pytest.raises(DataError):
        synthetic_did(np.where(y == y[3, 3], np.nan, y), n_controls=12, n_before=14)
    for cohort in (np.full(13, np.inf), np.r_[np.full(11, np.inf), 13.0, 14.0], np.full(13, 14.0), np.r_[np.full(12, np.inf), 2.0]):
        with pytest.raises(NotIdentifiedError):
            synthetic_did(replace(panel, cohort=cohort))
    for sizes in ((13, 14), (12, 20), (1, 14), (12, 2)):
        with pytest.raises(NotIdentifiedError):
            synthetic_did(y[: max(sizes[0] + 1, 2)], n_controls=sizes[0], n_before=sizes[1])


def test_units_without_any_variation_get_equal_weights() -> None:
    study = synthetic_did(np.full((5, 8), 3.0), n_controls=4, n_before=5)
    np.testing.assert_allclose(study.fit("synthetic_did").unit_weights, 0.25)
    assert study.estimate == pytest.approx(0.0)

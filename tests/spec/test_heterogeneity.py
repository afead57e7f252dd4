"""Types of department, dose and time since training: against literal versions and effects put in by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize
from small_panels import TARGET, make_panel

from kdx_eval.effect import moments
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.heterogeneity import dose_slope, effects_by_stratum, persistence, shrink
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel


def typed(panel: Panel, *, types: int = 2) -> Panel:
    return replace(panel, stratum=np.array([f"型{i % types}" for i in range(panel.n_units)], dtype=object))


def test_each_type_is_compared_with_its_own_and_its_own_shocks_cancel() -> None:
    panel = typed(make_panel(seed=5))
    assert panel.stratum is not None
    first = panel.stratum == "型0"
    shock = 30.0 * (panel.periods >= 24)  # hits every department of one type, trained or not
    outcome = panel.outcome + first[:, None] * shock[None, :]
    found = effects_by_stratum(replace(panel, outcome=outcome), TARGET)
    quiet = effects_by_stratum(panel, TARGET)
    assert found.table["estimate"].to_numpy() == pytest.approx(quiet.table["estimate"].to_numpy(), abs=1e-9)
    part = replace(panel, outcome=panel.outcome[first], units=panel.units[first], cohort=panel.cohort[first], persons=panel.persons[first], stratum=None)
    wanted = fiscal_year_contrast(moments(part), TARGET).effect.estimate(moments(part))[0]
    assert found.table.set_index("stratum").loc["型0", "estimate"] == pytest.approx(wanted, abs=1e-9)


def test_types_too_small_for_a_comparison_are_named_and_not_guessed() -> None:
    panel = typed(make_panel(seed=5))
    assert panel.stratum is not None
    panel.stratum[panel.n_units - 1] = "出先"
    found = effects_by_stratum(panel, TARGET)
    assert found.left_out == ("出先",)
    with pytest.raises(NotIdentifiedError):
        effects_by_stratum(typed(make_panel(seed=5), types=9), TARGET)
    with pytest.raises(NotIdentifiedError):
        effects_by_stratum(make_panel(), TARGET)


def test_a_true_difference_between_types_is_found_and_equal_types_are_drawn_together() -> None:
    panel = typed(make_panel(seed=6, units=12, never=24))
    assert panel.stratum is not None
    on = panel.periods[None, :] >= panel.cohort[:, None]
    different = replace(panel, outcome=panel.outcome - 10.0 * on * (panel.stratum == "型1")[:, None])
    found = effects_by_stratum(different, TARGET)
    assert found.p_value < 0.001
    assert found.between > 4
    equal = effects_by_stratum(panel, TARGET)
    spread = equal.table["estimate"].max() - equal.table["estimate"].min()
    assert equal.table["shrunken"].max() - equal.table["shrunken"].min() <= spread


def test_shrinkage_equals_the_moment_equation_solved_by_bisection() -> None:
    y = np.array([-28.0, -8.0, 3.0, -7.0, 1.0, -1.0, -18.0, -12.0])
    s = np.array([6.0, 4.0, 7.0, 4.0, 3.0, 4.0, 4.0, 8.0])

    def surplus(tau2: float) -> float:
        w = 1 / (tau2 + s**2)
        return float((w * (y - (w * y).sum() / w.sum()) ** 2).sum() - (len(y) - 1))

    tau2 = optimize.bisect(surplus, 1e-9, 1e4, xtol=1e-10)
    w = 1 / (tau2 + s**2)
    mean = (w * y).sum() / w.sum()
    frame, between, p_value = shrink(y, s)
    # statsmodels iterates to 1e-5 of τ².
    assert between == pytest.approx(np.sqrt(tau2), rel=1e-4)
    assert frame["shrunken"].to_numpy() == pytest.approx(mean + tau2 / (tau2 + s**2) * (y - mean), rel=1e-3)
    assert p_value < 0.001
    together, none, _ = shrink(np.array([-5.0, -5.1, -4.9]), np.array([3.0, 3.0, 3.0]))
    assert none == 0
    assert together["shrunken"].to_numpy() == pytest.approx(np.full(3, -5.0))


def literal_slope(panel: Panel, target: FiscalYearTarget) -> float:
    """Weighted least squares of unit effects on unit doses, cell by cell."""
    assert panel.exposure is not None
    effects, doses, cells = [], [], []
    for i in np.flatnonzero(np.isfinite(panel.cohort)):
        found, dose = [], []
        for t, period in enumerate(panel.periods):
            if not (target.first <= period <= target.last and period >= panel.cohort[i] + target.buffer):
                continue
            matched = [s for s, q in enumerate(panel.periods) if q < panel.cohort[i] and q not in target.excluded and (q - period) % 12 == 0]
            others = panel.cohort > period
            change = panel.outcome[:, t] - panel.outcome[:, matched].mean(axis=1)
            found.append(change[i] - change[others].mean())
            dose.append(panel.exposure[i, t])
        effects.append(np.mean(found))
        doses.append(np.mean(dose))
        cells.append(len(found))
    w, d, e = np.array(cells, dtype=float), np.array(doses), np.array(effects)
    d = d - (w * d).sum() / w.sum()
    return float((w * d * e).sum() / (w * d**2).sum())


def test_the_dose_slope_is_weighted_least_squares_of_unit_effects_on_doses() -> None:
    panel = make_panel(effect=-7, seed=8)
    rng = np.random.default_rng(8)
    dose = rng.uniform(0.2, 0.9, (panel.n_units, 1)) * (panel.periods[None, :] >= panel.cohort[:, None])
    panel = replace(panel, exposure=dose)
    assert dose_slope(panel, TARGET).estimate == pytest.approx(literal_slope(panel, TARGET), abs=1e-9)


def test_a_planted_dose_response_is_recovered_and_a_common_dose_is_refused() -> None:
    panel = make_panel(seed=9)
    on = panel.periods[None, :] >= panel.cohort[:, None]
    dose = np.linspace(0.1, 0.9, panel.n_units)[:, None] * on
    clean = replace(panel, outcome=100 + np.arange(36.0)[None, :] - 12.0 * dose, exposure=dose)
    assert dose_slope(clean, TARGET).estimate == pytest.approx(-12, abs=1e-9)
    with pytest.raises(NotIdentifiedError):
        dose_slope(replace(panel, exposure=0.5 * on), TARGET)


def test_true_null_slopes_are_rejected_no_more_often_than_promised() -> None:
    """200 panels without any dose response at 5 %: at most 22 rejections (99.9 % binomial bound)."""
    rejected = 0
    for seed in range(200):
        panel = make_panel(effect=-7, seed=seed, cohorts=(18.0, 21.0), units=6, never=8)
        dose = np.random.default_rng(seed).uniform(0.2, 0.9, (panel.n_units, 1)) * (panel.periods[None, :] >= panel.cohort[:, None])
        rejected += dose_slope(replace(panel, exposure=dose), TARGET).p_value < 0.05
    assert rejected <= 22


def test_an_effect_that_fades_with_rotation_shows_by_year_beside_the_trained_share() -> None:
    panel = make_panel(seed=10, cohorts=(12.0,), units=6)
    since = panel.periods[None, :] - panel.cohort[:, None]
    share = np.where(since >= 12, 0.4, np.where(since >= 0, 0.8, 0.0))
    clean = replace(panel, outcome=100 + np.arange(36.0)[None, :] - 10 * share, exposure=share)
    found = persistence(clean, FiscalYearTarget(first=24, last=35))
    assert found["year"].tolist() == [0, 1]
    assert found["estimate"].to_numpy() == pytest.approx([-8.0, -4.0], abs=1e-9)
    assert found["exposure"].to_numpy() == pytest.approx([0.8, 0.4], abs=1e-12)

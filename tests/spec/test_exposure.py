"""Exposure that starts above zero and falls again: ratios against a grid of tests, switchers against the paper's formula written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_panels import TARGET, make_panel

from kdx_eval.effect import moments
from kdx_eval.effect.exposure import effect_per_exposure, switcher_effect
from kdx_eval.effect.fiscal_year import fiscal_year_contrast
from kdx_eval.effect.inference import make_estimate, pooled_covariance, t_quantile
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel


def exposed(panel: Panel, *, seed: int, share: float = 0.6, noise: float = 0.05) -> Panel:
    """The panel with a share of trained staff that starts above zero, jumps at training and then decays by a tenth each year."""
    rng = np.random.default_rng(seed)
    since = panel.periods[None, :] - panel.cohort[:, None]
    trained = np.where(since >= 0, share * 0.9 ** np.floor(np.maximum(since, 0) / 12), 0.0)
    return replace(panel, exposure=0.1 + trained + rng.normal(0, noise, panel.outcome.shape))


def test_the_ratio_is_the_effect_on_the_outcome_over_the_effect_on_the_trained_share() -> None:
    panel = exposed(make_panel(seed=3), seed=3)
    assert panel.exposure is not None
    clean = replace(panel, outcome=50 - 20 * panel.exposure)
    found = effect_per_exposure(clean, TARGET)
    assert found.ratio.estimate == pytest.approx(-20, abs=1e-9)
    m = moments(replace(panel, outcome=panel.exposure))
    assert found.first_stage.estimate == pytest.approx(float(fiscal_year_contrast(m, TARGET).effect.estimate(m)[0]), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_the_ratio_holds_exactly_the_values_that_the_headline_test_does_not_reject(seed: int) -> None:
    panel = exposed(make_panel(effect=-7, seed=seed), seed=seed)
    assert panel.exposure is not None
    found = effect_per_exposure(panel, TARGET)
    # The degrees of freedom are those at the estimate, as in the function; everything else is computed anew for each value.
    critical = t_quantile(0.975, found.ratio.df)
    kept = []
    grid = np.linspace(found.ratio.estimate - 8, found.ratio.estimate + 8, 801)
    for theta in grid:
        m = moments(replace(panel, outcome=panel.outcome - theta * panel.exposure))
        contrast = fiscal_year_contrast(m, TARGET).effect
        variance, _ = pooled_covariance(m).variance(contrast, m)
        kept.append(abs(contrast.estimate(m)[0]) <= critical * np.sqrt(variance[0]))
    accepted = grid[np.array(kept)]
    step = grid[1] - grid[0]
    assert found.ratio.conf_low == pytest.approx(accepted.min(), abs=step)
    assert found.ratio.conf_high == pytest.approx(accepted.max(), abs=step)


def test_a_first_stage_of_noise_bounds_nothing_and_says_so() -> None:
    panel = exposed(make_panel(effect=-7, seed=1), seed=1, share=0.0, noise=0.2)
    found = effect_per_exposure(panel, TARGET)
    assert found.weak
    assert (found.ratio.conf_low, found.ratio.conf_high) == (-np.inf, np.inf)


def test_exposure_that_is_unknown_or_never_moves_gives_no_ratio() -> None:
    panel = make_panel(effect=-7)
    with pytest.raises(NotIdentifiedError):
        effect_per_exposure(panel, TARGET)
    with pytest.raises(NotIdentifiedError):
        effect_per_exposure(replace(panel, exposure=np.full(panel.outcome.shape, 0.3)), TARGET)


def literal_switchers(y: FloatArray, d: np.ndarray) -> tuple[float, int]:
    """DID_M as the paper defines it: for each pair of periods, joiners against stable untreated and stable treated against leavers."""
    total, count = 0.0, 0
    for t in range(1, y.shape[1]):
        change = y[:, t] - y[:, t - 1]
        before, now = d[:, t - 1], d[:, t]
        for switch, stay, sign in ((~before & now, ~before & ~now, 1.0), (before & ~now, before & now, -1.0)):
            if switch.any() and stay.sum() >= 3:
                total += sign * switch.sum() * (change[switch].mean() - change[stay].mean())
                count += int(switch.sum())
    return total / count, count


@pytest.mark.parametrize("seed", range(5))
def test_switchers_equal_the_papers_sum_over_pairs_of_periods(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = make_panel(seed=seed)
    on = np.cumsum(rng.random(panel.outcome.shape) < 0.06, axis=1) % 2 == 1  # begins and ends at random
    panel = replace(panel, exposure=on * 0.5, outcome=panel.outcome - 4.0 * on)
    found = switcher_effect(panel, threshold=0.25)
    wanted, count = literal_switchers(panel.outcome, on)
    assert found.overall.estimate == pytest.approx(wanted, abs=1e-9)
    assert found.n_joins + found.n_leaves == count
    assert found.n_joins * found.joiners.estimate + found.n_leaves * found.leavers.estimate == pytest.approx(count * wanted, abs=1e-9)


def test_an_effect_that_ends_with_the_training_is_found_from_both_sides() -> None:
    panel = make_panel(seed=2)
    on = (panel.periods[None, :] >= panel.cohort[:, None]) & (panel.periods[None, :] < panel.cohort[:, None] + 9)
    level = 100 + np.arange(panel.n_units)[:, None] + np.arange(36.0)[None, :]
    found = switcher_effect(replace(panel, exposure=on.astype(float), outcome=level - 6.0 * on), threshold=0.5)
    assert found.joiners.estimate == pytest.approx(-6, abs=1e-9)
    # The first cohort leaves while the second, still trained, stays; the second leaves when nobody trained is left to compare with.
    assert found.leavers.estimate == pytest.approx(-6, abs=1e-9)
    assert (found.n_joins, found.n_leaves, found.n_lost) == (12, 6, 6)


def test_with_one_switch_the_error_is_that_of_two_groups_with_pooled_covariance() -> None:
    panel = make_panel(seed=4, cohorts=(18.0,), units=6)
    on = panel.periods[None, :] >= panel.cohort[:, None]
    found = switcher_effect(replace(panel, exposure=on.astype(float)), threshold=0.5)
    change = panel.outcome[:, 18] - panel.outcome[:, 17]
    a, b = change[:6], change[6:]
    variance = a.var(ddof=1) / 6 + b.var(ddof=1) / 8
    df = variance**2 / ((a.var(ddof=1) / 6) ** 2 / 5 + (b.var(ddof=1) / 8) ** 2 / 7)
    wanted = make_estimate(float(a.mean() - b.mean()), float(np.sqrt(variance)), df=float(df))
    assert found.overall.estimate == pytest.approx(wanted.estimate, abs=1e-9)
    assert found.overall.conf_low == pytest.approx(wanted.conf_low, abs=1e-9)


def test_without_three_units_that_stay_there_is_no_number() -> None:
    panel = make_panel(never=2, cohorts=(18.0,))
    on = panel.periods[None, :] >= panel.cohort[:, None]
    with pytest.raises(NotIdentifiedError):
        switcher_effect(replace(panel, exposure=on.astype(float)), threshold=0.5)

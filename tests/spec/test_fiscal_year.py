"""The headline of a city: matched months, pooled covariance, checks; against literal code and a hand-worked table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_panels import TARGET, make_panel

from kdx_eval.effect import moments
from kdx_eval.effect.checks import TREND_CARRIED_ON, Headline, run_checks
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import detectable_effect, make_estimate, pooled_covariance
from kdx_eval.effect.naive import two_way_fixed_effects
from kdx_eval.effect.structure import fit_structure, foreseen
from kdx_eval.effect.study import CheckResult
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel


def literal_effect(panel: Panel, target: FiscalYearTarget) -> float:
    """Mean over treated units and months, one cell at a time, from the sentence that defines the estimand."""
    cells = []
    for i in range(panel.n_units):
        for t, period in enumerate(panel.periods):
            start = panel.cohort[i]
            if not (target.first <= period <= target.last and period >= start + target.buffer):
                continue
            matched = [s for s, q in enumerate(panel.periods) if q < start and q not in target.excluded and (q - period) % 12 == 0]
            others = [j for j in range(panel.n_units) if panel.cohort[j] > period]
            own = panel.outcome[i, t] - panel.outcome[i, matched].mean()
            cells.append(own - np.mean([panel.outcome[j, t] - panel.outcome[j, matched].mean() for j in others]))
    return float(np.mean(cells))


@pytest.mark.parametrize("seed", range(4))
def test_contrast_equals_the_sentence_that_defines_it(seed: int) -> None:
    panel = make_panel(effect=-7, seed=seed)
    found = fiscal_year_contrast(moments(panel), TARGET)
    assert found.effect.estimate(moments(panel))[0] == pytest.approx(literal_effect(panel, TARGET), abs=1e-9)
    assert found.unit_periods == 6 * 12 + 6 * 12
    assert (found.n_treated, found.n_control, found.dropped_cells) == (12, 8, 0)


def test_a_constant_effect_is_recovered_exactly_without_noise_and_before_after_is_not() -> None:
    periods = np.arange(36.0)
    cohort = np.array([20.0] * 4 + [np.inf] * 4)
    trend = np.where(periods >= 12, -1.0 * (periods - 12), 0.0) + 10 * (periods % 12 == 11)
    outcome = 50 + trend[None, :] + 5.0 * np.arange(8)[:, None] - 6.0 * (periods[None, :] >= cohort[:, None])
    panel = Panel(outcome=outcome, units=np.arange(8).astype(object), periods=periods, cohort=cohort, persons=np.ones(8, dtype=np.int64))
    m = moments(panel)
    found = fiscal_year_contrast(m, FiscalYearTarget(first=24, last=35))
    assert found.effect.estimate(m)[0] == pytest.approx(-6.0, abs=1e-9)
    assert found.before_after.estimate(m)[0] < -12  # the common fall is counted as effect
    assert found.baseline.estimate(m)[0] + found.before_after.estimate(m)[0] == pytest.approx(outcome[:4, 24:].mean(), abs=1e-9)


def test_pooled_variance_with_one_direction_has_units_minus_cohorts_degrees_of_freedom() -> None:
    """Two equal groups, one post and one pre period each: the two-sample t test with Welch's degrees of freedom."""
    rng = np.random.default_rng(0)
    y = rng.normal(0, 1, (14, 2))
    y[:6] *= 3
    cohort = np.array([1.0] * 6 + [np.inf] * 8)
    panel = Panel(outcome=y, units=np.arange(14).astype(object), periods=np.arange(2.0), cohort=cohort, persons=np.ones(14, dtype=np.int64))
    m = moments(panel)
    found = fiscal_year_contrast(m, FiscalYearTarget(first=1, last=1, season=1))
    variance, df = pooled_covariance(m).variance(found.effect, m)
    change = y[:, 1] - y[:, 0]
    a, b = change[:6].var(ddof=1) / 6, change[6:].var(ddof=1) / 8
    assert variance[0] == pytest.approx(a + b, rel=1e-12)
    assert df[0] == pytest.approx((a + b) ** 2 / (a**2 / 5 + b**2 / 7), rel=1e-12)


def test_single_departments_per_cohort_still_have_an_interval_and_true_nulls_survive() -> None:
    """Cohorts of one: a per-cohort variance would be zero. 300 true nulls at 5 %: at most 25 rejections (99.9 % binomial bound is 29)."""
    rejected = 0
    for seed in range(300):
        panel = make_panel(seed=seed, cohorts=(16.0, 17.0, 18.0, 19.0, 20.0, 21.0), units=1, never=8)
        m = moments(panel)
        found = fiscal_year_contrast(m, TARGET)
        variance, df = pooled_covariance(m).variance(found.effect, m)
        rejected += make_estimate(found.effect.estimate(m)[0], float(np.sqrt(variance[0])), df=df[0]).p_value < 0.05
    assert rejected <= 29


def test_no_interval_without_spread() -> None:
    panel = make_panel(cohorts=(18.0,), units=1, never=2)
    with pytest.raises(NotIdentifiedError):
        pooled_covariance(moments(panel))


def test_no_number_without_three_comparison_units_or_matched_months() -> None:
    with pytest.raises(NotIdentifiedError):
        fiscal_year_contrast(moments(make_panel(never=2)), TARGET)
    with pytest.raises(NotIdentifiedError):
        fiscal_year_contrast(moments(make_panel(cohorts=(1.0,))), TARGET)  # the only month before treatment is excluded


def test_influences_sum_to_zero_and_reproduce_the_unpooled_variance() -> None:
    panel = make_panel(effect=-5)
    m = moments(panel)
    contrast = fiscal_year_contrast(m, TARGET).effect
    influence = contrast.influence(panel, m)[:, 0]
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    assert (influence**2).sum() == pytest.approx(contrast.covariance(m)[0, 0], rel=1e-9)


def test_two_way_fixed_effects_equals_least_squares() -> None:
    panel = make_panel(effect=-5, units=3, never=4)
    m = moments(panel)
    n, t = panel.outcome.shape
    treated = (panel.periods[None, :] >= panel.cohort[:, None]).astype(float)
    design = np.column_stack([treated.ravel(), np.kron(np.eye(n), np.ones((t, 1))), np.kron(np.ones((n, 1)), np.eye(t))])
    slow = np.linalg.lstsq(design, panel.outcome.ravel(), rcond=None)[0][0]
    contrast = two_way_fixed_effects(m)
    assert contrast is not None
    assert contrast.estimate(m)[0] == pytest.approx(slow, rel=1e-8)


def headline(panel: Panel) -> Headline:
    m = moments(panel)
    found, pooled = fiscal_year_contrast(m, TARGET), pooled_covariance(m)
    variance, df = pooled.variance(found.effect, m)
    estimate = make_estimate(found.effect.estimate(m)[0], float(np.sqrt(variance[0])), df=df[0])
    return Headline(m=m, target=TARGET, found=found, pooled=pooled, estimate=estimate, unit_label="時間")


def test_a_trend_of_the_trained_is_caught_and_a_clean_panel_passes() -> None:
    clean = {check.check_id: check for check in run_checks(headline(make_panel(effect=-10)))}
    assert clean["pre_trends"].outcome == "passed"
    assert clean["one_cohort_left_out"].outcome == "passed"
    panel = make_panel(effect=-10)
    drift = np.where(np.isfinite(panel.cohort), -1.0, 0.0)[:, None] * panel.periods
    drifting = Panel(outcome=panel.outcome + drift, units=panel.units, periods=panel.periods, cohort=panel.cohort, persons=panel.persons)
    assert {check.check_id: check for check in run_checks(headline(drifting))}["pre_trends"].outcome == "failed"


def test_nothing_found_without_power_is_not_a_pass() -> None:
    rng = np.random.default_rng(3)
    panel = make_panel(effect=-1)
    noisy = Panel(
        outcome=panel.outcome + np.cumsum(rng.normal(0, 4, panel.outcome.shape), axis=1),
        units=panel.units,
        periods=panel.periods,
        cohort=panel.cohort,
        persons=panel.persons,
    )
    check = {check.check_id: check for check in run_checks(headline(noisy))}["pre_trends"]
    assert check.outcome == "powerless"
    assert check.detectable is not None
    assert check.margin is not None
    assert check.detectable > check.margin


def test_detectable_effect_is_the_textbook_multiple() -> None:
    assert detectable_effect(1.0, float("inf")) == pytest.approx(1.959964 + 0.841621, abs=1e-5)  # Bloom 1995: 2.80


def test_structure_recovers_the_correlation_it_was_made_with() -> None:
    rng = np.random.default_rng(5)
    units, periods, rho = 400, 24, 0.6
    noise = np.empty((units, periods))
    noise[:, 0] = rng.normal(0, 1, units)
    for t in range(1, periods):
        noise[:, t] = rho * noise[:, t - 1] + np.sqrt(1 - rho**2) * rng.normal(0, 1, units)
    panel = Panel(
        outcome=3 * noise + rng.normal(0, 100, (units, 1)),
        units=np.arange(units).astype(object),
        periods=np.arange(float(periods)),
        cohort=np.full(units, np.inf),
        persons=np.ones(units, dtype=np.int64),
    )
    structure = fit_structure(moments(panel), season=12)
    assert structure is not None
    assert structure.correlation == pytest.approx(rho, abs=0.1)  # grid step 0.05, sampling error about 0.02
    assert structure.noise + structure.seasonal == pytest.approx(9, rel=0.1)


def process_panel(*, seed: int = 2) -> Panel:
    """Two to four processes in each of 20 departments, which share the department's shocks."""
    rng = np.random.default_rng(seed)
    processes = rng.integers(2, 5, 20)
    home = np.repeat(np.arange(20), processes)
    cohort = np.where(home < 9, 20.0, np.inf)
    shocks = rng.normal(0, 3, (20, 36))
    outcome = 50 + shocks[home] + rng.normal(0, 1, (len(home), 36)) - 4.0 * (np.arange(36.0)[None, :] >= cohort[:, None])
    return Panel(
        outcome=outcome,
        units=np.array([f"{d}/{i}" for i, d in enumerate(home)], dtype=object),
        periods=np.arange(36.0),
        cohort=cohort,
        persons=np.full(len(home), 40),
        cluster=np.array([f"d{d:02d}" for d in home], dtype=object),
    )


def test_processes_of_one_department_count_as_one_independent_unit_and_the_mean_stays() -> None:
    panel = process_panel()
    together = panel.by_cluster()
    assert together.n_units == 20
    assert together.weight is not None
    assert together.weight.sum() == panel.n_units
    assert together.persons.max() == 40
    target = FiscalYearTarget(first=24, last=35)
    alone = fiscal_year_contrast(moments(panel), target)
    found = fiscal_year_contrast(moments(together), target)
    assert found.effect.estimate(moments(together))[0] == pytest.approx(alone.effect.estimate(moments(panel))[0], abs=1e-9)
    assert found.unit_periods == alone.unit_periods
    as_if_independent = pooled_covariance(moments(panel)).variance(alone.effect, moments(panel))[0][0]
    clustered = pooled_covariance(moments(together)).variance(found.effect, moments(together))[0][0]
    assert clustered > 1.5 * as_if_independent  # two to four processes move together


def test_clustered_intervals_keep_true_nulls() -> None:
    """200 true nulls with weights of 2 to 4 at 5 %: the 99.9 % binomial bound is 21 rejections."""
    rejected = 0
    for seed in range(200):
        panel = process_panel(seed=seed)
        null = Panel(
            outcome=panel.outcome + 4.0 * (panel.periods[None, :] >= panel.cohort[:, None]),
            units=panel.units,
            periods=panel.periods,
            cohort=panel.cohort,
            persons=panel.persons,
            cluster=panel.cluster,
        ).by_cluster()
        m = moments(null)
        found = fiscal_year_contrast(m, FiscalYearTarget(first=24, last=35))
        variance, df = pooled_covariance(m).variance(found.effect, m)
        rejected += make_estimate(found.effect.estimate(m)[0], float(np.sqrt(variance[0])), df=df[0]).p_value < 0.05
    assert rejected <= 21


def test_a_cluster_that_starts_at_two_times_is_refused() -> None:
    panel = process_panel()
    cohort = panel.cohort.copy()
    cohort[0] = 22.0
    mixed = Panel(outcome=panel.outcome, units=panel.units, periods=panel.periods, cohort=cohort, persons=panel.persons, cluster=panel.cluster)
    with pytest.raises(NotIdentifiedError, match="cluster"):
        mixed.by_cluster()


def trend_check(panel: Panel) -> CheckResult:
    return next(check for check in run_checks(headline(panel)) if check.check_id == TREND_CARRIED_ON)


def test_a_straight_drift_of_all_who_are_ever_trained_is_taken_out_exactly() -> None:
    """Without noise: headline -10 plus drift, the check's figure -10 again, though those trained later drift as well."""
    periods = np.arange(36.0)
    cohort = np.array([18.0] * 4 + [21.0] * 4 + [np.inf] * 6)
    wobble = np.random.default_rng(0).normal(0, 1e-6, (14, 36))  # a spread to judge by
    drift = -0.7 * periods[None, :] * np.isfinite(cohort)[:, None]
    effect = -10.0 * (periods[None, :] >= cohort[:, None] + TARGET.buffer)
    ramp = -10.0 * ((periods[None, :] >= cohort[:, None]) & (periods[None, :] < cohort[:, None] + TARGET.buffer))
    panel = Panel(
        outcome=200 + drift + effect + ramp + wobble, units=np.arange(14).astype(object), periods=periods, cohort=cohort, persons=np.ones(14, dtype=np.int64)
    )
    assert headline(panel).estimate.estimate < -15
    assert trend_check(panel).statistic == pytest.approx(-10, abs=1e-4)


def test_an_effect_that_a_slope_could_explain_does_not_pass_and_a_clear_one_does() -> None:
    assert trend_check(make_panel(effect=-10)).outcome == "passed"
    panel = make_panel(effect=0)
    drift = np.where(np.isfinite(panel.cohort), -0.3, 0.0)[:, None] * panel.periods
    found = trend_check(replace(panel, outcome=panel.outcome + drift))
    assert found.outcome == "powerless"
    assert found.conf_low is not None
    assert found.conf_high is not None
    assert found.conf_low < 0 < found.conf_high
    assert "傾きの違いだけでも起こり得る" in found.sentence


def test_without_a_difference_there_is_nothing_for_the_trend_to_explain() -> None:
    assert trend_check(make_panel(effect=0, seed=7)).outcome == "not_applicable"


def test_what_could_be_detected_carries_the_interval_of_a_variance() -> None:
    # Without structure: (t(.975) + t(.80)) x 1 with 20 degrees of freedom, and chi-squared quantiles 34.170 and 9.591 of any table.
    m = moments(make_panel(effect=-7, seed=0))
    contrast = fiscal_year_contrast(m, TARGET).effect
    value, (low, high) = foreseen(None, contrast, m=m, otherwise=make_estimate(5.0, 1.0, df=20.0))
    assert value == pytest.approx(2.086 + 0.860, abs=1e-3)
    assert low == pytest.approx(value * (20 / 34.170) ** 0.5, rel=1e-4)
    assert high == pytest.approx(value * (20 / 9.591) ** 0.5, rel=1e-4)


def test_the_interval_of_what_could_be_detected_holds_the_truth_as_often_as_it_says() -> None:
    """Departments with independent normal months of standard deviation 2: the variance that the contrast will have is known."""
    found, draws = [], 400
    for seed in range(draws):
        panel = make_panel(effect=0, seed=seed)
        m = moments(panel)
        contrast = fiscal_year_contrast(m, TARGET).effect
        structure = fit_structure(m, season=12)
        assert structure is not None
        per_unit = contrast.weights[0] / np.sqrt(m.size)[:, None]
        truth = detectable_effect(2.0 * float(np.sqrt((per_unit**2).sum())), structure.df)
        _, (low, high) = foreseen(structure, contrast, m=m, otherwise=make_estimate(0.0, 1.0))
        found.append(low <= truth <= high)
    # At least 95 %, less three binomial standard errors of 400 draws; the interval is cautious, so there is no upper end.
    assert np.mean(found) >= 0.95 - 3 * (0.95 * 0.05 / draws) ** 0.5

"""Slopes from before training: what a season, a drift or a bad half-year adds to them, against panels whose drift is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kdx_eval.effect import moments
from kdx_eval.effect.before_weights import common_slope_weights, last_season, slope_weights
from kdx_eval.effect.check_trends import SELECTION_PERIODS, TREND_BEFORE_SELECTION, TREND_CARRIED_ON
from kdx_eval.effect.checks import Headline, run_checks
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import contrast_estimate, pooled_covariance
from kdx_eval.effect.study import CheckResult
from kdx_eval.panel.type import FloatArray, Panel

TARGET = FiscalYearTarget(first=36, last=47, buffer=3)
PERIODS = np.arange(48.0)
COHORT = np.array([27.0] * 6 + [33.0] * 6 + [np.inf] * 8)
TREATED = np.isfinite(COHORT)
SLACK = 1e-4  # a wobble of 1e-6 an outcome, so that there is a spread to judge by, carried 30 months on


def panel(added: FloatArray, *, noise: float = 1e-6, seed: int = 0) -> Panel:
    """Twenty departments at 200 hours, twelve trained with an effect of -10 from the start on, and what a test adds, (20, 48)."""
    wobble = np.random.default_rng(seed).normal(0, noise, (20, 48))
    effect = -10.0 * (PERIODS[None, :] >= COHORT[:, None])
    return Panel(outcome=200 + effect + added + wobble, units=np.arange(20).astype(object), periods=PERIODS, cohort=COHORT, persons=np.full(20, 9))


def held(of: Panel) -> Headline:
    m = moments(of)
    found = fiscal_year_contrast(m, TARGET)
    return Headline(m=m, target=TARGET, found=found, pooled=pooled_covariance(m), estimate=contrast_estimate(found.effect, m), unit_label="時間")


def check(of: Panel, check_id: str) -> CheckResult:
    return next(found for found in run_checks(held(of)) if found.check_id == check_id)


def slope_share(of: Panel) -> tuple[float, float]:
    """What each of the two slopes would take off the headline."""
    headline = held(of)
    own, common = slope_weights(headline), common_slope_weights(headline, skip=SELECTION_PERIODS)
    assert own is not None
    assert common is not None
    return float((own * headline.m.mean).sum()), float((common * headline.m.mean).sum())


def test_a_stronger_season_of_those_trained_is_no_slope() -> None:
    season = np.where(PERIODS % 12 >= 6, 30.0, 0.0)[None, :] * TREATED[:, None]
    assert slope_share(panel(season)) == pytest.approx((0.0, 0.0), abs=SLACK)


def test_a_straight_drift_is_what_both_slopes_take_off() -> None:
    """-0.5 a month moves the headline by -0.5 times the distance between the counted months and their matched ones, in both."""
    drift = -0.5 * PERIODS[None, :] * TREATED[:, None]
    moved = held(panel(drift)).estimate.estimate - held(panel(0 * drift)).estimate.estimate
    assert moved < -8
    assert slope_share(panel(drift)) == pytest.approx((moved, moved), abs=SLACK)


def test_a_drift_of_each_start_of_its_own_is_taken_off_start_by_start() -> None:
    drift = np.where(COHORT == 27, -0.8, 0.0)[:, None] * PERIODS[None, :]
    assert check(panel(drift), TREND_CARRIED_ON).statistic == pytest.approx(-10, abs=SLACK)


def test_a_bad_half_year_hides_a_drift_from_the_first_slope_and_not_from_the_one_without_it() -> None:
    drift = -0.5 * PERIODS[None, :] * TREATED[:, None]
    worse = 10.0 * ((PERIODS[None, :] < COHORT[:, None]) & (PERIODS[None, :] >= COHORT[:, None] - SELECTION_PERIODS)) * TREATED[:, None]
    whole, without = slope_share(panel(drift + worse))
    alone, _ = slope_share(panel(drift))
    assert whole > alone / 2  # more than half of the drift is hidden
    assert without == pytest.approx(alone, abs=SLACK)
    # What is left of the headline is the half-year itself in its base, no drift.
    unhidden = check(panel(drift + worse), TREND_BEFORE_SELECTION)
    assert unhidden.statistic == pytest.approx(held(panel(worse)).estimate.estimate, abs=SLACK)


def test_without_three_never_trained_there_is_no_common_slope() -> None:
    cohort = COHORT.copy()
    cohort[12:18] = 47.0
    headline = held(replace(panel(np.zeros((20, 48))), cohort=cohort))
    assert common_slope_weights(headline, skip=SELECTION_PERIODS) is None


def test_the_last_season_by_quarters_is_each_month_against_the_same_month_before() -> None:
    of = panel(np.zeros((20, 48)), noise=3.0)
    rows = last_season(held(of), width=3)
    assert rows is not None
    by_hand = []
    for quarter in range(4):
        cells = []
        for i in np.flatnonzero(TREATED):
            for t in range(int(COHORT[i]) - 12 + 3 * quarter, int(COHORT[i]) - 9 + 3 * quarter):
                matched = [s for s in range(int(COHORT[i]) - 12) if (s - t) % 12 == 0]
                if not matched:
                    continue
                others = [j for j in range(20) if COHORT[j] > COHORT[i]]
                change = of.outcome[:, t] - of.outcome[:, matched].mean(axis=1)
                cells.append(change[i] - change[others].mean())
        by_hand.append(np.mean(cells))
    assert rows.estimate(moments(of)) == pytest.approx(by_hand, abs=1e-9)  # sums of a few hundred doubles


def test_drift_and_bad_half_year_that_hide_each_other_in_the_mean_fail_the_joint_test() -> None:
    drift = -1.0 * PERIODS[None, :] * TREATED[:, None]
    before = PERIODS[None, :] - COHORT[:, None]
    worse = np.where((before >= -6) & (before < 0), 24.0, 0.0)  # the mean of the last year moves by nothing
    found = {one.check_id: one.outcome for one in run_checks(held(panel(drift + worse, noise=3.0)))}
    assert found["joint_pre_test"] == "failed"
    assert found["placebo_date"] == "passed"
    clean = {one.check_id: one.outcome for one in run_checks(held(panel(0 * drift, noise=3.0)))}
    assert clean["joint_pre_test"] == "passed"


def test_the_slope_carried_on_is_judged_on_one_side_and_prints_the_interval_it_is_judged_by() -> None:
    """A drift whose difference less the slope lies 1.8 errors from zero: shown at 5 % on one side, not on two."""
    for seed in range(200):
        found = check(panel(0.0 * PERIODS[None, :] * COHORT[:, None].clip(0, 1), noise=16.0, seed=seed), TREND_CARRIED_ON)
        if found.p_value is not None and 0.05 < found.p_value < 0.10 and (found.statistic or 0) < 0:
            break
    assert found.p_value is not None
    assert 0.05 < found.p_value < 0.10
    assert found.outcome == "passed"
    assert found.conf_high is not None
    assert found.conf_high > 0
    assert "90%の幅" in found.sentence

"""Checks of a headline: planted faults are found, clean panels pass, and each number against a hand-worked or slow literal version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from kdx_eval.effect import moments
from kdx_eval.effect.check_estimators import imputation_weights, stacked_weights
from kdx_eval.effect.check_parts import Finding, Headline, family_p_values
from kdx_eval.effect.check_trends import FALLING_BACK
from kdx_eval.effect.checks import run_checks
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, make_estimate, pooled_covariance
from kdx_eval.effect.lee import lee_bounds
from kdx_eval.effect.pretest import PreTest, pretest
from kdx_eval.effect.study import CheckResult
from kdx_eval.effect.unit_contrast import judge_unit_weights, unit_weights
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.surroundings import Surroundings
from kdx_eval.panel.type import FloatArray, Panel

TARGET = FiscalYearTarget(first=36, last=47)
PERIODS = np.arange(48.0)
COHORT = np.array([30.0] * 6 + [33.0] * 6 + [np.inf] * 24)
UNITS = np.array([f"d{number:02d}" for number in range(len(COHORT))], dtype=object)
# Four divisions: trained ones in X and Y, untrained ones in X, Y (near) and Z, W (far).
DIVISION = {str(unit): "XY"[number % 2] if number < 24 else "ZW"[number % 2] for number, unit in enumerate(UNITS)}
TREATED, NEAR, FAR = COHORT < 40, (COHORT > 40) & (np.arange(36) < 24), np.arange(36) >= 24


def town(*, effect: float = -10.0, seed: int = 1, noise: float = 1.0, **surroundings: object) -> Panel:
    """Thirty-six departments with a season, twelve of them trained in the 31st or 34th month."""
    rng = np.random.default_rng(seed)
    season = 5 * np.sin(2 * np.pi * PERIODS / 12)
    level = rng.normal(100, 10, (len(COHORT), 1))
    acting = PERIODS[None, :] >= COHORT[:, None]
    outcome = level + season + rng.normal(0, noise, (len(COHORT), len(PERIODS))) + effect * acting
    around = Surroundings(units=UNITS, periods=PERIODS, **surroundings) if surroundings else None  # type: ignore[arg-type]
    return Panel(outcome=outcome, units=UNITS, periods=PERIODS, cohort=COHORT, persons=np.ones(len(COHORT), dtype=np.int64), surroundings=around)


def held(panel: Panel, target: FiscalYearTarget = TARGET) -> Headline:
    m = moments(panel)
    found, pooled = fiscal_year_contrast(m, target), pooled_covariance(m)
    variance, df = pooled.variance(found.effect, m)
    estimate = make_estimate(found.effect.estimate(m)[0], float(np.sqrt(variance[0])), df=df[0])
    return Headline(m=m, target=target, found=found, pooled=pooled, estimate=estimate, unit_label="時間/課・月", hours_per_unit=1.0)


def checks(panel: Panel) -> dict[str, CheckResult]:
    return {check.check_id: check for check in run_checks(held(panel), panel)}


def everything(panel: Panel) -> dict[str, object]:
    """Surroundings in which nothing is wrong."""
    rng = np.random.default_rng(7)
    shape = panel.outcome.shape
    return {
        "staff": 20 + rng.integers(-1, 2, shape).astype(float) * 0.01,
        "newcomers": np.clip(0.2 + rng.normal(0, 0.01, shape), 0, 1),
        "worktime": 3000 + rng.normal(0, 1, shape),
        "other_work": 500 + rng.normal(0, 1, shape),
        "cohort_now": {str(unit): float(cohort) for unit, cohort in zip(UNITS, COHORT, strict=True) if np.isfinite(cohort)} | {"d13": 30.0},
        "division": DIVISION,
        "adopters": frozenset({"d14", "d30"}),
        "changed": frozenset({"d02", "d20"}),
        "allotted": frozenset({"d03", "d21"}),
    }


IN_FAMILY = ("turnover", "far_controls", "partner_departments", "knowledge_adopters", "total_worktime", "other_work", "per_head", "staff_changed", "allotment")


def test_a_clean_town_passes_every_check_that_its_records_allow() -> None:
    found = checks(town(**everything(town())))
    assert {name: found[name].outcome for name in IN_FAMILY if found[name].outcome != "passed"} == {}
    assert {name: found[name].outcome for name in IN_FAMILY} == dict.fromkeys(IN_FAMILY, "passed")
    assert found["posting"].outcome == "passed"
    assert found[FALLING_BACK].outcome == "passed"
    assert {found[name].outcome for name in ("joint_pre_test", "imputation", "stacked")} == {"passed"}
    assert not any(check.outcome == "failed" for check in found.values())


def test_a_delivery_that_tells_nothing_names_the_files_and_fails_nothing() -> None:
    found = checks(town(staff=None))
    files = {"turnover": "assignments", "far_controls": "departments", "knowledge_adopters": "knowledge", "total_worktime": "worktime",
             "other_work": "interventions", "per_head": "headcount", "allotment": "events"}  # fmt: skip
    for name, file in files.items():
        assert found[name].outcome == "not_applicable"
        assert file in found[name].sentence
    assert "サービス残業" in found["unrecorded_overtime"].sentence


def test_a_panel_without_a_delivery_has_none_of_these_checks() -> None:
    assert not {"turnover", "far_controls", "unrecorded_overtime"} & set(checks(town()))


def test_work_pushed_onto_neighbours_is_found_and_netted() -> None:
    panel = town(division=DIVISION)
    pushed = panel.outcome + np.where(NEAR[:, None] & (PERIODS >= 30), 6.0, 0.0)
    found = checks(replace(panel, outcome=pushed))
    assert found["far_controls"].outcome == "failed"
    moved = found["partner_departments"]
    assert moved.outcome == "failed"
    # Six hours at each of twelve neighbours for twelve trained departments; noise of 1 over 12 units and a year leaves about 0.2.
    assert moved.statistic == pytest.approx(6.0, abs=0.8)
    assert "移った分を合わせると" in moved.sentence


def test_a_benefit_that_spills_over_to_neighbours_shows_in_the_far_comparison_and_is_no_displaced_work() -> None:
    panel = town(division=DIVISION)
    helped = panel.outcome - np.where(NEAR[:, None] & (PERIODS >= 30), 6.0, 0.0)
    found = checks(replace(panel, outcome=helped))
    assert found["far_controls"].outcome == "failed"
    assert found["partner_departments"].outcome == "passed"


def test_adopters_that_took_the_effect_over_are_found() -> None:
    adopters = frozenset(f"d{number}" for number in range(20, 32))
    panel = town(adopters=adopters)
    taken = np.isin(panel.units, list(adopters))[:, None] & (PERIODS >= 34)
    assert checks(replace(panel, outcome=panel.outcome - 6.0 * taken))["knowledge_adopters"].outcome == "failed"


@pytest.mark.parametrize("name", ["worktime", "other_work"])
def test_hours_that_rise_elsewhere_in_the_trained_departments_are_found_and_hours_that_fall_are_not(name: str) -> None:
    check = {"worktime": "total_worktime", "other_work": "other_work"}[name]
    rising = np.where(TREATED[:, None] & (COHORT[:, None] <= PERIODS), 5.0, 0.0)
    base = everything(town())[name]
    assert isinstance(base, np.ndarray)
    assert checks(town(**{name: base + rising}))[check].outcome == "failed"
    assert checks(town(**{name: base - rising}))[check].outcome == "passed"


def test_trained_departments_that_lost_staff_are_found() -> None:
    staff = np.full((len(COHORT), len(PERIODS)), 20.0)
    staff[TREATED[:, None] & (PERIODS >= 36)] = 16.0  # a fifth fewer: all of the fall in hours, and more
    found = checks(town(effect=-10.0, noise=2.0, staff=staff + np.random.default_rng(3).normal(0, 0.05, staff.shape)))["per_head"]
    assert found.outcome == "failed"
    # 90 hours at four fifths of the staff are 112.5 at the staff of before; 1.0 is the size of noise and level.
    assert found.statistic == pytest.approx(22.5, abs=1.5)


def test_departments_whose_overtime_was_cut_by_allotment_carry_the_result_and_are_found() -> None:
    panel = town(effect=0.0, allotted=frozenset({"d00", "d01", "d02", "d03"}))
    cut = np.isin(panel.units, ["d00", "d01", "d02", "d03"])[:, None] & (PERIODS >= 30)
    found = checks(replace(panel, outcome=panel.outcome - 40.0 * cut))
    assert found["allotment"].statistic == pytest.approx(40.0 / 3, abs=1.0)
    assert found["allotment"].outcome == "failed"


def test_a_larger_turnover_of_the_trained_is_found() -> None:
    share = 0.2 + np.random.default_rng(5).normal(0, 0.01, (len(COHORT), len(PERIODS)))
    share += np.where(TREATED[:, None] & (PERIODS >= 36), 0.3, 0.0)
    found = checks(town(newcomers=share))["turnover"]
    assert found.outcome == "failed"
    assert found.statistic == pytest.approx(30.0, abs=2.0)  # three tenths of a department of 100 hours


def test_attendees_who_moved_away_change_the_result_when_counted_where_they_are_now() -> None:
    now = {f"d{number:02d}": 30.0 for number in range(12, 24)}
    found = checks(town(cohort_now=now))["posting"]
    # As counted now, none of those with the effect is treated and half of the comparison is: +5 instead of -10.
    assert found.statistic == pytest.approx(15.0, abs=1.0)
    assert found.outcome == "failed"


# --- the numbers themselves ------------------------------------------------------------------------------------------------


def test_unit_weights_that_are_equal_within_cohorts_give_the_headline_inference() -> None:
    one = held(panel := town())
    weights = unit_weights(one.found.effect.weights[0], panel, m=one.m)
    found = judge_unit_weights(weights, panel, pooled=one.pooled, m=one.m)
    for name in ("estimate", "std_error", "df"):
        assert getattr(found, name) == pytest.approx(getattr(one.estimate, name), rel=1e-9)


def dummies(*codes: np.ndarray) -> FloatArray:
    return np.column_stack([(code[:, None] == np.unique(code)[None, :]).astype(float) for code in codes])


def stack(panel: Panel, one: Headline) -> pd.DataFrame:
    """The stacked data set, row by row: unit, period, data set, whether trained, whether after."""
    rows = []
    for g in np.flatnonzero(one.found.cells.any(axis=1)):
        start, counted = one.m.cohorts[g], PERIODS[one.found.cells[g]]
        window = [*PERIODS[start > PERIODS][-12:], *counted]
        for unit, cohort in enumerate(panel.cohort):
            if cohort == start or cohort > counted.max():
                rows += [(int(g), unit, t, cohort == start, t >= start, panel.outcome[unit, int(t)]) for t in window]
    return pd.DataFrame(rows, columns=["set", "unit", "period", "trained", "after", "y"])


def test_stacked_equals_one_regression_with_effects_of_unit_and_period_within_each_data_set() -> None:
    one = held(panel := town(seed=4))
    frame = stack(panel, one)
    codes = [frame["set"] * 1000 + frame[name] for name in ("unit", "period")]
    design = np.column_stack([(frame["trained"] & frame["after"]).to_numpy(dtype=float), dummies(*(code.to_numpy() for code in codes))])
    slow = np.linalg.lstsq(design, frame["y"].to_numpy(), rcond=None)[0][0]
    fast = stacked_weights(one.m, TARGET, cells=one.found.cells, weighting="least_squares")
    assert (fast * one.m.mean).sum() == pytest.approx(slow, rel=1e-8)  # both in double precision


def test_stacked_with_corrective_weights_equals_the_weighted_regression() -> None:
    one = held(panel := town(seed=5))
    frame = stack(panel, one)
    units = frame.drop_duplicates(["set", "unit"]).groupby(["set", "trained"]).size()
    share = {number: units[number, True] / units[:, True].sum() / (units[number, False] / units[:, False].sum()) for number in frame["set"].unique()}
    weight = np.where(frame["trained"], 1.0, frame["set"].map(share))
    trained, after = frame["trained"].to_numpy(dtype=float), frame["after"].to_numpy(dtype=float)
    design = np.column_stack([trained * after, trained, after, np.ones(len(frame))]) * np.sqrt(weight)[:, None]
    slow = np.linalg.lstsq(design, frame["y"].to_numpy() * np.sqrt(weight), rcond=None)[0][0]
    fast = stacked_weights(one.m, TARGET, cells=one.found.cells)
    assert (fast * one.m.mean).sum() == pytest.approx(slow, rel=1e-8)


def test_imputation_equals_dummy_regression_on_untreated_cells() -> None:
    one = held(panel := town(seed=6))
    unit, period = (grid.ravel() for grid in np.meshgrid(np.arange(36), PERIODS, indexing="ij"))
    untreated = (period < panel.cohort[unit]).ravel()
    design = dummies(unit, period)
    fitted = design @ np.linalg.lstsq(design[untreated], panel.outcome.ravel()[untreated], rcond=None)[0]
    effect = (panel.outcome.ravel() - fitted).reshape(panel.outcome.shape)
    chosen = one.found.cells[np.searchsorted(one.m.cohorts, panel.cohort)]
    fast = imputation_weights(one.m, TARGET, cells=one.found.cells)
    assert (fast * one.m.mean).sum() == pytest.approx(effect[chosen].mean(), rel=1e-8)


def test_lee_bounds_worked_by_hand() -> None:
    # Trained: 5 people, 4 stayed with 1, 2, 3, 10. Untrained: 5 people, 3 stayed with 1, 2, 3 (mean 2). Shares 0.8 and 0.6, so a quarter of
    # the four (one value) is cut: without the highest the mean is 2, without the lowest 5.
    outcome = np.array([1.0, 2, 3, 10, 99, 1, 2, 3, 99, 99])
    stayed = np.array([True, True, True, True, False, True, True, True, False, False])
    treated = np.arange(10) < 5
    found = lee_bounds(outcome, stayed=stayed, treated=treated, cluster=np.array(list("abcdefghij"), dtype=object))
    assert (found.low, found.high) == pytest.approx((0.0, 3.0), abs=1e-12)
    assert (found.stayed_treated, found.stayed_untreated, found.trimmed) == pytest.approx((0.8, 0.6, 0.25), abs=1e-12)
    turned = lee_bounds(outcome, stayed=stayed, treated=~treated, cluster=np.array(list("abcdefghij"), dtype=object))
    assert (turned.low, turned.high) == pytest.approx((-3.0, 0.0), abs=1e-12)


def test_lee_bounds_meet_where_both_sides_stay_alike_and_refuse_two_departments() -> None:
    rng = np.random.default_rng(2)
    treated, cluster = np.arange(200) < 100, np.repeat([f"c{k}" for k in range(20)], 10).astype(object)
    stayed = np.arange(200) % 5 > 0
    outcome = rng.normal(0, 1, 200) - 3.0 * treated
    found = lee_bounds(outcome, stayed=stayed, treated=treated, cluster=cluster)
    assert found.low == pytest.approx(outcome[stayed & treated].mean() - outcome[stayed & ~treated].mean(), abs=1e-12)
    assert found.low == pytest.approx(found.high, abs=1e-12)
    assert found.conf_low < -3.0 < found.conf_high
    with pytest.raises(NotIdentifiedError, match="3つ未満"):
        lee_bounds(outcome[90:110], stayed=stayed[90:110], treated=treated[90:110], cluster=cluster[90:110])


def test_persons_who_stayed_bound_the_effect_of_a_town() -> None:
    rng = np.random.default_rng(9)
    units = np.repeat(UNITS, 20)
    side = np.repeat(TREATED, 20)
    before = rng.normal(5, 0.5, len(units))
    stayed, after = rng.random(len(units)) < np.where(side, 0.7, 0.8), before - 3.0 * side + rng.normal(0, 1, len(units))
    persons = pd.DataFrame({"unit": units, "stayed": stayed, "before": before, "after": after})
    found = checks(town(persons=persons))["turnover_bounds"]
    assert found.outcome == "passed"
    assert found.conf_low is not None
    assert found.conf_high is not None
    assert found.conf_low < -3.0 < found.conf_high < 0.0


def one_difference(correlation: float, *, slope: float, bias: float) -> PreTest:
    covariance = np.array([[1.0, correlation], [correlation, 1.0]])
    return pretest(np.array([0.5]), covariance, slope=np.array([slope, bias]), df=np.inf, half_width=1.959964)


def test_power_of_the_joint_test_is_that_of_the_normal() -> None:
    found = one_difference(0.0, slope=1.0, bias=1.0)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.5), abs=1e-9)
    for size, power in ((found.bias_50, 0.5), (found.bias_80, 0.8)):
        assert stats.norm.cdf(size - 1.959964) + stats.norm.cdf(-size - 1.959964) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_coverage_after_the_test_is_the_integral_over_what_passes(correlation: float) -> None:
    found = one_difference(correlation, slope=1.0, bias=-0.5)

    def coverage(shift: float) -> float:
        spread = np.sqrt(1 - correlation**2)

        def at(b: float) -> float:
            centre = -0.5 * shift + correlation * (b - shift)
            return float((stats.norm.cdf((1.959964 - centre) / spread) - stats.norm.cdf((-1.959964 - centre) / spread)) * stats.norm.pdf(b - shift))

        passing = stats.norm.cdf(1.959964 - shift) - stats.norm.cdf(-1.959964 - shift)
        return float(integrate.quad(at, -1.959964, 1.959964)[0] / passing)

    # 4 000 draws of which at least half pass: the error of a mean of probabilities stays under half a point.
    assert found.coverage == pytest.approx(coverage(0.0), abs=0.005)
    assert found.coverage_50 == pytest.approx(coverage(found.bias_50 / 0.5), abs=0.01)
    if correlation == 0.0:
        assert found.coverage == pytest.approx(0.95, abs=1e-6)  # a test that is independent of the effect changes nothing


def test_a_jump_before_training_fails_the_joint_test() -> None:
    panel = town()
    jump = np.where(TREATED[:, None] & (PERIODS >= 12) & (PERIODS < 18), 6.0, 0.0)
    assert checks(replace(panel, outcome=panel.outcome + jump))["joint_pre_test"].outcome == "failed"


def test_what_falls_back_after_a_bad_half_year_is_foreseen() -> None:
    panel = town(effect=0.0)
    shock = np.where(TREATED[:, None] & (COHORT[:, None] - 6 <= PERIODS) & (COHORT[:, None] > PERIODS), 12.0, 0.0)
    found = held(replace(panel, outcome=panel.outcome + shock))
    check = next(check for check in run_checks(found) if check.check_id == FALLING_BACK)
    assert check.statistic is not None
    # White noise: half a year of 12 too many lies in the base months, and all of it falls back.
    assert check.statistic == pytest.approx(found.estimate.estimate, rel=0.25)
    assert check.outcome == "powerless"


def finding(row: str, p_value: float) -> Finding:
    found = Estimate(estimate=1.0, std_error=1.0, conf_low=0.0, conf_high=2.0, p_value=p_value)
    return Finding(check_id="x", title="x", about="x", row=row, estimate=found)


def test_one_check_a_line_is_plain_holm_and_two_checks_of_a_line_share_its_place() -> None:
    assert family_p_values([finding("a", 0.01), finding("b", 0.04), finding("c", 0.03)]) == pytest.approx([0.03, 0.06, 0.06])
    # Weights 1, 1/2, 1/2: 0.01 x 2 = 0.02; then 0.03 x 2 x 1 = 0.06; then 0.04 x 2 x 0.5 = 0.04, raised to the one before.
    assert family_p_values([finding("a", 0.01), finding("b", 0.04), finding("b", 0.03)]) == pytest.approx([0.02, 0.06, 0.06])
    none = Finding(check_id="x", title="x", about="x", row="a", missing="なし")
    assert np.isnan(family_p_values([none, finding("b", 0.2)])[0])

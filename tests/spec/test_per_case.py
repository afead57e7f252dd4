"""Hours by time per case and cases: a ratio of sums, its parts add up, its errors are those of slow code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_panels import TARGET, make_panel
from small_tables import ASSIGNMENTS, TRAINING, SmallTables, build, enrolled, make_plan, months, posted

from kdx_eval.effect import moments
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.per_case import parts_sentence, time_per_case
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel

TWO = FiscalYearTarget(first=1, last=1, season=1)


def by_hand() -> Panel:
    """Treated: 100 to 90 hours and 60 to 66 cases on average; the others stay at 100 hours and 60 cases (three units each, spread about that)."""
    spread = np.array([[-10.0], [0.0], [10.0]])
    hours = np.concatenate([np.array([100.0, 90.0]) + spread + [[0, 1], [0, -1], [0, 0]], np.array([100.0, 100.0]) + spread + [[0, 2], [0, -1], [0, -1]]])
    cases = np.concatenate([np.array([60.0, 66.0]) + spread / 2, np.array([60.0, 60.0]) + spread / 2 + [[0, 1], [0, 0], [0, -1]]])
    return Panel(
        outcome=hours,
        units=np.arange(6).astype(object),
        periods=np.arange(2.0),
        cohort=np.array([1.0] * 3 + [np.inf] * 3),
        persons=np.ones(6, dtype=np.int64),
        cases=cases,
    )


def test_parts_by_hand() -> None:
    """With 90 hours for 66 cases instead of 100 for 60: 81.8 instead of 100 minutes a case.

    Price (90/66 - 100/60) x 60 = -18.18, quantity 100/60 x 6 = 10, interaction (90/66 - 100/60) x 6 = -1.818: together -10 hours.
    """
    found = time_per_case(by_hand(), TWO)
    assert found.per_case.estimate == pytest.approx(60 * (90 / 66 - 100 / 60))
    assert found.price.estimate == pytest.approx(-18.181818, abs=1e-6)
    assert found.quantity.estimate == pytest.approx(10.0)
    assert found.interaction.estimate == pytest.approx(-1.818182, abs=1e-6)
    assert "△10時間" in parts_sentence(found, unit_periods=1, total=-10.0)


def test_the_error_of_the_price_by_hand() -> None:
    """Price = contrast of hours - p₁ cases with p₁ = 90/66: Welch's error of the two groups' changes in that mixture."""
    panel = by_hand()
    found = time_per_case(panel, TWO)
    mixed = panel.outcome - 90 / 66 * panel.cases
    change = mixed[:, 1] - mixed[:, 0]
    # Two groups of three have two degrees of freedom each, too few for a pool of its own: both are pooled.
    pooled = (change[:3].var(ddof=1) * 2 + change[3:].var(ddof=1) * 2) / 4
    assert found.price.std_error == pytest.approx(np.sqrt(pooled * (1 / 3 + 1 / 3)), rel=1e-12)


def with_cases(seed: int) -> Panel:
    panel = make_panel(effect=-6.0, seed=seed)
    rng = np.random.default_rng(seed)
    return replace(panel, cases=200 + rng.normal(0, 15, (panel.n_units, 1)) + rng.normal(0, 6, panel.outcome.shape))


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_parts_add_up_to_the_headline_and_cases_in_other_units_change_nothing(seed: int) -> None:
    panel = with_cases(seed)
    m = moments(panel)
    headline = float(fiscal_year_contrast(m, TARGET).effect.estimate(m)[0])
    found = time_per_case(panel, TARGET)
    assert found.price.estimate + found.quantity.estimate + found.interaction.estimate == pytest.approx(headline, abs=1e-9)
    dozens = time_per_case(replace(panel, cases=panel.cases / 12), TARGET)
    assert dozens.per_case.estimate == pytest.approx(12 * found.per_case.estimate, abs=1e-9)
    assert dozens.price.std_error == pytest.approx(found.price.std_error, rel=1e-9)


def test_first_order_errors_agree_with_numerical_derivatives() -> None:
    """Each figure is a function of the units' data; its derivative along one unit's noise is the linear mixture whose contrast gives the error."""
    panel = with_cases(3)
    found, step = time_per_case(panel, TARGET), 1e-5
    rng = np.random.default_rng(0)
    in_hours, in_cases = rng.normal(size=panel.outcome.shape), rng.normal(size=panel.outcome.shape)
    # The comparison's noise moves what would have been, not what was: m₁ and c₁ stay.
    in_hours[np.isfinite(panel.cohort)] = in_cases[np.isfinite(panel.cohort)] = 0.0
    ends = [
        time_per_case(replace(panel, outcome=panel.outcome + sign * step * in_hours, cases=panel.cases + sign * step * in_cases), TARGET) for sign in (1, -1)
    ]
    m = moments(panel)
    contrast = fiscal_year_contrast(m, TARGET)
    level = contrast.baseline.weights + contrast.before_after.weights
    m1, c1 = (float((level[0] * moments(one).mean).sum()) for one in (panel, replace(panel, outcome=panel.cases)))
    th_m, th_c = (float(contrast.effect.estimate(moments(one))[0]) for one in (panel, replace(panel, outcome=panel.cases)))
    c0, p0 = c1 - th_c, (m1 - th_m) / (c1 - th_c)
    moved = {name: float(contrast.effect.estimate(moments(replace(panel, outcome=noise)))[0]) for name, noise in (("m", in_hours), ("c", in_cases))}
    slope = (ends[0].per_case.estimate - ends[1].per_case.estimate) / (2 * step)
    assert slope == pytest.approx(60 / c0 * (moved["m"] - p0 * moved["c"]), rel=1e-5)
    quantity = (ends[0].quantity.estimate - ends[1].quantity.estimate) / (2 * step)
    assert quantity == pytest.approx(p0 * moved["c"] - th_c / c0 * (moved["m"] - p0 * moved["c"]), rel=1e-5)
    assert found.per_case.std_error > 0


def test_influence_on_the_price_sums_to_zero_and_spans_its_value() -> None:
    panel = with_cases(1)
    found = time_per_case(panel, TARGET)
    assert found.influence.shape == (panel.n_units,)
    assert found.influence.sum() == pytest.approx(0.0, abs=1e-9)
    assert np.sqrt((found.influence**2).sum()) == pytest.approx(found.price.std_error, rel=0.3)  # without the correction for degrees of freedom


@pytest.mark.parametrize("cases", [None, np.zeros((20, 36)), np.random.default_rng(0).lognormal(0, 4, (20, 36))])
def test_without_cases_that_bear_a_ratio_there_is_none(cases: np.ndarray | None) -> None:
    with pytest.raises(NotIdentifiedError, match="件数"):
        time_per_case(replace(make_panel(seed=0), cases=cases), TARGET)


# --- cases of the delivered tables -----------------------------------------------------------------------------------

COLUMNS = "process_id VARCHAR, department_id VARCHAR, month DATE, minutes BIGINT, cases BIGINT"


def tables(rows: list[tuple[object, ...]]) -> SmallTables:
    staff = posted(a1="A", b1="B", c1="C")
    return SmallTables(workload=(COLUMNS, rows), assignments=(ASSIGNMENTS, staff), training=(TRAINING, enrolled(a1="2025-05-10")))


def test_cases_are_summed_like_the_minutes_of_the_same_unit_and_month() -> None:
    rows = [(p, name, day, 600, 5) for p in "pq" for name in "ABC" for day in months("2024-04", "2026-03")]
    panel = build(tables(rows), make_plan(outcome="workload.minutes"))
    assert panel.cases is not None
    assert panel.cases.shape == panel.outcome.shape
    assert (panel.cases == 10).all() and (panel.outcome == 20).all()
    assert panel.without_gaps().by_cluster().cases is not None


def test_a_month_without_a_known_number_of_cases_leaves_no_ratio() -> None:
    rows = [("p", name, day, 600, None if name == "B" and index == 3 else 5) for name in "ABC" for index, day in enumerate(months("2024-04", "2026-03"))]
    assert build(tables(rows), make_plan(outcome="workload.minutes")).cases is None

"""Imputation by example."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import imputation_effects, pre_trends, two_stage_effects
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def panel(rows: dict[str, tuple[float, list[float]]]) -> Panel:
    """Panel from unit -> (cohort, outcomes by period from 1 on; nan where not seen)."""
    long = [(unit, period, cohort, value) for unit, (cohort, values) in rows.items() for period, value in enumerate(values, 1) if not np.isnan(value)]
    frame = pd.DataFrame(long, columns=["unit", "period", "cohort", "outcome"])
    return Panel.from_frame(frame, unit="unit", period="period", cohort="cohort", outcome="outcome")


# Without training every office grows by 1 a period; training adds 2 in the first period and 4 in the second.
OFFICES = {
    "a": (3.0, [1.0, 2.0, 5.0, 8.0]),
    "b": (4.0, [5.0, 6.0, 7.0, 10.0]),
    "c": (np.inf, [0.0, 1.0, 2.0, 3.0]),
    "d": (np.inf, [9.0, 10.0, 11.0, 12.0]),
}


def test_effects_are_outcomes_minus_what_the_untreated_cells_say() -> None:
    found = imputation_effects(panel(OFFICES))
    assert found.event_time.tolist() == [0.0, 1.0]
    np.testing.assert_allclose(found.estimate, [2.0, 4.0], atol=1e-12)
    assert found.overall.estimate == pytest.approx((2 + 4 + 2) / 3)
    assert "2 event times" in repr(found)


def test_both_kinds_of_error_rest_on_the_same_estimates() -> None:
    rng = np.random.default_rng(3)
    noisy = {
        unit: (cohort, (np.array(values) + rng.normal(0, 1, 4)).tolist())
        for unit, (cohort, values) in ({f"{name}{copy}": row for name, row in OFFICES.items() for copy in range(4)}).items()
    }
    one, two = imputation_effects(panel(noisy)), two_stage_effects(panel(noisy))
    np.testing.assert_allclose(one.estimate, two.estimate)
    assert one.overall.std_error < two.overall.std_error
    table = one.table()
    assert (table.band_low <= table.conf_low).all()


def test_a_unit_seen_only_after_training_and_a_period_without_untreated_units_are_left_out() -> None:
    always = {**OFFICES, "e": (1.0, [3.0, 3.0, 3.0, 3.0])}
    assert imputation_effects(panel(always)).dropped_units == 1
    late = {**OFFICES, "c": (4.0, [0.0, 1.0, 2.0, 5.0]), "d": (4.0, [9.0, 10.0, 11.0, 14.0])}
    found = imputation_effects(panel(late))
    assert found.event_time.tolist() == [0.0]  # only a in period 3; in period 4 nobody is untreated
    assert found.dropped_cells == 4
    assert found.estimate[0] == pytest.approx(2.0)


def test_a_period_linked_by_no_unit_is_not_imputed() -> None:
    nan = float("nan")
    found = imputation_effects(panel({"a": (3.0, [1.0, 2.0, 5.0, 8.0]), "c": (np.inf, [0.0, 1.0, 2.0, nan]), "d": (np.inf, [nan, nan, nan, 12.0])}))
    assert found.event_time.tolist() == [0.0]
    assert found.dropped_cells == 1


def test_without_comparison_there_is_a_refusal_and_no_number() -> None:
    with pytest.raises(NotIdentifiedError, match="推し量れる"):
        imputation_effects(panel({"a": (2.0, [1.0, 2.0]), "b": (2.0, [1.0, 3.0])}))
    with pytest.raises(NotIdentifiedError, match="推し量れる"):
        two_stage_effects(panel({"a": (np.inf, [1.0, 2.0]), "b": (np.inf, [1.0, 3.0])}))


def test_differences_before_treatment_are_zero_without_any_and_found_where_planted() -> None:
    rng = np.random.default_rng(5)
    outcome = rng.normal(0, 0.5, (60, 6))
    cohort = np.where(np.arange(60) < 30, 5.0, np.inf)
    rows = {f"u{i}": (cohort[i], outcome[i].tolist()) for i in range(60)}
    clean = pre_trends(panel(rows))
    assert clean.event_time.tolist() == [-4.0, -3.0, -2.0]
    assert clean.p_value > 0.01
    drift = {unit: (c, (np.array(values) + (np.arange(6) if np.isfinite(c) else 0)).tolist()) for unit, (c, values) in rows.items()}
    found = pre_trends(panel(drift), leads=2)
    assert found.p_value < 1e-6
    assert found.table().event_time.tolist() == [-2.0, -1.0]
    assert found.covariance.shape == (2, 2)


def test_leads_that_cannot_be_estimated_are_refused() -> None:
    with pytest.raises(ParameterError, match="leads"):
        pre_trends(panel(OFFICES), leads=0)
    with pytest.raises(NotIdentifiedError, match="区別できません"):
        pre_trends(panel({"a": (3.0, [1.0, 2.0, 5.0]), "b": (np.inf, [1.0, 2.0, 4.0]), "e": (np.inf, [1.0, 1.0, 1.0])}), leads=5)
    with pytest.raises(NotIdentifiedError, match="受講前の期間"):
        pre_trends(panel({"a": (2.0, [1.0, 2.0]), "b": (np.inf, [1.0, 3.0])}))

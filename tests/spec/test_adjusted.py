"""Effects with covariates, by example."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import doubly_robust, group_time_effects, moments, unit_level_effects
from kdx_eval.effect.influence_path import units_of
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def two_period_frame() -> pd.DataFrame:
    """Growth depends on size alone: small offices grow by 1, large ones by 3; training adds 2; mostly large offices train."""
    rows = []
    for number, (size, cohort) in enumerate([("small", 2.0)] + [("large", 2.0)] * 3 + [("small", np.inf)] * 4 + [("large", np.inf)] * 2):
        growth = (3.0 if size == "large" else 1.0) + (2.0 if cohort == 2 else 0.0)
        # A deviation that is alike within every kind of office keeps the errors above zero and the estimates exact.
        level = 10.0 + number
        rows += [(number, 1, cohort, level, float(size == "large")), (number, 2, cohort, level + growth, float(size == "large"))]
    return pd.DataFrame(rows, columns=["unit", "period", "cohort", "outcome", "large"])


def panel(frame: pd.DataFrame, covariates: tuple[str, ...] = ("large",)) -> Panel:
    return Panel.from_frame(frame, unit="unit", period="period", cohort="cohort", outcome="outcome", covariates=covariates)


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_covariates_remove_the_difference_that_they_explain(method: str) -> None:
    frame = two_period_frame()
    # Treated grow by (1 + 3·3)/4 = 2.5 on their own, controls by (4·1 + 2·3)/6 = 1.667: the plain comparison adds 0.833 to the true 2.
    assert doubly_robust(panel(frame, ()), method=method).estimate[0] == pytest.approx(2 + 5 / 6)
    assert doubly_robust(panel(frame), method=method).estimate[0] == pytest.approx(2.0)


def test_the_result_has_the_columns_of_group_time_effects_and_the_share_lost() -> None:
    result = doubly_robust(panel(two_period_frame(), ()))
    assert result.table().columns.tolist() == [
        "cohort", "period", "event_time", "estimate", "std_error", "conf_low", "conf_high", "p_value", "lost_share",
    ]  # fmt: skip
    assert result.event_time.tolist() == [0.0]
    assert result.aggregate().overall.estimate == result.estimate[0]
    assert "10 units" in repr(result)


def test_a_unit_not_seen_in_the_period_is_left_out_and_counted() -> None:
    frame = two_period_frame()
    result = doubly_robust(panel(frame[~((frame["unit"] == 9) & (frame["period"] == 2))]), method="reg")
    assert result.lost_share[0] == pytest.approx(0.1)
    assert result.influence[0, 9] == 0.0
    assert result.estimate[0] == pytest.approx(2.0)


def test_a_unit_without_covariates_is_left_out_and_counted() -> None:
    frame = two_period_frame()
    frame.loc[frame["unit"] == 9, "large"] = np.nan
    assert doubly_robust(panel(frame), method="reg").lost_share[0] == pytest.approx(0.1)


@pytest.mark.parametrize("method", ["dr", "ipw"])
def test_without_overlap_there_is_a_refusal_and_no_number(method: str) -> None:
    frame = two_period_frame()
    frame["large"] = (frame["cohort"] == 2).astype(float)
    with pytest.raises(NotIdentifiedError, match="条件の似た比較相手"):
        doubly_robust(panel(frame), method=method)


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_collinear_covariates_are_refused(method: str) -> None:
    frame = two_period_frame().assign(twice=lambda f: 2 * f["large"] + 1)
    with pytest.raises(NotIdentifiedError, match="条件の似た比較相手"):
        doubly_robust(panel(frame, ("large", "twice")), method=method)


def test_units_treated_from_the_first_period_are_counted_and_left_out() -> None:
    frame = two_period_frame()
    early = frame[frame["unit"] == 0].assign(unit=99, cohort=1.0)
    whole = panel(pd.concat([frame, early]))
    result = doubly_robust(whole)
    assert result.dropped_units == 1
    assert result.aggregate().overall.estimate == pytest.approx(2.0)
    plain = replace(whole, covariates={})
    expected = group_time_effects(moments(plain))
    found = unit_level_effects(expected, plain)
    assert found.dropped_units == 1
    for kind in ("simple", "cohort", "total"):
        assert found.aggregate(kind).overall.std_error == pytest.approx(expected.aggregate(kind).overall.std_error)


def test_unknown_options_are_refused() -> None:
    whole = panel(two_period_frame())
    with pytest.raises(ParameterError, match="値が違います"):
        doubly_robust(whole, method="matching")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="集計の種類"):
        doubly_robust(whole).aggregate("median")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="重み"):
        units_of(replace(whole, weight=np.full(10, -1.0)))


def test_effects_of_another_panel_are_refused() -> None:
    whole = panel(two_period_frame(), ())
    effects = group_time_effects(moments(whole))
    smaller = panel(two_period_frame().query("unit < 9"), ())
    with pytest.raises(ParameterError, match="違うパネル"):
        unit_level_effects(effects, smaller)


def test_nobody_treated_within_the_periods_is_refused() -> None:
    frame = two_period_frame().assign(cohort=np.inf)
    with pytest.raises(NotIdentifiedError):
        doubly_robust(panel(frame))

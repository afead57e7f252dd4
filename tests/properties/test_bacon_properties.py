"""The comparisons add up to the coefficient of the regression, whatever the panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_panels import long_frames, panel_of

from kdx_eval.effect import bacon_decomposition, moments


def literal_coefficient(frame: pd.DataFrame) -> float:
    """Weighted least squares with a dummy for every unit and period."""
    x = np.column_stack([frame["period"] >= frame["cohort"], pd.get_dummies(frame["unit"]), pd.get_dummies(frame["period"])]).astype(float)
    root = np.sqrt(frame["weight"].to_numpy())
    return float(np.linalg.lstsq(x * root[:, None], frame["outcome"] * root, rcond=1e-10)[0][0])


@settings(max_examples=20)
@given(long_frames(weighted=True), st.booleans(), st.sampled_from(["as drawn", "always treated too", "no never treated"]))
def test_weighted_comparisons_add_up_to_the_regression(frame: pd.DataFrame, weighted: bool, case: str) -> None:
    if case == "always treated too":
        frame = frame.assign(cohort=frame["cohort"].where(frame["unit"] != "u000", 1.0))
    if case == "no never treated":
        frame = frame.assign(cohort=frame["cohort"].where(frame["cohort"] < np.inf, 1.0))
    frame = frame if weighted else frame.assign(weight=1.0)
    found = bacon_decomposition(moments(panel_of(frame, weighted=weighted)))
    assert found.weight.sum() == pytest.approx(1.0)
    assert (found.weight > 0).all()
    assert found.estimate @ found.weight == pytest.approx(found.coefficient, rel=1e-8, abs=1e-9)
    assert found.coefficient == pytest.approx(literal_coefficient(frame), rel=1e-7, abs=1e-8)
    kinds = found.by_comparison()
    assert kinds.weight.sum() == pytest.approx(1.0)
    assert float(kinds.weight @ kinds.estimate) == pytest.approx(found.coefficient, rel=1e-8, abs=1e-9)

"""A two-way fixed-effects coefficient taken apart, by example."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import BaconDecomposition, bacon_decomposition, moments
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel


def decomposition(rows: dict[float, list[float]]) -> BaconDecomposition:
    long = [(f"unit {cohort}", period, cohort, value) for cohort, values in rows.items() for period, value in enumerate(values, 1)]
    frame = pd.DataFrame(long, columns=["unit", "period", "cohort", "outcome"])
    return bacon_decomposition(moments(Panel.from_frame(frame, unit="unit", period="period", cohort="cohort", outcome="outcome")))


def test_an_effect_that_grows_turns_the_comparison_with_the_already_treated_around() -> None:
    # Nothing but training happens, and it adds 1, 2, 3, ... : every true effect is positive.
    found = decomposition({2.0: [0, 1, 2, 3], 4.0: [0, 0, 0, 1]})
    table = found.table().set_index("comparison")
    assert table.estimate["earlier_later"] == pytest.approx(1.5)
    assert table.estimate["later_earlier"] == pytest.approx(-0.5)  # own change 1, minus that of the already treated: 3 - (1 + 2) / 2
    assert 0 < found.mistaken_share < 1
    assert found.coefficient == pytest.approx(float(table.estimate @ table.weight))


def test_two_groups_are_one_comparison() -> None:
    found = decomposition({3.0: [1, 1, 4, 4], np.inf: [0, 0, 1, 1]})
    assert found.comparison == ("treated_untreated",)
    assert found.estimate.tolist() == pytest.approx([2.0])
    assert found.weight.tolist() == pytest.approx([1.0])
    assert found.mistaken_share == 0.0


def test_units_treated_throughout_are_named_as_controls() -> None:
    found = decomposition({1.0: [0, 0, 1, 1], 3.0: [1, 1, 4, 4]})
    assert found.comparison == ("later_always",)
    assert found.mistaken_share == pytest.approx(1.0)


def test_without_variation_there_is_a_refusal() -> None:
    with pytest.raises(NotIdentifiedError, match="変わりません"):
        decomposition({3.0: [1, 1, 4, 4]})

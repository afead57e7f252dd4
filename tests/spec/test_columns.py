"""One scale for periods and cohorts: numbers or months, with every way in which people write "never treated"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import group_time_effects, moments
from kdx_eval.errors import DataError, ParameterError
from kdx_eval.panel.type import Panel

MONTHS = {period: f"2025-{period:02d}" for period in range(1, 7)}


def long(**columns: Any) -> pd.DataFrame:
    """Two cohorts of four units and five never treated ones (cohort 0), six periods."""
    rng = np.random.default_rng(0)
    cohorts = [3] * 4 + [5] * 4 + [0] * 5
    frame = pd.DataFrame({"id": np.repeat(np.arange(13), 6), "t": np.tile(np.arange(1, 7), 13), "g": np.repeat(cohorts, 6), "y": rng.normal(size=78)})
    return frame.assign(**columns)


def panel(frame: pd.DataFrame, **options: Any) -> Panel:
    return Panel.from_frame(frame, unit="id", period="t", cohort="g", outcome="y", **options)


def cohorts(never: object) -> pd.Series:
    """The cohorts as months, the never treated as that value."""
    return long()["g"].map(lambda g: MONTHS.get(g, never))


@pytest.mark.parametrize(
    ("g", "options"),
    [
        (cohorts("inf"), {}),
        (cohorts(np.inf), {}),
        (cohorts(0), {"never": 0}),
        (cohorts("0"), {"never": 0}),
        (cohorts("未受講"), {"never": "未受講"}),
        (cohorts(""), {"never": ""}),
        (cohorts("未受講").astype("category"), {"never": "未受講"}),
        (pd.to_datetime(cohorts("2099-12")), {"never": pd.Timestamp("2099-12-01")}),
    ],
)
def test_months_with_any_word_for_never_are_the_numbered_panel(g: pd.Series, options: dict[str, Any]) -> None:
    found, numbered = panel(long(t=long()["t"].map(MONTHS), g=g), **options), panel(long(), never=0)
    assert found.monthly
    np.testing.assert_array_equal(found.cohort - found.periods[0] + 1, numbered.cohort)
    assert group_time_effects(moments(found)).aggregate().overall == group_time_effects(moments(numbered)).aggregate().overall


def test_numbers_stay_numbers_where_a_word_means_never() -> None:
    words = long()["g"].map(lambda g: str(g) if g else "なし")
    found = panel(long(g=words), never="なし")
    assert not found.monthly and found.cohorts.tolist() == [3, 5, np.inf]
    assert panel(long(t=long()["t"].astype(object), g=long()["g"].astype(object)), never=0).cohorts.tolist() == [3, 5, np.inf]


@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ({"t": long()["t"].map(MONTHS)}, "g"),  # months against numbers
        ({"g": cohorts("inf")}, "g"),
        ({"t": long()["t"].map(MONTHS), "g": cohorts("未受講")}, "g"),  # the word was not named
        ({"t": long()["t"].map(MONTHS).replace("2025-06", "2025-13"), "g": cohorts("inf")}, "t"),
        ({"g": long()["g"].astype(float).replace(0, -np.inf)}, "g"),
        ({"y": long()["y"].astype(str).where(long().index > 0, "abc")}, "y"),
        ({"w": "重い"}, "w"),
        ({"w": long()["y"].where(long().index > 5)}, "w"),
    ],
)
def test_a_value_off_the_scale_is_refused_with_its_column_and_never_shown(columns: dict[str, Any], column: str) -> None:
    with pytest.raises(DataError, match=f"^\\[DATA\\] {column}: ") as refused:
        panel(long(**columns), never=0 if "g" not in columns else None, weight="w" if "w" in columns else None)
    assert "abc" not in str(refused.value) and refused.value.hint


def test_an_empty_table_and_weights_that_add_to_zero_are_refused() -> None:
    with pytest.raises(DataError, match="行が一つもありません"):
        panel(long().iloc[:0])
    with pytest.raises(DataError, match="重みの合計が0"):
        moments(panel(long(w=(long()["g"] != 3).astype(float)), never=0, weight="w"))
    with pytest.raises(ParameterError, match="列がありません"):
        panel(long().drop(columns="y"))

"""A long table whose rows stand in order gives the panel that the same rows give in any order, and is refused for the same faults."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kdx_eval.errors import DataError
from kdx_eval.panel.type import Panel


def frame(units: int = 6, periods: int = 4) -> pd.DataFrame:
    cohort = np.array([0, 2, 3])[np.arange(units) % 3]
    return pd.DataFrame({
        "id": np.repeat(np.arange(units) * 2 - 3, periods), "t": np.tile(np.arange(1, periods + 1), units), "g": np.repeat(cohort, periods),
        "y": np.arange(units * periods) / 7, "w": np.repeat(np.arange(1, units + 1), periods), "c": np.repeat([f"課{n % 2}" for n in range(units)], periods),
    })  # fmt: skip


def panel(long: pd.DataFrame) -> Panel:
    return Panel.from_frame(long, unit="id", period="t", cohort="g", outcome="y", cluster="c", weight="w", covariates=["w"], never=0)


def same(one: Panel, other: Panel) -> bool:
    pairs = [
        (one.outcome, other.outcome), (one.periods, other.periods), (one.cohort, other.cohort), (one.weight, other.weight),
        (one.covariates["w"], other.covariates["w"]),
    ]  # fmt: skip
    labels = one.units.tolist() == other.units.tolist() and one.cluster.tolist() == other.cluster.tolist()
    return labels and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


@pytest.mark.parametrize("periods", [1, 4])
def test_rows_in_order_give_what_shuffled_rows_give(periods: int) -> None:
    long = frame(periods=periods)
    for seed in range(3):
        assert same(panel(long), panel(long.sample(frac=1, random_state=seed)))
    assert panel(long).outcome.tolist() == long["y"].to_numpy().reshape(6, periods).tolist()


@pytest.mark.parametrize("change", [lambda f: f.drop(index=5), lambda f: f[::-1], lambda f: f.sort_values(["t", "id"]), lambda f: f.drop(index=range(4))])
def test_rows_that_are_no_whole_matrix_in_order_are_looked_up(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    long = change(frame())
    table = long.pivot(index="id", columns="t", values="y")
    found = panel(long)
    assert found.units.tolist() == table.index.tolist()
    assert np.array_equal(found.outcome, table.to_numpy(), equal_nan=True)


def test_the_panel_does_not_change_with_the_frame() -> None:
    long = frame()
    found = panel(long)
    long.loc[0, "y"] = 99.0
    assert found.outcome[0, 0] == 0.0


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_value_that_changes_within_a_unit_and_a_doubled_row_are_refused_in_any_order(shuffle: bool) -> None:
    for column, value in (("g", 3), ("w", 9.0), ("c", "課9")):
        long = frame()
        long.loc[1, column] = value
        with pytest.raises(DataError, match="単位の中で値が変わっています"):
            panel(long.sample(frac=1, random_state=0) if shuffle else long)
    doubled = frame().assign(t=lambda f: f["t"].where(f.index != 1, 1))
    with pytest.raises(DataError, match="重複しています（1 組）"):
        panel(doubled.sample(frac=1, random_state=0) if shuffle else doubled)

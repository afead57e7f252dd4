"""A long table in parts: the moments of the parts are those of the whole, and nothing incomplete passes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import add_moments, group_time_effects, moments
from kdx_eval.errors import DataError, ParameterError
from kdx_eval.panel.parts import LongTable, _ranges, panel_parts
from kdx_eval.panel.type import Panel

TABLE = LongTable(source="long", unit="id", period="t", cohort="g", outcome="y", never=0)


def frame(units: int = 40, periods: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    cohort = np.array([0, 3, 4, 5])[np.arange(units) % 4]
    return pd.DataFrame({
        "id": np.repeat(np.arange(units), periods), "t": np.tile(np.arange(1, periods + 1), units), "g": np.repeat(cohort, periods),
        "y": rng.normal(0, 1, units * periods),
    })  # fmt: skip


def parts_of(long: pd.DataFrame, units: int) -> list[Panel]:
    with duckdb.connect() as connection:
        connection.register("long", long)
        return list(panel_parts(connection, TABLE, units=units))


@pytest.mark.parametrize("units", [1, 7, 40, 99])
def test_moments_of_the_parts_add_up_to_those_of_the_whole(units: int) -> None:
    long = frame()
    found = add_moments(map(moments, parts_of(long.sample(frac=1, random_state=1), units)))
    assert found.units.tolist() == sorted(found.units)
    whole = moments(Panel.from_frame(long, unit="id", period="t", cohort="g", outcome="y", never=0))
    assert found.n_units == 40
    assert found.scatter == pytest.approx(whole.scatter, abs=1e-9)
    one, other = (group_time_effects(m).aggregate("event_time") for m in (found, whole))
    assert one.overall.estimate == pytest.approx(other.overall.estimate, abs=1e-12)
    assert one.overall.std_error == pytest.approx(other.overall.std_error, rel=1e-9)


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("order", ["by unit", "by period", "shuffled", "backwards"])
def test_a_file_sorted_a_range_of_units_at_a_time_gives_the_same_bits_whatever_its_row_order(
    order: str, as_text: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = frame(units=200)
    long["id"] = long["id"].map("課{:03}".format) if as_text else long["id"]
    whole = list(map(moments, parts_of(long, 30)))
    orders = {"by unit": ["id", "t"], "by period": ["t", "id"], "backwards": ["id", "t"]}
    changed = long.sample(frac=1, random_state=3) if order == "shuffled" else long.sort_values(orders[order], ascending=order != "backwards")
    monkeypatch.setattr("kdx_eval.panel.parts._ROWS_AT_A_TIME", 130)
    with duckdb.connect() as connection:
        connection.register("rows", changed)
        connection.execute(f"COPY rows TO '{(tmp_path / 'long.parquet').as_posix()}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
        connection.execute(f"CREATE VIEW long AS SELECT * FROM read_parquet('{(tmp_path / 'long.parquet').as_posix()}')")
        assert len(list(_ranges(connection, {"source": "long", "unit": "id"}))) > 5
        found = list(map(moments, panel_parts(connection, TABLE, units=30)))
    assert [part.units.tolist() for part in found] == [part.units.tolist() for part in whole]
    for one, other in zip(found, whole, strict=True):
        assert np.array_equal(one.scatter, other.scatter)
        assert np.array_equal(one.mean, other.mean)


def test_a_blank_unit_is_in_the_last_range_and_refused_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdx_eval.panel.parts._ROWS_AT_A_TIME", 50)
    long = frame().astype({"id": object})
    long.loc[long["id"] == 7, "id"] = None
    with pytest.raises(DataError):
        parts_of(long, 5)


def test_parts_share_no_unit_and_lose_none() -> None:
    found = [set(part.units.tolist()) for part in parts_of(frame(), 5)]
    assert sum(map(len, found)) == len(set().union(*found)) == 40


@pytest.mark.parametrize("damage", ["missing row", "doubled row", "missing cohort", "changing cohort", "missing outcome"])
def test_an_incomplete_table_is_refused(damage: str) -> None:
    long = frame().astype({"g": float})
    if damage == "missing row":
        long = long.drop(index=7)
    elif damage == "doubled row":
        long = pd.concat([long, long.iloc[[7]]])
    elif damage == "missing outcome":
        long.loc[7, "y"] = np.nan
    else:
        long.loc[6:11 if damage == "missing cohort" else 7, "g"] = np.nan if damage == "missing cohort" else 5.0
    with pytest.raises(DataError):
        parts_of(long, 2)


def test_no_parts_are_refused() -> None:
    with pytest.raises(ParameterError):
        parts_of(frame(), 0)

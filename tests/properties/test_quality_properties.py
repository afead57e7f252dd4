"""The quality report does not hang on the order of rows, and a planted unit mistake never escapes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.load.quality import inspect_quality
from kdx_eval.load.quality.series import Series
from kdx_eval.load.quality.unit_mistakes import find_unit_mistakes, suspected
from tests.quality_city import FIRST, Hours, code, deliver, overtime, worktime_text


def series(values: Hours) -> Series:
    codes = np.array([code(row) for row in range(len(values))], dtype=object)
    counts = (~np.isnan(values)).astype(np.int64)
    return Series(
        table="worktime", measure="overtime_hours", title="時間外勤務時間", unit="hours", parts=codes, departments=codes,
        months=FIRST.index + np.arange(values.shape[1], dtype=np.int64), values=values, n_rows=counts, n_values=counts,
    )  # fmt: skip


@st.composite
def cities(draw: st.DrawFn) -> Hours:
    """At least 10 departments and 24 months, April and March 2.4 times an average month, noise up to a fifth."""
    size = {"departments": draw(st.integers(10, 40)), "months": draw(st.integers(24, 60))}
    return overtime(**size, seed=draw(st.integers(0, 2**32 - 1)), noise=draw(st.floats(0.0, 0.2)))


@given(values=cities())
@settings(max_examples=60)
def test_a_city_with_seasons_is_never_suspected(values: Hours) -> None:
    assert suspected(series(values)) == {}


@given(values=cities(), where=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), factor=st.sampled_from([60.0, 1 / 60]))
@settings(max_examples=100)
def test_a_department_month_in_another_unit_is_always_found_and_nothing_else(values: Hours, where: tuple[int, int], factor: float) -> None:
    row, at = where[0] % values.shape[0], where[1] % values.shape[1]
    values[row, at] *= factor
    (found,) = find_unit_mistakes(series(values), {})
    assert found.units == (code(row),)
    assert found.months == (str(FIRST + at),)
    assert found.factor == factor


@given(values=cities(), rows=st.sets(st.integers(0, 9), min_size=1), years=st.data())
@settings(max_examples=60)
def test_a_fiscal_year_of_some_departments_in_minutes_is_always_found(values: Hours, rows: set[int], years: st.DataObject) -> None:
    start = 12 * years.draw(st.integers(0, values.shape[1] // 12 - 1))
    values[sorted(rows), start : start + 12] *= 60
    marked = {(row, at) for row, columns in suspected(series(values)).items() for at in columns}
    planted = {(row, at) for row in rows for at in range(start, start + 12)}
    # Where a year in minutes is more than half of a series, the other months are the ones that stand out.
    others = {(row, at) for row in rows for at in range(values.shape[1]) if not start <= at < start + 12}
    assert marked in (planted, others)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=3)
def test_findings_do_not_hang_on_the_order_of_rows(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("order")
    patch = pytest.MonkeyPatch()
    patch.setenv("KDX_EVAL_HOME", str(folder / "home"))
    try:
        values = overtime(seed=seed)
        values[3, 7] *= 60
        values[:, 12] = values[:, 11]
        values[5, 2] = np.nan
        header, *lines = worktime_text(values).splitlines()
        mixed = np.random.default_rng(seed).permutation(np.array(lines, dtype=object))
        files = {name: {"時間外勤務.csv": "\n".join([header, *rows]) + "\n"} for name, rows in (("a", lines), ("b", mixed))}
        one, other = (inspect_quality(deliver(folder / name, written)).to_dict() for name, written in files.items())
        assert one == other
        assert len(one["findings"]) >= 3
    finally:
        patch.undo()

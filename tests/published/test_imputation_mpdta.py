"""Imputation and two-stage effects of the minimum wage against R's didimputation and did2s, stored as full doubles.

Both packages remove unit and period effects by iteration; their estimates stop 6.6e-8 to 1.0e-7 (relative) from the exact least squares
solution, which the property tests hold ours to. Hence 5e-7 here; the differences before treatment, which R solves exactly, agree to 1e-8.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import imputation_effects, pre_trends, two_stage_effects
from kdx_eval.panel.type import Panel


@pytest.fixture(scope="module")
def panel(shared: Path) -> Panel:
    frame = pd.read_csv(shared / "data" / "mpdta" / "mpdta.csv")
    return Panel.from_frame(frame, unit="countyreal", period="year", cohort="first.treat", outcome="lemp", never=0)


def test_imputation_equals_the_reference(panel: Panel, shared: Path) -> None:
    reference = json.loads((shared / "reference" / "didimputation__mpdta__lemp.json").read_text(encoding="utf-8"))
    effects, static, horizon = imputation_effects(panel), reference["static"], reference["horizon"]
    assert effects.overall.estimate == pytest.approx(static["estimate"], rel=5e-7)
    assert effects.overall.std_error == pytest.approx(static["std.error"], rel=1e-8)
    assert effects.overall.conf_low == pytest.approx(static["conf.low"], rel=1e-5)  # R takes 1.96 for 1.959964
    table = effects.table()
    assert table.event_time.tolist() == [float(term) for term in horizon["term"]]
    np.testing.assert_allclose(table.estimate, horizon["estimate"], rtol=5e-7)
    np.testing.assert_allclose(table.std_error, horizon["std.error"], rtol=1e-8)


def test_differences_before_treatment_equal_the_reference(panel: Panel, shared: Path) -> None:
    reference = json.loads((shared / "reference" / "didimputation__mpdta__lemp.json").read_text(encoding="utf-8"))["horizon_pretrends"]
    table = pre_trends(panel).table()
    rows = len(table)
    assert table.event_time.tolist() == [float(term) for term in reference["term"][:rows]]
    np.testing.assert_allclose(table.estimate, reference["estimate"][:rows], rtol=1e-8)
    np.testing.assert_allclose(table.std_error, reference["std.error"][:rows], rtol=1e-7)
    np.testing.assert_allclose(imputation_effects(panel).estimate, reference["estimate"][rows:], rtol=5e-7)


def test_two_stage_equals_the_reference(panel: Panel, shared: Path) -> None:
    reference = json.loads((shared / "reference" / "did2s__mpdta__lemp.json").read_text(encoding="utf-8"))
    effects = two_stage_effects(panel, leads=True)
    assert effects.overall.estimate == pytest.approx(reference["static"]["estimate"][0], rel=5e-7)
    assert effects.overall.std_error == pytest.approx(reference["static"]["se"][0], rel=1e-7)
    assert [f".rel::{time:g}" for time in effects.event_time] == reference["eventstudy"]["term"]
    np.testing.assert_allclose(effects.estimate, reference["eventstudy"]["estimate"], rtol=5e-7)
    np.testing.assert_allclose(effects.std_error, reference["eventstudy"]["se"], rtol=1e-7)

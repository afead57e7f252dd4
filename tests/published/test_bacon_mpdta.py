"""The minimum wage's two-way fixed-effects coefficient taken apart, against R's bacondecomp, stored as full doubles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdx_eval.effect import bacon_decomposition, moments
from kdx_eval.panel.type import Panel

NAMES = {"treated_untreated": "Treated vs Untreated", "earlier_later": "Earlier vs Later Treated", "later_earlier": "Later vs Earlier Treated"}


def test_decomposition_equals_the_reference(shared: Path) -> None:
    reference = json.loads((shared / "reference" / "bacon__mpdta.json").read_text(encoding="utf-8"))
    frame = pd.read_csv(shared / "data" / "mpdta" / "mpdta.csv")
    found = bacon_decomposition(moments(Panel.from_frame(frame, unit="countyreal", period="year", cohort="first.treat", outcome="lemp", never=0)))
    assert found.coefficient == pytest.approx(reference["twfe"], rel=1e-8)
    expected = pd.DataFrame(reference["decomposition"]).fillna({"untreated": np.inf}).sort_values(["treated", "untreated"])
    table = found.table().sort_values(["treated", "control"])
    assert table.treated.tolist() == expected.treated.tolist()
    assert table.control.tolist() == expected.untreated.tolist()
    assert [NAMES[kind] for kind in table.comparison] == expected.type.tolist()
    np.testing.assert_allclose(table.estimate, expected.estimate, rtol=1e-8)
    np.testing.assert_allclose(table.weight, expected.weight, rtol=1e-8)

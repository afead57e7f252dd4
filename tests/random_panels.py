"""Random panels for the property tests of the effect core."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from kdx_eval.panel.type import Panel


@st.composite
def long_frames(draw: st.DrawFn, *, weighted: bool = False) -> pd.DataFrame:
    """A balanced long frame: 2-4 cohorts of 2-6 units and never treated ones, 5-9 periods."""
    periods = draw(st.integers(5, 9))
    starts = draw(st.lists(st.integers(2, periods - 1), min_size=1, max_size=3, unique=True))
    cohorts = [start for start in starts for _ in range(draw(st.integers(2, 6)))] + [np.inf] * draw(st.integers(3, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = len(cohorts)
    level = rng.normal(0, 3, (units, 1)) + np.cumsum(rng.normal(0, 1, (units, periods)), axis=1)
    frame = pd.DataFrame(
        {
            "unit": np.repeat([f"u{i:03d}" for i in range(units)], periods),
            "period": np.tile(np.arange(1, periods + 1), units),
            "cohort": np.repeat(np.array(cohorts, dtype=float), periods),
            "outcome": level.ravel(),
        }
    )
    frame["weight"] = np.repeat(rng.uniform(0.2, 4, units), periods) if weighted else 1.0
    return frame


def panel_of(frame: pd.DataFrame, *, weighted: bool = False) -> Panel:
    """The panel of such a frame."""
    return Panel.from_frame(frame, unit="unit", period="period", cohort="cohort", outcome="outcome", weight="weight" if weighted else None)

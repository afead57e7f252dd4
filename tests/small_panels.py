"""A small city by hand: two starting times, some never trained, seasons and noise."""

from __future__ import annotations

import numpy as np

from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.panel.type import Panel

TARGET = FiscalYearTarget(first=24, last=35, buffer=3, excluded=frozenset({0.0, 1.0}))


def make_panel(*, effect: float = 0.0, seed: int = 1, cohorts: tuple[float, ...] = (18.0, 21.0), units: int = 6, never: int = 8) -> Panel:
    rng = np.random.default_rng(seed)
    cohort = np.array([c for c in cohorts for _ in range(units)] + [np.inf] * never)
    periods = np.arange(36.0)
    season = 20 * np.cos(2 * np.pi * periods / 12)
    outcome = 100 + rng.normal(0, 10, (len(cohort), 1)) + season + rng.normal(0, 2, (len(cohort), 36)) - 0.5 * periods
    outcome += effect * (periods[None, :] >= cohort[:, None] + 3)
    return Panel(
        outcome=outcome,
        units=np.array([f"d{i}" for i in range(len(cohort))], dtype=object),
        periods=periods,
        cohort=cohort,
        persons=np.full(len(cohort), 40),
    )

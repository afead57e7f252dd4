"""What a simulated city's panel is, and the true effect over exactly the cells that the headline counts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kdx_eval.panel.type import Panel
from kdx_eval.synthetic_city import City
from kdx_eval.synthetic_city.design import EVALUATED, FIRST_MONTH
from kdx_eval.synthetic_city.training import NEVER

BUFFER = 3  # a quarter cohort counts from its fourth month on


def true_mean(effects: pd.DataFrame, panel: Panel, *, course: str, outcome: str) -> float:
    """Mean true effect over exactly the unit-months that the headline counts; a month without a row had none."""
    rows = effects[(effects["course_id"] == course) & (effects["outcome"] == outcome)]
    months = pd.to_datetime(rows["month"])
    table = dict(zip(zip(rows["department_id"], months.dt.year * 12 + months.dt.month - 1, strict=True), rows["effect"], strict=True))
    first = EVALUATED.first.index
    cells = [(unit, period) for unit, cohort in zip(panel.units, panel.cohort, strict=True) for period in range(first, first + 12) if period >= cohort + BUFFER]
    return float(np.mean([table.get((unit, period), 0.0) for unit, period in cells]))


def city_panel(city: City, *, course: str) -> Panel:
    """Department hours by month, cohorts by quarter, straight from the simulation."""
    wide = city.workload().pivot_table(index="department_id", columns="month", values="minutes", aggfunc="sum") / 60
    start = city.uptakes[course].start
    quarter = (start // 3) * 3 + FIRST_MONTH.index  # FIRST_MONTH is an April
    return Panel(
        outcome=wide.to_numpy(),
        units=wide.index.to_numpy(dtype=object),
        periods=FIRST_MONTH.index + np.arange(wide.shape[1], dtype=float),
        cohort=np.where(start == NEVER, np.inf, quarter.astype(float)),
        persons=np.full(len(wide), 43),
        monthly=True,
    )

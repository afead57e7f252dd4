"""Cases handled by the units of an outcome of hours, so that time per case and number of cases can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import PlanError
from kdx_eval.panel.cells import OutcomeCells, read_cells
from kdx_eval.panel.tables import Tables, has_lead_time
from kdx_eval.plan import Plan, Question

if TYPE_CHECKING:
    import duckdb

HOURS = "workload.minutes"


def read_cases(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question, plan: Plan) -> OutcomeCells | None:
    """The cases behind the minutes of a question; None where the outcome is another, or cases are not recorded for the same work."""
    if question.outcome.key != HOURS or "cases" not in tables.columns("workload") or has_lead_time(connection, tables):
        return None  # rows of lead time would bring cases without minutes
    try:
        return read_cells(connection, tables, question=replace(question, outcome=replace(question.outcome, measure="cases")), plan=plan)
    except PlanError:
        return None


def match_cases(
    cases: OutcomeCells | None, outcome: OutcomeCells, *, rows: npt.NDArray[np.intp], months: npt.NDArray[np.bool_] | npt.NDArray[np.intp]
) -> npt.NDArray[np.float64] | None:
    """Cases of the units and months that are kept, (N, T); None where a single one is not known or a unit never had a case."""
    if cases is None:
        return None
    place = {unit: row for row, unit in enumerate(cases.units)}
    at = {month: column for column, month in enumerate(cases.months)}
    units, wanted = outcome.units[rows], outcome.months[months]
    if not all(unit in place for unit in units) or not all(month in at for month in wanted):
        return None
    found = cases.matrix[np.ix_([place[unit] for unit in units], [at[month] for month in wanted])]
    usable = np.isfinite(found).all() and (found.sum(axis=1) > 0).all()
    return np.ascontiguousarray(found) if usable else None


def prepared(cases: OutcomeCells | None, *steps: Callable[[OutcomeCells], OutcomeCells]) -> OutcomeCells | None:
    """The same steps for cases as for the outcome: zeros where the plan declares them, departments joined."""
    for step in steps:
        cases = None if cases is None else step(cases)
    return cases

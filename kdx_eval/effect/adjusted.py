"""Group-time effects with covariates and on unbalanced panels: doubly robust, weighting or regression, unit by unit.

ATT(g, t) compares the change from the base period b of cohort g with that of its controls, given covariates at b (Callaway & Sant'Anna
2021, Theorem 1; the estimators and their influence functions: Sant'Anna & Zhao 2020).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.adjusted_cell import Method, adjusted_change, comparison
from kdx_eval.effect.group_time import Base, ComparedCohorts, Control, compared_cohorts
from kdx_eval.effect.influence_path import UnitLevelEffects, Units, units_of
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """One effect to be estimated: columns of period and base, and the first cohort that may serve as control."""

    cohort: float
    column: int
    base: int
    cutoff: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Estimates of the cells that were identified, with the influence of every unit."""

    cells: list[_Cell]
    estimate: FloatArray
    influence: FloatArray
    lost_share: FloatArray


def doubly_robust(
    panel: Panel,
    *,
    control: Control = "not_yet_treated",
    method: Method = "dr",
    base: Base = "varying",
    anticipation: int = 0,
) -> UnitLevelEffects:
    """ATT(g, t) of every treated cohort and period, given ``panel.covariates`` at the base period.

    Without covariates and gaps the numbers are those of ``group_time_effects``. With gaps each effect rests on the units seen in both of
    its periods (and with covariates at the base); ``lost_share`` says how many were lost. Clusters of the panel enter the errors.

    Parameters
    ----------
    panel : Panel
    control : "not_yet_treated" or "never_treated"
    method : "dr", "ipw" or "reg"
        "dr" needs the propensity score or the outcome regression to be right, not both.
    base : "varying" or "universal"
    anticipation : int
        Periods before treatment in which outcomes may already react.

    Returns
    -------
    UnitLevelEffects
        With ``.table()`` and ``.aggregate(kind)``, in the outcome's unit.

    Raises
    ------
    ParameterError
        An option is unknown, or a weight is negative.
    NotIdentifiedError
        Nobody is treated within the periods, or no effect has a comparison with overlap.
    """
    options = (control in get_args(Control), method in get_args(Method), base in get_args(Base), anticipation >= 0)
    if not all(options):
        raise ParameterError(
            "control / method / base / anticipation の値が違います",
            hint='"not_yet_treated" か "never_treated"、"dr" か "ipw" か "reg"、"varying" か "universal"、0以上の整数です',
        )
    units = units_of(panel)
    early = panel.cohort <= panel.periods[0] + anticipation
    units = Units(cohort=panel.cohort, weight=np.where(early, 0.0, units.weight), cluster=units.cluster)
    compared = compared_cohorts(panel.cohort[~early], panel.periods, control=control, anticipation=anticipation)
    cells = list(_cells(panel, compared, base=base))
    found = _estimate(panel, units, cells, method)
    if not found.cells:
        raise NotIdentifiedError("条件の似た比較相手がいません", hint="共変量を減らすか、比較対象を広げてください")
    return UnitLevelEffects(
        cohort=np.array([cell.cohort for cell in found.cells]),
        period=panel.periods[[cell.column for cell in found.cells]],
        estimate=found.estimate,
        std_error=units.std_error(found.influence),
        influence=found.influence,
        units=units,
        lost_share=found.lost_share,
        anticipation=anticipation,
        dropped_units=int(early.sum()),
        dropped_cells=len(cells) - len(found.cells),
    )


def _cells(panel: Panel, compared: ComparedCohorts, *, base: Base) -> Iterator[_Cell]:
    """The effects to be estimated, by cohort and period; base periods as in ``group_time_effects``."""
    periods, cohorts = panel.periods, panel.cohorts
    for cohort in compared.estimated:
        first_affected = cohort - compared.anticipation
        long_base = int(np.searchsorted(periods, first_affected)) - 1
        columns = np.arange(0 if base == "universal" else 1, len(periods))
        starts = np.where((base == "varying") & (periods[columns] < first_affected), columns - 1, long_base)
        first_controls = compared.first_control(np.maximum(periods[columns], periods[starts]))
        for column, start, first in zip(columns.tolist(), starts.tolist(), first_controls, strict=True):
            later = cohorts[(cohorts >= first) & (cohorts != cohort)]
            yield _Cell(cohort=float(cohort), column=column, base=start, cutoff=float(later.min(initial=np.inf)))


def _estimate(panel: Panel, units: Units, cells: list[_Cell], method: Method) -> _Found:
    """All cells, in blocks that share cohort, controls, covariates and the units seen."""
    covariates = np.stack([values.T for values in panel.covariates.values()], axis=1) if panel.covariates else None  # (T, q, N)
    fixed = covariates is None or bool((covariates == covariates[0]).all())
    outcome, balanced = np.ascontiguousarray(panel.outcome.T), panel.balanced
    blocks: dict[tuple[float, ...], list[int]] = {}
    for number, cell in enumerate(cells):
        # With gaps every pair of periods has its own units; with moving covariates every base has its own design.
        rest = (float(cell.column), float(cell.base)) if not balanced else () if fixed else (float(cell.base),)
        blocks.setdefault((cell.cohort, cell.cutoff, *rest), []).append(number)
    estimate, lost = np.full(len(cells), np.nan), np.zeros(len(cells))
    influence = np.zeros((len(cells), panel.n_units))
    for numbers in blocks.values():
        first = cells[numbers[0]]
        treated = units.cohort == first.cohort
        pool = (treated | (units.cohort >= first.cutoff)) & (units.weight > 0)
        at_base = None if covariates is None else covariates[first.base]
        seen = pool & np.isfinite(outcome[first.column]) & np.isfinite(outcome[first.base])
        if at_base is not None:
            seen &= np.isfinite(at_base).all(axis=0)
        rows = np.flatnonzero(seen)
        lost[numbers] = 1 - len(rows) / max(int(pool.sum()), 1)
        if treated[rows].all() or not treated[rows].any():
            continue
        design = np.empty((0, len(rows))) if at_base is None else at_base[:, rows]
        compared = comparison(treated[rows], weight=units.weight[rows], covariates=design)
        columns, bases = np.array([(cells[k].column, cells[k].base) for k in numbers]).T[:, :, None]
        change = outcome[columns, rows]
        change -= outcome[bases if np.ptp(bases) else bases[:1], rows]
        result = adjusted_change(compared, change, method=method)
        if result is not None:
            estimate[numbers] = result[0]
            influence[np.array(numbers)[:, None], rows] = result[1]
    kept = np.flatnonzero(np.isfinite(estimate))
    if len(kept) < len(cells):
        influence = influence[kept]
    return _Found(cells=[cells[k] for k in kept], estimate=estimate[kept], influence=influence, lost_share=lost[kept])

"""The same cells by other estimators, each a matrix of weights over cohort means: imputation and stacked difference-in-differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.check_parts import BESIDE, Finding, Headline, made, weights_difference
from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON, FiscalYearTarget
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray

BoolArray = npt.NDArray[np.bool_]
_ROW = "robustness"


def estimator_findings(headline: Headline) -> list[Finding]:
    """Imputation and stacked, each as its difference from the headline.

    Other estimators weigh the months before training otherwise, so that they may honestly differ; only a change that is no chance and
    larger than the headline's half width means that the result rests on the choice.
    """
    estimators = (
        ("imputation", "別の計算法（代入法）", imputation_weights),
        ("stacked", "別の計算法（開始時期ごと）", stacked_weights),
    )
    findings = []
    for check_id, title, weigh in estimators:
        about = "計算法を変えた場合との差"
        finding = Finding(check_id=check_id, title=title, about=about, row=_ROW, place=BESIDE, tolerance=headline.half_width)
        try:
            found = weights_difference(headline, weigh(headline.m, headline.target, cells=headline.found.cells))
        except NotIdentifiedError as error:
            found = error.reason
        findings.append(made(finding, found))
    return findings


def imputation_weights(m: CohortMoments, target: FiscalYearTarget, *, cells: BoolArray) -> FloatArray:
    """Weights, (G, T), of the mean effect over ``cells`` by imputation (Borusyak, Jaravel & Spiess 2024, section 4.1).

    Cohort and period effects are fitted by least squares on the cells not treated (excluded periods left out); in a balanced panel the same as
    with unit effects. The effect of a treated cell is its mean minus the fitted one.

    Raises
    ------
    NotIdentifiedError
        The untreated cells do not determine what a treated cell would have been.
    """
    if m.stratum is not None:
        return _within_strata(m, target, cells=cells)
    usable = ~np.isin(m.periods, list(target.excluded))
    mass = np.where(usable[None, :] & (m.periods[None, :] < m.cohorts[:, None]), m.mass[:, None], 0.0)
    weight = np.where(cells, m.mass[:, None], 0.0) / float((m.mass[:, None] * cells).sum())
    # Cohort effects are solved out, so that one equation a period remains; effects are relative to the last period with an untreated unit.
    count = mass.sum(axis=1, keepdims=True)
    share = np.divide(mass, count, out=np.zeros_like(mass), where=count > 0)
    free = np.flatnonzero(mass.sum(axis=0) > 0)[:-1]
    equations = np.diag(mass.sum(axis=0)) - mass.T @ share
    wanted = weight.sum(axis=0) - weight.sum(axis=1) @ share
    period = np.zeros(len(m.periods))
    try:
        period[free] = np.linalg.solve(equations[np.ix_(free, free)], wanted[free])
    except np.linalg.LinAlgError:
        period[:] = np.nan
    if not np.allclose(equations @ period, wanted, atol=1e-8) or (cells.any(axis=1) & (count[:, 0] == 0)).any():
        raise NotIdentifiedError("受講しなかった場合の姿を推し量れない月があります")
    own = np.divide(weight.sum(axis=1, keepdims=True) - mass @ period[:, None], count, out=np.zeros_like(count), where=count > 0)
    fitted: FloatArray = mass * (own + period[None, :])
    return weight - fitted


def _within_strata(m: CohortMoments, target: FiscalYearTarget, *, cells: BoolArray) -> FloatArray:
    """Each stratum of a lottery with period effects of its own, strata weighted by their treated cells."""
    weights, mass = np.zeros(cells.shape), (m.mass[:, None] * cells).sum(axis=1)
    for g in np.unique([np.flatnonzero(m.comparable(int(g)))[0] for g in np.flatnonzero(mass > 0)]):
        inside = m.comparable(int(g))
        part = replace(m.select(inside), stratum=None)
        weights[inside] = imputation_weights(part, target, cells=cells[inside]) * float(mass[inside].sum() / mass.sum())
    return weights


def stacked_weights(
    m: CohortMoments, target: FiscalYearTarget, *, cells: BoolArray, weighting: Literal["treated", "least_squares"] = "treated"
) -> FloatArray:
    """Weights, (G, T), of stacked difference-in-differences (Cengiz, Dube, Lindner & Zipperer 2019).

    One data set a starting time: its units and those not treated until its last counted month, over that month's window and as many usable
    months before each start (at most a season, the same number for all). Within each, treated minus comparison, after minus before.

    Parameters
    ----------
    weighting : str
        ``treated``: data sets weighted by their treated unit-months, so that the estimand is the mean over treated cells (the correction of
        Wing, Freedman & Hollingsworth 2024). ``least_squares``: as one regression with effects of unit and period within each data set weighs
        them, by residual variance of treatment.

    Raises
    ------
    NotIdentifiedError
        No starting time has three units untreated until the end.
    """
    usable = ~np.isin(m.periods, list(target.excluded))
    starts = [int(g) for g in np.flatnonzero(cells.any(axis=1))]
    before = min(int((usable & (m.periods < m.cohorts[g])).sum()) for g in starts)
    before = min(before, target.season) if target.season > 1 else before
    total, whole = np.zeros((len(m.cohorts), len(m.periods))), 0.0
    for g in starts:
        others = (m.cohorts > m.periods[cells[g]].max()) & m.comparable(g)
        others[g] = False
        if m.size[others].sum() < SMALLEST_COMPARISON or before < 1:
            continue
        past = np.zeros(len(m.periods), dtype=bool)
        past[np.flatnonzero(usable & (m.periods < m.cohorts[g]))[-before:]] = True
        change = cells[g] / cells[g].sum() - past / past.sum()
        control, after = float(m.mass[others].sum()), int(cells[g].sum())
        size = m.mass[g] * after
        if weighting == "least_squares":
            size = m.mass[g] * control / (m.mass[g] + control) * after * before / (after + before)
        total[g] += size * change
        total -= size * (np.where(others, m.mass, 0.0) / control)[:, None] * change[None, :]
        whole += size
    if not whole:
        raise NotIdentifiedError("評価した期間の終わりまで受けない相手が3つ以上ありません")
    weights: FloatArray = total / whole
    return weights

"""The lottery drawn again: how often would chance alone give the headline of a city?

Fisher's randomisation test on the headline itself, studentised: starting times are permuted within the strata of the lottery, and for every such draw the
effect over the fiscal year is divided by its own error with the covariance pooled within cohorts. Under the sharp null (training changes nothing for
anyone) each was as likely as the one that happened, however few departments there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from kdx_eval.effect.check_parts import Headline

RANDOMISATION = "randomisation"
DRAWS = 2_000
LEVEL = 0.05
_TIE = 1e-9  # relative; equal assignments must count as equal in spite of rounding
_BATCH_CELLS = 2_000_000
_TITLE = "抽選をやり直したとした検定"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrawn:
    """Result of the test: two-sided p value (1 + draws at least as extreme) / (1 + draws), and the smallest it could have been."""

    statistic: float
    p_value: float
    smallest_p_value: float


def redraw(held: Headline, panel: Panel, *, draws: int = DRAWS, seed: int = 0) -> Redrawn | None:
    """The test of a headline, lots within ``panel.stratum``; None where units carry weights (sizes would change from draw to draw)."""
    if panel.weight is not None:
        return None
    group = held.m.groups_of(panel)
    strata = np.zeros(panel.n_units, dtype=np.intp) if panel.stratum is None else np.unique(panel.stratum.astype(str), return_inverse=True)[1]
    members = tuple(np.flatnonzero(strata == s) for s in range(int(strata.max()) + 1))
    scores, spread, pool = _scores(held, panel), _spread(held, panel), held.pooled.pool
    observed = abs(float(_studentised(group[None], scores, spread, pool=pool, held=held)[0]))
    extreme = sum(
        int((np.abs(_studentised(part, scores, spread, pool=pool, held=held)) >= observed * (1 - _TIE)).sum())
        for part in _drawn(group, members, draws=draws, seed=seed)
    )
    possible = sum(float(gammaln(len(one) + 1) - gammaln(np.bincount(group[one]) + 1.0).sum()) for one in members)
    return Redrawn(statistic=observed, p_value=(1 + extreme) / (1 + draws), smallest_p_value=max(1 / (1 + draws), float(np.exp(-possible))))


def redrawn_check(held: Headline, panel: Panel) -> CheckResult:
    """The test as a check: ``powerless`` where the headline excludes zero and chance could have done it all the same. It never fails a study."""
    found = redraw(held, panel)
    if found is None:
        return CheckResult(check_id=RANDOMISATION, title=_TITLE, outcome="not_applicable", sentence=f"{_TITLE}：行えません（単位ごとに重みが違うため）。")
    return redrawn_result(found.p_value, smallest=found.smallest_p_value, statistic=found.statistic, differs=held.excludes_zero)


def redrawn_result(p_value: float, *, smallest: float, statistic: float, differs: bool) -> CheckResult:
    """The check in words; ``differs`` says whether the headline excludes zero."""
    unlikely = p_value <= LEVEL
    outcome: CheckOutcome = "powerless" if differs and not unlikely else "passed"
    if smallest > LEVEL:
        verdict = "課が少なく、どんな差でも抽選のめぐり合わせと区別できません"
    elif unlikely:
        verdict = "抽選のめぐり合わせだけでは、めったに起こらない差です"
    else:
        verdict = "抽選のめぐり合わせだけでも起こり得る差です"
    sentence = f"{_TITLE}：効果がまったくないときに、順番を引き直してこれ以上の差が出る割合は{format_number(100 * p_value, 1)}%。{verdict}。"
    return CheckResult(check_id=RANDOMISATION, title=_TITLE, outcome=outcome, sentence=sentence, statistic=statistic, p_value=p_value, detectable=smallest)


def _scores(held: Headline, panel: Panel) -> FloatArray:
    """What each unit adds to the estimate if it is in each group, (N, G)."""
    values = panel.outcome - panel.outcome.mean(axis=0)  # contrasts ignore a constant per period; centred sums lose no digits
    scores: FloatArray = values @ (held.found.effect.weights[0] / held.m.mass[:, None]).T
    return scores


def _spread(held: Headline, panel: Panel) -> tuple[FloatArray, ...]:
    """For each pool the outcome in the directions of its part of the contrast, (N, R): V = Σ_p tr(Σ_p B_p) with B_p of rank R."""
    values = panel.outcome - panel.outcome.mean(axis=0)
    scaled = held.found.effect.weights[0] * (np.sqrt(held.m.mass2) / held.m.mass)[:, None]
    return tuple(values @ scaled[held.pooled.pool == p].T for p in range(len(held.pooled.df)))


def _studentised(
    group: npt.NDArray[np.intp], scores: FloatArray, spread: tuple[FloatArray, ...], *, pool: npt.NDArray[np.intp], held: Headline
) -> FloatArray:
    """Estimate over error of each draw, (D,); infinite where the error is zero, which can only make the p value larger."""
    draws, units = group.shape
    size, count = held.m.size.astype(np.float64), len(held.m.size)
    cell = (group + np.arange(draws)[:, None] * count).ravel()
    estimate = np.take_along_axis(np.broadcast_to(scores, (draws, *scores.shape)), group[:, :, None], axis=2)[:, :, 0].sum(axis=1)
    variance = np.zeros(draws)
    for p, directions in enumerate(spread):
        inside = pool[group] == p
        for z in directions.T:
            own = np.broadcast_to(z, (draws, units))
            total = np.bincount(cell, weights=own.ravel(), minlength=draws * count).astype(np.float64).reshape(draws, count)
            variance += ((own**2 * inside).sum(axis=1) - (total**2 / size)[:, pool == p].sum(axis=1)) / held.pooled.df[p]
    error = np.sqrt(np.maximum(variance, 0.0))
    found: FloatArray = np.divide(estimate, error, out=np.full(draws, np.inf), where=error > 0)
    return found


def _drawn(group: npt.NDArray[np.intp], members: tuple[npt.NDArray[np.intp], ...], *, draws: int, seed: int) -> Iterator[npt.NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    step = max(1, _BATCH_CELLS // (len(group) * 8))
    for start in range(0, draws, step):
        drawn = np.tile(group, (min(step, draws - start), 1))
        for one in members:
            drawn[:, one] = rng.permuted(drawn[:, one], axis=1)
        yield drawn

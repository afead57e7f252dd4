"""Fisher's randomisation test of a roll-out in random order, on the studentised efficient estimate.

The lottery is drawn again: starting times are permuted over the units, within the strata of the lottery and whole clusters at a time. Under the
sharp null (training changes nothing for anyone) every such draw was as likely as the one that happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import get_args

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.effect.efficient import Estimand, rollout_contrasts
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

IntArray = npt.NDArray[np.intp]
BATCH_CELLS = 2_000_000  # draws x units held at once: 16 MB a matrix
TIE = 1e-9  # relative; equal assignments must count as equal in spite of rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class FisherTest:
    """Result of the randomisation test.

    Attributes
    ----------
    estimate, std_error : float
        Of the lottery as it was drawn: efficient estimate and its Neyman error, in the outcome's unit.
    statistic : float
        estimate / std_error.
    p_value : float
        Two-sided, (1 + draws at least as extreme) / (1 + draws).
    smallest_p_value : float
        The smallest this test could have given; above 0.05 it can decide nothing (判定不能).
    draws : int
        Other assignments looked at.
    exact : bool
        All possible assignments were looked at, none was drawn by chance.
    """

    estimand: Estimand
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    smallest_p_value: float
    draws: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lottery:
    """What the lottery drew: a cohort for each ticket (a unit, or a cluster of units) of each stratum."""

    ticket: IntArray  # (N,) ticket of each unit
    cohort: IntArray  # (tickets,) cohort that was drawn
    strata: tuple[IntArray, ...]  # tickets of each stratum


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scores:
    """Each unit's part in the treated-period and the pre-treatment contrast, had it been in each cohort."""

    after: FloatArray  # (R, N, G)
    before: FloatArray  # (R, N, G)
    whole: FloatArray  # (R,) weights of the overall figure
    size: npt.NDArray[np.int64]  # (G,)


def fisher_test(panel: Panel, *, estimand: Estimand = "simple", draws: int = 500, seed: int = 0) -> FisherTest:
    """Randomisation test of "no effect on anyone" for a roll-out in random order.

    Starting times are permuted within ``panel.stratum`` and by ``panel.cluster``, and units compared within ``panel.within`` if that is given; the
    statistic is the efficient estimate over its Neyman error, recomputed with its own adjustment for every draw (Roth & Sant'Anna 2023, section 2 on
    Fisher randomisation tests). Where no more than 1 + ``draws`` assignments exist, all of them are taken and the p value is exact. Draws whose error is
    zero count as extreme.

    Returns
    -------
    FisherTest
        Exact in finite samples under the sharp null if the order was truly drawn by lot; studentised, so that it is asymptotically valid too
        for a mean effect of zero.

    Raises
    ------
    ParameterError
        The estimand is unknown, ``draws`` is below 1, or the panel has weights.
    DataError
        A cell is missing, or a cluster lies in two cohorts or strata.
    NotIdentifiedError
        No comparison exists, or no other assignment was possible.
    """
    if estimand not in get_args(Estimand):
        raise ParameterError(f"推定対象 {estimand!r} はありません", place="estimand", hint=f"{', '.join(get_args(Estimand))} のどれかです")
    if draws < 1:
        raise ParameterError("並べ替えの回数は1以上にしてください", place="draws")
    if panel.weight is not None:
        raise ParameterError("無作為な順番の検定に重みは使えません", place="weight", hint="重みを外してください")
    m = moments(panel)
    lottery = _lottery(panel, cohort=m.groups_of(panel))
    count = _log_assignments(lottery)
    if count < np.log(1.5):
        raise NotIdentifiedError("くじの層の中で開始時期を入れ替えられる単位がありません", hint="層を大きくするか、並べ替え検定を使わないでください")
    exact = bool(count <= np.log(draws + 1.5))
    values = panel.outcome - panel.outcome.mean(axis=0)  # contrasts ignore a constant per period; centred sums lose no digits
    estimate, error = (float(found[0]) for found in _studentised(values, lottery.cohort[lottery.ticket][None], m, estimand))
    if not error > 0:
        raise NotIdentifiedError("同じ時期に始めた単位の間にばらつきがなく、検定できません", hint="開始時期の区切りを広げてください")
    observed = abs(estimate / error)
    tickets = _all_assignments(lottery) if exact else _random_assignments(lottery, draws, seed)
    statistics = np.concatenate([_absolute(values, part[:, lottery.ticket], m, estimand) for part in tickets])
    extreme = int((statistics >= observed * (1 - TIE)).sum())
    if exact:  # the assignment that happened is one of them
        p_value, looked_at = extreme / len(statistics), len(statistics) - 1
        smallest = float((statistics >= statistics.max() * (1 - TIE)).mean())
    else:
        p_value, looked_at, smallest = (1 + extreme) / (1 + draws), draws, 1 / (1 + draws)
    return FisherTest(
        estimand=estimand,
        estimate=estimate,
        std_error=error,
        statistic=estimate / error,
        p_value=p_value,
        smallest_p_value=smallest,
        draws=looked_at,
        exact=exact,
    )


def _lottery(panel: Panel, *, cohort: IntArray) -> _Lottery:
    stratum = np.zeros(panel.n_units, dtype=np.intp) if panel.stratum is None else np.unique(panel.stratum.astype(str), return_inverse=True)[1]
    ticket = np.arange(panel.n_units) if panel.cluster is None else np.unique(panel.cluster.astype(str), return_inverse=True)[1]
    _, first = np.unique(ticket, return_index=True)
    for name, values in (("cohort", cohort), ("stratum", stratum)):
        if not np.array_equal(values[first][ticket], values):
            raise DataError("一つのクラスターの中で値が分かれています", place=name, hint="くじはクラスターごとに引かれたものにしてください")
    members = tuple(np.flatnonzero(stratum[first] == s) for s in range(stratum.max() + 1))
    return _Lottery(ticket=ticket, cohort=cohort[first], strata=members)


def _log_assignments(lottery: _Lottery) -> float:
    """Log of the number of assignments: product over strata of n! / prod n_g!."""
    total = 0.0
    for members in lottery.strata:
        total += float(gammaln(len(members) + 1) - gammaln(np.bincount(lottery.cohort[members]) + 1.0).sum())
    return total


def _random_assignments(lottery: _Lottery, draws: int, seed: int) -> Iterator[IntArray]:
    """Cohort of each ticket, (draws, tickets), in batches."""
    rng = np.random.default_rng(seed)
    step = max(1, BATCH_CELLS // len(lottery.ticket))
    for start in range(0, draws, step):
        drawn = np.tile(lottery.cohort, (min(step, draws - start), 1))
        for members in lottery.strata:
            drawn[:, members] = rng.permuted(drawn[:, members], axis=1)
        yield drawn


def _all_assignments(lottery: _Lottery) -> Iterator[IntArray]:
    """Every distinct assignment once, in one batch (there are no more than the draws asked for)."""
    by_stratum = [list(_arrangements(tuple(np.bincount(lottery.cohort[members])))) for members in lottery.strata]
    chosen = list(product(*by_stratum))
    drawn = np.empty((len(chosen), len(lottery.cohort)), dtype=np.intp)
    for row, parts in enumerate(chosen):
        for members, part in zip(lottery.strata, parts, strict=True):
            drawn[row, members] = part
    yield drawn


def _arrangements(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Distinct orders of a multiset that holds ``counts[g]`` times the number g."""
    if not any(counts):
        yield ()
    for g, left in enumerate(counts):
        if left:
            for rest in _arrangements((*counts[:g], left - 1, *counts[g + 1 :])):
                yield (g, *rest)


def _absolute(values: FloatArray, cohort: IntArray, m: CohortMoments, estimand: Estimand) -> FloatArray:
    """|estimate / error| of each draw; infinite where the error is zero, which can only make the p value larger."""
    estimate, error = _studentised(values, cohort, m, estimand)
    return np.where(error > 0, np.abs(estimate) / np.where(error > 0, error, 1.0), np.inf)


def _studentised(values: FloatArray, cohort: IntArray, m: CohortMoments, estimand: Estimand) -> tuple[FloatArray, FloatArray]:
    """Estimate and Neyman error of each draw, (D,), with ``cohort`` (D, N) the place of each unit's cohort.

    The weights depend on cohort sizes only. Sizes change between draws only where clusters differ in size: draws of equal sizes go together.
    """
    draws, groups = len(cohort), len(m.cohorts)
    offset = np.arange(draws)[:, None] * groups
    sizes = np.bincount((cohort + offset).ravel(), minlength=draws * groups).reshape(draws, groups)
    distinct, which = np.unique(sizes, axis=0, return_inverse=True)
    estimate, error = np.zeros(draws), np.zeros(draws)
    for number, size in enumerate(distinct):
        members = np.flatnonzero(which.reshape(-1) == number)
        try:
            scores = _scores(values, replace(m, size=size.astype(np.int64)), estimand)
        except NotIdentifiedError:
            if draws == 1:  # the lottery as it was drawn
                raise
            continue
        estimate[members], error[members] = _plug_in(scores, cohort[members])
    return estimate, error


def _scores(values: FloatArray, m: CohortMoments, estimand: Estimand) -> _Scores:
    usable = np.asarray((m.cohorts > m.periods[0]) & (m.size > 1))
    part = m.select(usable)
    filled = rollout_contrasts(part, estimand=estimand)
    shape = (len(filled.whole), len(values), len(m.cohorts))
    scores = np.zeros((2, *shape))
    for place, contrast in zip(scores, (filled.after, filled.before), strict=True):
        place[:, :, usable] = np.einsum("nt,rgt->rng", values, contrast.weights, optimize=True)
    return _Scores(after=scores[0], before=scores[1], whole=filled.whole, size=m.size)


def _plug_in(scores: _Scores, cohort: IntArray) -> tuple[FloatArray, FloatArray]:
    """θ(β*) and its Neyman error: β* of each row from the draw's own variances, then the variance of the adjusted scores."""
    draws, units = cohort.shape
    groups = len(scores.size)
    cell = cohort + np.arange(draws)[:, None] * groups
    size = scores.size.astype(np.float64)
    share = np.where(size > 1, 1 / np.maximum(size, 1), 0.0)
    spread = np.where(size > 1, share / np.maximum(size - 1, 1), 0.0)  # 1 / (n (n - 1))

    def sums(found: FloatArray) -> FloatArray:
        total = np.bincount(cell.ravel(), weights=found.ravel(), minlength=draws * groups)
        return total.astype(np.float64).reshape(draws, groups)

    def centred(found: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Means by cohort (D, G), and deviations from them (D, N)."""
        mean = sums(found) * share
        return mean, found - np.take_along_axis(mean, cohort, axis=1)

    total, deviation = np.zeros(draws), np.zeros((draws, units))
    everyone = np.arange(units)[None, :]
    for weight, after, before in zip(scores.whole, scores.after, scores.before, strict=True):
        mean_after, after_apart = centred(after[everyone, cohort])
        mean_before, before_apart = centred(before[everyone, cohort])
        own = sums(before_apart**2) @ spread
        cross = sums(before_apart * after_apart) @ spread
        beta = np.where(own > 0, cross / np.where(own > 0, own, 1.0), 0.0)
        total += weight * (mean_after.sum(axis=1) - beta * mean_before.sum(axis=1))
        deviation += weight * (after_apart - beta[:, None] * before_apart)
    return total, np.sqrt(sums(deviation**2) @ spread)

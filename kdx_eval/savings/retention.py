"""What is left of the hours in the second year since training, measured in the run: rotation, forgetting and spreading together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.entries import evaluated_target
from kdx_eval.effect.study import EffectStudy
from kdx_eval.effect.year_pair import YearPair, fieller, year_pair
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan
from kdx_eval.savings.bases import MONTHS_A_YEAR
from kdx_eval.savings.details import Retention

NO_RECORDS = "月ごとの記録を渡していないため、効果がどれだけ残るかを測れません。"


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Hours a year of one question in the first and second year, and a root of their covariance."""

    hours: npt.NDArray[np.float64]
    root: npt.NDArray[np.float64]
    pair: YearPair


def measure_retention(
    studies: Sequence[EffectStudy], panels: Mapping[str, Panel], *, plan: Plan, correlation: Sequence[Sequence[float]]
) -> tuple[Retention | None, str]:
    """The share of the first year's hours that is left in the second, over the questions of the total, and why there is none.

    Hours of either year are summed over the questions that have been seen for two years; their errors go together as those of the headline
    effects do. The interval of the ratio is Fieller's.

    Parameters
    ----------
    studies : sequence of EffectStudy
        The questions of the total, in the order of ``correlation``.

    Returns
    -------
    (Retention or None, str)
        With the share an empty text, without it the reason in Japanese.
    """
    parts: list[tuple[int, _Part]] = []
    reason = NO_RECORDS
    for place, study in enumerate(studies):
        panel = panels.get(study.question_id)
        if panel is None or not panel.monthly or study.hours_per_unit is None:
            continue
        try:
            parts.append((place, _part(study, panel, plan=plan)))
        except NotIdentifiedError as error:
            reason = f"{error.reason}。"
    if not parts:
        return None, reason
    (first, second), covariance = _summed(parts, correlation)
    df = min(one.pair.df for _, one in parts)
    try:
        low, high = fieller(second, first, covariance=covariance, df=df)
    except NotIdentifiedError as error:
        return None, f"{error.reason}。"
    if first < 0:
        return None, "最初の年に時間が増えているため、効果がどれだけ残るかは意味を持ちません。"
    found = Retention(
        share=second / first,
        conf_low=low,
        conf_high=high,
        first_hours=first,
        second_hours=second,
        n_units=sum(one.pair.n_units for _, one in parts),
        question_ids=tuple(studies[place].question_id for place, _ in parts),
    )
    return found, ""


def _part(study: EffectStudy, panel: Panel, *, plan: Plan) -> _Part:
    plain = panel.without_gaps().by_cluster()
    pair = year_pair(plain, evaluated_target(plain, plan.question(study.question_id), plan=plan))
    factor = (study.hours_per_unit or 0.0) * (-1.0 if study.better == "lower" else 1.0) * pair.n_units * MONTHS_A_YEAR
    values, vectors = np.linalg.eigh(pair.covariance)
    return _Part(pair.effects * factor, abs(factor) * (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T, pair)


def _summed(parts: Sequence[tuple[int, _Part]], correlation: Sequence[Sequence[float]]) -> tuple[tuple[float, float], npt.NDArray[np.float64]]:
    """Hours of both years over all questions, and their covariance."""
    covariance = np.zeros((2, 2))
    for row, one in parts:
        for column, other in parts:
            covariance += (1.0 if row == column else correlation[row][column]) * one.root @ other.root.T
    first, second = (math.fsum(float(one.hours[year]) for _, one in parts) for year in (0, 1))
    return (first, second), covariance

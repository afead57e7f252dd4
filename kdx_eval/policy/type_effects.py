"""Share of the hours that training freed, by type of department: what a targeting may expect from work not reached yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.effect.entries import evaluated_target
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.heterogeneity import Heterogeneity, effects_by_stratum
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.build import build_panel
from kdx_eval.panel.type import Panel
from kdx_eval.units import format_share

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan, Question

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
NORMAL_95 = 1.959963984540054  # quantile of the intervals that `shrink` gives
_WITHOUT = "順番は業務の時間と実現の見込みだけでつけました。生まれる時間は示しません。"
COMMON = ""  # the type that stands for all types without an effect of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeEffects:
    """Share of the hours freed, by type of department.

    Attributes
    ----------
    types : tuple of str
        The last one is ``COMMON``.
    share, std_error : ndarray, (K,)
        Positive is good; shrunken towards the common mean.
    reached : frozenset of str
        Departments (units of the panel) that the courses reached already.
    may_claim : bool
        Whether the effect may be claimed; without that all shares are 1 and only order the list.
    notes : tuple of str
        Japanese, ready to print.
    """

    types: tuple[str, ...]
    share: FloatArray
    std_error: FloatArray
    reached: frozenset[str]
    may_claim: bool
    notes: tuple[str, ...]

    def of(self, kinds: pd.Series) -> tuple[FloatArray, FloatArray, IntArray]:
        """Shares, their errors, and for each of ``kinds`` the place of its type among them."""
        place = {name: k for k, name in enumerate(self.types)}
        return self.share, self.std_error, np.array([place.get(str(kind), place[COMMON]) for kind in kinds], dtype=np.int64)


def type_effects(dataset: Dataset, *, plan: Plan, evidence: Mapping[str, Evidence]) -> TypeEffects:
    """The effect on hours of the plan's leading question by type of department (`effects_by_stratum`).

    Raises
    ------
    NotIdentifiedError
        The plan asks no question about the hours of departments.
    """
    question = _leading(plan, evidence)
    try:
        panel = build_panel(dataset, question, plan=plan)
    except NotIdentifiedError as error:
        return _unknown(frozenset(), note=f"効果を推定できないため（{error.reason}）、{_WITHOUT}")
    target = evaluated_target(panel, question, plan=plan)
    reached = frozenset(str(unit) for unit in panel.units[panel.cohort <= target.last])
    judged = evidence.get(question.question_id)
    if judged is None or not judged.may_claim or judged.headline is None:
        return _unknown(reached, note=f"研修の効果がまだ確かめられていないため、{_WITHOUT}")
    sign = -1.0 if question.outcome.better == "lower" else 1.0
    common = sign * judged.headline.estimate / _baseline(panel, target, np.isfinite(panel.cohort))
    common_error = judged.headline.std_error / _baseline(panel, target, np.isfinite(panel.cohort))
    try:
        found = effects_by_stratum(panel, target)
    except NotIdentifiedError as error:
        note = f"「{question.title}」の効果（{format_share(common)}）をすべての課に当てはめました（{error.reason}）。"
        return TypeEffects(types=(COMMON,), share=np.array([common]), std_error=np.array([common_error]), reached=reached, may_claim=True, notes=(note,))
    return _shares(panel, target, found=found, sign=sign, reached=reached, title=question.title)


def _leading(plan: Plan, evidence: Mapping[str, Evidence]) -> Question:
    asked = [one for one in plan.questions if one.is_estimated and one.unit == "department" and one.outcome.hours_per_unit is not None]
    if not asked:
        raise NotIdentifiedError("課の時間を見る問いが計画にないため、期待できる時間がわかりません", hint="計画に業務量または時間外勤務の問いを入れてください")
    claimed = [one for one in asked if one.question_id in evidence and evidence[one.question_id].may_claim]
    primary = sorted(claimed or asked, key=lambda one: one.role != "primary")
    return replace(primary[0], strata="department_type")


def _unknown(reached: frozenset[str], *, note: str) -> TypeEffects:
    return TypeEffects(types=(COMMON,), share=np.ones(1), std_error=np.zeros(1), reached=reached, may_claim=False, notes=(note,))


def _baseline(panel: Panel, target: FiscalYearTarget, rows: npt.NDArray[np.bool_]) -> float:
    """Mean outcome of the treated among ``rows`` before they started, excluded periods left out."""
    usable = ~np.isin(panel.periods, sorted(target.excluded))
    before = (panel.periods[None, :] < panel.cohort[:, None]) & usable[None, :] & (rows & np.isfinite(panel.cohort))[:, None]
    return float(panel.outcome[before].mean()) if before.any() else float("nan")


def _shares(panel: Panel, target: FiscalYearTarget, *, found: Heterogeneity, sign: float, reached: frozenset[str], title: str) -> TypeEffects:
    table = found.table
    stratum = np.array([str(one) for one in panel.stratum]) if panel.stratum is not None else np.array([])
    base = np.array([_baseline(panel, target, stratum == name) for name in table["stratum"]])
    error = (table["shrunken_high"] - table["shrunken_low"]).to_numpy() / 2 / NORMAL_95
    share = sign * table["shrunken"].to_numpy() / base
    # What a type without an estimate of its own may expect: the common mean, with the spread between types as its uncertainty.
    weight = 1 / (found.between**2 + table["std_error"].to_numpy() ** 2)
    whole = _baseline(panel, target, np.ones(panel.n_units, dtype=bool))
    mean = float((weight * table["estimate"].to_numpy()).sum() / weight.sum())
    mean_error = float(np.sqrt(found.between**2 + 1 / weight.sum()))
    listed = "、".join(f"{name}{format_share(one)}" for name, one in zip(table["stratum"], share, strict=True))
    note = f"「{title}」の効果を課の区分ごとに縮小して推定し（もとの時間に対して {listed}）、まだ受けていない課に当てはめた見込みです。"
    return TypeEffects(
        types=(*(str(name) for name in table["stratum"]), COMMON),
        share=np.append(share, sign * mean / whole),
        std_error=np.append(error / base, mean_error / whole),
        reached=reached,
        may_claim=True,
        notes=(note,),
    )


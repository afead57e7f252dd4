"""What all designs of one question share: labels, entries, the month-by-month reference, plain notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from kdx_eval.effect.averages import Kind
from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.group_time import GroupTimeEffects, group_time_effects
from kdx_eval.effect.inference import Estimate, make_estimate
from kdx_eval.effect.study import Better, Entry
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.plan.types import COHORT_MONTHS

MONTHS_A_YEAR = 12
KINDS: tuple[Kind, ...] = ("simple", "cohort", "calendar", "event_time")


class Labels(TypedDict):
    """The fields of a study that the question alone determines."""

    question_id: str
    title: str
    outcome_label: str
    unit_label: str
    better: Better
    hours_per_unit: float | None
    monthly: bool


def labels(panel: Panel, question: Question) -> Labels:
    """Names and units of a study."""
    outcome = question.outcome
    return Labels(
        question_id=question.question_id,
        title=question.title,
        outcome_label=outcome.label,
        unit_label=outcome.unit_label,
        better=outcome.better,
        hours_per_unit=outcome.hours_per_unit,
        monthly=panel.monthly,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryMaker:
    """Fills in what all entries of one question share."""

    panel: Panel
    question: Question
    n_cohorts: int

    def entry(self, found: Estimate, *, estimand: str, method: str, inference: str) -> Entry:
        """An entry of that estimate."""
        return Entry(
            question_id=self.question.question_id,
            outcome=self.question.outcome.key,
            estimand=estimand,
            method=method,
            inference=inference,
            estimate=found.estimate,
            std_error=found.std_error,
            conf_low=found.conf_low,
            conf_high=found.conf_high,
            p_value=found.p_value,
            df=found.df,
            n_units=self.panel.n_units,
            n_persons=int(self.panel.persons.sum()),
            n_cohorts=self.n_cohorts,
            n_periods=self.panel.n_periods,
        )

    def group_time(self, effects: GroupTimeEffects | None) -> list[Entry]:
        """The overall figures of all aggregations, with the inference that the authors' software prints."""
        if effects is None:
            return []
        return [self.entry(effects.aggregate(kind).overall, estimand=kind, method="group_time", inference="reference") for kind in KINDS]

    def naive(self, contrast: Contrast | None, m: CohortMoments, *, estimand: str) -> list[Entry]:
        """A naive comparison with the plain clustered error; nothing where it cannot be made."""
        if contrast is None:
            return []
        error = float(np.sqrt(max(contrast.covariance(m)[0, 0], 0.0)))
        found = make_estimate(float(contrast.estimate(m)[0]), error)
        return [self.entry(found, estimand=estimand, method="naive", inference="naive")]


def evaluated_target(panel: Panel, question: Question, *, plan: Plan) -> FiscalYearTarget:
    """The evaluated year, cut at the last evaluated month; without months, all periods."""
    only_never = question.control == "never_treated"
    if not panel.monthly:
        first, last = float(panel.periods[0]), float(panel.periods[-1])
        return FiscalYearTarget(first=first, last=last, season=1, buffer=question.buffer_months, only_never=only_never)
    year = plan.evaluated_fiscal_year
    width = COHORT_MONTHS[question.cohort_width]
    return FiscalYearTarget(
        first=float(year.first.index),
        last=float(min(year.last, plan.evaluated_through).index),
        season=MONTHS_A_YEAR,
        # A cohort bears the first month of its quarter; its units start somewhere inside, so that the rest of the quarter is neither
        # before nor after.
        buffer=max(question.buffer_months, width if width > 1 else 0),
        excluded=frozenset(float(i) for first, last in question.excluded_periods for i in range(first.index, last.index + 1)),
        only_never=only_never,
    )


def reference_effects(m: CohortMoments, question: Question) -> GroupTimeEffects | None:
    """The month-by-month reference, universal base; None where no effect has a comparison."""
    try:
        effects = group_time_effects(m, control="never_treated" if question.control == "never_treated" else "not_yet_treated", base="universal")
    except NotIdentifiedError:
        return None
    return effects if (effects.event_time >= 0).any() else None


def span(panel: Panel, *, first: float, last: float) -> str:
    """``2025-04〜2026-03``."""
    return f"{panel.period_label(first)}〜{panel.period_label(last)}"

"""What the effect layer hands on for one question: numbers with their units, nothing drawn, nothing worded but the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from kdx_eval.effect.inference import POWER, t_quantile
from kdx_eval.panel.lottery import Draw
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.plan.types import Interval

Better = Literal["lower", "higher"]
CheckOutcome = Literal["passed", "failed", "powerless", "not_applicable"]
VariantKind = Literal["threshold", "relative_magnitudes", "smoothness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One estimate of one estimand: a row of ``results/effects.json``.

    Attributes
    ----------
    estimand : str
        ``fiscal_year`` (headline of a city), ``simple``, ``cohort``, ``calendar``, ``event_time``, ``naive_before_after``,
        ``naive_trained_untrained``, ``naive_twfe``; ``price``, ``quantity`` and ``interaction`` (parts of the effect on hours, see
        ``effect/per_case.py``), ``per_case`` (minutes a case, not the outcome's unit), ``compliers`` (a lottery's effect on who took part because drawn).
    method : str
        ``matched_months``, ``group_time``, ``efficient_rollout``, ``synthetic_did``, ``synthetic_control``, ``did``, ``wald`` or ``naive``.
    inference : str
        ``headline`` (what a city may rely on), ``honest`` (the headline with the interval of a less strict assumption), ``placebo`` (rank among untreated
        units), ``reference`` (what the authors' software prints), ``refined``, ``neyman``, ``anderson_rubin`` or ``naive``.
    estimate, std_error, conf_low, conf_high : float
        In the outcome's unit per unit and period; outcome with training minus outcome without. The interval is 95 %.
    df : float
        Degrees of freedom of the interval, inf for a normal interval.
    n_units, n_persons, n_cohorts, n_periods : int
        Units used, persons behind them, treated cohorts, periods.
    """

    question_id: str
    outcome: str
    estimand: str
    method: str
    inference: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    df: float
    n_units: int
    n_persons: int
    n_cohorts: int
    n_periods: int

    @property
    def could_find(self) -> float:
        """Smallest effect that an interval of this width excludes zero for with 80 % probability: half the width + t(.80) x standard error."""
        return (self.conf_high - self.conf_low) / 2 + t_quantile(POWER, self.df) * self.std_error


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check of METHODS section 7, with the sentence that is printed.

    Attributes
    ----------
    statistic, margin, detectable : float or None
        What was found, what it is held against, and what the check could have found; in the outcome's unit unless ``unit`` says otherwise.
    outcome : str
        ``powerless`` means: nothing was found, but little could have been.
    conf_low, conf_high : float or None
        95 % interval of ``statistic``.
    sentence : str
        Japanese, ready to print.
    """

    check_id: str
    title: str
    outcome: CheckOutcome
    sentence: str
    statistic: float | None = None
    std_error: float | None = None
    margin: float | None = None
    detectable: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The headline under one other choice, everything else as it was.

    Attributes
    ----------
    kind, setting : str, float
        ``threshold`` and the share of staff; ``relative_magnitudes`` and M̄; ``smoothness`` and M (outcome's unit per bin, squared).
    estimate, conf_low, conf_high : float
        In the outcome's unit per unit and period; 95 %.
    difference, difference_low, difference_high : float or None
        Variant minus headline with the variance of that difference; None where only the interval changes.
    n_treated : int
        Treated units that count under this choice.
    """

    kind: VariantKind
    setting: float
    label: str
    estimate: float
    conf_low: float
    conf_high: float
    n_treated: int
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Donor:
    """An untreated unit and its share of the synthetic comparison."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectStudy:
    """All that was estimated for one question.

    Attributes
    ----------
    headline : Entry
        The one figure that a document may lead with.
    entries : tuple of Entry
        The headline, the reference estimates and the naive comparisons.
    event_study, group_time, series, timing : DataFrame
        See ``docs/METHODS.md``; ``series`` has period, treated_mean, comparison_mean (moved to the treated level before treatment), n_treated.
    detectable : float
        Smallest effect found with 80 % probability at 5 % (two-sided), outcome's unit per unit-period, known before the result.
    detectable_range : (float, float) or None
        Its 95 % interval, since the months before training are few; None where a design has none.
    unit_periods : int
        Treated unit-months of the evaluated year that the headline averages over, so that ``total = estimate * unit_periods``.
    baseline_mean : float
        Mean outcome of the treated units in the matched months before treatment.
    hours_per_unit : float or None
        Staff hours in one unit of the outcome; None where no conversion to hours exists (金額換算なし).
    shortest_before : int or None
        Usable periods before treatment (excluded ones do not count) of the cohort that has fewest; None where the design sets none.
    influence : DataFrame
        unit, value: each unit's contribution to the headline estimate (they sum to zero), from which covariance between questions is made; where
        cases are known also ``price``, the same for the part of the effect that comes from the time per case. Empty where a design has none.
    coverage : tuple of str
        Japanese: which units the estimate rests on, which were left out and why.
    variants : tuple of Variant
        The headline at other thresholds and under other assumptions; described, never graded.
    donors : tuple of Donor
        Of one supported unit: who makes up its comparison, heaviest first.
    placebos : tuple of float
        Of one supported unit: the same estimate for each untreated unit taken as treated.
    draw : Draw, OrderDraw or None
        Of a lottery with its log: who was drawn and who of them took part.
    interval : str
        ``straight`` or ``honest`` where the plan has the headline carry the interval under broken parallel courses; hours and yen follow it.
    """

    question_id: str
    title: str
    outcome_label: str
    unit_label: str
    better: Better
    hours_per_unit: float | None
    monthly: bool
    headline: Entry
    entries: tuple[Entry, ...]
    event_study: pd.DataFrame
    group_time: pd.DataFrame
    series: pd.DataFrame
    timing: pd.DataFrame
    detectable: float
    unit_periods: int
    baseline_mean: float
    checks: tuple[CheckResult, ...]
    influence: pd.DataFrame
    n_treated_units: int
    n_control_units: int
    persons_treated: int
    shortest_before: int | None = None
    detectable_range: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    coverage: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    donors: tuple[Donor, ...] = ()
    placebos: tuple[float, ...] = ()
    draw: Draw | OrderDraw | None = None
    interval: Interval = "plain"

    @property
    def total(self) -> float:
        """Effect summed over the treated unit-months of the evaluated year, in the outcome's unit."""
        return self.headline.estimate * self.unit_periods

    @property
    def total_std_error(self) -> float:
        """Standard error of ``total``."""
        return self.headline.std_error * self.unit_periods

    def entry(self, estimand: str) -> Entry | None:
        """The first entry of that estimand, or None."""
        return next((entry for entry in self.entries if entry.estimand == estimand), None)

    def __repr__(self) -> str:
        return f"EffectStudy({self.question_id}, {self.headline.estimand}, {len(self.entries)} entries)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Studies(Mapping[str, EffectStudy]):
    """The studies of a plan by question id, why each other question has none, and what is said of those in which everyone was trained at once."""

    found: Mapping[str, EffectStudy]
    refused: Mapping[str, str]
    described: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, question_id: str) -> EffectStudy:
        return self.found[question_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __repr__(self) -> str:
        return f"Studies({list(self.found)}, refused {list(self.refused)})"

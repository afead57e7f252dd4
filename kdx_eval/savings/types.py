"""Staff hours by benefit class: what was created, what it cost in attendance, what can leave the budget."""

from __future__ import annotations

from dataclasses import dataclass

from kdx_eval.evidence import Verdict
from kdx_eval.savings.bases import SavingsBasis
from kdx_eval.savings.details import BenefitClass, BridgeRow, PerPerson, Reconciliation, Register, Retention, YearSince
from kdx_eval.savings.units import QuestionUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Staff hours in the evaluated year with their 95 % interval; positive means saved."""

    hours: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsLine:
    """One question in hours.

    Attributes
    ----------
    saved : Hours or None
        Positive is good, after hours that other projects claim too were divided; None where the outcome has no conversion to hours (金額換算なし).
    gross : Hours or None
        The same before the division: what was measured.
    baseline_hours : float or None
        Hours of the same units in the matched months before training: the denominator.
    share_of_baseline : float or None
        ``saved.hours / baseline_hours``.
    attendance_hours : float
        Hours spent in the question's courses in the evaluated year.
    unit_periods : int
        Treated unit-months behind the figure.
    in_total : bool
        Counted in the total of hours created: every primary question is, good or bad, unless its hours are already inside another line's (うち).
    may_claim : bool
        Whether a document may claim these hours.
    note : str
        Japanese, ready to print; empty when there is nothing to add.
    annualised : Hours or None
        What a full year at the exposure reached would give (年換算): a calculation, no result, never added to one.
    basis : SavingsBasis
        How the outcome was measured; hours of survey answers or estimates may not be claimed.
    """

    question_id: str
    title: str
    role: str
    verdict: Verdict
    benefit_class: BenefitClass
    outcome_label: str
    saved: Hours | None
    baseline_hours: float | None
    share_of_baseline: float | None
    attendance_hours: float
    unit_periods: int
    n_treated_units: int
    persons_treated: int
    in_total: bool
    may_claim: bool
    note: str
    annualised: Hours | None = None
    basis: SavingsBasis = "task_measured"
    gross: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """Hours created, of these redeployed, and the rest that nobody accounts for; the bridge from created to used.

    Attributes
    ----------
    destinations : tuple of (str, float)
        Where the hours went, largest first.
    recorded : bool
        Whether the city recorded redeployment at all; without records nothing is said to be used.
    departments : tuple of BridgeRow
        The same by department, summing to the three totals; empty where hours cannot be told apart and none were redeployed.
    """

    created_hours: float
    redeployed_hours: float
    unexplained_hours: float
    destinations: tuple[tuple[str, float], ...]
    recorded: bool
    departments: tuple[BridgeRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """Paid overtime that fell: the only hours that can leave a budget by themselves.

    Attributes
    ----------
    estimated_hours : float
        Effect on overtime; 0 where no claim is permitted.
    fall_hours, fall_yen : float or None, int or None
        Actual fall of overtime in the whole city, evaluated year against the year before, same months; None when not recorded.
    cash_hours, cash_yen : float, int
        The smaller of the two, never below zero.
    limited : bool
        The estimate was cut down to the actual fall.
    sentence : str
        Japanese, ready to print.
    """

    estimated_hours: float
    fall_hours: float | None
    fall_yen: int | None
    cash_hours: float
    cash_yen: int
    limited: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """Staff hours of the evaluated year.

    Attributes
    ----------
    lines : tuple of SavingsLine
        Every question that was estimated, in the plan's order.
    created : Hours or None
        Sum of all lines in the total, after hours that other projects claim too were divided; None when no outcome converts to hours. Every other
        figure of hours or yen rests on it.
    gross : Hours or None
        The same before the division, with the interval of the joint covariance.
    attendance_hours : float
        Hours in courses, each course once.
    net : Hours or None
        ``created`` less attendance.
    baseline_hours, share_of_baseline : float or None
        The denominator of the total and the share of it.
    person_equivalent, hours_per_person, person_basis : float or None, float, str
        人分 of the net hours, the hours of one person-year and the Japanese sentence that names the basis.
    may_claim : bool
        Whether some line of the total may be claimed and the total's interval lies above zero.
    correlation : tuple of tuple of float
        Correlation between the lines of the total, in their order.
    notes : tuple of str
        Japanese, ready to print.
    annualised : Hours or None
        ``created`` for a full year at the exposure reached (年換算): a calculation, no result.
    units : tuple of QuestionUnits
        Hours by department and process of each question that converts to hours.
    per_person : tuple of PerPerson
    persistence : tuple of YearSince
    retention, retention_note : Retention or None, str
        What is left of the first year's hours in the second; without it the reason (Japanese).
    register : Register or None
        All claims on the year's hours; None where nothing was gathered.
    reconciliation : Reconciliation or None
    """

    fiscal_year: int
    lines: tuple[SavingsLine, ...]
    created: Hours | None
    attendance_hours: float
    net: Hours | None
    baseline_hours: float | None
    share_of_baseline: float | None
    person_equivalent: float | None
    hours_per_person: float
    person_basis: str
    may_claim: bool
    bridge: Bridge
    cash: Cash
    correlation: tuple[tuple[float, ...], ...]
    notes: tuple[str, ...]
    annualised: Hours | None = None
    units: tuple[QuestionUnits, ...] = ()
    per_person: tuple[PerPerson, ...] = ()
    persistence: tuple[YearSince, ...] = ()
    register: Register | None = None
    reconciliation: Reconciliation | None = None
    gross: Hours | None = None
    retention: Retention | None = None
    retention_note: str = ""

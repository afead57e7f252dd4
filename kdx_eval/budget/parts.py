"""The parts of a budget case beside the request itself: full cost, prices, forecast, ranges, alternatives, promises. Yen are whole yen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

OutlookName: TypeAlias = Literal["低位", "中位", "高位"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YenRange:
    """Yen with the interval that the effect's 95 % interval gives."""

    yen: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTotal:
    """The amount of one year and stage, and its parts by 経常・臨時, which add up to it."""

    fiscal_year: int
    stage: str
    yen: int
    recurring_yen: int
    one_off_yen: int
    unmarked_yen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How much of one year's budget (当初と補正) was spent; the rest is 不用額."""

    fiscal_year: int
    budget_yen: int
    spent_yen: int
    spent_stage: str
    unused_yen: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialAllocation:
    """特別交付税: inside 一般財源, never 特定財源."""

    yen: int
    previous_yen: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostItem:
    """One item of the full cost; ``yen`` None where hours have no price or nothing was recorded."""

    label: str
    hours: float | None
    yen: int | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseCost:
    """The full cost of one course; the row without id holds what belongs to no course, so that the rows add up to the total."""

    course_id: str
    course_name: str
    attended: int | None
    completed: int | None
    budget_yen: int
    attendance_hours: float
    office_hours: float
    instructor_hours: float
    full_yen: int
    per_attendee_yen: int | None
    per_completion_yen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FullCost:
    """What the evaluated year's training cost in all: the budget, and staff hours at the price of an hour.

    Attributes
    ----------
    items : tuple of CostItem
        Budget, attendance, office, internal instructors; those with yen add up to ``yen``.
    yen, budget_yen : int
    per_attendee_yen, per_completion_yen : int or None
    per_hour_yen, per_hour_low, per_hour_high : int or None
        Yen for one hour created, attendance counted as cost and so not netted from the hours; None where no hours may be claimed.
        The upper end is None where the interval of the hours reaches zero.
    missing : tuple of str
        What was not recorded, in Japanese.
    """

    fiscal_year: int
    items: tuple[CostItem, ...]
    yen: int
    budget_yen: int
    per_attendee_yen: int | None
    per_completion_yen: int | None
    per_hour_yen: int | None
    per_hour_low: int | None
    per_hour_high: int | None
    courses: tuple[CourseCost, ...]
    missing: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOption:
    """One of the four price bases in the evaluated year.

    Attributes
    ----------
    yen_per_hour : int or None
        None where the city gave none.
    in_headline : bool
        Whether a headline may use it: a source, and not ``unverified``.
    value : YenRange or None
        Net hours at this price, for reference.
    used : bool
        The price that every other figure of the case uses.
    """

    basis: str
    label: str
    use: str
    yen_per_hour: int | None
    fiscal_year: int
    source: str
    status: str
    in_headline: bool
    used: bool
    value: YenRange | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """One step from the published table to yen an hour."""

    label: str
    formula: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptShare:
    """What share of an effect is left after a year, between 0 and 1, with its range.

    Attributes
    ----------
    measured : bool
        Measured in the run; else the plan's assumption, which no headline uses.
    source : str
        Where the range comes from, in Japanese.
    """

    low: float
    central: float
    high: float
    measured: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookLine:
    """How one question's hours are carried into the request year.

    Attributes
    ----------
    attended, between, planned : int
        Enrolments up to the evaluated year, in the years between, and planned for the request year.
    """

    question_id: str
    title: str
    hours: float
    attended: int
    between: int
    planned: int
    hours_per_attendee: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookCase:
    """見込み of the request year under one persistence.

    Attributes
    ----------
    persistence : float
        Share of the effect that is left after each year.
    carried_hours, new_hours : float
        Of those trained before, and of the request year's attendees; corrected, so that they add up to ``hours``.
    low, high : float
        The effect's 95 % interval carried over.
    value : YenRange or None
        ``hours`` at the price, for reference.
    """

    name: OutlookName
    persistence: float
    carried_hours: float
    new_hours: float
    hours: float
    low: float
    high: float
    value: YenRange | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The forecast (見込み) of the request year, never added to actuals; empty ``cases`` where no hours may be claimed.

    Attributes
    ----------
    correction : float
        Realised share of earlier promises, between 0 and 1; 1 without a record.
    attendance_hours : float
        Hours that the planned attendees will spend in the courses.
    planned_known : bool
        Whether the city gave the planned attendees; else the evaluated year's stand in.
    measured : bool
        Whether the cases rest on a measured retention; no headline uses them otherwise.
    """

    fiscal_year: int
    lines: tuple[OutlookLine, ...]
    cases: tuple[OutlookCase, ...]
    correction: float
    correction_sentence: str
    attendance_hours: float
    planned_seats: int | None
    planned_known: bool
    sentence: str
    measured: bool = False

    @property
    def central(self) -> OutlookCase | None:
        """The case shown first."""
        return next((case for case in self.cases if case.name == "中位"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """When the measure is continued or stopped, and the year in which it ends unless it is renewed (終期)."""

    ends_fiscal_year: int
    continue_hours: float | None
    proposed: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What this request promises; next year's row of 前年度要求時の見込み. Whole hours, None where none are promised."""

    fiscal_year: int
    claim_id: str
    hours: int | None
    yen: int | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """One bar of the tornado: the net value of the base scenario when one assumption alone is moved to either end."""

    assumption: str
    unit: str
    low: float
    base: float
    high: float
    net_at_low: int
    net_at_high: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRange:
    """A 95 % range from draws that carry the effects' covariance and the ranges of the assumptions.

    Attributes
    ----------
    middle, low, high : float
        Rounded to ``step``, the last digit that more draws would not change.
    share_above : float or None
        Share of draws above zero, for net values.
    """

    label: str
    unit: str
    middle: float
    low: float
    high: float
    step: float
    share_above: float | None
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another way to the same end, priced as this one is: budget and staff hours, for one hour created.

    Attributes
    ----------
    yen_per_hour : int or None
        None where a figure lacks; ``reason`` says which.
    """

    option: str
    ours: bool
    yen: int | None
    staff_hours: float | None
    saved_hours: float | None
    yen_per_hour: int | None
    basis: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerComparison:
    """A published case beside ours.

    Attributes
    ----------
    yen_per_hour : int or None
        Published yen over published hours.
    lower_hours : float or None
        Hours left when who did not answer counts as zero.
    realised_share : float or None
        Hours over hours promised.
    net_yen : int or None
        First year's value of the hours less its cost at the highest published price, where the source gives the cost.
    comparable : bool
        Whether the hours were measured, so that they may stand beside a measured result.
    """

    city: str
    subject: str
    fiscal_year: str
    basis: str
    comparable: bool
    hours: float | None
    lower_hours: float | None
    yen: int | None
    yen_per_hour: int | None
    realised_share: float | None
    net_yen: int | None
    source: str
    status: str
    note: str

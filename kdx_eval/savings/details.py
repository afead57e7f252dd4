"""What stands behind the totals: persistence, hours per person, the bridge by department, overlaps of projects, the books of each year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from kdx_eval.errors import RuleError
from kdx_eval.savings.bases import HEADLINE_BASES, SavingsBasis

BenefitClass: TypeAlias = Literal["歳出削減（予算減額）", "時間外勤務手当の縮減", "業務時間の創出（予算額は減らない）", "定性的効果"]
CLASS_WORDS: dict[str, BenefitClass] = {
    "budget_cut": "歳出削減（予算減額）",
    "overtime": "時間外勤務手当の縮減",
    "hours_freed": "業務時間の創出（予算額は減らない）",
    "qualitative": "定性的効果",
}
TRAINING = "研修"
NOT_PUBLIC = "（公表しない）"
_CENT = 0.005  # hours; sums of floats in another order


@dataclass(frozen=True, slots=True, kw_only=True)
class YearSince:
    """Hours saved per trained unit and month in one year since training began (1 is the first), 95 % interval, share of staff trained (None: unknown)."""

    question_id: str
    year: int
    hours: float
    conf_low: float
    conf_high: float
    n_units: int
    exposure: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is left of the first year's hours in the second, measured on the same units and calendar months.

    Attributes
    ----------
    share, conf_low, conf_high : float
        Second over first year with its 95 % interval (Fieller 1954); may lie below 0 or above 1.
    first_hours, second_hours : float
        Hours of twelve months in either year, of the units seen in both.
    n_units : int
        Those units, added up over the questions.
    question_ids : tuple of str
        Questions of the total that have been seen for two years.
    """

    share: float
    conf_low: float
    conf_high: float
    first_hours: float
    second_hours: float
    n_units: int
    question_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerPerson:
    """Hours of the evaluated year per 実員 of the trained departments: numerator, denominator, quotient with interval, source of the denominator."""

    question_id: str
    hours: float
    persons: float
    per_person: float
    conf_low: float
    conf_high: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeRow:
    """One department of the bridge: created (drawn to the common share, so that the rows sum to the total), redeployed and the rest."""

    department_id: str
    name: str
    created_hours: float
    redeployed_hours: float
    unexplained_hours: float
    destinations: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRow:
    """One claim on hours: a project or the training, in one department and process.

    Attributes
    ----------
    group : int
        Place of its key among the register's overlaps; -1 where it overlaps nothing.
    claimed_hours : float or None
        A year's hours as recorded; None where no hours are claimed (金額換算なし).
    hours : float
        Hours of the evaluated year that compete: the realised ones, else the claim for the months in use, a survey at its lower bound.
    allocated_hours : float
        What is left of them after hours that others claim too were divided.
    counted : bool
        Allowed in a total: measured, logged or observed, in use in the evaluated year.
    reduced_yen : int or None
        What left the budget, as recorded.
    """

    row_id: str
    kind: str
    group: int
    department_id: str
    department_name: str
    process_id: str
    process_name: str
    benefit_class: BenefitClass
    basis: SavingsBasis
    claimed_hours: float | None
    realised_hours: float | None
    hours: float
    allocated_hours: float
    counted: bool
    reduced_yen: int | None
    note: str

    def nowhere(self) -> RegisterRow:
        """The same claim without its place, for readers outside the office."""
        return replace(self, department_id="", department_name=NOT_PUBLIC, process_id="", process_name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One (department, process, fiscal year) that is claimed: hours there were, what the claims come to, what may be divided, and on what ground."""

    department_id: str
    department_name: str
    process_id: str
    process_name: str
    n_claims: int
    claimed_hours: float
    measured_hours: float | None
    estate_hours: float
    baseline_hours: float | None
    ground: str

    def nowhere(self) -> Overlap:
        """The same hours without their place, for readers outside the office."""
        return replace(self, department_id="", department_name=NOT_PUBLIC, process_id="", process_name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All claims on hours of the evaluated year, each hour counted once.

    Attributes
    ----------
    rows : tuple of RegisterRow
        By department, process and kind; the training outside all overlaps is one row without a department.
    overlaps : tuple of Overlap
        One row a key.
    forecasts : tuple of RegisterRow
        Projects that were not in use in the evaluated year; never added to actuals.
    claimed_hours : float
        What all rows claim for a year, added up as if nothing overlapped.
    counted_hours, training_hours, other_hours : float
        What may be counted after the division, and of this what falls to the training and to other projects.
    disputed_hours : float
        Measured hours that fell, by the division, to claims nobody measured: part of the measured total, the result of none for certain.
    training_before : float
        The training's hours before the division.
    realised_of_claimed : float or None
        Realised over claimed hours, of projects that have both.
    rule : str
        How hours were divided, Japanese, ready to print.

    Raises
    ------
    RuleError
        A forecast or an unmeasured claim is counted, a key hands out more than it holds, or the sums do not agree.
    """

    fiscal_year: int
    rows: tuple[RegisterRow, ...]
    overlaps: tuple[Overlap, ...]
    forecasts: tuple[RegisterRow, ...]
    claimed_hours: float
    counted_hours: float
    training_hours: float
    other_hours: float
    disputed_hours: float
    training_before: float
    realised_of_claimed: float | None
    rule: str
    notes: tuple[str, ...]

    @property
    def measured_hours(self) -> float:
        """All hours that were measured, each once, whoever they fall to."""
        return self.counted_hours + self.disputed_hours

    def __post_init__(self) -> None:
        if any(row.counted for row in self.forecasts) or any(row.counted and row.basis not in HEADLINE_BASES for row in self.rows):
            raise RuleError(
                "見込みの時間が実績に足されています",
                place="効果の一覧",
                hint="見込み・アンケートの時間は参考として示し、合計に入れないでください",
            )
        for place, overlap in enumerate(self.overlaps):
            given = sum(row.allocated_hours for row in self.rows if row.group == place)
            most = overlap.estate_hours if overlap.baseline_hours is None else min(overlap.estate_hours, overlap.baseline_hours)
            if given > most + _CENT:
                raise RuleError("一つの業務に、分けられる時間を超える時間が割り当てられています", place="効果の一覧", hint="案件の業務と時間を確かめてください")
        told = sum(row.allocated_hours for row in self.rows if row.counted)
        if abs(told - self.counted_hours) > _CENT or abs(self.training_hours + self.other_hours - self.counted_hours) > _CENT:
            raise RuleError("効果の一覧の行と合計が合いません", place="効果の一覧", hint="合計は行の和としてください")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookYear:
    """One fiscal year of the reconciliation; what was not recorded is None.

    Attributes
    ----------
    claimed_hours : float
        Claims in use that year that are forecasts or survey figures, for the months in use.
    measured_hours : float or None
        What may be counted; None in years that were not evaluated.
    overtime_fall : float or None
        Fall against the year before over the months that both have.
    allotment : str
        The overtime allotment in force, in the city's words; empty without one.
    staff, staff_fall : float or None
        実員, and its fall against the year before.
    unexplained_hours : float or None
        Measured hours less redeployed ones, the fall of overtime and the hours of staff who left; the evaluated year only.
    """

    fiscal_year: int
    claimed_hours: float
    measured_hours: float | None
    redeployed_hours: float | None
    overtime_hours: float | None
    overtime_fall: float | None
    paid_yen: int | None
    allotment: str
    staff: float | None
    staff_fall: float | None
    budget_yen: int | None
    budget_stage: str
    unexplained_hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The hours held against the books, year by year, and what the comparison says (Japanese, ready to print)."""

    years: tuple[BookYear, ...]
    sentences: tuple[str, ...]

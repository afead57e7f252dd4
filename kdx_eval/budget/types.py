"""The budget case: what is asked, why, what it buys, what leaves the budget, and how sure that is. Yen are whole yen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from kdx_eval.budget.parts import (
    Alternative,
    Continuation,
    DrawnRange,
    Execution,
    FullCost,
    KeptShare,
    Outlook,
    PeerComparison,
    PriceOption,
    PriceStep,
    Promise,
    SpecialAllocation,
    StageTotal,
    Swing,
    YenRange,
)
from kdx_eval.evidence import Price

ChangeKind: TypeAlias = Literal["新規", "廃止", "単価", "数量", "金額"]
TOTAL_CLAIM = "全体"  # the promise that is held against the net hours of the whole
CutName: TypeAlias = Literal["満額", "減額", "見送り"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One line of the 積算: ``quantity * unit_price = yen``; a line of 特別交付税 is 一般財源 and marked."""

    account: str
    project: str
    section: str
    detail: str
    quantity: Decimal | None
    unit_price: Decimal | None
    yen: int
    quote_reference: str
    recurring: str
    funding: str
    course_id: str
    special_allocation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """One reason why the request differs from the year before; the changes add up to ``BudgetCase.change_yen``."""

    section: str
    detail: str
    kind: ChangeKind
    yen: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingLine:
    """Yen from one source of funding (国庫・県・地方債・その他特財・一般財源), in the request and the year before."""

    source: str
    yen: int
    previous_yen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorClaim:
    """What was promised when the evaluated year was asked for, and what came of it.

    Attributes
    ----------
    result_hours, result_low, result_high : float or None
        Measured, with its 95 % interval; None when it cannot be told yet.
    realised_share : float or None
        Result over claim.
    """

    claim_id: str
    fiscal_year: int
    basis: str
    claimed_hours: float | None
    claimed_yen: int | None
    result_hours: float | None
    result_low: float | None
    result_high: float | None
    realised_share: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far one course reached in the evaluated year; a share is None where the denominator is not known."""

    course_id: str
    course_name: str
    enrolled: int
    completed: int
    staff: int | None
    completion_share: float | None
    reach_share: float | None
    attendance_hours: float | None
    cost_yen: int | None
    cost_per_completion_yen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """分岐点: how much the training must save to pay its cost (attendance hours included).

    Attributes
    ----------
    cost_yen : int
        The cost that is to be paid back: the request, or the year's cost where nothing is asked yet.
    hours_per_year : float
        Staff hours a year.
    minutes_per_person_month : float or None
        The same for each trained person and month.
    """

    cost_yen: int
    hours_per_year: float
    minutes_per_person_month: float | None
    persons: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A forecast (見込み), never added to actuals.

    Attributes
    ----------
    retention : float
        Share of the effect that is left after each further year (``BudgetCase.kept``).
    factor : float
        Present value of one yen a year, decay included.
    benefit : YenRange
        Present value of the hours created, less attendance.
    net_yen : int
        Benefit less cost.
    base : bool
        The scenario shown first for its horizon.
    ratio : float or None
        Benefit over cost; no value of it is a pass mark. None where the cost is zero.
    payback_years : float or None
        Years until the discounted value has paid the cost, counted evenly within a year; None when it does not within the horizon.
    """

    years: int
    discount_rate: float
    retention: float
    factor: float
    benefit: YenRange
    cost_yen: int
    net_yen: int
    base: bool
    ratio: float | None = None
    payback_years: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchingValue:
    """The value of one assumption at which the value of the hours equals the cost; None where no value does it."""

    assumption: str
    base: float | None
    threshold: float | None
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOption:
    """満額, 減額 or 見送り and what each forgoes (見込み: in proportion to seats).

    Attributes
    ----------
    forgone_low, forgone_high : float or None
        The forecast's low and high case.
    forgone_yen : int or None
        Value of ``forgone_hours``, for reference.
    """

    name: CutName
    yen: int
    seats: int | None
    forgone_seats: int | None
    forgone_hours: float | None
    sentence: str
    forgone_low: float | None = None
    forgone_high: float | None = None
    forgone_yen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutLine:
    """One 節・細節 of the request under the three options; under 見送り nothing is left.

    Attributes
    ----------
    full_yen, reduced_yen, forgone_yen : int
        満額, 減額 and the difference.
    before_yen, grown_yen : int
        当初 of the year before, and what is asked above it; 0 where it is less.
    sentence : str
        What the cut takes away, Japanese.
    """

    section: str
    detail: str
    full_yen: int
    before_yen: int
    grown_yen: int
    reduced_yen: int
    forgone_yen: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCase:
    """What the appendix says in yen.

    Attributes
    ----------
    request_yen, previous_yen, change_yen : int or None
        Stage 要求 of the request year, 当初 of the year before, the difference; None when the cost table lacks them.
    change_reason : str
        One Japanese sentence from ``changes``.
    cost_yen, cost_stage : int or None, str
        Cost of the evaluated year and the stage it was read from (決算, else 決算見込, else 当初と補正).
    cash_reduction_yen, cash_sentence : int, str
        予算が実際に減る額: only paid overtime and spending that really falls, else 0.
    reference_value : YenRange or None
        人件費換算（参考）of the net hours of the evaluated year; None without a price.
    price, price_sentence : Price or None, str
        The price of an hour and where it comes from, or why there is none.
    missing : tuple of str
        What the cost tables lack, as Japanese sentences; nothing is made up in its place.
    alternatives : tuple of str
        Other ways to the same end, when the city states them; ``ladder`` prices them.
    stages, executions
        Every year and stage of the cost table, and how much of each budget was spent.
    prices, price_steps
        The four price bases beside each other, and the steps from the published pay table where the price was computed.
    kept, kept_sentence : KeptShare or None, str
        What share of the effect is left after a year, and where that comes from, or why it is not known.
    cut_lines : tuple of CutLine
        The lines of the request under 満額, 減額 and 見送り, adding up to ``cuts``.
    outlook, continuation, promises
        The forecast of the request year, when to stop, and what is promised for next year's comparison.
    swings, drawn
        The tornado and the ranges from draws.
    conventional_yen : int or None
        The effect as usual in requests for DX, hours x price x five years (JRI 冨島 2022), for comparison only.
    peers
        Published cases of other cities.
    """

    request_fiscal_year: int
    evaluated_fiscal_year: int
    request_yen: int | None
    previous_yen: int | None
    change_yen: int | None
    changes: tuple[CostChange, ...]
    change_reason: str
    funding: tuple[FundingLine, ...]
    lines: tuple[CostLine, ...]
    cost_yen: int | None
    cost_stage: str
    prior_claims: tuple[PriorClaim, ...]
    cash_reduction_yen: int
    cash_sentence: str
    reference_value: YenRange | None
    price: Price | None
    price_sentence: str
    break_even: BreakEven | None
    scenarios: tuple[Scenario, ...]
    switching_values: tuple[SwitchingValue, ...]
    cuts: tuple[CutOption, ...]
    reach: tuple[Reach, ...]
    cost_per_completion_yen: int | None
    alternatives: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    stages: tuple[StageTotal, ...] = ()
    executions: tuple[Execution, ...] = ()
    special_allocation: SpecialAllocation | None = None
    full_cost: FullCost | None = None
    prices: tuple[PriceOption, ...] = ()
    price_steps: tuple[PriceStep, ...] = ()
    outlook: Outlook | None = None
    continuation: Continuation | None = None
    promises: tuple[Promise, ...] = ()
    swings: tuple[Swing, ...] = ()
    drawn: tuple[DrawnRange, ...] = ()
    conventional_yen: int | None = None
    ladder: tuple[Alternative, ...] = ()
    peers: tuple[PeerComparison, ...] = ()
    kept: KeptShare | None = None
    kept_sentence: str = ""
    cut_lines: tuple[CutLine, ...] = ()

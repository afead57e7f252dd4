"""The analysis plan as data: questions, outcomes, and whether the plan was fixed before the period ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from kdx_eval.errors import PlanError
from kdx_eval.units import FiscalYear, Month

Unit: TypeAlias = Literal["department", "process", "staff"]
Better: TypeAlias = Literal["lower", "higher"]
Design: TypeAlias = Literal["lottery", "staggered", "single", "everyone"]
Control: TypeAlias = Literal["not_yet_treated", "never_treated", "applicants"]
TreatedFrom: TypeAlias = Literal["offered", "enrolled", "completed"]
CohortWidth: TypeAlias = Literal["month", "quarter", "half_year"]
NoRow: TypeAlias = Literal["missing", "zero"]
Interval: TypeAlias = Literal["plain", "straight", "honest"]
Role: TypeAlias = Literal["primary", "secondary", "completion_only"]
Audience: TypeAlias = Literal["internal", "public"]
PriceBasis: TypeAlias = Literal["wage_only", "fully_loaded", "marginal_overtime", "avoided_cash"]
OutcomeTable: TypeAlias = Literal["workload", "worktime", "indicators"]

COHORT_MONTHS: dict[CohortWidth, int] = {"month": 1, "quarter": 3, "half_year": 6}
DESIGN_REASONS: dict[Design, str] = {
    "lottery": "受ける順番が偶然に近いので、先に受けた側とまだの側を比べます",
    "staggered": "受講を始めた時期が違うので、まだ受けていない側と比べます",
    "single": "受けたのが一つだけなので、よく似た動きの相手を組み合わせて比べます",
    "everyone": "全員が受けるため比べる相手がなく、修了の状況だけを報告します",
}
SHARE, POINTS = "割合", "ポイント"
MEANS = frozenset((SHARE, POINTS, "点", "日", "%", "％"))  # measured in these, a month of a department is a mean of its cases and no amount of them
UNIT_NAMES: dict[Unit, str] = {"department": "課", "process": "業務", "staff": "人"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is measured for each unit and month.

    Attributes
    ----------
    table : str
        Table that holds it.
    measure : str
        Column; ``value`` for indicators.
    indicator_id : str or None
        Which indicator, when the table is indicators.
    label : str
        Japanese name, for headings.
    unit_label : str
        Japanese unit of one cell of the panel, such as ``時間/課・月``; what is a mean has no ``/課・月``, and a share is estimated in ``ポイント``.
    better : str
        Which direction is good.
    hours_per_unit : float or None
        Staff hours behind one unit of the outcome; None means 金額換算なし.
    """

    table: OutcomeTable
    measure: str
    indicator_id: str | None = None
    label: str
    unit_label: str
    better: Better
    hours_per_unit: float | None

    @property
    def measure_word(self) -> str:
        """The unit of the quantity alone: ``時間`` of ``時間/課・月``."""
        return self.unit_label.partition("/")[0]

    @property
    def per_words(self) -> str:
        """What the quantity is counted per: ``1課・1か月当たり`` of ``時間/課・月``; empty where nothing is."""
        parts = [part for part in self.unit_label.partition("/")[2].split("・") if part]
        return "・".join("1か月" if part == "月" else f"1{part}" for part in parts) + "当たり" if parts else ""

    @property
    def is_share(self) -> bool:
        """Whether the data hold it as a share of one, of which the panel makes percentage points."""
        return self.table == "indicators" and self.measure_word == POINTS

    @property
    def key(self) -> str:
        """The short form used in plans: ``workload.minutes``, ``indicators.genai_uses``."""
        return f"{self.table}.{self.indicator_id or self.measure}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question, asked before looking: which courses, on which units, with which outcome and design.

    Attributes
    ----------
    threshold_share : float
        A unit counts as treated once this share of its posted staff was offered, enrolled in, or completed the courses.
    buffer_months : int
        Months from the start of treatment that are not counted as effect.
    window : (Month or None, Month or None)
        First and last month used; None means what the data has.
    excluded_periods : tuple of (Month, Month)
        Months left out, both ends included.
    no_row : str
        What a month without any row of a unit means: ``missing`` (unknown), or ``zero`` (a log of all work, in which nothing happened).
    departments : tuple of str
        The departments that take part, as in a lottery among some; empty means all.
    control : str
        ``applicants``: only those who applied for the courses and were not chosen stand against those who were.
    interval : str
        What headline, hours and yen carry: ``plain``; ``straight``, which also holds if the difference in slope from before training went on; ``honest``,
        which also holds if the courses went on to part by as much each quarter as they ever did before.
    smallest_effect : float or "break_even"
        Smallest effect that matters, in the outcome's unit; by default the one that pays the costs.
    order_argument : str or None
        Why the order in which units were treated is as good as random.
    explanation : str
        One Japanese sentence: why this design was proposed.
    """

    question_id: str
    title: str
    courses: tuple[str, ...]
    unit: Unit
    outcome: Outcome
    design: Design = "staggered"
    control: Control = "not_yet_treated"
    treated_from: TreatedFrom = "enrolled"
    threshold_share: float = 0.15
    cohort_width: CohortWidth = "quarter"
    buffer_months: int = 0
    window: tuple[Month | None, Month | None] = (None, None)
    excluded_periods: tuple[tuple[Month, Month], ...] = ()
    strata: str | None = None
    cluster: str | None = None
    no_row: NoRow = "missing"
    departments: tuple[str, ...] = ()
    interval: Interval = "plain"
    smallest_effect: float | Literal["break_even"] = "break_even"
    role: Role = "primary"
    lottery_log: str | None = None
    order_argument: str | None = None
    checks: tuple[str, ...] = ()
    note: str = ""
    explanation: str = ""

    @property
    def reason(self) -> str:
        """Why this design: the explanation of the plan, or what the design does in one sentence."""
        return self.explanation or DESIGN_REASONS[self.design]

    @property
    def is_estimated(self) -> bool:
        """False when only completion is reported, because nobody is left to compare with."""
        return self.role != "completion_only" and self.design != "everyone"

    @property
    def is_described(self) -> bool:
        """Everyone was trained at once and the plan asks for more than completion: the course before and after is shown, without a claim."""
        return self.role != "completion_only" and self.design == "everyone"

    def excludes(self, month: Month) -> bool:
        """Whether ``month`` lies in an excluded period."""
        return any(first <= month <= last for first, last in self.excluded_periods)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedRetention:
    """What the city assumes is left of an effect after a year, where no run has measured it; printed as 前提（出典なし・未検証）.

    Attributes
    ----------
    low, central, high : float
        Shares between 0 and 1, in this order.
    reason : str
        Why these, in the city's words.
    """

    low: float
    central: float
    high: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """When the plan was frozen and the SHA-256 of its canonical form."""

    at: dt.date
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole analysis plan of one request.

    Attributes
    ----------
    request_fiscal_year : FiscalYear
        The year whose budget is asked for (R9要求).
    evaluated_fiscal_year : FiscalYear
        The year whose effect is the headline.
    evaluated_through : Month
        Last month evaluated (R8上期まで評価).
    max_rejected_share : float
        The run stops when a larger share of rows is refused.
    ends_fiscal_year : FiscalYear or None
        終期: the last year of the measure unless it is renewed; None where the plan does not say.
    continue_hours : float or None
        Hours a year from which the measure is continued; None means the break-even.
    retention : AssumedRetention or None
        Used only where the run cannot measure how long the effect lasts; never in a headline.
    changed_since_freeze : bool
        A frozen copy lies beside the plan but says something else.
    """

    title: str
    city: str
    synthetic: bool = False
    request_fiscal_year: FiscalYear
    evaluated_fiscal_year: FiscalYear
    evaluated_through: Month
    max_rejected_share: float = 0.05
    audience: Audience = "internal"
    price_basis: PriceBasis = "wage_only"
    ends_fiscal_year: FiscalYear | None = None
    continue_hours: float | None = None
    retention: AssumedRetention | None = None
    questions: tuple[Question, ...]
    frozen: Frozen | None = None
    changed_since_freeze: bool = False

    @property
    def evaluated_after_period(self) -> bool:
        """事後計画: never frozen, or frozen after the last evaluated month had ended."""
        return self.frozen is None or self.frozen.at >= (self.evaluated_through + 1).first_day

    @property
    def freeze_note(self) -> str:
        """One Japanese sentence on when the plan was fixed, without shaming."""
        if self.changed_since_freeze:
            return "計画は凍結後に変更されているため、事後計画として扱います。"
        if self.frozen is None:
            return "計画は凍結されていないため、事後計画として扱います。"
        day = self.frozen.at.isoformat()
        if self.evaluated_after_period:
            return f"計画は評価対象期間の終了後（{day}）に凍結されたため、事後計画として扱います。"
        return f"計画は評価対象期間の終了前（{day}）に凍結されています。"

    @property
    def heading(self) -> str:
        """``R9要求 / R8上期まで評価``."""
        through = self.evaluated_through
        year = through.fiscal_year
        part = {9: "上期", 3: "年度"}.get(through.month, f"年度{through.month}月")
        return f"{self.request_fiscal_year.short}要求 / {year.short}{part}まで評価"

    def question(self, question_id: str) -> Question:
        """The question of that id.

        Raises
        ------
        PlanError
            When there is none; the message names the nearest.
        """
        for question in self.questions:
            if question.question_id == question_id:
                return question
        raise PlanError(
            "この番号の問いは計画にありません",
            place=question_id,
            hint=nearest_hint(question_id, [question.question_id for question in self.questions]),
        )


def nearest_hint(word: str, known: list[str]) -> str:
    """``「courses」のことですか``, or the list of what is known when nothing is near."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"「{near[0]}」のことですか"
    shown = "、".join(known[:12])
    return f"使えるのは {shown} です" if shown else "使えるものがありません"


def choices(alias: object) -> tuple[str, ...]:
    """The words a Literal type accepts."""
    return tuple(str(word) for word in get_args(alias))

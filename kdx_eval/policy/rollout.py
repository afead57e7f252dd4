"""Next year's roll-out: how many waves, who is in which, what it can find, what waiting costs, and the plan that analyses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.structure import Structure, fit_structure
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.build import outcome_panel
from kdx_eval.panel.draw_order import Ticket, draw_order, wave_counts
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Plan, Question, plan_to_dict
from kdx_eval.policy.power import Waves, simulate_analysis
from kdx_eval.units import FiscalYear, Month, format_hours, format_measure, format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.load import Dataset
    from kdx_eval.policy.parts import SoFar

A_YEAR = 12
ENOUGH = 0.8
FALLBACK_SHARE = 0.05  # as for the smallest meaningful effect
FEWEST = 8  # departments under which no waves are proposed
DEFAULT_WORD = "見本（抽選の前に、公表される数字などに書き換える）"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOption:
    """One way to split the departments.

    Attributes
    ----------
    name : str
        ``3回（7月、10月、翌4月）``.
    sizes : tuple of int
        Departments by wave.
    starts : tuple of str
        Months in which the waves start; the last lies after the year and is the comparison until then.
    detectable, detectable_share : float
        Effect per department and month that is found with 80 %, in the outcome's unit and as a share of today's level.
    power : float
        Probability to find ``wanted`` (see `Rollout`).
    waiting : float
        Department-months that wait, against all starting with the first wave.
    waiting_hours : float or None
        Hours not freed for that, if the effect is as wanted; None where the outcome has no hours.
    """

    name: str
    sizes: tuple[int, ...]
    starts: tuple[str, ...]
    detectable: float
    detectable_share: float
    power: float
    waiting: float
    waiting_hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One department in the order: wave (1 is first), the month in which it starts, its lottery number."""

    department_id: str
    department: str
    stratum: str
    wave: int
    start: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One wave: departments, mean of the outcome over the last twelve months, its distance to all in standard deviations, staff."""

    wave: int
    departments: int
    mean: float
    distance: float
    persons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The roll-out that is proposed.

    Attributes
    ----------
    wanted, wanted_note : float, str
        The effect that it should find, per department and month, and where that comes from.
    options : tuple of SplitOption
    chosen : int
        Place of the proposed one; -1 where nothing can be proposed, and ``notes`` says why.
    order : tuple of Place
    balance : tuple of Balance
    strata : tuple of (str, tuple of int)
        Departments of each stratum by wave.
    word : str
        The recorded word from which the order follows.
    draw_id : str
        What the draw is called, in the order table and in the plan that analyses it.
    plan : str
        JSON of the plan that analyses it, as `plan_to_dict`; empty without a proposal.
    """

    question_id: str
    title: str
    outcome_label: str
    unit_label: str
    wanted: float
    wanted_note: str
    options: tuple[SplitOption, ...]
    chosen: int
    order: tuple[Place, ...]
    balance: tuple[Balance, ...]
    strata: tuple[tuple[str, tuple[int, ...]], ...]
    word: str
    draw_id: str
    plan: str
    notes: tuple[str, ...]


def plan_rollout(dataset: Dataset, *, plan: Plan, so_far: SoFar, waves: int = 0, first_month: str = "", word: str = DEFAULT_WORD) -> Rollout:
    """The order in which departments not reached yet are trained in the year asked for.

    Parameters
    ----------
    waves : int
        Number of waves, the last in reserve until the next April; 0 lets the power decide.
    first_month : str
        Start of the first wave, ``2027-07``; by default July of the year asked for.
    word : str
        From which the lottery follows (`draw_order`).

    Raises
    ------
    ParameterError
        ``first_month`` lies outside the year, or the number of waves does not fit.
    """
    begin = Month.parse(first_month) if first_month else plan.request_fiscal_year.first + 3
    if begin.fiscal_year != plan.request_fiscal_year:
        year = plan.request_fiscal_year
        raise ParameterError("最初の回は要求年度の中の月です", place="first_month", hint=f"{year.first}～{year.last} の月を書いてください")
    question = _leading(plan)
    if question is None:
        return _nothing(word, "課を単位とする問いが計画にないため、順番を提案できません")
    try:
        panel = outcome_panel(dataset, question, plan=plan).without_gaps()
        return _propose(panel, question, plan=plan, evidence=so_far.evidence.get(question.question_id), setting=_Setting(begin=begin, waves=waves, word=word))
    except NotIdentifiedError as error:
        return _nothing(word, f"順番を提案できません。{error.reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    begin: Month
    waves: int
    word: str


def _leading(plan: Plan) -> Question | None:
    asked = [one for one in plan.questions if one.is_estimated and one.unit == "department" and one.outcome.hours_per_unit is not None]
    found = sorted(asked or [one for one in plan.questions if one.is_estimated and one.unit == "department"], key=lambda one: one.role != "primary")
    return replace(found[0], strata="department_type") if found else None


def _propose(panel: Panel, question: Question, *, plan: Plan, evidence: Evidence | None, setting: _Setting) -> Rollout:
    left = np.flatnonzero(~(panel.cohort <= panel.periods[-1]))
    if len(left) < FEWEST:
        raise NotIdentifiedError(f"まだ研修が届いていない課が{len(left)}しかありません（{FEWEST}課から順番を提案します）")
    excluded = frozenset(float(i) for first, last in question.excluded_periods for i in range(first.index, last.index + 1))
    structure = fit_structure(moments(_rows(panel, left)), season=A_YEAR, excluded=excluded)
    if structure is None:
        raise NotIdentifiedError("研修の前の月が6か月に足りないため、ばらつきがわかりません")
    level = float(panel.outcome[np.ix_(left, ~np.isin(panel.periods, sorted(excluded)))].mean())
    wanted, note = _wanted(evidence, level=level)
    past = _Past(structure=structure, first=float(panel.periods[0]), level=level, excluded=excluded, year=plan.request_fiscal_year)
    options = tuple(
        _option(_split(count, len(left), year=plan.request_fiscal_year, begin=setting.begin), past, wanted=wanted, hours=question.outcome.hours_per_unit)
        for count in ([setting.waves] if setting.waves else _counts(len(left), setting.begin))
    )
    chosen = _best(options)
    option = options[chosen]
    stratum = panel.stratum if panel.stratum is not None else np.full(panel.n_units, "区分なし", dtype=object)
    tickets = draw_order({str(panel.units[k]): str(stratum[k]) for k in left}, waves=len(option.sizes), word=setting.word)
    order, draw_id = _order(tickets, option, names=panel.names), f"{plan.request_fiscal_year.short}-{question.question_id}"
    return Rollout(
        question_id=question.question_id, title=question.title, outcome_label=question.outcome.label, unit_label=question.outcome.unit_label, wanted=wanted,
        wanted_note=note, options=options, chosen=chosen, order=order, balance=_balance(panel, left, tickets=tickets),
        strata=tuple(wave_counts(tickets, waves=len(option.sizes)).items()), word=setting.word,
        draw_id=draw_id,
        plan=_next_plan(plan, question, order=order, word=setting.word, draw_id=draw_id),
        notes=_notes(option, panel=panel, left=len(left), structure=structure),
    )  # fmt: skip


def _rows(panel: Panel, rows: npt.NDArray[np.intp]) -> Panel:
    return Panel(
        outcome=panel.outcome[rows], units=panel.units[rows], periods=panel.periods, cohort=np.full(len(rows), np.inf), persons=panel.persons[rows],
        monthly=panel.monthly,
    )  # fmt: skip


def _wanted(evidence: Evidence | None, *, level: float) -> tuple[float, str]:
    """What was found this year where it may be claimed; else the smallest meaningful effect, else a twentieth of today's level."""
    if evidence is not None and evidence.may_claim and evidence.headline is not None:
        value = abs(evidence.headline.estimate)
        return value, f"今回確かめられた大きさ（1課・1か月{format_measure(value)}）と同じ効果を、来年度の課でも見つけたいとしました。"
    if evidence is not None and evidence.smallest is not None and np.isfinite(evidence.smallest.value):
        return evidence.smallest.value, evidence.smallest.sentence
    value = abs(level) * FALLBACK_SHARE
    part = f"いまの平均の{format_share(FALLBACK_SHARE, 0)}（{format_measure(value)}）"
    return value, f"効果も費用に見合う大きさもまだ分からないため、{part}を見つけたい大きさと置きました。"


def _counts(departments: int, begin: Month) -> list[int]:
    """Two to four waves, as far as quarters are left in the year and each wave has two departments."""
    quarters = 1 + (begin.fiscal_year.last - begin) // 3
    return [count for count in (2, 3, 4) if count - 1 <= quarters and departments // count >= 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What the city's own months say: how the outcome varies, from which month on, its level, and what is left out."""

    structure: Structure
    first: float
    level: float
    excluded: frozenset[float]
    year: FiscalYear


def _split(count: int, departments: int, *, year: FiscalYear, begin: Month) -> tuple[tuple[Month, int], ...]:
    """Start and size of each wave: a quarter apart, the last in the next April."""
    if count < 2 or departments // count < 2 or begin + 3 * (count - 2) > year.last:
        raise ParameterError("回の数が課の数または年度の残りに合いません", place="waves", hint="2～4回にするか、最初の月を早めてください")
    starts = (*(begin + 3 * k for k in range(count - 1)), year.last + 1)
    return tuple((start, departments // count + (k < departments % count)) for k, start in enumerate(starts))


def _option(split: tuple[tuple[Month, int], ...], past: _Past, *, wanted: float, hours: float | None) -> SplitOption:
    year, starts, sizes = past.year, [start for start, _ in split], tuple(size for _, size in split)
    periods: FloatArray = np.arange(past.first, year.last.index + 1.0)
    target = FiscalYearTarget(first=float(year.first.index), last=float(year.last.index), season=A_YEAR, excluded=past.excluded)
    waves = Waves(starts=tuple(float(start.index) for start in starts), sizes=sizes)
    drawn = simulate_analysis(waves, target, periods=periods, structure=past.structure)
    waiting = float(sum(size * (start - starts[0]) for start, size in split))
    detectable = drawn.detectable()
    named = "、".join(("翌" if start > year.last else "") + f"{start.month}月" for start in starts)
    return SplitOption(
        name=f"{len(split)}回（{named}）", sizes=sizes, starts=tuple(str(start) for start in starts), detectable=detectable,
        detectable_share=detectable / abs(past.level) if past.level else float("nan"), power=drawn.power(wanted), waiting=waiting,
        waiting_hours=None if hours is None else waiting * wanted * hours,
    )  # fmt: skip


def _best(options: tuple[SplitOption, ...]) -> int:
    """Of those with enough power the one in which fewest wait, else the most powerful."""
    strong = [k for k, one in enumerate(options) if one.power >= ENOUGH]
    return min(strong, key=lambda k: options[k].waiting) if strong else max(range(len(options)), key=lambda k: options[k].power)


def _order(tickets: tuple[Ticket, ...], option: SplitOption, *, names: Mapping[str, str]) -> tuple[Place, ...]:
    placed = (
        Place(
            department_id=one.unit, department=names.get(one.unit, one.unit), stratum=one.stratum, wave=one.wave, start=option.starts[one.wave - 1],
            number=one.number,
        )
        for one in tickets
    )  # fmt: skip
    return tuple(sorted(placed, key=lambda one: (one.wave, one.stratum, one.number)))


def _balance(panel: Panel, left: npt.NDArray[np.intp], *, tickets: tuple[Ticket, ...]) -> tuple[Balance, ...]:
    wave = {one.unit: one.wave for one in tickets}
    recent = panel.outcome[left][:, -A_YEAR:].mean(axis=1)
    drawn = np.array([wave[str(unit)] for unit in panel.units[left]])
    spread = float(recent.std(ddof=1)) or 1.0
    return tuple(
        Balance(
            wave=int(number), departments=int((drawn == number).sum()), mean=float(recent[drawn == number].mean()),
            distance=float((recent[drawn == number].mean() - recent.mean()) / spread), persons=int(panel.persons[left][drawn == number].sum()),
        )
        for number in sorted(set(drawn.tolist()))
    )  # fmt: skip


def _next_plan(plan: Plan, question: Question, *, order: tuple[Place, ...], word: str, draw_id: str) -> str:
    """The plan of the year, complete: whoever runs it has nothing left to choose."""
    year = plan.request_fiscal_year
    asked = replace(
        question,
        design="lottery", control="not_yet_treated", treated_from="offered", cohort_width="month", strata="department_type", role="primary",
        departments=tuple(one.department_id for one in order), window=(question.window[0], None), order_argument=None,
        lottery_log=f"順番表.csv（抽選の名前 {draw_id}、種「{word}」、課の番号との SHA-256 の順）",
        explanation="区分ごとの抽選で受ける順番を決めたため、先に受けた課と、まだ受けていない課を比べます。",
    )  # fmt: skip
    following = replace(
        plan, title=f"{year.wareki}の順番による研修の効果の検証", request_fiscal_year=type(year)(year.year + 1), evaluated_fiscal_year=year,
        evaluated_through=year.last, questions=(asked,), frozen=None, changed_since_freeze=False,
    )  # fmt: skip
    return json.dumps(plan_to_dict(following), ensure_ascii=False, sort_keys=True)


def _notes(option: SplitOption, *, panel: Panel, left: int, structure: Structure) -> tuple[str, ...]:
    short = "" if option.power >= ENOUGH else "見つけたい大きさを見つける確率は80％に届きません。課を増やすか、2年分をまとめて評価してください。"
    sizes = (
        f"対象は、まだ研修が届いていない{format_number(left)}課です。ばらつきは、これらの課のこれまでの{format_number(panel.n_periods)}か月から見積もりました"
        f"（月どうしの相関{format_number(structure.correlation, 2)}）。"
    )
    found = (
        sizes,
        "確率は、来年度に行う分析そのものを5,000回くり返して数えました。大きな異動や業務の変更があれば、このとおりにはなりません。",
        "順番は区分ごとの抽選で決め、種（言葉）だけから誰でも同じ順番を作り直せます。区分ごとの課の数は、回の間で1つしか違いません。",
        "書き出した順番表を来年度のデータに入れると、順番どおりに始めた課の割合を確かめたうえで、抽選で決まった時期どうしを比べます。",
    )
    return (*found, *((short,) if short else ()))


def _nothing(word: str, reason: str) -> Rollout:
    return Rollout(
        question_id="", title="", outcome_label="", unit_label="", wanted=0.0, wanted_note="", options=(), chosen=-1, order=(), balance=(), strata=(),
        word=word, draw_id="", plan="", notes=(f"{reason}。",),
    )  # fmt: skip


def waiting_text(option: SplitOption) -> str:
    """What waiting costs, in words."""
    hours = "" if option.waiting_hours is None else f"（見つけたい大きさなら{format_hours(option.waiting_hours)}）"
    return f"延べ{format_number(option.waiting)}課・月待つ{hours}"

"""高度専門人材: what external support changed, from how many months on training somebody of one's own costs less, and state support apart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.errors import ParameterError
from kdx_eval.evidence import year_cost
from kdx_eval.panel.reach import count_completion
from kdx_eval.policy.cycle import DAYS_A_MONTH, MEASURED
from kdx_eval.policy.cycle_facts import read_costs, read_projects
from kdx_eval.schema import parameter
from kdx_eval.schema.policy_version import PolicyVersion, policy_on
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, format_yen

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence, Price
    from kdx_eval.load import Dataset
    from kdx_eval.panel.tables import Tables
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar

CONTRACT_WORDS = ("アドバイザー", "専門人材", "CIO補佐官", "ＣＩＯ補佐官", "外部人材")
SPECIALIST = "specialist"
SUPPORT_NAMES: Mapping[str, str] = {"external": "外部の専門人材", "internal": "庁内の職員", "": "記入なし"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What external specialists cost: yen a month, and the cost lines (or the notebook) that say so."""

    yen_per_month: float
    months: float
    yen: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What training one specialist of one's own costs: fee and hours attended, per person who finished."""

    yen_per_person: float
    hours_per_person: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hourly:
    """Price of a staff hour in yen, hours of one month of work, months until somebody trained is ready."""

    yen: float
    hours_per_month: float
    months_until_ready: float

    @property
    def month_yen(self) -> float:
        """Yen of one month of work."""
        return self.yen * self.hours_per_month


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Projects by who supported them.

    Attributes
    ----------
    name : str
    projects, live, measured : int
        Begun, in use, and with measured hours.
    measured_hours : float or None
        Mean measured hours a year of these; None where none is measured.
    months_to_live : float or None
        Median months from start to use.
    """

    name: str
    projects: int
    live: int
    measured: int
    measured_hours: float | None
    months_to_live: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Specialists:
    """Make or buy, and what is known of the effect.

    Attributes
    ----------
    contract, training : Contract or None, Training or None
    hourly : Hourly or None
        What an own specialist's time costs; None without a price.
    months_cash : float or None
        Months of work from which the contract fee exceeds the fee of training one person (what stands in the budget).
    months_full : float or None
        The same with the hours of the trained person as a cost; None where a contracted month costs no more than an own one.
    supports : tuple of Support
    verdict, effect_sentence : str
        Marginal effect of external support: of the plan's question where one exists, else 判定不能 and why.
    state_support : str
        特別交付税, apart from all sums.
    sentences, notes : tuple of str
        Japanese, ready to print.
    """

    contract: Contract | None
    training: Training | None
    hourly: Hourly | None
    months_cash: float | None
    months_full: float | None
    supports: tuple[Support, ...]
    verdict: str
    effect_sentence: str
    state_support: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...]


def study_specialists(
    dataset: Dataset, *, plan: Plan, so_far: SoFar, contract_yen_per_month: float = 0.0, months_until_ready: float = 0.0, support_question: str = ""
) -> Specialists:
    """Make or buy from the cost lines and what is given.

    Parameters
    ----------
    contract_yen_per_month : float
        Yen; 0 reads it off the cost table.
    months_until_ready : float
        Months that somebody who was trained learns on the job before they do what a contracted specialist does; their hours are a cost.
    support_question : str
        The plan's question on external support, where there is one.

    Raises
    ------
    ParameterError
        A figure is negative, or the plan has no such question.
    DataError
        A cost line is wrong.
    """
    if not (contract_yen_per_month >= 0 and months_until_ready >= 0):
        raise ParameterError("金額と月数は0以上です", place="contract_yen_per_month、months_until_ready", hint="06 のノートのパラメータを直してください")
    if support_question and support_question not in {one.question_id for one in plan.questions}:
        raise ParameterError("この問いは計画にありません", place=support_question[:40], hint="plan.yaml の question_id を書いてください")
    policy = policy_on(plan.evaluated_fiscal_year.last.first_day, data=dataset.folder)
    price = None if so_far.budget is None else so_far.budget.price
    verdict = _verdict(so_far.evidence, question=support_question)
    terms = Terms(contract_yen_per_month=contract_yen_per_month, months_until_ready=months_until_ready, price=price, verdict=verdict)
    return find_specialists(dataset, plan=plan, reach=so_far.reach, policy=policy, terms=terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the tables do not tell: yen and months given in the notebook, the price of an hour, verdict and sentence of the plan's question."""

    contract_yen_per_month: float = 0.0
    months_until_ready: float = 0.0
    price: Price | None = None
    verdict: tuple[str, str] | None = None


def find_specialists(tables: Tables, *, plan: Plan, reach: pd.DataFrame | None, policy: PolicyVersion, terms: Terms) -> Specialists:
    """As `study_specialists`, from any tables; raises DataError as it does."""
    year = plan.evaluated_fiscal_year
    costs = read_costs(tables)
    contract = _contract(costs, given=terms.contract_yen_per_month, last=plan.request_fiscal_year)
    training = _training(costs, count_completion(tables) if reach is None else reach, policy=policy, year=year)
    monthly = float(parameter("hours_per_year").value) / 12
    ready = terms.months_until_ready
    hourly = None if terms.price is None else Hourly(yen=float(terms.price.yen_per_hour), hours_per_month=monthly, months_until_ready=ready)
    cash, full = break_even_months(contract, training, hourly=hourly)
    supports = _supports(tables, year=year)
    verdict, effect = terms.verdict or ("判定不能", _no_verdict(supports))
    return Specialists(
        contract=contract, training=training, hourly=hourly, months_cash=cash, months_full=full, supports=supports,
        verdict=verdict, effect_sentence=effect, state_support=_state_support(plan, contract),
        sentences=_sentences(contract, training, hourly=hourly, months=(cash, full)), notes=_notes(contract, training, terms=terms),
    )  # fmt: skip


def break_even_months(contract: Contract | None, training: Training | None, *, hourly: Hourly | None) -> tuple[float | None, float | None]:
    """Months of work at which contract and own training cost the same: in the budget alone, and with staff hours.

    Contract: ``F m``. Own: ``T`` in the budget; ``T + w a + w h (r + m)`` with the price ``w`` of an hour, ``a`` hours attended, ``h`` hours a month
    and ``r`` months until ready. So ``m = T / F`` and ``m = (T + w a + w h r) / (F - w h)``; None where something is not known or the lines do not meet.
    """
    if contract is None or training is None or contract.yen_per_month <= 0:
        return None, None
    cash = training.yen_per_person / contract.yen_per_month
    if hourly is None or contract.yen_per_month <= hourly.month_yen:
        return cash, None
    return cash, fixed_yen(training, hourly) / (contract.yen_per_month - hourly.month_yen)


def fixed_yen(training: Training, hourly: Hourly) -> float:
    """What one own specialist costs before the first month of work: fee, hours attended, months until ready; yen."""
    return training.yen_per_person + hourly.yen * training.hours_per_person + hourly.month_yen * hourly.months_until_ready


def _contract(costs: pd.DataFrame, *, given: float, last: FiscalYear) -> Contract | None:
    if given > 0:
        return Contract(yen_per_month=given, months=1.0, yen=int(given), source="ノートのパラメータ")
    rows = zip(costs["detail"], costs["project"], costs["fiscal_year"], costs["course_id"], strict=True)
    named = costs.loc[
        [year <= last.year and not course and any(word in f"{detail}{project}" for word in CONTRACT_WORDS) for detail, project, year, course in rows]
    ]
    for year in sorted({int(one) for one in named["fiscal_year"]}, reverse=True):
        paid, stage = year_cost(named, fiscal_year=FiscalYear(year))
        if paid.empty:
            paid, stage = named[(named["fiscal_year"] == year) & (named["stage"] == "要求")], "要求"
        paid = paid.loc[[value is not None and value > 0 for value in paid["quantity"]]]
        months = sum(float(one) for one in paid["quantity"])
        if months:
            yen = int(paid["yen"].sum())
            details = "、".join(dict.fromkeys(str(one) for one in paid["detail"]))
            return Contract(yen_per_month=yen / months, months=months, yen=yen, source=f"{FiscalYear(year).short}{stage}「{details}」の数量を月数として")
    return None


def _training(costs: pd.DataFrame, reach: pd.DataFrame, *, policy: PolicyVersion, year: FiscalYear) -> Training | None:
    """Of the courses that only specialists take."""
    courses = {one.course_id: one.course_name for one in policy.courses if one.tiers == (SPECIALIST,)}
    here = reach[(reach["fiscal_year"].astype(int) == year.year) & reach["course_id"].isin(list(courses))]
    persons = int(here["n_completed"].sum())
    attended = float(here["attendance_hours"].fillna(0).astype(float).sum())
    rows, stage = year_cost(costs, fiscal_year=year)
    paid = rows[rows["course_id"].isin([*courses, *courses.values()])]
    if not persons or paid.empty:
        return None
    names = "、".join(courses[course] for course in sorted(set(here["course_id"])))
    return Training(
        yen_per_person=int(paid["yen"].sum()) / persons, hours_per_person=attended / persons, source=f"{year.short}{stage}「{names}」の修了1人当たり"
    )


def _supports(tables: Tables, *, year: FiscalYear) -> tuple[Support, ...]:
    connection = tables.connect()
    try:
        projects = read_projects(connection, tables, end=(year.last + 1).first_day)
    finally:
        connection.close()
    return tuple(_support(SUPPORT_NAMES[key], projects[projects["support"] == key]) for key in SUPPORT_NAMES if (projects["support"] == key).any())


def _support(name: str, rows: pd.DataFrame) -> Support:
    live = rows[rows["live_on"].notna()]
    measured = live[live["realised"].notna() & live["basis"].isin(MEASURED)]
    days = (pd.to_datetime(live["live_on"]) - pd.to_datetime(live["started_on"])).dropna().dt.days
    return Support(
        name=name, projects=len(rows), live=len(live), measured=len(measured),
        measured_hours=float(measured["realised"].mean()) if len(measured) else None,
        months_to_live=statistics.median(float(one) for one in days) / DAYS_A_MONTH if len(days) else None,
    )  # fmt: skip


def _verdict(evidence: Mapping[str, Evidence], *, question: str) -> tuple[str, str] | None:
    if not question:
        return None
    found = evidence.get(question)
    return ("判定不能", "計画の問いですが、まだ推定していません。") if found is None else (found.verdict, found.headline_sentence)


def _no_verdict(supports: tuple[Support, ...]) -> str:
    if not any(one.name == SUPPORT_NAMES["external"] for one in supports):
        return (
            "外部の専門人材が支援した案件の記録がないため、支援が効いたかどうかはわかりません。表「支援案件」の「支援した人」に書くと、数だけは並べて示せます。"
        )
    return (
        "外部の支援を受けた課は、くじや順番で決まったものではなく、難しい業務や意欲のある課に偏っているかもしれません。"
        "案件どうしを比べた差は、支援の効果とは言えません。支援の順番をくじで決めて計画の問いにすれば、推定できます（08 のノート）。"
    )


def _state_support(plan: Plan, contract: Contract | None) -> str:
    rate = parameter("special_allocation_rate")
    base = f"特別交付税（{rate.source.removeprefix('特別交付税 ')}）"
    if rate.status == "unverified":
        year = plan.request_fiscal_year.wareki
        return f"{base}：{year}に対象となるか、措置率がいくつかは未確認で、確認が必要です。そのため額は示さず、どの計算からも引いていません。"
    amount = "" if contract is None else f"対象経費が{format_yen(contract.yen)}なら{format_yen(float(rate.value) * contract.yen)}に当たりますが、"
    return f"{base}：措置率{format_share(float(rate.value), 0)}。{amount}使い道の決まった財源ではないため、どの計算からも引いていません。"


def _sentences(contract: Contract | None, training: Training | None, *, hourly: Hourly | None, months: tuple[float | None, float | None]) -> tuple[str, ...]:
    found = []
    if contract is not None:
        found.append(f"外部に頼むと1人1か月{format_yen(contract.yen_per_month)}（{contract.source}）。")
    if training is not None:
        found.append(f"庁内で1人を育てると{format_yen(training.yen_per_person)}と受講{format_hours(training.hours_per_person)}（{training.source}）。")
    if months[0] is not None:
        found.append(f"予算に出る額だけで見ると、頼む月数が{format_number(months[0], 1)}か月を超えると育てるほうが少なくて済みます。")
    if months[1] is not None and hourly is not None:
        ready = f"、育つまでの{format_number(hourly.months_until_ready, 1)}か月" if hourly.months_until_ready else ""
        found.append(
            f"育てた職員の時間（1か月{format_hours(hourly.hours_per_month)}、1時間{format_yen(hourly.yen)}{ready}）も費用とみると、"
            f"{format_number(months[1], 1)}か月を超えると育てるほうが少なくて済みます。"
        )
    elif contract is not None and training is not None and hourly is not None:
        found.append("職員の時間も費用とみると、外部の1か月の額が職員の1か月の額を下回るため、何か月でも外部のほうが少なくて済みます。")
    return tuple(found)


def _notes(contract: Contract | None, training: Training | None, *, terms: Terms) -> tuple[str, ...]:
    found = []
    if contract is None:
        words = "・".join(CONTRACT_WORDS[:3])
        found.append(
            f"外部の専門人材の契約が費用の表に見当たりません（細節に「{words}」などの語があり、数量が月数の行を探しています）。"
            "06 のノートのパラメータで額を指定できます。"
        )
    if training is None:
        found.append("スペシャリスト向けの研修の費用か修了者がわからないため、育てる費用は示せません。費用の表の研修番号を確かめてください。")
    if terms.price is None:
        found.append("人件費の単価がないため、職員の時間は費用に入れていません。")
    if not terms.months_until_ready:
        found.append(
            "研修を終えればすぐ同じ働きをするものとして比べています。育つまでの月数を 06 のノートのパラメータに入れると、その間の時間も費用に加えます。"
        )
    found.append("異動で抜けることは入っていません。専門性の違いは金額に表れません。")
    found.append("1か月の時間は、年間の時間（data_schema/parameters.csv の hours_per_year、要確認）の12分の1です。")
    return tuple(found)

"""効果発現の第二段: measures that freed hours made possible (EBPM・イノベーション), and what changed for citizens (policy p.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kdx_eval.panel.tables import column
from kdx_eval.policy.yearly import Point, Trend, change_by_year, find_trend, indicator_by_year, value_text
from kdx_eval.schema import Indicator, load_indicators
from kdx_eval.units import FiscalYear, format_number

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.load import Dataset
    from kdx_eval.panel.tables import Tables
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar
    from kdx_eval.savings import Savings

FOR_CITIZENS = ("processing_days", "online_share", "satisfaction")
STATUS_WORDS: Mapping[str, str] = {"considered": "検討中", "trial": "試行", "running": "実施中", "ended": "終了", "": "記入なし"}
NO_EFFECT = "効果とは言えない"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure as the city wrote it.

    Attributes
    ----------
    department : str
        Name, or the code where the list of departments does not have it.
    status : str
        Japanese word.
    started_on : str
        ISO date, blank where not begun.
    hours : float or None
        Hours of the evaluated year redeployed to the destination that the measure names, in its department (in all, without one); None where there are none.
    indicators : tuple of str
        Titles of the indicator that it is to improve.
    """

    measure_id: str
    name: str
    department: str
    kind: str
    status: str
    started_on: str
    hours: float | None
    indicators: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of the plan on an indicator, with what was found: verdict and sentence in Japanese."""

    question_id: str
    title: str
    verdict: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenOutcome:
    """One indicator that citizens feel.

    Attributes
    ----------
    questions : tuple of Asked
        Empty where none was planned.
    points, trend : tuple of Point, Trend or None
        By fiscal year, as it was.
    sentence : str
        Japanese: the series in words, and that it is no effect.
    """

    indicator_id: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    questions: tuple[Asked, ...]
    points: tuple[Point, ...]
    trend: Trend | None
    sentence: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageB:
    """Where the hours went, what was begun with them, what changed for citizens.

    Attributes
    ----------
    created_hours : float or None
        Net hours that training freed in the evaluated year; None where they may not be claimed.
    redeployed_hours : float or None
        Hours documented as redeployed; None without records.
    destinations : tuple of (destination, hours, departments)
    """

    fiscal_year: int
    created_hours: float | None
    redeployed_hours: float | None
    destinations: tuple[tuple[str, float, int], ...]
    measures: tuple[Measure, ...]
    outcomes: tuple[CitizenOutcome, ...]
    notes: tuple[str, ...]

    @property
    def begun(self) -> int:
        """Measures on trial, running or ended."""
        return sum(one.status in {STATUS_WORDS[key] for key in ("trial", "running", "ended")} for one in self.measures)

    @property
    def redeployed_share(self) -> float:
        """再配分率: documented over created hours; NaN where either is not known."""
        known = self.created_hours is not None and self.created_hours > 0 and self.redeployed_hours is not None
        return (self.redeployed_hours or 0.0) / (self.created_hours or 1.0) if known else float("nan")


def study_stage_b(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> StageB:
    """Redeployment, measures and outcomes for citizens; an effect only where the plan asked for one."""
    return find_stage_b(dataset, plan=plan, evidence=so_far.evidence, savings=so_far.savings)


def find_stage_b(tables: Tables, *, plan: Plan, evidence: Mapping[str, Evidence], savings: Savings | None) -> StageB:
    """As `study_stage_b`, from any tables."""
    year = plan.evaluated_fiscal_year
    by_place = _redeployed(tables, year=year)
    measures, wanted = _measures(tables, by_place=by_place)
    destinations = sorted({name for _, name in by_place})
    listed = [
        (name, sum(hours for (_, to), hours in by_place.items() if to == name), len({home for home, to in by_place if to == name})) for name in destinations
    ]
    known = load_indicators()
    extra = [name for name in sorted(wanted) if name not in FOR_CITIZENS]
    outcomes = [_outcome(tables, name, known=known, plan=plan, evidence=evidence) for name in (*FOR_CITIZENS, *extra)]
    shown = tuple(one for one in outcomes if one.points or one.questions)
    created = savings.net.hours if savings is not None and savings.net is not None and savings.may_claim else None
    return StageB(
        fiscal_year=year.year, created_hours=created, redeployed_hours=sum(by_place.values()) if by_place else None,
        destinations=tuple(sorted(listed, key=lambda row: (-row[1], row[0]))), measures=measures, outcomes=shown,
        notes=_notes(tables, measures=measures, outcomes=shown, created=created),
    )  # fmt: skip


def _redeployed(tables: Tables, *, year: FiscalYear) -> dict[tuple[str, str], float]:
    """Hours of the year by department and destination."""
    if not tables.has("redeployment"):
        return {}
    target = column(tables, "redeployment", name="destination", kind="VARCHAR")
    connection = tables.connect()
    try:
        rows = connection.execute(
            f"""SELECT department_id, coalesce({target}, '使い道の記入なし') AS destination, CAST(sum(hours) AS DOUBLE) FROM redeployment
                WHERE fiscal_year = $year GROUP BY ALL ORDER BY ALL""",
            {"year": year.year},
        ).fetchall()
    finally:
        connection.close()
    return {(str(home), str(name)): float(hours) for home, name, hours in rows if hours is not None}


def _measures(tables: Tables, *, by_place: Mapping[tuple[str, str], float]) -> tuple[tuple[Measure, ...], set[str]]:
    """The measures and the ids of the indicators that they name."""
    if not tables.has("measures"):
        return (), set()
    names = ("department_id", "kind", "started_on", "status", "destination", "indicator_id", "evidence")
    kinds = {"started_on": "DATE"}
    parts = ", ".join(f"{column(tables, 'measures', name=name, kind=kinds.get(name, 'VARCHAR'))} AS {name}" for name in names)
    connection = tables.connect()
    try:
        rows = connection.execute(f"SELECT measure_id, measure_name, {parts} FROM measures ORDER BY measure_id").fetchall()
        called: dict[str, str] = {}
        if tables.has("departments") and "department_name" in tables.columns("departments"):
            called = dict(connection.execute("SELECT department_id, min(department_name) FROM departments GROUP BY 1 ORDER BY 1").fetchall())
    finally:
        connection.close()
    known = load_indicators()
    ids = {one.title: name for name, one in known.items()}
    found, wanted = [], set()
    for number, title, home, kind, started, status, destination, indicator, evidence in rows:
        fitting = [hours for (department, to), hours in by_place.items() if to == destination and (not home or department == home)]
        wanted |= {ids.get(indicator, indicator)} if indicator else set()
        shown = known[ids.get(indicator, indicator)].title if indicator and ids.get(indicator, indicator) in known else indicator
        found.append(
            Measure(
                measure_id=number, name=title, department=called.get(home, home) if home else "全庁", kind=kind or "", status=STATUS_WORDS[status or ""],
                started_on="" if started is None else started.isoformat(), hours=sum(fitting) if fitting else None,
                indicators=(shown,) if indicator else (), evidence=evidence or "",
            )
        )  # fmt: skip
    return tuple(found), wanted


def _outcome(tables: Tables, name: str, *, known: Mapping[str, Indicator], plan: Plan, evidence: Mapping[str, Evidence]) -> CitizenOutcome:
    asked = [one for one in plan.questions if one.outcome.table == "indicators" and one.outcome.indicator_id == name]
    indicator = known.get(name)
    title = indicator.title if indicator else asked[0].outcome.label if asked else name
    unit = indicator.unit if indicator else ""
    better = indicator.better if indicator else asked[0].outcome.better if asked else "higher"
    points, note = indicator_by_year(tables, name, unit=unit, last=plan.evaluated_fiscal_year)
    trend = find_trend(points, breaks=())
    questions = tuple(
        Asked(question_id=one.question_id, title=one.title, verdict=found.verdict, sentence=found.headline_sentence)
        if (found := evidence.get(one.question_id)) is not None
        else Asked(question_id=one.question_id, title=one.title, verdict="未推定", sentence=f"{one.title}：計画の問いですが、まだ推定していません。")
        for one in asked
    )
    sentence = _series_sentence(points, trend, unit=unit, asked=bool(asked))
    return CitizenOutcome(
        indicator_id=name, title=title, unit=unit, better=better, questions=questions, points=points, trend=trend, sentence=sentence, note=note
    )  # fmt: skip


def _series_sentence(points: tuple[Point, ...], trend: Trend | None, *, unit: str, asked: bool) -> str:
    if not points:
        return "測った値がありません。"
    last = points[-1]
    parts = [f"{FiscalYear(last.fiscal_year).short}年度は{value_text(last.value, unit)}"]
    if trend is not None:
        parts.append(f"{FiscalYear(trend.first).short}年度との差は{change_by_year(trend.difference, unit)}")
    end = "このうち研修によると言える分は、計画した問いの判定のとおり" if asked else f"比べる相手を決めた問いが計画にないため、この動きは{NO_EFFECT}"
    return "、".join(parts) + f"。{end}。"


def _notes(tables: Tables, *, measures: tuple[Measure, ...], outcomes: tuple[CitizenOutcome, ...], created: float | None) -> tuple[str, ...]:
    found = []
    if created is None:
        found.append("生まれた時間を効果として主張できないため、再配分率は示しません。")
    if not tables.has("redeployment"):
        found.append("再配分の記録がないため、生まれた時間の使い道はわかりません。")
    if not measures:
        found.append("施策の記録がありません。表「施策」に、生まれた時間で始めた施策を書いてください。")
    loose = sum(one.hours is None and one.status != STATUS_WORDS["considered"] for one in measures)
    if loose:
        found.append(f"始めた施策のうち{format_number(loose)}件は、再配分の記録とつながりません（再配分先の名前か所属が違います）。")
    unmeasured = [one.name for one in measures if not one.indicators]
    if unmeasured:
        found.append(f"市民にとっての指標が書かれていない施策があります（{format_number(len(unmeasured))}件）。何が良くなるはずかを書いてください。")
    if not outcomes:
        found.append("処理日数・オンライン申請率・満足度のどれも測られていないため、市民に何が変わったかはわかりません。")
    elif not any(one.questions for one in outcomes):
        found.append(
            "市民にとっての指標を、比べる相手のある問いとして計画に入れると、時間と同じ方法で効果を推定できます"
            "（plan.yaml の outcome: indicators.processing_days など）。"
        )
    else:
        found.append("問いの判定は、研修を受けた課とまだ受けていない課の差です。どの施策の効果かを分けたものではありません。")
    return tuple(found)

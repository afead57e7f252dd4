"""めざす姿: the policy's Before and After as indicators, by fiscal year against yearly targets (the policy has no final year)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from kdx_eval.panel.reach import count_completion
from kdx_eval.panel.tables import column
from kdx_eval.policy.cycle_facts import cycle_facts
from kdx_eval.policy.vision_series import own_series
from kdx_eval.policy.yearly import Point, Trend, change_by_year, find_trend, indicator_by_year, value_text
from kdx_eval.schema import load_indicators
from kdx_eval.schema.policy_version import PolicyVersion, definition_breaks, policy_on
from kdx_eval.units import FiscalYear, Month

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.load import Dataset
    from kdx_eval.panel.tables import Tables
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar

Better: TypeAlias = Literal["higher", "lower"]
Status: TypeAlias = Literal["達成", "未達", "目標なし", "実績なし"]
# Before -> After (policy p.2), verbatim but for line breaks.
LITERACY = ("職員間でのデジタルリテラシーのばらつき", "職員全体のDXマインドセットの浸透")
ANALOGUE = ("多くの業務でアナログ的な方法が残っている", "改善・改革へのチャレンジ")
NEEDS = ("市民の期待やニーズが多様化している", "DXスペシャリスト人材を中心として組織全体で解決できる体制づくり")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target of one fiscal year and where it stands."""

    fiscal_year: int
    value: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionIndicator:
    """One indicator of the policy's めざす姿.

    Attributes
    ----------
    indicator_id, title, unit : str
    better : {"higher", "lower"}
    before, after : str
        The policy's words that it stands for.
    points : tuple of Point
        Whole fiscal years, oldest first.
    targets : tuple of Target
    trend : Trend or None
    status : str
        Of the evaluated year.
    sentence, note : str
        Japanese, ready to print; the note says what was left out.
    """

    indicator_id: str
    title: str
    unit: str
    better: Better
    before: str
    after: str
    points: tuple[Point, ...]
    targets: tuple[Target, ...]
    trend: Trend | None
    status: Status
    sentence: str
    note: str

    def at(self, year: int) -> float | None:
        """The value of a fiscal year, None where it is not known."""
        return next((one.value for one in self.points if one.fiscal_year == year), None)

    def target(self, year: int) -> float | None:
        """The target of a fiscal year, None where there is none."""
        return next((one.value for one in self.targets if one.fiscal_year == year), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """All indicators in the order of the policy, and notes."""

    fiscal_year: int
    indicators: tuple[VisionIndicator, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    indicator_id: str
    title: str
    unit: str
    better: Better
    words: tuple[str, str]
    breaks: tuple[str, ...] = ()  # ids of the policy whose change breaks the series


_OWN = (
    _Known(indicator_id="literacy_spread", title="DXリテラシーのばらつき（標準偏差）", unit="点", better="lower", words=LITERACY, breaks=("literacy",)),
    _Known(indicator_id="literacy_mean", title="DXリテラシーの平均", unit="点", better="higher", words=LITERACY, breaks=("literacy",)),
    _Known(indicator_id="challenge_share", title="改善の案件がある課の割合", unit="割合", better="higher", words=ANALOGUE),
    _Known(indicator_id="knowledge_share", title="ナレッジを使う課の割合", unit="割合", better="higher", words=NEEDS),
    _Known(indicator_id="in_house_share", title="内製化率（必修を除く受講時間）", unit="割合", better="higher", words=NEEDS),
    _Known(indicator_id="specialists", title="DXスペシャリスト人材の人数", unit="人", better="higher", words=NEEDS, breaks=("specialist",)),
)
_OF_TABLE: Mapping[str, tuple[str, str]] = {
    "online_share": ANALOGUE, "online_forms": ANALOGUE, "genai_uses": ANALOGUE, "rpa_hours": ANALOGUE, "processing_days": NEEDS, "satisfaction": NEEDS,
}  # fmt: skip


def study_vision(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> Vision:
    """Every indicator for which there is data or a target.

    Raises
    ------
    PlanError
        There is no training table.
    """
    policy = policy_on(plan.evaluated_fiscal_year.last.first_day, data=dataset.folder)
    return find_vision(dataset, plan=plan, reach=so_far.reach, policies=dataset.policies(), policy=policy)


def find_vision(tables: Tables, *, plan: Plan, reach: pd.DataFrame | None, policies: tuple[PolicyVersion, ...], policy: PolicyVersion) -> Vision:
    """As `study_vision`, from any tables; raises as it does."""
    year = plan.evaluated_fiscal_year
    targets = read_targets(tables)
    own = own_series(tables, cycle_facts(tables, year=year, policy=policy), reached=count_completion(tables) if reach is None else reach, year=year)
    found = []
    for known in (*_OWN, *_of_table()):
        points, note = own[known.indicator_id] if known.indicator_id in own else indicator_by_year(tables, known.indicator_id, unit=known.unit, last=year)
        wanted = tuple(sorted((*targets.pop(known.indicator_id, ()), *targets.pop(_plain(known.title), ())), key=lambda one: one.fiscal_year))
        found.append(_judged(known, points, note=note, targets=wanted, breaks=definition_breaks(known.breaks, policies), year=year))
    shown = tuple(one for one in found if one.points or one.targets)
    return Vision(fiscal_year=year.year, indicators=shown, notes=_notes(shown, unknown=tuple(sorted(targets))))


def _of_table() -> tuple[_Known, ...]:
    known = load_indicators()
    return tuple(
        _Known(indicator_id=name, title=known[name].title, unit=known[name].unit, better=known[name].better, words=words) for name, words in _OF_TABLE.items()
    )


def read_targets(tables: Tables) -> dict[str, tuple[Target, ...]]:
    """Targets by indicator as written (its id or its title), in one form of the letters."""
    if not tables.has("targets"):
        return {}
    source = column(tables, "targets", name="source", kind="VARCHAR")
    connection = tables.connect()
    try:
        rows = connection.execute(
            f"SELECT indicator_id, fiscal_year, CAST(value AS DOUBLE), coalesce({source}, '') FROM targets WHERE value IS NOT NULL ORDER BY ALL"
        ).fetchall()
    finally:
        connection.close()
    found: dict[str, list[Target]] = {}
    for name, year, value, text in rows:
        found.setdefault(_plain(name), []).append(Target(fiscal_year=int(year), value=float(value), source=text))
    return {name: tuple(targets) for name, targets in found.items()}


def _plain(name: str) -> str:
    """Full and half width alike: the loader writes brackets of one kind."""
    return unicodedata.normalize("NFKC", name).strip()


def _judged(
    known: _Known, points: tuple[Point, ...], *, note: str, targets: tuple[Target, ...], breaks: tuple[Month, ...], year: FiscalYear
) -> VisionIndicator:
    value = next((one.value for one in points if one.fiscal_year == year.year), None)
    target = next((one.value for one in targets if one.fiscal_year == year.year), None)
    trend = find_trend(points, breaks=breaks)
    return VisionIndicator(
        indicator_id=known.indicator_id, title=known.title, unit=known.unit, better=known.better, before=known.words[0], after=known.words[1],
        points=points, targets=targets, trend=trend, status=_status(value, target, better=known.better), note=note,
        sentence=_sentence(known, value=value, target=target, trend=trend),
    )  # fmt: skip


def _status(value: float | None, target: float | None, *, better: Better) -> Status:
    if value is None:
        return "実績なし"
    if target is None:
        return "目標なし"
    return "達成" if (value >= target if better == "higher" else value <= target) else "未達"


def _sentence(known: _Known, *, value: float | None, target: float | None, trend: Trend | None) -> str:
    parts = ["評価年度の実績がありません" if value is None else f"実績{value_text(value, known.unit)}"]
    parts.append("目標の定めがありません" if target is None else f"目標{value_text(target, known.unit)}")
    if trend is not None:
        years = f"{FiscalYear(trend.first).short}→{FiscalYear(trend.last).short}"
        if trend.per_year is None:
            parts.append(f"{years}の差は{change_by_year(trend.difference, known.unit)}（2年だけのため傾向は示しません）")
        else:
            parts.append(f"{years}の傾向は1年当たり{change_by_year(trend.per_year, known.unit)}")
    return "。".join(parts) + "。"


def _notes(shown: tuple[VisionIndicator, ...], *, unknown: tuple[str, ...]) -> tuple[str, ...]:
    found = [
        "方針には期限がないため、年度ごとの目標と傾向で見ます。傾向は、定義が変わっていない年度だけで計算しています。実績の動きは、研修の効果とは言えません。"
    ]
    if not any(one.targets for one in shown):
        found.append("目標の記入がありません。表「目標」（指標・年度・目標値・出典）に書くと、実績と並べて示します。")
    sourceless = [one.title for one in shown if any(not target.source for target in one.targets)]
    if sourceless:
        found.append(f"出典の書かれていない目標があります（{'、'.join(sourceless)}）。どの計画で定めたかを書いてください。")
    if unknown:
        found.append(
            f"目標の指標のうち、次のものはどの指標の名前とも合いません：{'、'.join(one[:24] for one in unknown)}。下の表の名前のとおりに書いてください。"
        )
    return tuple(found)

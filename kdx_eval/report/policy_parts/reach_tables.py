"""Tables of catalogue and reach for the notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kdx_eval.report.policy_parts.masked import HIDDEN, count_text, persons_text, share_text, value_text
from kdx_eval.units import FiscalYear, format_number

if TYPE_CHECKING:
    from kdx_eval.policy.applications import Applications
    from kdx_eval.policy.tier_reach import TierReach
    from kdx_eval.report.policy_parts.section import Maker

UNCLEAR = "（読み取れない）"


def call_text(call: Applications) -> str:
    """What was applied for, and when."""
    when = "年度の記入なし" if call.year is None else FiscalYear(call.year).wareki
    return f"{'庁内公募' if call.is_post else '研修'}　{call.called}（{when}）"


def _courses(found: TierReach) -> Iterable[Sequence[str]]:
    for one in found.courses:
        share = "－" if one.completion_share is None else share_text(one.completion_share)
        cost = "－" if one.cost_yen is None else f"{format_number(one.cost_yen)}円"
        each = "－" if one.yen_per_completion is None else f"{format_number(one.yen_per_completion)}円"
        who = "、".join(one.tiers) or "一覧にない"
        by_tier = "、".join(f"{tier}{count_text(persons)}" for tier, persons in one.by_tier)
        counts = (count_text(one.enrolled), count_text(one.completed))
        yield one.course, "、".join(one.areas), who, *counts, HIDDEN if None in (one.enrolled, one.completed) else share, cost, each, by_tier, one.note


def _tiers(found: TierReach) -> Iterable[Sequence[str]]:
    for one in found.tiers:
        filled = ("－", "－") if one.filled is None else (count_text(one.target), share_text(one.filled))
        yield one.tier, f"{FiscalYear(one.year).wareki}4月1日", count_text(one.persons), *filled, one.source


def _moves(found: TierReach) -> Iterable[Sequence[str]]:
    yield from ((one.before, one.after, count_text(one.persons)) for one in found.moves)


def _retention(found: TierReach) -> Iterable[Sequence[str]]:
    yield from ((one.tier, f"{one.later}年後", persons_text(one.persons), value_text(one.share, one.persons, shown=share_text)) for one in found.retention)


def _staying(found: TierReach) -> Iterable[Sequence[str]]:
    for one in found.staying:
        texts = (value_text(value, one.persons, shown=share_text) for value in (one.same, one.elsewhere, one.gone))
        yield one.course, f"{one.later}年後", persons_text(one.persons), *texts


def _calls(found: TierReach) -> Iterable[Sequence[str]]:
    for one in found.applications:
        outcomes = "、".join(f"{title}{count_text(persons)}" for title, persons in one.outcomes if persons != 0)
        yield call_text(one), count_text(one.applicants), outcomes, "－" if one.competition is None else f"{format_number(one.competition, 1)}倍"


def _notes(found: TierReach) -> Iterable[Sequence[str]]:
    yield from ((note,) for note in found.notes)


TABLES: Mapping[str, Maker] = {
    "reach_courses": (("研修", "領域", "対象の区分", "受講者", "修了者", "修了率", "費用", "修了1人当たり", "区分ごとの受講者", "注"), _courses),
    "reach_tiers": (("区分", "時点", "人数", "必要な人数", "充足率", "必要な人数の根拠"), _tiers),
    "reach_moves": (("前の年の区分", "次の年の区分", "人数（延べ）"), _moves),
    "reach_retention": (("区分", "時点", "もとの人数（延べ）", "同じ区分にいる割合"), _retention),
    "reach_staying": (("研修", "修了してから", "修了した人", "同じ課にいる（定着率）", "ほかの課にいる", "在籍していない"), _staying),
    "reach_calls": (("募集", "応募者", "選考の結果", "倍率"), _calls),
    "reach_notes": (("前提",), _notes),
}

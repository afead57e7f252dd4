"""What has to be said beside the skill map, in Japanese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.units import FiscalYear, format_number

if TYPE_CHECKING:
    from kdx_eval.policy.course_cover import CellCover
    from kdx_eval.schema.policy_version import PolicyVersion

BEHAVIOUR = "マスに書かれているのは行動です（「行う」「リードする」など）。テストの得点は知識の確認で、行動の証拠にはなりません。自己評価は本人の見方です。"
NOTHING = "スキル評価と人材区分の記録がそろわないため、達成率は計算していません（データなし）。研修の一覧がどのマスを覆うかだけを示します。"
DESCRIPTION = "受講した人の前後の差は、研修の効果ではありません（伸びる人が受講した可能性が残ります）。効果は、対照と比べた問いで見ます。"


def notes_on(
    policy: PolicyVersion, *, cells: Sequence[tuple[str, int, float | None, bool]], covers: Sequence[CellCover], year: int, lead: str
) -> tuple[str, ...]:
    """Sentences from (instrument, year, required level, masked) of the cells and from what the catalogue covers."""
    found = [] if cells else [NOTHING]
    if cells:
        found.append(BEHAVIOUR)
        found.append(DESCRIPTION)
    for instrument, used in dict.fromkeys((instrument, used) for instrument, used, _, _ in cells):
        if used != year:
            found.append(f"{instrument}は、評価年度に行われていないため、{FiscalYear(used).wareki}のものです。")
    masked = sum(hidden for instrument, *_, hidden in cells if instrument == lead)
    if masked:
        found.append(f"{SMALL_CELL}人に満たないマス（{lead}では{format_number(masked)}マス）は秘匿です。人数のほか、値も出しません。")
    if cells and any(level.status == "assumption" for level in policy.supplements.levels):
        place = f"policy/{policy.version}/required_levels.csv"
        found.append(
            f"必要水準は方針に定めがなく、仮のものです（前提）。市で決めた水準は、データのフォルダーの {place} に書くと置き換わります"
            "（様式は kdx-eval templates が書き出します。決めた行の status は decided とします）。"
        )
    if cells and any(required is None for _, _, required, _ in cells):
        found.append("必要水準のないマスは、達成率を計算していません（required_levels.csv に行がありません）。")
    gaps = [f"{cover.tier}の{cover.skill_area}" for cover in covers if cover.cover != "named"]
    if gaps:
        found.append(f"研修の一覧に、はっきり名前のある研修がないマスは{format_number(len(gaps))}つです（{'、'.join(gaps)}）。")
    compulsory = [f"{cover.tier}の{cover.skill_area}" for cover in covers if cover.compulsory_only]
    if compulsory:
        found.append(f"{'、'.join(compulsory)}は、名前のある研修が必修だけです。受けない人がいないので比べられず、修了の状況だけを示せます。")
    return tuple(found)

"""What has to be said beside catalogue and reach, in Japanese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from kdx_eval.policy.course_cover import CellCover
    from kdx_eval.policy.course_reach import CourseReach

_NO_COSTS = "評価年度の費用の表がないため、修了1人当たりの費用は示せません（データなし）。"
_NO_TIERS = "DX人材区分履歴がないため、区分ごとの人数・異動・在籍の継続は示せません（データなし）。"
_NO_STAYING = "所属履歴と修了日がそろわないため、定着率は示せません（データなし）。"
_NO_APPLICANTS = "応募者の記録がないため、公募の応募と選考は示せません（データなし）。"
_NO_TARGETS = "必要な人数の定めがないため、充足率は計算していません。policy フォルダーに tier_targets.csv（区分・年度・人数・根拠）を置くと計算します。"


def notes_on(
    *, covers: Sequence[CellCover], stage: str, has: tuple[bool, bool, bool, bool], courses: Sequence[CourseReach], faults: tuple[int, int, int]
) -> tuple[str, ...]:
    """Sentences on gaps of the catalogue, on what is masked and on what is not recorded.

    ``has``: tiers, staying, applicants, targets; ``faults``: overlaps, gaps and unknown tiers in the history of tiers.
    """
    gaps = [cover for cover in covers if cover.cover != "named"]
    found = []
    if gaps:
        listed = "、".join(f"{cover.tier}の{cover.skill_area}（{'読み取れない研修だけ' if cover.cover == 'unclear' else '研修なし'}）" for cover in gaps)
        found.append(f"はっきり名前のある研修がないマス：{listed}。")
    if any("（読み取れない）" in tier for course in courses for tier in course.tiers):
        found.append("「読み取れない」は、R6実績の図で委託研修の枠がどの区分にかかるか分からないものです。course_catalogue.csv の tiers_unclear で直せます。")
    if has[0] or has[2]:
        found.append(
            f"受講と修了の人数は、庁内限りの資料ではそのまま示します。区分の動き・定着・応募は、{SMALL_CELL}人に満たない人数と、差し引けばそれが分かる人数を秘匿にします。"
        )
    found.append(f"費用は{stage}の額です（費用の表で研修番号のある行）。" if stage else _NO_COSTS)
    missing = (_NO_TIERS, _NO_STAYING, _NO_APPLICANTS, _NO_TARGETS)
    found += [sentence for present, sentence in zip(has, missing, strict=True) if not present]
    overlaps, holes, strange = faults
    if overlaps:
        found.append(f"DX人材区分履歴で、前の行が終わる前に始まる行が{format_number(overlaps)}行あります。始まりの遅い方の区分で数えました。")
    if holes:
        found.append(f"DX人材区分履歴で、前の行との間に空白のある行が{format_number(holes)}行あります。空白の間は、どの区分にも数えていません。")
    if strange:
        found.append(f"DX人材区分履歴で、方針にない区分の行が{format_number(strange)}行あります。どの区分にも数えていません。区分の名前を直してください。")
    unknown = sum(not course.areas for course in courses)
    if unknown:
        more = "course_catalogue.csv に加えると、マスと区分が付きます。"
        found.append(f"受講記録にあって方針の研修の一覧にない研修が{format_number(unknown)}種類あります。{more}")
    return tuple(found)

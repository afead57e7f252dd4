"""The skill map's tables for the notebook, and how its rows are chosen for documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kdx_eval.report.policy_parts.masked import SPREAD, count_text, persons_text, points_text, share_text, signed_text, value_text
from kdx_eval.units import FiscalYear, format_value

if TYPE_CHECKING:
    from kdx_eval.policy.skills import Closing, SkillCell, Skills, SkillYear
    from kdx_eval.report.policy_parts.section import Maker

_STATUS = {"assumption": "仮の水準", "decided": "市が決めた水準", "": ""}
_COVER = {"named": "あり", "unclear": "読み取れない研修だけ", "none": "なし"}


def lead_cells(found: Skills) -> list[tuple[int, SkillCell]]:
    """The cells of the instrument shown first, with their places."""
    return [(place, cell) for place, cell in enumerate(found.cells) if cell.instrument == found.lead]


def level_mark(found: Skills) -> str:
    """What stands wherever a share or a gap rests on required levels that nobody decided: ``仮の水準``, in part ``一部は仮の水準``, else nothing."""
    told = {cell.status for cell in found.cells if cell.required is not None}
    return "" if "assumption" not in told else "仮の水準" if told == {"assumption"} else "一部は仮の水準"


def need_text(cell: SkillCell) -> str:
    """``3``, ``3（仮）`` where the level is an assumption, ``－`` without one."""
    return "－" if cell.required is None else format_value(cell.required) + ("（仮）" if cell.status == "assumption" else "")


def with_mark(text: str, found: Skills) -> str:
    """A caption with the mark."""
    mark = level_mark(found)
    return f"{text}【{mark}】" if mark else text


def first_and_last(found: Skills) -> list[tuple[SkillYear, SkillYear]]:
    """First and last year of every cell that was assessed in two, by the instrument shown first; compared only if nothing changed in between."""
    by_cell: dict[tuple[str, str], list[SkillYear]] = {}
    for one in found.years:
        if one.instrument == found.lead:
            by_cell.setdefault((one.tier, one.skill_area), []).append(one)
    # What was redefined begins anew: the first year is that from which all later ones are comparable, or the one just before.
    return [(_start(years), years[-1]) for years in by_cell.values() if len(years) > 1]


def _start(years: Sequence[SkillYear]) -> SkillYear:
    place = len(years) - 1
    while place > 0 and years[place].is_comparable:
        place -= 1
    return years[place] if place < len(years) - 1 else years[-2]


def lacks_course(found: Skills) -> set[tuple[str, str]]:
    """(tier, area) of the cells without a course that is surely for them."""
    return {(cover.tier, cover.skill_area) for cover in found.covers if cover.cover != "named"}


def department_ranges(found: Skills) -> list[tuple[str, int, int, float | None, float | None]]:
    """Area, departments shown and masked, lowest and highest share."""
    result = []
    areas = [area for area, _, _ in found.departments[0].areas] if found.departments else []
    for place, area in enumerate(areas):
        cells = [department.areas[place] for department in found.departments]
        shares = [share for _, _, share in cells if share is not None]
        masked = sum(persons is None for _, persons, _ in cells)
        result.append((area, len(shares), masked, min(shares, default=None), max(shares, default=None)))
    return result


def course_text(closing: Closing) -> str:
    """The courses for a cell, those of which the document does not show it apart."""
    unclear = f"（読み取れない：{'、'.join(closing.unclear)}）" if closing.unclear else ""
    return ("、".join(closing.courses) or "なし") + unclear


def _cells(found: Skills) -> Iterable[Sequence[str]]:
    for cell in found.cells:
        need = need_text(cell)
        texts = (value_text(getattr(cell.spread, field), cell.spread.persons, shown=shown) for field, (_, _, shown) in SPREAD.items())
        yield cell.instrument, cell.tier, cell.skill_area, FiscalYear(cell.year).short, need, persons_text(cell.spread.persons), *texts


def _texts(found: Skills) -> Iterable[Sequence[str]]:
    rows: dict[tuple[str, str, str], list[str]] = {}
    for cell in found.cells:
        need = "なし" if cell.required is None else f"{format_value(cell.required)}（{_STATUS.get(cell.status, cell.status)}）"
        rows.setdefault((cell.tier, cell.skill_area, cell.text), []).append(f"{cell.instrument}{need}")
    yield from ((*key, "、".join(needs)) for key, needs in rows.items())


def _years(found: Skills) -> Iterable[Sequence[str]]:
    for one in found.years:
        fields = ("mean", "deviation", "width", "below")
        texts = (value_text(getattr(one.spread, field), one.spread.persons, shown=SPREAD[field][2]) for field in fields)
        broken = "" if one.is_comparable else "前の年度とは定義が違うため、比べません"
        yield one.instrument, one.tier, one.skill_area, FiscalYear(one.year).short, persons_text(one.spread.persons), *texts, broken


def _gains(found: Skills) -> Iterable[Sequence[str]]:
    for one in found.gains:
        gain = one.gain
        values = ((gain.before, points_text), (gain.after, points_text), (gain.gain, signed_text))
        texts = (value_text(value, gain.persons, shown=shown) for value, shown in values)
        span = "" if gain.low is None or gain.high is None else f"{signed_text(gain.low)}～{signed_text(gain.high)}"
        yield one.instrument, one.skill_area, one.group, persons_text(gain.persons), *texts, span


def _agreements(found: Skills) -> Iterable[Sequence[str]]:
    for one in found.agreements:
        both = one.agreement
        shares = (both.self_attained, both.test_attained, both.self_only, both.test_only)
        texts = (value_text(share, both.persons, shown=share_text) for share in shares)
        yield one.skill_area, persons_text(both.persons), *texts, value_text(both.correlation, both.persons, shown=points_text)


def _departments(found: Skills) -> Iterable[Sequence[str]]:
    for department in found.departments:
        told = (f"{area} {value_text(share, persons, shown=share_text)}" for area, persons, share in department.areas if persons != 0)
        counts = [persons for _, persons, _ in department.areas if persons != 0]
        smallest = None if None in counts else min((persons for persons in counts if persons is not None), default=0)
        yield department.department, persons_text(smallest), "、".join(told)


def _closings(found: Skills) -> Iterable[Sequence[str]]:
    for one in found.closings:
        yield one.tier, one.skill_area, count_text(one.short), count_text(one.unreached), course_text(one)


def _covers(found: Skills) -> Iterable[Sequence[str]]:
    for one in found.covers:
        named, unclear = ("、".join(names) or "－" for names in (one.named, one.unclear))
        yield one.tier, one.skill_area, _COVER[one.cover], named, unclear, "必修だけ" if one.compulsory_only else ""


TABLES: Mapping[str, Maker] = {
    "skill_cells": (
        ("評価方法", "区分", "領域", "年度", "必要水準", "人数", "達成率", "水準未満", "差", "平均", "標準偏差", "P90－P10", "最低点", "最高点"),
        _cells,
    ),
    "skill_texts": (("区分", "領域", "方針の文", "必要水準"), _texts),
    "skill_years": (("評価方法", "区分", "領域", "年度", "人数", "平均", "標準偏差", "P90－P10", "水準未満", "注"), _years),
    "skill_gains": (("評価方法", "領域", "その領域の研修", "人数", "前", "後", "前後の差", "95%の幅"), _gains),
    "skill_agreements": (("領域", "人数", "自己評価で達成", "テストで達成", "自己評価だけ", "テストだけ", "順位相関"), _agreements),
    "skill_departments": (("課", "人数", "達成率"), _departments),
    "skill_closings": (("区分", "領域", "満たない人", "うち研修がまだ", "埋められる研修（必修を除く）"), _closings),
    "skill_covers": (("区分", "領域", "名前のある研修", "研修", "区分が読み取れない研修", "注"), _covers),
}  # fmt: skip

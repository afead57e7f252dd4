"""Two versions of the policy beside each other, and the spans of time over which a figure means the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

from kdx_eval.schema.policy_version.types import CatalogueCourse, ChangeKind, PolicyChange, PolicyVersion
from kdx_eval.units import Month


def differences(old: PolicyVersion, new: PolicyVersion) -> tuple[PolicyChange, ...]:
    """What was added, dropped or worded otherwise from ``old`` to ``new``; blanks and line breaks do not count."""
    changes: list[PolicyChange] = []
    compared: tuple[tuple[ChangeKind, str, Callable[[PolicyVersion], Mapping[str, tuple[str, str]]]], ...] = (
        ("tier", "区分", lambda one: {tier.tier_id: (tier.tier, tier.tier + tier.definition + tier.role + tier.membership) for tier in one.tiers}),
        ("skill_area", "スキル領域", lambda one: {area.skill_area_id: (area.skill_area, area.skill_area + area.definition) for area in one.skill_areas}),
        ("cell", "スキルマップ", _cells),
        ("level", "必要水準", _levels),
        ("course", "研修", lambda one: {course.course_id: (course.course_name, _course_text(course)) for course in one.courses}),
        ("plan_link", "上位計画", lambda one: {f"{link.plan}/{link.item}": (f"{link.plan} {link.item}", link.quote) for link in one.plan_links}),
    )
    for kind, title, read in compared:
        before, after = read(old), read(new)
        for item in [*before, *(item for item in after if item not in before)]:
            what = "なくなりました" if item not in after else "加わりました" if item not in before else "変わりました"
            if item in before and item in after and _squeezed(before[item][1]) == _squeezed(after[item][1]):
                continue
            name = (after.get(item) or before[item])[0]
            changes.append(PolicyChange(kind=kind, item=item, sentence=f"{title}「{name}」が{what}（{old.version} → {new.version}）"))
    return tuple(changes)


def definition_breaks(items: tuple[str, ...], policies: tuple[PolicyVersion, ...]) -> tuple[Month, ...]:
    """Months from which one of ``items`` means something else than before.

    Parameters
    ----------
    items : tuple of str
        Ids as in `PolicyChange`: a tier, a skill area, a cell ``tier/area`` (which also changes with its tier or area), or a course.
    policies : tuple of PolicyVersion
        In any order; at least the versions over which the series runs.
    """
    ordered = sorted(policies, key=lambda one: one.effective_from)
    wanted = {part for item in items for part in (item, *item.split("/"))}
    breaks = []
    for old, new in pairwise(ordered):
        if any(change.item in wanted for change in differences(old, new) if change.kind != "plan_link"):
            breaks.append(Month.of_date(new.effective_from))
    return tuple(breaks)


def comparable_spans(first: Month, last: Month, *, breaks: tuple[Month, ...]) -> tuple[tuple[Month, Month], ...]:
    """The months from ``first`` to ``last`` cut at each break: only figures of one span may be differenced or trended."""
    if last < first:
        return ()
    starts = [first, *sorted({month for month in breaks if first < month <= last})]
    return tuple(zip(starts, [*(start + -1 for start in starts[1:]), last], strict=True))


def are_comparable(one: Month, other: Month, *, breaks: tuple[Month, ...]) -> bool:
    """Whether no definition changed between the two months, so that their figures may be differenced."""
    low, high = sorted((one, other))
    return len(comparable_spans(low, high, breaks=breaks)) == 1


def _cells(policy: PolicyVersion) -> dict[str, tuple[str, str]]:
    tiers = {tier.tier_id: tier.tier for tier in policy.tiers}
    areas = {area.skill_area_id: area.skill_area for area in policy.skill_areas}
    return {f"{tier}/{area}": (f"{tiers[tier]}・{areas[area]}", text) for (tier, area), text in policy.skill_map.items()}


def _levels(policy: PolicyVersion) -> dict[str, tuple[str, str]]:
    """Required levels by cell, over all instruments."""
    names, found = _cells(policy), dict[str, tuple[str, str]]()
    for level in policy.supplements.levels:
        cell = f"{level.tier_id}/{level.skill_area_id}"
        text = f"{level.instrument}:{level.scale_min:g}-{level.scale_max:g}>={level.required:g}"
        found[cell] = (names[cell][0], f"{found.get(cell, ('', ''))[1]}|{text}")
    return found


def _course_text(course: CatalogueCourse) -> str:
    parts = (course.course_name, course.group, course.provider, course.delivery, str(course.phase), str(course.compulsory), course.role_type)
    return "|".join((*parts, *sorted(course.skill_areas), *sorted(course.tiers), *sorted(f"{tier}?" for tier in course.tiers_unclear)))


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)

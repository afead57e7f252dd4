"""The form in which a city sets the required levels of the skill map: the shipped assumptions, with the policy's words beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdx_eval.schema.policy_version import Instrument, PolicyVersion

_INSTRUMENTS: Mapping[Instrument, str] = {"self": "自己評価", "supervisor": "上司評価", "test": "テスト"}
_FIELDS = ("tier_id", "skill_area_id", "instrument", "scale_min", "scale_max", "required", "status", "note")
_READABLE = ("区分", "領域", "評価方法", "方針の文")  # for whoever fills it in; the toolkit does not read them


def levels_file(policy: PolicyVersion) -> str:
    """Where it belongs, in the folder of forms as in the data folder."""
    return f"policy/{policy.version}/required_levels.csv"


def levels_form(policy: PolicyVersion) -> bytes:
    """CSV as Excel opens it (UTF-8 with a mark, CRLF); a row for each cell and instrument. ``status`` becomes ``decided`` where the city decides."""
    tiers = {tier.tier_id: tier.tier for tier in policy.tiers}
    areas = {area.skill_area_id: area.skill_area for area in policy.skill_areas}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*_READABLE, *_FIELDS))
    for level in policy.supplements.levels:
        words = policy.skill_map[(level.tier_id, level.skill_area_id)]
        numbers = (f"{value:g}" for value in (level.scale_min, level.scale_max, level.required))
        told = (tiers[level.tier_id], areas[level.skill_area_id], _INSTRUMENTS[level.instrument], words)
        writer.writerow((*told, level.tier_id, level.skill_area_id, level.instrument, *numbers, level.status, level.note))
    return text.getvalue().encode("utf-8-sig")

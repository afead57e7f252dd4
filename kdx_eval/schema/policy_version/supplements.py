"""What stands beside the policy's own words: required levels, targets by tier, links to the digital skill standard, ideals of staff, the State's moves.

The policy document sets none of the first three; each row says by its ``status`` whether it is an assumption or a link of this toolkit, or sourced.
Every file may be absent, and may be edited in the folder ``policy/`` of a city's data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from kdx_eval.schema.policy_version.table import PolicyTable

Instrument: TypeAlias = Literal["self", "supervisor", "test"]
OPTIONAL_FILES: Mapping[str, tuple[str, ...]] = {
    "required_levels": ("tier_id", "skill_area_id", "instrument", "scale_min", "scale_max", "required", "status", "note"),
    "tier_targets": ("tier_id", "fiscal_year", "persons", "source"),
    "skill_standard_links": ("skill_area_id", "order", "role_type", "role", "standard_category", "reason", "status"),
    "staff_ideals": ("ideal", "order", "page", "shown_by", "measure", "status"),
    "national_trends": ("date", "issued_by", "event", "source", "status", "meaning"),
}
_STATUS = frozenset({"sourced", "derived", "excerpt", "unverified", "check", "assumption", "toolkit", "decided"})
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredLevel:
    """The score from which somebody of a tier reaches a cell, on the scale of one instrument; scales differ by instrument and are never mixed."""

    tier_id: str
    skill_area_id: str
    instrument: Instrument
    scale_min: float
    scale_max: float
    required: float
    status: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTarget:
    """How many persons a tier should have on 1 April of a fiscal year, and who decided so."""

    tier_id: str
    fiscal_year: int
    persons: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardLink:
    """A skill area beside a role type and skill category of デジタルスキル標準; the link is this toolkit's own."""

    skill_area_id: str
    order: int
    role_type: str
    role: str
    standard_category: str
    reason: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffIdeal:
    """One of the 求められる職員像 of the upper plan, and what in the records speaks of it (this toolkit's own link)."""

    ideal: str
    page: str
    shown_by: str
    measure: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalTrend:
    """One entry of the log of 国の動向: ``date`` is a year, a month or a day."""

    date: str
    issued_by: str
    event: str
    source: str
    status: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplements:
    """All of it; what a version lacks is empty."""

    levels: tuple[RequiredLevel, ...] = ()
    targets: tuple[TierTarget, ...] = ()
    links: tuple[StandardLink, ...] = ()
    ideals: tuple[StaffIdeal, ...] = ()
    trends: tuple[NationalTrend, ...] = ()

    def level(self, cell: tuple[str, str], instrument: Instrument) -> RequiredLevel | None:
        """The required level of one cell (tier_id, skill_area_id) by one instrument, None where none is set."""
        return next((one for one in self.levels if (one.tier_id, one.skill_area_id) == cell and one.instrument == instrument), None)

    def scale(self, instrument: Instrument) -> tuple[float, float] | None:
        """Lowest and highest score of an instrument, None where no level names it."""
        return next(((one.scale_min, one.scale_max) for one in self.levels if one.instrument == instrument), None)


def read_supplements(tables: Mapping[str, PolicyTable], *, tiers: set[str], areas: set[str]) -> Supplements:
    """The supplements among ``tables``; raises SchemaError with file and line where a row is wrong."""
    return Supplements(
        levels=_levels(tables["required_levels"], tiers=tiers, areas=areas) if "required_levels" in tables else (),
        targets=_targets(tables["tier_targets"], tiers=tiers) if "tier_targets" in tables else (),
        links=_links(tables["skill_standard_links"], areas=areas) if "skill_standard_links" in tables else (),
        ideals=_ideals(tables["staff_ideals"]) if "staff_ideals" in tables else (),
        trends=_trends(tables["national_trends"]) if "national_trends" in tables else (),
    )


def _levels(table: PolicyTable, *, tiers: set[str], areas: set[str]) -> tuple[RequiredLevel, ...]:
    seen: set[object] = set()
    scales: dict[str, tuple[float, float]] = {}
    found = []
    for row in table:
        table.required(row, "tier_id", "skill_area_id", "instrument", "scale_min", "scale_max", "required")
        _known(table, row["tier_id"], known=tiers, title="区分")
        _known(table, row["skill_area_id"], known=areas, title="領域")
        if row["instrument"] not in get_args(Instrument):
            table.refuse("instrument は self、supervisor、test のどれかです", "自己評価は self、上司評価は supervisor と書いてください")
        table.once((row["tier_id"], row["skill_area_id"], row["instrument"]), seen)
        low, high, required = (_number(table, row[name], name) for name in ("scale_min", "scale_max", "required"))
        if not low < high or not low <= required <= high:
            table.refuse("必要水準が尺度の外にあります", "scale_min ≦ required ≦ scale_max、scale_min ＜ scale_max になるように直してください")
        if scales.setdefault(row["instrument"], (low, high)) != (low, high):
            table.refuse("同じ評価方法に二つの尺度があります", "同じ instrument の行は、scale_min と scale_max をそろえてください")
        _status(table, row["status"])
        instrument = cast("Instrument", row["instrument"])
        level = RequiredLevel(
            tier_id=row["tier_id"], skill_area_id=row["skill_area_id"], instrument=instrument, scale_min=low, scale_max=high, required=required,
            status=row["status"], note=row["note"],
        )  # fmt: skip
        found.append(level)
    return tuple(found)


def _targets(table: PolicyTable, *, tiers: set[str]) -> tuple[TierTarget, ...]:
    seen: set[object] = set()
    found = []
    for row in table:
        table.required(row, "tier_id", "fiscal_year", "persons")
        _known(table, row["tier_id"], known=tiers, title="区分")
        year, persons = (_whole(table, row[name], name) for name in ("fiscal_year", "persons"))
        table.once((row["tier_id"], year), seen)
        found.append(TierTarget(tier_id=row["tier_id"], fiscal_year=year, persons=persons, source=row["source"]))
    return tuple(found)


def _links(table: PolicyTable, *, areas: set[str]) -> tuple[StandardLink, ...]:
    found = []
    for row in table:
        table.required(row, "skill_area_id", "order", "role_type")
        _known(table, row["skill_area_id"], known=areas, title="領域")
        _status(table, row["status"])
        words = {name: row[name] for name in ("skill_area_id", "role_type", "role", "standard_category", "reason", "status")}
        found.append(StandardLink(order=_whole(table, row["order"], "order"), **words))
    return tuple(found)


def _ideals(table: PolicyTable) -> tuple[StaffIdeal, ...]:
    seen: set[object] = set()
    found = []
    for row in table:
        table.required(row, "ideal", "order", "measure")
        table.once(row["ideal"], seen)
        _status(table, row["status"])
        words = {name: row[name] for name in ("ideal", "page", "shown_by", "measure", "status")}
        found.append((_whole(table, row["order"], "order"), StaffIdeal(**words)))
    return tuple(ideal for _, ideal in sorted(found, key=lambda pair: pair[0]))


def _trends(table: PolicyTable) -> tuple[NationalTrend, ...]:
    found = []
    for row in table:
        table.required(row, "date", "issued_by", "event", "source")
        if not _DATE.fullmatch(row["date"]):
            table.refuse("date が日付ではありません", "2024、2024-07、2024-07-01 のどれかの形で書いてください")
        _status(table, row["status"])
        found.append(NationalTrend(**{name: row[name] for name in OPTIONAL_FILES["national_trends"]}))
    return tuple(sorted(found, key=lambda one: one.date))


def _known(table: PolicyTable, word: str, *, known: set[str], title: str) -> None:
    if word not in known:
        table.refuse(f"この方針にない{title}の番号です", f"使える番号: {'、'.join(sorted(known))}")


def _status(table: PolicyTable, word: str) -> None:
    if word not in _STATUS:
        table.refuse("status が読めません", f"使える言葉: {'、'.join(sorted(_STATUS))}（市が決めた値は decided）")


def _number(table: PolicyTable, text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        table.refuse(f"{name} が数ではありません", "3 や 60 のように書いてください")
    return number


def _whole(table: PolicyTable, text: str, name: str) -> int:
    if not text.isdecimal():
        table.refuse(f"{name} が整数ではありません", "0以上の整数で書いてください")
    return int(text)

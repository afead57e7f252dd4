"""A version of the training policy as types: tiers, skill areas, the skill map, the course catalogue, the upper plans."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kdx_eval.errors import SchemaError
from kdx_eval.schema.policy_version.supplements import Supplements

FOLDER = "policy"
ChangeKind: TypeAlias = Literal["tier", "skill_area", "cell", "course", "plan_link", "level"]
_VERSION = re.compile(r"(?P<era>[rh])(?P<year>\d{1,2})-(?P<month>\d{2})")
_ERAS = {"r": ("令和", 2019), "h": ("平成", 1989)}


def effective_from(version: str) -> dt.date:
    """The first day of the month that the name of a version tells: ``r7-04`` is 2025-04-01. Raises SchemaError for another name."""
    found = _VERSION.fullmatch(version)
    if not found or not 1 <= int(found["month"]) <= 12 or int(found["year"]) < 1:
        raise SchemaError("方針の版のフォルダーの名前が読めません", place=FOLDER, hint="令和7年4月の版なら r7-04 のように付けてください")
    return dt.date(_ERAS[found["era"]][1] + int(found["year"]) - 1, int(found["month"]), 1)


def version_label(title: str, version: str, *, edited: bool = False) -> str:
    """``柏市DX人材育成方針（令和7年4月版 r7-04）``, and whether the city edited it."""
    effective_from(version)
    year, month = version[1:].split("-")
    return f"{title}（{_ERAS[version[0]][0]}{'元' if year == '1' else int(year)}年{int(month)}月版 {version}{'、市が修正' if edited else ''}）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A tier of staff (区分): what it is, its role, who belongs to it, the page of the policy."""

    tier_id: str
    tier: str
    definition: str
    role: str
    membership: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillArea:
    """A skill area; ``definition`` is the row スキル内容 of the skill map, verbatim."""

    skill_area_id: str
    skill_area: str
    definition: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCourse:
    """A course of the catalogue; a non-empty ``layout_ambiguous`` says why its tiers cannot be read off the document and may be edited.

    ``tiers_unclear`` names those of its tiers of which the document does not show whether the course is for them.
    """

    course_id: str
    course_name: str
    group: str
    provider: str
    delivery: str
    skill_areas: tuple[str, ...]
    tiers: tuple[str, ...]
    phase: int
    compulsory: bool
    role_type: str
    source_text: str
    layout_ambiguous: str
    tiers_unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLink:
    """A passage of an upper plan, verbatim, to which the policy refers."""

    plan: str
    period: str
    item: str
    quote: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version of the policy.

    Attributes
    ----------
    version : str
        Name of its folder, ``r7-04``.
    skill_map : mapping
        (tier_id, skill_area_id) -> what somebody of that tier does, verbatim; every pair is there.
    edited : tuple of str
        Files that the city put in the place of shipped ones.
    digest : str
        SHA-256 of all files.
    supplements : Supplements
        What the policy does not say and the toolkit or the city adds: required levels, targets, links to standards.
    """

    version: str
    title: str
    issued_by: str
    effective_from: dt.date
    tiers: tuple[Tier, ...]
    skill_areas: tuple[SkillArea, ...]
    skill_map: Mapping[tuple[str, str], str]
    courses: tuple[CatalogueCourse, ...]
    plan_links: tuple[PlanLink, ...]
    edited: tuple[str, ...]
    digest: str
    supplements: Supplements = field(default_factory=Supplements)

    @property
    def label(self) -> str:
        """``柏市DX人材育成方針（令和7年4月版 r7-04）``, and whether the city edited it."""
        return version_label(self.title, self.version, edited=bool(self.edited))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """What differs between two versions: ``item`` is an id (``promoter``, ``promoter/bpr``, ``DXBPR``), ``sentence`` says it in Japanese."""

    kind: ChangeKind
    item: str
    sentence: str

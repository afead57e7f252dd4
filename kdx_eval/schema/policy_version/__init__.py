"""Versions of the training policy, shipped in data_schema/policy/<version>/ and in the folder policy/ of a city's data.

A data folder may hold ``policy/<version>/`` of its own: with some files of a shipped version, which then take the place of the shipped
ones (a course moved to another tier), or with all files of a new version.
"""

from __future__ import annotations

from kdx_eval.schema.policy_version.comparing import are_comparable, comparable_spans, definition_breaks, differences
from kdx_eval.schema.policy_version.reading import load_policy, policy_on, versions
from kdx_eval.schema.policy_version.supplements import Instrument, NationalTrend, RequiredLevel, StaffIdeal, StandardLink, Supplements, TierTarget
from kdx_eval.schema.policy_version.types import CatalogueCourse, PlanLink, PolicyChange, PolicyVersion, SkillArea, Tier, version_label

__all__ = [
    "CatalogueCourse",
    "Instrument",
    "NationalTrend",
    "PlanLink",
    "PolicyChange",
    "PolicyVersion",
    "RequiredLevel",
    "SkillArea",
    "StaffIdeal",
    "StandardLink",
    "Supplements",
    "Tier",
    "TierTarget",
    "are_comparable",
    "comparable_spans",
    "definition_breaks",
    "differences",
    "load_policy",
    "policy_on",
    "version_label",
    "versions",
]

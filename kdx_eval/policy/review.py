"""随時見直し: what changed from one version of the policy to the next, and where a series may no longer be compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from kdx_eval.schema.policy_version import PolicyVersion, definition_breaks, differences

if TYPE_CHECKING:
    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNote:
    """One version of the policy.

    Attributes
    ----------
    label : str
        ``柏市DX人材育成方針（令和7年4月版 r7-04）``.
    effective_from : str
        ISO date.
    in_force : bool
        Whether the evaluated fiscal year ended under this version.
    changes : tuple of str
        What differs from the version before, one sentence each; empty for the first.
    """

    label: str
    effective_from: str
    in_force: bool
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReview:
    """The versions in order, and the months from which tiers, skill areas or cells mean something else (``2026-04``)."""

    versions: tuple[VersionNote, ...]
    breaks: tuple[str, ...]
    sentence: str


def review_policy(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> PolicyReview:
    """The versions shipped and in the data folder's ``policy/``, compared with each other.

    Raises
    ------
    SchemaError
        A version's files are wrong.
    """
    del so_far  # the texts alone say what changed
    return review_versions(dataset.policies(), plan=plan)


def review_versions(policies: tuple[PolicyVersion, ...], *, plan: Plan) -> PolicyReview:
    """The review of ``policies``, which are in order of their dates."""
    day = (plan.evaluated_fiscal_year.last + 1).first_day
    in_force = [one.version for one in policies if one.effective_from < day][-1:] or [policies[0].version]
    changes: dict[str, tuple[str, ...]] = {policies[0].version: ()}
    changes |= {new.version: tuple(change.sentence for change in differences(old, new)) for old, new in pairwise(policies)}
    notes = tuple(
        VersionNote(label=one.label, effective_from=one.effective_from.isoformat(), in_force=one.version in in_force, changes=changes[one.version])
        for one in policies
    )
    breaks = tuple(str(month) for month in definition_breaks(_definitions(policies), policies))
    return PolicyReview(versions=notes, breaks=breaks, sentence=_sentence(policies, breaks))


def _definitions(policies: tuple[PolicyVersion, ...]) -> tuple[str, ...]:
    """Ids of everything a score or a count of people is measured by."""
    found: dict[str, None] = {}
    for policy in policies:
        found |= dict.fromkeys(tier.tier_id for tier in policy.tiers)
        found |= dict.fromkeys(area.skill_area_id for area in policy.skill_areas)
        found |= dict.fromkeys(f"{tier}/{area}" for tier, area in policy.skill_map)
    return tuple(found)


def _sentence(policies: tuple[PolicyVersion, ...], breaks: tuple[str, ...]) -> str:
    if len(policies) == 1:
        return "方針の版は一つです。期間を通じて、区分とスキルの定義は同じです。"
    if not breaks:
        return "方針は改められましたが、区分とスキルの定義は変わっていません。前後の数字を比べられます。"
    return f"{'、'.join(breaks)} に区分またはスキルの定義が変わりました。変わった項目の数字は、その前後で差し引きません。"

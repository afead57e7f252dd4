"""Training at its own levels, one to five: what is known at each, with how many persons stand behind it, and what is not known at all.

The five levels are Kirkpatrick's reaction, learning, behaviour and results, and Phillips' return on investment. Nothing passes for a higher
level than it shows: a questionnaire is no outcome, and a quiz no behaviour. What has no data counts as no data, never as an improvement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.policy.ideals import Ideal, list_ideals
from kdx_eval.policy.level_items import LEVELS, LevelItem, nothing_at
from kdx_eval.policy.level_records import learning_items, project_items, reaction_items, supervisor_items
from kdx_eval.policy.level_results import result_items, return_items, tool_items
from kdx_eval.policy.skill_scores import policy_in_force
from kdx_eval.policy.skills import Skills, skill_map_of
from kdx_eval.schema.policy_version import NationalTrend, StandardLink

if TYPE_CHECKING:
    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaLink:
    """A skill area by name with its link to the digital skill standard."""

    skill_area: str
    link: StandardLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is known at each level.

    Attributes
    ----------
    items : tuple of LevelItem
        By level; every level has at least one, if only to say that nothing is known.
    links : tuple of AreaLink
        Crosswalk of the skill areas to the role types of デジタルスキル標準; this toolkit's own.
    ideals : tuple of Ideal
        The 求められる職員像 of the upper plan and what speaks of them.
    trends : tuple of NationalTrend
        Log of 国の動向 with sources.
    """

    year: int
    items: tuple[LevelItem, ...]
    links: tuple[AreaLink, ...]
    ideals: tuple[Ideal, ...]
    trends: tuple[NationalTrend, ...]
    notes: tuple[str, ...]


NOTES = (
    "段階が上がるほど、市の仕事に近い証拠です。下の段階の数字を、上の段階の成果として読み替えません（満足度は成果ではなく、テストの点は行動ではありません）。",
    "データのない段階は「データなし」とし、よくなったとも悪くなったともみなしません。",
    "段階5の収益率は、評価年度の1年分だけで、受講時間の人件費を費用に含めた参考値です。判定のつかない問いの時間は入れず、未確定として示します。予算が減る額ではありません。",
)


def sort_by_level(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> Levels:
    """Everything that is known of the training in the evaluated year, by level.

    Raises
    ------
    SchemaError
        A file of the policy is wrong.
    """
    year, policies = plan.evaluated_fiscal_year, dataset.policies()
    policy = policy_in_force(policies, year)
    known = so_far.policy.get("skills")
    skills = known if isinstance(known, Skills) else skill_map_of(dataset, policies=policies, year=year)
    items = (
        *reaction_items(dataset, year=year),
        *learning_items(dataset, skills, year=year),
        *tool_items(plan, so_far.evidence, studies=so_far.studies),
        *supervisor_items(skills),
        *project_items(dataset, year=year),
        *result_items(plan, so_far.evidence, studies=so_far.studies),
        *return_items(so_far.savings, so_far.budget),
    )
    in_hours = {question.title for question in plan.questions if question.outcome.hours_per_unit is not None}
    names = {area.skill_area_id: area.skill_area for area in policy.skill_areas}
    order = {area: place for place, area in enumerate(names)}
    links = sorted(policy.supplements.links, key=lambda one: (order[one.skill_area_id], one.order))
    return Levels(
        year=year.year, items=complete(items), links=tuple(AreaLink(skill_area=names[one.skill_area_id], link=one) for one in links),
        ideals=list_ideals(dataset, policy, items=items, in_hours=in_hours), trends=policy.supplements.trends, notes=NOTES,
    )  # fmt: skip


def complete(items: Sequence[LevelItem]) -> tuple[LevelItem, ...]:
    """The items in order of level, with a line for every level of which nothing is known."""
    found = []
    for level in LEVELS:
        own = [item for item in items if item.level == level]
        found += own or [nothing_at(level)]
    return tuple(found)

"""Catalogue and reach: which course is for whom, who took it and at what cost; tiers over time; who stays; who applied and was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.budget.results_so_far import list_reach
from kdx_eval.evidence import checked_costs, year_cost
from kdx_eval.panel.postings import read_postings
from kdx_eval.panel.reach import count_completion
from kdx_eval.panel.successors import read_departments, stable_units
from kdx_eval.panel.tiers import read_tiers
from kdx_eval.policy.applications import Applications, count_applications
from kdx_eval.policy.course_cover import CellCover, completions, cover_cells
from kdx_eval.policy.course_reach import CourseReach, attended_by_tier, list_courses
from kdx_eval.policy.reach_notes import notes_on
from kdx_eval.policy.skill_scores import policy_in_force
from kdx_eval.policy.staying import Staying, count_staying
from kdx_eval.policy.tier_counts import Move, Retention, TierYear, april_tiers, count_moves, count_tiers, history_faults, keep_tiers, under_policy_names
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.load import Dataset
    from kdx_eval.panel.tables import Tables
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar
    from kdx_eval.schema.policy_version import PolicyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class TierReach:
    """All of it; what the records do not tell is empty, and ``notes`` say so."""

    policy: str
    year: int
    covers: tuple[CellCover, ...]
    courses: tuple[CourseReach, ...]
    tiers: tuple[TierYear, ...]
    moves: tuple[Move, ...]
    retention: tuple[Retention, ...]
    staying: tuple[Staying, ...]
    applications: tuple[Applications, ...]
    notes: tuple[str, ...]


def count_reach(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> TierReach:
    """Catalogue and reach of the evaluated year.

    Raises
    ------
    DataError
        A cost is negative or not quantity times unit price.
    """
    costs = dataset.frame("costs") if dataset.has("costs") else None
    return reach_of(dataset, policies=dataset.policies(), year=plan.evaluated_fiscal_year, costs=costs, completion=so_far.reach)


def reach_of(
    tables: Tables, *, policies: Sequence[PolicyVersion], year: FiscalYear, costs: pd.DataFrame | None = None, completion: pd.DataFrame | None = None
) -> TierReach:
    """The same from any tables; ``completion`` is ``Panels.completion`` where it is there already."""
    policy = policy_in_force(policies, year)
    names = {course.course_id: course.course_name for course in policy.courses}
    if completion is None and tables.has("training"):
        completion = count_completion(tables)
    spent, stage = year_cost(checked_costs(costs), fiscal_year=year)
    reached = list_reach(completion, fiscal_year=year, costs=spent)
    done = completions(tables, policies=policies)
    connection = tables.connect()
    try:
        tiers, postings, departments = read_tiers(connection, tables), read_postings(connection, tables), read_departments(connection, tables)
    finally:
        connection.close()
    tiers = None if tiers is None else under_policy_names(tiers, policy)
    april = None if tiers is None else april_tiers(tiers, last=year.year)
    last = (year.last + 1).first_day
    staying: tuple[Staying, ...] = ()
    if postings is not None and len(done):
        units = stable_units(departments, first=done["day"].min().date(), last=last)
        staying = tuple(count_staying(done, postings, units=units, last=last, names=names))
    courses = tuple(list_courses(policy, reached, by_tier=attended_by_tier(tables, tiers, year=year)))
    covers, applications = cover_cells(policy), count_applications(tables, last=year.year, names=names)
    return TierReach(
        policy=policy.label, year=year.year, covers=covers, courses=courses,
        tiers=() if april is None else tuple(count_tiers(april, policy)), moves=() if april is None else count_moves(april, policy),
        retention=() if april is None else tuple(keep_tiers(april, policy)), staying=staying, applications=applications,
        notes=notes_on(
            covers=covers, stage=stage, courses=courses, faults=(0, 0, 0) if tiers is None else history_faults(tiers, policy),
            has=(april is not None, bool(staying), bool(applications), bool(policy.supplements.targets))
        ),
    )  # fmt: skip

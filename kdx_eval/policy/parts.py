"""The parts of the policy by name: a new part is one line here, one module beside, and one section in the report."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from kdx_eval.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from kdx_eval.budget import BudgetCase
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan
    from kdx_eval.savings import Savings


class SoFar(Protocol):
    """What a run has found before: any field may be empty or None where that step has not been taken."""

    @property
    def studies(self) -> Mapping[str, EffectStudy]:
        """Estimates by question."""

    @property
    def evidence(self) -> Mapping[str, Evidence]:
        """Verdicts by question."""

    @property
    def savings(self) -> Savings | None:
        """Hours."""

    @property
    def budget(self) -> BudgetCase | None:
        """Yen."""

    @property
    def reach(self) -> pd.DataFrame | None:
        """``Panels.completion``."""

    @property
    def policy(self) -> Mapping[str, object]:
        """Parts of the policy by name."""


# Part: module, function, type of its result. The function takes (dataset, *, plan, so_far) and returns plain dataclasses of numbers, texts and tuples.
_PARTS: Mapping[str, tuple[str, str, str]] = {
    "skills": ("kdx_eval.policy.skills", "map_skills", "Skills"),
    "reach": ("kdx_eval.policy.tier_reach", "count_reach", "TierReach"),
    "levels": ("kdx_eval.policy.levels", "sort_by_level", "Levels"),
    "targeting": ("kdx_eval.policy.targeting", "choose_targets", "Targeting"),
    "rollout": ("kdx_eval.policy.rollout", "plan_rollout", "Rollout"),
    "partnership": ("kdx_eval.policy.partnership", "study_partnership", "Partnership"),
    "cycle": ("kdx_eval.policy.cycle", "study_cycle", "Cycle"),
    "specialists": ("kdx_eval.policy.specialists", "study_specialists", "Specialists"),
    "vision": ("kdx_eval.policy.vision", "study_vision", "Vision"),
    "stage_b": ("kdx_eval.policy.stage_b", "study_stage_b", "StageB"),
    "review": ("kdx_eval.policy.review", "review_policy", "PolicyReview"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingYet:
    """A run at its beginning."""

    studies: Mapping[str, EffectStudy] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    savings: Savings | None = None
    budget: BudgetCase | None = None
    reach: pd.DataFrame | None = None
    policy: Mapping[str, object] = field(default_factory=dict)


def study_policy(part: str, dataset: Dataset, *, plan: Plan, so_far: SoFar | None = None, **choices: object) -> object:
    """One part of the policy, studied on the data.

    Parameters
    ----------
    part : str
        ``review`` and so on; as in `part_types`.
    so_far : SoFar, optional
        ``read_results(...)`` of the run, for the parts that build on effects, hours or yen.
    choices
        What the part's own function lets one choose, such as ``specialist_months``.

    Raises
    ------
    ParameterError
        There is no such part, or it has no such choice.
    """
    if part not in _PARTS:
        raise ParameterError("方針の項目にこの名前のものはありません", place=part[:40], hint=f"使えるのは {'、'.join(_PARTS)} です")
    module, name, _ = _PARTS[part]
    function = getattr(import_module(module), name)
    known = [one for one in inspect.signature(function).parameters if one not in {"dataset", "plan", "so_far"}]
    strange = sorted(set(choices) - set(known))
    if strange:
        raise ParameterError("この項目に、この名前の指定はありません", place=strange[0][:40], hint=f"使えるのは {'、'.join(known) or 'ありません'}")
    found: object = function(dataset, plan=plan, so_far=so_far or NothingYet(), **choices)
    return found


def part_types() -> dict[str, type]:
    """The type of each part's result, by the part's name."""
    return {name: getattr(import_module(module), kind) for name, (module, _, kind) in _PARTS.items()}


def part_of(result: object) -> str:
    """The name of the part that ``result`` is the result of; raises ParameterError when it is none."""
    kind = type(result)
    for name, (module, _, title) in _PARTS.items():
        if (kind.__module__, kind.__name__) == (module, title):
            return name
    raise ParameterError("方針の項目の結果ではありません", place=kind.__name__, hint="study_policy の結果を渡してください")

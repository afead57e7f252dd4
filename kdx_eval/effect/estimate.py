"""Panel and question -> EffectStudy, by the question's design. A new design is one file and its line in ``_DESIGNS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.effect.everyone import describe_everyone
from kdx_eval.effect.rollout import rollout_study
from kdx_eval.effect.single_study import single_study
from kdx_eval.effect.staggered import staggered_study
from kdx_eval.effect.study import EffectStudy, Studies
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.build import EVERYONE
from kdx_eval.panel.comparison import coverage_sentences
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan, Question

if TYPE_CHECKING:
    from kdx_eval.panel.build import Panels

_DESIGNS: dict[str, Callable[..., EffectStudy]] = {"staggered": staggered_study, "lottery": rollout_study, "single": single_study}
_REFUSALS = {
    "everyone": (EVERYONE, "受講率・修了率を報告してください。次の研修は、kdx-eval rollout で課ごとに時期をずらせば比べられます"),
}


def estimate_effect(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """All estimates of one question by its design.

    Returns
    -------
    EffectStudy
        In the outcome's unit per unit and period.

    Raises
    ------
    NotIdentifiedError
        No comparison exists; the message says why.
    """
    if question.design in _REFUSALS:
        reason, hint = _REFUSALS[question.design]
        raise NotIdentifiedError(reason, place=question.question_id, hint=hint)
    study = _DESIGNS[question.design](panel.without_gaps().by_cluster(), question, plan=plan)
    return replace(study, coverage=coverage_sentences(panel))


def estimate_effects(panels: Panels, plan: Plan) -> Studies:
    """The study of every question whose panel could be built.

    Returns
    -------
    Studies
        Studies by question id, the reason for each question that has none, and the description of those in which everyone was trained at once.
    """
    found: dict[str, EffectStudy] = {}
    refused = dict(panels.refused)
    for question in plan.questions:
        panel = panels.panels.get(question.question_id)
        if panel is None:
            continue
        try:
            found[question.question_id] = estimate_effect(panel, question, plan=plan)
        except NotIdentifiedError as error:
            refused[question.question_id] = error.reason
    described: dict[str, str] = {}
    for key, panel in panels.together.items():
        try:
            described[key] = describe_everyone(panel, plan.question(key))
        except NotIdentifiedError as error:
            refused[key] = error.reason + (f"（{error.hint}）" if error.hint else "")
    return Studies(found=found, refused=refused, described=described)

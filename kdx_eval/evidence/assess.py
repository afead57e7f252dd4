"""From a study to what may be said about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kdx_eval.effect.checks import TREND_CARRIED_ON
from kdx_eval.effect.randomisation import RANDOMISATION
from kdx_eval.effect.study import CheckResult, EffectStudy, Studies
from kdx_eval.evidence.grading import ALPHA, Grade, decide_verdict, good_direction, grade_study, holm, interval_at, is_equivalent
from kdx_eval.evidence.smallest import smallest_meaningful_effect
from kdx_eval.evidence.types import Evidence, Interval, SmallestEffect, Verdict
from kdx_eval.evidence.wording import limit_text, reason_text, verdict_fields, verdict_texts
from kdx_eval.plan import Plan, Question

if TYPE_CHECKING:
    from kdx_eval.panel.build import Panels
    from kdx_eval.panel.type import Panel

UNKNOWN: Interval = (math.nan, math.nan)
_DIFFERENCES: frozenset[Verdict] = frozenset({"効果あり", "小さい効果", "逆効果"})
_OBSERVED = 3  # Maryland: up to here the order of training was not random


def assess_evidence(
    study: EffectStudy,
    question: Question,
    *,
    plan: Plan,
    smallest_effect: float | SmallestEffect,
    pre_months: int | None = None,
    family: Mapping[str, float] | None = None,
) -> Evidence:
    """Verdict, grades and wording of one estimated question (METHODS 8).

    The verdict is read from the interval that agrees with Holm's test over ``family``; with one question that is the 95 %
    interval itself. A question that only compares before with after is 検証対象外, whatever its interval. Where a check failed, the
    comparison itself is broken: 判定不能, in whichever direction the interval points (on cities whose volunteers drift or were chosen on
    a bad half-year, claims in spite of a failed check were wrong nearly every time). So it is where a difference may be none, at 5 % on its side,
    once the slope from before training is carried on, unless the order of training was random (docs/CALIBRATION.md: without this rule a drift
    of 3 % a year was claimed as an effect in a quarter of cities without one).

    Parameters
    ----------
    smallest_effect : float or SmallestEffect
        Absolute size in the outcome's unit per unit-period, above zero.
    pre_months : int or None
        Months before the first treatment; when None, what the event study shows.
    family : mapping of question_id to p value, or None
        The estimated questions of the year. None means this question alone.
    """
    smallest = smallest_effect if isinstance(smallest_effect, SmallestEffect) else _declared(smallest_effect, study, question=question)
    grade = grade_study(study, question, plan=plan, pre_months=_usable_months(study, pre_months))
    members = {study.question_id: study.headline.p_value} if family is None else dict(family)
    p_holm, level = holm(members).get(study.question_id, (None, ALPHA))
    entry, better = study.headline, question.outcome.better
    decisive = interval_at(entry, alpha=level)
    interval90 = interval_at(entry, alpha=2 * ALPHA)
    good90 = good_direction(interval90, better=better)
    verdict: Verdict = "検証対象外"
    if (grade.maryland or 0) > 1:
        verdict = decide_verdict(good_direction(decisive, better=better), interval90=good90, smallest=smallest.value)
        # With an interval from ranks (one supported unit), Holm's test may refuse what the interval at its level does not.
        unproven = verdict in _DIFFERENCES and (_may_be_trend(study, grade) or _may_be_luck(study) or (p_holm is not None and p_holm > ALPHA))
        if any(check.outcome == "failed" for check in study.checks) or unproven:
            verdict = "判定不能"
    sign = -1.0 if better == "lower" else 1.0
    low, high = good_direction((entry.conf_low, entry.conf_high), better=better)
    pays_off = smallest.basis == "break_even"
    fields = verdict_fields(question, study, good=(sign * entry.estimate, low, high), good90=good90, smallest=smallest.value, pays_off=pays_off)
    headline_sentence, sentences, forbidden = verdict_texts(verdict, fields)
    limits = _limits(verdict=verdict, question=question, plan=plan, grade=grade, equivalent=is_equivalent(good90, smallest=smallest.value), checks=study.checks)
    if study.interval != "plain":
        limits = (limit_text(study.interval), *limits)
    if level != ALPHA:
        after = verdict_fields(question, study, good=(0.0, *good_direction(decisive, better=better)), good90=good90, smallest=smallest.value)
        limits = (*limits, limit_text("holm", family=len(members), holm_low=after["low"], holm_high=after["high"]))
    evidence = Evidence(
        **_identity(question),
        verdict=verdict,
        maryland=grade.maryland,
        japan=grade.japan,
        basis_plain=grade.basis,
        smallest=smallest,
        detectable=study.detectable,
        detectable_range=study.detectable_range,
        interval90=interval90,
        p_holm=p_holm,
        holm95=decisive if study.question_id in members else None,
        headline=entry,
        headline_sentence=headline_sentence,
        sentences=sentences,
        forbidden=forbidden,
        limits=limits,
        reasons=grade.reasons,
        checks=study.checks,
    )
    return _with_strict_interval(evidence, study, question=question, good90=good90)


def _with_strict_interval(evidence: Evidence, study: EffectStudy, *, question: Question, good90: Interval) -> Evidence:
    """The widest interval first among the limits of a difference, and said where it reaches zero."""
    strict = evidence.strict95
    if evidence.verdict not in _DIFFERENCES or strict is None or evidence.smallest is None:
        return evidence
    good = (0.0, *good_direction(strict, better=evidence.better))
    wide = verdict_fields(question, study, good=good, good90=good90, smallest=evidence.smallest.value)
    said = limit_text("strict", low=wide["low"], high=wide["high"])
    if strict[0] * strict[1] <= 0:
        said += limit_text("strict_zero")
    return replace(evidence, limits=(said, *evidence.limits))


def _may_be_trend(study: EffectStudy, grade: Grade) -> bool:
    """Whether a slope from before training could explain the difference; a documented or argued random order rules that out by design."""
    return (grade.maryland or 0) <= _OBSERVED and any(check.check_id == TREND_CARRIED_ON and check.outcome == "powerless" for check in study.checks)


def _may_be_luck(study: EffectStudy) -> bool:
    """Whether the lottery drawn again gives such a difference too often, though the interval excludes zero."""
    return any(check.check_id == RANDOMISATION and check.outcome == "powerless" for check in study.checks)


def _identity(question: Question) -> dict[str, Any]:
    """The fields of ``Evidence`` that the plan alone decides."""
    return {
        "question_id": question.question_id,
        "title": question.title,
        "role": question.role,
        "outcome_label": question.outcome.label,
        "unit_label": question.outcome.unit_label,
        "better": question.outcome.better,
    }


def not_assessed(question: Question, *, reason: str | None = None, described: str | None = None) -> Evidence:
    """検証対象外: what may be said where no comparison exists.

    Parameters
    ----------
    reason : str or None
        Why no panel could be made, or nothing described, if that was tried.
    described : str or None
        The course before and after of a question in which everyone was trained at once: permitted with the words that it is no effect.
    """
    nothing = (math.nan, math.nan, math.nan)
    fields = verdict_fields(question, None, good=nothing, good90=UNKNOWN, smallest=math.nan)
    headline_sentence, sentences, forbidden = verdict_texts("検証対象外", fields)
    return Evidence(
        **_identity(question),
        verdict="検証対象外",
        maryland=None if described is None else 1,
        japan=None if described is None else "Lv3",
        basis_plain="比較対象なし" if described is None else "前後比較のみ",
        smallest=None,
        detectable=None,
        interval90=None,
        p_holm=None,
        holm95=None,
        headline=None,
        headline_sentence=headline_sentence,
        sentences=sentences if described is None else (*sentences, described),
        forbidden=forbidden,
        limits=() if described is None else (limit_text("together"),),
        reasons=_why_not(question, reason),
        checks=(),
    )


def _why_not(question: Question, reason: str | None) -> tuple[str, ...]:
    if not question.is_described:
        return (reason_text("not_estimated") if reason is None else reason_text("refused", detail=reason),)
    return (reason_text("together"), *(() if reason is None else (reason_text("not_described", detail=reason),)))


def assess_all(
    studies: Mapping[str, EffectStudy],
    panels: Panels,
    *,
    plan: Plan,
    smallest: Mapping[str, SmallestEffect] | None = None,
) -> dict[str, Evidence]:
    """What may be said about every question of the plan, in the plan's order.

    Parameters
    ----------
    smallest : mapping or None
        From ``smallest_effects``. Questions without one take what the plan declares, else 5 % of the mean before training.

    Returns
    -------
    dict
        By question_id; a question without a study is 検証対象外, with the reason why its panel was refused.
    """
    # Every estimated question of the year was asked, so every one counts: secondary questions are no way around Holm.
    family = {key: study.headline.p_value for key, study in studies.items()}
    refused = studies.refused if isinstance(studies, Studies) else panels.refused
    found = {}
    for question in plan.questions:
        key = question.question_id
        study = studies.get(key)
        if study is None:
            described = studies.described.get(key) if isinstance(studies, Studies) else None
            tried = question.is_estimated or (question.is_described and described is None)
            found[key] = not_assessed(question, reason=refused.get(key) if tried else None, described=described)
            continue
        found[key] = assess_evidence(
            study,
            question,
            plan=plan,
            smallest_effect=(smallest or {}).get(key) or _without_costs(study, question),
            pre_months=_months_before(panels.panels[key]) if key in panels.panels else None,
            family=family,
        )
    return found


def _without_costs(study: EffectStudy, question: Question) -> SmallestEffect:
    return smallest_meaningful_effect(question, annual_cost_yen=None, yen_per_hour=None, unit_periods=study.unit_periods, baseline_mean=study.baseline_mean)


def _declared(value: float, study: EffectStudy, *, question: Question) -> SmallestEffect:
    import dataclasses

    stated = dataclasses.replace(question, smallest_effect=float(value))
    return _without_costs(study, stated)


def _months_before(panel: Panel) -> int:
    """Periods before the first treatment of the earliest cohort that has any."""
    treated = panel.cohort[np.isfinite(panel.cohort)]
    counts = np.searchsorted(panel.periods, np.unique(treated))
    counts = counts[counts > 0]
    return int(counts.min()) if counts.size else 0


def _usable_months(study: EffectStudy, given: int | None) -> int | None:
    """Months before treatment that the estimate really used; what was given, or what the event study shows, where it does not say."""
    if study.shortest_before is not None:
        return study.shortest_before
    return _shown_months(study) if given is None else given


def _shown_months(study: EffectStudy) -> int | None:
    """Months before treatment that the event study reaches back to."""
    times = study.event_study.get("event_time")
    if times is None or len(times) == 0:
        return None
    return int(max(0, -float(times.min())))


def _limits(
    *, verdict: Verdict, question: Question, plan: Plan, grade: Grade, equivalent: bool, checks: tuple[CheckResult, ...]
) -> tuple[str, ...]:
    """What must stand beside the headline sentence."""
    found = []
    if any(check.outcome == "failed" for check in checks):
        found.append(limit_text("broken"))
    if verdict == "判定不能" and any(check.check_id == TREND_CARRIED_ON and check.outcome == "powerless" for check in checks):
        found.append(limit_text("trend"))
    if verdict == "判定不能" and any(check.check_id == RANDOMISATION and check.outcome == "powerless" for check in checks):
        found.append(limit_text("luck"))
    if grade.maryland == 2:
        found.append(limit_text("grade_2"))
    if verdict != "検証対象外" and (plan.evaluated_after_period or plan.changed_since_freeze):
        found.append(limit_text("after_period"))
    if verdict in {"小さい効果", "逆効果"} and equivalent:
        found.append(limit_text("equivalent"))
    if question.role == "secondary" and verdict != "検証対象外":
        found.append(limit_text("secondary"))
    return tuple(found)

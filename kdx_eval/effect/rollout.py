"""Design ``lottery``: the order of the roll-out is as good as random, so that the efficient estimator leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.effect.efficient import EfficientRollout, efficient_rollout
from kdx_eval.effect.entries import EntryMaker, evaluated_target, labels, reference_effects, span
from kdx_eval.effect.exposure import effect_per_exposure
from kdx_eval.effect.inference import detectable_effect, make_estimate
from kdx_eval.effect.naive import two_way_fixed_effects
from kdx_eval.effect.staggered import staggered_study
from kdx_eval.effect.structure import detectable, fit_structure
from kdx_eval.effect.study import CheckResult, EffectStudy, Entry
from kdx_eval.effect.views import series_frame, timing_frame
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.units import format_measure

# From this many units on, a lottery's own estimator has its large-sample inference; a lottery among a few dozen departments is held to
# the headline inference of small cities.
LARGE_ROLLOUT = 200


def rollout_study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """Headline, reference and balance of a roll-out in random order; with the lottery's log also its compliance and the effect on compliers.

    Raises
    ------
    NotIdentifiedError
        Fewer than two starting times, or no comparison.
    """
    study = _study(panel, question, plan=plan)
    return study if panel.draw is None else _with_compliance(study, panel, question, plan=plan)


def _with_compliance(study: EffectStudy, panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """Compliance printed; where units are persons, the effect on those who took part because they were drawn, secondary.

    Wald's ratio of two intention-to-treat effects, on the outcome and on taking part, with the interval of Anderson & Rubin 1949. It assumes that the draw
    acts through taking part alone and kept nobody away (Imbens & Angrist 1994).
    """
    assert panel.draw is not None
    said = panel.draw.sentence
    more: tuple[Entry, ...] = ()
    if question.unit == "staff":
        try:
            found = effect_per_exposure(panel, evaluated_target(panel, question, plan=plan))
        except NotIdentifiedError as error:
            return replace(study, draw=panel.draw, notes=(said, *study.notes, f"抽選で受けた人への効果は求められません（{error.reason}）。"))
        unit = question.outcome.unit_label
        if found.weak or not np.isfinite(found.ratio.conf_low):
            wald = "抽選の結果と実際の受講の結び付きが弱いため、抽選によって受けた人への効果には換算できません。"
        else:
            maker = EntryMaker(panel=panel, question=question, n_cohorts=study.headline.n_cohorts)
            more = (maker.entry(found.ratio, estimand="compliers", method="wald", inference="anderson_rubin"),)
            low, high = format_measure(found.ratio.conf_low), format_measure(found.ratio.conf_high)
            wald = (
                f"参考（当選したから受けた人への効果）：{format_measure(found.ratio.estimate)}{unit}（幅 {low}～{high}）。"
                "当選が受講だけを通じて効くという前提を置いた値です。"
            )
        return replace(study, draw=panel.draw, entries=(*study.entries, *more), notes=(said, wald, *study.notes))
    return replace(study, draw=panel.draw, notes=(said, *study.notes))


def _study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    if panel.n_units < LARGE_ROLLOUT or panel.weight is not None or question.interval != "plain":
        return staggered_study(panel, question, plan=plan)
    m = moments(panel)
    target = evaluated_target(panel, question, plan=plan)
    results = {kind: efficient_rollout(m, estimand=kind) for kind in ("simple", "cohort", "calendar", "event_time")}
    lead = results["simple"]
    treated = np.asarray(np.isfinite(m.cohorts) & (m.cohorts <= panel.periods[-1]) & (m.cohorts < m.cohorts.max()))
    maker = EntryMaker(panel=panel, question=question, n_cohorts=int(treated.sum()))
    entries = [
        maker.entry(make_estimate(found.estimate, found.std_error), estimand=kind, method="efficient_rollout", inference="refined")
        for kind, found in results.items()
    ]
    effects = reference_effects(m, question)
    structure = fit_structure(lead.moments, season=target.season, excluded=target.excluded)
    return EffectStudy(
        **labels(panel, question),
        headline=entries[0],
        entries=(*entries, *maker.group_time(effects), *maker.naive(two_way_fixed_effects(m), m, estimand="naive_twfe")),
        event_study=results["event_time"].table().drop(columns="std_error_neyman").assign(n_units=_units_by_event(lead.moments)),
        group_time=pd.DataFrame() if effects is None else effects.table(),
        series=series_frame(m, treated, last=float(panel.periods[-1]), excluded=target.excluded, panel=panel),
        timing=timing_frame(m, panel, question=question),
        detectable=detectable_effect(lead.std_error, float("inf")) if structure is None else detectable(structure, lead.contrast, m=lead.moments),
        unit_periods=lead.n_cells,
        baseline_mean=_level_before(m, treated),
        checks=(_balance_check(lead),),
        influence=pd.DataFrame({"unit": panel.units, "value": _influence(lead, panel)}),
        n_treated_units=int(m.size[treated].sum()),
        n_control_units=int(m.size[~treated].sum()),
        persons_treated=int(m.persons[treated].sum()),
        notes=(*panel.notes, *((f"比較に使えない単位 {lead.dropped_units} 件を除きました。",) if lead.dropped_units else ())),
        settings={
            "比べ方": "開始の順番が偶然に近いとみなし、まだ受けていない単位と比べます",
            "対象期間": span(panel, first=panel.periods[0], last=panel.periods[-1]),
        },
    )


def _level_before(m: CohortMoments, treated: npt.NDArray[np.bool_]) -> float:
    """Mean outcome of the treated units before treatment."""
    before = (m.periods[None, :] < m.cohorts[:, None]) & treated[:, None]
    mass = m.mass[:, None] * before
    return float((mass * m.mean).sum() / mass.sum()) if mass.any() else float("nan")


def _units_by_event(m: CohortMoments) -> npt.NDArray[np.int64]:
    """Treated units with a comparison, by event time."""
    event = m.periods[None, :] - m.cohorts[:, None]
    counted = (event >= 0) & (m.periods < m.cohorts.max())[None, :]
    keys = np.unique(event[counted])
    return np.array([(m.size[:, None] * (counted & (event == key))).sum() for key in keys], dtype=np.int64)


def _influence(lead: EfficientRollout, panel: Panel) -> FloatArray:
    """Influence of each unit on the estimate; zero for units left out."""
    values = np.zeros(panel.n_units)
    for g, cohort in enumerate(lead.moments.cohorts):
        members = panel.cohort == cohort
        deviations = panel.outcome[members] - lead.moments.mean[g]
        values[members] = deviations @ lead.contrast.weights[0, g] / lead.moments.size[g]
    return values


def _balance_check(lead: EfficientRollout) -> CheckResult:
    """The difference before treatment that a random order leaves at zero."""
    p_value = lead.balance_p_value
    passed = p_value >= 0.05
    verdict = "順番が偶然に近いことと矛盾しません" if passed else "順番が偶然とは言えません"
    return CheckResult(
        check_id="balance",
        title="受講前の釣り合い",
        outcome="passed" if passed else "failed",
        sentence=f"受講前の釣り合い：始める前の差の検定 χ²={format_measure(lead.balance_statistic)}、p={format_measure(p_value)}。{verdict}。",
        statistic=lead.balance_statistic,
        p_value=p_value,
    )

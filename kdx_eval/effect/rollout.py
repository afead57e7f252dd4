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
from kdx_eval.effect.inference import make_estimate
from kdx_eval.effect.lottery_checks import large_lottery_checks
from kdx_eval.effect.naive import two_way_fixed_effects
from kdx_eval.effect.staggered import staggered_study
from kdx_eval.effect.strata import compared_within_strata, strata_sentence
from kdx_eval.effect.structure import fit_structure, foreseen
from kdx_eval.effect.study import EffectStudy
from kdx_eval.effect.views import series_frame, timing_frame
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.units import format_measure

# From this many units on, a lottery's own estimator has its large-sample inference; a lottery among a few dozen departments is held to
# the headline inference of small cities.
LARGE_ROLLOUT = 200


def rollout_study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """Headline, reference and checks of a roll-out in random order, within the strata of the lottery; with its log also compliance and the effect on compliers.

    Raises
    ------
    NotIdentifiedError
        Fewer than two starting times, or no comparison.
    """
    compared = compared_within_strata(panel)
    small = panel.n_units < LARGE_ROLLOUT or panel.weight is not None or question.interval != "plain"
    study = (staggered_study if small else _large_study)(compared, question, plan=plan)
    said = strata_sentence(compared)
    study = study if said is None else replace(study, notes=(said, *study.notes))
    return study if panel.draw is None else _with_compliance(study, compared, question, plan=plan)


def _with_compliance(study: EffectStudy, panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """Compliance printed, and the effect on those who took part because they were drawn, secondary.

    Wald's ratio of two intention-to-treat effects, on the outcome and on having begun, with the interval of Anderson & Rubin 1949. It assumes that the draw
    acts through taking part alone and kept nobody away (Imbens & Angrist 1994).
    """
    assert panel.draw is not None
    said, who = panel.draw.sentence, "受けた人" if question.unit == "staff" else "始めた課"
    study = replace(study, draw=panel.draw)
    try:
        found = effect_per_exposure(_with_own_start(panel), evaluated_target(panel, question, plan=plan))
    except NotIdentifiedError as error:
        return replace(study, notes=(said, *study.notes, f"抽選で{who}への効果は求められません（{error.reason}）。"))
    if found.weak or not np.isfinite(found.ratio.conf_low):
        wald = f"抽選の結果と実際の受講の結び付きが弱いため、抽選によって{who}への効果には換算できません。"
        return replace(study, notes=(said, wald, *study.notes))
    maker = EntryMaker(panel=panel, question=question, n_cohorts=study.headline.n_cohorts)
    entry = maker.entry(found.ratio, estimand="compliers", method="wald", inference="anderson_rubin")
    low, high = format_measure(found.ratio.conf_low), format_measure(found.ratio.conf_high)
    because = "当選したから受けた人" if question.unit == "staff" else "抽選で決まったから始めた課"
    wald = (
        f"参考（{because}への効果）：{format_measure(found.ratio.estimate)}{question.outcome.unit_label}（幅 {low}～{high}）。"
        "抽選の結果が受講だけを通じて効くという前提を置いた値です。"
    )
    return replace(study, entries=(*study.entries, entry), notes=(said, wald, *study.notes))


def _with_own_start(panel: Panel) -> Panel:
    """Exposure of departments whose order was drawn: whether they had really begun; of persons it is known already."""
    if not isinstance(panel.draw, OrderDraw) or not all(str(unit) in panel.draw.began for unit in panel.units):
        return panel
    began = np.array([panel.draw.began[str(unit)] for unit in panel.units])
    return replace(panel, exposure=(panel.periods[None, :] >= began[:, None]).astype(np.float64))


def _large_study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    target, m = evaluated_target(panel, question, plan=plan), moments(panel)
    whole = m if panel.within is None else moments(replace(panel, within=None))  # what stands beside, as others compute it
    results = {kind: efficient_rollout(m, estimand=kind) for kind in ("simple", "cohort", "calendar", "event_time")}
    lead = results["simple"]
    treated = np.asarray(np.isfinite(whole.cohorts) & (whole.cohorts <= panel.periods[-1]) & (whole.cohorts < whole.cohorts.max()))
    maker = EntryMaker(panel=panel, question=question, n_cohorts=int(treated.sum()))
    entries = [
        maker.entry(make_estimate(found.estimate, found.std_error), estimand=kind, method="efficient_rollout", inference="refined")
        for kind, found in results.items()
    ]
    effects = reference_effects(whole, question)
    structure = fit_structure(lead.moments, season=target.season, excluded=target.excluded)
    could, could_range = foreseen(structure, lead.contrast, m=lead.moments, otherwise=make_estimate(lead.estimate, lead.std_error))
    return EffectStudy(
        **labels(panel, question),
        headline=entries[0],
        entries=(*entries, *maker.group_time(effects), *maker.naive(two_way_fixed_effects(whole), whole, estimand="naive_twfe")),
        event_study=results["event_time"].table().drop(columns="std_error_neyman").assign(n_units=_units_by_event(lead.moments)),
        group_time=pd.DataFrame() if effects is None else effects.table(),
        series=series_frame(whole, treated, last=float(panel.periods[-1]), excluded=target.excluded, panel=panel),
        timing=timing_frame(whole, panel, question=question),
        detectable=could,
        detectable_range=could_range,
        unit_periods=lead.n_cells,
        baseline_mean=_level_before(whole, treated),
        checks=large_lottery_checks(panel, lead, unit_label=question.outcome.unit_label),
        influence=pd.DataFrame({"unit": panel.units, "value": _influence(lead, panel)}),
        n_treated_units=int(whole.size[treated].sum()),
        n_control_units=int(whole.size[~treated].sum()),
        persons_treated=int(whole.persons[treated].sum()),
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
    m, values = lead.moments, np.zeros(panel.n_units)
    for g, cohort in enumerate(m.cohorts):
        members = panel.cohort == cohort
        if m.stratum is not None and panel.within is not None:
            members &= panel.within.astype(str) == m.stratum[g]
        deviations = panel.outcome[members] - m.mean[g]
        values[members] = deviations @ lead.contrast.weights[0, g] / m.size[g]
    return values

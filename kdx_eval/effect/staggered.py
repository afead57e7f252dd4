"""Design ``staggered``: units start at different times; the headline is the fiscal-year effect with small-city inference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from kdx_eval.effect.checks import Headline, run_checks
from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.descriptions import describe
from kdx_eval.effect.entries import MONTHS_A_YEAR, EntryMaker, evaluated_target, labels, reference_effects, span
from kdx_eval.effect.fiscal_year import FiscalYearContrast, FiscalYearTarget, event_bins, fiscal_year_contrast
from kdx_eval.effect.group_time import GroupTimeEffects
from kdx_eval.effect.inference import contrast_estimate, pooled_covariance, sup_t_critical
from kdx_eval.effect.lottery_checks import small_lottery_checks
from kdx_eval.effect.naive import trained_against_untrained, two_way_fixed_effects
from kdx_eval.effect.per_case import PerCase, parts_sentence, time_per_case
from kdx_eval.effect.robustness import HonestBounds, breakdown_sentence, honest_bounds, honest_estimate, honest_lines
from kdx_eval.effect.structure import fit_structure, foreseen
from kdx_eval.effect.study import EffectStudy, Entry, Variant
from kdx_eval.effect.thresholds import threshold_sentence, threshold_variants
from kdx_eval.effect.views import series_frame, timing_frame
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.treatment import other_shares
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.plan.types import COHORT_MONTHS, Interval

_WIDER: dict[Interval, str] = {
    "honest": "受講前に見られた最大のぶれが受講後も毎期積み重なった場合まで含む幅です（計画で指定）。時間と金額の幅もこれに合わせています",
    "straight": "受講前の傾きの差が受講後も続いた場合まで含む幅です（計画で指定）。時間と金額の幅もこれに合わせています",
}
_NO_STRUCTURE = "受講前の月が少ないため、検出できる大きさは結果のばらつきから計算しました。"


def staggered_study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """Headline, reference, naive comparisons and checks of a staggered start.

    Raises
    ------
    NotIdentifiedError
        No treated month has both matched months before and three comparison units, or there is no spread to measure.
    """
    held = _headline(panel, question, plan=plan)
    target, found = held.target, held.found
    m = held.m if panel.within is None else moments(replace(panel, within=None))  # all that stands beside the headline, as others compute it
    bounds, parts = honest_bounds(held, width=_bin_width(held, question)), _parts(panel, held)
    judged = _judged(panel, question, held, bounds=bounds)
    counted = np.isin(m.cohorts, held.m.cohorts[found.cells.any(axis=1)])
    maker = EntryMaker(panel=panel, question=question, n_cohorts=int(counted.sum()))
    effects = reference_effects(m, question)
    variants = (*threshold_variants(panel, held), *(() if bounds is None else bounds.variants))
    return replace(
        judged,
        entries=(
            *judged.entries[:-1],
            *_part_entries(maker, parts),
            *maker.group_time(effects),
            *maker.naive(found.before_after, held.m, estimand="naive_before_after"),
            *maker.naive(trained_against_untrained(held.m, found), held.m, estimand="naive_trained_untrained"),
            *maker.naive(two_way_fixed_effects(m), m, estimand="naive_twfe"),
        ),
        event_study=_event_frame(held, question),
        group_time=pd.DataFrame() if effects is None else effects.table(),
        series=series_frame(m, counted, last=target.last, excluded=target.excluded, panel=panel),
        timing=timing_frame(m, panel, question=question),
        influence=_influence(panel, held, parts),
        notes=(*panel.notes, *_notes(held, effects), *judged.notes, *_beside(panel, held, question=question, bounds=bounds, variants=variants, parts=parts)),
        settings=_settings(panel, target, found) | ({"幅の取り方": _WIDER[question.interval]} if question.interval in _WIDER else {}),
        variants=variants,
    )


def judged_study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """The headline with its checks alone: all that verdict and grade rest on, at a third of the cost; raises as `staggered_study` does."""
    held = _headline(panel, question, plan=plan)
    bounds = honest_bounds(held, width=_bin_width(held, question)) if question.interval != "plain" else None
    return _judged(panel, question, held, bounds=bounds)


def _judged(panel: Panel, question: Question, held: Headline, *, bounds: HonestBounds | None) -> EffectStudy:
    m, found = held.m, held.found
    counted = np.asarray(found.cells.any(axis=1))
    maker = EntryMaker(panel=panel, question=question, n_cohorts=len(np.unique(m.cohorts[counted])))
    plain = maker.entry(held.estimate, estimand="fiscal_year", method="matched_months", inference="headline")
    first = plain
    if question.interval != "plain":
        wide = honest_estimate(held.estimate, bounds, interval=question.interval)
        first = maker.entry(wide, estimand="fiscal_year", method="matched_months", inference="honest")
    structure = fit_structure(m, season=held.target.season, excluded=held.target.excluded)
    could, could_range = foreseen(structure, found.effect, m=m, otherwise=held.estimate)
    nothing = pd.DataFrame()
    return EffectStudy(
        **labels(panel, question),
        headline=first,
        entries=(*((plain,) if first is plain else (first, plain)), *maker.naive(found.before_after, m, estimand="naive_before_after")),
        event_study=nothing,
        group_time=nothing,
        series=nothing,
        timing=nothing,
        detectable=could,
        detectable_range=could_range,
        unit_periods=found.unit_periods,
        baseline_mean=float(found.baseline.estimate(m)[0]),
        checks=(*run_checks(held, panel), *(small_lottery_checks(held, panel) if question.design == "lottery" else ())),
        influence=nothing,
        n_treated_units=found.n_treated,
        n_control_units=found.n_control,
        persons_treated=int(m.persons[counted].sum()),
        shortest_before=found.shortest_before,
        notes=(_NO_STRUCTURE,) if structure is None else (),
        interval=question.interval,
    )


def _headline(panel: Panel, question: Question, *, plan: Plan) -> Headline:
    m, target = moments(panel), evaluated_target(panel, question, plan=plan)
    found = fiscal_year_contrast(m, target)
    pooled = pooled_covariance(m)
    outcome = question.outcome
    return Headline(
        m=m, target=target, found=found, pooled=pooled, estimate=contrast_estimate(found.effect, m),
        unit_label=outcome.unit_label, better=outcome.better, hours_per_unit=outcome.hours_per_unit,
    )  # fmt: skip


def _bin_width(held: Headline, question: Question) -> int:
    return COHORT_MONTHS[question.cohort_width] if held.target.season > 1 else 1


def _parts(panel: Panel, held: Headline) -> PerCase | None:
    try:
        return time_per_case(panel, held.target)
    except NotIdentifiedError:
        return None


def _part_entries(maker: EntryMaker, parts: PerCase | None) -> list[Entry]:
    if parts is None:
        return []
    figures = {"per_case": parts.per_case, "price": parts.price, "quantity": parts.quantity, "interaction": parts.interaction}
    return [maker.entry(found, estimand=estimand, method="matched_months", inference="headline") for estimand, found in figures.items()]


def _influence(panel: Panel, held: Headline, parts: PerCase | None) -> pd.DataFrame:
    frame = pd.DataFrame({"unit": panel.units, "value": held.found.effect.influence(panel, held.m)[:, 0]})
    return frame if parts is None else frame.assign(price=parts.influence)


def _beside(
    panel: Panel, held: Headline, *, question: Question, bounds: HonestBounds | None, variants: tuple[Variant, ...], parts: PerCase | None
) -> tuple[str, ...]:
    """What stands beside the headline for reference, ungraded."""
    unit, planned = question.outcome.unit_label, question.threshold_share
    said = (
        None if parts is None else parts_sentence(parts, unit_periods=held.found.unit_periods, total=held.estimate.estimate),
        threshold_sentence(variants, planned=planned, asked=other_shares(planned), unit_label=unit),
        honest_lines(variants, unit_label=unit),
        breakdown_sentence(bounds),
    )
    return (*(sentence for sentence in said if sentence is not None), *describe(replace(panel, within=None), held.target, unit_label=unit))


def _event_frame(held: Headline, question: Question) -> pd.DataFrame:
    """Effect by time since treatment with headline inference: pointwise t intervals and a simultaneous band."""
    keys, contrast, units = event_bins(held.m, held.target, width=_bin_width(held, question))
    variance, df = held.pooled.variance(contrast, held.m)
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    estimate = contrast.estimate(held.m)
    with np.errstate(invalid="ignore"):
        point = stats.t.ppf(0.975, np.where(df > 0, df, np.nan))
    covariance = held.pooled.covariance_of(contrast, held.m)
    band = np.maximum(point, sup_t_critical(covariance) * point / stats.norm.ppf(0.975))
    return pd.DataFrame(
        {
            "event_time": keys,
            "estimate": estimate,
            "std_error": error,
            "conf_low": estimate - point * error,
            "conf_high": estimate + point * error,
            "band_low": estimate - band * error,
            "band_high": estimate + band * error,
            "n_units": units.astype(np.int64),
        }
    )


def _notes(held: Headline, effects: GroupTimeEffects | None) -> list[str]:
    found, target, notes = held.found, held.target, []
    if found.dropped_cells:
        notes.append(f"受講前の同じ月、または比較相手3つ以上がそろわない {found.dropped_cells} 個の（開始時期×月）は数えていません。")
    if effects is not None and effects.dropped_units:
        notes.append(f"期間の最初から受講していた {effects.dropped_units} 単位は、受講前がないため除きました。")
    if target.season > 1 and found.shortest_before < MONTHS_A_YEAR:
        notes.append("受講前が12か月に満たない開始時期があります。")
    elif target.season > 1 and found.shortest_before < 2 * MONTHS_A_YEAR:
        notes.append("受講前が24か月に満たないため、季節の違いそのものは検証できません。")
    return notes


def _settings(panel: Panel, target: FiscalYearTarget, found: FiscalYearContrast) -> dict[str, str]:
    return {
        "評価した期間": span(panel, first=target.first, last=target.last),
        "比べ方": "受講前の同じ月の平均からの変化を、まだ受けていない相手の変化と比べます" if target.season > 1 else "受講前の平均からの変化を比べます",
        "数え始め": f"開始時期から{target.buffer}か月は前にも後にも数えません" if target.buffer else "開始した月から数えます",
        "受講前の月数（最短）": str(found.shortest_before),
    }

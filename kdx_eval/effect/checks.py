"""The checks that a headline must survive, each a contrast of the same machinery, under one family rule.

Ten checks at 5 % fail somewhere in 40 % of good studies, so p values are adjusted over all checks of a question (Holm 1979). "Nothing found" is
a pass only where the check could have found something as large as the effect itself; otherwise it is called powerless. What the data do not
allow is neither: it is named with the file that would be needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kdx_eval.effect.check_estimators import estimator_findings
from kdx_eval.effect.check_parts import BESIDE, Finding, Headline, difference, family_p_values, made
from kdx_eval.effect.check_surroundings import surrounding_findings, surrounding_notes
from kdx_eval.effect.check_trends import (
    SELECTION_PERIODS,
    TREND_BEFORE_SELECTION,
    TREND_CARRIED_ON,
    falling_back,
    joint_pre_test,
    placebo_date,
    pre_trend,
    trend_before_selection,
    trend_carried_on,
)
from kdx_eval.effect.inference import Estimate, detectable_effect
from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.panel.type import Panel
from kdx_eval.units import format_measure

__all__ = ["FAMILY_ERROR", "TREND_BEFORE_SELECTION", "TREND_CARRIED_ON", "Headline", "run_checks"]

FAMILY_ERROR = 0.05
_VERDICTS: dict[CheckOutcome, str] = {
    "passed": "問題は見つかりませんでした",
    "failed": "偶然とは言えない差があり、結果をそのまま信じることはできません",
    "powerless": "差は見つかりませんでしたが、この点検で見つけられる差が大きく、合格とは言えません",
}


def run_checks(headline: Headline, panel: Panel | None = None) -> tuple[CheckResult, ...]:
    """All checks of the headline, judged together.

    Parameters
    ----------
    panel : Panel or None
        The panel behind the headline; what it knows of the units' surroundings (postings, headcount, worktime, neighbours) is checked too.

    Returns
    -------
    tuple of CheckResult
        In a fixed order; ``statistic`` and ``detectable`` are in the outcome's unit per unit and period.
    """
    findings = [*_core(headline), *estimator_findings(headline), *(surrounding_findings(headline, panel) if panel is not None else ())]
    judged = (_result(finding, p, headline) for finding, p in zip(findings, family_p_values(findings), strict=True))
    beside = surrounding_notes(headline, panel) if panel is not None else ()
    return (*judged, trend_carried_on(headline), trend_before_selection(headline), falling_back(headline), *beside)


def _core(headline: Headline) -> Iterator[Finding]:
    yield pre_trend(headline)
    yield placebo_date(headline)
    yield _selection_months(headline)
    yield _one_cohort_left_out(headline)
    yield _never_only(headline)
    yield _events(headline)
    yield joint_pre_test(headline)


def _result(finding: Finding, p_value: float, headline: Headline) -> CheckResult:
    estimate, margin = finding.estimate, headline.margin
    if estimate is None or not np.isfinite(p_value):
        reason = finding.missing or "ばらつきを測れません"
        return CheckResult(check_id=finding.check_id, title=finding.title, outcome="not_applicable", sentence=f"{finding.title}：行えません（{reason}）。")
    could = detectable_effect(estimate.std_error, estimate.df) if finding.could is None else finding.could
    found = p_value < FAMILY_ERROR and abs(estimate.estimate) > finding.tolerance and estimate.estimate * finding.bad_sign >= 0
    outcome: CheckOutcome = "failed" if found else "powerless" if could > margin else "passed"
    unit = headline.unit_label
    reach = f"見つけられる大きさ {format_measure(could)}、目安 {format_measure(margin)}" if np.isfinite(could) else f"目安 {format_measure(margin)}"
    sentence = f"{finding.title}：{finding.about}は{format_measure(estimate.estimate)}{unit}（{reach}）。{_VERDICTS[outcome]}。{finding.after}"
    return CheckResult(
        check_id=finding.check_id,
        title=finding.title,
        outcome=outcome,
        sentence=sentence,
        statistic=estimate.estimate,
        std_error=estimate.std_error,
        margin=margin,
        detectable=could,
        p_value=p_value,
        conf_low=estimate.conf_low,
        conf_high=estimate.conf_high,
    )


def _selection_months(headline: Headline) -> Finding:
    finding = Finding(
        check_id="selection_months", title="選ばれた時期の影響（平均への回帰）", about="受講直前の6か月を使わない場合との差", row="selection_months"
    )
    return made(finding, difference(headline, replace(headline.target, skip_before=SELECTION_PERIODS)))


def _never_only(headline: Headline) -> Finding:
    finding = Finding(
        check_id="fixed_comparison",
        title="比較相手を変えた点検",
        about="一度も受けていない相手だけと比べた場合との差",
        row="fixed_comparison",
        place=BESIDE,
    )
    return made(finding, difference(headline, replace(headline.target, only_never=True)))


def _events(headline: Headline) -> Finding:
    finding = Finding(
        check_id="concurrent_events", title="除いた期間の影響", about="除いた期間も使った場合との差", row="concurrent_events", place=BESIDE
    )
    if not headline.target.excluded:
        return replace(finding, missing="除いた期間はありません")
    return made(finding, difference(headline, replace(headline.target, excluded=frozenset())))


def _one_cohort_left_out(headline: Headline) -> Finding:
    """The largest change when one starting time is left out.

    Effects may honestly differ between starting times, which is no bias; only a change beyond the headline's own half width and of half the effect
    means that the result rests on one of them (where a starting time is one department, the half width alone failed one sound city in eleven).
    """
    finding = Finding(
        check_id="one_cohort_left_out", title="一つの開始時期を除いた点検", about="最も大きく変わる場合の差", row="one_cohort_left_out", place=BESIDE
    )
    changes = list(_left_out(headline))
    if len(changes) < 2:
        return replace(finding, missing="開始時期が一つしかありません")
    largest = min(changes, key=lambda change: change.p_value)
    return replace(finding, estimate=largest, tests=len(changes), tolerance=max(headline.half_width, abs(headline.estimate.estimate) / 2))


def _left_out(headline: Headline) -> Iterator[Estimate]:
    for cohort in np.unique(headline.m.cohorts[headline.found.cells.any(axis=1)]):
        omitted = headline.target.omitted | {float(cohort)}
        found = difference(headline, replace(headline.target, omitted=omitted))
        if not isinstance(found, str) and np.isfinite(found.p_value):
            yield found

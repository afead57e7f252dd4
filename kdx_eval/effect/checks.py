"""The checks that a headline must survive, each a contrast of the same cohort means, under one family rule.

Ten checks at 5 % fail somewhere in 40 % of good studies, so p values are adjusted over all checks of a question (Holm 1979). "Nothing found" is
a pass only where the check could have found something as large as the effect itself; otherwise it is called powerless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import FiscalYearContrast, FiscalYearTarget, comparison_cohorts, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, PooledCovariance, detectable_effect, make_estimate
from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray
from kdx_eval.units import format_measure

FAMILY_ERROR = 0.05
SELECTION_PERIODS = 6  # half a year: the bad half-year by which units are typically chosen
TREND_CARRIED_ON = "trend_carried_on"
SHORTEST_PLACEBO = 6  # periods of placebo effect under which the check says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What the checks hold themselves against."""

    m: CohortMoments
    target: FiscalYearTarget
    found: FiscalYearContrast
    pooled: PooledCovariance
    estimate: Estimate
    unit_label: str

    @property
    def margin(self) -> float:
        """The bias that would matter: as large as the effect, or as its uncertainty where that is larger."""
        return max(abs(self.estimate.estimate), self.half_width)

    @property
    def half_width(self) -> float:
        """Half of the headline's 95 % interval."""
        return (self.estimate.conf_high - self.estimate.conf_low) / 2

    def judge(self, contrast: Contrast) -> Estimate:
        """Estimate of a contrast's first row with headline inference."""
        variance, df = self.pooled.variance(contrast, self.m)
        return make_estimate(float(contrast.estimate(self.m)[0]), float(np.sqrt(max(variance[0], 0.0))), df=float(df[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A check before the family rule: its estimate, or why it could not be made."""

    check_id: str
    title: str
    about: str  # what the number is, in a sentence
    estimate: Estimate | None = None
    missing: str = ""
    tests: int = 1  # tests of which this is the largest (Bonferroni inside the check)
    tolerance: float = 0.0  # a difference up to here is no failure, even where it is no chance


def run_checks(headline: Headline) -> tuple[CheckResult, ...]:
    """All checks of the headline, judged together.

    Returns
    -------
    tuple of CheckResult
        In a fixed order; ``statistic`` and ``detectable`` are in the outcome's unit per unit and period.
    """
    findings = [check(headline) for check in _CHECKS]
    adjusted = _holm([min(1.0, f.estimate.p_value * f.tests) if f.estimate else float("nan") for f in findings])
    judged = (_result(finding, p, headline) for finding, p in zip(findings, adjusted, strict=True))
    return (*judged, _trend_carried_on(headline))


def _result(finding: _Finding, p_value: float, headline: Headline) -> CheckResult:
    estimate, margin = finding.estimate, headline.margin
    if estimate is None or not np.isfinite(p_value):
        reason = finding.missing or "ばらつきを測れません"
        return CheckResult(check_id=finding.check_id, title=finding.title, outcome="not_applicable", sentence=f"{finding.title}：行えません（{reason}）。")
    could = detectable_effect(estimate.std_error, estimate.df)
    found = p_value < FAMILY_ERROR and abs(estimate.estimate) > finding.tolerance
    outcome: CheckOutcome = "failed" if found else "powerless" if could > margin else "passed"
    verdict = {
        "passed": "問題は見つかりませんでした",
        "failed": "偶然とは言えない差があり、結果をそのまま信じることはできません",
        "powerless": "差は見つかりませんでしたが、この点検で見つけられる差が大きく、合格とは言えません",
    }[outcome]
    unit = headline.unit_label
    sentence = (
        f"{finding.title}：{finding.about}は{format_measure(estimate.estimate)}{unit}"
        f"（見つけられる大きさ {format_measure(could)}、目安 {format_measure(margin)}）。{verdict}。"
    )
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


def _holm(p_values: list[float]) -> list[float]:
    """Holm-adjusted p values; NaN (check not made) does not count."""
    order = sorted((p, i) for i, p in enumerate(p_values) if np.isfinite(p))
    adjusted, largest = [float("nan")] * len(p_values), 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = largest
    return adjusted


def _pre_trend(headline: Headline) -> _Finding:
    """Difference in slope before treatment, carried on to the evaluated year."""
    title, about = "受講前の傾き", "受講前の傾きの差を評価年度まで延ばした見かけの効果"
    weights = _slope_weights(headline)
    if weights is None:
        return _Finding(check_id="pre_trends", title=title, about=about, missing="受講前の月が6か月未満です")
    return _Finding(check_id="pre_trends", title=title, about=about, estimate=headline.judge(_contrast(weights, headline.m)))


def _slope_weights(headline: Headline) -> FloatArray | None:
    """Weights, (G, T), of what a straight continuation of the slopes before treatment would add to the headline; None with too few periods.

    Each counted cell is held against the same units as in the headline: against units trained later alone, who may drift alike, a drift of all who
    are ever trained would not show.
    """
    m, target, found = headline.m, headline.target, headline.found
    usable = ~np.isin(m.periods, list(target.excluded))
    total = np.zeros((len(m.cohorts), len(m.periods)))
    for g in np.flatnonzero(found.cells.any(axis=1)):
        past = usable & (m.periods < m.cohorts[g])
        if past.sum() < SHORTEST_PLACEBO:
            return None
        centred = np.where(past, m.periods - m.periods[past].mean(), 0.0)
        slope = centred / (centred**2).sum()
        for t in np.flatnonzero(found.cells[g]):
            others = comparison_cohorts(m, target, g=int(g), period=float(m.periods[t]))
            share = np.where(others, m.mass, 0.0) / m.mass[others].sum()
            step = m.mass[g] * (m.periods[t] - m.periods[past].mean()) * slope
            total[g] += step
            total -= share[:, None] * step[None, :]
    weights: FloatArray = total / float((m.mass[:, None] * found.cells).sum())
    return weights


def _trend_carried_on(headline: Headline) -> CheckResult:
    """Does the effect still exclude zero when the slope before treatment, whatever it was, is taken to have gone on?

    A slope that no test notices can make a claim: departments that drift by 3 % a year were called a success in a quarter of simulated cities.
    Here the drift is taken out with its own uncertainty, so that a claim survives only what the months before training can bear out.
    It never fails a study: nothing found here means that trend and effect cannot be told apart.
    """
    check_id, title = TREND_CARRIED_ON, "受講前の傾きが続いたとした点検"
    weights, plain = _slope_weights(headline), headline.estimate
    if weights is None or not plain.conf_low * plain.conf_high > 0:
        reason = "受講前の月が6か月未満です" if weights is None else "結果の幅が0を含むため、確かめる差がありません"
        return CheckResult(check_id=check_id, title=title, outcome="not_applicable", sentence=f"{title}：行えません（{reason}）。")
    found = headline.judge(_contrast(headline.found.effect.weights[0] - weights, headline.m))
    outcome: CheckOutcome = "passed" if found.conf_low * found.conf_high > 0 and found.estimate * plain.estimate > 0 else "powerless"
    verdict = {
        "passed": "傾きの違いだけでは説明できません",
        "powerless": "もとからの傾きの違いだけでも起こり得るため、研修の効果とは言えません",
    }[outcome]
    unit = headline.unit_label
    low, high = format_measure(found.conf_low), format_measure(found.conf_high)
    sentence = f"{title}：傾きの差を差し引くと{format_measure(found.estimate)}{unit}（95%の幅：{low}～{high}）。{verdict}。"
    could = detectable_effect(found.std_error, found.df)
    return CheckResult(
        check_id=check_id, title=title, outcome=outcome, sentence=sentence,
        statistic=found.estimate, std_error=found.std_error, margin=0.0, detectable=could, p_value=found.p_value,
        conf_low=found.conf_low, conf_high=found.conf_high,
    )  # fmt: skip


def _placebo_date(headline: Headline) -> _Finding:
    """Treatment moved a season back, on data before treatment."""
    title, about = "日付をずらした点検", "受講の12か月前に始まったとみなした見かけの効果"
    shift = max(headline.target.season, SHORTEST_PLACEBO)
    try:
        placebo = fiscal_year_contrast(headline.m, replace(headline.target, shift=shift))
    except NotIdentifiedError:
        placebo = None
    if placebo is None or placebo.cells.any(axis=0).sum() < SHORTEST_PLACEBO:
        return _Finding(check_id="placebo_date", title=title, about=about, missing="受講前のデータが24か月に足りません")
    return _Finding(check_id="placebo_date", title=title, about=about, estimate=headline.judge(placebo.effect))


def _selection_months(headline: Headline) -> _Finding:
    return _difference(
        headline,
        replace(headline.target, skip_before=SELECTION_PERIODS),
        check_id="selection_months",
        title="選ばれた時期の影響（平均への回帰）",
        about="受講直前の6か月を使わない場合との差",
    )


def _never_only(headline: Headline) -> _Finding:
    return _difference(
        headline,
        replace(headline.target, only_never=True),
        check_id="fixed_comparison",
        title="比較相手を変えた点検",
        about="一度も受けていない相手だけと比べた場合との差",
    )


def _events(headline: Headline) -> _Finding:
    check_id, title, about = "concurrent_events", "除いた期間の影響", "除いた期間も使った場合との差"
    if not headline.target.excluded:
        return _Finding(check_id=check_id, title=title, about=about, missing="除いた期間はありません")
    return _difference(headline, replace(headline.target, excluded=frozenset()), check_id=check_id, title=title, about=about)


def _one_cohort_left_out(headline: Headline) -> _Finding:
    """The largest change when one starting time is left out.

    Effects may honestly differ between starting times, which is no bias; only a change beyond the headline's own half width means that the
    result rests on one of them.
    """
    check_id, title, about = "one_cohort_left_out", "一つの開始時期を除いた点検", "最も大きく変わる場合の差"
    changes = list(_left_out(headline))
    if len(changes) < 2:
        return _Finding(check_id=check_id, title=title, about=about, missing="開始時期が一つしかありません")
    largest = min(changes, key=lambda change: change.p_value)
    return _Finding(check_id=check_id, title=title, about=about, estimate=largest, tests=len(changes), tolerance=headline.half_width)


def _left_out(headline: Headline) -> Iterator[Estimate]:
    for g in np.flatnonzero(headline.found.cells.any(axis=1)):
        omitted = headline.target.omitted | {float(headline.m.cohorts[g])}
        found = _difference(headline, replace(headline.target, omitted=omitted), check_id="", title="", about="")
        if found.estimate is not None and np.isfinite(found.estimate.p_value):
            yield found.estimate


def _difference(headline: Headline, target: FiscalYearTarget, *, check_id: str, title: str, about: str) -> _Finding:
    """Alternative minus headline, with the variance of that difference (not of its parts)."""
    try:
        other = fiscal_year_contrast(headline.m, target)
    except NotIdentifiedError:
        return _Finding(check_id=check_id, title=title, about=about, missing="その条件では比べられる相手や月が残りません")
    weights = other.effect.weights[0] - headline.found.effect.weights[0]
    if np.allclose(weights, 0.0, atol=1e-12):
        return _Finding(check_id=check_id, title=title, about=about, missing="条件を変えても使うデータが同じです")
    return _Finding(check_id=check_id, title=title, about=about, estimate=headline.judge(_contrast(weights, headline.m)))


def _contrast(weights: FloatArray, m: CohortMoments) -> Contrast:
    return Contrast(weights=weights[None], constant=np.zeros((1, len(m.cohorts))))


_CHECKS: tuple[Callable[[Headline], _Finding], ...] = (
    _pre_trend,
    _placebo_date,
    _selection_months,
    _one_cohort_left_out,
    _never_only,
    _events,
)

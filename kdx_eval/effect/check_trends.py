"""Checks on the months before training: slope, joint test, moved date, the slope carried on, and falling back after a bad half-year."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.before_weights import SHORTEST_PLACEBO, common_slope_weights, last_season, slope_weights
from kdx_eval.effect.check_parts import Finding, Headline, not_made
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import comparison_cohorts, event_bins, fiscal_year_contrast
from kdx_eval.effect.inference import detectable_effect, t_quantile
from kdx_eval.effect.pretest import PreTest, pretest
from kdx_eval.effect.structure import Structure, fit_structure
from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray
from kdx_eval.units import format_measure, format_number, format_share

SELECTION_PERIODS = 6  # half a year: the bad half-year by which units are typically chosen
TREND_CARRIED_ON = "trend_carried_on"
TREND_BEFORE_SELECTION = "trend_before_selection"
FALLING_BACK = "regression_to_mean"
_NO_DIFFERENCE = "結果の幅が0を含むため、確かめる差がありません"
_MOST_BINS, _DF_A_BIN = 6, 3  # more differences than this, or than a third of the degrees of freedom, only blunt the joint test


def pre_trend(headline: Headline) -> Finding:
    """Difference in slope before treatment, carried on to the evaluated year."""
    finding = Finding(check_id="pre_trends", title="受講前の傾き", about="受講前の傾きの差を評価年度まで延ばした見かけの効果", row="pre_trends")
    weights = slope_weights(headline)
    if weights is None:
        return replace(finding, missing="受講前の月が6か月未満です")
    return replace(finding, estimate=headline.judge_weights(weights))


def trend_carried_on(headline: Headline) -> CheckResult:
    """Does the effect still lie on its side of zero when the slope before treatment, whatever it was, is taken to have gone on?

    A slope that no test notices can make a claim: departments that drift by 3 % a year were called a success in a quarter of simulated cities.
    Here the drift of each start is taken out with its own uncertainty. A claim points one way, so that the question has one side: at 5 %, which is the
    90 % interval. It never fails a study: nothing found here means that trend and effect cannot be told apart.
    """
    title = "受講前の傾きが続いたとした点検"
    weights = slope_weights(headline)
    if weights is None or not headline.excludes_zero:
        return not_made(TREND_CARRIED_ON, title, reason="受講前の月が6か月未満です" if weights is None else _NO_DIFFERENCE)
    verdicts: dict[CheckOutcome, str] = {
        "passed": "傾きの違いだけでは説明できません",
        "powerless": "もとからの傾きの違いだけでも起こり得るため、研修の効果とは言えません",
    }
    return _less_the_slope(headline, weights, check_id=TREND_CARRIED_ON, title=title, about="傾きの差", verdicts=verdicts)


def trend_before_selection(headline: Headline) -> CheckResult:
    """The same with one slope for all, from the months before the half-year by which units may have been chosen.

    A drift that the last half-year hides (a bad one before a good trend, work held back) moves this interval and not the other. It widens what is
    printed beside a claim (``Evidence.strict95``) and decides nothing: as a gate it refused one sound city in seven.
    """
    title = "受講直前の半年を除いた傾きが続いたとした点検"
    weights = common_slope_weights(headline, skip=SELECTION_PERIODS)
    if weights is None or not headline.excludes_zero:
        lacking = "受講直前の半年より前に同じ月が2回そろう開始時期か、一度も受けていない相手3つ以上がありません"
        return not_made(TREND_BEFORE_SELECTION, title, reason=lacking if weights is None else _NO_DIFFERENCE)
    verdicts: dict[CheckOutcome, str] = {
        "passed": "直前の半年を除いても、傾きの違いだけでは説明できません",
        "powerless": "この幅では、向きまでは言い切れません",
    }
    return _less_the_slope(headline, weights, check_id=TREND_BEFORE_SELECTION, title=title, about="直前の半年より前の傾きの差", verdicts=verdicts)


def _less_the_slope(
    headline: Headline, weights: FloatArray, *, check_id: str, title: str, about: str, verdicts: dict[CheckOutcome, str]
) -> CheckResult:
    found, plain = headline.judge_weights(headline.found.effect.weights[0] - weights), headline.estimate
    reach = t_quantile(0.95, found.df) * found.std_error if found.df > 0 else float("nan")
    outcome: CheckOutcome = "passed" if abs(found.estimate) > reach and found.estimate * plain.estimate > 0 else "powerless"
    low, high = format_measure(found.estimate - reach), format_measure(found.estimate + reach)
    value = f"{format_measure(found.estimate)}{headline.unit_label}"
    return CheckResult(
        check_id=check_id, title=title, outcome=outcome,
        sentence=f"{title}：{about}を差し引くと{value}（片側5%で見る90%の幅：{low}～{high}）。{verdicts[outcome]}。",
        statistic=found.estimate, std_error=found.std_error, margin=0.0, detectable=detectable_effect(found.std_error, found.df),
        p_value=found.p_value, conf_low=found.conf_low, conf_high=found.conf_high,
    )  # fmt: skip


def joint_pre_test(headline: Headline) -> Finding:
    """All differences before training at once, with the power of that test and the coverage once it was passed (Roth 2022)."""
    about = "受講前の期間ごとの差のうち最も大きいもの"
    finding = Finding(check_id="joint_pre_test", title="受講前の差をまとめた検定", about=about, row="joint_pre_test")
    rows = _rows_before(headline)
    if rows is None:
        return replace(finding, missing="受講前の期間を3つ以上に分けられません")
    contrast, df = rows
    tested = _tested(headline, contrast, df=df)
    each = [headline.judge_weights(weights) for weights in contrast.weights]
    largest = max(each, key=lambda found: abs(found.estimate) / found.std_error if found.std_error > 0 else 0.0)
    return replace(finding, estimate=largest, p_value=tested.p_value, could=tested.bias_80, after=_pretest_sentence(tested, unit=headline.unit_label))


def _tested(headline: Headline, contrast: Contrast, *, df: float) -> PreTest:
    m = headline.m
    weights = np.concatenate([contrast.weights, headline.found.effect.weights])
    both = Contrast(weights=weights, constant=np.zeros((len(weights), len(m.cohorts))))
    drift = np.where(np.isfinite(m.cohorts), 1.0, 0.0)[:, None] * (m.periods - m.periods[0])[None, :]
    return pretest(
        contrast.estimate(m),
        headline.pooled.covariance_of(both, m),
        slope=np.einsum("kgt,gt->k", weights, drift),
        df=df,
        half_width=headline.half_width,
    )


def _pretest_sentence(tested: PreTest, *, unit: str) -> str:
    found = f"差{tested.n_pre}個がすべて0かの検定はF={format_number(tested.statistic, 2)}、p={format_number(tested.p_value, 3)}"
    if not np.isfinite(tested.bias_50):
        return f"{found}。一定の傾きは、この検定では見つけられません。"
    return (
        f"{found}。この検定は、見かけの効果{format_measure(tested.bias_50)}{unit}を生む傾きなら半分、{format_measure(tested.bias_80)}なら8割の"
        f"場合に気づきます。検定を通ったあとで95%の幅が真の値を含む割合は、傾きがなければ{format_share(tested.coverage, 0)}、"
        f"半分しか気づかない傾きがあれば{format_share(tested.coverage_50, 0)}です。"
    )


def _rows_before(headline: Headline) -> tuple[Contrast, float] | None:
    """Differences by time before training and their degrees of freedom; None with fewer than two.

    The last season before each start, by quarter or half-year, against the same calendar months before that season; where those are missing, all
    periods before training in bins, measured from the last of them.
    """
    season = headline.target.season
    for width in (3, 6) if season > 1 else ():
        contrast = last_season(headline, width=width)
        if contrast is not None and (df := _testable(headline, contrast)):
            return contrast, df
    unit = 3 if season > 1 else 1
    for width in (unit, 2 * unit, 4 * unit, 8 * unit):
        keys, contrast, _ = event_bins(headline.m, headline.target, width=width)
        before = int((keys < 0).sum())
        if before < 3:
            return None
        mix = np.eye(before, len(keys))[:-1]
        mix[:, before - 1] -= 1.0
        rows = contrast.combine(mix)
        if df := _testable(headline, rows):
            return rows, df
    return None


def _testable(headline: Headline, rows: Contrast) -> float:
    """Degrees of freedom of a joint test of these rows; 0 where they are too many or depend on each other."""
    count = len(rows.weights)
    df = float(headline.pooled.variance(rows, headline.m)[1].min())
    full = np.linalg.matrix_rank(headline.pooled.covariance_of(rows, headline.m), hermitian=True) == count
    return df if full and count <= min(_MOST_BINS, df / _DF_A_BIN) else 0.0


def placebo_date(headline: Headline) -> Finding:
    """Treatment moved a season back, on data before treatment."""
    finding = Finding(check_id="placebo_date", title="日付をずらした点検", about="受講の12か月前に始まったとみなした見かけの効果", row="placebo_date")
    shift = max(headline.target.season, SHORTEST_PLACEBO)
    try:
        placebo = fiscal_year_contrast(headline.m, replace(headline.target, shift=shift))
    except NotIdentifiedError:
        placebo = None
    if placebo is None or placebo.cells.any(axis=0).sum() < SHORTEST_PLACEBO:
        return replace(finding, missing="受講前のデータが24か月に足りません")
    return replace(finding, estimate=headline.judge(placebo.effect))


def falling_back(headline: Headline) -> CheckResult:
    """The change that units standing out in the half-year before training would show anyway, beside the effect.

    From the autocorrelation of the months before training: a unit whose last half-year r lay s above its level is expected to move by
    cov(effect, r) / var(r) x s without any training. It never fails a study; what selection itself does is a test of its own (``selection_months``).
    """
    title = "選ばれた時期からの反動の見込み"
    structure = fit_structure(headline.m, season=headline.target.season, excluded=headline.target.excluded)
    weights = None if structure is None else falling_back_weights(headline, structure)
    if weights is None:
        return not_made(FALLING_BACK, title, reason="受講直前の6か月と、それより前の月がそろいません")
    found = headline.judge_weights(weights)
    if not np.isfinite(found.conf_low):
        return not_made(FALLING_BACK, title, reason="ばらつきを測れません")
    rest = headline.judge_weights(headline.found.effect.weights[0] - weights)
    stands = not headline.excludes_zero or (rest.conf_low * rest.conf_high > 0 and rest.estimate * headline.estimate.estimate > 0)
    outcome: CheckOutcome = "passed" if stands and max(abs(found.conf_low), abs(found.conf_high)) <= headline.margin else "powerless"
    verdict = {
        "passed": "反動だけでは結果を説明できません" if headline.excludes_zero else "見込まれる反動は、結果の幅の中に収まります",
        "powerless": "反動の見込みの幅が広く、結果に混ざっていないとは言い切れません",
    }[outcome]
    unit, low, high = headline.unit_label, format_measure(found.conf_low), format_measure(found.conf_high)
    sentence = (
        f"{title}：受講直前の半年の動きから、受けなくても見込まれる変化は{format_measure(found.estimate)}{unit}（95%の幅：{low}～{high}）、"
        f"結果は{format_measure(headline.estimate.estimate)}{unit}。{verdict}。"
    )
    return CheckResult(
        check_id=FALLING_BACK, title=title, outcome=outcome, sentence=sentence,
        statistic=found.estimate, std_error=found.std_error, margin=headline.margin, detectable=detectable_effect(found.std_error, found.df),
        p_value=found.p_value, conf_low=found.conf_low, conf_high=found.conf_high,
    )  # fmt: skip


def falling_back_weights(headline: Headline, structure: Structure) -> FloatArray | None:
    """Weights, (G, T), of the expected change after a half-year that stood out; None where a start lacks that half-year or an earlier month."""
    m, target, found = headline.m, headline.target, headline.found
    usable = ~np.isin(m.periods, list(target.excluded))
    # The half-year is held against the same calendar months, so that seasons drop out of it and of the effect alike.
    covariance = replace(structure, seasonal=0.0).covariance(m.periods)
    total = np.zeros((len(m.cohorts), len(m.periods)))
    for g in np.flatnonzero(found.cells.any(axis=1)):
        stood = _stood_out(m.periods, usable & (m.periods < m.cohorts[g]), season=target.season)
        if stood is None:
            return None
        recent = np.clip(stood, 0.0, None)  # chosen for the half-year itself: earlier months only tell the level it is measured from
        spread = float(recent @ covariance @ recent)
        own = found.effect.weights[0][g]
        expected = float(own @ covariance @ recent) / spread if spread > 0 else 0.0
        others = comparison_cohorts(m, target, g=int(g), period=float(m.periods[found.cells[g]].max()))
        if not others.any():
            return None
        total[g] += expected * stood
        total -= expected * (np.where(others, m.mass, 0.0) / m.mass[others].sum())[:, None] * stood[None, :]
    return total


def _stood_out(periods: FloatArray, past: npt.NDArray[np.bool_], *, season: int) -> FloatArray | None:
    """Weights of the last half-year before a start against earlier months: the same calendar months where there are any, else all."""
    places = np.flatnonzero(past)
    if len(places) <= SELECTION_PERIODS:
        return None
    recent, earlier = places[-SELECTION_PERIODS:], places[:-SELECTION_PERIODS]
    weights: FloatArray = np.zeros(len(periods))
    matches = [earlier[(periods[earlier] - periods[t]) % season == 0] for t in recent]
    if not all(len(match) for match in matches):
        matches = [earlier] * len(recent)
    for t, match in zip(recent, matches, strict=True):
        weights[t] += 1.0
        weights[match] -= 1.0 / len(match)
    return weights / SELECTION_PERIODS

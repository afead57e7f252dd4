"""Checks of a lottery: balance before anybody began, a lottery that was drawn again, and, among many units, the months before taken for the months after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.before_weights import SHORTEST_PLACEBO
from kdx_eval.effect.check_parts import Headline, not_made
from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.efficient import EfficientRollout, efficient_rollout
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.inference import detectable_effect, make_estimate
from kdx_eval.effect.permutation import fisher_test
from kdx_eval.effect.randomisation import RANDOMISATION, redrawn_check, redrawn_result
from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.units import format_measure, format_number, format_share

BALANCE = "balance"
EXITS = "exits"
A_YEAR = 12
# A draw on record that comes out uneven was bad luck, and its interval covers that: only what hardly any draw does says that it was no draw.
UNLIKELY = 0.01
FAMILY_ERROR = 0.05
_DRAWS = 2_000
_FEW_UNITS, _MANY_DRAWS, _FEW_DRAWS = 2_000, 500, 200  # large panels cost time by the draw
_TITLE = "受講前の釣り合い"


def small_lottery_checks(held: Headline, panel: Panel) -> tuple[CheckResult, ...]:
    """Balance, exits, and the lottery drawn again, of a roll-out among few units."""
    return balance_check(panel, held.target), exits_check(panel), redrawn_check(held, panel)


def balance_check(panel: Panel, target: FiscalYearTarget) -> CheckResult:
    """Whether those who begin at different times stood apart in the year before the first of them began, by drawing the lottery again.

    The statistic is the sum of squares between starting times of each unit's mean over the last year before, within the strata that are compared.
    """
    before = (panel.periods < panel.cohort.min()) & ~np.isin(panel.periods, sorted(target.excluded))
    if not before.any():
        return not_made(BALANCE, _TITLE, reason="最初の回より前の月がありません")
    level = panel.outcome[:, np.flatnonzero(before)[-A_YEAR:]].mean(axis=1)
    inside = np.zeros(panel.n_units, dtype=object) if panel.within is None else panel.within
    weight = np.ones(panel.n_units) if panel.weight is None else panel.weight
    drawn = np.zeros(panel.n_units, dtype=object) if panel.stratum is None else panel.stratum
    observed, apart = _between(panel.cohort[None], level, inside, weight=weight), np.random.default_rng(0)
    cohort = np.tile(panel.cohort, (_DRAWS, 1))
    for name in np.unique(drawn.astype(str)):
        members = np.flatnonzero(drawn.astype(str) == name)
        cohort[:, members] = apart.permuted(cohort[:, members], axis=1)
    extreme = int((_between(cohort, level, inside, weight=weight) >= observed[0] * (1 - 1e-9)).sum())
    p_value = (1 + extreme) / (1 + _DRAWS)
    passed = p_value >= UNLIKELY
    verdict = "抽選で決めたことと矛盾しません" if passed else "抽選で決めたとは考えにくい偏りです"
    sentence = (
        f"{_TITLE}：最初の回が始まる前の1年の平均の、回による違い。抽選でこれ以上の偏りが出る割合は{format_number(100 * p_value, 1)}%。{verdict}。"
    )
    outcome: CheckOutcome = "passed" if passed else "failed"
    return CheckResult(check_id=BALANCE, title=_TITLE, outcome=outcome, sentence=sentence, statistic=float(observed[0]), p_value=p_value)


def _between(cohort: FloatArray, level: FloatArray, inside: npt.NDArray[np.object_], *, weight: FloatArray) -> FloatArray:
    """Weighted sum of squares between starting times, summed over strata, of each row of ``cohort`` (D, N)."""
    total = np.zeros(len(cohort))
    for name in np.unique(inside.astype(str)):
        members = inside.astype(str) == name
        own, mass = level[members], weight[members]
        apart = own - mass @ own / mass.sum()
        for start in np.unique(cohort[0, members]):
            begun = cohort[:, members] == start
            size = begun @ mass
            total += np.divide((begun @ (mass * apart)) ** 2, size, out=np.zeros(len(cohort)), where=size > 0)
    return total


def large_lottery_checks(panel: Panel, lead: EfficientRollout, *, unit_label: str) -> tuple[CheckResult, ...]:
    """Balance, placebo and the lottery drawn again, of a roll-out among many units; balance and placebo share one error rate (Holm 1979)."""
    placebo = _placebo(panel)
    p_values = [lead.balance_p_value, *([] if isinstance(placebo, str) else [placebo.p_value])]
    smallest = min(p_values)
    failed = [p * (len(p_values) if p == smallest else 1) < FAMILY_ERROR and smallest * len(p_values) < FAMILY_ERROR for p in p_values]
    checks = [_model_balance(lead, failed=failed[0])]
    if isinstance(placebo, str):
        checks.append(not_made("placebo_date", "日付をずらした点検", reason=placebo))
    else:
        checks.append(_placebo_result(placebo, lead, failed=failed[1], unit_label=unit_label))
    return (*checks, exits_check(panel), _redrawn(panel, lead))


def exits_check(panel: Panel) -> CheckResult:
    """Whether units drawn to begin were lost (left the city, records that stop) more often than those drawn to wait: a draw makes alike only who stays in it.

    Exact test of two shares (Fisher 1935); it fails below 1 %, as the balance does.
    """
    from scipy import stats

    exits, title = panel.exits, "途中でいなくなった単位"
    if exits is None or not min(exits.n_treated, exits.n_waiting):
        return not_made(EXITS, title, reason="抽選の記録と成果のデータから、いなくなった単位を数えられません")
    stayed = (exits.n_treated - exits.lost_treated, exits.n_waiting - exits.lost_waiting)
    p_value = float(stats.fisher_exact(np.array([[exits.lost_treated, stayed[0]], [exits.lost_waiting, stayed[1]]])).pvalue)
    failed = p_value < UNLIKELY
    verdict = "偏りがあり、残った単位だけでは比べられません" if failed else "抽選の結果による違いは見つかりませんでした"
    shares = (format_share(exits.lost_treated / exits.n_treated, 0), format_share(exits.lost_waiting / exits.n_waiting, 0))
    sentence = (
        f"{title}：成果の記録がそろわず除いたのは、先に受ける側{format_number(exits.n_treated)}のうち{format_number(exits.lost_treated)}（{shares[0]}）、"
        f"あとの側{format_number(exits.n_waiting)}のうち{format_number(exits.lost_waiting)}（{shares[1]}）。{verdict}。"
    )
    return CheckResult(check_id=EXITS, title=title, outcome="failed" if failed else "passed", sentence=sentence, p_value=p_value)


def _model_balance(lead: EfficientRollout, *, failed: bool) -> CheckResult:
    """The difference before treatment that a random order leaves at zero."""
    p_value = lead.balance_p_value
    verdict = "順番が偶然とは言えません" if failed else "順番が偶然に近いことと矛盾しません"
    sentence = f"{_TITLE}：始める前の差の検定 χ²={format_measure(lead.balance_statistic)}、p={format_measure(p_value)}。{verdict}。"
    outcome: CheckOutcome = "failed" if failed else "passed"
    return CheckResult(check_id=BALANCE, title=_TITLE, outcome=outcome, sentence=sentence, statistic=lead.balance_statistic, p_value=p_value)


def _placebo(panel: Panel) -> EfficientRollout | str:
    """The same estimate with every start moved back into the periods before anybody began; or why it cannot be made."""
    begun = panel.cohort[(panel.cohort > panel.periods[0]) & (panel.cohort <= panel.periods[-1])]
    before = panel.periods < (begun.min() if len(begun) else panel.periods[0])
    count = int(before.sum())
    shift = min(A_YEAR, count // 2)
    if shift < SHORTEST_PLACEBO:
        return f"最初の回より前の期間が{2 * SHORTEST_PLACEBO}に足りません"
    keep = panel.cohort > panel.periods[0]
    earlier = replace(
        panel, outcome=panel.outcome[np.ix_(keep, before)], periods=panel.periods[before], units=panel.units[keep], cohort=panel.cohort[keep] - shift,
        persons=panel.persons[keep], within=None if panel.within is None else panel.within[keep], stratum=None, cluster=None, exposure=None, cases=None,
        other_cohorts={}, covariates={},
    )  # fmt: skip
    try:
        return efficient_rollout(moments(earlier))
    except NotIdentifiedError as error:
        return error.reason


def _placebo_result(found: EfficientRollout, lead: EfficientRollout, *, failed: bool, unit_label: str) -> CheckResult:
    plain = make_estimate(lead.estimate, lead.std_error)
    margin = max(abs(plain.estimate), (plain.conf_high - plain.conf_low) / 2)
    could = detectable_effect(found.std_error, float("inf"))
    outcome: CheckOutcome = "failed" if failed else "powerless" if could > margin else "passed"
    verdict = {
        "failed": "偶然とは言えない差があり、結果をそのまま信じることはできません",
        "powerless": "差は見つかりませんでしたが、この点検で見つけられる差が大きく、合格とは言えません",
        "passed": "問題は見つかりませんでした",
    }[outcome]
    sentence = (
        f"日付をずらした点検：まだ誰も始めていない時期に始まったとみなした見かけの効果は{format_measure(found.estimate)}{unit_label}"
        f"（見つけられる大きさ {format_measure(could)}、目安 {format_measure(margin)}）。{verdict}。"
    )
    return CheckResult(
        check_id="placebo_date", title="日付をずらした点検", outcome=outcome, sentence=sentence, statistic=found.estimate, std_error=found.std_error,
        margin=margin, detectable=could, p_value=found.p_value, conf_low=found.conf_low, conf_high=found.conf_high,
    )  # fmt: skip


def _redrawn(panel: Panel, lead: EfficientRollout) -> CheckResult:
    plain = make_estimate(lead.estimate, lead.std_error)
    draws = _MANY_DRAWS if panel.n_units <= _FEW_UNITS else _FEW_DRAWS
    try:
        found = fisher_test(replace(panel, cluster=None), draws=draws)
    except NotIdentifiedError as error:
        return not_made(RANDOMISATION, "抽選をやり直したとした検定", reason=error.reason)
    differs = plain.conf_low * plain.conf_high > 0
    return redrawn_result(found.p_value, smallest=found.smallest_p_value, statistic=abs(found.statistic), differs=differs)

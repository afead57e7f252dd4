"""The checks of one supported unit, each ranked among the same figure for untreated units taken as supported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.checks import TREND_CARRIED_ON
from kdx_eval.effect.placebo_rank import ERROR, PlaceboRank, placebo_rank
from kdx_eval.effect.single import FEWEST_BEFORE, FEWEST_CONTROLS, Block, effect_curve, fit_error, fit_weights, placebo_blocks
from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.panel.type import FloatArray
from kdx_eval.units import format_measure, format_number

RANK_PLACEBO = "rank_placebo"
MOVED = 12  # periods by which the start is moved back
SELECTION_PERIODS = 6  # the bad half-year by which a unit is typically chosen

Figure = Callable[[Block], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A check before it is judged: what it computes, or why it cannot."""

    check_id: str
    title: str
    about: str
    figure: Figure | None
    missing: str = ""


def single_checks(
    block: Block, lead: PlaceboRank, *, periods: FloatArray, before: npt.NDArray[np.intp], after: npt.NDArray[np.intp], unit: str
) -> tuple[CheckResult, ...]:
    """The rank of the estimate itself, then moved date, course before, months of selection and heaviest donor, adjusted together by Holm.

    Parameters
    ----------
    before, after : ndarray of int
        Where the columns of ``block`` lie in ``periods``.
    unit : str
        The outcome's unit, for the sentences.
    """
    margin = max(abs(lead.estimate), lead.half_width if np.isfinite(lead.half_width) else abs(lead.estimate))
    asked = _asked(block, before=periods[before], after=periods[after])
    ranks = [None if one.figure is None else _ranked(block, one.figure) for one in asked]
    made = sum(rank is not None for rank in ranks)
    order = sorted(rank.p_value for rank in ranks if rank is not None)
    adjusted = [None if rank is None else min(1.0, max(p * (made - place) for place, p in enumerate(order) if p <= rank.p_value)) for rank in ranks]
    judged = (_result(one, rank, p, margin=margin, unit=unit) for one, rank, p in zip(asked, ranks, adjusted, strict=True))
    return (_rank_check(lead), *judged, _trend_check(block, lead, before=periods[before], after=periods[after], unit=unit))


def _rank_check(lead: PlaceboRank) -> CheckResult:
    title = "受けていない相手との順位"
    place, of = round(lead.p_value * (1 + lead.n_placebos)), 1 + lead.n_placebos
    among = f"受けていない相手を支援とみなした場合を含む{format_number(of)}通り"
    found = f"差の大きさは、{among}のうち{format_number(place)}番目（p={format_measure(lead.p_value)}）"
    outcome: CheckOutcome = "passed" if lead.p_value <= ERROR else "powerless"
    if lead.smallest_p_value > ERROR:
        verdict = f"相手が少なく、最も小さくても p={format_measure(lead.smallest_p_value)} にしかならないため、判定できません"
    else:
        verdict = "偶然とは考えにくい大きさです" if outcome == "passed" else "受けていない相手にも起こる大きさで、支援の効果とは言えません"
    return CheckResult(
        check_id=RANK_PLACEBO,
        title=title,
        outcome=outcome,
        sentence=f"{title}：{found}。{verdict}。",
        statistic=lead.estimate,
        std_error=lead.interval.std_error,
        margin=0.0,
        detectable=lead.detectable,
        p_value=lead.p_value,
        conf_low=lead.interval.conf_low,
        conf_high=lead.interval.conf_high,
    )


def _trend_check(block: Block, lead: PlaceboRank, *, before: FloatArray, after: FloatArray, unit: str) -> CheckResult:
    """Is the estimate still larger than the placebos' when each unit's own slope before is taken to have gone on? It never fails a study."""
    title = "支援前の傾きが続いたとした点検"
    if block.t0 < SELECTION_PERIODS or lead.p_value > ERROR:
        reason = "支援前の月が6か月未満です" if block.t0 < SELECTION_PERIODS else "偶然と区別できる差がありません"
        return CheckResult(check_id=TREND_CARRIED_ON, title=title, outcome="not_applicable", sentence=f"{title}：行えません（{reason}）。")
    rank = _ranked(block, lambda one: _estimate(one) - _slope_carried_on(one, before, after))
    passed = rank.p_value <= ERROR and rank.estimate * lead.estimate > 0
    found = rank.interval
    low, high = format_measure(found.conf_low), format_measure(found.conf_high)
    verdict = "傾きの違いだけでは説明できません" if passed else "もとからの傾きの違いだけでも起こり得るため、支援の効果とは言えません"
    return CheckResult(
        check_id=TREND_CARRIED_ON,
        title=title,
        outcome="passed" if passed else "powerless",
        sentence=f"{title}：傾きの差を差し引くと{format_measure(rank.estimate)}{unit}（95%の幅：{low}～{high}）。{verdict}。",
        statistic=rank.estimate,
        std_error=found.std_error,
        margin=0.0,
        detectable=rank.detectable,
        p_value=rank.p_value,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
    )


def _asked(block: Block, *, before: FloatArray, after: FloatArray) -> list[_Asked]:
    moved = int((before < before[-1] + 1 - MOVED).sum())
    shorter = block.t0 - SELECTION_PERIODS
    return [
        _Asked(
            check_id="gap_slope",
            title="支援前の傾き",
            about="支援前の傾きの差を評価年度まで延ばした見かけの効果",
            figure=(lambda one: _slope_carried_on(one, before, after)) if block.t0 >= SELECTION_PERIODS else None,
            missing="支援前の月が6か月未満です",
        ),
        _Asked(
            check_id="placebo_date",
            title="日付をずらした点検",
            about="支援の12か月前に始まったとみなした見かけの効果",
            figure=(lambda one: _moved(one, moved)) if moved >= SELECTION_PERIODS else None,
            missing="支援前のデータが足りません",
        ),
        _Asked(
            check_id="selection_months",
            title="選ばれた時期の影響（平均への回帰）",
            about="支援直前の6か月を使わない場合との差",
            figure=(lambda one: _estimate(_dropped(one, shorter)) - _estimate(one)) if shorter >= FEWEST_BEFORE else None,
            missing="支援直前の6か月を除くと、支援前の月が残りません",
        ),
        _Asked(
            check_id="one_donor_left_out",
            title="最も重い相手を除いた点検",
            about="重みが最も大きい相手を除いた場合との差",
            figure=_without_heaviest if block.n0 > FEWEST_CONTROLS + 1 else None,
            missing="除くと比べる相手が残りません",
        ),
    ]


def _ranked(block: Block, figure: Figure) -> PlaceboRank:
    blocks = placebo_blocks(block)
    fits = np.array([_imitation(one) for one in blocks])
    return placebo_rank(figure(block), np.array([figure(one) for one in blocks]), fit=_imitation(block), fits=fits)


def _imitation(block: Block) -> float:
    return fit_error(block, fit_weights(block, "synthetic_did")[0], method="synthetic_did")


def _estimate(block: Block) -> float:
    unit_weights, time_weights, _ = fit_weights(block, "synthetic_did")
    return float(effect_curve(block, unit_weights, time_weights=time_weights).mean())


def _moved(block: Block, t0: int) -> float:
    """The estimate on the periods before treatment alone, as if it had begun after the first ``t0``."""
    return _estimate(Block(outcome=block.outcome[:, : block.t0], n0=block.n0, t0=t0))


def _dropped(block: Block, t0: int) -> Block:
    """Without the last periods before treatment."""
    kept = np.concatenate([np.arange(t0), np.arange(block.t0, block.outcome.shape[1])])
    return Block(outcome=block.outcome[:, kept], n0=block.n0, t0=t0)


def _without_heaviest(block: Block) -> float:
    heaviest = int(fit_weights(block, "synthetic_did")[0].argmax())
    rest = Block(outcome=np.delete(block.outcome, heaviest, axis=0), n0=block.n0 - 1, t0=block.t0)
    return _estimate(rest) - _estimate(block)


def _slope_carried_on(block: Block, before: FloatArray, after: FloatArray) -> float:
    """What the slope of treated minus comparison before treatment would add to the estimate if it went on."""
    unit_weights, time_weights, _ = fit_weights(block, "synthetic_did")
    gap = (block.outcome[block.n0 :].mean(axis=0) - unit_weights @ block.outcome[: block.n0])[: block.t0]
    centred = before - before.mean()
    slope = float(centred @ gap / (centred @ centred))
    return slope * float(after.mean() - time_weights @ before)


def _result(asked: _Asked, rank: PlaceboRank | None, p_value: float | None, *, margin: float, unit: str) -> CheckResult:
    if rank is None or p_value is None or rank.n_placebos == 0:
        reason = asked.missing if rank is None else "比べる相手が足りません"
        return CheckResult(check_id=asked.check_id, title=asked.title, outcome="not_applicable", sentence=f"{asked.title}：行えません（{reason}）。")
    outcome: CheckOutcome = "failed" if p_value <= ERROR else "powerless" if not rank.detectable <= margin else "passed"
    verdict = {
        "passed": "問題は見つかりませんでした",
        "failed": "受けていない相手には見られない差があり、結果をそのまま信じることはできません",
        "powerless": "差は見つかりませんでしたが、この点検で見つけられる差が大きく、合格とは言えません",
    }[outcome]
    sizes = f"見つけられる大きさ {format_measure(rank.detectable)}、目安 {format_measure(margin)}"
    return CheckResult(
        check_id=asked.check_id,
        title=asked.title,
        outcome=outcome,
        sentence=f"{asked.title}：{asked.about}は{format_measure(rank.estimate)}{unit}（{sizes}）。{verdict}。",
        statistic=rank.estimate,
        std_error=rank.interval.std_error,
        margin=margin,
        detectable=rank.detectable,
        p_value=p_value,
        conf_low=rank.interval.conf_low,
        conf_high=rank.interval.conf_high,
    )

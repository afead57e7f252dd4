"""DXスペシャリスト人材が主導すべき業務: which work of which department to support first, and why that one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import KdxError, NotIdentifiedError, ParameterError
from kdx_eval.policy.allocation import Limits, allocate
from kdx_eval.policy.candidates import Candidates, find_candidates
from kdx_eval.policy.forecast import Forecast, forecast_hours
from kdx_eval.policy.ranking import Gains, expected_gains
from kdx_eval.policy.type_effects import TypeEffects, type_effects
from kdx_eval.units import format_hours, format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar

IntArray = npt.NDArray[np.int64]
MONTHS_PER_CASE = 3.0
REMARKABLE = 0.05  # a year this far from the expected one is mentioned


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One piece of work that specialists could lead.

    Attributes
    ----------
    last_year_hours, expected_hours : float
        Hours of the evaluated year, and of a year without support, corrected for regression to the mean.
    effect_share : float
        Share of the hours expected to be freed.
    feasibility : float
        Probability that a project goes live.
    gain, gain_low, gain_high : float
        Expected hours a year; the middle 90 % of the draws.
    rank, rank_low, rank_high : int
        Place in the list, and the places that hold 90 % of the draws.
    firmness : float
        Share of the draws in which the piece is among the first (as many as are chosen).
    months : float
        Specialist months that it takes.
    chosen : bool
    reason : str
        なぜこの課からか, one Japanese sentence.
    """

    department: str
    process: str
    department_type: str
    last_year_hours: float
    expected_hours: float
    effect_share: float
    feasibility: float
    gain: float
    gain_low: float
    gain_high: float
    rank: int
    rank_low: int
    rank_high: int
    firmness: float
    months: float
    chosen: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeting:
    """The ranking and the allocation.

    Attributes
    ----------
    targets : tuple of Target
        In the order of their ranks; empty where nothing can be ranked, and ``notes`` says why.
    months, months_used : float
        Specialist months there are and that the chosen pieces take.
    gain, gain_low, gain_high : float
        Expected hours a year of the chosen pieces together, 90 %.
    is_forecast : bool
        Whether an effect was shown, so that gains are 見込み; otherwise they only order the list and are not hours to name.
    same_as_raw : int
        How many of the chosen would also stand among the first by last year's hours alone.
    notes : tuple of str
        Japanese: what the list rests on.
    """

    targets: tuple[Target, ...]
    months: float
    months_used: float
    gain: float
    gain_low: float
    gain_high: float
    is_forecast: bool
    same_as_raw: int
    notes: tuple[str, ...]


def choose_targets(
    dataset: Dataset, *, plan: Plan, so_far: SoFar, specialist_months: float = 24.0, months_per_case: float = MONTHS_PER_CASE, per_division: int = 0
) -> Targeting:
    """Expected hours x feasibility for every piece of work that was not reached yet, and the best use of the specialist months.

    Parameters
    ----------
    specialist_months : float
        Months of specialists' time there are in the year.
    months_per_case : float
        Months that one project takes, where fewer than five finished projects tell.
    per_division : int
        Most projects in one division; 0 is no limit.

    Raises
    ------
    ParameterError
        A number of months or of projects makes no sense.
    """
    for name, value, wrong, reason in (
        ("specialist_months", specialist_months, not 0 <= specialist_months < np.inf, "専門人材の人月は0以上の数です"),
        ("months_per_case", months_per_case, not 0 < months_per_case < np.inf, "1件に要る人月は0より大きい数です"),
        ("per_division", per_division, per_division < 0, "部ごとの上限は0以上の整数です（0 は上限なし）"),
    ):
        if wrong:
            raise ParameterError(reason, place=f"{name} = {value}", hint="07 のノートのパラメータを直してください")
    try:
        effects = type_effects(dataset, plan=plan, evidence=so_far.evidence)
        candidates = find_candidates(dataset, plan=plan, reached=effects.reached, months_per_case=months_per_case)
        forecast = forecast_hours(candidates.yearly, candidates.frame["department_type"].to_numpy(dtype=object))
    except NotIdentifiedError as error:
        return _nothing(error, months=specialist_months)
    return rank_targets(candidates, forecast, effects=effects, limits=Limits(months=specialist_months, per_division=per_division))


def rank_targets(candidates: Candidates, forecast: Forecast, *, effects: TypeEffects, limits: Limits) -> Targeting:
    """The list and the choice, from candidates whose hours are forecast."""
    frame = candidates.frame
    share, share_sd, group = effects.of(frame["department_type"])
    feasibility = frame["feasibility"].to_numpy(dtype=float)
    gains = expected_gains(forecast.hours, forecast.log_sd, effect=share, effect_sd=share_sd, group=group, feasibility=feasibility)
    months = frame["months"].to_numpy(dtype=float)
    chosen = allocate(gains.expected, months, departments=list(frame["department"]), divisions=list(frame["division"]), limits=limits)
    count = int(chosen.sum())
    firmness = gains.in_first(count)
    together = gains.draws[:, chosen].sum(axis=1)
    raw = np.argsort(-candidates.yearly[:, -1], kind="stable")[:count]
    targets = [
        Target(
            department=str(row.department), process=str(row.process), department_type=str(row.department_type),
            last_year_hours=float(candidates.yearly[k, -1]), expected_hours=float(forecast.hours[k]), effect_share=float(share[group[k]]),
            feasibility=float(feasibility[k]), gain=float(gains.expected[k]), gain_low=float(gains.low[k]), gain_high=float(gains.high[k]),
            rank=int(gains.rank[k]), rank_low=int(gains.rank_low[k]), rank_high=int(gains.rank_high[k]), firmness=float(firmness[k]),
            months=float(months[k]), chosen=bool(chosen[k]),
            reason=_reason(
                k, gains, kind=str(row.department_type), hours=(float(forecast.hours[k]), float(candidates.yearly[k, -1])), chosen=bool(chosen[k]),
                shown=effects.may_claim,
            ),
        )
        for k, row in enumerate(frame.itertuples(index=False))
    ]  # fmt: skip
    return Targeting(
        targets=tuple(sorted(targets, key=lambda one: one.rank)),
        months=limits.months,
        months_used=float(months[chosen].sum()),
        gain=float(gains.expected[chosen].sum()),
        gain_low=float(np.quantile(together, 0.05)) if count else 0.0,
        gain_high=float(np.quantile(together, 0.95)) if count else 0.0,
        is_forecast=effects.may_claim,
        same_as_raw=int(chosen[raw].sum()),
        notes=(*_nothing_fits(count, months=months, limits=limits), *effects.notes, *candidates.notes, _correction(forecast)),
    )


def _nothing_fits(count: int, *, months: npt.NDArray[np.float64], limits: Limits) -> tuple[str, ...]:
    """Why nothing was chosen, where the months are too few for any piece."""
    if count or not len(months) or limits.months >= months.min():
        return ()
    needed = f"いちばん短い業務でも1件に{format_number(float(months.min()), 1)}人月かかり"
    return (f"選べる業務がありません：{needed}、使える人月は{format_number(limits.months, 1)}人月です。07 のノートの specialist_months を見直してください。",)


def _correction(forecast: Forecast) -> str:
    return (
        f"年間の時間は、多かった年・少なかった年のぶれを除いて見込んでいます（平均への回帰の補正。平均との差のうち続くとみたのは"
        f"{format_share(forecast.reliability, 0)}）。昨年度の値だけで順番を決めると、たまたま多かった課が上に来ます。"
    )


def _reason(k: int, gains: Gains, *, kind: str, hours: tuple[float, float], chosen: bool, shown: bool) -> str:
    expected, last = hours
    parts = [f"{kind}で年{format_hours(expected)}の業務"]
    if abs(last - expected) > REMARKABLE * expected:
        parts.append(f"昨年度は{format_hours(last)}で、{'多めの' if last > expected else '少なめの'}年だったとみています")
    if shown:
        parts.append(f"生まれる見込みは年{format_hours(float(gains.expected[k]))}")
    parts.append(f"順位{format_number(gains.rank[k])}位（{format_number(gains.rank_low[k])}～{format_number(gains.rank_high[k])}位）")
    passed = "人月または課ごとの上限により見送りました" if gains.expected[k] > 0 else "見込みがないため見送りました"
    return "。".join((*parts, "選びました" if chosen else passed)) + "。"


def _nothing(error: KdxError, *, months: float) -> Targeting:
    return Targeting(
        targets=(), months=months, months_used=0.0, gain=0.0, gain_low=0.0, gain_high=0.0, is_forecast=False, same_as_raw=0,
        notes=(f"順番をつけられません。{error.reason}。{error.hint}。",),
    )  # fmt: skip

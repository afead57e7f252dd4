"""Design ``single``: one supported unit (or a few that began together) against a weighted mix of units that did not.

The headline is synthetic difference-in-differences over the months of the evaluated year; interval and p value come from pretending that each
untreated unit was the supported one. What such a placebo cannot reject is no finding: with fewer than 19 comparison units nothing can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.entries import MONTHS_A_YEAR, EntryMaker, evaluated_target, labels, span
from kdx_eval.effect.fiscal_year import FiscalYearTarget
from kdx_eval.effect.inference import LEVEL, t_quantile
from kdx_eval.effect.placebo_rank import PlaceboRank, placebo_rank
from kdx_eval.effect.single import FEWEST_BEFORE, FEWEST_CONTROLS, Block, SingleUnitStudy, SyntheticFit, gap_path, placebo_blocks, synthetic_did
from kdx_eval.effect.single_checks import single_checks
from kdx_eval.effect.study import Donor, EffectStudy, Entry
from kdx_eval.effect.views import timing_frame
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Plan, Question
from kdx_eval.units import format_number, format_share

MOST_DONORS = 8  # named in a sentence; the rest is summed up
FAINT_WEIGHT = 0.005  # a weight that rounds to 0 % is not named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """The matrix that is fitted: untreated units first, periods before treatment first; and where both lie in the panel."""

    block: Block
    order: npt.NDArray[np.intp]
    before: npt.NDArray[np.intp]
    after: npt.NDArray[np.intp]
    start: float
    target: FiscalYearTarget

    @property
    def n_treated(self) -> int:
        return len(self.block.outcome) - self.block.n0

    @property
    def treated(self) -> npt.NDArray[np.intp]:
        return self.order[self.block.n0 :]

    @property
    def controls(self) -> npt.NDArray[np.intp]:
        return self.order[: self.block.n0]


def single_study(panel: Panel, question: Question, *, plan: Plan) -> EffectStudy:
    """Headline, synthetic control and plain differences beside it, checks, weights and the path for the plot.

    Returns
    -------
    EffectStudy
        ``headline`` has ``method="synthetic_did"`` and ``inference="placebo"``; ``influence`` is empty, so that totals over questions assume the
        widest correlation.

    Raises
    ------
    NotIdentifiedError
        Units began at different times, nobody began in time, or fewer than two comparison units, three periods before or one after.
    """
    compared = _compared(panel, question, plan=plan)
    found = synthetic_did(compared.block.outcome, n_controls=compared.block.n0, n_before=compared.block.t0)
    lead = found.fits[0]
    rank = placebo_rank(lead.estimate, lead.placebos, fit=lead.fit_error, fits=lead.placebo_errors)
    maker = EntryMaker(panel=panel, question=question, n_cohorts=1)
    headline = maker.entry(rank.interval, estimand="fiscal_year", method="synthetic_did", inference="placebo")
    donors = _donors(panel, compared, lead)
    m = moments(panel)
    return EffectStudy(
        **labels(panel, question),
        headline=headline,
        entries=(headline, *_beside(maker, found), *_naive(maker, compared)),
        event_study=_event_frame(panel, compared, lead),
        group_time=pd.DataFrame(),
        series=_series(panel, compared, lead),
        timing=timing_frame(m, panel, question=question),
        detectable=rank.detectable,
        unit_periods=len(compared.after) * compared.n_treated,
        baseline_mean=_baseline(panel, compared),
        checks=single_checks(compared.block, rank, periods=panel.periods, before=compared.before, after=compared.after, unit=question.outcome.unit_label),
        influence=pd.DataFrame(),
        n_treated_units=compared.n_treated,
        n_control_units=compared.block.n0,
        persons_treated=int(panel.persons[compared.treated].sum()),
        shortest_before=len(compared.before),
        notes=(*panel.notes, *_notes(panel, compared, rank, donors)),
        settings=_settings(panel, compared),
        donors=donors,
        placebos=tuple(float(value) for value in lead.placebos),
    )


def _compared(panel: Panel, question: Question, *, plan: Plan) -> _Compared:
    target = evaluated_target(panel, question, plan=plan)
    treated = panel.cohort <= target.last
    starts = np.unique(panel.cohort[treated])
    if len(starts) != 1:
        raise NotIdentifiedError(
            "支援を受けた単位がないか、始めた時期が分かれています",
            place=question.question_id,
            hint="始めた時期が違うときは、計画の design を staggered にしてください",
        )
    controls = np.isinf(panel.cohort) if target.only_never else panel.cohort > target.last
    usable = ~np.isin(panel.periods, list(target.excluded))
    start = float(starts[0])
    before = np.flatnonzero(usable & (panel.periods < start))
    after = np.flatnonzero(usable & (panel.periods >= max(target.first, start + target.buffer)) & (panel.periods <= target.last))
    if controls.sum() < FEWEST_CONTROLS or len(before) < FEWEST_BEFORE or not len(after):
        raise NotIdentifiedError(
            f"一つの課の支援を比べるには、受けていない単位が{FEWEST_CONTROLS}つ以上、支援の前の月が{FEWEST_BEFORE}か月以上、評価年度の支援後の月が必要です",
            place=question.question_id,
            hint="比べる単位を増やすか、期間（window）と評価する年度を確かめてください",
        )
    order = np.concatenate([np.flatnonzero(controls), np.flatnonzero(treated)])
    outcome = panel.outcome[np.ix_(order, np.concatenate([before, after]))]
    return _Compared(block=Block(outcome=outcome, n0=int(controls.sum()), t0=len(before)), order=order, before=before, after=after, start=start, target=target)


def _beside(maker: EntryMaker, found: SingleUnitStudy) -> Iterator[Entry]:
    """The two other methods, each with its own placebos; for reference."""
    for fit in found.fits[1:]:
        rank = placebo_rank(fit.estimate, fit.placebos, fit=fit.fit_error, fits=fit.placebo_errors)
        yield maker.entry(rank.interval, estimand="fiscal_year", method=fit.method, inference="reference")


def _naive(maker: EntryMaker, compared: _Compared) -> Iterator[Entry]:
    """Before and after of the supported unit alone, and its level against the others': figures without a usable error."""
    y, n0, t0 = compared.block.outcome, compared.block.n0, compared.block.t0
    own, others = y[n0:].mean(axis=0), y[:n0].mean(axis=0)
    figures = {"naive_before_after": own[t0:].mean() - own[:t0].mean(), "naive_trained_untrained": own[t0:].mean() - others[t0:].mean()}
    for estimand, value in figures.items():
        rank = placebo_rank(float(value), np.zeros(0), fit=0.0, fits=np.zeros(0))
        yield maker.entry(rank.interval, estimand=estimand, method="naive", inference="naive")


def _gap(panel: Panel, compared: _Compared, lead: SyntheticFit) -> FloatArray:
    """Supported minus comparison in every period of the panel, less the same difference in the weighted periods before."""
    raw = panel.outcome[compared.treated].mean(axis=0) - lead.unit_weights @ panel.outcome[compared.controls]
    gap: FloatArray = raw - float(lead.time_weights @ raw[compared.before])
    return gap


def _series(panel: Panel, compared: _Compared, lead: SyntheticFit) -> pd.DataFrame:
    """The path for the plot, in the columns of ``series_frame``."""
    own = panel.outcome[compared.treated].mean(axis=0)
    return pd.DataFrame(
        {
            "period": panel.periods,
            "label": [panel.period_label(period) for period in panel.periods],
            "treated_mean": own,
            "comparison_mean": own - _gap(panel, compared, lead),
            "n_treated": np.where(panel.periods >= compared.start, compared.n_treated, 0),
            "excluded": np.isin(panel.periods, list(compared.target.excluded)),
        }
    )


def _event_frame(panel: Panel, compared: _Compared, lead: SyntheticFit) -> pd.DataFrame:
    """The gap by month since the start, with the spread that the same month's gap has among the placebos."""
    count = len(lead.placebos)
    used = np.concatenate([compared.before, compared.after])
    spread = np.sqrt(np.mean([gap_path(one) ** 2 for one in placebo_blocks(compared.block)], axis=0)) if count > 1 else np.full(len(used), np.nan)
    order = np.argsort(used)
    used, error = used[order], spread[order]
    gap, half = _gap(panel, compared, lead)[used], t_quantile(0.5 + LEVEL / 2, float(max(count - 1, 1))) * error
    return pd.DataFrame(
        {
            "event_time": panel.periods[used] - compared.start,
            "estimate": gap,
            "std_error": error,
            "conf_low": gap - half,
            "conf_high": gap + half,
            "n_units": np.int64(compared.n_treated),
        }
    )


def _baseline(panel: Panel, compared: _Compared) -> float:
    """Mean of the supported unit in the calendar months that count, before the start; over all months before where none recurs."""
    own = panel.outcome[compared.treated].mean(axis=0)
    before, after = panel.periods[compared.before], panel.periods[compared.after]
    matched = [own[compared.before[(before - period) % compared.target.season == 0]] for period in after]
    means = [float(values.mean()) for values in matched if len(values)]
    return float(np.mean(means)) if means else float(own[compared.before].mean())


def _donors(panel: Panel, compared: _Compared, lead: SyntheticFit) -> tuple[Donor, ...]:
    """Who makes up the comparison, heaviest first; persons are numbered, never named."""
    found = [
        Donor(name=panel.names.get(panel.units[unit], str(panel.units[unit])), weight=float(weight))
        for unit, weight in zip(compared.controls, lead.unit_weights, strict=True)
        if weight >= FAINT_WEIGHT
    ]
    return tuple(sorted(found, key=lambda donor: (-donor.weight, donor.name)))


def _notes(panel: Panel, compared: _Compared, rank: PlaceboRank, donors: tuple[Donor, ...]) -> Iterator[str]:
    named = donors[:MOST_DONORS]
    # A panel without names holds persons.
    who = "、".join(f"{donor.name} {format_share(donor.weight, 0)}" for donor in named) if panel.names else f"{len(donors)}単位"
    rest = 1 - sum(donor.weight for donor in named)
    more = f"、ほか{format_number(len(donors) - len(named))}単位など {format_share(rest, 0)}" if panel.names and rest >= FAINT_WEIGHT else ""
    yield f"比較に使った相手と重み：{who}{more}。"
    yield (
        f"幅は、受けていない{rank.n_placebos}単位の一つ一つを「支援を受けた」とみなして同じ計算をし、その散らばりから求めました"
        "（どの月も同じだけの効果があるとした場合の幅です）。"
    )
    if not np.isfinite(rank.half_width):
        yield f"比べる相手が{rank.n_placebos}単位では、どんなに大きな差でも偶然と区別できません（19単位以上で初めて区別できます）。幅は示しません。"
    if len(compared.before) < MONTHS_A_YEAR and compared.target.season > 1:
        yield "支援の前が12か月に満たないため、季節の違いを確かめられません。"


def _settings(panel: Panel, compared: _Compared) -> dict[str, str]:
    target = compared.target
    return {
        "評価した期間": span(panel, first=panel.periods[compared.after[0]], last=panel.periods[compared.after[-1]]),
        "比べ方": "支援の前によく似た動きをした相手を重みを付けて組み合わせ、その後の差を比べます",
        "数え始め": f"開始時期から{target.buffer}か月は前にも後にも数えません" if target.buffer else "開始した月から数えます",
        "支援前の月数": str(len(compared.before)),
    }

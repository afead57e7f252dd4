"""Group-time effects and their aggregations (Callaway & Sant'Anna 2021), from cohort moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from kdx_eval.effect.averages import Cells, Kind, average_weights
from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast, PairContrasts
from kdx_eval.effect.inference import Estimate, interval_columns, make_estimate, sup_t_critical
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray

Control = Literal["not_yet_treated", "never_treated"]
Base = Literal["varying", "universal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTimeEffects:
    """ATT(g, t) for every cohort and period for which a comparison exists.

    Attributes
    ----------
    cohort, period : ndarray, (K,)
        Of each effect, on the scale of the panel.
    estimate, std_error : ndarray, (K,)
        In the outcome's unit; the error is NaN where period is the base (universal base) or nothing varies (one unit on each side).
    dropped_units : int
        Units treated from the first period on, which have no period before treatment.
    dropped_cells : int
        Cohort-period pairs without any comparison unit or base period.
    """

    cohort: FloatArray
    period: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    pairs: PairContrasts
    moments: CohortMoments
    anticipation: int
    dropped_units: int
    dropped_cells: int

    @property
    def event_time(self) -> FloatArray:
        """Periods since the first treated one, (K,)."""
        return self.period - self.cohort

    def table(self) -> pd.DataFrame:
        """One row an effect: cohort, period, event_time, estimate, std_error, conf_low, conf_high (95 %, pointwise), p_value."""
        frame = pd.DataFrame({"cohort": self.cohort, "period": self.period, "event_time": self.event_time})
        return frame.assign(**interval_columns(self.estimate, self.std_error))

    def aggregate(self, kind: Kind = "simple") -> Aggregation:
        """Effects averaged: ``simple`` (all treated cells), ``event_time``, ``cohort``, ``calendar``, ``total`` (summed over units and periods).

        Returns
        -------
        Aggregation
            ``.overall`` and ``.table()``; weights are cohort masses, whose estimation enters the error (Callaway & Sant'Anna 2021,
            section 3.1 and Corollary 2).

        Raises
        ------
        ParameterError
            ``kind`` is unknown.
        NotIdentifiedError
            No treated cell has a comparison.
        """
        m = self.moments
        cells = Cells(cohort=self.cohort, period=self.period, estimate=self.estimate, cohorts=m.cohorts, mass=m.mass)
        averages = average_weights(kind, cells)
        mixed = self.pairs.combine(averages.mix, len(m.periods))
        whole = mixed.combine(averages.overall[None, :])
        return Aggregation(
            kind=kind,
            key=averages.key,
            keys=averages.keys,
            rows=Contrast(weights=mixed.weights, constant=mixed.constant + averages.share),
            whole=Contrast(weights=whole.weights, constant=whole.constant + averages.overall_share),
            moments=m,
        )

    def __repr__(self) -> str:
        return f"GroupTimeEffects({len(self.estimate)} effects)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """Averaged effects: rows by ``key`` and one overall figure, as contrasts of the same cohort means."""

    kind: Kind
    key: str
    keys: FloatArray
    rows: Contrast
    whole: Contrast
    moments: CohortMoments

    @property
    def overall(self) -> Estimate:
        """The one overall figure, normal 95 % interval."""
        variance = float(self.whole.covariance(self.moments)[0, 0])
        return make_estimate(float(self.whole.estimate(self.moments)[0]), np.sqrt(variance) if variance > 0 else float("nan"))

    def covariance(self) -> FloatArray:
        """Joint covariance of the rows, (R, R)."""
        return self.rows.covariance(self.moments)

    def table(self) -> pd.DataFrame:
        """One row a key: estimate, std_error, conf_low, conf_high (pointwise), p_value, band_low, band_high (simultaneous, sup-t)."""
        estimate, covariance = self.rows.estimate(self.moments), self.covariance()
        error = np.sqrt(np.clip(np.diag(covariance), 0, None))
        error = np.where(error > 0, error, np.nan)
        half = sup_t_critical(covariance) * error
        frame = pd.DataFrame({self.key: self.keys}).assign(**interval_columns(estimate, error))
        return frame.assign(band_low=estimate - half, band_high=estimate + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCohorts:
    """Which cohorts have effects to be estimated, and which may serve as their controls.

    Attributes
    ----------
    estimated : ndarray, (E,)
        Cohorts, increasing.
    never_from : float
        Cohorts from here on (inf among them) were neither treated nor anticipating within the periods: they count as never treated.
    """

    estimated: FloatArray
    never_from: float
    control: Control
    anticipation: int

    def first_control(self, last: FloatArray) -> FloatArray:
        """The first cohort that is a control where the later ones of period and base are ``last``; cohorts that start right then are none."""
        return np.full_like(last, self.never_from) if self.control == "never_treated" else np.nextafter(last + self.anticipation, np.inf)


def compared_cohorts(cohorts: FloatArray, periods: FloatArray, *, control: Control, anticipation: int) -> ComparedCohorts:
    """Effects are estimated for cohorts treated within the periods; without never treated units the last cohort is only ever a control.

    (Callaway & Sant'Anna 2021, section 2: the groups leave out the largest one, which is that of the never treated where there are any.)

    Raises
    ------
    NotIdentifiedError
        Nobody is treated within the periods and seen before, nobody is left to compare with, or nobody was never treated where that is asked for.
    """
    never_from = float(np.nextafter(periods[-1] + anticipation, np.inf))
    treated = np.unique(cohorts[(cohorts <= periods[-1]) & (cohorts > periods[0] + anticipation)])
    if not len(treated):
        raise NotIdentifiedError("期間中に受講を始め、かつ受講前の期間もある単位がありません", hint="期間を広げるか、受講記録を確かめてください")
    if not (cohorts >= never_from).any():
        if control == "never_treated":
            raise NotIdentifiedError("一度も受講していない単位がありません", hint='control="not_yet_treated" なら、まだ受けていない単位と比べられます')
        treated = treated[treated < cohorts.max()]
        if not len(treated):
            raise NotIdentifiedError("比較できる相手がいません", hint="全員が同時に受講した場合、市の中だけでは効果を測れません")
    return ComparedCohorts(estimated=treated, never_from=never_from, control=control, anticipation=anticipation)


def group_time_effects(m: CohortMoments, *, control: Control = "not_yet_treated", base: Base = "varying", anticipation: int = 0) -> GroupTimeEffects:
    """ATT(g, t) of every treated cohort g and period t against units not (yet) treated.

    ATT(g, t) = (m_g[t] - m_g[b]) - (m_C[t] - m_C[b]) with b = g-1-anticipation; before treatment a varying base is the period before t
    (Callaway & Sant'Anna 2021, eq. 2.5 and 2.6 without covariates). C pools the never treated, or all units not yet treated at
    max(t, b) + anticipation. Units treated later than the last period plus ``anticipation`` count as never treated; where there are
    none at all, the last cohort is only ever a control.

    Returns
    -------
    GroupTimeEffects
        Units treated in the first period are left out and counted.

    Raises
    ------
    NotIdentifiedError
        Nobody is treated, no comparison exists, or no period lies before treatment.
    ParameterError
        An option is unknown.
    """
    if control not in get_args(Control) or base not in get_args(Base) or anticipation < 0:
        raise ParameterError(
            "control / base / anticipation の値が違います", hint='"not_yet_treated" か "never_treated"、"varying" か "universal"、0以上の整数です'
        )
    first = m.cohorts <= m.periods[0] + anticipation
    dropped_units = int(m.size[first].sum())
    m = m.select(~first)
    compared = compared_cohorts(m.cohorts, m.periods, control=control, anticipation=anticipation)
    treated = np.flatnonzero(np.isin(m.cohorts, compared.estimated))
    parts = [_cohort_effects(m, int(g), compared=compared, base=base, anticipation=anticipation) for g in treated]
    cohort = np.concatenate([np.full(len(part[0].period), m.cohorts[g]) for g, part in zip(treated, parts, strict=True)])
    pairs = PairContrasts(
        period=np.concatenate([part[0].period for part in parts]),
        base=np.concatenate([part[0].base for part in parts]),
        coefficient=np.concatenate([part[0].coefficient for part in parts]),
        constant=np.concatenate([part[0].constant for part in parts]),
    )
    if not len(cohort):
        raise NotIdentifiedError("比較できる相手がいません", hint="全員が同時に受講した場合、市の中だけでは効果を測れません")
    error = np.sqrt(np.clip(pairs.variance(m), 0, None))
    return GroupTimeEffects(
        cohort=cohort,
        period=m.periods[pairs.period],
        estimate=pairs.estimate(m),
        std_error=np.where((pairs.period == pairs.base) | (error == 0), np.nan, error),
        pairs=pairs,
        moments=m,
        anticipation=anticipation,
        dropped_units=dropped_units,
        dropped_cells=sum(part[1] for part in parts),
    )


def _cohort_effects(m: CohortMoments, g: int, *, compared: ComparedCohorts, base: Base, anticipation: int) -> tuple[PairContrasts, int]:
    """The effects of one cohort, and how many of its periods had no comparison."""
    columns = np.arange(len(m.periods))
    long_base = int(np.searchsorted(m.periods, m.cohorts[g] - anticipation)) - 1
    before = m.periods < m.cohorts[g] - anticipation
    if base == "universal":
        bases = np.full(len(columns), long_base)
    else:
        bases = np.where(before, columns - 1, long_base)
        columns, bases = columns[1:], bases[1:]  # the first period has no period before it
    last = np.maximum(m.periods[columns], m.periods[bases])
    usable = m.cohorts[None, :] >= compared.first_control(last)[:, None]
    usable = usable & (np.arange(len(m.cohorts)) != g)
    pooled = usable @ m.mass
    keep = pooled > 0
    columns, bases, share = columns[keep], bases[keep], (usable * m.mass)[keep] / pooled[keep, None]
    change = (m.mean[:, columns] - m.mean[:, bases]).T  # (K, G)
    constant = usable[keep] * ((share * change).sum(axis=1)[:, None] - change) / pooled[keep, None]
    coefficient = -share
    coefficient[:, g] += 1.0
    own = columns == bases
    coefficient[own], constant[own] = 0.0, 0.0
    return PairContrasts(period=columns, base=bases, coefficient=coefficient, constant=constant), int((~keep).sum())

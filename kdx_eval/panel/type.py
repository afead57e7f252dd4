"""The Panel: an outcome by unit and period, with the period in which each unit was first treated."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.columns import months_or_numbers, numbers, on_scale
from kdx_eval.panel.long_rows import LongRows, heads, long_rows, width_in_order
from kdx_eval.units import Month

if TYPE_CHECKING:
    from kdx_eval.panel.gaps import GapReport
    from kdx_eval.panel.lottery import Draw, Exits
    from kdx_eval.panel.rollout_order import OrderDraw
    from kdx_eval.panel.surroundings import Surroundings

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Outcome of N units in T periods.

    Attributes
    ----------
    outcome : ndarray, (N, T)
        In the outcome's unit; NaN where a unit was not seen.
    units : ndarray, (N,)
        Labels, unique.
    periods : ndarray, (T,)
        Increasing; for months ``Month.index``.
    cohort : ndarray, (N,)
        First treated period on the scale of ``periods``; inf for never treated.
    cluster, weight, stratum : ndarray, (N,) or None
        Cluster above the unit, fixed unit weight, stratum of the design.
    persons : ndarray, (N,)
        Persons behind each unit, for disclosure.
    covariates : mapping of name to ndarray, (N, T)
    exposure : ndarray, (N, T) or None
        Share of the unit's staff-months that are those of trained people.
    names : mapping of unit to str
        Names to show in place of labels; persons have none.
    gaps : GapReport or None
        What was complete, zero, missing or not collected, and which units were dropped.
    surroundings : Surroundings or None
        What the delivery tells of the departments beside the outcome; read by the checks alone.
    other_cohorts : mapping of share to ndarray, (N,)
        The cohort that each unit would have if it counted as treated from that share of its staff on.
    cases : ndarray, (N, T) or None
        Cases handled, where the outcome is hours of work and they are known for every unit and period.
    draw : Draw, OrderDraw or None
        The lottery behind the cohorts, where its log was delivered.
    exits : Exits or None
        Of a lottery: units left out because their outcome is not known throughout, by side.
    within : ndarray, (N,) or None
        Groups within which alone units are compared (`moments` then takes each cohort apart by group): the strata of a lottery, or several together.
    """

    outcome: FloatArray
    units: npt.NDArray[np.object_]
    periods: FloatArray
    cohort: FloatArray
    persons: npt.NDArray[np.int64]
    cluster: npt.NDArray[np.object_] | None = None
    weight: FloatArray | None = None
    stratum: npt.NDArray[np.object_] | None = None
    covariates: Mapping[str, FloatArray] = field(default_factory=dict)
    exposure: FloatArray | None = None
    gaps: GapReport | None = None
    monthly: bool = False
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings | None = None
    other_cohorts: Mapping[float, FloatArray] = field(default_factory=dict)
    cases: FloatArray | None = None
    draw: Draw | OrderDraw | None = None
    exits: Exits | None = None
    within: npt.NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        n, t = self.outcome.shape
        lengths = {"units": len(self.units), "cohort": len(self.cohort), "persons": len(self.persons)}
        wrong = {name: size for name, size in lengths.items() if size != n}
        if wrong or len(self.periods) != t:
            raise ParameterError(f"パネルの大きさが合いません（結果 {n}×{t}、{wrong}、期間 {len(self.periods)}）")
        if np.isnan(self.cohort).any():
            raise DataError(
                f"受講時期が欠けている単位が {int(np.isnan(self.cohort).sum())} 件あります（未受講とはみなしません）",
                place="cohort",
                hint="未受講は inf（または never= で指定した値）とし、突合できなかった単位は除いてください",
            )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        unit: str,
        period: str,
        cohort: str,
        outcome: str,
        cluster: str | None = None,
        weight: str | None = None,
        covariates: Sequence[str] = (),
        never: Hashable | None = None,
    ) -> Panel:
        """Panel from a long frame with one row a unit and period.

        Period and cohort are on one scale: integers, floats or months (``"2025-04"`` or datetimes). A never treated unit has the
        cohort ``inf``, or the value given as ``never`` (0 or a word; 0 is never treated only where the caller says so). The cohort,
        the cluster and the weight must be constant within a unit.

        Returns
        -------
        Panel
            Units sorted by label, periods increasing; NaN where a unit has no row in a period.

        Raises
        ------
        ParameterError
            A column is missing.
        DataError
            There are no rows; a cohort is missing, changes within a unit or is not on the periods' scale; a unit has two rows in one
            period; an outcome, weight or covariate is no number.
        """
        _require_columns(frame, [unit, period, cohort, outcome, *filter(None, (cluster, weight)), *covariates])
        width, monthly = width_in_order(frame[unit], frame[period]), months_or_numbers(frame[period])
        times = on_scale(frame[period].iloc[: width or None], monthly=monthly, never=None)
        if not np.isfinite(times).all():
            raise DataError("期間が空の行があります", place=period, hint="期間の列を埋めてください")
        first = _first_treated(heads(frame[cohort], width), monthly=monthly, never=never)
        placed = long_rows(frame[unit], times, width=width, place=f"{unit}×{period}")
        return cls(
            outcome=placed.matrix(numbers(frame[outcome])),
            units=placed.labels,
            periods=placed.periods,
            cohort=placed.constant(first, name=cohort),
            persons=np.ones(len(placed.labels), dtype=np.int64),
            cluster=None if cluster is None else _constant_labels(frame[cluster], placed, name=cluster),
            weight=None if weight is None else placed.constant(_weights(frame[weight]), name=weight),
            covariates={name: placed.matrix(numbers(frame[name])) for name in covariates},
            monthly=monthly,
        )

    @property
    def n_units(self) -> int:
        """Units in the panel."""
        return int(self.outcome.shape[0])

    @property
    def n_periods(self) -> int:
        """Periods in the panel."""
        return int(self.outcome.shape[1])

    @property
    def balanced(self) -> bool:
        """Every unit was seen in every period."""
        return not bool(np.isnan(self.outcome).any())

    @property
    def cohorts(self) -> FloatArray:
        """The distinct cohorts, increasing, inf last."""
        return np.unique(self.cohort)

    def without_gaps(self) -> Panel:
        """The units seen in every period, with a note on how many were left out; the panel itself where all were."""
        keep = ~np.isnan(self.outcome).any(axis=1)
        if keep.all():
            return self

        def rows(values: npt.NDArray[np.generic] | None) -> npt.NDArray[Any] | None:
            return None if values is None else values[keep]

        return replace(
            self,
            outcome=self.outcome[keep],
            units=self.units[keep],
            cohort=self.cohort[keep],
            persons=self.persons[keep],
            cluster=rows(self.cluster),
            weight=rows(self.weight),
            stratum=rows(self.stratum),
            covariates={name: values[keep] for name, values in self.covariates.items()},
            exposure=rows(self.exposure),
            other_cohorts={share: cohort[keep] for share, cohort in self.other_cohorts.items()},
            cases=rows(self.cases),
            within=rows(self.within),
            exits=None if self.exits is None else self.exits.and_lost(self.cohort[~keep] <= self.periods[-1]),
            notes=(*self.notes, f"月の記録がそろわない {int((~keep).sum())} 単位を除きました。"),
        )

    def by_cluster(self) -> Panel:
        """One unit for each cluster: the (weighted) mean of its units, weighted by how many there are; the panel itself without clusters.

        Units of one cluster share its shocks: only clusters are independent. The mean over units of any contrast of cohorts stays the same.

        Raises
        ------
        NotIdentifiedError
            Units of one cluster were first treated at different times.
        """
        if self.cluster is None:
            return self
        codes, labels = pd.factorize(self.cluster, sort=True)
        first = np.zeros(len(labels))
        first[codes[::-1]] = self.cohort[::-1]
        if not np.array_equal(first[codes], self.cohort):
            raise NotIdentifiedError(
                "同じまとまり（cluster）の中で受講の開始時期が違うため、ばらつきを正しく測れません",
                hint="開始時期を課でそろえるか、cluster を空にして人や業務を独立とみなせるかを検討してください",
            )
        weight = np.ones(self.n_units) if self.weight is None else self.weight
        mass = np.bincount(codes, weights=weight).astype(np.float64)
        mixed = np.zeros((len(labels), self.n_periods))
        np.add.at(mixed, codes, self.outcome * weight[:, None])
        persons = np.zeros(len(labels), dtype=np.int64)
        np.maximum.at(persons, codes, self.persons)  # each unit names all persons of its department
        others = {share: np.array([cohort[codes == code][0] for code in range(len(labels))]) for share, cohort in self.other_cohorts.items()}
        return Panel(
            outcome=mixed / mass[:, None],
            exposure=None if self.exposure is None else _mixed(self.exposure, weight, codes=codes),
            units=np.asarray(labels, dtype=object),
            periods=self.periods,
            cohort=first,
            persons=persons,
            weight=mass,
            stratum=_if_constant(self.stratum, codes),
            gaps=self.gaps,
            monthly=self.monthly,
            surroundings=self.surroundings,
            other_cohorts={share: cohort for share, cohort in others.items() if np.array_equal(cohort[codes], self.other_cohorts[share])},
            cases=None if self.cases is None else _mixed(self.cases, weight, codes=codes),
            draw=self.draw,
            exits=self.exits,
            names={label: self.names[label] for label in labels if label in self.names},
            notes=(*self.notes, f"{self.n_units}単位を、ばらつきが独立な{len(labels)}のまとまりごとに平均して比べています。"),
        )

    def period_label(self, period: float) -> str:
        """``2025-04`` for months, the number otherwise, 未受講 for inf."""
        if np.isinf(period):
            return "未受講"
        return str(Month(int(period))) if self.monthly else f"{period:g}"

    def __repr__(self) -> str:
        return f"Panel({self.n_units} units x {self.n_periods} periods, {len(self.cohorts)} cohorts)"


def _if_constant(values: npt.NDArray[np.object_] | None, codes: npt.NDArray[np.intp]) -> npt.NDArray[np.object_] | None:
    """The value of each code; None where the values of some code differ, or there are none."""
    if values is None:
        return None
    first = values[np.unique(codes, return_index=True)[1]]
    return first if np.array_equal(first[codes], values) else None


def _mixed(values: FloatArray, weight: FloatArray, *, codes: npt.NDArray[np.intp]) -> FloatArray:
    """Weighted mean of the rows of each code, over those that have a value."""
    known = ~np.isnan(values)
    total, mass = (np.zeros((int(codes.max()) + 1, values.shape[1])) for _ in range(2))
    np.add.at(total, codes, np.where(known, values, 0.0) * weight[:, None])
    np.add.at(mass, codes, known * weight[:, None])
    with np.errstate(invalid="ignore"):
        return np.asarray(total / mass)


def _require_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ParameterError(f"列がありません: {', '.join(missing)}", hint=f"ある列: {', '.join(map(str, frame.columns[:20]))}")
    if not len(frame):
        raise DataError("行が一つもありません", hint="単位と期間の行がある表を渡してください")


def _first_treated(column: pd.Series, *, monthly: bool, never: Hashable | None) -> FloatArray:
    first = on_scale(column, monthly=monthly, never=never)
    if np.isnan(first).any():
        raise DataError(
            f"受講時期（cohort）が欠けている行が {int(np.isnan(first).sum())} 行あります。突合の失敗を未受講とみなすことはできません",
            place=str(column.name),
            hint="未受講の単位には inf を入れるか、never= で未受講を表す値を指定してください",
        )
    return first


def _weights(column: pd.Series) -> FloatArray:
    values = numbers(column)
    if np.isnan(values).any():
        raise DataError(f"重みが空の行が {int(np.isnan(values).sum())} 行あります", place=str(column.name), hint="すべての単位に重みを書いてください")
    return values


def _constant_labels(column: pd.Series, rows: LongRows, *, name: str) -> npt.NDArray[np.object_]:
    numbers, labels = pd.factorize(column, sort=True)
    if (numbers < 0).any():
        raise DataError("空の値があります", place=name, hint="列を埋めてください")
    first = rows.constant(numbers.astype(np.float64), name=name)
    return np.asarray(labels, dtype=object)[first.astype(np.intp)]

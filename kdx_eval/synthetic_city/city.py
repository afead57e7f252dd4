"""The whole city in memory, and its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdx_eval.synthetic_city.design import EVALUATED, FIRST_MONTH, MONTHS, CitySize, Mechanism, city_months
from kdx_eval.synthetic_city.outcomes import Outcomes, make_outcomes
from kdx_eval.synthetic_city.people import People, make_people
from kdx_eval.synthetic_city.training import NEVER, Uptake, cohorts, make_uptakes


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """One synthetic city: both deliveries are written from it.

    ``cohorts`` is the realised first enrolment by course and department (course_id, department_id, month, quarter,
    share of posted staff); the frames below are in long form with ``month`` as first-of-month dates.
    """

    size: CitySize
    mechanism: Mechanism
    seed: int
    people: People
    uptakes: dict[str, Uptake]
    outcomes: Outcomes
    cohorts: pd.DataFrame

    @property
    def departments(self) -> pd.DataFrame:
        """department_id, department_name, division, department_type."""
        return self.people.departments

    def workload(self) -> pd.DataFrame:
        """process_id, department_id, month, cases, minutes; integers, ordered by process and month."""
        processes = self.outcomes.processes
        return pd.DataFrame(
            {
                "process_id": np.repeat(processes["process_id"].to_numpy(), MONTHS),
                "department_id": np.repeat(processes["department_id"].to_numpy(), MONTHS),
                "month": np.tile(self._months(), len(processes)),
                "cases": self.outcomes.cases.ravel(),
                "minutes": self.outcomes.minutes.ravel(),
            }
        )

    def worktime(self) -> pd.DataFrame:
        """department_id, month, scheduled_hours, overtime_hours, paid_overtime_yen."""
        return self.by_department(
            {
                "scheduled_hours": self.outcomes.scheduled,
                "overtime_hours": self.outcomes.overtime,
                "paid_overtime_yen": self.outcomes.overtime_yen,
            }
        )

    def indicators(self) -> pd.DataFrame:
        """department_id, month, genai_uses, online_forms."""
        return self.by_department({"genai_uses": self.outcomes.genai_uses, "online_forms": self.outcomes.online_forms})

    def citizen_indicators(self) -> pd.DataFrame:
        """department_id, month, indicator_id, value of the departments that serve citizens."""
        long = self.by_department(self.outcomes.citizens).melt(["department_id", "month"], var_name="indicator_id")
        return long.dropna(subset=["value"]).reset_index(drop=True)

    def effects(self) -> pd.DataFrame:
        """The true effect of every treated department-month: department_id, month, course_id, outcome, effect.

        Effects are outcome with training minus outcome without, in the outcome's unit: hours saved are negative.
        """
        frames = []
        for (course, outcome), values in self.outcomes.effects.items():
            frame = self.by_department({"effect": values})
            treated = (np.arange(MONTHS) >= self.uptakes[course].start[:, None]) & np.isfinite(values)
            frame = frame[treated.ravel()].assign(course_id=course, outcome=outcome)
            frames.append(frame[["department_id", "month", "course_id", "outcome", "effect"]])
        order = ["course_id", "outcome", "department_id", "month"]
        return pd.concat(frames).sort_values(order, ignore_index=True)

    def by_department(self, columns: Mapping[str, NDArray[np.float64] | NDArray[np.int64]]) -> pd.DataFrame:
        """Long frame of (D, T) matrices: department_id, month, then ``columns``."""
        ids = self.departments["department_id"].to_numpy()
        keys = {"department_id": np.repeat(ids, MONTHS), "month": np.tile(self._months(), len(ids))}
        return pd.DataFrame(keys | {name: values.ravel() for name, values in columns.items()})

    def _months(self) -> NDArray[np.datetime64]:
        return np.array([month.first_day for month in city_months()], dtype="datetime64[s]")


def simulate_city(*, size: CitySize | None = None, mechanism: Mechanism | None = None, seed: int = 2025) -> City:
    """The city of ``seed``, in memory; the same arguments give the same city, number for number.

    Changing an effect in ``mechanism`` changes only that effect: every random draw stays as it was.
    """
    size, mechanism = size or CitySize(), mechanism or Mechanism()
    people = make_people(size, mechanism, seed=seed)
    uptakes = make_uptakes(people, seed=seed)
    outcomes = make_outcomes(people, uptakes, size=size, mechanism=mechanism, seed=seed)
    return City(
        size=size,
        mechanism=mechanism,
        seed=seed,
        people=people,
        uptakes=uptakes,
        outcomes=outcomes,
        cohorts=cohorts(uptakes, people),
    )


def truth(city: City) -> dict[str, object]:
    """What an estimate should find: total effects of the evaluated fiscal year, and who was reached when."""
    first, last = EVALUATED.first - FIRST_MONTH, EVALUATED.last - FIRST_MONTH + 1
    rows = []
    for (course, outcome), values in city.outcomes.effects.items():
        start = city.uptakes[course].start
        inside = values[:, first:last]
        reached = (start < NEVER) & np.isfinite(values).all(axis=1)
        cells = (np.arange(first, last) >= start[:, None]) & reached[:, None]
        rows.append(
            {
                "course_id": course,
                "outcome": outcome,
                "fiscal_year": EVALUATED.year,
                "total": round(float(inside[cells].sum()), 4),
                "mean_per_department_month": round(float(inside[cells].mean()), 6),
                "department_months": int(cells.sum()),
                "departments": int(reached.sum()),
            }
        )
    return {
        "description": "合成データ。架空の市の真の効果（研修ありの値から研修なしの値を引いたもの。時間は負なら削減）",
        "synthetic": True,
        "seed": city.seed,
        "size": _plain(city.size),
        "mechanism": _plain(city.mechanism),
        "effects": rows,
        "first_enrolments": city.cohorts.to_dict(orient="records"),
    }


def _plain(item: CitySize | Mechanism) -> dict[str, float]:
    return {name: getattr(item, name) for name in type(item).__slots__}

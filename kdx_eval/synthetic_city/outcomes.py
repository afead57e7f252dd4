"""Minutes of processes, overtime and indicators, with and without the training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdx_eval.schema import parameter
from kdx_eval.synthetic_city import design
from kdx_eval.synthetic_city.citizens import make_citizen_outcomes
from kdx_eval.synthetic_city.design import MONTHS, CitySize, Mechanism, city_months, stream
from kdx_eval.synthetic_city.names import process_name
from kdx_eval.synthetic_city.people import People
from kdx_eval.synthetic_city.training import NEVER, Uptake, exposure, volunteers

_HOURS_OF_PROCESSES = 1_300.0  # a month in a department of mean size
_OVERTIME_HOURS = 12.0  # a month and person where nobody volunteers; 13.2 on average over the city
_OVERTIME_TREND = -0.015
_HOURLY_WAGE = (1_450, 1_700, 1_950, 2_200, 2_450, 2_650, 2_850, 3_100)  # yen by grade, invented
_MANAGER = 7  # from this grade on no overtime is paid

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """All outcomes of the city; the effects are exact differences of with and without before rounding.

    Attributes
    ----------
    processes : DataFrame       process_id, process_name, department_id, core
    cases, minutes : (P, T)     integers
    scheduled, overtime : (D, T)  hours; overtime has one decimal
    overtime_yen : (D, T)       paid overtime, integer
    genai_uses, online_forms : (D, T)  integers
    citizens : dict             indicator_id -> (D, T); NaN in departments that serve no citizens
    effects : dict              (course_id, outcome) -> (D, T), with minus without; NaN where the outcome is not measured
    """

    processes: pd.DataFrame
    cases: NDArray[np.int64]
    minutes: NDArray[np.int64]
    scheduled: Matrix
    overtime: Matrix
    overtime_yen: NDArray[np.int64]
    genai_uses: NDArray[np.int64]
    online_forms: NDArray[np.int64]
    citizens: dict[str, Matrix]
    effects: dict[tuple[str, str], Matrix]


def make_outcomes(people: People, uptakes: dict[str, Uptake], *, size: CitySize, mechanism: Mechanism, seed: int) -> Outcomes:
    """Everything that is measured in the city, month by month."""
    acting = {course: exposure(uptake, people, mechanism=mechanism) for course, uptake in uptakes.items()}
    level = _level(uptakes, mechanism=mechanism)
    reached = _with_spillover(acting["DXBPR"], uptakes["DXBPR"], share=mechanism.spillover)
    processes, cases, before = _workload(people, level, count=size.processes, mechanism=mechanism, seed=seed)
    owner = processes["owner"].to_numpy()
    minutes = before * (1.0 - mechanism.effect_share * reached[owner])
    freed = np.zeros((size.departments, MONTHS))
    np.add.at(freed, owner, (before - minutes) / 60.0)
    heads = _monthly_heads(people)
    overtime = _overtime(people, level, mechanism=mechanism, seed=seed) - mechanism.overtime_share * freed
    added = mechanism.genai_uses_per_staff * acting["AITOOL"] * heads
    zero = np.zeros_like(freed)
    citizens = make_citizen_outcomes(people, acting, mechanism=mechanism, seed=seed)
    effects = {
        ("DXBPR", "workload_hours"): -freed,
        ("DXBPR", "overtime_hours"): -mechanism.overtime_share * freed,
        ("FORMTOOL", "workload_hours"): zero,
        ("AITOOL", "genai_uses"): added,
        **citizens.effects,
    }
    overtime = np.round(overtime, 1)
    return Outcomes(
        processes=processes.drop(columns="owner"),
        cases=cases,
        minutes=np.rint(minutes).astype(np.int64),
        scheduled=heads * np.array([design.business_days(month) * float(parameter("daily_hours").value) for month in city_months()]),
        overtime=overtime,
        overtime_yen=np.rint(overtime * np.repeat(_paid_price(people), 12, axis=1)).astype(np.int64),
        genai_uses=np.rint(_genai_uses(heads, seed=seed) + added).astype(np.int64),
        online_forms=_online_forms(size, seed=seed),
        citizens=citizens.values,
        effects=effects,
    )


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], *, persistence: float = 0.5) -> Matrix:
    """(D, T) stationary AR(1) series with unit variance, one a row."""
    shocks = rng.standard_normal(shape)
    shocks[:, 1:] *= np.sqrt(1 - persistence**2)
    for month in range(1, shape[1]):
        shocks[:, month] += persistence * shocks[:, month - 1]
    return shocks


def _monthly_heads(people: People) -> Matrix:
    """(D, T) posted people by month: postings change in April only."""
    return np.repeat(people.heads(), 12, axis=1).astype(float)


def _level(uptakes: dict[str, Uptake], *, mechanism: Mechanism) -> Matrix:
    """(D, T) what stands out in departments that volunteer: level, drift, and a bad half-year before they start."""
    chosen = volunteers(uptakes)[:, None]
    month = np.arange(MONTHS)
    start = np.minimum.reduce([uptakes[r.course_id].start for r in design.ROLLOUTS if r.volunteers])[:, None]
    years = np.maximum(month - (design.TREND_START - design.FIRST_MONTH), 0) / 12.0
    shock = (month >= start - 6) & (month < start) & (start < NEVER)
    level = mechanism.selection_on_level * chosen + mechanism.selection_on_trend * chosen * years
    return np.asarray(level + mechanism.selection_on_shock * shock)


def _with_spillover(acting: Matrix, uptake: Uptake, *, share: float) -> Matrix:
    treated = uptake.start < NEVER
    reached = acting.copy()
    reached[~treated] = share * acting[treated].mean(axis=0)
    return reached


def _by_type(people: People, *, mechanism: Mechanism) -> tuple[Matrix, Matrix]:
    """(D, T) seasonal factor of cases and COVID shift of the level."""
    months = city_months()
    seasons = {k: [design.season(k, m, strength=mechanism.seasonality) for m in months] for k in design.TYPES}
    covid = {k: [design.covid_level(k, m, strength=mechanism.covid) for m in months] for k in design.TYPES}
    kinds = people.departments["department_type"]
    return np.array([seasons[kind] for kind in kinds]), np.array([covid[kind] for kind in kinds])


def _workload(people: People, level: Matrix, *, count: int, mechanism: Mechanism, seed: int) -> tuple[pd.DataFrame, NDArray[np.int64], Matrix]:
    """Processes, cases (P, T) and minutes (P, T) as they would be without training."""
    rng = stream(seed, "workload")
    departments = len(level)
    extra = rng.choice(departments, count - departments)
    owner = np.sort(np.concatenate([np.arange(departments), extra]))
    processes = _process_frame(people, owner, rng=rng)
    heads = people.heads().mean(axis=1)
    # Small departments record a larger share of their work, so hours rise less than heads.
    hours = (heads / heads.mean()) ** 0.6 * np.exp(0.12 * rng.standard_normal(departments))
    hours *= _HOURS_OF_PROCESSES / hours.mean()
    split = rng.uniform(0.5, 1.5, len(owner))
    split /= np.bincount(owner, weights=split)[owner]
    base = hours[owner] * split * 60.0  # minutes a month
    each = np.exp(rng.uniform(np.log(8), np.log(90), len(owner)))  # minutes a case
    seasons, covid = _by_type(people, mechanism=mechanism)
    scatter = 1.0 + 0.02 * rng.standard_normal((len(owner), MONTHS))
    cases = np.maximum(np.rint((base / each)[:, None] * seasons[owner] * scatter), 1).astype(np.int64)
    years = np.maximum(np.arange(MONTHS) - (design.TREND_START - design.FIRST_MONTH), 0) / 12.0
    # Trend and COVID act on the level that a department would have without selection, so that hours run in parallel.
    factor = 1.0 + level + covid + mechanism.city_trend * years
    noise = np.exp(mechanism.noise * autoregressive(rng, factor.shape))
    return processes, cases, cases * each[:, None] * (factor * noise)[owner]


def _process_frame(people: People, owner: NDArray[np.int64], *, rng: np.random.Generator) -> pd.DataFrame:
    kinds = people.departments["department_type"].to_numpy()
    number = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return pd.DataFrame(
        {
            "process_id": [f"P{k + 1:04d}" for k in range(len(owner))],
            "process_name": [process_name(kinds[d], int(n)) for d, n in zip(owner, number, strict=True)],
            "department_id": people.departments["department_id"].to_numpy()[owner],
            "core": rng.random(len(owner)) < 0.6,
            "owner": owner,
        }
    )


def _overtime(people: People, level: Matrix, *, mechanism: Mechanism, seed: int) -> Matrix:
    """(D, T) overtime hours as they would be without training."""
    rng = stream(seed, "overtime")
    heads = _monthly_heads(people)
    profile = np.array([design.overtime_season(month, strength=mechanism.seasonality) for month in city_months()])
    _, covid = _by_type(people, mechanism=mechanism)
    years = np.maximum(np.arange(MONTHS) - (design.TREND_START - design.FIRST_MONTH), 0) / 12.0
    own = np.exp(0.15 * rng.standard_normal((len(heads), 1)))
    noise = 1.0 + 1.25 * mechanism.noise * autoregressive(rng, heads.shape)
    return np.asarray(_OVERTIME_HOURS * heads * own * profile * (1.0 + level + covid + _OVERTIME_TREND * years) * noise)


def _paid_price(people: People) -> Matrix:
    """(D, Y) mean yen paid for an hour of overtime, from the grades posted; managers are not paid for it."""
    wage = np.array(_HOURLY_WAGE)[people.grade - 1] * float(parameter("overtime_premium").value)
    paid = people.grade < _MANAGER
    sums = np.stack(
        [np.bincount(column[paid & (column >= 0)], weights=wage[paid & (column >= 0)], minlength=len(people.departments)) for column in people.posting.T],
        axis=1,
    )
    return np.asarray(sums / np.maximum(people.heads(), 1))


def _genai_uses(heads: Matrix, *, seed: int) -> Matrix:
    """(D, T) uses without training: slow adoption everywhere, from 0.3 to about 1.7 a person and month."""
    rng = stream(seed, "genai")
    adoption = 0.3 + 1.4 / (1.0 + np.exp(-(np.arange(MONTHS) - 30) / 8.0))
    noise = np.exp(0.15 * autoregressive(rng, heads.shape))
    return np.asarray(heads.mean() * (heads / heads.mean()) ** 0.6 * adoption * noise)


def _online_forms(size: CitySize, *, seed: int) -> NDArray[np.int64]:
    """(D, T) online forms in service, growing everywhere alike."""
    rng = stream(seed, "forms")
    new = rng.poisson(0.25, (size.departments, MONTHS))
    return np.cumsum(new, axis=1) + rng.poisson(3.0, (size.departments, 1))

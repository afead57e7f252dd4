"""Department-month panels with a known effect and one switch for each way in which a comparison can go wrong.

The mechanisms are those of `kdx_eval.synthetic_city` (its seasons, COVID shift, AR(1) noise, April rotation), written for departments alone, so that
thousands of cities cost seconds. Files, people and matching are not simulated here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.synthetic_city import design
from kdx_eval.synthetic_city.design import FIRST_MONTH, MONTHS, TREND_START, TYPES, city_months, quarters
from kdx_eval.synthetic_city.outcomes import autoregressive
from kdx_eval.units import Month

FIRST_WAVE = Month.of(2024, 7)
WAVES = 5
HOURS = 1_300.0  # a month in a department of mean size
BUFFER = 3  # a quarter cohort counts from its fourth month on
_APRIL = 3  # Month.index of any April modulo 12


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How the departments work; zero means off.

    Attributes
    ----------
    effect_share : float      fall of hours where training acts in full
    level, drift, shock : float   departments that are trained have this much more hours; drift by this share a year; were this much higher in the half
                              year before they began (and were chosen for it: what would have fallen back anyway)
    drifting : int            of the five quarters of starts, the first so many drift
    rotation : float          share of the trained who leave each April
    covid, season : float     strength of the shift until 2023-04 and of the seasons by type
    spillover : float         share of the effect that reaches departments not yet trained
    displaced : float         share of the freed hours that turns up as work in departments not yet trained
    anticipation : float      share of the effect that already acts in the three months before the quarter of the start
    """

    effect_share: float = 0.0
    level: float = 0.15
    drift: float = 0.0
    shock: float = 0.0
    drifting: int = WAVES
    rotation: float = 0.22
    covid: float = 1.0
    season: float = 1.0
    spillover: float = 0.0
    displaced: float = 0.0
    anticipation: float = 0.0
    trend: float = -0.05
    noise: float = 0.035


def draw_panel(world: World, *, units: int, rng: np.random.Generator) -> tuple[Panel, float]:
    """One city and the true effect over the unit-months that the headline counts, in hours per unit and month."""
    month = np.arange(MONTHS)
    start = _starts(units, rng=rng)[:, None]
    treated = np.isfinite(start)
    kinds = rng.integers(0, len(TYPES), units)
    season, covid = _profiles(world)
    size = np.exp(rng.normal(0.0, 0.35, (units, 1)))
    years = np.maximum(month - (TREND_START - FIRST_MONTH), 0) / 12.0
    before = (month >= start - 6) & (month < start)
    drifts = start <= quarters(FIRST_WAVE, WAVES)[world.drifting - 1] - FIRST_MONTH
    factor = 1.0 + world.level * treated + world.drift * drifts * years + world.shock * before + covid[kinds] + world.trend * years
    noise = np.exp(world.noise * autoregressive(rng, (units, MONTHS)))
    hours = HOURS * size * season[kinds] * factor * noise
    acting = _acting(start, month, world=world)
    freed = world.effect_share * acting * hours
    untouched = np.where(np.isfinite(start), month < start - BUFFER, True)
    others = np.maximum(untouched.sum(axis=0), 1)
    mean_acting = acting.sum(axis=0) / np.maximum((acting > 0).sum(axis=0), 1)
    spill = world.spillover * world.effect_share * mean_acting * hours * untouched
    moved = world.displaced * freed.sum(axis=0) / others * untouched
    counted = _counted(start, month)
    # The effect of a department's own training; what reaches it from others is no part of it.
    truth = -float(freed[counted].mean())
    panel = Panel(
        outcome=hours - freed - spill + moved,
        units=np.arange(units).astype(object),
        periods=FIRST_MONTH.index + month.astype(float),
        cohort=np.where(np.isfinite(start[:, 0]), start[:, 0] + FIRST_MONTH.index, np.inf),
        persons=np.full(units, 43),
        monthly=True,
    )
    return panel, truth


def _starts(units: int, *, rng: np.random.Generator) -> FloatArray:
    """First month of the quarter in which each department began, (N,), inf for never; 34 of 60 begin, spread over five quarters."""
    waves = np.array([quarter - FIRST_MONTH for quarter in quarters(FIRST_WAVE, WAVES)], dtype=float)
    begun = round(units * 34 / 60)
    start = np.full(units, np.inf)
    start[:begun] = waves[np.arange(begun) % WAVES]
    return rng.permutation(start)


def _profiles(world: World) -> tuple[FloatArray, FloatArray]:
    months = city_months()
    season = [[design.season(kind, month, strength=world.season) for month in months] for kind in TYPES]
    covid = [[design.covid_level(kind, month, strength=world.covid) for month in months] for kind in TYPES]
    return np.array(season), np.array(covid)


def _acting(start: FloatArray, month: np.ndarray, *, world: World) -> FloatArray:
    """Share of the full effect, (N, T): a ramp of three months from the start, then each April the trained thin out."""
    since = month[None, :] - start
    with np.errstate(invalid="ignore"):
        ramp = np.where(np.isfinite(start), np.clip((since + 1) / 3.0, 0.0, 1.0), 0.0)
        aprils = np.where(since >= 0, _aprils(month)[None, :] - _aprils(np.where(np.isfinite(start), start, 0.0)), 0.0)
    acting = ramp * (1.0 - world.rotation) ** aprils
    early = world.anticipation * ((since < 0) & (since >= -3))
    share: FloatArray = np.where(np.isfinite(start), np.maximum(acting, early), 0.0)
    return share


def _aprils(month: np.ndarray) -> FloatArray:
    """Aprils up to and including a month, from the city's first on."""
    index = month + FIRST_MONTH.index
    count: FloatArray = np.floor((index - _APRIL) / 12.0)
    return count


def _counted(start: FloatArray, month: np.ndarray) -> np.ndarray:
    first = design.EVALUATED.first - FIRST_MONTH
    return (month[None, :] >= first) & (month[None, :] < first + 12) & (month[None, :] >= start + BUFFER)

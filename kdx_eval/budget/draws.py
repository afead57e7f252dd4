"""Ranges from draws: the questions' covariance, the price and the retention vary together, and only digits that more draws keep are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.budget.outlook import Carried
from kdx_eval.budget.parts import DrawnRange
from kdx_eval.budget.prices import price_range
from kdx_eval.budget.sensitivity import Assumptions
from kdx_eval.budget.worth import DISCOUNT_PARAMETERS, HORIZONS
from kdx_eval.savings import Savings
from kdx_eval.schema import parameter
from kdx_eval.units import round_half_up

SEED = 20270401
REPLICATES, POINTS = 8, 1 << 16
LEVEL = 0.95
STEADY = 50  # the last printed digit is at least so many times the error of the draws
Draws = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _World:
    """One set of draws: hours of each counted question, yen an hour, share left after a year."""

    hours: Draws
    price: Draws
    kept: Draws


def draw_ranges(
    savings: Savings,
    *,
    given: Assumptions,
    forecast: tuple[tuple[Carried, ...], int, float] | None = None,
    seed: int = SEED,
) -> tuple[DrawnRange, ...]:
    """95 % ranges of the year's value, the forecast hours, and the net value of three and five years.

    Hours are normal with the questions' joint covariance; price and retention are triangular between the ends of their ranges with
    the used value as mode; without a known retention only the first year is drawn. Scrambled Sobol points in eight replicates: their
    spread says how many digits may be printed (Owen 1997, randomised quasi-Monte Carlo). Empty where hours may not be claimed or without
    a price.

    Parameters
    ----------
    forecast : (questions, years to the request year, correction) or None
    """
    counted = [line.saved for line in savings.lines if line.in_total and line.saved is not None]
    price, kept = given.price, given.kept
    if price is None or savings.created is None or not savings.may_claim or not all(math.isfinite(one.std_error) for one in counted):
        return ()
    means = np.array([one.hours for one in counted])
    spread = np.array([(one.conf_high - one.conf_low) / 2 for one in counted]) / _normal_reach()
    root = _square_root(np.outer(spread, spread) * np.array(savings.correlation))
    cheap, dear, _ = price_range(given.prices, chosen=price)
    ends = ((cheap, price.yen_per_hour, dear), (1.0, 1.0, 1.0) if kept is None else (kept.low, kept.central, kept.high))
    worlds = [_world(replicate, means=means, root=root, ends=ends, seed=seed) for replicate in range(REPLICATES)]
    measures = _measures(savings, given=given, forecast=forecast)
    return tuple(_range(label, unit, [measure(world) for world in worlds]) for label, unit, measure in measures)


def _normal_reach() -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + LEVEL / 2))


def _square_root(covariance: Draws) -> Draws:
    """A root of a covariance that may be singular (correlation 1)."""
    values, vectors = np.linalg.eigh(covariance)
    root: Draws = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


_Triangle = tuple[float, float, float]


def _world(replicate: int, *, means: Draws, root: Draws, ends: tuple[_Triangle, _Triangle], seed: int) -> _World:
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol

    points = Sobol(len(means) + 2, scramble=True, rng=np.random.default_rng([seed, replicate])).random(POINTS)
    points = np.clip(points, 1e-12, 1 - 1e-12)
    hours = means + ndtri(points[:, : len(means)]) @ root.T
    return _World(hours, _triangular(points[:, -2], ends[0]), _triangular(points[:, -1], ends[1]))


def _triangular(uniform: Draws, ends: _Triangle) -> Draws:
    """Inverse of the triangular distribution's function: low, mode, high."""
    low, mode, high = ends
    if high <= low:
        return np.full_like(uniform, mode)
    turn = (mode - low) / (high - low)
    left = low + np.sqrt(uniform * (high - low) * (mode - low))
    right = high - np.sqrt((1 - uniform) * (high - low) * (high - mode))
    return np.where(uniform < turn, left, right)


_Measure = Callable[[_World], Draws]


def _measures(savings: Savings, *, given: Assumptions, forecast: tuple[tuple[Carried, ...], int, float] | None) -> list[tuple[str, str, _Measure]]:
    attendance = savings.attendance_hours
    found: list[tuple[str, str, _Measure]] = [("評価年度の人件費換算（参考）", "円", lambda world: (world.hours.sum(axis=1) - attendance) * world.price)]
    if given.kept is None:
        return found
    if forecast is not None:
        found.append(("要求年度に生まれる時間（見込み）", "時間", lambda world: _forecast(world, forecast)))
    if given.cost_yen is not None:
        nets = ((years, _net(years, attendance=attendance, cost_yen=given.cost_yen)) for years in HORIZONS if years > 1)
        found += [(f"{years}年の差引（現在価値、見込み）", "円", net) for years, net in nets]
    return found


def _net(years: int, *, attendance: float, cost_yen: int) -> _Measure:
    rate = float(parameter(DISCOUNT_PARAMETERS[0]).value)

    def net(world: _World) -> Draws:
        factor = sum(world.kept ** (year - 1) / (1 + rate) ** year for year in range(1, years + 1))
        value: Draws = (world.hours.sum(axis=1) * factor - attendance / (1 + rate)) * world.price - cost_yen
        return value

    return net


def _forecast(world: _World, forecast: tuple[tuple[Carried, ...], int, float]) -> Draws:
    carried, years, correction = forecast
    total = np.zeros(len(world.kept))
    for number, one in enumerate(carried):
        line = one.line
        weight = world.kept**years + (line.between + line.planned) / line.attended * world.kept
        total += weight * world.hours[:, number]
    return total * correction


def _steady_step(error: float) -> float:
    """The smallest of 1, 2, 5, 10 ... that is ``STEADY`` times the error of the draws."""
    wanted = max(error * STEADY, 1.0)
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= wanted)


def _range(label: str, unit: str, replicates: list[Draws]) -> DrawnRange:
    tail = (1 - LEVEL) / 2
    found = np.array([np.quantile(one, [tail, 0.5, 1 - tail]) for one in replicates])
    error = float((found.std(axis=0, ddof=1) / math.sqrt(len(replicates))).max())
    step = _steady_step(error)
    low, middle, high = (float(round_half_up(value / step)) * step for value in found.mean(axis=0))
    share = float(np.mean([(one > 0).mean() for one in replicates]))
    return DrawnRange(
        label=label,
        unit=unit,
        middle=middle,
        low=low,
        high=high,
        step=step,
        share_above=float(round_half_up(share, 2)) if "差引" in label else None,
        draws=REPLICATES * POINTS,
    )

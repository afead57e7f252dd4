"""What the synthetic city is made of: its size, its mechanism and its calendar.

The numbers follow published orders of magnitude (overtime of 13.2 hours a month with peaks in April and March: 総務省
地方公務員の時間外勤務に関する実態調査, 2017); the city itself is invented.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from kdx_eval.errors import ParameterError
from kdx_eval.units import FiscalYear, Month

FIRST_MONTH = Month.of(2022, 4)
MONTHS = 48
COVID_END = Month.of(2023, 4)  # last month of the level shift: 令和5年5月8日 5類移行
TREND_START = Month.of(2023, 5)
EVALUATED = FiscalYear(2025)
TYPES = ("窓口", "福祉・保健", "税務", "管理", "土木・都市", "教育・文化")

# Share of the year's cases by month, April first; each row has mean 1 after scaling.
_SEASON = {
    "窓口": (1.30, 1.00, 0.94, 0.94, 0.90, 0.92, 0.94, 0.90, 0.88, 0.92, 0.96, 1.40),
    "福祉・保健": (1.18, 1.04, 1.08, 1.00, 0.96, 0.94, 0.94, 0.94, 0.94, 0.94, 0.96, 1.08),
    "税務": (1.16, 1.22, 1.12, 0.98, 0.86, 0.84, 0.86, 0.86, 0.90, 1.00, 1.12, 1.08),
    "管理": (1.20, 0.98, 0.92, 0.90, 0.88, 0.94, 1.04, 1.04, 0.96, 0.98, 1.00, 1.16),
    "土木・都市": (1.06, 0.94, 0.94, 0.96, 0.92, 0.98, 1.00, 1.02, 0.98, 0.98, 1.02, 1.20),
    "教育・文化": (1.26, 1.00, 0.96, 1.02, 0.88, 0.96, 0.98, 0.96, 0.90, 0.92, 0.98, 1.18),
}
# Overtime of one real city by month, damped towards the survey's national profile (April 15.4, March 15.7 of 13.2).
_OVERTIME_SEASON = (1.30, 1.06, 0.96, 0.90, 0.78, 0.88, 1.00, 0.92, 0.88, 0.94, 1.06, 1.32)
_COVID_LEVEL = {"窓口": 0.05, "福祉・保健": 0.22, "税務": 0.02, "管理": 0.05, "土木・都市": -0.02, "教育・文化": -0.04}
# National holidays and the turn of the year, days off work in a typical year, January first.
_HOLIDAYS = (4, 2, 1, 1, 3, 0, 1, 1, 2, 1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySize:
    """How large the city is: departments, posts (staff at any one time) and processes; always 48 months from 2022-04.

    Raises ParameterError when a number cannot make a city: fewer than 8 departments, or less than one process or four
    posts a department.
    """

    departments: int = 60
    staff: int = 2_600
    processes: int = 150

    def __post_init__(self) -> None:
        if self.departments < 8 or self.staff < 4 * self.departments or self.processes < self.departments:
            raise ParameterError(
                "合成の市の大きさが範囲の外です",
                place="CitySize",
                hint="課は8以上、職員は課の4倍以上、業務は課の数以上にしてください",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """How the city works; each number is a switch for calibration, zero meaning off.

    Attributes
    ----------
    effect_share : float        fall of minutes per case when all who were trained at the start are still posted
    overtime_share : float      share of the freed hours by which overtime falls
    genai_uses_per_staff : float  added generative-AI uses per posted person and month
    processing_days : float     days by which applications are decided sooner at the full effect of the first course
    online_share : float        share of applications that the course on forms brings online at its full effect
    ramp_months : int           months from enrolment to the full effect
    selection_on_level : float  departments that volunteer have this much more minutes per case and overtime
    selection_on_trend : float  their minutes drift by this share a year from 2023-05 on
    selection_on_shock : float  their minutes are this much higher in the six months before they start
    rotation : float            share of staff who change department each April
    seasonality : float         1 is the full seasonal profile, 0 none
    covid : float               1 is the full level shift until 2023-04
    city_trend : float          yearly change of minutes of all departments from 2023-05 on (standardised systems)
    spillover : float           share of the effect that reaches departments never trained
    noise : float               standard deviation of a department's monthly total (AR(1), 0.5)
    """

    effect_share: float = 0.07
    overtime_share: float = 0.30
    genai_uses_per_staff: float = 0.8
    processing_days: float = 0.9
    online_share: float = 0.03
    ramp_months: int = 3
    selection_on_level: float = 0.15
    selection_on_trend: float = 0.0
    selection_on_shock: float = 0.0
    rotation: float = 0.22
    seasonality: float = 1.0
    covid: float = 1.0
    city_trend: float = -0.05
    spillover: float = 0.0
    noise: float = 0.035


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How one course reaches departments: wave sizes by quarter and the share of posted staff who enrol."""

    course_id: str
    departments: int  # of 60
    quarters: tuple[Month, ...]
    share: tuple[float, float]
    volunteers: bool  # True: the departments that come forward have the higher level


def quarters(first: Month, count: int) -> tuple[Month, ...]:
    """``count`` first months of quarters from ``first`` on."""
    return tuple(first + 3 * k for k in range(count))


# The first quarter is 2024-07: with the COVID months left out, fourteen months remain before it, so that every
# calendar month has a match before treatment.
ROLLOUTS = (
    Rollout(course_id="DXBPR", departments=34, quarters=quarters(Month.of(2024, 7), 5), share=(0.22, 0.35), volunteers=True),
    Rollout(course_id="FORMTOOL", departments=28, quarters=quarters(Month.of(2024, 7), 5), share=(0.20, 0.32), volunteers=False),
    Rollout(course_id="AITOOL", departments=32, quarters=quarters(Month.of(2024, 7), 6), share=(0.25, 0.45), volunteers=False),
)


def stream(seed: int, name: str) -> np.random.Generator:
    """A random stream of its own for each part, so that changing one part leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(name.encode("utf-8"))])


def city_months() -> tuple[Month, ...]:
    """All months of the city, in order."""
    return tuple(FIRST_MONTH + k for k in range(MONTHS))


def season(kind: str, month: Month, *, strength: float) -> float:
    """Cases of ``month`` in a department of type ``kind`` relative to its yearly mean."""
    profile = _SEASON[kind]
    return 1.0 + strength * (profile[(month.month - 4) % 12] * 12 / sum(profile) - 1.0)


def overtime_season(month: Month, *, strength: float) -> float:
    """Overtime of ``month`` relative to its yearly mean."""
    return 1.0 + strength * (_OVERTIME_SEASON[(month.month - 4) % 12] * 12 / sum(_OVERTIME_SEASON) - 1.0)


def covid_level(kind: str, month: Month, *, strength: float) -> float:
    """Shift of the level of ``kind`` in ``month``; zero after 2023-04."""
    return strength * _COVID_LEVEL[kind] if month <= COVID_END else 0.0


def business_days(month: Month) -> int:
    """Working days of a month of a typical year's holidays."""
    first, following = np.datetime64(str(month)), np.datetime64(str(month + 1))
    return int(np.busday_count(first, following)) - _HOLIDAYS[month.month - 1]

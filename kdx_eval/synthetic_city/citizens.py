"""What citizens notice: days until an application is decided, the share of applications made online, satisfaction at the counter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdx_eval.synthetic_city.design import MONTHS, Mechanism, stream
from kdx_eval.synthetic_city.people import People

_SERVE_NOBODY = "管理"  # these departments have no applicants and measure nothing of the kind

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenOutcomes:
    """Values by indicator, (D, T) and as written; and effects by (course, indicator), exact. NaN in departments that serve no citizens."""

    values: dict[str, Matrix]
    effects: dict[tuple[str, str], Matrix]


def make_citizen_outcomes(people: People, acting: Mapping[str, Matrix], *, mechanism: Mechanism, seed: int) -> CitizenOutcomes:
    """Better from year to year everywhere; beyond that, freed hours shorten the wait and forms bring applications online. Satisfaction: no effect.

    ``acting`` is the share of each course's full effect that acts, (D, T) by course.
    """
    serves = (people.departments["department_type"] != _SERVE_NOBODY).to_numpy()[:, None]
    rng = stream(seed, "citizens")
    years = np.arange(MONTHS) / 12
    shape = (len(serves), MONTHS)
    own = rng.standard_normal((3, len(serves), 1))
    effects = {
        ("DXBPR", "processing_days"): -mechanism.processing_days * acting["DXBPR"],
        ("FORMTOOL", "online_share"): mechanism.online_share * acting["FORMTOOL"],
    }
    days = 12.0 - 0.5 * years + 1.2 * own[0] + 0.5 * rng.standard_normal(shape) + effects["DXBPR", "processing_days"]
    share = 0.16 + 0.045 * years + 0.03 * own[1] + 0.012 * rng.standard_normal(shape) + effects["FORMTOOL", "online_share"]
    content = 3.6 + 0.06 * years + 0.15 * own[2] + 0.08 * rng.standard_normal(shape)
    values = {
        "processing_days": np.round(np.maximum(days, 1.0), 1),
        "online_share": np.round(np.clip(share, 0, 1), 3),
        "satisfaction": np.round(np.clip(content, 1, 5), 2),
    }
    return CitizenOutcomes(
        values={name: np.where(serves, value, np.nan) for name, value in values.items()},
        effects={key: np.where(serves, value, np.nan) for key, value in effects.items()},
    )

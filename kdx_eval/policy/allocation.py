"""Which pieces of work to take on with limited specialist months: a small integer programme, solved exactly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import ParameterError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the allocation has to keep.

    Attributes
    ----------
    months : float
        Specialist months there are.
    per_department, per_division : int
        Most pieces of work at once in one department and in one division; 0 is no limit.
    fixed : frozenset of int
        Places of the pieces that were promised and must be taken on.
    """

    months: float
    per_department: int = 1
    per_division: int = 0
    fixed: frozenset[int] = frozenset()


def allocate(gain: FloatArray, months: FloatArray, *, departments: Sequence[Hashable], divisions: Sequence[Hashable], limits: Limits) -> BoolArray:
    """The pieces of work whose expected gain is largest in all, within the limits (0-1 programme by scipy's HiGHS).

    Parameters
    ----------
    gain, months : ndarray, (N,)
        Expected hours a year and specialist months that the piece takes; a piece that gains nothing is not taken on.

    Returns
    -------
    ndarray of bool, (N,)

    Raises
    ------
    ParameterError
        The limits cannot be kept, or a number of months is not above zero.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if len(gain) == 0:
        return np.zeros(0, dtype=bool)
    if not (np.isfinite(limits.months) and limits.months >= 0):
        raise ParameterError("専門人材の人月は0以上の数です", place="specialist_months", hint="使える人月の合計を書いてください")
    if not (np.isfinite(months).all() and (months > 0).all()):
        raise ParameterError("案件ごとの人月は0より大きい数です", place="months_per_case", hint="1件に要る人月を書いてください")
    rows, highest = [months], [limits.months]
    for groups, most in ((departments, limits.per_department), (divisions, limits.per_division)):
        if most > 0:
            names = sorted({str(group) for group in groups})
            rows += [np.array([str(group) == name for group in groups], dtype=float) for name in names]
            highest += [float(most)] * len(names)
    lowest = np.array([1.0 if place in limits.fixed else 0.0 for place in range(len(gain))])
    allowed = np.where((gain > 0) | (lowest > 0), 1.0, 0.0)
    kept = LinearConstraint(np.array(rows), ub=np.array(highest))
    found = milp(-np.maximum(gain, 0.0), integrality=np.ones(len(gain), dtype=np.int64), bounds=Bounds(lowest, allowed), constraints=kept)
    if found.x is None:
        raise ParameterError(
            "約束した案件だけで、人月または課・部の上限を超えています", place="targeting", hint="人月を増やすか、約束した案件（fixed）か上限を見直してください"
        )
    chosen: BoolArray = np.round(found.x) > 0.5
    return chosen

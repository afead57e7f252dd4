"""What a two-way fixed-effects coefficient is made of (Goodman-Bacon 2021): a weighted mean of two-group comparisons, some of them mistaken.

Shown beside the naive coefficient, never as an estimate of its own: where already treated units serve as controls, an effect that grows is
taken for a trend of the controls, and the comparison has the wrong sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
import pandas as pd

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.naive import two_way_fixed_effects
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray

Comparison = Literal["treated_untreated", "earlier_later", "later_earlier", "later_always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaconDecomposition:
    """The C comparisons of two cohorts behind a two-way fixed-effects coefficient.

    Attributes
    ----------
    coefficient : float
        Of the regression with unit and period effects, in the outcome's unit; equals the weighted sum of ``estimate``.
    treated, control : ndarray, (C,)
        Cohort that changes, and the cohort it is compared with (inf: never treated).
    comparison : tuple of str, (C,)
        ``treated_untreated``, ``earlier_later`` (control not yet treated), ``later_earlier`` and ``later_always`` (control already treated).
    estimate, weight : ndarray, (C,)
        Two-group difference-in-differences, and its share; shares add to one.
    """

    coefficient: float
    treated: FloatArray
    control: FloatArray
    comparison: tuple[Comparison, ...]
    estimate: FloatArray
    weight: FloatArray

    @property
    def mistaken_share(self) -> float:
        """Weight of the comparisons whose control was already treated."""
        return float(sum(weight for weight, kind in zip(self.weight, self.comparison, strict=True) if kind in {"later_earlier", "later_always"}))

    def table(self) -> pd.DataFrame:
        """One row a comparison: treated, control, comparison, estimate, weight."""
        return pd.DataFrame({"treated": self.treated, "control": self.control, "comparison": self.comparison, "estimate": self.estimate, "weight": self.weight})

    def by_comparison(self) -> pd.DataFrame:
        """One row a kind of comparison: comparison, weight, estimate (weighted mean within the kind)."""
        table = self.table().assign(product=lambda frame: frame["estimate"] * frame["weight"])
        grouped = table.groupby("comparison", sort=True)[["weight", "product"]].sum().reset_index()
        return grouped.assign(estimate=grouped["product"] / grouped["weight"])[["comparison", "weight", "estimate"]]


def bacon_decomposition(m: CohortMoments) -> BaconDecomposition:
    """Comparisons and weights of the two-way fixed-effects coefficient (Goodman-Bacon 2021, Theorem 1, eq. 10a to 10g).

    Returns
    -------
    BaconDecomposition
        Treated cohorts in order, each with its controls in order; unit weights count as masses of the cohorts.

    Raises
    ------
    NotIdentifiedError
        Treatment does not vary between units within the periods.
    """
    whole = two_way_fixed_effects(m)
    if whole is None:
        raise NotIdentifiedError("受講の有無が単位のあいだで変わりません", hint="受講の時期が異なる単位、または未受講の単位が必要です")
    share = m.mass / m.mass.sum()
    on = (m.periods[None, :] >= m.cohorts[:, None]).mean(axis=1)  # share of periods treated
    rows: list[tuple[float, float, Comparison, float, float]] = []
    for k, control in permutations(range(len(m.cohorts)), 2):
        if not 0 < on[k] < 1 or m.cohorts[k] == m.cohorts[control]:
            continue
        kind = _kind(on[k], on[control])
        if kind is None:
            continue
        rows.append((m.cohorts[k], m.cohorts[control], kind, _difference(m, k, control, kind=kind), _variance(share[k], share[control], on[k], on[control])))
    variance = np.array([row[4] for row in rows])
    return BaconDecomposition(
        coefficient=float(whole.estimate(m)[0]),
        treated=np.array([row[0] for row in rows]),
        control=np.array([row[1] for row in rows]),
        comparison=tuple(row[2] for row in rows),
        estimate=np.array([row[3] for row in rows]),
        weight=variance / variance.sum(),
    )


def _kind(treated: float, control: float) -> Comparison | None:
    """Kind of comparison from the shares of periods treated; None where the two are treated in the same periods."""
    if control == 0:
        return "treated_untreated"
    if control == 1:
        return "later_always"
    if control == treated:
        return None
    return "earlier_later" if control < treated else "later_earlier"


def _difference(m: CohortMoments, k: int, control: int, *, kind: Comparison) -> float:
    """Change of cohort k at its start minus that of the control, over the periods in which only k changes (eq. 10b to 10d)."""
    after = m.periods >= m.cohorts[k]
    if kind == "earlier_later":
        window = m.periods < m.cohorts[control]
    elif kind == "later_earlier":
        window = m.periods >= m.cohorts[control]
    else:
        window = np.ones(len(m.periods), dtype=bool)
    gap = m.mean[k] - m.mean[control]
    return float(gap[window & after].mean() - gap[window & ~after].mean())


def _variance(mass: float, control_mass: float, on: float, control_on: float) -> float:
    """Variance of treatment within the comparison times its size squared, the weight before scaling (numerators of eq. 10e to 10g).

    In the window of the comparison the control is constant and cohort k is treated a share d of the time: weight n_k n_c v² d (1 - d), v the
    share of periods in the window. It covers all kinds, since (n_k + n_c)² times the group shares' product is n_k n_c.
    """
    window = 1 - control_on if control_on <= on else control_on  # before the control's start, or from it on
    on_share = (on - control_on) / window if control_on <= on else on / window
    return mass * control_mass * window**2 * on_share * (1 - on_share)

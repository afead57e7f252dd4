"""Time per case, a ratio of sums, and what it and the number of cases each did to the hours.

With m₁, c₁ the mean hours and cases of the months that count, θ_m, θ_c the headline contrast on either and m₀ = m₁ - θ_m, c₀ = c₁ - θ_c what would have
been, the time per case is p₁ = m₁/c₁ instead of p₀ = m₀/c₀, and θ_m = (p₁ - p₀) c₀ + p₀ (c₁ - c₀) + (p₁ - p₀)(c₁ - c₀): price, quantity, interaction. m₁ and
c₁ are what happened and carry no error; θ_m and θ_c are contrasts of the same units, so that each figure's first-order error (delta method) is the
headline contrast of one mixture of hours and cases, unit by unit. Never a mean of ratios: a month with few cases would count like one with many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, contrast_estimate, make_estimate
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.units import format_measure, format_number

MINUTES = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCase:
    """The effect on hours, taken apart.

    Attributes
    ----------
    per_case : Estimate
        Minutes per case with training minus without.
    price, quantity, interaction : Estimate
        Hours per unit and period; they add up to the headline.
    influence : ndarray, (N,)
        Of each unit on ``price``.
    """

    per_case: Estimate
    price: Estimate
    quantity: Estimate
    interaction: Estimate
    influence: FloatArray


def time_per_case(panel: Panel, target: FiscalYearTarget) -> PerCase:
    """Parts of the headline by time per case and number of cases, at counterfactual cases (METHODS 4, Totals, secondary).

    Raises
    ------
    NotIdentifiedError
        Cases are not known, or hours or cases without training come out at zero or less, or too vague to divide by.
    """
    cases = panel.cases
    if cases is None:
        raise NotIdentifiedError("処理件数がないため、1件当たりの時間を求められません", hint="業務量の表に件数（cases）の列を入れてください")
    hours, other = moments(panel), moments(replace(panel, outcome=cases))
    found = fiscal_year_contrast(hours, target)
    level = found.baseline.weights + found.before_after.weights
    m1, c1 = (float((level[0] * m.mean).sum()) for m in (hours, other))
    theta_m, theta_c = (float(found.effect.estimate(m)[0]) for m in (hours, other))
    m0, c0 = m1 - theta_m, c1 - theta_c

    def mixture(of_hours: float, of_cases: float) -> Panel:
        return replace(panel, outcome=of_hours * panel.outcome + of_cases * cases)

    def error(of_hours: float, of_cases: float, *, value: float) -> Estimate:
        around = contrast_estimate(found.effect, moments(mixture(of_hours, of_cases)))
        return make_estimate(value, around.std_error, df=around.df)

    vague = error(0.0, 1.0, value=theta_c)
    if min(m0, c0) <= 0 or not 2 * vague.std_error < c0:
        raise NotIdentifiedError("研修がなかった場合の件数がはっきりせず、1件当たりの時間を求められません", hint="件数の記録を確かめてください")
    p1, p0, moved = m1 / c1, m0 / c0, theta_c / c0
    price = mixture(1.0, -p1)
    return PerCase(
        per_case=error(MINUTES / c0, -MINUTES * p0 / c0, value=MINUTES * (p1 - p0)),
        price=error(1.0, -p1, value=theta_m - p1 * theta_c),
        quantity=error(-moved, p0 * (1 + moved), value=p0 * theta_c),
        interaction=error(moved, p1 - p0 * (1 + moved), value=(p1 - p0) * theta_c),
        influence=found.effect.influence(price, moments(price))[:, 0],
    )


def parts_sentence(parts: PerCase, *, unit_periods: int, total: float) -> str:
    """Price, quantity and interaction in hours of the evaluated year; ``total`` is the headline per unit and period."""

    def hours(found: Estimate) -> str:
        low, high = (format_number(bound * unit_periods) for bound in (found.conf_low, found.conf_high))
        return f"{format_number(found.estimate * unit_periods)}時間（幅 {low}～{high}）"

    one = parts.per_case
    return (
        f"参考（時間の内訳）：1件当たりの時間は{format_measure(one.estimate)}分"
        f"（幅 {format_measure(one.conf_low)}～{format_measure(one.conf_high)}）変わりました。"
        f"業務時間の変化{format_number(total * unit_periods)}時間のうち、1件当たりの時間によるものが{hours(parts.price)}、"
        f"件数によるものが{hours(parts.quantity)}、両方が重なった分が{hours(parts.interaction)}です。"
    )

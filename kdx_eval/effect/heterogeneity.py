"""Does the effect differ? By department type with shrinkage, by dose, and by time since training. Descriptions beside the headline, never instead of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON, FiscalYearTarget, event_bins, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, PooledCovariance, make_estimate, pooled_covariance
from kdx_eval.effect.unit_weights import cells_of, counted_cohorts, weighted_effect
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Effects of the types of department, each against departments of its own type.

    Attributes
    ----------
    table : DataFrame
        stratum, n_treated, n_control, estimate, std_error, conf_low, conf_high, shrunken, shrunken_low, shrunken_high; in the outcome's unit per unit
        and period. The shrunken effect is drawn to the common mean the more, the less is known of the type.
    between : float
        Standard deviation of the true effects between types (Paule & Mandel 1982).
    p_value : float
        Of "all types have the same effect" (Cochran's Q).
    left_out : tuple of str
        Types with too few departments to be compared within themselves.
    """

    table: pd.DataFrame
    between: float
    p_value: float
    left_out: tuple[str, ...]


def effects_by_stratum(panel: Panel, target: FiscalYearTarget) -> Heterogeneity:
    """The headline effect within each stratum, and the same after empirical Bayes shrinkage (Morris 1983).

    A type's shocks (elections, tax season) then fall on both sides. The covariance is pooled over all types, since single types are small.

    Raises
    ------
    NotIdentifiedError
        Strata are unknown, or fewer than two have a comparison of their own.
    """
    if panel.stratum is None:
        raise NotIdentifiedError("課の区分がわからないため、区分ごとの効果は求められません", hint="所属の表に所属区分（department_type）を入れてください")
    whole = moments(panel)
    pooled = pooled_covariance(whole)
    rows, left_out = [], []
    for stratum in sorted(set(panel.stratum.tolist())):
        part = _rows(panel, panel.stratum == stratum)
        try:
            rows.append({"stratum": str(stratum), **_within(part, target, pooled=pooled, whole_cohorts=whole.cohorts)})
        except NotIdentifiedError:
            left_out.append(str(stratum))
    if len(rows) < 2:
        raise NotIdentifiedError("二つ以上の区分で比べられる相手がそろわないため、区分ごとの効果は求められません", hint="区分をまとめてください")
    table = pd.DataFrame(rows)
    shrunken, between, p_value = shrink(table["estimate"].to_numpy(), table["std_error"].to_numpy())
    return Heterogeneity(table=pd.concat([table, shrunken], axis=1), between=between, p_value=p_value, left_out=tuple(left_out))


def _rows(panel: Panel, keep: np.ndarray) -> Panel:
    return Panel(
        outcome=panel.outcome[keep],
        units=panel.units[keep],
        periods=panel.periods,
        cohort=panel.cohort[keep],
        persons=panel.persons[keep],
        weight=None if panel.weight is None else panel.weight[keep],
        monthly=panel.monthly,
    )


def _within(part: Panel, target: FiscalYearTarget, *, pooled: PooledCovariance, whole_cohorts: FloatArray) -> dict[str, float]:
    m = moments(part)
    found = fiscal_year_contrast(m, target)
    if found.n_treated < SMALLEST_COMPARISON:
        raise NotIdentifiedError("受講した課が3つに足りません")
    own = replace(pooled, pool=pooled.pool[np.searchsorted(whole_cohorts, m.cohorts)])
    variance, df = own.variance(found.effect, m)
    estimate = make_estimate(float(found.effect.estimate(m)[0]), float(np.sqrt(variance[0])), df=float(df[0]))
    return {
        "n_treated": found.n_treated,
        "n_control": found.n_control,
        "estimate": estimate.estimate,
        "std_error": estimate.std_error,
        "conf_low": estimate.conf_low,
        "conf_high": estimate.conf_high,
    }


def shrink(estimate: FloatArray, std_error: FloatArray) -> tuple[pd.DataFrame, float, float]:
    """Each estimate drawn to their common mean by how little is known of it.

    The posterior of a normal model with between-variance τ² by Paule & Mandel 1982: mean μ + B(y - μ), B = τ²/(τ² + s²); variance
    B s² + (1 - B)² Var(μ), plus Morris' (1983, section 4) term for τ² being estimated, 2/(K - 3) (1 - B)² (y - μ)², where K > 3.

    Returns
    -------
    DataFrame
        shrunken, shrunken_low, shrunken_high (95 %).
    float
        τ, in the unit of the estimates.
    float
        p value of equal effects (Cochran's Q, K - 1 degrees of freedom).
    """
    variance = std_error**2
    tau2 = between_variance(estimate, variance)
    weight = 1 / (tau2 + variance)
    mean = float((weight * estimate).sum() / weight.sum())
    kept = tau2 / (tau2 + variance)
    posterior = kept * variance + (1 - kept) ** 2 / weight.sum()
    if len(estimate) > 3:
        posterior = posterior + 2 / (len(estimate) - 3) * (1 - kept) ** 2 * (estimate - mean) ** 2
    centre = mean + kept * (estimate - mean)
    half = stats.norm.ppf(0.975) * np.sqrt(posterior)
    frame = pd.DataFrame({"shrunken": centre, "shrunken_low": centre - half, "shrunken_high": centre + half})
    fixed = (estimate / variance).sum() / (1 / variance).sum()
    q = float(((estimate - fixed) ** 2 / variance).sum())
    return frame, float(np.sqrt(tau2)), float(stats.chi2.sf(q, len(estimate) - 1))


def between_variance(estimate: FloatArray, variance: FloatArray) -> float:
    """Variance of the true effects (Paule & Mandel 1982): the τ² at which Σ (y - μ)² / (s² + τ²) equals K - 1; 0 where it is less without any."""
    from scipy import optimize

    def excess(tau2: float) -> float:
        weight = 1 / (variance + tau2)
        mean = (weight * estimate).sum() / weight.sum()
        return float((weight * (estimate - mean) ** 2).sum()) - (len(estimate) - 1)

    if excess(0.0) <= 0:
        return 0.0
    # At the whole scatter each term is below one, so that the sum lies below K - 1.
    return float(optimize.brentq(excess, 0.0, float(((estimate - estimate.mean()) ** 2).sum()) + 1e-300, xtol=1e-14, rtol=1e-12))


def dose_slope(panel: Panel, target: FiscalYearTarget) -> Estimate:
    """How much more a department changed for each further share of its staff trained (0 to 1), among the treated.

    Least squares of each treated unit's effect on its mean exposure over the counted periods, cells as weights. Causal only if departments
    with more trained staff would have responded alike to the same dose (Callaway, Goodman-Bacon & Sant'Anna 2024, "strong parallel trends"), which
    no data show: a description.

    Raises
    ------
    NotIdentifiedError
        Exposure is unknown or the same in all treated units.
    """
    if panel.exposure is None:
        raise NotIdentifiedError("課ごとの受講の割合がわかりません", hint="所属履歴（または職員名簿）を入れてください")
    m = moments(panel)
    cohorts = counted_cohorts(panel, m, target=target)
    cells = cells_of(cohorts, panel.n_units)
    counted = np.zeros(panel.outcome.shape, dtype=bool)
    for cohort in cohorts:
        counted[cohort.members] = cohort.own > 0  # treated periods carry the only positive weights
    with np.errstate(invalid="ignore"):
        dose = np.where(cells > 0, (panel.exposure * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1), 0.0)
    centre = float((cells * dose).sum() / cells.sum())
    spread = float((cells * (dose - centre) ** 2).sum())
    if not np.isfinite(spread) or spread <= 1e-12:
        raise NotIdentifiedError("受講の割合が課によって違わないため、割合と効果の関係は見られません", hint="所属履歴と受講記録のつながりを確かめてください")
    slope = weighted_effect(cohorts, cells * (dose - centre) / spread)
    return slope.judge(panel, m=m, pooled=pooled_covariance(m))


def persistence(panel: Panel, target: FiscalYearTarget) -> pd.DataFrame:
    """Effect by year since training began, and the share of staff trained in those months.

    Returns
    -------
    DataFrame
        year (0: first year from the start), estimate, std_error, conf_low, conf_high, n_units, exposure (NaN where unknown); each against the mean of
        all usable periods before training.
    """
    m = moments(panel)
    pooled = pooled_covariance(m)
    season = max(target.season, 1)
    keys, contrast, units = event_bins(m, target, width=season)
    variance, df = pooled.variance(contrast, m)
    rows = []
    event = panel.periods[None, :] - panel.cohort[:, None]
    for row in np.flatnonzero(keys >= 0):
        found = make_estimate(float(contrast.estimate(m)[row]), float(np.sqrt(max(variance[row], 0.0))), df=float(df[row]))
        inside = (event >= keys[row]) & (event < keys[row] + season)
        exposure = float(np.nanmean(panel.exposure[inside])) if panel.exposure is not None and np.isfinite(panel.exposure[inside]).any() else float("nan")
        rows.append({
            "year": int(keys[row] // season), "estimate": found.estimate, "std_error": found.std_error, "conf_low": found.conf_low,
            "conf_high": found.conf_high, "n_units": int(units[row]), "exposure": exposure,
        })  # fmt: skip
    return pd.DataFrame(rows)

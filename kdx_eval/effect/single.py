"""One treated unit, or a few treated at the same time: synthetic difference-in-differences, synthetic control, and plain differences beside them.

Weights on untreated units make their mean run parallel to the treated ones before treatment, weights on earlier periods make those resemble the later
ones (Arkhangelsky, Athey, Hirshberg, Imbens & Wager 2021). The error and the rank come from pretending that untreated units were treated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from kdx_eval.effect.inference import Estimate, make_estimate
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import FloatArray, Panel

Method = Literal["synthetic_did", "synthetic_control", "did"]
METHODS: tuple[Method, ...] = ("synthetic_did", "synthetic_control", "did")
FAINT = 1e-6  # share of the noise level that makes weights unique without changing the fit
FEWEST_BEFORE = 3  # periods before treatment: two changes at least, from which the noise level is measured
FEWEST_CONTROLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticFit:
    """What one method finds.

    Attributes
    ----------
    estimate : float
        Mean effect on the treated units over the periods after treatment, in the outcome's unit.
    std_error : float
        Placebo standard error; NaN where there are not more untreated than treated units.
    rank_p_value, smallest_p_value : float
        (1 + placebo estimates at least as large in size) / (1 + placebos), and the smallest it could have been.
    unit_weights, time_weights : ndarray, (N0,) and (T0,)
        On untreated units and on periods before treatment; each sums to one (synthetic control gives no weight to periods: zeros).
    zeta_unit, zeta_time : float
        Regularisation; 0 where the weights are not estimated.
    curve : ndarray, (T1,)
        Effect in each period after treatment; its mean is ``estimate``.
    placebos : ndarray, (B,)
        Estimates for untreated units taken as treated.
    fit_error, placebo_errors : float and ndarray, (B,)
        Root mean square of treated minus weighted untreated before treatment (about its mean, but for synthetic control): how well each was imitated.
    """

    method: Method
    estimate: float
    std_error: float
    rank_p_value: float
    smallest_p_value: float
    unit_weights: FloatArray
    time_weights: FloatArray
    zeta_unit: float
    zeta_time: float
    curve: FloatArray
    placebos: FloatArray
    fit_error: float
    placebo_errors: FloatArray

    @property
    def interval(self) -> Estimate:
        """Estimate with a normal 95 % interval from the placebo error."""
        return make_estimate(self.estimate, self.std_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleUnitStudy:
    """All three methods on the same data; the figures of synthetic difference-in-differences are those of the study.

    Attributes
    ----------
    units, periods : ndarray, (N0,) and (T0,)
        Labels of what the weights belong to.
    after : ndarray, (T1,)
        Labels of the periods of ``curve``.
    """

    fits: tuple[SyntheticFit, ...]
    units: npt.NDArray[np.object_]
    periods: FloatArray
    after: FloatArray
    n_treated: int

    def fit(self, method: Method) -> SyntheticFit:
        """The fit of that method."""
        return self.fits[METHODS.index(method)]

    @property
    def estimate(self) -> float:
        """Of synthetic difference-in-differences, in the outcome's unit."""
        return self.fits[0].estimate

    @property
    def std_error(self) -> float:
        """Placebo standard error of synthetic difference-in-differences."""
        return self.fits[0].std_error

    @property
    def rank_p_value(self) -> float:
        """Rank p value of synthetic difference-in-differences among its placebos."""
        return self.fits[0].rank_p_value

    def table(self) -> pd.DataFrame:
        """One row a method: estimate, std_error, conf_low, conf_high, rank_p_value, smallest_p_value."""
        rows = [
            {
                "method": fit.method,
                "estimate": fit.estimate,
                "std_error": fit.std_error,
                "conf_low": fit.interval.conf_low,
                "conf_high": fit.interval.conf_high,
                "rank_p_value": fit.rank_p_value,
                "smallest_p_value": fit.smallest_p_value,
            }
            for fit in self.fits
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return f"SingleUnitStudy({self.n_treated} treated, {len(self.units)} untreated units, {len(self.periods)} + {len(self.after)} periods)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Outcome with the untreated units first and the periods before treatment first."""

    outcome: FloatArray
    n0: int
    t0: int

    @property
    def noise(self) -> float:
        """Standard deviation of the changes of untreated units before treatment."""
        return float(np.std(np.diff(self.outcome[: self.n0, : self.t0], axis=1), ddof=1))

    def placebo(self, treated: npt.NDArray[np.intp]) -> Block:
        """The untreated units alone, some of them as if treated."""
        rest = np.delete(np.arange(self.n0), treated)
        return Block(outcome=self.outcome[np.concatenate([rest, treated])], n0=len(rest), t0=self.t0)


def synthetic_did(
    data: Panel | npt.ArrayLike, *, n_controls: int | None = None, n_before: int | None = None, draws: int = 200, seed: int = 0
) -> SingleUnitStudy:
    """Effect on units treated at one time, by synthetic difference-in-differences, with synthetic control and plain differences beside it.

    Parameters
    ----------
    data : Panel, or array (N, T)
        A panel in which all treated units start together and the others never do; or a matrix whose first ``n_controls`` rows are untreated
        and whose first ``n_before`` columns lie before treatment.
    draws, seed : int
        Placebo samples where more than one unit is treated; with one treated unit every untreated unit serves once, without chance.

    Returns
    -------
    SingleUnitStudy
        Arkhangelsky et al. (2021): Algorithm 1 with the regularisation of section 2 (zeta = (N1 T1)^(1/4) σ for units, 1e-6 σ for periods)
        and the placebo variance of Algorithm 4. The weights are exact solutions of the quadratic programmes. Synthetic control without an
        intercept (Abadie, Diamond & Hainmueller 2010), its rank p value on the estimates.

    Raises
    ------
    NotIdentifiedError
        Nobody is treated, treated units start at different times, or fewer than 2 untreated units or 3 periods before treatment.
    DataError
        A cell is missing.
    ParameterError
        A matrix comes without ``n_controls`` and ``n_before``, the panel has unequal weights, or ``draws`` is below 2.
    """
    if draws < 2:
        raise ParameterError("プラセボの回数は2以上にしてください", place="draws")
    block, units, periods = _block_of(data, n_controls, n_before)
    if not np.isfinite(block.outcome).all():
        raise DataError("結果に欠けているセルがあります", place="outcome", hint="欠けた単位か月を除いてください")
    treated = len(block.outcome) - block.n0
    if treated < 1 or block.t0 >= block.outcome.shape[1]:
        raise NotIdentifiedError("受講した単位、または受講後の期間がありません", hint="期間と受講時期を確かめてください")
    if block.n0 < FEWEST_CONTROLS or block.t0 < FEWEST_BEFORE:
        raise NotIdentifiedError("一度も受講していない単位が2つ以上、受講前の期間が3つ以上必要です", hint="比べる単位か期間を増やしてください")
    samples = placebo_samples(block.n0, treated, draws=draws, seed=seed)
    fits = tuple(_with_placebos(block, samples, method) for method in METHODS)
    return SingleUnitStudy(fits=fits, units=units[: block.n0], periods=periods[: block.t0], after=periods[block.t0 :], n_treated=treated)


def _block_of(data: Panel | npt.ArrayLike, n_controls: int | None, n_before: int | None) -> tuple[Block, npt.NDArray[np.object_], FloatArray]:
    if isinstance(data, Panel):
        if data.weight is not None and not np.allclose(data.weight, data.weight[0]):
            raise ParameterError("合成差の差に単位の重みは使えません", place="weight", hint="重みを外してください")
        treated = data.cohort <= data.periods[-1]
        starts = np.unique(data.cohort[treated])
        if len(starts) != 1:
            raise NotIdentifiedError("受講した単位がないか、開始時期が分かれています", hint="開始時期の異なる受講には group_time_effects を使ってください")
        order = np.argsort(treated, kind="stable")
        t0 = int(np.searchsorted(data.periods, starts[0]))
        return Block(outcome=data.outcome[order], n0=int((~treated).sum()), t0=t0), data.units[order], data.periods
    if n_controls is None or n_before is None:
        raise ParameterError("行列には n_controls（未受講の行数）と n_before（受講前の列数）が必要です", place="n_controls / n_before")
    outcome = np.asarray(data, dtype=np.float64)
    if outcome.ndim != 2:
        raise ParameterError("単位×期間の行列を渡してください", place="data")
    labels = np.arange(len(outcome)).astype(object)
    return Block(outcome=outcome, n0=n_controls, t0=n_before), labels, np.arange(outcome.shape[1], dtype=np.float64)


def placebo_samples(n0: int, treated: int, *, draws: int, seed: int) -> list[npt.NDArray[np.intp]]:
    """Which untreated units are taken as treated: each once, or drawn without replacement; none where too few are left to compare with."""
    if n0 - treated < FEWEST_CONTROLS:
        return []
    if treated == 1:
        return [np.array([unit]) for unit in range(n0)]
    rng = np.random.default_rng(seed)
    return [rng.choice(n0, treated, replace=False) for _ in range(draws)]


def _with_placebos(block: Block, samples: list[npt.NDArray[np.intp]], method: Method) -> SyntheticFit:
    unit_weights, time_weights, zetas = fit_weights(block, method)
    curve = effect_curve(block, unit_weights, time_weights=time_weights)
    estimate = float(curve.mean())
    found, errors = [], []
    for sample in samples:
        placebo = block.placebo(sample)
        weights = fit_weights(placebo, method)[:2]
        found.append(float(effect_curve(placebo, weights[0], time_weights=weights[1]).mean()))
        errors.append(fit_error(placebo, weights[0], method=method))
    placebos = np.array(found)
    as_large = int((np.abs(placebos) >= abs(estimate) * (1 - 1e-12)).sum())
    return SyntheticFit(
        method=method,
        estimate=estimate,
        std_error=float(placebos.std()) if len(placebos) else float("nan"),
        rank_p_value=(1 + as_large) / (1 + len(placebos)),
        smallest_p_value=1 / (1 + len(placebos)),
        unit_weights=unit_weights,
        time_weights=time_weights,
        zeta_unit=zetas[0],
        zeta_time=zetas[1],
        curve=curve,
        placebos=placebos,
        fit_error=fit_error(block, unit_weights, method=method),
        placebo_errors=np.array(errors),
    )


def placebo_blocks(block: Block, *, draws: int = 200, seed: int = 0) -> list[Block]:
    """The untreated units alone, each (or samples as large as the treated group) as if treated; the samples of ``synthetic_did``."""
    return [block.placebo(sample) for sample in placebo_samples(block.n0, len(block.outcome) - block.n0, draws=draws, seed=seed)]


def gap_path(block: Block) -> FloatArray:
    """Treated minus weighted untreated in every period, less the same difference in the weighted earlier ones, by synthetic difference-in-differences."""
    unit_weights, time_weights, _ = fit_weights(block, "synthetic_did")
    gap = block.outcome[block.n0 :].mean(axis=0) - unit_weights @ block.outcome[: block.n0]
    path: FloatArray = gap - time_weights @ gap[: block.t0]
    return path


def fit_error(block: Block, unit_weights: FloatArray, *, method: Method) -> float:
    """Root mean square of treated minus weighted untreated before treatment, about its mean but for synthetic control, in the outcome's unit."""
    before = block.outcome[:, : block.t0]
    gap = before[block.n0 :].mean(axis=0) - unit_weights @ before[: block.n0]
    return float(np.sqrt(np.mean((gap - (0.0 if method == "synthetic_control" else gap.mean())) ** 2)))


def fit_weights(block: Block, method: Method) -> tuple[FloatArray, FloatArray, tuple[float, float]]:
    """Weights of units and periods, and the regularisation of both."""
    y, n0, t0 = block.outcome, block.n0, block.t0
    treated, after = len(y) - n0, y.shape[1] - t0
    if method == "did":
        return np.full(n0, 1 / n0), np.full(t0, 1 / t0), (0.0, 0.0)
    before, target = y[:n0, :t0], y[n0:, :t0].mean(axis=0)
    noise = block.noise
    if method == "synthetic_control":
        return _simplex_weights(before.T, target, ridge=FAINT * noise), np.zeros(t0), (FAINT * noise, 0.0)
    zeta = (treated * after) ** 0.25 * noise
    later = y[:n0, t0:].mean(axis=1)
    unit_weights = _simplex_weights((before - before.mean(axis=1, keepdims=True)).T, target - target.mean(), ridge=zeta)
    time_weights = _simplex_weights(before - before.mean(axis=0), later - later.mean(), ridge=FAINT * noise)
    return unit_weights, time_weights, (zeta, FAINT * noise)


def _simplex_weights(columns: FloatArray, target: FloatArray, *, ridge: float) -> FloatArray:
    """argmin |columns w - target|² + rows ridge² |w|² over w >= 0 with sum 1.

    As w sums to one, the objective is |C w|² with C = columns - target 1' and the ridge below it: it is homogeneous. So the nonnegative least
    squares solution u of |C u|² + (1'u - 1)² points exactly in the direction of w.
    """
    rows, count = columns.shape
    homogeneous = np.concatenate([columns - target[:, None], np.sqrt(rows) * ridge * np.eye(count)])
    size = float(np.linalg.norm(homogeneous @ np.full(count, 1 / count)))
    if not size > 0:
        return np.full(count, 1 / count)
    system = np.concatenate([homogeneous / size, np.ones((1, count))])
    solution, _ = nnls(system, np.append(np.zeros(rows + count), 1.0), maxiter=100 * count)
    weights: FloatArray = solution / solution.sum()
    return weights


def effect_curve(block: Block, unit_weights: FloatArray, *, time_weights: FloatArray) -> FloatArray:
    """Treated minus weighted untreated in each later period, less the same difference in the weighted earlier ones."""
    difference = block.outcome[block.n0 :].mean(axis=0) - unit_weights @ block.outcome[: block.n0]
    curve: FloatArray = difference[block.t0 :] - time_weights @ difference[: block.t0]
    return curve

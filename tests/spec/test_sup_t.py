"""The sup-t critical value: where it is known exactly, against plain draws, and how exact 1 000 draws of the tail are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kdx_eval.effect.inference import sup_t_critical

POINTWISE = float(stats.norm.ppf(0.975))


def plain_draws(covariance: np.ndarray, *, draws: int, seed: int) -> float:
    """Montiel Olea & Plagborg-Møller 2019, Algorithm 1, word for word: the 95 % quantile of the largest |t| over whole draws."""
    scale = np.sqrt(np.diag(covariance))
    root = np.linalg.cholesky(covariance / np.outer(scale, scale) + 1e-12 * np.eye(len(scale)))
    normal = np.random.default_rng(seed).standard_normal((draws, len(scale)))
    return float(np.quantile(np.abs(normal @ root.T).max(axis=1), 0.95))


def course(rows: int, correlation: float) -> np.ndarray:
    """Covariance of rows whose correlation fades with their distance, of unlike size."""
    scale = np.linspace(0.5, 4.0, rows)
    return np.outer(scale, scale) * correlation ** np.abs(np.subtract.outer(np.arange(rows), np.arange(rows)))


@pytest.mark.parametrize("rows", [2, 3, 12, 70])
def test_independent_rows_have_the_quantile_of_the_product(rows: int) -> None:
    exact = stats.norm.ppf((1 + 0.95 ** (1 / rows)) / 2)  # P(all |t| < c) = (2 Φ(c) - 1)^R
    # Standard error of 1 000 draws of the tail: below 0.002 here (60 seeds).
    assert sup_t_critical(np.eye(rows)) == pytest.approx(exact, abs=0.008)


def test_rows_that_say_the_same_need_no_more_than_one() -> None:
    assert sup_t_critical(np.ones((9, 9))) == pytest.approx(POINTWISE, abs=1e-9)
    assert sup_t_critical(np.zeros((4, 4))) == sup_t_critical(np.diag([2.0, 0.0])) == pytest.approx(POINTWISE)


@pytest.mark.parametrize(("rows", "correlation"), [(5, 0.5), (48, 0.9), (48, 0.98)])
def test_it_is_what_many_plain_draws_give_and_nearer_than_five_thousand(rows: int, correlation: float) -> None:
    covariance = course(rows, correlation)
    known = plain_draws(covariance, draws=100_000, seed=1)
    ours, plain = ([found - known for found in values] for values in (
        [sup_t_critical(covariance, seed=seed) for seed in range(12)], [plain_draws(covariance, draws=5000, seed=seed) for seed in range(2, 14)]
    ))  # fmt: skip
    assert np.std(ours) < np.std(plain)  # 0.6 of it where rows move closest together, a sixth where they are nearly independent
    # Error of the mean of 12 (at most 0.018 each) and of the 100 000 plain draws (0.006), four times.
    assert abs(np.mean(ours)) < 4 * np.hypot(0.018 / 12**0.5, 0.006)


def test_neither_scale_nor_order_of_the_rows_matters_beyond_the_draws() -> None:
    covariance = course(20, 0.8)
    assert sup_t_critical(1e12 * covariance) == pytest.approx(sup_t_critical(covariance), abs=1e-9)
    assert sup_t_critical(covariance[::-1, ::-1]) == pytest.approx(sup_t_critical(covariance), abs=0.03)  # two errors of 0.007, three times


def test_a_singular_covariance_is_no_obstacle() -> None:
    few = np.random.default_rng(0).normal(size=(40, 6))
    found = sup_t_critical(few @ few.T)
    assert POINTWISE < found < stats.norm.ppf(1 - 0.025 / 40)

"""Ranks with their uncertainty: expected gain of each piece of work, and how firmly its place in the list stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
DRAWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """Expected hours a year of each piece of work, as draws.

    Attributes
    ----------
    expected, low, high : ndarray, (N,)
        Mean and the middle 90 % of the draws.
    rank, rank_low, rank_high : ndarray of int, (N,)
        Place by expected gain (1 is first; ties by the order given) and the places that hold the middle 90 % of the draws.
    draws : ndarray, (DRAWS, N)
    """

    expected: FloatArray
    low: FloatArray
    high: FloatArray
    rank: IntArray
    rank_low: IntArray
    rank_high: IntArray
    draws: FloatArray

    def in_first(self, count: int) -> FloatArray:
        """Share of the draws in which each piece is among the first ``count``."""
        share: FloatArray = (_places(self.draws) <= count).mean(axis=0)
        return share


def expected_gains(hours: FloatArray, log_sd: FloatArray, *, effect: FloatArray, effect_sd: FloatArray, group: IntArray, feasibility: FloatArray) -> Gains:
    """Gain = hours of the year x share of them that the effect frees x feasibility.

    The effect of a group is drawn once for all its pieces, since its error is common to them; hours are drawn piece by piece.

    Parameters
    ----------
    hours, log_sd : ndarray, (N,)
        As in `Forecast`.
    effect, effect_sd : ndarray, (K,)
        Share of the hours that is freed (positive is good), by group.
    group : ndarray of int, (N,)
        Which of the K groups a piece belongs to.
    feasibility : ndarray, (N,)
        Probability that a project goes live, 0 to 1.
    """
    random = np.random.default_rng(0)  # the same list on every run
    shares = effect + effect_sd * random.standard_normal((DRAWS, len(effect)))
    size = hours * np.exp(log_sd * random.standard_normal((DRAWS, len(hours))) - log_sd**2 / 2)
    draws = size * shares[:, group] * feasibility
    expected = hours * effect[group] * feasibility
    places = _places(draws)
    rank = _places(expected[None, :])[0]
    low, high = (np.quantile(draws, share, axis=0) for share in (0.05, 0.95))
    rank_low, rank_high = (np.quantile(places, share, axis=0, method="nearest").astype(np.int64) for share in (0.05, 0.95))
    return Gains(expected=expected, low=low, high=high, rank=rank, rank_low=rank_low, rank_high=rank_high, draws=draws)


def _places(values: FloatArray) -> IntArray:
    """Place of each column in its row, 1 for the largest."""
    order = np.argsort(-values, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, values.shape[1] + 1)[None, :], axis=1)
    return places

"""Sensitivity analyses on any event study: weaker assumptions give wider intervals, and the outcome's unit does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.effect.fixed_length import smoothness
from kdx_eval.effect.sensitivity import relative_magnitudes


@st.composite
def event_studies(draw: st.DrawFn) -> dict[str, Any]:
    """Estimates with any covariance, 2-5 periods before the base and 1-4 after."""
    n_pre, n_post = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    n = n_pre + n_post
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    root = rng.normal(size=(n, n)) + np.eye(n)
    betahat = rng.normal(size=n) + np.r_[np.zeros(n_pre), np.full(n_post, rng.normal(0, 4))]
    return {"estimates": betahat, "sigma": root @ root.T / n**2 + 0.01 * np.eye(n), "n_pre": n_pre, "n_post": n_post, "l_vec": rng.normal(size=n_post)}


@settings(max_examples=7, deadline=None)
@given(event_studies(), st.floats(0.01, 100))
def test_intervals_follow_the_outcomes_unit(study: dict[str, Any], scale: float) -> None:
    scaled = study | {"estimates": scale * study["estimates"], "sigma": scale**2 * study["sigma"]}
    bounds = [0.0, 1.0]
    plain, changed = relative_magnitudes(**study, mbar=bounds), relative_magnitudes(**scaled, mbar=bounds)
    np.testing.assert_allclose(changed.conf_low, scale * plain.conf_low, rtol=1e-5, atol=1e-6 * scale)
    np.testing.assert_allclose(changed.conf_high, scale * plain.conf_high, rtol=1e-5, atol=1e-6 * scale)
    assert changed.breakdown == pytest.approx(plain.breakdown, abs=0.002)
    plain, changed = smoothness(**study, m=bounds), smoothness(**scaled, m=[scale * bound for bound in bounds])
    np.testing.assert_allclose(changed.conf_low, scale * plain.conf_low, rtol=1e-5, atol=1e-6 * scale)
    assert changed.breakdown == pytest.approx(scale * plain.breakdown, rel=1e-2, abs=1e-2 * scale)


@settings(max_examples=7, deadline=None)
@given(event_studies())
def test_weaker_assumptions_give_longer_intervals(study: dict[str, Any]) -> None:
    bends = smoothness(**study, m=[0.0, 0.05, 0.3, 2.0])
    assert (np.diff(bends.conf_high - bends.conf_low) >= -1e-9).all()
    ratios = relative_magnitudes(**study, mbar=[0.0, 1.0, 4.0])
    assert (np.diff(ratios.conf_high - ratios.conf_low) >= -1e-9).all()


@settings(max_examples=7, deadline=None)
@given(event_studies(), st.floats(-5, 5))
def test_an_effect_added_to_the_periods_after_moves_the_intervals(study: dict[str, Any], effect: float) -> None:
    added = np.r_[np.zeros(study["n_pre"]), np.full(study["n_post"], effect)]
    moved = study | {"estimates": study["estimates"] + added}
    by = effect * study["l_vec"].sum()
    for analysis in (lambda given: relative_magnitudes(**given, mbar=[1.0]), lambda given: smoothness(**given, m=[0.2])):
        before, after = analysis(study), analysis(moved)
        np.testing.assert_allclose(after.conf_low, before.conf_low + by, atol=1e-6)
        np.testing.assert_allclose(after.conf_high, before.conf_high + by, atol=1e-6)

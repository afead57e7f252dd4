"""The sentence on how far the assumption may fail."""

from __future__ import annotations

import re

import numpy as np

from kdx_eval.effect import moments
from kdx_eval.effect.checks import Headline
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import make_estimate, pooled_covariance
from kdx_eval.effect.robustness import breakdown_sentence, honest_bounds
from kdx_eval.panel.type import Panel

TARGET = FiscalYearTarget(first=24, last=35)


def held(*, effect: float) -> Headline:
    rng = np.random.default_rng(4)
    cohort = np.array([24.0] * 12 + [np.inf] * 14)
    periods = np.arange(36.0)
    outcome = 100 + rng.normal(0, 1, (26, 36)) + effect * (periods[None, :] >= cohort[:, None])
    panel = Panel(outcome=outcome, units=np.arange(26).astype(object), periods=periods, cohort=cohort, persons=np.ones(26, dtype=np.int64))
    m = moments(panel)
    found, pooled = fiscal_year_contrast(m, TARGET), pooled_covariance(m)
    variance, df = pooled.variance(found.effect, m)
    estimate = make_estimate(found.effect.estimate(m)[0], float(np.sqrt(variance[0])), df=df[0])
    return Headline(m=m, target=TARGET, found=found, pooled=pooled, estimate=estimate, unit_label="時間")


def multiple(sentence: str | None) -> float:
    assert sentence is not None
    found = re.search(r"([\d.]+)倍未満", sentence)
    assert found is not None
    return float(found.group(1))


def test_no_effect_has_no_direction() -> None:
    assert "はっきりしません" in (breakdown_sentence(honest_bounds(held(effect=0.0), width=3)) or "")


def test_a_larger_effect_stands_a_larger_failure_of_the_assumption() -> None:
    small, large = (multiple(breakdown_sentence(honest_bounds(held(effect=effect), width=3))) for effect in (-4.0, -12.0))
    assert 0 < small < large


def test_without_two_bins_before_there_is_no_sentence() -> None:
    assert breakdown_sentence(honest_bounds(held(effect=-4.0), width=12)) is None

"""The multiplier bootstrap by example."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from kdx_eval.effect import group_time_effects, moments, multiplier_bootstrap, multiplier_bootstraps, unit_level_effects
from kdx_eval.errors import NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel


def small_panel(units: int = 12) -> Panel:
    rng = np.random.default_rng(7)
    return Panel(
        outcome=rng.normal(0, 1, (units, 4)),
        units=np.arange(units).astype(object),
        periods=np.arange(1.0, 5.0),
        cohort=np.where(np.arange(units) % 3 == 0, 3.0, np.inf),
        persons=np.ones(units, dtype=np.int64),
    )


@pytest.mark.parametrize(("multiplier", "distance"), [("mammen", 5**0.5), ("rademacher", 2.0)])
def test_the_two_points_are_those_of_the_paper(multiplier: str, distance: float) -> None:
    """With the influence of a single unit every draw is one of the two points: 1 - κ and κ, or -1 and 1."""
    panel = small_panel()
    effects = unit_level_effects(group_time_effects(moments(panel)), panel)
    single = np.zeros_like(effects.influence)
    single[:, 5] = 1.0
    found = multiplier_bootstrap(replace(effects, influence=single), panel, multiplier=multiplier)  # type: ignore[arg-type]
    # Mammen's upper point has probability 0.276, so that the quartiles are the two points for both.
    np.testing.assert_allclose(found.std_error, distance / (2 * stats.norm.ppf(0.75)), rtol=1e-4)


def test_the_seed_fixes_the_answer_and_another_seed_changes_it() -> None:
    panel = small_panel()
    effects = group_time_effects(moments(panel)).aggregate("event_time")
    one, same, other = (multiplier_bootstrap(effects, panel, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.std_error, same.std_error)
    assert one.critical == same.critical
    assert not np.array_equal(one.std_error, other.std_error)


def test_the_table_has_bands_that_are_wider_than_the_intervals() -> None:
    panel = small_panel(60)
    found = multiplier_bootstrap(group_time_effects(moments(panel)).aggregate("event_time"), panel)
    table = found.table()
    assert found.critical > stats.norm.ppf(0.975)
    assert (table.band_low < table.conf_low).all()
    np.testing.assert_allclose(table.conf_high - table.conf_low, 2 * stats.norm.ppf(0.975) * table.std_error)


def test_the_base_period_has_no_error() -> None:
    panel = small_panel()
    effects = group_time_effects(moments(panel), base="universal")
    found = multiplier_bootstrap(effects, panel)
    assert np.isnan(found.std_error).tolist() == (effects.period == 2).tolist()


def test_more_units_than_one_batch_of_weights_are_all_drawn() -> None:
    panel = small_panel(5000)
    effects = group_time_effects(moments(panel)).aggregate("simple")
    found = multiplier_bootstrap(effects, panel)
    assert found.n_clusters == 5000
    assert found.overall_std_error == pytest.approx(effects.overall.std_error, rel=0.15)


def test_where_influences_cancel_within_every_cluster_there_is_no_error() -> None:
    """Treated and never treated are a cluster each: the estimate cannot vary between clusters, and rounding is not spread."""
    panel = small_panel()
    panel = replace(panel, cluster=np.isinf(panel.cohort).astype(object))
    effects = group_time_effects(moments(panel))
    assert np.isnan(multiplier_bootstrap(effects, panel).std_error).all()
    slow = unit_level_effects(effects, panel)
    assert np.isnan(slow.std_error).all()
    assert np.isnan(slow.aggregate("event_time").table().std_error).all()
    assert np.isnan(slow.aggregate("simple").overall.conf_low)


def test_both_multipliers_give_the_same_errors_up_to_the_draws() -> None:
    panel = small_panel(400)
    effects = group_time_effects(moments(panel)).aggregate("event_time")
    one, other = (multiplier_bootstrap(effects, panel, draws=4000, multiplier=multiplier) for multiplier in ("rademacher", "mammen"))
    # The interquartile range of 4 000 draws has a relative error of 1.8 %; two of them differ by 2.6 %, taken four times.
    np.testing.assert_allclose(one.std_error, other.std_error, rtol=0.11)
    assert one.critical == pytest.approx(other.critical, rel=0.05)  # a 95 % quantile of 4 000: 0.9 % each
    assert (one.multiplier, other.multiplier) == ("rademacher", "mammen")


@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_the_unit_of_the_outcome_does_not_matter(unit: float) -> None:
    """Single precision alone ends at 1e-38 and 1e38."""
    panel = small_panel(60)
    plain, scaled = (
        multiplier_bootstraps([effects, effects.aggregate("event_time")], given)
        for given in (panel, replace(panel, outcome=panel.outcome * unit))
        for effects in [group_time_effects(moments(given))]
    )
    for one, other in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(other.std_error, one.std_error * unit, rtol=1e-4)  # single precision
        assert other.critical == pytest.approx(one.critical, rel=1e-4)


def test_one_cluster_is_refused() -> None:
    panel = small_panel()
    with pytest.raises(NotIdentifiedError, match="一つしかなく"):
        multiplier_bootstrap(group_time_effects(moments(panel)), replace(panel, cluster=np.array(["a"] * 12, dtype=object)))


def test_wrong_settings_are_refused() -> None:
    panel = small_panel()
    effects = group_time_effects(moments(panel))
    with pytest.raises(ParameterError, match="draws"):
        multiplier_bootstrap(effects, panel, draws=10)
    with pytest.raises(ParameterError, match="multiplier"):
        multiplier_bootstrap(effects, panel, multiplier="normal")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="違うパネル"):
        multiplier_bootstrap(effects, small_panel(9))
    with pytest.raises(ParameterError, match="cluster"):
        multiplier_bootstrap(effects, replace(panel, cluster=np.array([None] * 12, dtype=object)))

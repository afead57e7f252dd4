"""Estimates of what training did: contrasts of cohort means, with their inference."""

from kdx_eval.effect.adjusted import doubly_robust
from kdx_eval.effect.bacon import BaconDecomposition, bacon_decomposition
from kdx_eval.effect.bootstrap import Bootstrap, multiplier_bootstrap, multiplier_bootstraps
from kdx_eval.effect.bracket import LaggedOutcomeBracket, lagged_outcome_bracket
from kdx_eval.effect.cohort_moments import CohortMoments, add_moments, moments
from kdx_eval.effect.efficient import EfficientRollout, efficient_rollout
from kdx_eval.effect.estimate import estimate_effect, estimate_effects
from kdx_eval.effect.event_study import EventStudy, Sensitivity
from kdx_eval.effect.exposure import PerExposure, SwitcherEffect, effect_per_exposure, switcher_effect
from kdx_eval.effect.fixed_length import smoothness
from kdx_eval.effect.group_time import Aggregation, GroupTimeEffects, group_time_effects
from kdx_eval.effect.heterogeneity import Heterogeneity, dose_slope, effects_by_stratum, persistence
from kdx_eval.effect.imputation import ImputationEffects, PreTrends, imputation_effects, pre_trends, two_stage_effects
from kdx_eval.effect.influence_path import UnitLevelAggregation, UnitLevelEffects, unit_level_effects
from kdx_eval.effect.interrupted import InterruptedSeries, interrupted_series
from kdx_eval.effect.permutation import FisherTest, fisher_test
from kdx_eval.effect.sensitivity import relative_magnitudes
from kdx_eval.effect.single import SingleUnitStudy, SyntheticFit, synthetic_did

__all__ = [
    "Aggregation",
    "BaconDecomposition",
    "Bootstrap",
    "CohortMoments",
    "EfficientRollout",
    "EventStudy",
    "FisherTest",
    "GroupTimeEffects",
    "Heterogeneity",
    "ImputationEffects",
    "InterruptedSeries",
    "LaggedOutcomeBracket",
    "PerExposure",
    "PreTrends",
    "Sensitivity",
    "SingleUnitStudy",
    "SwitcherEffect",
    "SyntheticFit",
    "UnitLevelAggregation",
    "UnitLevelEffects",
    "add_moments",
    "bacon_decomposition",
    "dose_slope",
    "doubly_robust",
    "effect_per_exposure",
    "effects_by_stratum",
    "efficient_rollout",
    "estimate_effect",
    "estimate_effects",
    "fisher_test",
    "group_time_effects",
    "imputation_effects",
    "interrupted_series",
    "lagged_outcome_bracket",
    "moments",
    "multiplier_bootstrap",
    "multiplier_bootstraps",
    "persistence",
    "pre_trends",
    "relative_magnitudes",
    "smoothness",
    "switcher_effect",
    "synthetic_did",
    "two_stage_effects",
    "unit_level_effects",
]

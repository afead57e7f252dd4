"""Estimates of what training did: contrasts of cohort means, with their inference."""

from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.effect.efficient import EfficientRollout, efficient_rollout
from kdx_eval.effect.estimate import estimate_effect, estimate_effects
from kdx_eval.effect.group_time import Aggregation, GroupTimeEffects, group_time_effects

__all__ = [
    "Aggregation",
    "CohortMoments",
    "EfficientRollout",
    "GroupTimeEffects",
    "efficient_rollout",
    "estimate_effect",
    "estimate_effects",
    "group_time_effects",
    "moments",
]

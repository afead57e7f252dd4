"""What else the policy asks for beside the effect of training: skills, reach, cycle, targeting, next year's roll-out, partnership."""

from kdx_eval.policy.parts import SoFar, part_of, part_types, study_policy

__all__ = ["SoFar", "part_of", "part_types", "study_policy"]

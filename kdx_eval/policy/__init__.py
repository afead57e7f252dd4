"""What else the policy asks for beside the effect of training: skills, reach, cycle, targeting, next year's roll-out, partnership."""

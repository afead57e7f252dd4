"""The data-quality report: what an analyst sees before trusting a single figure."""

from __future__ import annotations

from kdx_eval.load.quality.inspect import inspect_quality
from kdx_eval.load.quality.series import MEASURED
from kdx_eval.load.quality.types import SEVERITIES, STATE_TITLES, STATES, Distribution, Finding, Grid, QualityReport

__all__ = ["MEASURED", "SEVERITIES", "STATES", "STATE_TITLES", "Distribution", "Finding", "Grid", "QualityReport", "inspect_quality"]

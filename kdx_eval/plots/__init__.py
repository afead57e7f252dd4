"""Figures: each function takes results and returns a matplotlib Figure; nothing is estimated and nothing is kept in pyplot.

One style for all: the Okabe-Ito colours (safe for colour-blind readers), told apart in black and white by line style, marker and
hatch, Japanese labels with units, and the words 合成データ inside every figure made from synthetic data.
"""

from __future__ import annotations

from kdx_eval.plots.budget import plot_tornado
from kdx_eval.plots.checks import CHECK_MARKS, plot_checks
from kdx_eval.plots.cycle import Phase, Small, plot_cycle, plot_in_house, plot_make_or_buy, plot_vision
from kdx_eval.plots.designs import plot_placebos, plot_variants
from kdx_eval.plots.hours import plot_bridge, plot_persistence, plot_register, plot_units
from kdx_eval.plots.quality import plot_distributions, plot_grid
from kdx_eval.plots.results import (
    UNDECIDED,
    compact,
    is_synthetic,
    plot_comparison,
    plot_completeness,
    plot_event_study,
    plot_ranges,
    plot_savings,
    plot_scenarios,
    plot_series,
    plot_timing,
    plot_verdicts,
)
from kdx_eval.plots.rollout import plot_rollout
from kdx_eval.plots.skills import plot_coverage, plot_skill_map, plot_spreads
from kdx_eval.plots.style import FONT_NAME, SYNTHETIC_NOTE, font_file
from kdx_eval.plots.targeting import plot_targets

__all__ = [
    "CHECK_MARKS",
    "FONT_NAME",
    "SYNTHETIC_NOTE",
    "UNDECIDED",
    "Phase",
    "Small",
    "compact",
    "font_file",
    "is_synthetic",
    "plot_bridge",
    "plot_checks",
    "plot_comparison",
    "plot_completeness",
    "plot_coverage",
    "plot_cycle",
    "plot_distributions",
    "plot_event_study",
    "plot_grid",
    "plot_in_house",
    "plot_make_or_buy",
    "plot_persistence",
    "plot_placebos",
    "plot_ranges",
    "plot_register",
    "plot_rollout",
    "plot_savings",
    "plot_scenarios",
    "plot_series",
    "plot_skill_map",
    "plot_spreads",
    "plot_targets",
    "plot_timing",
    "plot_tornado",
    "plot_units",
    "plot_variants",
    "plot_verdicts",
    "plot_vision",
]

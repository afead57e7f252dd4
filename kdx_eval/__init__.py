"""Evaluation of municipal digital-transformation training: from a city's files to a budget appendix.

The names below are all a notebook needs; each is imported when it is first used, so that ``import kdx_eval`` costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdx_eval.batch import find_table, open_workspace, run_batch
    from kdx_eval.budget import gather_budget_tables, make_budget_case
    from kdx_eval.effect import estimate_effects
    from kdx_eval.errors import KdxError
    from kdx_eval.evidence import assess_all, smallest_effects
    from kdx_eval.load import inspect_quality, load_dataset
    from kdx_eval.panel.build import build_panels
    from kdx_eval.panel.type import Panel
    from kdx_eval.plan import read_plan
    from kdx_eval.policy import study_policy
    from kdx_eval.report.documents import write_documents
    from kdx_eval.report.figures import show_figures
    from kdx_eval.report.tables import show_table
    from kdx_eval.results import read_results, save_effects, save_plan, save_quality, save_result
    from kdx_eval.savings import count_savings, gather_facts

_HOMES = {
    "KdxError": "errors",
    "Panel": "panel.type",
    "assess_all": "evidence",
    "build_panels": "panel.build",
    "count_savings": "savings",
    "estimate_effects": "effect",
    "find_table": "batch",
    "gather_budget_tables": "budget",
    "gather_facts": "savings",
    "inspect_quality": "load",
    "load_dataset": "load",
    "make_budget_case": "budget",
    "open_workspace": "batch",
    "read_plan": "plan",
    "read_results": "results",
    "run_batch": "batch",
    "save_effects": "results",
    "save_plan": "results",
    "save_quality": "results",
    "save_result": "results",
    "show_figures": "report.figures",
    "show_table": "report.tables",
    "smallest_effects": "evidence",
    "study_policy": "policy",
    "write_documents": "report.documents",
}

__all__ = [
    "KdxError",
    "Panel",
    "assess_all",
    "build_panels",
    "count_savings",
    "estimate_effects",
    "find_table",
    "gather_budget_tables",
    "gather_facts",
    "inspect_quality",
    "load_dataset",
    "make_budget_case",
    "open_workspace",
    "read_plan",
    "read_results",
    "run_batch",
    "save_effects",
    "save_plan",
    "save_quality",
    "save_result",
    "show_figures",
    "show_table",
    "smallest_effects",
    "study_policy",
    "write_documents",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'kdx_eval' has no attribute '{name}'")
    value: object = getattr(import_module(f"kdx_eval.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

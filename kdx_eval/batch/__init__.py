"""The annual run: notebooks executed as a graph, in child processes, skipped when nothing they depend on has changed."""

from kdx_eval.batch.notebook_files import declared_parameters, with_parameters
from kdx_eval.batch.plans import choose_plan, find_plan, proposed_plan
from kdx_eval.batch.runs import SITE, STAGES, BatchResult, Progress, Stage, StageResult, run_batch
from kdx_eval.batch.workspace import Workspace, find_table, open_workspace

__all__ = [
    "SITE",
    "STAGES",
    "BatchResult",
    "Progress",
    "Stage",
    "StageResult",
    "Workspace",
    "choose_plan",
    "declared_parameters",
    "find_plan",
    "find_table",
    "open_workspace",
    "proposed_plan",
    "run_batch",
    "with_parameters",
]

"""The annual run: notebooks executed as a graph, in child processes, skipped when nothing they depend on has changed."""

from kdx_eval.batch.notebook_files import declared_parameters, with_parameters
from kdx_eval.batch.runs import STAGES, BatchResult, Progress, Stage, StageResult, find_plan, proposed_plan, run_batch, take_plan
from kdx_eval.batch.workspace import Workspace, find_table, open_workspace

__all__ = [
    "STAGES",
    "BatchResult",
    "Progress",
    "Stage",
    "StageResult",
    "Workspace",
    "declared_parameters",
    "find_plan",
    "find_table",
    "open_workspace",
    "proposed_plan",
    "run_batch",
    "take_plan",
    "with_parameters",
]

"""Reading what a city delivers: files -> typed tables, with every refused row named."""

from __future__ import annotations

from kdx_eval.load.answers import Answerable
from kdx_eval.load.dataset import Dataset, answerable, load_dataset, most_useful_missing
from kdx_eval.load.export import pseudonymise
from kdx_eval.load.quality import QualityReport, inspect_quality
from kdx_eval.load.report import FileReport, LoadReport, MatchReport

__all__ = [
    "Answerable",
    "Dataset",
    "FileReport",
    "LoadReport",
    "MatchReport",
    "QualityReport",
    "answerable",
    "inspect_quality",
    "load_dataset",
    "most_useful_missing",
    "pseudonymise",
]

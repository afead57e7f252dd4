"""The command line: ``kdx-eval``."""

from kdx_eval.cli.app import main

__all__ = ["main"]

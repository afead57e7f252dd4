"""Shared by all tests: where the real data and the reference answers lie, when this machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shared machine may pause any example; what an example may cost is a benchmark's business, not a property's.
# The same examples each time, so that what lands does not hang on luck; KDX_EVAL_EXPLORE=1 looks for new ones.
settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="KDX_EVAL_EXPLORE" not in os.environ
)
settings.load_profile("shared machine")

# Under run.py messages name its commands; tests read them as they are without it, however they were started.
os.environ.pop("KDX_EVAL_COMMAND", None)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and reference answers; tests that need it are skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the folder with real data is not on this machine")
    return SHARED

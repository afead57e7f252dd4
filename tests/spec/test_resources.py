"""resources: the checkout's own folders come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdx_eval.errors import DataError
from kdx_eval.resources import is_checkout, root_dir

ROOT = Path(__file__).resolve().parents[2]


def test_a_checkout_uses_its_own_folders() -> None:
    assert is_checkout()
    assert root_dir("data_schema") == ROOT / "data_schema"
    assert root_dir("templates") == ROOT / "reports" / "templates"


def test_an_incomplete_installation_is_one_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kdx_eval.resources._PACKAGE", tmp_path / "kdx_eval")
    with pytest.raises(DataError, match="data_schema"):
        root_dir("data_schema")

"""Finds data_schema/, notebooks/ and the document templates: the checkout's own, else the copy bundled in the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kdx_eval.errors import DataError

Kind = Literal["data_schema", "notebooks", "templates"]

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT: dict[Kind, str] = {"data_schema": "data_schema", "notebooks": "notebooks", "templates": "reports/templates"}


def is_checkout() -> bool:
    """Return whether the package runs from a source checkout (also under an editable install)."""
    return (_PACKAGE.parent / "pyproject.toml").is_file() and (_PACKAGE.parent / "requirements.lock").is_file()


def root_dir(kind: Kind) -> Path:
    """Return the absolute folder that holds the shipped files of one kind.

    The checkout comes first: an editable install may hold a stale bundled copy.

    Raises
    ------
    DataError
        When neither folder exists, that is, when the installation is incomplete.
    """
    candidates = [_PACKAGE / "_bundled" / kind]
    if is_checkout():
        candidates.insert(0, _PACKAGE.parent / _IN_CHECKOUT[kind])
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise DataError("kdx_eval に付属するファイルが見つかりません", place=kind, hint="py run.py test を実行するか、kdx_eval を入れ直してください")

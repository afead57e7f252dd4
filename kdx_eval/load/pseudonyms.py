"""Keyed pseudonyms: HMAC-SHA256 under a key that lies in the user's own directory and never beside the data."""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kdx_eval.errors import DataError

_KEY_BYTES = 32
_DIGITS = 16
PSEUDONYM = re.compile("[pd][0-9a-f]{16}")
DEPARTMENT_ONLY = "d[0-9a-f]{16}"


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Turns ids into pseudonyms; the key is not shown by ``repr``."""

    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Eight digits that tell keys apart without giving one away."""
        return hmac.digest(self.key, b"fingerprint", "sha256").hex()[:8]

    def of(self, identity: str, *, prefix: str = "p") -> str:
        """``p`` and sixteen hexadecimal digits; the same identity always gives the same."""
        return prefix + hmac.digest(self.key, identity.encode("utf-8"), "sha256").hex()[:_DIGITS]


def home_dir(kind: str) -> Path:
    """The user's ``cache`` or ``data`` directory of this project, made for the owner alone; KDX_EVAL_HOME moves both."""
    home = os.environ.get("KDX_EVAL_HOME")
    if home:
        folder = Path(home) / kind
    else:
        import platformdirs

        folder = Path(platformdirs.user_cache_dir("kdx_eval", appauthor=False) if kind == "cache" else platformdirs.user_data_dir("kdx_eval", appauthor=False))
    return private_dir(folder)


def private_dir(folder: Path) -> Path:
    """``folder``, created if need be and closed to others (on Windows the profile's permissions protect it).

    Raises DataError when it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sys.platform != "win32":
            folder.chmod(0o700)
    except OSError as problem:
        raise DataError("作業用のフォルダを作れません", place=str(folder), hint="環境変数 KDX_EVAL_HOME で書ける場所を指定してください") from problem
    return folder


def key_path(named: Path | None = None) -> Path:
    """Where the key lies: ``named``, else the file named by KDX_EVAL_KEY_FILE, else the user's own."""
    if named is not None:
        return named
    environment = os.environ.get("KDX_EVAL_KEY_FILE")
    return Path(environment) if environment else home_dir("data") / "pseudonym.key"


def read_key(named: Path | None = None) -> Pseudonyms:
    """The key in the file ``named``, else in that named by KDX_EVAL_KEY_FILE, else the user's own; ``named`` and the own are created on first use.

    Raises DataError when the file is missing, too short, or cannot be created.
    """
    path = key_path(named)
    in_environment = named is None and bool(os.environ.get("KDX_EVAL_KEY_FILE"))
    place = "KDX_EVAL_KEY_FILE" if in_environment else path.name
    try:
        if not in_environment and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _create(path)
        key = path.read_bytes().strip()
    except OSError as problem:
        raise DataError("仮名化の鍵が読めません", place=place, hint="鍵ファイルの場所を確かめてください") from problem
    if len(key) < _KEY_BYTES:
        raise DataError("仮名化の鍵が短すぎます", place=place, hint="32バイト以上の鍵にしてください")
    return Pseudonyms(key)


def _create(path: Path) -> None:
    # O_EXCL: of two processes that start at once, one writes and the other reads.
    with contextlib.suppress(FileExistsError):
        temporary = path.with_suffix(f".{os.getpid()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_hex(_KEY_BYTES).encode("ascii"))
        try:
            os.link(temporary, path)
        except OSError:
            if not path.exists():
                temporary.replace(path)
        temporary.unlink(missing_ok=True)

"""Numbers of people and departments that Excel has changed: 0012 became 12, or 12.0."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"0*(\d+?)(\.0)?")


def bare_number(code: str) -> str | None:
    """``code`` without leading zeros and a ``.0`` at the end; None when it is no plain number."""
    found = _NUMBER.fullmatch(code)
    return found[1] if found else None


class KnownCodes:
    """Codes of the lists read so far, to find the one meant by a number that has lost its zeros."""

    def __init__(self, codes: Iterable[str] = ()) -> None:
        self._codes: set[str] = set()
        self._by_number: dict[str, set[str]] = {}
        self._table = ""
        self._new: set[str] = set()
        self.n_restored = 0
        self._take(codes)

    def begin(self, table: str) -> None:
        """From now on codes come from ``table``; those of the tables before it are known, its own not yet: order must not decide."""
        if table != self._table:
            self._take(self._new)
            self._table, self._new = table, set()

    def restore(self, code: str) -> str:
        """The known code that ``code`` stands for when it lost its zeros, if there is exactly one; else ``code`` itself."""
        if code in self._codes:
            return code
        number = bare_number(code) if self._by_number else None
        meant = self._by_number.get(number, set()) if number is not None else set()
        if len(meant) == 1:
            self.n_restored += 1
            return next(iter(meant))
        self._new.add(code)
        return code

    def take_count(self) -> int:
        """How many different numbers were restored since the last call."""
        count, self.n_restored = self.n_restored, 0
        return count

    def _take(self, codes: Iterable[str]) -> None:
        for code in codes:
            self._codes.add(code)
            number = bare_number(code)
            if number is not None:
                self._by_number.setdefault(number, set()).add(code)

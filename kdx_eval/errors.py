"""The error tree: every message a user meets is one of these, in Japanese, with place, reason and remedy.

A message never contains a cell's value, since a value could be personal.
"""

from __future__ import annotations

from typing import ClassVar


class KdxError(Exception):
    """Base of all errors that a user can mend.

    Parameters
    ----------
    reason : str
        What is wrong, in Japanese, without any cell value.
    place : str
        Where: file, sheet, row, column, or plan key. May be empty.
    hint : str
        How to mend it, in Japanese.
    """

    code: ClassVar[str] = "KDX"
    exit_status: ClassVar[int] = 1

    def __init__(self, reason: str, *, place: str = "", hint: str = "") -> None:
        self.reason = reason
        self.place = place
        self.hint = hint
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The whole message, one line: code, place, reason, remedy."""
        where = f"{self.place}: " if self.place else ""
        remedy = f" → {self.hint}" if self.hint else ""
        return f"[{self.code}] {where}{self.reason}{remedy}"

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message alone, since the frames of this package help nobody who reads a notebook."""
        return [self.message]

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders (batch); keyword arguments would be lost by the default.
        return (_rebuild, (type(self), self.reason, self.place, self.hint))


def _rebuild(kind: type[KdxError], reason: str, place: str, hint: str) -> KdxError:
    return kind(reason, place=place, hint=hint)


class ParameterError(KdxError):
    """A parameter has an unknown name, a wrong type or an impossible value."""

    code = "PARAMETER"
    exit_status = 3


class DataError(KdxError):
    """The delivered files cannot be read, or too many rows were refused."""

    code = "DATA"
    exit_status = 4


class SchemaError(KdxError):
    """A table lacks what data_schema/ requires, or a descriptor is wrong."""

    code = "SCHEMA"
    exit_status = 5


class PlanError(KdxError):
    """The analysis plan is malformed, or asks what the data cannot answer."""

    code = "PLAN"
    exit_status = 6


class NotIdentifiedError(KdxError):
    """No comparison exists from which the effect could be estimated."""

    code = "NOT_IDENTIFIED"
    exit_status = 7


class OutputError(KdxError):
    """An output cannot be written where it was asked for."""

    code = "OUTPUT"
    exit_status = 8


class VerifyError(KdxError):
    """A digest does not agree with its manifest."""

    code = "VERIFY"
    exit_status = 9


class RuleError(KdxError):
    """A rule of evidence or of accounting was broken (double counting, cash above the budget line)."""

    code = "RULE"
    exit_status = 10

"""A cross-tab as found on a sheet, and the sheet while its blocks are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column
from kdx_eval.load.mapping import CrosstabMapping, FileMapping
from kdx_eval.schema import Schema, TableSpec

Row: TypeAlias = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A column of values, its heading, and what the heading says of them (field -> text)."""

    index: int
    heading: str
    fixed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One cross-tab: its rows, the columns that say of what a row is, the columns of values and of totals.

    Attributes
    ----------
    months : mapping
        Line -> month (2024-04), where months run down; else empty.
    labels : tuple
        Columns in which a row of totals would be named.
    skip_blanks : bool
        A blank says that there is nothing (a line of a budget), not that something was not measured.
    """

    table: TableSpec
    header_line: int
    rows: tuple[Row, ...]
    keys: tuple[Column, ...]
    values: tuple[Value, ...]
    totals: tuple[int, ...]
    measure: Column
    title: str
    labels: tuple[int, ...]
    months: Mapping[int, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skip_blanks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A grid with what was said about it, while its blocks are looked for."""

    grid: Grid
    rows: tuple[Row, ...]
    schema: Schema
    mapping: FileMapping
    title: str = ""

    @property
    def said(self) -> CrosstabMapping:
        """What mapping.yaml says about the cross-tab; nothing when it does not."""
        return self.mapping.crosstab or CrosstabMapping()

    @property
    def place(self) -> str:
        """File and sheet, for messages."""
        return f"{self.grid.file} {self.grid.sheet}".strip()

    @property
    def called(self) -> tuple[str, str]:
        """The names of sheet and file."""
        return self.grid.sheet, self.grid.file.rsplit("/", 1)[-1]

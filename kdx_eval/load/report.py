"""What was read, repaired and refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One file or sheet: how many rows were read, accepted and refused, what was repaired, and remarks in Japanese.

    Attributes
    ----------
    table : str or None
        Which table it is; None when it was left aside (the notes say why).
    cells_repaired : mapping
        Kind of repair -> number of cells.
    """

    file: str
    sheet: str
    table: str | None
    encoding: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    cells_repaired: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCount:
    """How many people and rows of one department on one list were found in one way (``how``, as in ``MatchReport.by``, or ``staff_id``)."""

    file: str
    sheet: str
    department: str
    how: str
    n_people: int
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatch:
    """Rows of one department on one list whose person is not settled: why, whom to ask, and what to write; ``rows`` are the first of ``n_rows``."""

    file: str
    sheet: str
    department: str
    how: str
    n_rows: int
    rows: tuple[int, ...]
    ask: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReport:
    """How people on lists without an id were found on the roster; ``by`` counts people by the way they were found.

    ``n_unmatched`` people are not on the roster; they are kept as members of their department only (``department_only``).
    ``places`` counts by list and department, also those with an id; ``open`` says who must decide on the rest. No name is kept.
    """

    n_people: int
    n_matched: int
    n_ambiguous: int
    n_unmatched: int
    by: Mapping[str, int]
    places: tuple[MatchCount, ...] = ()
    open: tuple[OpenMatch, ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> MatchReport:
        """The inverse of ``asdict``."""
        places = tuple(MatchCount(**one) for one in raw.get("places", ()))
        unsettled = tuple(OpenMatch(**{**one, "rows": tuple(one["rows"])}) for one in raw.get("open", ()))
        return cls(**{**raw, "places": places, "open": unsettled})

    @property
    def share(self) -> float:
        """Share of people found on the roster, 0 to 1."""
        return self.n_matched / self.n_people if self.n_people else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUsed:
    """A version of the policy by which tiers, skills and courses are understood: its label for documents, its first day, its digest."""

    version: str
    label: str
    effective_from: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """All files of a delivery, and the versions of the policy, earliest first."""

    files: tuple[FileReport, ...]
    matched: MatchReport | None = None
    derived: tuple[str, ...] = ()
    policies: tuple[PolicyUsed, ...] = ()

    @property
    def rows_read(self) -> int:
        """Rows of data in all files; titles, headings and notes are not counted."""
        return sum(file.rows_read for file in self.files)

    @property
    def rows_accepted(self) -> int:
        """Rows that went into the tables."""
        return sum(file.rows_accepted for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows listed in rejected.csv."""
        return sum(file.rows_rejected for file in self.files)

    @property
    def rejected_share(self) -> float:
        """Share of rows refused, 0 to 1."""
        return self.rows_rejected / self.rows_read if self.rows_read else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        return asdict(self) | {"rows_read": self.rows_read, "rows_accepted": self.rows_accepted, "rows_rejected": self.rows_rejected}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> LoadReport:
        """The inverse of `to_dict`."""
        files = tuple(FileReport(**{**file, "notes": tuple(file["notes"])}) for file in raw["files"])
        matched = MatchReport.from_dict(raw["matched"]) if raw["matched"] else None
        policies = tuple(PolicyUsed(**one) for one in raw.get("policies", ()))
        return cls(files=files, matched=matched, derived=tuple(raw["derived"]), policies=policies)

"""Published cases of other cities (data_schema/peer_cases.csv): hours and yen as they stand in the source, with what they rest on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from kdx_eval.errors import SchemaError
from kdx_eval.resources import root_dir
from kdx_eval.schema import Status

PeerBasis: TypeAlias = Literal["claimed", "task_measured", "survey", "usage_log", "observed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCase:
    """One published case.

    Attributes
    ----------
    fiscal_year : str
        As the source gives it, such as ``R4``; often a period and not a year.
    savings_basis : str
        How the hours were counted; ``unknown`` where the source does not say.
    hours, hours_low : float or None
        Published hours, and those left when who did not answer counts as zero.
    promised_hours : float or None
        Hours promised before, where the source gives both.
    yen : int or None
        Published value of the hours.
    initial_yen, yearly_yen : int or None
        What the measure cost once and each year.
    source, status, note : str
        Where it stands, ``sourced`` or ``derived`` or ``unverified``, and what must be said beside it (Japanese).
    """

    case_id: str
    city: str
    subject: str
    fiscal_year: str
    savings_basis: PeerBasis
    hours: float | None
    hours_low: float | None
    promised_hours: float | None
    yen: int | None
    initial_yen: int | None
    yearly_yen: int | None
    source: str
    status: Status
    note: str


@cache
def load_peer_cases(folder: Path | None = None) -> tuple[PeerCase, ...]:
    """Every row of data_schema/peer_cases.csv in its order. Raises SchemaError for a row that cannot be read."""
    path = (folder or root_dir("data_schema")) / "peer_cases.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return tuple(_case(row, line=line) for line, row in enumerate(csv.DictReader(stream), start=2))


def _case(row: dict[str, str], *, line: int) -> PeerCase:
    try:
        return PeerCase(
            case_id=row["case_id"],
            city=row["city"],
            subject=row["subject"],
            fiscal_year=row["fiscal_year"],
            savings_basis=next(known for known in get_args(PeerBasis) if known == row["savings_basis"]),
            hours=_hours(row["hours"]),
            hours_low=_hours(row["hours_low"]),
            promised_hours=_hours(row["promised_hours"]),
            yen=_yen(row["yen"]),
            initial_yen=_yen(row["initial_yen"]),
            yearly_yen=_yen(row["yearly_yen"]),
            source=row["source"],
            status=next(known for known in get_args(Status) if known == row["status"]),
            note=row["note"],
        )
    except (ValueError, KeyError, TypeError, StopIteration) as problem:
        raise SchemaError("行が読めません", place=f"data_schema/peer_cases.csv {line}行目", hint="列の数、根拠と status の語を確かめてください") from problem


def _hours(text: str) -> float | None:
    return float(text) if text else None


def _yen(text: str) -> int | None:
    return int(text) if text else None

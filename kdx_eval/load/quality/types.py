"""What the data-quality report says: grids of months, distributions, and findings with their remedy; codes of units, never of persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.load.report import LoadReport, MatchReport
from kdx_eval.units import Month

FloatMatrix: TypeAlias = npt.NDArray[np.float64]
State: TypeAlias = Literal["complete", "zero", "missing", "not_collected"]
Severity: TypeAlias = Literal["stop", "ask", "note"]
Kind: TypeAlias = Literal["unit", "duplicate", "gap", "shift", "refused", "matching"]
STATES: tuple[State, ...] = ("complete", "zero", "missing", "not_collected")
STATE_TITLES: Mapping[State, str] = {"complete": "値あり", "zero": "ゼロ", "missing": "欠け", "not_collected": "集めていない"}
SEVERITIES: Mapping[Severity, str] = {"stop": "直す", "ask": "確かめる", "note": "知っておく"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Grid:
    """Where one measure has values: department by month.

    Attributes
    ----------
    table, measure : str
        ``indicators`` have one grid for each indicator.
    title : str
        Japanese, with the table's title.
    units : tuple of str
        Department codes (or process codes where no department is known), ordered.
    names : tuple of str
        What to call them, in the same order.
    months : tuple of Month
        Every month from the first to the last of the table; of a yearly count the months in which it is due.
    states : ndarray of int8, (N, T)
        Index into ``STATES``: complete (a value above zero), zero, missing (rows without any value, or no row although others have one),
        not_collected (nobody has a row, or the department did not exist).
    partly_blank : int
        Cells with a value to which some rows without a value belong.
    """

    table: str
    measure: str
    title: str
    units: tuple[str, ...]
    names: tuple[str, ...]
    months: tuple[Month, ...]
    states: npt.NDArray[np.int8]
    partly_blank: int

    def count(self, state: State) -> int:
        """Number of cells in ``state``."""
        return int(np.count_nonzero(self.states == STATES.index(state)))

    def frame(self) -> pd.DataFrame:
        """Tidy: unit_id, month (2025-04), state; ordered by unit and month."""
        n_units, n_months = self.states.shape
        return pd.DataFrame(
            {
                "unit_id": np.repeat(np.array(self.units, dtype=object), n_months),
                "month": np.tile(np.array([str(month) for month in self.months], dtype=object), n_units),
                "state": np.array(STATES, dtype=object)[self.states.ravel()],
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How the values of one column are spread, in the column's unit.

    ``minimum`` and ``maximum`` are None where a row is a person's: they would be one person's value. Quantiles are nearest-rank,
    so each is a value that occurs. ``zero_share`` is of the values, ``missing_share`` of the rows.
    """

    table: str
    measure: str
    title: str
    unit: str
    n: int
    minimum: float | None
    lower_quartile: float
    median: float
    upper_quartile: float
    p99: float
    maximum: float | None
    zero_share: float
    missing_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing an analyst should know before trusting a figure.

    Attributes
    ----------
    severity : "stop", "ask" or "note"
        Mend before going on; ask the sender; know.
    column : str
        English key of the measure; empty when the whole table is meant.
    units : tuple of str
        Codes of the departments or processes; empty when all are meant.
    months : tuple of str
        2025-04 and so on; empty when no month is meant.
    factor : float or None
        How many times too large the values look (1/60 when too small).
    sentence, remedy : str
        Japanese; no value of a person.
    """

    severity: Severity
    kind: Kind
    table: str
    column: str = ""
    place: str
    units: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    factor: float | None = None
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityReport:
    """Everything about a delivery's quality; ``findings`` with the gravest first."""

    load: LoadReport
    grids: tuple[Grid, ...]
    distributions: tuple[Distribution, ...]
    findings: tuple[Finding, ...]

    @property
    def matched(self) -> MatchReport | None:
        """How people without an id were matched; None when nobody had to be."""
        return self.load.matched

    @property
    def distinct_grids(self) -> tuple[Grid, ...]:
        """The grids to look at: measures of one table with the same picture are one, named after them all."""
        found: dict[tuple[str, tuple[str, ...], bytes], list[Grid]] = {}
        for grid in self.grids:
            found.setdefault((grid.table, grid.units, grid.states.tobytes()), []).append(grid)
        return tuple(replace(alike[0], title=_common_title([grid.title for grid in alike])) for alike in found.values())

    def of_kind(self, *kinds: Kind) -> tuple[Finding, ...]:
        """The findings of some kinds, in order."""
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: what the load report says, and completeness, distributions and findings."""
        grids = [
            {"table": grid.table, "measure": grid.measure, "title": grid.title, "first_month": str(grid.months[0]), "last_month": str(grid.months[-1]),
             "n_units": len(grid.units), **{state: grid.count(state) for state in STATES}, "partly_blank": grid.partly_blank}
            for grid in self.grids
        ]  # fmt: skip
        rows = [{name: getattr(item, name) for name in Distribution.__dataclass_fields__} for item in self.distributions]
        found = [{name: _plain(getattr(item, name)) for name in Finding.__dataclass_fields__} for item in self.findings]
        return self.load.to_dict() | {"completeness": grids, "distributions": rows, "findings": found}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _common_title(titles: Sequence[str]) -> str:
    """勤務時間「正規の勤務時間」「時間外勤務時間」."""
    return titles[0] + "".join(title[title.index("「") :] for title in titles[1:])

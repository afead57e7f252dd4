"""What is known around the departments of a question: staff, newcomers, neighbours, total working time, other work. Checks read it, effects do not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import DataError, PlanError
from kdx_eval.panel.cells import OutcomeCells, read_cells
from kdx_eval.panel.exposure import treat_departments
from kdx_eval.panel.postings import Postings, count_staff
from kdx_eval.panel.staff_months import split_postings
from kdx_eval.panel.staffing import changed_departments
from kdx_eval.panel.successors import StableUnits
from kdx_eval.panel.tables import Tables, column, month_index
from kdx_eval.panel.treatment import People
from kdx_eval.plan import Plan, Question
from kdx_eval.plan.types import Unit
from kdx_eval.units import FiscalYear, Month

if TYPE_CHECKING:
    import duckdb

FloatArray = npt.NDArray[np.float64]
STAFFING_EVENTS = ("枠配当", "増員", "欠員")
_SEPARATORS = re.compile(r"[;；,，、\s]+")
_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Surroundings:
    """Departments by month, beside the outcome; None where the delivery does not tell.

    Attributes
    ----------
    units : ndarray, (D,)
        Labels of departments (stable units).
    periods : ndarray, (T,)
    staff : ndarray, (D, T) or None
        Staff (実員, else staff-months of the postings).
    newcomers : ndarray, (D, T) or None
        Share of those posted who were not posted there a year before.
    worktime, other_work : ndarray, (D, T) or None
        Scheduled and overtime hours; hours of the processes that no intervention names.
    cohort_now : mapping or None
        First treated month by department if attendees counted where they are posted at the end of the evaluated period.
    division : mapping or None
    adopters, changed, allotted : frozenset or None
        Departments that reuse a knowledge asset; whose staff changed by more than a fifth; that an event on staffing or overtime allotment names.
    persons : DataFrame or None
        One row a person posted before the April of the first start: unit, stayed (bool), before, after (mean outcome by month; NaN where none).
    """

    units: npt.NDArray[np.object_]
    periods: FloatArray
    staff: FloatArray | None = None
    newcomers: FloatArray | None = None
    worktime: FloatArray | None = None
    other_work: FloatArray | None = None
    cohort_now: Mapping[str, float] | None = None
    division: Mapping[str, str] | None = None
    adopters: frozenset[str] | None = None
    changed: frozenset[str] | None = None
    allotted: frozenset[str] | None = None
    persons: pd.DataFrame | None = None

    def rows(self, values: FloatArray, *, units: npt.NDArray[np.object_], periods: FloatArray) -> FloatArray:
        """``values`` (D, T) for these units and periods; NaN where unknown."""
        row, column = pd.Index(self.units).get_indexer(pd.Index(units)), pd.Index(self.periods).get_indexer(pd.Index(periods))
        found: FloatArray = values[row][:, column].astype(np.float64)
        found[row < 0] = np.nan
        found[:, column < 0] = np.nan
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SurroundingsReader:
    """Reads the surroundings of one question; each method returns None where the delivery does not tell."""

    connection: duckdb.DuckDBPyConnection
    tables: Tables
    question: Question
    plan: Plan
    cells: OutcomeCells
    people: People
    units: StableUnits

    def read(self, cohort: npt.NDArray[np.float64]) -> Surroundings:
        """Everything; ``cohort`` is that of each row of ``cells``."""
        names = np.array(sorted({str(name) for name in self.cells.department if name is not None}), dtype=object)
        postings, months = self.people.postings, self.cells.months
        return Surroundings(
            units=names,
            periods=months.astype(np.float64),
            staff=self._staff(names),
            newcomers=None if postings is None else _newcomers(postings, names, months),
            worktime=self._again(names, unit="department", table="worktime", measure="total_hours"),
            other_work=self._other_work(names),
            cohort_now=self._cohort_now(),
            division=self._division(),
            adopters=self._adopters(),
            changed=self._changed(),
            allotted=self._allotted(),
            persons=self._persons(cohort),
        )

    def _staff(self, names: npt.NDArray[np.object_]) -> FloatArray | None:
        headcount, months = self.people.headcount, self.cells.months
        if headcount is not None:
            wide = headcount.pivot_table(index="department_id", columns="month", values="actual", aggfunc="sum")
            every = np.union1d(wide.columns.to_numpy(dtype=np.int64), months)
            # A count of 1 April stands until the next one; before the first, nothing is known.
            wide = wide.reindex(columns=every).ffill(axis=1).reindex(index=names, columns=months)
            return np.asarray(wide.to_numpy(dtype=np.float64))
        if self.people.postings is None:
            return None
        held = split_postings(self.people.postings, np.arange(months[0], months[-1] + 1))
        total = pd.DataFrame(held.total(int(months[-1] - months[0]) + 1), index=held.departments)
        found = total.reindex(names)[list(months - months[0])].to_numpy(dtype=np.float64)
        return np.where(found > 0, found, np.nan)

    def _changed(self) -> frozenset[str] | None:
        if self.people.postings is None and self.people.headcount is None:
            return None
        first, last = (Month(int(self.cells.months[end])) for end in (0, -1))
        return frozenset(changed_departments(self.people.postings, self.people.headcount, first=first, last=last))

    def _cells_again(self, *, unit: Unit, table: str, measure: str) -> OutcomeCells | None:
        """The cells of another outcome or unit, over the same window; None where there is nothing to read."""
        if not self.tables.has(table):
            return None
        outcome = replace(self.question.outcome, table="worktime" if table == "worktime" else "workload", measure=measure, indicator_id=None)
        try:
            return read_cells(self.connection, self.tables, question=replace(self.question, unit=unit, outcome=outcome), plan=self.plan)
        except (PlanError, DataError):
            return None

    def _again(self, names: npt.NDArray[np.object_], *, unit: Unit, table: str, measure: str) -> FloatArray | None:
        cells = self._cells_again(unit=unit, table=table, measure=measure)
        return None if cells is None else self._by_department(cells, names, keep=np.ones(len(cells.units), dtype=bool))

    def _other_work(self, names: npt.NDArray[np.object_]) -> FloatArray | None:
        """Hours of the processes that no intervention names, in departments of which some process is named or not alike."""
        columns = set(self.tables.columns("interventions")) if self.tables.has("interventions") else set()
        if "process_id" not in columns:
            return None
        named = self.connection.execute("SELECT DISTINCT process_id FROM interventions WHERE process_id IS NOT NULL ORDER BY ALL").fetchall()
        if not named:
            return None
        cells = self._cells_again(unit="process", table="workload", measure="minutes")
        if cells is None:
            return None
        supported = {str(process) for (process,) in named}
        own = [str(unit).removeprefix(f"{home}/") for unit, home in zip(cells.units, cells.department, strict=True)]
        keep = np.array([process not in supported for process in own], dtype=bool)
        return self._by_department(cells, names, keep=keep) if keep.any() and not keep.all() else None

    def _by_department(self, cells: OutcomeCells, names: npt.NDArray[np.object_], *, keep: npt.NDArray[np.bool_]) -> FloatArray:
        """Sums by stable unit over the months of the question; NaN where no row has a value."""
        frame = pd.DataFrame(cells.matrix[keep], columns=cells.months)
        home = [self.units.of(str(name)) for name in cells.department[keep]]
        return np.asarray(frame.groupby(home).sum(min_count=1).reindex(index=names, columns=self.cells.months).to_numpy(dtype=np.float64))

    def _cohort_now(self) -> Mapping[str, float] | None:
        """Cohorts if each attendee counted in the department of the last evaluated month."""
        people, postings = self.people, self.people.postings
        if postings is None or people.attendance.frame.empty:
            return None
        frame = people.attendance.frame.copy()
        frame["year"] = [Month(int(month)).fiscal_year.year for month in frame["month"]]
        frame["department"] = frame["person"].map(postings.on(self.plan.evaluated_through.first_day)).astype(object)
        frame = frame[frame["department"].notna()]
        if frame.empty:
            return None
        years = range(int(frame["year"].min()), FiscalYear(self.plan.evaluated_fiscal_year.year).year + 1)
        staff = count_staff(postings, people.headcount, years=years)
        treated = treat_departments(frame, staff, threshold_share=self.question.threshold_share, width=self.question.cohort_width)
        return treated.cohort

    def _division(self) -> Mapping[str, str] | None:
        """The division (部) of each department, else its type: the neighbourhood."""
        present = set(self.tables.columns("departments")) if self.tables.has("departments") else set()
        for name in ("division", "department_type"):
            if name in present:
                sql = f"SELECT department_id, min({name}) FROM departments WHERE department_id IS NOT NULL AND {name} IS NOT NULL GROUP BY ALL ORDER BY ALL"
                return {self.units.of(str(department)): str(value) for department, value in self.connection.execute(sql).fetchall()}
        return None

    def _adopters(self) -> frozenset[str] | None:
        """Departments that reuse a knowledge asset, by id or by name."""
        if not self.tables.has("knowledge") or "reused_by" not in self.tables.columns("knowledge"):
            return None
        rows = self.connection.execute("SELECT reused_by FROM knowledge WHERE reused_by IS NOT NULL ORDER BY ALL").fetchall()
        return frozenset(self._named(" ".join(str(text) for (text,) in rows)))

    def _named(self, text: str) -> set[str]:
        by_name = {row.name: number for number, row in self.units.departments.items()}
        return {self.units.of(by_name.get(word, word)) for word in _SEPARATORS.split(text) if word}

    def _allotted(self) -> frozenset[str] | None:
        """Departments that an event on staffing or overtime allotment names within the window; empty where such events are of the whole city."""
        if not self.tables.has("events") or not {"kind", "scope"} <= set(self.tables.columns("events")):
            return None
        begin, end = (month_index(column(self.tables, "events", name=name, kind="DATE")) for name in ("valid_from", "valid_to"))
        kinds = ", ".join(f"'{kind}'" for kind in STAFFING_EVENTS)
        rows = self.connection.execute(
            f"""SELECT scope FROM events WHERE kind IN ({kinds}) AND scope IS NOT NULL
                AND coalesce({begin}, $first) <= $last AND coalesce({end}, $last) >= $first ORDER BY ALL""",
            {"first": int(self.cells.months[0]), "last": int(self.cells.months[-1])},
        ).fetchall()
        return frozenset(self._named(" ".join(str(text) for (text,) in rows))) if rows else None

    def _persons(self, cohort: npt.NDArray[np.float64]) -> pd.DataFrame | None:
        """Who was posted where before the April of the first start, who stayed, and their own outcome before and in the evaluated year."""
        postings, started = self.people.postings, cohort[np.isfinite(cohort)]
        table = self.question.outcome.table
        if postings is None or not len(started) or table == "indicators" or "staff_id" not in self.tables.columns(table):
            return None
        cells = self._cells_again(unit="staff", table=table, measure=self.question.outcome.measure)
        if cells is None or not len(cells.units):
            return None
        first = int(started.min())
        year = self.plan.evaluated_fiscal_year.first.index
        usable = np.array([not self.question.excludes(Month(int(month))) for month in cells.months])
        before, after = usable & (cells.months < first), usable & (cells.months >= max(year, first))
        if not before.any() or not after.any():
            return None
        home = postings.on(postings.roster_day(Month(first).fiscal_year))
        now = postings.on(self.plan.evaluated_through.first_day).reindex(home.index)
        values = pd.DataFrame({"before": _mean(cells.matrix[:, before]), "after": _mean(cells.matrix[:, after])}, index=cells.units).reindex(home.index)
        stayed = (now == home).to_numpy(dtype=bool)
        return values.assign(unit=home.to_numpy(dtype=object), stayed=stayed).reset_index(drop=True)


def _mean(values: FloatArray) -> FloatArray:
    """Row means over what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1))


def _newcomers(postings: Postings, names: npt.NDArray[np.object_], months: npt.NDArray[np.int64]) -> FloatArray | None:
    """Share of those posted on the first of each month who were not posted there a year before; NaN before the postings reach back a year."""
    days = pd.to_datetime(postings.frame["valid_from"])
    known = days[days > pd.Timestamp(1, 1, 1)]
    # A list of postings that begins on one day cannot tell who was new on that day.
    reach = int(months[0]) if known.empty else max(int(months[0]), known.min().year * _YEAR + known.min().month - 1 + _YEAR)
    found: FloatArray = np.full((len(names), len(months)), np.nan)
    for place, month in enumerate(months):
        if month < reach:
            continue
        now, then = (postings.on(Month(int(index)).first_day) for index in (month, month - _YEAR))
        new = (then.reindex(now.index) != now).astype(np.float64)
        found[:, place] = new.groupby(now.to_numpy()).mean().reindex(names).to_numpy(dtype=np.float64)
    return None if np.isnan(found).all() else found

"""The work that specialists could lead: what was measured over whole years, was not reached by training and has no project yet."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.successors import read_departments, stable_units
from kdx_eval.panel.tables import column, is_staff_time
from kdx_eval.units import FiscalYear, format_number, format_share

if TYPE_CHECKING:
    import duckdb

    from kdx_eval.load import Dataset
    from kdx_eval.plan import Plan

MOST_YEARS, FEWEST_FINISHED = 3, 5
DAYS_A_MONTH = 365.25 / 12
OVERTIME = "時間外勤務（業務の内訳なし）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Pieces of work in a fixed order.

    Attributes
    ----------
    frame : DataFrame
        department, process (names), department_type, division, feasibility (0 to 1), months (specialist months of one project).
    yearly : ndarray, (N, T)
        Hours by whole fiscal year, oldest first; all above zero.
    notes : tuple of str
        Japanese: how many there are, what was left out and why.
    """

    frame: pd.DataFrame
    yearly: npt.NDArray[np.float64]
    notes: tuple[str, ...]


def find_candidates(dataset: Dataset, *, plan: Plan, reached: frozenset[str], months_per_case: float) -> Candidates:
    """Every department and process with two or three whole years of hours until the evaluated one.

    Parameters
    ----------
    reached : frozenset of str
        Departments that need no first project: the courses reached them.

    Raises
    ------
    NotIdentifiedError
        No hours are known, or nothing is left.
    """
    year = plan.evaluated_fiscal_year
    connection = dataset.connect()
    try:
        hours = _yearly_hours(connection, dataset, year=year)
        departments = read_departments(connection, dataset)
        traits = _traits(connection, dataset)
        projects = _projects(connection, dataset)
        called = _process_names(connection, dataset)
    finally:
        connection.close()
    units = stable_units(departments, first=FiscalYear(year.year - MOST_YEARS).first.first_day, last=year.last.first_day)
    unit = hours["department_id"].map(units.of)
    taken = {(department, process) for department, process in zip(projects["department_id"], projects["process_id"], strict=True)}
    supported = np.array([(d, p) in taken or (d, "") in taken for d, p in zip(hours["department_id"], hours["process_id"], strict=True)], dtype=bool)
    trained = unit.isin(reached).to_numpy()
    keep = ~trained & ~supported
    if not keep.any():
        raise NotIdentifiedError(
            "研修も支援もまだの業務がないか、年間の時間が2年分そろった業務がありません", hint="業務量（または時間外勤務）の表を2年分以上入れてください"
        )
    left = hours[keep].reset_index(drop=True)
    kinds = left["department_id"].map(traits["department_type"]).fillna("不明") if "department_type" in traits else pd.Series("不明", index=left.index)
    division = left["department_id"].map(traits["division"]).fillna(left["department_id"]) if "division" in traits else left["department_id"]
    feasibility, feasible_note = _feasibility(projects, traits, year=year, kinds=kinds)
    months, months_note = _months(projects, given=months_per_case)
    named = units.names
    frame = pd.DataFrame({
        "department": [named.get(one, one) for one in left["department_id"]],
        "process": [OVERTIME if not one else called.get(one, one) for one in left["process_id"]],
        "department_type": kinds.astype(str),
        "division": division.astype(str),
        "feasibility": feasibility,
        "months": months,
    })  # fmt: skip
    counted = (
        f"2年以上の時間がそろう業務{format_number(len(hours))}件のうち、研修が届いた課の{format_number(int(trained.sum()))}件と"
        f"支援済み・支援中の{format_number(int((supported & ~trained).sum()))}件を除く{format_number(len(left))}件を並べました。"
    )
    years = [name for name in left.columns if isinstance(name, int)]
    return Candidates(frame=frame, yearly=left[years].to_numpy(dtype=float), notes=(counted, feasible_note, months_note))


def _yearly_hours(connection: duckdb.DuckDBPyConnection, dataset: Dataset, *, year: FiscalYear) -> pd.DataFrame:
    """department_id, process_id (blank where only overtime is known), then one column of hours for each whole year, oldest first."""
    sql = _hours_sql(dataset)
    if sql is None:
        raise NotIdentifiedError("業務量も時間外勤務もないため、業務の時間がわかりません", hint="業務量または勤務時間の表を入れてください")
    fiscal = "year(month) - CAST(month(month) < 4 AS INTEGER)"
    rows = connection.execute(
        f"""SELECT department_id, process_id, {fiscal} AS fiscal_year, CAST(sum(hours) AS DOUBLE) AS hours, count(DISTINCT month) AS months
            FROM ({sql}) WHERE {fiscal} BETWEEN $first AND $last AND hours IS NOT NULL GROUP BY ALL HAVING months = 12 AND hours > 0 ORDER BY ALL""",
        {"first": year.year - MOST_YEARS + 1, "last": year.year},
    ).df()
    wide = rows.pivot_table(index=["department_id", "process_id"], columns="fiscal_year", values="hours", sort=True)
    wide.columns = [int(name) for name in wide.columns]
    for count in range(MOST_YEARS, 1, -1):
        wanted = list(range(year.year - count + 1, year.year + 1))
        shorter = [name for name in wanted[1:] if name in wide.columns]
        if set(wanted) <= set(wide.columns):
            whole = wide[wanted].dropna()
            # A third year is not worth the work that lacks it.
            if count == 2 or len(whole) >= 0.9 * len(wide[shorter].dropna()):
                return whole.reset_index()
    return pd.DataFrame({"department_id": [], "process_id": []})


def _hours_sql(dataset: Dataset) -> str | None:
    if dataset.has("workload") and {"minutes", "month"} <= set(dataset.columns("workload")):
        process = f"coalesce({column(dataset, 'workload', name='process_id', kind='VARCHAR')}, '')"
        home = column(dataset, "workload", name="department_id", kind="VARCHAR")
        return f"""SELECT {home} AS department_id, {process} AS process_id, month, "minutes" / 60 AS hours FROM workload
                   WHERE {home} IS NOT NULL AND {is_staff_time(dataset)}"""
    if dataset.has("worktime") and {"overtime_hours", "department_id"} <= set(dataset.columns("worktime")):
        return "SELECT department_id, '' AS process_id, month, overtime_hours AS hours FROM worktime WHERE department_id IS NOT NULL"
    return None


def _traits(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> dict[str, dict[str, str]]:
    present = set(dataset.columns("departments")) if dataset.has("departments") else set()
    found: dict[str, dict[str, str]] = {}
    for name in sorted({"department_type", "division"} & present):
        found[name] = dict(connection.execute(f"SELECT department_id, max({name}) FROM departments WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 1").fetchall())
    return found


def _process_names(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> dict[str, str]:
    if not dataset.has("processes") or "process_name" not in dataset.columns("processes"):
        return {}
    return dict(connection.execute("SELECT process_id, min(process_name) FROM processes WHERE process_name IS NOT NULL GROUP BY 1 ORDER BY 1").fetchall())


def _projects(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> pd.DataFrame:
    """department_id, process_id (blank for the whole department), started_on, live_on of every project."""
    if not dataset.has("interventions"):
        return pd.DataFrame({"department_id": [], "process_id": [], "started_on": [], "live_on": []})
    home, process = (f"coalesce({column(dataset, 'interventions', name=name, kind='VARCHAR')}, '')" for name in ("department_id", "process_id"))
    begun, live = (column(dataset, "interventions", name=name, kind="DATE") for name in ("started_on", "live_on"))
    return connection.execute(
        f"SELECT {home} AS department_id, {process} AS process_id, {begun} AS started_on, {live} AS live_on FROM interventions ORDER BY ALL"
    ).df()


def _feasibility(projects: pd.DataFrame, traits: dict[str, dict[str, str]], *, year: FiscalYear, kinds: pd.Series) -> tuple[list[float], str]:
    """Share of the projects begun a year or more ago that went live, by type, drawn to the share of all (a prior worth two projects)."""
    end = pd.Timestamp((year.last + 1).first_day)
    begun = pd.to_datetime(projects["started_on"])
    old = projects[begun.notna() & (begun <= end - pd.DateOffset(years=1))]
    if old.empty:
        return [1.0] * len(kinds), "始めて1年以上たった支援案件の記録がないため、実現の見込みは一律としました。"
    live = pd.to_datetime(old["live_on"]) < end
    overall = float(live.mean())
    kind = old["department_id"].map(traits.get("department_type", {})).fillna("不明")
    counts, went = kind.value_counts(), live.groupby(kind).sum()
    share = {name: (float(went[name]) + 2 * overall) / (int(counts[name]) + 2) for name in counts.index}
    note = f"実現の見込みは、始めて1年以上たった支援案件{format_number(len(old))}件のうち稼働した割合（{format_share(overall, 0)}、課の区分ごとに縮小）です。"
    return [share.get(str(name), overall) for name in kinds], note


def _months(projects: pd.DataFrame, *, given: float) -> tuple[float, str]:
    """Months from start to going live: the median of the finished projects, or what was given."""
    finished = projects.dropna(subset=["started_on", "live_on"])
    if len(finished) < FEWEST_FINISHED:
        return given, f"1件に要る専門人材の人月は、{format_number(given, 1)}か月と置いています（終わった案件の記録が足りません）。"
    days = (pd.to_datetime(finished["live_on"]) - pd.to_datetime(finished["started_on"])).dt.days
    month = max(statistics.median(days.tolist()) / DAYS_A_MONTH, 0.5)
    cases = f"終わった案件{format_number(len(finished))}件の着手から稼働までの中央値{format_number(month, 1)}か月"
    return month, f"1件に要る専門人材の人月は、{cases}です（1人が掛かりきりとして）。"


"""Outcome cells: unit x month sums of what was measured, made in SQL in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kdx_eval.errors import PlanError
from kdx_eval.panel.events import event_sums
from kdx_eval.panel.tables import Tables, column, has_lead_time, is_staff_time, month_index, posting_kind
from kdx_eval.plan import Plan, Question
from kdx_eval.plan.types import UNIT_NAMES

if TYPE_CHECKING:
    import duckdb

_TITLES = {"workload": "業務量", "worktime": "勤務時間", "indicators": "成果指標"}
_MINUTES_PER_HOUR = 60.0
_POINTS = 100.0  # of a share of one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class OutcomeCells:
    """The outcome of every unit in every month of the window, before any unit is left out.

    Attributes
    ----------
    matrix : ndarray, (N, T)
        In the outcome's unit (minutes already as hours); NaN without a value.
    units : ndarray, (N,)
    months : ndarray, (T,)
        ``Month.index``, increasing; excluded periods included.
    department : ndarray, (N,)
        Department of each unit; None for staff.
    partial : int
        Cells to which some rows without a value belong.
    blank : ndarray, (N, T)
        Cells that have rows, none with a value.
    """

    matrix: npt.NDArray[np.float64] = field(repr=False)
    units: npt.NDArray[np.object_] = field(repr=False)
    months: npt.NDArray[np.int64] = field(repr=False)
    department: npt.NDArray[np.object_] = field(repr=False)
    partial: int
    blank: npt.NDArray[np.bool_]
    notes: tuple[str, ...]


def read_cells(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question, plan: Plan) -> OutcomeCells:
    """The outcome cells of a question.

    Raises
    ------
    PlanError
        When the table is missing or has no row for this outcome.
    """
    _require_table(tables, question)
    rows, notes = _rows_sql(connection, tables, question=question)
    # Kept in the database, so that names travel once for each unit and not once for each cell.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE outcome_cells AS {_cells_sql(rows, summed=question.outcome.table == 'workload')}", _indicator(question))
    ((lost, first, last),) = connection.execute(
        """SELECT coalesce(sum(n_rows) FILTER (unit IS NULL), 0), min(month) FILTER (unit IS NOT NULL AND value IS NOT NULL),
                  max(month) FILTER (unit IS NOT NULL AND value IS NOT NULL) FROM outcome_cells"""
    ).fetchall()
    if lost:
        notes = (*notes, f"どの{UNIT_NAMES[question.unit]}のものかわからない行が{lost}行あり、使っていません。")
    return _to_matrix(connection, _grid((first, last), question=question, plan=plan), question=question, notes=notes)


def require_outcome(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question, plan: Plan) -> npt.NDArray[np.int64]:
    """The months that `read_cells` would return (``Month.index``), or the PlanError it would raise, at the cost of one look at the rows."""
    _require_table(tables, question)
    rows, _ = _rows_sql(connection, tables, question=question)
    sql = f"SELECT min(month), max(month) FROM ({rows}) WHERE unit IS NOT NULL AND value IS NOT NULL"
    ((first, last),) = connection.execute(sql, _indicator(question)).fetchall()
    return _grid((first, last), question=question, plan=plan)


def _require_table(tables: Tables, question: Question) -> None:
    table = question.outcome.table
    if not tables.has(table):
        raise PlanError(
            f"「{_TITLES[table]}」の表がデータにありません",
            place=question.question_id,
            hint=f"{table}（{_TITLES[table]}）のファイルを入れるか、計画の outcome を変えてください",
        )


def _indicator(question: Question) -> dict[str, str | None]:
    return {"indicator": question.outcome.indicator_id} if question.outcome.table == "indicators" else {}


def _cells_sql(rows: str, *, summed: bool) -> str:
    # Decimals, so that sums do not depend on the order of work.
    measured = "value AS DECIMAL(38, 6)) AS value"
    if summed:  # events are, by the hundred million
        sums = f"SELECT unit, department, month, CAST({measured}, n_values, n_rows FROM ({rows})"
    else:
        sums = f"""SELECT unit, min(department) AS department, month, sum(value) AS value, count(value) AS n_values, count(*) AS n_rows
            FROM (SELECT unit, department, month, TRY_CAST({measured} FROM ({rows})) GROUP BY unit, month"""
    return f"""
        SELECT unit, min(department) AS department, month, CAST(sum(value) AS DOUBLE) AS value,
               sum(n_values) > 0 AND sum(n_values) < sum(n_rows) AS partial, sum(n_values) AS n_rows
        FROM ({sums}) WHERE month IS NOT NULL
        GROUP BY unit, month
    """


def _rows_sql(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question) -> tuple[str, tuple[str, ...]]:
    table = question.outcome.table
    if table == "workload":
        return event_sums(connection, tables, question=question), _refuse_lead_time(connection, tables, question=question)
    if table == "indicators":
        kind = f"'{question.unit}'"
        department = "unit_id" if question.unit == "department" else "CAST(NULL AS VARCHAR)"
        sql = f"""SELECT unit_id AS unit, {department} AS department, {month_index("month")} AS month, value
                  FROM indicators WHERE unit_type = {kind} AND indicator_id = $indicator"""
        return sql, ()
    return _worktime_sql(connection, tables, question=question)


def _refuse_lead_time(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question) -> tuple[str, ...]:
    """What is said about rows of lead time, which hold waiting and are no staff hours; PlanError when there are no others."""
    if question.outcome.measure != "minutes" or not has_lead_time(connection, tables):
        return ()
    ((waiting, worked),) = connection.execute(
        f"SELECT count(*) FILTER (NOT {is_staff_time(tables)}), count(*) FILTER ({is_staff_time(tables)}) FROM workload"
    ).fetchall()
    if waiting and not worked:
        raise PlanError(
            "業務量の時間がすべて所要期間（待ち時間を含む）なので、業務時間の成果にはできません",
            place=question.question_id,
            hint="作業の開始と完了の記録か業務量調査を入れるか、計画の outcome を workload.cases（処理件数）などに変えてください",
        )
    return (f"所要期間（待ち時間を含む）の行が{waiting}行あり、業務時間には数えていません。",) if waiting else ()


def _worktime_sql(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question) -> tuple[str, tuple[str, ...]]:
    overtime = column(tables, "worktime", name="overtime_hours", kind="DOUBLE")
    if question.outcome.measure == "total_hours":
        scheduled = column(tables, "worktime", name="scheduled_hours", kind="DOUBLE")
        value = f"CAST({scheduled} AS DECIMAL(18, 6)) + CAST({overtime} AS DECIMAL(18, 6))"
    else:
        value = overtime
    staff = column(tables, "worktime", name="staff_id", kind="VARCHAR")
    department = column(tables, "worktime", name="department_id", kind="VARCHAR")
    month = month_index("worktime.month")
    if question.unit == "staff":
        sql = f"SELECT {staff} AS unit, CAST(NULL AS VARCHAR) AS department, {month} AS month, {value} AS value FROM worktime"
        return sql, ()
    totals, persons = _count_kinds(connection, staff=staff, department=department)
    plain = f"SELECT {department} AS unit, {department} AS department, {month} AS month, {value} AS value FROM worktime"
    if totals:
        notes = ("勤務時間には課の合計と職員別の行の両方があるため、課の合計だけを使いました。",) if persons else ()
        return f"{plain} WHERE {staff} IS NULL", notes
    if not tables.has("assignments"):
        return plain, ()
    return _by_posting_sql(staff=staff, department=department, month=month, value=value, kind=posting_kind(tables, "a")), ()


def _count_kinds(connection: duckdb.DuckDBPyConnection, *, staff: str, department: str) -> tuple[int, int]:
    """Rows that are totals of a department, and rows of single persons.

    A row without a person is a total only when it is alone in its department and month; several are unmatched persons.
    """
    found = connection.execute(
        f"""SELECT coalesce(sum(nobody) FILTER (nobody = 1), 0), coalesce(sum(persons), 0), coalesce(max(nobody), 0) FROM (
                SELECT count(*) FILTER ({staff} IS NULL) AS nobody, count({staff}) AS persons FROM worktime
                WHERE {department} IS NOT NULL OR {staff} IS NOT NULL GROUP BY {department}, month)"""
    ).fetchone()
    totals, persons, most = (int(count) for count in found or (0, 0, 0))
    return (totals if most <= 1 else 0), persons


def _by_posting_sql(*, staff: str, department: str, month: str, value: str, kind: str) -> str:
    """Staff rows, each in the department posted on the first day of the month (a move within it counts from the next); main posts go first."""
    return f"""
        WITH posted AS (
            SELECT {staff} AS staff, worktime.month AS day, arg_max(a.department_id, ({kind} <> 'concurrent', a.valid_from, a.department_id)) AS department
            FROM worktime JOIN assignments AS a ON a.staff_id = {staff}
             AND {kind} <> 'leave' AND (a.valid_from IS NULL OR a.valid_from <= worktime.month) AND (a.valid_to IS NULL OR worktime.month <= a.valid_to)
            GROUP BY ALL)
        SELECT coalesce({department}, posted.department) AS unit, coalesce({department}, posted.department) AS department,
               {month} AS month, {value} AS value
        FROM worktime LEFT JOIN posted ON posted.staff = {staff} AND posted.day = worktime.month
    """


def _grid(seen: tuple[int | None, int | None], *, question: Question, plan: Plan) -> npt.NDArray[np.int64]:
    """Every month from the first to the last that is used, whether or not anybody has a row; ``seen``: first and last month with a value.

    Raises PlanError when none is left.
    """
    first, last = question.window
    if seen[0] is not None and seen[1] is not None:
        # Months before the first and after the last value are not gaps: the data simply do not reach there.
        start = seen[0] if first is None else max(seen[0], first.index)
        end = min(seen[1] if last is None else min(seen[1], last.index), plan.evaluated_through.index)
        # Excluded months stay: the effect leaves them out, and one check asks what they would have changed.
        if start <= end:
            return np.arange(start, end + 1, dtype=np.int64)
    raise PlanError(
        f"「{_TITLES[question.outcome.table]}」にこの成果の行がありません",
        place=question.question_id,
        hint="単位（unit）、指標の番号、使う期間（window）を確かめてください",
    )


def _in_points(shares: npt.NDArray[np.float64], *, question: Question) -> npt.NDArray[np.float64]:
    if np.nanmax(shares, initial=0.0) > 1.0:
        raise PlanError(
            f"「{question.outcome.label}」は割合（0～1）の指標ですが、1を超える値があります",
            place=question.question_id,
            hint="成果指標の表の値を 0.35 のように1までの数で入れるか、％のままなら計画の outcome に unit_label: \"%\" と書いてください",
        )
    return shares * _POINTS


def _to_matrix(connection: duckdb.DuckDBPyConnection, months: npt.NDArray[np.int64], *, question: Question, notes: tuple[str, ...]) -> OutcomeCells:
    bounds = {"first": int(months[0]), "last": int(months[-1])}
    within = "unit IS NOT NULL AND month BETWEEN $first AND $last"
    units = connection.execute(f"SELECT unit, min(department) AS department FROM outcome_cells WHERE {within} GROUP BY unit ORDER BY unit", bounds).df()
    cells = connection.execute(
        f"""SELECT place, CAST(month - $first AS INTEGER) AS at, value, partial FROM outcome_cells JOIN (
                SELECT unit, CAST(row_number() OVER (ORDER BY unit) - 1 AS INTEGER) AS place FROM outcome_cells WHERE {within} GROUP BY unit) USING (unit)
            WHERE {within}""",
        bounds,
    ).fetchnumpy()
    matrix = np.full((len(units), len(months)), np.nan)
    matrix[cells["place"], cells["at"]] = np.ma.filled(cells["value"], np.nan)
    blank = np.zeros(matrix.shape, dtype=bool)
    blank[cells["place"], cells["at"]] = np.isnan(matrix[cells["place"], cells["at"]])
    if question.outcome.key == "workload.minutes":
        matrix /= _MINUTES_PER_HOUR
    elif question.outcome.is_share:
        matrix = _in_points(matrix, question=question)
    department = np.full(len(units), None, dtype=object)
    if question.unit != "staff":
        department[:] = units["department"].to_numpy(dtype=object)
    return OutcomeCells(
        matrix=matrix,
        units=units["unit"].to_numpy(dtype=object),
        months=months,
        department=department,
        partial=int(np.count_nonzero(cells["partial"])),
        blank=blank,
        notes=notes,
    )

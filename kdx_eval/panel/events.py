"""Workload rows, by the hundred million if need be, summed by unit and month; a row without a department goes where its person was posted that day.

Sums come before joins: a month in which a person stays in one posting needs no look at the days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.panel.tables import Tables, column, has_lead_time, is_staff_time, month_index, posting_kind
from kdx_eval.plan import Question

if TYPE_CHECKING:
    import duckdb

# The last day has a following one on the first of a month, so that an open end is no move within a month.
_SINCE_EVER, _FOREVER = "DATE '0001-01-01'", "DATE '9999-12-31'"


def event_sums(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question) -> str:
    """SQL of the columns unit, department, month (``Month.index``), value, n_values and n_rows, with one or more rows for each cell.

    The department of a row is the one written on it, else that of its process, else that in which its person was posted on its
    date (of a row without a date: on the first of its month). Unit and department are NULL where none is known. May make
    temporary tables in ``connection``.
    """
    month = month_index(f"coalesce({_column(tables, 'month', 'DATE')}, {_column(tables, 'date', 'DATE')})")
    measure = _column(tables, question.outcome.measure, "BIGINT")
    # Lead time holds waiting: no minutes of staff.
    worked = is_staff_time(tables) if question.outcome.measure == "minutes" and has_lead_time(connection, tables) else "true"
    columns = f"{month} AS month, sum({measure}) AS value, count({measure}) AS n_values, count(*) AS n_rows"
    if question.unit == "staff":
        people = _number_people(connection, tables)
        sums = f"SELECT people.no, {columns} FROM workload {people} WHERE {worked} GROUP BY ALL"
        return f"""SELECT staff_id AS unit, CAST(NULL AS VARCHAR) AS department, month, value, n_values, n_rows
            FROM ({sums}) LEFT JOIN event_people USING (no)"""
    home, department = _home(tables)
    known = f"workload {home} WHERE {worked} AND {department} IS NOT NULL"
    unknown = f"{home} WHERE {worked} AND {department} IS NULL"
    posted = tables.has("assignments") and {"staff_id", "department_id"} <= set(tables.columns("assignments")) and "staff_id" in tables.columns("workload")
    if posted:
        _make_timeline(connection, tables)
    else:
        known = f"workload {home} WHERE {worked}"
    if question.unit == "process":
        columns = f"{_column(tables, 'process_id', 'VARCHAR')} AS process, {columns}"
        parts = f"SELECT {department} AS department, {columns} FROM {known} GROUP BY ALL"
        if posted:
            parts += f" UNION ALL {_by_day(tables, unknown=unknown, columns=columns)}"
        return f"SELECT department || '/' || process AS unit, department, month, value, n_values, n_rows FROM ({parts})"
    parts = f"SELECT {department} AS department, {columns} FROM {known} GROUP BY ALL"
    if posted:
        parts += f" UNION ALL {_by_month(tables, people=_number_people(connection, tables), unknown=unknown, columns=columns)}"
    return f"SELECT department AS unit, department, month, value, n_values, n_rows FROM ({parts})"


def _number_people(connection: duckdb.DuckDBPyConnection, tables: Tables) -> str:
    """The join that gives each row the number ``people.no`` of its person: small whole numbers are summed by two to three times as fast as texts."""
    staff = _column(tables, "staff_id", "VARCHAR")
    connection.execute("SET perfect_ht_threshold = 20")  # bits of a person and a month that may index an array: 40 MB a thread
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE event_people AS SELECT staff_id, CAST(row_number() OVER (ORDER BY staff_id) - 1 AS INTEGER) AS no
        FROM (SELECT DISTINCT {staff} AS staff_id FROM workload) WHERE staff_id IS NOT NULL""")
    return f"LEFT JOIN event_people AS people ON people.staff_id = {staff}"


def _column(tables: Tables, name: str, kind: str) -> str:
    return column(tables, "workload", name=name, kind=kind)


def _home(tables: Tables) -> tuple[str, str]:
    """The join that finds the department of a process, and SQL for the department of a row as far as the row itself tells."""
    own = _column(tables, "department_id", "VARCHAR")
    if not (tables.has("processes") and {"process_id", "department_id"} <= set(tables.columns("processes")) and "process_id" in tables.columns("workload")):
        return "", own
    homes = "SELECT process_id, min(department_id) AS department_id FROM processes GROUP BY process_id"
    return f"LEFT JOIN ({homes}) AS home ON home.process_id = workload.process_id", f"coalesce({own}, home.department_id)"


def _make_timeline(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Temporary tables ``timeline`` (one department for each person and day, as `Postings.on` has it) and ``moved``: months not spent in one posting."""
    since = f"coalesce({column(tables, 'assignments', name='valid_from', kind='DATE')}, {_SINCE_EVER})"
    until = f"least(coalesce({column(tables, 'assignments', name='valid_to', kind='DATE')}, {_FOREVER}), {_FOREVER})"
    kind = posting_kind(tables)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE timeline AS
        WITH held AS (SELECT staff_id AS staff, department_id AS department, {since} AS since, {until} AS until, {kind} <> 'concurrent' AS main
                      FROM assignments WHERE staff_id IS NOT NULL AND department_id IS NOT NULL AND {kind} <> 'leave'),
        edges AS (SELECT staff, since AS day FROM held UNION SELECT staff, until + 1 FROM held),
        pieces AS (SELECT staff, day AS since, lead(day) OVER (PARTITION BY staff ORDER BY day) - 1 AS until FROM edges)
        SELECT pieces.staff, pieces.since, pieces.until, arg_max(department, (main, held.since, held.until, department)) AS department
        FROM pieces JOIN held ON held.staff = pieces.staff AND held.since <= pieces.since AND pieces.until <= held.until GROUP BY ALL""")
    connection.execute("""CREATE OR REPLACE TEMP TABLE moved AS
        SELECT DISTINCT staff, CAST(date_trunc('month', day) AS DATE) AS first, last_day(day) AS last
        FROM (SELECT staff, since AS day FROM timeline UNION SELECT staff, until + 1 FROM timeline) WHERE day(day) <> 1""")


def _day(tables: Tables) -> str:
    return f"coalesce({_column(tables, 'date', 'DATE')}, {_column(tables, 'month', 'DATE')})"


def _by_month(tables: Tables, *, people: str, unknown: str, columns: str) -> str:
    """SQL of the sums of rows that do not tell their department: by month where a person stayed, by day where one moved."""
    day = _day(tables)
    # Where a row has both, its date says who posted it and its month where it counts; grouping by both when one follows from the other is slow.
    both = {"date", "month"} <= set(tables.columns("workload"))
    period, said = ("period", f"{month_index(day)} AS period,") if both else ("month", "")
    whole = f"""SELECT staff_id AS staff, make_date({period} // 12, {period} % 12 + 1, 1) AS day, month, value, n_values, n_rows
        FROM (SELECT people.no, {said} {columns} FROM workload {people} {unknown} GROUP BY ALL) LEFT JOIN event_people USING (no)"""
    in_pieces = f"""SELECT workload.staff_id AS staff, {day} AS day, {columns} FROM workload
        JOIN moved ON moved.staff = workload.staff_id AND {day} BETWEEN moved.first AND moved.last {unknown} GROUP BY ALL"""
    found = "SELECT t.department, month, value, n_values, n_rows FROM"
    posting = "LEFT JOIN timeline AS t ON t.staff = s.staff AND s.day BETWEEN t.since AND t.until"
    return f"""{found} ({whole}) AS s {posting} WHERE NOT EXISTS (SELECT 1 FROM moved WHERE moved.staff = s.staff AND moved.first = s.day)
        UNION ALL {found} ({in_pieces}) AS s {posting}"""


def _by_day(tables: Tables, *, unknown: str, columns: str) -> str:
    """The same, row by row: persons, processes and months have too many combinations to sum them first."""
    posting = f"LEFT JOIN timeline AS t ON t.staff = workload.staff_id AND {_day(tables)} BETWEEN t.since AND t.until"
    return f"SELECT t.department, {columns} FROM workload {posting} {unknown} GROUP BY ALL"

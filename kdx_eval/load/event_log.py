"""Process logs (case, activity, timestamp, resource) -> cases and minutes of lead time by process and month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.errors import SchemaError
from kdx_eval.load.database import name, scalar, text
from kdx_eval.load.files import Grid
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.staging import FAULTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """A log as read: ``table`` holds process_id, department_id, month, cases, minutes, measure_basis."""

    table: str
    durations: str
    rows_read: int
    notes: tuple[str, ...]


def read_event_log(con: DuckDBPyConnection, grid: Grid, *, mapping: FileMapping, key: str) -> EventLog:
    """Cases finished in each month and their lead time in minutes, by process (and department, where mapped).

    The month is that of the last event in its own local time; lead time runs from a case's first event to its last, or, when
    the process is the activity, from the event before. Bad timestamps become refused rows.

    Raises SchemaError when a mapped heading is not in the file.
    """
    said = dict(mapping.event_log or {})
    header = {cell.strip(): index for index, cell in enumerate(grid.head[0][1])}
    process = said.get("process", "=" + grid.file.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    by_activity = process == "activity"
    fixed = process[1:] if process.startswith("=") else None
    wanted: dict[str, str] = {part: said[part] for part in ("case", "activity", "timestamp", "department") if part in said}
    if fixed is None and not by_activity:
        wanted["process"] = process
    for part, heading in wanted.items():
        if heading not in header:
            shown_headings = "、".join(list(header)[:5])
            raise SchemaError(f"event_log の {part} に書かれた見出しがありません", place=f"mapping.yaml {grid.file}", hint=f"見出しの例: {shown_headings}")
    cell = {part: f"c{header[heading]}" for part, heading in wanted.items()}
    shown = cell.get("process") or (cell["activity"] if by_activity and "activity" in cell else text(fixed or process))
    stamp = cell["timestamp"]
    con.execute(f"""CREATE TEMP TABLE events_{key} AS
        SELECT line AS rid, line, nullif({cell["case"]}, '') AS case_id, {shown} AS process_id,
            {cell.get("activity", "''")} AS activity, {cell.get("department", "NULL")} AS department_id,
            {_local_time(stamp)} AS local_time, {_minutes(stamp)} AS minute_of
        FROM {name(grid.table)} WHERE line > {grid.head[0][0]}""")
    for column, rule, bad in ((wanted["case"], "required", "case_id IS NULL"), (wanted["timestamp"], "not_a_date", "local_time IS NULL")):
        con.execute(f"INSERT INTO {FAULTS} SELECT {text(key)}, rid, line, {text(column)}, {text(rule)} FROM events_{key} WHERE {bad}")
    con.execute(_cases_sql(key, by_activity=by_activity, complete=said.get("complete")))
    con.execute(f"""CREATE TABLE stage_{key} AS
        SELECT {text(key)} AS _stage, row_number() OVER () AS _rid, 0::BIGINT AS _line, process_id, department_id, month,
            count(*)::BIGINT AS cases, sum(lead_minutes)::DECIMAL(14,2) AS "minutes", 'lead_time' AS measure_basis
        FROM durations_{key} GROUP BY process_id, department_id, month ORDER BY process_id, department_id, month""")
    rows_read = scalar(con, f"SELECT count(*) FROM events_{key}")
    n_cases = scalar(con, f"SELECT count(*) FROM durations_{key}")
    con.execute(f"DROP TABLE events_{key}")
    notes = (f"{rows_read}件の記録から{n_cases}件の処理を数えました", "時間は所要期間（待ち時間を含む）で、働いた時間ではありません")
    return EventLog(table=f"stage_{key}", durations=f"durations_{key}", rows_read=rows_read, notes=notes)


def _cases_sql(key: str, *, by_activity: bool, complete: str | None) -> str:
    good = f"SELECT * FROM events_{key} WHERE case_id IS NOT NULL AND local_time IS NOT NULL"
    if by_activity:
        before = "coalesce(lag(minute_of) OVER (PARTITION BY case_id ORDER BY minute_of, line), minute_of)"
        return f"""CREATE TABLE durations_{key} AS SELECT process_id, department_id, date_trunc('month', local_time)::DATE AS month,
            (minute_of - {before})::DECIMAL(14,2) AS lead_minutes FROM ({good})"""
    having = f"HAVING bool_or(activity = {text(complete)})" if complete else ""
    return f"""CREATE TABLE durations_{key} AS
        SELECT arg_min(process_id, (minute_of, line)) AS process_id, arg_min(department_id, (minute_of, line)) AS department_id,
        date_trunc('month', arg_max(local_time, (minute_of, line)))::DATE AS month, (max(minute_of) - min(minute_of))::DECIMAL(14,2) AS lead_minutes
        FROM ({good}) GROUP BY case_id {having}"""


def _local_time(stamp: str) -> str:
    plain = f"replace(replace(left({stamp}, 19), 'T', ' '), '/', '-')"
    return f"coalesce(TRY_CAST({plain} AS TIMESTAMP), TRY_CAST(left({plain}, 16) AS TIMESTAMP))"


def _minutes(stamp: str) -> str:
    """Minutes since 1970 in UTC; without an offset all events are taken to be in one zone."""
    offset = f"regexp_extract({stamp}, '([+-][0-9]{{2}}):?([0-9]{{2}})$', 1)"
    rest = f"regexp_extract({stamp}, '([+-][0-9]{{2}}):?([0-9]{{2}})$', 2)"
    has_offset = f"length({stamp}) > 16 AND {offset} <> ''"
    shift = f"CASE WHEN {has_offset} THEN {offset}::INTEGER * 60 + sign({offset}::INTEGER) * {rest}::INTEGER ELSE 0 END"
    return f"(epoch_ms({_local_time(stamp)}) / 60000.0)::DECIMAL(16,4) - ({shift})"

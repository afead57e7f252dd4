"""Process logs (case, activity, moment, resource) -> cases and minutes by process and month, in lead time, office time or working time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.load import event_measures, event_notes
from kdx_eval.load.database import create_table, name, rows, scalar, text
from kdx_eval.load.dates import Refusal
from kdx_eval.load.directory import Directory
from kdx_eval.load.event_headings import LogLayout
from kdx_eval.load.event_times import parse_moments
from kdx_eval.load.files import Grid
from kdx_eval.load.staging import FAULTS, shown_heading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """A log as read.

    Attributes
    ----------
    table : str
        process_id, department_id, month, cases, minutes, measure_basis: rows of the workload.
    durations : str
        One row a case: process_id, department_id, month of its end, lead_minutes, business_minutes, working_minutes.
    """

    table: str
    durations: str
    rows_read: int
    notes: tuple[str, ...]


def read_event_log(con: DuckDBPyConnection, grid: Grid, *, layout: LogLayout, key: str, directories: Mapping[str, Directory]) -> EventLog:
    """Completed cases by month of their end with their minutes, by process (and department, where the log has one).

    The month is that of the last event on the clock as written. Lead time runs from a case's first event to its last, or, when the process is
    the activity, from the event before. With pairs of start and completion the minutes are working time (basis ``log``), counted in the month of
    the work, and a person's overlapping work once; without them they are lead time, which is no staff time. Events without a case or moment, or of
    an unknown department, become refused rows. Who did the work is used here and kept nowhere.

    Raises SchemaError when working time is asked for and the log cannot show it.
    """
    _write_raw(con, grid, layout=layout, key=key)
    moments = tuple(part for part in ("stamp", "start", "opened") if part == "stamp" or part in layout.columns)
    told = parse_moments(con, f"raw_{key}", columns=moments, target=f"parsed_{key}", order=layout.day_order)
    _find_faults(con, layout=layout, key=key, moments=moments)
    remarks = [
        _resolve(con, part, directory=directories[table], layout=layout, key=key)
        for part, table in (("department", "departments"), ("process", "processes"))
        if part in layout.columns
    ]
    rows_read = scalar(con, f"SELECT count(*) FROM parsed_{key}")
    _write_events(con, layout=layout, key=key, moments=moments)
    remarks += [*event_notes.day_orders(layout, told), event_measures.drop_idle_starts(con, layout=layout, key=key)]
    if layout.process is not None:
        found = directories["processes"].resolve(layout.process)
        con.execute(f"UPDATE events_{key} SET process_id = {text(found if isinstance(found, str) else layout.process)}")
    event_measures.add_office_time(con, f"events_{key}", office=layout.office)
    basis = event_measures.measure(con, layout=layout, key=key)
    notes = (*event_notes.log_notes(con, layout=layout, key=key, basis=basis), *filter(None, remarks))
    for left in ("raw", "parsed", "events", "cases", "work"):
        con.execute(f"DROP TABLE {left}_{key}")
    return EventLog(table=f"stage_{key}", durations=f"durations_{key}", rows_read=rows_read, notes=notes)


def _write_raw(con: DuckDBPyConnection, grid: Grid, *, layout: LogLayout, key: str) -> None:
    cell = {part: f"c{index}" for part, index in layout.columns.items()}
    stamp = cell["timestamp"] if "time" not in cell else f"CASE WHEN {cell['timestamp']} = '' THEN '' ELSE {cell['timestamp']} || ' ' || {cell['time']} END"
    parts = {part: f"nullif({cell[part]}, '')" if part in cell else "NULL::VARCHAR" for part in ("activity", "department", "resource", "instance")}
    process = parts["activity"] if layout.by_activity else f"nullif({cell['process']}, '')" if "process" in cell else "NULL::VARCHAR"
    filled = " || ".join(f"c{index}" for index in range(grid.n_columns))
    con.execute(f"""CREATE TEMP TABLE raw_{key} AS
        SELECT row_number() OVER () AS rid, line, nullif({cell["case"]}, '') AS case_id, {stamp} AS stamp, {process} AS process,
            lower({cell.get("transition", "''")}) AS transition, {cell.get("start", "''")} AS start, {cell.get("opened", "''")} AS opened,
            {", ".join(f"{sql} AS {part}" for part, sql in parts.items())}
        FROM {name(grid.table)} WHERE line > {layout.header_line} AND {filled} <> ''""")


def _find_faults(con: DuckDBPyConnection, *, layout: LogLayout, key: str, moments: tuple[str, ...]) -> None:
    column = {part: shown_heading(heading) for part, heading in layout.headings.items()}
    found = [(column["case"], "'required'", "case_id IS NULL"), (column["timestamp"], "coalesce(stamp_rule, 'required')", "stamp_local IS NULL")]
    if "start" in moments:
        found.append((column["start"], "start_rule", "start_rule IS NOT NULL"))
        found.append((column["timestamp"], "'date_order'", "start_utc > stamp_utc"))
    if layout.by_activity:
        found.append((column.get("activity", ""), "'required'", "activity IS NULL"))
    elif "process" in column and layout.process is None:
        found.append((column["process"], "'required'", "process IS NULL"))
    for heading, rule, bad in found:
        con.execute(f"INSERT INTO {FAULTS} SELECT {text(key)}, rid, line, {text(heading)}, {rule} FROM parsed_{key} WHERE {bad}")


def _resolve(con: DuckDBPyConnection, part: str, *, directory: Directory, layout: LogLayout, key: str) -> str:
    """Names of departments or processes -> ids; where their list was delivered, what is not on it is refused.

    A column that was only taken for the department, and has not one name of the list in it, is another thing: it is left out and the
    remark says so.
    """
    if part == "process" and (layout.by_activity or layout.process is not None):
        return ""
    unknown = "unknown_department" if part == "department" else "unknown_reference"
    values: list[tuple[str | None, ...]] = []
    for (written,) in rows(con, f"SELECT DISTINCT {part} FROM parsed_{key} WHERE {part} IS NOT NULL ORDER BY 1"):
        read = directory.resolve(str(written))
        rule = read.rule if isinstance(read, Refusal) else None if read is None or read in directory.ids.values() else unknown
        values.append((str(written), None if rule or read is None else str(read), rule))
    heading = shown_heading(layout.headings[part])
    if part == "department" and part not in layout.said and values and all(rule == unknown for _, _, rule in values):
        con.execute(f"UPDATE parsed_{key} SET {part} = NULL")
        hint = "所属なら一覧に加えるか、mapping.yaml の department に書いてください"
        return f"「{heading}」の値は所属の一覧にひとつもないので、所属として使いませんでした。{hint}"
    create_table(con, f"names_{key}", columns=("written", "meant", "rule"), values=values)
    con.execute(f"""INSERT INTO {FAULTS} SELECT {text(key)}, rid, line, {text(heading)}, n.rule
        FROM parsed_{key} JOIN names_{key} n ON {part} = n.written WHERE n.rule IS NOT NULL""")
    con.execute(f"UPDATE parsed_{key} SET {part} = n.meant FROM names_{key} n WHERE {part} = n.written")
    con.execute(f"DROP TABLE names_{key}")
    return ""


def _write_events(con: DuckDBPyConnection, *, layout: LogLayout, key: str, moments: tuple[str, ...]) -> None:
    """The accepted events with their moments on the office's clock and in UTC, in milliseconds."""

    def clock(part: str) -> str:
        if part not in moments:
            return "NULL::BIGINT"
        shifted = f"CASE WHEN {part}_offset THEN {part}_utc + {(layout.utc_offset or 0) * 60_000} ELSE {part}_local END"
        return shifted if layout.utc_offset is not None else f"{part}_local"

    started = "start_utc" if "start" in moments else "NULL::BIGINT"
    con.execute(f"""CREATE TEMP TABLE events_{key} AS
        SELECT rid, case_id, coalesce(activity, '') AS activity, process AS process_id, department AS department_id, resource, instance, transition,
            {clock("stamp")} AS local_ms, stamp_utc AS utc_ms, stamp_offset, stamp_timed, {clock("start")} AS start_local, {started} AS start_utc,
            {clock("opened")} AS opened_local
        FROM parsed_{key} p WHERE NOT EXISTS (SELECT 1 FROM {FAULTS} f WHERE f.stage = {text(key)} AND f.rid = p.rid)""")

"""From events to cases, working time and rows of the workload, in whole milliseconds so that sums do not depend on the order of work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, TypeAlias

from kdx_eval.errors import SchemaError
from kdx_eval.load.business_time import OfficeHours, business_days, seconds_before
from kdx_eval.load.database import name, rows, text
from kdx_eval.load.event_headings import LogLayout
from kdx_eval.load.event_times import DAY_MS
from kdx_eval.load.staging import shown_heading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Basis: TypeAlias = Literal["lead_time", "business", "log", "estimate"]
_EPOCH = dt.date(1970, 1, 1)
_ORDER = "(utc_ms, rid)"
# XES: what begins a stretch of work and what ends one; a transition that is not given counts as completion.
_OPENING, _CLOSING = "('start', 'resume')", "('complete', 'suspend', '')"
_ENDING = "transition IN ('complete', '')"


def add_office_time(con: DuckDBPyConnection, events: str, *, office: OfficeHours) -> None:
    """Add ``office_ms`` and ``start_office``: office milliseconds from a common origin to each moment, so that differences are office time."""
    ((first, last),) = rows(con, f"SELECT min(least(local_ms, start_local)), max(local_ms) FROM {name(events)}")
    begin, end = (_EPOCH + dt.timedelta(milliseconds=int(str(at or 0)) // DAY_MS * DAY_MS) for at in (first, last))
    before, works = seconds_before(begin, end, office=office), business_days(begin, end, calendar=office.calendar)
    con.execute("CREATE OR REPLACE TEMP TABLE office_days (day BIGINT, before BIGINT, works BOOLEAN)")
    con.execute(
        "INSERT INTO office_days SELECT unnest($1::BIGINT[]), unnest($2::BIGINT[]), unnest($3::BOOLEAN[])",
        [[(begin - _EPOCH).days + number for number in range(len(before))], (before * 1000).tolist(), works.tolist()],
    )

    def clock(moment: str, day: str) -> str:
        at = f"({moment} - {day}.day * {DAY_MS})"
        opened = f"least(greatest({at}, {office.opens * 1000}), {office.closes * 1000}) - {office.opens * 1000}"
        lunch = f"least(greatest({at}, {office.lunch_from * 1000}), {office.lunch_to * 1000}) - {office.lunch_from * 1000}"
        return f"{day}.before + CASE WHEN {day}.works THEN {opened} - ({lunch}) ELSE 0 END"

    con.execute(f"""CREATE OR REPLACE TEMP TABLE {name(events)} AS
        SELECT e.*, {clock("local_ms", "a")} AS office_ms, {clock("start_local", "b")} AS start_office
        FROM {name(events)} e LEFT JOIN office_days a ON a.day = e.local_ms // {DAY_MS} LEFT JOIN office_days b ON b.day = e.start_local // {DAY_MS}""")
    con.execute("DROP TABLE office_days")


def drop_idle_starts(con: DuckDBPyConnection, *, layout: LogLayout, key: str) -> str:
    """Take no start for one where every start equals its end, as systems write that record one moment only; the remark on it, else ""."""
    if "start" not in layout.columns:
        return ""
    ((starts, lasting),) = rows(con, f"SELECT count(start_utc), count(*) FILTER (start_utc < utc_ms) FROM events_{key}")
    if not starts or lasting:
        return ""
    con.execute(f"UPDATE events_{key} SET start_local = NULL, start_utc = NULL")
    return f"「{shown_heading(layout.headings['start'])}」はすべて完了と同じ時刻なので、作業した時間は分かりません"


def measure(con: DuckDBPyConnection, *, layout: LogLayout, key: str) -> Basis:
    """Make ``cases_<key>``, ``work_<key>``, ``durations_<key>`` and ``stage_<key>`` from ``events_<key>``; return what the minutes are.

    Raises SchemaError when working time is asked for and the log has neither pairs of start and completion nor persons.
    """
    con.execute(f"CREATE TEMP TABLE cases_{key} AS {_by_activity(key) if layout.by_activity else _by_case(key, layout.complete)}")
    con.execute(f"CREATE TEMP TABLE stretches_{key} AS {_pairs(key, given=layout.columns)}")
    ((paired,),) = rows(con, f"SELECT count(*) FROM stretches_{key}")
    cap = ""
    if not paired and layout.measure == "working":
        if "resource" not in layout.columns:
            hint = "resource に担当者の列を書くか、measure を lead_time か business にしてください"
            raise SchemaError("作業した時間を数える手がかり（開始と完了の組か、担当者）がありません", place="mapping.yaml event_log measure", hint=hint)
        con.execute(f"CREATE OR REPLACE TEMP TABLE stretches_{key} AS {_gaps(key)}")
        cap = f"least({layout.cap_minutes * 60_000}, close_office - open_office)"
    con.execute(f"CREATE TEMP TABLE work_{key} AS {_worked_once(key, layout.office, cap)}")
    con.execute(f"DROP TABLE stretches_{key}")
    usual: Basis = "business" if layout.measure == "business" else "lead_time"
    basis: Basis = "estimate" if cap else "log" if paired and layout.measure in {None, "working"} else usual
    joined = "rid" if layout.by_activity else "case_id"
    con.execute(f"""CREATE TABLE durations_{key} AS SELECT c.process_id, c.department_id, c.month, {_minutes("lead_ms")} AS lead_minutes,
            {_minutes("business_ms")} AS business_minutes, {_minutes("w.work_ms")} AS working_minutes
        FROM cases_{key} c LEFT JOIN (SELECT {joined}, sum(work_ms) AS work_ms FROM work_{key} GROUP BY ALL) w USING ({joined})
        WHERE c.completed ORDER BY ALL""")
    stated = "lead_time" if basis == "business" else basis
    con.execute(f"""CREATE TABLE stage_{key} AS
        SELECT '{key}' AS _stage, row_number() OVER (ORDER BY process_id, department_id, month) AS _rid, 0::BIGINT AS _line,
            process_id, department_id, month, cases, "minutes", '{stated}' AS measure_basis FROM ({_rows(key, basis)})""")
    return basis


def _minutes(milliseconds: str) -> str:
    return f"({milliseconds} / 60000.0)::DECIMAL(14,2)"


def _month(milliseconds: str) -> str:
    return f"date_trunc('month', make_timestamp({milliseconds} * 1000))::DATE"


def _by_case(key: str, complete: str | None) -> str:
    done = f"bool_or(activity = {text(complete)} AND {_ENDING})" if complete else "true"
    return f"""SELECT case_id, NULL::BIGINT AS rid, arg_min(process_id, {_ORDER}) AS process_id, arg_min(department_id, {_ORDER}) AS department_id,
            {_month(f"arg_max(local_ms, {_ORDER})")} AS month, (max(utc_ms) - min(least(utc_ms, start_utc)))::BIGINT AS lead_ms,
            greatest(0, max(office_ms) - min(least(office_ms, start_office)))::BIGINT AS business_ms, {done} AS completed,
            min(local_ms) AS first_local, max(local_ms) AS last_local, min(opened_local) AS opened_local
        FROM events_{key} GROUP BY case_id"""


def _by_activity(key: str) -> str:
    window = f"OVER (PARTITION BY case_id ORDER BY {_ORDER})"
    return f"""SELECT case_id, rid, process_id, department_id, {_month("local_ms")} AS month,
            (utc_ms - coalesce(lag(utc_ms) {window}, start_utc, utc_ms))::BIGINT AS lead_ms,
            greatest(0, office_ms - coalesce(lag(office_ms) {window}, start_office, office_ms))::BIGINT AS business_ms, true AS completed,
            local_ms AS first_local, local_ms AS last_local, opened_local
        FROM events_{key} WHERE {_ENDING}"""


def _pairs(key: str, *, given: Collection[str]) -> str:
    """Stretches of work: rows with a start and an end of their own, and starts with the completion that follows in the same activity."""
    follows = f"OVER (PARTITION BY case_id, activity, instance ORDER BY {_ORDER})"
    lead = ", ".join(f"lead({part}) {follows} AS next_{part}" for part in ("rid", "transition", "local_ms", "utc_ms", "office_ms"))
    rows = f"""SELECT rid, case_id, process_id, department_id, resource, start_local AS open_local, start_utc AS open_utc, start_office AS open_office,
            local_ms AS close_local, utc_ms AS close_utc, office_ms AS close_office FROM events_{key} WHERE start_utc IS NOT NULL"""
    if "transition" not in given:
        return rows
    return f"""{rows} UNION ALL
        SELECT next_rid, case_id, process_id, department_id, resource, local_ms, utc_ms, office_ms, next_local_ms, next_utc_ms, next_office_ms
        FROM (SELECT *, {lead} FROM events_{key} WHERE start_utc IS NULL AND transition IN ('start', 'resume', 'complete', 'suspend', ''))
        WHERE transition IN {_OPENING} AND next_transition IN {_CLOSING}"""


def _gaps(key: str) -> str:
    """From one record of a person in a case to that person's next one there."""
    earlier = f"OVER (PARTITION BY case_id, resource ORDER BY {_ORDER})"
    return f"""SELECT rid, case_id, process_id, department_id, resource, lag(local_ms) {earlier} AS open_local, lag(utc_ms) {earlier} AS open_utc,
            lag(office_ms) {earlier} AS open_office, local_ms AS close_local, utc_ms AS close_utc, office_ms AS close_office
        FROM events_{key} WHERE resource IS NOT NULL QUALIFY open_utc IS NOT NULL"""


def _worked_once(key: str, office: OfficeHours, cap: str) -> str:
    """Working milliseconds of each stretch; time that a person already spends on an earlier stretch is not counted again.

    Within one day the time as recorded, without lunch: overtime is work too. Over several days office time: nobody works through the night.
    """
    earlier = "OVER (PARTITION BY resource ORDER BY open_utc, close_utc, rid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    opens = ", ".join(
        f"least(close_{part}, greatest(open_{part}, CASE WHEN resource IS NULL THEN open_{part} ELSE coalesce(max(close_{part}) {earlier}, open_{part}) END))"
        f" AS open_{part}"
        for part in ("local", "utc", "office")
    )

    def lunch(moment: str) -> str:
        return f"least(greatest({moment} % {DAY_MS}, {office.lunch_from * 1000}), {office.lunch_to * 1000})"

    one_day = f"open_local // {DAY_MS} = close_local // {DAY_MS}"
    worked = cap or f"""CASE WHEN {one_day} THEN close_utc - open_utc - ({lunch("close_local")} - {lunch("open_local")})
        ELSE close_office - open_office END"""
    return f"""SELECT rid, case_id, process_id, department_id, {_month("close_local")} AS month, greatest(0, {worked})::BIGINT AS work_ms,
            open_utc - recorded AS overlap_ms
        FROM (SELECT rid, case_id, process_id, department_id, resource, open_utc AS recorded, close_local, close_utc, close_office, {opens}
            FROM stretches_{key})"""


def _rows(key: str, basis: Basis) -> str:
    by = "process_id, department_id, month"
    cases = f"SELECT {by}, count(*)::BIGINT AS cases, sum(lead_ms) AS lead_ms, sum(business_ms) AS business_ms FROM cases_{key} WHERE completed GROUP BY {by}"
    if basis in {"lead_time", "business"}:
        return f'SELECT {by}, cases, {_minutes("business_ms" if basis == "business" else "lead_ms")} AS "minutes" FROM ({cases})'
    # Work is counted in the month in which it was done, also for cases that end later: those months have work and no case yet.
    return f"""SELECT coalesce(c.process_id, w.process_id) AS process_id, coalesce(c.department_id, w.department_id) AS department_id,
            coalesce(c.month, w.month) AS month, coalesce(cases, 0) AS cases, {_minutes("work_ms")} AS "minutes"
        FROM ({cases}) c FULL JOIN (SELECT {by}, sum(work_ms) AS work_ms FROM work_{key} GROUP BY {by}) w
        ON c.process_id = w.process_id AND c.department_id IS NOT DISTINCT FROM w.department_id AND c.month = w.month"""

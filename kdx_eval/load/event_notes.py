"""What must be said about a log beside its figures: how it was read, what the minutes are, which cases are open or began before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows, scalar, text
from kdx_eval.load.dates import DayOrder
from kdx_eval.load.event_headings import LogLayout
from kdx_eval.load.event_measures import Basis
from kdx_eval.load.event_times import DAY_MS
from kdx_eval.load.staging import shown_heading
from kdx_eval.units import format_number, format_share

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PERHAPS_OPEN_DAYS = 30
_BASIS: dict[Basis, str] = {
    "lead_time": "時間は所要期間（待ち時間を含む）で、働いた時間ではありません",
    "business": "時間は開庁時間で数えた所要期間（待ち時間を含む）で、働いた時間ではありません",
    "log": "時間は作業の開始から完了までの記録（ログ）です。同じ担当者の重なる時間は一度だけ数え、日をまたぐ作業は開庁時間だけを数えました",
    "estimate": "時間は、同じ案件で同じ担当者の記録が続く間隔を作業とみなした推計です",
}


def log_notes(con: DuckDBPyConnection, *, layout: LogLayout, key: str, basis: Basis) -> tuple[str, ...]:
    """Remarks in Japanese on the log ``key``; no name of a person, case or activity occurs in them."""
    notes = [layout.sentence, *_counts(con, layout, key), _BASIS[basis], *_office(con, layout, key), *_work(con, layout, key, basis)]
    notes += [*_open_cases(con, layout, key), *_begun_before(con, layout, key), *_clocks(con, layout, key)]
    return tuple(notes)


def day_orders(layout: LogLayout, told: Mapping[str, DayOrder]) -> list[str]:
    """A remark on each column whose dates have the year last, and how they were read."""
    words = {"dmy": "日・月・年", "mdy": "月・日・年"}
    part = {"stamp": "timestamp", "start": "start", "opened": "opened"}
    hint = "違うときは mapping.yaml の event_log に date_order を書いてください"
    return [f"「{shown_heading(layout.headings[part[column]])}」の日付は{words[order]}の順に読みました。{hint}" for column, order in told.items()]


def _counts(con: DuckDBPyConnection, layout: LogLayout, key: str) -> list[str]:
    events, cases = scalar(con, f"SELECT count(*) FROM events_{key}"), scalar(con, f"SELECT count(*) FROM cases_{key} WHERE completed")
    what = "作業" if layout.by_activity else "処理"
    return [f"{format_number(events)}件の記録から、終わった{what}{format_number(cases)}件を数えました。件数は終わった月に入れています"]


def _office(con: DuckDBPyConnection, layout: LogLayout, key: str) -> list[str]:
    ((mean,),) = rows(con, f"SELECT CAST(avg(business_ms) AS DOUBLE) FROM cases_{key} WHERE completed")
    if not isinstance(mean, float):
        return []
    days = format_number(mean / 1000 / layout.office.day_seconds, 2)
    return [f"開庁時間（{layout.office.sentence}）で数えた所要期間は、平均{days}開庁日です"]


def _work(con: DuckDBPyConnection, layout: LogLayout, key: str, basis: Basis) -> list[str]:
    if basis not in {"log", "estimate"}:
        return []
    notes = [f"推計では一つの間隔を{layout.cap_minutes}分で打ち切りました"] if basis == "estimate" else []
    overlap = scalar(con, f"SELECT (coalesce(sum(overlap_ms), 0) / 60000)::BIGINT FROM work_{key}")
    if overlap:
        notes.append(f"同じ担当者の作業が重なっていた延べ{format_number(overlap)}分は、二重に数えていません")
    starts = scalar(con, f"SELECT count(*) FROM events_{key} WHERE transition IN ('start', 'resume') AND start_utc IS NULL")
    lone = starts - scalar(con, f"SELECT count(*) FROM work_{key}") + scalar(con, f"SELECT count(*) FROM events_{key} WHERE start_utc IS NOT NULL")
    if basis == "log" and lone > 0:
        notes.append(f"開始だけで完了の記録がない作業{format_number(lone)}件は、時間に入っていません")
    return notes


def _open_cases(con: DuckDBPyConnection, layout: LogLayout, key: str) -> list[str]:
    if layout.by_activity:
        return []
    ((last,),) = rows(con, f"SELECT strftime(make_timestamp(max(local_ms) * 1000), '%Y-%m-%d') FROM events_{key}")
    if layout.complete:
        found = scalar(con, f"SELECT count(*) FROM cases_{key} WHERE NOT completed")
        return [f"記録の終わり（{last}）までに終わっていない処理{format_number(found)}件は、件数にも所要期間にも入っていません"] if found else []
    latest = f"(SELECT max(last_local) FROM cases_{key}) - {_PERHAPS_OPEN_DAYS * DAY_MS}"
    late = scalar(con, f"SELECT count(*) FROM cases_{key} WHERE last_local >= {latest}")
    hint = "終わりの作業の名前を mapping.yaml の complete に書くと、途中の処理を除けます"
    return [f"記録の終わり（{last}）の前{_PERHAPS_OPEN_DAYS}日に動きのあった処理{format_number(late)}件は、まだ途中かもしれません。{hint}"] if late else []


def _begun_before(con: DuckDBPyConnection, layout: LogLayout, key: str) -> list[str]:
    """Cases that were already under way when the log begins, and those of them that are still open when it ends."""
    if layout.by_activity:
        return []
    start = f"(SELECT min(local_ms) // {DAY_MS} FROM events_{key})"
    if layout.begin:
        early = f"case_id NOT IN (SELECT case_id FROM events_{key} WHERE activity = {text(layout.begin)})"
        why = "始まりの作業の記録がない"
    elif "opened" in layout.columns:
        early, why = f"opened_local // {DAY_MS} < {start}", "受付が記録の初日より前の"
    else:
        return []
    total, still_open = rows(con, f"SELECT count(*), count(*) FILTER (NOT completed) FROM cases_{key} WHERE {early}")[0]
    also = f"（うち{still_open}件は終わりにもまだ途中）" if still_open else ""
    return [f"{why}処理{total}件{also}は、所要期間が実際より短く出ます"] if total else []


def _clocks(con: DuckDBPyConnection, layout: LogLayout, key: str) -> list[str]:
    events, timed, offset, utc = rows(
        con,
        f"""SELECT count(*), count(*) FILTER (stamp_timed), count(*) FILTER (stamp_offset), count(*) FILTER (stamp_offset AND local_ms = utc_ms)
            FROM events_{key}""",
    )[0]
    total, with_time, with_offset, in_utc = (int(str(count)) for count in (events, timed, offset, utc))
    notes = []
    if with_time < total:
        notes.append(f"時刻のない記録が{format_share((total - with_time) / total)}あり、その日の0時としています")
    if 0 < with_offset < total:
        notes.append("時差の書かれた時刻と書かれていない時刻が混じっています。所要期間が時差の分だけずれていないか確かめてください")
    if in_utc and 2 * in_utc > total and layout.utc_offset is None and layout.office.calendar == "japan":
        notes.append("時刻が世界協定時（UTC）で書かれているようです。日本時間に直すには mapping.yaml の event_log に utc_offset: 9 と書いてください")
    return notes

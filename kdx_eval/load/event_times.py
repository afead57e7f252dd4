"""Moments as people and systems write them, in SQL: the day through the date parser, the time of day and the offset beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.load.database import create_table, name, rows, text
from kdx_eval.load.dates import DayOrder, Refusal, day_order, parse_date

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WIDE = "０１２３４５６７８９：／－−．，　＋Ｔ"
_NARROW = "0123456789:/--., +T"
# A day, then a clock with an optional half of the day, fraction and offset from UTC.
_CLOCK = (
    r"^(.+?)[\sT]*(午前|午後|AM|PM)?\s*(\d{1,2})[:時](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?)?[秒分]?\s*(?:(Z)|([+-])(\d{2}):?(\d{2})?)?$"
)
_COMPACT = r"^(\d{8})[\sT_]*(\d{2})(\d{2})(\d{2})?$"
_PARTS = "['day', 'half', 'hour', 'minute', 'second', 'fraction', 'zulu', 'sign', 'ahead', 'ahead_minute']"
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
DAY_MS = 86_400_000


def parse_moments(con: DuckDBPyConnection, source: str, *, columns: tuple[str, ...], target: str, order: DayOrder | None) -> dict[str, DayOrder]:
    """``target``: the columns of ``source`` and, for each text column of ``columns``, what it means.

    ``<column>_local`` and ``<column>_utc`` are milliseconds since 1970 on the clock as written and in UTC (the same without an offset),
    ``<column>_offset`` whether one is written, ``<column>_timed`` whether there is a time of day, ``<column>_rule`` why it was refused.
    A blank gives NULL without a rule. ``order`` is that of dates with the year last; None lets the column's own dates tell.

    Returns
    -------
    dict
        Column -> the order that its dates told.
    """
    told: dict[str, DayOrder] = {}
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        step = target if last else f"{target}_{column}"
        before = source if number == 0 else f"{target}_{columns[number - 1]}"
        if (found := _parse_one(con, before, column=column, target=step, order=order)) and not order:
            told[column] = found
        if number:
            con.execute(f"DROP TABLE {name(before)}")
    return told


def _parse_one(con: DuckDBPyConnection, source: str, *, column: str, target: str, order: DayOrder | None) -> DayOrder | None:
    plain = f"translate(trim({column}), {text(_WIDE)}, {text(_NARROW)})"
    split, days = f"{target}_split", f"{target}_days"
    con.execute(f"""CREATE TEMP TABLE {name(split)} AS SELECT * EXCLUDE (plain),
            CASE WHEN regexp_matches(plain, {text(_COMPACT)}) THEN {_compact()} ELSE regexp_extract(plain, {text(_CLOCK)}, {_PARTS}) END AS clock, plain
        FROM (SELECT *, {plain} AS plain FROM {name(source)})""")
    day = "CASE WHEN clock.hour = '' THEN plain ELSE clock.day END"
    values: list[tuple[str | None, ...]] = []
    texts = [str(written) for (written,) in rows(con, f"SELECT DISTINCT {day} FROM {name(split)} WHERE plain <> ''")]
    order = order or day_order(texts)
    for written in texts:
        read = parse_date(written, order=order)
        usable = not isinstance(read, Refusal) and _FIRST_YEAR <= read.year <= _LAST_YEAR
        values.append((written, str(read) if usable else None, read.rule if isinstance(read, Refusal) else None if usable else "not_a_date"))
    create_table(con, days, columns=("written", "day", "rule"), values=values)
    hour = "TRY_CAST(clock.hour AS INTEGER)"
    hour24 = f"CASE WHEN clock.half IN ('午後', 'PM') THEN {hour} % 12 + 12 WHEN clock.half IN ('午前', 'AM') THEN {hour} % 12 ELSE {hour} END"
    minute, second = "TRY_CAST(clock.minute AS INTEGER)", "coalesce(TRY_CAST(clock.second AS INTEGER), 0)"
    in_day = f"(({hour24} * 60 + {minute}) * 60 + {second}) * 1000 + coalesce(TRY_CAST(rpad(left(clock.fraction, 3), 3, '0') AS BIGINT), 0)"
    # 24:00 is midnight at the end of the day.
    whole = f"({hour} <= 23 AND {minute} <= 59 AND {second} <= 59) OR ({hour} = 24 AND {minute} = 0 AND {second} = 0)"
    local = f"epoch_ms(d.day::TIMESTAMP) + CASE WHEN clock.hour = '' THEN 0 WHEN {whole} THEN {in_day} END"
    ahead = "(TRY_CAST(clock.ahead AS BIGINT) * 60 + coalesce(TRY_CAST(clock.ahead_minute AS BIGINT), 0)) * CASE clock.sign WHEN '-' THEN -1 ELSE 1 END"
    con.execute(f"""CREATE TABLE {name(target)} AS SELECT * EXCLUDE (clock, plain, written, day, rule, local, ahead),
            local AS {column}_local, local - coalesce(ahead, 0) * 60000 AS {column}_utc, ahead IS NOT NULL AS {column}_offset,
            clock.hour <> '' AS {column}_timed,
            CASE WHEN plain = '' THEN NULL WHEN rule IS NOT NULL THEN rule WHEN local IS NULL THEN 'not_a_time' END AS {column}_rule
        FROM (SELECT *, {local} AS local, CASE WHEN clock.zulu <> '' THEN 0 WHEN clock.sign <> '' THEN {ahead} END AS ahead
            FROM {name(split)} s LEFT JOIN {name(days)} d ON d.written = {day})""")
    con.execute(f"DROP TABLE {name(split)}; DROP TABLE {name(days)}")
    return order


def _compact() -> str:
    parts = "['day', 'hour', 'minute', 'second']"
    found = f"regexp_extract(plain, {text(_COMPACT)}, {parts})"
    blank = ", ".join(f"'{part}': ''" for part in ("fraction", "zulu", "sign", "ahead", "ahead_minute"))
    return f"{{'day': {found}.day, 'half': '', 'hour': {found}.hour, 'minute': {found}.minute, 'second': {found}.second, {blank}}}"

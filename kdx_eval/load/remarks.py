"""What is doubtful in the tables as a whole though no single row is wrong: remarks in Japanese, with counts and never a value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kdx_eval.load.database import name, rows, scalar
from kdx_eval.load.overlaps import overlaps
from kdx_eval.load.staging import FAULTS, Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ACCEPTED = f"NOT EXISTS (SELECT 1 FROM {FAULTS} f WHERE f.stage = a._stage AND f.rid = a._rid)"
_LONG_MONTH_HOURS = 200  # overtime of one person; possible, and rare enough to be looked at
_MEDIAN_OF_MINUTES = 100  # half of all people with over 100 hours of overtime is no city: the column holds minutes
_FEWEST_CELLS = 12
_LARGE = 5_000_000  # rows; for larger tables the quality report looks at the finished files instead
_MONTHLY = {"worktime": "month", "headcount": "month", "workload": "coalesce(month, date_trunc('month', date)::DATE)"}
# What a machine writes for a character it does not have: 〓, a private character (外字), or a question mark inside a name.
LOST_CHARACTER = re.compile("[〓\ue000-\uf8ff]")
_LOST_IN_NAME = r"[〓?？\x{E000}-\x{F8FF}]"


def remark(con: DuckDBPyConnection, stages: Mapping[str, Sequence[Stage]], *, names: Iterable[str]) -> dict[str, list[str]]:
    """Remarks by the key of the stage on whose file they stand; to be called when all rows were checked and ``all_<table>`` exist.

    ``names`` are the names and codes of departments, courses and processes.
    """
    found: dict[str, list[str]] = {}
    for table, parts in stages.items():
        notes: list[str] = []
        if table == "assignments":
            large = sum(stage.rows_read for stage in parts) > _LARGE
            notes += ["行が多いため、同じ人の所属の重なりと空白は数えていません"] if large else _transfers(con)
        if table == "departments":
            notes += _successors(con) + _lost_in_names(names)
        if table == "worktime":
            notes += _long_hours(con)
        if table == "workload" and sum(stage.rows_read for stage in parts) <= _LARGE:
            notes += _long_days(con)
        if table in _MONTHLY and sum(stage.rows_read for stage in parts) <= _LARGE:
            notes += _missing_months(con, table) + _departments(con, table, has_list="departments" in stages)
        found[parts[0].key] = notes
        if table == "workload" and sum(stage.rows_read for stage in parts) <= _LARGE:
            for key, said in overlaps(con, parts).items():
                found.setdefault(key, []).extend(said)
        for stage in parts:
            found.setdefault(stage.key, []).extend(_lost_in_people(con, stage))
    return {key: [f"注意: {note}" for note in notes] for key, notes in found.items() if notes}


def _transfers(con: DuckDBPyConnection) -> list[str]:
    wanted = ("next <= valid_to", "next IS NOT NULL AND valid_to IS NULL", "next > valid_to + INTERVAL 1 DAY")
    people = ", ".join(f"count(DISTINCT staff_id) FILTER (WHERE {one})" for one in wanted)
    found = rows(
        con,
        f"""SELECT {people} FROM (
        SELECT staff_id, valid_to, lead(valid_from) OVER (PARTITION BY staff_id ORDER BY valid_from, department_id) AS next
        FROM all_assignments a WHERE {_ACCEPTED})""",
    )[0]
    overlapping, open_ended, gapped = (int(str(one)) for one in found)
    notes = []
    if overlapping:
        notes.append(f"同じ日に二つの所属がある人が{overlapping}人います。兼務でなければ、前の所属の終了日を直してください")
    if open_ended:
        notes.append(f"終了日が空欄のまま次の所属が始まる人が{open_ended}人います。前の所属の終了日を入れてください")
    if gapped:
        notes.append(f"所属と所属の間に空白の期間がある人が{gapped}人います。休職や派遣でなければ、日付を確かめてください")
    return notes


def _successors(con: DuckDBPyConnection) -> list[str]:
    known = "SELECT department_id FROM all_departments WHERE department_id IS NOT NULL"
    unknown = scalar(con, f"SELECT count(*) FROM all_departments WHERE successor_id NOT IN ({known})")
    without = scalar(con, "SELECT count(*) FROM all_departments WHERE valid_to IS NOT NULL AND successor_id IS NULL")
    notes = [f"後継所属コードが所属の一覧にない所属が{unknown}あります"] if unknown else []
    return notes + ([f"終了日があるのに後継所属コードのない所属が{without}あります。改称や統合なら後継を書いてください"] if without else [])


def _lost_in_names(names: Iterable[str]) -> list[str]:
    lost = sum(1 for one in set(names) if LOST_CHARACTER.search(one))
    return [f"外字または失われた文字（〓）を含む名称が{lost}あります。別の字に置き換えて出し直してください"] if lost else []


def _lost_in_people(con: DuckDBPyConnection, stage: Stage) -> list[str]:
    notes = []
    for column in stage.layout.columns:
        if column.field.name in {"full_name", "kana"}:
            lost = scalar(con, f"SELECT count(*) FROM {stage.table} WHERE regexp_matches({name(column.field.name)}, '{_LOST_IN_NAME}')")
            if lost:
                notes.append(f"「{column.field.title}」の{lost}行に外字または失われた文字（? や 〓）があり、名簿と照らし合わせられないおそれがあります")
    return notes


def _long_hours(con: DuckDBPyConnection) -> list[str]:
    people = "all_worktime a WHERE staff_id IS NOT NULL AND overtime_hours > 0"
    count, median = rows(con, f"SELECT count(*), median(overtime_hours)::DOUBLE FROM {people}")[0]
    if int(str(count)) >= _FEWEST_CELLS and float(str(median)) >= _MEDIAN_OF_MINUTES:
        return [f"一人ひと月の時間外の中央の値が{_MEDIAN_OF_MINUTES}時間を超えます。時間ではなく分ではありませんか。見出しに（分）と書けば分として読みます"]
    long = scalar(con, f"SELECT count(*) FROM {people} AND overtime_hours > {_LONG_MONTH_HOURS} AND {_ACCEPTED}")
    return [f"一人ひと月の時間外が{_LONG_MONTH_HOURS}時間を超える行が{long}行あります"] if long else []


def _long_days(con: DuckDBPyConnection) -> list[str]:
    of_people = f"all_workload a WHERE staff_id IS NOT NULL AND date IS NOT NULL AND coalesce(measure_basis, '') <> 'lead_time' AND {_ACCEPTED}"
    long = scalar(con, f'SELECT count(*) FROM (SELECT 1 FROM {of_people} GROUP BY staff_id, date HAVING sum("minutes") > 1440)')
    return [f"一人の一日の合計が24時間を超える日が{long}あります。同じ作業が二度書かれていないか確かめてください"] if long else []


def _missing_months(con: DuckDBPyConnection, table: str) -> list[str]:
    found = rows(con, f"SELECT DISTINCT {_MONTHLY[table]} AS m FROM all_{table} WHERE m IS NOT NULL ORDER BY m")
    months = [day for (day,) in found if isinstance(day, dt.date)]
    if len(months) < 2:
        return []
    span = [dt.date(number // 12, number % 12 + 1, 1) for number in range(_ordinal(months[0]), _ordinal(months[-1]) + 1)]
    missing = [day for day in span if day not in set(months)]
    # A roster of each 1 April has no other months; that is no gap.
    if not missing or 2 * len(months) < len(span):
        return []
    shown = "、".join(f"{day:%Y-%m}" for day in missing[:6])
    return [f"行が一つもない月が{len(missing)}あります（{shown}）。0 ではなく未収集として扱います"]


def _ordinal(day: dt.date) -> int:
    return day.year * 12 + day.month - 1


def _departments(con: DuckDBPyConnection, table: str, *, has_list: bool) -> list[str]:
    """Departments of the list without any row, and rows of departments that had ended."""
    n_with = scalar(con, f"SELECT count(DISTINCT department_id) FROM all_{table}")
    if not has_list or not n_with:
        return []
    absent = scalar(con, f"SELECT count(*) FROM all_departments d WHERE NOT EXISTS (SELECT 1 FROM all_{table} a WHERE a.department_id = d.department_id)")
    ended = scalar(
        con,
        f"SELECT count(*) FROM all_{table} a JOIN all_departments d USING (department_id) WHERE {_MONTHLY[table]} > d.valid_to AND {_ACCEPTED}",
    )
    notes = [f"所属の一覧にあるのに行が一つもない所属が{absent}あります。0 ではなく未収集として扱います"] if absent else []
    return notes + ([f"終了日より後の月の行が{ended}行あります。新しい所属の名前に直してください"] if ended else [])

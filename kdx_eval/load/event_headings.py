"""Which column of a process log is the case, the activity, the moment, the person: by mapping.yaml, XES names or Japanese headings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from kdx_eval.errors import SchemaError
from kdx_eval.load.business_time import OfficeHours, read_office_hours
from kdx_eval.load.database import name, scalar
from kdx_eval.load.dates import DayOrder
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import fold
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.staging import shown_heading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Measure: TypeAlias = Literal["lead_time", "business", "working"]
_HEADER_WITHIN = 30
_USUAL_CAP_MINUTES = 60
_FARTHEST_OFFSET_HOURS = 14
# Best first. A log is taken for one without being told only by its case, activity and moment together.
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "case": ("case:concept:name", "case_id", "case", "案件番号", "案件ID", "受付番号", "申請番号", "整理番号", "ケースID", "案件"),
    "activity": (
        "concept:name", "activity", "activity_name", "activity_id", "task",
        "作業", "作業名", "作業内容", "処理", "処理名", "処理内容", "工程", "工程名", "アクティビティ",
    ),
    "timestamp": (
        "time:timestamp", "timestamp", "complete_timestamp", "completed_at", "end_time", "処理日時", "完了日時", "終了日時", "作業日時", "日時", "発生日時",
        "登録日時", "更新日時", "処理日", "作業日",
    ),
    "time": ("処理時刻", "作業時刻", "時刻"),
    "start": ("start_timestamp", "started_at", "start_time", "開始日時", "着手日時"),
    "resource": ("org:resource", "resource", "resource_id", "担当者", "処理者", "作業者", "処理担当者", "担当", "操作者"),
    "department": ("case:department", "department", "所属", "担当課", "所管課", "課名", "課", "部署", "担当部署", "org:group"),
    "process": ("case:process", "process", "process_name", "業務", "業務名", "事務", "事務名", "手続", "手続名"),
    "transition": ("lifecycle:transition", "transition", "lifecycle_id", "lifecycle"),
    "instance": ("concept:instance", "activity_instance_id", "activity_instance"),
    "opened": ("case:startdate", "受付日", "申請日", "受理日", "受付日時", "申請日時"),
}  # fmt: skip
_NEEDED = ("case", "activity", "timestamp")
_TITLES = {
    "case": "案件", "activity": "作業", "timestamp": "日時", "time": "時刻", "start": "開始", "resource": "担当者", "department": "所属", "process": "業務",
    "transition": "開始・完了の別", "instance": "作業の番号", "opened": "受付日",
}  # fmt: skip
_NO_COLUMN = frozenset({"", "なし"})
_HAS_TIME = re.compile(r"\d{1,2}[:：時]\d{2}|^\d{8}[\sT]*\d{4,6}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLayout:
    """How a log is to be read.

    Attributes
    ----------
    columns : mapping
        Part (case, activity, timestamp, time, start, resource, department, process, transition, instance, opened) -> column of the grid.
    headings : mapping
        Part -> heading as written.
    process : str or None
        The one name of the process; None when ``by_activity`` or when a column names it.
    begin, complete : str or None
        Activities with which a case begins and ends.
    measure : str or None
        Which minutes go into the workload; None leaves it to what the log has.
    cap_minutes : int
        Longest time that is taken for work between two records of one person in one case.
    said : frozenset of str
        Parts that mapping.yaml names; the others were recognised by their headings.
    utc_offset : int or None
        Minutes by which office time is ahead of UTC; None takes the local time as it is written.
    day_order : {"dmy", "mdy"} or None
        How dates with the year last are written; None lets the dates tell.
    """

    header_line: int
    columns: Mapping[str, int]
    headings: Mapping[str, str]
    process: str | None
    by_activity: bool
    begin: str | None
    complete: str | None
    office: OfficeHours
    measure: Measure | None
    cap_minutes: int
    utc_offset: int | None
    day_order: DayOrder | None
    said: frozenset[str]
    recognised: bool

    @property
    def sentence(self) -> str:
        """Which column was taken for what, in Japanese."""
        pairs = "、".join(f"{_TITLES[part]}=「{shown_heading(heading)}」" for part, heading in self.headings.items())
        how = "見出しから処理の記録（イベントログ）と判断しました" if self.recognised else "mapping.yaml の event_log に従って読みました"
        return f"{how}: {pairs}。違うときは mapping.yaml の event_log に書いてください"


def log_layout(con: DuckDBPyConnection, grid: Grid, *, mapping: FileMapping) -> LogLayout | None:
    """The layout of a log; None when nothing says that the grid is one.

    Without a mapping a grid is a log when headings name case, activity and moment, the moment has a time of day, and cases recur.

    Raises
    ------
    SchemaError
        mapping.yaml names a heading that is not there, leaves out one that cannot be recognised, or gives hours that cannot be.
    """
    if mapping.event_log is None and (mapping.table is not None or not grid.n_columns):
        return None
    said = {part: value.strip() for part, value in (mapping.event_log or {}).items()}
    mapped = {part: said[part] for part in _HEADINGS if part in said and not (part == "process" and (said[part].startswith("=") or said[part] == "activity"))}
    position = _header_position(grid, mapping, wanted=[heading for heading in mapped.values() if heading not in _NO_COLUMN])
    line, cells = grid.head[position]
    columns = _assign([cell.strip() for cell in cells], mapped, grid=grid)
    if mapping.event_log is None:
        if any(part not in columns for part in _NEEDED) or not (_timed(grid, position, columns) and _recurs(con, grid, line=line, case=columns["case"])):
            return None
    elif lost := [part for part in ("case", "timestamp") if part not in columns]:
        raise SchemaError(f"event_log に {lost[0]} がありません", place=_place(grid), hint="case と timestamp の見出しを書いてください")
    process = said.get("process", "" if "process" in columns else "=" + grid.file.rsplit("/", 1)[-1].split(".", 1)[0])
    return LogLayout(
        header_line=line,
        columns=columns,
        headings={part: cells[index].strip() for part, index in columns.items()},
        process=process[1:] if process.startswith("=") else None,
        by_activity=process == "activity",
        begin=said.get("begin"),
        complete=said.get("complete"),
        office=read_office_hours(hours=said.get("hours"), lunch=said.get("lunch"), calendar=said.get("calendar"), place=_place(grid)),
        measure=_measure(said.get("measure"), grid=grid),
        cap_minutes=_whole(said.get("cap"), usual=_USUAL_CAP_MINUTES, most=24 * 60, place=f"{_place(grid)} cap"),
        utc_offset=_offset(said.get("utc_offset"), grid=grid),
        day_order=_day_order(said.get("date_order"), grid=grid),
        said=frozenset(said),
        recognised=mapping.event_log is None,
    )


def _place(grid: Grid) -> str:
    return f"mapping.yaml {grid.file} {grid.sheet}".strip()


def _header_position(grid: Grid, mapping: FileMapping, *, wanted: Sequence[str]) -> int:
    """The row that holds what the mapping names, else the one with most of a log's headings; the first when rows are equal."""
    if mapping.header_row is not None:
        return next((place for place, (line, _) in enumerate(grid.head) if line == mapping.header_row), 0)
    known = {fold(heading) for headings in _HEADINGS.values() for heading in headings}

    def score(place: int) -> tuple[int, int, int]:
        cells = [cell.strip() for cell in grid.head[place][1]]
        return sum(heading in cells for heading in wanted), sum(fold(cell) in known for cell in cells), -place

    return max(range(min(len(grid.head), _HEADER_WITHIN)), key=score)


def _assign(cells: Sequence[str], mapped: Mapping[str, str], *, grid: Grid) -> dict[str, int]:
    found: dict[str, int] = {}
    for part, heading in mapped.items():
        if heading in _NO_COLUMN:
            continue
        if heading not in cells:
            shown = "、".join(cells[:5])
            raise SchemaError(f"event_log の {part} に書かれた見出しがありません", place=_place(grid), hint=f"見出しの例: {shown}")
        found[part] = cells.index(heading)
    folded = [fold(cell) for cell in cells]
    for part, headings in _HEADINGS.items():
        free = (folded.index(word) for heading in headings if (word := fold(heading)) in folded)
        index = next((index for index in free if index not in found.values()), None)
        if part not in mapped and index is not None:
            found[part] = index
    return {part: found[part] for part in _HEADINGS if part in found}


def _timed(grid: Grid, position: int, columns: Mapping[str, int]) -> bool:
    """Whether most moments in the first rows have a time of day; a list of dates alone is hardly a log."""
    if "time" in columns:
        return True
    at = columns["timestamp"]
    written = [cells[at] for _, cells in grid.head[position + 1 :] if len(cells) > at and cells[at].strip()]
    return bool(written) and 2 * sum(bool(_HAS_TIME.search(cell)) for cell in written) >= len(written)


def _recurs(con: DuckDBPyConnection, grid: Grid, *, line: int, case: int) -> bool:
    return scalar(con, f"SELECT count(*) - count(DISTINCT c{case}) FROM {name(grid.table)} WHERE line > {line} AND c{case} <> ''") > 0


def _measure(written: str | None, *, grid: Grid) -> Measure | None:
    if written is None:
        return None
    known: dict[str, Measure] = {"lead_time": "lead_time", "business": "business", "working": "working"}
    if written not in known:
        hint = "lead_time（所要期間）、business（開庁時間で数えた所要期間）、working（作業した時間）のどれかです"
        raise SchemaError("measure が読めません", place=_place(grid), hint=hint)
    return known[written]


def _offset(written: str | None, *, grid: Grid) -> int | None:
    if written is None:
        return None
    found = re.fullmatch(r"(?P<sign>[+-]?)(?P<hours>\d{1,2}):(?P<rest>[0-5]\d)|(?P<number>[+-]?\d{1,3})", written)
    number = int(found["number"] or 0) if found else 0
    # YAML reads 9 as a number and +9:00 as 540, the minutes.
    ahead = number * 60 if abs(number) <= _FARTHEST_OFFSET_HOURS else number
    if found and found["hours"]:
        ahead = (int(found["hours"]) * 60 + int(found["rest"])) * (-1 if found["sign"] == "-" else 1)
    if not found or abs(ahead) > _FARTHEST_OFFSET_HOURS * 60 or ahead % 15:
        raise SchemaError("utc_offset が読めません", place=_place(grid), hint="日本時間なら 9 と書いてください")
    return ahead


def _day_order(written: str | None, *, grid: Grid) -> DayOrder | None:
    known: dict[str, DayOrder] = {"dmy": "dmy", "mdy": "mdy"}
    if written is not None and written not in known:
        raise SchemaError("date_order が読めません", place=_place(grid), hint="dmy（日/月/年）か mdy（月/日/年）のどちらかです")
    return known[written] if written is not None else None


def _whole(written: str | None, *, usual: int, most: int, place: str) -> int:
    if written is None:
        return usual
    if not written.isdecimal() or not 1 <= int(written) <= most:
        raise SchemaError("分の数が読めません", place=place, hint=f"1 から {most} までの整数で書いてください")
    return int(written)

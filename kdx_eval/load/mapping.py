"""mapping.yaml in the data folder: what a city's own files, headings and code lists mean."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kdx_eval.errors import SchemaError
from kdx_eval.schema import Schema

FILE_NAMES = ("mapping.yaml", "mapping.yml")
_KEYS = ("table", "sheet", "header_row", "encoding", "columns", "values", "constants", "crosstab", "event_log", "ignore")
_CROSSTAB_KEYS = ("measure", "fiscal_year")
_EVENT_KEYS = (
    "case", "activity", "timestamp", "time", "start", "resource", "department", "process", "transition", "instance", "opened", "begin", "complete",
    "measure", "cap", "hours", "lunch", "calendar", "utc_offset",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """What is said about one file, or one sheet of it.

    Attributes
    ----------
    columns : mapping
        Heading in the file -> field.
    values : mapping
        Field -> what is written -> value.
    constants : mapping
        Field -> the one value that holds for the whole file.
    event_log : mapping or None
        Which columns hold case, activity, timestamp and so on, which activity ends a case, and when the office is open (see ``event_headings``);
        ``process`` is ``activity``, a heading, or a fixed name after ``=``. What is not said is recognised by the headings.
    """

    pattern: str
    table: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    crosstab: Mapping[str, str] | None = None
    event_log: Mapping[str, str] | None = None
    ignore: bool = False


NOTHING_SAID = FileMapping(pattern="*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """All that mapping.yaml says."""

    files: tuple[FileMapping, ...] = ()

    def of(self, file: str, sheet: str = "") -> FileMapping:
        """What is said about ``file`` (a relative path with /) and ``sheet``; the first entry that fits."""
        for entry in self.files:
            fits = fnmatch.fnmatchcase(file, entry.pattern) or fnmatch.fnmatchcase(file.rsplit("/", 1)[-1], entry.pattern)
            if fits and (entry.sheet is None or not sheet or fnmatch.fnmatchcase(sheet, entry.sheet)):
                return entry
        return NOTHING_SAID


def read_mappings(folder: Path, schema: Schema) -> Mappings:
    """What mapping.yaml in ``folder`` says; nothing when there is none.

    Raises SchemaError, naming the nearest known word, for an unknown key, table or field.
    """
    path = next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)
    if path is None:
        return Mappings()
    import yaml

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise SchemaError("YAML として読めません", place=path.name, hint="字下げとコロンの後の空白を確かめてください") from problem
    if not isinstance(raw, dict) or not isinstance(raw.get("files", {}), dict):
        raise SchemaError("files: の下にファイル名を書いてください", place=path.name, hint="files: {時間外.xlsx: {table: worktime}} のように書きます")
    _known(raw, ("files",), place=path.name)
    return Mappings(files=tuple(_entry(str(pattern), entry, schema=schema, place=f"{path.name} {pattern}") for pattern, entry in raw.get("files", {}).items()))


def _known(given: Mapping[str, Any], known: tuple[str, ...], *, place: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise SchemaError(f"知らない語 {key} です", place=place, hint=f"{near[0]} ではありませんか" if near else f"使える語: {'、'.join(known)}")


def _entry(pattern: str, raw: Any, *, schema: Schema, place: str) -> FileMapping:
    if not isinstance(raw, dict):
        raise SchemaError("ファイルの説明は「語: 値」の形で書きます", place=place, hint="table: training のように書いてください")
    _known(raw, _KEYS, place=place)
    table = raw.get("table") or ("workload" if "event_log" in raw else None)
    if table is not None:
        _known({str(table): None}, tuple(schema.tables), place=place)
        fields = tuple(field.name for field in schema.tables[table].fields)
        _known(dict.fromkeys(_texts(raw.get("columns"), place=place).values()), fields, place=place)
        for part in ("constants", "values"):
            _known(dict(raw.get(part) or {}), fields, place=place)
    crosstab, event_log = raw.get("crosstab"), raw.get("event_log")
    if isinstance(crosstab, dict):
        _known(crosstab, _CROSSTAB_KEYS, place=place)
    if event_log is not None:
        _known(_texts(event_log, place=place), _EVENT_KEYS, place=place)
    return FileMapping(
        pattern=pattern, table=table, sheet=raw.get("sheet"), header_row=raw.get("header_row"), encoding=raw.get("encoding"),
        columns=_texts(raw.get("columns"), place=place), constants=_texts(raw.get("constants"), place=place),
        values={str(key): _texts(value, place=place) for key, value in (raw.get("values") or {}).items()},
        crosstab=_texts(crosstab, place=place) if crosstab is not None else None,
        event_log=_texts(event_log, place=place) if event_log is not None else None, ignore=bool(raw.get("ignore", False)),
    )  # fmt: skip


def _texts(raw: Any, *, place: str) -> dict[str, str]:
    if raw is None or raw is True:
        return {}
    if not isinstance(raw, dict):
        raise SchemaError("「語: 値」の形で書いてください", place=place, hint="columns: {所属課: department_id} のように書きます")
    return {str(key): str(value) for key, value in raw.items()}

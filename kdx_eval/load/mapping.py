"""mapping.yaml in the data folder: what a city's own files, headings and code lists mean."""

from __future__ import annotations

import difflib
import fnmatch
import functools
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from kdx_eval.errors import SchemaError
from kdx_eval.schema import Schema, TableSpec

FILE_NAMES = ("mapping.yaml", "mapping.yml")
Across: TypeAlias = Literal["months", "departments"]
_TOP_KEYS = ("files", "columns", "values")
_KEYS = (
    "table", "sheet", "header_row", "encoding", "columns", "values", "constants", "units", "year_month", "skip_rows", "ignore_columns", "crosstab",
    "event_log", "ignore",
)  # fmt: skip
_CROSSTAB_KEYS = ("measure", "measures", "fiscal_year", "year", "across", "key", "rows", "add_up")
_YEAR_MONTH_KEYS = ("fiscal_year", "year", "month")
_ACROSS: Mapping[str, Across] = {"months": "months", "月": "months", "departments": "departments", "所属": "departments", "課": "departments"}
_EVENT_KEYS = (
    "case", "activity", "timestamp", "time", "start", "resource", "department", "process", "transition", "instance", "opened", "begin", "complete",
    "measure", "cap", "hours", "lunch", "calendar", "utc_offset", "date_order",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CrosstabMapping:
    """What is said about a cross-tab.

    Attributes
    ----------
    measure : str or None
        The field whose values stand in the cells; ``measures`` gives it by a word in a block's title, where several stand on one sheet.
    fiscal_year, year : str or None
        The fiscal (from April) or calendar year of months written without one.
    across : months, departments or None
        What the columns are; None leaves it to be recognised.
    key : str or None
        Heading of the column with the department.
    rows : mapping
        Heading left of the months -> the words of the rows to be read, where one unit has several (R5, R6, 増減).
    add_up : str or None
        Heading left of the months whose rows are added up for each unit (平日, 休日).
    """

    measure: str | None = None
    measures: Mapping[str, str] = field(default_factory=dict)
    fiscal_year: str | None = None
    year: str | None = None
    across: Across | None = None
    key: str | None = None
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    add_up: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """What is said about one file, or one sheet of it.

    Attributes
    ----------
    columns : mapping
        Heading in the file -> field, or a heading that is known (受講日, which fills two fields).
    values : mapping
        Field -> what is written -> value.
    constants : mapping
        Field -> the one value that holds for the whole file.
    units : mapping
        Field -> the unit in which the file writes it (千円, 分).
    year_month : mapping or None
        Headings of the two columns that together say the month: ``fiscal_year`` or ``year``, and ``month``; a year after ``=`` is fixed.
    skip_rows : tuple
        Rows to leave out: a number, a range 20-25, or a pattern for the first cell that is filled.
    ignore_columns : tuple
        Headings that are no field, whatever they look like.
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
    units: Mapping[str, str] = field(default_factory=dict)
    year_month: Mapping[str, str] | None = None
    skip_rows: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    crosstab: CrosstabMapping | None = None
    event_log: Mapping[str, str] | None = None
    ignore: bool = False


NOTHING_SAID = FileMapping(pattern="*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mappings:
    """All that mapping.yaml says; ``columns`` and ``values`` hold for every file."""

    files: tuple[FileMapping, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, file: str, sheet: str = "") -> FileMapping:
        """What is said about ``file`` (a relative path with /) and ``sheet``; of several entries the first that fits.

        An entry for some sheets says nothing about the file as a whole. What is said for one file goes before what is said for all.
        """
        found = next((entry for entry in self.files if _fits(file, entry.pattern) and (entry.sheet is None or (sheet and _fits(sheet, entry.sheet)))), None)
        entry = found or NOTHING_SAID
        values = {name: {**self.values.get(name, {}), **entry.values.get(name, {})} for name in (*self.values, *entry.values)}
        return replace(entry, columns={**self.columns, **entry.columns}, values=values) if self.columns or self.values else entry


def _fits(called: str, pattern: str) -> bool:
    # A file named 実績[R7].csv is meant by that very text, though it is also a pattern; zip files from a Mac part が into two characters.
    # Windows people write 研修\\名簿.xlsx.
    called, pattern = (unicodedata.normalize("NFKC", one).replace("\\", "/").strip() for one in (called, pattern))
    return any(one == pattern or fnmatch.fnmatchcase(one, pattern) for one in (called, called.rsplit("/", 1)[-1]))


@functools.lru_cache(maxsize=4096)
def heading_key(heading: str) -> str:
    """A heading for comparison with mapping.yaml: NFKC without spaces and line breaks."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", heading))


def headings_not_found(entry: FileMapping, headings: tuple[str, ...], *, everywhere: Mapping[str, str]) -> str | None:
    """A remark on headings that mapping.yaml names for this file and that are not in it; None when all are there."""
    present = {heading_key(heading) for heading in headings}
    named = [heading for heading in entry.columns if heading not in everywhere] + list(entry.ignore_columns)
    absent = [heading for heading in named if heading_key(heading) not in present]
    return f"注意: mapping.yaml に書かれた見出し「{'」「'.join(absent[:5])}」がこの表にありません" if absent else None


def read_mappings(folder: Path, schema: Schema) -> Mappings:
    """What mapping.yaml in ``folder`` says; nothing when there is none.

    Raises SchemaError, naming the nearest known word, for an unknown key, table or field, and for a key written twice.
    """
    path = next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)
    if path is None:
        return Mappings()
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise SchemaError("UTF-8 として読めません", place=path.name, hint="メモ帳の「名前を付けて保存」で文字コードを UTF-8 にしてください") from problem
    return parse_mappings(content, schema, place=path.name)


def parse_mappings(content: str, schema: Schema, *, place: str) -> Mappings:
    """What the text of a mapping.yaml says. Raises SchemaError as `read_mappings` does."""
    raw = _load_yaml(content, place=place) or {}
    if not isinstance(raw, dict) or not isinstance(raw.get("files") or {}, dict):
        raise SchemaError("files: の下にファイル名を書いてください", place=place, hint="files: {時間外.xlsx: {table: worktime}} のように書きます")
    _known(raw, _TOP_KEYS, place=place)
    entries = [
        _entry(str(pattern), one, schema=schema, place=f"{place} {pattern}")
        for pattern, said in (raw.get("files") or {}).items()
        for one in (said if isinstance(said, list) else [said])
    ]
    columns, values = _texts(raw.get("columns"), place=place), _code_lists(raw.get("values"), place=place)
    fields = tuple(dict.fromkeys(spec.name for table in schema.tables.values() for spec in table.fields))
    _known(dict.fromkeys(columns.values()), fields, place=place, also=_headings(list(schema.tables.values())))
    _known(values, fields, place=place)
    return Mappings(files=tuple(entries), columns=columns, values=values)


def _load_yaml(content: str, *, place: str) -> object:
    import yaml

    class Loader(yaml.BaseLoader):
        """Everything is text as typed: 0101 stays a code and no a word. Of two equal keys the last does not silently win."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            if not isinstance(node, yaml.MappingNode):
                return super().construct_mapping(node, deep=deep)
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
            if twice is not None:
                hint = "一つのファイルに説明が二つ以上いるときは、- で始まる一覧にして sheet: で分けてください"
                raise SchemaError(f"「{twice}」が二度書かれています", place=f"{place} {node.start_mark.line + 1}行目", hint=hint)
            return super().construct_mapping(node, deep=deep)

    try:
        return Loader(content).get_single_data()
    except yaml.YAMLError as problem:
        raise SchemaError("YAML として読めません", place=place, hint="字下げとコロンの後の空白を確かめてください") from problem


def _headings(tables: Sequence[TableSpec]) -> frozenset[str]:
    """Japanese headings under which the fields of some tables are known anyway."""
    return frozenset(one for table in tables for spec in table.fields for one in (spec.title, *spec.aliases, *spec.shared_aliases))


def _known(given: Mapping[str, Any], known: tuple[str, ...], *, place: str, also: Collection[str] = ()) -> None:
    for key in given:
        if key not in known and key not in also:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise SchemaError(f"知らない語 {key} です", place=place, hint=f"{near[0]} ではありませんか" if near else f"使える語: {'、'.join(known)}")


def _entry(pattern: str, raw: Any, *, schema: Schema, place: str) -> FileMapping:
    if not isinstance(raw, dict):
        raise SchemaError("ファイルの説明は「語: 値」の形で書きます", place=place, hint="table: training のように書いてください")
    _known(raw, _KEYS, place=place)
    table = _text_or_none(raw.get("table")) or ("workload" if "event_log" in raw else None)
    if table is not None:
        _known({str(table): None}, tuple(schema.tables), place=place)
    tables = [schema.tables[str(table)]] if table is not None else list(schema.tables.values())
    fields = tuple(dict.fromkeys(spec.name for one in tables for spec in one.fields))
    _known(dict.fromkeys(_texts(raw.get("columns"), place=place).values()), fields, place=place, also=_headings(tables))
    for part in ("constants", "values", "units"):
        _known(_mapping(raw.get(part), place=place), fields, place=place)
    event_log, year_month = raw.get("event_log"), raw.get("year_month")
    if event_log is not None:
        _known(_texts(event_log, place=place), _EVENT_KEYS, place=place)
    return FileMapping(
        pattern=pattern, table=table, sheet=_text_or_none(raw.get("sheet")), encoding=_text_or_none(raw.get("encoding")),
        header_row=_row_number(raw.get("header_row"), place=place),
        columns=_texts(raw.get("columns"), place=place), constants=_texts(raw.get("constants"), place=place),
        values=_code_lists(raw.get("values"), place=place), units=_texts(raw.get("units"), place=place),
        year_month=_year_month(year_month, place=place) if year_month is not None else None,
        skip_rows=_list(raw.get("skip_rows"), place=place), ignore_columns=_list(raw.get("ignore_columns"), place=place),
        crosstab=_crosstab(raw.get("crosstab"), fields=fields, place=place),
        event_log=_texts(event_log, place=place) if event_log is not None else None, ignore=_is_true(raw.get("ignore", ""), place=place),
    )  # fmt: skip


def _crosstab(raw: Any, *, fields: tuple[str, ...], place: str) -> CrosstabMapping | None:
    if raw is None or raw == "false":
        return None
    raw = {} if raw in ("", "true") else raw
    if not isinstance(raw, dict):
        raise SchemaError("crosstab は「語: 値」の形で書きます", place=place, hint="crosstab: {measure: overtime_hours, fiscal_year: R6} のように書きます")
    _known(raw, _CROSSTAB_KEYS, place=place)
    measures = _texts(raw.get("measures"), place=place)
    measure = _text_or_none(raw.get("measure"))
    _known(dict.fromkeys([*([measure] if measure else []), *measures.values()]), fields, place=place)
    across = _text_or_none(raw.get("across"))
    if across is not None:
        _known({across: None}, tuple(_ACROSS), place=place)
    return CrosstabMapping(
        measure=measure, measures=measures, fiscal_year=_text_or_none(raw.get("fiscal_year")), year=_text_or_none(raw.get("year")),
        across=_ACROSS[across] if across else None, key=_text_or_none(raw.get("key")), add_up=_text_or_none(raw.get("add_up")),
        rows={heading: _list(words, place=place) for heading, words in _mapping(raw.get("rows"), place=place).items()},
    )  # fmt: skip


def _year_month(raw: Any, *, place: str) -> dict[str, str]:
    said = _texts(raw, place=place)
    _known(said, _YEAR_MONTH_KEYS, place=place)
    if "month" not in said or ("fiscal_year" in said) == ("year" in said):
        hint = "year_month: {fiscal_year: 年度, month: 月} または {year: 年, month: 月} のように書きます"
        raise SchemaError("year_month には月の見出しと、年度か年のどちらか一つの見出しが要ります", place=place, hint=hint)
    return said


def _text_or_none(raw: Any) -> str | None:
    return None if raw in (None, "") else str(raw)


def _is_true(raw: Any, *, place: str) -> bool:
    if str(raw).lower() not in {"true", "false", "はい", "いいえ", ""}:
        raise SchemaError("ignore には true か false を書いてください", place=place, hint="ignore: true のように書きます")
    return str(raw).lower() in {"true", "はい"}


def _row_number(raw: Any, *, place: str) -> int | None:
    if raw in (None, ""):
        return None
    if not str(raw).isascii() or not str(raw).isdecimal():
        raise SchemaError("header_row には行の番号を書いてください", place=place, hint="header_row: 3 のように書きます")
    return int(raw)


def _list(raw: Any, *, place: str) -> tuple[str, ...]:
    if raw in (None, ""):
        return ()
    if isinstance(raw, dict):
        raise SchemaError("一覧の形で書いてください", place=place, hint="skip_rows: [3, 20-25] のように書きます")
    return tuple(str(one) for one in raw) if isinstance(raw, list) else (str(raw),)


def _code_lists(raw: Any, *, place: str) -> dict[str, dict[str, str]]:
    return {key: _texts(value, place=place) for key, value in _mapping(raw, place=place).items()}


def _mapping(raw: Any, *, place: str) -> dict[str, Any]:
    if raw in (None, ""):
        return {}
    if not isinstance(raw, dict):
        raise SchemaError("「語: 値」の形で書いてください", place=place, hint="values: {status: {合格: completed}} のように書きます")
    return raw


def _texts(raw: Any, *, place: str) -> dict[str, str]:
    if raw in (None, ""):
        return {}
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise SchemaError("「語: 値」の形で書いてください", place=place, hint="columns: {所属課: department_id} のように書きます")
    return dict(raw)

"""data_schema/ as types: tables and their fields, the vocabulary of indicators, dated parameters with their source."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from kdx_eval.errors import ParameterError, SchemaError
from kdx_eval.resources import root_dir

FieldType: TypeAlias = Literal["string", "integer", "number", "boolean", "date", "yearmonth", "year"]
Status: TypeAlias = Literal["sourced", "derived", "unverified"]
Better: TypeAlias = Literal["lower", "higher"]
Sender: TypeAlias = Literal["personnel", "training", "payroll", "department", "finance", "partner"]
Period: TypeAlias = Literal["current", "rosters", "history", "monthly", "fiscal_years"]
_STATUSES: tuple[Status, ...] = get_args(Status)
_NOT_TABLES = frozenset({"verdicts"})
# Sums of whole numbers and decimals do not depend on the order of work; sums of doubles do.
_DATABASE_TYPES: Mapping[str, str] = {
    "string": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "date": "DATE", "yearmonth": "DATE", "year": "INTEGER", "number": "DECIMAL(18,6)",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldSpec:
    """One column of a table.

    Attributes
    ----------
    name, title : str
        English key and Japanese title; ``aliases`` are further headings by which it is recognised,
        ``shared_aliases`` those that may fill several fields at once (受講日).
    unit : str or None
        hours, minutes, yen, cases, persons, points, fiscal_year; None where it has none.
    unit_note : str
        For a number whose unit depends on its row (an indicator's value): what the unit follows from.
    choices : tuple of str
        Words a form offers besides others that a city may write; ``enum`` is exhaustive.
    personal : bool
        The value tells who somebody is; it never leaves ``load`` as it was written.
    personal_when : tuple or None
        (field, value) of the same row for which the value is personal; None when it always is, or never.
    dropped : bool
        Used while reading (matching people) and then dropped.
    synonyms : mapping
        What people write -> the value of ``enum``; the first word of a value is the one shown to people.
    """

    name: str
    title: str
    type: FieldType
    description: str
    example: str
    required: bool = False
    enum: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    unit_note: str = ""
    choices: tuple[str, ...] = ()
    personal: bool = False
    personal_when: tuple[str, str] | None = None
    dropped: bool = False
    aliases: tuple[str, ...] = ()
    shared_aliases: tuple[str, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)

    @property
    def database_type(self) -> str:
        """The DuckDB type of the typed column; hours and minutes have two decimals."""
        if self.type == "number" and self.unit in {"hours", "minutes"}:
            return "DECIMAL(14,2)"
        return _DATABASE_TYPES[self.type]

    @property
    def words(self) -> tuple[str, ...]:
        """The values of ``enum`` in Japanese: a value that is written in Japanese itself, else its first synonym."""
        return tuple(self.word(value) for value in self.enum)

    def word(self, value: str) -> str:
        """The Japanese word for one value of ``enum``; the value itself when it has none."""
        return value if not value.isascii() else next((word for word, meant in self.synonyms.items() if meant == value), value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """``field`` of the table refers to ``reference_field`` of the table ``reference``."""

    field: str
    reference: str
    reference_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table: its fields, keys, the pairs of dates that must stand in order, who keeps it in a city hall and of which time it is asked for."""

    name: str
    title: str
    description: str
    fields: tuple[FieldSpec, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    date_order: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    require_one_of: tuple[tuple[str, ...], ...] = ()
    sender: Sender = "department"
    period: Period = "current"

    def field(self, name: str) -> FieldSpec:
        """The field called ``name``. Raises SchemaError when there is none."""
        for spec in self.fields:
            if spec.name == name:
                return spec
        raise SchemaError(f"表「{self.title}」に列 {name} はありません", place=f"data_schema/{self.name}.json", hint="列の名前を確かめてください")

    @property
    def kept(self) -> tuple[FieldSpec, ...]:
        """The fields that leave ``load``: all but those used for matching only."""
        return tuple(spec for spec in self.fields if not spec.dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All tables of data_schema/."""

    tables: Mapping[str, TableSpec]

    def table(self, name: str) -> TableSpec:
        """The table called ``name``. Raises SchemaError when there is none."""
        if name not in self.tables:
            raise SchemaError("知らない表の名前です", place=f"data_schema/{name}.json", hint=f"使える名前: {'、'.join(self.tables)}")
        return self.tables[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A figure with its unit, the days on which it holds, its source and how sure it is.

    ``value`` is a float where it is a number, else the text (a date as ``2023-05-08``).
    """

    name: str
    value: float | str
    unit: str
    valid_from: dt.date
    valid_to: dt.date | None
    source: str
    status: Status
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An indicator of the vocabulary; ``hours_per_unit`` None means that it has no value in hours (金額換算なし)."""

    indicator_id: str
    title: str
    unit: str
    better: Better
    hours_per_unit: float | None


def load_schema(folder: Path | None = None) -> Schema:
    """All tables declared in ``folder`` (by default data_schema/), in the order of their names.

    Raises SchemaError when a descriptor is not Table Schema or misses what this project asks for.
    """
    return _load_schema(folder or root_dir("data_schema"))


@cache
def _load_schema(folder: Path) -> Schema:
    paths = sorted(folder.glob("*.json"))
    tables = [_read_table(path) for path in paths if path.stem not in _NOT_TABLES]
    if not tables:
        raise SchemaError("表の定義がありません", place=folder.name, hint="data_schema/ に JSON を置いてください")
    return Schema(tables=MappingProxyType({table.name: table for table in tables}))


def _read_table(path: Path) -> TableSpec:
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        keys = [
            ForeignKey(field=key["fields"][0], reference=key["reference"]["resource"], reference_field=key["reference"]["fields"][0])
            for key in raw.get("foreignKeys", ())
        ]
        spec = TableSpec(
            name=raw["name"], title=raw["title"], description=raw["description"],
            fields=tuple(_read_field(one) for one in raw["fields"]),
            primary_key=tuple(raw.get("primaryKey", ())), foreign_keys=tuple(keys),
            date_order=tuple((first, last) for first, last in raw.get("dateOrder", ())), aliases=tuple(raw.get("aliases", ())),
            require_one_of=tuple(tuple(group) for group in raw.get("requireOneOf", ())),
            sender=_known(raw.get("sender", "department"), get_args(Sender)), period=_known(raw.get("period", "current"), get_args(Period)),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise SchemaError("表の定義が読めません", place=f"data_schema/{path.name}", hint="Table Schema の書き方を確かめてください") from problem
    named = {one.name for one in spec.fields}
    used = {*spec.primary_key, *(key.field for key in spec.foreign_keys), *(name for pair in spec.date_order for name in pair)}
    if spec.name != path.stem or len(named) != len(spec.fields) or not used <= named:
        raise SchemaError("表の定義の名前が合いません", place=f"data_schema/{path.name}", hint="name、primaryKey、foreignKeys、dateOrder を確かめてください")
    return spec


def _known(word: Any, words: tuple[Any, ...]) -> Any:
    if word not in words:
        raise ValueError(word)
    return word


def _read_field(raw: Mapping[str, Any]) -> FieldSpec:
    limits: Mapping[str, Any] = raw.get("constraints", {})
    return FieldSpec(
        name=raw["name"], title=raw["title"], type=_known(raw["type"], get_args(FieldType)), description=raw["description"], example=raw["example"],
        required=limits.get("required", False), enum=tuple(limits.get("enum", ())), pattern=limits.get("pattern"),
        minimum=limits.get("minimum"), maximum=limits.get("maximum"), unit=raw.get("unit"), unit_note=raw.get("unitNote", ""),
        choices=tuple(raw.get("choices", ())), personal=raw.get("personal", False), personal_when=_pair(raw.get("personalWhen")),
        dropped=raw.get("dropped", False), aliases=tuple(raw.get("aliases", ())),
        shared_aliases=tuple(raw.get("sharedAliases", ())), synonyms=MappingProxyType(dict(raw.get("synonyms", {}))),
    )  # fmt: skip


def _pair(raw: Any) -> tuple[str, str] | None:
    if raw is None:
        return None
    field_name, value = raw
    return str(field_name), str(value)


@cache
def load_parameters(folder: Path | None = None) -> tuple[Parameter, ...]:
    """Every row of data_schema/parameters.csv. Raises SchemaError for a row that cannot be read."""
    path = (folder or root_dir("data_schema")) / "parameters.csv"
    found = []
    for line, row in enumerate(_read_csv(path), start=2):
        try:
            status = next(known for known in _STATUSES if known == row["status"])
            until = dt.date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
            found.append(
                Parameter(
                    name=row["name"],
                    value=_number_or_text(row["value"]),
                    unit=row["unit"],
                    valid_from=dt.date.fromisoformat(row["valid_from"]),
                    valid_to=until,
                    source=row["source"],
                    status=status,
                    note=row["note"] or "",
                )
            )
        except (ValueError, KeyError, StopIteration) as problem:
            raise SchemaError("行が読めません", place=f"data_schema/parameters.csv {line}行目", hint="列の数、日付、status を確かめてください") from problem
    return tuple(found)


def parameter(name: str, on: dt.date | None = None) -> Parameter:
    """The parameter ``name`` as it holds on the day ``on`` (by default its latest value).

    Raises ParameterError when the name is unknown or has no value on that day.
    """
    rows = sorted((row for row in load_parameters() if row.name == name), key=lambda row: row.valid_from)
    if on is not None:
        rows = [row for row in rows if row.valid_from <= on and (row.valid_to is None or on <= row.valid_to)]
    if not rows:
        raise ParameterError(f"パラメータ {name} の値がありません", place="data_schema/parameters.csv", hint="名前と日付を確かめてください")
    return rows[-1]


@cache
def load_indicators(folder: Path | None = None) -> Mapping[str, Indicator]:
    """The shipped vocabulary of indicators by id (data_schema/indicators.csv). Raises SchemaError for an impossible row."""
    path = (folder or root_dir("data_schema")) / "indicators.csv"
    found: dict[str, Indicator] = {}
    for line, row in enumerate(_read_csv(path), start=2):
        if row["better"] not in get_args(Better):
            raise SchemaError("better は lower か higher です", place=f"data_schema/indicators.csv {line}行目", hint="値を直してください")
        hours = float(row["hours_per_unit"]) if row["hours_per_unit"] else None
        better: Better = "lower" if row["better"] == "lower" else "higher"
        found[row["indicator_id"]] = Indicator(indicator_id=row["indicator_id"], title=row["title"], unit=row["unit"], better=better, hours_per_unit=hours)
    return MappingProxyType(found)


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@cache
def read_vocabulary(name: str) -> object:
    """What ``data_schema/<name>.json`` holds, for files that are words and not tables (``verdicts``). Raises SchemaError."""
    path = root_dir("data_schema") / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemaError("語彙のファイルを読めません", place=path.name, hint="配布物の data_schema フォルダーを元に戻してください") from error

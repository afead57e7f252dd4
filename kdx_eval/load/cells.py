"""One cell as people type it -> a value or a refusal. Nothing here raises on bad text, and no refusal carries the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TypeAlias

from kdx_eval.load.dates import Refusal, parse_date, parse_fiscal_year, parse_month
from kdx_eval.load.rules import NAME_MASK
from kdx_eval.schema import FieldSpec

__all__ = ["Cell", "Refusal", "parse_boolean", "parse_cell", "parse_date", "parse_enum", "parse_fiscal_year", "parse_hours", "parse_month", "parse_number"]

# What stands for "no value"; the long vowel mark ー is typed for a dash and is never zero.
MISSING = frozenset({"", "-", "ー", "－", "―", "—", "–", "‐", "−", "─", "…", "n/a", "na", "nan", "null", "none", "なし", "該当なし"})
EXCEL_ERRORS = frozenset({"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#N/A", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"})
# What the Excel reader writes into a cell that must not pass for empty: a formula saved without its result, a number over several rows.
UNCALCULATED, MERGED_VALUE = "#KDX_UNCALCULATED!", "#KDX_MERGED!"
_MARKS: Mapping[str, str] = {**dict.fromkeys(EXCEL_ERRORS, "error_value"), UNCALCULATED: "uncalculated", MERGED_VALUE: "merged_value"}
_TRUE = frozenset({"true", "1", "yes", "y", "t", "はい", "○", "〇", "◯", "●", "有", "あり", "必修", "必須", "対象", "該当", "済", "レ", "✓", "悉皆"})
_FALSE = frozenset({"false", "0", "no", "n", "f", "いいえ", "×", "x", "✕", "無", "選択", "任意", "対象外", "非該当", "未"})
_SIGNS = str.maketrans({"△": "-", "▲": "-", "−": "-", "‐": "-", "–": "-", "—": "-", "―": "-"})
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "yen": ("円",), "minutes": ("分", "分間", "min"), "cases": ("件", "回"), "persons": ("人", "名"), "points": ("点",),
    "hours": ("時間", "h", "hr", "hours"), "units": ("件",),
}  # fmt: skip
_ALL_SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_NUMBER_AND_WORD = re.compile(r"(?P<number>[+-]?[\d.,]+)(?P<word>[^\d.,]+)")
_CLOCK = re.compile(r"(?P<sign>-?)(?P<hours>\d{1,6}):(?P<minutes>[0-5]\d)(:(?P<seconds>[0-5]\d))?")
_SPOKEN = re.compile(r"(?P<sign>-?)((?P<hours>\d{1,9}(\.\d+)?)(時間|h))?((?P<minutes>\d{1,9}(\.\d+)?)(分|m|min))?")
_LARGEST = Decimal(10) ** 11
_INNER_BLANKS = re.compile(r"(?<!\d)\s+|\s+(?!\d)")  # not between digits: 12 345 may be two numbers
_LOST_DIGITS = re.compile(r"\d(\.\d+)?[eE]\+\d+|\d\.\d+[eE]\d+")
_PLAIN_CODE = re.compile(r"[A-Z]{0,8}[0-9]{1,20}")  # the commonest form, which no rule below can change
_LOST_CHARACTER = "\ufffd"
Cell: TypeAlias = str | None | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """How numbers of a field are to be read: its unit, whether whole, and by what the written number is multiplied."""

    unit: str | None
    whole: bool
    scale: Decimal = Decimal(1)
    digits: int = 6


def tidy(text: str) -> str:
    """``text`` in NFKC without spaces around; for codes, numbers and dates, never for names."""
    return unicodedata.normalize("NFKC", text).strip()


def is_missing(text: str) -> bool:
    """Whether ``text`` says that there is no value; an Excel error does not."""
    return text.strip().lower() in MISSING or tidy(text).lower() in MISSING


def _marked(plain: str) -> Refusal | None:
    """The refusal of an Excel error or of a mark of the Excel reader."""
    rule = _MARKS.get(plain.upper())
    return Refusal(rule) if rule else None


def parse_number(text: str, quantity: Quantity | None = None) -> Decimal | None | Refusal:
    """The number written as 1,234, △12, １２３４ or 12円; None for a blank or a dash."""
    quantity = quantity or Quantity(unit=None, whole=False)
    if is_missing(text):
        return None
    plain = _INNER_BLANKS.sub("", tidy(text).translate(_SIGNS)).removeprefix("¥").removeprefix("\\")
    if marked := _marked(plain):
        return marked
    if plain.startswith("(") and plain.endswith(")"):
        plain = "-" + plain[1:-1]
    if plain.endswith("%"):
        share = _decimal(plain[:-1])
        return Refusal("not_a_number") if share is None or quantity.unit else _fit(share / 100, quantity)
    number = _decimal(plain)
    if number is None and (parts := _NUMBER_AND_WORD.fullmatch(plain)):
        word = parts["word"].lower()
        if word in {"千円", "万円", "百万円"} and quantity.unit == "yen":
            factor = {"千円": 1000, "万円": 10_000, "百万円": 1_000_000}[word]
            number = _decimal(parts["number"])
            return Refusal("not_a_number") if number is None else _fit(number * factor, Quantity(unit="yen", whole=quantity.whole))
        if word not in _SUFFIXES.get(quantity.unit or "", _ALL_SUFFIXES):
            return Refusal("wrong_unit" if word in _ALL_SUFFIXES else "not_a_number")
        number = _decimal(parts["number"])
    return Refusal("not_a_number") if number is None else _fit(number, quantity)


def _decimal(text: str) -> Decimal | None:
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _PLAIN_NUMBER.fullmatch(text) or len(text) > 40:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _fit(number: Decimal, quantity: Quantity) -> Decimal | Refusal:
    scaled = number * quantity.scale
    if abs(scaled) >= _LARGEST:
        return Refusal("too_large")
    rounded = scaled.quantize(Decimal(1).scaleb(-quantity.digits), rounding=ROUND_HALF_UP)
    if quantity.whole:
        return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else Refusal("not_whole")
    return rounded


def parse_hours(text: str, quantity: Quantity | None = None) -> Decimal | None | Refusal:
    """A duration in the unit of ``quantity`` (hours unless it says minutes), two decimals: 43:30, 43.5h, 43時間30分, 43.5."""
    quantity = quantity or Quantity(unit="hours", whole=False, digits=2)
    if is_missing(text):
        return None
    plain = _INNER_BLANKS.sub("", tidy(text).translate(_SIGNS)).lower().replace("時間半", "時間30分")
    if marked := _marked(plain):
        return marked
    minutes: Decimal | None = None
    if clock := _CLOCK.fullmatch(plain):
        minutes = Decimal(clock["hours"]) * 60 + Decimal(clock["minutes"]) + Decimal(clock["seconds"] or 0) / 60
        minutes = -minutes if clock["sign"] else minutes
    elif (spoken := _SPOKEN.fullmatch(plain)) and (spoken["hours"] or spoken["minutes"]):
        minutes = Decimal(spoken["hours"] or 0) * 60 + Decimal(spoken["minutes"] or 0)
        minutes = -minutes if spoken["sign"] else minutes
    if minutes is None:
        number = parse_number(text, Quantity(unit=quantity.unit, whole=False, scale=quantity.scale, digits=quantity.digits))
        return Refusal("not_hours") if isinstance(number, Refusal) and number.rule == "not_a_number" else number
    # A unit written in the cell itself overrides the one of the heading.
    value = minutes if quantity.unit == "minutes" else minutes / 60
    return _fit(value, Quantity(unit=quantity.unit, whole=False, digits=quantity.digits))


def parse_boolean(text: str) -> bool | None | Refusal:
    """True or false as written: true, ○, はい, 必修, 1, and their opposites."""
    plain = tidy(text).lower()
    if plain in _TRUE or text.strip() in _TRUE:
        return True
    if plain in _FALSE or text.strip() in _FALSE:
        return False
    if is_missing(text):
        return None
    return _marked(plain) or Refusal("not_a_boolean")


def parse_enum(text: str, field: FieldSpec) -> str | None | Refusal:
    """The word of ``field.enum`` that ``text`` means, by itself or by a synonym."""
    if is_missing(text) and text.strip() not in field.synonyms:
        return None
    plain = tidy(text)
    for candidate in (text.strip(), plain, plain.lower()):
        if candidate in field.enum:
            return candidate
        if candidate in field.synonyms:
            return field.synonyms[candidate]
    return _marked(plain) or Refusal("enum")


def parse_code(text: str) -> str | None | Refusal:
    """A code such as an id: NFKC, no spaces around; refused when Excel has made 1.23E+05 of it."""
    if _PLAIN_CODE.fullmatch(text):
        return text
    plain = tidy(text)
    if marked := _marked(plain):
        return marked
    if is_missing(text):
        return None
    if plain == NAME_MASK:
        return Refusal("name_in_text")
    if _LOST_DIGITS.fullmatch(plain):
        return Refusal("lost_digits")
    return Refusal("lost_characters") if _LOST_CHARACTER in plain else plain


def parse_text(text: str) -> str | None | Refusal:
    """Free text or a name: only the spaces around are taken off, since NFKC changes the characters of names."""
    plain = text.strip()
    if marked := _marked(plain):
        return marked
    return Refusal("lost_characters") if _LOST_CHARACTER in plain else plain or None


def parse_cell(text: str, field: FieldSpec, *, scale: Decimal = Decimal(1)) -> Cell:
    """``text`` read as ``field``: the canonical text that DuckDB casts, None when missing, or a refusal.

    Parameters
    ----------
    scale : Decimal
        What a written number is multiplied by, when the heading names another unit (千円 for yen, 分 for hours).
    """
    if field.enum:
        return parse_enum(text, field)
    if field.type in {"number", "integer"}:
        is_duration = field.unit in {"hours", "minutes"}
        quantity = Quantity(unit=field.unit, whole=field.type == "integer", scale=scale, digits=2 if is_duration else 6)
        value = parse_hours(text, quantity) if is_duration else parse_number(text, quantity)
        return value if isinstance(value, Refusal) or value is None else f"{value:f}"
    return _PARSERS[field.type](text, field)


def _boolean_cell(text: str, _field: FieldSpec) -> Cell:
    value = parse_boolean(text)
    return value if isinstance(value, Refusal) or value is None else str(value).lower()


def _date_cell(text: str, field: FieldSpec) -> Cell:
    if is_missing(text):
        return None
    if marked := _marked(tidy(text)):
        return marked
    value = {"date": parse_date, "yearmonth": parse_month, "year": parse_fiscal_year}[field.type](text)
    return value if isinstance(value, Refusal) else str(value)


def _string_cell(text: str, field: FieldSpec) -> Cell:
    return parse_code(text) if field.name.endswith("_id") or field.unit == "code" else parse_text(text)


_PARSERS: Mapping[str, Callable[[str, FieldSpec], Cell]] = {
    "string": _string_cell, "boolean": _boolean_cell, "date": _date_cell, "yearmonth": _date_cell, "year": _date_cell,
}  # fmt: skip

"""What the kinds and units of data_schema/ are called in Japanese, for the forms and for docs/DATA.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdx_eval.schema import FieldSpec

_UNITS = {"hours": "時間", "minutes": "分", "yen": "円", "cases": "件", "persons": "人", "points": "点", "units": "件"}
_TYPES = {"string": "文字", "integer": "整数", "number": "数", "date": "日付", "boolean": "はい・いいえ", "yearmonth": "年月", "year": "年度"}


def unit_word(field: FieldSpec) -> str:
    """The unit of a field (``時間``), what it follows from where it differs from row to row, or nothing."""
    return _UNITS.get(field.unit or "", "") or field.unit_note


def kind_words(field: FieldSpec) -> str:
    """The kind of a field with its unit: ``数（時間）``."""
    unit = unit_word(field)
    return f"{_TYPES[field.type]}{f'（{unit}）' if unit else ''}"

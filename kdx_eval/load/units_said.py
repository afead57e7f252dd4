"""The unit of a column: what its heading, the title above the table or mapping.yaml says, and whether it is a sum at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal

from kdx_eval.errors import SchemaError
from kdx_eval.schema import FieldSpec

BRACKETS = re.compile(r"[(\[【](単位[:：]?)?(?P<unit>[^)\]】]*)[)\]】]")
_SCALES: Mapping[tuple[str, str], Decimal] = {
    ("yen", "千円"): Decimal(1000), ("yen", "万円"): Decimal(10_000), ("yen", "百万円"): Decimal(1_000_000), ("yen", "億円"): Decimal(100_000_000),
    ("hours", "分"): Decimal(1) / 60, ("hours", "千時間"): Decimal(1000),
    ("minutes", "時間"): Decimal(60), ("minutes", "h"): Decimal(60), ("minutes", "千時間"): Decimal(60_000), ("minutes", "秒"): Decimal(1) / 60,
    ("cases", "千件"): Decimal(1000), ("cases", "万件"): Decimal(10_000),
}  # fmt: skip
_JAPANESE: Mapping[str, str] = {"yen": "円", "hours": "時間", "minutes": "分", "cases": "件", "persons": "人", "points": "点"}
_ALSO: Mapping[str, tuple[str, ...]] = {"hours": ("h", "時間数"), "minutes": ("min",), "cases": ("回", "通", "枚", "部"), "persons": ("名",)}
_CLOCK = re.compile(r"時間?[.:]分")
_UNIT_WORD = re.compile(
    r"(千|百万|百|万|億)?(円|時間|分|秒|日|人日|人月|人工|h|min|%)(数)?|(千|万)件|時間?[.:]分|.*/.+|.*(当|あ)たり.*"
)
_STATED = re.compile(
    r"単位(?:\s*:\s*|\s+|(?=千|百|万|億|円|時|分|人|件))(?P<stated>[^)\]】]+?)\s*(?:[)\]】]|$|\s(?=\S))"
    r"|[(\[【]\s*(?P<bare>千円|百万円|万円|億円|円|千時間|時間|分|時間?[.:]分)\s*[)\]】]"
)
_PARTS = re.compile(r"[、,;・\s]|及び|と")
# Hours and yen that are added up; what is worked out from them (平均, 1人当たり, 前年比) is no amount.
_SUMS: Mapping[str, frozenset[str]] = {
    "worktime": frozenset({"scheduled_hours", "overtime_hours", "paid_overtime_yen"}), "workload": frozenset({"cases", "minutes", "rework"}),
    "headcount": frozenset({"quota", "actual", "fiscal_year_appointed", "vacancies"}), "costs": frozenset({"yen"}),
}  # fmt: skip
_WORKED_OUT = re.compile(
    r"(1|一)?(人|件|課|日|月|回|時間)(当|あ)た?り|平均|累計|累積|前々?年(度|同月|同期)?(比|差)|増減|割合|構成比|比率|/(人|件|日|月|課|回)"
)


def is_worked_out(words: str) -> bool:
    """Whether a heading or title speaks of averages, shares, changes or running totals instead of the amounts themselves."""
    return bool(_WORKED_OUT.search(unicodedata.normalize("NFKC", words)))


def is_sum(table: str, field: str) -> bool:
    """Whether a field holds an amount that is added up, so that an average under its heading would be a wrong number."""
    return field in _SUMS.get(table, frozenset())


def unit_scale(spec: FieldSpec, unit: str) -> Decimal:
    """What a number written in ``unit`` is multiplied by to be in the unit of ``spec``. Raises SchemaError when it cannot be turned into it."""
    scale = _known(spec, unit)
    if scale is None:
        usable = [*(written for own, written in _SCALES if own == spec.unit), _JAPANESE.get(spec.unit or "", "")]
        hint = f"使える単位: {'、'.join(filter(None, usable)) or 'なし'}"
        raise SchemaError(f"「{spec.title}」は単位 {unit.strip()} では読めません", place="mapping.yaml units", hint=hint)
    return scale


def _known(spec: FieldSpec, unit: str) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", unit).strip()
    if plain in {spec.unit, _JAPANESE.get(spec.unit or ""), *_ALSO.get(spec.unit or "", ())}:
        return Decimal(1)
    return _SCALES.get((spec.unit or "", plain))


def heading_scale(spec: FieldSpec, heading: str) -> Decimal | None:
    """The factor of the unit in the brackets of a heading; 1 when none is said, None when the unit is one that ``spec`` cannot have."""
    scale = Decimal(1)
    for found in BRACKETS.finditer(unicodedata.normalize("NFKC", heading)):
        for part in filter(None, _PARTS.split(found["unit"])):
            known = _known(spec, part)
            if known is None and _UNIT_WORD.fullmatch(part) and spec.unit in _JAPANESE:
                return None
            scale = known or scale
    return scale


def names_unit(spec: FieldSpec, heading: str) -> bool:
    """Whether the brackets of a heading name a unit of ``spec``, so that what the title says does not count."""
    found = BRACKETS.finditer(unicodedata.normalize("NFKC", heading))
    return any(_known(spec, part) is not None for one in found for part in _PARTS.split(one["unit"]) if part)


def stated_units(text: str) -> list[str]:
    """The units a title states, in order: 単位：千円, （千円）; 単位：時間、円 states two."""
    found: list[str] = []
    for match in _STATED.finditer(unicodedata.normalize("NFKC", text)):
        found += [part for part in _PARTS.split(match["stated"] or match["bare"]) if part]
    return found


def title_units(texts: Sequence[str]) -> list[str]:
    """The units that the first of ``texts`` with any states."""
    return next((stated for stated in map(stated_units, texts) if stated), [])


def is_clock(unit: str) -> bool:
    """Whether a unit says that 12.30 is 12時間30分."""
    return bool(_CLOCK.fullmatch(unit))


def title_unit(spec: FieldSpec, texts: Sequence[str]) -> tuple[str | None, str | None]:
    """The unit for ``spec`` by the first of ``texts`` that states units: (it, None), or (None, a stated unit that ``spec`` cannot have).

    The last one in a text is nearest to the cells. A unit of another kind beside a usable one is meant for other columns.
    """
    for text in texts:
        stated = stated_units(text)
        usable = [unit for unit in stated if _known(spec, unit) is not None]
        if usable:
            return usable[-1], None
        strange = [unit for unit in stated if _UNIT_WORD.fullmatch(unit) or unit in _JAPANESE.values()]
        if strange:
            return None, strange[-1]
    return None, None


def is_kind(unit: str, kind: str) -> bool:
    """Whether a written unit (千円) is one of a kind (yen)."""
    return unit == _JAPANESE[kind] or (kind, unit) in _SCALES


def scale_note(spec: FieldSpec, heading: str, *, scale: Decimal) -> str:
    """What was done to the numbers of a column, in Japanese; empty when nothing was."""
    if scale == 1:
        return ""
    written = next((unit for (own, unit), factor in _SCALES.items() if own == spec.unit and factor == scale), "")
    return f"「{' '.join(heading.split())}」は{written}とみて、{_JAPANESE.get(spec.unit or '', '')}に直しました"

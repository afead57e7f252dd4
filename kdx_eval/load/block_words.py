"""What the words around a cross-tab say: which table it is, which value its cells hold and in which unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from kdx_eval.errors import DataError
from kdx_eval.load.headers import Column, table_named
from kdx_eval.load.mapping import CrosstabMapping, heading_key
from kdx_eval.load.units_said import is_clock, is_kind, title_unit, title_units, unit_scale
from kdx_eval.schema import FieldSpec, Schema, TableSpec

# The longer word first: 時間外勤務手当 is not hours.
MEASURES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "worktime": (
        ("時間外勤務手当|時間外手当|超過勤務手当|超勤手当|手当額|支給額", "paid_overtime_yen"),
        ("正規の勤務時間|所定勤務時間|所定時間|正規時間", "scheduled_hours"),
        ("時間外|超過勤務|残業|超勤", "overtime_hours"),
    ),
    "workload": (("差戻し|手戻り", "rework"), ("件数|取扱", "cases"), ("時間|所要|分数", "minutes")),
    "headcount": (("会計年度任用", "fiscal_year_appointed"), ("欠員|育休", "vacancies"), ("定数|定員", "quota"), ("実員|現員|実人員|在籍|職員数", "actual")),
    "indicators": (("", "value"),),
}  # fmt: skip
_NONE: Mapping[str, FieldSpec] = MappingProxyType({})


def block_title(above: Sequence[tuple[int, tuple[str, ...]]]) -> str:
    """All that is written above a header, in one line."""
    return " ".join(cell for _, cells in above for cell in cells if cell.strip())


def table_of(said: CrosstabMapping, mapped: str | None, *, names: Sequence[str], schema: Schema) -> TableSpec | None:
    """The table a cross-tab belongs to: as mapped, else by its names, else worktime; None when its names say that it is another one."""
    if mapped:
        return schema.table(mapped) if mapped in MEASURES else None
    measures = {measure for measure in (said.measure, *said.measures.values()) if measure}
    for table, words in MEASURES.items():
        if measures & {measure for _, measure in words}:
            return schema.table(table)
    named = [spec for spec in (table_named(text, schema) for text in names if text) if spec]
    usable = [spec for spec in named if spec.name in MEASURES]
    if named and not usable:
        return None
    return next((spec for spec in usable if spec.name == "worktime"), usable[0] if usable else schema.table("worktime"))


def measure_of(
    table: TableSpec, said: CrosstabMapping, *, titles: Sequence[str], units: Mapping[str, str], place: str, row_by_row: Mapping[str, FieldSpec] = _NONE
) -> Column:
    """The field whose values stand in the cells, with the factor of the unit said in title, sheet or file.

    ``row_by_row`` holds the fields that the rows themselves name; then the words around decide nothing.

    Raises DataError when the words leave open which field it is.
    """
    if row_by_row:
        return Column(field=next(iter(row_by_row.values())), index=0, heading="月の列")  # each row's own unit follows
    spec = _measure(table, said, titles=titles)
    if spec is None:
        choices = "、".join(f"{measure}（{table.field(measure).title}）" for _, measure in MEASURES[table.name])
        raise DataError("月ごとの値が何か分かりません", place=place, hint=f"mapping.yaml の crosstab に measure を書いてください: {choices}")
    if spec.unit == "hours" and spec.name not in units and any(map(is_clock, title_units(titles))):
        return Column(field=spec, index=0, heading="月の列", clock=True)
    spec, scale = _unit(table, spec, said, titles=titles, units=units, place=place)
    return Column(field=spec, index=0, heading="月の列", scale=scale)


def _unit(
    table: TableSpec, spec: FieldSpec, said: CrosstabMapping, *, titles: Sequence[str], units: Mapping[str, str], place: str
) -> tuple[FieldSpec, Decimal]:
    """The field and the factor of the unit in title, sheet or file. Raises DataError when the unit said there is none of the field's."""
    if spec.name in units:
        return spec, unit_scale(spec, units[spec.name])
    unit, other = title_unit(spec, titles)
    if other is None or spec.unit is None:
        return spec, unit_scale(spec, unit) if unit else Decimal(1)
    if spec.name == "overtime_hours" and is_kind(other, "yen") and not (said.measure or said.measures):
        # 時間外勤務の状況（単位：円） is a table of what was paid.
        paid = table.field("paid_overtime_yen")
        return paid, unit_scale(paid, other)
    hint = f"mapping.yaml の crosstab に measure を、または units に {spec.name}: 単位 を書いてください。平均や1人当たりの表なら ignore: true と書いてください"
    raise DataError(f"表の単位「{other}」は「{spec.title}」として読めません", place=place, hint=hint)


def _measure(table: TableSpec, said: CrosstabMapping, *, titles: Sequence[str]) -> FieldSpec | None:
    # A word in the title of a block tells it from its neighbours, so it goes before what is said for the whole sheet.
    for title in titles:
        for word, measure in said.measures.items():
            if heading_key(word) in heading_key(title):
                return table.field(measure)
    if said.measure:
        return table.field(said.measure)
    for title in titles:
        plain, found = heading_key(title), list[str]()
        for words, measure in MEASURES[table.name]:
            if re.search(words, plain):
                found.append(measure)
                plain = re.sub(words, "", plain) if words else plain
        if len(set(found)) == 1 or (found and table.name == "worktime"):
            return table.field(found[0])
        if found:
            return None
    return table.field("overtime_hours") if table.name == "worktime" else None

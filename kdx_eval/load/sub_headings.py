"""A row of headings under the months (人数・時間・手当 for each month): which columns hold which value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kdx_eval.errors import DataError
from kdx_eval.load.block_words import MEASURES
from kdx_eval.load.blocks import Row, Sheet
from kdx_eval.load.cells import is_missing, parse_hours, tidy
from kdx_eval.load.dates import Refusal
from kdx_eval.load.headers import Column, fold
from kdx_eval.load.mapping import heading_key
from kdx_eval.load.units_said import heading_scale, is_worked_out, names_unit, title_unit, unit_scale
from kdx_eval.schema import FieldSpec, TableSpec

# Under a month it is plain of what the hours or the yen are.
_UNDER_A_MONTH: Mapping[str, tuple[tuple[str, str], ...]] = {
    "worktime": (("手当|支給|金額|円", "paid_overtime_yen"), ("時間", "overtime_hours")),
    "workload": (("件", "cases"), ("時間|分", "minutes")),
}  # fmt: skip
_MOSTLY = 2 / 3  # of the cells under the months are words: a row of data may hold a few (未集計)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubHeadings:
    """The line of the row, for each value its column among those of a month (or of a total), and headings that are not read."""

    line: int
    parts: tuple[tuple[Column, Mapping[int, int]], ...]
    unused: tuple[str, ...]


def find_sub_headings(
    sheet: Sheet, body: Sequence[Row], *, table: TableSpec, columns: Sequence[int], headings: Sequence[str], titles: Sequence[str]
) -> SubHeadings | None:
    """What the first row under the months says of the columns beneath each; None when it is a row of data.

    ``columns`` are those with a month or a total over them; each holds all until the next one. ``headings`` are those of the row above.
    Raises DataError when no heading is known, or two of them are the same value.
    """
    # A row of data is named: only a heading merged over both rows, or nothing, stands left of a row of headings.
    if not body or any(cell and cell not in headings for cell in body[0][1][: columns[0]]) or not _are_words(body[0][1][columns[0] : len(headings)]):
        return None
    (line, cells), stop = body[0], len(headings)
    ends = [*columns[1:], stop]
    labels = list(dict.fromkeys(cells[index] for index in range(columns[0], stop) if cells[index]))
    named = {label: spec for label in labels if (spec := _field(sheet, table, label)) is not None}
    if not named or len({spec.name for spec in named.values()}) < len(named):
        shown = "、".join(label for label in labels)
        hint = f"mapping.yaml の crosstab に measures: {{{labels[-1]}: 値の名前}} と書いてください"
        raise DataError(f"月の下の見出し（{shown}）のどれがどの値か分かりません", place=f"{sheet.place} {line}行", hint=hint)
    parts = []
    for label, spec in named.items():
        where = {first: index for first, end in zip(columns, ends, strict=True) for index in range(end - 1, first - 1, -1) if cells[index] == label}
        parts.append((Column(field=spec, index=0, heading=label, scale=written_scale(sheet, spec, label=label, titles=titles)), where))
    return SubHeadings(line=line, parts=tuple(parts), unused=tuple(label for label in labels if label not in named))


def _are_words(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if not is_missing(cell)]
    words = [cell for cell in filled if isinstance(parse_hours(cell), Refusal) and not re.match(r"[#約(△▲-]?\d", tidy(cell))]
    return bool(filled) and len(words) >= _MOSTLY * len(filled) and len(filled) >= len(cells) / 4


def _field(sheet: Sheet, table: TableSpec, label: str) -> FieldSpec | None:
    for word, measure in sheet.said.measures.items():
        if heading_key(word) in heading_key(label):
            return table.field(measure)
    if is_worked_out(label):
        return None
    for spec in table.fields:
        if spec.type in {"number", "integer"} and fold(label) in {fold(one) for one in (spec.name, spec.title, *spec.aliases)}:
            return spec
    known = (*MEASURES[table.name], *_UNDER_A_MONTH.get(table.name, ()))
    return next((table.field(measure) for words, measure in known if words and re.search(words, heading_key(label))), None)


def written_scale(sheet: Sheet, spec: FieldSpec, *, label: str, titles: Sequence[str]) -> Decimal:
    """The factor of the unit for ``spec`` by mapping.yaml, its label (処理時間（分）) or the title. Raises DataError when it is none of its units."""
    if spec.name in sheet.mapping.units:
        return unit_scale(spec, sheet.mapping.units[spec.name])
    said = heading_scale(spec, label)
    if said is None:
        raise DataError(f"見出し「{label}」の単位は「{spec.title}」として読めません", place=sheet.place, hint="mapping.yaml の units に単位を書いてください")
    unit = None if names_unit(spec, label) else title_unit(spec, titles)[0]
    return unit_scale(spec, unit) if unit else said

"""Rows of a cross-tab that are no unit of their own: averages and comparisons, divisions above their sections, parts of one unit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kdx_eval.errors import DataError
from kdx_eval.load.blocks import Block, Row, Sheet
from kdx_eval.load.cells import parse_cell, parse_number
from kdx_eval.load.headers import Column
from kdx_eval.load.mapping import heading_key
from kdx_eval.load.shapes import is_total
from kdx_eval.schema import TableSpec

_DERIVED = re.compile(
    r"(全庁|全体|市全体|部内|年間|月別)?(の)?((1|一)?(課|人|所属))?(当たり|あたり)?(の)?(月)?平均(値|時間|時間数|件数)?"
    r"|(1|一)(人|課|所属)(当|あ)たり(の)?(平均)?(時間|件数)?(数)?|(最大|最小|最高|最低|中央)(値|時間)?"
    r"|(対)?前々?年(度|同月|同期)?(比|差|増減|対比|比較)?(率)?|増減(率|数|額|時間)?|差(引|引き)?|構成比|割合|伸び率|増加率|減少率"
    r"|(開庁|勤務|営業|稼働)?日数|(うち|再掲|内数).*"
)
_STAFF = re.compile(r"(対象)?(職員数|人数|人員|定数|実員)")  # beside hours and cases; in a table of staff it names the value
_DIVISION = re.compile(r"(?!.*事務局).*(部|局|部局|本部|庁|行政委員会等?)")
_PART = re.compile(r".*(係|班|担当|グループ|チーム|分室|支所|出張所|分館|窓口|事務所|センター|所|館|園|校|室)")
_PERSONAL = frozenset({"氏名", "職員名", "職員氏名", "名前"})


def is_derived(label: str, table: TableSpec) -> bool:
    """Whether a row of ``table`` named ``label`` is no amount of its own: 平均, 最大, 前年度比, 増減, 開庁日数, うち再任用."""
    plain = re.sub(r"[\s　()（）%％]", "", unicodedata.normalize("NFKC", label))
    return bool(_DERIVED.fullmatch(plain)) or (table.name in {"worktime", "workload"} and bool(_STAFF.fullmatch(plain)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """Lines of divisions whose row is the sum of their sections, and of divisions that only stand as a heading over them."""

    sums: tuple[int, ...] = ()
    headings: tuple[int, ...] = ()


def find_nested(rows: Sequence[Row], *, called: Callable[[Row], str], values: Callable[[Row], Sequence[Decimal | None]]) -> Nested:
    """The rows of divisions among ``rows``.

    A division is a sum only when it equals the rows after or before it, column by column, up to the rounding of what is written.
    """
    names = [re.sub(r"\s", "", called(row)) for row in rows]
    numbers = [values(row) for row in rows]
    sums: set[int] = set()
    headings: set[int] = set()
    for position in range(len(rows) - 1, -1, -1):
        if not _DIVISION.fullmatch(names[position]):
            continue
        if all(value is None for value in numbers[position]):
            if position + 1 < len(rows) and not _DIVISION.fullmatch(names[position + 1]):
                headings.add(position)
            continue
        after = [numbers[one] for one in range(position + 1, len(rows)) if one not in sums | headings]
        before = [numbers[one] for one in range(position - 1, -1, -1) if not _DIVISION.fullmatch(names[one])]
        if _is_sum(numbers[position], after) or _is_sum(numbers[position], before):
            sums.add(position)
    return Nested(sums=tuple(rows[one][0] for one in sorted(sums)), headings=tuple(rows[one][0] for one in sorted(headings)))


def _is_sum(stated: Sequence[Decimal | None], parts: Sequence[Sequence[Decimal | None]]) -> bool:
    """Whether the first few of ``parts`` add up to ``stated`` in every column."""
    wanted = [value or Decimal(0) for value in stated]
    if not any(wanted):
        return False
    counted = [Decimal(0)] * len(wanted)
    # A written number is off by half of its last digit; whole numbers add up exactly.
    half, each = (Decimal(1).scaleb(min(map(_exponent, filter(None, numbers)), default=0)) / 2 for numbers in (wanted, [v for part in parts for v in part]))
    for number, part in enumerate(parts, start=1):
        counted = [total + (value or Decimal(0)) for total, value in zip(counted, part, strict=True)]
        slack = min(half + each * number, Decimal("0.5"))
        if all(abs(one - other) <= slack for one, other in zip(counted, wanted, strict=True)):
            return True
        if sum(counted) > sum(wanted) + slack * len(wanted):
            return False
    return False


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(min(exponent, 0), -2) if isinstance(exponent, int) else 0


def join_parts(sheet: Sheet, block: Block, *, labels: Mapping[int, str]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """The rows of ``block`` with one row for each unit, and notes: rows that mapping.yaml picks, or rows of sections, shifts or people added up.

    ``labels`` are the columns between the keys and the months that no field is read from, with their headings.
    Raises DataError when a unit has several rows and nothing says what they are: 前年度 and 今年度 must not be added.
    """
    values = [value.index for value in block.values]
    chosen, notes = _picked(sheet, block.rows, labels)
    filled, groups = _grouped(chosen, block.table, keys=block.keys, labels=labels, values=values)
    several = [lines for lines in groups.values() if len(lines) > 1]
    splitting = [index for index in labels if any(len({filled[line][index] for line in lines}) == len(lines) for lines in several)]
    if not several or not splitting:
        return chosen, notes
    index = splitting[-1]
    heading = labels[index] or f"{index + 1}列目"
    added = sheet.said.add_up is not None and heading_key(sheet.said.add_up) == heading_key(labels[index])
    words = {filled[line][index] for lines in groups.values() for line in lines}
    if not added and heading_key(heading) not in _PERSONAL and sum(bool(_PART.fullmatch(word)) for word in words) < 0.8 * len(words):
        lines = "、".join(f"{line}行" for line in several[0][:3])
        hint = f"mapping.yaml の crosstab に、読む行だけなら rows: {{{heading}: 言葉}} を、足してよいなら add_up: {heading} を書いてください"
        raise DataError(f"一つの所属や業務の行が、「{heading}」の列でいくつかに分かれています（{lines}など）", place=sheet.place, hint=hint)
    kept: list[Row] = [(lines[0], _added([filled[line] for line in lines], values, measure=block.measure)) for lines in groups.values()]
    grouped = {line for lines in groups.values() for line in lines}
    rows = sorted([*kept, *(row for row in chosen if row[0] not in grouped)])
    return tuple(rows), (*notes, f"「{heading}」ごとの{len(grouped)}行を、{len(kept)}行に足し合わせました")


def _picked(sheet: Sheet, body: Sequence[Row], labels: Mapping[int, str]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    if not sheet.said.rows:
        return tuple(body), ()
    said = {heading_key(heading): words for heading, words in sheet.said.rows.items()}
    columns = {index: said[heading_key(heading)] for index, heading in labels.items() if heading_key(heading) in said}
    if len(columns) < len(said):
        shown = "、".join(heading for heading in labels.values() if heading) or "なし"
        raise DataError("crosstab の rows に書かれた見出しがありません", place=sheet.place, hint=f"所属と月の間にある見出し: {shown}")
    kept = [row for row in body if all(heading_key(row[1][index]) in {heading_key(word) for word in words} for index, words in columns.items())]
    if not kept:
        raise DataError("crosstab の rows に合う行がありません", place=sheet.place, hint="列に書かれている言葉のとおりに書いてください")
    first = min(columns)
    named = _filled_down(body, columns=range(first))
    rows = tuple((line, tuple(named[line][:first]) + cells[first:]) for line, cells in kept)
    return rows, (f"mapping.yaml の指定により{len(body) - len(kept)}行を読みません",)


def _filled_down(body: Sequence[Row], *, columns: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Line -> cells, with blanks of ``columns`` taken from the row above."""
    before: tuple[str, ...] = ()
    found: dict[int, tuple[str, ...]] = {}
    for line, cells in body:
        blank = not any(cells[index] for index in columns)
        before = tuple(before[index] if before and blank and index in columns else cell for index, cell in enumerate(cells))
        found[line] = before
    return found


def _grouped(
    body: Sequence[Row], table: TableSpec, *, keys: Sequence[Column], labels: Mapping[int, str], values: Sequence[int]
) -> tuple[dict[int, tuple[str, ...]], dict[tuple[str, ...], list[int]]]:
    """Line -> cells with the keys filled down, and key -> lines of its rows that have a value."""
    places = [key.index for key in keys]
    data = [
        row for row in body
        if any(row[1][index] for index in values)
        and not any(is_total(row[1][index]) or is_derived(row[1][index], table) for index in (*places, *labels))
    ]  # fmt: skip
    filled = _filled_down([row for row in data if any(row[1][index] for index in (*places, *labels))], columns=places)
    groups: dict[tuple[str, ...], list[int]] = {}
    for line, cells in filled.items():
        groups.setdefault(tuple(cells[index] for index in places), []).append(line)
    return filled, groups


def _added(rows: Sequence[tuple[str, ...]], values: Sequence[int], *, measure: Column) -> tuple[str, ...]:
    """One row for several: a month of which one part is blank or unreadable is left so, lest a part pass for the whole."""
    cells = list(rows[0])
    for index in values:
        written = [row[index] for row in rows]
        read = [_plain(one, measure) for one in written]
        unread = next((one for one, value in zip(written, read, strict=True) if value is None), None)
        cells[index] = f"{sum((value for value in read if value is not None), Decimal(0)):f}" if unread is None else unread
    return tuple(cells)


def _plain(written: str, measure: Column) -> Decimal | None:
    """A cell in the unit of its column; 3:30 says its own unit."""
    number = parse_number(written)
    if isinstance(number, Decimal) and ":" not in written:
        return number
    value = parse_cell(written, measure.field, scale=measure.scale)
    return Decimal(value) / measure.scale if isinstance(value, str) else None

"""A block of a cross-tab turned into one row for each unit and month, with its totals compared and left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from kdx_eval.load.block_rows import Nested, find_nested, is_derived
from kdx_eval.load.blocks import Block, Row
from kdx_eval.load.cells import is_missing, parse_cell, tidy
from kdx_eval.load.database import create_table, name
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, Layout
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.shapes import is_total
from kdx_eval.load.units_said import scale_note

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NOTE = re.compile(r"(※|注|＊|\*|（注|\(注|備考|出典|資料|作成|■|数値は|単位)")
_LONG_NOTE = 30
_MINUTES = 60
_ENOUGH = 30  # numbers with digits after the point: all below .60 by chance in one of four million tables
_CLOSE = Decimal("0.5")  # of the written unit: hours shown as 12.5 may have been added as 12:29


def unpivot(con: DuckDBPyConnection, grid: Grid, *, block: Block, number: int, mapping: FileMapping) -> tuple[Grid, Layout, tuple[str, ...]]:
    """A grid of (keys, what the headings say, measure) with the layout to read it, and notes on totals, notes and empty months.

    A column in which no row has a value was not collected: it gives no rows. A blank among values gives a row without a value.
    """
    sums = [row for row in block.rows if _is_total(row, block)]
    derived = [row for row in block.rows if row not in sums and any(is_derived(row[1][index], block.table) for index in block.labels)]
    notes = [row for row in block.rows if row not in sums and row not in derived and _is_note(row, block)]
    data = [row for row in block.rows if row not in sums and row not in derived and row not in notes and _is_data(row, block)]
    nested = find_nested(data, called=lambda row: _called(row, block), values=lambda row: _written(row, block)) if not block.months else Nested()
    data = [row for row in data if row[0] not in {*nested.sums, *nested.headings}]
    filled = tuple(value for value in block.values if any(cells[value.index] for _, cells in data))
    said = list(block.notes)
    dated = [value.fixed["month"] for value in block.values if "month" in value.fixed]
    if dated != sorted(dated):
        said.append("注意: 月の見出しが順に並んでいません。見出しの書き誤りでないか確かめてください")
    if len(filled) < len(block.values):
        what = "所属" if block.months else "月" if dated else "列"
        said.append(f"値のない{what}が{len(block.values) - len(filled)}つあり、未収集としました")
    for rows_, words in ((derived, "平均・前年比・うち書きなどの行"), (nested.sums, "部や局の合計の行"), (nested.headings, "値のない、部や局の見出しの行")):
        if rows_:
            lines = [one if isinstance(one, int) else one[0] for one in rows_]
            said.append(f"{words}{len(lines)}行（{'、'.join(f'{line}行' for line in lines[:5])}）はデータに数えていません")
    if notes:
        said.append(f"注記{len(notes)}行はデータに数えていません")
    said += filter(None, [scale_note(block.measure.field, block.measure.field.title, scale=block.measure.scale)])
    if block.unused:
        said.append(f"使わない列: {'、'.join(block.unused[:8])}")
    shown = replace(block, values=filled)
    said += _maybe_minutes(shown, data)
    said += _compare_sums(shown, sums, data) + _compare_totals(shown, data)
    long, layout = _write(con, grid, block=shown, data=data, table=f"{grid.table}_long{number}")
    return long, replace(layout, constants={k: v for k, v in mapping.constants.items() if not layout.has(k)}), tuple(dict.fromkeys(said))


def _is_total(row: Row, block: Block) -> bool:
    return any(is_total(row[1][index]) for index in block.labels)


def _called(row: Row, block: Block) -> str:
    """What a row is named by: its last key, or the last label left of it when it has none."""
    last = max((key.index for key in block.keys), default=-1)
    return next((row[1][index] for index in range(last, -1, -1) if row[1][index]), "")


def _written(row: Row, block: Block) -> list[Decimal | None]:
    """The values of a row; None for a blank, and for a text that the row will be refused for."""
    read = [parse_cell(row[1][value.index], block.measure.field, scale=block.measure.scale) for value in block.values]
    return [Decimal(value) if isinstance(value, str) else None for value in read]


def _is_note(row: Row, block: Block) -> bool:
    filled = [cell for cell in row[1] if cell]
    if len(filled) != 1:
        return False
    keyed = any(row[1][key.index] for key in block.keys) or row[0] in block.months
    return not keyed or bool(_NOTE.match(filled[0])) or len(filled[0]) >= _LONG_NOTE


def _is_data(row: Row, block: Block) -> bool:
    """Whether a row says something: it has a value, or it is named and its values are blank."""
    line, cells = row
    named = line in block.months or any(cells[key.index] for key in block.keys)
    repeats = bool(block.keys) and all(cells[key.index] == key.heading for key in block.keys)
    return not repeats and (named or any(cells[value.index] for value in block.values))


def _maybe_minutes(block: Block, data: Sequence[Row]) -> list[str]:
    """A remark where the digits after the point look like minutes: never 60 or more, in so many numbers that it is no chance."""
    if block.measure.field.unit != "hours" or block.measure.clock:
        return []
    parts = [match[1] for _, cells in data for value in block.values if (match := re.fullmatch(r"\d+\.(\d{1,2})", tidy(cells[value.index])))]
    minutes = [int(f"{part}0"[:2]) for part in parts if int(part)]
    if len(minutes) < _ENOUGH or max(minutes) >= _MINUTES or set(minutes) <= {50}:
        return []
    return ["注意: 小数点の後がどれも59以下です。12.30 が12時間30分のことなら、表題に（単位：時間.分）と書いてください"]


def _as_clock(written: str) -> str:
    """12.30, by which 12時間30分 is meant, as 12:30; Excel makes 12.3 of it."""
    found = re.fullmatch(r"(\d+)(?:\.(\d{1,2}))?", tidy(written))
    return f"{found[1]}:{f'{found[2] or 0}0'[:2]}" if found else written


def _number(cells: Sequence[str], index: int, block: Block) -> Decimal:
    value = parse_cell(_as_clock(cells[index]) if block.measure.clock else cells[index], block.measure.field, scale=block.measure.scale)
    return Decimal(value) if isinstance(value, str) else Decimal(0)


def _differs(stated: Decimal, counted: Decimal, block: Block) -> bool:
    return abs(stated - counted) >= _CLOSE * max(block.measure.scale, Decimal(1))


def _compare_sums(block: Block, sums: Sequence[Row], data: Sequence[Row]) -> list[str]:
    """Rows of totals: a grand total covers all rows above, a subtotal those since the last total."""
    wrong = 0
    lines = [line for line, _ in sums]
    for line, cells in sums:
        since = max((other for other in lines if other < line), default=0)
        stated = [_number(cells, value.index, block) for value in block.values]
        parts = ([row for row in data if row[0] < line], [row for row in data if since < row[0] < line])
        counted = [[sum((_number(row, value.index, block) for _, row in part), Decimal(0)) for value in block.values] for part in parts]
        wrong += not any(all(not _differs(a, b, block) for a, b in zip(stated, one, strict=True)) for one in counted)
    notes = [f"合計の行{len(sums)}つはデータに数えていません"] if sums else []
    return [*notes, f"注意: 合計の行のうち{wrong}つが内訳の合計と合いません"] if wrong else notes


def _compare_totals(block: Block, data: Sequence[Row]) -> list[str]:
    """Columns of totals: over all values left of it, or those since the last total (上期計)."""
    wrong: list[int] = []
    for line, cells in data:
        for total in block.totals:
            since = max((other for other in block.totals if other < total), default=-1)
            left = [value.index for value in block.values if value.index < total]
            counted = [sum((_number(cells, index, block) for index in part), Decimal(0)) for part in (left, [one for one in left if one > since])]
            if cells[total] and all(_differs(_number(cells, total, block), one, block) for one in counted) and line not in wrong:
                wrong.append(line)
    if not wrong:
        return []
    return [f"注意: 合計の列が内訳の合計と合わない行が{len(wrong)}つあります（{'、'.join(f'{line}行' for line in wrong[:5])}）"]


def _write(con: DuckDBPyConnection, grid: Grid, *, block: Block, data: Sequence[Row], table: str) -> tuple[Grid, Layout]:
    fixed = list(dict.fromkeys(called for value in block.values for called in value.fixed))
    fields = [key.field for key in block.keys] + [block.table.field(called) for called in fixed]
    if block.months:
        fields.append(block.table.field("month"))
    fields.append(block.measure.field)
    width = len(fields)
    values: list[tuple[str | None, ...]] = []
    for value in block.values:
        for line, cells in data:
            if (block.months and line not in block.months) or (block.skip_blanks and is_missing(cells[value.index])):
                continue
            months = [block.months[line]] if block.months else []
            texts = [*(cells[key.index] for key in block.keys), *(value.fixed[called] for called in fixed), *months]
            texts.append(_as_clock(cells[value.index]) if block.measure.clock else cells[value.index])
            values.append((str(len(values) + 1), str(line), str(width), *texts, value.heading))
    columns = ("rid", "line", "width", *(f"c{index}" for index in range(width)), "heading")
    create_table(con, f"{table}_text", columns=columns, values=values)
    con.execute(f"""CREATE TABLE {name(table)} AS SELECT * REPLACE (rid::BIGINT AS rid, line::BIGINT AS line, width::INTEGER AS width)
        FROM {name(f"{table}_text")}""")
    con.execute(f"DROP TABLE {name(f'{table}_text')}")
    headings: Mapping[str, str] = {key.field.name: key.heading for key in block.keys}
    layout_columns = [Column(field=spec, index=index, heading=headings.get(spec.name, spec.title)) for index, spec in enumerate(fields[:-1])]
    layout_columns.append(replace(block.measure, index=width - 1))
    layout = Layout(
        table=block.table, header_line=block.header_line, columns=tuple(layout_columns), headings=tuple(column.heading for column in layout_columns),
        title=block.title,
    )  # fmt: skip
    return replace(grid, table=table, n_columns=width, parquet=None, raw=()), layout

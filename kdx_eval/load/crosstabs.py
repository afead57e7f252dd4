"""Cross-tabs: where their blocks stand on a sheet, what runs across and what down, and which value the cells hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError, SchemaError
from kdx_eval.load.block_rows import join_parts
from kdx_eval.load.block_words import block_title, measure_of, table_of
from kdx_eval.load.blocks import Block, Row, Sheet, Value
from kdx_eval.load.crosstab_years import dated_columns, months_of_rows
from kdx_eval.load.database import name, scalar
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, fold, is_ignored
from kdx_eval.load.mapping import FileMapping, heading_key
from kdx_eval.load.shapes import is_total, month_of, year_in
from kdx_eval.load.sub_headings import SubHeadings, find_sub_headings, written_scale
from kdx_eval.schema import FieldSpec, Schema, TableSpec, load_indicators

if TYPE_CHECKING:
    import datetime as dt

    from duckdb import DuckDBPyConnection

FEWEST_MONTHS = 6
_HEADER_WITHIN = 30
_MOST_ROWS = 200_000  # a cross-tab is made to be looked at; longer sheets are lists
_ORGANISATION = re.compile(r".*(課|室|係|局|所|センター|館|園|校|委員会|事務局|部|グループ|チーム)")
_FISCAL_YEAR = [*map(str, range(4, 13)), "1", "2", "3"]
_UNITS: Mapping[str, str] = {"staff_id": "staff", "department_id": "department", "process_id": "process"}


def find_blocks(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> list[Block]:
    """The cross-tabs in ``grid`` from top to bottom; none when it is something else.

    Raises DataError when months stand across but their year, or what the cells hold, is nowhere said; SchemaError when the mapping names
    a heading that is not there.
    """
    said = mapping.crosstab
    across = said.across if said else None
    has_months = any(len(_months_in(cells, mapping)) >= FEWEST_MONTHS for _, cells in grid.head[:_HEADER_WITHIN])
    has_departments = across == "departments" or (across is None and _months_run_down(grid.head))
    if (has_months or has_departments) and scalar(con, f"SELECT count(*) FROM {name(grid.table)}") > _MOST_ROWS:
        has_months = has_departments = False
    if across != "departments" and has_months:
        return _months_across(read_sheet(con, grid, schema=schema, mapping=mapping))
    if has_departments:
        return _departments_across(read_sheet(con, grid, schema=schema, mapping=mapping))
    if said is not None:
        place = f"{grid.file} {grid.sheet}".strip()
        raise DataError("クロス表と書かれていますが、月の並びが見つかりません", place=place, hint="月は 4月 や R6.4 のように書いてください（6か月以上）")
    return []


def read_sheet(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> Sheet:
    """All rows of ``grid``, to look for blocks in."""
    cells = ", ".join(f"c{index}" for index in range(grid.n_columns))
    rows = con.execute(f"SELECT line, {cells} FROM {name(grid.table)} ORDER BY line").fetchall()
    body = tuple((int(row[0]), tuple(map(str, row[1:]))) for row in rows)
    if grid.head and grid.head[0][0] == 0:  # the heading of a Parquet file is no line of it
        body = (grid.head[0], *body)
    return Sheet(grid=grid, rows=body, schema=schema, mapping=mapping)


def _months_in(cells: Sequence[str], mapping: FileMapping) -> list[tuple[int, int | dt.date]]:
    found = ((index, month_of(cell)) for index, cell in enumerate(cells) if not is_ignored(cell, mapping))
    return [(index, month) for index, month in found if month is not None] or _bare_numbers(cells)


def _bare_numbers(cells: Sequence[str]) -> list[tuple[int, int | dt.date]]:
    """Columns headed 4, 5, ... 12, 1, 2, 3 without 月: nothing but a fiscal year is written so."""
    plain = [unicodedata.normalize("NFKC", cell).strip().removesuffix(".0") for cell in cells]
    first = next((index for index in range(len(plain) - 11) if plain[index : index + 12] == _FISCAL_YEAR), None)
    return [] if first is None else [(first + number, int(month)) for number, month in enumerate(_FISCAL_YEAR)]


def _is_header(cells: Sequence[str], mapping: FileMapping) -> bool:
    # Six-digit amounts can look like months; a header holds no other bare numbers.
    months = _months_in(cells, mapping)
    return len(months) >= FEWEST_MONTHS and sum(bool(re.fullmatch(r"[\d,.]+", cell)) for cell in cells) <= len(months)


def _months_across(sheet: Sheet) -> list[Block]:
    headers = [position for position, (_, cells) in enumerate(sheet.rows) if _is_header(cells, sheet.mapping)]
    blocks: list[Block] = []
    above: Sequence[Row] = sheet.rows[: headers[0]] if headers else ()
    sheet = replace(sheet, title=block_title(above))
    for number, position in enumerate(headers):
        end = headers[number + 1] if number + 1 < len(headers) else len(sheet.rows)
        line, cells = sheet.rows[position]
        labels = _labels(cells, above)
        table = table_of(sheet.said, sheet.mapping.table, names=(sheet.grid.sheet, block_title(above), sheet.called[1]), schema=sheet.schema)
        if table is None:
            return []
        body, following = _split_title(sheet.rows[position + 1 : end], from_column=_months_in(cells, sheet.mapping)[0][0], last=number + 1 == len(headers))
        for start, stop in _segments(labels, sheet, table=table):
            found = _across_block(sheet, table=table, line=line, labels=labels, span=(start, stop), around=(above, body, len(headers)))
            if found is None:
                return []
            blocks += found
        above = following
    return blocks


def _labels(cells: Sequence[str], above: Sequence[Row]) -> list[str]:
    """The header with blanks filled from up to two rows above, as where 課 is merged over both."""
    first = next((index for index, cell in enumerate(cells) if month_of(cell) is not None), _bare_numbers(cells)[0][0] if _bare_numbers(cells) else 0)
    labels = list(cells)
    for _, upper in reversed(above[-2:]):
        # A title stands alone in its row; a heading has the other headings beside it.
        if sum(bool(cell) for cell in upper) > 1:
            labels = [label or (cell if index < first else "") for index, (label, cell) in enumerate(zip(labels, upper, strict=True))]
    return labels


def _split_title(body: Sequence[Row], *, from_column: int, last: bool) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows of a block, and those under it that have no values: the title of the next block."""
    if last:
        return body, ()
    end = max((position + 1 for position, (_, cells) in enumerate(body) if any(cells[from_column:])), default=0)
    while end < len(body) and _looks_like_year_row(body[end - 1][1]) and end > 0:
        end -= 1
    for position in range(end - 1, -1, -1):  # a row of years belongs to the header under it
        if not _looks_like_year_row(body[position][1]):
            break
        end = position
    return body[:end], body[end:]


def _looks_like_year_row(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(year_in(cell) and len(cell) <= len("令和元年度（2019年度）") and not cell.isdecimal() for cell in filled)


def _segments(labels: Sequence[str], sheet: Sheet, *, table: TableSpec) -> list[tuple[int, int]]:
    """Columns from and to of tables that stand side by side, each with its own key headings."""
    months = [index for index, _ in _months_in(labels, sheet.mapping)]
    starts = [0]
    known = _key_names(table, sheet.schema)
    for index in range(months[0] + 1, months[-1]):
        is_key = fold(labels[index]) in known or (sheet.said.key and heading_key(labels[index]) == heading_key(sheet.said.key))
        if labels[index] and index not in months and is_key and any(month > starts[-1] and month < index for month in months):
            starts.append(index)
    return list(zip(starts, [*starts[1:], len(labels)], strict=True))


def _key_names(table: TableSpec, schema: Schema) -> dict[str, FieldSpec]:
    """Folded heading -> field, for fields that say of whom or what a row is."""
    found: dict[str, FieldSpec] = {}
    for spec in table.fields:
        if spec.type == "string" and not spec.dropped:
            found |= {fold(one): spec for one in _called(spec) if fold(one) not in found}
    if table.name == "indicators":
        found = {heading: table.field("unit_id") for heading in _kinds_of_unit(schema)} | found
    return found


def _called(spec: FieldSpec) -> tuple[str, ...]:
    return (spec.name, spec.title, *spec.aliases)


def _kinds_of_unit(schema: Schema) -> dict[str, str]:
    """Folded heading (所属, 職員番号, 業務名) -> what unit of an indicator it names."""
    specs = [(kind, schema.table("workload").field(named)) for named, kind in _UNITS.items()]
    return {fold(one): kind for kind, spec in specs for one in _called(spec)}


def _across_block(
    sheet: Sheet, *, table: TableSpec, line: int, labels: Sequence[str], span: tuple[int, int], around: tuple[Sequence[Row], Sequence[Row], int]
) -> list[Block] | None:
    above, body, n_headers = around
    start, stop = span
    months = [(index, month) for index, month in _months_in(labels, sheet.mapping) if start <= index < stop]
    title = block_title(above)
    keys = _keys(sheet, table, labels=labels[start : months[0][0]], offset=start, body=body)
    if keys is None:
        return None
    dated, notes = dated_columns(sheet, months, labels=labels, above=above, title_first=n_headers > 1)
    totals = tuple(index for index in range(months[0][0], stop) if is_total(labels[index]))
    titles = (title, *sheet.called)
    under = find_sub_headings(sheet, body, table=table, columns=sorted({*(index for index, _ in dated), *totals}), headings=labels[:stop], titles=titles)
    body = body[1:] if under else body
    used = {*(key.index for key in keys), *(index for index, _ in dated), *totals}
    named = {} if under else _items(table, body, columns=[index for index in range(start, months[0][0]) if index not in used], first=months[0][0])
    fixed = _fixed(sheet, keys, table=table, title=title)
    plain = Block(
        table=table, header_line=under.line if under else line, rows=tuple(body), keys=keys, title=title, notes=notes, totals=totals,
        measure=under.parts[0][0] if under else measure_of(table, sheet.said, titles=titles, units=sheet.mapping.units, place=sheet.place, row_by_row=named),
        values=tuple(Value(index=index, heading=labels[index], fixed={"month": f"{month:%Y-%m}", **fixed}) for index, month in dated),
        labels=tuple(range(start, months[0][0])),
        unused=() if named else (*(labels[index] for index in range(start, stop) if labels[index] and index not in used), *(under.unused if under else ())),
    )  # fmt: skip
    if named:
        return _by_item(plain, named, sheet=sheet, titles=titles)
    said = {index: labels[index] for index in plain.labels if index > max((key.index for key in keys), default=-1)}
    return [_one_row_each(sheet, block, said) for block in (_under_months(plain, under) if under else [_no_strange_columns(plain, labels, stop=stop)])]


def _under_months(block: Block, under: SubHeadings) -> list[Block]:
    """One block for each value that stands under every month."""
    return [
        replace(
            block, measure=measure, values=tuple(replace(value, index=where[value.index]) for value in block.values if value.index in where),
            totals=tuple(where[total] for total in block.totals if total in where),
        )
        for measure, where in under.parts
    ]  # fmt: skip


def _no_strange_columns(block: Block, labels: Sequence[str], *, stop: int) -> Block:
    """``block`` with a remark on numbers that stand between the months under no heading."""
    strange = [index for index in range(block.values[0].index, stop) if not labels[index] and any(re.match(r"[\d△▲]", cells[index]) for _, cells in block.rows)]
    shown = "、".join(f"{index + 1}列目" for index in strange[:5])
    return replace(block, notes=(*block.notes, f"注意: 見出しのない列（{shown}）に数がありますが、読んでいません")) if strange else block


def _one_row_each(sheet: Sheet, block: Block, labels: Mapping[int, str]) -> Block:
    """``block`` with one row for each unit; see `join_parts`."""
    unread = {index: heading for index, heading in labels.items() if not is_ignored(heading, sheet.mapping)}
    rows, notes = join_parts(sheet, block, labels=unread)
    return replace(block, rows=rows, notes=(*block.notes, *notes))


def _keys(sheet: Sheet, table: TableSpec, *, labels: Sequence[str], offset: int, body: Sequence[Row]) -> tuple[Column, ...] | None:
    """The columns that say of what a row is; None when the sheet is no cross-tab of ours."""
    names, found = _key_names(table, sheet.schema), dict[str, Column]()
    said = {heading_key(heading): named for heading, named in sheet.mapping.columns.items()}
    unit = "unit_id" if table.name == "indicators" else "department_id"
    if sheet.said.key:
        said[heading_key(sheet.said.key)] = unit
    for index, label in enumerate(labels):
        spec = next((one for one in table.fields if one.name == said.get(heading_key(label))), None) or names.get(fold(label))
        if spec and label and spec.name not in found and not is_ignored(label, sheet.mapping):
            found[spec.name] = Column(field=spec, index=offset + index, heading=label)
    if table.name == "worktime" and "staff_id" in found:
        found.pop("department_id", None)
    if sheet.said.key and not any(heading_key(column.heading) == heading_key(sheet.said.key) for column in found.values()):
        shown = "、".join(label for label in labels if label) or "なし"
        raise SchemaError("crosstab の key に書かれた見出しがありません", place=sheet.place, hint=f"月の左にある見出し: {shown}")
    if not {"staff_id", "department_id", "process_id", "unit_id"} & {*found, *sheet.mapping.constants}:
        if fallback := _only_column(sheet, labels=labels, offset=offset, body=body, unit=table.field(unit)):
            found[unit] = fallback
        elif sheet.mapping.crosstab is None:
            return None
        else:
            raise SchemaError("どの列が所属か分かりません", place=sheet.place, hint="mapping.yaml の crosstab に key: 見出し を書いてください")
    if "process_id" not in {*found, *sheet.mapping.constants} and table.name == "workload":
        hint = "見出しを「業務名」にするか、mapping.yaml の columns か constants に書いてください"
        raise SchemaError("どの列が業務か分かりません", place=sheet.place, hint=hint)
    return tuple(found.values())


def _only_column(sheet: Sheet, *, labels: Sequence[str], offset: int, body: Sequence[Row], unit: FieldSpec) -> Column | None:
    """The only filled column left of the months holds the departments, unless its heading says that it holds people."""
    filled = [index for index in range(len(labels)) if labels[index] or any(cells[offset + index] for _, cells in body)]
    people = {fold(one) for spec in sheet.schema.table("staff").fields if spec.personal for one in (spec.title, *spec.aliases)}
    if any(fold(label) in people for label in labels):
        raise DataError("氏名だけの表は読めません", place=sheet.place, hint="職員番号の列を加えるか、所属ごとに合計した表にしてください")
    return Column(field=unit, index=offset + filled[0], heading=labels[filled[0]]) if len(filled) == 1 else None


def _fixed(sheet: Sheet, keys: Sequence[Column], *, table: TableSpec, title: str) -> dict[str, str]:
    """What holds for a whole block of indicators: the kind of unit, and the indicator named in title, sheet or file."""
    if table.name != "indicators":
        return {}
    present = {key.field.name for key in keys} | set(sheet.mapping.constants)
    fixed: dict[str, str] = {}
    if "unit_type" not in present:
        heading = next((fold(key.heading) for key in keys if key.field.name == "unit_id"), "")
        fixed["unit_type"] = _kinds_of_unit(sheet.schema).get(heading, "department")
    if "indicator_id" not in present:
        text = fold("".join((title, *sheet.called)))
        named = [known.indicator_id for known in load_indicators().values() if fold(known.title) in text or known.indicator_id in text]
        if len(named) != 1:
            raise SchemaError("どの成果指標の表か分かりません", place=sheet.place, hint="mapping.yaml の constants に indicator_id を書いてください")
        fixed["indicator_id"] = named[0]
    return fixed


def _items(table: TableSpec, body: Sequence[Row], *, columns: Sequence[int], first: int) -> dict[str, FieldSpec]:
    """Where a column left of the months names the measure row by row (件数, then 処理時間): what is written -> field."""
    numbers = {fold(one): spec for spec in table.fields if spec.type in {"number", "integer"} for one in _called(spec)}
    for column in columns:
        written = {cells[column] for _, cells in body if any(cells[first:])}
        if written and all(fold(one) in numbers for one in written):
            return {one: numbers[fold(one)] for one in written}
    return {}


def _by_item(block: Block, named: Mapping[str, FieldSpec], *, sheet: Sheet, titles: Sequence[str]) -> list[Block]:
    """One block for each measure named row by row; a key written once for several rows (merged cells) is filled down."""
    keys = {key.index for key in block.keys}
    item = next(index for index in block.labels if index not in keys and any(cells[index] in named for _, cells in block.rows))
    rows: list[Row] = []
    before: tuple[str, ...] = ()
    for line, cells in block.rows:
        before = tuple(cell or (before[index] if before and cells[item] and index in keys else "") for index, cell in enumerate(cells))
        rows.append((line, before))
    note = "結合されたセルの所属や業務は、下の行にも同じものを補いました"
    found = {spec.name: (label, spec) for label, spec in named.items()}
    return [
        replace(
            block, rows=tuple(row for row in rows if row[1][item] in named and named[row[1][item]].name == called), notes=(*block.notes, note),
            measure=Column(field=spec, index=0, heading="月の列", scale=written_scale(sheet, spec, label=label, titles=titles)),
        )
        for called, (label, spec) in sorted(found.items())
    ]  # fmt: skip


def _months_run_down(head: Sequence[Row]) -> bool:
    """Whether months stand under each other and offices over the columns beside them; a long list, which is not fetched for this, has headings there."""
    for column in range(3):
        dated = [position for position, (_, cells) in enumerate(head) if column < len(cells) and month_of(cells[column]) is not None]
        if len(dated) >= FEWEST_MONTHS and dated[0] > 0:
            named = [cell.strip() for cell in head[dated[0] - 1][1][column + 1 :] if cell.strip()]
            return 2 * sum(bool(_ORGANISATION.fullmatch(cell)) for cell in named) >= len([cell for cell in named if not is_total(cell)]) > 1
    return False


def _departments_across(sheet: Sheet) -> list[Block]:
    counts = [sum(month_of(cells[column]) is not None for _, cells in sheet.rows if column < len(cells)) for column in range(min(3, sheet.grid.n_columns))]
    column = next((index for index, count in enumerate(counts) if count >= FEWEST_MONTHS), None)
    if column is None:
        hint = "月は 4月 や R6.4 のように書いてください（6か月以上）"
        raise DataError("クロス表と書かれていますが、月の並びが見つかりません", place=sheet.place, hint=hint)
    dated = [position for position, (_, cells) in enumerate(sheet.rows) if month_of(cells[column]) is not None]
    starts = [position for position in dated if position > 0 and _names_columns(sheet.rows[position - 1][1], column)]
    blocks: list[Block] = []
    sheet = replace(sheet, title=block_title(sheet.rows[: starts[0] - 1]) if starts else "")
    before = 0
    for number, start in enumerate(starts):
        end = starts[number + 1] - 1 if number + 1 < len(starts) else len(sheet.rows)
        block = _down_block(sheet, column=column, span=(before, start, end))
        if block is None:
            return []
        blocks.append(block)
        before = max((position for position in dated if position < end), default=start) + 1
    return blocks


def _names_columns(cells: Sequence[str], column: int) -> bool:
    named = [cell for cell in cells[column + 1 :] if cell]
    numbers = any(re.search(r"^[\d△▲,.:-]+$", one) for one in named)
    return bool(named) and not numbers and month_of(cells[column]) is None and not is_total(cells[column])


def _down_block(sheet: Sheet, *, column: int, span: tuple[int, int, int]) -> Block | None:
    before, start, end = span
    line, cells = sheet.rows[start - 1]
    above = sheet.rows[before : start - 1]
    title = block_title(above)
    table = table_of(sheet.said, sheet.mapping.table, names=(sheet.grid.sheet, title, sheet.called[1]), schema=sheet.schema)
    named = {index: cells[index] for index in range(column + 1, len(cells)) if cells[index] and not is_ignored(cells[index], sheet.mapping)}
    departments = {index: called for index, called in named.items() if not is_total(called)}
    if table is None or not departments:
        return None
    if sheet.said.across is None:
        fields = {fold(one) for spec in table.fields for one in (spec.name, spec.title, *spec.aliases, *spec.shared_aliases)}
        offices = sum(bool(_ORGANISATION.fullmatch(called)) for called in departments.values())
        if any(fold(called) in fields for called in departments.values()) or 2 * offices < len(departments) or len(departments) < 2:
            return None
    body = tuple(sheet.rows[start:end])
    months, notes = months_of_rows(sheet, body, column=column, title=title)
    unit = "unit_id" if table.name == "indicators" else "department_id"
    fixed = _fixed(sheet, (), table=table, title=title)
    measure = measure_of(table, sheet.said, titles=(title, *sheet.called), units=sheet.mapping.units, place=sheet.place)
    return Block(
        table=table, header_line=line, rows=body, keys=(), measure=measure, title=title, labels=(column,), months=months, notes=notes,
        totals=tuple(index for index, called in named.items() if is_total(called)),
        values=tuple(Value(index=index, heading=called, fixed={unit: called, **fixed}) for index, called in departments.items()),
    )  # fmt: skip

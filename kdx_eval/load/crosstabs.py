"""Cross-tabs: where their blocks stand on a sheet, what runs across and what down, and which value the cells hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from kdx_eval.errors import DataError, SchemaError
from kdx_eval.load.block_words import block_title, measure_of, table_of
from kdx_eval.load.database import name
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, fold, is_ignored
from kdx_eval.load.mapping import CrosstabMapping, FileMapping, heading_key
from kdx_eval.load.shapes import TOTAL, first_year, month_of, place_month, year_in
from kdx_eval.schema import FieldSpec, Schema, TableSpec, load_indicators

if TYPE_CHECKING:
    import datetime as dt

    from duckdb import DuckDBPyConnection

Row: TypeAlias = tuple[int, tuple[str, ...]]
FEWEST_MONTHS = 6
_HEADER_WITHIN = 30
_MOST_ROWS = 200_000  # a cross-tab is made to be looked at; longer sheets are lists
_ORGANISATION = re.compile(r".*(課|室|係|局|所|センター|館|園|校|委員会|事務局|部|グループ|チーム)")
_UNITS: Mapping[str, str] = {"staff_id": "staff", "department_id": "department", "process_id": "process"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A column of values, its heading, and what the heading says of them (field -> text)."""

    index: int
    heading: str
    fixed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One cross-tab: its rows, the columns that say of what a row is, the columns of values and of totals.

    Attributes
    ----------
    months : mapping
        Line -> month (2024-04), where months run down; else empty.
    labels : tuple
        Columns in which a row of totals would be named.
    """

    table: TableSpec
    header_line: int
    rows: tuple[Row, ...]
    keys: tuple[Column, ...]
    values: tuple[Value, ...]
    totals: tuple[int, ...]
    measure: Column
    title: str
    labels: tuple[int, ...]
    months: Mapping[int, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A grid with what was said about it, while its blocks are looked for."""

    grid: Grid
    rows: tuple[Row, ...]
    schema: Schema
    mapping: FileMapping

    @property
    def said(self) -> CrosstabMapping:
        """What mapping.yaml says about the cross-tab; nothing when it does not."""
        return self.mapping.crosstab or CrosstabMapping()

    @property
    def place(self) -> str:
        """File and sheet, for messages."""
        return f"{self.grid.file} {self.grid.sheet}".strip()

    @property
    def called(self) -> tuple[str, str]:
        """The names of sheet and file."""
        return self.grid.sheet, self.grid.file.rsplit("/", 1)[-1]


def find_blocks(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> list[Block]:
    """The cross-tabs in ``grid`` from top to bottom; none when it is something else.

    Raises DataError when months stand across but their year, or what the cells hold, is nowhere said; SchemaError when the mapping names
    a heading that is not there.
    """
    said = mapping.crosstab
    across = said.across if said else None
    has_months = any(len(_months_in(cells, mapping)) >= FEWEST_MONTHS for _, cells in grid.head[:_HEADER_WITHIN])
    if across != "departments" and has_months:
        return _months_across(_sheet(con, grid, schema=schema, mapping=mapping))
    if across != "months" and _months_run_down(grid.head):
        return _departments_across(_sheet(con, grid, schema=schema, mapping=mapping))
    if said is not None:
        place = f"{grid.file} {grid.sheet}".strip()
        raise DataError("クロス表と書かれていますが、月の並びが見つかりません", place=place, hint="月は 4月 や R6.4 のように書いてください（6か月以上）")
    return []


def _sheet(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mapping: FileMapping) -> Sheet:
    cells = ", ".join(f"c{index}" for index in range(grid.n_columns))
    rows = con.execute(f"SELECT line, {cells} FROM {name(grid.table)} ORDER BY line LIMIT {_MOST_ROWS}").fetchall()
    body = tuple((int(row[0]), tuple(map(str, row[1:]))) for row in rows)
    if grid.head and grid.head[0][0] == 0:  # the heading of a Parquet file is no line of it
        body = (grid.head[0], *body)
    return Sheet(grid=grid, rows=body, schema=schema, mapping=mapping)


def _months_in(cells: Sequence[str], mapping: FileMapping) -> list[tuple[int, int | dt.date]]:
    found = ((index, month_of(cell)) for index, cell in enumerate(cells) if not is_ignored(cell, mapping))
    return [(index, month) for index, month in found if month is not None]


def _is_header(cells: Sequence[str], mapping: FileMapping) -> bool:
    # Six-digit amounts can look like months; a header holds no other bare numbers.
    months = _months_in(cells, mapping)
    return len(months) >= FEWEST_MONTHS and sum(bool(re.fullmatch(r"[\d,.]+", cell)) for cell in cells) <= len(months)


def _months_across(sheet: Sheet) -> list[Block]:
    headers = [position for position, (_, cells) in enumerate(sheet.rows) if _is_header(cells, sheet.mapping)]
    blocks: list[Block] = []
    above: Sequence[Row] = sheet.rows[: headers[0]] if headers else ()
    for number, position in enumerate(headers):
        end = headers[number + 1] if number + 1 < len(headers) else len(sheet.rows)
        body = sheet.rows[position + 1 : end]
        line, cells = sheet.rows[position]
        labels = _labels(cells, above)
        table = table_of(sheet.said, sheet.mapping.table, names=(sheet.grid.sheet, block_title(above), sheet.called[1]), schema=sheet.schema)
        if table is None:
            return []
        body, following = _split_title(body, from_column=_months_in(cells, sheet.mapping)[0][0], last=number + 1 == len(headers))
        for start, stop in _segments(labels, sheet, table=table):
            found = _across_block(sheet, table=table, line=line, labels=labels, span=(start, stop), around=(above, body, len(headers)))
            if found is None:
                return []
            blocks += _by_item(found)
        above = following
    return blocks


def _labels(cells: Sequence[str], above: Sequence[Row]) -> list[str]:
    """The header with blanks filled from up to two rows above, as where 課 is merged over both."""
    first = next((index for index, cell in enumerate(cells) if month_of(cell) is not None), 0)
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
    known = _key_names(table)
    for index in range(months[0] + 1, months[-1]):
        is_key = fold(labels[index]) in known or (sheet.said.key and heading_key(labels[index]) == heading_key(sheet.said.key))
        if labels[index] and index not in months and is_key and any(month > starts[-1] and month < index for month in months):
            starts.append(index)
    return list(zip(starts, [*starts[1:], len(labels)], strict=True))


def _key_names(table: TableSpec) -> dict[str, FieldSpec]:
    """Folded heading -> field, for fields that say of whom or what a row is."""
    found: dict[str, FieldSpec] = {}
    for spec in table.fields:
        if spec.type == "string" and not spec.dropped:
            found |= {fold(one): spec for one in (spec.name, spec.title, *spec.aliases) if fold(one) not in found}
    return found


def _across_block(
    sheet: Sheet, *, table: TableSpec, line: int, labels: Sequence[str], span: tuple[int, int], around: tuple[Sequence[Row], Sequence[Row], int]
) -> Block | None:
    above, body, n_headers = around
    start, stop = span
    months = [(index, month) for index, month in _months_in(labels, sheet.mapping) if start <= index < stop]
    title = block_title(above)
    keys = _keys(sheet, table, labels=labels[start : months[0][0]], offset=start, body=body)
    if keys is None:
        return None
    dated, notes = _dated(sheet, months, labels=labels, above=above, title_first=n_headers > 1)
    totals = tuple(index for index in range(months[0][0], stop) if TOTAL.fullmatch(labels[index]))
    fixed = _fixed(sheet, keys, table=table, title=title)
    used = {*(key.index for key in keys), *(index for index, _ in dated), *totals}
    measure = measure_of(table, sheet.said, titles=(title, *sheet.called), units=sheet.mapping.units, place=sheet.place)
    return Block(
        table=table, header_line=line, rows=tuple(body), keys=_with_unit(keys, table), totals=totals, measure=measure, title=title, notes=notes,
        values=tuple(Value(index=index, heading=labels[index], fixed={"month": f"{month:%Y-%m}", **fixed}) for index, month in dated),
        labels=tuple(range(start, months[0][0])), unused=tuple(labels[index] for index in range(start, stop) if labels[index] and index not in used),
    )  # fmt: skip


def _keys(sheet: Sheet, table: TableSpec, *, labels: Sequence[str], offset: int, body: Sequence[Row]) -> tuple[Column, ...] | None:
    """The columns that say of what a row is; None when the sheet is no cross-tab of ours."""
    names, found = _key_names(table), dict[str, Column]()
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
        raise SchemaError("どの列が業務か分かりません", place=sheet.place, hint="見出しを「業務名」にするか、mapping.yaml の columns か constants に書いてください")
    return tuple(found.values())


def _only_column(sheet: Sheet, *, labels: Sequence[str], offset: int, body: Sequence[Row], unit: FieldSpec) -> Column | None:
    """The only filled column left of the months holds the departments, unless its heading says that it holds people."""
    filled = [index for index in range(len(labels)) if labels[index] or any(cells[offset + index] for _, cells in body)]
    people = {fold(one) for spec in sheet.schema.table("staff").fields if spec.personal for one in (spec.title, *spec.aliases)}
    if any(fold(label) in people for label in labels):
        raise DataError("氏名だけの表は読めません", place=sheet.place, hint="職員番号の列を加えるか、所属ごとに合計した表にしてください")
    return Column(field=unit, index=offset + filled[0], heading=labels[filled[0]]) if len(filled) == 1 else None


def _with_unit(keys: Iterable[Column], table: TableSpec) -> tuple[Column, ...]:
    return tuple(replace(key, field=table.field(key.field.name)) for key in keys)


def _fixed(sheet: Sheet, keys: Sequence[Column], *, table: TableSpec, title: str) -> dict[str, str]:
    """What holds for a whole block of indicators: the kind of unit, and the indicator named in title, sheet or file."""
    if table.name != "indicators":
        return {}
    present = {key.field.name for key in keys} | set(sheet.mapping.constants)
    fixed: dict[str, str] = {}
    if "unit_type" not in present:
        heading = next((fold(key.heading) for key in keys if key.field.name == "unit_id"), "")
        kinds = {fold(one): kind for named, kind in _UNITS.items() for spec in _specs(sheet.schema, named) for one in (spec.title, *spec.aliases)}
        fixed["unit_type"] = kinds.get(heading, "department")
    if "indicator_id" not in present:
        text = fold("".join((title, *sheet.called)))
        named = [known.indicator_id for known in load_indicators().values() if fold(known.title) in text or known.indicator_id in text]
        if len(named) != 1:
            raise SchemaError("どの成果指標の表か分かりません", place=sheet.place, hint="mapping.yaml の constants に indicator_id を書いてください")
        fixed["indicator_id"] = named[0]
    return fixed


def _specs(schema: Schema, named: str) -> Iterable[FieldSpec]:
    return (spec for table in ("worktime", "workload") for spec in schema.table(table).fields if spec.name == named)


def _dated(
    sheet: Sheet, months: Sequence[tuple[int, int | dt.date]], *, labels: Sequence[str], above: Sequence[Row], title_first: bool
) -> tuple[list[tuple[int, dt.date]], tuple[str, ...]]:
    """Each month column with its day; a bare month takes the year over its column, of the mapping, of sheet, title or file."""
    bare = [month for _, month in months if isinstance(month, int)]
    over = _years_over(above, first=months[0][0], width=len(labels))
    calendar = bare[:1] == [1] and bare == sorted(bare) and bare[-1] > 3
    years: dict[int, int] = {}
    notes: tuple[str, ...] = ()
    if bare and over:
        years = over
    elif bare:
        year, calendar, notes = _one_year(sheet, block_title(above), january_first=calendar, title_first=title_first)
        years = dict.fromkeys(range(len(labels)), year)
        if len(set(bare)) < len(bare):
            raise DataError("同じ月が二度あり、どの年度か分かりません", place=sheet.place, hint="月の上の行に 令和6年度 のように年度を書いてください")
    return [(index, place_month(month, years.get(index, 0), calendar=calendar)) for index, month in months], notes


def _years_over(above: Sequence[Row], *, first: int, width: int) -> dict[int, int]:
    """Column -> year, from a row over the months in which years stand (令和5年度 over twelve months, then 令和6年度)."""
    for _, cells in reversed(above[-2:]):
        named = {index: year_in(cells[index]) for index in range(first, width) if cells[index]}
        if named and all(named.values()) and min(named) == first:
            found, latest = dict[int, int](), 0
            for index in range(first, width):
                here = named.get(index)
                latest = here[0] if here else latest
                found[index] = latest
            return found
    return {}


def _one_year(sheet: Sheet, title: str, *, january_first: bool, title_first: bool) -> tuple[int, bool, tuple[str, ...]]:
    said = sheet.said
    if said.year and (fixed := year_in(said.year)):
        return fixed[0], True, ()
    order = (title, *sheet.called) if title_first else (sheet.grid.sheet, title, sheet.called[1])
    fixed = year_in(said.fiscal_year) if said.fiscal_year else None
    found = fixed or first_year(order)
    if found is None:
        raise DataError("月だけで年度が書かれていません", place=sheet.place, hint="シート名を R6年度 のようにするか、表題に年度を書いてください")
    if january_first and not fixed:
        if found[1]:
            hint = "mapping.yaml の crosstab に fiscal_year: R6（4月からの年度）か year: 2024（1月からの年）を書いてください"
            raise DataError("1月から始まる表に年度が書かれていて、どの年の月か分かりません", place=sheet.place, hint=hint)
        return found[0], True, ("1月から始まるので、年度ではなく暦年の表として読みました",)
    others = {year[0] for year in map(year_in, order) if year and (year[1] or year[0] == found[0])}
    differ = not fixed and len(others) > 1
    return found[0], False, ("注意: シート名・表題・ファイル名の年度が違います。シート名（重ねた表では表題）の年度で読みました",) if differ else ()


def _by_item(block: Block) -> list[Block]:
    """One block for each measure, where a column names it row by row (市民課: 件数, 時間); the key is then written once for its rows."""
    numbers = [spec for spec in block.table.fields if spec.type in {"number", "integer"}]
    named = {fold(one): spec for spec in numbers for one in (spec.name, spec.title, *spec.aliases)}
    keys = {key.index for key in block.keys}
    for item in (index for index in block.labels if index not in keys):
        data = [cells[item] for _, cells in block.rows if any(cells[value.index] for value in block.values)]
        if not data or any(fold(cell) not in named for cell in data):
            continue
        rows: list[Row] = []
        before: tuple[str, ...] | None = None
        for line, cells in block.rows:
            filled = [cells[index] or (before[index] if before and cells[item] else "") if index in keys else cell for index, cell in enumerate(cells)]
            before = tuple(filled)
            rows.append((line, before))
        specs = {named[fold(cell)].name: named[fold(cell)] for cell in data}
        note = "結合されたセルの所属や業務は、下の行にも同じものを補いました"
        return [
            replace(
                block, rows=tuple(row for row in rows if fold(row[1][item]) in named and named[fold(row[1][item])].name == called),
                measure=replace(block.measure, field=spec, scale=block.measure.scale if spec.name == block.measure.field.name else Decimal(1)),
                notes=(*block.notes, note), unused=tuple(one for one in block.unused if one),
            )
            for called, spec in specs.items()
        ]  # fmt: skip
    return [block]


def _months_run_down(head: Sequence[Row]) -> bool:
    return any(sum(month_of(cells[column]) is not None for _, cells in head if column < len(cells)) >= FEWEST_MONTHS for column in range(3))


def _departments_across(sheet: Sheet) -> list[Block]:
    counts = [sum(month_of(cells[column]) is not None for _, cells in sheet.rows if column < len(cells)) for column in range(min(3, sheet.grid.n_columns))]
    column = next(index for index, count in enumerate(counts) if count >= FEWEST_MONTHS)
    dated = [position for position, (_, cells) in enumerate(sheet.rows) if month_of(cells[column]) is not None]
    starts = [position for position in dated if position > 0 and _names_columns(sheet.rows[position - 1][1], column)]
    blocks: list[Block] = []
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
    return month_of(cells[column]) is None and not TOTAL.fullmatch(cells[column]) and len(named) >= 1 and not any(re.search(r"^[\d△▲,.:-]+$", one) for one in named)


def _down_block(sheet: Sheet, *, column: int, span: tuple[int, int, int]) -> Block | None:
    before, start, end = span
    line, cells = sheet.rows[start - 1]
    above = sheet.rows[before : start - 1]
    title = block_title(above)
    table = table_of(sheet.said, sheet.mapping.table, names=(sheet.grid.sheet, title, sheet.called[1]), schema=sheet.schema)
    named = {index: cells[index] for index in range(column + 1, len(cells)) if cells[index] and not is_ignored(cells[index], sheet.mapping)}
    departments = {index: called for index, called in named.items() if not TOTAL.fullmatch(called)}
    if table is None or not departments:
        return None
    if sheet.said.across is None:
        fields = {fold(one) for spec in table.fields for one in (spec.name, spec.title, *spec.aliases, *spec.shared_aliases)}
        offices = sum(bool(_ORGANISATION.fullmatch(called)) for called in departments.values())
        if any(fold(called) in fields for called in departments.values()) or 2 * offices < len(departments) or len(departments) < 2:
            return None
    body = tuple(sheet.rows[start:end])
    months, notes = _months_of_rows(sheet, body, column=column, title=title)
    unit = "unit_id" if table.name == "indicators" else "department_id"
    fixed = _fixed(sheet, (), table=table, title=title)
    measure = measure_of(table, sheet.said, titles=(title, *sheet.called), units=sheet.mapping.units, place=sheet.place)
    return Block(
        table=table, header_line=line, rows=body, keys=(), measure=measure, title=title, labels=(column,), months=months, notes=notes,
        totals=tuple(index for index, called in named.items() if TOTAL.fullmatch(called)),
        values=tuple(Value(index=index, heading=called, fixed={unit: called, **fixed}) for index, called in departments.items()),
    )  # fmt: skip


def _months_of_rows(sheet: Sheet, body: Sequence[Row], *, column: int, title: str) -> tuple[dict[int, str], tuple[str, ...]]:
    """Line -> month; a bare month takes the year written left of it, which may be written once for its rows."""
    found = {line: month for line, cells in body if (month := month_of(cells[column])) is not None}
    bare = [month for month in found.values() if isinstance(month, int)]
    years: dict[int, int] = {}
    latest: int | None = None
    for line, cells in body:
        here = first_year(cells[:column])
        latest = here[0] if here else latest
        if latest is not None:
            years[line] = latest
    notes: tuple[str, ...] = ()
    calendar = False
    if bare and not years:
        calendar = bare[:1] == [1] and bare == sorted(bare) and bare[-1] > 3
        year, calendar, notes = _one_year(sheet, title, january_first=calendar, title_first=True)
        years = dict.fromkeys(found, year)
        if len(set(bare)) < len(bare):
            raise DataError("同じ月が二度あり、どの年度か分かりません", place=sheet.place, hint="月の左の列に 令和6年度 のように年度を書いてください")
    undated = next((line for line, month in found.items() if isinstance(month, int) and line not in years), None)
    if undated is not None:
        raise DataError("月だけで年度が書かれていません", place=f"{sheet.place} {undated}行", hint="月の左の列に 令和6年度 のように年度を書いてください")
    return {line: f"{place_month(month, years.get(line, 0), calendar=calendar):%Y-%m}" for line, month in found.items()}, notes

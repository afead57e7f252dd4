"""Which table a sheet is and which of its columns is which field, from its name and headings."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache, lru_cache

from kdx_eval.errors import SchemaError
from kdx_eval.load.cells import parse_cell
from kdx_eval.load.dates import Refusal
from kdx_eval.load.files import Grid
from kdx_eval.load.mapping import FileMapping, heading_key
from kdx_eval.load.shapes import first_year
from kdx_eval.load.units_said import BRACKETS, heading_scale, is_sum, is_worked_out, names_unit, title_unit, unit_scale
from kdx_eval.schema import FieldSpec, Schema, TableSpec

_HEADER_WITHIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field found in column ``index`` of a grid, under ``heading``; ``scale`` turns the written unit into the field's.

    ``clock``: hours are written as 12.30 for 12時間30分.
    """

    field: FieldSpec
    index: int
    heading: str
    scale: Decimal = Decimal(1)
    shared: bool = False
    clock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a grid is to be read: its table, the last line of its header, its columns, and headings nobody asked for.

    ``twins`` are pairs of columns under one heading of which only the first is read.
    """

    table: TableSpec
    header_line: int
    columns: tuple[Column, ...]
    headings: tuple[str, ...]
    title: str
    unused: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    twins: tuple[tuple[int, int], ...] = ()

    def has(self, name: str) -> bool:
        """Whether the field is in the file, or fixed by the mapping."""
        return name in self.constants or any(column.field.name == name for column in self.columns)


@lru_cache(maxsize=4096)  # each heading and each alias is compared for every table and row that may be the header
def fold(heading: str) -> str:
    """A heading for comparison: NFKC, lower case, without spaces, line breaks and unit in brackets."""
    plain = unicodedata.normalize("NFKC", heading).lower()
    return re.sub(r"[\s・_＿\-:：]", "", BRACKETS.sub("", plain))


@cache
def _names(spec: FieldSpec) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Own names, aliases and shared aliases of a field, folded."""
    own = frozenset({fold(spec.name), fold(spec.title), spec.name})
    return own, frozenset(fold(alias) for alias in spec.aliases), frozenset(fold(alias) for alias in spec.shared_aliases)


def heading_names(spec: FieldSpec) -> frozenset[str]:
    """All headings of a field, folded."""
    return frozenset().union(*_names(spec))


@cache
def _all_names(table: TableSpec) -> frozenset[str]:
    return frozenset().union(*(names for spec in table.fields for names in _names(spec)))


def table_named(text: str, schema: Schema) -> TableSpec | None:
    """The table whose key, title or alias occurs in a file or sheet name; the longest match wins."""
    plain = fold(text)
    best: tuple[int, TableSpec] | None = None
    for spec in schema.tables.values():
        for candidate in (spec.name, spec.title, *spec.aliases):
            word = fold(candidate)
            if word in plain and (best is None or len(word) > best[0]):
                best = (len(word), spec)
    return best[1] if best else None


def recognise(grid: Grid, *, schema: Schema, mapping: FileMapping) -> Layout | None:
    """The layout of ``grid``, or None when it is no table this project knows.

    Raises SchemaError when the table is known but lacks a required column; the message names the nearest heading.
    """
    named = schema.table(mapping.table) if mapping.table else table_named(grid.sheet, schema) or table_named(grid.file.rsplit("/", 1)[-1], schema)
    best = _best_layout(grid, (named,), mapping=mapping) if named else None
    if mapping.table is None and (best is None or missing_fields(best)):
        # A name can mislead (研修費用.xlsx): complete headings of another table are stronger, if they explain more of the file. An
        # attendance list with one heading misspelt is no staff list only because names and departments stand in it.
        other = _best_layout(grid, tuple(schema.tables.values()), mapping=mapping, complete=True)
        if other is not None and (best is None or len(other.columns) > len(best.columns)):
            best = other
        if best is None or (named is None and missing_fields(best)):
            return None
    if best is None:
        return None
    best = _with_year(best, grid)
    missing = missing_fields(best)
    if missing:
        _refuse(best, missing, grid=grid)
    if best.twins:
        _refuse_twins(best, grid)
    _refuse_parts(best, grid)
    return _by_title(best, grid, mapping=mapping)


def _best_layout(grid: Grid, tables: Sequence[TableSpec], *, mapping: FileMapping, complete: bool = False) -> Layout | None:
    best: tuple[tuple[int, int], Layout] | None = None
    for table in tables:
        for position in range(min(len(grid.head), _HEADER_WITHIN)):
            if mapping.header_row is not None and grid.head[position][0] != mapping.header_row:
                continue
            for depth in (1, 2):
                layout = _layout(grid, table, position=position, depth=depth, mapping=mapping)
                if layout is None or (complete and missing_fields(layout)):
                    continue
                # Many fields, few strangers; a second header row must earn its place.
                score = (len({column.index for column in layout.columns}) * 4 - len(layout.unused) - depth, -position)
                if best is None or score > best[0]:
                    best = (score, layout)
    if best is None or (len(best[1].columns) < 2 and mapping.table is None and grid.n_columns > 1):
        return None
    return best[1]


def _layout(grid: Grid, table: TableSpec, *, position: int, depth: int, mapping: FileMapping) -> Layout | None:
    if depth == 2 and position + 1 >= len(grid.head):
        return None
    line, upper = grid.head[position]
    if depth == 1:
        labels: list[tuple[str, ...]] = [(cell,) for cell in upper]
        shown, whole = list(upper), list(upper)
    else:
        below, lower = grid.head[position + 1]
        spread = _spread(upper, line, merged=grid.merged)
        labels = [(low, top + low, top) if low else (top,) for top, low in _paired(spread, lower)]
        shown, whole = [low or top for top, low in _paired(spread, lower)], [top + low for top, low in _paired(spread, lower)]
        line = below
    samples = [cells for below, cells in grid.head if below > line]
    columns = _assign(table, labels, shown, mapping=mapping, samples=samples)
    if not columns:
        return None
    if depth == 2 and not any(fold(lower[column.index]) in frozenset().union(*_names(column.field)) for column in columns if column.index < len(lower)):
        return None
    used = {column.index for column in columns}
    return Layout(
        table=table, header_line=line, columns=tuple(columns), headings=tuple(shown), constants=mapping.constants,
        title=" ".join(cell for _, cells in grid.head[:position] for cell in cells if cell.strip()),
        twins=_twins(whole, {*used, *(index for index, heading in enumerate(shown) if is_ignored(heading, mapping))}),
        unused=tuple(heading for index, heading in enumerate(shown) if heading.strip() and index not in used and not is_ignored(heading, mapping)),
    )  # fmt: skip


def _twins(headings: Sequence[str], used: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Pairs of a column that is read and another one under the very same heading."""
    folded = [re.sub(r"\s", "", unicodedata.normalize("NFKC", heading)) for heading in headings]
    return tuple((one, other) for one in sorted(used) for other, heading in enumerate(folded) if other not in used and heading and heading == folded[one])


def _paired(upper: Sequence[str], lower: Sequence[str]) -> list[tuple[str, str]]:
    width = max(len(upper), len(lower))
    return list(zip([*upper, *[""] * (width - len(upper))], [*lower, *[""] * (width - len(lower))], strict=True))


def _spread(cells: Sequence[str], line: int, *, merged: Sequence[tuple[int, int, int]]) -> list[str]:
    """The upper row of a two-row header with merged cells written out."""
    spread = list(cells)
    for row, first, last in merged:
        if row == line:
            for index in range(first, min(last + 1, len(spread))):
                spread[index] = cells[first]
    if not merged:
        for index in range(1, len(spread)):
            spread[index] = spread[index] or spread[index - 1]
    return spread


def _assign(table: TableSpec, labels: Sequence[Sequence[str]], shown: Sequence[str], *, mapping: FileMapping, samples: Sequence[Sequence[str]]) -> list[Column]:
    """Headings -> fields: by the mapping, then own names, then aliases, then shared aliases for what is still free."""
    columns, labels, taken = _assign_said(table, labels, shown, mapping=mapping)
    known = _all_names(table)
    kinds = (0, 1, 2) if any(fold(one) in known for names in labels for one in names) else ()  # most rows are no header of this table
    for kind in kinds:
        for part in range(3):
            for index, names in enumerate(labels):
                if part >= len(names) or index in taken or not (folded := fold(names[part])):
                    continue
                for spec in table.fields:
                    if spec.name in columns or spec.name in mapping.constants or folded not in _names(spec)[kind]:
                        continue
                    scale = _scale_of(table, spec, (shown[index], *names))
                    values = [cells[index] for cells in samples if index < len(cells)]
                    shared = sum(folded in _names(other)[kind] for other in table.fields) > 1
                    if scale is not None and (kind == 0 or _plausible(spec, values, among_several=shared and kind == 1)):
                        columns[spec.name] = Column(field=spec, index=index, heading=shown[index], scale=scale, shared=kind == 2)
                        if kind < 2:
                            taken.add(index)
                            break
    scaled = (replace(one, scale=unit_scale(one.field, mapping.units[one.field.name])) if one.field.name in mapping.units else one for one in columns.values())
    return sorted(scaled, key=lambda column: (column.index, column.field.name))


def _assign_said(
    table: TableSpec, labels: Sequence[Sequence[str]], shown: Sequence[str], *, mapping: FileMapping
) -> tuple[dict[str, Column], list[Sequence[str]], set[int]]:
    """The fields that the mapping gives, the labels with the headings it puts in the place of others, and the columns no longer free."""
    columns: dict[str, Column] = {}
    labels, taken = list(labels), set[int]()
    said = {heading_key(heading): name for heading, name in mapping.columns.items()}
    fields = {spec.name: spec for spec in table.fields}
    for index, heading in enumerate(shown):
        keys = [heading_key(one) for one in (heading, *labels[index][:2])]
        meant = next((said[key] for key in keys if key in said), None)
        if is_ignored(heading, mapping):
            taken.add(index)
        elif meant in fields and meant not in columns:
            scale = Decimal(1) if meant in mapping.units else heading_scale(fields[meant], heading)
            if scale is None:
                hint = "単位が読める形の見出しに直すか、mapping.yaml の units に書いてください。1件当たりや平均の列は、合計の時間や額として読めません"
                reason = f"見出し「{' '.join(heading.split())}」の単位は「{fields[meant].title}」として読めません"
                raise SchemaError(reason, place=f"mapping.yaml {mapping.pattern}", hint=hint)
            columns[meant] = Column(field=fields[meant], index=index, heading=heading, scale=scale)
            taken.add(index)
        elif meant is not None and meant not in fields:
            labels[index] = (meant,)
    return columns, labels, taken


def is_ignored(heading: str, mapping: FileMapping) -> bool:
    """Whether mapping.yaml says that the column under ``heading`` is not to be read."""
    return heading_key(heading) in {heading_key(one) for one in mapping.ignore_columns}


def _plausible(spec: FieldSpec, values: Sequence[str], *, among_several: bool) -> bool:
    """Whether a heading can mean this field: a word of its list stands under it; where several fields are meant (修了), most are such words or dates."""
    if not spec.enum and not (among_several and spec.type == "date"):
        return True
    read = [parse_cell(value, spec) for value in values if value.strip()]
    refused = sum(isinstance(value, Refusal) for value in read)
    return not read or 2 * refused <= len(read) or (not among_several and any(isinstance(value, str) for value in read))


def doubtful_headings(layout: Layout) -> list[str]:
    """A remark for each heading that is one of the table's, but with another unit or other words under it than its field has."""
    return [
        f"注意: 「{' '.join(heading.split())}」は「{spec.title}」の列のようですが、単位（1件当たり、平均など）か書かれている言葉が合わないので使いません"
        for heading in layout.unused
        for spec in layout.table.fields
        if not layout.has(spec.name) and fold(heading) in heading_names(spec)
    ]  # fmt: skip


def _refuse_parts(layout: Layout, grid: Grid) -> None:
    """Raise SchemaError where two headings are equally good names of one amount (平日 and 休日, 予算額 and 決算額): reading the first would be half of it."""
    for column in layout.columns:
        if not is_sum(layout.table.name, column.field.name):
            continue
        own, aliases, _ = _names(column.field)
        names = own if fold(column.heading) in own else own | aliases
        for heading in layout.unused:
            if fold(heading) in names and _scale_of(layout.table, column.field, (heading,)) is not None:
                shown = "」と「".join(" ".join(one.split()) for one in (column.heading, heading))
                hint = "読まないほうを mapping.yaml の ignore_columns に書くか、足した列を一つ作ってください"
                reason = f"「{shown}」のどちらも「{column.field.title}」の見出しです"
                raise SchemaError(reason, place=f"{grid.file} {grid.sheet}".strip(), hint=hint)


def _scale_of(table: TableSpec, spec: FieldSpec, names: Sequence[str]) -> Decimal | None:
    """The factor by which the numbers under a heading are read; None when the heading says that they are no amounts of ``spec`` (分/件, 1人当たり)."""
    if is_sum(table.name, spec.name) and any(is_worked_out(one) for one in names):
        return None
    scales = [heading_scale(spec, one) for one in names]
    return None if None in scales else next((scale for scale in scales if scale != 1), Decimal(1))


def _with_year(layout: Layout, grid: Grid) -> Layout:
    """``layout`` with the fiscal year of title, sheet or file, where the table must have one and no column tells of time (業務量調査)."""
    missing = missing_fields(layout)
    wanted = next((group for group in layout.table.require_one_of if missing and missing[-1] in group), missing[-1:])
    found = first_year((layout.title, grid.sheet, grid.file.rsplit("/", 1)[-1])) if "fiscal_year" in wanted else None
    return layout if found is None else replace(layout, constants={**layout.constants, "fiscal_year": str(found[0])})


def _by_title(layout: Layout, grid: Grid, *, mapping: FileMapping) -> Layout:
    """``layout`` with the unit said above the table (単位：千円) where the heading says none.

    Raises SchemaError when that unit is one of time or of money, but none that can be read.
    """
    columns = []
    for column in layout.columns:
        spec = column.field
        if spec.unit in {"yen", "hours", "minutes"} and spec.name not in mapping.units and not names_unit(spec, column.heading):
            unit, other = title_unit(spec, (layout.title, grid.sheet, grid.file.rsplit("/", 1)[-1]))
            if other is not None and re.search("円" if spec.unit == "yen" else "時間|分", other):
                hint = "見出しに（時間）（分）（千円）のように書くか、mapping.yaml の units に書いてください"
                raise SchemaError(f"表題の単位「{other}」は「{spec.title}」として読めません", place=f"{grid.file} {grid.sheet}".strip(), hint=hint)
            column = replace(column, scale=unit_scale(spec, unit)) if unit else column
        columns.append(column)
    return replace(layout, columns=tuple(columns))


def missing_fields(layout: Layout) -> tuple[str, ...]:
    """Required fields, and groups of which one is required, that the file lacks; an id may be replaced by its name."""
    present = {spec.name for spec in layout.table.fields if layout.has(spec.name)}
    # departments, courses and processes: the name serves as id, and the id as name.
    stem = {name.removesuffix("_id") for name in present if name.endswith("_id")} | {name.removesuffix("_name") for name in present if name.endswith("_name")}
    own = layout.table.primary_key[0].removesuffix("_id") if layout.table.primary_key else ""
    if own in stem and {f"{own}_id", f"{own}_name"} <= {spec.name for spec in layout.table.fields}:
        present |= {f"{own}_id", f"{own}_name"}
    if layout.table.name == "training":
        present |= {"course_id"} if layout.title else set()
    missing = [spec.name for spec in layout.table.fields if spec.required and spec.name not in present]
    missing += [group[0] for group in layout.table.require_one_of if not present & set(group)]
    return tuple(dict.fromkeys(missing))


def _refuse(layout: Layout, missing: Sequence[str], *, grid: Grid) -> None:
    spec = layout.table.field(missing[0])
    candidates = {fold(name): name for name in (spec.title, *spec.aliases)}
    headings = {fold(heading): heading for heading in layout.unused}
    near = next((headings[match] for name in candidates for match in difflib.get_close_matches(name, headings, n=1, cutoff=0.4)), None)
    place = f"{grid.file} {grid.sheet}".strip()
    if near:
        hint = f"見出し「{near}」がその列なら、見出しを「{spec.title}」に直すか、mapping.yaml の columns に書いてください"
    else:
        # 研修番号 and 所属コード are words of ours; a city has 研修名 and 所属.
        usual = [alias for alias in spec.aliases if alias.endswith("名")][:2] or list(spec.aliases[:2])
        also = f"（{'、'.join(usual)} などの見出しでも読みます）" if usual else ""
        hint = f"見出し「{spec.title}」の列を加えるか、mapping.yaml の columns に書いてください{also}"
    others = next((group for group in layout.table.require_one_of if missing[0] in group), ())
    wanted = "」か「".join(layout.table.field(one).title for one in others) or spec.title
    raise SchemaError(f"表「{layout.table.title}」に必要な列「{wanted}」がありません", place=place, hint=hint)


def _refuse_twins(layout: Layout, grid: Grid) -> None:
    one, other = layout.twins[0]
    heading = " ".join(layout.headings[one].split())
    reason = f"見出し「{heading}」の列が二つあります（{one + 1}列目と{other + 1}列目）"
    place = f"{grid.file} {grid.sheet}".strip() + f" {layout.header_line}行目"
    raise SchemaError(reason, place=place, hint="どちらを使うか決め、もう一方の列を消すか見出しを変えてください")

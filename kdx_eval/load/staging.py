"""A grid and its layout -> a typed table; each distinct text is read once in Python and joined back in DuckDB."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from kdx_eval.load.cells import Cell, parse_cell, tidy
from kdx_eval.load.database import create_table, name, scalar, text
from kdx_eval.load.dates import Refusal
from kdx_eval.load.files import Grid
from kdx_eval.load.form_marks import is_form_row
from kdx_eval.load.headers import Column, Layout
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.redundancy import contradictions
from kdx_eval.schema import FieldSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Reads the distinct texts of one column at once; used where the answer needs other tables or the key.
Resolver: TypeAlias = Callable[[str], Cell]
FAULTS = "faults"
SEPARATOR = "\x1f"
_FEW_COLUMNS = 3
_UNREAD = 3
_LABELS = 6  # columns in which 合計 may stand: 年度, 予算区分, 款項目, 事業, 節, 細節
_LIST_TOTAL = (
    r"[\(（【＜<]?(合[\s　]*計|小[\s　]*計|総[\s　]*計|総[\s　]*合[\s　]*計|計)([\(（].{1,4})?[\)）】＞>]?|.{0,12}(合計|小計)"
    r"|.{0,12}(部|局|課|所|所属|全庁|本庁|出先|全体|年度|年間|期|費|料|金|節)計"
)
_NOTE = r"^(※|注|＊|\*|（注|\(注|備考|出典|資料|作成|以上|■|数値は|単位)"
_LONG_NOTE = 30
_KINDS = {"integer": "数", "number": "数", "boolean": "はい・いいえ", "date": "日付", "yearmonth": "年月", "year": "年度", "string": "番号の全角や空白"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One grid as a typed table ``table``: _stage, _rid (row number), _line and the fields.

    ``on_disk``: a view over a large file, whose rows keep the order of the file, with the file's own row number _at. ``alike``: a quicker view
    of the same rows for `pick_rows`; codes may stand in it as the file has them, where two are equal, or one is blank, exactly where it is so in ``table``.
    """

    key: str
    layout: Layout
    grid: Grid
    rows_read: int
    repaired: Mapping[str, int]
    notes: tuple[str, ...]
    table: str
    alike: str
    on_disk: bool = False


def create_faults(con: DuckDBPyConnection) -> None:
    """The table in which every refused cell is noted: stage, rid, line, column, rule."""
    con.execute(f'CREATE TABLE {FAULTS} (stage VARCHAR, rid BIGINT, line BIGINT, "column" VARCHAR, rule VARCHAR)')


def pick_rows(con: DuckDBPyConnection, into: str, *, table: str, alike: str, where: str) -> None:
    """Make the temporary table ``into`` of the rows of ``table`` for which ``where`` is true; of codes it asks only which are equal or blank."""
    if alike != table:
        # Two statements, since in one the database would read every column of every row; by its own row number it need not.
        con.execute(f"CREATE OR REPLACE TEMP TABLE picked AS SELECT _at FROM {alike} WHERE {where}")
        where = "_at IN (SELECT _at FROM picked)"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT * FROM {table} WHERE {where}")


def stage_grid(
    con: DuckDBPyConnection, grid: Grid, *, layout: Layout, key: str, mapping: FileMapping, resolvers: Mapping[str, tuple[str | None, Resolver]]
) -> Stage:
    """Type ``grid``: rows of data go to the table ``stage_<key>``, refused cells to the faults.

    Parameters
    ----------
    resolvers : mapping
        Field -> (a second field read with it, or None; what reads the text, with the second field's text before it).
    """
    notes = note_odd_rows(con, grid, layout=layout, key=key)
    body = f"body_{key}"
    _view_body(con, grid, layout, key=key)
    selects, joins = [], []
    repaired: Counter[str] = Counter()
    for column in layout.columns:
        expression, join, n_repaired = _column_sql(con, column, layout, key=key, mapping=mapping, resolver=resolvers.get(column.field.name))
        selects.append(f"{expression} AS {name(column.field.name)}")
        joins += [join] if join else []
        repaired[repair_kind(column.field)] += n_repaired
    selects += other_fields(layout, resolvers)
    rows_read = scalar(con, f"SELECT count(*) FROM {body}") + n_refused_rows(con, key)
    con.execute(
        f"CREATE TABLE stage_{key} AS SELECT {text(key)} AS _stage, b.rid AS _rid, b.line AS _line, {', '.join(selects)} FROM {body} b {' '.join(joins)}"
    )
    notes += contradictions(con, grid, layout=layout, key=key)
    con.execute(f"DROP VIEW {body}; DROP TABLE odd_{key}")
    counts = dict(+repaired)
    return Stage(key=key, layout=layout, grid=grid, rows_read=rows_read, repaired=counts, notes=tuple(notes), table=f"stage_{key}", alike=f"stage_{key}")


def other_fields(layout: Layout, resolvers: Mapping[str, tuple[str | None, Resolver]]) -> list[str]:
    """SQL of the fields that stand in no column: what the mapping says, else NULL."""
    selects = []
    for constant, value in layout.constants.items():
        spec = layout.table.field(constant)
        read = resolvers[constant][1](value) if constant in resolvers else parse_cell(value, spec)
        selects.append(f"CAST({text(read if isinstance(read, str) else None)} AS {spec.database_type}) AS {name(constant)}")
    named = {column.field.name for column in layout.columns} | set(layout.constants)
    return selects + [f"CAST(NULL AS {spec.database_type}) AS {name(spec.name)}" for spec in layout.table.fields if spec.name not in named]


def repair_kind(spec: FieldSpec) -> str:
    """What the report calls a repaired cell of a field."""
    return _KINDS[spec.type] if not spec.enum else "言葉"


def is_total(cell: str) -> str:
    """SQL that is true for a text such as 合計, which makes its row a total, or うち再任用, which makes it a part of another row."""
    ends = "IN ('計', '）', ')', '】', '＞', '>')"  # cheap, and rarely true
    return f"(left({cell}, 2) = 'うち' OR (right({cell}, 1) {ends} AND regexp_full_match({cell}, {text(_LIST_TOTAL)})))"


def n_refused_rows(con: DuckDBPyConnection, key: str) -> int:
    """Odd rows that count as read and refused."""
    return scalar(con, f"SELECT count(*) FROM odd_{key} WHERE kind IN ('total_row', 'columns')")


def note_odd_rows(con: DuckDBPyConnection, grid: Grid, *, layout: Layout, key: str, among: str = "true") -> list[str]:
    """Make the table ``odd_<key>`` of odd rows under the header (blank, note, total, ragged), refuse the last two, and return remarks.

    ``among`` is SQL that is true for the lines that may be odd at all.
    """
    cells = [f"c{index}" for index in range(grid.n_columns)]
    filled = " + ".join(f"({cell} <> '')::INTEGER" for cell in cells)
    joined = f"concat({', '.join(cells)})"
    strings = [column for column in layout.columns if column.field.type in {"string", "year", "yearmonth"}][:_LABELS]
    # 計 may stand under a heading that nobody reads (連番), left of the columns that are read.
    read, last = {column.index for column in layout.columns}, max(column.index for column in layout.columns)
    labels = [*(column.index for column in strings), *[index for index in range(last) if index not in read][:_UNREAD]]
    totals = " OR ".join(is_total(f"c{index}") for index in labels)
    again = " AND ".join(f"c{column.index} = {text(column.heading)}" for column in layout.columns if column.heading) or "false"
    is_long = _is_long(con, grid)
    ragged = f"width <> {len(layout.headings)}" if not grid.sheet and not is_long and grid.n_columns > _FEW_COLUMNS else "false"
    note = f"filled = 1 AND {grid.n_columns} >= {_FEW_COLUMNS} AND (regexp_matches({joined}, {text(_NOTE)}) OR length({joined}) >= {_LONG_NOTE})"
    con.execute(f"""CREATE TABLE odd_{key} AS SELECT rid, line, CASE WHEN filled = 0 THEN 'blank' WHEN {note} OR ({again}) THEN 'note'
            WHEN {is_form_row(grid.n_columns)} THEN 'form'
            WHEN {totals or "false"} THEN 'total_row' WHEN {ragged} THEN 'columns' END AS kind
        FROM (SELECT {"rid" if is_long else "line AS rid"}, line, width, {", ".join(cells)}, {filled} AS filled
            FROM {name(grid.table)} WHERE line > {layout.header_line} AND ({among}))
        WHERE kind IS NOT NULL""")
    first = next((column.heading for column in layout.columns if column.field.type == "string"), "")
    con.execute(f"""INSERT INTO {FAULTS} SELECT {text(key)}, rid, line, CASE kind WHEN 'total_row' THEN {text(first)} ELSE '' END, kind
        FROM odd_{key} WHERE kind IN ('total_row', 'columns')""")
    told = (("note", "注記や繰り返しの見出し"), ("form", "様式の説明と例の行"))
    counts = dict(con.execute(f"SELECT kind, count(*) FROM odd_{key} GROUP BY kind").fetchall())
    return [f"{words}{counts[kind]}行はデータに数えていません" for kind, words in told if kind in counts]


def _view_body(con: DuckDBPyConnection, grid: Grid, layout: Layout, *, key: str) -> None:
    cells, is_long = [f"c{index}" for index in range(grid.n_columns)], _is_long(con, grid)
    but = f"AND rid NOT IN (SELECT rid FROM odd_{key})" if scalar(con, f"SELECT count(*) FROM odd_{key}") else ""
    con.execute(f"""CREATE VIEW body_{key} AS SELECT {"rid, heading" if is_long else "line AS rid, NULL::VARCHAR AS heading"}, line, {", ".join(cells)}
        FROM {name(grid.table)} WHERE line > {layout.header_line} {but}""")


def _is_long(con: DuckDBPyConnection, grid: Grid) -> bool:
    return any(row[0] == "heading" for row in con.execute(f"DESCRIBE {name(grid.table)}").fetchall())


def _column_sql(
    con: DuckDBPyConnection, column: Column, layout: Layout, *, key: str, mapping: FileMapping, resolver: tuple[str | None, Resolver] | None
) -> tuple[str, str, int]:
    """The typed expression of a column, the join it needs, and how many cells were repaired."""
    spec, body = column.field, f"body_{key}"
    raw = f"b.c{column.index}"
    said = mapping.values.get(spec.name, {})
    sure = "false" if resolver or said else canonical(spec, raw, scaled=column.scale != 1)
    if resolver and resolver[0]:
        second = next((other.index for other in layout.columns if other.field.name == resolver[0]), None)
        first = f"b.c{second}" if second is not None else "''"
        raw = f"concat({first}, {text(SEPARATOR)}, {raw})"
    # In order, since of two spellings of a name nobody has listed the first one counts.
    distinct = con.execute(f"SELECT {raw} AS t, count(*) FROM {body} b WHERE NOT ({sure}) GROUP BY t ORDER BY t").fetchall()
    table = f"repair_{key}_{spec.name}"
    values, n_repaired = read_texts(distinct, column, said=said, resolver=resolver[1] if resolver else None)
    join = ""
    expression = f"CASE WHEN {sure} THEN {raw} END"
    if values:
        create_table(con, table, columns=("t", "v", "rule"), values=values)
        join = f"LEFT JOIN {name(table)} ON {name(table)}.t = {raw}"
        expression = f"CASE WHEN {sure} THEN {raw} ELSE {name(table)}.v END" if sure != "false" else f"{name(table)}.v"
    if any(rule for _, _, rule in values):
        con.execute(f"""INSERT INTO {FAULTS} SELECT {text(key)}, b.rid, b.line, coalesce({_heading_sql(column)}, ''), {name(table)}.rule
            FROM {body} b JOIN {name(table)} ON {name(table)}.t = {raw} WHERE {name(table)}.rule IS NOT NULL""")
    return typed(expression, spec), join, n_repaired


def typed(expression: str, spec: FieldSpec) -> str:
    """SQL that casts a canonical text to the type of the field."""
    if spec.type == "yearmonth":
        return f"TRY_CAST(CASE WHEN length({expression}) = 7 THEN {expression} || '-01' ELSE {expression} END AS DATE)"
    return f"TRY_CAST({expression} AS {spec.database_type})"


def read_texts(
    distinct: Sequence[tuple[str, int]], column: Column, *, said: Mapping[str, str], resolver: Resolver | None
) -> tuple[list[tuple[str | None, ...]], int]:
    """Read each distinct text of a column once: (text, value, rule of a refusal), and in how many cells the value is not what was written."""
    values: list[tuple[str | None, ...]] = []
    n_repaired = 0
    for written, count in distinct:
        read = _read(written, column.field, said=said, scale=column.scale, resolver=resolver)
        if isinstance(read, Refusal):
            values.append((written, None, read.rule))
        else:
            n_repaired += count if read not in {None, written} and not resolver else 0
            values.append((written, read, None))
    return values, n_repaired


def shown_heading(heading: str) -> str:
    """A heading on one line."""
    return re.sub(r"\s+", " ", heading).strip()


def _heading_sql(column: Column) -> str:
    return f"b.heading, {text(shown_heading(column.heading))}"


def _read(written: str, spec: FieldSpec, *, said: Mapping[str, str], scale: Decimal, resolver: Resolver | None) -> Cell:
    if said and (written in said or tidy(written) in said):
        written = said.get(written, said.get(tidy(written), written))
    if resolver:
        return resolver(written)
    return parse_cell(written, spec, scale=scale)


def canonical(spec: FieldSpec, raw: str, *, scaled: bool) -> str:
    """SQL that is true for texts DuckDB itself casts rightly; everything else goes through the cell parsers."""
    if scaled:
        return "false"
    if spec.enum:
        return f"{raw} IN ({', '.join(text(value) for value in spec.enum)})"
    digits = 2 if spec.unit in {"hours", "minutes"} else 6
    patterns: Mapping[str, str] = {
        "integer": r"-?[0-9]{1,11}", "number": rf"-?[0-9]{{1,10}}(\.[0-9]{{1,{digits}}})?", "boolean": "true|false",
        "yearmonth": r"[12][0-9]{3}-(0[1-9]|1[0-2])", "year": "(19|20)[0-9]{2}",
    }  # fmt: skip
    if spec.type in patterns:
        return f"regexp_full_match({raw}, {text(patterns[spec.type])})"
    if spec.type == "date":
        return f"(regexp_full_match({raw}, '[12][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}') AND TRY_CAST({raw} AS DATE) IS NOT NULL)"
    if spec.name.endswith("_id"):
        return f"regexp_full_match({raw}, '[A-Za-z0-9][A-Za-z0-9_]*')"
    return f"({raw} <> '' AND left({raw}, 1) <> '#' AND NOT contains({raw}, '\ufffd'))"


def headings_of(layouts: Sequence[Layout], field_name: str) -> str:
    """The heading under which a field stands, for the list of refused rows; its Japanese title when it stands nowhere."""
    for layout in layouts:
        for column in layout.columns:
            if column.field.name == field_name:
                return shown_heading(column.heading)
    return layouts[0].table.field(field_name).title if layouts else field_name

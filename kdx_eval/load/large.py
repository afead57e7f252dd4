"""Typing a large file where it lies: every distinct value is read once, values the database already has right are only counted.

The same rows, values, refusals and counts as `staging.stage_grid` gives, but the stage is a view over the file and not a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.load.database import BLANKS, create_table, name, path_text, scalar, text
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Column, Layout
from kdx_eval.load.mapping import FileMapping
from kdx_eval.load.on_disk import as_text, n_rows
from kdx_eval.load.progress import tell
from kdx_eval.load.redundancy import contradictions
from kdx_eval.load.staging import (
    FAULTS,
    SEPARATOR,
    Resolver,
    Stage,
    canonical,
    is_total,
    n_refused_rows,
    note_odd_rows,
    other_fields,
    read_texts,
    repair_kind,
    shown_heading,
    typed,
)  # fmt: skip
from kdx_eval.schema import FieldSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGE_FROM = 300_000  # rows; below, a table in memory is as quick
# Their stages are changed after typing, so they must be tables.
_CHANGED_LATER = frozenset({"departments", "courses", "processes", "staff", "training"})
_COMPARED_UP_TO = 5_000_000  # rows that are held against what else the file says of them
_SAMPLE = 50_000
_MANY = 25_000  # distinct texts in the sample; so many are no list of codes
_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})


def is_large(con: DuckDBPyConnection, grid: Grid, *, layout: Layout) -> bool:
    """Whether `stage_on_disk` can and should type the grid."""
    regular = grid.parquet is not None and layout.table.name not in _CHANGED_LATER and len(layout.headings) == grid.n_columns
    return regular and grid.parquet is not None and n_rows(con, grid.parquet) - layout.header_line >= LARGE_FROM


def stage_on_disk(
    con: DuckDBPyConnection, grid: Grid, *, layout: Layout, key: str, mapping: FileMapping, resolvers: Mapping[str, tuple[str | None, Resolver]]
) -> Stage:
    """Type ``grid``, a Parquet file: the view ``stage_<key>`` over it, refused cells to the faults; parameters as in `staging.stage_grid`."""
    raw, body = f"raw_{key}", f"body_{key}"
    cells = ", ".join(f"{name(column)} AS v{index}, coalesce({as_text(name(column), kind)}, '') AS c{index}" for index, (column, kind) in enumerate(grid.raw))
    under = f"WHERE file_row_number >= {layout.header_line}" if layout.header_line else ""
    assert grid.parquet is not None
    numbers = "file_row_number AS at, file_row_number + 1 AS line"
    con.execute(f"CREATE VIEW {raw} AS SELECT {numbers}, {cells} FROM read_parquet({path_text(grid.parquet)}, file_row_number=true) {under}")
    readers = _readers(con, grid, layout, key=key, mapping=mapping, resolvers=resolvers)
    for reader in readers:
        reader.survey(con, raw)
    notes = note_odd_rows(con, grid, layout=layout, key=key, among=_among(con, readers, raw=raw))
    n_odd = scalar(con, f"SELECT count(*) FROM odd_{key}")
    con.execute(f"CREATE VIEW {body} AS SELECT b.* FROM {raw} b {f'ANTI JOIN odd_{key} o ON o.line = b.line' if n_odd else ''}")
    if n_odd:
        for reader in readers:
            reader.survey(con, body)
    rows_read = scalar(con, f"SELECT count(*) FROM {body}") + n_refused_rows(con, key)
    repaired: Counter[str] = Counter()
    for done, reader in enumerate(readers, start=1):
        repaired[repair_kind(reader.spec)] += reader.read(con, body)
        tell(done / len(readers))
    selects = [f"{reader.expression(con)} AS {name(reader.spec.name)}" for reader in readers] + other_fields(layout, resolvers)
    joins = " ".join(reader.join(con) for reader in readers)
    numbers = f"{text(key)} AS _stage, b.line AS _rid, b.line AS _line, b.at AS _at"
    con.execute(f"CREATE VIEW stage_{key} AS SELECT {numbers}, {', '.join(selects)} FROM {body} b {joins}")
    alike = [f"{reader.alike(con)} AS {name(reader.spec.name)}" for reader in readers] + other_fields(layout, resolvers)
    con.execute(f"CREATE VIEW alike_{key} AS SELECT b.at AS _at, {', '.join(alike)} FROM {body} b {joins}")
    if rows_read <= _COMPARED_UP_TO:
        notes += contradictions(con, grid, layout=layout, key=key)
    return Stage(
        key=key, layout=layout, grid=grid, rows_read=rows_read, repaired=dict(+repaired), notes=tuple(notes), table=f"stage_{key}", alike=f"alike_{key}",
        on_disk=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """How one column is read.

    ``right`` is SQL on the body ``b`` that is true for values taken as they are; None where every distinct value is looked up, as for codes. ``first`` is
    the column read with it (the type of an indicator's unit), None when there is none, -1 when the file lacks it.
    """

    key: str
    column: Column
    kind: str
    right: str | None
    said: Mapping[str, str]
    resolver: Resolver | None
    first: int | None
    first_kind: str

    @property
    def spec(self) -> FieldSpec:
        return self.column.field

    @property
    def own(self) -> str:
        return f"v{self.column.index}"

    @property
    def looked_up(self) -> tuple[str, ...]:
        """The columns of the file that decide on the value."""
        return (f"v{self.first}", self.own) if self.first is not None and self.first >= 0 else (self.own,)

    @property
    def seen(self) -> str:
        return name(f"seen_{self.key}_{self.spec.name}")

    @property
    def values(self) -> str:
        return name(f"values_{self.key}_{self.spec.name}")

    def survey(self, con: DuckDBPyConnection, body: str) -> None:
        """Table of the distinct values that must be read: as they lie, as text, with the number of rows."""
        own = f"coalesce({as_text(self.own, self.kind)}, '')"
        written = own
        if self.first is not None:
            before = f"coalesce({as_text(f'v{self.first}', self.first_kind)}, '')" if self.first >= 0 else "''"
            written = f"concat({before}, {text(SEPARATOR)}, {own})"
        where = f"WHERE NOT ({self.right})" if self.right else ""
        columns = ", ".join(self.looked_up)
        con.execute(f"""CREATE OR REPLACE TEMP TABLE {self.seen} AS SELECT {columns}, {own} AS own, {written} AS t, n
            FROM (SELECT {columns}, count(*) AS n FROM {body} b {where} GROUP BY {columns})""")

    def n_blank(self, con: DuckDBPyConnection, body: str) -> int:
        """Rows of ``body`` without anything in the column."""
        blank = scalar(con, f"SELECT sum(n) FROM {self.seen} WHERE own = ''")
        return blank + (scalar(con, f"SELECT count(*) - count({self.own}) FROM {body}") if self.right else 0)

    def read(self, con: DuckDBPyConnection, body: str) -> int:
        """Read the distinct texts, refuse the bad cells, and return how many cells were repaired."""
        sure = "false" if self.resolver or self.said else canonical(self.spec, "s.t", scaled=self.column.scale != 1)
        distinct = con.execute(f"SELECT s.t, sum(n)::BIGINT FROM {self.seen} s WHERE NOT ({sure}) GROUP BY s.t ORDER BY s.t").fetchall()
        values, n_repaired = read_texts(distinct, self.column, said=self.said, resolver=self.resolver)
        create_table(con, "repairs", columns=("t", "v", "rule"), values=values)
        value = typed(f"CASE WHEN {sure} THEN s.t ELSE r.v END", self.spec) if sure != "false" else typed("r.v", self.spec)
        columns = ", ".join(f"s.{v}" for v in self.looked_up)
        con.execute(f"""CREATE OR REPLACE TEMP TABLE {self.values} AS SELECT {columns}, {value} AS value, r.rule
            FROM {self.seen} s LEFT JOIN repairs r ON r.t = s.t""")
        con.execute(f"DROP TABLE repairs; DROP TABLE {self.seen}")
        if any(rule for _, _, rule in values):
            heading = text(shown_heading(self.column.heading))
            con.execute(f"""INSERT INTO {FAULTS} SELECT {text(self.key)}, b.line, b.line, {heading}, x.rule
                FROM {body} b JOIN (FROM {self.values} WHERE rule IS NOT NULL) x ON {self._same(con, "x")}""")
        return n_repaired

    def _same(self, con: DuckDBPyConnection, other: str) -> str:
        # A blank is usually nothing; only where it means something must NULL be found.
        blank = " OR ".join(f"{v} IS NULL" for v in self.looked_up)
        says = scalar(con, f"SELECT count(*) FROM {self.values} WHERE ({blank}) AND (value IS NOT NULL OR rule IS NOT NULL)")
        return " AND ".join(f"{other}.{v} {'IS NOT DISTINCT FROM' if says else '='} b.{v}" for v in self.looked_up)

    def _is_plain(self, con: DuckDBPyConnection) -> bool:
        """Whether the file holds the values as they shall be."""
        if self.right:
            return not scalar(con, f"SELECT count(*) FROM {self.values}")
        same = self.spec.type == "string" and self.kind == "VARCHAR"
        return same and not scalar(con, f"SELECT count(*) FROM {self.values} WHERE value IS DISTINCT FROM {self.own}")

    def expression(self, con: DuckDBPyConnection) -> str:
        """SQL of the typed value."""
        taken = f"b.{self.own}"
        if self.kind != self.spec.database_type:  # a cast to the same type would only slow things down
            taken = typed(taken, self.spec) if self.kind == "VARCHAR" else f"CAST({taken} AS {self.spec.database_type})"
        if self._is_plain(con):
            return taken
        found = f"{self.values}.value"
        return f"CASE WHEN {self.right} THEN {taken} ELSE {found} END" if self.right else found

    def alike(self, con: DuckDBPyConnection) -> str:
        """SQL of what stands for the typed value in `Stage.alike`: a code as the file has it, where each has a value of its own."""
        if self.right or len(self.looked_up) > 1 or self.spec.type != "string" or self.spec.enum or self.spec.pattern:
            return self.expression(con)
        # A blank must stand for nothing, and every other text for something that no other stands for.
        told = f"count(*) FILTER ({self.own} IS NULL AND value IS NOT NULL)"
        shared = scalar(con, f"SELECT count({self.own}) - count(DISTINCT value) + {told} FROM {self.values}")
        return self.expression(con) if shared else f"b.{self.own}"

    def join(self, con: DuckDBPyConnection) -> str:
        """SQL of the join that `expression` needs."""
        if self._is_plain(con):
            return ""
        # Grouped, the values are seen to be unique, and the database leaves out a join whose value no one asks for.
        unique = f"SELECT {', '.join(self.looked_up)}, any_value(value) AS value FROM {self.values} GROUP BY ALL"
        return f"LEFT JOIN ({unique}) AS {self.values} ON {self._same(con, self.values)}"


def _readers(
    con: DuckDBPyConnection, grid: Grid, layout: Layout, *, key: str, mapping: FileMapping, resolvers: Mapping[str, tuple[str | None, Resolver]]
) -> list[_Reader]:
    texts = [column.index for column in layout.columns if grid.raw[column.index][1] == "VARCHAR"]
    counts = ", ".join(f"count(DISTINCT v{index})" for index in texts) or "0"
    sampled = con.execute(f"SELECT {counts} FROM (SELECT * FROM raw_{key} LIMIT {_SAMPLE})").fetchall()[0]
    many = {index for index, count in zip(texts, sampled, strict=False) if count > _MANY}
    readers = []
    for column in layout.columns:
        spec, kind = column.field, grid.raw[column.index][1]
        beside, resolver = resolvers.get(spec.name, (None, None))
        first = next((other.index for other in layout.columns if other.field.name == beside), -1) if beside else None
        said = mapping.values.get(spec.name, {})
        right = None
        if not resolver and not said and column.scale == 1:
            right = _right(spec, kind, f"b.v{column.index}", many=column.index in many)
        first_kind = grid.raw[first][1] if first is not None and first >= 0 else ""
        readers.append(_Reader(key=key, column=column, kind=kind, right=right, said=said, resolver=resolver, first=first, first_kind=first_kind))
    return readers


def _right(spec: FieldSpec, kind: str, value: str, *, many: bool) -> str | None:
    """SQL that is true for values of database type ``kind`` that a cast makes right; None when all must be looked up."""
    if kind == "VARCHAR":
        return f"({canonical(spec, value, scaled=False)} AND trim({value}, {BLANKS}) = {value})" if many else None
    if spec.enum:
        return None
    exact = kind in _WHOLE
    if kind.startswith("DECIMAL"):
        exact = int(kind.rstrip(")").split(",")[1]) <= (2 if spec.unit in {"hours", "minutes"} else 6)
    if spec.type == "number" and exact:
        return f"({value} > -10000000000 AND {value} < 10000000000)"
    if kind in _WHOLE and spec.type in {"integer", "year"}:
        return f"({value} > -100000000000 AND {value} < 100000000000)" if spec.type == "integer" else f"{value} BETWEEN 1900 AND 2099"
    if kind == "DATE" and spec.type in {"date", "yearmonth"}:
        within = f"{value} BETWEEN DATE '1000-01-01' AND DATE '2999-12-31'"
        return f"({within})" if spec.type == "date" else f"({within} AND day({value}) = 1)"
    return "true" if kind == "BOOLEAN" and spec.type == "boolean" else None


def _among(con: DuckDBPyConnection, readers: list[_Reader], *, raw: str) -> str:
    """SQL that is true for lines that may be no data: a total, a note, a repeated heading, a blank row."""
    if sum(not reader.n_blank(con, raw) for reader in readers) < 2:
        return "true"
    # Two cells of each row are filled: no row is blank or a note, and few texts make a total or a heading.
    maybe = []
    for reader in [reader for reader in readers if reader.spec.type == "string"][:3]:
        if reader.right:
            maybe.append(is_total(f"b.{reader.own}"))
        elif scalar(con, f"SELECT count(*) FROM {reader.seen} WHERE {is_total('own')}"):
            maybe.append(f"b.{reader.own} IN (SELECT {reader.own} FROM {reader.seen} WHERE {is_total('own')})")
    headed = [reader for reader in readers if reader.column.heading]
    if headed and all(reader.kind == "VARCHAR" for reader in headed):
        maybe.append(f"trim(b.{headed[0].own}, {BLANKS}) = {text(headed[0].column.heading)}")
    if not maybe:
        return "false"
    con.execute(f"CREATE OR REPLACE TEMP TABLE maybe_odd AS SELECT line FROM {raw} b WHERE {' OR '.join(maybe)}")
    return "line IN (SELECT line FROM maybe_odd)"

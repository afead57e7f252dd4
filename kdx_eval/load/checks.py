"""A table's declaration compiled to SQL: required, pattern, limits, order of dates, keys. Faulty rows are named, not raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kdx_eval.load.database import name, scalar, text
from kdx_eval.load.plausible import impossible_conditions
from kdx_eval.load.progress import tell
from kdx_eval.load.pseudonyms import DEPARTMENT_ONLY
from kdx_eval.load.staging import FAULTS, Stage, headings_of
from kdx_eval.schema import FieldSpec, TableSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SORTED_AT_ONCE = 12_000_000  # hashes of eight bytes
_INSERTED_AT_ONCE = 100_000
_UNKNOWN = {"departments": "unknown_department", "courses": "unknown_course"}


def row_conditions(spec: TableSpec) -> list[tuple[str, str, str]]:
    """(field, rule, SQL that is true for a faulty row) for everything that can be judged in one row."""
    found: list[tuple[str, str, str]] = []
    for field in spec.fields:
        column = name(field.name)
        if field.required:
            found.append((field.name, "required", f"{column} IS NULL"))
        if field.pattern:
            found.append((field.name, "pattern", f"NOT regexp_full_match({column}, {text(field.pattern)})"))
        found += [(field.name, rule, condition) for rule, condition in _limits(field)]
    for group in spec.require_one_of:
        rule = "no_unit" if "department_id" in group else "unknown_person" if "full_name" in group else "required"
        found.append((group[0], rule, " AND ".join(f"{name(member)} IS NULL" for member in group)))
    for first, last in spec.date_order:
        found.append((last, "date_order", f"{name(last)} < {name(first)}"))
    return [*found, *impossible_conditions(spec.name)]


def _limits(field: FieldSpec) -> list[tuple[str, str]]:
    limits = []
    if field.minimum is not None:
        limits.append(("minimum", f"{name(field.name)} < {field.minimum}"))
    if field.maximum is not None:
        limits.append(("maximum", f"{name(field.name)} > {field.maximum}"))
    return limits


def check_rows(con: DuckDBPyConnection, stage: Stage) -> None:
    """Note every row of ``stage`` that breaks a rule of its own table."""
    conditions = row_conditions(stage.layout.table)
    if not conditions:
        return
    # One scan finds the faulty rows; only these are looked at again, rule by rule.
    con.execute(f"CREATE OR REPLACE TEMP TABLE faulty AS SELECT * FROM {stage.table} WHERE {' OR '.join(f'({sql})' for _, _, sql in conditions)}")
    for field_name, rule, sql in conditions if scalar(con, "SELECT count(*) FROM faulty") else ():
        heading = headings_of((stage.layout,), field_name)
        # A cell that could not be read is not also reported as blank, nor is its row for having none of several.
        same_cell = f"x.column = {text(heading)}" if " IS NULL AND " not in sql else "true"
        con.execute(f"""INSERT INTO {FAULTS} SELECT _stage, _rid, _line, {text(heading)}, {text(rule)} FROM faulty f WHERE ({sql})
            AND NOT EXISTS (SELECT 1 FROM {FAULTS} x WHERE x.stage = f._stage AND x.rid = f._rid AND {same_cell})""")
    con.execute("DROP TABLE faulty")


def check_references(con: DuckDBPyConnection, stage: Stage, *, known: Mapping[str, str]) -> None:
    """Note rows that point to nothing; ``known`` maps a table to the SQL of its keys, tables not delivered are not checked."""
    for key in stage.layout.table.foreign_keys:
        if key.reference not in known or key.reference == stage.layout.table.name:
            continue
        rule = _UNKNOWN.get(key.reference, "unknown_reference")
        heading = text(headings_of((stage.layout,), key.field))
        # The few distinct keys first: where all are known, which is usual, no row need be looked at.
        # GROUP BY and not DISTINCT, for which the database would also look up the values of other columns.
        con.execute(f"CREATE OR REPLACE TEMP TABLE strangers AS SELECT {name(key.field)} AS id FROM {stage.table} GROUP BY ALL")
        # People known by department only (from an earlier pseudonymise) are on no staff list.
        but = f"OR regexp_full_match(id, {text(DEPARTMENT_ONLY)})" if key.reference == "staff" else ""
        con.execute(f"DELETE FROM strangers WHERE id IS NULL OR id IN (SELECT id FROM ({known[key.reference]}) k(id)) {but}")
        if scalar(con, "SELECT count(*) FROM strangers"):
            con.execute(f"""INSERT INTO {FAULTS} SELECT s._stage, s._rid, s._line, {heading}, {text(rule)} FROM {stage.table} s
                WHERE {name(key.field)} IN (SELECT id FROM strangers)""")
        con.execute("DROP TABLE strangers")


def check_duplicates(con: DuckDBPyConnection, table: str, *, spec: TableSpec, key: tuple[str, ...], heading: str) -> None:
    """Note rows with the same key: of equal rows all but the first, of contradicting rows all, so that file order does not decide."""
    if not key:
        return
    columns = ", ".join(name(field) for field in key)
    if not _find_repeated(con, table, columns=columns):
        return
    con.execute(f"CREATE OR REPLACE TEMP TABLE maybe_doubled AS SELECT * FROM {table} WHERE hash({columns}) IN (SELECT h FROM repeated)")
    rest = ", ".join(f"CAST({name(field.name)} AS VARCHAR)" for field in spec.fields if field.name not in key) or "''"
    con.execute(f"""CREATE OR REPLACE TEMP TABLE doubled AS SELECT {columns}, count(DISTINCT hash(concat_ws(chr(31), {rest}))) > 1 AS contradicting
        FROM maybe_doubled GROUP BY {columns} HAVING count(*) > 1""")
    same = " AND ".join(f"t.{name(field)} IS NOT DISTINCT FROM d.{name(field)}" for field in key)
    partition = ", ".join(f"t.{name(field)}" for field in key)
    con.execute(f"""INSERT INTO {FAULTS} SELECT _stage, _rid, _line, {text(heading)}, 'duplicate' FROM (
        SELECT t._stage, t._rid, t._line, d.contradicting, row_number() OVER (PARTITION BY {partition} ORDER BY t._stage, t._rid) AS n
        FROM maybe_doubled t JOIN doubled d ON {same} WHERE NOT EXISTS (SELECT 1 FROM {FAULTS} x WHERE x.stage = t._stage AND x.rid = t._rid))
        WHERE contradicting OR n > 1""")
    con.execute("DROP TABLE doubled; DROP TABLE maybe_doubled; DROP TABLE repeated")


def _find_repeated(con: DuckDBPyConnection, table: str, *, columns: str) -> int:
    """Put the hashes of keys that occur more than once into the table ``repeated``; their number, usually none.

    Sorting the hashes of ten million keys takes a quarter of the time, and of the memory, that grouping them does.
    """
    import numpy as np

    con.execute("CREATE OR REPLACE TEMP TABLE repeated (h UBIGINT)")
    parts = -(-scalar(con, f"SELECT count(*) FROM {table}") // _SORTED_AT_ONCE)
    found = 0
    for part in range(parts):
        where = f"WHERE hash({columns}) % {parts} = {part}" if parts > 1 else ""
        hashes = np.asarray(con.execute(f"SELECT hash({columns}) AS h FROM {table} {where}").fetchnumpy()["h"])
        hashes.sort()
        repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        for start in range(0, len(repeated), _INSERTED_AT_ONCE):
            con.execute("INSERT INTO repeated SELECT unnest($1::UBIGINT[])", [repeated[start : start + _INSERTED_AT_ONCE].tolist()])
        found += len(repeated)
        tell((part + 1) / parts)
    return found

"""A table's declaration compiled to SQL: required, pattern, limits, order of dates, keys. Faulty rows are named, not raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kdx_eval.load.database import name, scalar, text
from kdx_eval.load.plausible import impossible_conditions
from kdx_eval.load.pseudonyms import DEPARTMENT_ONLY
from kdx_eval.load.staging import FAULTS, Stage, headings_of, pick_rows
from kdx_eval.schema import FieldSpec, TableSpec

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

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
    pick_rows(con, "faulty", table=stage.table, alike=stage.alike, where=" OR ".join(f"({sql})" for _, _, sql in conditions))
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

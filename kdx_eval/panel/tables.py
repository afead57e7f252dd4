"""What the panel layer asks of a dataset: which tables and columns exist, and one connection to them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import duckdb


class Tables(Protocol):
    """The part of a Dataset that panels need; the views of ``connect()`` bear the tables' names."""

    def has(self, table: str) -> bool:
        """Whether the table was delivered or derived."""
        ...

    def columns(self, table: str) -> Collection[str]:
        """Columns the table has."""
        ...

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection with one view for each table."""
        ...


def column(tables: Tables, table: str, *, name: str, kind: str) -> str:
    """SQL for a column that may be absent: ``table.name``, or a NULL of that type."""
    present = tables.has(table) and name in tables.columns(table)
    return f'{table}."{name}"' if present else f"CAST(NULL AS {kind})"


def is_staff_time(tables: Tables) -> str:
    """SQL that is true for rows of the workload whose minutes staff worked; lead time (measure_basis ``lead_time``) holds waiting."""
    return f"coalesce({column(tables, 'workload', name='measure_basis', kind='VARCHAR')}, '') <> 'lead_time'"


def has_lead_time(connection: duckdb.DuckDBPyConnection, tables: Tables) -> bool:
    """Whether any row of the workload is lead time; answered from the statistics of the file where there is none."""
    basis = column(tables, "workload", name="measure_basis", kind="VARCHAR")
    return bool(connection.execute(f"SELECT 1 FROM workload WHERE {basis} = 'lead_time' LIMIT 1").fetchall())


def posting_kind(tables: Tables, alias: str = "assignments") -> str:
    """SQL for the kind of a posting (main, concurrent, leave, roster); main where it is not written."""
    present = tables.has("assignments") and "posting_kind" in tables.columns("assignments")
    return f"coalesce({alias}.posting_kind, 'main')" if present else "'main'"


def month_index(expression: str) -> str:
    """SQL for ``Month.index`` of a date."""
    return f"(year({expression}) * 12 + month({expression}) - 1)"

"""How the values of every numeric column are spread, in SQL that needs memory for the distinct values only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.load.database import name, rows, scalar, text
from kdx_eval.load.quality.series import MEASURED, measures, unit_title
from kdx_eval.load.quality.types import Distribution
from kdx_eval.schema import load_indicators, load_schema

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.dataset import Dataset

_SHARES = (0.25, 0.5, 0.75, 0.99)
_NOT_QUANTITIES = frozenset({"partner_results"})  # contrasts of other cities: no measure of this one


def read_distributions(con: DuckDBPyConnection, dataset: Dataset) -> tuple[Distribution, ...]:
    """One for each numeric column with a value, and for each indicator, the monthly tables first."""
    schema = load_schema().tables
    tables = [*(table for table in MEASURED if dataset.has(table)), *(table for table in dataset.tables if table in schema and table not in MEASURED)]
    return tuple(one for table in tables if table not in _NOT_QUANTITIES for one in _of_table(con, dataset, table=table))


def _of_table(con: DuckDBPyConnection, dataset: Dataset, *, table: str) -> Iterator[Distribution]:
    spec = load_schema().table(table)
    if table == "indicators":
        known = load_indicators()
        for identity, kind in rows(con, "SELECT DISTINCT indicator_id, unit_type FROM indicators ORDER BY ALL"):
            code = str(identity)
            title, unit = (known[code].title, known[code].unit) if code in known else (code, "")
            source = f"(SELECT value FROM indicators WHERE indicator_id = {text(code)} AND unit_type = {text(str(kind))})"
            yield from _measure(con, source, column="value", personal=kind == "staff", labels=(table, code, f"{spec.title}「{title}」", unit))
        return
    personal = "staff_id" in dataset.columns(table)
    for field in measures(dataset, table):
        labels = (table, field.name, f"{spec.title}「{field.title}」", unit_title(field.unit))
        yield from _measure(con, name(table), column=field.name, personal=personal, labels=labels)


def _measure(con: DuckDBPyConnection, source: str, *, column: str, personal: bool, labels: tuple[str, str, str, str]) -> Iterator[Distribution]:
    quantiles = ", ".join(f"min(v) FILTER (upto >= {share} * total)" for share in _SHARES)
    found = rows(
        con,
        f"""WITH counted AS (SELECT {name(column)} AS v, count(*) AS n FROM {source} WHERE {name(column)} IS NOT NULL GROUP BY v),
            ranked AS (SELECT v, n, sum(n) OVER (ORDER BY v) AS upto, sum(n) OVER () AS total FROM counted)
            SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (v = 0), 0), min(v), {quantiles}, max(v) FROM ranked""",
    )[0]
    n, zeros = int(str(found[0])), int(str(found[1]))
    if not n:
        return
    low, lower, middle, upper, p99, high = (float(str(value)) for value in found[2:])
    table, measure, title, unit = labels
    yield Distribution(
        table=table, measure=measure, title=title, unit=unit, n=n, minimum=None if personal else low, lower_quartile=lower, median=middle,
        upper_quartile=upper, p99=p99, maximum=None if personal else high, zero_share=zeros / n,
        missing_share=1 - n / scalar(con, f"SELECT count(*) FROM {source}"),
    )  # fmt: skip

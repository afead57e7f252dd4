"""The tables of a delivery that a budget case reads; every one may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.budget.pay import complete_prices

if TYPE_CHECKING:
    import duckdb

    from kdx_eval.panel.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BudgetTables:
    """Frames that ``make_budget_case`` reads.

    Attributes
    ----------
    costs, wages, prior_claims : DataFrame or None
        費用, 人件費単価 (completed from the pay table), 前年度要求時の見込み.
    course_plans, alternatives, pay : DataFrame or None
        研修の実施計画, 代替案, 給与費.
    reach : DataFrame or None
        ``Panels.completion``.
    """

    costs: pd.DataFrame | None = None
    wages: pd.DataFrame | None = None
    prior_claims: pd.DataFrame | None = None
    course_plans: pd.DataFrame | None = None
    alternatives: pd.DataFrame | None = None
    pay: pd.DataFrame | None = None
    reach: pd.DataFrame | None = None

    def __repr__(self) -> str:
        given = [name for name in self.__slots__ if getattr(self, name) is not None]
        return f"BudgetTables({', '.join(given) or 'nothing'})"


def gather_budget_tables(dataset: Tables, *, reach: pd.DataFrame | None = None) -> BudgetTables:
    """The tables of ``dataset`` that a budget case needs; tables that were not delivered stay None.

    Prices that finance did not give are computed from the published pay table where the city delivered it.
    """
    connection = dataset.connect()
    try:
        pay = _frame(connection, dataset, "pay_table")
        return BudgetTables(
            costs=_frame(connection, dataset, "costs"),
            wages=complete_prices(_frame(connection, dataset, "wages"), pay=pay),
            prior_claims=_frame(connection, dataset, "prior_claims"),
            course_plans=_frame(connection, dataset, "course_plans"),
            alternatives=_frame(connection, dataset, "alternatives"),
            pay=pay,
            reach=reach,
        )
    finally:
        connection.close()


def _frame(connection: duckdb.DuckDBPyConnection, dataset: Tables, table: str) -> pd.DataFrame | None:
    return connection.execute(f"SELECT * FROM {table} ORDER BY ALL").df() if dataset.has(table) else None

"""What the count of hours needs beside the effects: attendance, the overtime that was paid, where hours went, what was claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.errors import RuleError
from kdx_eval.panel.tables import Tables, column, is_staff_time, month_index
from kdx_eval.plan import Plan
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    import duckdb

CLAIM_KEY = ["department_id", "process_id", "fiscal_year"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavingsFacts:
    """Frames that ``count_savings`` reads; every one may be missing.

    Attributes
    ----------
    reach : DataFrame or None
        ``Panels.completion``: course_id, course_name, fiscal_year, attendance_hours.
    overtime : DataFrame or None
        fiscal_year, overtime_hours, paid_overtime_yen of the whole city over the months that every compared year has.
    redeployment : DataFrame or None
        department_id, fiscal_year, hours, destination.
    claims, baseline : DataFrame or None
        department_id, process_id, fiscal_year, hours: hours that somebody claims to have saved, and hours there were to save.
    """

    reach: pd.DataFrame | None = None
    overtime: pd.DataFrame | None = None
    redeployment: pd.DataFrame | None = None
    claims: pd.DataFrame | None = None
    baseline: pd.DataFrame | None = None

    def __repr__(self) -> str:
        given = [name for name in self.__slots__ if getattr(self, name) is not None]
        return f"SavingsFacts({', '.join(given) or 'nothing'})"


def gather_facts(dataset: Tables, *, plan: Plan, reach: pd.DataFrame | None = None) -> SavingsFacts:
    """Sums of the dataset that ``count_savings`` needs; tables that were not delivered stay None."""
    connection = dataset.connect()
    try:
        claims = _claims(connection, dataset, year=plan.evaluated_fiscal_year)
        return SavingsFacts(
            reach=reach,
            overtime=_overtime(connection, dataset, plan=plan),
            redeployment=connection.execute("SELECT * FROM redeployment ORDER BY ALL").df() if dataset.has("redeployment") else None,
            claims=claims,
            baseline=None if claims is None else _baseline(connection, dataset, year=plan.evaluated_fiscal_year),
        )
    finally:
        connection.close()


def check_claims(claims: pd.DataFrame, baseline: pd.DataFrame) -> None:
    """Hold claimed hours against the hours there were to save, by department, process and fiscal year.

    Claims on a process without a baseline cannot be judged and pass.

    Raises
    ------
    RuleError
        The claims on one process exceed its hours; the message says on how many processes, never which.
    """
    total = claims.groupby(CLAIM_KEY, sort=True)["hours"].sum().rename("claimed").reset_index()
    base = baseline.groupby(CLAIM_KEY, sort=True)["hours"].sum().rename("base").reset_index()
    both = total.merge(base, on=CLAIM_KEY, how="inner")
    over = both[both["claimed"].astype(float) > both["base"].astype(float)]
    if not over.empty:
        years = "、".join(FiscalYear(int(year)).short for year in sorted(over["fiscal_year"].unique()))
        raise RuleError(
            f"削減したとする時間が、もとの業務時間を超える業務が{len(over)}件あります（{years}）",
            place="interventions（支援案件）と workload（業務量）",
            hint="同じ時間を二つの施策で数えていないか、単位が分でないかを確かめてください",
        )


def check_cash(claim_yen: int, *, overtime_fall_yen: int, budget_fall_yen: int) -> None:
    """Hold a claimed cash saving against what really fell: paid overtime and the budget line, in yen.

    Raises
    ------
    RuleError
        The claim exceeds both falls together.
    """
    if claim_yen > max(overtime_fall_yen, 0) + max(budget_fall_yen, 0):
        raise RuleError(
            "現金で減るとする額が、時間外勤務手当と予算科目の実際の減少を超えています",
            place="歳出削減",
            hint="減った分だけを歳出削減とし、残りは業務時間の創出（予算額は減らない）としてください",
        )


def _overtime(connection: duckdb.DuckDBPyConnection, dataset: Tables, *, plan: Plan) -> pd.DataFrame | None:
    if not dataset.has("worktime") or "overtime_hours" not in dataset.columns("worktime"):
        return None
    yen = column(dataset, "worktime", name="paid_overtime_yen", kind="BIGINT")
    year = plan.evaluated_fiscal_year.year
    frame = connection.execute(
        f"""WITH monthly AS (
                SELECT {month_index("worktime.month")} AS month_index, CAST(floor((month_index - 3) / 12.0) AS INTEGER) AS fiscal_year,
                       month_index % 12 AS part, sum(CAST(overtime_hours AS DECIMAL(18, 6))) AS overtime_hours, sum({yen}) AS paid_overtime_yen
                FROM worktime WHERE month_index <= $through GROUP BY ALL),
            compared AS (SELECT part FROM monthly WHERE fiscal_year IN ($year, $year - 1) GROUP BY part HAVING count(*) = 2)
            SELECT fiscal_year, CAST(sum(overtime_hours) AS DOUBLE) AS overtime_hours, CAST(sum(paid_overtime_yen) AS BIGINT) AS paid_overtime_yen
            FROM monthly WHERE part IN (SELECT part FROM compared) AND fiscal_year IN ($year, $year - 1) GROUP BY fiscal_year ORDER BY fiscal_year""",
        {"year": year, "through": plan.evaluated_through.index},
    ).df()
    return frame if len(frame) == 2 else None


def _claims(connection: duckdb.DuckDBPyConnection, dataset: Tables, *, year: FiscalYear) -> pd.DataFrame | None:
    needed = {"department_id", "process_id", "claimed_hours"}
    if not dataset.has("interventions") or not needed <= set(dataset.columns("interventions")):
        return None
    live = column(dataset, "interventions", name="live_on", kind="DATE")
    return connection.execute(
        f"""SELECT department_id, process_id, CAST($year AS INTEGER) AS fiscal_year, CAST(sum(claimed_hours) AS DOUBLE) AS hours
            FROM interventions WHERE process_id IS NOT NULL AND department_id IS NOT NULL AND claimed_hours IS NOT NULL
              AND ({live} IS NULL OR {live} <= $last) GROUP BY ALL ORDER BY ALL""",
        {"year": year.year, "last": (year.last + 1).first_day},
    ).df()


def _baseline(connection: duckdb.DuckDBPyConnection, dataset: Tables, *, year: FiscalYear) -> pd.DataFrame | None:
    """Hours of the fullest year up to the evaluated one: claims above even that are impossible."""
    if not dataset.has("workload") or not {"department_id", "minutes"} <= set(dataset.columns("workload")):
        return None
    month = month_index(f"coalesce({column(dataset, 'workload', name='month', kind='DATE')}, {column(dataset, 'workload', name='date', kind='DATE')})")
    given = column(dataset, "workload", name="fiscal_year", kind="INTEGER")
    return connection.execute(
        f"""SELECT department_id, process_id, CAST($year AS INTEGER) AS fiscal_year, max(hours) AS hours FROM (
                SELECT department_id, process_id, coalesce({given}, CAST(floor(({month} - 3) / 12.0) AS INTEGER)) AS worked_year,
                       CAST(sum("minutes") AS DOUBLE) / 60 AS hours
                FROM workload WHERE "minutes" IS NOT NULL AND {is_staff_time(dataset)} GROUP BY ALL)
            WHERE worked_year <= $year GROUP BY department_id, process_id ORDER BY ALL""",
        {"year": year.year},
    ).df()

"""What the count of hours needs beside the effects: attendance, the overtime that was paid, where hours went, what was claimed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from kdx_eval.errors import NotIdentifiedError, PlanError, RuleError
from kdx_eval.panel.build import Panels, build_panel
from kdx_eval.panel.tables import Tables, column, is_staff_time, month_index
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan
from kdx_eval.savings.bases import SavingsBasis
from kdx_eval.savings.records import read_basis, read_names, read_projects, read_staff, read_years
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    import duckdb

CLAIM_KEY = ["department_id", "process_id", "fiscal_year"]
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._\-/]{0,19}")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavingsFacts:
    """What ``count_savings`` reads beside the effects; every part may be missing.

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
    projects : DataFrame or None
        `records.read_projects`.
    years : DataFrame or None
        `records.read_years`.
    staff : mapping of department_id to float, or None
        実員 of the evaluated year.
    names : mapping of id to str, or None
        `records.read_names`.
    bases : mapping of question_id to SavingsBasis, or None
        On what each outcome rests, as far as the records say.
    panels : Panels or None
        From which hours by department and persistence are read.
    processes : mapping of question_id to Panel, or None
        The same outcomes by process, where the records tell processes apart.
    """

    reach: pd.DataFrame | None = None
    overtime: pd.DataFrame | None = None
    redeployment: pd.DataFrame | None = None
    claims: pd.DataFrame | None = None
    baseline: pd.DataFrame | None = None
    projects: pd.DataFrame | None = None
    years: pd.DataFrame | None = None
    staff: Mapping[str, float] | None = None
    names: Mapping[str, str] | None = None
    bases: Mapping[str, SavingsBasis] | None = None
    panels: Panels | None = None
    processes: Mapping[str, Panel] | None = None

    def __repr__(self) -> str:
        given = [name for name in self.__slots__ if getattr(self, name) is not None]
        return f"SavingsFacts({', '.join(given) or 'nothing'})"


def gather_facts(dataset: Tables, *, plan: Plan, reach: pd.DataFrame | None = None, panels: Panels | None = None) -> SavingsFacts:
    """Sums of the dataset that ``count_savings`` needs; tables that were not delivered stay None.

    Parameters
    ----------
    panels : Panels, optional
        Without them there are no hours by department and process, and no persistence.

    Raises
    ------
    RuleError
        Hours claimed for a process exceed the hours there were; the message names the file and the projects.
    """
    year = plan.evaluated_fiscal_year
    connection = dataset.connect()
    try:
        projects = read_projects(connection, dataset)
        claims = _claims(projects, year=year)
        baseline = None if projects is None else _baseline(connection, dataset, year=year)
        bases = {one.question_id: basis for one in plan.questions if (basis := read_basis(connection, dataset, question=one)) is not None}
        books = any(dataset.has(table) for table in ("worktime", "headcount", "costs"))
        facts = SavingsFacts(
            reach=reach,
            overtime=_overtime(connection, dataset, plan=plan),
            redeployment=connection.execute("SELECT * FROM redeployment ORDER BY ALL").df() if dataset.has("redeployment") else None,
            claims=claims,
            baseline=baseline,
            projects=projects,
            years=read_years(connection, dataset, plan=plan) if books else None,
            staff=read_staff(connection, dataset, year=year),
            names=read_names(connection, dataset) or None,
            bases=bases or None,
            panels=panels,
            processes=None if panels is None else _process_panels(dataset, panels),
        )
    finally:
        connection.close()
    if claims is not None and baseline is not None:
        check_claims(claims, baseline, place=_place(dataset))
    return facts


def _process_panels(dataset: Tables, panels: Panels) -> dict[str, Panel]:
    """The workload by process for every primary question that asks about it by department."""
    found = {}
    for key in panels.panels:
        question = panels.question(key)
        by_department = question.unit == "department" and question.role == "primary" and question.outcome.table == "workload"
        if not by_department or "process_id" not in dataset.columns("workload"):
            continue
        with contextlib.suppress(NotIdentifiedError, PlanError):
            found[key] = build_panel(dataset, replace(question, unit="process"), plan=panels.plan)
    return found


def _place(dataset: Tables) -> str:
    """The files that hold the projects, as far as the dataset knows them."""
    files = [one for one in getattr(getattr(dataset, "report", None), "files", ()) if one.table == "interventions"]
    return "、".join(f"{one.file}{f'（{one.sheet}）' if one.sheet else ''}" for one in files) or "interventions（支援案件）"


def check_claims(claims: pd.DataFrame, baseline: pd.DataFrame, *, place: str = "interventions（支援案件）") -> None:
    """Hold claimed hours against the hours there were to save, by department, process and fiscal year, and by department.

    Claims on a process without a baseline cannot be judged and pass; a claim that names no process counts towards its department's.

    Raises
    ------
    RuleError
        The claims on one process, or on one department, exceed its hours. The message gives the file and the numbers of the projects, as far as they
        look like numbers, and never a name.
    """
    over = _over(claims.dropna(subset=["process_id"]), baseline, key=CLAIM_KEY) + _over(claims, baseline, key=["department_id", "fiscal_year"])
    if not over:
        return
    years = "、".join(FiscalYear(year).short for year in sorted({int(row["fiscal_year"]) for keys in over for row in keys}))
    called = sorted({str(row["project_id"]) for keys in over for row in keys if _NUMBER.fullmatch(str(row.get("project_id") or ""))})
    which = f"（案件番号 {'、'.join(called[:_MOST_NAMED])}{' ほか' if len(called) > _MOST_NAMED else ''}）" if called else ""
    raise RuleError(
        f"削減したとする時間が、もとの業務時間を超える業務が{len(over)}件あります{which}（{years}）",
        place=f"{place} の「見込み削減時間」「実績削減時間」と workload（業務量）",
        hint="案件の行を見て、同じ時間を二つの施策で数えていないか、年間の時間か（分や5年分でないか）を確かめ、もとの業務時間以下に直してください",
    )


def _over(claims: pd.DataFrame, baseline: pd.DataFrame, *, key: list[str]) -> list[list[dict[str, Any]]]:
    """The claims of each key whose sum exceeds the hours there were."""
    base = baseline.groupby(key, sort=True)["hours"].sum().rename("base").reset_index()
    both = claims.merge(base, on=key, how="inner")
    found = []
    for _, rows in both.groupby(key, sort=True):
        if float(rows["hours"].astype(float).sum()) > float(rows["base"].iloc[0]) and (len(key) > 2 or rows.get("process_id", pd.Series()).isna().any()):
            found.append([{str(name): value for name, value in row.items()} for row in rows.to_dict("records")])
    return found


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


def _claims(projects: pd.DataFrame | None, *, year: FiscalYear) -> pd.DataFrame | None:
    """A year's hours of the projects in use by the end of the year, the larger of claimed and realised."""
    if projects is None:
        return None
    frame = projects.assign(hours=projects[["claimed_hours", "realised_hours"]].max(axis=1), fiscal_year=year.year)
    live = frame["live_on"].isna() | (frame["live_on"] < pd.Timestamp((year.last + 1).first_day))
    frame = frame[live & frame["hours"].notna() & frame["department_id"].notna()]
    return None if frame.empty else frame[["project_id", *CLAIM_KEY, "hours"]].reset_index(drop=True)


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

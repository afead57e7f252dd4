"""Projects, books and hours by department written out by hand, for the tests of the register and of the documents that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import duckdb
import pandas as pd

from kdx_eval.savings import BridgeRow, PerPerson, QuestionUnits, Register, Savings, UnitHours, YearSince
from kdx_eval.savings.reconcile import reconcile
from kdx_eval.savings.records import _PROJECT_FIELDS
from kdx_eval.savings.register import TrainingHours, build_register
from kdx_eval.units import FiscalYear

YEAR = FiscalYear(2025)


def project(number: str, kind: str = "RPA", **fields: Any) -> dict[str, Any]:
    """One project in process p of department d, in use the whole year; what is not given was not recorded."""
    row: dict[str, Any] = dict.fromkeys(_PROJECT_FIELDS)
    return row | {"project_id": number, "kind": kind, "department_id": "d", "process_id": "p", "live_on": pd.Timestamp("2025-04-01")} | fields


def projects(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """The frame that ``records.read_projects`` gives."""
    return pd.DataFrame(list(rows), columns=["project_id", *_PROJECT_FIELDS])


def baseline(**hours: float) -> pd.DataFrame:
    """Hours there were by process of department d."""
    return pd.DataFrame([{"department_id": "d", "process_id": process, "fiscal_year": 2025, "hours": value} for process, value in hours.items()])


def register(*rows: Mapping[str, Any], training: TrainingHours | None = None, base: pd.DataFrame | None = None) -> Register:
    """The register of those projects."""
    return build_register(projects(*rows), training or TrainingHours(), year=YEAR, baseline=base, names={})


def books(**changes: Any) -> pd.DataFrame:
    """Two years of books: overtime fell by 400 hours, nobody left."""
    row: dict[str, Any] = {
        "overtime_hours": 10_000.0, "paid_yen": 25_000_000.0, "months": 12, "overtime_fall": float("nan"), "staff": 100.0, "allotment": "",
        "budget_yen": 8_000_000.0, "budget_stage": "決算",
    }  # fmt: skip
    now = row | {"fiscal_year": 2025, "overtime_hours": 9_600.0, "overtime_fall": 400.0, "paid_yen": 24_000_000.0} | changes
    return pd.DataFrame([row | {"fiscal_year": 2024}, now])


def detailed(savings: Savings, name: Callable[[], str] = lambda: "総務課") -> Savings:
    """The savings with every detail filled in; each text is the next ``name``."""
    line = savings.lines[0]
    assert line.saved is not None
    assert savings.created is not None
    hours = line.saved.hours

    def unit(process: str, part: float, place: int) -> UnitHours:
        return UnitHours(
            department_id=f"d{place}", process_id=process, name=name(), hours=part, conf_low=part - 9, conf_high=part + 9, shrunken=part,
            shrunken_low=part - 5, shrunken_high=part + 5, baseline_hours=1000.0, months=12,
        )  # fmt: skip

    parts = (hours / 3, hours / 3, hours - 2 * hours / 3)
    total = savings.created.hours
    made = build_register(
        projects(project(name(), name(), claimed_hours=90.0, realised_hours=30.0, savings_basis="task_measured"),
                 project("I-2", name(), claimed_hours=480.0, savings_basis="survey", survey_hours=42.0, respondents=14, population=80, survey_months=6),
                 project("I-3", name(), claimed_hours=50.0, live_on=pd.Timestamp("2027-01-01"))),
        TrainingHours(total=total, by_key={("d", ""): 100.0, ("d", "p"): 100.0}), year=YEAR, baseline=baseline(p=4000.0), names={"d": name(), "/p": name()},
    )  # fmt: skip
    return replace(
        savings,
        annualised=savings.created,
        units=(QuestionUnits(question_id=line.question_id, departments=tuple(unit("", part, k) for k, part in enumerate(parts)),
                             processes=tuple(unit("p", part, k) for k, part in enumerate(parts))),),
        per_person=(PerPerson(question_id=line.question_id, hours=hours, persons=40.0, per_person=hours / 40, conf_low=1.0, conf_high=9.0, source="人員の表"),),
        persistence=(YearSince(question_id=line.question_id, year=1, hours=3.0, conf_low=1.0, conf_high=5.0, n_units=8, exposure=None),),
        bridge=replace(savings.bridge, departments=(
            BridgeRow(department_id="d", name=name(), created_hours=savings.bridge.created_hours, redeployed_hours=savings.bridge.redeployed_hours,
                      unexplained_hours=savings.bridge.unexplained_hours, destinations=((name(), savings.bridge.redeployed_hours),)),
        )),
        register=made,
        reconciliation=reconcile(books(allotment=name()), made, projects=None, redeployed=400.0, hours_per_person=1883.0),
    )  # fmt: skip


class Delivered:
    """A small dataset in memory: tables as the loader names them."""

    def __init__(self, **tables: pd.DataFrame) -> None:
        self.tables = tables

    def has(self, table: str) -> bool:
        """Whether the table is there."""
        return table in self.tables

    def columns(self, table: str) -> tuple[str, ...]:
        """Its columns."""
        return tuple(self.tables[table].columns)

    def connect(self) -> Any:
        """A connection with the tables in it."""
        connection = duckdb.connect(config={"threads": 1})
        for name, frame in self.tables.items():
            connection.register(f"{name}_frame", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_frame")
        return connection

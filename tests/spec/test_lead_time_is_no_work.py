"""Lead time holds waiting: it is never estimated, proposed or held against claims as hours that staff worked."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from kdx_eval.errors import PlanError
from kdx_eval.load import answerable, load_dataset
from kdx_eval.panel.build import build_panel
from kdx_eval.panel.reach import plan_facts
from kdx_eval.plan import plan_from_dict, propose_plan
from kdx_eval.plan.types import Plan
from kdx_eval.savings import gather_facts


class Delivered:
    """Frames as the tables of a dataset."""

    def __init__(self, **frames: pd.DataFrame) -> None:
        self.frames = frames

    def has(self, table: str) -> bool:
        return table in self.frames

    def columns(self, table: str) -> list[str]:
        return list(self.frames[table].columns)

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for name, frame in self.frames.items():
            connection.register(f"{name}_frame", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_frame")
        return connection


MONTHS = pd.date_range("2025-04-01", "2026-03-01", freq="MS")


def city(*basis: str) -> Delivered:
    rows = [("窓口", name, when, 60_000.0 if one == "lead_time" else 600.0, one) for one in basis for name in "AB" for when in MONTHS]
    workload = pd.DataFrame(rows, columns=["process_id", "department_id", "month", "minutes", "measure_basis"])
    postings = pd.DataFrame({"staff_id": ["a", "b"], "department_id": ["A", "B"], "valid_from": dt.date(2020, 4, 1), "valid_to": dt.date(2099, 1, 1)})
    day = pd.Timestamp("2025-05-10")
    training = pd.DataFrame({"staff_id": ["a"], "department_id": ["A"], "course_id": ["c"], "enrolled_on": [day], "completed_on": [day]})
    claims = pd.DataFrame({"department_id": ["A"], "process_id": ["窓口"], "claimed_hours": [100.0], "live_on": [day]})
    return Delivered(workload=workload, assignments=postings, training=training, interventions=claims)


def plan() -> Plan:
    question = {"question_id": "q1", "title": "題", "courses": ["c"], "unit": "department", "outcome": "workload.minutes", "cohort_width": "month"}
    return plan_from_dict({"request_fiscal_year": 2027, "evaluated_fiscal_year": 2025, "evaluated_through": "2026-03", "questions": [question]})


def test_rows_of_lead_time_are_left_out_of_the_hours_and_said_so() -> None:
    the_plan = plan()
    panel = build_panel(city("lead_time", "log"), the_plan.questions[0], plan=the_plan)
    assert panel.outcome.tolist() == [[10.0] * 12] * 2
    assert any("所要期間（待ち時間を含む）の行が24行" in note for note in panel.notes)


def test_a_question_on_hours_that_are_all_lead_time_is_refused() -> None:
    the_plan = plan()
    with pytest.raises(PlanError, match="所要期間"):
        build_panel(city("lead_time"), the_plan.questions[0], plan=the_plan)


def test_lead_time_is_no_baseline_for_claims() -> None:
    assert gather_facts(city("lead_time"), plan=plan()).baseline.empty
    assert gather_facts(city("lead_time", "log"), plan=plan()).baseline["hours"].tolist() == [120.0, 120.0]


def test_no_plan_is_proposed_on_lead_time() -> None:
    proposed = propose_plan(plan_facts(city("lead_time"), city="架空市"))
    assert all(question.outcome.key != "workload.minutes" for question in proposed.questions)


def test_a_log_of_lead_time_alone_does_not_answer_for_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log.csv").write_text("case_id,activity,timestamp\n1,a,2025-04-15 09:00\n1,b,2025-04-15 10:00\n", encoding="utf-8")
    (folder / "所属履歴.csv").write_text("職員番号,所属,開始日\n1,市民課,2020-04-01\n", encoding="utf-8")
    (folder / "受講記録.csv").write_text("職員番号,所属,研修名,修了日\n1,市民課,研修,2025-04-01\n", encoding="utf-8")
    hours = next(item for item in answerable(load_dataset(folder)) if item.kind == "work_time")
    assert (hours.possible, hours.missing) == (False, ("workload",))
    assert "いまあるのは所要期間だけ" in hours.sentence

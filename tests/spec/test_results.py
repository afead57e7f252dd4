"""Results leave and come back unchanged, as the same bytes each time."""

from __future__ import annotations

import dataclasses
import json
import math

import pandas as pd
import pytest

from kdx_eval.budget import BudgetTables, make_budget_case
from kdx_eval.errors import DataError
from kdx_eval.evidence import assess_evidence, not_assessed
from kdx_eval.results import FRAMES, Results, read_results, save_effects, write_results
from kdx_eval.savings import count_savings
from tests.spec.money_cases import costs, plan, question, reach, study, wages

FIELDS = [
    "question_id", "outcome", "estimand", "method", "inference", "estimate", "std_error", "conf_low", "conf_high", "p_value", "n_units", "n_persons",
    "n_cohorts", "n_periods", "grade_maryland", "grade_japan", "verdict", "checks",
]  # fmt: skip


@pytest.fixture(scope="module")
def results():
    asked = (question("q1"), question("q2", role="secondary"), question("q3", role="completion_only"))
    the_plan = plan(*asked)
    odd = study("q2", std_error=math.nan, detectable=math.nan, influence=pd.DataFrame({"unit": ["髙橋課"], "value": [0.1 + 0.2]}))
    studies = {"q1": study("q1", estimate=-0.1 - 0.2), "q2": odd}
    evidence = {key: assess_evidence(one, the_plan.question(key), plan=the_plan, smallest_effect=1.0) for key, one in studies.items()}
    evidence["q3"] = not_assessed(asked[2])
    savings = count_savings(evidence, studies, plan=the_plan)
    seats = reach(("course_q1", 100, 80, 60.0))
    table = costs((2027, "要求", "研修委託", 2.0, 400_000, 800_000, "course_q1"))
    budget = make_budget_case(
        savings, plan=the_plan, tables=BudgetTables(costs=table, wages=wages((2025, "fully_loaded", 4000, "財政課", "sourced")), reach=seats)
    )
    return Results(plan=the_plan, studies=studies, evidence=evidence, savings=savings, budget=budget, quality={"rows": 12, "notes": ["x"]}, reach=seats)


def same(one, other):
    """Equality that takes NaN as equal to NaN, down to every field."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    elif dataclasses.is_dataclass(one):
        assert type(one) is type(other)
        for field in dataclasses.fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        assert one == other or (math.isnan(one) and math.isnan(other))


def test_everything_comes_back_as_it_was_even_from_a_folder_that_looks_like_a_pattern(results, tmp_path):
    folder = tmp_path / "実績[R7] 'x'"
    back = read_results(write_results(folder, results))
    for key in results.studies:
        same(results.studies[key], back.studies[key])
    for key in results.evidence:
        same(results.evidence[key], back.evidence[key])
    same(results.savings, back.savings)
    same(results.budget, back.budget)
    same(results.reach, back.reach)
    assert back.plan == results.plan
    assert back.quality == results.quality


def test_the_same_results_are_the_same_bytes_and_nothing_else_is_left(results, tmp_path):
    first, second = (write_results(tmp_path / name, results) for name in "ab")
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(
        ["budget.json", "effects.json", "evidence.json", "index.json", "plan.json", "quality.json", "reach.parquet", "savings.json", "studies.json"]
        + [f"{name}.parquet" for name in FRAMES]
    )
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_effects_json_has_one_entry_for_each_question_and_estimand_and_no_number_that_does_not_exist(results, tmp_path):
    save_effects(tmp_path, results.studies, evidence=results.evidence)
    rows = json.loads((tmp_path / "effects.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [list(row) for row in rows] == [FIELDS] * 5
    assert [(row["question_id"], row["estimand"]) for row in rows] == [
        ("q1", "fiscal_year"), ("q1", "naive_before_after"), ("q2", "fiscal_year"), ("q2", "naive_before_after"), ("q3", "none"),
    ]  # fmt: skip
    headline = rows[0]
    assert headline["estimate"] == -0.1 - 0.2  # every digit
    assert headline["checks"][0]["check_id"] == "pre_trends"
    assert rows[2]["std_error"] is None
    assert (rows[4]["verdict"], rows[4]["estimate"], rows[4]["grade_maryland"]) == ("検証対象外", None, None)


def test_what_was_not_reached_yet_is_empty(results, tmp_path):
    save_effects(tmp_path, results.studies, evidence=results.evidence)
    back = read_results(tmp_path)
    assert (back.plan, back.savings, back.budget, back.reach, back.quality) == (None, None, None, None, {})
    assert set(back.studies) == {"q1", "q2"}


def test_no_study_at_all_is_stored_too(results, tmp_path):
    save_effects(tmp_path, {}, evidence={"q3": results.evidence["q3"]})
    assert read_results(tmp_path).studies == {}


def test_a_folder_without_results_or_with_a_broken_file_is_refused_with_a_remedy(results, tmp_path):
    with pytest.raises(DataError, match="計算結果がありません"):
        read_results(tmp_path)
    write_results(tmp_path, results)
    (tmp_path / "savings.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"savings\.json"):
        read_results(tmp_path)
    (tmp_path / "index.json").write_text('{"schema_version": 99}', encoding="utf-8")
    with pytest.raises(DataError, match="版"):
        read_results(tmp_path)

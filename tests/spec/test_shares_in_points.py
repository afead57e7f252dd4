"""Indicators that are means: shares are estimated in points, days are shorter and scores higher, and nothing is said "per department and month"."""

from __future__ import annotations

import pytest
import report_city
from small_tables import INDICATORS, TRAINING, SmallTables, build, enrolled, make_plan, months, question_of

from kdx_eval.errors import PlanError
from kdx_eval.evidence.wording import difference_text, verdict_fields, verdict_texts, vocabulary
from kdx_eval.plan import plan_from_dict
from kdx_eval.plan.reading import plan_to_dict


def shares(values: dict[str, float]) -> SmallTables:
    rows = [("staff", person, when, "online_share", value) for person, value in values.items() for when in months("2025-04", "2025-09")]
    return SmallTables(indicators=(INDICATORS, rows), training=(TRAINING, enrolled(s1="2025-06-10", s2="2025-08-10")))


@pytest.mark.parametrize("outcome", ["indicators.online_share", {"indicator_id": "online_share", "unit_label": "割合/人・月"}])
def test_a_share_of_one_becomes_percentage_points(outcome: object) -> None:
    plan = make_plan(unit="staff", outcome=outcome)
    assert (question_of(plan).outcome.unit_label, question_of(plan).outcome.is_share, question_of(plan).outcome.per_words) == ("ポイント", True, "")
    panel = build(shares({"s1": 0.25, "s2": 0.5, "s3": 1.0}), plan)
    assert panel.outcome[:, 0].tolist() == [25.0, 50.0, 100.0]
    assert plan_from_dict(plan_to_dict(plan)) == plan


def test_per_cent_typed_into_a_share_is_refused_with_the_remedy_and_no_value() -> None:
    with pytest.raises(PlanError, match="1を超える値") as caught:
        build(shares({"s1": 0.25, "s2": 35.5, "s3": 1.0}), make_plan(unit="staff", outcome="indicators.online_share"))
    assert caught.value.place == "q1"
    assert 'unit_label: "%"' in str(caught.value.hint)
    assert "35.5" not in str(caught.value)
    plan = make_plan(unit="staff", outcome={"indicator_id": "online_share", "unit_label": "%"})
    assert build(shares({"s1": 25.0, "s2": 35.5, "s3": 100.0}), plan).outcome[:, 0].tolist() == [25.0, 35.5, 100.0]


@pytest.mark.parametrize(
    ("key", "unit_label"),
    [("indicators.processing_days", "日"), ("indicators.satisfaction", "点"), ("indicators.online_share", "ポイント"), ("indicators.genai_uses", "回/課・月")],
)
def test_a_mean_has_no_per_and_an_amount_has(key: str, unit_label: str) -> None:
    assert question_of(make_plan(outcome=key)).outcome.unit_label == unit_label


@pytest.mark.parametrize(
    ("value", "better", "measure", "text"),
    [
        (0.74, "lower", "日", "0.74日短い"),
        (-0.74, "lower", "日", "0.74日長い"),
        (2.17, "higher", "ポイント", "2.17ポイント高い"),
        (-0.2, "higher", "点", "0.20点低い"),
        (80.7, "lower", "時間", "80.7時間少ない"),
    ],
)
def test_the_direction_is_said_in_the_word_that_fits_the_unit(value: float, better: str, measure: str, text: str) -> None:
    assert difference_text(value, better=better, measure=measure) == text


def test_no_sentence_of_any_verdict_has_an_empty_place_where_per_would_stand() -> None:
    question = question_of(make_plan(outcome="indicators.processing_days"))
    study = report_city.study("q1", "処理日数は短くなったか", -0.7)
    fields = verdict_fields(question, study, good=(0.7, 0.5, 0.9), good90=(0.55, 0.85), smallest=0.3)
    for verdict in vocabulary()["verdicts"]:
        headline, permitted, forbidden = verdict_texts(verdict, fields)
        for sentence in (headline, *permitted, *forbidden):
            assert not any(broken in sentence for broken in ("（、", "（）", "か月当たり", "{"))

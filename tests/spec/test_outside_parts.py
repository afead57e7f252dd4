"""Which of the policy's parts readers outside the office get, and that a hidden question is silent there too."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_city

from kdx_eval.policy.cycle import Cycle
from kdx_eval.policy.parts import part_types
from kdx_eval.policy.review import PolicyReview, VersionNote
from kdx_eval.policy.stage_b import Asked, CitizenOutcome, StageB
from kdx_eval.policy.vision import Vision
from kdx_eval.policy.yearly import Point
from kdx_eval.report.audience import TOO_FEW, for_audience
from kdx_eval.report.policy_parts.outside import Silence, outside_parts

LOUD = Silence(questions=frozenset(), sentence=TOO_FEW, totals=False)


def stage_b() -> StageB:
    asked = tuple(Asked(question_id=key, title=f"{key}の問い", verdict="効果あり", sentence=f"{key}の問い：処理日数が0.74日短い。") for key in ("q1", "q2"))
    days = CitizenOutcome(
        indicator_id="processing_days", title="処理日数", unit="日", better="lower", questions=asked,
        points=(Point(fiscal_year=2025, value=9.3, base=20),), trend=None, sentence="R7年度は9.30日。", note="",
    )  # fmt: skip
    uses = (("相談業務", 165.0, 2),)
    return StageB(fiscal_year=2025, created_hours=590.0, redeployed_hours=165.0, destinations=uses, measures=(), outcomes=(days,), notes=())


def parts() -> dict[str, object]:
    version = VersionNote(label="方針", effective_from="2025-04-01", in_force=True, changes=())
    return {
        "stage_b": stage_b(), "vision": Vision(fiscal_year=2025, indicators=(), notes=("前提。",)),
        "review": PolicyReview(versions=(version,), breaks=(), sentence="方針の版は一つです。"),
    }  # fmt: skip


def test_parts_that_count_persons_or_name_others_stay_inside() -> None:
    every = dict.fromkeys(part_types(), None) | parts()
    shown = outside_parts(every, LOUD)
    assert sorted(shown) == ["review", "stage_b", "vision"]
    assert shown == parts()
    assert outside_parts({"a part that is made next year": object()}, LOUD) == {}
    assert Cycle.__name__ == part_types()["cycle"].__name__  # a part by that name is studied, and was left out above


def test_a_question_on_few_persons_is_as_silent_here_as_in_its_own_section() -> None:
    found = outside_parts(parts(), replace(LOUD, questions=frozenset({"q2"}), totals=True))["stage_b"]
    assert isinstance(found, StageB)
    first, second = found.outcomes[0].questions
    assert first.sentence.endswith("0.74日短い。")
    assert (second.verdict, second.sentence) == ("公表しない", TOO_FEW)
    assert found.created_hours is None
    noted = replace(stage_b(), notes=("記録がありません。書いてください。", "差です。"))
    shown = outside_parts({"stage_b": noted}, LOUD)["stage_b"]
    assert isinstance(shown, StageB)
    assert shown.notes == ("差です。",)  # what the office has to do is nobody else's
    assert found.redeployed_share != found.redeployed_share  # created hours would follow from the share


@pytest.mark.parametrize(("persons", "told"), [(9, False), (10, True)])
def test_the_public_ledger_tells_of_stage_b_what_may_be_told(persons: int, told: bool) -> None:
    results = report_city.city(policy=parts())
    studies = {**results.studies, "q2": replace(results.studies["q2"], persons_treated=persons)}
    shown, ledger = for_audience(replace(results, studies=studies), "public")
    assert sorted(shown.policy) == ["review", "stage_b", "vision"]
    assert ledger.text("stage_b.processing_days.2025") == "9.30日"
    assert ("0.74日短い" in ledger.text("stage_b.processing_days.question.1")) is told
    assert "0.74日短い" in ledger.text("stage_b.processing_days.question.0")
    assert (ledger.claim("stage_b.share").value is not None) is told

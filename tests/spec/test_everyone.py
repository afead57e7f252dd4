"""Everyone trained at once: the course before and after is described, nothing is claimed, and the city is told what to do next time."""

from __future__ import annotations

import numpy as np
import pytest
from small_tables import ASSIGNMENTS, TRAINING, WORKTIME, SmallTables, day, make_plan, months, posted

from kdx_eval.effect.estimate import estimate_effects
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.evidence import Evidence, assess_all
from kdx_eval.panel.build import build_panel, build_panels

NAMES = [f"{letter}{place}" for letter in "AB" for place in range(6)]


def town(*, start: str = "2025-06-01", first: str = "2023-04", later: dict[str, str] | None = None, step: float = -4.0) -> SmallTables:
    rng = np.random.default_rng(2)
    began = dict.fromkeys(NAMES, day(start)) | {name: day(when) for name, when in (later or {}).items()}
    rows = [(name, when, round(float(20 + rng.normal(0, 0.5) + step * (when >= began[name])), 2)) for name in NAMES for when in months(first, "2026-03")]
    return SmallTables(
        worktime=(WORKTIME, rows), assignments=(ASSIGNMENTS, posted(**{f"s{name}": name for name in NAMES})),
        training=(TRAINING, [(f"s{name}", None, "C1", when, None) for name, when in began.items()]),
    )  # fmt: skip


def judged(tables: SmallTables, **question: object) -> Evidence:
    plan = make_plan(**{"design": "everyone", **question})
    panels = build_panels(tables, plan)
    assert not panels.panels
    studies = estimate_effects(panels, plan)
    assert not studies  # so that no hours can be counted
    return assess_all(studies, panels, plan=plan)["q1"]


def test_the_course_before_and_after_is_described_and_said_to_be_no_effect() -> None:
    found = judged(town())
    assert (found.verdict, found.maryland, found.japan, found.basis_plain) == ("検証対象外", 1, "Lv3", "前後比較のみ")
    assert not found.may_claim
    assert found.headline is None
    (described,) = [sentence for sentence in found.sentences if sentence.startswith("参考")]
    assert "令和7年6月に一斉に受けた12課" in described
    assert described.endswith("比較対象がないため効果とは言えません。")
    same_month = float(described.split("同じ月と比べると")[1].split("時間")[0].replace("△", "-"))
    assert same_month == pytest.approx(-4.0, abs=0.3)  # noise of twelve units
    assert any("kdx-eval rollout" in reason for reason in found.reasons)
    assert any("効果とは言えません" in limit for limit in found.limits)
    assert "受講の前と後の差を、研修の結果として示すこと。" in found.forbidden


def test_less_than_two_years_before_says_that_seasons_are_in_it() -> None:
    assert any("季節の動きは除けていません" in sentence for sentence in judged(town(first="2024-04")).sentences)
    assert not any("季節の動きは除けていません" in sentence for sentence in judged(town()).sentences)


def test_with_less_than_a_year_before_nothing_is_described() -> None:
    found = judged(town(first="2024-08"))
    assert (found.maryland, found.basis_plain) == (None, "比較対象なし")
    assert any("12か月から示せます" in reason for reason in found.reasons)
    assert not any(sentence.startswith("参考") for sentence in found.sentences)


def test_departments_that_began_at_other_times_can_be_compared_and_the_plan_is_told_so() -> None:
    found = judged(town(later=dict.fromkeys(NAMES[:3], "2025-11-01")))
    assert any("design を staggered" in reason for reason in found.reasons)


def test_excluded_months_before_are_not_part_of_the_course() -> None:
    found = judged(town(first="2022-04"), excluded_periods=[["2022-04", "2023-04"]])
    assert any(sentence.startswith("参考") for sentence in found.sentences)


def test_completion_only_stays_as_it_was() -> None:
    found = judged(town(), role="completion_only")
    assert (found.maryland, found.basis_plain) == (None, "比較対象なし")
    assert not any(sentence.startswith("参考") for sentence in found.sentences)


def test_a_comparison_is_still_refused_kindly() -> None:
    plan = make_plan(design="everyone")
    with pytest.raises(NotIdentifiedError, match="比べる相手がいません"):
        build_panel(town(), plan.questions[0], plan=plan)

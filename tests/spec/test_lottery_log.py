"""A lottery with its log: who was drawn, who came, intention to treat, compliers; and applicants as the comparison of volunteers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from small_tables import ASSIGNMENTS, NEVER, TRAINING, WORKTIME, SmallTables, build, cohorts, day, make_plan, month, months, overtime, posted

from kdx_eval.effect import estimate_effect
from kdx_eval.errors import NotIdentifiedError, PlanError
from kdx_eval.evidence import assess_evidence
from kdx_eval.panel.lottery import Draw
from kdx_eval.panel.type import Panel

APPLICANTS = "staff_id VARCHAR, course_id VARCHAR, applied_on DATE, outcome VARCHAR, lottery_stratum VARCHAR"
STAFF_TIME = "staff_id VARCHAR, month DATE, overtime_hours DECIMAL(9,2)"
PLAN = {"unit": "staff", "outcome": "worktime.overtime_hours", "design": "lottery", "lottery_log": "log.csv"}


@cache
def city(*, drawn: int = 20, lost: int = 20, others: int = 2, shirkers: int = 4, sneaked: int = 2, effect: float = -8.0, seed: int = 0) -> SmallTables:
    """Winners w, losers l, people who never applied n; the first ``shirkers`` winners decline, the first ``sneaked`` losers come all the same."""
    rng = np.random.default_rng(seed)
    winners, losers = [f"w{i:02d}" for i in range(drawn)], [f"l{i:02d}" for i in range(lost)]
    people = [*winners, *losers, *(f"n{i:02d}" for i in range(others))]
    came = {*winners[shirkers:], *losers[:sneaked]}
    levels = dict(zip(people, 20 + rng.normal(0, 3, len(people)), strict=True))
    start = day("2025-04-01")
    rows = [
        (one, when, round(float(levels[one] + rng.normal(0, 1) + effect * (one in came and when >= start)), 2))
        for one in people
        for when in months("2024-04", "2026-03")
    ]
    applied = [(one, "C1", day("2025-03-01"), "declined" if i < shirkers else "selected", "AB"[i % 2]) for i, one in enumerate(winners)]
    applied += [(one, "C1", day("2025-03-01"), "waitlisted" if i % 2 else "rejected", "AB"[i % 2]) for i, one in enumerate(losers)]
    training = [(one, None, "C1", day("2025-04-10"), None) for one in sorted(came)]
    return SmallTables(worktime=(STAFF_TIME, rows), training=(TRAINING, training), applicants=(APPLICANTS, applied))


def test_the_draw_decides_who_is_treated_whatever_they_did_afterwards() -> None:
    panel = build(city(), make_plan(**PLAN))
    found = cohorts(panel)
    assert found["w00"] == month("2025-04")  # drawn, declined: still on the drawn side
    assert found["l00"] == NEVER  # not drawn, came all the same: still on the other side
    assert not any(str(unit).startswith("n") for unit in panel.units)  # never had a chance
    assert panel.draw == Draw(n_drawn=20, n_drawn_attended=16, n_lost=20, n_lost_attended=2, n_strata=2)
    assert panel.draw.compliance == pytest.approx(0.8 - 0.1)
    assert panel.stratum is not None and set(panel.stratum) == {"A", "B"}
    assert panel.exposure is not None  # what they did is kept beside it
    assert panel.exposure[list(panel.units).index("w00"), -1] == 0.0
    assert panel.exposure[list(panel.units).index("l00"), -1] == 1.0
    assert any("応募していない" in reason for _, reason in panel.gaps.dropped_units)


def test_headline_is_intention_to_treat_and_compliers_are_wald_of_it() -> None:
    plan = make_plan(**PLAN)
    study = estimate_effect(build(city(), plan), plan.questions[0], plan=plan)
    compliers = study.entry("compliers")
    assert compliers is not None
    assert (compliers.method, compliers.inference) == ("wald", "anderson_rubin")
    assert compliers.estimate == pytest.approx(study.headline.estimate / 0.7, rel=1e-9)  # compliance moves 70 of 100
    assert compliers.conf_low < -8 < compliers.conf_high
    assert study.headline.conf_low < -8 * 0.7 < study.headline.conf_high
    assert any("当選20人のうち受講したのは16人（80%" in note for note in study.notes)
    evidence = assess_evidence(study, plan.questions[0], plan=plan, smallest_effect=1.0)
    # A plan made afterwards lowers the grade; nothing about the lottery does.
    assert not any("抽選" in reason for reason in evidence.reasons)


def test_without_the_table_of_applicants_a_log_alone_is_no_lottery() -> None:
    plan = make_plan(**PLAN)
    panel = replace(build(city(), plan), draw=None)
    study = estimate_effect(panel, plan.questions[0], plan=plan)
    assert study.entry("compliers") is None
    evidence = assess_evidence(study, plan.questions[0], plan=plan, smallest_effect=1.0)
    assert (evidence.maryland or 0) < 5
    assert any("確かめられない" in reason for reason in evidence.reasons)


def test_a_draw_that_moved_hardly_anybody_gives_no_effect_on_compliers() -> None:
    plan = make_plan(**PLAN)
    study = estimate_effect(build(city(shirkers=14, sneaked=5), plan), plan.questions[0], plan=plan)
    assert study.entry("compliers") is None
    assert any("結び付きが弱い" in note for note in study.notes)


@pytest.mark.parametrize(("tables", "reason"), [({"lost": 0}, "全員が選ばれた"), ({"drawn": 0, "shirkers": 0}, "誰も選ばれていない")])
def test_where_all_or_none_won_there_was_no_lottery(tables: dict[str, int], reason: str) -> None:
    with pytest.raises(NotIdentifiedError, match=reason):
        build(city(**tables), make_plan(**PLAN))


# --- volunteers against applicants who were not chosen ----------------------------------------------------------------

VOLUNTEERS = {"unit": "staff", "outcome": "worktime.overtime_hours", "control": "applicants"}


def test_volunteers_are_compared_with_those_who_also_applied() -> None:
    panel: Panel = build(city(sneaked=0), make_plan(**VOLUNTEERS))
    found = cohorts(panel)
    assert found["w10"] == month("2025-04") and found["l05"] == NEVER
    assert "w00" not in found  # chosen, but never came: on neither side, since that was their own doing
    assert not any(str(unit).startswith("n") for unit in panel.units)
    assert panel.draw is None
    plan = make_plan(**VOLUNTEERS)
    study = estimate_effect(panel, plan.questions[0], plan=plan)
    assert study.headline.conf_low < -8 < study.headline.conf_high
    assert study.entry("simple") is not None  # the month-by-month reference knows this comparison too


def test_departments_without_applicants_are_no_comparison() -> None:
    staff = posted(a1="A", b1="B", c1="C", d1="D")
    applied = [("a1", "C1", day("2025-04-01"), "selected", None), ("b1", "C1", day("2025-04-01"), "rejected", None)]
    training = [("a1", None, "C1", day("2025-05-10"), None)]
    tables = SmallTables(
        worktime=(WORKTIME, overtime("ABCD")), assignments=(ASSIGNMENTS, staff), training=(TRAINING, training), applicants=(APPLICANTS, applied)
    )
    assert cohorts(build(tables, make_plan(control="applicants"))) == {"A": month("2025-05"), "B": NEVER}
    assert set(cohorts(build(tables, make_plan()))) == set("ABCD")


def test_the_choice_without_applicants_is_refused_with_what_to_do() -> None:
    rows = [("a", when, 1) for when in months("2024-04", "2026-03")]
    bare = SmallTables(worktime=(STAFF_TIME, rows), training=(TRAINING, [("a", None, "C1", day("2025-04-10"), None)]))
    with pytest.raises(PlanError, match="応募"):
        build(bare, make_plan(**VOLUNTEERS))
    with pytest.raises(NotIdentifiedError, match="全員が選ばれた"):
        build(city(lost=0), make_plan(**VOLUNTEERS))

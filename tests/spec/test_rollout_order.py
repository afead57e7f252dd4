"""A roll-out in drawn order: the order table, who kept to it, and next year's analysis that needs no further choice."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from next_year import write_next_year
from small_tables import NEVER, SmallTables, build, cohorts, day, make_plan, month, months, posted

from kdx_eval.batch.plans import choose_plan
from kdx_eval.effect import estimate_effect
from kdx_eval.effect.estimate import estimate_effects
from kdx_eval.effect.study import EffectStudy
from kdx_eval.errors import PlanError
from kdx_eval.evidence import Evidence, assess_all, assess_evidence
from kdx_eval.load import Dataset, load_dataset
from kdx_eval.panel.build import build_panel, build_panels
from kdx_eval.panel.draw_order import draw_order
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.plan import Plan, plan_from_dict, plan_to_yaml, read_plan
from kdx_eval.plan.freezing import freeze_plan
from kdx_eval.policy import study_policy
from kdx_eval.policy.rollout import Rollout
from kdx_eval.report.forms.rollout_notice import order_table
from kdx_eval.results import read_results, save_effects
from kdx_eval.synthetic_city import CitySize, make_city

WORKTIME = "department_id VARCHAR, month DATE, overtime_hours DECIMAL(9,2)"
ASSIGNMENTS = "staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE"
TRAINING = "staff_id VARCHAR, department_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE"
ORDER = "draw_id VARCHAR, department_id VARCHAR, stratum VARCHAR, wave BIGINT, planned_month DATE, number VARCHAR, word VARCHAR"
NAMES = [f"{kind}{place}" for kind in "AB" for place in range(8)]
WORD = "38,456"
STARTS = {1: day("2025-04-01"), 2: day("2025-10-01"), 3: day("2026-04-01")}
LOTTERY = {"design": "lottery", "lottery_log": "R7-1", "strata": "department_type"}


def drawn(word: str = WORD) -> dict[str, int]:
    return {one.unit: one.wave for one in draw_order({name: name[0] for name in NAMES}, waves=3, word=word)}


def order_rows(*, word: str = WORD, recorded: str = WORD, draw_id: str = "R7-1") -> list[tuple[object, ...]]:
    return [(draw_id, name, name[0], wave, STARTS[wave], None, recorded) for name, wave in sorted(drawn(word).items())]


def town(*, moved: dict[str, str | None] | None = None, order: list[tuple[object, ...]] | None = None, effect: float = -4.0) -> SmallTables:
    """Sixteen drawn departments and one that was not; each trains its one member of staff in its month, or as ``moved`` says."""
    rng = np.random.default_rng(4)
    names = [*NAMES, "Z"]
    began = {name: None if wave == 3 else STARTS[wave] for name, wave in drawn().items()}
    began |= {name: None if when is None else day(when) for name, when in (moved or {}).items()}
    rows = [
        (name, when, round(float(20 + 3 * (name[0] == "B") + rng.normal(0, 1) + effect * (began.get(name) is not None and when >= began[name])), 2))
        for name in names for when in months("2024-04", "2026-03")
    ]  # fmt: skip
    training = [(f"s{name}", None, "C1", when, None) for name, when in sorted(began.items()) if when is not None]
    return SmallTables(
        worktime=(WORKTIME, rows), assignments=(ASSIGNMENTS, posted(**{f"s{name}": name for name in names})), training=(TRAINING, training),
        rollout_order=(ORDER, order_rows() if order is None else order),
    )  # fmt: skip


def wave_of(number: int) -> list[str]:
    return sorted(name for name, wave in drawn().items() if wave == number)


def test_the_drawn_month_decides_who_is_treated_when_whatever_departments_did() -> None:
    late, never, early = wave_of(1)[0], wave_of(2)[0], wave_of(3)[0]
    panel = build(town(moved={late: "2025-12-01", never: None, early: "2025-06-01"}), make_plan(**LOTTERY))
    found = cohorts(panel)
    assert (found[late], found[never], found[early]) == (month("2025-04"), month("2025-10"), month("2026-04"))
    assert "Z" not in found  # it had no lot
    assert any("順番表にない" in reason for _, reason in panel.gaps.dropped_units)
    draw = panel.draw
    assert isinstance(draw, OrderDraw)
    assert (draw.n_units, draw.n_followed) == (16, 13)
    assert draw.early == (early,)
    assert set(draw.late) == {late, never}
    assert draw.compliance == pytest.approx(13 / 16)
    assert draw.n_strata == 2
    assert draw.began[late] == month("2025-12") and draw.began[never] == NEVER
    assert set(panel.stratum) == {"A", "B"}
    assert "16課のうち13課（81%）" in draw.sentence


def test_beginning_before_the_next_wave_is_keeping_to_the_order_and_with_it_is_not() -> None:
    one, other = wave_of(1)[:2]
    draw = build(town(moved={one: "2025-09-15", other: "2025-10-01"}), make_plan(**LOTTERY)).draw
    assert isinstance(draw, OrderDraw)
    assert draw.late == (other,)


def evidence_of(tables: SmallTables, **question: object) -> tuple[EffectStudy, Evidence]:
    plan = make_plan(**{**LOTTERY, **question})
    plan = replace(plan, frozen=None)
    study = estimate_effect(build(tables, plan), plan.questions[0], plan=plan)
    return study, assess_evidence(study, plan.questions[0], plan=plan, smallest_effect=1.0)


def test_the_word_must_give_the_recorded_order_again() -> None:
    kept = build(town(), make_plan(**LOTTERY)).draw
    changed = build(town(order=order_rows(recorded="another word")), make_plan(**LOTTERY)).draw
    by_hand = build(town(order=[(*row[:-1], None) for row in order_rows()]), make_plan(**LOTTERY)).draw
    assert isinstance(kept, OrderDraw) and isinstance(changed, OrderDraw) and isinstance(by_hand, OrderDraw)
    assert (kept.reproduced, changed.reproduced, by_hand.reproduced) == (True, False, None)
    one, other = wave_of(1)[0], wave_of(2)[0]
    exchanged = {one: 2, other: 1}
    swapped = [(*row[:3], exchanged.get(str(row[1]), row[3]), STARTS[exchanged.get(str(row[1]), drawn()[str(row[1])])], *row[5:]) for row in order_rows()]
    mended = build(town(order=swapped), make_plan(**LOTTERY)).draw
    assert isinstance(mended, OrderDraw) and mended.reproduced is False  # two places exchanged after the draw
    _, evidence = evidence_of(town(order=order_rows(recorded="another word")))
    assert any("種から計算した順番と一致しない" in reason for reason in evidence.reasons)


@pytest.mark.parametrize(("keepers", "counts"), [(16, True), (13, True), (12, False)])
def test_at_least_four_fifths_must_have_kept_to_the_order(keepers: int, counts: bool) -> None:
    moved = dict.fromkeys((wave_of(1) + wave_of(2))[: 16 - keepers])
    _, evidence = evidence_of(town(moved=moved))
    assert any("順番どおりに始めた課が" in reason for reason in evidence.reasons) is not counts


def test_without_the_table_the_log_alone_is_no_lottery_of_departments() -> None:
    tables = town()
    bare = SmallTables(
        worktime=(WORKTIME, tables.connect().execute("SELECT * FROM worktime").fetchall()),
        assignments=(ASSIGNMENTS, tables.connect().execute("SELECT * FROM assignments").fetchall()),
        training=(TRAINING, tables.connect().execute("SELECT * FROM training").fetchall()),
    )
    study, evidence = evidence_of(bare)
    assert study.draw is None
    assert any("順番表がなく" in reason for reason in evidence.reasons)


def test_two_draws_in_one_table_need_a_plan_that_names_one() -> None:
    both = [*order_rows(), *order_rows(draw_id="R7-10", word="other", recorded="other")]
    with pytest.raises(PlanError, match="2回分"):
        build(town(order=both), make_plan(**{**LOTTERY, "lottery_log": "順番表.csv"}))
    draw = build(town(order=both), make_plan(**{**LOTTERY, "lottery_log": "順番表.csv（抽選の名前 R7-10）"})).draw
    assert isinstance(draw, OrderDraw) and draw.draw_id == "R7-10"


def test_intention_to_treat_leads_and_the_first_stage_gives_the_effect_on_those_who_began() -> None:
    missed = wave_of(1)[0]
    study, _ = evidence_of(town(moved={missed: None}))
    compliers = study.entry("compliers")
    assert compliers is not None
    assert abs(compliers.estimate) > abs(study.headline.estimate)
    assert compliers.conf_low < -4 < compliers.conf_high
    assert study.headline.conf_high < 0
    assert any(check.check_id == "randomisation" for check in study.checks)
    assert any(check.check_id == "balance" and check.outcome == "passed" for check in study.checks)


def test_a_study_with_its_order_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    study, evidence = evidence_of(town(moved={wave_of(1)[0]: None}))
    save_effects(tmp_path, {"q1": study}, evidence={"q1": evidence})
    again = read_results(tmp_path).studies["q1"]
    assert again.draw == study.draw
    assert isinstance(again.draw, OrderDraw) and NEVER in again.draw.began.values()


# --- next year --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def this_year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Rollout]:
    data = make_city(tmp_path_factory.mktemp("city"), size=CitySize(departments=40, staff=900, processes=60)).data
    dataset = load_dataset(data)
    found = study_policy("rollout", dataset, plan=read_plan(data / "plan.yaml"), word="公表値 123")
    assert isinstance(found, Rollout)
    return dataset, found


def analysed(folder: Path) -> tuple[Plan, EffectStudy, Evidence]:
    """All that a run does with a data folder in which a plan lies: nothing is chosen here."""
    dataset = load_dataset(folder)
    plan = choose_plan(dataset, None, out=folder.with_name("out")).plan
    panels = build_panels(dataset, plan)
    studies = estimate_effects(panels, plan)
    (key,) = studies
    return plan, studies[key], assess_all(studies, panels, plan=plan)[key]


def next_year(this_year: tuple[Dataset, Rollout], folder: Path, *, effect: float, followed: float = 1.0) -> Path:
    dataset, found = this_year
    text = plan_to_yaml(plan_from_dict(json.loads(found.plan)))
    write_next_year(folder, dataset, plan_text=text, order=order_table(found), effect=effect, followed=followed)
    freeze_plan(folder / "plan.yaml", on=dt.date(2027, 6, 1))
    return folder


def test_next_year_is_analysed_without_a_choice_and_reaches_the_highest_grade(this_year: tuple[Dataset, Rollout], tmp_path: Path) -> None:
    plan, study, evidence = analysed(next_year(this_year, tmp_path / "next", effect=-0.15))
    assert not plan.evaluated_after_period
    assert isinstance(study.draw, OrderDraw)
    assert (study.draw.reproduced, study.draw.n_units) == (True, len(this_year[1].order))
    assert study.draw.compliance == 1.0
    assert evidence.reasons == ()
    assert (evidence.maryland, evidence.japan) == (5, "Lv1")
    level = study.baseline_mean
    assert study.headline.conf_low < -0.15 * level < study.headline.conf_high
    assert evidence.verdict in {"効果あり", "小さい効果"}


def test_next_year_without_an_effect_claims_none_and_a_broken_order_is_no_lottery(this_year: tuple[Dataset, Rollout], tmp_path: Path) -> None:
    _, _, nothing = analysed(next_year(this_year, tmp_path / "nothing", effect=0.0))
    assert nothing.verdict not in {"効果あり", "小さい効果"}
    _, study, broken = analysed(next_year(this_year, tmp_path / "broken", effect=-0.15, followed=0.5))
    assert study.draw is not None and study.draw.compliance < 0.8
    assert (broken.maryland or 0) < 5
    assert any("順番どおりに始めた課が" in reason for reason in broken.reasons)


def test_the_table_that_is_written_is_read_as_it_was_drawn(this_year: tuple[Dataset, Rollout], tmp_path: Path) -> None:
    _, found = this_year
    folder = next_year(this_year, tmp_path / "next", effect=0.0)
    rows = load_dataset(folder).connect().execute("SELECT draw_id, department_id, stratum, wave, number, word FROM rollout_order ORDER BY ALL").fetchall()
    assert rows == sorted((found.draw_id, one.department_id, one.stratum, one.wave, one.number, "公表値 123") for one in found.order)
    panel = build_panel(load_dataset(folder), read_plan(folder / "plan.yaml").questions[0], plan=read_plan(folder / "plan.yaml"))
    assert set(map(str, panel.units)) <= {one.department_id for one in found.order}

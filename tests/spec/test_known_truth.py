"""The tool against cities whose true effect is known: the whole path once, and the headline on many simulated cities."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from known_truth import city_panel, true_mean

from kdx_eval.effect import estimate_effect, estimate_effects
from kdx_eval.effect.study import EffectStudy
from kdx_eval.evidence import assess_all, assess_evidence, smallest_effects
from kdx_eval.load import load_dataset
from kdx_eval.panel.build import build_panels
from kdx_eval.plan import Plan, read_plan
from kdx_eval.synthetic_city import Mechanism, make_city, simulate_city
from kdx_eval.synthetic_city.delivery_plan import PLAN_TEXT


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = tmp_path_factory.mktemp("plan") / "plan.yaml"
    path.write_text(PLAN_TEXT, encoding="utf-8", newline="\n")
    return read_plan(path)


@pytest.fixture(scope="module")
def whole_path(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("city")
    files = make_city(folder)
    dataset = load_dataset(files.data, cache_dir=tmp_path_factory.mktemp("cache"))
    plan = read_plan(files.data / "plan.yaml")
    panels = build_panels(dataset, plan)
    studies = estimate_effects(panels, plan)
    smallest = smallest_effects(studies, plan=plan, costs=dataset.frame("costs"), wages=dataset.frame("wages"), reach=panels.completion)
    truth = pd.read_csv(folder / "truth_effects.csv", dtype={"department_id": str})
    return {"panels": panels, "studies": studies, "evidence": assess_all(studies, panels, plan=plan, smallest=smallest), "truth": truth}


@pytest.mark.parametrize(
    ("question", "course", "outcome"),
    [
        ("q1_bpr_hours", "DXBPR", "workload_hours"),
        ("q2_form_hours", "FORMTOOL", "workload_hours"),
        ("q3_bpr_overtime", "DXBPR", "overtime_hours"),
        ("q4_genai_uses", "AITOOL", "genai_uses"),
        ("q6_processing_days", "DXBPR", "processing_days"),
        ("q7_online_share", "FORMTOOL", "online_share"),
    ],
)
def test_the_truth_of_the_demo_city_lies_inside_the_interval(whole_path: dict[str, object], question: str, course: str, outcome: str) -> None:
    study: EffectStudy = whole_path["studies"][question]
    truth = true_mean(whole_path["truth"], whole_path["panels"].panels[question], course=course, outcome=outcome)
    unit = 100.0 if outcome == "online_share" else 1.0  # the city records shares of one, the study speaks in points
    assert study.headline.conf_low <= truth * unit <= study.headline.conf_high


def test_what_citizens_notice_is_estimated_like_hours_and_told_in_words_of_its_unit(whole_path: dict[str, object]) -> None:
    evidence, studies = whole_path["evidence"], whole_path["studies"]
    days, share = evidence["q6_processing_days"], evidence["q7_online_share"]
    assert (days.verdict, share.verdict) == ("効果あり", "効果あり")
    assert re.search(r"処理日数が0\.\d\d日短い（95%の幅：0\.\d\d日短い～0\.\d\d日短い）", days.headline_sentence)
    assert re.search(r"オンライン申請率が\d\.\d\dポイント高い（95%の幅：", share.headline_sentence)
    assert "1課・1か月当たり" not in days.headline_sentence + share.headline_sentence + "".join((*days.sentences, *share.sentences))
    assert "（、" not in "".join((*days.sentences, *share.sentences))
    # Only departments that serve citizens measure it: 管理 does not.
    assert studies["q6_processing_days"].n_treated_units < studies["q1_bpr_hours"].n_treated_units


def test_the_course_that_works_is_found_and_the_one_that_does_not_is_not(whole_path: dict[str, object]) -> None:
    evidence = whole_path["evidence"]
    assert evidence["q1_bpr_hours"].verdict == "効果あり"
    assert evidence["q2_form_hours"].verdict not in {"効果あり", "小さい効果"}
    assert evidence["q5_security"].verdict == "検証対象外"


def test_the_naive_figure_is_visibly_wrong(whole_path: dict[str, object]) -> None:
    study: EffectStudy = whole_path["studies"]["q1_bpr_hours"]
    naive = study.entry("naive_before_after")
    assert naive is not None
    truth = true_mean(whole_path["truth"], whole_path["panels"].panels["q1_bpr_hours"], course="DXBPR", outcome="workload_hours")
    assert naive.conf_high < truth  # even its whole interval overclaims
    assert naive.estimate < 1.5 * truth


def test_the_headline_interval_covers_the_truth_on_held_out_cities(plan: Plan) -> None:
    """40 cities, two courses: 95 % intervals. At a true coverage of 95 %, fewer than 69 of 80 happens less than once in 1 000 runs (binomial)."""
    inside = 0
    for seed in range(9_000, 9_040):
        city = simulate_city(seed=seed)
        effects = city.effects()
        for question, course in (("q1_bpr_hours", "DXBPR"), ("q2_form_hours", "FORMTOOL")):
            panel = city_panel(city, course=course)
            headline = estimate_effect(panel, plan.question(question), plan=plan).headline
            truth = true_mean(effects, panel, course=course, outcome="workload_hours")
            inside += headline.conf_low <= truth <= headline.conf_high
    assert inside >= 69


@pytest.mark.parametrize(
    "mechanism",
    [Mechanism(effect_share=0.0, selection_on_shock=0.08), Mechanism(effect_share=0.0, selection_on_trend=-0.06)],
    ids=["chosen on a bad half-year", "volunteers on a falling trend"],
)
def test_a_city_that_breaks_the_comparison_gets_no_claim(plan: Plan, mechanism: Mechanism) -> None:
    """No effect, but an interval far from zero: the checks must turn the claim into 判定不能 (at most one of 15 may slip through)."""
    apparent, claims = 0, 0
    for seed in range(9_100, 9_115):
        study = estimate_effect(city_panel(simulate_city(seed=seed, mechanism=mechanism), course="DXBPR"), plan.question("q1_bpr_hours"), plan=plan)
        verdict = assess_evidence(study, plan.question("q1_bpr_hours"), plan=plan, smallest_effect=8.8).verdict
        apparent += study.headline.conf_high < 0
        claims += verdict in {"効果あり", "小さい効果"}
    assert apparent >= 10  # the trap is real
    assert claims <= 1


def test_the_comparison_that_the_plan_asks_for_is_the_one_that_is_used(plan: Plan) -> None:
    question = plan.question("q1_bpr_hours")
    panel = city_panel(simulate_city(seed=9_200), course="DXBPR")
    both, never = (estimate_effect(panel, replace(question, control=control), plan=plan) for control in ("not_yet_treated", "never_treated"))
    assert never.n_control_units == int(np.isinf(panel.cohort).sum()) < both.n_control_units
    change = next(check for check in both.checks if check.check_id == "fixed_comparison").statistic
    assert never.headline.estimate - both.headline.estimate == pytest.approx(change, abs=1e-9)

"""Next year's roll-out: the lottery, its balance, the power that it promises, and the plan that needs no further choice."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_city
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from studies import rollout as study

from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.estimate import estimate_effects
from kdx_eval.effect.fiscal_year import FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import pooled_covariance
from kdx_eval.effect.structure import Structure
from kdx_eval.errors import ParameterError, PlanError
from kdx_eval.load import Dataset, load_dataset
from kdx_eval.panel.build import build_panel, build_panels
from kdx_eval.panel.draw_order import draw_order, wave_counts
from kdx_eval.panel.type import Panel
from kdx_eval.plan import Plan, plan_from_dict, plan_to_dict, read_plan
from kdx_eval.policy import study_policy
from kdx_eval.policy.power import Waves, simulate_analysis
from kdx_eval.policy.rollout import Rollout
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.forms.rollout_notice import HEADINGS, order_table, rollout_notice
from kdx_eval.report.policy_parts.rollout import SECTION
from kdx_eval.synthetic_city import CitySize, make_city

STRUCTURE = Structure(seasonal=0.5, noise=1.0, correlation=0.4, season=12, df=np.inf)
TARGET = FiscalYearTarget(first=24.0, last=35.0, season=12)
PERIODS = np.arange(36.0)


def test_the_order_follows_from_the_word_alone_and_by_hand() -> None:
    numbers = {unit: hashlib.sha256(f"38,456\n{unit}".encode()).hexdigest() for unit in "abcd"}
    drawn = draw_order(dict.fromkeys("abcd", "窓口"), waves=2, word="38,456")
    assert [one.unit for one in drawn] == sorted("abcd", key=numbers.get)
    first = int(hashlib.sha256(b"38,456\n").hexdigest(), 16) % 2
    assert [one.wave for one in drawn] == [(first + k) % 2 + 1 for k in range(4)]
    assert drawn == draw_order(dict.fromkeys("dcba", "窓口"), waves=2, word="38,456")  # however the departments are listed
    assert drawn != draw_order(dict.fromkeys("abcd", "窓口"), waves=2, word="38,457")


@given(st.lists(st.sampled_from("XYZ"), min_size=4, max_size=40), st.integers(2, 4), st.text(min_size=1).filter(str.strip))
@settings(max_examples=80, deadline=None)
def test_no_stratum_and_no_wave_differs_by_more_than_one(kinds: list[str], waves: int, word: str) -> None:
    drawn = draw_order({f"{k}": kind for k, kind in enumerate(kinds)}, waves=waves, word=word)
    assert len(drawn) == len(kinds)
    counts = wave_counts(drawn, waves=waves)
    assert all(max(row) - min(row) <= 1 for row in counts.values())
    whole = np.sum(list(counts.values()), axis=0)
    assert whole.max() - whole.min() <= 1


def test_every_department_has_the_same_chance_of_every_wave() -> None:
    strata = {"a": "X", "b": "X", "c": "X", "d": "Y", "e": "Y", "f": "Z", "g": "Z"}
    hits = np.zeros((7, 3))
    for trial in range(1_500):
        for one in draw_order(strata, waves=3, word=str(trial)):
            hits["abcdefg".index(one.unit), one.wave - 1] += 1
    # 21 cells, 99.9 % each way: a chi-square with 14 degrees of freedom.
    assert float(((hits - 500) ** 2 / 500).sum()) < stats.chi2.ppf(0.999, 14)


def test_a_lottery_without_a_word_or_with_too_few_departments_is_refused() -> None:
    with pytest.raises(ParameterError, match="種"):
        draw_order({"a": "X", "b": "X"}, waves=2, word="  ")
    with pytest.raises(ParameterError, match="課の数"):
        draw_order({"a": "X"}, waves=2, word="w")


def test_the_simulated_analysis_is_the_analysis_run_the_long_way() -> None:
    # The same distribution from whole outcomes through moments, contrast and pooled covariance, one year at a time.
    waves = Waves(starts=(24.0, 30.0, 36.0), sizes=(5, 4, 4))
    fast = simulate_analysis(waves, TARGET, periods=PERIODS, structure=STRUCTURE, draws=4_000, seed=1)
    random = np.random.default_rng(2)
    root = np.linalg.cholesky(STRUCTURE.covariance(PERIODS) + 1e-9 * np.eye(36))
    cohort = np.repeat(waves.starts, waves.sizes)
    rows = []
    for _ in range(1_500):
        panel = Panel(
            outcome=random.standard_normal((13, 36)) @ root.T, units=np.arange(13).astype(object), periods=PERIODS, cohort=cohort,
            persons=np.ones(13, dtype=np.int64), monthly=True,
        )  # fmt: skip
        m = moments(panel)
        found = fiscal_year_contrast(m, TARGET).effect
        variance, df = pooled_covariance(m).variance(found, m)
        rows.append((float(found.estimate(m)[0]), float(np.sqrt(variance[0])), float(df[0])))
    slow = np.array(rows)
    # Kolmogorov-Smirnov at 0.1 %: the two ways draw from one distribution.
    for ours, literal in ((fast.estimate, slow[:, 0]), (fast.std_error, slow[:, 1]), (fast.df, slow[:, 2])):
        assert stats.ks_2samp(ours, literal).pvalue > 0.001


def test_the_power_at_the_detectable_effect_is_eighty_per_cent_and_nothing_is_found_where_nothing_is() -> None:
    drawn = simulate_analysis(Waves(starts=(24.0, 30.0, 36.0), sizes=(10, 10, 10)), TARGET, periods=PERIODS, structure=STRUCTURE)
    assert drawn.power(drawn.detectable()) == pytest.approx(0.8, abs=0.001)
    # One-sided 2.5 %, 5 000 draws: three standard errors.
    assert drawn.power(0.0) == pytest.approx(0.025, abs=3 * np.sqrt(0.025 * 0.975 / 5_000))


def test_more_departments_find_smaller_effects() -> None:
    few, many = (
        simulate_analysis(Waves(starts=(24.0, 36.0), sizes=(n, n)), TARGET, periods=PERIODS, structure=STRUCTURE).detectable() for n in (5, 20)
    )
    assert many < few / 1.8  # twice the departments' square root, and more degrees of freedom


def test_the_promised_power_is_kept() -> None:
    # docs/ROLLOUT.md has 5 000 cities a world; 300 here allow four standard errors (2.3 points each).
    hits = [study.one_city(seed, world=study.WORLDS[2])[1] for seed in range(150)]
    assert np.mean(hits) == pytest.approx(study.PROMISED, abs=4 * np.sqrt(0.16 / 150))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Plan]:
    folder = tmp_path_factory.mktemp("city")
    data = make_city(folder, size=CitySize(departments=40, staff=900, processes=60)).data
    return load_dataset(data), read_plan(data / "plan.yaml")


@pytest.fixture(scope="module")
def proposed(city: tuple[Dataset, Plan]) -> Rollout:
    dataset, plan = city
    found = study_policy("rollout", dataset, plan=plan, word="公表値 123")
    assert isinstance(found, Rollout)
    return found


def test_a_city_gets_an_order_of_the_departments_not_reached(city: tuple[Dataset, Plan], proposed: Rollout) -> None:
    dataset, plan = city
    panel = build_panel(dataset, plan.question(proposed.question_id), plan=plan)
    assert {one.department_id for one in proposed.order} == {str(unit) for unit in panel.units[np.isinf(panel.cohort)]}
    option = proposed.options[proposed.chosen]
    assert sum(option.sizes) == len(proposed.order)
    assert sorted(option.sizes, reverse=True) == sorted((one.departments for one in proposed.balance), reverse=True)
    assert all(0 <= one.power <= 1 and one.detectable > 0 for one in proposed.options)


def test_the_same_word_gives_the_same_order_again(city: tuple[Dataset, Plan], proposed: Rollout) -> None:
    dataset, plan = city
    again = study_policy("rollout", dataset, plan=plan, word="公表値 123")
    assert again == proposed


def test_the_plan_of_next_year_is_whole_and_is_analysed_without_a_choice(city: tuple[Dataset, Plan], proposed: Rollout) -> None:
    following = plan_from_dict(json.loads(proposed.plan))
    (asked,) = following.questions
    assert (asked.design, asked.treated_from) == ("lottery", "offered")
    assert asked.lottery_log
    assert "公表値 123" in asked.lottery_log
    assert set(asked.departments) == {one.department_id for one in proposed.order}
    assert plan_from_dict(plan_to_dict(following)) == following
    # Held against this year's data, in which none of these departments was trained, it says so instead of a number.
    dataset, _ = city
    panels = build_panels(dataset, following)
    assert "受けた単位がありません" in panels.refused[asked.question_id]
    assert not estimate_effects(panels, following)


def test_departments_of_a_plan_are_the_only_ones_compared_and_an_unknown_one_is_an_error(city: tuple[Dataset, Plan]) -> None:
    dataset, plan = city
    question = plan.questions[0]
    whole = build_panel(dataset, question, plan=plan)
    kept = tuple(str(unit) for unit in whole.units[::2])
    part = build_panel(dataset, replace(question, departments=kept), plan=plan)
    assert sorted(part.units) == sorted(kept)
    np.testing.assert_array_equal(part.outcome, whole.outcome[::2])
    with pytest.raises(PlanError, match="1課"):
        build_panel(dataset, replace(question, departments=(*kept, "どこにもない課")), plan=plan)


def test_a_plan_without_departments_keeps_its_digest(city: tuple[Dataset, Plan]) -> None:
    assert all("departments" not in question for question in plan_to_dict(city[1])["questions"])


def test_the_section_prints_what_the_ledger_holds(proposed: Rollout) -> None:
    ledger = build_ledger(report_city.city(policy={"rollout": proposed}))
    assert ledger.claim(f"rollout.option.{proposed.chosen}.power").value == proposed.options[proposed.chosen].power
    assert "kdx-eval rollout" in str(list(SECTION.blocks(ledger, proposed)))


def test_a_month_outside_the_year_and_too_many_waves_are_refused(city: tuple[Dataset, Plan]) -> None:
    dataset, plan = city
    with pytest.raises(ParameterError, match="要求年度"):
        study_policy("rollout", dataset, plan=plan, first_month="2020-07")
    with pytest.raises(ParameterError, match="回の数"):
        study_policy("rollout", dataset, plan=plan, waves=40)


def test_the_log_and_the_notice_name_every_department_safely(proposed: Rollout, tmp_path: Path) -> None:
    import docx

    hostile = replace(proposed, order=(replace(proposed.order[0], department='=HYPERLINK("x")髙﨑𠮷'), *proposed.order[1:]))
    rows = list(csv.reader(io.StringIO(order_table(hostile).decode("utf-8-sig"))))
    assert tuple(rows[0]) == HEADINGS
    assert len(rows) == len(proposed.order) + 1
    assert not rows[1][4].startswith("=")
    assert "髙﨑𠮷" in rows[1][4]
    path = tmp_path / "notice.docx"
    path.write_bytes(rollout_notice(proposed, synthetic=True))
    text = "\n".join(paragraph.text for paragraph in docx.Document(str(path)).paragraphs)
    assert "合成データ" in text
    assert "公表値 123" in text
    assert "人事評価には使いません" in text

"""The study behind docs/CALIBRATION.md: its cities have the effect they say, and its shortcuts change nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "studies"))

from calibrate import cells, judge, make_table, remembered_contrast, the_plan
from calibration_page import summarise, write_page
from simulated_panels import BUFFER, World, draw_panel

from kdx_eval.effect import estimate_effect
from kdx_eval.effect.cohort_moments import moments
from kdx_eval.effect.entries import evaluated_target
from kdx_eval.effect.fiscal_year import fiscal_year_contrast
from kdx_eval.effect.staggered import judged_study
from kdx_eval.synthetic_city.design import EVALUATED


def city(seed: int = 3, **switches: float) -> tuple:
    return draw_panel(World(**switches), units=60, rng=np.random.default_rng(seed))


def test_the_stated_truth_is_what_separates_the_city_from_its_twin_without_training() -> None:
    (panel, truth), (twin, nothing) = city(effect_share=0.07), city()
    first = float(EVALUATED.first.index)
    counted = (panel.periods >= first) & (panel.periods < first + 12) & (panel.periods >= panel.cohort[:, None] + BUFFER)
    assert nothing == 0
    assert truth == pytest.approx((panel.outcome - twin.outcome)[counted].mean(), abs=1e-9)


def test_spillover_displacement_and_anticipation_touch_only_what_their_names_say() -> None:
    plain, _ = city(effect_share=0.07)
    never = np.isinf(plain.cohort)
    for switch in ("spillover", "displaced"):
        other, _ = city(effect_share=0.07, **{switch: 0.2})
        changed = other.outcome - plain.outcome
        assert (np.sign(changed[never][:, 40]) == (-1 if switch == "spillover" else 1)).all()
        assert changed[plain.periods[None, :] >= plain.cohort[:, None]] == pytest.approx(0, abs=1e-9)
    early, _ = city(effect_share=0.07, anticipation=0.5)
    assert (early.outcome - plain.outcome)[never] == pytest.approx(0, abs=1e-9)
    assert (early.outcome < plain.outcome - 1e-9).any(axis=1).sum() == (~never).sum()


def test_the_judged_core_says_what_the_full_study_says() -> None:
    panel, _ = city(effect_share=0.07)
    question = the_plan().question("q1_bpr_hours")
    full, core = estimate_effect(panel, question, plan=the_plan()), judged_study(panel, question, plan=the_plan())
    assert core.headline == full.headline
    assert core.checks == full.checks
    assert (core.detectable, core.shortest_before, core.unit_periods) == (full.detectable, full.shortest_before, full.unit_periods)


def test_remembered_weights_are_those_of_the_city_itself() -> None:
    question = the_plan().question("q1_bpr_hours")
    for seed in (3, 4):
        panel, _ = city(seed, effect_share=0.07)
        m, target = moments(panel), evaluated_target(panel, question, plan=the_plan())
        assert np.array_equal(remembered_contrast(m, target).effect.weights, fiscal_year_contrast(m, target).effect.weights)


def test_the_table_counts_claims_by_hand_and_marks_what_missed_its_target(tmp_path: Path) -> None:
    rows = []
    for name, wrong in (("good", 0), ("bad", 60)):
        for k in range(200):
            inside = k >= wrong
            low, high = (-12.0, -8.0) if inside else (-30.0, -20.0)
            rows.append({
                "cell": name, "identified": False, "units": 60, "truth": -10.0, "estimate": (low + high) / 2 + 0.01 * k, "low": low, "high": high,
                "strict_low": low, "strict_high": high, "naive": -20.0, "detectable": 5.0, "verdict": "効果あり" if k % 2 else "判定不能",
                "bare_claim": True, "grade": 3, "std_error": 1.0, "reason": "" if k % 2 else ("interval", "trend", "pre_trends", "pre_trends")[k // 2 % 4],
            })  # fmt: skip
    table = summarise(pd.DataFrame(rows)).set_index("cell")
    assert table.loc["good", ["claimed", "wrong", "bare_wrong", "undecided"]].tolist() == [0.5, 0, 0, 0.5]
    assert table.loc["bad", ["wrong", "bare_wrong", "inside"]].tolist() == [0.15, 0.3, 0.7]
    assert table.loc["good", ["by_interval", "by_trend", "by_check"]].tolist() == [0.125, 0.125, 0.25]
    assert table.loc["good", "usual_check"] == "pre_trends 25.0%"
    table.reset_index().to_csv(tmp_path / "calibration.csv", index=False)
    write_page(tmp_path, command="here", first_seed=1, smallest=1.0)
    page = (tmp_path / "CALIBRATION.md").read_text(encoding="utf-8")
    assert "15.0% **missed**" in page
    assert page.count("missed**") == 1
    assert (tmp_path / "calibration.png").stat().st_size > 5_000


def test_every_cell_can_be_judged() -> None:
    names = [cell.name for cell in cells()]
    assert len(names) == len(set(names))
    for cell in cells()[:3]:
        panel, truth = draw_panel(cell.world, units=cell.units, rng=np.random.default_rng(1))
        assert judge(panel, truth)["verdict"] in {"効果あり", "小さい効果", "実質的効果なし", "逆効果", "判定不能"}


def test_a_stopped_run_goes_on_from_the_cells_it_has_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = make_table(cities=2, jobs=1, kept=tmp_path, chosen=cells()[:1])
    both = make_table(cities=2, jobs=1, kept=tmp_path, chosen=cells()[:2])
    assert "1/2 no effect, 10 departments: done before" in capsys.readouterr().out
    pd.testing.assert_frame_equal(both.iloc[:1], first)
    assert both["cell"].tolist() == [cell.name for cell in cells()[:2]]

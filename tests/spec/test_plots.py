"""Figures: Japanese, honest about synthetic data, and without a trace in pyplot or rcParams."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from kdx_eval import plots
from kdx_eval.effect.study import CheckResult
from kdx_eval.load.quality import Distribution, Grid
from kdx_eval.units import Month
from tests.report_city import city, study

PASSED = CheckResult(check_id="passed", title="点検1", outcome="passed", sentence="", statistic=4.0, margin=5.0, conf_low=-2.0, conf_high=10.0)
CHECKS = (
    PASSED,
    replace(PASSED, title="点検2", outcome="powerless"),
    replace(PASSED, title="点検3", outcome="failed"),
    CheckResult(check_id="none", title="枠配当", outcome="not_applicable", sentence=""),
)
TITLE = "生成AI研修は時間外勤務を減らしたか"


def figures() -> dict[str, Figure]:
    results, one = city(), study("q1", TITLE, -6.2)
    assert results.savings is not None
    assert results.budget is not None
    return {
        "timing": plots.plot_timing(one),
        "series": plots.plot_series(one),
        "event_study": plots.plot_event_study(one),
        "checks": plots.plot_checks(CHECKS, unit_label="時間/課・月", synthetic=True),
        "verdicts": plots.plot_verdicts(list(results.evidence.values()), synthetic=True),
        "savings": plots.plot_savings(results.savings, synthetic=True),
        "scenarios": plots.plot_scenarios(results.budget, synthetic=True),
        "grid": plots.plot_grid(grid(20, 24), synthetic=True),
        "distributions": plots.plot_distributions([distribution(None), distribution(9_000_000.0)], synthetic=True),
        "completeness": plots.plot_completeness({"受講.csv": (990, 10), "時間外.xlsx": (1200, 0)}, synthetic=True),
    }


def grid(n_units: int, n_months: int) -> Grid:
    """All four states, long names."""
    states = np.zeros((n_units, n_months), dtype=np.int8)
    states[1, 3], states[2, 4:9], states[:, 10] = 1, 2, 3
    names = tuple(f"高齢者福祉・介護保険推進課{row}" for row in range(n_units))
    months = tuple(Month.of(2022, 4) + at for at in range(n_months))
    return Grid(
        table="worktime", measure="overtime_hours", title="勤務時間「時間外勤務時間」", units=names, names=names, months=months, states=states, partly_blank=0
    )


def distribution(maximum: float | None) -> Distribution:
    """Quartiles of overtime hours."""
    return Distribution(
        table="worktime", measure="overtime_hours", title="勤務時間「時間外勤務時間」", unit="時間", n=2880, minimum=None if maximum is None else 0.0,
        lower_quartile=200.0, median=480.0, upper_quartile=700.0, p99=1600.0, maximum=maximum, zero_share=0.02, missing_share=0.0,
    )  # fmt: skip


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(mpl.text.Text))


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_draws_in_the_shipped_font_without_a_missing_glyph(name: str) -> None:
    figure = figures()[name]
    figure.savefig(io.BytesIO(), format="png", dpi=50)  # a missing glyph warns, and warnings are errors
    fonts = {text.get_fontname() for text in figure.findobj(mpl.text.Text) if any(ord(char) > 0x2FFF for char in text.get_text())}
    assert fonts == {plots.FONT_NAME}


@pytest.mark.parametrize("name", list(figures()))
def test_every_figure_of_synthetic_data_says_so(name: str) -> None:
    assert "合成データ" in words(figures()[name])


def test_a_real_citys_figure_does_not() -> None:
    assert "合成データ" not in words(plots.plot_series(study("q1", TITLE, -6.2), synthetic=False))


def test_drawing_leaves_the_callers_settings_alone() -> None:
    before = dict(mpl.rcParams)
    plots.plot_series(study("q1", TITLE, -6.2))
    assert dict(mpl.rcParams) == before


def test_the_series_shows_exactly_the_given_numbers() -> None:
    one = study("q1", TITLE, -6.2)
    lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in plots.plot_series(one).axes[0].lines}
    assert np.array_equal(lines["研修を受けた側"], one.series["treated_mean"].to_numpy())


def test_a_good_effect_lies_to_the_right_whatever_the_outcome() -> None:
    figure = plots.plot_verdicts([city().evidence["q1"]])
    centre = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert float(np.asarray(centre.get_xdata())[0]) == pytest.approx(6.2 / 1.5)


def test_a_range_that_may_not_be_called_an_effect_is_hollow_though_it_excludes_zero() -> None:
    figure = plots.plot_ranges([("問1", 2.0, 1.0, 3.0), ("問2", 2.0, 1.0, 3.0)], title="幅", axis_label="時間", unclaimed={1})
    faces = [line.get_markerfacecolor() for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert (faces[0] == "white", faces[1] == "white") == (False, True)


def test_long_and_hostile_labels_are_cut_and_not_read_as_formulas() -> None:
    rows = [(r"$\frac{1}{0}$" + "長" * 80 + "𠮷", 1.0, 0.5, 1.5)] * 20
    figure = plots.plot_ranges(rows, title="幅", axis_label="時間")
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert "ほか8件" in words(figure)
    assert len(figure.axes[0].get_yticklabels()[0].get_text()) <= 24


def test_an_estimate_without_an_interval_draws_a_mark_only() -> None:
    figure = plots.plot_ranges([("問", 1.0, float("nan"), float("nan"))], title="幅", axis_label="時間")
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert sum(line.get_marker() == "o" for line in figure.axes[0].lines) == 1


@pytest.mark.parametrize(("n_units", "n_months"), [(8, 12), (20, 24), (80, 60), (230, 60)])
def test_labels_of_a_grid_are_neither_cut_nor_overlap(n_units: int, n_months: int) -> None:
    figure = plots.plot_grid(grid(n_units, n_months))
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    (axes,) = figure.axes
    for labels, low, high in ((axes.get_yticklabels(), "y0", "y1"), (axes.get_xticklabels(), "x0", "x1")):
        boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: getattr(box, low))
        assert all(getattr(one, high) <= getattr(other, low) for one, other in pairwise(boxes))
        assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    assert len(axes.get_yticklabels()) >= min(n_units, 77)


def test_a_grid_paints_each_state_in_its_own_lightness() -> None:
    colours = [mpl.colors.to_rgb(patch.get_facecolor()) for patch in plots.plot_grid(grid(20, 24)).legends[0].get_patches()]
    grey = sorted(float(np.dot(colour, (0.299, 0.587, 0.114))) for colour in colours)
    assert len(grey) == 4
    assert min(np.diff(grey)) > 0.1  # told apart on a black-and-white print; the lightest also bears a hatch


def test_a_maximum_far_away_is_written_and_not_drawn() -> None:
    figure = plots.plot_distributions([distribution(9_000_000.0)])
    assert "最大 9,000,000" in words(figure)
    assert figure.axes[0].get_xlim()[1] < 10_000


def test_the_page_of_checks_says_its_finding_puts_failures_first_and_lists_what_could_not_be_made() -> None:
    figure = plots.plot_checks(CHECKS, unit_label="時間/課・月")
    titles = [axes.get_title(loc="left").partition("：")[0] for axes in figure.axes]
    assert titles == ["× 点検3", "△ 点検2", "○ 点検1", ""]
    assert "1件に問題が見つかりました" in words(figure)
    assert "行えない：枠配当" in words(figure)
    fine = plots.plot_checks(CHECKS[:1], unit_label="時間/課・月")
    assert "問題は見つかりませんでした" in words(fine)


@pytest.mark.parametrize(
    ("value", "text"), [(2000.0, "2,000"), (-100.0, "△100"), (0.0, "0"), (0.25, "0.25"), (0.1 + 0.2, "0.3"), (12.5, "12.5"), (-0.002, "△0.002")]
)
def test_ticks_are_written_as_the_tables_write_numbers(value: float, text: str) -> None:
    from kdx_eval.plots.style import number_text

    assert number_text(value) == text

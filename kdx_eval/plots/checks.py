"""確かめたこと: every check as one small picture with its finding above it, on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, FONT_NAME, GREY, ORANGE, VERMILLION, WIDTH, finish, label_text, style
from kdx_eval.units import format_measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kdx_eval.effect.study import CheckOutcome, CheckResult

CHECK_MARKS: dict[CheckOutcome, tuple[str, str, str]] = {
    "passed": ("○", "問題なし", BLUE),
    "failed": ("×", "問題あり", VERMILLION),
    "powerless": ("△", "判断できない", ORANGE),
    "not_applicable": ("－", "行えない", GREY),
}
_COLUMNS = 2
_REACH = 1.6  # the axis reaches so many times as far as a bias that would matter; what lies beyond is drawn to the edge with an arrow
_ROW, _HEAD, _LINE, _MOST_HEIGHT = 0.66, 0.75, 0.17, 8.4  # inches
_A_LINE = 52  # characters of the list under the panels


def plot_checks(checks: Sequence[CheckResult], *, unit_label: str, title: str = "確かめたこと", synthetic: bool = False) -> Figure:
    """One panel a check: what was found with its 95 % interval, against the size from which a bias would matter (shaded).

    Parameters
    ----------
    checks : sequence of CheckResult
        Those that could not be made are listed below the panels.
    unit_label : str
        Unit of the outcome.

    Returns
    -------
    Figure
        Marks: ○ 問題なし, × 問題あり, △ 判断できない, － 行えない; failed checks come first.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    order: tuple[CheckOutcome, ...] = ("failed", "powerless", "passed")
    made = sorted((check for check in checks if check.outcome in order and check.conf_low is not None), key=lambda check: order.index(check.outcome))
    left = [check.title for check in checks if check.outcome == "not_applicable"]
    lines = _lines("－ 行えない：" + "、".join(left)) if left else []
    rows = max(1, math.ceil(len(made) / _COLUMNS))
    height = min(_MOST_HEIGHT, _HEAD + rows * _ROW + len(lines) * _LINE)
    with style():
        figure = Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(h_pad=0.03, w_pad=0.12))
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for place, axes in enumerate(grid.ravel()):
            if place < len(made):
                _panel(axes, made[place])
            else:
                axes.axis("off")
        counts = "　".join(
            f"{CHECK_MARKS[kind][0]} {CHECK_MARKS[kind][1]} {sum(check.outcome == kind for check in checks)}" for kind in (*reversed(order), "not_applicable")
        )
        figure.suptitle(f"{label_text(title, 20)}：{_finding(checks)}\n{counts}", fontsize=10.5, x=0.01, ha="left")
        note = f"点と線：見つかった差と95％の幅（{label_text(unit_label, 14)}）。青い帯の端：効果（かその幅）を丸ごと打ち消す大きさ。"
        figure.supxlabel("\n".join((note, *lines)), fontsize=8, x=0.01, ha="left", color="#222222")
        return _marked(figure, synthetic=synthetic)


def _marked(figure: Figure, *, synthetic: bool) -> Figure:
    """The figure with the words 合成データ, kept apart from the note under the panels."""
    if not synthetic:
        return figure
    note = figure.get_supxlabel()
    marked = finish(figure, synthetic=True)
    words = marked.get_supxlabel()
    marked.supxlabel(f"{note}\n{words}", fontsize=8, x=0.01, ha="left", color="#222222")
    return marked


def _panel(axes: Axes, check: CheckResult) -> None:
    mark, word, colour = CHECK_MARKS[check.outcome]
    low, high, centre = (float(value) for value in (check.conf_low or 0.0, check.conf_high or 0.0, check.statistic or 0.0))
    margin = float(check.margin or 0.0)
    reach = _REACH * margin if margin else 1.15 * max(abs(low), abs(high), 1e-12)
    if margin:
        axes.axvspan(-margin, margin, color="#DCEAF4", lw=0, zorder=0)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.plot(np.clip([low, high], -reach, reach), [0, 0], color=colour, lw=2.2, solid_capstyle="butt")
    for end, edge, marker in ((low, -reach, "<"), (high, reach, ">")):
        if abs(end) > reach and np.sign(end) == np.sign(edge):
            axes.plot(edge * 0.985, 0, marker, ms=5, color=colour)
    axes.plot(np.clip(centre, -reach, reach), 0, "o", ms=5, mfc="white" if check.outcome == "powerless" else colour, mec=colour, mew=1.3)
    ticks = [-margin, 0.0, margin] if margin else [0.0, centre]
    axes.set_xticks(ticks, [format_measure(tick) for tick in ticks])
    axes.tick_params(axis="x", labelsize=7, length=2, pad=1, labelfontfamily=FONT_NAME)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title(f"{mark} {label_text(check.title, 19)}：{word}", fontsize=8.3, color="#222222", pad=2)


def _finding(checks: Sequence[CheckResult]) -> str:
    failed, powerless = (sum(check.outcome == kind for check in checks) for kind in ("failed", "powerless"))
    if failed:
        return f"{failed}件に問題が見つかりました"
    return f"問題は見つかりませんでしたが、{powerless}件は判断できません" if powerless else "問題は見つかりませんでした"


def _lines(text: str) -> list[str]:
    return [text[start : start + _A_LINE] for start in range(0, len(text), _A_LINE)]

"""Figures of staff hours: where they went, which departments they come from, how long they last, and how claims overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, finish, label_text, new_figure, style
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kdx_eval.savings import Savings, SavingsLine, UnitHours, YearSince

_MOST_STEPS = 6  # uses drawn by name; the others together
_MOST_UNITS = 40
_MOST_ROWS = 14
NO_CLAIM = "（計算上の数字。生まれたとは主張できない）"


def plot_bridge(savings: Savings, *, synthetic: bool = False) -> Figure:
    """The bridge from hours created, over their recorded uses, to the hours that nobody accounts for, as a waterfall.

    Returns
    -------
    Figure
        Hours a year; the first bar is drawn hollow where the hours may not be claimed.
    """
    bridge = savings.bridge
    uses = list(bridge.destinations[:_MOST_STEPS])
    rest = math.fsum(hours for _, hours in bridge.destinations[_MOST_STEPS:])
    if rest:
        uses.append((f"ほか{len(bridge.destinations) - _MOST_STEPS}件", rest))
    labels = ["生まれた時間", *(name for name, _ in uses), "使い道の記録がない時間" if bridge.unexplained_hours >= 0 else "記録が上回った時間"]
    tops = bridge.created_hours - np.concatenate([[0.0], np.cumsum([hours for _, hours in uses])])
    with style():
        figure, axes = new_figure(1.3 + 0.32 * len(labels))
        places = np.arange(len(labels))[::-1]
        claimed = savings.may_claim
        axes.barh(places[0], bridge.created_hours, color=BLUE if claimed else "white", edgecolor=BLUE, height=0.62)
        for number, (_, hours) in enumerate(uses):
            axes.barh(places[number + 1], hours, left=tops[number + 1], color=GREEN, hatch="...", edgecolor="white", height=0.62)
            axes.plot([tops[number]] * 2, [places[number] - 0.31, places[number + 1] + 0.31], color=GREY, lw=0.7)
        axes.barh(places[-1], bridge.unexplained_hours, color="white", hatch="///", edgecolor=VERMILLION, height=0.62)
        axes.plot([tops[-1]] * 2, [places[-2] - 0.31, places[-1] + 0.31], color=GREY, lw=0.7)
        amounts = [bridge.created_hours, *(hours for _, hours in uses), bridge.unexplained_hours]
        ends = [bridge.created_hours, *tops[:-1], bridge.unexplained_hours]
        for place, amount, end in zip(places, amounts, ends, strict=True):
            axes.annotate(format_number(amount), (max(end, 0.0), place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5)
        axes.axvline(0, color=GREY, lw=0.9)
        _name_rows(axes, places, labels)
        axes.margins(x=0.12)
        axes.set_xlabel("時間／年")
        axes.set_title("生まれた時間はどこへ行ったか" + ("" if claimed else NO_CLAIM))
        return finish(figure, synthetic=synthetic)


def plot_units(units: Sequence[UnitHours], *, title: str, synthetic: bool = False) -> Figure:
    """Hours by department or process: the figure drawn to the common share (filled) with its interval, and the plain one (hollow).

    Returns
    -------
    Figure
        Largest first, at most forty; the number left out is written under the figure.
    """
    shown = sorted(units, key=lambda unit: -unit.shrunken)[:_MOST_UNITS]
    with style():
        figure, axes = new_figure(1.2 + 0.185 * max(3, len(shown)))
        places = np.arange(len(shown))[::-1]
        axes.plot([unit.hours for unit in shown], places, "D", ms=3.2, mfc="white", mec=GREY, mew=0.9, ls="none", label="そのままの推定")
        axes.hlines(places, [unit.shrunken_low for unit in shown], [unit.shrunken_high for unit in shown], color=BLUE, lw=1.6)
        axes.plot([unit.shrunken for unit in shown], places, "o", ms=4.2, color=BLUE, ls="none", label="全体に寄せた値と95％の幅")
        axes.axvline(0, color=GREY, lw=0.9)
        _name_rows(axes, places, [unit.name for unit in shown], size=7.5)
        left_out = f"（ほか{len(units) - len(shown)}件は表に記載）" if len(units) > len(shown) else ""
        axes.set_xlabel(f"時間／年（右ほど多くの時間が生まれた）{left_out}")
        axes.set_title(label_text(title, 44))
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", frameon=False, fontsize=8.5, ncols=2)
        return finish(figure, synthetic=synthetic)


def plot_persistence(lines: Sequence[tuple[SavingsLine, Sequence[YearSince]]], *, synthetic: bool = False) -> Figure:
    """Hours saved per trained unit and month by year since training began, with 95 % intervals, one row a question and year."""
    rows = [(line, year) for line, years in lines for year in years][:_MOST_ROWS]
    left_out = sum(len(years) for _, years in lines) - len(rows)
    with style():
        figure, axes = new_figure(1.2 + 0.34 * max(2, len(rows)))
        places = np.arange(len(rows))[::-1]
        for place, (line, year) in zip(places, rows, strict=True):
            colour = BLUE if line.may_claim else GREY
            if np.isfinite([year.conf_low, year.conf_high]).all():
                axes.plot([year.conf_low, year.conf_high], [place, place], color=colour, lw=2.2, solid_capstyle="butt")
            axes.plot(year.hours, place, "o", ms=6, mfc=colour if line.may_claim else "white", mec=colour, mew=1.4)
        axes.axvline(0, color=GREY, lw=0.9)
        names = [f"{label_text(line.title, 26)}\n{year.year}年目（{format_number(year.n_units)}単位）" for line, year in rows]
        axes.set_yticks(places, names, fontsize=8)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.xaxis.set_major_formatter(lambda value, _: format_number(value))
        more = f"（ほか{left_out}件は表に記載）" if left_out else ""
        axes.set_xlabel(f"時間／1単位・1か月（右ほど良い）{more}")
        axes.set_title("効果は続いているか（95％の幅）")
        return finish(figure, synthetic=synthetic)


def plot_register(savings: Savings, *, synthetic: bool = False) -> Figure:
    """What all claims come to when simply added, and what may be counted when each hour is counted once.

    Returns
    -------
    Figure
        Two stacked bars in hours a year, told apart by hatch as well as colour.
    """
    register = savings.register
    assert register is not None
    others = register.claimed_hours - register.training_before
    bars = (
        ("主張をそのまま足した場合", ((register.training_before, 0), (others, 1))),
        ("重なりを除いて数えた場合", ((register.training_hours, 0), (register.other_hours, 2), (register.disputed_hours, 3))),
    )
    looks = (
        ("研修（比較対照との差）", BLUE, ""),
        ("ほかの取組の主張（見込みを含む）", "white", "///"),
        ("ほかの取組（測ったもの）", GREEN, "..."),
        ("どちらの成果とも言い切れない時間", ORANGE, "xxx"),
    )
    with style():
        figure, axes = new_figure(2.6)
        labelled: set[int] = set()
        for place, (_, parts) in zip((1, 0), bars, strict=True):
            left = 0.0
            for hours, look in parts:
                name, colour, hatch = looks[look]
                axes.barh(place, hours, left=left, color=colour, hatch=hatch, edgecolor=GREY, height=0.55, label=None if look in labelled else name)
                labelled.add(look)
                left += hours
            axes.annotate(format_number(left), (max(left, 0.0), place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5)
        _name_rows(axes, np.array([1, 0]), [name for name, _ in bars])
        axes.margins(x=0.12)
        axes.locator_params(axis="x", nbins=5)
        axes.axvline(0, color=GREY, lw=0.9)
        axes.set_xlabel("時間／年")
        axes.set_title("同じ時間を二重に数えていないか")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", frameon=False, fontsize=8, ncols=2)
        return finish(figure, synthetic=synthetic)


def _name_rows(axes: Axes, places: np.ndarray[tuple[int], np.dtype[np.int64]], names: Sequence[str], *, size: float = 9.0) -> None:
    axes.set_yticks(places, [label_text(name, 20) for name in names], fontsize=size)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.xaxis.set_major_formatter(lambda value, _: format_number(value))

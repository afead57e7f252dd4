"""The loop of training as one figure with its numbers; own share of course hours beside the fees; indicators against targets; make or buy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, FONT_NAME, GREEN, GREY, ORANGE, VERMILLION, WIDTH, finish, label_text, new_figure, style
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 4  # small charts in a row
_CORNERS = ((0.0, 0.56), (0.56, 0.56), (0.56, 0.0), (0.0, 0.0))  # clockwise from the upper left, in the unit square
_BOX = (0.44, 0.44)
_LEAST_SPAN = 0.05  # of the level
_COLOURS = (BLUE, GREEN, ORANGE, VERMILLION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One box of the loop: its heading, rows of (label, text), and what it hands to the next one."""

    title: str
    rows: tuple[tuple[str, str], ...]
    passes_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """One small chart: heading, fiscal years as short texts, values, targets (NaN where there is none), and how a value is written."""

    title: str
    years: tuple[str, ...]
    values: tuple[float, ...]
    targets: tuple[float, ...]
    percent: bool


def plot_cycle(phases: Sequence[Phase], *, title: str, synthetic: bool = False) -> Figure:
    """Four boxes, clockwise from the upper left; arrows say what is handed on."""
    with style():
        figure, axes = new_figure(4.7, WIDTH)
        axes.set_axis_off()
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.02, 1.02)
        for phase, corner, colour in zip(phases, _CORNERS, _COLOURS, strict=True):
            _box(axes, phase, corner=corner, colour=colour)
        ends = (((0.45, 0.80), (0.55, 0.80)), ((0.78, 0.55), (0.78, 0.45)), ((0.55, 0.22), (0.45, 0.22)), ((0.22, 0.45), (0.22, 0.55)))
        for number, ((start, end), phase) in enumerate(zip(ends, phases, strict=True)):
            axes.annotate(
                "", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "lw": 2.6, "color": GREY, "mutation_scale": 18, "shrinkA": 0, "shrinkB": 0}
            )
            middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
            where = {0: (middle[0], middle[1] + 0.06, "center"), 1: (0.76, 0.5, "right"), 2: (middle[0], middle[1] - 0.06, "center"), 3: (0.24, 0.5, "left")}
            x, y, align = where[number]
            axes.text(x, y, phase.passes_on, ha=align, va="center", fontsize=8.5, color="#222222", linespacing=1.3)
        axes.set_title(label_text(title, 48))
        return finish(figure, synthetic=synthetic)


def _box(axes: Axes, phase: Phase, *, corner: tuple[float, float], colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    left, bottom = corner
    width, height = _BOX
    axes.add_patch(FancyBboxPatch((left, bottom), width, height, boxstyle="round,pad=0,rounding_size=0.012", fc="white", ec=colour, lw=1.6))
    axes.add_patch(Rectangle((left, bottom + height - 0.082), width, 0.082, fc=colour, ec="none"))
    axes.text(
        left + 0.015,
        bottom + height - 0.041,
        label_text(phase.title, 26),
        color="#111111" if colour == ORANGE else "white",
        va="center",
        fontsize=10,
        family=FONT_NAME,
    )
    step = (height - 0.1) / max(5, len(phase.rows))
    for place, (label, text) in enumerate(phase.rows):
        y = bottom + height - 0.1 - step * (place + 0.5)
        axes.text(left + 0.015, y, label_text(label, 18), va="center", fontsize=8, color="#333333")
        axes.text(left + width - 0.012, y, label_text(text, 24), va="center", ha="right", fontsize=9.5, color="#111111")


def plot_in_house(years: Sequence[str], shares: Sequence[tuple[float, float]], *, fees: Sequence[float | None], title: str, synthetic: bool = False) -> Figure:
    """Bars: course fees in thousand yen (no bar where the year has no cost table). Lines: own share of all course hours and without compulsory courses."""
    with style():
        figure, axes = new_figure(2.9)
        places = np.arange(len(years))
        known = [place for place, fee in zip(places, fees, strict=True) if fee is not None]
        axes.bar(
            known, [float(fee) / 1000 for fee in fees if fee is not None], width=0.5, color="#D9D9D9", edgecolor=GREY, hatch="//", label="委託料（左の目盛り）"
        )
        axes.set_ylabel("委託料（千円）")
        axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.set_xticks(places, list(years))
        axes.set_xlim(-0.6, len(years) - 0.4)
        axes.margins(y=0.15)
        other = axes.twinx()
        other.spines["right"].set_visible(True)
        for column, (label, colour, line, marker) in enumerate((("内製化率（全研修）", BLUE, "-", "o"), ("内製化率（必修を除く）", VERMILLION, "--", "s"))):
            values = [pair[column] for pair in shares]
            other.plot(places, values, color=colour, ls=line, marker=marker, lw=1.8, ms=5, label=label)
        other.set_ylim(0, max(1e-9, *(value for pair in shares for value in pair if np.isfinite(value))) * 1.3)
        other.yaxis.set_major_formatter(lambda value, _: f"{format_number(value * 100)}%")
        other.set_ylabel("受講時間に占める割合")
        other.tick_params(labelfontfamily=FONT_NAME)
        for place in places[[fee is None for fee in fees]]:
            axes.text(place, 0.45, "費用の表\nなし", ha="center", va="center", fontsize=8, color=GREY, transform=axes.get_xaxis_transform())
        handles = [pair for one in (axes, other) for pair in zip(*one.get_legend_handles_labels(), strict=True)]
        figure.legend([pair[0] for pair in handles], [pair[1] for pair in handles], loc="outside lower left", ncols=1, frameon=False, fontsize=8.5)
        axes.set_title(label_text(title, 48))
        return finish(figure, synthetic=synthetic)


def plot_vision(charts: Sequence[Small], *, title: str, synthetic: bool = False) -> Figure:
    """Small charts, four a row: line with dots for what was measured, a rhombus for each target."""
    from matplotlib.figure import Figure as New

    with style():
        rows = -(-len(charts) // _ACROSS)
        figure = New(figsize=(WIDTH, 0.7 + 1.45 * rows), layout="constrained")
        grid = figure.subplots(rows, _ACROSS, squeeze=False).ravel()
        for axes in grid[len(charts) :]:
            axes.set_axis_off()
        for axes, chart in zip(grid, charts, strict=False):
            places = np.arange(len(chart.years))
            axes.plot(places, chart.values, color=BLUE, marker="o", ms=4, lw=1.6, label="実績")
            axes.plot(places, chart.targets, color=VERMILLION, marker="D", ms=4.5, lw=0, mfc="white", mew=1.4, label="目標")
            axes.set_xticks(places, chart.years)
            axes.set_xlim(-0.4, len(chart.years) - 0.6)
            axes.margins(y=0.25)
            axes.set_ylim(*_wide_enough(axes.get_ylim()))
            axes.tick_params(labelfontfamily=FONT_NAME, labelsize=7.5, colors="#222222")
            axes.locator_params(axis="y", nbins=4)
            axes.yaxis.set_major_formatter(_ticks(axes.get_ylim(), percent=chart.percent))
            axes.set_title(label_text(chart.title, 16), fontsize=8)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False, fontsize=8.5)
        figure.suptitle(label_text(title, 48), x=0.01, ha="left", fontsize=10.5)
        return finish(figure, synthetic=synthetic)


def _wide_enough(limits: tuple[float, float]) -> tuple[float, float]:
    """A series that hardly moves is drawn as one that hardly moves: the axis spans at least a twentieth of its level."""
    low, high = limits
    missing = _LEAST_SPAN * max(abs(low), abs(high)) - (high - low)
    return (low - missing / 2, high + missing / 2) if missing > 0 else limits


def _ticks(limits: tuple[float, float], *, percent: bool) -> Callable[[float, int | None], str]:
    """As many decimals as tell the ticks apart."""
    scale = 100 if percent else 1
    span = abs(limits[1] - limits[0]) * scale
    digits = 0 if span >= 4 else 1 if span >= 0.4 else 2 if span >= 0.04 else 3
    return lambda value, _: format_number(value * scale, digits) + ("%" if percent else "")


def plot_make_or_buy(
    lines: Sequence[tuple[str, float, float]], *, crossings: Sequence[float | None], last: float, title: str, synthetic: bool = False
) -> Figure:
    """Cost in thousand yen over months of work: each line is (label, yen at zero months, yen a month).

    ``crossings`` are the months at which the second and the third line meet the first; None where they do not or beyond the axis.
    """
    with style():
        figure, axes = new_figure(2.9)
        months = np.array([0.0, last])
        for (label, start, slope), colour, dashes in zip(lines, (VERMILLION, BLUE, GREEN), ("-", "--", ":"), strict=False):
            axes.plot(months, (start + slope * months) / 1000, color=colour, ls=dashes, lw=2, label=label)
        for place, month in enumerate(crossings, start=1):
            if month is not None and month <= last:
                axes.plot(month, (lines[0][1] + lines[0][2] * month) / 1000, "o", ms=7, mfc="white", mec="#222222", mew=1.4, zorder=5)
                axes.text(0.02, 1.02 - 0.11 * place, f"○ {format_number(month, 1)}か月：{lines[place][0]}", fontsize=9, va="top", transform=axes.transAxes)
        axes.set_xlabel("1年に働いてもらう月数")
        axes.set_ylabel("費用（千円）")
        axes.yaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.set_xlim(0, last)
        axes.set_ylim(0, None)
        figure.legend(loc="outside upper left", ncols=1, frameon=False, fontsize=8.5)
        axes.set_title(label_text(title, 48))
        return finish(figure, synthetic=synthetic)

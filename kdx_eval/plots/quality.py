"""Figures of a delivery's quality: where values are and where not, and how they are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.load.quality import STATE_TITLES, STATES, Distribution, Grid
from kdx_eval.plots.style import BLUE, GREY, ORANGE, VERMILLION, WIDTH, finish, label_text, new_figure, period_ticks, style
from kdx_eval.units import format_share, format_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# From light to dark in grey too: value, zero, missing; not collected is white with a hatch.
_COLOURS = ("#C3DFF1", ORANGE, "#9C3900")
_HATCH_COLOUR = "#B4B4B4"
_ROOMY, _ROOMY_ROW, _ROOMY_FONT = 40, 0.185, 7.5  # up to so many units; inches a row; points
_TIGHT_ROW, _TIGHT_FONT = 0.118, 5.8
_MOST_LABELS = 100  # beyond, every second or third unit is labelled and rows get thinner
_MOST_DISTRIBUTIONS = 24
_LEAST_VALUES = 10
_FAR = 3.0  # a maximum so many times the 99th percentile is written, not drawn


def plot_grid(grid: Grid, *, synthetic: bool = False) -> Figure:
    """Departments down, months across: value, zero, missing, not collected, with the share of each in the legend.

    Returns
    -------
    Figure
        The first hundred departments are labelled one by one, more only every second, third and so on.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap

    n_units, n_months = grid.states.shape
    row, font = (_ROOMY_ROW, _ROOMY_FONT) if n_units <= _ROOMY else (_TIGHT_ROW, _TIGHT_FONT)
    with style():
        figure, axes = new_figure(1.35 + row * min(n_units, _MOST_LABELS))
        axes.patch.set(facecolor="white", edgecolor=_HATCH_COLOUR, hatch="//////")
        shown = np.ma.masked_equal(grid.states, STATES.index("not_collected"))
        lines = 0.4 if n_units <= _MOST_LABELS else 0.0
        axes.pcolormesh(
            np.arange(n_months + 1) - 0.5,
            np.arange(n_units + 1) - 0.5,
            shown,
            cmap=ListedColormap(_COLOURS),
            norm=BoundaryNorm(range(4), 3),
            edgecolors="white",
            linewidth=lines,
        )
        axes.invert_yaxis()
        step = n_units // _MOST_LABELS + 1
        axes.set_yticks(range(0, n_units, step), [label_text(name, 14) for name in grid.names[::step]])
        axes.tick_params(axis="y", length=0, labelsize=font)
        _month_ticks(axes, grid)
        axes.set_title(label_text(grid.title, 40))
        _state_legend(figure, grid)
        return finish(figure, synthetic=synthetic)


def _month_ticks(axes: Axes, grid: Grid) -> None:
    """Ticks as on every monthly figure, moved from month numbers to columns."""
    columns = {month.index: column for column, month in enumerate(grid.months)}
    period_ticks(axes, [float(month.index) for month in grid.months], monthly=True)
    places = [(columns[round(tick)], label.get_text()) for tick, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)]
    axes.set_xticks([place for place, _ in places], [label for _, label in places], fontsize=8)
    axes.set_xlim(-0.5, len(grid.months) - 0.5)


def _state_legend(figure: Figure, grid: Grid) -> None:
    from matplotlib.patches import Patch

    handles = []
    for state, colour in zip(STATES, (*_COLOURS, "white"), strict=True):
        share = format_share(grid.count(state) / grid.states.size) if grid.states.size else "－"
        hatch = "//////" if state == "not_collected" else ""
        edge = _HATCH_COLOUR if hatch else colour
        handles.append(Patch(facecolor=colour, edgecolor=edge, hatch=hatch, label=f"{STATE_TITLES[state]} {share}"))
    figure.legend(handles=handles, loc="outside upper right", frameon=False, fontsize=8, ncols=4)


def plot_distributions(distributions: Sequence[Distribution], *, synthetic: bool = False) -> Figure:
    """Small multiples, one for each measure in its own unit: quartiles as a box, the median as a line, up to the 99th percentile a thin line.

    Returns
    -------
    Figure
        At most 24 measures with ten values or more; the number of those left out stands in the title. A maximum far beyond is written and not drawn.
    """
    from matplotlib.figure import Figure

    enough = [item for item in distributions if item.n >= _LEAST_VALUES]
    shown = enough[:_MOST_DISTRIBUTIONS]
    rows = max(1, (len(shown) + 1) // 2)
    with style():
        figure = Figure(figsize=(WIDTH, 0.55 + 0.8 * rows), layout="constrained")
        for number, item in enumerate(shown):
            _box(figure.add_subplot(rows, 2, number + 1), item)
        left_out = f"（ほか{len(distributions) - len(shown)}件は表に記載）" if len(distributions) > len(shown) else ""
        figure.suptitle(f"値の散らばり（箱＝中央の半分、縦線＝中央値、細線＝99％点まで）{left_out}", fontsize=9.5, x=0.01, ha="left")
        return finish(figure, synthetic=synthetic)


def _box(axes: Axes, item: Distribution) -> None:
    low = item.lower_quartile if item.minimum is None else item.minimum
    axes.plot([low, item.p99], [0, 0], color=GREY, lw=1.0, solid_capstyle="butt")
    axes.barh([0], [item.upper_quartile - item.lower_quartile], left=[item.lower_quartile], height=0.6, color="#C3DFF1", edgecolor=BLUE, lw=0.8)
    axes.plot([item.median] * 2, [-0.3, 0.3], color=BLUE, lw=2.0)
    far = ""
    if item.maximum is not None and item.maximum > item.p99:
        if item.maximum > _FAR * max(item.p99, 1e-9):
            far = f"　最大 {format_value(item.maximum)} →"
        else:
            axes.plot(item.maximum, 0, "o", ms=3.2, mfc="white", mec=VERMILLION)
    axes.set_ylim(-0.6, 0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5, prune="both")  # labels at the ends would run into the next column
    axes.xaxis.set_major_formatter(lambda value, _: format_value(value))
    axes.tick_params(axis="x", labelsize=7)
    unit = f"（{item.unit}）" if item.unit else ""
    axes.set_title(label_text(f"{item.title}{unit}", 26), fontsize=8)
    axes.set_xlabel(f"0: {format_share(item.zero_share)}　空欄: {format_share(item.missing_share)}{far}", loc="right", fontsize=6.5, labelpad=1)

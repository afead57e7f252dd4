"""The skill map as a heat map, the spread of scores before and after, and which course covers which area for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, WIDTH, finish, label_text, new_figure, style
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EMPTY = "#B4B4B4"
_DARK = 0.6  # beyond, white letters are easier to read on the colour
_TIER_COLOURS = (BLUE, ORANGE, GREEN)
_TIER_MARKS = ("s", "^", "o")


def plot_skill_map(
    cells: Sequence[Sequence[tuple[float | None, str, bool]]], *, rows: Sequence[str], columns: Sequence[str], title: str, synthetic: bool = False
) -> Figure:
    """Tiers down, areas across: share that reaches the required level (None: hatched), what is written in the cell, whether it lacks a course (framed)."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    colours = LinearSegmentedColormap.from_list("attained", ["#FFFFFF", BLUE])
    with style():
        figure, axes = new_figure(0.9 + 0.62 * len(rows))
        for i, row in enumerate(cells):
            for j, (share, text, lacks) in enumerate(row):
                fill = {"facecolor": "white", "hatch": "////", "edgecolor": _EMPTY} if share is None else {"facecolor": colours(share), "edgecolor": "white"}
                axes.add_patch(Rectangle((j, i), 1, 1, linewidth=0.8, **fill))
                if lacks:
                    axes.add_patch(Rectangle((j + 0.03, i + 0.03), 0.94, 0.94, fill=False, edgecolor=VERMILLION, linewidth=2.0, linestyle=(0, (4, 2))))
                white = share is not None and share > _DARK
                box = None if share is not None else {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
                axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=9, color="white" if white else "#222222", bbox=box, linespacing=1.3)
        axes.set_xlim(0, len(columns))
        axes.set_ylim(len(rows), 0)
        axes.set_xticks(np.arange(len(columns)) + 0.5, [_two_lines(label_text(name, 12)) for name in columns])
        axes.set_yticks(np.arange(len(rows)) + 0.5, [label_text(name, 14) for name in rows])
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.spines[:].set_visible(False)
        axes.set_title(label_text(title, 60))
        return finish(figure, synthetic=synthetic)


def plot_spreads(
    rows: Sequence[tuple[str, float, float, bool]], *, years: tuple[str, str], title: str, axis_label: str, synthetic: bool = False
) -> Figure:
    """One row each: label, first and last value, whether both may be compared (else they are not joined)."""
    with style():
        figure, axes = new_figure(1.2 + 0.26 * max(1, len(rows)))
        places = np.arange(len(rows))[::-1]
        for place, (_, first, last, comparable) in zip(places, rows, strict=True):
            if comparable:
                axes.plot([first, last], [place, place], color=GREY, lw=1.2, zorder=1)
            axes.plot(first, place, "o", ms=7, mfc="white", mec=GREY, mew=1.4)
            axes.plot(last, place, "o" if comparable else "x", ms=7, color=BLUE, mew=1.4)
        axes.plot([], [], "o", ms=7, mfc="white", mec=GREY, mew=1.4, label=years[0])
        axes.plot([], [], "o", ms=7, color=BLUE, label=years[1])
        axes.set_yticks(places, [label_text(row[0], 16) for row in rows])
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter(lambda value, _: format_number(value, 2))
        axes.set_xlabel(axis_label)
        axes.set_title(label_text(title, 52))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
        return finish(figure, synthetic=synthetic)


def plot_coverage(
    courses: Sequence[tuple[str, Sequence[str], Sequence[tuple[int, bool]]]], *, areas: Sequence[str], tiers: Sequence[str], title: str, synthetic: bool = False
) -> Figure:
    """One row a course: its areas, and the tiers (place, whether it is certain) for which it is; hollow marks where the document does not show it."""
    with style():
        figure, axes = new_figure(1.2 + 0.24 * max(1, len(courses)), WIDTH)
        offset = np.linspace(-0.24, 0.24, len(tiers))
        for place, (_, covered, who) in enumerate(courses):
            axes.axhline(place, color="#E8E8E8", lw=0.6, zorder=0)
            for area in covered:
                for tier, certain in who:
                    colour = _TIER_COLOURS[tier % len(_TIER_COLOURS)]
                    face = colour if certain else "white"
                    axes.plot(list(areas).index(area) + offset[tier], place, _TIER_MARKS[tier % len(_TIER_MARKS)], ms=6, mfc=face, mec=colour, mew=1.3)
        for tier, name in enumerate(tiers):
            axes.plot([], [], _TIER_MARKS[tier % len(_TIER_MARKS)], color=_TIER_COLOURS[tier % len(_TIER_COLOURS)], ms=6, ls="none", label=label_text(name, 14))
        axes.plot([], [], "o", mfc="white", mec=GREY, ms=6, ls="none", label="読み取れない")
        axes.set_xlim(-0.5, len(areas) - 0.5)
        axes.set_ylim(len(courses) - 0.5, -0.5)
        axes.set_xticks(range(len(areas)), [_two_lines(label_text(name, 12)) for name in areas])
        axes.set_yticks(range(len(courses)), [label_text(name, 26) for name, _, _ in courses])
        for line in range(1, len(areas)):
            axes.axvline(line - 0.5, color="#D0D0D0", lw=0.6, zorder=0)
        axes.tick_params(length=0)
        axes.tick_params(labelsize=8)
        axes.xaxis.tick_top()
        axes.set_title(label_text(title, 52))
        axes.legend(loc="upper center", bbox_to_anchor=(0.3, -0.01), ncols=4, frameon=False, fontsize=8.5)
        return finish(figure, synthetic=synthetic)


def _two_lines(name: str) -> str:
    """A long heading broken after the middle, at a dot where there is one."""
    if len(name) <= 6:
        return name
    cut = name.index("・") + 1 if "・" in name else (len(name) + 1) // 2
    return f"{name[:cut]}\n{name[cut:]}"

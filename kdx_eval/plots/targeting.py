"""The order in which work would be supported, each with its range: filled where chosen, hollow where passed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, GREY, finish, label_text, new_figure, style
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_targets(rows: Sequence[tuple[str, float, float, float, bool]], *, title: str, axis_label: str, synthetic: bool = False) -> Figure:
    """One row each: label (lines parted by a line break), expected gain, low, high, whether it was chosen; the first row on top."""
    with style():
        figure, axes = new_figure(1.2 + 0.38 * max(1, len(rows)))
        places = np.arange(len(rows))[::-1]
        for place, (_, centre, low, high, chosen) in zip(places, rows, strict=True):
            colour = BLUE if chosen else GREY
            axes.plot([low, high], [place, place], color=colour, lw=2.2, ls="-" if chosen else (0, (3, 1.5)), solid_capstyle="butt")
            axes.plot(centre, place, "o", ms=6.5, mfc=colour if chosen else "white", mec=colour, mew=1.4)
        axes.axvline(0, color=GREY, lw=0.9)
        axes.set_yticks(places, ["\n".join(label_text(part, 24) for part in row[0].split("\n")) for row in rows])
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.margins(x=0.06)
        axes.xaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.set_xlabel(axis_label)
        axes.set_title(label_text(title, 48))
        return finish(figure, synthetic=synthetic)

"""What each way of splitting next year's departments into waves could find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, GREY, VERMILLION, WIDTH, finish, label_text, new_figure, style
from kdx_eval.units import format_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENOUGH = 0.8


def plot_rollout(rows: Sequence[tuple[str, float, float, bool]], *, title: str, synthetic: bool = False) -> Figure:
    """One bar each: label, detectable effect as a share of today's level, power (0 to 1), whether it is the proposed one."""
    with style():
        figure, axes = new_figure(1.2 + 0.42 * max(1, len(rows)), WIDTH)
        places = np.arange(len(rows))[::-1]
        for place, (_, share, power, chosen) in zip(places, rows, strict=True):
            axes.barh(place, power, height=0.55, color=BLUE if chosen else "white", edgecolor=BLUE if chosen else GREY, hatch="" if chosen else "///")
            axes.text(power + 0.012, place, f"{format_share(power, 0)}（80%で見つかるのは平均の{format_share(share)}）", va="center", fontsize=8.5)
        axes.axvline(_ENOUGH, color=VERMILLION, lw=1.1, ls=":")
        axes.set_yticks(places, [label_text(row[0], 26) for row in rows])
        axes.set_xlim(0, 1.45)
        axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0%", "20%", "40%", "60%", "80%", "100%"])
        axes.set_xlabel("見つけたい大きさの効果を見つける確率（塗った棒が提案）")
        axes.set_title(label_text(title, 48))
        return finish(figure, synthetic=synthetic)

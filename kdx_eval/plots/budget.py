"""The tornado: how far the judgement depends on each assumption."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.style import BLUE, GREY, VERMILLION, finish, label_text, new_figure, style
from kdx_eval.units import format_number, format_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.budget import BudgetCase, Swing


def plot_tornado(budget: BudgetCase, *, synthetic: bool = False) -> Figure:
    """The net value of the base scenario when one assumption alone moves to either end of its range, widest bar first.

    Returns
    -------
    Figure
        In 千円; the assumption's own ends stand beside each bar. An axis without bars where hours may not be claimed.
    """
    shown = budget.swings
    with style():
        figure, axes = new_figure(1.5 + 0.42 * max(1, len(shown)))
        places = np.arange(len(shown))[::-1]
        base = _base_of(budget)
        for place, item in zip(places, shown, strict=True):
            for end, colour, hatch in ((item.net_at_low, VERMILLION, "///"), (item.net_at_high, BLUE, "")):
                fill = "white" if hatch else colour
                axes.barh(place, end / 1000 - base, left=base, height=0.55, color=fill, edgecolor=colour, hatch=hatch)
        if shown:
            axes.axvline(base, color=GREY, lw=0.9)
            axes.axvline(0, color="#222222", lw=1.2, ls="--")
        axes.set_yticks(places, [label_text(_label(item), 40) for item in shown])
        axes.margins(x=0.08)
        axes.xaxis.set_major_formatter(lambda value, _: format_number(value))
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel("差引（千円、見込み。0で釣り合う）")
        axes.set_title("前提を一つずつ動かしたときの差引")
        _legend(figure)
        return finish(figure, synthetic=synthetic)


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    ends = [Patch(facecolor="white", edgecolor=VERMILLION, hatch="///", label="低い場合"), Patch(color=BLUE, label="高い場合")]
    figure.legend(handles=ends, loc="outside upper right", ncols=2, frameon=False, fontsize=9)


def _base_of(budget: BudgetCase) -> float:
    """The net value of the base scenario in 千円."""
    base = [item for item in budget.scenarios if item.base]
    shown = [item.net_yen for item in base if item.years > 1] or [item.net_yen for item in base]
    return shown[0] / 1000 if shown else 0.0


def _label(item: Swing) -> str:
    return f"{item.assumption}（{_end(item.low, item.unit)}～{_end(item.high, item.unit)}）"


def _end(value: float, unit: str) -> str:
    if unit == "割合":
        return format_share(value, 0)
    if unit == "円":
        return f"{format_number(value / 1000)}千円"
    return f"{format_number(value)}{unit.partition('/')[0]}"

"""One style for all figures: the Okabe-Ito colours (safe for colour-blind readers), the shipped Japanese font, the words 合成データ."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdx_eval.errors import ParameterError
from kdx_eval.safe import replace_missing_glyphs
from kdx_eval.units import Month, format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

FONT_NAME = "IPAexGothic"
SYNTHETIC_NOTE = "合成データ（実在の団体・職員の数値ではありません）"
BLUE, VERMILLION, GREEN, ORANGE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#595959"
_TICK_ERROR = 1e-9  # ticks are sums of binary fractions
WIDTH = 6.7  # inches: the text width of an A4 page with 2 cm margins
PLOT_WIDTH = 5.3  # inches: two stand side by side on that page and their labels still read


@cache
def font_file() -> Path:
    """The IPAexGothic file that matplotlib-fontja ships (found without importing it, since importing it changes rcParams).

    Raises
    ------
    ParameterError
        When the package is not installed.
    """
    spec = importlib.util.find_spec("matplotlib_fontja")
    if spec is None or not spec.submodule_search_locations:
        raise ParameterError("日本語フォント（matplotlib-fontja）が見つかりません", hint="run.py で環境を作り直してください")
    return Path(spec.submodule_search_locations[0]) / "fonts" / "ipaexg.ttf"


@contextmanager
def style() -> Iterator[None]:
    """Settings for drawing; the caller's own are put back afterwards."""
    from matplotlib import font_manager, rc_context

    if FONT_NAME not in font_manager.fontManager.get_font_names():
        font_manager.fontManager.addfont(str(font_file()))
    settings: dict[Any, Any] = {
        "font.family": FONT_NAME,
        "font.size": 9.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "hatch.linewidth": 0.6,
    }
    with rc_context(settings):
        yield


def new_figure(height: float, width: float = PLOT_WIDTH) -> tuple[Figure, Axes]:
    """A figure of that size in inches, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(labelfontfamily=FONT_NAME, colors="#222222")
    return figure, axes


def finish(figure: Figure, *, synthetic: bool) -> Figure:
    """The figure, marked when its data are synthetic."""
    if synthetic:
        figure.supxlabel(SYNTHETIC_NOTE, fontsize=8, color=VERMILLION, x=0.99, ha="right")
    return figure


def number_text(value: float) -> str:
    """A tick as the tables write numbers, ``△1,200``, with the decimals that it needs."""
    return format_number(value, next((digits for digits in range(4) if abs(value - round(value, digits)) < _TICK_ERROR * max(1.0, abs(value))), 4))


def number_ticks(*axes: Axis) -> None:
    """Ticks of those axes as the tables write numbers."""
    for axis in axes:
        axis.set_major_formatter(lambda value, _: number_text(value))


def label_text(text: str, width: int = 0) -> str:
    """Text for a figure: drawable glyphs only, no mathtext, cut to ``width`` characters where given."""
    shown = replace_missing_glyphs(" ".join(text.split()))[0].replace("$", r"\$")
    return shown if not width or len(shown) <= width else shown[: width - 1] + "…"


def period_text(period: float, *, monthly: bool) -> str:
    """A month as fiscal year over month, another period as its number."""
    if not monthly:
        return f"{period:g}"
    month = Month(round(period))
    return f"{month.fiscal_year.short}年度\n{month.month}月"


def period_ticks(axes: Axes, periods: Sequence[float], *, monthly: bool) -> None:
    """Ticks in April and October, yearly in April only when the series is long."""
    if monthly:
        step = (4, 10) if len(periods) <= 40 else (4,)
        shown = [period for period in periods if Month(round(period)).month in step] or list(periods[:1])
    else:
        shown = list(periods[:: max(1, len(periods) // 8)])
    axes.set_xticks(shown, [period_text(period, monthly=monthly) for period in shown])

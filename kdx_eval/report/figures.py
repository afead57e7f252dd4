"""Figures for notebooks: every question's, one below the other."""

from __future__ import annotations

import io
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

from kdx_eval import plots
from kdx_eval.errors import ParameterError
from kdx_eval.safe import escape_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.plan import Plan

_DPI = 110
_BY_STUDY = ("timing", "series", "event_study")
FigureKind = Literal["completeness", "grids", "distributions", "comparison", "timing", "series", "event_study", "verdicts", "savings", "scenarios", "tornado"]


def show_figures(thing: Any, kind: FigureKind, *, plan: Plan) -> None:
    """Display the figures of one kind: of each study, or of a dataset, its quality, evidence, savings or a budget case.

    Parameters
    ----------
    thing : Panels, mapping of studies or evidence, Dataset, QualityReport, Savings, BudgetCase or None
        Nothing is shown for None or an empty mapping.
    plan : Plan
        Says whether the data are synthetic, which is printed on each figure.

    Raises
    ------
    ParameterError
        When there is no such figure.
    """
    if kind not in get_args(FigureKind):
        raise ParameterError("この名前の図はありません", place=str(kind)[:40], hint=f"使えるのは {'、'.join(get_args(FigureKind))} です")
    screen: Any = import_module("IPython.display")
    titles = [study.title for study in thing.values()] if thing and kind in _BY_STUDY else []
    if thing and kind == "comparison":
        titles = [thing.question(name).title for name in thing.panels]
    for number, figure in enumerate(_figures(thing, kind, synthetic=plan.synthetic) if thing else ()):
        if titles:  # two questions may share an outcome, and then the figures' own titles too
            screen.display(screen.HTML(f"<b>{escape_html(titles[number])}</b>"))
        # As PNG from here: a kernel that was started without matplotlib's own display still shows it.
        screen.display(screen.Image(data=_png(figure), format="png"))


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI)
    return stream.getvalue()


def _figures(thing: Any, kind: FigureKind, *, synthetic: bool) -> Iterable[Figure]:
    if kind in _BY_STUDY:
        draw = {"timing": plots.plot_timing, "series": plots.plot_series, "event_study": plots.plot_event_study}[kind]
        return [draw(study, synthetic=synthetic) for study in thing.values()]
    if kind == "comparison":
        return [plots.plot_comparison(panel, synthetic=synthetic) for panel in thing.panels.values()]
    if kind == "grids":
        return [plots.plot_grid(grid, synthetic=synthetic) for grid in thing.distinct_grids]
    if kind == "distributions":
        return [plots.plot_distributions(thing.distributions, synthetic=synthetic)] if thing.distributions else []
    if kind == "completeness":
        counts: dict[str, tuple[int, int]] = {}
        for item in thing.report.files:
            accepted, rejected = counts.get(item.file, (0, 0))
            counts[item.file] = (accepted + item.rows_accepted, rejected + item.rows_rejected)
        return [plots.plot_completeness({name: pair for name, pair in counts.items() if sum(pair)}, synthetic=synthetic)]
    if kind == "verdicts":
        return [plots.plot_verdicts(list(thing.values()), synthetic=synthetic)]
    if kind == "tornado":
        return [plots.plot_tornado(thing, synthetic=synthetic)] if thing.swings else []
    return [plots.plot_savings(thing, synthetic=synthetic) if kind == "savings" else plots.plot_scenarios(thing, synthetic=synthetic)]

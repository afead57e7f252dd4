"""Figures for notebooks: every question's, one below the other."""

from __future__ import annotations

import io
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

from kdx_eval import plots
from kdx_eval.errors import ParameterError
from kdx_eval.report.hours_figures import hours_figures
from kdx_eval.report.policy_parts import SECTIONS
from kdx_eval.safe import escape_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.plan import Plan

_DPI = 110
HoursFigure = Literal["bridge", "departments", "processes", "persistence", "register"]
_BY_STUDY = ("timing", "series", "event_study", "checks")
FigureKind = Literal[
    "completeness", "grids", "distributions", "comparison", "timing", "series", "event_study", "checks", "verdicts", "savings", "scenarios", HoursFigure
]  # fmt: skip


def show_figures(thing: Any, kind: FigureKind | str, *, plan: Plan) -> None:
    """Display the figures of one kind: of each study, or of a dataset, its quality, evidence, savings, a budget case or a part of the policy.

    Parameters
    ----------
    thing : Panels, mapping of studies or evidence, Dataset, QualityReport, Savings, BudgetCase, part of the policy or None
        Nothing is shown for None or an empty mapping.
    kind : str
        One of ``FigureKind``, or the name of a part of the policy.
    plan : Plan
        Says whether the data are synthetic, which is printed on each figure.

    Raises
    ------
    ParameterError
        When there is no such figure.
    """
    kinds = (*get_args(FigureKind), *(section.part for section in SECTIONS))
    if kind not in kinds:
        raise ParameterError("この名前の図はありません", place=str(kind)[:40], hint=f"使えるのは {'、'.join(kinds)} です")
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


def _figures(thing: Any, kind: str, *, synthetic: bool) -> Iterable[Figure]:
    for section in SECTIONS:
        if section.part == kind:
            return [figure for _, figure in section.pictures(thing, synthetic)]
    if kind == "checks":
        return [plots.plot_checks(study.checks, unit_label=study.unit_label, synthetic=synthetic) for study in thing.values()]
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
    if kind in get_args(HoursFigure):
        return hours_figures(thing, kind, synthetic=synthetic)
    if kind == "verdicts":
        return [plots.plot_verdicts(list(thing.values()), synthetic=synthetic)]
    return [plots.plot_savings(thing, synthetic=synthetic) if kind == "savings" else plots.plot_scenarios(thing, synthetic=synthetic)]

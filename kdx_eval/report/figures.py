"""Figures for notebooks: every question's, one below the other."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
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
    "completeness", "grids", "distributions", "comparison", "timing", "series", "event_study", "checks", "verdicts", "savings", "scenarios", "tornado",
    HoursFigure,
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
    if kind in get_args(HoursFigure):
        return hours_figures(thing, kind, synthetic=synthetic)
    return _DRAWERS[kind](thing, synthetic)


def _completeness(dataset: Any, synthetic: bool) -> Iterable[Figure]:
    counts: dict[str, tuple[int, int]] = {}
    for item in dataset.report.files:
        accepted, rejected = counts.get(item.file, (0, 0))
        counts[item.file] = (accepted + item.rows_accepted, rejected + item.rows_rejected)
    return [plots.plot_completeness({name: pair for name, pair in counts.items() if sum(pair)}, synthetic=synthetic)]


_DRAWERS: dict[str, Callable[[Any, bool], Iterable[Figure]]] = {
    "completeness": _completeness,
    "grids": lambda report, synthetic: [plots.plot_grid(grid, synthetic=synthetic) for grid in report.distinct_grids],
    "distributions": lambda report, synthetic: [plots.plot_distributions(report.distributions, synthetic=synthetic)] if report.distributions else [],
    "comparison": lambda panels, synthetic: [plots.plot_comparison(panel, synthetic=synthetic) for panel in panels.panels.values()],
    "timing": lambda studies, synthetic: [plots.plot_timing(study, synthetic=synthetic) for study in studies.values()],
    "series": lambda studies, synthetic: [plots.plot_series(study, synthetic=synthetic) for study in studies.values()],
    "event_study": lambda studies, synthetic: [plots.plot_event_study(study, synthetic=synthetic) for study in studies.values()],
    "checks": lambda studies, synthetic: [plots.plot_checks(one.checks, unit_label=one.unit_label, synthetic=synthetic) for one in studies.values()],
    "verdicts": lambda evidence, synthetic: [plots.plot_verdicts(list(evidence.values()), synthetic=synthetic)],
    "savings": lambda savings, synthetic: [plots.plot_savings(savings, synthetic=synthetic)],
    "scenarios": lambda budget, synthetic: [plots.plot_scenarios(budget, synthetic=synthetic)],
    "tornado": lambda budget, synthetic: [plots.plot_tornado(budget, synthetic=synthetic)] if budget.swings else [],
}

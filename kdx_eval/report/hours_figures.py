"""Which figures of staff hours there are for one run: none where nothing is there to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval import plots
from kdx_eval.report.blocks import shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.savings import QuestionUnits, Savings, SavingsLine


def hours_figures(savings: Savings, kind: str, *, synthetic: bool) -> list[Figure]:
    """The figures of one kind: ``bridge``, ``register``, ``persistence``, ``departments`` or ``processes``."""
    if kind == "bridge":
        return [plots.plot_bridge(savings, synthetic=synthetic)] if savings.created is not None else []
    if kind == "register":
        return [plots.plot_register(savings, synthetic=synthetic)] if savings.register is not None and savings.register.rows else []
    if kind == "persistence":
        kept = [(line, [year for year in savings.persistence if year.question_id == line.question_id]) for line in savings.lines]
        return [plots.plot_persistence([pair for pair in kept if pair[1]], synthetic=synthetic)] if savings.persistence else []
    return [
        plots.plot_units(one.departments if kind == "departments" else one.processes, title=shorten(line.title, 44), synthetic=synthetic)
        for line, one in split_lines(savings)
        if (one.departments if kind == "departments" else one.processes)
    ]


def split_lines(savings: Savings) -> list[tuple[SavingsLine, QuestionUnits]]:
    """The questions of the total with their hours by unit."""
    by_id = {one.question_id: one for one in savings.units}
    return [(line, by_id[line.question_id]) for line in savings.lines if line.in_total and line.question_id in by_id]

"""Every year and stage of the cost table, what of the budgets was spent, and 特別交付税 inside 一般財源."""

from __future__ import annotations

import pandas as pd

from kdx_eval.budget.parts import Execution, SpecialAllocation, StageTotal
from kdx_eval.budget.types import CostLine
from kdx_eval.schema import parameter
from kdx_eval.units import format_yen

STAGES = ("当初", "補正", "決算見込", "決算", "要求")


def stage_totals(costs: pd.DataFrame) -> tuple[StageTotal, ...]:
    """Yen by year and stage in the order of the budget cycle, with 経常 and 臨時 apart; ``costs`` comes from ``checked_costs``."""
    found = []
    for year in sorted(set(costs["fiscal_year"])):
        of_year = costs[costs["fiscal_year"] == year]
        for stage in [*STAGES, *sorted(set(of_year["stage"]) - set(STAGES))]:
            rows = of_year[of_year["stage"] == stage]
            if len(rows):
                by = {kind: int(rows.loc[rows["recurring"] == kind, "yen"].sum()) for kind in ("経常", "臨時")}
                total = int(rows["yen"].sum())
                unmarked = total - by["経常"] - by["臨時"]
                found.append(
                    StageTotal(
                        fiscal_year=int(year), stage=stage, yen=total, recurring_yen=by["経常"], one_off_yen=by["臨時"], unmarked_yen=unmarked
                    )
                )  # fmt: skip
    return tuple(found)


def list_executions(stages: tuple[StageTotal, ...]) -> tuple[Execution, ...]:
    """Each year that has both a budget (当初と補正) and a settlement (決算, else 決算見込)."""
    found = []
    for year in sorted({one.fiscal_year for one in stages}):
        amounts = {one.stage: one.yen for one in stages if one.fiscal_year == year}
        spent = next((stage for stage in ("決算", "決算見込") if stage in amounts), None)
        if spent is None or "当初" not in amounts:
            continue
        budget = amounts["当初"] + amounts.get("補正", 0)
        found.append(
            Execution(
                fiscal_year=year,
                budget_yen=budget,
                spent_yen=amounts[spent],
                spent_stage=spent,
                unused_yen=budget - amounts[spent],
                share=amounts[spent] / budget if budget else 0.0,
            )
        )
    return tuple(found)


def find_special_allocation(lines: tuple[CostLine, ...], previous: tuple[CostLine, ...]) -> SpecialAllocation | None:
    """The lines that the city marks as 特別交付税; None without any. They stay inside 一般財源 and no receipt is computed."""
    now, before = (sum(line.yen for line in some if line.special_allocation) for some in (lines, previous))
    if not now and not before:
        return None
    rate = parameter("special_allocation_rate")
    checked = "" if rate.status != "unverified" else "要求年度の措置の有無と率は確認できていないため、交付額は見込んでいません。"
    sentence = f"一般財源のうち{format_yen(now)}は、特別交付税の対象になりうる経費です。使い道の決まった収入ではないため、特定財源には数えません。{checked}"
    return SpecialAllocation(yen=now, previous_yen=before, sentence=sentence)

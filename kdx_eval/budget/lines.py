"""The request as municipal books have it: lines, funding, and why it differs from the year before."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import cast

import pandas as pd

from kdx_eval.budget.types import ChangeKind, CostChange, CostLine, FundingLine
from kdx_eval.evidence.price import records
from kdx_eval.units import FiscalYear, format_yen, round_half_up

FUNDING_ORDER = ("国庫", "県", "地方債", "その他特財", "一般財源")
NO_FUNDING = "財源の記入なし"
GENERAL, SPECIAL_ALLOCATION = "一般財源", "特別交付税"
SHOWN_REASONS = 3


def stage_lines(costs: pd.DataFrame, *, fiscal_year: FiscalYear, stage: str) -> tuple[CostLine, ...]:
    """The lines of one year and stage in the order of the books; ``costs`` comes from ``checked_costs``."""
    rows = costs[(costs["fiscal_year"] == fiscal_year.year) & (costs["stage"] == stage)]
    found = [
        CostLine(
            account=row["account"],
            project=row["project"],
            section=row["section"],
            detail=row["detail"],
            quantity=row["quantity"],
            unit_price=row["unit_price"],
            yen=row["yen"],
            quote_reference=row["quote_reference"],
            recurring=row["recurring"],
            # 特別交付税 is not tied to the project: in the books it is 一般財源.
            funding=GENERAL if row["funding"] == SPECIAL_ALLOCATION else row["funding"] or NO_FUNDING,
            course_id=row["course_id"],
            special_allocation=row["funding"] == SPECIAL_ALLOCATION,
        )
        for row in records(rows)
    ]
    return tuple(sorted(found, key=lambda line: (line.account, line.project, line.section, line.detail, line.funding, line.course_id, -line.yen)))


def total_yen(lines: Iterable[CostLine]) -> int | None:
    """Sum of the lines, None when there are none: a missing budget is not a budget of zero."""
    amounts = [line.yen for line in lines]
    return sum(amounts) if amounts else None


def split_funding(lines: tuple[CostLine, ...], previous: tuple[CostLine, ...]) -> tuple[FundingLine, ...]:
    """Yen by source of funding, in the order of the books."""
    names = {line.funding for line in (*lines, *previous)}
    order = [*FUNDING_ORDER, *sorted(names - {*FUNDING_ORDER, NO_FUNDING}), NO_FUNDING]
    return tuple(FundingLine(source=name, yen=_yen_from(lines, name), previous_yen=_yen_from(previous, name)) for name in order if name in names)


def _yen_from(lines: tuple[CostLine, ...], source: str) -> int:
    return sum(line.yen for line in lines if line.funding == source)


def explain_change(lines: tuple[CostLine, ...], previous: tuple[CostLine, ...]) -> tuple[CostChange, ...]:
    """Why the request differs, largest first; the changes add up to the difference to the yen.

    A line with quantity and unit price in both years is split into quantity (at the old price) and price (at the new quantity).
    """
    now, before = group_by_item(lines), group_by_item(previous)
    found: list[CostChange] = []
    for item in sorted({*now, *before}):
        if item not in before:
            found.append(_change(item, "新規", yen=_yen(now[item])))
        elif item not in now:
            found.append(_change(item, "廃止", yen=-_yen(before[item])))
        else:
            found.extend(_change(item, kind, yen=yen) for kind, yen in _split(now[item], before[item]) if yen)
    return tuple(sorted(found, key=lambda change: (-abs(change.yen), change.section, change.detail, change.kind)))


def group_by_item(lines: tuple[CostLine, ...]) -> dict[tuple[str, str], list[CostLine]]:
    """The lines by (節, 細節)."""
    found: dict[tuple[str, str], list[CostLine]] = {}
    for line in lines:
        found.setdefault((line.section, line.detail), []).append(line)
    return found


def _yen(lines: list[CostLine]) -> int:
    return sum(line.yen for line in lines)


def _split(now: list[CostLine], before: list[CostLine]) -> list[tuple[ChangeKind, int]]:
    difference = _yen(now) - _yen(before)
    pair = [lines[0] for lines in (now, before) if len(lines) == 1 and lines[0].quantity is not None and lines[0].unit_price is not None]
    if len(pair) < 2:
        return [("金額", difference)]
    new, old = pair
    moved = cast("Decimal", new.quantity) - cast("Decimal", old.quantity)
    by_quantity = int(round_half_up(float(moved * cast("Decimal", old.unit_price))))
    return [("数量", by_quantity), ("単価", difference - by_quantity)]


def _change(item: tuple[str, str], kind: ChangeKind, *, yen: int) -> CostChange:
    name = "・".join(filter(None, item)) or "節・細節の記入なし"
    words = {"新規": "新たに計上", "廃止": "計上をやめる", "数量": "数量の増" if yen > 0 else "数量の減", "単価": "単価の増" if yen > 0 else "単価の減"}
    reason = words.get(kind, "増額" if yen > 0 else "減額")
    return CostChange(section=item[0], detail=item[1], kind=kind, yen=yen, sentence=f"{name}：{reason}（{format_yen(yen)}）")


def change_sentence(change_yen: int | None, changes: tuple[CostChange, ...]) -> str:
    """One sentence on the difference and its main reasons."""
    if change_yen is None:
        return "前年度との比較はできません（要求額か前年度当初予算額がありません）。"
    if not changes:
        return "前年度当初予算と同じ内容・同じ額です。"
    reasons = "、".join(change.sentence for change in changes[:SHOWN_REASONS])
    more = f"、ほか{len(changes) - SHOWN_REASONS}件" if len(changes) > SHOWN_REASONS else ""
    direction = f"{format_yen(abs(change_yen))}の{'増' if change_yen > 0 else '減'}" if change_yen else "同額（内訳は変わる）"
    return f"前年度当初予算と比べて{direction}。主な理由は、{reasons}{more}です。"

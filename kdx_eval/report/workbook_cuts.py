"""Sheet of the calculation workbook on the request's lines under 満額, 減額 and 見送り, as live formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.report.claims_cuts import line_name

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.report.workbook_writer import SheetWriter
    from kdx_eval.results import Results

CUTS = "減額の内訳"
_HEADS = (
    "節・細節", "満額（円）", "前年度当初（円）", "増えた分（円）", "減らす重み", "減額で減らす額（円）", "減額（円）", "見送り（円）",
    "減額で諦めるもの（案）",
)  # fmt: skip


def write_cuts(writer: SheetWriter, results: Results) -> None:
    """Fill the sheet; call after 積算, 前提 and 計算, whose figures it refers to.

    The cut falls on what grew where that is enough, else on all lines; running sums are rounded, so that the whole yen add up, as in
    `kdx_eval.budget.cuts.cut_lines`.
    """
    budget = results.budget
    writer.widths(CUTS, 40, 16, 16, 16, 16, 18, 16, 14, 44)
    if budget is None or not budget.cut_lines or not {"request", "reduced"} <= set(writer.place):
        writer.texts(CUTS, ["この実行では、ここに示すものはありません。"])
        return
    writer.texts(CUTS, _HEADS, style="head")
    # A formula may point at cells below it, which have no address yet: these are known from the number of lines.
    top = writer.next_row(CUTS)
    column = {name: f"${name}${top}:${name}${top + len(budget.cut_lines) - 1}" for name in "BCDEFG"}
    for number in range(len(budget.cut_lines)):
        _row(writer, budget, number=number, column=column, top=top)
    writer.texts(CUTS, ["計", None, None, None, None, None, None, 0])
    totals = (("B", 1, "full_yen"), ("C", 2, "before_yen"), ("F", 5, "forgone_yen"), ("G", 6, "reduced_yen"))
    for letter, place, field in totals:
        value = sum(getattr(item, field) for item in budget.cut_lines)
        writer.formula_at(CUTS, place, key=f"cut_sum_{field}", formula=f"SUM({column[letter]})", value=value)


def _row(writer: SheetWriter, budget: BudgetCase, *, number: int, column: dict[str, str], top: int) -> None:
    item, row = budget.cut_lines[number], top + number
    writer.texts(CUTS, [line_name(item), None, None, None, None, None, None, 0, item.sentence])
    members = [place for place, line in enumerate(budget.lines) if (line.section, line.detail) == (item.section, item.detail)]
    writer.formula_at(CUTS, 1, key=f"cut_full{number}", formula="+".join(f"{{line{place}}}" for place in members), value=item.full_yen)
    writer.number_at(CUTS, 2, key=f"cut_before{number}", value=item.before_yen)
    writer.formula_at(CUTS, 3, key=f"cut_grown{number}", formula=f"IF($B${row}>$C${row},$B${row}-$C${row},0)", value=item.grown_yen)
    whole = "({request}-{reduced})"
    by_growth = sum(one.grown_yen for one in budget.cut_lines) >= sum(one.forgone_yen for one in budget.cut_lines)
    weight = f"IF(SUM({column['D']})>={whole},$D${row},$B${row})"
    writer.formula_at(CUTS, 4, key=f"cut_weight{number}", formula=weight, value=item.grown_yen if by_growth else item.full_yen)
    above = "0" if row == top else f"SUM($F${top}:$F${row - 1})"
    cut = f"IF(SUM({column['E']})=0,0,ROUND({whole}*SUM($E${top}:$E${row})/SUM({column['E']}),0)-{above})"
    writer.formula_at(CUTS, 5, key=f"cut_lost{number}", formula=cut, value=item.forgone_yen)
    writer.formula_at(CUTS, 6, key=f"cut_left{number}", formula=f"ROUND($B${row}-$F${row},0)", value=item.reduced_yen)

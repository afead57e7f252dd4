"""The calculation workbook: assumptions that may be changed, live formulas on them, and cached values equal to Python's.

Texts are written as strings, never as formulas; the only formulas are those written here.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from typing import TYPE_CHECKING

from kdx_eval.budget.worth import DISCOUNT_PARAMETERS
from kdx_eval.report.claims import scenario_label
from kdx_eval.report.content import effect_text, naive_text
from kdx_eval.report.wording import ordered_evidence
from kdx_eval.report.workbook_cuts import CUTS, write_cuts
from kdx_eval.report.workbook_money import MONEY_SHEETS, write_money
from kdx_eval.report.workbook_writer import ASSUMPTIONS, CALCULATION, SheetWriter, factor_formula
from kdx_eval.schema import parameter

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

EFFECTS, COSTS, LEDGER = "効果", "積算", "台帳"


def workbook_bytes(results: Results, ledger: Ledger, *, as_of: dt.date) -> bytes:
    """The workbook as bytes; the created date is ``as_of``, so that the same results give the same file.

    Sheets: 前提 (yellow cells may be changed), 計算 (formulas), the parts of the budget case (formulas), 効果, 積算, 台帳.
    """
    import xlsxwriter

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(stream, options)
    book.set_properties({"title": "予算要求書 附属資料　計算シート", "created": dt.datetime(as_of.year, as_of.month, as_of.day, tzinfo=dt.UTC)})
    book.set_calc_mode("auto")
    writer = SheetWriter(book, results)
    for name in (ASSUMPTIONS, CALCULATION, CUTS, *MONEY_SHEETS, EFFECTS, COSTS, LEDGER):
        writer.add_sheet(name)
    _costs(writer, results)
    _assumptions(writer, results)
    _calculation(writer, results)
    write_cuts(writer, results)
    write_money(writer, results)
    _effects(writer, results, ledger)
    _ledger(writer, ledger)
    book.close()
    return stream.getvalue()


def _costs(writer: SheetWriter, results: Results) -> None:
    writer.widths(COSTS, 22, 24, 16, 34, 10, 14, 16, 20, 10, 14)
    writer.texts(COSTS, ["款項目", "事業", "節", "細節", "数量", "単価（円）", "金額（円）", "根拠", "経常・臨時", "財源"], style="head")
    budget = results.budget
    if budget is None or not budget.lines:
        writer.texts(COSTS, ["費用の一覧がありません。"])
        return
    keys = []
    for number, line in enumerate(budget.lines):
        key = f"line{number}"
        writer.texts(COSTS, [line.account, line.project, line.section, line.detail, None, None, None, line.quote_reference, line.recurring, line.funding])
        if line.quantity is not None and line.unit_price is not None:
            writer.number_at(COSTS, 4, key=f"{key}q", value=float(line.quantity))
            writer.number_at(COSTS, 5, key=f"{key}p", value=float(line.unit_price))
            writer.formula_at(COSTS, 6, key=key, formula=f"ROUND({{{key}q}}*{{{key}p}},0)", value=line.yen)
        else:
            writer.number_at(COSTS, 6, key=key, value=line.yen)
        keys.append(key)
    writer.texts(COSTS, ["計"])
    first, last = (writer.place[key].split("!")[1] for key in (keys[0], keys[-1]))
    writer.formula_at(COSTS, 6, key="lines", formula=f"SUM({first}:{last})", value=sum(line.yen for line in budget.lines))


def _assumptions(writer: SheetWriter, results: Results) -> None:
    writer.widths(ASSUMPTIONS, 60, 18, 14, 18)
    writer.texts(ASSUMPTIONS, ["黄色の欄の値を変えると、「計算」の金額が計算し直されます。数量と単価は「積算」で変えられます。"], style="plain")
    writer.texts(ASSUMPTIONS, ["項目", "値", "単位"], style="head")
    savings, budget = results.savings, results.budget
    if savings is not None and savings.created is not None:
        after = "、ほかの取組と分けた後" if savings.gross != savings.created else ""
        for key, label, value in (
            ("created", f"生まれた時間（推定{after}）", savings.created.hours),
            ("created_low", "生まれた時間（幅の下）", savings.created.conf_low),
            ("created_high", "生まれた時間（幅の上）", savings.created.conf_high),
        ):
            if math.isfinite(value):
                writer.given(key, label, value=value, unit="時間／年")
    if savings is not None:
        writer.given("attendance", "受講に使った時間", value=savings.attendance_hours, unit="時間／年")
        writer.given("hours_per_person", f"1人の年間時間（{savings.person_basis}）", value=savings.hours_per_person, unit="時間")
    if budget is not None:
        _money_inputs(writer, budget)
        _scenario_inputs(writer, budget)


def _money_inputs(writer: SheetWriter, budget: BudgetCase) -> None:
    if budget.price is not None:
        writer.given("price", f"1時間の単価（{budget.price.source}）", value=budget.price.yen_per_hour, unit="円／時間")
    if budget.previous_yen is not None:
        writer.given("previous", "前年度予算額", value=budget.previous_yen, unit="円")
    if budget.break_even is not None:
        if budget.request_yen is None or "lines" not in writer.place:
            writer.given("cost", "費用（分岐点の基準）", value=budget.break_even.cost_yen, unit="円")
        if budget.break_even.persons:
            writer.given("persons", "受講者（延べ）", value=budget.break_even.persons, unit="人")
    for cut in budget.cuts:
        if cut.name == "減額":
            writer.given("reduced", "減額の場合の要求額", value=cut.yen, unit="円")


def _scenario_inputs(writer: SheetWriter, budget: BudgetCase) -> None:
    """Years, rates and shares of the scenarios; each rate and share is given once, and every sheet refers to it."""
    kept, rates = budget.kept, [float(parameter(name).value) for name in DISCOUNT_PARAMETERS]
    for number, rate in enumerate(rates):
        writer.given(f"discount{number}", f"割引率（{'基準' if number == 0 else f'参考{number}'}）", value=rate, unit="年", style="input_share")
    shares = {} if kept is None else {"high": kept.high, "central": kept.central, "low": kept.low}
    for key, value in shares.items():
        label = {"high": "高位", "central": "中位", "low": "低位"}[key]
        writer.given(f"kept_{key}", f"1年後に残る割合（{label}。{kept.source if kept else ''}）", value=value, unit="割合", style="input_share")
    if not budget.scenarios:
        return
    writer.gap(ASSUMPTIONS)
    writer.texts(ASSUMPTIONS, ["見込みの前提", "年数", "割引率", "1年後に残る割合"], style="head")
    for number, item in enumerate(budget.scenarios):
        writer.texts(ASSUMPTIONS, [f"見込み{number + 1}（{scenario_label(item)}）"])
        writer.number_at(ASSUMPTIONS, 1, key=f"years{number}", value=item.years)
        given = f"{{discount{rates.index(item.discount_rate)}}}"
        writer.formula_at(ASSUMPTIONS, 2, key=f"rate{number}", formula=given, value=item.discount_rate, style="share")
        share = None if item.years == 1 else next((key for key, value in shares.items() if value == item.retention), None)
        if share is None:
            writer.number_at(ASSUMPTIONS, 3, key=f"kept{number}", value=item.retention, style="input_share")
        else:
            writer.formula_at(ASSUMPTIONS, 3, key=f"kept{number}", formula=f"{{kept_{share}}}", value=item.retention, style="share")


def _calculation(writer: SheetWriter, results: Results) -> None:
    writer.widths(CALCULATION, 44, 18, 18, 18, 18, 18, 18, 18, 18, 12)
    writer.texts(CALCULATION, ["項目", "値", "幅の下", "幅の上"], style="head")
    savings, budget = results.savings, results.budget
    if budget is not None and "lines" in writer.place:
        writer.formula("request", "要求額（円）", formula="{lines}", value=writer.value["lines"])
        writer.place["cost"], writer.value["cost"] = writer.place["request"], writer.value["request"]
        if budget.change_yen is not None and "previous" in writer.place:
            writer.formula("change", "前年度からの増減（円）", formula="{request}-{previous}", value=budget.change_yen)
    if savings is not None and savings.net is not None and "created" in writer.place:
        writer.formula("net", "差引の時間（時間／年）", formula="{created}-{attendance}", value=savings.net.hours)
        if {"created_low", "created_high"} <= set(writer.place):
            writer.formula_at(CALCULATION, 2, key="net_low", formula="{created_low}-{attendance}", value=savings.net.conf_low)
            writer.formula_at(CALCULATION, 3, key="net_high", formula="{created_high}-{attendance}", value=savings.net.conf_high)
        if savings.person_equivalent is not None:
            writer.formula("persons_freed", "人分", formula="{net}/{hours_per_person}", value=savings.person_equivalent, style="decimal")
    if budget is None:
        return
    value = budget.reference_value
    if value is not None and {"net", "net_low", "price"} <= set(writer.place):
        writer.formula("value", "参考：人件費換算（円。予算は減らない）", formula="ROUND({net}*{price},0)", value=value.yen)
        writer.formula_at(CALCULATION, 2, key="value_low", formula="ROUND({net_low}*{price},0)", value=value.low)
        writer.formula_at(CALCULATION, 3, key="value_high", formula="ROUND({net_high}*{price},0)", value=value.high)
    even = budget.break_even
    if even is not None and {"cost", "price", "attendance"} <= set(writer.place):
        writer.formula("even", "分岐点（時間／年）", formula="{cost}/{price}+{attendance}", value=even.hours_per_year)
        if even.minutes_per_person_month is not None and "persons" in writer.place:
            writer.formula("minutes", "分岐点（分／受講者1人・月）", formula="{even}*60/({persons}*12)", value=even.minutes_per_person_month, style="decimal")
    _scenarios(writer, results)


def _scenarios(writer: SheetWriter, results: Results) -> None:
    budget, needed = results.budget, {"created", "created_low", "created_high", "attendance", "price", "cost"}
    if budget is None or not budget.scenarios or not needed <= set(writer.place):
        return
    writer.gap(CALCULATION)
    heads = ["見込み（実績には加えない）", "年数", "割引率", "残る割合", "現在価値の係数", "時間の価値（円）", "幅の下", "幅の上", "費用との差引（円）"]
    heads.append("価値÷費用")
    writer.texts(CALCULATION, heads, style="head")
    for number, item in enumerate(budget.scenarios):
        writer.texts(CALCULATION, [f"見込み{number + 1}"])  # years, rate and share stand beside it and may be changed
        for column, (name, value, style) in enumerate(
            (("years", float(item.years), "number"), ("rate", item.discount_rate, "share"), ("kept", item.retention, "share")), start=1
        ):
            writer.formula_at(CALCULATION, column, key=f"c{name}{number}", formula=f"{{{name}{number}}}", value=value, style=style)
        factor = factor_formula(f"{{years{number}}}", rate=f"{{rate{number}}}", kept=f"{{kept{number}}}")
        writer.formula_at(CALCULATION, 4, key=f"factor{number}", formula=factor, value=item.factor, style="factor")
        for column, name, yen in ((5, "created", item.benefit.yen), (6, "created_low", item.benefit.low), (7, "created_high", item.benefit.high)):
            formula = f"ROUND(({{{name}}}*{{factor{number}}}-{{attendance}}/(1+{{rate{number}}}))*{{price}},0)"
            writer.formula_at(CALCULATION, column, key=f"{name}_benefit{number}", formula=formula, value=yen)
        writer.formula_at(CALCULATION, 8, key=f"net{number}", formula=f"{{created_benefit{number}}}-{{cost}}", value=item.net_yen)
        if item.ratio is not None:
            writer.formula_at(CALCULATION, 9, key=f"ratio{number}", formula=f"{{created_benefit{number}}}/{{cost}}", value=item.ratio, style="decimal")


def _effects(writer: SheetWriter, results: Results, ledger: Ledger) -> None:
    writer.widths(EFFECTS, 6, 34, 14, 14, 40, 32, 60)
    writer.texts(EFFECTS, ["番号", "問い", "判定", "比べ方", "効果（幅は95％）", "参考：単純な前後比較（効果とは言えない）", "言ってよいこと"], style="head")
    writer.filter_from(EFFECTS, columns=7)
    for number, item in enumerate(ordered_evidence(results), start=1):
        allowed = "\n".join(item.sentences)
        writer.texts(EFFECTS, [number, item.title, item.verdict, item.basis_plain, effect_text(item, ledger), naive_text(item, ledger), allowed])


def _ledger(writer: SheetWriter, ledger: Ledger) -> None:
    writer.widths(LEDGER, 8, 62, 14, 14, 14, 12, 26, 30, 34, 26)
    heads = ["番号", "名前", "値", "下", "上", "単位", "文書での表示", "幅の表示", "計算", "内部の名前"]
    writer.texts(LEDGER, heads, style="head")
    writer.filter_from(LEDGER, columns=len(heads))
    for claim in ledger:
        if claim.is_figure:
            numbers = [claim.value, claim.low, claim.high]
            writer.texts(LEDGER, [claim.id, claim.title, *numbers, claim.unit, claim.text, claim.range_text, claim.formula, claim.name])

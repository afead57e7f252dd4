"""Sheets of the calculation workbook on full cost, prices, the year asked for, sensitivity and alternatives, as live formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.budget.sensitivity import base_case
from kdx_eval.report.workbook_writer import SheetWriter, factor_formula
from kdx_eval.schema import parameter

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase, FullCost, Outlook, Swing
    from kdx_eval.results import Results

FULL, PRICES, OUTLOOK, SENSITIVITY, LADDER = "フルコスト", "単価", "要求年度の見込み", "感度", "代替案"
MONEY_SHEETS = (FULL, PRICES, OUTLOOK, SENSITIVITY, LADDER)
_NOTHING = "この実行では、ここに示すものはありません。"


def write_money(writer: SheetWriter, results: Results) -> None:
    """Fill the five sheets; call after 前提 and 計算, whose figures they refer to."""
    budget, savings = results.budget, results.savings
    if budget is None or savings is None:
        for name in MONEY_SHEETS:
            _empty(writer, name)
        return
    if budget.full_cost is None or "price" not in writer.place:
        _empty(writer, FULL)
    else:
        _full_cost(writer, budget.full_cost)
    _prices(writer, budget)
    if budget.outlook is None or not budget.outlook.cases:
        _empty(writer, OUTLOOK)
    else:
        _outlook(writer, budget.outlook, years=budget.outlook.fiscal_year - savings.fiscal_year)
    write_forgone(writer, budget)
    _sensitivity(writer, budget)
    _ladder(writer, budget)


def _empty(writer: SheetWriter, name: str) -> None:
    writer.widths(name, 60)
    writer.texts(name, [_NOTHING])


def _full_cost(writer: SheetWriter, full: FullCost) -> None:
    writer.widths(FULL, 40, 12, 12, 16, 14, 14, 14, 18, 16, 16)
    heads = [
        "研修",
        "受講者",
        "修了者",
        "予算（円）",
        "受講時間",
        "事務局の時間",
        "庁内講師の時間",
        "フルコスト（円）",
        "受講1人当たり（円）",
        "修了1人当たり（円）",
    ]
    writer.texts(FULL, heads, style="head")
    for number, course in enumerate(full.courses):
        writer.texts(FULL, [course.course_name])
        for column, name, value in (
            (1, "attended", course.attended), (2, "completed", course.completed), (3, "budget", course.budget_yen),
            (4, "sat", course.attendance_hours), (5, "office", course.office_hours), (6, "taught", course.instructor_hours),
        ):  # fmt: skip
            if value is not None:
                writer.number_at(FULL, column, key=f"full_{name}{number}", value=float(value), style="input" if float(value).is_integer() else "input_decimal")
        hours = "+".join(f"ROUND({{full_{name}{number}}}*{{price}},0)" for name in ("sat", "office", "taught"))
        writer.formula_at(FULL, 7, key=f"full{number}", formula=f"{{full_budget{number}}}+{hours}", value=course.full_yen)
        for column, name, each in ((8, "attended", course.per_attendee_yen), (9, "completed", course.per_completion_yen)):
            if each is not None:
                writer.formula_at(FULL, column, key=f"full_each_{name}{number}", formula=f"ROUND({{full{number}}}/{{full_{name}{number}}},0)", value=each)
    writer.texts(FULL, ["計"])
    _column_sum(writer, FULL, 3, key="full_budget", keys=[f"full_budget{number}" for number in range(len(full.courses))])
    _column_sum(writer, FULL, 7, key="full_total", keys=[f"full{number}" for number in range(len(full.courses))])
    rows = range(len(full.courses))
    labels = {"sat": "受講した職員の時間（円）", "office": "事務局の時間（円）", "taught": "庁内講師の時間（円）"}
    for (name, label), item in zip(labels.items(), full.items[1:], strict=False):
        first, last = (writer.place[f"full_{name}{number}"].split("!")[1] for number in (rows[0], rows[-1]))
        writer.texts(FULL, [f"うち{label}"])
        formula = f"SUMPRODUCT(ROUND({first}:{last}*{{price}},0))"
        writer.formula_at(FULL, 7, key=f"full_{name}_yen", formula=formula, value=float(item.yen or 0))
    for key, label, each, divided in (
        ("full_attendee", "受講1人当たり（円）", full.per_attendee_yen, "attended"),
        ("full_completion", "修了1人当たり（円）", full.per_completion_yen, "completed"),
    ):
        keys = [f"full_{divided}{number}" for number in range(len(full.courses)) if f"full_{divided}{number}" in writer.place]
        if each is not None and keys:
            writer.texts(FULL, [label])
            writer.formula_at(FULL, 7, key=key, formula=f"ROUND({{full_total}}/{_sum(writer, keys)},0)", value=each)
    if full.per_hour_yen is not None and "created" in writer.place:
        writer.texts(FULL, ["生まれた1時間当たり（円。受講時間は費用に数え、時間からは引かない）"])
        writer.formula_at(FULL, 7, key="full_hour", formula="ROUND({full_total}/{created},0)", value=full.per_hour_yen)


def _sum(writer: SheetWriter, keys: list[str]) -> str:
    first, last = (writer.place[key].split("!")[1] for key in (keys[0], keys[-1]))
    return f"SUM({first}:{last})"


def _column_sum(writer: SheetWriter, name: str, column: int, *, key: str, keys: list[str]) -> None:
    writer.formula_at(name, column, key=key, formula=_sum(writer, keys), value=sum(writer.value[one] for one in keys))


def _prices(writer: SheetWriter, budget: BudgetCase) -> None:
    writer.widths(PRICES, 44, 14, 12, 30, 20, 18, 18, 50)
    writer.texts(PRICES, ["単価の種類", "円／時間", "確かさ", "使いみち", "差引の時間の換算（円、参考）", "幅の下", "幅の上", "出典・注意"], style="head")
    for number, item in enumerate(budget.prices):
        status = {"sourced": "出典あり", "derived": "計算", "unverified": "未確認"}.get(item.status, "－")
        writer.texts(PRICES, [item.label, None, status, item.use, None, None, None, "。".join(part for part in (item.source, item.note) if part)])
        if item.yen_per_hour is None:
            continue
        if item.used and "price" in writer.place:
            writer.formula_at(PRICES, 1, key=f"basis{number}", formula="{price}", value=item.yen_per_hour)
        else:
            writer.number_at(PRICES, 1, key=f"basis{number}", value=item.yen_per_hour)
        if item.value is not None and {"net", "net_low"} <= set(writer.place):
            for column, hours, yen in ((4, "net", item.value.yen), (5, "net_low", item.value.low), (6, "net_high", item.value.high)):
                writer.formula_at(PRICES, column, key=f"basis_{hours}{number}", formula=f"ROUND({{{hours}}}*{{basis{number}}},0)", value=yen)
    if budget.price_steps:
        writer.gap(PRICES)
        writer.texts(PRICES, ["公表された給与費からの計算", "結果", "単位", "計算"], style="head")
        for step in budget.price_steps:
            writer.texts(PRICES, [step.label, step.value, step.unit, step.formula])


def _outlook(writer: SheetWriter, outlook: Outlook, *, years: int) -> None:
    writer.widths(OUTLOOK, 50, 18, 16, 16, 16, 20, 20)
    writer.texts(OUTLOOK, ["見込みです。実績には加えません。黄色の欄は変えられます。"], style="plain")
    heads = [
        "問い",
        "評価年度の時間",
        "これまでの受講者",
        "評価年度の後の受講者",
        "要求年度の受講予定者",
        "後の受講者の時間（定着前）",
        "予定者の時間（定着前）",
    ]
    writer.texts(OUTLOOK, heads, style="head")
    for number, line in enumerate(outlook.lines):
        writer.texts(OUTLOOK, [line.title])
        for column, name, value, style in (
            (1, "hours", line.hours, "input_decimal"), (2, "attended", float(line.attended), "input"),
            (3, "between", float(line.between), "input"), (4, "planned", float(line.planned), "input"),
        ):  # fmt: skip
            writer.number_at(OUTLOOK, column, key=f"look_{name}{number}", value=value, style=style)
        for column, name in ((5, "between"), (6, "planned")):
            formula = f"{{look_hours{number}}}*{{look_{name}{number}}}/{{look_attended{number}}}"
            value = line.hours * getattr(line, name) / line.attended
            writer.formula_at(OUTLOOK, column, key=f"look_of_{name}{number}", formula=formula, value=value, style="decimal")
    rows = range(len(outlook.lines))
    writer.texts(OUTLOOK, ["計"])
    for column, name in ((1, "hours"), (4, "planned"), (5, "of_between"), (6, "of_planned")):
        _column_sum(writer, OUTLOOK, column, key=f"look_{name}", keys=[f"look_{name}{number}" for number in rows])
    writer.gap(OUTLOOK)
    for key, label, value, style in (
        ("look_correction", "補正（前の見込みに対する実績の割合）", outlook.correction, "input_decimal"),
        ("look_years", "評価年度から要求年度までの年数", float(years), "input"),
        ("look_sat", "要求年度の受講時間（見込み）", outlook.attendance_hours, "input_decimal"),
    ):
        writer.texts(OUTLOOK, [label])
        writer.number_at(OUTLOOK, 1, key=key, value=value, style=style)
    _outlook_cases(writer, outlook)


def _outlook_cases(writer: SheetWriter, outlook: Outlook) -> None:
    writer.gap(OUTLOOK)
    writer.texts(OUTLOOK, ["場合", "1年後に残る割合", "これまでの受講者の分", "要求年度の受講者の分", "合計（時間）", "換算（円、参考）"], style="head")
    for number, case in enumerate(outlook.cases):
        writer.texts(OUTLOOK, [case.name])
        own = {"低位": "low", "中位": "central", "高位": "high"}[case.name]
        if f"kept_{own}" in writer.place:
            writer.formula_at(OUTLOOK, 1, key=f"share{number}", formula=f"{{kept_{own}}}", value=case.persistence, style="share")
        else:
            writer.number_at(OUTLOOK, 1, key=f"share{number}", value=case.persistence, style="input_share")
        carried = f"({{look_hours}}*{{share{number}}}^{{look_years}}+{{look_of_between}}*{{share{number}}})*{{look_correction}}"
        writer.formula_at(OUTLOOK, 2, key=f"carried{number}", formula=carried, value=case.carried_hours, style="decimal")
        new = f"{{look_of_planned}}*{{share{number}}}*{{look_correction}}"
        writer.formula_at(OUTLOOK, 3, key=f"new{number}", formula=new, value=case.new_hours, style="decimal")
        writer.formula_at(OUTLOOK, 4, key=f"look{number}", formula=f"{{carried{number}}}+{{new{number}}}", value=case.hours, style="decimal")
        if case.value is not None and "price" in writer.place:
            writer.formula_at(OUTLOOK, 5, key=f"look_yen{number}", formula=f"ROUND({{look{number}}}*{{price}},0)", value=case.value.yen)
        if case.name == "中位":
            writer.place["new_hours"] = writer.place[f"new{number}"]
            writer.place["look_middle"] = writer.place[f"look{number}"]


def write_forgone(writer: SheetWriter, budget: BudgetCase) -> None:
    """What a smaller amount forgoes: hours of the request year's attendees where there is a forecast, else of the year measured."""
    base = "new_hours" if "new_hours" in writer.place else "created"
    if not {"request", base} <= set(writer.place):
        return
    for cut in budget.cuts:
        if cut.forgone_hours is None or cut.name == "満額" or (cut.name == "減額" and "reduced" not in writer.place):
            continue
        lost = f"{{{base}}}*(1-{{reduced}}/{{request}})" if cut.name == "減額" else f"{{{base}}}"
        writer.formula(f"forgone_{cut.name}", f"{cut.name}で失う時間（見込み、時間／年）", formula=lost, value=cut.forgone_hours)
        if cut.forgone_yen is not None and "price" in writer.place:
            key, label = f"forgone_yen_{cut.name}", f"{cut.name}で失う時間の換算（円、参考、見込み）"
            writer.formula(key, label, formula=f"ROUND({{forgone_{cut.name}}}*{{price}},0)", value=cut.forgone_yen)


def _sensitivity(writer: SheetWriter, budget: BudgetCase) -> None:
    if not budget.swings or not {"created", "attendance", "price", "cost"} <= set(writer.place):
        _empty(writer, SENSITIVITY)
        return
    writer.widths(SENSITIVITY, 34, 16, 16, 16, 20, 20, 50)
    years, rate, kept = base_case(budget.kept)
    writer.texts(SENSITIVITY, ["基準の年数"])
    writer.number_at(SENSITIVITY, 1, key="base_years", value=float(years))
    for key, label, value, given in (("base_rate", "基準の割引率", rate, "discount0"), ("base_kept", "基準の1年後に残る割合", kept, "kept_central")):
        writer.texts(SENSITIVITY, [label])
        if given in writer.place:
            writer.formula_at(SENSITIVITY, 1, key=key, formula=f"{{{given}}}", value=value, style="share")
        else:
            writer.number_at(SENSITIVITY, 1, key=key, value=value, style="input_share")
    writer.gap(SENSITIVITY)
    writer.texts(
        SENSITIVITY, ["前提（ほかは基準のまま）", "低い場合", "基準", "高い場合", "差引：低い場合（円）", "差引：高い場合（円）", "範囲の根拠"], style="head"
    )
    for number, item in enumerate(budget.swings):
        writer.texts(SENSITIVITY, [item.assumption, None, None, None, None, None, item.source])
        _swing(writer, item, number=number, budget=budget)
    if budget.conventional_yen is not None:
        writer.gap(SENSITIVITY)
        years_used = float(parameter("benefit_years").value)
        writer.texts(SENSITIVITY, ["参考：情報化投資の慣行の式の年数"])
        writer.number_at(SENSITIVITY, 1, key="usual_years", value=years_used)
        writer.texts(SENSITIVITY, ["予算が実際に減る額（円／年）"])
        writer.number_at(SENSITIVITY, 1, key="usual_cash", value=budget.cash_reduction_yen)
        writer.texts(SENSITIVITY, ["時間×単価×年数＋予算が減る額×年数（判断には使わない）"])
        formula = "ROUND({created}*{usual_years}*{price},0)+{usual_cash}*{usual_years}"
        writer.formula_at(SENSITIVITY, 1, key="usual", formula=formula, value=budget.conventional_yen)
    if budget.drawn:
        writer.gap(SENSITIVITY)
        writer.texts(
            SENSITIVITY, ["前提をすべて動かしたときの範囲（あらかじめ計算した値で、書き換えても変わりません）", "下", "中央", "上", "単位"], style="head"
        )
        for drawn in budget.drawn:
            writer.texts(SENSITIVITY, [drawn.label, drawn.low, drawn.middle, drawn.high, drawn.unit])


_BASES = {
    "生まれる時間": "created", "1時間の単価": "price", "1年後に残る割合": "base_kept", "続く年数": "base_years", "割引率": "base_rate", "費用の数え方": "cost",
}  # fmt: skip


def _ends(item: Swing, budget: BudgetCase) -> tuple[str, str]:
    """Formulas of the two ends where they follow from other cells; empty where they are assumptions of their own."""
    if item.assumption == "生まれる時間":
        return "{created_low}", "{created_high}"
    if item.assumption == "費用の数え方":
        return "{cost}+{full_office_yen}+{full_taught_yen}", "{cost}"
    if item.assumption == "1年後に残る割合":
        return "{kept_low}", "{kept_high}"
    if item.assumption == "割引率":
        return "MAX({discount0},{discount1},{discount2})", "MIN({discount0},{discount1},{discount2})"
    if item.assumption != "1時間の単価":
        return "", ""
    own = [f"{{basis{place}}}" for place, one in enumerate(budget.prices) if one.in_headline]
    if len({one.yen_per_hour for one in budget.prices if one.in_headline}) > 1:
        return f"MIN({','.join([*own, '{price}'])})", f"MAX({','.join([*own, '{price}'])})"
    # Published cases are no assumption of the city's: they stand in the formula as they are.
    return f"MIN({item.low:g},{{price}})", f"MAX({item.high:g},{{price}})"


def _swing(writer: SheetWriter, item: Swing, *, number: int, budget: BudgetCase) -> None:
    moved = _BASES[item.assumption]
    ends = _ends(item, budget)
    style = "share" if item.unit == "割合" else "decimal" if item.assumption == "生まれる時間" else "number"
    given = {"share": "input_share", "decimal": "input_decimal", "number": "input"}[style]
    for column, end, value, formula in ((1, "low", item.low, ends[0]), (3, "high", item.high, ends[1])):
        if formula:
            writer.formula_at(SENSITIVITY, column, key=f"swing_{end}{number}", formula=formula, value=value, style=style)
        else:
            writer.number_at(SENSITIVITY, column, key=f"swing_{end}{number}", value=value, style=given)
    writer.formula_at(SENSITIVITY, 2, key=f"swing_base{number}", formula=f"{{{moved}}}", value=item.base, style=style)
    for column, end, net in ((4, "low", item.net_at_low), (5, "high", item.net_at_high)):
        at = {name: f"{{{name}}}" for name in _BASES.values()} | {moved: f"{{swing_{end}{number}}}"}
        factor = factor_formula(at["base_years"], rate=at["base_rate"], kept=at["base_kept"])
        formula = f"ROUND(({at['created']}*{factor}-{{attendance}}/(1+{at['base_rate']}))*{at['price']}-{at['cost']},0)"
        writer.formula_at(SENSITIVITY, column, key=f"swing_net_{end}{number}", formula=formula, value=net)


def _ladder(writer: SheetWriter, budget: BudgetCase) -> None:
    writer.widths(LADDER, 30, 16, 16, 16, 20, 60)
    writer.texts(LADDER, ["方法", "費用（円）", "職員が使う時間", "生まれる時間", "1時間を生む費用（円）", "説明"], style="head")
    for number, item in enumerate(budget.ladder):
        writer.texts(LADDER, [item.option, None, None, None, None, item.reason or item.basis])
        if item.ours and item.yen_per_hour is not None and {"full_total", "full_budget", "created"} <= set(writer.place):
            writer.formula_at(LADDER, 1, key="ours_yen", formula="{full_budget}", value=float(item.yen or 0))
            writer.formula_at(LADDER, 3, key="ours_saved", formula="{created}", value=float(item.saved_hours or 0.0), style="decimal")
            writer.formula_at(LADDER, 4, key="ours_each", formula="ROUND({full_total}/{created},0)", value=item.yen_per_hour)
            continue
        for column, name, value in ((1, "yen", item.yen), (2, "staff", item.staff_hours), (3, "saved", item.saved_hours)):
            if value is not None:
                writer.number_at(LADDER, column, key=f"way_{name}{number}", value=float(value))
        if item.yen_per_hour is not None and "price" in writer.place:
            staff = f"+{{way_staff{number}}}*{{price}}" if item.staff_hours is not None else ""
            formula = f"ROUND(({{way_yen{number}}}{staff})/{{way_saved{number}}},0)"
            writer.formula_at(LADDER, 4, key=f"way_each{number}", formula=formula, value=item.yen_per_hour)

"""Ledger entries of the budget case beside the request: full cost, prices, forecast, ranges, alternatives, other cities, promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kdx_eval.report.blocks import shorten
from kdx_eval.report.claims_cuts import enter_cut_lines
from kdx_eval.report.wording import hours_range_text, yen_text
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.report.ledger import LedgerBook

NONE = "－"


def enter_budget_parts(book: LedgerBook, budget: BudgetCase) -> None:
    """Enter every figure of the parts that the case holds, in the order in which the 別冊 shows them."""
    _stages(book, budget)
    _full_cost(book, budget)
    _prices(book, budget)
    _outlook(book, budget)
    enter_cut_lines(book, budget)
    _ranges(book, budget)
    _ladder(book, budget)
    _peers(book, budget)


def _yen(book: LedgerBook, name: str, value: int | None, *, label: str, each: bool = False, **more: Any) -> None:
    """Yen as 千円, or ``each`` to the yen for prices and what one person costs."""
    text = NONE if value is None else f"{format_number(value)}円" if each else yen_text(value)
    book.figure(name, value, text=text, unit="円", label=label, **more)


def _hours(book: LedgerBook, name: str, value: float | None, *, label: str, **more: Any) -> None:
    book.figure(name, value, text=NONE if value is None else format_hours(value), unit="時間／年", label=label, **more)


def _count(book: LedgerBook, name: str, value: int | None, *, label: str, **more: Any) -> None:
    book.figure(name, value, text=NONE if value is None else f"{format_number(value)}人", unit="人", label=label, **more)


def _share(book: LedgerBook, name: str, value: float | None, *, label: str, **more: Any) -> None:
    book.figure(name, value, text=NONE if value is None else format_share(value, 0), unit="割合", label=label, **more)


def _stages(book: LedgerBook, budget: BudgetCase) -> None:
    for place, item in enumerate(budget.stages):
        name = f"stage.{place}"
        book.about(name, f"{FiscalYear(item.fiscal_year).wareki} {item.stage or '区分の記入なし'}")
        for field, value, label in (
            ("yen", item.yen, "合計"), ("recurring", item.recurring_yen, "経常"), ("one_off", item.one_off_yen, "臨時"),
            ("unmarked", item.unmarked_yen, "記入なし"),
        ):  # fmt: skip
            _yen(book, f"{name}.{field}", value, label=label, inputs=("costs",))
    for place, one in enumerate(budget.executions):
        name = f"execution.{place}"
        book.about(name, f"{FiscalYear(one.fiscal_year).wareki}の執行")
        _yen(book, f"{name}.budget", one.budget_yen, label="予算（当初と補正）", inputs=("costs",))
        _yen(book, f"{name}.spent", one.spent_yen, label=one.spent_stage, inputs=("costs",))
        _yen(book, f"{name}.unused", one.unused_yen, label="不用額", formula="予算－決算", inputs=(f"{name}.budget", f"{name}.spent"))
        text = format_share(one.share)
        book.figure(f"{name}.share", one.share, text=text, unit="割合", label="執行率", formula="決算÷予算", inputs=(f"{name}.spent", f"{name}.budget"))
    if budget.special_allocation is not None:
        special = budget.special_allocation
        _yen(book, "special.yen", special.yen, label="一般財源のうち特別交付税の対象になりうる額", inputs=("costs",))
        _yen(book, "special.previous", special.previous_yen, label="同（前年度）", inputs=("costs",))
        book.sentence("special.sentence", special.sentence, label="特別交付税の説明")


def _full_cost(book: LedgerBook, budget: BudgetCase) -> None:
    full = budget.full_cost
    if full is None:
        return
    book.sentence("full.sentence", full.sentence, label="フルコストの説明")
    for place, item in enumerate(full.items):
        name = f"full_item.{place}"
        book.about(name, f"フルコスト　{item.label}")
        _hours(book, f"{name}.hours", item.hours, label="時間", inputs=("training", "course_plans"))
        _yen(
            book, f"{name}.yen", item.yen, label="金額", formula="時間×単価（研修ごとに円未満を四捨五入）" if item.hours is not None else "", inputs=("costs",)
        )
    for field, value, label in (
        ("attendee", full.per_attendee_yen, "フルコスト（受講1人当たり）"),
        ("completion", full.per_completion_yen, "フルコスト（修了1人当たり）"),
        ("hour", full.per_hour_yen, "フルコスト（生まれた1時間当たり）"),
        ("hour_low", full.per_hour_low, "同（時間の幅の上端）"),
        ("hour_high", full.per_hour_high, "同（時間の幅の下端）"),
    ):
        _yen(book, f"full.per_{field}", value, label=label, each=True, formula="フルコスト÷人数・時間", inputs=("training", "savings.created"))
    for place, course in enumerate(full.courses):
        name = f"full_course.{place}"
        book.about(name, f"フルコスト　{shorten(course.course_name, 30)}")
        _count(book, f"{name}.attended", course.attended, label="受講者", inputs=("training",))
        _yen(book, f"{name}.budget", course.budget_yen, label="予算", inputs=("costs",))
        staff = course.attendance_hours + course.office_hours + course.instructor_hours
        _hours(book, f"{name}.hours", staff, label="職員の時間", formula="受講＋事務局＋庁内講師", inputs=("training", "course_plans"))
        _yen(book, f"{name}.yen", course.full_yen, label="フルコスト", formula="予算＋時間×単価")
        _yen(book, f"{name}.attendee", course.per_attendee_yen, label="受講1人当たり", each=True)
        _yen(book, f"{name}.completion", course.per_completion_yen, label="修了1人当たり", each=True)
    for place, sentence in enumerate(full.missing):
        book.sentence(f"full.missing.{place}", sentence, label=f"フルコストに足りないもの{place + 1}")


def _prices(book: LedgerBook, budget: BudgetCase) -> None:
    for place, item in enumerate(budget.prices):
        name = f"price_basis.{place}"
        book.about(name, item.label)
        _yen(book, f"{name}.yen", item.yen_per_hour, label="1時間の単価", each=True, inputs=("wages",), grade=item.status, method=item.source)
        value = item.value
        ends: dict[str, Any] = {} if value is None else {"low": value.low, "high": value.high, "range_text": f"{yen_text(value.low)}～{yen_text(value.high)}"}
        formula = "差引の時間×単価（参考）"
        _yen(book, f"{name}.value", None if value is None else value.yen, label="差引の時間の換算（参考）", formula=formula, inputs=("savings.net",), **ends)
    for place, step in enumerate(budget.price_steps):
        digits = 0 if abs(step.value) >= 100 else 2
        text = f"{format_number(step.value, digits)}{step.unit}"
        book.figure(
            f"price_step.{place}", step.value, text=text, unit=step.unit, label=f"単価の計算：{step.label}", formula=step.formula, inputs=("pay_table",)
        )


def _outlook(book: LedgerBook, budget: BudgetCase) -> None:
    outlook = budget.outlook
    if outlook is not None:
        book.sentence("outlook.sentence", outlook.sentence, label="要求年度の見込みの説明")
        book.sentence("outlook.kept_sentence", budget.kept_sentence, label="1年後に残る割合の出所")
        book.sentence("outlook.correction_sentence", outlook.correction_sentence, label="見込みの補正の説明")
        text = format_number(outlook.correction, 2)
        book.figure("outlook.correction", outlook.correction, text=text, unit="倍", label="見込みの補正", inputs=("prior_claims",))
        _hours(book, "outlook.attendance", outlook.attendance_hours, label="要求年度の受講時間（見込み）")
        for place, line in enumerate(outlook.lines):
            name = f"outlook_line.{place}"
            book.about(name, f"見込みの基　{shorten(line.title, 30)}")
            for field, label in (("attended", "これまでの受講者（延べ）"), ("between", "評価年度の後の受講者"), ("planned", "要求年度の受講予定者")):
                _count(book, f"{name}.{field}", getattr(line, field), label=label, inputs=("training", "course_plans"))
            each = f"{format_number(line.hours_per_attendee, 1)}時間"
            formula = "評価年度の時間÷これまでの受講者"
            book.figure(f"{name}.each", line.hours_per_attendee, text=each, unit="時間／年", label="受講1人当たりの時間", formula=formula)
        for place, case in enumerate(outlook.cases):
            name = f"outlook_case.{place}"
            book.about(name, f"要求年度の見込み（{case.name}）")
            _share(book, f"{name}.persistence", case.persistence, label=f"1年後に残る割合（{'測定' if outlook.measured else '前提、未検証'}）")
            _hours(book, f"{name}.carried", case.carried_hours, label="これまでの受講者の分")
            _hours(book, f"{name}.new", case.new_hours, label="要求年度の受講者の分")
            ends = {"low": case.low, "high": case.high, "range_text": hours_range_text(case.low, case.high)}
            _hours(book, f"{name}.hours", case.hours, label="合計", formula="受講1人当たりの時間×人数×残る割合×補正（見込み）", **ends)
            _yen(book, f"{name}.value", None if case.value is None else case.value.yen, label="換算（参考）", formula="合計×単価")
    for place, cut in enumerate(budget.cuts):
        known = cut.forgone_low is not None and cut.forgone_high is not None and cut.name != "満額"
        width = f"{format_hours(cut.forgone_low or 0.0)}～{format_hours(cut.forgone_high or 0.0)}" if known else ""
        label = f"{cut.name}の場合に失う時間の幅（見込み）"
        book.figure(
            f"forgone.{place}.hours", cut.forgone_hours, text=width or NONE, unit="時間／年", low=cut.forgone_low, high=cut.forgone_high, label=label,
            range_text=width,
        )  # fmt: skip
        _yen(book, f"forgone.{place}.yen", cut.forgone_yen, label=f"{cut.name}の場合に失う時間の換算（参考、見込み）")
    if budget.continuation is not None:
        book.sentence("continuation.sentence", budget.continuation.sentence, label="終期と継続の条件")
    for place, promise in enumerate(budget.promises):
        _hours(book, f"promise.{place}.hours", promise.hours, label="来年度に突き合わせる見込み")
        _yen(book, f"promise.{place}.yen", promise.yen, label="同（換算）")
        book.sentence(f"promise.{place}.basis", promise.basis, label="同（根拠）")


def _ranges(book: LedgerBook, budget: BudgetCase) -> None:
    for place, one in enumerate(budget.scenarios):
        name = f"scenario_return.{place}"
        book.about(name, f"{one.years}年・定着{format_share(one.retention, 0)}・割引{format_share(one.discount_rate, 0)}")
        ratio = NONE if one.ratio is None else format_number(one.ratio, 2)
        inputs = (f"scenario.{place}.benefit", f"scenario.{place}.cost_yen")
        book.figure(f"{name}.ratio", one.ratio, text=ratio, unit="倍", label="価値÷費用（合否の線はない）", formula="時間の価値÷費用", inputs=inputs)
        payback = "期間内に回収しない" if one.payback_years is None else f"{format_number(one.payback_years, 1)}年"
        book.figure(f"{name}.payback", one.payback_years, text=payback, unit="年", label="費用を回収する年数", inputs=inputs)
    for place, item in enumerate(budget.swings):
        name = f"swing.{place}"
        book.about(name, f"感度　{item.assumption}")
        for field in ("low", "base", "high"):
            value = float(getattr(item, field))
            label = {"low": "低い場合の前提", "base": "基準の前提", "high": "高い場合の前提"}[field]
            book.figure(f"{name}.{field}", value, text=assumption_text(value, item.unit), unit=item.unit, label=label)
        _yen(book, f"{name}.net_low", item.net_at_low, label="低い場合の差引")
        _yen(book, f"{name}.net_high", item.net_at_high, label="高い場合の差引")
    if budget.conventional_yen is not None:
        formula = "生まれた時間×単価×5年＋予算が減る額×5年（割引・定着の低下・比較対照なし）"
        _yen(book, "conventional.yen", budget.conventional_yen, label="参考：情報化投資の慣行の式", formula=formula, inputs=("savings.created", "price.yen"))
    for place, drawn in enumerate(budget.drawn):
        name = f"drawn.{place}"
        book.about(name, drawn.label)
        middle, low, high = (yen_text(int(one)) if drawn.unit == "円" else format_hours(one) for one in (drawn.middle, drawn.low, drawn.high))
        unit = "千円" if drawn.unit == "円" else ""
        formula = f"問いの共分散・単価・残る割合を同時に動かした{format_number(drawn.draws)}通り"
        book.figure(
            f"{name}.value", drawn.middle, text=f"約{middle}{unit}", unit=drawn.unit, low=drawn.low, high=drawn.high, label="中央",
            range_text=f"約{low}～{high}{unit}", formula=formula,
        )  # fmt: skip
        text = NONE if drawn.share_above is None else "ほぼすべて" if drawn.share_above > 0.99 else format_share(drawn.share_above, 0)
        book.figure(f"{name}.share", drawn.share_above, text=text, unit="割合", label="費用を上回る割合（この前提の範囲で）")


def assumption_text(value: float, unit: str) -> str:
    """The value of an assumption with its unit."""
    if unit == "割合":
        return format_share(value, 0)
    if unit == "円":
        return f"{yen_text(int(value))}千円"
    return f"{format_number(value)}{unit.partition('/')[0]}"


def _ladder(book: LedgerBook, budget: BudgetCase) -> None:
    for place, item in enumerate(budget.ladder):
        name = f"ladder.{place}"
        book.about(name, f"代替案　{item.option}")
        _yen(book, f"{name}.yen", item.yen, label="年間の費用", inputs=("alternatives",))
        _hours(book, f"{name}.staff", item.staff_hours, label="職員が使う時間", inputs=("alternatives",))
        _hours(book, f"{name}.saved", item.saved_hours, label="生まれる時間", inputs=("alternatives",))
        _yen(book, f"{name}.each", item.yen_per_hour, label="1時間を生む費用", each=True, formula="（費用＋職員の時間×単価）÷生まれる時間")
        book.sentence(f"{name}.reason", item.reason or item.basis, label="説明")


def _peers(book: LedgerBook, budget: BudgetCase) -> None:
    for place, item in enumerate(budget.peers):
        name = f"peer.{place}"
        source: dict[str, Any] = {"inputs": ("data_schema/peer_cases.csv",), "method": item.source, "grade": item.status}
        book.about(name, f"{item.city} {item.subject}")
        _hours(book, f"{name}.hours", item.hours, label="公表された時間", **source)
        _hours(book, f"{name}.lower", item.lower_hours, label="回答のない職員を0とした時間", **source)
        _yen(book, f"{name}.yen", item.yen, label="公表された金額", **source)
        _yen(book, f"{name}.each", item.yen_per_hour, label="1時間の単価", each=True, formula="公表された金額÷公表された時間", **source)
        _share(book, f"{name}.realised", item.realised_share, label="見込みに対する実行の割合", **source)
        _yen(book, f"{name}.net", item.net_yen, label="初年度の差引", formula="時間×公表例で最も高い単価－費用", **source)
        book.sentence(f"{name}.note", item.note, label="注意", **source)

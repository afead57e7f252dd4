"""The logic model as the plan and the results draw it, the indicators with activity and outcome apart, and the links to upper plans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Flow, Paragraph, Stage, Table, columns, shorten
from kdx_eval.report.content import effect_text
from kdx_eval.report.wording import ordered_evidence, planned
from kdx_eval.schema.policy_version import policy_on

if TYPE_CHECKING:
    from kdx_eval.evidence import Evidence
    from kdx_eval.plan import Question
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

UNVERIFIED, RECORDED, UNDECIDED, SHOWN = "未検証", "記録あり", "検証したが言えない", "検証済み"
FLOW_NOTE = "矢印ごとに、根拠があるか（検証済み・検証したが言えない・記録あり・未検証）を示す。未検証の矢印は、そうなると見込んでいるだけで、確かめていない。"
MOST_ITEMS = 5
_ASKED_WORDS = ("満足", "アンケート", "自己評価", "意識調査", "satisfaction", "survey", "questionnaire")
SURVEY_FLAG = "アンケート等による指標（成果とみなすには、客観的な裏付けと理由の説明が要る）"


def is_questionnaire(question: Question) -> bool:
    """Whether the outcome is what people say of themselves rather than a record of work (行政事業レビュー asks for a reason then)."""
    text = f"{question.outcome.indicator_id or ''} {question.outcome.label}".lower()
    return question.outcome.table == "indicators" and any(word in text for word in _ASKED_WORDS)


def logic_model(results: Results, ledger: Ledger) -> Flow:
    """インプット → アクティビティ → アウトプット → 初期・中期・長期アウトカム, each arrow with its evidence or 未検証."""
    items = ordered_evidence(results)
    questions = {question.question_id: question for question in planned(results).questions}
    converts = {item.question_id: questions[item.question_id].outcome.hours_per_unit is not None for item in items if item.question_id in questions}
    early = [item for item in items if converts.get(item.question_id) is False and item.headline is not None]
    middle = [item for item in items if converts.get(item.question_id) and item.headline is not None]
    return Flow(stages=(*_until_output(results, ledger), *_outcomes(results, ledger, early=early, middle=middle)), caption=FLOW_NOTE)


def _until_output(results: Results, ledger: Ledger) -> Iterator[Stage]:
    plan, budget = planned(results), results.budget
    money = [f"要求額 {ledger.text('request.yen')}千円（{plan.request_fiscal_year.wareki}）"] if budget is not None and budget.request_yen is not None else []
    spent = budget is not None and budget.cost_yen is not None
    money += [f"{plan.evaluated_fiscal_year.wareki}の費用 {ledger.text('cost.yen')}千円"] if spent else []
    time = [f"受講に使う職員の時間 年{ledger.text('savings.attendance')}"] if results.savings is not None and results.savings.attendance_hours else []
    yield Stage(title="インプット（投入）", items=tuple(money + time) or ("費用の記録がない",))
    reach = () if budget is None else budget.reach
    largest = sorted(reach, key=lambda item: (-(item.cost_yen or 0), -item.enrolled))[:MOST_ITEMS]
    courses = (
        tuple(shorten(item.course_name, 40) for item in largest) or tuple(shorten(name, 40) for one in plan.questions for name in one.courses)[:MOST_ITEMS]
    )
    more = (f"ほか、全部で{ledger.text('total.courses')}",) if len(reach) > MOST_ITEMS else ()
    yield Stage(
        title="アクティビティ（活動：研修）",
        items=(*courses, *more) or ("研修の記録がない",),
        status=RECORDED if spent else UNVERIFIED,
        evidence="費用の一覧（決算等）で、何に使ったかを確認できる" if spent else "費用の記録がないため、確かめられない",
    )
    seen = bool(reach)
    people = (f"受講 {ledger.text('total.enrolled')}", f"修了 {ledger.text('total.completed')}") if seen else ("受講の記録がない",)
    cost = (f"修了1人当たり {ledger.text('reach.unit_cost')}",) if seen and budget is not None and budget.cost_per_completion_yen is not None else ()
    evidence = "受講記録で、受講と修了を確認できる" if seen else "受講記録がないため、確かめられない"
    yield Stage(title="アウトプット（活動の結果）", items=(*people, *cost), status=RECORDED if seen else UNVERIFIED, evidence=evidence)


def _outcomes(results: Results, ledger: Ledger, *, early: list[Evidence], middle: list[Evidence]) -> Iterator[Stage]:
    numbers = {item.question_id: number for number, item in enumerate(ordered_evidence(results), start=1)}
    for title, items, hoped in (
        ("初期アウトカム（行動の変化）", early, "学んだことを仕事で使う（指標がまだない）"),
        ("中期アウトカム（業務時間の創出）", middle, "業務の時間が減る（指標がまだない）"),
    ):
        named = tuple(dict.fromkeys(shorten(item.outcome_label, 40) for item in items))[:MOST_ITEMS] or (hoped,)
        status, evidence = _judged(items, numbers=numbers)
        yield Stage(title=title, items=named, status=status, evidence=evidence)
    bridge = None if results.savings is None else results.savings.bridge
    used = bridge is not None and bridge.recorded
    named = tuple(shorten(name, 40) for name, _ in bridge.destinations[:MOST_ITEMS]) if used and bridge is not None else ()
    evidence = f"時間の使い道の記録は{ledger.text('bridge.redeployed')}。行政サービスがどう変わったかは確かめていない" if used else "時間の使い道の記録がない"
    yield Stage(
        title="長期アウトカム（行政サービスの向上）",
        items=named or ("空いた時間を行政サービスの向上に振り向ける",),
        status=RECORDED if used else UNVERIFIED,
        evidence=evidence,
    )


def _judged(items: list[Evidence], *, numbers: dict[str, int]) -> tuple[str, str]:
    if not items:
        return UNVERIFIED, "この段階を調べる問いがない"
    told = "、".join(f"問{numbers[item.question_id]}：{item.verdict}（{item.basis_plain}）" for item in items[:MOST_ITEMS])
    more = f"、ほか{len(items) - MOST_ITEMS}件" if len(items) > MOST_ITEMS else ""
    return SHOWN if any(item.may_claim or item.verdict in {"逆効果", "実質的効果なし"} for item in items) else UNDECIDED, told + more


def logic_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """The logic model and the two tables of indicators."""
    yield logic_model(results, ledger)
    yield activity_table(results, ledger)
    yield outcome_table(results, ledger)


def activity_table(results: Results, ledger: Ledger) -> Table:
    """活動指標: what was done, and what the request would pay for."""
    plan, budget = planned(results), results.budget
    full = next((place for place, cut in enumerate(() if budget is None else budget.cuts) if cut.name == "満額" and cut.seats is not None), None)
    seats = "未定" if full is None else f"要求する研修の受講 延べ{ledger.text(f'cut.{full}.seats')}"
    rows: list[tuple[str, ...]] = []
    if budget is not None and budget.reach:
        rows += [("受講者", ledger.text("total.enrolled"), seats), ("修了者", ledger.text("total.completed"), "未定")]
        rows += [("修了1人当たりの費用", ledger.text("reach.unit_cost"), "未定")] if budget.cost_per_completion_yen is not None else []
    heads = columns("活動指標", f"{plan.evaluated_fiscal_year.wareki}の実績", f"{plan.request_fiscal_year.wareki}の見込み", widths=(1.6, 1.5, 2))
    return Table(columns=heads, rows=tuple(rows) or (("受講者・修了者", "記録がない", seats),), caption="活動指標（何をしたか。成果ではない）")


def outcome_table(results: Results, ledger: Ledger) -> Table:
    """成果指標: what changed, against the smallest size that matters; a questionnaire is flagged."""
    questions = {question.question_id: question for question in planned(results).questions}
    rows = []
    for number, item in enumerate(ordered_evidence(results), start=1):
        asked = questions.get(item.question_id)
        if item.role == "completion_only" or (asked is not None and not asked.is_estimated):
            continue  # completing a course is an activity
        flagged = (asked is not None and is_questionnaire(asked)) or item.basis_plain == "自己申告のみ"
        smallest = ledger.text(f"question.{item.question_id}.smallest") if ledger.has(f"question.{item.question_id}.smallest") else "－"
        rows.append((f"問{number}　{shorten(item.outcome_label, 30)}", smallest, effect_text(item, ledger), item.verdict, SURVEY_FLAG if flagged else ""))
    heads = columns("成果指標", "目標（意味があるとみなす最小の大きさ）", "実績（幅は95％）", "判定", "注意", widths=(1.8, 1.5, 2.2, 0.9, 1.4))
    table = Table(columns=heads, rows=tuple(rows) or (("成果指標が定められていない", "－", "－", "－", ""),), caption="成果指標（何が変わったか）")
    return table if any(row[-1] for row in rows) else _without_last(table)


def _without_last(table: Table) -> Table:
    return Table(columns=table.columns[:-1], rows=tuple(row[:-1] for row in table.rows), caption=table.caption)


def outline_blocks(results: Results, ledger: Ledger, *, data: Path | None) -> Iterator[Block]:
    """What the project is, and the passages of the upper plans that it rests on."""
    plan = planned(results)
    reach = () if results.budget is None else results.budget.reach
    done = f"{plan.evaluated_fiscal_year.wareki}は{ledger.text('total.courses')}、受講{ledger.text('total.enrolled')}。" if reach else ""
    yield Paragraph(text=f"{shorten(plan.title, 60)}。研修で職員の時間を生み出し、行政サービスの向上に振り向ける取組の、予算の要求と効果の検証。{done}")
    last = (plan.evaluated_through + 1).first_day - dt.timedelta(days=1)
    policy = policy_on(last, data=data)
    rows = tuple((link.plan, link.period, link.item, link.quote) for link in policy.plan_links)
    if rows:
        heads = columns("計画・方針", "期間", "項目", "記載（引用）", widths=(1.6, 1, 1.6, 3))
        yield Table(columns=heads, rows=rows, caption="上位計画との関係", note=f"{shorten(policy.label, 60)}に基づく。")

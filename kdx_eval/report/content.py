"""The named texts and rows of the two pages: one mapping, shown by the PDF, the Word file and a city's own template alike.

Every figure is taken from the ledger; long lists are cut with 「ほか○件は別冊」 so that two pages hold whatever comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kdx_eval.evidence.wording import limit_text
from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.blocks import Picture, shorten
from kdx_eval.report.honest import honest_case, sure_sentence, unit_cost_sentence
from kdx_eval.report.wording import (
    NOT_GIVEN,
    ROUNDING_NOTE,
    VERDICT_ORDER,
    may_claim_prior,
    numbered_evidence,
    part_of,
    plan_note,
    planned,
    policy_note,
)
from kdx_eval.units import FiscalYear, wareki_date

if TYPE_CHECKING:
    import datetime as dt

    from kdx_eval.budget import CostLine
    from kdx_eval.evidence import Evidence
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

TITLE = "予算要求書 附属資料"
VISIBLY = 1.2  # how much more the result's own width must ask for than was foreseen before both are printed
PRIVACY_NOTE = "個人を特定できる情報は使わず、仮名化して集計しています。この評価は人事評価には使いません。"
MOST_LINES, MOST_FUNDING, MOST_PRIOR, MOST_REACH, MOST_EFFECTS, MOST_BULLETS = 8, 6, 4, 6, 5, 5
Row = dict[str, str]


def appendix_content(results: Results, ledger: Ledger, *, as_of: dt.date, pictures: Sequence[Picture] = ()) -> dict[str, Any]:
    """The fields of the two pages.

    Returns
    -------
    dict
        Texts, lists of texts and lists of rows; see ``reports/templates/budget_appendix.docx`` for all names.
    """
    plan = planned(results)
    return {
        "title": TITLE,
        "heading": plan.heading,
        "city": shorten(plan.city or "団体名未入力", 40),
        "author": shorten(plan.city, 40),
        "running_title": shorten(f"{TITLE}　{plan.title}", 60),
        "prepared": f"データ基準日 {wareki_date(as_of)}　単位：千円（表に別の単位があるものを除く）",
        "synthetic": plan.synthetic,
        "synthetic_note": SYNTHETIC_NOTE if plan.synthetic else "",
        "footer": ROUNDING_NOTE,
        "amounts_heading": "要求額・前年度予算額・増減と理由",
        "evaluated_label": plan.evaluated_fiscal_year.wareki,
        "effect_sentence": effect_sentence(results, ledger),
        "sure_sentence": shorten(sure_sentence(results, ledger), 160),
        "honest_case": honest_case(results, ledger),
        "figures": [{"file": item.file, "alt": item.alt, "caption": item.caption, "width": item.width} for item in pictures],
        "notes": f"{ledger.note}{PRIVACY_NOTE}{policy_note(results)}詳しい方法・前提・数字の出所は別冊にあります。",
        **_money(results, ledger),
        **_prior(results, ledger),
        **_reach(results, ledger),
        **_effects(results, ledger),
        **_arguments(results, ledger),
    }


def more_note(total: int, most: int, *, what: str = "件") -> str:
    """``ほか3件は別冊``, empty when nothing was cut."""
    return f"ほか{total - most}{what}は別冊に記載" if total > most else ""


def effect_sentence(results: Results, ledger: Ledger) -> str:
    """The one sentence on the effect: the leading question in the words its verdict permits, and the tally of all verdicts."""
    return effect_finding(results, ledger) + verdict_tally(results)


def effect_finding(results: Results, ledger: Ledger) -> str:
    """The leading question in the words its verdict permits, with the year's hours where they may be claimed."""
    items = [item for _, item in numbered_evidence(results)]
    if not items:
        return "効果を検証する問いは、まだ立てられていません。受講の広がりと費用だけを示します。"
    name = f"question.{items[0].question_id}"
    first = ledger.text(f"{name}.headline")
    if items[0].may_claim and ledger.has(f"{name}.saved") and ledger.claim(f"{name}.saved").is_figure:
        after = "、ほかの取組と分けた後で" if ledger.has(f"{name}.gross") else ""
        first = f"{first}年間では{after}{ledger.text(f'{name}.saved')}（{ledger.range_text(f'{name}.saved')}）に当たります。"
    return first


def verdict_tally(results: Results) -> str:
    """How many questions have which verdict, in brackets; empty where there is one or none."""
    items = [item for _, item in numbered_evidence(results)]
    if len(items) < 2:
        return ""
    counts: Counter[str] = Counter(item.verdict for item in items)
    tally = "、".join(f"{verdict}{counts[verdict]}件" for verdict in VERDICT_ORDER if counts[verdict])
    return f"（全{len(items)}件の問いの判定：{tally}）"


def _money(results: Results, ledger: Ledger) -> dict[str, Any]:
    budget = results.budget
    if budget is None:
        empty = [{"label": label, "value": NOT_GIVEN, "unit": ""} for label in ("要求額", "前年度予算額", "増減")]
        return {
            "amounts": empty,
            "change_reason": "費用の一覧がないため、要求額と増減は未入力です。",
            **_no_costs(),
            "cash_amount": "未算定",
            "cash_text": "費用の一覧がないため示せません。",
        }
    asked, before = FiscalYear(budget.request_fiscal_year), FiscalYear(budget.request_fiscal_year - 1)
    amounts = [
        {"label": label, "value": ledger.text(name), "unit": "千円" if ledger.claim(name).is_figure else ""}
        for label, name in ((f"{asked.wareki} 要求額", "request.yen"), (f"{before.wareki} 予算額", "previous.yen"), ("増減", "change.yen"))
    ]
    lacking = [ledger.text(f"missing.{place}") for place, text in enumerate(budget.missing) if text != budget.price_sentence]
    return {
        "amounts": amounts,
        "change_reason": shorten("".join([ledger.text("change.reason"), *lacking[:2]]), 220),
        **_no_costs(),
        **(_funding(results, ledger) if budget.funding else {}),
        **(_breakdown(results, ledger) if budget.lines else {}),
        **(_reduction(results, ledger) if budget.cuts else {}),
        "cash_amount": ledger.text("cash.yen"),
        "cash_text": shorten(ledger.text("cash.sentence"), 200),
    }


def _no_costs() -> dict[str, Any]:
    """One sentence in the place of each table that has no row."""
    return {
        "funding": [],
        "funding_more": "財源が未入力のため、示せません。",
        "breakdown": [],
        "breakdown_more": "要求する費用の一覧がないため、積算は示せません。",
        "reduction": [],
        "reduction_more": "要求額が未入力のため、減額した場合の影響は示せません。",
    }


def _funding(results: Results, ledger: Ledger) -> dict[str, Any]:
    budget = results.budget
    assert budget is not None
    funding = [
        {"name": shorten(item.source, 20), "request": ledger.text(f"funding.{place}.yen"), "previous": ledger.text(f"funding.{place}.previous")}
        for place, item in enumerate(budget.funding[:MOST_FUNDING])
    ]
    funding.append({"name": "計", "request": ledger.text("request.yen"), "previous": ledger.text("previous.yen")})
    return {"funding": funding, "funding_more": more_note(len(budget.funding), MOST_FUNDING)}


def _breakdown(results: Results, ledger: Ledger) -> dict[str, Any]:
    budget = results.budget
    assert budget is not None
    rows = []
    for place in largest_lines(budget.lines):
        line = budget.lines[place]
        rows.append(
            {
                "section": shorten(line.section or "－", 12),
                "detail": shorten(line.detail or line.project, 30),
                "quantity": ledger.text(f"line.{place}.quantity"),
                "unit_price": ledger.text(f"line.{place}.unit_price"),
                "amount": ledger.text(f"line.{place}.yen"),
                "basis": shorten(line.quote_reference or "－", 16),
            }
        )
    blank = {"section": "", "quantity": "", "unit_price": "", "basis": ""}
    if len(budget.lines) > MOST_LINES:
        rows.append({**blank, "detail": f"ほか{len(budget.lines) - MOST_LINES}件は別冊に記載", "amount": ledger.text("request.rest")})
    rows.append({**blank, "section": "計", "detail": "", "amount": ledger.text("request.yen")})
    return {"breakdown": rows, "breakdown_more": ""}


def largest_lines(lines: Sequence[CostLine]) -> list[int]:
    """The places of the budget lines that the two pages list, in their own order."""
    return sorted(sorted(range(len(lines)), key=lambda place: -abs(lines[place].yen))[:MOST_LINES])


def _reduction(results: Results, ledger: Ledger) -> dict[str, Any]:
    assert results.budget is not None
    rows = []
    for place, cut in enumerate(results.budget.cuts):
        name = f"cut.{place}"
        seats = f"受講{ledger.text(f'{name}.seats')}" if cut.seats is not None else "受講人数は未入力"
        rows.append({"option": cut.name, "amount": ledger.text(f"{name}.yen"), "can_do": seats, "forgone": shorten(ledger.text(f"{name}.sentence"), 90)})
    return {"reduction": rows, "reduction_more": ""}


def _prior(results: Results, ledger: Ledger) -> dict[str, Any]:
    claims = () if results.budget is None else results.budget.prior_claims
    rows = []
    for place, item in enumerate(claims[:MOST_PRIOR]):
        name = f"prior.{place}"
        has_hours = item.claimed_hours is not None
        promised = ledger.text(f"{name}.claimed_hours") if has_hours else f"{ledger.text(f'{name}.claimed_yen')}千円"
        result = "\n".join(filter(None, (ledger.text(f"{name}.result"), ledger.range_text(f"{name}.result"))))
        told = item.sentence.rstrip("。").rpartition("。")[2]  # the sentence repeats the promise first, which has its own column
        remark = ledger.text(f"{name}.share") if item.realised_share is not None else shorten(told, 40)
        found = results.evidence.get(item.claim_id)
        if found is not None and not found.may_claim:
            remark = f"{found.verdict}（幅で見る）" if found.verdict == "判定不能" else found.verdict
        elif not may_claim_prior(results, item.claim_id):
            remark = "合計は主張しない（幅で見る）"
        rows.append({"claim": shorten(item.basis or item.claim_id, 40), "promised": promised, "result": result, "remark": remark})
    empty = "前年度要求時の見込みの記録がありません。今回の見込みを記録し、来年度この欄で実績と突き合わせます。" if not rows else ""
    more = more_note(len(claims), MOST_PRIOR)
    return {"prior": rows, "prior_more": more, "prior_empty": empty, "prior_note": empty or more}


def _reach(results: Results, ledger: Ledger) -> dict[str, Any]:
    reach = () if results.budget is None else results.budget.reach
    largest = sorted(range(len(reach)), key=lambda place: (-(reach[place].cost_yen or 0), -reach[place].enrolled, place))[:MOST_REACH]
    rows = []
    for place in largest:
        fields = {key: ledger.text(f"reach.{place}.{key}") for key in ("enrolled", "completed", "cost", "unit_cost")}
        rows.append({"course": shorten(reach[place].course_name, 34), "share": ledger.text(f"reach.{place}.completion_share"), **fields})
    note = "受講記録がありません。" if not reach else more_note(len(reach), MOST_REACH, what="講座")
    note = f"{unit_cost_sentence(results, ledger)}{note}"
    return {"reach": rows, "reach_more": note}


def effect_text(item: Evidence, ledger: Ledger) -> str:
    """The effect with its range in finance words; hours of the year where the outcome converts to hours."""
    name = f"question.{item.question_id}"
    if item.headline is None or not ledger.has(f"{name}.estimate"):
        return "修了の状況だけを示す"
    each = f"{ledger.text(f'{name}.estimate')}\n（{ledger.range_text(f'{name}.estimate')}）"
    if ledger.has(f"{name}.saved") and ledger.claim(f"{name}.saved").is_figure:
        return f"年{ledger.text(f'{name}.saved')}の創出\n（{ledger.range_text(f'{name}.saved')}）\n{each}" if item.may_claim else each
    return f"{each}\n金額換算なし"


def naive_text(item: Evidence, ledger: Ledger) -> str:
    """The naive before-after figure, which is no effect."""
    name = f"question.{item.question_id}"
    if not ledger.has(f"{name}.naive_before_after"):
        return "－"
    each = ledger.text(f"{name}.naive_before_after")
    return f"年{ledger.text(f'{name}.naive_hours')}相当\n{each}" if item.may_claim and ledger.has(f"{name}.naive_hours") else each


def _foreseen(item: Evidence, ledger: Ledger) -> str:
    """What was said to be detectable before the result; of an open question also what the result's own width allows, where that is visibly more."""
    name = f"question.{item.question_id}"
    foreseen = ledger.text(f"{name}.detectable")
    # In public a size may be hidden, and with it what it is compared with.
    if item.verdict != "判定不能" or item.could_find is None or item.detectable is None or not item.could_find > item.detectable * VISIBLY:
        return foreseen
    return f"{foreseen}（結果の幅からは{ledger.text(f'{name}.could_find')}）"


def _effects(results: Results, ledger: Ledger) -> dict[str, Any]:
    items = sorted(numbered_evidence(results)[:MOST_EFFECTS], key=lambda pair: pair[0])
    parts = {item.question_id: part_of(results, item.question_id) for _, item in items}
    rows = [
        {
            "question": f"問{number}　{shorten(item.title, 34)}" + (f"（問{parts[item.question_id]}の一部）" if parts[item.question_id] else ""),
            "basis": item.basis_plain,
            "verdict": item.verdict,
            "effect": effect_text(item, ledger),
            "naive": naive_text(item, ledger),
        }
        for number, item in items
    ]
    found = [
        f"問{number}は{_foreseen(item, ledger)}" for number, item in items if ledger.has(f"question.{item.question_id}.detectable")
    ]
    text = f"結果を見る前に確かめた、見つけられる最小の大きさ：{'、'.join(found)}。これより小さい効果は、あっても判定できません。" if found else ""
    return {"effects": rows, "effects_more": more_note(len(results.evidence), MOST_EFFECTS), "detectable_text": text}


def _arguments(results: Results, ledger: Ledger) -> dict[str, list[str]]:
    return {
        "hours": _first(_hours(results, ledger), MOST_BULLETS, 160),
        "limits": _first(_limits(results, ledger), MOST_BULLETS, 120),
        "next_year": _first(next_year(results, ledger), MOST_BULLETS, 150),
    }


def _first(items: Iterable[str], most: int, width: int) -> list[str]:
    return [shorten(item, width) for item in dict.fromkeys(items) if item][:most] or ["記載する事項はありません。"]


def _hours(results: Results, ledger: Ledger) -> list[str]:
    items = []
    savings, budget = results.savings, results.budget
    if budget is not None and budget.break_even is not None:
        items.append(ledger.text("even.sentence"))
    if savings is None:
        return items
    if savings.created is None:
        items.append("時間に換算できる成果がないため、生まれた時間は示さない（金額換算なし）。")
    elif savings.may_claim and savings.net is not None:
        share = f"。研修前の時間の{ledger.text('savings.share')}" if savings.share_of_baseline is not None else ""
        several = "数える問いを合わせて" if sum(line.in_total for line in savings.lines) > 1 else ""
        after = f"。ほかの取組と重なる{ledger.text('savings.overlap')}を除いた後の値" if ledger.has("savings.overlap") else ""
        items.append(f"生まれた時間は{several}年{ledger.text('savings.created')}（{ledger.range_text('savings.created')}）{share}{after}。")
    else:
        items.append(f"生まれた時間の合計は主張しない（計算上の幅：{ledger.range_text('savings.created').removeprefix('幅')}）。")
    items.append(_net_text(results, ledger))
    if savings.bridge.recorded and savings.may_claim:
        items.append(f"使い道の記録があるのは{ledger.text('bridge.redeployed')}。残り{ledger.text('bridge.unexplained')}は記録がない。")
    if ledger.has("value.yen") and savings.may_claim:
        price = f"、1時間{ledger.text('price.yen')}" if ledger.has("price.yen") else ""
        items.append(f"参考：人件費に換算すると{ledger.text('value.yen')}（{ledger.range_text('value.yen')}{price}）。予算はこの分だけ減るわけではない。")
    elif budget is not None and budget.price is None:
        items.append(ledger.text("price.sentence"))
    return items


def _net_text(results: Results, ledger: Ledger) -> str:
    """What is left after attendance, and how many people's year that is; nothing is netted where attendance was not recorded."""
    savings = results.savings
    assert savings is not None
    claimed = savings.may_claim and savings.net is not None
    persons = f"{ledger.text('savings.persons')}（{ledger.text('savings.person_basis').partition('（')[0]}）" if savings.person_equivalent is not None else ""
    if not savings.attendance_hours:
        return "受講時間の記録がないため、差し引いていない" + (f"。{persons}に当たる。" if claimed and persons else "。")
    if not claimed:
        return f"受講に使った時間は{ledger.text('savings.attendance')}。"
    net = f"受講に使った{ledger.text('savings.attendance')}を差し引くと{ledger.text('savings.net')}（{ledger.range_text('savings.net')}）"
    return f"{net}、{persons}。" if persons else f"{net}。"


def _limits(results: Results, ledger: Ledger) -> list[str]:
    # The plan's own line says it once for all questions.
    told = limit_text("after_period")
    by_text: dict[str, list[int]] = {}
    for number, item in sorted(numbered_evidence(results)[:MOST_EFFECTS], key=lambda pair: pair[0]):
        for text in [ledger.text(f"question.{item.question_id}.limit.{place}") for place, text in enumerate(item.limits) if text != told][:2]:
            by_text.setdefault(text, []).append(number)
    items = [f"{'・'.join(f'問{number}' for number in numbers)}：{text}" for text, numbers in by_text.items()][: MOST_BULLETS - 2]
    # The condition names the estimate, which stands only where the total may be claimed.
    if results.budget is not None and results.savings is not None and results.savings.may_claim:
        items += [f"判断が変わる条件：{ledger.text(f'switch.{place}.sentence')}" for place in range(min(1, len(results.budget.switching_values)))]
    items.append(plan_note(planned(results)))
    return items


def next_year(results: Results, ledger: Ledger) -> list[str]:
    """What will be done with each kind of verdict, so that next year can decide."""
    counts = Counter(item.verdict for item in results.evidence.values())
    through = planned(results).evaluated_through
    items = []
    if counts["判定不能"]:
        items.append(
            f"判定不能の{counts['判定不能']}件は、{through.year}年{through.month}月より後のデータを加え、同じ計画のまま判定し直す。見つけられる大きさを先に示す。"
        )
    if counts["逆効果"] or counts["実質的効果なし"]:
        number = counts["逆効果"] + counts["実質的効果なし"]
        items.append(f"逆効果・実質的効果なしの{number}件は、内容・対象・時期を見直す。見直しても変わらなければ取りやめる。")
    if counts["効果あり"] or counts["小さい効果"]:
        items.append("効果が認められた研修は、翌年度も同じ部署で続いているか（異動・定着）を確かめる。")
    if counts["検証対象外"]:
        items.append(f"全員が同時に受ける研修など比べる相手がない{counts['検証対象外']}件は、効果を主張せず、修了の状況だけを報告する。")
    if planned(results).evaluated_after_period:
        items.append("来年度の計画は、期間が始まる前に定めて固定する（今回は事後計画）。")
    items.append("新しく行う研修は、受ける順番を部署ごとにずらす（可能なら抽選とする）ことで、来年度に比べられるようにする。")
    if results.budget is not None:
        full = next((place for place, cut in enumerate(results.budget.cuts) if cut.name == "満額" and cut.seats is not None), None)
        if full is not None:
            items.append(f"満額の場合の受講見込みは{ledger.text(f'cut.{full}.seats')}。来年度の「前年度の見込みと実績」で突き合わせる。")
    return items

"""Blocks of the 別冊 on money beside the request: budget and settlement, full cost, prices, forecast, sensitivity, alternatives, other cities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Bullets, Figure, Paragraph, Table, columns, shorten, without_empty_columns
from kdx_eval.report.claims_cuts import cut_line_blocks
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results

STATUS_WORDS = {"sourced": "出典あり", "derived": "計算", "unverified": "未確認", "": "－"}
FULL_NOTE = "職員の時間は予算には現れません。円未満は研修ごとに四捨五入し、円単位で合計しています。"
LADDER_NOTE = "1時間を生む費用＝（費用＋職員が使う時間×単価）÷生まれる時間。見込みやアンケートにもとづく行は、実績の行と同じ重さでは比べられません。"
PEER_NOTE = "測り方が違うため、そのままは比べられません。「初年度の差引」は、公表例のうち最も高い単価で換算しても残る差です。"


def stage_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Every year and stage with 経常・臨時, how budgets were spent, and 特別交付税 inside 一般財源."""
    budget = results.budget
    if budget is None:
        return
    if budget.special_allocation is not None:
        yield Paragraph(text=ledger.text("special.sentence"))
    if budget.stages:
        heads = columns("年度", "区分", "計（千円）", "経常", "臨時", "記入なし", right=range(2, 6), widths=(1.4, 1.2, 1.2, 1, 1, 1))
        rows = tuple(
            (FiscalYear(item.fiscal_year).wareki, item.stage or "記入なし", *_texts(ledger, f"stage.{place}", ("yen", "recurring", "one_off", "unmarked")))
            for place, item in enumerate(budget.stages)
        )
        yield Table(columns=heads, rows=rows, caption="年度と区分ごとの額")
    if budget.executions:
        heads = columns("年度", "予算（千円）", "決算（千円）", "不用額（千円）", "執行率", right=range(1, 5), widths=(1.4, 1.2, 1.2, 1.2, 1))
        rows = tuple(
            (FiscalYear(item.fiscal_year).wareki, *_texts(ledger, f"execution.{place}", ("budget", "spent", "unused", "share")))
            for place, item in enumerate(budget.executions)
        )
        yield Table(columns=heads, rows=rows, caption="予算の執行（当初と補正に対する決算または決算見込）")


def full_cost_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """The full cost by item and by course."""
    full = None if results.budget is None else results.budget.full_cost
    if full is None:
        yield Paragraph(text="費用か1時間の単価がないため、職員の時間を含むフルコストは示せません。")
        return
    yield Paragraph(text=ledger.text("full.sentence"))
    items = tuple((item.label, *_texts(ledger, f"full_item.{place}", ("hours", "yen"))) for place, item in enumerate(full.items))
    yield Table(columns=columns("項目", "時間", "千円", right=(1, 2), widths=(3, 1.2, 1.2)), rows=items, caption="フルコストの内訳", note=FULL_NOTE)
    heads = columns(
        "研修", "受講者", "予算（千円）", "職員の時間", "フルコスト（千円）", "受講1人", "修了1人", right=range(1, 7), widths=(2.6, 0.8, 1, 1, 1.2, 1, 1)
    )
    fields = ("attended", "budget", "hours", "yen", "attendee", "completion")
    rows = tuple((shorten(item.course_name, 40), *_texts(ledger, f"full_course.{place}", fields)) for place, item in enumerate(full.courses))
    yield Table(columns=heads, rows=rows, caption="研修ごとのフルコスト")
    if full.per_hour_yen is not None:
        ends = [ledger.text(f"full.per_{name}") for name in ("hour_low", "hour_high") if ledger.claim(f"full.per_{name}").is_figure]
        width = f"（時間の幅で{'～'.join(ends)}）" if len(ends) == 2 else ""
        yield Paragraph(
            text=f"生まれた1時間当たりのフルコストは{ledger.text('full.per_hour')}{width}です。受講時間は費用に数えたため、時間からは引いていません。"
        )
    if full.missing:
        yield Bullets(items=tuple(ledger.text(f"full.missing.{place}") for place in range(len(full.missing))))


def price_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """The four price bases and the steps from the published pay table."""
    budget = results.budget
    if budget is None or not budget.prices:
        return
    rows = tuple(
        (
            f"{item.label}{'（使用）' if item.used else ''}",
            ledger.text(f"price_basis.{place}.yen"),
            STATUS_WORDS.get(item.status, item.status),
            item.use,
            ledger.text(f"price_basis.{place}.value"),
            shorten("。".join(part for part in (item.source, item.note) if part), 60),
        )
        for place, item in enumerate(budget.prices)
    )
    heads = columns("単価の種類", "1時間", "確かさ", "使いみち", "換算（千円、参考）", "出典・注意", right=(1, 4), widths=(2, 0.9, 0.8, 1.4, 1.2, 2.4))
    year = FiscalYear(budget.evaluated_fiscal_year).wareki
    yield Table(columns=heads, rows=rows, caption=f"1時間の単価（{year}）", note="「未確認」の単価は見出しの数字に使いません。")
    if budget.price_steps:
        steps = tuple((item.label, item.formula, ledger.text(f"price_step.{place}")) for place, item in enumerate(budget.price_steps))
        yield Table(columns=columns("手順", "計算", "結果", right=(2,), widths=(2.4, 3, 1.3)), rows=steps, caption="公表された給与費からの計算（確かめ）")


def outlook_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """The forecast of the request year, what each amount forgoes, when to stop, and what is promised."""
    budget = results.budget
    if budget is None or budget.outlook is None:
        return
    outlook = budget.outlook
    yield Paragraph(text=ledger.text("outlook.sentence"))
    if outlook.cases:
        heads = columns(
            "場合",
            "1年後に残る割合",
            "これまでの受講者",
            "要求年度の受講者",
            "合計",
            "幅",
            "換算（千円、参考）",
            right=range(1, 7),
            widths=(0.7, 1, 1.2, 1.2, 1.1, 2, 1.2),
        )
        rows = tuple(
            (
                item.name,
                *_texts(ledger, f"outlook_case.{place}", ("persistence", "carried", "new", "hours")),
                ledger.range_text(f"outlook_case.{place}.hours").removeprefix("幅"),
                ledger.text(f"outlook_case.{place}.value"),
            )
            for place, item in enumerate(outlook.cases)
        )
        note = f"{ledger.text('outlook.kept_sentence')}{ledger.text('outlook.correction_sentence')}"
        yield Table(columns=heads, rows=rows, caption="要求年度の見込み（実績には加えない）", note=note)
    if budget.cuts:
        yield _cuts(results, ledger)
        yield from cut_line_blocks(results, ledger)
    if budget.continuation is not None:
        yield Paragraph(text=ledger.text("continuation.sentence"))
    for place in range(len(budget.promises)):
        told = f"{ledger.text(f'promise.{place}.hours')}。" if ledger.claim(f"promise.{place}.hours").is_figure else ""
        yield Paragraph(text=f"来年度に突き合わせる見込み：{told}{ledger.text(f'promise.{place}.basis')}")


def _cuts(results: Results, ledger: Ledger) -> Table:
    assert results.budget is not None
    cuts = results.budget.cuts
    names = (
        ("要求額（千円）", "cut.{}.yen"), ("受講できる人数", "cut.{}.seats"), ("受講できない人数", "cut.{}.forgone_seats"),
        ("失う時間（見込み、年）", "cut.{}.forgone_hours"), ("失う時間の幅（見込み）", "forgone.{}.hours"), ("失う時間の換算（千円、参考）", "forgone.{}.yen"),
    )  # fmt: skip
    rows = tuple((label, *(ledger.text(name.format(place)) for place in range(len(cuts)))) for label, name in names)
    widths = (2, *(1.4 for _ in cuts))
    return Table(columns=columns("", *(cut.name for cut in cuts), right=range(1, len(cuts) + 1), widths=widths), rows=rows, caption="満額・減額・見送りの比較")


def sensitivity_blocks(results: Results, ledger: Ledger, *, pictures: Pictures) -> Iterator[Block]:
    """The tornado as picture and table, and the ranges from draws."""
    budget = results.budget
    if budget is None:
        return
    for picture in pictures.money:
        yield Figure(name=picture.file.removesuffix(".png"), png=pictures.content[picture.file], alt=picture.alt, caption=picture.caption)
    shown = [(place, item) for place, item in enumerate(budget.scenarios) if item.base]
    if budget.swings and shown:
        rows = tuple((f"{item.years}年", *_texts(ledger, f"scenario_return.{place}", ("ratio", "payback"))) for place, item in shown)
        heads = columns("年数（基準の前提）", "価値÷費用", "費用を回収する年数", right=(1, 2), widths=(2, 1.2, 1.4))
        yield Table(columns=heads, rows=rows, caption="費用の回収（見込み、参考）", note="価値÷費用に、いくつ以上なら合格という線はありません。")
    if budget.swings:
        heads = columns(
            "前提",
            "低い場合",
            "基準",
            "高い場合",
            "差引：低い場合",
            "差引：高い場合",
            "範囲の根拠",
            right=range(1, 6),
            widths=(1.3, 1.1, 1.1, 1.1, 1.1, 1.1, 2),
        )
        rows = tuple(
            (item.assumption, *_texts(ledger, f"swing.{place}", ("low", "base", "high", "net_low", "net_high")), item.source)
            for place, item in enumerate(budget.swings)
        )
        yield Table(columns=heads, rows=rows, caption="前提を一つずつ動かしたときの差引（千円、見込み）", note=swing_note(budget))
    if budget.conventional_yen is not None:
        yield Paragraph(text=conventional_text(ledger))
    if budget.drawn:
        rows = tuple(
            (item.label, ledger.text(f"drawn.{place}.value"), ledger.range_text(f"drawn.{place}.value"), ledger.text(f"drawn.{place}.share"))
            for place, item in enumerate(budget.drawn)
        )
        heads = columns("項目", "中央", "95％の範囲", "費用を上回る割合", right=(1, 2, 3), widths=(2.6, 1.4, 2.4, 1.2))
        note = "問いどうしの関係、単価、残る割合を同時に動かした計算。繰り返しても変わらない桁までを示す。割合はこの前提の範囲でのもの。"
        yield Table(columns=heads, rows=rows, caption="前提をすべて動かしたときの範囲", note=note)


def swing_note(budget: BudgetCase) -> str:
    """From which scenario the tornado starts."""
    return "影響の大きい順。" + ("基準は3年の試算。" if budget.kept is not None else "効果の続き方を測れていないため、基準は1年の試算。")


def conventional_text(ledger: Ledger) -> str:
    """What the usual formula would give, and why nothing here rests on it."""
    told = ledger.text("conventional.yen")
    return f"参考：情報化投資の予算要求でよく使われる式（時間×単価×年数）では{told}千円。効果が薄れること、割引を見込まないため、この資料の判断には使わない。"


def alternative_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """The ladder of yen for one hour, and other cities' published cases."""
    budget = results.budget
    if budget is None or not budget.ladder:
        return
    heads = columns("方法", "費用（千円）", "職員の時間", "生まれる時間", "1時間を生む費用", "説明", right=range(1, 5), widths=(1.6, 1, 1, 1, 1.1, 2.8))
    rows = tuple(
        (
            shorten(item.option, 24),
            *_texts(ledger, f"ladder.{place}", ("yen", "staff", "saved", "each")),
            shorten(ledger.text(f"ladder.{place}.reason"), 70) or "－",
        )
        for place, item in enumerate(budget.ladder)
    )
    yield Table(columns=heads, rows=rows, caption="代替案との比較", note=LADDER_NOTE)


def peer_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Published cases of other cities with what they rest on."""
    budget = results.budget
    if budget is None or not budget.peers:
        return
    rows = tuple(
        (
            f"{item.city} {item.subject}（{item.fiscal_year}）",
            item.basis,
            *_texts(ledger, f"peer.{place}", ("hours", "lower", "each", "realised", "net")),
            shorten(ledger.text(f"peer.{place}.note"), 60),
        )
        for place, item in enumerate(budget.peers)
    )
    heads = columns(
        "団体・内容",
        "時間の根拠",
        "時間",
        "下限",
        "1時間",
        "実行の割合",
        "初年度の差引（千円）",
        "注意",
        right=range(2, 7),
        widths=(1.9, 1.1, 1, 0.9, 0.8, 0.7, 1, 2.4),
    )
    yield without_empty_columns(Table(columns=heads, rows=rows, caption="公表されている他団体の例", note=PEER_NOTE))


def money_blocks(results: Results, ledger: Ledger, *, pictures: Pictures) -> Iterator[Block]:
    """All of them in the order of a budget file."""
    yield from stage_blocks(results, ledger)
    yield from full_cost_blocks(results, ledger)
    yield from price_blocks(results, ledger)
    yield from outlook_blocks(results, ledger)
    yield from sensitivity_blocks(results, ledger, pictures=pictures)
    yield from alternative_blocks(results, ledger)
    yield from peer_blocks(results, ledger)


def _texts(ledger: Ledger, name: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(ledger.text(f"{name}.{field}") for field in fields)

"""別冊: everything that the two pages leave out, in the order of a budget file, as blocks for the PDF and the site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.blocks import Block, Bullets, Figure, Heading, Paragraph, Table, columns, shorten, typst_blocks
from kdx_eval.report.claims import NAIVE, grade_text, quality_counts
from kdx_eval.report.pdf import compile_pdf
from kdx_eval.report.wording import ROUNDING_NOTE, ordered_evidence, planned
from kdx_eval.units import wareki_date

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results

TITLE = "予算要求書 附属資料（別冊）"
CHECK_WORDS = {"passed": "支障なし", "failed": "問題あり", "powerless": "確かめる力が足りない", "not_applicable": "対象外"}
NO_CLAIM_NOTE = "　生まれた時間の合計は主張できません（計算上の数字として示します）。"
SCENARIO_NOTE = "定着は、1年後に残る効果の割合の仮定。割引率4％は公共事業の評価に準じたもので、研修の予算に義務づけられたものではない。"
DESIGNS = {
    "lottery": "くじで受講の順番を決め、先に受けた側とまだの側を比べる",
    "staggered": "受講の時期が部署ごとにずれていることを使い、受けた側とまだ（または一度も）受けていない側を、研修前後で比べる",
    "single": "一つの部署だけが受けたため、よく似た動きの部署を組み合わせた相手と比べる",
    "everyone": "全員が同時に受けるため比べる相手がなく、修了の状況だけを報告する",
}
GLOSSARY = (
    ("比較対照", "研修をまだ（または一度も）受けていない課・業務・職員。受けた側と同じ時期の動きを差し引くために使う。"),
    ("効果", "研修を受けた側の変化から、比較対照の変化を差し引いたもの。評価年度の平均を、研修前の同じ月の平均と比べる。"),
    ("幅（95％）", "同じ調べ方を繰り返したとき、100回のうち95回ほどは本当の値を含む範囲。狭いほど確か。"),
    ("判定不能", "効果があるともないとも言えない状態。「効果がない」という意味ではない。"),
    ("実質的効果なし", "意味があるとみなす最小の大きさより小さいことが確かめられた状態。"),
    ("検証対象外", "全員が同時に受けるなど、比べる相手がないもの。修了の状況だけを示す。"),
    ("見つけられる最小の大きさ", "本当にその大きさの効果があれば、100回のうち80回は見つけられる大きさ。結果を見る前に示す。"),
    ("分岐点", "費用と、生まれた時間の価値がちょうど等しくなる点。"),
    ("単純な前後比較", "受けた側の前後だけを比べたもの。景気・繁忙・人員などの動きが混ざるため、効果とは言えない。"),
    ("メリーランド尺度", "根拠の強さを0から5で表す国際的な尺度。5が最も強い。"),
    ("国内の段階（Lv1〜Lv4）", "国内の行政で使われる根拠の段階。Lv1が最も強い。メリーランド尺度とは向きが逆。"),
    ("ATT", "受けた側における平均の効果。この資料の「効果」に当たる。"),
    ("台帳番号（F…）", "この資料に出てくるすべての数字に付けた番号。計算シートと ledger.json で出所をたどれる。"),
)


def annex_pdf(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date) -> bytes:
    """The 別冊 as PDF/A-2b; raises OutputError when the template is faulty."""
    plan = planned(results)
    data: dict[str, Any] = {
        "title": TITLE,
        "heading": plan.heading,
        "city": shorten(plan.city, 40),
        "author": shorten(plan.city, 40),
        "running_title": shorten(f"{TITLE}　{plan.title}", 60),
        "prepared": f"データ基準日 {wareki_date(as_of)}",
        "synthetic": plan.synthetic,
        "synthetic_note": SYNTHETIC_NOTE if plan.synthetic else "",
        "footer": ROUNDING_NOTE,
        "blocks": typst_blocks(annex_blocks(results, ledger, pictures=pictures)),
    }
    return compile_pdf("annex.typ", data, images=pictures.content, as_of=as_of)


def annex_blocks(results: Results, ledger: Ledger, *, pictures: Pictures) -> list[Block]:
    """All blocks in order: 要求 → 財源・積算 → 効果 → 費用対効果 → 感度・分岐点 → 代替案 → 前年との突合 → データ・前提 → 用語 → 台帳."""
    blocks: list[Block] = [Heading(text="1　要求の一覧"), *request_blocks(results, ledger)]
    blocks += [Heading(text="2　前年度の見込みと実績"), *prior_blocks(results, ledger), Heading(text="3　問いごとの検証")]
    items = ordered_evidence(results)
    blocks.append(summary_table(results))
    for number, item in enumerate(items, start=1):
        blocks.append(Heading(text=f"問{number}　{shorten(item.title, 60)}", level=3))
        blocks += question_blocks(results, ledger, item=item, pictures=pictures)
    blocks += [Heading(text="4　時間と費用対効果"), *value_blocks(results, ledger)]
    blocks += [Heading(text="5　データの品質"), *quality_blocks(results, ledger)]
    blocks += [Heading(text="6　用語解説"), Table(columns=columns("用語", "意味", widths=(1, 3)), rows=GLOSSARY)]
    blocks += [Heading(text="7　数字の台帳"), ledger_table(ledger), Paragraph(text=f"計算結果の照合番号（SHA-256）：{ledger.digest}")]
    return blocks


def request_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """積算, funding and the reasons for the change."""
    budget = results.budget
    if budget is None:
        yield Paragraph(text="費用の一覧がないため、要求額は示せません。")
        return
    asked, before, change = (ledger.text(name) for name in ("request.yen", "previous.yen", "change.yen"))
    yield Paragraph(text=f"要求額{asked}千円、前年度予算額{before}千円、増減{change}千円。{ledger.text('change.reason')}")
    heads = columns(
        "款項目・事業", "節", "細節", "数量", "単価（円）", "千円", "根拠", "経常・臨時", right=(3, 4, 5), widths=(2, 1.2, 2.4, 0.9, 1.2, 1, 1.3, 0.9)
    )
    rows = tuple(
        (
            shorten(f"{line.account} {line.project}", 28),
            shorten(line.section, 14),
            shorten(line.detail, 40),
            *(ledger.text(f"line.{place}.{field}") for field in ("quantity", "unit_price", "yen")),
            shorten(line.quote_reference, 20),
            line.recurring,
        )
        for place, line in enumerate(budget.lines)
    )
    yield Table(columns=heads, rows=rows, caption="積算（要求）")
    changes = tuple(f"{ledger.text(f'changes.{place}.yen')}千円　{ledger.text(f'changes.{place}.sentence')}" for place in range(len(budget.changes)))
    if changes:
        yield Bullets(items=("増減の内訳は次のとおり。", *changes))
    for kind, sentences in (("missing", budget.missing), ("budget_note", budget.notes)):
        if sentences:
            yield Bullets(items=tuple(ledger.text(f"{kind}.{place}") for place in range(len(sentences))))


def prior_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """What was promised and what came of it."""
    claims = () if results.budget is None else results.budget.prior_claims
    if not claims:
        yield Paragraph(text="前年度要求時の見込みの記録がありません。今回の見込みを記録し、来年度に突き合わせます。")
        return
    rows = tuple(
        (
            shorten(item.basis or item.claim_id, 50),
            ledger.text(f"prior.{place}.claimed_hours"),
            ledger.text(f"prior.{place}.result"),
            ledger.range_text(f"prior.{place}.result"),
            ledger.text(f"prior.{place}.share"),
            ledger.text(f"prior.{place}.sentence"),
        )
        for place, item in enumerate(claims)
    )
    yield Table(columns=columns("見込みの内容", "見込み", "実績", "幅", "実績÷見込み", "説明", right=(1, 2, 4), widths=(2, 1, 1, 1.6, 1, 3)), rows=rows)


def summary_table(results: Results) -> Table:
    """All questions with their verdict and both scales by name."""
    rows = tuple(
        (f"問{number}", shorten(item.title, 60), "主" if item.role == "primary" else "従", item.verdict, item.basis_plain, grade_text(item))
        for number, item in enumerate(ordered_evidence(results), start=1)
    )
    return Table(
        columns=columns("番号", "問い", "主・従", "判定", "比べ方", "根拠の強さ", widths=(0.6, 3, 0.6, 1, 1.2, 2.6)), rows=rows, caption="問いと判定の一覧"
    )


def question_blocks(results: Results, ledger: Ledger, *, item: Evidence, pictures: Pictures) -> Iterator[Block]:
    """One question: design, cohorts, plots, estimates, naive figures, checks, and what may and may not be said."""
    name = f"question.{item.question_id}"
    study = results.studies.get(item.question_id)
    asked = next((question for question in planned(results).questions if question.question_id == item.question_id), None)
    yield Paragraph(text=ledger.text(f"{name}.headline"))
    if asked is not None:
        yield Paragraph(text=f"調べ方：{DESIGNS[asked.design]}。{asked.explanation}")
    yield Paragraph(text=f"判定：{item.verdict}　根拠の強さ：{grade_text(item)}　比べ方：{item.basis_plain}")
    if study is not None:
        yield _timing_table(study)
        for picture in pictures.by_question.get(item.question_id, ()):
            yield Figure(name=picture.file.removesuffix(".png"), png=pictures.content[picture.file], alt=picture.alt, caption=picture.caption)
        yield _estimates_table(item, ledger)
    if item.checks:
        rows = tuple((check.title, CHECK_WORDS[check.outcome], ledger.text(f"{name}.check.{check.check_id}")) for check in item.checks)
        yield Table(columns=columns("確認したこと", "結果", "説明", widths=(1.4, 1, 3.6)), rows=rows, caption="確認の一覧")
    yield from wording_blocks(item, ledger)


def wording_blocks(item: Evidence, ledger: Ledger) -> Iterator[Block]:
    """この数字は言ってよい / 言ってはいけない, with the limits that belong beside a claim and the reasons for the grade."""
    name = f"question.{item.question_id}"
    for kind, sentences, label in (
        ("sentence", item.sentences, "言ってよい"),
        ("forbidden", item.forbidden, "言ってはいけない"),
        ("limit", item.limits, "必ず添えること"),
        ("reason", item.reasons, "根拠の強さがこれより上でない理由"),
    ):
        if sentences:
            rows = tuple((ledger.text(f"{name}.{kind}.{place}"),) for place in range(len(sentences)))
            yield Table(columns=columns(label), rows=rows)


def _timing_table(study: EffectStudy) -> Table:
    columns_used = zip(study.timing["label"], study.timing["n_units"].to_numpy(), study.timing["n_persons"].to_numpy(), strict=True)
    rows = tuple((str(label), f"{int(units):,}", f"{int(persons):,}") for label, units, persons in columns_used)
    return Table(columns=columns("受講の時期", "単位の数", "職員数（人）", right=(1, 2), widths=(2, 1, 1)), rows=rows[:40], caption="いつ、どれだけが受けたか")


def _estimates_table(item: Evidence, ledger: Ledger) -> Table:
    name = f"question.{item.question_id}"
    wanted = [
        ("効果（見出しの数字）", f"{name}.estimate"),
        ("年間の時間（正は創出）", f"{name}.saved"),
        ("研修前の時間", f"{name}.baseline"),
        ("研修前に対する割合", f"{name}.share"),
    ]
    wanted += [("意味があるとみなす最小の大きさ", f"{name}.smallest"), ("見つけられる最小の大きさ", f"{name}.detectable")]
    wanted += [(f"参考：{label}（効果とは言えない）", f"{name}.{estimand}") for estimand, label in NAIVE.items()]
    rows = tuple((label, ledger.text(key), ledger.range_text(key), ledger.claim(key).id) for label, key in wanted if ledger.has(key))
    return Table(columns=columns("数字", "値", "幅（95％）", "台帳", widths=(2.4, 2, 2, 0.6)), rows=rows, caption="数字の一覧")


def value_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Hours, their use, yen for reference, scenarios, switching values, alternatives."""
    if results.savings is not None:
        keys = (
            ("生まれた時間の合計", "savings.created"),
            ("受講に使った時間", "savings.attendance"),
            ("差引", "savings.net"),
            ("研修前の時間に対する割合", "savings.share"),
            ("人分", "savings.persons"),
            ("再配分を記録した時間", "bridge.redeployed"),
            ("説明のつかない時間", "bridge.unexplained"),
            ("時間外勤務手当の減に当たる時間", "cash.hours"),
        )
        hours = tuple((label, ledger.text(key), ledger.range_text(key), ledger.claim(key).id) for label, key in keys)
        note = ledger.text("savings.person_basis") + ("" if results.savings.may_claim else NO_CLAIM_NOTE)
        yield Table(columns=columns("項目", "年間", "幅（95％）", "台帳", right=(1,), widths=(2, 1.2, 2, 0.6)), rows=hours, caption="時間", note=note)
        if results.savings.notes:
            yield Bullets(items=tuple(ledger.text(f"savings.note.{place}") for place in range(len(results.savings.notes))))
    budget = results.budget
    if budget is None:
        return
    yield Paragraph(text=f"予算が実際に減る額：{ledger.text('cash.yen')}。{ledger.text('cash.sentence')}")
    if ledger.has("value.yen"):
        yield Paragraph(text=f"参考（人件費換算、予算は減らない）：{ledger.text('value.yen')}（{ledger.range_text('value.yen')}）。")
    yield Paragraph(text=f"時間の単価：{ledger.text('price.sentence')}")
    if budget.scenarios:
        heads = columns(
            "年数",
            "定着",
            "割引率",
            "現在価値の係数",
            "時間の価値（千円）",
            "幅（千円）",
            "費用（千円）",
            "差引（千円）",
            right=range(1, 8),
            widths=(0.7, 0.8, 0.8, 1.2, 1.4, 2, 1.2, 1.2),
        )
        rows = tuple(
            (
                f"{item.years}年",
                *(ledger.text(f"scenario.{place}.{field}") for field in ("retention", "discount_rate", "factor", "benefit")),
                ledger.range_text(f"scenario.{place}.benefit").removeprefix("幅"),
                *(ledger.text(f"scenario.{place}.{field}") for field in ("cost_yen", "net_yen")),
            )
            for place, item in enumerate(budget.scenarios)
        )
        yield Table(columns=heads, rows=rows, caption="見込み（実績には加えない）", note=SCENARIO_NOTE)
    parts = [ledger.text("even.sentence")] if budget.break_even is not None else []
    parts += [ledger.text(f"switch.{place}.sentence") for place in range(len(budget.switching_values))]
    if parts:
        yield Bullets(items=("分岐点と、判断が変わる条件は次のとおり。", *parts))
    alternatives = tuple(ledger.text(f"alternative.{place}") for place in range(len(budget.alternatives)))
    yield Bullets(items=("代替案：", *(alternatives or ("代替案の記載がありません。",))))


def quality_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Rows read, accepted and refused, files, matching, and the plan's freeze."""
    counts = quality_counts(results)
    if counts:
        labels = {"rows_read": "読み込んだ行", "rows_accepted": "採用した行", "rows_rejected": "除外した行（rejected.csv に場所と理由）"}
        rows = tuple((labels[key], ledger.text(f"quality.{key}")) for key in counts)
        yield Table(columns=columns("項目", "行数", right=(1,), widths=(3, 1)), rows=rows)
    files = results.quality.get("files")
    if isinstance(files, list | tuple) and files:
        yield _files_table(files)
    yield Paragraph(text=planned(results).freeze_note)
    frozen = planned(results).frozen
    if frozen is not None:
        yield Paragraph(text=f"計画の照合番号（SHA-256）：{frozen.sha256}")


def _files_table(files: Any) -> Table:
    rows = []
    for item in files:
        if isinstance(item, Mapping):
            numbers = tuple(f"{item[key]:,}" if isinstance(item.get(key), int) else "－" for key in ("rows_read", "rows_accepted", "rows_rejected"))
            rows.append((shorten(item.get("file") or "", 40), shorten(item.get("sheet") or "", 20), shorten(item.get("table") or "", 20), *numbers))
    heads = columns("ファイル", "シート", "表", "読込", "採用", "除外", right=(3, 4, 5), widths=(3, 1.4, 1.4, 0.8, 0.8, 0.8))
    return Table(columns=heads, rows=tuple(rows), caption="ファイルごとの行数")


def ledger_table(ledger: Ledger) -> Table:
    """Every figure with its interval, formula and grade; sentences stand in ledger.json only."""
    rows = tuple(
        (claim.id, shorten(claim.name, 44), claim.text, claim.range_text, claim.unit, shorten(claim.formula, 40)) for claim in ledger if claim.unit != "文"
    )
    return Table(columns=columns("番号", "名前", "値", "幅", "単位", "計算", right=(2,), widths=(0.6, 2.6, 1.2, 2, 1, 2.4)), rows=rows)

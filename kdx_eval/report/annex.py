"""別冊: everything that the two pages leave out, in the order of a budget file, as blocks for the PDF and the site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report import money_blocks as money
from kdx_eval.report.annex_checks import check_matrix, check_table
from kdx_eval.report.annex_ends import ledger_entries, summary_blocks
from kdx_eval.report.annex_hours import hours_blocks
from kdx_eval.report.answer_documents import question_blocks_of
from kdx_eval.report.blocks import Block, Bullets, Figure, Heading, Paragraph, Table, columns, shorten, typst_blocks, without_empty_columns
from kdx_eval.report.claims import NAIVE, grade_text, quality_counts
from kdx_eval.report.logic import logic_blocks, outline_blocks
from kdx_eval.report.paper import paper_blocks
from kdx_eval.report.pdf import compile_pdf
from kdx_eval.report.policy_parts import policy_blocks
from kdx_eval.report.quality_rows import files_table
from kdx_eval.report.timing import timing_table
from kdx_eval.report.wording import ROUNDING_NOTE, may_claim_prior, ordered_evidence, plan_note, planned, policy_note
from kdx_eval.schema import parameter
from kdx_eval.units import format_share, wareki_date

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results

TITLE = "予算要求書 附属資料（別冊）"
NO_CLAIM_NOTE = "　生まれた時間の合計は主張できません（計算上の数字として示します）。"
NO_YEN_NOTE = "生まれた時間の合計を主張できないため、人件費への換算と3年・5年の試算は示しません。"
NO_COST_NOTE = "費用が「－」の研修は、費用の一覧から分けて取り出せないもの。"
ROLES = {"primary": "主な問い", "secondary": "副次", "completion_only": "修了のみ"}
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
    ("二方向固定効果", "効果の出方が時期で違うと偏ることが知られている回帰。比べるためにだけ示す。"),
    ("ATT", "受けた側における平均の効果。この資料の「効果」に当たる。"),
    ("台帳番号（F…）", "この資料に出てくるすべての数字に付けた番号。計算シートと ledger.json で出所をたどれる。"),
)


def annex_pdf(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date, data: Path | None = None) -> bytes:
    """The 別冊 as PDF/A-2b; ``data`` is the folder with the city's own policy files. Raises OutputError when the template is faulty."""
    plan = planned(results)
    content: dict[str, Any] = {
        "title": TITLE,
        "heading": plan.heading,
        "city": shorten(plan.city, 40),
        "author": shorten(plan.city, 40),
        "running_title": shorten(f"{TITLE}　{plan.title}", 70),
        "prepared": f"データ基準日 {wareki_date(as_of)}",
        "synthetic": plan.synthetic,
        "synthetic_note": SYNTHETIC_NOTE if plan.synthetic else "",
        "footer": f"{ledger.note}{ROUNDING_NOTE}",
        "blocks": typst_blocks(paper_blocks(annex_blocks(results, ledger, pictures=pictures, data=data))),
    }
    return compile_pdf("annex.typ", content, images=pictures.content, as_of=as_of)


def annex_blocks(results: Results, ledger: Ledger, *, pictures: Pictures, data: Path | None = None) -> list[Block]:
    """All blocks in the order of a budget file: 要約, 概要, 積算, ロジックモデル, 検証, 費用対効果, 感度, 代替案, 突合, データ, 想定問答, 方針, 用語, 台帳."""
    parts: tuple[tuple[str, Iterable[Block]], ...] = (
        ("要約", summary_blocks(results, ledger)),
        ("事業概要と上位計画との関係", (*outline_blocks(results, ledger, data=data), *reach_blocks(results, ledger))),
        ("積算内訳と財源", (*request_blocks(results, ledger), *money.stage_blocks(results, ledger))),
        ("ロジックモデルと指標", logic_blocks(results, ledger)),
        ("前年度までの効果の検証", effect_blocks(results, ledger, pictures=pictures)),
        ("時間と費用対効果", (*worth_blocks(results, ledger), *hours_blocks(results, ledger, pictures=pictures))),
        ("費用の全体と単価", (*money.full_cost_blocks(results, ledger), *money.price_blocks(results, ledger))),
        ("要求年度の見込み", money.outlook_blocks(results, ledger)),
        ("感度と分岐点", (*sensitivity_blocks(results, ledger), *money.sensitivity_blocks(results, ledger, pictures=pictures))),
        ("代替案と他団体の例", (*alternative_blocks(results, ledger), *money.alternative_blocks(results, ledger), *money.peer_blocks(results, ledger))),
        ("前年度の見込みと実績", prior_blocks(results, ledger)),
        ("データ・前提・版", quality_blocks(results, ledger)),
        ("想定問答", question_blocks_of(results, ledger)),
        ("方針の項目ごとの状況", policy_blocks(ledger, results.policy, figures=pictures.by_part)),
        ("用語解説", (Table(columns=columns("用語", "意味", widths=(1, 3)), rows=GLOSSARY),)),
        ("数字の台帳", ledger_blocks(ledger)),
    )
    filled = [(title, made) for title, blocks in parts if (made := list(blocks))]
    return [block for number, (title, made) in enumerate(filled, start=1) for block in (Heading(text=f"{number}　{title}"), *made)]


def effect_blocks(results: Results, ledger: Ledger, *, pictures: Pictures) -> Iterator[Block]:
    """The verdicts in one table, then question by question."""
    yield summary_table(results)
    yield from check_matrix(results)
    shared = shared_conditions(results, ledger)
    if shared:
        yield Paragraph(text="すべての問いに共通の条件")
        yield Bullets(items=shared)
    for number, item in enumerate(ordered_evidence(results), start=1):
        yield Heading(text=f"問{number}　{shorten(item.title, 60)}", level=3)
        yield from finding_blocks(results, ledger, item=item, told=shared)
        yield from number_blocks(results, ledger, item=item, pictures=pictures)
        yield from check_table(item, ledger, whole=number == 1)
        yield from wording_blocks(item, ledger)


def request_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """積算, funding and the reasons for the change."""
    budget = results.budget
    if budget is None:
        yield Paragraph(text="費用の一覧がないため、要求額は示せません。")
        return
    asked, before, change = (ledger.text(name) for name in ("request.yen", "previous.yen", "change.yen"))
    lacking = tuple(ledger.text(f"missing.{place}") for place in range(len(budget.missing)))
    if not budget.lines:
        yield Bullets(items=(ledger.text("change.reason"), *lacking))
        return
    yield Paragraph(text=f"要求額{asked}千円、前年度予算額{before}千円、増減{change}千円。{ledger.text('change.reason')}")
    if budget.funding:
        heads = columns("財源", "要求額（千円）", "前年度（千円）", right=(1, 2), widths=(2, 1, 1))
        funded = [(shorten(item.source, 30), *_texts(ledger, f"funding.{place}", ("yen", "previous"))) for place, item in enumerate(budget.funding)]
        yield Table(columns=heads, rows=tuple(funded), caption="財源")
    heads = columns(
        "款項目・事業", "節", "細節", "数量", "単価（円）", "千円", "根拠", "経常・臨時", right=(3, 4, 5), widths=(2, 1.2, 2.4, 0.9, 1.2, 1, 1.3, 0.9)
    )
    rows = tuple(
        (
            shorten(f"{line.account} {line.project}", 28),
            shorten(line.section, 14),
            shorten(line.detail, 40),
            *_texts(ledger, f"line.{place}", ("quantity", "unit_price", "yen")),
            shorten(line.quote_reference, 20),
            line.recurring,
        )
        for place, line in enumerate(budget.lines)
    )
    yield without_empty_columns(Table(columns=heads, rows=rows, caption="積算（要求）"))
    changes = tuple(f"{ledger.text(f'changes.{place}.yen')}千円　{ledger.text(f'changes.{place}.sentence')}" for place in range(len(budget.changes)))
    if changes:
        yield Paragraph(text="増減の内訳")
        yield Bullets(items=changes)
    notes = (*lacking, *(ledger.text(f"budget_note.{place}") for place in range(len(budget.notes))))
    if notes:
        yield Paragraph(text="注記")
        yield Bullets(items=notes)


def scenario_note() -> str:
    """What the scenarios assume; the discount rate as data_schema/parameters.csv gives it."""
    rate = format_share(float(parameter("discount_rate").value), 0).replace("%", "％")
    return f"定着は、1年後に残る効果の割合（出所は「要求年度の見込み」）。割引率{rate}は公共事業の評価に準じたもので、研修の予算に義務づけられたものではない。"


def reach_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Every course: who took part, who completed it, at what cost."""
    reach = () if results.budget is None else results.budget.reach
    if not reach:
        yield Paragraph(text="受講記録がありません。")
        return
    fields = ("enrolled", "completed", "completion_share", "reach_share", "cost", "unit_cost")
    rows = tuple((shorten(item.course_name, 44), *_texts(ledger, f"reach.{place}", fields)) for place, item in enumerate(reach))
    titles = ("研修", "受講者", "修了者", "修了率", "職員に占める修了者", "費用（千円）", "修了1人当たり（円）")
    heads = columns(*titles, right=range(1, 7), widths=(3, 0.9, 0.9, 0.8, 1.2, 1.2, 1.2))
    yield Table(columns=heads, rows=rows, caption=f"{planned(results).evaluated_fiscal_year.wareki}の受講と費用", note=NO_COST_NOTE)


def _texts(ledger: Ledger, name: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(ledger.text(f"{name}.{field}") for field in fields)


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
            ledger.text(f"prior.{place}.share") if may_claim_prior(results, item.claim_id) else "－",
            ledger.text(f"prior.{place}.sentence"),
        )
        for place, item in enumerate(claims)
    )
    yield Table(columns=columns("見込みの内容", "見込み", "実績", "幅", "実績÷見込み", "説明", right=(1, 2, 4), widths=(2, 1.1, 1.3, 1.5, 1.3, 2.4)), rows=rows)


def summary_table(results: Results) -> Table:
    """All questions with their verdict and both scales by name."""
    rows = tuple(
        (f"問{number}", shorten(item.title, 60), ROLES[item.role], item.verdict, item.basis_plain, grade_text(item))
        for number, item in enumerate(ordered_evidence(results), start=1)
    )
    return Table(
        columns=columns("番号", "問い", "区分", "判定", "比べ方", "根拠の強さ", widths=(0.6, 3, 0.9, 1.1, 1.2, 2.4)), rows=rows, caption="問いと判定の一覧"
    )


def shared_conditions(results: Results, ledger: Ledger) -> tuple[str, ...]:
    """The conditions that hold for every estimated question, in the order of the first; nothing where there is but one question."""
    each = [tuple(_conditions(study, ledger, name=f"question.{key}")) for key, study in results.studies.items() if key in results.evidence]
    return tuple(text for text in each[0] if all(text in others for others in each[1:])) if len(each) > 1 else ()


def _conditions(study: EffectStudy, ledger: Ledger, *, name: str) -> Iterator[str]:
    for kind, texts in (("setting", study.settings), ("note", study.notes)):
        yield from (ledger.text(f"{name}.{kind}.{place}") for place in range(len(texts)))


def finding_blocks(results: Results, ledger: Ledger, *, item: Evidence, told: tuple[str, ...] = ()) -> Iterator[Block]:
    """The finding in one sentence, how it was looked for (but for what was ``told`` of all questions) and how strong the ground is."""
    name = f"question.{item.question_id}"
    asked = next((question for question in planned(results).questions if question.question_id == item.question_id), None)
    yield Paragraph(text=ledger.text(f"{name}.headline"))
    if asked is not None:
        yield Paragraph(text=f"調べ方：{DESIGNS[asked.design]}。{asked.explanation}")
    study = results.studies.get(item.question_id)
    if study is not None:
        yield Bullets(items=tuple(text for text in _conditions(study, ledger, name=name) if text not in told))
    yield Paragraph(text=f"判定：{item.verdict}　根拠の強さ：{grade_text(item)}　比べ方：{item.basis_plain}")


def number_blocks(results: Results, ledger: Ledger, *, item: Evidence, pictures: Pictures) -> Iterator[Block]:
    """Who took part when, the plots and the figures; nothing where nothing was estimated."""
    study = results.studies.get(item.question_id)
    if study is not None:
        if study.coverage:
            yield Paragraph(text="分析に使った単位と使わなかった単位")
            yield Bullets(items=tuple(ledger.text(f"question.{item.question_id}.coverage.{place}") for place in range(len(study.coverage))))
        yield timing_table(study)
        for picture in pictures.by_question.get(item.question_id, ()):
            yield Figure(name=picture.file.removesuffix(".png"), png=pictures.content[picture.file], alt=picture.alt, caption=picture.caption)
        yield _estimates_table(item, ledger)


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


def _estimates_table(item: Evidence, ledger: Ledger) -> Table:
    name = f"question.{item.question_id}"
    wanted = [
        ("効果（見出しの数字）", f"{name}.estimate"),
        ("年間の時間（ほかの取組と分ける前）", f"{name}.gross"),
        ("年間の時間（正は創出）", f"{name}.saved"),
        ("参考：年間の時間（実測ではない）", f"{name}.reference_hours"),
        ("研修前の時間", f"{name}.baseline"),
        ("研修前に対する割合", f"{name}.share"),
    ]
    wanted += [("意味があるとみなす最小の大きさ", f"{name}.smallest"), ("見つけられる最小の大きさ（結果を見る前）", f"{name}.detectable")]
    wanted += [("見つけられる最小の大きさ（結果の幅も見て）", f"{name}.could_find")]
    wanted += [(f"参考：{label}（効果とは言えない）", f"{name}.{estimand}") for estimand, label in NAIVE.items()]
    rows = tuple(
        (label, ledger.text(key), ledger.range_text(key), ledger.claim(key).id) for label, key in wanted if ledger.has(key) and ledger.claim(key).is_figure
    )
    return Table(columns=columns("数字", "値", "幅（95％）", "台帳", widths=(2.4, 2, 2, 0.6)), rows=rows, caption="数字の一覧")


def value_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Hours, their use, yen for reference, scenarios, switching values, alternatives."""
    yield from worth_blocks(results, ledger)
    yield from sensitivity_blocks(results, ledger)
    yield from alternative_blocks(results, ledger)


def worth_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Hours, their use, what leaves the budget, yen for reference, scenarios."""
    if results.savings is not None:
        # Share and persons have no range of their own: they stand only where the total may be claimed.
        divided = [key for key in ("gross", "overlap") if ledger.has(f"savings.{key}")]
        keys = [*divided, "created", "attendance", "net", *(["share", "persons"] if results.savings.may_claim else [])]
        names = [f"savings.{key}" for key in keys] + ["bridge.redeployed", "bridge.unexplained"] * results.savings.bridge.recorded + ["cash.hours"]
        claims = [ledger.claim(name) for name in names if ledger.claim(name).is_figure]
        hours = tuple((claim.label, claim.text, claim.range_text, claim.id) for claim in claims)
        basis = ledger.text("savings.person_basis") if results.savings.person_equivalent is not None and results.savings.may_claim else ""
        note = basis + (NO_CLAIM_NOTE if results.savings.created is not None and not results.savings.may_claim else "")
        yield Table(columns=columns("項目", "年間", "幅（95％）", "台帳", right=(1,), widths=(2, 1.2, 2, 0.6)), rows=hours, caption="時間", note=note)
        if results.savings.notes:
            yield Bullets(items=tuple(ledger.text(f"savings.note.{place}") for place in range(len(results.savings.notes))))
    budget = results.budget
    if budget is None:
        return
    yield Paragraph(text=f"予算が実際に減る額：{ledger.text('cash.yen')}。{ledger.text('cash.sentence')}" if budget.lines else ledger.text("cash.sentence"))
    may_claim = results.savings is not None and results.savings.may_claim
    if not may_claim:
        yield Paragraph(text=NO_YEN_NOTE)
    elif ledger.has("value.yen"):
        yield Paragraph(text=f"参考（人件費換算、予算は減らない）：{ledger.text('value.yen')}（{ledger.range_text('value.yen')}）。")
    yield Paragraph(text=f"時間の単価：{ledger.text('price.sentence')}")
    if budget.scenarios and may_claim:
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
        yield Table(columns=heads, rows=rows, caption="見込み（実績には加えない）", note=scenario_note(), on_paper=_scenarios_on_paper(budget))


def _scenarios_on_paper(budget: BudgetCase) -> tuple[int, ...]:
    """All horizons and retentions at the usual rate; the other rates, which hardly matter, for the longest horizon."""
    usual, longest = float(parameter("discount_rate").value), max(item.years for item in budget.scenarios)
    return tuple(place for place, item in enumerate(budget.scenarios) if item.discount_rate == usual or item.years == longest)


def sensitivity_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """分岐点, and at which values of the assumptions the judgement turns."""
    budget = results.budget
    parts = [ledger.text("even.sentence")] if budget is not None and budget.break_even is not None else []
    # The conditions name the estimate, which stands only where the total may be claimed.
    claimed = budget is not None and results.savings is not None and results.savings.may_claim
    parts += [ledger.text(f"switch.{place}.sentence") for place in range(len(budget.switching_values) if budget is not None and claimed else 0)]
    yield Paragraph(text="分岐点と、判断が変わる条件" if parts else "費用または時間の単価がないため、分岐点は示せません。")
    if parts:
        yield Bullets(items=tuple(parts))


def alternative_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Other ways to the same end, where the city states them."""
    alternatives = tuple(ledger.text(f"alternative.{place}") for place in range(0 if results.budget is None else len(results.budget.alternatives)))
    yield Paragraph(text="代替案" if alternatives else "代替案の記載はありません。")
    if alternatives:
        yield Bullets(items=alternatives)


def quality_blocks(results: Results, ledger: Ledger) -> Iterator[Block]:
    """Rows read, accepted and refused, files, matching, and the plan's freeze."""
    counts = quality_counts(results)
    if counts:
        labels = {"rows_read": "読み込んだ行", "rows_accepted": "採用した行", "rows_rejected": "除外した行（rejected.csv に場所と理由）"}
        rows = tuple((labels[key], ledger.text(f"quality.{key}")) for key in counts)
        yield Table(columns=columns("項目", "行数", right=(1,), widths=(3, 1)), rows=rows)
    files = files_table(results)
    if files is not None:
        yield files
    yield Paragraph(text=policy_note(results))
    yield Paragraph(text=plan_note(planned(results)))
    frozen = planned(results).frozen
    if frozen is not None:
        yield Paragraph(text=f"計画の照合番号（SHA-256）：{frozen.sha256}")


def ledger_blocks(ledger: Ledger) -> Iterator[Block]:
    """Every figure under its number, and the digest of the results."""
    yield Paragraph(text="番号（F…）は、計算シートの「台帳」・ledger.json・閲覧用のサイトと同じです。計算式ともとの表はそこにあります。")
    yield Paragraph(text=f"計算結果の照合番号（SHA-256）：{ledger.digest}")
    yield ledger_entries(ledger)

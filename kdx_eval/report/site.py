"""The offline site: plain HTML pages with embedded style and script, pictures beside them, no reference to any other place."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.plots import SYNTHETIC_NOTE
from kdx_eval.report.annex import (
    GLOSSARY,
    finding_blocks,
    number_blocks,
    prior_blocks,
    quality_blocks,
    reach_blocks,
    request_blocks,
    value_blocks,
    wording_blocks,
)
from kdx_eval.report.annex_checks import check_blocks
from kdx_eval.report.annex_hours import hours_blocks
from kdx_eval.report.audience import for_audience
from kdx_eval.report.blocks import Block, Figure, Heading, Table, columns, html_blocks, html_table, shorten
from kdx_eval.report.content import appendix_content, effect_text, naive_text
from kdx_eval.report.finding_page import finding_body
from kdx_eval.report.lineage import PARAMETERS, PLAN
from kdx_eval.report.money_blocks import money_blocks
from kdx_eval.report.notebooks_html import notebook_html, notebook_title
from kdx_eval.report.pictures import Pictures, draw_site_pictures
from kdx_eval.report.policy_parts import policy_blocks
from kdx_eval.report.range_chart import range_chart
from kdx_eval.report.tracing import ends_of
from kdx_eval.report.wording import ROUNDING_NOTE, ordered_evidence, part_of, planned
from kdx_eval.resources import root_dir
from kdx_eval.safe import escape_html, safe_child, safe_name, write_atomic
from kdx_eval.schema import load_schema

if TYPE_CHECKING:
    import datetime as dt

    from kdx_eval.disclosure import Audience
    from kdx_eval.evidence import Evidence
    from kdx_eval.plan import Plan
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

FOLDER, IMAGES = "site", "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One page: file name, title, body, and its place in the menu (None: reached from another page)."""

    file: str
    title: str
    body: str
    menu: str | None = None


def write_site(results: Results, out: Path, *, as_of: dt.date, notebooks: Sequence[Path] = (), audience: Audience | None = None) -> Path:
    """Write the site into ``out/site`` and return its ``index.html``.

    Parameters
    ----------
    results : Results
    out : Path
        The run's folder; it exists.
    as_of : date
        The data-freeze date.
    notebooks : sequence of Path
        Executed notebooks, each shown as a page; they are for the office, and no part of a public site.
    audience : {"internal", "public"}, optional
        Without it, the one that the plan names.

    Raises
    ------
    OutputError
        A notebook cannot be read or a file cannot be written; the index is written last, so that no page points to a missing one.
    """
    results, ledger = for_audience(results, audience)
    pictures = draw_site_pictures(results)
    plan = planned(results)
    pages = [
        _questions(results, ledger),
        *_question_pages(results, ledger, pictures=pictures),
        _wording(results, ledger),
        _budget(results, ledger, pictures=pictures),
        _hours(results, ledger, pictures=pictures),
        *_policy(results, ledger, pictures=pictures),
        _quality(results, ledger),
        _finding(results, ledger),
        _ledger(ledger),
        *_notebooks(() if ledger.note else notebooks),
        _index(results, ledger, as_of=as_of, pictures=pictures),
    ]
    menu = [(page.file, page.menu) for page in (pages[-1], *pages[:-1]) if page.menu is not None]
    for name, content in pictures.content.items():
        write_atomic(safe_child(out, f"{FOLDER}/{IMAGES}/{name}"), content)
    for page in pages:
        write_atomic(safe_child(out, f"{FOLDER}/{page.file}"), _html(page, plan=plan, menu=menu, note=ledger.note))
    return safe_child(out, f"{FOLDER}/index.html")


def _html(page: _Page, *, plan: Plan, menu: Sequence[tuple[str, str | None]], note: str = "") -> str:
    css, script = ((root_dir("templates") / name).read_text(encoding="utf-8") for name in ("site.css", "site.js"))
    # Only this style, this script and local pictures may run or load, whatever a text in the data says.
    policy = f"default-src 'none'; img-src 'self' file: data:; style-src 'sha256-{_digest(css)}'; script-src 'sha256-{_digest(script)}'"
    items = "".join(
        f'<li><a href="{escape_html(file)}"{" aria-current=" + chr(34) + "page" + chr(34) if file == page.file else ""}>{escape_html(label)}</a></li>'
        for file, label in menu
    )
    banner = f'<div class="banner" role="note">{escape_html(SYNTHETIC_NOTE)}</div>' if plan.synthetic else ""
    return (
        '<!DOCTYPE html>\n<html lang="ja">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{escape_html(page.title)}｜{escape_html(plan.title)}</title>\n<style>{css}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#main">本文へ</a>\n{banner}\n'
        f'<header><p class="brand">{escape_html(plan.title)}</p><p>{escape_html(plan.city)}　{escape_html(plan.heading)}</p>\n'
        f'<nav aria-label="目次"><ul>{items}</ul></nav></header>\n'
        f'<main id="main">\n<h1>{escape_html(page.title)}</h1>\n{page.body}\n</main>\n'
        f"<footer>{escape_html(note + ROUNDING_NOTE)}</footer>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _body(blocks: Iterable[Block]) -> str:
    return html_blocks(blocks, images=IMAGES)


def _question_file(question_id: str) -> str:
    return f"question-{safe_name(question_id)}.html"


def _index(results: Results, ledger: Ledger, *, as_of: dt.date, pictures: Pictures) -> _Page:
    content = appendix_content(results, ledger, as_of=as_of, pictures=pictures.main)
    amounts = "".join(
        f"<div><dt>{escape_html(item['label'])}</dt><dd>{escape_html(item['value'])}{escape_html(item['unit'])}</dd></div>" for item in content["amounts"]
    )
    chart = range_chart(results, ledger)
    drawn = pictures.wide[:1] if chart else pictures.wide  # the chart shows the ranges, and tells their figures
    figures = chart + _body(Figure(name=item.file.removesuffix(".png"), png=b"", alt=item.alt, caption=item.caption) for item in drawn)
    reach = Table(
        columns=columns("研修", "受講者", "修了者", "修了率", "費用（千円）", "修了1人当たり（円）", right=range(1, 6)),
        rows=tuple(tuple(row[key] for key in ("course", "enrolled", "completed", "share", "cost", "unit_cost")) for row in content["reach"]),
        note=content["reach_more"].replace("は別冊に記載", "は「要求と費用対効果」に記載"),
    )
    cuts = Table(
        columns=columns("案", "要求額（千円）", "実施できること", "失うもの", right=(1,)),
        rows=tuple(tuple(row[key] for key in ("option", "amount", "can_do", "forgone")) for row in content["reduction"]),
    )
    lists = "".join(
        f"<h2>{label}</h2><ul>" + "".join(f"<li>{escape_html(item)}</li>" for item in content[key]) + "</ul>"
        for label, key in (("創出時間と分岐点", "hours"), ("限界と、判断が変わる条件", "limits"), ("来年度の計画", "next_year"))
    )
    body = (
        f'<p>{escape_html(content["prepared"])}</p>\n<dl class="amounts">{amounts}</dl>\n<p>{escape_html(content["change_reason"])}</p>\n'
        f'<h2>効果（一文）</h2>\n<p class="lead">{escape_html(content["effect_sentence"])}</p>\n'
        f'{"".join(_paragraph(content[key]) for key in ("sure_sentence", "honest_case") if content[key])}\n'
        f"<h2>予算が実際に減る額</h2>\n<p>{escape_html(content['cash_amount'])}　{escape_html(content['cash_text'])}</p>\n"
        f"<h2>減額した場合の影響</h2>\n{html_table(cuts) if cuts.rows else _paragraph(content['reduction_more'])}\n"
        f"<h2>誰に何をしたか（{escape_html(content['evaluated_label'])}）</h2>\n{html_table(reach) if reach.rows else _paragraph(content['reach_more'])}\n"
        f"<h2>効果はあったか</h2>\n{_question_table(results, ledger)}\n{figures}\n{lists}\n"
        f'<p class="note">{escape_html(content["notes"])}</p>'
    )
    return _Page(file="index.html", title="要点", body=body, menu="要点")


def _paragraph(text: str) -> str:
    return f"<p>{escape_html(text)}</p>"


def _question_table(results: Results, ledger: Ledger) -> str:
    """All questions with links to their pages."""
    rows = []
    for number, item in enumerate(ordered_evidence(results), start=1):
        whole = part_of(results, item.question_id)
        inside = f"（問{whole}の一部）" if whole else ""
        link = f'<a href="{escape_html(_question_file(item.question_id))}">問{number}　{escape_html(shorten(item.title, 60))}</a>{inside}'
        cells = "".join(f'<td class="tight">{escape_html(cell)}</td>' for cell in (item.verdict, item.basis_plain))
        cells += f'<td class="lines">{escape_html(effect_text(item, ledger))}</td><td>{escape_html(naive_text(item, ledger))}</td>'
        rows.append(f"<tr><td>{link}</td>{cells}</tr>")
    if not rows:
        return _paragraph("問いがありません。")
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("問い", "判定", "比べ方", "効果（幅は95％）", "参考：単純な前後比較（効果とは言えない）"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="表：問いと判定">{table}</div>'


def _questions(results: Results, ledger: Ledger) -> _Page:
    glossary = html_table(Table(columns=columns("用語", "意味"), rows=GLOSSARY))
    return _Page(file="questions.html", title="問いと判定", body=f"{_question_table(results, ledger)}\n<h2>用語解説</h2>\n{glossary}", menu="問いと判定")


def _question_body(results: Results, ledger: Ledger, *, item: Evidence, pictures: Pictures) -> str:
    parts = (
        ("結論", finding_blocks(results, ledger, item=item)),
        ("推移と数字", number_blocks(results, ledger, item=item, pictures=pictures)),
        ("確かめたこと", check_blocks(item, ledger, pictures=pictures)),
        ("言ってよいこと、いけないこと", wording_blocks(item, ledger)),
    )
    made = ((title, list(blocks)) for title, blocks in parts)
    return _body(block for title, blocks in made if blocks for block in (Heading(text=title), *blocks))


def _question_pages(results: Results, ledger: Ledger, *, pictures: Pictures) -> list[_Page]:
    return [
        _Page(
            file=_question_file(item.question_id),
            title=f"問{number}　{shorten(item.title, 80)}",
            body=_question_body(results, ledger, item=item, pictures=pictures),
        )
        for number, item in enumerate(ordered_evidence(results), start=1)
    ]


def _wording(results: Results, ledger: Ledger) -> _Page:
    parts = []
    for number, item in enumerate(ordered_evidence(results), start=1):
        parts.append(f"<h2>問{number}　{escape_html(shorten(item.title, 80))}（{item.verdict}）</h2>")
        parts.append(_sides(item, ledger))
    title = "この数字は言ってよい / 言ってはいけない"
    return _Page(file="wording.html", title=title, body="\n".join(parts) or "<p>問いがありません。</p>", menu="言ってよい / いけない")


def _sides(item: Evidence, ledger: Ledger) -> str:
    """What may be said beside what may not; marks and words tell them apart, not colour alone."""
    name = f"question.{item.question_id}"
    sides = []
    for kind, sentences, mark, label in (
        ("sentence", item.sentences, "○", "言ってよい"),
        ("forbidden", item.forbidden, "×", "言ってはいけない"),
        ("limit", item.limits, "＋", "必ず添えること"),
        ("reason", item.reasons, "・", "根拠の強さがこれより上でない理由"),
    ):
        if sentences:
            items = "".join(f"<li>{escape_html(ledger.text(f'{name}.{kind}.{place}'))}</li>" for place in range(len(sentences)))
            sides.append(f'<section class="{kind}"><h3><span aria-hidden="true">{mark}</span>{label}</h3><ul>{items}</ul></section>')
    return f'<div class="sides">{"".join(sides)}</div>'


def _budget(results: Results, ledger: Ledger, *, pictures: Pictures) -> _Page:
    blocks: list[Block] = [Heading(text="要求の一覧"), *request_blocks(results, ledger), Heading(text="前年度の見込みと実績"), *prior_blocks(results, ledger)]
    blocks += [Heading(text="受講の広がり"), *reach_blocks(results, ledger), Heading(text="時間と費用対効果"), *value_blocks(results, ledger)]
    blocks += [Heading(text="費用の全体、単価、要求年度の見込み、他団体の例"), *money_blocks(results, ledger, pictures=pictures)]
    return _Page(file="budget.html", title="要求と費用対効果", body=_body(blocks), menu="要求と費用対効果")


def _hours(results: Results, ledger: Ledger, *, pictures: Pictures) -> _Page:
    blocks = hours_blocks(results, ledger, pictures=pictures)
    body = _body(replace(block, level=2) if isinstance(block, Heading) else block for block in blocks) or _paragraph("時間の計算はまだありません。")
    return _Page(file="hours.html", title="時間の内訳", body=body, menu="時間の内訳")
def _policy(results: Results, ledger: Ledger, *, pictures: Pictures) -> list[_Page]:
    if not results.policy:
        return []
    blocks = policy_blocks(ledger, results.policy, figures=pictures.by_part)
    body = _body(replace(block, level=2) if isinstance(block, Heading) else block for block in blocks)
    return [_Page(file="policy.html", title="方針の項目ごとの状況", body=body, menu="方針の項目")]


def _quality(results: Results, ledger: Ledger) -> _Page:
    return _Page(file="quality.html", title="データの品質", body=_body(quality_blocks(results, ledger)), menu="データの品質")


def _finding(results: Results, ledger: Ledger) -> _Page:
    return _Page(file="search.html", title="さがす", body=finding_body(results, ledger, question_file=_question_file), menu="さがす")


def _ledger(ledger: Ledger) -> _Page:
    """Every figure with what it rests on; each row can be linked to by its id."""
    titles = {table.name: table.title for table in load_schema().tables.values()} | {PLAN: "評価の計画", PARAMETERS: "前提の一覧"}
    rows = []
    for claim in ledger:
        if claim.is_figure:
            rests_on = "、".join(titles[name] for name in sorted(ends_of(ledger, claim)) if name in titles)
            cells = (claim.title, claim.full_text, claim.full_range, claim.formula, rests_on)
            rows.append(f'<tr id="{claim.id}"><td class="tight">{claim.id}</td>' + "".join(f"<td>{escape_html(cell)}</td>" for cell in cells) + "</tr>")
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("番号", "名前", "値", "幅（95％）", "計算", "もとの表"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    note = "kdx-eval trace 番号 とすると、もとのファイル・シート・行数までたどれます。"
    body = f'<p>{escape_html(note)}</p>\n<div class="scroll" tabindex="0" role="region" aria-label="表：数字の台帳">{table}</div>'
    return _Page(file="ledger.html", title="数字の台帳", body=body, menu="数字の台帳")


def _notebooks(notebooks: Sequence[Path]) -> list[_Page]:
    if not notebooks:
        return []
    pages = [_Page(file=f"notebook-{safe_name(path.stem)}.html", title=notebook_title(path), body=notebook_html(path)) for path in notebooks]
    links = "".join(f'<li><a href="{escape_html(page.file)}">{escape_html(page.title)}</a></li>' for page in pages)
    return [*pages, _Page(file="notebooks.html", title="計算の過程（ノート）", body=f"<ul>{links}</ul>", menu="計算の過程")]

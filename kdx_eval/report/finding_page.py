"""さがす: one page of the site on which questions, courses, departments and figures are found by a word."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from kdx_eval.report.blocks import shorten
from kdx_eval.report.wording import ordered_evidence
from kdx_eval.safe import escape_html
from kdx_eval.units import FiscalYear, Month, wareki_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

_HINT = "語を入れると、問い・研修・所属・数字の中から絞り込みます（番号 F12、金額、課の名前でも探せます）。"


class Entry(NamedTuple):
    """One thing that can be found: its kind, where it stands, what it is called and what is said of it."""

    kind: str
    link: str
    title: str
    text: str


def finding_body(results: Results, ledger: Ledger, *, question_file: Callable[[str], str]) -> str:
    """The page's body: every entry in plain lists, which the site's script narrows while one types."""
    entries = [*_questions(results, question_file), *_courses(results, ledger), *_departments(results, question_file), *_figures(ledger)]
    box = '<label for="search">さがす語</label><input id="search" type="search" aria-describedby="search-hint" autocomplete="off">'
    parts = [f'<p id="search-hint">{escape_html(_HINT)}</p>', f'<form class="search" role="search">{box}</form>', '<p id="found" role="status"></p>']
    for kind, group in groupby(entries, key=lambda entry: entry.kind):
        items = "".join(
            f'<li><a href="{escape_html(entry.link)}">{escape_html(entry.title)}</a><span>{escape_html(entry.text)}</span></li>' for entry in group
        )
        parts.append(f'<section class="hits"><h2>{escape_html(kind)}</h2><ul>{items}</ul></section>')
    return "\n".join(parts)


def _questions(results: Results, question_file: Callable[[str], str]) -> Iterator[Entry]:
    for number, item in enumerate(ordered_evidence(results), start=1):
        told = f"{item.verdict}　{shorten(item.headline_sentence, 120)}"
        yield Entry("問い", question_file(item.question_id), f"問{number}　{shorten(item.title, 80)}", told)


def _courses(results: Results, ledger: Ledger) -> Iterator[Entry]:
    for place, item in enumerate(() if results.budget is None else results.budget.reach):
        told = "　".join(f"{label}{ledger.text(f'reach.{place}.{field}')}" for label, field in (("受講者", "enrolled"), ("修了者", "completed")))
        yield Entry("研修", "budget.html", shorten(item.course_name, 60), told)


def _departments(results: Results, question_file: Callable[[str], str]) -> Iterator[Entry]:
    """Each department once, with the part it plays in every question; only where the run recorded them, and never for the public."""
    numbers = {item.question_id: number for number, item in enumerate(ordered_evidence(results), start=1)}
    rows = [row for row in results.quality.get("units") or () if row["question_id"] in numbers]
    by_name: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        by_name.setdefault((row["name"], row["unit"]), []).append(row)
    for (name, _), parts in sorted(by_name.items()):
        told = "。".join(f"問{numbers[part['question_id']]}：{_began(part['began'])}" for part in sorted(parts, key=lambda part: numbers[part["question_id"]]))
        yield Entry("所属", question_file(parts[0]["question_id"]), shorten(name, 60), told)


def _began(began: str) -> str:
    if not began:
        return "受講していない（比べる相手）"
    when = wareki_date(Month.parse(began).first_day).removesuffix("1日") if "-" in began else FiscalYear(int(began)).wareki
    return f"{when}に受講を始めた"


def _figures(ledger: Ledger) -> Iterator[Entry]:
    for claim in ledger:
        if claim.is_figure and claim.value is not None and math.isfinite(claim.value):
            yield Entry("数字", f"ledger.html#{claim.id}", f"{claim.id}　{claim.title}", " ".join(filter(None, (claim.full_text, claim.full_range))))

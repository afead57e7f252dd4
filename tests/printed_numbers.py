"""The numbers that a document prints, without those that are no figures; the exceptions are listed here, each with its reason."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from kdx_eval.report.ledger import Ledger
from kdx_eval.results import Results

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
NO_FIGURES = (
    (r"[0-9a-f]{64}|[a-z][a-z_]*(?:\.[a-z0-9_]+)+|SHA-256|PDF/A-2b|U\+[0-9A-F]+", "digests, names within the ledger, formats, code points"),
    (
        (r"(?:令和|平成)\d+年度?(?:\d+月)?(?:\d+日)?|r\d+-\d{2}|R\d+(?:年度|要求|上期|[.\-]\d+(?:-\d+)?)?|\d{4}年度?(?:\d+月)?(?:\d+日)?"
        r"|\d{4}-\d{2}(?:-\d{2})?"),
        "years and dates",
    ),
    (r"(?:[1-9]|1[0-2])月(?!\d)|\d+か月目", "months"),
    (r"問\d+|見込み\d+(?=\(|$)|F\d+|図\d+|表\d+|Lv\d[ab]?|尺度\d|\d+年目", "numbers of questions, figures, ledger entries and steps of a scale"),
    (r"(?m)^\s*(?:[1-9]|1[0-2])(?: (?=[^\W\d])|[)]|\.(?!\d))|^\d{1,3}/\d{1,3}$|\d{1,3}\s*/\s*\d{1,3}(?=\s*$)", "numbers of sections and pages"),
    (
        r"ほか\d+(?:件|講座|行|問)|全\d+件|(?:効果あり|小さい効果|実質的効果なし|逆効果|判定不能|検証対象外)(?:の)?\d+件|なし(?:の)?\d+件|がない\d+件",
        "how many entries a list has",
    ),
    (r"(?<![\d,.])1(?:人(?:当たり|1月|・|分|の)|課|業務|単位|か月|月|時間(?!外)|件|年|回|を1)|A4|\d+字以内", "units of a rate"),
    (r"(?<![\d,.])(?:95%|80%|100回|1つ|0から5|5が最も)|を1とした|効果=1", "the confidence that every interval has, and the scales' own ends"),
)


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Each page, paragraph, cell or shape of a document as (place, text)."""
    reader = {".pdf": _pdf, ".docx": _word, ".xlsx": _sheet, ".pptx": _slides, ".txt": _plain}[path.suffix]
    yield from ((f"{path.name} {place}", text) for place, text in reader(path))


def _plain(path: Path) -> Iterator[tuple[str, str]]:
    yield from ((f"{number}行", line) for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1))


def _pdf(path: Path) -> Iterator[tuple[str, str]]:
    from pypdf import PdfReader

    yield from ((f"{number}ページ", page.extract_text()) for number, page in enumerate(PdfReader(path).pages, start=1))


def _word(path: Path) -> Iterator[tuple[str, str]]:
    from docx import Document

    document = Document(str(path))
    yield from (("段落", paragraph.text) for paragraph in document.paragraphs)
    for table in document.tables:
        yield from (("表", cell.text) for row in table.rows for cell in row.cells)
    for section in document.sections:
        yield from (("欄外", paragraph.text) for part in (section.header, section.footer) for paragraph in part.paragraphs)


def _sheet(path: Path) -> Iterator[tuple[str, str]]:
    from openpyxl import load_workbook

    for sheet in load_workbook(path, data_only=True).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str):
                    yield f"{sheet.title}!{cell.coordinate}", cell.value


def values_of(path: Path) -> Iterator[tuple[str, float]]:
    """The numbers in the cells of a workbook as (sheet!cell, number), but for columns headed 番号, which number the rows."""
    from openpyxl import load_workbook

    for sheet in load_workbook(path, data_only=True).worksheets:
        numbering = {cell.column for row in sheet.iter_rows() for cell in row if cell.value == "番号"}
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, int | float) and not isinstance(cell.value, bool) and cell.column not in numbering:
                    yield f"{sheet.title}!{cell.coordinate}", float(cell.value)


def _slides(path: Path) -> Iterator[tuple[str, str]]:
    from pptx import Presentation

    for number, slide in enumerate(Presentation(str(path)).slides, start=1):
        for shape in slide.shapes:
            if shape.has_text_frame:
                yield f"{number}枚目", shape.text_frame.text
            if getattr(shape, "has_table", False) and shape.has_table:
                yield from ((f"{number}枚目の表", cell.text) for row in shape.table.rows for cell in row.cells)
        if slide.has_notes_slide:
            yield f"{number}枚目のノート", slide.notes_slide.notes_text_frame.text


def numbers_in(text: str, *, given: frozenset[str] = frozenset()) -> set[str]:
    """The numbers of a text that are figures; ``given`` are names that the city gave, which may hold numbers of their own."""
    plain = unicodedata.normalize("NFKC", text)
    for name in sorted(given, key=len, reverse=True):
        plain = plain.replace(name, " ")
    for pattern, _ in NO_FIGURES:
        plain = re.sub(pattern, " ", plain)
    return set(NUMBER.findall(plain))


def known_numbers(ledger: Ledger) -> set[str]:
    """Every number that the ledger prints."""
    printed = (part for claim in ledger for part in (claim.title, claim.text, claim.range_text, claim.full_text, claim.full_range, claim.formula))
    return {number for part in printed for number in NUMBER.findall(unicodedata.normalize("NFKC", part))}


def known_values(ledger: Ledger) -> set[float]:
    """Every unrounded value and end of an interval."""
    return {float(number) for claim in ledger for number in (claim.value, claim.low, claim.high) if number is not None}


def given_names(results: Results) -> frozenset[str]:
    """Texts of the city's own: names of budget lines, courses, questions, files and sources."""
    budget, plan = results.budget, results.plan
    names = {item.title for item in results.evidence.values()}
    if plan is not None:
        names |= {plan.title, plan.city, *(text for question in plan.questions for text in (question.title, question.explanation, question.reason))}
    if budget is not None:
        names |= {text for line in budget.lines for text in (line.account, line.project, line.section, line.detail, line.quote_reference)}
        names |= {item.course_name for item in budget.reach} | {item.basis for item in budget.prior_claims} | {change.detail for change in budget.changes}
    files = results.quality.get("files") or ()
    names |= {str(item.get(key) or "") for item in files for key in ("file", "sheet")} | {str(item["label"]) for item in results.quality.get("policies") or ()}
    plain = {unicodedata.normalize("NFKC", name) for name in names if name}
    return frozenset(name for name in plain if re.search(r"\d", name))

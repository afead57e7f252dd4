"""The documents as a budget examiner and a computer read them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from kdx_eval.errors import DataError, OutputError
from kdx_eval.report.appendix import appendix_pdf
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.documents import write_documents
from kdx_eval.report.pictures import draw_pictures
from kdx_eval.report.site import write_site
from kdx_eval.report.workbook import workbook_bytes
from kdx_eval.resources import root_dir
from kdx_eval.results import Results
from tests.report_city import AS_OF, TITLES, city, evidence, question, savings, study
from tests.report_city import plan as make_plan

NOTE = "合成データ"
CITY = city()  # one object, so that its plots are drawn once


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def count(self, name: str) -> int:
        return self.names.count(name)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("実行 結果")
    write_documents(CITY, out, as_of=AS_OF)
    return out / "documents"


def texts(pdf: bytes) -> list[str]:
    return [re.sub(r"\s+", "", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def two_pages(results: Results) -> list[str]:
    # The plots of the whole city take the same room as this one's.
    pages = texts(appendix_pdf(results, build_ledger(results), pictures=draw_pictures(CITY), as_of=AS_OF))
    assert len(pages) == 2
    return pages


def test_every_document_is_written_and_nothing_else(written: Path) -> None:
    names = {"budget_appendix.pdf", "annex.pdf", "budget_appendix.docx", "calculation.xlsx", "ledger.json"}
    names |= {"expected_questions.docx", "spoken_answers.docx", "slides.pptx", "paste_texts.txt", "restoration.pdf", "restoration.docx"}
    assert {path.name for path in written.iterdir()} == names


def test_the_two_pages_answer_in_the_examiners_order(written: Path) -> None:
    first, second = texts((written / "budget_appendix.pdf").read_bytes())
    order = ["要求額・前年度予算額・増減と理由", "財源", "積算", "前年度の見込みと実績", "効果(一文)", "予算が実際に減る額", "減額した場合の影響"]
    places = [first.replace("（", "(").replace("）", ")").index(part) for part in order]
    assert places == sorted(places)
    assert "R9要求/R7年度まで評価" in first
    assert "単純な前後比較" in second
    assert "効果とは言えない" in second


def test_no_jargon_stands_on_the_two_pages(written: Path) -> None:
    text = "".join(texts((written / "budget_appendix.pdf").read_bytes()))
    for word in ("ATT", "メリーランド", "Lv2", "標準誤差", "p値", "q1", "台帳"):
        assert word not in text
    assert re.search(r"F\d+", text) is None


def test_the_annex_names_both_scales_and_lists_the_ledger(written: Path) -> None:
    text = "".join(texts((written / "annex.pdf").read_bytes()))
    for word in ("メリーランド尺度3", "Lv2a", "用語解説", "言ってはいけない", "F1要求額8,120,000円"):
        assert word in text


def test_synthetic_data_is_named_on_every_page_and_sheet(written: Path) -> None:
    for name in ("budget_appendix.pdf", "annex.pdf"):
        assert all(NOTE in page for page in texts((written / name).read_bytes()))
    with zipfile.ZipFile(written / "budget_appendix.docx") as package:
        assert any(NOTE in package.read(name).decode() for name in package.namelist() if name.startswith("word/header"))
    for sheet in load_workbook(written / "calculation.xlsx").worksheets:
        assert NOTE in str(sheet["A2"].value)


def test_a_real_city_carries_no_such_note(tmp_path: Path) -> None:
    results = city()
    assert results.plan is not None
    real = replace(results, plan=replace(results.plan, synthetic=False))
    write_documents(real, tmp_path, as_of=AS_OF)
    assert all(NOTE not in page for page in texts((tmp_path / "documents" / "budget_appendix.pdf").read_bytes()))


@pytest.mark.parametrize("missing", ["budget", "savings", "both"])
def test_two_pages_hold_when_pieces_are_missing(missing: str) -> None:
    gone = {"budget": None} if missing == "budget" else {"savings": None} if missing == "savings" else {"budget": None, "savings": None}
    first, _ = two_pages(city(**gone))
    assert ("未入力" in first) == ("budget" in gone)


def test_without_any_question_the_pages_still_state_the_request() -> None:
    results = city()
    assert results.plan is not None
    empty = city(studies={}, evidence={}, savings=savings((), may_claim=False), plan=replace(results.plan, questions=()))
    first, second = two_pages(empty)
    assert "8,120" in first
    assert "受講の広がり" in first
    assert "322人" in second


def test_with_every_verdict_undecided_nothing_is_claimed_but_the_case_is_made() -> None:
    undecided = city()
    sentence = "効果は、今のデータでは「ある」とも「ない」とも言えません。"
    found = {key: replace(item, verdict="判定不能", headline_sentence=sentence) for key, item in undecided.evidence.items()}
    assert undecided.savings is not None
    lines = tuple(replace(line, may_claim=False, verdict="判定不能") for line in undecided.savings.lines)
    first, second = two_pages(city(evidence=found, savings=savings(lines, may_claim=False)))
    assert "言えません" in first
    for word in ("時間の創出（", "人件費換算。"):
        assert word not in first + second
    for word in ("釣り合います", "修了1人当たり", "見つけられる最小の大きさ", "来年度の計画", "主張しない"):
        assert word in second


def test_a_harmful_question_is_never_hidden_behind_good_ones() -> None:
    results = city()
    bad = replace(results.evidence["q2"], verdict="逆効果", headline_sentence="BPR研修：望ましくない向きの差です。")
    first, _ = two_pages(city(evidence={**results.evidence, "q2": bad}))
    assert "望ましくない向き" in first


def test_two_hundred_questions_still_make_two_pages_and_say_what_was_cut() -> None:
    titles = {f"q{number}": f"{number}番目の非常に長い名前の研修は、窓口と内部事務の時間外勤務時間をどれだけ減らしたと言えるのか" for number in range(200)}
    studies = {key: study(key, title, -1.0) for key, title in titles.items()}
    found = {key: evidence(key, title, "判定不能", headline=studies[key].headline) for key, title in titles.items()}
    many = city(studies=studies, evidence=found, plan=make_plan(tuple(question(key, title) for key, title in titles.items())))
    _, second = two_pages(many)
    assert "ほか195件は別冊に記載" in second


def test_questions_keep_the_plans_order_and_a_part_of_another_says_so() -> None:
    results = city()
    assert results.savings is not None
    inside = tuple(replace(line, in_total=line.question_id == "q1") for line in results.savings.lines)
    _, second = two_pages(city(savings=replace(results.savings, lines=inside)))
    assert second.index("問1" + TITLES["q1"]) < second.index("問2" + TITLES["q2"]) < second.index("問3" + TITLES["q3"])
    assert second.count("(問1の一部)") + second.count("（問1の一部）") == 1


def test_a_city_without_costs_reads_sentences_in_the_place_of_empty_tables() -> None:
    results = city()
    assert results.budget is not None
    bare = replace(results.budget, lines=(), funding=(), cuts=(), request_yen=None, previous_yen=None, change_yen=None, reference_value=None)
    first, _ = two_pages(city(budget=bare))
    for sentence in ("財源が未入力のため", "積算は示せません", "減額した場合の影響は示せません"):
        assert sentence in first
    assert "単価(円)" not in first.replace("（", "(").replace("）", ")")


def test_a_plan_made_afterwards_is_said_once_and_without_blame() -> None:
    results = city()
    assert results.plan is not None
    _, second = two_pages(city(plan=replace(results.plan, frozen=None)))
    assert second.count("控えめに見ています") == 1
    assert "期間が始まる前に定めて固定する" in second


def test_an_undecided_total_names_no_estimate_beside_its_conditions() -> None:
    results = city()
    assert results.savings is not None
    _, second = two_pages(city(savings=replace(results.savings, may_claim=False)))
    assert "判断が変わる条件：" not in second


def test_results_without_a_plan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="計画"):
        write_documents(city(plan=None), tmp_path, as_of=AS_OF)
    assert not (tmp_path / "documents").exists()


def test_the_word_file_has_east_asian_fonts_and_no_open_field(written: Path) -> None:
    with zipfile.ZipFile(written / "budget_appendix.docx") as package:
        body, styles = package.read("word/document.xml").decode(), package.read("word/styles.xml").decode()
    assert "8,120" in body
    assert "{{" not in body
    assert 'w:eastAsia="游ゴシック"' in styles


def test_a_citys_own_template_replaces_ours(tmp_path: Path) -> None:
    from docx import Document

    (tmp_path / "templates").mkdir()
    template = tmp_path / "templates" / "budget_appendix.docx"
    document = Document()
    document.add_paragraph("本市様式 {{ heading }} {{ cash_amount }}")
    document.save(str(template))
    write_documents(CITY, tmp_path / "out", as_of=AS_OF, data=tmp_path)
    with zipfile.ZipFile(tmp_path / "out" / "documents" / "budget_appendix.docx") as package:
        assert "本市様式 R9要求 / R7年度まで評価 2,250千円" in package.read("word/document.xml").decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ no_such_field }}", "存在しない項目"),
        ("{{ title.__class__.__mro__ }}", "許されていない|存在しない"),
        ("{% for %}", "処理できません"),
        ("{{ 10 ** 10 ** 10 if false else heading.nothing }}", "存在しない"),
    ],
)
def test_a_faulty_template_is_refused_and_nothing_is_written(tmp_path: Path, text: str, reason: str) -> None:
    from docx import Document

    (tmp_path / "templates").mkdir()
    template = tmp_path / "templates" / "budget_appendix.docx"
    document = Document()
    document.add_paragraph(text)
    document.save(str(template))
    with pytest.raises(OutputError, match=reason):
        write_documents(CITY, tmp_path / "out", as_of=AS_OF, data=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_template_that_is_no_word_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    template = tmp_path / "templates" / "budget_appendix.docx"
    template.write_bytes(b"not a zip")
    with pytest.raises(OutputError, match="開けません"):
        write_documents(CITY, tmp_path / "out", as_of=AS_OF, data=tmp_path)


def test_the_committed_word_template_is_what_the_code_builds(tmp_path: Path) -> None:
    from kdx_eval.report.word_template import TEMPLATE_NAME, build_default_template

    built = build_default_template(tmp_path / "built.docx")
    with zipfile.ZipFile(built) as ours, zipfile.ZipFile(root_dir("templates") / TEMPLATE_NAME) as committed:
        for name in ("word/document.xml", "word/styles.xml", "word/header1.xml"):
            assert ours.read(name) == committed.read(name)


def test_the_workbook_caches_the_values_of_its_formulas(written: Path) -> None:
    values = load_workbook(written / "calculation.xlsx", data_only=True)["計算"]
    found = {row[0].value: row[1].value for row in values.iter_rows(min_row=3)}
    assert found["要求額（円）"] == 8120000
    assert found["参考：人件費換算（円。予算は減らない）"] == 2360000


def test_the_same_results_give_the_same_workbook() -> None:
    results = CITY
    ledger = build_ledger(results)
    assert workbook_bytes(results, ledger, as_of=AS_OF) == workbook_bytes(results, ledger, as_of=AS_OF)


def recalculated(paths: list[Path], folder: Path) -> list[dict[str, object]]:
    """Cells of 計算 after LibreOffice computed them; openpyxl had dropped the cached values."""
    command = ["soffice", f"-env:UserInstallation={folder.as_uri()}/profile", "--headless", "--convert-to", "xlsx", "--outdir", str(folder / "again")]
    subprocess.run([*command, *map(str, paths)], check=True, capture_output=True, timeout=120)
    sheets = [load_workbook(folder / "again" / path.name, data_only=True)["計算"] for path in paths]
    return [{cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row} for sheet in sheets]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice がないため、再計算は確かめない")
def test_libreoffice_recalculates_what_python_computed_before_and_after_a_change(written: Path, tmp_path: Path) -> None:
    cached = load_workbook(written / "calculation.xlsx", data_only=True)["計算"]
    book = load_workbook(written / "calculation.xlsx")
    book.save(tmp_path / "same.xlsx")
    price = next(row[1] for row in book["前提"].iter_rows() if str(row[0].value).startswith("1時間の単価"))
    price.value = 5000
    book.save(tmp_path / "changed.xlsx")
    same, changed = recalculated([tmp_path / "same.xlsx", tmp_path / "changed.xlsx"], tmp_path)
    numbers = [cell for row in cached.iter_rows() for cell in row if isinstance(cell.value, int | float)]
    assert len(numbers) > 100
    for cell in numbers:
        assert same[cell.coordinate] == pytest.approx(cell.value, rel=1e-12), cell.coordinate
    row = next(cell.row for cell in cached["A"] if str(cell.value).startswith("参考：人件費換算"))
    assert changed[f"B{row}"] == 590 * 5000


def test_the_site_refers_to_no_other_place(tmp_path: Path) -> None:
    index = write_site(CITY, tmp_path, as_of=AS_OF)
    pages = list(index.parent.glob("*.html"))
    assert len(pages) >= 9
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert re.findall(r"(?:https?:)?//[a-z]", html.replace("'none'", "").split("<script>")[0]) == []
        for link in re.findall(r'(?:href|src)="([^"#]+)"', html):
            assert (index.parent / link).is_file(), link
        assert '<html lang="ja">' in html
        assert html.count("<h1>") == 1
        assert NOTE in html
        assert all('alt="' in image for image in re.findall(r"<img[^>]*>", html))
    assert "この数字は言ってよい" in (index.parent / "wording.html").read_text(encoding="utf-8")


def test_a_notebook_becomes_a_page_without_scripts_or_links_elsewhere(tmp_path: Path) -> None:
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    cells = [
        new_markdown_cell('# 研修の効果\n<script>alert(1)</script> [外](http://example.com/x) <img src="https://example.com/y.png" onerror="alert(2)">'),
        new_code_cell("kdx.display()", outputs=[new_output("display_data", {"text/html": "<table onclick='x'><tr><td>1</td></tr></table>"})]),
    ]
    path = tmp_path / "03_effect.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    index = write_site(CITY, tmp_path, as_of=AS_OF, notebooks=[path])
    html = (index.parent / "notebook-03_effect.html").read_text(encoding="utf-8")
    seen = Tags(html)
    assert seen.count("script") == 1
    assert seen.count("img") == 0
    assert not [value for name, value in seen.attributes if name.startswith("on") or (name in {"href", "src"} and "//" in value)]
    assert "<h1>研修の効果</h1>" in html
    assert TITLES["q1"] in (index.parent / "index.html").read_text(encoding="utf-8")

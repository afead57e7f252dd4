"""Names that try to become code, markup, a formula or a path stay names in every writer."""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook
from pptx import Presentation
from pypdf import PdfReader

from kdx_eval.report.documents import write_documents
from kdx_eval.report.site import write_site
from kdx_eval.results import Results
from tests.report_city import AS_OF, city, cost, evidence, question, study
from tests.report_city import budget as make_budget
from tests.report_city import plan as make_plan
from tests.spec.test_documents import Tags

HOSTILE = {
    "formula": '=HYPERLINK("http://evil.example/","x")',
    "command": "@SUM(1+1)*cmd|' /C calc'!A0",
    "typst": '#read("/etc/passwd") $ x $ @ref <label> #pagebreak() *b* _i_ `code` \\',
    "html": '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "jinja": "{{ 7*191 }}{% for x in range(9) %}A{% endfor %}",
    "word": "</w:t></w:r><w:r><w:t>&xxe;]]>",
    "path": "../../../outside\\..\\x:con",
    "control": "a\x00b\x07c\u202ed\ufeff\x0b\n\n\ud800",
    "rare": "髙﨑𠮷野家𠀋",
    "mathtext": r"$\frac{1}{0}$ \usepackage{x}",
    "long": "長" * 4000,
    "braces": "{request} {0} %s %(x)s",
    "empty": "",
}


def hostile_city(start: int) -> Results:
    """Every text of the city is one of the hostile names; another ``start`` puts each into other places."""
    names = list(HOSTILE.values())
    turn = itertools.cycle(names[start:] + names[:start])
    results = city()
    studies, found, questions = {}, {}, []
    for number in range(3):
        key, name = f"q{number}", next(turn)
        studies[key] = replace(study(key, name, -6.2), outcome_label=next(turn), unit_label=next(turn))
        item = evidence(key, next(turn), "効果あり", headline=studies[key].headline)
        texts = {field: (next(turn), next(turn)) for field in ("sentences", "limits", "forbidden", "reasons")}
        found[key] = replace(item, outcome_label=next(turn), unit_label=next(turn), headline_sentence=next(turn), **texts)
        questions.append(question(key, name))
    asked = make_budget(tuple(cost(next(turn), 1, 1000, section=next(turn)) for _ in range(20)))
    reach = tuple(replace(asked.reach[0], course_name=next(turn)) for _ in range(20))
    prior = tuple(replace(asked.prior_claims[0], basis=next(turn), sentence=next(turn)) for _ in range(9))
    assert results.savings is not None
    lines = tuple(replace(results.savings.lines[0], question_id=key, title=next(turn), note=next(turn)) for key in studies)
    files = [{"file": next(turn), "sheet": next(turn), "table": next(turn), "rows_read": 1} for _ in range(6)]
    return city(
        plan=replace(make_plan(tuple(questions)), title=next(turn), city=next(turn)),
        studies=studies,
        evidence=found,
        savings=replace(results.savings, lines=lines, notes=(next(turn),), person_basis=next(turn)),
        budget=replace(asked, reach=reach, prior_claims=prior, change_reason=next(turn), cash_sentence=next(turn), alternatives=(next(turn),)),
        quality={"rows_read": 1, "rows_accepted": 1, "rows_rejected": 0, "files": files},
    )


@pytest.mark.parametrize("start", [0, 5, 9])
def test_hostile_names_stay_names_in_every_writer(start: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    results = hostile_city(start)
    write_documents(results, out, as_of=AS_OF)
    index = write_site(results, out, as_of=AS_OF)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    pages = PdfReader(io.BytesIO((out / "documents" / "budget_appendix.pdf").read_bytes())).pages
    assert len(pages) == 2
    assert "U+20BB7" in pages[0].extract_text()  # 〓 stands for 𠮷, and its code point is noted
    check_workbook(out / "documents" / "calculation.xlsx")
    check_word(out / "documents" / "budget_appendix.docx")
    for name in ("restoration.docx", "expected_questions.docx", "spoken_answers.docx"):
        check_package(out / "documents" / name)
    check_slides(out / "documents" / "slides.pptx")
    assert "1337" not in (out / "documents" / "paste_texts.txt").read_text(encoding="utf-8-sig")
    for page in index.parent.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        seen = Tags(html)
        assert seen.count("script") == 1
        assert not [name for name, _ in seen.attributes if name.startswith("on")]
        assert "1337" not in html


def check_workbook(path: Path) -> None:
    own = re.compile(r"=(ROUND|SUM|IF|'前提'|'計算'|'積算')")
    for sheet in load_workbook(path).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert own.match(str(cell.value)), cell.coordinate
                    assert "HYPERLINK" not in str(cell.value)
                assert cell.hyperlink is None


def check_word(path: Path) -> None:
    from docx import Document

    body = "\n".join(cell.text for table in Document(str(path)).tables for row in table.rows for cell in row.cells)
    assert "1337" not in body
    assert "{{ 7*191 }}" in body
    with zipfile.ZipFile(path) as package:
        assert "http://evil" not in "".join(package.read(name).decode() for name in package.namelist() if name.endswith(".rels"))


def check_package(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            if name.endswith((".xml", ".rels")):
                part = package.read(name).decode()
                ET.fromstring(part)  # a name that broke out would leave no whole tree, or an element of its own
                assert "1337" not in part
                assert "<xxe" not in part
                assert not re.search(r'Target="http://evil', part)


def check_slides(path: Path) -> None:
    check_package(path)
    made = Presentation(str(path))
    assert len(made.slides) == 2
    for slide in made.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= made.slide_width
            assert shape.top + shape.height <= made.slide_height


def test_hostile_question_ids_stay_inside_the_site(tmp_path: Path) -> None:
    results = city()
    key = "../../escape"
    one = replace(study(key, "問い", -1.0), question_id=key)
    write_site(city(studies={key: one}, evidence={key: replace(results.evidence["q1"], question_id=key)}, savings=None), tmp_path, as_of=AS_OF)
    assert {path.name for path in tmp_path.iterdir()} == {"site"}

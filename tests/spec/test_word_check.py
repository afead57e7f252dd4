"""The city's own Word template is looked at before the run: what it may show, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from docx import Document

from kdx_eval.batch import run_batch
from kdx_eval.errors import OutputError
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.content import appendix_content
from kdx_eval.report.word_check import ALSO, check_templates, known_fields
from kdx_eval.resources import root_dir
from tests.report_city import AS_OF, city


def template(data: Path, text: str, *, name: str = "budget_appendix.docx") -> Path:
    """A data folder with a template of one paragraph."""
    (data / "templates").mkdir(parents=True, exist_ok=True)
    document = Document()
    document.add_paragraph(text)
    document.save(str(data / "templates" / name))
    return data


def test_every_field_of_the_two_pages_may_be_shown() -> None:
    results = city()
    assert set(appendix_content(results, build_ledger(results), as_of=AS_OF)) <= known_fields("budget_appendix.docx")


@pytest.mark.parametrize("name", sorted(ALSO))
def test_our_own_templates_pass(name: str, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_bytes((root_dir("templates") / name).read_bytes())
    check_templates(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ 知らない欄 }} {{ title }} {{ requst }}", r"存在しない項目があります（requst、知らない欄）"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "許されていない命令"),
        ("{% for x in amounts %}{{ x.__init__.__globals__ }}{% endfor %}", "許されていない命令"),
        ("{{ title", "処理できません"),
    ],
)
def test_a_faulty_template_stops_the_run_before_anything_is_written(text: str, reason: str, tmp_path: Path) -> None:
    data = template(tmp_path / "data", text)
    with pytest.raises(OutputError, match=reason):
        check_templates(data)
    with pytest.raises(OutputError, match=reason):
        run_batch(data, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_word_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "budget_appendix.docx").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match=r"budget_appendix\.docx.*開けません"):
        check_templates(tmp_path)

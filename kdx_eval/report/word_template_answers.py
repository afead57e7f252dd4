"""Builds the Word templates of 想定問答 and 答弁要旨, which a city may copy into ``templates/`` of its data folder and edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.report.word_template import points, prepare

if TYPE_CHECKING:
    from docx.document import Document

QUESTIONS_NAME, SPOKEN_NAME = "expected_questions.docx", "spoken_answers.docx"


def build_answer_templates(folder: Path) -> tuple[Path, Path]:
    """Write both templates into ``folder`` and return their paths."""
    return _build(folder / QUESTIONS_NAME, spoken=False), _build(folder / SPOKEN_NAME, spoken=True)


def _build(path: Path, *, spoken: bool) -> Path:
    import docx

    document = docx.Document()
    prepare(document, title="答弁要旨" if spoken else "想定問答")
    title = document.add_heading("{{ title }}", level=1)
    title.add_run("　{{ heading }}").font.size = points(10.5)
    document.add_paragraph("{{ city }}　{{ prepared }}")
    document.add_paragraph("{{ intro }}")
    document.add_paragraph("{%p for item in items %}")
    document.add_heading(("質問" if spoken else "想定問") + "{{ item.number }}　{{ item.question }}", level=2)  # 問1 is a question of the plan
    _paragraph(document, "{{ item.answer }}" if spoken else "【{{ item.standing }}】{{ item.answer }}", size=10.5 if spoken else 9.0)
    if not spoken:
        for text in ("{%p for ground in item.grounds %}", "・{{ ground }}", "{%p endfor %}"):
            _paragraph(document, text, size=8.0, indent=text.startswith("・"))
        for text in ("{%p if item.needed %}", "足りないもの：{{ item.needed }}", "{%p endif %}"):
            _paragraph(document, text, size=8.0)
    document.add_paragraph("{%p endfor %}")
    document.save(str(path))
    return path


def _paragraph(document: Document, text: str, *, size: float, indent: bool = False) -> None:
    paragraph = document.add_paragraph()
    paragraph.add_run(text).font.size = points(size)
    layout = paragraph.paragraph_format
    layout.line_spacing, layout.keep_together = points(size * 1.45), True
    layout.space_after = points(2)
    if indent:
        layout.left_indent, layout.first_line_indent = points(size), points(-size)

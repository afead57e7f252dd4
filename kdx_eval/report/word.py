"""Word through docxtpl in a sandboxed, strict environment: a template can show fields and loop over them, nothing else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdx_eval.errors import OutputError
from kdx_eval.report.blocks import visible
from kdx_eval.report.word_template import TEMPLATE_NAME
from kdx_eval.resources import root_dir

FIGURE_HEIGHT_MM = 42
_MOST_BYTES = 64 * 2**20  # a 0.5 MB file may inflate to gigabytes
_FIELDS_HINT = "使える項目は reports/templates/budget_appendix.docx を見てください"


def render_word(context: Mapping[str, Any], *, images: Mapping[str, bytes], template: Path | None = None) -> bytes:
    """The Word file made from the city's template, or from ours when there is none.

    Parameters
    ----------
    context : mapping
        The same named texts and rows as the two PDF pages.
    images : mapping of file name to PNG bytes
        Those that ``context["figures"]`` names.

    Raises
    ------
    OutputError
        When the template is no Word file, names a field that does not exist, or asks for more than showing fields.
    """
    import jinja2
    from docx.shared import Mm
    from docxtpl import DocxTemplate, InlineImage
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import SandboxedEnvironment

    source = template or root_dir("templates") / TEMPLATE_NAME
    _check_package(source)
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=True)
    try:
        document = DocxTemplate(str(source))
        fields = {key: visible(value) for key, value in context.items()}
        fields["figures"] = [
            {**figure, "image": InlineImage(document, io.BytesIO(images[figure["file"]]), height=Mm(FIGURE_HEIGHT_MM))} for figure in fields["figures"]
        ]
        document.render(fields, jinja_env=environment, autoescape=True)
        stream = io.BytesIO()
        document.save(stream)
    except jinja2.UndefinedError as error:
        raise OutputError("Wordのひな形に、存在しない項目があります", place=source.name, hint=_FIELDS_HINT) from error
    except SecurityError as error:
        raise OutputError("Wordのひな形に、許されていない命令があります", place=source.name, hint="項目の表示と繰り返しだけが使えます") from error
    except (jinja2.TemplateError, ValueError, KeyError, TypeError, OverflowError, AttributeError, SyntaxError) as error:
        raise OutputError("Wordのひな形を処理できません", place=source.name, hint=f"項目の書き方を確かめてください。{_FIELDS_HINT}") from error
    return stream.getvalue()


def _check_package(source: Path) -> None:
    try:
        with zipfile.ZipFile(source) as package:
            names = package.namelist()
            size = sum(item.file_size for item in package.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise OutputError("Wordのひな形を開けません", place=source.name, hint="Wordで .docx として保存し直してください") from error
    if "word/document.xml" not in names:
        raise OutputError("Wordのひな形ではありません", place=source.name, hint="Wordで .docx として保存し直してください")
    if size > _MOST_BYTES:
        raise OutputError("Wordのひな形が大きすぎます", place=source.name, hint="画像を減らしてください")

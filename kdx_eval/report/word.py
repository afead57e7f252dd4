"""Word through docxtpl in a sandboxed, strict environment: a template can show fields and loop over them, nothing else."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdx_eval.errors import OutputError
from kdx_eval.report.blocks import visible
from kdx_eval.resources import root_dir

FIGURE_HEIGHT_MM = 32  # low enough for two pages with five questions and their notes
_MOST_BYTES = 64 * 2**20  # a 0.5 MB file may inflate to gigabytes
CITY_FOLDER = "templates"


def find_template(name: str, *, data: Path | None) -> Path:
    """The city's own ``templates/<name>`` in its data folder, else ours."""
    own = None if data is None else data / CITY_FOLDER / name
    return own if own is not None and own.is_file() else root_dir("templates") / name


def render_word(context: Mapping[str, Any], *, images: Mapping[str, bytes], template: Path) -> bytes:
    """The Word file made from a template.

    Parameters
    ----------
    context : mapping
        Named texts and rows; ``figures``, where there are any, name pictures.
    images : mapping of file name to PNG bytes
        Those that ``context["figures"]`` names.
    template : Path
        As `find_template` gives it.

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

    check_package(template)
    hint = f"使える項目は reports/templates/{template.name} を見てください"
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=True)
    try:
        document = DocxTemplate(str(template))
        fields = {key: visible(value) for key, value in context.items()}
        fields["figures"] = [
            {**figure, "image": InlineImage(document, io.BytesIO(images[figure["file"]]), height=Mm(FIGURE_HEIGHT_MM))} for figure in fields.get("figures", ())
        ]
        document.render(fields, jinja_env=environment, autoescape=True)
        stream = io.BytesIO()
        document.save(stream)
    except jinja2.UndefinedError as error:
        named = re.search(r"'([^']{1,40})' is undefined|has no attribute '([^']{1,40})'", str(error))
        which = "" if named is None else f"（{named[1] or named[2]}）"
        raise OutputError(f"Wordのひな形に、存在しない項目があります{which}", place=template.name, hint=hint) from error
    except SecurityError as error:
        raise OutputError("Wordのひな形に、許されていない命令があります", place=template.name, hint="項目の表示と繰り返しだけが使えます") from error
    except (jinja2.TemplateError, ValueError, KeyError, TypeError, OverflowError, AttributeError, SyntaxError) as error:
        raise OutputError("Wordのひな形を処理できません", place=template.name, hint=f"項目の書き方を確かめてください。{hint}") from error
    return stream.getvalue()


def check_package(source: Path) -> None:
    """Raises OutputError when the file is no Word file, or one too large to open."""
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

"""PDF through typst: templates from reports/templates, data as JSON beside them, no system font, PDF/A-2b."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdx_eval.errors import OutputError
from kdx_eval.plots import font_file
from kdx_eval.report.blocks import drawable
from kdx_eval.resources import root_dir

GLYPH_NOTE = "〓は文書の書体にない文字です"


def compile_pdf(template: str, data: Mapping[str, Any], *, images: Mapping[str, bytes], as_of: dt.date) -> bytes:
    """The PDF made from a template and its data.

    Parameters
    ----------
    template : str
        File name in ``reports/templates``.
    data : mapping
        JSON data; shown as text, never parsed as markup. Must hold ``footer``.
    images : mapping of file name to PNG bytes
    as_of : date
        The data-freeze date; PDF/A asks for a date, and the clock must not enter the file.

    Raises
    ------
    OutputError
        When typst refuses the template.
    """
    import typst

    shown, missing = drawable({**data, "date": [as_of.year, as_of.month, as_of.day]})
    if missing:
        points = "、".join(missing[:8]) + ("ほか" if len(missing) > 8 else "")
        shown["footer"] = f"{shown['footer']}　{GLYPH_NOTE}（{points}）"
    with tempfile.TemporaryDirectory(prefix="kdx-typst-") as name:
        folder = Path(name)
        for source in root_dir("templates").glob("*.typ"):
            shutil.copyfile(source, folder / source.name)
        (folder / "data.json").write_text(json.dumps(shown, ensure_ascii=False), encoding="utf-8", newline="\n")
        for image, content in images.items():
            (folder / image).write_bytes(content)
        try:
            return bytes(
                typst.compile(str(folder / template), root=str(folder), font_paths=[str(font_file().parent)], ignore_system_fonts=True, pdf_standards="a-2b")
            )
        except (RuntimeError, typst.TypstError) as error:
            raise OutputError("PDFを作れませんでした", place=template, hint="reports/templates のひな形を元に戻してください") from error

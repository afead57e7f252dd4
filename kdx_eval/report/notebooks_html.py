"""Executed notebooks as parts of a site page: sanitised, and without a reference to any other place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kdx_eval.errors import OutputError
from kdx_eval.safe import escape_html

_TAGS = (
    "a", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "hr", "i", "img", "li", "ol", "p", "pre",
    "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
)  # fmt: skip
_ATTRIBUTES = ("alt", "class", "colspan", "href", "id", "rowspan", "scope", "src", "title")
_ELSEWHERE = re.compile(r"""\s(?:href|src)\s*=\s*(?:"(?!#|data:image/png;base64,)[^"]*"|'(?!#|data:image/png;base64,)[^']*')""", re.IGNORECASE)
_FIRST_HEADING = re.compile(r"<h2[^>]*>.*?</h2>", re.DOTALL)
_NO_PICTURE = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE)  # its address lay elsewhere
_NO_ALT = "No description has been provided for this image"


def notebook_html(path: Path) -> str:
    """The body of a notebook as HTML: no script, no style, pictures embedded, links to other places removed.

    Raises
    ------
    OutputError
        When the file is no notebook.
    """
    import nbformat
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors.sanitize import SanitizeHTML
    from traitlets.config import Config

    try:
        notebook = _read(path)
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise OutputError("ノートを読めません", place=path.name, hint="ノートを実行し直してください") from error
    settings = Config()
    settings.SanitizeHTML.tags = list(_TAGS)
    settings.SanitizeHTML.attributes = list(_ATTRIBUTES)
    settings.HTMLExporter.sanitize_html = True
    make: Any = HTMLExporter  # untyped
    exporter = make(config=settings, template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True)
    # The template cleans once more with a fixed list that would show headings and table heads as raw tags: the same list serves both.
    make_cleaner: Any = SanitizeHTML  # untyped
    cleaner = make_cleaner(config=settings)
    exporter.register_filter("clean_html", lambda element: cleaner.sanitize_html_tags(element.decode() if isinstance(element, bytes) else str(element)))
    body, _ = exporter.from_notebook_node(notebook)
    inner = _NO_PICTURE.sub("", _ELSEWHERE.sub("", body)).replace(_NO_ALT, f"図（{escape_html(path.stem)}）").replace("<h1", "<h2").replace("</h1>", "</h2>")
    # The page has that heading already.
    return f'<div class="cell">{_FIRST_HEADING.sub("", inner, count=1)}</div>'


def notebook_title(path: Path) -> str:
    """The notebook's first heading, or its file name."""
    for cell in _read(path).cells:
        found = re.match(r"#\s+(.+)", cell.source) if cell.cell_type == "markdown" else None
        if found:
            return found.group(1).strip()
    return path.stem


def _read(path: Path) -> Any:
    import nbformat

    read: Any = nbformat.read  # untyped
    return read(path, as_version=4)

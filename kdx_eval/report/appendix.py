"""予算要求書 附属資料: two A4 pages as PDF and as Word, from the same named texts; the 復活要求 is the same at the reduced amount."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdx_eval.report.content import appendix_content
from kdx_eval.report.pdf import compile_pdf
from kdx_eval.report.restoration import restoration_content
from kdx_eval.report.word import find_template, render_word
from kdx_eval.report.word_template import TEMPLATE_NAME

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results


def appendix_pdf(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date, restoring: bool = False) -> bytes:
    """The two pages as PDF/A-2b, at the reduced amount when ``restoring``; raises OutputError when the template is faulty."""
    content = _content(results, ledger, pictures=pictures, as_of=as_of, restoring=restoring)
    images = {item.file: pictures.content[item.file] for item in pictures.main}
    return compile_pdf("budget_appendix.typ", content, images=images, as_of=as_of)


def appendix_word(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date, data: Path | None = None, restoring: bool = False) -> bytes:
    """The same as Word, through the city's template where the data folder has one; raises OutputError when that is faulty."""
    content = _content(results, ledger, pictures=pictures, as_of=as_of, restoring=restoring)
    return render_word(content, images=pictures.content, template=find_template(TEMPLATE_NAME, data=data))


def _content(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date, restoring: bool) -> Mapping[str, Any]:
    content = appendix_content(results, ledger, as_of=as_of, pictures=pictures.main)
    return restoration_content(content, results, ledger=ledger) if restoring else content

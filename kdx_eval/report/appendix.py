"""予算要求書 附属資料: two A4 pages as PDF and as Word, from the same named texts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.report.content import appendix_content
from kdx_eval.report.pdf import compile_pdf
from kdx_eval.report.word import render_word

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results


def appendix_pdf(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date) -> bytes:
    """The two pages as PDF/A-2b; raises OutputError when the template is faulty."""
    content = appendix_content(results, ledger, as_of=as_of, pictures=pictures.main)
    images = {item.file: pictures.content[item.file] for item in pictures.main}
    return compile_pdf("budget_appendix.typ", content, images=images, as_of=as_of)


def appendix_word(results: Results, ledger: Ledger, *, pictures: Pictures, as_of: dt.date, template: Path | None = None) -> bytes:
    """The same as Word, through the city's template when one is given; raises OutputError when that is faulty."""
    content = appendix_content(results, ledger, as_of=as_of, pictures=pictures.main)
    return render_word(content, images=pictures.content, template=template)

"""Writes all documents of a run: everything is made in memory first, so that a failure leaves nothing half written."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.budget.promises import promises_csv
from kdx_eval.report.annex import annex_pdf
from kdx_eval.report.answer_documents import questions_word, spoken_word
from kdx_eval.report.appendix import appendix_pdf, appendix_word
from kdx_eval.report.audience import for_audience
from kdx_eval.report.blocks import visible
from kdx_eval.report.own_forms import filled_forms
from kdx_eval.report.pictures import draw_pictures
from kdx_eval.report.restoration import can_restore
from kdx_eval.report.slides import slides_bytes
from kdx_eval.report.spoken import paste_file
from kdx_eval.report.workbook import workbook_bytes
from kdx_eval.safe import safe_child, write_atomic

if TYPE_CHECKING:
    from kdx_eval.disclosure import Audience
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

FOLDER = "documents"


def write_documents(
    results: Results, out: Path, *, as_of: dt.date, data: Path | None = None, audience: Audience | None = None
) -> tuple[Path, ...]:
    """Write every document of the run into ``out/documents``.

    The budget appendix, the 別冊, 想定問答, 答弁要旨, slides, texts to paste, the workbook and the ledger; where a reduced amount exists
    the 復活要求 too.

    Parameters
    ----------
    results : Results
        What the earlier notebooks saved.
    out : Path
        The run's folder; it exists.
    as_of : date
        The data-freeze date, printed and stored in the files instead of the clock.
    data : Path, optional
        The data folder; Word templates in its ``templates`` folder replace ours, policy files in ``policy`` are the city's own, and the
        city's own forms in it are filled too (`kdx_eval.report.own_forms`).
    audience : {"internal", "public"}, optional
        Without it, the one that the plan names.

    Returns
    -------
    tuple of Path
        The files written, the budget appendix first; the promises of this request, for next year's data folder; the city's own forms last.

    Raises
    ------
    OutputError
        A template is faulty or a file cannot be written; then no file was changed, except that a locked file stops the ones after it.
    """
    results, ledger = for_audience(results, audience)
    pictures = draw_pictures(results)
    files: dict[str, bytes | str] = {
        "budget_appendix.pdf": appendix_pdf(results, ledger, pictures=pictures, as_of=as_of),
        "annex.pdf": annex_pdf(results, ledger, pictures=pictures, as_of=as_of, data=data),
        "budget_appendix.docx": appendix_word(results, ledger, pictures=pictures, as_of=as_of, data=data),
        "calculation.xlsx": workbook_bytes(results, ledger, as_of=as_of),
        "expected_questions.docx": questions_word(results, ledger, as_of=as_of, data=data),
        "spoken_answers.docx": spoken_word(results, ledger, as_of=as_of, data=data),
        "slides.pptx": slides_bytes(results, ledger, as_of=as_of),
        "paste_texts.txt": paste_file(results, ledger),
        "ledger.json": ledger_text(ledger),
    }
    if results.budget is not None and results.budget.promises:
        # With a BOM, since Excel takes a CSV without one for cp932.
        files[f"prior_claims_{results.budget.request_fiscal_year}.csv"] = ("\ufeff" + promises_csv(results.budget.promises)).encode("utf-8")
    if can_restore(ledger):
        files["restoration.pdf"] = appendix_pdf(results, ledger, pictures=pictures, as_of=as_of, restoring=True)
        files["restoration.docx"] = appendix_word(results, ledger, pictures=pictures, as_of=as_of, data=data, restoring=True)
    files |= {} if data is None else filled_forms(data, ledger)
    return tuple(write_atomic(safe_child(out, f"{FOLDER}/{name}"), content) for name, content in files.items())


def ledger_text(ledger: Ledger) -> str:
    """The ledger as JSON text, ending with a line break."""
    return json.dumps(visible(ledger.to_json()), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"

"""The claims ledger: every printed figure has an entry."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import pytest

from kdx_eval.errors import ParameterError
from kdx_eval.report.appendix import appendix_pdf
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.documents import ledger_text
from kdx_eval.report.ledger import Ledger, LedgerBook
from kdx_eval.report.pictures import draw_pictures
from kdx_eval.report.wording import change_range_text, change_text, digits_for
from tests.report_city import AS_OF, city

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
# Not figures of the evaluation: sections, question numbers, the base date, course hours of the basis, and the words 95％ and 1課・1か月当たり.
STRUCTURE = {str(number) for number in range(13)} | {"95", "2026", "9", "30", "3"}


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return build_ledger(city())


def test_every_number_on_the_two_pages_is_in_the_ledger(ledger: Ledger) -> None:
    from pypdf import PdfReader

    results = city()
    pdf = appendix_pdf(results, ledger, pictures=draw_pictures(results), as_of=AS_OF)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    known = {number for claim in ledger for number in NUMBER.findall(f"{claim.text} {claim.range_text}")} | STRUCTURE
    known |= {"2025", "04", "01"}  # the freeze date
    joined = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    printed = set(NUMBER.findall(joined))
    assert len(printed) > 60
    # Line breaks join neighbouring cells, so a printed run may hold several numbers.
    assert {number for number in printed if number not in known and not _made_of(number, known)} == set()


def _made_of(run: str, known: set[str]) -> bool:
    return not run or any(run.startswith(number) and _made_of(run[len(number) :].lstrip(","), known) for number in known if number)


def test_a_claim_is_found_by_name_and_by_id(ledger: Ledger) -> None:
    claim = ledger.claim("request.yen")
    assert (claim.value, claim.text, claim.unit) == (8120000.0, "8,120", "円")
    assert ledger.claim(claim.id) == claim
    with pytest.raises(ParameterError, match="台帳に"):
        ledger.claim("request.nothing")


def test_ids_are_unique_and_in_order(ledger: Ledger) -> None:
    assert [claim.id for claim in ledger] == [f"F{number}" for number in range(1, len(ledger) + 1)]


def test_an_interval_is_kept_with_its_wording(ledger: Ledger) -> None:
    claim = ledger.claim("question.q1.saved")
    assert (claim.value, claim.low, claim.high) == (1488.0, 816.0, 2160.0)
    assert claim.range_text == "幅816～2,160時間"
    assert claim.grade.startswith("メリーランド尺度3")


def test_a_range_that_crosses_zero_names_both_directions(ledger: Ledger) -> None:
    assert ledger.range_text("question.q2.estimate") == "幅4.10時間の減～3.10時間の増"


def test_the_json_is_the_same_each_time_and_knows_no_infinity(ledger: Ledger) -> None:
    assert ledger_text(ledger) == ledger_text(build_ledger(city()))
    plain = json.loads(ledger_text(ledger))
    assert len(plain["claims"]) == len(ledger)
    assert {claim["digest"] for claim in plain["claims"]} == {plain["digest"]}


def test_every_figure_has_a_japanese_name_of_its_own(ledger: Ledger) -> None:
    titles = [claim.title for claim in ledger if claim.is_figure]
    assert [title for title in titles if re.search(r"[a-z_]{3,}", title)] == []
    assert len(set(titles)) == len(titles)
    assert ledger.claim("question.q1.saved").title == "問1：生まれた時間"


def test_yen_are_kept_to_the_yen_where_documents_show_thousands(ledger: Ledger) -> None:
    claim = ledger.claim("value.yen")
    assert (claim.text, claim.full_text, claim.full_range) == ("2,360千円", "2,360,000円", "幅△1,000,000～5,720,000円")


def test_an_estimate_is_not_printed_finer_than_its_range() -> None:
    assert change_text(0.53, "時間/課・月", digits=digits_for(0.53, -38.5, 39.6)) == "1課・1か月当たり0.5時間の増"
    assert change_range_text(-0.53, 39.6, unit_label="時間/課・月") == "幅0.5時間の減～39.6時間の増"


def test_one_name_cannot_be_entered_twice() -> None:
    book = LedgerBook("0")
    book.figure("a", 1.0, text="1", unit="円")
    book.figure("a", 2.0, text="2", unit="円")
    with pytest.raises(ParameterError, match="二つ"):
        book.close()

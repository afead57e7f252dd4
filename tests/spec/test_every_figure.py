"""No document prints a number that the ledger does not hold, and no two documents print one id differently."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from pathlib import Path

import pytest

from kdx_eval.report.audience import for_audience
from kdx_eval.report.documents import write_documents
from kdx_eval.report.ledger import Ledger
from kdx_eval.report.lineage import PARAMETERS, PEERS, PLAN, POLICY
from kdx_eval.report.site import write_site
from kdx_eval.report.tracing import ends_of
from kdx_eval.results import Results
from kdx_eval.schema import load_schema
from tests.printed_numbers import NO_FIGURES, given_names, known_numbers, known_values, numbers_in, texts_of, values_of
from tests.report_city import AS_OF, city, cost
from tests.report_city import budget as make_budget

READ = (".pdf", ".docx", ".xlsx", ".pptx")


def long_city() -> Results:
    """More budget lines than two pages hold, and rows by file."""
    asked = make_budget(tuple(cost(f"研修{letter}", 3 + place, 41_300 + 1_207 * place) for place, letter in enumerate("ABCDEFGHIJKL")))
    files = [
        {"file": "勤務時間.xlsx", "sheet": "勤務", "table": "worktime", "rows_read": 2882, "rows_accepted": 2880, "rows_rejected": 2},
        {"file": "受講.csv", "sheet": "", "table": "training", "rows_read": 777, "rows_accepted": 770, "rows_rejected": 7},
        {"file": "費用.xlsx", "sheet": "", "table": "costs", "rows_read": 37, "rows_accepted": 37, "rows_rejected": 0},
    ]
    return city(budget=asked, quality={"rows_read": 3696, "rows_accepted": 3687, "rows_rejected": 9, "files": files})


@pytest.fixture(scope="module")
def results() -> Results:
    return long_city()


@pytest.fixture(scope="module", params=["internal", "public"])
def run(request: pytest.FixtureRequest, results: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    out = tmp_path_factory.mktemp(request.param)
    write_documents(results, out, as_of=AS_OF, audience=request.param)
    return out / "documents", for_audience(results, request.param)[1]


def strangers(path: Path, ledger: Ledger, results: Results) -> list[tuple[str, str]]:
    """Numbers of a document that the ledger does not print, with their places."""
    known, given = known_numbers(ledger), given_names(results)
    found = [(place, number) for place, text in texts_of(path) for number in sorted(numbers_in(text, given=given) - known)]
    if path.suffix == ".xlsx":
        values = known_values(ledger)
        # Cells hold the same double as the ledger, but for the last digit that a spreadsheet's own format may lose.
        found += [(place, str(value)) for place, value in values_of(path) if not any(abs(value - known) <= 1e-12 * max(1.0, abs(known)) for known in values)]
    return found


def test_no_document_prints_a_number_that_is_not_in_the_ledger(run: tuple[Path, Ledger], results: Results) -> None:
    folder, ledger = run
    read = [path for path in sorted(folder.iterdir()) if path.suffix in READ]
    assert {path.suffix for path in read} >= {".pdf", ".docx", ".xlsx"}
    assert {path.name: strangers(path, ledger, results) for path in read} == {path.name: [] for path in read}
    assert sum(len(numbers_in(text)) for path in read for _, text in texts_of(path)) > 300


@pytest.mark.parametrize("text", ["年1,489時間の創出", "4,321千円", "修了率93%", "12.5人分", "3,000", "令和7年度の実績は812時間", "57件を処理"])
def test_a_number_typed_by_hand_would_be_found(text: str, results: Results) -> None:
    assert numbers_in(text) - known_numbers(for_audience(results)[1])


def test_the_exceptions_are_few_and_each_has_a_reason() -> None:
    assert len(NO_FIGURES) <= 8
    assert all(reason for _, reason in NO_FIGURES)


def test_no_two_documents_disagree_on_an_id(run: tuple[Path, Ledger], results: Results, tmp_path: Path) -> None:
    from openpyxl import load_workbook
    from pypdf import PdfReader

    folder, ledger = run
    stored = {row["id"]: row for row in json.loads((folder / "ledger.json").read_text(encoding="utf-8"))["claims"]}
    rows = list(load_workbook(folder / "calculation.xlsx")["台帳"].iter_rows(values_only=True))
    sheet = {str(row[0]): row for row in rows if re.fullmatch(r"F\d+", str(row[0]))}
    audience = "public" if ledger.note else "internal"
    html = (write_site(results, tmp_path, as_of=AS_OF, audience=audience).parent / "ledger.html").read_text(encoding="utf-8")
    cells = {row[0]: row for row in (re.findall(r"<td[^>]*>(.*?)</td>", line) for line in re.findall(r"<tr[^>]*>(.*?)</tr>", html)) if row}
    annex = plain("".join(page.extract_text() for page in PdfReader(io.BytesIO((folder / "annex.pdf").read_bytes())).pages))
    figures = [claim for claim in ledger if claim.is_figure]
    assert len(figures) > 100
    for claim in figures:
        assert (stored[claim.id]["text"], stored[claim.id]["value"]) == (claim.text, claim.value)
        # A spreadsheet keeps fifteen or sixteen digits.
        assert (sheet[claim.id][2], sheet[claim.id][6]) == (pytest.approx(claim.value, rel=1e-14), claim.text), claim.id
        assert cells[claim.id][2] == claim.full_text, claim.id
        assert plain(claim.full_text) in annex, claim.id
    assert set(sheet) == set(cells) == {claim.id for claim in figures}


def plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def test_an_id_means_the_same_figure_inside_and_outside_the_office(results: Results) -> None:
    inside, outside = (for_audience(results, audience)[1] for audience in ("internal", "public"))
    assert [(claim.id, claim.name) for claim in inside] == [(claim.id, claim.name) for claim in outside]


def test_every_figure_leads_back_to_a_table_the_plan_or_the_parameters(results: Results) -> None:
    ledger = for_audience(results)[1]
    raw = {*load_schema().tables, PLAN, PARAMETERS, POLICY, PEERS, "results/quality.json"}
    assert [claim.name for claim in ledger if not ends_of(ledger, claim) & raw] == []
    dangling = {name for claim in ledger for name in ends_of(ledger, claim) if not name.startswith("results/")} - raw
    assert dangling == set()

"""The workbook's formulas against Python, before and after each assumption is changed: by an evaluator here, and by LibreOffice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from kdx_eval.budget import BudgetCase
from kdx_eval.budget.cuts import cut_lines, make_cuts
from kdx_eval.budget.lines import stage_lines
from kdx_eval.evidence import checked_costs
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.workbook import workbook_bytes
from kdx_eval.results import Results
from kdx_eval.units import FiscalYear
from tests.formulas import Formulas
from tests.spec.budget_city import COSTS, PLAN, PLANS, RETENTION, TABLES, WAGES, case, savings

AS_OF = dt.date(2026, 9, 30)


def book(found: BudgetCase | None = None) -> bytes:
    results = Results(plan=PLAN, studies={}, evidence={}, savings=savings(), budget=found or case(), quality={}, reach=None)
    return workbook_bytes(results, build_ledger(results), as_of=AS_OF)


@pytest.fixture(scope="module")
def content() -> bytes:
    return book()


def test_every_formula_gives_the_value_that_python_stored_beside_it(content: bytes) -> None:
    computed, cached = Formulas(content), load_workbook(io.BytesIO(content), data_only=True)
    cells = computed.formulas()
    assert len(cells) > 250
    for sheet, cell in cells:
        assert computed.value(sheet, cell) == pytest.approx(cached[sheet][cell].value, rel=1e-12, abs=1e-9), (sheet, cell)


def cut_to(yen: int) -> dict[str, Any]:
    """The options and lines at another reduced amount, as Python makes them."""
    found = case()
    before = stage_lines(checked_costs(COSTS), fiscal_year=FiscalYear(2026), stage="当初")
    assert found.outlook is not None
    cuts = make_cuts(found.request_yen, yen, seats=found.break_even.persons if found.break_even else None, outlook=found.outlook, price=found.price)
    return {"cuts": cuts, "cut_lines": cut_lines(found.lines, before, reduced_yen=yen)}


# What is changed in the workbook, and the same change in Python's tables.
CHANGES: dict[str, tuple[Callable[[Formulas], None], Callable[[], BudgetCase]]] = {
    "price": (
        lambda book: book.change("前提", book.find("前提", "1時間の単価"), 4_321),
        lambda: case(wages=WAGES.assign(yen_per_hour=[4_321, 2_500, 1_500])),
    ),
    "quantity": (
        lambda book: book.change("積算", book.beside("積算", "D", "研修委託", column="E"), 7),
        lambda: case(costs=COSTS.assign(quantity=[7.0, *COSTS["quantity"][1:]], yen=[2_800_000, *COSTS["yen"][1:]])),
    ),
    "planned attendees": (
        lambda book: book.change("要求年度の見込み", "E5", 333),
        lambda: case(course_plans=PLANS.assign(planned_attendees=[None, None, 333, 60])),
    ),
    "share left after a year": (
        lambda book: book.change("前提", book.find("前提", "1年後に残る割合（中位"), 0.7),
        lambda: case(dataclasses.replace(savings(), retention=dataclasses.replace(RETENTION, share=0.7))),
    ),
    "reduced amount": (
        lambda book: book.change("前提", book.find("前提", "減額の場合の要求額"), 900_000),
        lambda: dataclasses.replace(case(), **cut_to(900_000)),
    ),
    "office hours": (
        lambda book: book.change("フルコスト", "F4", 90.25),
        lambda: case(course_plans=PLANS.assign(office_hours=[90.25, 10.5, None, None])),
    ),
    "cost of an alternative": (
        lambda book: book.change("代替案", "B5", 654_321),
        lambda: case(alternatives=TABLES["alternatives"].assign(yen=[654_321, 100_000])),
    ),
}
# Where a change moves an amount that Python takes as given from a document of last year or from a count.
HELD = {"planned attendees": ("受講者（延べ）", "分岐点（分"), "office hours": ("費用の数え方",)}


@pytest.mark.parametrize("name", CHANGES)
def test_after_a_change_the_formulas_equal_what_python_computes_anew(content: bytes, name: str) -> None:
    change, again = CHANGES[name]
    changed = Formulas(content)
    change(changed)
    wanted = load_workbook(io.BytesIO(book(again())), data_only=True)
    before = load_workbook(io.BytesIO(content), data_only=True)
    compared = moved = 0
    for sheet, cell in changed.formulas():
        label = str(wanted[sheet][f"A{cell[1:]}"].value)
        if label.startswith(HELD.get(name, ())) or label != str(before[sheet][f"A{cell[1:]}"].value):
            continue
        compared += 1
        moved += before[sheet][cell].value != wanted[sheet][cell].value
        assert changed.value(sheet, cell) == pytest.approx(wanted[sheet][cell].value, rel=1e-12, abs=1e-9), (sheet, cell, label)
    assert compared > 200
    assert moved >= 1


def test_a_case_without_prices_still_gives_a_workbook_that_says_what_is_not_there() -> None:
    sheets = load_workbook(io.BytesIO(book(case(wages=None))))
    assert "示すものはありません" in str(sheets["フルコスト"]["A3"].value)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice がないため、再計算は確かめない")
def test_libreoffice_computes_every_sheet_as_python_does_before_and_after_a_change(content: bytes, tmp_path: Path) -> None:
    price, kept, reduced = (Formulas(content).find("前提", label) for label in ("1時間の単価", "1年後に残る割合（中位", "減額の場合の要求額"))
    changes = {"same": {}, "changed": {price: 4_321}, "kept": {kept: 0.7}, "reduced": {reduced: 900_000}}
    for name, cells in changes.items():
        copy = load_workbook(io.BytesIO(content))  # openpyxl drops the cached values
        for cell, value in cells.items():
            copy["前提"][cell] = value
        copy.save(tmp_path / f"{name}.xlsx")
    command = ["soffice", f"-env:UserInstallation={tmp_path.as_uri()}/profile", "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "again")]
    subprocess.run([*command, *(str(tmp_path / f"{name}.xlsx") for name in changes)], check=True, capture_output=True, timeout=120)
    python = {
        "same": content,
        "changed": book(case(wages=WAGES.assign(yen_per_hour=[4_321, 2_500, 1_500]))),
        "kept": book(CHANGES["share left after a year"][1]()),
        "reduced": book(CHANGES["reduced amount"][1]()),
    }
    for name, ours in python.items():
        theirs, wanted = load_workbook(tmp_path / "again" / f"{name}.xlsx", data_only=True), load_workbook(io.BytesIO(ours), data_only=True)
        for sheet, cell in Formulas(content).formulas():
            value = wanted[sheet][cell].value
            assert theirs[sheet][cell].value == pytest.approx(value, rel=1e-12, abs=1e-9), (name, sheet, cell)


def test_texts_of_the_city_never_become_formulas() -> None:
    first, *rest = case().ladder
    found = dataclasses.replace(case(), ladder=(first, dataclasses.replace(rest[0], reason="=1+1"), *rest[1:]))
    sheet = load_workbook(io.BytesIO(book(found)))["代替案"]
    (cell,) = [cell for row in sheet for cell in row if cell.value == "=1+1"]
    assert cell.data_type == "s"

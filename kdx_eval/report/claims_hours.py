"""Enters hours in detail into the ledger: by department and process, per person, by year, the bridge, the register, the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.report.blocks import shorten
from kdx_eval.report.hours_figures import split_lines
from kdx_eval.report.wording import hours_range_text, planned, yen_text
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kdx_eval.report.ledger import LedgerBook
    from kdx_eval.results import Results
    from kdx_eval.savings import Overlap, Reconciliation, Register, RegisterRow, Savings, UnitHours

MOST_PROCESSES = 12  # of each question, in print; the notebook shows them all
ABSENT = "－"

def enter_hours(book: LedgerBook, results: Results) -> None:
    """Enter all figures of `Savings` beyond its totals; departments only for readers inside the office."""
    savings = results.savings
    if savings is None:
        return
    if savings.annualised is not None:
        _hours(book, "savings.annualised", savings.annualised.hours, low=savings.annualised.conf_low, high=savings.annualised.conf_high)
    _persons(book, savings)
    _since(book, savings)
    if shows_departments(results):
        _units(book, savings)
        for place, row in enumerate(savings.bridge.departments):
            book.about(f"use.{place}", f"使い道　{shorten(row.name, 30)}")
            for field in ("created", "redeployed", "unexplained"):
                _hours(book, f"use.{place}.{field}", getattr(row, f"{field}_hours"), inputs=("redeployment", "savings.created"))
    if savings.register is not None:
        _register(book, savings.register, named=shows_departments(results))
    if savings.reconciliation is not None:
        _books(book, savings.reconciliation)


def shows_departments(results: Results) -> bool:
    """Whether figures of single departments may be printed: inside the office only."""
    return planned(results).audience == "internal"


def shown_processes(units: Sequence[UnitHours]) -> list[UnitHours]:
    """The processes that are printed: those with the most hours either way."""
    return sorted(units, key=lambda unit: (-abs(unit.shrunken), unit.department_id, unit.process_id))[:MOST_PROCESSES]


def _hours(book: LedgerBook, name: str, hours: float | None, *, low: float | None = None, high: float | None = None, inputs: tuple[str, ...] = ("savings",)) -> None:
    width = "" if low is None or high is None else hours_range_text(low, high)
    text = ABSENT if hours is None else format_hours(hours)
    book.figure(name, hours, text=text, unit="時間／年", low=low, high=high, range_text=width, inputs=inputs)


def _persons(book: LedgerBook, savings: Savings) -> None:
    titles = {line.question_id: line.title for line in savings.lines}
    for place, one in enumerate(savings.per_person):
        name = f"person.{place}"
        book.about(name, f"1人当たり　{shorten(titles[one.question_id], 40)}")
        _hours(book, f"{name}.hours", one.hours, inputs=(f"question.{one.question_id}.saved",))
        book.figure(f"{name}.persons", one.persons, text=f"{format_number(one.persons)}人", unit="人", formula=one.source, inputs=("headcount",))
        width = f"幅{format_number(one.conf_low, 1)}～{format_hours(one.conf_high, 1)}"
        inputs = (f"{name}.hours", f"{name}.persons")
        book.figure(
            f"{name}.each", one.per_person, text=format_hours(one.per_person, 1), unit="時間／人・年", low=one.conf_low, high=one.conf_high,
            range_text=width, formula="生まれた時間÷実員", inputs=inputs,
        )  # fmt: skip


def _since(book: LedgerBook, savings: Savings) -> None:
    titles = {line.question_id: line.title for line in savings.lines}
    for place, year in enumerate(savings.persistence):
        name = f"since.{place}"
        book.about(name, f"{shorten(titles[year.question_id], 36)}　{year.year}年目")
        width = f"幅{format_number(year.conf_low, 1)}～{format_hours(year.conf_high, 1)}"
        book.figure(
            f"{name}.hours", year.hours, text=format_hours(year.hours, 1), unit="時間／単位・月", low=year.conf_low, high=year.conf_high, range_text=width
        )
        book.figure(f"{name}.units", year.n_units, text=format_number(year.n_units), unit="単位")


def _units(book: LedgerBook, savings: Savings) -> None:
    place = {"dept": 0, "proc": 0}
    for line, one in split_lines(savings):
        for kind, units in (("dept", one.departments), ("proc", shown_processes(one.processes))):
            for unit in units:
                name = f"{kind}.{place[kind]}"
                place[kind] += 1
                book.about(name, f"{shorten(unit.name, 40)}（{shorten(line.title, 24)}）")
                formula = "課の変化－比較対照の変化（研修前の時間に応じて）。差の小さい方へ全体に寄せ、合計は変えない"
                width = hours_range_text(unit.shrunken_low, unit.shrunken_high)
                book.figure(
                    f"{name}.hours", unit.shrunken, text=format_hours(unit.shrunken), unit="時間／年", low=unit.shrunken_low, high=unit.shrunken_high,
                    range_text=width, formula=formula, question_id=line.question_id,
                )  # fmt: skip
                _hours(book, f"{name}.plain", unit.hours, low=unit.conf_low, high=unit.conf_high)
                _hours(book, f"{name}.baseline", unit.baseline_hours)
                share = unit.shrunken / unit.baseline_hours if unit.baseline_hours > 0 else None
                text = ABSENT if share is None else format_share(share)
                book.figure(f"{name}.share", share, text=text, unit="割合", formula="生まれた時間÷研修前の時間", inputs=(f"{name}.hours", f"{name}.baseline"))


def _register(book: LedgerBook, register: Register, *, named: bool) -> None:
    for field, hours in (
        ("claimed", register.claimed_hours), ("measured", register.measured_hours), ("training_before", register.training_before),
        ("training", register.training_hours), ("other", register.other_hours), ("disputed", register.disputed_hours),
    ):  # fmt: skip
        _hours(book, f"register.{field}", hours, inputs=("interventions", "savings.created"))
    share = register.realised_of_claimed
    book.figure("register.realised", share, text=ABSENT if share is None else format_share(share), unit="割合", formula="実績÷見込み", inputs=("interventions",))
    book.sentence("register.rule", register.rule)
    for place, note in enumerate(register.notes):
        book.sentence(f"register.note.{place}", note)
    if not named:
        return
    for place, row in enumerate((*register.rows, *register.forecasts)):
        _register_row(book, row, name=f"reg.{place}")
    for place, overlap in enumerate(register.overlaps):
        name = f"key.{place}"
        book.about(name, f"重なり　{shorten(overlap_name(overlap), 40)}")
        for field, hours in (("claimed", overlap.claimed_hours), ("estate", overlap.estate_hours), ("baseline", overlap.baseline_hours)):
            _hours(book, f"{name}.{field}", hours, inputs=("interventions", "workload"))


def _register_row(book: LedgerBook, row: RegisterRow, *, name: str) -> None:
    book.about(name, f"効果の一覧　{shorten(row_name(row), 50)}")
    _hours(book, f"{name}.claimed", row.claimed_hours, inputs=("interventions",))
    for field, hours in (("hours", row.hours), ("allocated", row.allocated_hours)):
        _hours(book, f"{name}.{field}", hours, inputs=("interventions", "savings.created"))
    if row.reduced_yen is not None:
        book.figure(f"{name}.reduced", row.reduced_yen, text=yen_text(row.reduced_yen), unit="円", inputs=("interventions",))
    book.sentence(f"{name}.note", row.note)


def row_name(row: RegisterRow) -> str:
    """``RPA（I-015）``; the training by its name alone."""
    return f"{row.kind}（{row.row_id}）" if row.row_id else row.kind


def overlap_name(overlap: Overlap) -> str:
    """``総務課／文書の収受``."""
    return f"{overlap.department_name}／{overlap.process_name}"


def _books(book: LedgerBook, books: Reconciliation) -> None:
    for place, year in enumerate(books.years):
        name = f"year.{place}"
        book.about(name, f"帳簿　{FiscalYear(year.fiscal_year).wareki}")
        for field, hours in (
            ("claimed", year.claimed_hours), ("measured", year.measured_hours), ("redeployed", year.redeployed_hours), ("overtime", year.overtime_hours),
            ("fall", year.overtime_fall), ("unexplained", year.unexplained_hours),
        ):  # fmt: skip
            _hours(book, f"{name}.{field}", hours, inputs=("interventions", "worktime", "redeployment"))
        for field, persons in (("staff", year.staff), ("staff_fall", year.staff_fall)):
            digits = 0 if persons is None or persons == round(persons) else 1
            text = ABSENT if persons is None else f"{format_number(persons, digits)}人"
            book.figure(f"{name}.{field}", persons, text=text, unit="人", inputs=("headcount",))
        for field, yen, table in (("paid", year.paid_yen, "worktime"), ("budget", year.budget_yen, "costs")):
            book.figure(f"{name}.{field}", yen, text=ABSENT if yen is None else yen_text(yen), unit="円", inputs=(table,))
    for place, sentence in enumerate(books.sentences):
        book.sentence(f"books.sentence.{place}", sentence)

"""Enters hours in detail into the ledger: by department and process, per person, by year, the bridge, the register, the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.report.blocks import shorten
from kdx_eval.report.hours_figures import split_lines
from kdx_eval.report.wording import hours_range_text, planned, yen_text
from kdx_eval.savings.details import CLASS_WORDS, TRAINING
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, round_to_total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kdx_eval.report.ledger import LedgerBook
    from kdx_eval.results import Results
    from kdx_eval.savings import Overlap, Reconciliation, Register, RegisterRow, Savings, UnitHours

MOST_SPLIT = 6  # questions whose departments are printed; the notebook shows them all
MOST_PROCESSES = 12  # of each question, in print; the notebook shows them all
ABSENT = "－"
PARTS = ("training", "other", "disputed")  # of the measured total

def enter_hours(book: LedgerBook, results: Results) -> None:
    """Enter all figures of `Savings` beyond its totals; departments only for readers inside the office."""
    savings = results.savings
    if savings is None:
        return
    if savings.annualised is not None:
        year = savings.annualised
        _hours(book, "savings.annualised", year.hours, ends=(year.conf_low, year.conf_high))
    _classes(book, savings)
    _persons(book, savings)
    _since(book, savings)
    if shows_departments(results):
        _units(book, savings)
        _uses(book, savings)
    if savings.register is not None:
        _register(book, savings.register, named=shows_departments(results))
    if savings.reconciliation is not None:
        _books(book, savings.reconciliation)


def _uses(book: LedgerBook, savings: Savings) -> None:
    """The bridge by department; printed so that rows and columns add up."""
    rows = savings.bridge.departments
    redeployed = round_to_total([row.redeployed_hours for row in rows])
    created = round_to_total([row.created_hours for row in rows])
    for place, row in enumerate(rows):
        book.about(f"use.{place}", f"使い道　{shorten(row.name, 30)}")
        printed = {"created": created[place], "redeployed": redeployed[place], "unexplained": created[place] - redeployed[place]}
        for field, whole in printed.items():
            _hours(book, f"use.{place}.{field}", getattr(row, f"{field}_hours"), whole=whole, inputs=("redeployment", "savings.created"))


def shows_departments(results: Results) -> bool:
    """Whether figures of single departments may be printed: inside the office only."""
    return planned(results).audience == "internal"


def shown_processes(units: Sequence[UnitHours]) -> list[UnitHours]:
    """The processes that are printed: those with the most hours either way."""
    return sorted(units, key=lambda unit: (-abs(unit.shrunken), unit.department_id, unit.process_id))[:MOST_PROCESSES]


def _hours(
    book: LedgerBook,
    name: str,
    hours: float | None,
    *,
    ends: tuple[float, float] | None = None,
    whole: int | None = None,
    inputs: tuple[str, ...] = ("savings",),
) -> None:
    """One figure of hours with its interval; ``whole`` is what is printed where the rows of a table must add up."""
    low, high = ends or (None, None)
    width = "" if ends is None else hours_range_text(*ends)
    text = ABSENT if hours is None else format_hours(hours if whole is None else whole)
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
    for line, one in split_lines(savings)[:MOST_SPLIT]:
        for kind, units in (("dept", one.departments), ("proc", shown_processes(one.processes))):
            printed = zip(*(round_to_total([getattr(unit, name) for unit in units]) for name in ("shrunken", "hours", "baseline_hours")), strict=True)
            for unit, (whole, plain, before) in zip(units, printed, strict=True):
                name = f"{kind}.{place[kind]}"
                place[kind] += 1
                book.about(name, f"{shorten(unit.name, 40)}（{shorten(line.title, 24)}）")
                formula = "課の変化－比較対照の変化（研修前の時間に応じて）。差の小さい方へ全体に寄せ、合計は変えない"
                width = hours_range_text(unit.shrunken_low, unit.shrunken_high)
                book.figure(
                    f"{name}.hours", unit.shrunken, text=format_hours(whole), unit="時間／年", low=unit.shrunken_low, high=unit.shrunken_high,
                    range_text=width, formula=formula, question_id=line.question_id,
                )  # fmt: skip
                _hours(book, f"{name}.plain", unit.hours, whole=plain, ends=(unit.conf_low, unit.conf_high))
                _hours(book, f"{name}.baseline", unit.baseline_hours, whole=before)
                share = unit.shrunken / unit.baseline_hours if unit.baseline_hours > 0 else None
                text = ABSENT if share is None else format_share(share)
                book.figure(f"{name}.share", share, text=text, unit="割合", formula="生まれた時間÷研修前の時間", inputs=(f"{name}.hours", f"{name}.baseline"))


def class_rows(savings: Savings) -> list[tuple[str, float | None, int | None, str]]:
    """The four benefit classes: name, hours, yen that leave the budget, and what the row rests on (Japanese)."""
    rows = () if savings.register is None else savings.register.rows
    cut, overtime, freed, quality = CLASS_WORDS.values()
    told = [row for row in rows if row.benefit_class == cut and row.reduced_yen]
    cut_note = "案件に書かれた減額（時間外勤務手当と事業費の実際の減の範囲内）。" if told else "減った予算額の記録はありません。"
    wordless = sum(line.benefit_class == quality for line in savings.lines) + sum(row.benefit_class == quality for row in rows)
    created = savings.created if savings.may_claim else None
    freed_note = "予算額は減りません。" if created is not None else "生まれたとは主張できません。"
    return [
        (cut, None, sum(row.reduced_yen or 0 for row in told) if told else 0, cut_note),
        (overtime, savings.cash.cash_hours, savings.cash.cash_yen, f"{savings.cash.sentence}業務時間の創出の一部で、足しません。"),
        (freed, None if created is None else created.hours, 0, freed_note),
        (quality, None, None, "金額換算なし。" if wordless else "該当する問いや案件はありません。"),
    ]


def _classes(book: LedgerBook, savings: Savings) -> None:
    for place, (title, hours, yen, note) in enumerate(class_rows(savings)):
        name = f"class.{place}"
        book.about(name, title)
        _hours(book, f"{name}.hours", hours, inputs=("savings.created", "cash.hours"))
        book.figure(f"{name}.yen", yen, text=ABSENT if yen is None else yen_text(yen), unit="円", inputs=("worktime", "interventions"))
        book.sentence(f"{name}.note", note)


def _register(book: LedgerBook, register: Register, *, named: bool) -> None:
    printed = dict(zip(PARTS, round_to_total([getattr(register, f"{field}_hours") for field in PARTS]), strict=True))
    for field in ("claimed", "measured", *PARTS):
        _hours(book, f"register.{field}", getattr(register, f"{field}_hours"), whole=printed.get(field), inputs=("interventions", "savings.created"))
    _hours(book, "register.training_before", register.training_before, inputs=("savings.created",))
    share = register.realised_of_claimed
    text = ABSENT if share is None else format_share(share)
    book.figure("register.realised", share, text=text, unit="割合", formula="実績÷見込み", inputs=("interventions",))
    book.sentence("register.rule", register.rule)
    for place, note in enumerate(register.notes):
        book.sentence(f"register.note.{place}", note)
    if not named:
        return
    allocated = _allocated(register)
    for place, row in enumerate((*register.rows, *register.forecasts)):
        _register_row(book, row, name=f"reg.{place}", whole=allocated.get(place))
    for place, overlap in enumerate(register.overlaps):
        name = f"key.{place}"
        book.about(name, f"重なり　{shorten(overlap_name(overlap), 40)}")
        for field, hours in (("claimed", overlap.claimed_hours), ("estate", overlap.estate_hours), ("baseline", overlap.baseline_hours)):
            _hours(book, f"{name}.{field}", hours, inputs=("interventions", "workload"))


def _allocated(register: Register) -> dict[int, int]:
    """What is printed of each row after the division, so that rows of one kind add up to their part of the total."""
    kinds: dict[str, list[int]] = {}
    for place, row in enumerate(register.rows):
        own = row.kind == TRAINING and not row.row_id
        kinds.setdefault("training" if own else "other" if row.counted else "rest", []).append(place)
    return {
        place: whole
        for places in kinds.values()
        for place, whole in zip(places, round_to_total([register.rows[place].allocated_hours for place in places]), strict=True)
    }


def _register_row(book: LedgerBook, row: RegisterRow, *, name: str, whole: int | None) -> None:
    book.about(name, f"効果の一覧　{shorten(row_name(row), 50)}")
    _hours(book, f"{name}.claimed", row.claimed_hours, inputs=("interventions",))
    _hours(book, f"{name}.hours", row.hours, inputs=("interventions", "savings.created"))
    _hours(book, f"{name}.allocated", row.allocated_hours, whole=whole, inputs=(f"{name}.hours",))
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

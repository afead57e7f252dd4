"""Tables of hours in detail for the notebook, in the words of the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kdx_eval.report.claims_hours import class_rows, overlap_name, row_name
from kdx_eval.report.hours_figures import split_lines
from kdx_eval.savings.bases import BASIS_WORDS
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, format_thousand_yen

if TYPE_CHECKING:
    from kdx_eval.savings import RegisterRow, Savings, UnitHours

_Rows = Iterable[Sequence[str]]
_ABSENT = "－"
YEAR_NOTE = "年換算は、受講済みの課が1年を通して同じ効果だったとした計算値です。実績ではなく、実績には足しません。"


def _hours(hours: float | None, digits: int = 0) -> str:
    return _ABSENT if hours is None else format_hours(hours, digits)


def _range(low: float, high: float, digits: int = 0) -> str:
    return f"{format_number(low, digits)} ～ {format_hours(high, digits)}"


def _classes(savings: Savings) -> _Rows:
    for name, hours, yen, note in class_rows(savings):
        yield name, _hours(hours), _ABSENT if yen is None else f"{format_thousand_yen(yen)}千円", note


def _persons(savings: Savings) -> _Rows:
    lines = {line.question_id: line for line in savings.lines}
    for one in savings.per_person:
        counts = (_hours(one.hours), f"{format_number(one.persons)}人", _hours(one.per_person, 1), _range(one.conf_low, one.conf_high, 1))
        yield lines[one.question_id].title, lines[one.question_id].verdict, *counts, one.source


def _full_year(savings: Savings) -> _Rows:
    for line in savings.lines:
        if line.saved is not None and line.annualised is not None:
            year = line.annualised
            yield line.title, f"{format_number(line.unit_periods)}単位・月", _hours(line.saved.hours), _hours(year.hours), _range(year.conf_low, year.conf_high)
    if savings.created is not None and savings.annualised is not None:
        year = savings.annualised
        yield "合計に数える問いの計", "", _hours(savings.created.hours), _hours(year.hours), _range(year.conf_low, year.conf_high)
        yield YEAR_NOTE, "", "", "", ""


def _units(savings: Savings, *, processes: bool) -> _Rows:
    for line, one in split_lines(savings):
        members: tuple[UnitHours, ...] = one.processes if processes else one.departments
        if one.note:
            yield line.title, one.note, "", "", "", "", ""
        for unit in members:
            share = format_share(unit.shrunken / unit.baseline_hours) if unit.baseline_hours > 0 else _ABSENT
            numbers = (_hours(unit.shrunken), _range(unit.shrunken_low, unit.shrunken_high), _hours(unit.hours), _hours(unit.baseline_hours), share)
            yield line.title, unit.name, *numbers


def _departments(savings: Savings) -> _Rows:
    return _units(savings, processes=False)


def _processes(savings: Savings) -> _Rows:
    return _units(savings, processes=True)


def _persistence(savings: Savings) -> _Rows:
    titles = {line.question_id: line.title for line in savings.lines}
    for year in savings.persistence:
        trained = _ABSENT if year.exposure is None else format_share(year.exposure, 0)
        width = _range(year.conf_low, year.conf_high, 1)
        yield titles[year.question_id], f"{year.year}年目", _hours(year.hours, 1), width, format_number(year.n_units), trained


def _bridge(savings: Savings) -> _Rows:
    bridge = savings.bridge
    for row in bridge.departments:
        uses = "、".join(f"{name} {format_hours(hours)}" for name, hours in row.destinations)
        yield row.name, _hours(row.created_hours), _hours(row.redeployed_hours), _hours(row.unexplained_hours), uses
    yield "計", _hours(bridge.created_hours), _hours(bridge.redeployed_hours), _hours(bridge.unexplained_hours), ""


def _register(savings: Savings) -> _Rows:
    register = savings.register
    if register is None:
        return
    yield from (_register_row(row) for row in register.rows)
    yield from (_register_row(row, forecast=True) for row in register.forecasts)


def _register_row(row: RegisterRow, *, forecast: bool = False) -> Sequence[str]:
    hours = ("見込み", _ABSENT) if forecast else (_hours(row.hours), _hours(row.allocated_hours))
    names = (row.department_name or "（全庁）", row.process_name or ("（課全体）" if row.department_name else ""), row_name(row), row.benefit_class)
    return (*names, BASIS_WORDS[row.basis], _hours(row.claimed_hours), *hours, "数える" if row.counted else "数えない", row.note)


def _register_total(savings: Savings) -> _Rows:
    register = savings.register
    if register is None:
        return
    yield "主張をそのまま足した場合", _hours(register.claimed_hours)
    yield "重なりを除いて測った時間", _hours(register.measured_hours)
    yield "　うち研修", _hours(register.training_hours)
    yield "　うちほかの取組（測ったもの）", _hours(register.other_hours)
    yield "　うちどちらの成果とも言い切れない時間", _hours(register.disputed_hours)
    yield "分け方", register.rule
    yield from (("注記", note) for note in register.notes)


def _overlaps(savings: Savings) -> _Rows:
    for one in () if savings.register is None else savings.register.overlaps:
        numbers = (_hours(one.claimed_hours), _hours(one.measured_hours), _hours(one.estate_hours), _hours(one.baseline_hours))
        yield overlap_name(one), format_number(one.n_claims), *numbers, one.ground


def _books(savings: Savings) -> _Rows:
    books = savings.reconciliation
    if books is None:
        return
    for year in books.years:
        yield (
            FiscalYear(year.fiscal_year).wareki, _hours(year.claimed_hours), _hours(year.measured_hours), _hours(year.redeployed_hours),
            _hours(year.overtime_hours), _hours(year.overtime_fall), _ABSENT if year.paid_yen is None else f"{format_thousand_yen(year.paid_yen)}千円",
            year.allotment or "なし", _ABSENT if year.staff is None else f"{format_number(year.staff)}人",
            _ABSENT if year.budget_yen is None else f"{format_thousand_yen(year.budget_yen)}千円", _hours(year.unexplained_hours),
        )  # fmt: skip


def _book_sentences(savings: Savings) -> _Rows:
    yield from ((sentence,) for sentence in (() if savings.reconciliation is None else savings.reconciliation.sentences))


_UNIT_HEADS = ("全体に寄せた値", "幅（95%）", "そのままの推定", "研修前の時間", "割合")
HOURS_TABLES: dict[str, tuple[tuple[str, ...], Callable[[Any], _Rows]]] = {
    "classes": (("効果の区分", "時間", "予算が減る額", "説明"), _classes),
    "full_year": (("問い", "評価年度に受けていた月数", "評価年度の時間（実績）", "年換算（計算値）", "年換算の幅（95%）"), _full_year),
    "per_person": (("問い", "判定", "生まれた時間", "実員", "実員1人当たり", "幅（95%）", "実員の出所"), _persons),
    "departments": (("問い", "課", *_UNIT_HEADS), _departments),
    "processes": (("問い", "業務", *_UNIT_HEADS), _processes),
    "persistence": (("問い", "研修の開始から", "1単位・1か月の時間", "幅（95%）", "単位", "受講済みの職員"), _persistence),
    "bridge": (("課", "生まれた時間", "再配分を記録", "記録なし", "使い道"), _bridge),
    "register": (("課", "業務", "取組", "効果の区分", "根拠", "年間の主張", "評価年度の分", "重なりを分けた後", "合計に", "備考"), _register),
    "register_total": (("", "年間・説明"), _register_total),
    "overlaps": (("課／業務", "主張の数", "主張の合計", "うち最大の測定", "分ける時間", "もとの業務時間", "決め方"), _overlaps),
    "books": (
        ("年度", "測っていない主張", "測った時間", "使い道の記録", "時間外", "前年度からの減", "時間外手当", "枠配当", "実員", "事業費", "説明のつかない時間"),
        _books,
    ),
    "book_sentences": (("突き合わせから言えること",), _book_sentences),
}

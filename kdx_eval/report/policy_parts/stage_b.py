"""EBPM・イノベーション in the report: what freed hours were used for, what was begun, what changed for citizens and whether that is an effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.policy.yearly import value_text
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Table, columns, shorten
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.policy.stage_b import StageB
    from kdx_eval.report.ledger import Ledger, LedgerBook

_NONE = "－"
NOT_ASKED = "効果とは言えない"


def _claims(book: LedgerBook, found: StageB) -> None:
    for name, count, label in (("measures", len(found.measures), "施策"), ("begun", found.begun, "始めた施策")):
        book.figure(f"stage_b.{name}", count, text=f"{format_number(count)}件", unit="件", label=label, inputs=("measures",))
    if found.redeployed_hours is not None:
        hours = format_hours(found.redeployed_hours)
        book.figure("stage_b.redeployed", found.redeployed_hours, text=hours, unit="時間", label="使い道が記録された時間", inputs=("redeployment",))
    if found.redeployed_share == found.redeployed_share:
        share = format_share(found.redeployed_share)
        book.figure("stage_b.share", found.redeployed_share, text=share, unit="割合", label="再配分率", formula="使い道が記録された時間÷生まれた時間")
    for place, (target, hours_used, homes) in enumerate(found.destinations):
        name = f"stage_b.use.{place}"
        book.about(name, target)
        book.figure(f"{name}.hours", hours_used, text=format_hours(hours_used), unit="時間", label="使った時間", inputs=("redeployment",))
        book.figure(f"{name}.departments", homes, text=f"{format_number(homes)}課", unit="課", label="課の数", inputs=("redeployment",))
    for measure in found.measures:
        if measure.hours is not None:
            book.about(f"stage_b.measure.{measure.measure_id}", measure.name)
            text = format_hours(measure.hours)
            book.figure(
                f"stage_b.measure.{measure.measure_id}.hours",
                measure.hours,
                text=text,
                unit="時間",
                label="再配分した時間",
                inputs=("measures", "redeployment"),
            )
    for one in found.outcomes:
        name = f"stage_b.{one.indicator_id}"
        book.about(name, one.title)
        for point in one.points:
            text = value_text(point.value, one.unit)
            book.figure(
                f"{name}.{point.fiscal_year}",
                point.value,
                text=text,
                unit=one.unit,
                label=f"{FiscalYear(point.fiscal_year).wareki}の値",
                inputs=("indicators",),
            )
        for place, asked in enumerate(one.questions):
            book.sentence(f"{name}.question.{place}", f"{asked.verdict}：{asked.sentence}", label="計画した問いの判定")
        book.sentence(f"{name}.sentence", one.sentence, label="年度ごとの動き")
    for place, note in enumerate(found.notes):
        book.sentence(f"stage_b.note.{place}", note, label="前提")


def _blocks(ledger: Ledger, found: StageB) -> Iterator[Block]:
    share = f"生まれた時間に対する再配分率は{ledger.text('stage_b.share')}です。" if ledger.has("stage_b.share") else ""
    used = f"使い道が記録された時間は{ledger.text('stage_b.redeployed')}です。" if ledger.has("stage_b.redeployed") else "時間の使い道の記録はありません。"
    yield Paragraph(text=f"{used}{share}施策は{ledger.text('stage_b.measures')}（うち始めたもの{ledger.text('stage_b.begun')}）です。")
    if found.destinations:
        rows = tuple(
            (name, *(ledger.text(f"stage_b.use.{place}.{field}") for field in ("hours", "departments")))
            for place, (name, _, _) in enumerate(found.destinations)
        )
        yield Table(columns=columns("使い道", "時間", "課の数", right=(1, 2), widths=(4, 1, 1)), rows=rows, caption="生まれた時間の使い道")
    if found.measures:
        yield _measures_table(ledger, found)
    if found.outcomes:
        yield _outcomes_table(ledger, found)
    yield Bullets(items=tuple(ledger.text(f"stage_b.note.{place}") for place in range(len(found.notes))))


def _measures_table(ledger: Ledger, found: StageB) -> Table:
    rows = []
    for one in found.measures:
        name = f"stage_b.measure.{one.measure_id}.hours"
        hours = ledger.text(name) if ledger.has(name) else _NONE
        rows.append((shorten(one.name, 40), one.kind, one.department, one.status, hours, "、".join(one.indicators) or "記入なし"))
    heads = columns("施策", "種類", "課", "状況", "再配分した時間", "見る指標", right=(4,), widths=(2.8, 1.2, 1.1, 0.8, 1.4, 1.4))
    note = "再配分した時間は、施策の「再配分先」と同じ使い道の合計で、同じ使い道の施策が複数あるときはどちらにも出ます。"
    return Table(columns=heads, rows=tuple(rows), caption="生まれた時間で始めた施策", note=note)


def _outcomes_table(ledger: Ledger, found: StageB) -> Table:
    rows = []
    for one in found.outcomes:
        name = f"stage_b.{one.indicator_id}"
        asked = "。".join(ledger.text(f"{name}.question.{place}").rstrip("。") for place in range(len(one.questions)))
        rows.append((one.title, ledger.text(f"{name}.sentence"), asked or NOT_ASKED))
    return Table(
        columns=columns("市民にとっての指標", "年度ごとの動き", "効果の判定", widths=(1.3, 3.6, 2.6)), rows=tuple(rows), caption="市民に何が変わったか"
    )


def _measures(found: StageB) -> Iterable[Sequence[str]]:
    for one in found.measures:
        hours = _NONE if one.hours is None else format_hours(one.hours)
        yield one.measure_id, one.name, one.kind, one.department, one.status, one.started_on, hours, "、".join(one.indicators), one.evidence


def _outcomes(found: StageB) -> Iterable[Sequence[str]]:
    for one in found.outcomes:
        verdict = "、".join(f"{asked.title}：{asked.verdict}" for asked in one.questions) or NOT_ASKED
        values = "、".join(f"{FiscalYear(point.fiscal_year).short} {value_text(point.value, one.unit)}" for point in one.points) or _NONE
        yield one.title, "高いほど良い" if one.better == "higher" else "低いほど良い", values, verdict, one.sentence, one.note


def _uses(found: StageB) -> Iterable[Sequence[str]]:
    yield from ((name, format_hours(hours), f"{format_number(homes)}課") for name, hours, homes in found.destinations)


def _notes(found: StageB) -> Iterable[Sequence[str]]:
    yield from ((note,) for note in found.notes)


SECTION = Section(
    part="stage_b",
    title="EBPM・イノベーション（生まれた時間で始めたこと）", rests_on=("measures", "redeployment", "indicators"),
    claims=_claims,
    blocks=_blocks,
    tables={
        "stage_b_uses": (("使い道", "時間", "課の数"), _uses),
        "stage_b_measures": (("番号", "施策", "種類", "課", "状況", "開始日", "再配分した時間", "見る指標", "根拠"), _measures),
        "stage_b_outcomes": (("指標", "向き", "年度ごとの値", "効果の判定", "説明", "注"), _outcomes),
        "stage_b_notes": (("前提",), _notes),
    },
)

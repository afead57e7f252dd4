"""育成の循環 in the report: one figure with its numbers, own share of course hours by year, and the invoices that fell or did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.plots import Phase, plot_cycle, plot_in_house
from kdx_eval.policy.yearly import change_by_year
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, format_thousand_yen, format_yen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.cycle import Cycle
    from kdx_eval.report.ledger import Ledger, LedgerBook

PHASES = ("フェーズ1　教育", "フェーズ2　応用・実践", "フェーズ3　ナレッジ共有", "教育へ還元（内製化）")
_PASSED_ON = ("学んだ職員", "案件で得た\n経験", "手引き\n内製研修", "教える人\nと教材")
_NONE = "－"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the loop: its place in the ledger, its value, how it is written, its unit and what it is."""

    name: str
    phase: int
    value: float | None
    text: str
    unit: str
    label: str


def loop_rows(found: Cycle) -> tuple[Row, ...]:
    """Every figure of the loop, in the order of the phases: the drawing and the ledger both take them from here."""
    return (*_education(found), *_practice(found), *_sharing(found), *_way_back(found))


def _count(name: str, phase: int, *, value: float, unit: str, label: str) -> Row:
    return Row(f"cycle.{name}", phase, value, f"{format_number(value)}{unit}", unit, label)


def _share(name: str, phase: int, *, value: float, label: str) -> Row:
    known = None if value != value else value
    return Row(f"cycle.{name}", phase, known, _NONE if known is None else format_share(known), "割合", label)


def _education(found: Cycle) -> Iterator[Row]:
    one = found.education
    yield _count("enrolled", 0, value=one.enrolled, unit="人", label="受講（必修を除く、延べ）")
    yield _count("completed", 0, value=one.completed, unit="人", label="修了（延べ）")
    yield _share("completion", 0, value=one.completion_share, label="修了率")
    yield _count("trained", 0, value=one.trained, unit="人", label="修了した職員（累計）")
    gain = "測っていない" if one.gain is None else change_by_year(one.gain, "点")
    yield Row("cycle.gain", 0, one.gain, gain, "点", "習熟度の変化（前年度比）")


def _practice(found: Cycle) -> Iterator[Row]:
    one = found.practice
    yield _share("applying_share", 1, value=one.share, label="案件のある課の修了者")
    yield _count("projects", 1, value=one.projects, unit="件", label="支援案件（累計）")
    yield _count("live", 1, value=one.live, unit="件", label="うち稼働")
    months = one.months_to_live
    yield Row("cycle.months", 1, months, _NONE if months is None else f"{format_number(months, 1)}か月", "か月", "着手から稼働（中央値）")
    measured = f"{format_hours(one.measured_hours)}／{format_hours(one.measured_claimed)}" if one.measured else "測っていない"
    yield Row("cycle.realised", 1, one.measured_hours if one.measured else None, measured, "時間／年", "実測／見込み")


def _sharing(found: Cycle) -> Iterator[Row]:
    one = found.sharing
    yield _count("assets", 2, value=one.assets, unit="件", label="手引きなど（累計）")
    yield _count("courses", 2, value=one.courses, unit="件", label="うち内製研修")
    yield _count("uses", 2, value=one.uses, unit="回", label="ほかの課での利用")
    yield _count("users", 2, value=one.users, unit="課", label="使っている課")
    yield _share("spread", 2, value=one.spread, label="課の数に対して")


def _way_back(found: Cycle) -> Iterator[Row]:
    now = next((one for one in found.years if one.fiscal_year == found.fiscal_year), None)
    nothing = float("nan")
    yield _share("in_house", 3, value=now.in_house_share if now else nothing, label="内製化率（受講時間）")
    yield _share("in_house_elective", 3, value=now.elective_share if now else nothing, label="必修を除くと")
    fee = None if now is None else now.fee_yen
    yield Row("cycle.fee", 3, fee, "費用の表なし" if fee is None else format_yen(fee), "円", "研修の委託料")
    yield _count("replaced", 3, value=len(found.replacements), unit="件", label="置き換えた委託研修")
    yield Row("cycle.avoided", 3, found.avoided_yen, format_yen(found.avoided_yen), "円", "実際に減った支払い")


def _beside(found: Cycle) -> Iterator[Row]:
    """Figures of phase 2 that the drawing has no room for."""
    one = found.practice
    yield _count("departments", 1, value=one.departments, unit="課", label="修了した職員のいる課")
    yield _count("applying_departments", 1, value=one.applying_departments, unit="課", label="修了の後に案件が始まった課")
    months = one.months_from_training
    yield Row("cycle.months_from_training", 1, months, _NONE if months is None else f"{format_number(months, 1)}か月", "か月", "最初の修了から稼働（中央値）")
    yield Row("cycle.claimed", 1, one.claimed_hours, format_hours(one.claimed_hours), "時間／年", "稼働した案件の見込み")
    yield _count("measured", 1, value=one.measured, unit="件", label="実測のある案件")
    yield _share("realised_share", 1, value=one.realised_share, label="実測の割合（実測のある案件）")


def _claims(book: LedgerBook, found: Cycle) -> None:
    for row in (*loop_rows(found), *_beside(found)):
        book.figure(row.name, row.value, text=row.text, unit=row.unit, label=row.label, inputs=("training", "interventions", "knowledge", "costs"))
    for one in found.years:
        name, year = f"cycle.year.{one.fiscal_year}", FiscalYear(one.fiscal_year)
        book.about(name, year.wareki)
        for field, hours, label in (
            ("hours", one.hours, "受講時間"),
            ("in_house_hours", one.in_house, "うち内製"),
            ("contract_hours", one.contract, "うち委託"),
        ):
            book.figure(f"{name}.{field}", hours, text=format_hours(hours), unit="時間", label=label, inputs=("training", "courses"))
        for field, share, label in (("share", one.in_house_share, "内製化率"), ("elective", one.elective_share, "内製化率（必修を除く）")):
            book.figure(
                f"{name}.{field}", None if share != share else share, text=format_share(share), unit="割合", label=label, inputs=("training", "courses")
            )
        fee = "－" if one.fee_yen is None else format_thousand_yen(one.fee_yen)
        book.figure(f"{name}.fee", one.fee_yen, text=fee, unit="千円", label=f"委託料（{one.fee_stage or '費用の表なし'}）", inputs=("costs",))
    for gone in found.replacements:
        name = f"cycle.replaced.{gone.course_id}"
        book.about(name, gone.course_name)
        text = format_yen(gone.avoided_yen)
        book.figure(f"{name}.avoided", gone.avoided_yen, text=text, unit="円", label="実際に減った支払い", inputs=("costs", "knowledge"))
        book.sentence(f"{name}.sentence", gone.sentence, label="支払額の動き")
    for place, note in enumerate(found.notes):
        book.sentence(f"cycle.note.{place}", note, label="前提")


def _blocks(ledger: Ledger, found: Cycle) -> Iterator[Block]:
    text = ledger.text
    yield Paragraph(
        text=f"修了した職員は累計{text('cycle.trained')}で、その{text('cycle.applying_share')}は、修了の後に案件が始まった課で働いています。"
        f"課では、{text('cycle.departments')}のうち{text('cycle.applying_departments')}です（最初の修了から稼働まで{text('cycle.months_from_training')}）。"
        f"案件は{text('cycle.projects')}（稼働{text('cycle.live')}）で、見込みは年{text('cycle.claimed')}、"
        f"そのうち実測があるのは{text('cycle.measured')}、実測は見込みの{text('cycle.realised_share')}です。手引きなどは{text('cycle.assets')}で、{text('cycle.users')}が使っています。"
        f"内製化率は{text('cycle.in_house')}（必修を除くと{text('cycle.in_house_elective')}）、実際に減った支払いは{text('cycle.avoided')}です。"
    )
    if found.years:
        yield _years_table(ledger, found)
    if found.replacements:
        yield Bullets(items=tuple(text(f"cycle.replaced.{one.course_id}.sentence") for one in found.replacements))
    yield Bullets(items=tuple(text(f"cycle.note.{place}") for place in range(len(found.notes))))


def _years_table(ledger: Ledger, found: Cycle) -> Table:
    rows = []
    for one in found.years:
        fields = ("hours", "in_house_hours", "contract_hours", "share", "elective", "fee")
        rows.append((FiscalYear(one.fiscal_year).short, *(ledger.text(f"cycle.year.{one.fiscal_year}.{field}") for field in fields), one.fee_stage))
    heads = columns(
        "年度",
        "受講時間",
        "うち内製",
        "うち委託",
        "内製化率",
        "必修を除く",
        "委託料（千円）",
        "区分",
        right=range(1, 7),
        widths=(0.6, 1, 1, 1, 0.9, 0.9, 1.1, 0.8),
    )
    note = "内製化率は、庁内で教えた受講時間÷すべての受講時間。委託料は研修番号のある行だけ。"
    return Table(columns=heads, rows=tuple(rows), caption="内製化率と委託料", note=note)


def _pictures(found: Cycle, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    rows = loop_rows(found)
    phases = [
        Phase(title=title, rows=tuple((row.label, row.text) for row in rows if row.phase == place), passes_on=_PASSED_ON[place])
        for place, title in enumerate(PHASES)
    ]
    year = FiscalYear(found.fiscal_year)
    spoken = "。".join(f"{phase.title}：{'、'.join(f'{label}{text}' for label, text in phase.rows)}" for phase in phases)
    picture = Picture(file="cycle-loop.png", alt=f"育成の循環。{spoken}", caption=f"図　育成の循環（{year.wareki}末）")
    yield picture, plot_cycle(phases, title=f"育成の循環（{year.wareki}末）", synthetic=synthetic)
    if len(found.years) > 1:
        names = [FiscalYear(one.fiscal_year).short for one in found.years]
        shares = [(one.in_house_share, one.elective_share) for one in found.years]
        said = "、".join(f"{name}は{format_share(pair[0])}" for name, pair in zip(names, shares, strict=True))
        picture = Picture(file="cycle-in-house.png", alt=f"内製化率。{said}", caption="図　内製化率（線）と研修の委託料（棒）")
        yield picture, plot_in_house(names, shares, fees=[one.fee_yen for one in found.years], title="内製化率と委託料", synthetic=synthetic)


def _loop(found: Cycle) -> Iterable[Sequence[str]]:
    rows = sorted((*loop_rows(found), *_beside(found)), key=lambda row: row.phase)
    yield from ((PHASES[row.phase], row.label, row.text) for row in rows)


def _knowledge(found: Cycle) -> Iterable[Sequence[str]]:
    yield from (("種類", kind, f"{format_number(count)}件", f"{format_number(new)}件") for kind, count, new in found.sharing.kinds)
    yield from (("作成者", tier, f"{format_number(count)}件", "") for tier, count in found.sharing.authors)


def _years(found: Cycle) -> Iterable[Sequence[str]]:
    for one in found.years:
        parts = (format_hours(hours) for hours in (one.hours, one.in_house, one.contract, one.other, one.unknown))
        fee = "－" if one.fee_yen is None else f"{format_thousand_yen(one.fee_yen)}千円"
        yield FiscalYear(one.fiscal_year).short, *parts, format_share(one.in_house_share), format_share(one.elective_share), fee, one.fee_stage


def _replaced(found: Cycle) -> Iterable[Sequence[str]]:
    for one in found.replacements:
        before, after = (_NONE if yen is None else format_yen(yen) for yen in (one.before_yen, one.after_yen))
        yield one.course_name, "、".join(one.assets), FiscalYear(one.since).short, before, after, format_yen(one.avoided_yen), one.sentence


def _notes(found: Cycle) -> Iterable[Sequence[str]]:
    yield from ((note,) for note in found.notes)


SECTION = Section(
    part="cycle",
    title="育成の循環（学ぶ・使う・共有する・教える）", rests_on=("training", "interventions", "knowledge", "costs"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={
        "cycle_loop": (("段階", "項目", "値"), _loop),
        "cycle_knowledge": (("見方", "内訳", "件数", "評価年度の新規"), _knowledge),
        "cycle_years": (("年度", "受講時間", "うち内製", "うち委託", "うちJ-LISなど", "機関不明", "内製化率", "必修を除く", "委託料", "区分"), _years),
        "cycle_replaced": (("置き換えた研修", "資産", "始まり", "前の支払い", "評価年度の支払い", "実際に減った額", "説明"), _replaced),
        "cycle_notes": (("前提",), _notes),
    },
)

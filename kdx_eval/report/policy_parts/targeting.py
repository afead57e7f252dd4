"""主導すべき業務 in the report: the order, how firmly it stands, what was chosen, and why each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.plots import plot_targets
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns, shorten
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.report.wording import hours_range_text
from kdx_eval.units import format_hours, format_number, format_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.targeting import Target, Targeting
    from kdx_eval.report.ledger import Ledger, LedgerBook

SHOWN = 15  # rows in documents; the notebook shows all
_DRAWN = 10


def _claims(book: LedgerBook, found: Targeting) -> None:
    chosen = sum(one.chosen for one in found.targets)
    for name, value, unit, label in (
        ("months", found.months, "人月", "専門人材の人月"),
        ("months_used", found.months_used, "人月", "選んだ業務に要る人月"),
        ("count", chosen, "件", "選んだ業務（整数計画）"),
        ("listed", len(found.targets), "件", "並べた業務"),
        ("same_as_raw", found.same_as_raw, "件", "昨年度の時間だけで選んでも同じになる業務"),
    ):
        digits = 0 if value == round(value) else 1
        book.figure(f"targeting.{name}", value, text=f"{format_number(value, digits)}{unit}", unit=unit, label=label, inputs=("workload", "interventions"))
    if found.is_forecast:
        _gain(book, "targeting.gain", value=(found.gain, found.gain_low, found.gain_high))
    for place, one in enumerate(found.targets[:SHOWN]):
        _row_claims(book, f"targeting.row.{place}", one=one, is_forecast=found.is_forecast)
    for place, note in enumerate(found.notes):
        book.sentence(f"targeting.note.{place}", note, label="前提")


def _row_claims(book: LedgerBook, name: str, *, one: Target, is_forecast: bool) -> None:
    book.about(name, shorten(f"{one.department}　{one.process}", 40))
    for field, hours, label in (("hours", one.expected_hours, "年間の時間（ならした値）"), ("last", one.last_year_hours, "昨年度の時間")):
        book.figure(f"{name}.{field}", hours, text=format_hours(hours), unit="時間／年", label=label, inputs=("workload",))
    ranks = f"{format_number(one.rank_low)}～{format_number(one.rank_high)}位"
    place = f"{format_number(one.rank)}位"
    book.figure(f"{name}.rank", one.rank, text=place, unit="位", low=one.rank_low, high=one.rank_high, range_text=ranks, label="順位（幅は90％）")
    book.figure(f"{name}.firmness", one.firmness, text=format_share(one.firmness, 0), unit="割合", label="上位に入る割合")
    if is_forecast:
        _gain(book, f"{name}.gain", value=(one.gain, one.gain_low, one.gain_high))
    book.sentence(f"{name}.reason", one.reason, label="なぜこの業務か")


def _gain(book: LedgerBook, name: str, *, value: tuple[float, float, float]) -> None:
    hours, low, high = value
    book.figure(
        name, hours, text=format_hours(hours), unit="時間／年", low=low, high=high, range_text=hours_range_text(low, high),
        label="生まれる見込みの時間（幅は90％）", formula="年間の時間×効果の割合×実現の見込み", inputs=("results/studies.json", "workload", "interventions"),
    )  # fmt: skip


def _blocks(ledger: Ledger, found: Targeting) -> Iterator[Block]:
    if found.targets:
        yield Paragraph(text=_summary(ledger, found))
        keys = ("rank", "hours", "gain", "firmness") if found.is_forecast else ("rank", "hours", "firmness")
        titles = ["選", "課　業務", "順位（幅）", "年間の時間"] + ["生まれる見込み"] * found.is_forecast + ["上位に入る割合"]
        rows = tuple(_row(ledger, place, one=one, keys=keys) for place, one in enumerate(found.targets[:SHOWN]))
        widths = [0.4, 3.2, 1.6, 1.2] + [1.2] * found.is_forecast + [1]
        heads = columns(*titles, right=range(2, len(titles)), widths=widths)
        more = "" if len(found.targets) <= SHOWN else f"上位{format_number(SHOWN)}件。"
        note = f"{more}○は、人月と「同じ課では一度に1件」の条件の中で、見込み時間の合計が最大になる組合せ。見込みは実績に加えない。"
        yield Table(columns=heads, rows=rows, caption="専門人材が主導する業務の候補", note=note)
    yield Bullets(items=tuple(ledger.text(f"targeting.note.{place}") for place in range(len(found.notes))))


def _summary(ledger: Ledger, found: Targeting) -> str:
    months = f"{ledger.text('targeting.months')}のうち{ledger.text('targeting.months_used')}"
    first = f"候補{ledger.text('targeting.listed')}から{ledger.text('targeting.count')}を選びました（{months}）。"
    gain = f"生まれる見込みは年{ledger.text('targeting.gain')}（90％の{ledger.range_text('targeting.gain')}）です。" if found.is_forecast else ""
    return f"{first}{gain}昨年度の時間だけで選んだ場合と同じになるのは{ledger.text('targeting.same_as_raw')}です。"


def _row(ledger: Ledger, place: int, *, one: Target, keys: Sequence[str]) -> tuple[str, ...]:
    name = f"targeting.row.{place}"
    texts = {key: ledger.text(f"{name}.{key}") for key in keys}
    texts["rank"] = f"{texts['rank']}（{ledger.range_text(f'{name}.rank')}）"
    return ("○" if one.chosen else "", shorten(f"{one.department}　{one.process}", 34), *(texts[key] for key in keys))


def _pictures(found: Targeting, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    shown = found.targets[:_DRAWN]
    if not shown:
        return
    points = [(f"{one.rank}位　{shorten(one.department, 12)}\n{shorten(one.process, 14)}", one.gain, one.gain_low, one.gain_high, one.chosen) for one in shown]
    axis = "時間／年（見込み、右ほど良い）" if found.is_forecast else "対象の時間×実現の見込み（時間／年）"
    spoken = "、".join(f"{one.rank}位 {one.department} {one.process}" for one in shown)
    caption = "図　専門人材が主導する業務の候補と90％の幅（塗った丸が選んだ業務、白丸は見送り）"
    picture = Picture(file="targeting-rank.png", alt=f"候補の順番と幅。{spoken}", caption=caption)
    yield picture, plot_targets(points, title="どの業務から支援するか", axis_label=axis, synthetic=synthetic)


def _table(found: Targeting) -> Iterable[Sequence[str]]:
    for one in found.targets:
        gain = f"{format_hours(one.gain)}（{hours_range_text(one.gain_low, one.gain_high)}）" if found.is_forecast else "－"
        rank = f"{one.rank}位（{one.rank_low}～{one.rank_high}位）"
        yield "○" if one.chosen else "", f"{one.department}　{one.process}", rank, gain, format_share(one.firmness, 0), one.reason


def _numbers(found: Targeting) -> Iterable[Sequence[str]]:
    for one in found.targets:
        hours = (format_hours(one.last_year_hours), format_hours(one.expected_hours))
        months = f"{format_number(one.months, 1)}人月"
        yield f"{one.rank}位", one.department, one.process, one.department_type, *hours, format_share(one.feasibility, 0), months


def _notes(found: Targeting) -> Iterable[Sequence[str]]:
    yield from ((note,) for note in found.notes)


SECTION = Section(
    part="targeting",
    title="専門人材が主導する業務",
    rests_on=("workload", "interventions", "training"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={
        "targets": (
            ("選", "課　業務", "順位（90%の幅）", "生まれる見込み（90%の幅）", "上位に入る割合", "なぜこの業務か"),
            _table,
        ),
        "target_numbers": (("順位", "課", "業務", "課の区分", "昨年度の時間", "ならした時間", "実現の見込み", "要る人月"), _numbers),
        "targeting_notes": (("前提",), _notes),
    },
)

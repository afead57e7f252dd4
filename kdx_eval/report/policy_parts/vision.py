"""めざす姿 in the report: Before and After as indicators, by year against their targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.plots import Small, plot_vision
from kdx_eval.policy.yearly import change_by_year, value_text
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import FiscalYear, format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.vision import Vision, VisionIndicator
    from kdx_eval.report.ledger import Ledger, LedgerBook

_NONE = "－"
_SHOWN_YEARS = 4


def _claims(book: LedgerBook, found: Vision) -> None:
    for status in ("達成", "未達", "目標なし", "実績なし"):
        count = sum(one.status == status for one in found.indicators)
        book.figure(f"vision.count.{status}", count, text=f"{format_number(count)}つ", unit="つ", label=f"{status}の指標", inputs=("targets",))
    for one in found.indicators:
        name = f"vision.{one.indicator_id}"
        book.about(name, one.title)
        for point in one.points:
            text = value_text(point.value, one.unit)
            book.figure(f"{name}.{point.fiscal_year}", point.value, text=text, unit=one.unit, label=f"{FiscalYear(point.fiscal_year).wareki}の実績")
        for target in one.targets:
            year, text = FiscalYear(target.fiscal_year), value_text(target.value, one.unit)
            book.figure(f"{name}.target.{year}", target.value, text=text, unit=one.unit, label=f"{year.wareki}の目標", inputs=("targets",))
        if one.trend is not None and one.trend.per_year is not None:
            text = change_by_year(one.trend.per_year, one.unit)
            book.figure(f"{name}.trend", one.trend.per_year, text=text, unit=f"{one.unit}／年", label="1年当たりの傾向", formula="年度への最小二乗")
    for place, note in enumerate(found.notes):
        book.sentence(f"vision.note.{place}", note, label="前提")


def _blocks(ledger: Ledger, found: Vision) -> Iterator[Block]:
    counts = "、".join(f"{status}{ledger.text(f'vision.count.{status}')}" for status in ("達成", "未達", "目標なし", "実績なし"))
    yield Paragraph(text=f"方針の「めざす姿」を表す指標の、{FiscalYear(found.fiscal_year).wareki}の目標に対する状況は、{counts}です。")
    years = _years(found)
    heads = columns(
        "指標", *(FiscalYear(year).short for year in years), "目標", "状況", "1年当たり", right=range(1, len(years) + 2),
        widths=(2.6, *(0.9 for _ in years), 0.9, 1, 1.5),
    )  # fmt: skip
    for before, after in dict.fromkeys((one.before, one.after) for one in found.indicators):
        rows = tuple(_row(ledger, one, years=years, year=found.fiscal_year) for one in found.indicators if one.before == before)
        yield Table(columns=heads, rows=rows, caption=f"{before}　→　{after}")
    yield Bullets(items=tuple(ledger.text(f"vision.note.{place}") for place in range(len(found.notes))))


def _years(found: Vision) -> list[int]:
    known = {point.fiscal_year for one in found.indicators for point in one.points} | {found.fiscal_year}
    return sorted(known)[-_SHOWN_YEARS:]


def _row(ledger: Ledger, one: VisionIndicator, *, years: Sequence[int], year: int) -> tuple[str, ...]:
    name = f"vision.{one.indicator_id}"

    def shown(field: str) -> str:
        return ledger.text(f"{name}.{field}") if ledger.has(f"{name}.{field}") else _NONE

    return one.title, *(shown(str(past)) for past in years), shown(f"target.{year}"), one.status, shown("trend")


def _pictures(found: Vision, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    drawn = [one for one in found.indicators if len(one.points) > 1 or (one.points and one.targets)]
    if not drawn:
        return
    spoken = "。".join(f"{one.title}：{one.sentence.rstrip('。')}" for one in drawn)
    picture = Picture(file="vision-indicators.png", alt=f"めざす姿の指標。{spoken}", caption="図　めざす姿の指標（丸は実績、ひし形は年度の目標）")
    yield picture, plot_vision([_small(one) for one in drawn], title="めざす姿の指標と目標", synthetic=synthetic)


def _small(one: VisionIndicator) -> Small:
    years = sorted({point.fiscal_year for point in one.points} | {target.fiscal_year for target in one.targets})
    nothing = float("nan")
    values = tuple(nothing if one.at(year) is None else float(one.at(year) or 0.0) for year in years)
    targets = tuple(nothing if one.target(year) is None else float(one.target(year) or 0.0) for year in years)
    unit = "" if one.unit == "割合" or f"（{one.unit}）" in one.title else f"（{one.unit}）"
    return Small(title=f"{one.title.partition('（')[0]}{unit}", years=tuple(FiscalYear(year).short for year in years), values=values, targets=targets,
                 percent=one.unit == "割合")  # fmt: skip


def _table(found: Vision) -> Iterable[Sequence[str]]:
    for one in found.indicators:
        value, target = (_NONE if number is None else value_text(number, one.unit) for number in (one.at(found.fiscal_year), one.target(found.fiscal_year)))
        better = "高いほど良い" if one.better == "higher" else "低いほど良い"
        yield one.before, one.after, one.title, better, value, target, one.status, one.sentence, one.note


def _series(found: Vision) -> Iterable[Sequence[str]]:
    for one in found.indicators:
        for year in sorted({point.fiscal_year for point in one.points} | {target.fiscal_year for target in one.targets}):
            value, target = (_NONE if number is None else value_text(number, one.unit) for number in (one.at(year), one.target(year)))
            source = next((goal.source for goal in one.targets if goal.fiscal_year == year), "")
            yield one.title, FiscalYear(year).short, value, target, source


def _notes(found: Vision) -> Iterable[Sequence[str]]:
    yield from ((note,) for note in found.notes)


SECTION = Section(
    part="vision",
    title="めざす姿（目標と傾向）", rests_on=("indicators", "targets", "skills"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={
        "vision": (("いま（Before）", "めざす姿（After）", "指標", "向き", "実績", "目標", "状況", "説明", "注"), _table),
        "vision_series": (("指標", "年度", "実績", "目標", "目標の出典"), _series),
        "vision_notes": (("前提",), _notes),
    },
)

"""パートナーシップの形成 in the report: results of several cities, what would be given away, cost per seat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kdx_eval.plots import plot_ranges
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns, shorten
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.report.wording import change_range_text, change_text
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.partnership import CityEffect, Partnership
    from kdx_eval.policy.pooling import PooledEffect
    from kdx_eval.report.ledger import Ledger, LedgerBook

# Field of SeatCost: unit, label.
_SEAT_FIELDS: Mapping[str, tuple[str, str]] = {
    "own_seats": ("席", "本市の席"),
    "partner_seats": ("席", "他団体の席"),
    "classes_alone": ("回", "単独の回数"),
    "classes_jointly": ("回", "共同の回数"),
    "yen_alone": ("円", "1席の費用（単独）"),
    "yen_jointly": ("円", "1席の費用（共同）"),
    "saved_yen": ("円", "共同にした場合の本市の減"),
}
_NORMAL_95 = 1.959963984540054


def _claims(book: LedgerBook, found: Partnership) -> None:
    for place, one in enumerate(found.cities):
        low, high = _interval(one)
        book.figure(
            f"partnership.city.{place}", one.estimate, text=change_text(one.estimate, found.unit_label), unit=found.unit_label, low=low, high=high,
            range_text=change_range_text(low, high, unit_label=found.unit_label), label="効果（市の中の比較）", subject=shorten(one.city, 30),
            inputs=("results/effects.json",) if one.own else ("partner_results",),
        )  # fmt: skip
    if found.together is not None:
        _pooled_claims(book, found.together, unit_label=found.unit_label)
    for place, item in enumerate(found.seats):
        name = f"partnership.seat.{place}"
        book.about(name, shorten(item.course, 30))
        for field, (unit, label) in _SEAT_FIELDS.items():
            value = getattr(item, field)
            book.figure(f"{name}.{field}", value, text=f"{format_number(value)}{unit}", unit=unit, label=label, inputs=("costs", "training", "course_plans"))
    for place, note in enumerate(_notes(found)):
        book.sentence(f"partnership.note.{place}", note, label="前提")


def _pooled_claims(book: LedgerBook, pooled: PooledEffect, *, unit_label: str) -> None:
    common = {"unit": unit_label, "method": "random_effects", "formula": "変量効果（Hartung-Knapp）"}
    text, width = change_text(pooled.estimate, unit_label), change_range_text(pooled.conf_low, pooled.conf_high, unit_label=unit_label)
    book.figure(
        "partnership.together", pooled.estimate, text=text, low=pooled.conf_low, high=pooled.conf_high, range_text=width, label="市をまとめた効果", **common
    )
    if pooled.predict_low is not None and pooled.predict_high is not None:
        width = change_range_text(pooled.predict_low, pooled.predict_high, unit_label=unit_label)
        book.figure(
            "partnership.next_city", pooled.estimate, text=text, low=pooled.predict_low, high=pooled.predict_high, range_text=width, label="次の市での範囲",
            **common,
        )  # fmt: skip


def _interval(one: CityEffect) -> tuple[float, float]:
    half = _NORMAL_95 * one.std_error
    return one.estimate - half, one.estimate + half


def _notes(found: Partnership) -> tuple[str, ...]:
    return (*((found.refused,) if found.refused else ()), *found.notes)


def _blocks(ledger: Ledger, found: Partnership) -> Iterator[Block]:
    if found.together is not None:
        together = f"{ledger.text('partnership.together')}（{ledger.range_text('partnership.together')}）"
        text = f"{format_number(found.together.n_cities)}市をまとめた効果は{together}です。"
        if ledger.has("partnership.next_city"):
            text += f"次の市での範囲は{ledger.range_text('partnership.next_city')}です。"
        yield Paragraph(text=text)
        rows = tuple(
            (shorten(one.city, 30), format_number(one.n_units), ledger.text(f"partnership.city.{place}"), ledger.range_text(f"partnership.city.{place}"))
            for place, one in enumerate(found.cities)
        )
        yield Table(columns=columns("市", "課の数", "効果", "幅（95％）", right=(1,), widths=(2, 0.7, 2, 3)), rows=rows, caption="市ごとの効果")
    if found.seats:
        costs = tuple(
            (shorten(item.course, 30), *(ledger.text(f"partnership.seat.{place}.{field}") for field in _SEAT_FIELDS))
            for place, item in enumerate(found.seats)
        )
        titles = ("研修", "本市の席", "他団体の席", "単独の回数", "共同の回数", "1席（単独）", "1席（共同）", "本市の減")
        heads = columns(*titles, right=range(1, 8), widths=(2.4, 0.9, 1.1, 1.1, 1.1, 1.2, 1.2, 1.4))
        yield Table(columns=heads, rows=costs, caption="1席の費用（単独と共同）")
    if found.preview:
        heads = columns("他の市に渡すもの", "内容", "わかること", widths=(1.4, 3, 2.2))
        yield Table(columns=heads, rows=found.preview, caption="渡す前に確かめる一覧（まだ渡していません）")
    yield Bullets(items=tuple(ledger.text(f"partnership.note.{place}") for place in range(len(_notes(found)))))


def _pictures(found: Partnership, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    if found.together is None:
        return
    sign = -1.0 if found.better == "lower" else 1.0
    rows = [(shorten(one.city, 18), *_turned(sign, one.estimate, *_interval(one))) for one in found.cities]
    rows.append(("まとめ", *_turned(sign, found.together.estimate, found.together.conf_low, found.together.conf_high)))
    caption = "図　市ごとの効果と、まとめた効果（幅は95％、右ほど良い）"
    picture = Picture(file="partnership-cities.png", alt="市ごとの効果とまとめた効果、それぞれの幅", caption=caption)
    yield picture, plot_ranges(rows, title="市ごとの効果と、まとめた効果", axis_label=f"{found.unit_label}（右ほど良い）", synthetic=synthetic)


def _turned(sign: float, centre: float, low: float, high: float) -> tuple[float, float, float]:
    return (centre, low, high) if sign > 0 else (-centre, -high, -low)


def _preview(found: Partnership) -> Iterable[Sequence[str]]:
    yield from found.preview


def _cities(found: Partnership) -> Iterable[Sequence[str]]:
    for one in found.cities:
        text = change_text(one.estimate, found.unit_label)
        yield one.city, f"{one.n_units:,}", text, change_range_text(*_interval(one), unit_label=found.unit_label)
    if found.together is not None:
        pooled = found.together
        width = change_range_text(pooled.conf_low, pooled.conf_high, unit_label=found.unit_label)
        yield "まとめ", f"{pooled.n_cities}市", change_text(pooled.estimate, found.unit_label), width


def _seat_rows(found: Partnership) -> Iterable[Sequence[str]]:
    for item in found.seats:
        yield item.course, *(f"{format_number(getattr(item, field))}{unit}" for field, (unit, _) in _SEAT_FIELDS.items())


def _note_rows(found: Partnership) -> Iterable[Sequence[str]]:
    yield from ((note,) for note in _notes(found))


SECTION = Section(
    part="partnership",
    title="他の市との協力",
    rests_on=("partner_results", "training", "workload"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={
        "release_preview": (("他の市に渡すもの", "内容", "わかること"), _preview),
        "partner_cities": (("市", "課の数", "効果", "幅（95%）"), _cities),
        "seat_costs": (
            ("研修", "本市の席", "他団体の席", "単独の回数", "共同の回数", "1席の費用（単独）", "1席の費用（共同）", "共同にした場合の減"),
            _seat_rows,
        ),
        "partner_notes": (("前提",), _note_rows),
    },
)

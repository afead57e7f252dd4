"""高度専門人材 in the report: make or buy, what is known of the effect, state support apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.plots import plot_make_or_buy
from kdx_eval.policy.specialists import fixed_yen
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import format_hours, format_number, format_yen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.specialists import Specialists, Support
    from kdx_eval.report.ledger import Ledger, LedgerBook

_NONE = "－"
_YEAR, _FARTHEST, _ROOM = 12.0, 60.0, 1.3  # months on the axis: at least a year, at most five, with room beyond the crossing


def _claims(book: LedgerBook, found: Specialists) -> None:
    if found.contract is not None:
        fee = found.contract.yen_per_month
        book.figure("specialists.fee", fee, text=format_yen(fee), unit="円／人月", label="外部に頼む1人1か月の額", inputs=("costs",))
    if found.training is not None:
        yen, hours = found.training.yen_per_person, found.training.hours_per_person
        book.figure("specialists.training", yen, text=format_yen(yen), unit="円／人", label="庁内で1人を育てる額", inputs=("costs", "training"))
        book.figure("specialists.training_hours", hours, text=format_hours(hours), unit="時間／人", label="受講時間", inputs=("training",))
    for name, months, formula in (
        ("cash", found.months_cash, "育てる額÷外部の1か月の額"),
        ("full", found.months_full, "（育てる額＋（受講時間＋育つまでの時間）×単価）÷（外部の1か月の額－職員の1か月の額）"),
    ):
        if months is not None:
            label = "等しくなる月数（予算に出る額）" if name == "cash" else "等しくなる月数（職員の時間も費用とみる）"
            book.figure(f"specialists.months_{name}", months, text=f"{format_number(months, 1)}か月", unit="か月", label=label, formula=formula)
    for place, one in enumerate(found.supports):
        name = f"specialists.support.{place}"
        book.about(name, one.name)
        for field, count, label in (("projects", one.projects, "案件"), ("live", one.live, "稼働"), ("measured", one.measured, "実測のある案件")):
            book.figure(f"{name}.{field}", count, text=f"{format_number(count)}件", unit="件", label=label, inputs=("interventions",))
        book.figure(f"{name}.hours", one.measured_hours, text=_hours(one), unit="時間／年", label="実測の平均（1件当たり）", inputs=("interventions",))
        book.figure(f"{name}.months", one.months_to_live, text=_months(one), unit="か月", label="着手から稼働（中央値）", inputs=("interventions",))
    book.sentence("specialists.effect", f"{found.verdict}：{found.effect_sentence}", label="支援の効果")
    book.sentence("specialists.state", found.state_support, label="国の支援")
    for kind, texts in (("sentence", found.sentences), ("note", found.notes)):
        for place, text in enumerate(texts):
            book.sentence(f"specialists.{kind}.{place}", text, label="比べ方" if kind == "sentence" else "前提")


def _hours(one: Support) -> str:
    return _NONE if one.measured_hours is None else format_hours(one.measured_hours)


def _months(one: Support) -> str:
    return _NONE if one.months_to_live is None else f"{format_number(one.months_to_live, 1)}か月"


def _blocks(ledger: Ledger, found: Specialists) -> Iterator[Block]:
    if found.sentences:
        yield Bullets(items=tuple(ledger.text(f"specialists.sentence.{place}") for place in range(len(found.sentences))))
    if found.supports:
        fields = ("projects", "live", "measured", "hours", "months")
        rows = tuple((one.name, *(ledger.text(f"specialists.support.{place}.{field}") for field in fields)) for place, one in enumerate(found.supports))
        heads = columns(
            "支援した人", "案件", "稼働", "実測のある案件", "実測の平均（1件・年）", "着手から稼働", right=range(1, 6), widths=(2, 1, 1, 1.2, 1.6, 1.2)
        )
        yield Table(columns=heads, rows=rows, caption="だれが支援した案件か", note="並べただけで、支援の効果ではありません。")
    yield Paragraph(text=f"支援の効果は{ledger.text('specialists.effect')}")
    yield Paragraph(text=ledger.text("specialists.state"))
    yield Bullets(items=tuple(ledger.text(f"specialists.note.{place}") for place in range(len(found.notes))))


def _pictures(found: Specialists, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    contract, training = found.contract, found.training
    if contract is None or training is None:
        return
    lines = [("外部に頼む", 0.0, contract.yen_per_month), ("庁内で育てる（予算に出る額）", training.yen_per_person, 0.0)]
    if found.hourly is not None:
        lines.append(("庁内で育てる（職員の時間も費用とみる）", fixed_yen(training, found.hourly), found.hourly.month_yen))
    crossings = (found.months_cash, found.months_full)[: len(lines) - 1]
    last = max(_YEAR, *(_ROOM * month for month in crossings if month is not None and month <= _FARTHEST), _YEAR)
    spoken = "、".join(found.sentences)
    picture = Picture(
        file="specialists-break-even.png", alt=f"外部に頼む場合と育てる場合の費用。{spoken}", caption="図　頼むか育てるか（丸は費用が等しくなる月数）"
    )
    yield picture, plot_make_or_buy(lines, crossings=crossings, last=last, title="外部の専門人材に頼むか、庁内で育てるか", synthetic=synthetic)


def _terms(found: Specialists) -> Iterable[Sequence[str]]:
    yield from ((text,) for text in found.sentences)
    yield (f"支援の効果は{found.verdict}：{found.effect_sentence}",)
    yield (found.state_support,)
    yield from ((text,) for text in found.notes)


def _supports(found: Specialists) -> Iterable[Sequence[str]]:
    for one in found.supports:
        yield one.name, f"{one.projects}件", f"{one.live}件", f"{one.measured}件", _hours(one), _months(one)


SECTION = Section(
    part="specialists",
    title="外部の専門人材（頼むか育てるか）", rests_on=("interventions", "costs", "training"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={
        "specialists": (("わかったことと前提",), _terms),
        "specialists_support": (("支援した人", "案件", "稼働", "実測のある案件", "実測の平均（1件・年）", "着手から稼働"), _supports),
    },
)

"""来年度の順番 in the report: what each split could find, what waiting costs, the order and its balance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.plots import plot_rollout
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns, shorten
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.report.wording import size_text
from kdx_eval.units import format_hours, format_measure, format_number, format_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.rollout import Rollout
    from kdx_eval.report.ledger import Ledger, LedgerBook

_SIMULATED = ("detectable", "share", "power")
_SAMPLE = "順番は見本の種によるものです。実際の抽選は kdx-eval rollout で、その日に公表される数字などを種にして行ってください。"


def _claims(book: LedgerBook, found: Rollout) -> None:
    for place, note in enumerate(found.notes):
        book.sentence(f"rollout.note.{place}", note, label="前提")
    if found.chosen < 0:
        return
    book.figure("rollout.wanted", found.wanted, text=size_text(found.wanted, found.unit_label), unit=found.unit_label, label="見つけたい大きさ")
    book.sentence("rollout.wanted_note", found.wanted_note, label="見つけたい大きさの決め方")
    for place, option in enumerate(found.options):
        name = f"rollout.option.{place}"
        book.about(name, option.name)
        for field, value, text, unit, label in (
            ("detectable", option.detectable, size_text(option.detectable, found.unit_label), found.unit_label, "80％の確からしさで見つかる大きさ"),
            ("share", option.detectable_share, format_share(option.detectable_share), "割合", "いまの平均に対して"),
            ("power", option.power, format_share(option.power, 0), "割合", "見つけたい大きさを見つける確率"),
            ("waiting", option.waiting, f"{format_number(option.waiting)}課・月", "課・月", "待つ課・月"),
        ):
            book.figure(f"{name}.{field}", value, text=text, unit=unit, label=label, formula="分析のくり返し5,000回" if field in _SIMULATED else "")
        if option.waiting_hours is not None:
            hours = format_hours(option.waiting_hours)
            book.figure(f"{name}.waiting_hours", option.waiting_hours, text=hours, unit="時間", label="待つ間に生まれない時間（見込み）")
    for one in found.balance:
        name = f"rollout.wave.{one.wave}"
        book.about(name, f"第{one.wave}回")
        book.figure(f"{name}.departments", one.departments, text=f"{format_number(one.departments)}課", unit="課", label="課の数")
        book.figure(f"{name}.mean", one.mean, text=format_measure(one.mean), unit=found.unit_label, label="直近12か月の平均")
        book.figure(f"{name}.distance", one.distance, text=format_number(one.distance, 2), unit="標準偏差", label="全体の平均との差")


def _blocks(ledger: Ledger, found: Rollout) -> Iterator[Block]:
    if found.chosen >= 0:
        chosen = found.options[found.chosen]
        name = f"rollout.option.{found.chosen}"
        yield Paragraph(
            text=f"来年度は、まだ届いていない課を{chosen.name}に分け、抽選で順番を決めることを提案します。見つけたい大きさ（{ledger.text('rollout.wanted')}）"
            f"を見つける確率は{ledger.text(f'{name}.power')}、80％で見つかる大きさは{ledger.text(f'{name}.detectable')}です。"
        )
        yield _options_table(ledger, found)
        yield _balance_table(ledger, found)
    yield Bullets(items=tuple(ledger.text(f"rollout.note.{place}") for place in range(len(found.notes))))


def _options_table(ledger: Ledger, found: Rollout) -> Table:
    rows = []
    for place, option in enumerate(found.options):
        name = f"rollout.option.{place}"
        hours = ledger.text(f"{name}.waiting_hours") if ledger.has(f"{name}.waiting_hours") else "－"
        texts = (ledger.text(f"{name}.{field}") for field in ("power", "detectable", "share", "waiting"))
        rows.append(("○" if place == found.chosen else "", option.name, *texts, hours))
    titles = ("案", "分け方", "見つける確率", "80％で見つかる大きさ", "平均に対して", "待つ課・月", "生まれない時間")
    heads = columns(*titles, right=range(2, 7), widths=(0.4, 2.6, 1, 2.2, 1, 1, 1.2))
    note = "○は、確率80％以上で待つ課がいちばん少ない案（なければ確率がいちばん高い案）。" + ledger.text("rollout.wanted_note")
    return Table(columns=heads, rows=tuple(rows), caption="分け方と、見つけられる大きさ", note=note)


def _balance_table(ledger: Ledger, found: Rollout) -> Table:
    option = found.options[found.chosen]
    rows = []
    for one in found.balance:
        texts = (ledger.text(f"rollout.wave.{one.wave}.{field}") for field in ("departments", "mean", "distance"))
        strata = "、".join(f"{stratum}{counts[one.wave - 1]}" for stratum, counts in found.strata)
        rows.append((f"第{one.wave}回", option.starts[one.wave - 1], *texts, strata))
    heads = columns("回", "始める月", "課の数", "直近の平均", "差（標準偏差）", "区分ごとの課の数", right=(2, 3, 4), widths=(0.7, 1, 0.8, 1.1, 1.1, 3.4))
    return Table(columns=heads, rows=tuple(rows), caption="回ごとの釣り合い", note=_SAMPLE)


def _pictures(found: Rollout, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    if found.chosen < 0:
        return
    rows = [(option.name, option.detectable_share, option.power, place == found.chosen) for place, option in enumerate(found.options)]
    spoken = "、".join(f"{name}は確率{format_share(power, 0)}" for name, _, power, _ in rows)
    caption = "図　分け方ごとに、見つけたい大きさを見つける確率（点線は80％）"
    picture = Picture(file="rollout-power.png", alt=f"分け方ごとの見つける確率。{spoken}", caption=caption)
    yield picture, plot_rollout(rows, title="来年度の分け方と、効果を見つける確率", synthetic=synthetic)


def _options(found: Rollout) -> Iterable[Sequence[str]]:
    for place, option in enumerate(found.options):
        hours = "－" if option.waiting_hours is None else format_hours(option.waiting_hours)
        sizes = "・".join(format_number(size) for size in option.sizes)
        found_at = (format_share(option.power, 0), size_text(option.detectable, found.unit_label), format_share(option.detectable_share))
        yield "○" if place == found.chosen else "", option.name, sizes, *found_at, f"{format_number(option.waiting)}課・月", hours


def _order(found: Rollout) -> Iterable[Sequence[str]]:
    for one in found.order:
        yield f"第{one.wave}回", one.start, one.department, one.stratum, one.number[:12]


def _balance(found: Rollout) -> Iterable[Sequence[str]]:
    for one in found.balance:
        strata = "、".join(f"{stratum}{counts[one.wave - 1]}" for stratum, counts in found.strata)
        yield f"第{one.wave}回", f"{one.departments}", format_measure(one.mean), format_number(one.distance, 2), strata


def _notes(found: Rollout) -> Iterable[Sequence[str]]:
    yield from ((shorten(note, 400),) for note in (*((found.wanted_note,) if found.wanted_note else ()), *found.notes))


SECTION = Section(
    part="rollout",
    title="来年度の順番（誰から受けるか）",
    rests_on=("workload", "training", "plan"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={
        "rollout_options": (("案", "分け方", "課の数", "見つける確率", "80%で見つかる大きさ", "平均に対して", "待つ課・月", "生まれない時間"), _options),
        "rollout_order": (("回", "始める月", "課", "区分", "抽選番号（先頭）"), _order),
        "rollout_balance": (("回", "課の数", "直近12か月の平均", "全体との差（標準偏差）", "区分ごとの課の数"), _balance),
        "rollout_notes": (("前提",), _notes),
    },
)

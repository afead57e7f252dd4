"""スキルマップ in the report: heat map first, then attainment, spread, change, self-assessment against test, and the courses for what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.plots import plot_skill_map, plot_spreads
from kdx_eval.policy.skills import GROUPS
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Picture, Table, columns, shorten, without_empty_columns
from kdx_eval.report.policy_parts.masked import (
    HIDDEN,
    NO_DATA,
    count_text,
    enter_spread,
    persons_text,
    points_text,
    share_text,
    signed_text,
    value_text,
)
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.report.policy_parts.skill_tables import (
    TABLES,
    course_text,
    department_ranges,
    first_and_last,
    lacks_course,
    lead_cells,
    level_mark,
    need_text,
    with_mark,
)
from kdx_eval.units import FiscalYear, format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.skills import Skills
    from kdx_eval.report.ledger import Ledger, LedgerBook

_CELL = ("persons", "attained", "gap", "mean")
_SPREAD = ("persons", "deviation", "width", "below", "floor", "ceiling")
_INPUTS = ("skills", "tiers", "training")
_NOT_SHOWN = "どの値も秘匿またはデータなしの行は省いています。"


def _claims(book: LedgerBook, found: Skills) -> None:
    for place, cell in enumerate(found.cells):
        name = f"skills.cell.{place}"
        told = (cell.instrument, *(("仮の水準",) if cell.status == "assumption" else ()))
        book.about(name, f"{cell.tier}　{cell.skill_area}（{'、'.join(told)}）")
        enter_spread(book, name, spread=cell.spread, fields=_CELL if cell.instrument == found.lead else ("persons", "attained"))
    for place, (first, last) in enumerate(first_and_last(found)):
        for when, one in (("first", first), ("last", last)):
            name = f"skills.spread.{place}.{when}"
            book.about(name, f"{one.tier}　{one.skill_area}（{one.instrument}、{FiscalYear(one.year).wareki}）")
            enter_spread(book, name, spread=one.spread, fields=_SPREAD)
    _pair_claims(book, found)
    _need_claims(book, found)
    for place, aside in enumerate(found.aside):
        text = f"{aside.reason}：{format_number(aside.rows)}行を数えていません。{aside.hint}。"
        book.figure(f"skills.aside.{place}", aside.rows, text=text, unit="行", label="数えなかった行", inputs=("skills",))
    for place, note in enumerate(found.notes):
        book.sentence(f"skills.note.{place}", note, label="前提")


def _pair_claims(book: LedgerBook, found: Skills) -> None:
    for place, change in enumerate(found.gains):
        name, gain = f"skills.gain.{place}", change.gain
        book.about(name, f"{change.skill_area}（{change.instrument}、{change.group}）")
        book.figure(f"{name}.persons", gain.persons, text=persons_text(gain.persons), unit="人", label="2回評価を受けた人", inputs=_INPUTS)
        book.figure(
            f"{name}.gain", gain.gain, text=value_text(gain.gain, gain.persons, shown=signed_text), unit="点", low=gain.low, high=gain.high,
            range_text="" if gain.low is None or gain.high is None else f"{signed_text(gain.low)}～{signed_text(gain.high)}",
            label="前後の差（効果ではない）", inputs=_INPUTS,
        )  # fmt: skip
    for place, area in enumerate(found.agreements):
        name, both = f"skills.agreement.{place}", area.agreement
        book.about(name, area.skill_area)
        book.figure(f"{name}.persons", both.persons, text=persons_text(both.persons), unit="人", label="両方を受けた人", inputs=("skills",))
        for field, value, label in (
            ("self", both.self_attained, "自己評価で水準に達した割合"),
            ("test", both.test_attained, "テストで水準に達した割合"),
            ("self_only", both.self_only, "自己評価だけで達した割合"),
            ("test_only", both.test_only, "テストだけで達した割合"),
        ):
            book.figure(f"{name}.{field}", value, text=value_text(value, both.persons, shown=share_text), unit="割合", label=label, inputs=("skills",))
        text = value_text(both.correlation, both.persons, shown=points_text)
        book.figure(f"{name}.correlation", both.correlation, text=text, unit="", label="順位相関", inputs=("skills",))


def _need_claims(book: LedgerBook, found: Skills) -> None:
    for place, closing in enumerate(found.closings):
        name = f"skills.closing.{place}"
        book.about(name, f"{closing.tier}　{closing.skill_area}")
        book.figure(f"{name}.short", closing.short, text=count_text(closing.short), unit="人", label="必要水準に満たない人", inputs=_INPUTS)
        book.figure(f"{name}.unreached", closing.unreached, text=count_text(closing.unreached), unit="人", label="うち研修がまだの人", inputs=_INPUTS)
    for place, (area, shown, masked, low, high) in enumerate(department_ranges(found)):
        name = f"skills.department.{place}"
        book.about(name, f"{area}（{found.department_tier}）")
        book.figure(f"{name}.shown", shown, text=f"{format_number(shown)}課", unit="課", label="示せる課", inputs=("skills", "assignments"))
        book.figure(f"{name}.masked", masked, text=f"{format_number(masked)}課", unit="課", label="秘匿の課", inputs=("skills", "assignments"))
        for field, value, label in (("low", low, "最も低い課"), ("high", high, "最も高い課")):
            text = "－" if value is None else share_text(value)
            book.figure(f"{name}.{field}", value, text=text, unit="割合", label=label, inputs=("skills", "assignments"))


def _blocks(ledger: Ledger, found: Skills) -> Iterator[Block]:
    if found.lead:
        year = FiscalYear(lead_cells(found)[0][1].year).wareki
        yield Paragraph(text=f"達成率は{found.lead}で見ます（{year}、一人につき最後の評価）。評価方法の違う得点は混ぜません。")
        yield _cell_table(ledger, found)
        yield _instrument_table(ledger, found)
        yield from _spread_table(ledger, found)
        yield _gain_table(ledger, found)
        yield from _agreement_table(ledger, found)
        yield from _department_table(ledger, found)
        yield _closing_table(ledger, found)
    aside = tuple(ledger.text(f"skills.aside.{place}") for place in range(len(found.aside)))
    yield Bullets(items=(*(ledger.text(f"skills.note.{place}") for place in range(len(found.notes))), *aside))


def _cell_table(ledger: Ledger, found: Skills) -> Table:
    rows = []
    for place, cell in lead_cells(found):
        texts = (ledger.text(f"skills.cell.{place}.{field}") for field in _CELL)
        rows.append((cell.tier, cell.skill_area, cell.text, need_text(cell), *texts))
    titles = ("区分", "領域", "方針の文", "必要水準", "人数", "達成率", "差", "平均")
    heads = columns(*titles, right=range(3, 8), widths=(1.5, 1.4, 4.0, 1.1, 1.0, 1.0, 1.0, 1.0))
    note = "差は平均と必要水準の差（△は不足）。" + ("（仮）は方針に定めがなく仮に置いた水準です。" if level_mark(found) else "")
    return Table(columns=heads, rows=tuple(rows), caption=with_mark(f"15のマスの達成率（{found.lead}）", found), note=note)


def _instrument_table(ledger: Ledger, found: Skills) -> Table:
    instruments = list(dict.fromkeys(cell.instrument for cell in found.cells))
    rows: dict[tuple[str, str], list[str]] = {}
    for place, cell in enumerate(found.cells):
        row = rows.setdefault((cell.tier, cell.skill_area), [])
        persons, attained = (ledger.text(f"skills.cell.{place}.{field}") for field in ("persons", "attained"))
        row.append(persons if attained == persons else f"{attained}（{persons}）")
    heads = columns("区分", "領域", *instruments, right=range(2, 2 + len(instruments)), widths=(1.4, 1.4, *(1.4 for _ in instruments)))
    body = tuple((*key, *texts) for key, texts in rows.items() if set(texts) - {HIDDEN, NO_DATA})
    note = "尺度と必要水準は評価方法ごとに別で、互いに引き算しません。" + _NOT_SHOWN
    return Table(columns=heads, rows=body, caption=with_mark("評価方法ごとの達成率（人数）", found), note=note)


def _spread_table(ledger: Ledger, found: Skills) -> Iterator[Table]:
    pairs = first_and_last(found)
    if not pairs:
        return
    rows = []
    for place, (first, last) in enumerate(pairs):
        if not first.spread.persons and not last.spread.persons:
            continue
        texts = []
        for field in ("deviation", "width", "below"):
            before, after = (ledger.text(f"skills.spread.{place}.{when}.{field}") for when in ("first", "last"))
            texts.append(f"{before} → {after}" if last.is_comparable else f"{before}／{after}")
        span = f"{FiscalYear(first.year).short} → {FiscalYear(last.year).short}"
        ends = "／".join(ledger.text(f"skills.spread.{place}.last.{field}") for field in ("floor", "ceiling"))
        rows.append((first.tier, first.skill_area, span, *texts, ends, "" if last.is_comparable else "定義が変わったため比べません"))
    titles = ("区分", "領域", "年度", "標準偏差", "P90－P10", "水準未満", "最低点／最高点", "注")
    heads = columns(*titles, right=(3, 4, 5, 6), widths=(1.3, 1.5, 1.0, 1.3, 1.3, 1.3, 1.3, 1.4))
    note = "方針の「ばらつき」は、平均ではなく散らばりの大きさです。最低点・最高点に人が集まると、評価が違いを測れません。" + _NOT_SHOWN
    yield without_empty_columns(Table(columns=heads, rows=tuple(rows), caption=with_mark(f"ばらつき（{found.lead}）", found), note=note))


def _gain_table(ledger: Ledger, found: Skills) -> Table:
    rows: dict[tuple[str, str], list[str]] = {}
    for place, one in enumerate(found.gains):
        if one.group in GROUPS[:2]:
            name = f"skills.gain.{place}"
            persons, gain, span = ledger.text(f"{name}.persons"), ledger.text(f"{name}.gain"), ledger.range_text(f"{name}.gain")
            rows.setdefault((one.instrument, one.skill_area), []).append(f"{gain}（{span}）{persons}" if span else persons)
    heads = columns("評価方法", "領域", *GROUPS[:2], right=(2, 3), widths=(1, 1.4, 2.4, 2.4))
    note = "同じ人を同じ方法で2回評価した差（95％の幅）と人数。必修の研修は数えません。受けた人と受けない人の差を効果とは言いません（選ばれ方が違います）。"
    body = tuple((*key, *texts) for key, texts in rows.items())
    return Table(columns=heads, rows=body, caption="同じ人の前後の差（点）と、その領域の研修", note=note)


def _agreement_table(ledger: Ledger, found: Skills) -> Iterator[Table]:
    if not found.agreements:
        return
    rows = []
    for place, one in enumerate(found.agreements):
        fields = ("persons", "self", "test", "self_only", "test_only", "correlation")
        rows.append((one.skill_area, *(ledger.text(f"skills.agreement.{place}.{field}") for field in fields)))
    titles = ("領域", "人数", "自己評価で達成", "テストで達成", "自己評価だけ", "テストだけ", "順位相関")
    heads = columns(*titles, right=range(1, 7), widths=(1.4, 0.8, 1.3, 1.2, 1.1, 1.0, 0.9))
    note = "「自己評価だけ」は、自分では達したと答えたがテストでは達していない人の割合。"
    yield Table(columns=heads, rows=tuple(rows), caption=with_mark("自己評価とテスト", found), note=note)


def _department_table(ledger: Ledger, found: Skills) -> Iterator[Table]:
    ranges = department_ranges(found)
    if not ranges:
        return
    fields = ("shown", "masked", "low", "high")
    rows = tuple((area, *(ledger.text(f"skills.department.{place}.{field}") for field in fields)) for place, (area, *_) in enumerate(ranges))
    heads = columns("領域", "示せる課", "秘匿の課", "最も低い課の達成率", "最も高い課の達成率", right=range(1, 5), widths=(1.5, 1, 1, 1.5, 1.5))
    caption = f"課ごとの達成率の幅（{found.department_tier}、{found.lead}）"
    note = "課の名前は 02 のノートの表にあります。人数の少ない課どうしの差は偶然でも大きくなります。"
    yield Table(columns=heads, rows=rows, caption=with_mark(caption, found), note=note)


def _closing_table(ledger: Ledger, found: Skills) -> Table:
    rows = []
    for place, one in enumerate(found.closings):
        texts = (ledger.text(f"skills.closing.{place}.{field}") for field in ("short", "unreached"))
        rows.append((one.tier, one.skill_area, *texts, course_text(one)))
    heads = columns("区分", "領域", "満たない人", "うち研修がまだ", "埋められる研修（必修を除く）", right=(2, 3), widths=(1.3, 1.3, 0.9, 1.0, 4))
    note = "評価を受けた人の中の人数。受けていない人は含みません。"
    return Table(columns=heads, rows=tuple(rows), caption=with_mark("足りないマスと、それを埋める研修", found), note=note)


def _pictures(found: Skills, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    cells = [cell for _, cell in lead_cells(found)]
    if not cells:
        return
    rows, areas = list(dict.fromkeys(cell.tier for cell in cells)), list(dict.fromkeys(cell.skill_area for cell in cells))
    lacking = lacks_course(found)
    grid: list[list[tuple[float | None, str, bool]]] = [[] for _ in rows]
    for cell in cells:
        persons, lacks = cell.spread.persons, (cell.tier, cell.skill_area) in lacking
        text = persons_text(persons) if cell.spread.attained is None else f"{share_text(cell.spread.attained)}\n{persons_text(persons)}"
        grid[rows.index(cell.tier)].append((cell.spread.attained, text, lacks))
    spoken = "、".join(f"{cell.tier}の{cell.skill_area}は{value_text(cell.spread.attained, cell.spread.persons, shown=share_text)}" for cell in cells)
    mark = level_mark(found)
    caption = with_mark("図　必要水準に達した割合と人数（斜線は秘匿またはデータなし、破線の枠は、はっきり名前のある研修がないマス）", found)
    told = (found.lead, FiscalYear(cells[0].year).wareki, *((mark,) if mark else ()))
    title = f"スキルマップの達成率（{'、'.join(told)}）"
    picture = Picture(file="skills-map.png", alt=f"スキルマップの達成率。{spoken}", caption=caption)
    yield picture, plot_skill_map(grid, rows=rows, columns=areas, title=title, synthetic=synthetic)
    yield from _spread_picture(found, synthetic)


def _spread_picture(found: Skills, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    drawn, years = [], ("", "")
    for first, last in first_and_last(found):
        before, after = first.spread.deviation, last.spread.deviation
        if first.tier == found.department_tier and before is not None and after is not None:
            drawn.append((first.skill_area, before, after, last.is_comparable))
            years = (FiscalYear(first.year).wareki, FiscalYear(last.year).wareki)
    if drawn:
        spoken = "、".join(f"{area}は{points_text(before)}から{points_text(after)}" for area, before, after, _ in drawn)
        picture = Picture(file="skills-spread.png", alt=f"標準偏差の変化。{spoken}", caption=f"図　ばらつきの変化（{found.department_tier}、{found.lead}）")
        title = f"職員の間のばらつき（{found.department_tier}）"
        yield picture, plot_spreads(drawn, years=years, title=title, axis_label="標準偏差（点、左ほどそろっている）", synthetic=synthetic)


def _sentences(found: Skills) -> Iterable[Sequence[str]]:
    yield from ((shorten(note, 400),) for note in found.notes)
    yield from ((f"{one.reason}：{format_number(one.rows)}行を数えていません。{one.hint}。",) for one in found.aside)


SECTION = Section(
    part="skills",
    title="スキルマップ",
    rests_on=("skills", "tiers", "courses", "policy"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables={**TABLES, "skill_notes": (("前提と、数えなかった行",), _sentences)},
)

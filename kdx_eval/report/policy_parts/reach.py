"""研修の一覧と広がり in the report: which course is for whom, who took it, the tiers over time, who stays, who applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdx_eval.plots import plot_coverage
from kdx_eval.policy.staying import EVERY_COURSE
from kdx_eval.report.blocks import Block, Bullets, Picture, Table, columns, shorten
from kdx_eval.report.policy_parts.masked import HIDDEN, count_text, persons_text, share_text, value_text
from kdx_eval.report.policy_parts.reach_tables import TABLES, UNCLEAR, call_text
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import FiscalYear, format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.policy.tier_reach import TierReach
    from kdx_eval.report.ledger import Ledger, LedgerBook

_P = "reach.policy"  # the figures of 受講の広がり already begin with "reach."


def _claims(book: LedgerBook, found: TierReach) -> None:
    for place, one in enumerate(found.courses):
        name = f"{_P}.course.{place}"
        book.about(name, one.course)
        inputs = ("training", "courses", "costs")
        book.figure(f"{name}.enrolled", one.enrolled, text=count_text(one.enrolled), unit="人", label="受講者", inputs=inputs)
        book.figure(f"{name}.completed", one.completed, text=count_text(one.completed), unit="人", label="修了者", inputs=inputs)
        share = HIDDEN if None in (one.enrolled, one.completed) else "－" if one.completion_share is None else share_text(one.completion_share)
        book.figure(f"{name}.share", one.completion_share, text=share, unit="割合", label="修了率", inputs=inputs)
        cost = "－" if one.yen_per_completion is None else f"{format_number(one.yen_per_completion)}円"
        hidden = one.yen_per_completion is None and one.cost_yen is not None and one.completed is None
        book.figure(f"{name}.unit_cost", one.yen_per_completion, text=HIDDEN if hidden else cost, unit="円／人", label="修了1人当たり費用", inputs=inputs)
        for number, (tier, persons) in enumerate(one.by_tier):
            book.figure(f"{name}.tier{number}", persons, text=count_text(persons), unit="人", label=f"受講者（{tier}）", inputs=("training", "tiers"))
    _tier_claims(book, found)
    _people_claims(book, found)
    for place, note in enumerate(found.notes):
        book.sentence(f"{_P}.note.{place}", note, label="前提")


def _tier_claims(book: LedgerBook, found: TierReach) -> None:
    for place, tier in enumerate(found.tiers):
        name = f"{_P}.tier.{place}"
        book.about(name, f"{tier.tier}（{FiscalYear(tier.year).wareki}4月1日）")
        book.figure(f"{name}.persons", tier.persons, text=count_text(tier.persons), unit="人", label="人数", inputs=("tiers",))
        if tier.filled is not None:
            book.figure(f"{name}.target", tier.target, text=count_text(tier.target), unit="人", label="必要な人数", inputs=("policy/tier_targets.csv",))
            filled = share_text(tier.filled)
            book.figure(f"{name}.filled", tier.filled, text=filled, unit="割合", label="充足率", formula="人数÷必要な人数", inputs=("tiers",))
    for place, move in enumerate(found.moves):
        book.about(f"{_P}.move.{place}", f"{move.before} → {move.after}")
        book.figure(f"{_P}.move.{place}.persons", move.persons, text=count_text(move.persons), unit="人", label="年度をまたぐ区分の動き", inputs=("tiers",))
    for place, kept in enumerate(found.retention):
        name = f"{_P}.retention.{place}"
        book.about(name, f"{kept.tier}（{kept.later}年後）")
        book.figure(f"{name}.persons", kept.persons, text=persons_text(kept.persons), unit="人", label="もとの人数（延べ）", inputs=("tiers",))
        stayed = value_text(kept.share, kept.persons, shown=share_text)
        book.figure(f"{name}.share", kept.share, text=stayed, unit="割合", label="同じ区分にいる割合", inputs=("tiers",))


def _people_claims(book: LedgerBook, found: TierReach) -> None:
    for place, stay in enumerate(found.staying):
        name = f"{_P}.staying.{place}"
        book.about(name, f"{stay.course}（{stay.later}年後）")
        book.figure(f"{name}.persons", stay.persons, text=persons_text(stay.persons), unit="人", label="修了した人", inputs=("training", "assignments"))
        for field, label in (("same", "同じ課にいる"), ("elsewhere", "ほかの課にいる"), ("gone", "在籍していない")):
            value: float | None = getattr(stay, field)
            text = value_text(value, stay.persons, shown=share_text)
            book.figure(f"{name}.{field}", value, text=text, unit="割合", label=label, inputs=("training", "assignments"))
    for place, call in enumerate(found.applications):
        name = f"{_P}.call.{place}"
        book.about(name, call_text(call))
        book.figure(f"{name}.applicants", call.applicants, text=count_text(call.applicants), unit="人", label="応募者", inputs=("applicants",))
        for number, (outcome, persons) in enumerate(call.outcomes):
            book.figure(f"{name}.outcome{number}", persons, text=count_text(persons), unit="人", label=outcome, inputs=("applicants",))
        hidden = call.competition is None and (call.applicants is None or dict(call.outcomes)["当選・採用"] is None)
        text = HIDDEN if hidden else "－" if call.competition is None else f"{format_number(call.competition, 1)}倍"
        book.figure(f"{name}.competition", call.competition, text=text, unit="", label="倍率", formula="応募者÷当選・採用", inputs=("applicants",))


def _blocks(ledger: Ledger, found: TierReach) -> Iterator[Block]:
    yield _cover_table(found)
    yield _course_table(ledger, found)
    yield from _tier_table(ledger, found)
    yield from _move_table(ledger, found)
    yield from _staying_table(ledger, found)
    yield from _call_table(ledger, found)
    yield Bullets(items=tuple(ledger.text(f"{_P}.note.{place}") for place in range(len(found.notes))))


def _cover_table(found: TierReach) -> Table:
    areas = list(dict.fromkeys(cover.skill_area for cover in found.covers))
    rows: dict[str, list[str]] = {}
    for cover in found.covers:
        text = {"named": f"{len(cover.named)}研修", "unclear": "読み取れない研修だけ", "none": "研修なし"}[cover.cover]
        rows.setdefault(cover.tier, []).append(f"{text}（必修だけ）" if cover.compulsory_only else text)
    heads = columns("区分", *areas, widths=(1.4, *(1.2 for _ in areas)))
    note = f"{found.policy}の研修の一覧による。"
    return Table(columns=heads, rows=tuple((tier, *texts) for tier, texts in rows.items()), caption="15のマスと、名前のある研修の数", note=note)


def _course_table(ledger: Ledger, found: TierReach) -> Table:
    rows = []
    for place, one in enumerate(found.courses):
        name = f"{_P}.course.{place}"
        texts = (ledger.text(f"{name}.{field}") for field in ("enrolled", "completed", "share", "unit_cost"))
        tiers = "、".join(ledger.text(f"{name}.tier{number}") for number in range(len(one.by_tier))) or "－"
        rows.append((shorten(one.course, 40), "、".join(one.areas) or "一覧にない", *texts, tiers, "修了のみ" if one.compulsory else ""))
    names = "・".join(tier for tier, _ in max((one.by_tier for one in found.courses), key=len, default=()))
    titles = ("研修", "領域", "受講者", "修了者", "修了率", "修了1人当たり", "区分ごとの受講者", "必修")
    heads = columns(*titles, right=(2, 3, 4, 5), widths=(2.5, 1.6, 0.9, 0.9, 0.8, 1.6, 2.0, 1.0))
    note = f"区分ごとの受講者は {names} の順（受けた日の区分）。「修了のみ」は、全員が受ける必修のため効果を推定できない研修。"
    return Table(columns=heads, rows=tuple(rows), caption=f"研修ごとの広がり（{FiscalYear(found.year).wareki}）", note=note)


def _tier_table(ledger: Ledger, found: TierReach) -> Iterator[Table]:
    if not found.tiers:
        return
    years = sorted({one.year for one in found.tiers})
    rows: dict[str, list[str]] = {}
    for place, one in enumerate(found.tiers):
        text = ledger.text(f"{_P}.tier.{place}.persons")
        if one.filled is not None:
            text += f"／{ledger.text(f'{_P}.tier.{place}.target')}（{ledger.text(f'{_P}.tier.{place}.filled')}）"
        rows.setdefault(one.tier, []).append(text)
    heads = columns("区分", *(f"{FiscalYear(year).short}.4.1" for year in years), right=range(1, len(years) + 1), widths=(1.4, *(1.3 for _ in years)))
    sources = "、".join(dict.fromkeys(one.source for one in found.tiers if one.source))
    note = "人数は職制の数です。「／」の後は必要な人数、括弧の中は充足率。" + (f"必要な人数：{sources}。" if sources else "")
    yield Table(columns=heads, rows=tuple((tier, *texts) for tier, texts in rows.items()), caption="区分ごとの人数と充足率", note=note)
    kept: dict[str, dict[int, str]] = {}
    for place, item in enumerate(found.retention):
        share, persons = (ledger.text(f"{_P}.retention.{place}.{field}") for field in ("share", "persons"))
        kept.setdefault(item.tier, {})[item.later] = share if share == persons else f"{share}（{persons}）"
    laters = sorted({item.later for item in found.retention})
    heads = columns("区分", *(f"{later}年後" for later in laters), right=range(1, len(laters) + 1))
    body = tuple((tier, *(texts.get(later, "－") for later in laters)) for tier, texts in kept.items())
    note = "4月1日にその区分にいた人のうち、何年後の4月1日にも同じ区分にいる割合。"
    yield Table(columns=heads, rows=body, caption="同じ区分にいる割合（もとの人数、延べ）", note=note)


def _move_table(ledger: Ledger, found: TierReach) -> Iterator[Table]:
    if not found.moves:
        return
    rows: dict[str, list[str]] = {}
    for place, move in enumerate(found.moves):
        rows.setdefault(move.before, []).append(ledger.text(f"{_P}.move.{place}.persons"))
    heads = columns("前の年の区分", *rows, right=range(1, len(rows) + 1), widths=(1.6, *(1.2 for _ in rows)))
    note = "列は次の年の4月1日の区分。全年度の延べ。区分の人数から差し引けば分かる人数も秘匿です。"
    yield Table(columns=heads, rows=tuple((before, *texts) for before, texts in rows.items()), caption="区分の動き", note=note)


def _staying_table(ledger: Ledger, found: TierReach) -> Iterator[Table]:
    shown = [(place, one) for place, one in enumerate(found.staying) if one.course == EVERY_COURSE]
    if not shown:
        return
    fields = ("persons", "same", "elsewhere", "gone")
    rows = tuple((f"{one.later}年後", *(ledger.text(f"{_P}.staying.{place}.{field}") for field in fields)) for place, one in shown)
    heads = columns("修了してから", "修了した人", "同じ課にいる（定着率）", "ほかの課にいる", "在籍していない", right=range(1, 5))
    note = "必修でない研修を修了した人が、修了したときの課（後継の課を含む）にいる割合。研修ごとの値は 02 のノートの表にあります。"
    yield Table(columns=heads, rows=rows, caption="研修を生かす職場にいる割合", note=note)


def _call_table(ledger: Ledger, found: TierReach) -> Iterator[Table]:
    if not found.applications:
        return
    rows = []
    for place, call in enumerate(found.applications):
        name = f"{_P}.call.{place}"
        outcomes = (ledger.text(f"{name}.outcome{number}") for number in range(len(call.outcomes)))
        rows.append((call_text(call), ledger.text(f"{name}.applicants"), *outcomes, ledger.text(f"{name}.competition")))
    titles = [outcome for outcome, _ in found.applications[0].outcomes]
    heads = columns("募集", "応募者", *titles, "倍率", right=range(1, len(titles) + 3), widths=(2.4, 0.9, *(1.0 for _ in titles), 0.8))
    yield Table(columns=heads, rows=tuple(rows), caption="公募・募集の応募と選考", note="倍率は応募者÷当選・採用。")


def _pictures(found: TierReach, synthetic: bool) -> Iterator[tuple[Picture, Figure]]:
    tiers = list(dict.fromkeys(cover.tier for cover in found.covers))
    areas = list(dict.fromkeys(cover.skill_area for cover in found.covers))
    rows = []
    for one in found.courses:
        who = [(tiers.index(tier.removesuffix(UNCLEAR)), not tier.endswith(UNCLEAR)) for tier in one.tiers]
        if one.areas:
            rows.append((one.course, one.areas, who))
    lacking = [f"{cover.tier}の{cover.skill_area}" for cover in found.covers if cover.cover != "named"]
    spoken = f"はっきり名前のある研修がないマスは、{'、'.join(lacking)}" if lacking else "すべてのマスに名前のある研修がある"
    caption = "図　研修がどの領域を、どの区分のために覆うか（白抜きは区分が読み取れないもの）"
    picture = Picture(file="reach-courses.png", alt=f"研修と領域と区分の対応。{spoken}", caption=caption)
    yield picture, plot_coverage(rows, areas=areas, tiers=tiers, title="研修の一覧が覆う領域と区分", synthetic=synthetic)


SECTION = Section(
    part="reach",
    prefix=_P,
    title="研修の一覧と、区分ごとの広がり",
    rests_on=("training", "courses", "tiers", "applicants", "policy"),
    claims=_claims,
    blocks=_blocks,
    pictures=_pictures,
    tables=TABLES,
)

"""研修そのものの評価 in the report: what is known at each of the five levels, and the links to standards and plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.policy.level_items import LEVELS
from kdx_eval.report.blocks import Block, Bullets, Table, columns, shorten
from kdx_eval.report.policy_parts.masked import HIDDEN, NO_DATA, points_text, share_text, signed_text
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import format_hours, format_number, format_yen

if TYPE_CHECKING:
    from kdx_eval.policy.level_items import LevelItem
    from kdx_eval.policy.levels import Levels
    from kdx_eval.report.ledger import Ledger, LedgerBook

_MOST_SUBJECTS = 5  # courses in documents at levels one and two; the notebook shows all
STATUS = {
    "sourced": "出所あり", "derived": "出所から計算", "excerpt": "抜粋で確認", "unverified": "未確認", "check": "要確認", "assumption": "前提",
    "toolkit": "独自の対応付け", "decided": "市が決めた",
}  # fmt: skip


def _value(item: LevelItem, value: float | None) -> str:
    if value is None:
        return {"masked": HIDDEN, "none": NO_DATA}.get(item.state, "")
    if item.unit == "円":
        return format_yen(value)
    if item.unit == "割合":
        return share_text(value)
    if item.unit == "時間":
        return format_hours(value)
    if item.unit == "件":
        return f"{format_number(value)}件"
    return f"{signed_text(value) if item.low is not None else points_text(value)}点"


def _range(item: LevelItem) -> str:
    """Points without their unit, which stands beside the value."""
    if item.low is None or item.high is None:
        return ""
    return "～".join(signed_text(end) if item.unit == "点" else _value(item, end) for end in (item.low, item.high))


def _claims(book: LedgerBook, found: Levels) -> None:
    for place, item in enumerate(found.items):
        name = f"levels.item.{place}"
        label = f"段階{item.level} {item.title}"
        book.about(name, shorten(item.subject, 60))
        shown = {"text": _value(item, item.value), "unit": item.unit, "label": label}
        book.figure(f"{name}.value", item.value, low=item.low, high=item.high, range_text=_range(item), **shown)
        if item.persons is not None:
            book.figure(f"{name}.persons", item.persons, text=f"{format_number(item.persons)}人", unit="人", label=f"{label}（人数）")
        book.sentence(f"{name}.sentence", item.sentence, label=label)
    for place, ideal in enumerate(found.ideals):
        book.about(f"levels.ideal.{place}", ideal.ideal)
        book.sentence(f"levels.ideal.{place}.found", ideal.found, label="職員像について分かること")
    for place, trend in enumerate(found.trends):
        book.about(f"levels.trend.{place}", f"{trend.date}　{trend.issued_by}")
        book.sentence(f"levels.trend.{place}.event", trend.event, label="国の動向", inputs=(trend.source,))


def _blocks(ledger: Ledger, found: Levels) -> Iterator[Block]:
    yield _level_table(ledger, found)
    yield Bullets(items=found.notes)
    if found.links:
        links = tuple(_link(found))
        note = "対応付けはこの道具の独自のもので、標準に書かれたものではありません。方針の5領域は、標準の分類とは別のものです。"
        heads = columns("領域", "人材類型（ロール）", "スキルの分類", "理由", widths=(1.2, 1.8, 1.2, 3.6))
        yield Table(columns=heads, rows=links, caption="デジタルスキル標準との対応（独自の対応付け）", note=note)
    if found.ideals:
        rows = tuple((one.ideal, one.shown_by, ledger.text(f"levels.ideal.{place}.found")) for place, one in enumerate(found.ideals))
        heads = columns("職員像", "記録の中で表すもの（独自の対応付け）", "分かること", widths=(1.1, 2.4, 3.4))
        yield Table(columns=heads, rows=rows, caption="求められる職員像（柏市人材育成・確保基本方針）")
    if found.trends:
        moves = tuple((*row[:2], ledger.text(f"levels.trend.{place}.event"), *row[3:]) for place, row in enumerate(_trend(found)))
        heads = columns("時期", "出した所", "内容", "出所", "確かさ", "この市にとって", widths=(1.2, 1.4, 3, 1.9, 1, 1.7))
        yield Table(columns=heads, rows=moves, caption="国の動向", note="「要確認」「抜粋で確認」の事項は、要求額や財源の根拠には使いません。")


def _level_table(ledger: Ledger, found: Levels) -> Table:
    rows = []
    for place, item in _shown(found):
        name = f"levels.item.{place}"
        persons = ledger.text(f"{name}.persons") if ledger.has(f"{name}.persons") else ""
        span = ledger.range_text(f"{name}.value")
        value = ledger.text(f"{name}.value") + (f"（{span}）" if span else "")
        title = f"{item.title}　{shorten(item.subject, 40)}".rstrip("　")
        rows.append((f"{item.level} {LEVELS[item.level]}", title, value, persons, ledger.text(f"{name}.sentence")))
    more = len(found.items) - len(rows)
    heads = columns("段階", "何がわかるか", "値（95％の幅）", "人数", "読み方", right=(2, 3), widths=(0.9, 2.4, 1.5, 0.9, 3.4))
    note = "人数は、段階1～3では答えた人・評価を受けた人、問いの判定では受けた側の職員。" + (f"ほかの{more}行は 02 のノートにあります。" if more else "")
    return Table(columns=heads, rows=tuple(rows), caption="段階ごとに分かること（データがない段階は「データなし」）", note=note)


def _shown(found: Levels) -> Iterator[tuple[int, LevelItem]]:
    """All lines of levels three to five; of each title below, the first few whose figure may be shown, or one masked line where none may."""
    counted: dict[tuple[int, str], int] = {}
    for place, item in enumerate(found.items):
        key = (item.level, item.title)
        if item.level > 2 or (item.state != "masked" and counted.get(key, 0) < _MOST_SUBJECTS):
            counted[key] = counted.get(key, 0) + 1
            yield place, item


def _items(found: Levels) -> Iterable[Sequence[str]]:
    for item in found.items:
        persons = "" if item.persons is None else f"{format_number(item.persons)}人"
        yield f"{item.level} {LEVELS[item.level]}", item.title, item.subject, _value(item, item.value), _range(item), persons, item.sentence


def _link(found: Levels) -> Iterable[tuple[str, ...]]:
    for one in found.links:
        role = f"{one.link.role_type}（{one.link.role}）" if one.link.role else one.link.role_type
        yield one.skill_area, role, one.link.standard_category, one.link.reason


def _ideal(found: Levels) -> Iterable[Sequence[str]]:
    yield from ((one.ideal, one.shown_by, one.found) for one in found.ideals)


def _trend(found: Levels) -> Iterable[tuple[str, ...]]:
    yield from ((one.date, one.issued_by, one.event, one.source, STATUS.get(one.status, one.status), one.meaning) for one in found.trends)


SECTION = Section(
    part="levels",
    title="研修そのものの評価（反応・学習・行動・結果・費用対効果）", rests_on=("training", "skills", "indicators", "policy"),
    claims=_claims,
    blocks=_blocks,
    tables={
        "levels": (("段階", "何がわかるか", "対象", "値", "95%の幅", "人数", "読み方"), _items),
        "level_links": (("領域", "人材類型（ロール）", "スキルの分類", "理由（独自の対応付け）"), _link),
        "level_ideals": (("職員像", "記録の中で表すもの（独自の対応付け）", "分かること"), _ideal),
        "level_trends": (("時期", "出した所", "内容", "出所", "確かさ", "この市にとって"), _trend),
    },
)

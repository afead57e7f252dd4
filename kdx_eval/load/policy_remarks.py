"""Rows that are well-formed and that the training policy cannot place: scores outside their scale, areas and tiers it does not know, gaps in a history.

They are kept, and the skill map and the history of tiers leave out what they cannot place. Here it is said in which file and line they stand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kdx_eval.load.database import rows, scalar, text
from kdx_eval.load.staging import FAULTS, Stage, headings_of
from kdx_eval.units import format_number, format_value

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.schema.policy_version import Instrument, PolicyVersion

_INSTRUMENTS: Mapping[Instrument, str] = {"supervisor": "上司評価", "self": "自己評価", "test": "テスト"}
_ACCEPTED = f"NOT EXISTS (SELECT 1 FROM {FAULTS} f WHERE f.stage = a._stage AND f.rid = a._rid)"
_SHOWN = 5
_MIXED_SHARE = 0.1  # a tenth outside the scale are no slips of the pen


def policy_remarks(con: DuckDBPyConnection, stages: Mapping[str, Sequence[Stage]], *, policies: Sequence[PolicyVersion]) -> dict[str, list[str]]:
    """Remarks by the key of the stage on whose file they stand, with line numbers and never a value; rows that were refused are not told twice."""
    found = {stage.key: list(_skills(con, stage, policies=policies)) for stage in stages.get("skills", ())}
    found |= {stage.key: list(_tiers(con, stage, policies=policies)) for stage in stages.get("tiers", ())}
    return {key: [f"注意: {note}" for note in notes] for key, notes in found.items() if notes}


def _skills(con: DuckDBPyConnection, stage: Stage, *, policies: Sequence[PolicyVersion]) -> Iterator[str]:
    if stage.layout.has("skill_area"):
        areas = [area.skill_area for policy in policies for area in policy.skill_areas]
        yield from _unknown(con, stage, "skill_area", known=areas, word="スキル領域")
    if not stage.layout.has("instrument"):
        yield "評価方法の列がありません。自己評価・上司評価・テストは混ぜて数えられないため、スキルマップには使いません。列を加えてください"
        return
    heading = headings_of([stage.layout], "instrument")
    blank = _lines(con, stage, where="instrument IS NULL")
    if blank:
        yield f"「{heading}」が空欄の行が{_told(blank)}。スキルマップでは数えません。自己評価・上司評価・テストのどれかを書いてください"
    if stage.layout.has("score"):
        yield from _outside(con, stage, policies=policies)


def _outside(con: DuckDBPyConnection, stage: Stage, *, policies: Sequence[PolicyVersion]) -> Iterator[str]:
    """A score is outside when no version of the policy has it on its scale: the file may reach over several."""
    heading = headings_of([stage.layout], "score")
    for instrument, title in _INSTRUMENTS.items():
        scales = [scale for policy in policies if (scale := policy.supplements.scale(instrument)) is not None]
        if not scales:
            continue
        low, high = min(scale[0] for scale in scales), max(scale[1] for scale in scales)
        own = f"instrument = {text(instrument)} AND score IS NOT NULL"
        outside = _lines(con, stage, where=f"{own} AND score NOT BETWEEN {low!r} AND {high!r}")
        if not outside:
            continue
        mixed = len(outside) >= _MIXED_SHARE * scalar(con, f"SELECT count(*) FROM {stage.table} WHERE {own}")
        span = f"{format_value(low)}～{format_value(high)}"
        why = f"行が多いため、別の尺度やほかの評価方法の得点が{title}に混ざっていないか確かめてください" if mixed else "得点を直してください"
        yield (
            f"「{heading}」が{title}の尺度（{span}）の外にある行が{_told(outside)}。スキルマップでは数えません。{why}"
            "（尺度が違うときは、方針のフォルダーの required_levels.csv を直します）"
        )


def _tiers(con: DuckDBPyConnection, stage: Stage, *, policies: Sequence[PolicyVersion]) -> Iterator[str]:
    if stage.layout.has("tier"):
        yield from _unknown(con, stage, "tier", known=[tier.tier for policy in policies for tier in policy.tiers], word="人材区分")
    if not (stage.layout.has("valid_from") and stage.layout.has("valid_to")):
        return
    history = f"""SELECT _line, valid_from, lag(valid_to) OVER (PARTITION BY staff_id ORDER BY valid_from, _line) AS before
                  FROM {stage.table} a WHERE {_ACCEPTED} AND staff_id IS NOT NULL AND valid_from IS NOT NULL"""
    gaps, overlaps = (
        [int(str(line)) for (line,) in rows(con, f"SELECT _line FROM ({history}) WHERE {where} ORDER BY _line")]
        for where in ("valid_from > before + INTERVAL 1 DAY", "valid_from <= before")
    )
    if gaps:
        yield f"同じ人の前の区分との間に空白の期間がある行が{_told(gaps)}。その間の受講や評価は「区分不明」とします。休職や派遣でなければ、日付を直してください"
    if overlaps:
        yield f"同じ人の前の区分が終わる前に始まる行が{_told(overlaps)}。あとから始まった区分で数えます。前の区分の終了日を直してください"


def _unknown(con: DuckDBPyConnection, stage: Stage, field: str, *, known: Iterable[str], word: str) -> Iterator[str]:
    names = list(dict.fromkeys(known))
    spelled = {_spelling(name) for name in names}
    written = [str(value) for (value,) in rows(con, f"SELECT DISTINCT {field} FROM {stage.table} WHERE {field} IS NOT NULL ORDER BY 1")]
    strange = [value for value in written if _spelling(value) not in spelled]
    lines = _lines(con, stage, where=f"{field} IN ({', '.join(text(value) for value in strange)})") if strange else []
    if lines:
        yield f"「{headings_of([stage.layout], field)}」が方針にない{word}の行が{_told(lines)}。どの{word}にも数えません。方針の{word}は{'、'.join(names)}です"


def _spelling(written: str) -> str:
    return "".join(unicodedata.normalize("NFKC", written).split())


def _lines(con: DuckDBPyConnection, stage: Stage, *, where: str) -> list[int]:
    return [int(str(line)) for (line,) in rows(con, f"SELECT _line FROM {stage.table} a WHERE ({where}) AND {_ACCEPTED} ORDER BY _line")]


def _told(lines: Sequence[int]) -> str:
    shown = "、".join(f"{line}行目" for line in lines[:_SHOWN])
    return f"{format_number(len(lines))}行あります（{shown}{'ほか' if len(lines) > _SHOWN else ''}）"

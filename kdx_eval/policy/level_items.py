"""One line of what is known at a level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["known", "masked", "none"]
LEVELS: Mapping[int, str] = {1: "反応", 2: "学習", 3: "行動", 4: "結果", 5: "費用対効果"}
_TO_COLLECT: Mapping[int, str] = {
    1: "受講後のアンケートの満足度がありません（受講記録の満足度の列）",
    2: "理解度テストの得点も、テストによるスキル評価もありません",
    3: "使うようになったか・行うようになったかの記録（ツールの利用、上司評価、支援案件）がありません",
    4: "判定のついた問いがありません（03 のノートの後で作り直すと入ります）",
    5: "費用または確かめられた効果がないため、費用対効果は計算していません（05 のノートの後で作り直すと入ります）",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelItem:
    """One line.

    Attributes
    ----------
    level : int
        1 reaction, 2 learning, 3 behaviour, 4 results, 5 return.
    title : str
        What it is: ``満足度``, ``上司評価の変化``.
    subject : str
        Of what: a course, a skill area, a question; empty for the whole.
    value, low, high : float or None
        In ``unit``; None where the line is a sentence, masked, or says that there is no data.
    persons : int or None
        Persons behind it, None where masked or where no persons are counted.
    state : "known", "masked" or "none"
        ``none``: データなし.
    sentence : str
        What must be read beside it.
    """

    level: int
    title: str
    subject: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    persons: int | None = None
    state: State = "known"
    sentence: str = ""


def nothing_at(level: int) -> LevelItem:
    """The line of a level of which nothing is known: what to collect."""
    return LevelItem(level=level, title="データなし", state="none", sentence=_TO_COLLECT[level])

"""The drawn order of a roll-out (順番表): which department was to begin when, and which began when it was told to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import KdxError, PlanError
from kdx_eval.panel.draw_order import draw_order
from kdx_eval.panel.exposure import NEVER
from kdx_eval.panel.successors import JOIN, StableUnits
from kdx_eval.panel.tables import Tables, column, month_index
from kdx_eval.plan import Question
from kdx_eval.units import format_number, format_share

if TYPE_CHECKING:
    import duckdb

TABLE = "rollout_order"
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraw:
    """A lottery that ordered departments, held against what they did.

    Attributes
    ----------
    draw_id : str
    n_units, n_followed : int
        Departments drawn that are compared, and how many of them began in the wave they drew: not before its month, and before the next wave's (those
        whose month lies after the evaluated period: not at all).
    early, late : tuple of str
        Names of those that began before their month; of those that began with a later wave or not at all.
    n_strata : int
        Groups within which lots were drawn.
    reproduced : bool or None
        The recorded word gives this order again; None where no word is on record (lots drawn by hand).
    began : mapping of unit to float
        Month (``Month.index``) in which each department really began; inf where it did not.
    """

    draw_id: str
    n_units: int
    n_followed: int
    early: tuple[str, ...]
    late: tuple[str, ...]
    n_strata: int
    reproduced: bool | None
    began: Mapping[str, float] = field(repr=False)

    @property
    def compliance(self) -> float:
        """Share of the departments that began in the wave they drew."""
        return self.n_followed / self.n_units if self.n_units else 0.0

    @property
    def sentence(self) -> str:
        """Compliance in words: how many, who did not, and whether the order follows from its word."""
        groups = f"、{format_number(self.n_strata)}つの区分で抽選" if self.n_strata > 1 else ""
        again = {
            True: "順番は、記録された種から計算し直したものと一致しました。",
            False: "順番は、記録された種から計算し直したものと一致しません。",
            None: "種の記録がないため、順番を計算し直して確かめることはできません。",
        }[self.reproduced]
        return (
            f"抽選の順番どおりに始めたか（{self.draw_id}{groups}）：{format_number(self.n_units)}課のうち{format_number(self.n_followed)}課"
            f"（{format_share(self.compliance, 0)}）が、決まった回に始めました。"
            f"{_named('先に始めた課', self.early)}{_named('遅れた、または始めなかった課', self.late)}{again}"
            "見出しの効果は、実際に始めた時期によらず、抽選で決まった時期で比べたものです。"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnOrder:
    """The rows of one draw.

    Attributes
    ----------
    frame : DataFrame
        unit (stable unit), department_id, stratum (text, empty where lots were not drawn by group), wave, month (``Month.index``), number; one row a
        department.
    word : str
        From which the order follows; empty where lots were drawn by hand.
    """

    draw_id: str
    frame: pd.DataFrame = field(repr=False)
    word: str

    @property
    def planned(self) -> dict[str, float]:
        """Month of each unit; of departments that became one unit the first."""
        return {str(unit): float(month) for unit, month in self.frame.groupby("unit", sort=True)["month"].min().items()}

    @property
    def strata(self) -> dict[str, str]:
        """Stratum of each unit."""
        return {str(unit): str(stratum) for unit, stratum in self.frame.groupby("unit", sort=True)["stratum"].min().items()}

    def reproduced(self) -> bool | None:
        """Whether the word gives this order again; None without a word."""
        if not self.word:
            return None
        # Departments that were one unit when lots were drawn bear one number, and were drawn under their joined name.
        keys = self.frame["number"].where(self.frame["number"] != "", self.frame["department_id"])
        groups = self.frame.groupby(keys, sort=True)
        drawn = groups.agg(unit=("department_id", lambda ids: JOIN.join(sorted(ids))), stratum=("stratum", "min"), wave=("wave", "min"))
        try:
            tickets = draw_order(dict(zip(drawn["unit"], drawn["stratum"], strict=True)), waves=int(self.frame["wave"].max()), word=self.word)
        except KdxError:
            return False
        waves = dict(zip(drawn["unit"], drawn["wave"].astype(int), strict=True))
        return {one.unit: one.wave for one in tickets} == waves

    def held_against(self, began: Mapping[str, float], *, members: npt.NDArray[np.object_], last: float, names: Mapping[str, str]) -> OrderDraw:
        """The draw of ``members`` and what they did until the month ``last``; ``began`` is the month in which each reached the plan's share."""
        planned = self.planned
        units = sorted({str(one) for one in members if str(one) in planned})
        starts = sorted(set(planned.values()))
        early, late = [], []
        for unit in units:
            month, own = planned[unit], began.get(unit, NEVER)
            following = next((start for start in starts if start > month), NEVER)
            if own < month and own <= last:
                early.append(names.get(unit, unit))
            elif month <= last and own >= min(following, last + 1):
                late.append(names.get(unit, unit))
        return OrderDraw(
            draw_id=self.draw_id, n_units=len(units), n_followed=len(units) - len(early) - len(late), early=tuple(early), late=tuple(late),
            n_strata=len({self.strata[unit] for unit in units}), reproduced=self.reproduced(), began={unit: began.get(unit, NEVER) for unit in units},
        )  # fmt: skip


def read_order(connection: duckdb.DuckDBPyConnection, tables: Tables, *, question: Question, units: StableUnits) -> DrawnOrder | None:
    """The draw behind a lottery of departments; None without its table, or where persons were drawn.

    Raises
    ------
    PlanError
        The table holds several draws, and the plan's ``lottery_log`` names none of them, or more than one.
    """
    if question.design != "lottery" or question.unit == "staff" or not tables.has(TABLE):
        return None
    stratum, number, word = (column(tables, TABLE, name=name, kind="VARCHAR") for name in ("stratum", "number", "word"))
    frame = connection.execute(
        f"""SELECT draw_id, department_id, coalesce({stratum}, '') AS stratum, wave, {month_index("planned_month")} AS month, coalesce({number}, '') AS number,
                   coalesce({word}, '') AS word FROM {TABLE} WHERE department_id IS NOT NULL AND planned_month IS NOT NULL ORDER BY ALL"""
    ).df()
    draws = sorted(set(frame["draw_id"]))
    if not draws:
        return None
    log = question.lottery_log or ""
    asked = draws if len(draws) == 1 else [one for one in draws if re.search(rf"(?<![0-9A-Za-z_-]){re.escape(one)}(?![0-9A-Za-z_-])", log)]
    if len(asked) != 1:
        reason = f"順番表に{len(draws)}回分の抽選があり、計画がどれを指すのかわかりません"
        hint = f"lottery_log に抽選の名前（{'、'.join(draws[:4])} のどれか）を書いてください"
        raise PlanError(reason, place=f"{question.question_id}.lottery_log", hint=hint)
    frame = frame[frame["draw_id"] == asked[0]]
    words = set(frame["word"])
    frame = frame.assign(unit=[units.of(str(one)) for one in frame["department_id"]])
    kept = frame.drop(columns=["draw_id", "word"]).reset_index(drop=True)
    return DrawnOrder(draw_id=str(asked[0]), frame=kept, word=str(min(words)) if len(words) == 1 else "")


def _named(what: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    more = "など" if len(names) > _MOST_NAMED else ""
    return f"{what}は{format_number(len(names))}（{'、'.join(names[:_MOST_NAMED])}{more}）です。"

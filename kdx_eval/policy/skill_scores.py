"""Skill scores, each by the instrument, the tier, the post and the policy's cell in which it was given; what cannot be placed is counted, not lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdx_eval.panel.postings import read_postings
from kdx_eval.panel.successors import read_departments
from kdx_eval.panel.tables import Tables, column
from kdx_eval.panel.tiers import read_tiers
from kdx_eval.policy.course_cover import spelling_key
from kdx_eval.policy.posts import posted_on
from kdx_eval.units import FISCAL_YEAR_START, FiscalYear, format_value

if TYPE_CHECKING:
    import duckdb

    from kdx_eval.schema.policy_version import Instrument, PolicyVersion

INSTRUMENTS: Mapping[Instrument, str] = {"supervisor": "上司評価", "self": "自己評価", "test": "テスト"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Rows that are not counted: why, how many, and what to do about it."""

    reason: str
    rows: int
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Scores that can be placed.

    Attributes
    ----------
    frame : DataFrame
        staff_id, tier (id), area (id), instrument, day (datetime64), month (``Month.index``), year (fiscal), score, department (id or missing); ordered.
    aside : tuple of SetAside
    departments : mapping of department_id to name
    """

    frame: pd.DataFrame
    aside: tuple[SetAside, ...]
    departments: Mapping[str, str]


def policy_in_force(policies: Sequence[PolicyVersion], year: FiscalYear) -> PolicyVersion:
    """The version in force at the end of a fiscal year; before the first one, the first."""
    ordered = sorted(policies, key=lambda one: one.effective_from)
    day = (year.last + 1).first_day
    return [one for one in ordered if one.effective_from < day][-1] if ordered[0].effective_from < day else ordered[0]


def read_scores(tables: Tables, *, policies: Sequence[PolicyVersion], year: FiscalYear) -> Scores:
    """All scores until the end of ``year``, placed; empty without the table of skills."""
    connection = tables.connect()
    try:
        frame = _read(connection, tables)
        tiers, postings = read_tiers(connection, tables), read_postings(connection, tables)
        departments = {number: one.name for number, one in read_departments(connection, tables).items()}
    finally:
        connection.close()
    aside: list[SetAside] = []

    def drop(rows: pd.Series, *, reason: str, hint: str) -> None:
        nonlocal frame
        if rows.any():
            aside.append(SetAside(reason=reason, rows=int(rows.sum()), hint=hint))
            frame = frame[~rows].reset_index(drop=True)

    for name, title in (("score", "得点"), ("day", "評価日")):
        drop(frame[name].isna(), reason=f"{title}が空欄", hint=f"スキル評価の{title}の列を埋めてください")
    drop(frame["instrument"].isna(), reason="評価方法がわからない", hint="自己評価・上司評価・テストのどれかを評価方法の列に書いてください（混ぜて数えません）")
    areas = {area.skill_area: area.skill_area_id for policy in policies for area in policy.skill_areas}
    frame["area"] = frame["skill_area"].map(spelling_key).map({spelling_key(name): number for name, number in areas.items()})
    drop(frame["area"].isna(), reason="方針にないスキル領域", hint=f"領域の名前は{'、'.join(areas)}です")
    for instrument, title in INSTRUMENTS.items():
        scale = policy_in_force(policies, year).supplements.scale(instrument)
        if scale is not None:
            outside = (frame["instrument"] == instrument) & ~frame["score"].between(*scale)
            span = f"{format_value(scale[0])}～{format_value(scale[1])}"
            drop(outside, reason=f"{title}の尺度（{span}）の外の得点", hint="得点か、required_levels.csv の尺度を直してください")
    frame = frame.drop_duplicates(["staff_id", "area", "instrument", "day", "score"]).reset_index(drop=True)
    twice = frame.duplicated(["staff_id", "area", "instrument", "day"], keep=False)
    drop(twice, reason="同じ人・領域・方法・日に違う得点", hint="正しい方の行だけを残してください")
    frame["month"] = frame["day"].dt.year * 12 + frame["day"].dt.month - 1
    frame["year"] = (frame["month"] - (FISCAL_YEAR_START - 1)) // 12
    drop(frame["year"] > year.year, reason="評価年度より後の評価", hint="次の年度の評価で使います")
    names = {spelling_key(tier.tier): tier.tier_id for policy in policies for tier in policy.tiers}
    held = tiers.tiers_on(frame["staff_id"], frame["day"]) if tiers is not None else pd.Series([None] * len(frame), dtype=object)
    frame["tier"] = held.map(spelling_key, na_action="ignore").map(names).to_numpy(dtype=object)
    drop(frame["tier"].isna(), reason="評価した日の人材区分がわからない", hint="DX人材区分履歴の空白の期間を埋めてください")
    frame["department"] = None if postings is None else posted_on(postings, frame["staff_id"], days=frame["day"]).to_numpy(dtype=object)
    columns = ["staff_id", "tier", "area", "instrument", "day", "month", "year", "score", "department"]
    ordered = frame[columns].sort_values(["instrument", "area", "staff_id", "day"], ignore_index=True)
    return Scores(frame=ordered, aside=tuple(aside), departments=departments)


def _read(connection: duckdb.DuckDBPyConnection, tables: Tables) -> pd.DataFrame:
    if not tables.has("skills"):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _KINDS.items()})
    instrument, score = (column(tables, "skills", name=name, kind=kind) for name, kind in (("instrument", "VARCHAR"), ("score", "DOUBLE")))
    day = column(tables, "skills", name="assessed_on", kind="DATE")
    frame = connection.execute(
        f"""SELECT staff_id, skill_area, {day} AS day, CAST({score} AS DOUBLE) AS score, {instrument} AS instrument FROM skills
            WHERE staff_id IS NOT NULL ORDER BY ALL"""
    ).df()
    frame["day"] = frame["day"].to_numpy().astype("datetime64[s]")
    return frame


_KINDS = {"staff_id": "object", "skill_area": "object", "day": "datetime64[s]", "score": "float64", "instrument": "object"}

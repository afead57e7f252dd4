"""スキルマップ: who reaches what the policy asks for in its fifteen cells, how far people differ, what changed, and which course is missing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kdx_eval.disclosure import SMALL_CELL, mask_small
from kdx_eval.policy.course_cover import CellCover, completions, courses_for, cover_cells
from kdx_eval.policy.skill_measures import Agreement, Gain, Spread, agreement_of, describe, gain_of
from kdx_eval.policy.skill_notes import notes_on
from kdx_eval.policy.skill_scores import INSTRUMENTS, Scores, SetAside, policy_in_force, read_scores
from kdx_eval.schema.policy_version import Instrument, PolicyVersion, are_comparable, comparable_spans, definition_breaks
from kdx_eval.units import FiscalYear, Month

if TYPE_CHECKING:
    from kdx_eval.load import Dataset
    from kdx_eval.panel.tables import Tables
    from kdx_eval.plan import Plan
    from kdx_eval.policy.parts import SoFar

GROUPS = ("評価の間に修了", "修了なし", "前の評価より先に修了")


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillCell:
    """One cell of the skill map by one instrument, each person by the last assessment of the year.

    Attributes
    ----------
    text : str
        What somebody of the tier does, the policy's own words.
    required, status : float or None, str
        The required level and whether it is an assumption (``assumption``) or was decided.
    """

    tier_id: str
    skill_area_id: str
    tier: str
    skill_area: str
    text: str
    instrument: str
    year: int
    required: float | None
    status: str
    spread: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillYear:
    """One cell in one fiscal year; ``is_comparable`` says whether its definition is that of the year shown before it."""

    tier: str
    skill_area: str
    instrument: str
    year: int
    spread: Spread
    is_comparable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillGain:
    """First and last assessment of the same persons under one definition, by whether they completed a course of the area in between."""

    skill_area: str
    instrument: str
    group: str
    gain: Gain


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaAgreement:
    """Self-assessment against test in one area."""

    skill_area: str
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentSkills:
    """Share that reaches the required level in one department: (skill area, persons, share); persons None where masked."""

    department: str
    areas: tuple[tuple[str, int | None, float | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A cell in which people fall short, and the courses for it.

    ``short`` counts those below the required level, ``unreached`` those of them who completed none of the courses; None where masked.
    """

    tier: str
    skill_area: str
    short: int | None
    unreached: int | None
    courses: tuple[str, ...]
    unclear: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skills:
    """The skill map.

    Attributes
    ----------
    policy : str
        Label of the version by which the cells are read.
    year : int
        The evaluated fiscal year.
    lead : str
        The instrument shown first, empty without scores.
    cells : tuple of SkillCell
        All cells by every instrument that was used, in the policy's order.
    department_tier : str
        The tier that ``departments`` describes.
    """

    policy: str
    year: int
    lead: str
    cells: tuple[SkillCell, ...]
    years: tuple[SkillYear, ...]
    gains: tuple[SkillGain, ...]
    agreements: tuple[AreaAgreement, ...]
    department_tier: str
    departments: tuple[DepartmentSkills, ...]
    covers: tuple[CellCover, ...]
    closings: tuple[Closing, ...]
    aside: tuple[SetAside, ...]
    notes: tuple[str, ...]


def map_skills(dataset: Dataset, *, plan: Plan, so_far: SoFar) -> Skills:
    """The skill map of the evaluated year.

    Raises
    ------
    SchemaError
        A file of the policy is wrong.
    """
    del so_far
    return skill_map_of(dataset, policies=dataset.policies(), year=plan.evaluated_fiscal_year)


def skill_map_of(tables: Tables, *, policies: Sequence[PolicyVersion], year: FiscalYear) -> Skills:
    """The skill map from any tables, under the version of ``policies`` in force at the end of ``year``."""
    policy = policy_in_force(policies, year)
    scores = read_scores(tables, policies=policies, year=year)
    done = completions(tables, policies=policies)
    latest = {instrument: _snapshot(scores, instrument) for instrument in INSTRUMENTS}
    cells = tuple(cell for instrument, frame in latest.items() if len(frame) for cell in _cells(policy, frame, instrument=instrument))
    lead = _lead(cells)
    covers = cover_cells(policy)
    departments, tier = _departments(policy, latest[lead], names=scores.departments, lead=lead) if lead else ((), "")
    return Skills(
        policy=policy.label, year=year.year, lead=INSTRUMENTS[lead] if lead else "", cells=cells, years=tuple(_years(policy, scores, policies)),
        gains=tuple(_gains(policy, scores, policies=policies, done=done)), agreements=tuple(_agreements(policy, latest)),
        department_tier=tier, departments=departments, covers=covers,
        closings=tuple(_closings(policy, latest[lead], lead=lead, done=done)) if lead else (), aside=scores.aside,
        notes=notes_on(
            policy, cells=[(cell.instrument, cell.year, cell.required, cell.spread.is_masked) for cell in cells], covers=covers, year=year.year,
            lead=INSTRUMENTS[lead] if lead else "",
        ),
    )  # fmt: skip


def _snapshot(scores: Scores, instrument: Instrument) -> pd.DataFrame:
    """The last score of each person and area in the latest year in which the instrument was used."""
    own = scores.frame[scores.frame["instrument"] == instrument]
    return own[own["year"] == own["year"].max()].drop_duplicates(["staff_id", "area"], keep="last") if len(own) else own


def _cells(policy: PolicyVersion, frame: pd.DataFrame, *, instrument: Instrument) -> Iterator[SkillCell]:
    groups = {key: group["score"].to_numpy() for key, group in frame.groupby(["tier", "area"], sort=True)}
    for tier in policy.tiers:
        for area in policy.skill_areas:
            level = policy.supplements.level((tier.tier_id, area.skill_area_id), instrument)
            yield SkillCell(
                tier_id=tier.tier_id, skill_area_id=area.skill_area_id, tier=tier.tier, skill_area=area.skill_area,
                text=policy.skill_map[(tier.tier_id, area.skill_area_id)], instrument=INSTRUMENTS[instrument], year=int(frame["year"].iloc[0]),
                required=None if level is None else level.required, status="" if level is None else level.status,
                spread=describe(groups.get((tier.tier_id, area.skill_area_id), np.empty(0)), level),
            )  # fmt: skip


def _lead(cells: Sequence[SkillCell]) -> Instrument | None:
    """The instrument that shows most cells; of several the supervisor's before one's own, and a test last: it shows knowledge, cells are behaviour."""
    shown = {instrument: sum(bool(cell.spread.persons) for cell in cells if cell.instrument == title) for instrument, title in INSTRUMENTS.items()}
    used = [instrument for instrument, title in INSTRUMENTS.items() if any(cell.instrument == title for cell in cells)]
    if not used:
        return None
    # The first of equals is taken: INSTRUMENTS is in the order of preference.
    return min(used, key=lambda one: (one == "test" or not shown[one], -shown[one]))


def _breaks(policy: PolicyVersion, policies: Sequence[PolicyVersion], *, tiers: Sequence[str], area: str) -> tuple[Month, ...]:
    known = {tier.tier_id for tier in policy.tiers}
    return definition_breaks(tuple(f"{tier}/{area}" for tier in tiers if tier in known), tuple(policies))


def _years(policy: PolicyVersion, scores: Scores, policies: Sequence[PolicyVersion]) -> Iterator[SkillYear]:
    last = scores.frame.drop_duplicates(["instrument", "area", "staff_id", "year"], keep="last")
    groups = dict(iter(last.groupby(["instrument", "tier", "area", "year"], sort=True)))
    for instrument, title in INSTRUMENTS.items():
        years = sorted(set(last.loc[last["instrument"] == instrument, "year"]))
        for tier in policy.tiers:
            for area in policy.skill_areas:
                level = policy.supplements.level((tier.tier_id, area.skill_area_id), instrument)
                breaks = _breaks(policy, policies, tiers=[tier.tier_id], area=area.skill_area_id)
                before: pd.DataFrame | None = None
                for year in years:
                    group = groups.get((instrument, tier.tier_id, area.skill_area_id, year))
                    if group is None:
                        continue
                    same = before is None or are_comparable(Month(int(before["month"].min())), Month(int(group["month"].max())), breaks=breaks)
                    # The level in force now says nothing of scores given under another definition.
                    known = level if are_comparable(Month(int(group["month"].min())), FiscalYear(years[-1]).last, breaks=breaks) else None
                    spread = describe(group["score"].to_numpy(), known)
                    yield SkillYear(tier=tier.tier, skill_area=area.skill_area, instrument=title, year=int(year), spread=spread, is_comparable=same)
                    before = group


def _gains(policy: PolicyVersion, scores: Scores, *, policies: Sequence[PolicyVersion], done: pd.DataFrame) -> Iterator[SkillGain]:
    for instrument, title in INSTRUMENTS.items():
        own = scores.frame[scores.frame["instrument"] == instrument]
        for area in policy.skill_areas:
            number = area.skill_area_id
            rows = own[own["area"] == number]
            if rows.empty:
                continue
            breaks = _breaks(policy, policies, tiers=[tier.tier_id for tier in policy.tiers], area=number)
            span = comparable_spans(Month(int(rows["month"].min())), Month(int(rows["month"].max())), breaks=breaks)[-1]
            pairs = _pairs(rows[rows["month"] >= span[0].index])
            took = done[[number in areas for areas in done["areas"]]] if len(done) else done
            group = _group(pairs, took)
            for name in GROUPS:
                chosen = pairs[group == name]
                yield SkillGain(
                    skill_area=area.skill_area, instrument=title, group=name, gain=gain_of(chosen["score_first"].to_numpy(), chosen["score_last"].to_numpy())
                )


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """First and last assessment of everybody who was assessed in two fiscal years."""
    kept = rows.sort_values(["staff_id", "day"])
    first, last = kept.drop_duplicates("staff_id", keep="first"), kept.drop_duplicates("staff_id", keep="last")
    pairs = first.merge(last, on="staff_id", suffixes=("_first", "_last"))
    return pairs[pairs["year_last"] > pairs["year_first"]].reset_index(drop=True)


def _group(pairs: pd.DataFrame, took: pd.DataFrame) -> pd.Series:
    """``GROUPS`` by what somebody completed first; compulsory courses divide nobody and do not count."""
    chosen = took[~took["compulsory"].astype(bool)] if len(took) else took
    joined = pairs[["staff_id", "day_first", "day_last"]].reset_index().merge(chosen[["staff_id", "day"]], on="staff_id")
    before = set(joined.loc[joined["day"] <= joined["day_first"], "index"])
    between = set(joined.loc[(joined["day"] > joined["day_first"]) & (joined["day"] <= joined["day_last"]), "index"])
    names = [GROUPS[0] if row in between else GROUPS[2] if row in before else GROUPS[1] for row in pairs.index]
    return pd.Series(names, index=pairs.index, dtype=object)


def _agreements(policy: PolicyVersion, latest: dict[Instrument, pd.DataFrame]) -> Iterator[AreaAgreement]:
    own, test = latest["self"], latest["test"]
    if own.empty or test.empty or own["year"].iloc[0] != test["year"].iloc[0]:
        return
    both = own.merge(test, on=["staff_id", "area"], suffixes=("_self", "_test")).rename(columns={"score_self": "self", "score_test": "test"})
    levels = {(one.tier_id, one.skill_area_id, one.instrument): one.required for one in policy.supplements.levels}
    for kind in ("self", "test"):
        required = [levels.get((tier, area, kind)) for tier, area in zip(both[f"tier_{kind}"], both["area"], strict=True)]
        both[f"{kind}_required"] = pd.Series(required, index=both.index, dtype="float64")
    both = both.dropna(subset=["self_required", "test_required"])
    for area in policy.skill_areas:
        yield AreaAgreement(skill_area=area.skill_area, agreement=agreement_of(both[both["area"] == area.skill_area_id]))


def _departments(
    policy: PolicyVersion, frame: pd.DataFrame, *, names: Mapping[str, str], lead: Instrument
) -> tuple[tuple[DepartmentSkills, ...], str]:
    """By department within the largest tier only: all tiers together would give a small tier away to whoever subtracts."""
    largest = max(policy.tiers, key=lambda tier: int((frame["tier"] == tier.tier_id).sum()))
    rows = frame[(frame["tier"] == largest.tier_id) & frame["department"].notna()]
    required = {area.skill_area_id: policy.supplements.level((largest.tier_id, area.skill_area_id), lead) for area in policy.skill_areas}
    need = rows["area"].map({area: np.nan if level is None else level.required for area, level in required.items()})
    counted = rows.assign(attained=(rows["score"] >= need).where(need.notna())).groupby(["department", "area"], sort=True)
    table = counted.agg(persons=("score", "size"), share=("attained", lambda values: values.astype(float).mean())).reset_index()
    masked = mask_small(table, "persons", value_columns=("share",), totals=("area",))
    columns = (masked[name].astype(float) for name in ("persons", "share"))
    found = dict(zip(zip(masked["department"], masked["area"], strict=True), zip(*columns, strict=True), strict=True))
    result = []
    for department in sorted(set(table["department"])):
        areas = []
        for area in policy.skill_areas:
            persons, share = found.get((department, area.skill_area_id), (0.0, math.nan))
            areas.append((area.skill_area, None if math.isnan(persons) else int(persons), None if math.isnan(share) else share))
        result.append(DepartmentSkills(department=names.get(department, department), areas=tuple(areas)))
    return tuple(result), largest.tier


def _closings(policy: PolicyVersion, frame: pd.DataFrame, *, lead: Instrument, done: pd.DataFrame) -> Iterator[Closing]:
    for tier in policy.tiers:
        for area in policy.skill_areas:
            level = policy.supplements.level((tier.tier_id, area.skill_area_id), lead)
            rows = frame[(frame["tier"] == tier.tier_id) & (frame["area"] == area.skill_area_id)]
            if level is None or len(rows) < SMALL_CELL:
                continue
            below = rows[rows["score"] < level.required]
            if below.empty:
                continue
            courses = courses_for(policy, tier_id=tier.tier_id, skill_area_id=area.skill_area_id)
            reached = set(done.loc[done["course_id"].isin([course.course_id for course in courses if not course.compulsory]), "staff_id"])
            unreached = int((~below["staff_id"].isin(reached)).sum())
            short = _shown(len(below))
            yield Closing(
                tier=tier.tier, skill_area=area.skill_area, short=short, unreached=None if short is None else _shown(unreached),
                courses=tuple(course.course_name for course in courses if tier.tier_id not in course.tiers_unclear and not course.compulsory),
                unclear=tuple(course.course_name for course in courses if tier.tier_id in course.tiers_unclear),
            )  # fmt: skip


def _shown(count: int) -> int | None:
    return None if 0 < count < SMALL_CELL else count

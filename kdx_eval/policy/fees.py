"""内製化: the share of course hours that the city teaches itself, and the fees that really fell because of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pandas as pd

from kdx_eval.disclosure import smallest_shown
from kdx_eval.evidence import year_cost
from kdx_eval.units import FiscalYear, format_number, format_yen

Provider: TypeAlias = Literal["in_house", "contract", "other", "unknown"]
_IN_HOUSE = ("内部", "庁内", "内製", "自庁", "本市", "市職員")
_CONTRACT = ("委託", "民間", "外部", "業者")
INVOICE = "決算"  # only what was paid in the end can have fallen
_FEE = "委託料"


@dataclass(frozen=True, slots=True, kw_only=True)
class YearHours:
    """Hours attended in one fiscal year by who taught, and the fees of the year.

    Attributes
    ----------
    hours, in_house, contract, other, unknown : float
        Person-hours of all courses; ``other`` is J-LIS, NICT and the like, ``unknown`` a course without a provider.
    elective, elective_in_house : float
        The same of the courses that are not compulsory for all.
    fee_yen, fee_stage : int or None, str
        委託料 of the courses and the stage it was read from; None where the year has no cost table.
    """

    fiscal_year: int
    hours: float
    in_house: float
    contract: float
    other: float
    unknown: float
    elective: float
    elective_in_house: float
    fee_yen: int | None
    fee_stage: str

    @property
    def in_house_share(self) -> float:
        """内製化率: in-house over all hours attended; NaN without hours."""
        return self.in_house / self.hours if self.hours else float("nan")

    @property
    def elective_share(self) -> float:
        """The same without the courses that everybody has to take."""
        return self.elective_in_house / self.elective if self.elective else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """One contracted course that an own asset was to replace.

    Attributes
    ----------
    assets : tuple of str
        Numbers of the assets that name the course.
    since : int
        Fiscal year of the first of them.
    before_year, before_yen : int or None
        The last settled year before, and what was paid for the course in it.
    after_yen : int or None
        Paid in the evaluated year; 0 where the year is settled and the course is not in it.
    before_persons, after_persons : int or None
        Persons who completed the course in these years.
    avoided_yen : int
        The fall of the invoice; 0 where it did not fall or is not known.
    sentence : str
        Japanese, ready to print.
    """

    course_id: str
    course_name: str
    assets: tuple[str, ...]
    since: int
    before_year: int | None
    before_yen: int | None
    after_yen: int | None
    before_persons: int | None
    after_persons: int | None
    avoided_yen: int
    sentence: str


def provider_kind(provider: str) -> Provider:
    """Who teaches, from the words of the course list; ``other`` is a public body such as J-LIS."""
    if not provider.strip():
        return "unknown"
    if any(word in provider for word in _IN_HOUSE):
        return "in_house"
    return "contract" if any(word in provider for word in _CONTRACT) else "other"


def hours_by_year(reach: pd.DataFrame, courses: Mapping[str, tuple[str, bool]], *, costs: pd.DataFrame, last: FiscalYear) -> tuple[YearHours, ...]:
    """One row for each fiscal year with attendance, until ``last``.

    Parameters
    ----------
    reach : DataFrame
        `count_completion`.
    courses : mapping of course_id to (provider, compulsory)
    costs : DataFrame
        ``checked_costs``.
    """
    frame = reach[reach["attendance_hours"].notna() & (reach["fiscal_year"].astype(int) <= last.year)]
    taught = [courses.get(str(course), ("", False)) for course in frame["course_id"]]
    kind = pd.Series([provider_kind(provider) for provider, _ in taught], index=frame.index, dtype=object)
    elective = pd.Series([not compulsory for _, compulsory in taught], index=frame.index, dtype=bool)
    found = []
    for year in sorted({int(one) for one in frame["fiscal_year"]}):
        here = frame["fiscal_year"].astype(int) == year

        def total(rows: pd.Series, *, here: pd.Series = here) -> float:
            return float(frame.loc[here & rows, "attendance_hours"].sum())

        paid, stage = course_fees(costs, year=FiscalYear(year))
        found.append(
            YearHours(
                fiscal_year=year, hours=total(kind.notna()), in_house=total(kind == "in_house"), contract=total(kind == "contract"),
                other=total(kind == "other"), unknown=total(kind == "unknown"),
                elective=total(elective), elective_in_house=total(elective & (kind == "in_house")),
                fee_yen=paid, fee_stage=stage,
            )
        )  # fmt: skip
    return tuple(found)


def course_fees(costs: pd.DataFrame, *, year: FiscalYear) -> tuple[int | None, str]:
    """委託料 of all lines that name a course, and the stage; None where the year has no cost table."""
    rows, stage = year_cost(costs, fiscal_year=year)
    if rows.empty:
        return None, ""
    return int(rows[rows["section"].str.contains(_FEE) & (rows["course_id"] != "")]["yen"].sum()), stage


def paid_for(costs: pd.DataFrame, keys: frozenset[str], *, year: int) -> int | None:
    """What the settled accounts of a year say was paid for a course; None where they are not there.

    委託料 counts; a course that never had any counts with all its lines (such as 負担金).
    """
    settled = costs[costs["stage"] == INVOICE]
    if not (settled["fiscal_year"] == year).any():
        return None
    own = settled[settled["course_id"].isin(keys)]
    fees = own[own["section"].str.contains(_FEE)]
    rows = fees if len(fees) else own
    return int(rows[rows["fiscal_year"] == year]["yen"].sum())


def replaced_courses(
    assets: Sequence[tuple[str, str, int]], costs: pd.DataFrame, *, names: Mapping[str, str], persons: Mapping[tuple[str, int], int], year: FiscalYear
) -> tuple[Replacement, ...]:
    """Every course that an asset names as replaced, with what its invoice did.

    Parameters
    ----------
    assets : sequence of (asset_id, course_id, fiscal year of creation)
    names : mapping of course_id to its name
        Courses the city has; a course may be named by either.
    persons : mapping of (course_id, fiscal year) to the persons who completed it
    """
    ids = {name: course for course, name in names.items()} | {course: course for course in names}
    by_course: dict[str, list[tuple[str, int]]] = {}
    for asset, course, made in assets:
        if made <= year.year:
            by_course.setdefault(ids.get(course, course), []).append((asset, made))
    return tuple(
        _replacement(course, by_course[course], costs, name=names.get(course, course), persons=persons, year=year) for course in sorted(by_course)
    )  # fmt: skip


def _replacement(
    course: str, made: list[tuple[str, int]], costs: pd.DataFrame, *, name: str, persons: Mapping[tuple[str, int], int], year: FiscalYear
) -> Replacement:
    since = min(fiscal for _, fiscal in made)
    keys = frozenset({course, name})
    settled = sorted({int(one) for one in costs[costs["stage"] == INVOICE]["fiscal_year"] if one < year.year})
    earlier = [one for one in settled if one < since] or [one for one in settled if one == since]
    before_year = earlier[-1] if earlier else None
    before = None if before_year is None else paid_for(costs, keys, year=before_year)
    after = paid_for(costs, keys, year=year.year)
    fell = 0 if before is None or after is None else max(0, before - after)
    people = (None if before_year is None else persons.get((course, before_year)), persons.get((course, year.year)))
    return Replacement(
        course_id=course, course_name=name, assets=tuple(sorted(asset for asset, _ in made)), since=since, before_year=before_year, before_yen=before,
        after_yen=after, before_persons=people[0], after_persons=people[1], avoided_yen=fell,
        sentence=_sentence(name, before=before, before_year=before_year, after=after, people=people, year=year),
    )  # fmt: skip


def _sentence(name: str, *, before: int | None, before_year: int | None, after: int | None, people: tuple[int | None, int | None], year: FiscalYear) -> str:
    if before is None or after is None or before_year is None:
        missing = f"{year.wareki}" if after is None else "置き換える前の年度"
        return f"「{name}」：{missing}の決算額がわからないため、減った額は0円としています。"
    moved = f"{FiscalYear(before_year).short}決算{format_yen(before)}→{year.short}決算{format_yen(after)}"
    if after >= before:
        return f"「{name}」：支払額は{moved}で、減っていません。内製化の効果額は0円です。"
    counts = [_persons(count) for count in people]
    seats = f"その研修の修了者は{counts[0]}→{counts[1]}です。"
    return f"「{name}」：支払額は{moved}で、{format_yen(before - after)}減りました。{seats}"


def _persons(count: int | None) -> str:
    """As many as may be told of attendance."""
    if count is None:
        return "0人"
    least = smallest_shown("attendance")
    return f"{least}人未満" if 0 < count < least else f"{format_number(count)}人"

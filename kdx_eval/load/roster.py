"""The staff by name, カナ and posting: who is meant by a name on a list, and how surely."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from kdx_eval.load.people import derive_assignments, fold_kana, fold_person, fold_variants
from kdx_eval.load.staging import Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BRACKET = re.compile(r"[(（\[［〔【](?P<old>旧姓|旧氏|旧)?[:：]?(?P<inner>[^)）\]］〕】]{1,20})[)）\]］〕】]")
_KANA = re.compile(r"[ァ-ヶー]+")
_LONGEST_SURNAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Where somebody was when; without dates it is not known when."""

    staff_id: str
    kana: str
    department: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    is_dated: bool

    def holds(self, day: dt.date | None) -> bool:
        """Whether the posting was in force on ``day``; without a day every posting may be meant."""
        if day is None:
            return True
        return self.is_dated and (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


_Postings: TypeAlias = list[Posting]


def spellings(written: str) -> tuple[str, ...]:
    """A name without spaces and remarks in brackets, then with the former surname that stands in them: 山田（旧姓佐藤）花子."""
    found = _BRACKET.search(written)
    if found is None:
        return (fold_person(written),)
    before, after, inner = fold_person(written[: found.start()]), fold_person(written[found.end() :]), fold_person(found["inner"])
    if before and after:
        return before + after, inner + after
    whole = before + after
    if not found["old"]:
        return (whole,)  # （再任用） and the like
    parts = (written[: found.start()] or written[found.end() :]).split()
    if len(parts) == 2:
        return whole, inner + parts[1]
    # Without a space the surname ends somewhere within the first characters; somebody of that name must be in the department.
    return (whole, *(inner + whole[end:] for end in range(1, min(_LONGEST_SURNAME, len(whole) - 1) + 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everyone's postings by exact name, by name in common characters, and by カナ.

    Attributes
    ----------
    related : mapping
        Department -> those it came from and went into (機構改革).
    """

    exact: dict[str, _Postings] = field(default_factory=dict)
    variant: dict[str, _Postings] = field(default_factory=dict)
    former: dict[str, _Postings] = field(default_factory=dict)
    kana: dict[str, _Postings] = field(default_factory=dict)
    related: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def add(self, called: str, posting: Posting) -> None:
        """Take in one posting of one person."""
        own, *former = spellings(called)
        self.exact.setdefault(own, []).append(posting)
        self.variant.setdefault(fold_variants(own), []).append(posting)
        for name in former:
            self.former.setdefault(fold_variants(name), []).append(posting)
        if posting.kana:
            self.kana.setdefault(posting.kana, []).append(posting)

    def find(self, called: str, kana: str, *, department: str, day: dt.date | None) -> tuple[str, str | None]:
        """(how found, pseudonym). Only the ways that name a person have a pseudonym; ``ambiguous``, ``department_only`` and ``unknown_person`` none.

        A name alone is never enough: without a department, name and カナ must both be given and be one person's in the whole city.
        """
        if department:
            for how, postings in self._candidates(called):
                for level, fits in self._levels(department, day):
                    found = _single([one for one in postings if fits(one)], kana)
                    if found is not None:
                        return _named(how, level, narrowed=found[0], staff_id=found[1])
        if kana:
            everywhere = [one for one in self.variant.get(fold_variants(spellings(called)[0]), []) if one.kana == fold_kana(kana)]
            people = {one.staff_id for one in everywhere}
            if people:
                return ("name_kana", people.pop()) if len(people) == 1 else ("ambiguous", None)
        return ("department_only" if department else "unknown_person"), None

    def _candidates(self, called: str) -> Iterator[tuple[str, _Postings]]:
        own, *former = spellings(called)
        yield "name_department", self.exact.get(own, [])
        yield "name_variant", self.variant.get(fold_variants(own), [])
        # A former surname stands on the list, on the roster, or is the only one known to the list.
        maiden = [*self.former.get(fold_variants(own), []), *(one for name in former for one in self.variant.get(fold_variants(name), []))]
        yield "name_maiden", maiden
        plain = fold_kana(unicodedata.normalize("NFKC", called))
        yield "kana_department", self.kana.get(plain, []) if _KANA.fullmatch(plain) else []

    def _levels(self, department: str, day: dt.date | None) -> tuple[tuple[str, Callable[[Posting], bool]], ...]:
        near = self.related.get(department, frozenset())
        return (
            ("", lambda one: one.department == department and one.holds(day)),
            ("name_other_day", lambda one: one.department == department),
            ("name_successor", lambda one: one.department in near),
        )


def _single(found: _Postings, kana: str) -> tuple[bool, str | None] | None:
    """(whether カナ decided, the one person or None when there are several); None when there is nobody."""
    people = {one.staff_id for one in found}
    if len(people) > 1 and kana:
        people = {one.staff_id for one in found if one.kana == fold_kana(kana)}
        return True, people.pop() if len(people) == 1 else None
    if not people:
        return None
    return False, people.pop() if len(people) == 1 else None


def _named(how: str, level: str, *, narrowed: bool, staff_id: str | None) -> tuple[str, str | None]:
    if staff_id is None:
        return "ambiguous", None
    if level and how in {"name_department", "name_variant"}:
        return level, staff_id
    return ("name_department_kana" if narrowed else how), staff_id


def read_roster(con: DuckDBPyConnection, stages: list[Stage], *, postings: list[Stage], departments: list[Stage]) -> Roster:
    """Everyone on the staff list with their postings: of the posting history, else of the dated lists themselves."""
    roster = Roster(related=_related(con, departments))
    placed = [stage for stage in stages if stage.layout.has("department_id")]
    sources: list[str] = []
    for stage in stages:
        named = f"SELECT full_name, kana, staff_id FROM {stage.table}"
        sources += [
            f"SELECT s.full_name, s.kana, s.staff_id, a.department_id, a.valid_from, a.valid_to, true FROM ({named}) s JOIN {other.table} a USING (staff_id)"
            for other in postings
        ]
        if postings:
            # The list says where somebody is on its day only; the history knows the days.
            sources.append(f"SELECT full_name, kana, staff_id, department_id, as_of, as_of, as_of IS NOT NULL FROM {stage.table}")
        elif placed:
            derived = f"({derive_assignments(placed)})"
            sources.append(
                f"SELECT s.full_name, s.kana, s.staff_id, a.department_id, a.valid_from, a.valid_to, true FROM ({named}) s JOIN {derived} a USING (staff_id)"
            )
    if not sources:
        return roster
    known = "full_name IS NOT NULL AND department_id IS NOT NULL AND staff_id IS NOT NULL"
    columns = "(full_name, kana, staff_id, department_id, valid_from, valid_to, is_dated)"
    rows = con.execute(f"SELECT * FROM ({' UNION '.join(sources)}) t{columns} WHERE {known} ORDER BY ALL").fetchall()
    for called, kana, staff_id, department, valid_from, valid_to, is_dated in rows:
        days = tuple(one.date() if isinstance(one, dt.datetime) else one for one in (valid_from, valid_to))
        folded = fold_kana(kana or "")
        roster.add(called, Posting(staff_id=staff_id, kana=folded, department=department, valid_from=days[0], valid_to=days[1], is_dated=is_dated))
    return roster


def _related(con: DuckDBPyConnection, stages: list[Stage]) -> dict[str, frozenset[str]]:
    """Department -> all it went into and all that went into it, over several reorganisations; not its siblings."""
    into: dict[str, set[str]] = {}
    for stage in stages:
        for old, new in con.execute(f"SELECT DISTINCT department_id, successor_id FROM {stage.table} WHERE successor_id <> department_id").fetchall():
            if old and new:
                into.setdefault(old, set()).add(new)
    later = {old: _reach(old, into) for old in into}
    found: dict[str, set[str]] = {}
    for old, reached in later.items():
        for new in reached:
            found.setdefault(old, set()).add(new)
            found.setdefault(new, set()).add(old)
    return {department: frozenset(others - {department}) for department, others in found.items()}


def _reach(start: str, into: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        for new in into.get(ahead.pop(), ()):
            if new not in reached:
                reached.add(new)
                ahead.append(new)
    return reached

"""Which field a column may be, from its heading and from what stands in it; nothing here repeats a cell."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from kdx_eval.load.cells import is_missing, parse_cell
from kdx_eval.load.dates import Refusal
from kdx_eval.load.directory import Directory, fold_name
from kdx_eval.load.headers import fold
from kdx_eval.load.people import fold_kana, fold_person
from kdx_eval.load.units_said import is_sum, is_worked_out
from kdx_eval.schema import FieldSpec, TableSpec

Sure: TypeAlias = Literal["確実", "たぶん", "要確認"]
ORGANISATION = re.compile(r".{2,}(課|室|係|局|センター|事務局)")
_NAME = re.compile(r"[一-龠々〆ヵヶぁ-んァ-ヶー]{2,10}")
_NUMBERED = re.compile(r"[A-Za-z]{0,2}\d{3,10}")
_KANA = re.compile(r"[ァ-ヶー]{3,}")
_WEAK = frozenset({"number", "integer", "boolean", "string"})  # such values say little about the column they stand in
_LEAST = 0.5
_MOST_TEXTS = 60  # the commonest tell enough
_TEXT_OF_PERSONAL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the other files of the delivery tell: departments, courses, and the texts that name people (never shown)."""

    departments: Directory
    courses: Directory
    people: frozenset[str]

    def names_somebody(self, written: str) -> bool:
        """Whether the text is, or holds, a name, カナ or number of somebody on a list."""
        plain = fold_person(written)
        return plain in self.people or any(len(one) > 2 and one in plain for one in self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Headings of a possible header row and the distinct texts under each."""

    headings: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGuess:
    """A heading and the field it may be: how sure, from 0 to 1, and why, in Japanese. ``plain``: it is read without a mapping.

    ``meaning`` is what to write for it: the field, or a heading that stands for several fields at once (受講日).
    """

    heading: str
    field: FieldSpec
    score: float
    why: str
    plain: bool
    meaning: str

    @property
    def sure(self) -> Sure:
        """In three words."""
        return certainty(self.score)


def certainty(score: float) -> Sure:
    """How sure a score from 0 to 1 is."""
    return "確実" if score >= 0.85 else "たぶん" if score >= 0.6 else "要確認"


@cache
def _names(spec: FieldSpec) -> frozenset[str]:
    return frozenset(fold(one) for one in (spec.name, spec.title, *spec.aliases, *spec.shared_aliases))


@cache
def likeness(heading: str, spec: FieldSpec) -> float:
    """How like a heading is to the names of a field, 0 to 1."""
    plain = fold(heading)
    if not plain:
        return 0.0
    if plain in _names(spec):
        return 1.0
    inside = max((len(one) / len(plain) for one in _names(spec) if len(one) > 1 and one in plain), default=0.0)
    near = max(difflib.SequenceMatcher(None, plain, one).ratio() for one in _names(spec))
    return max(0.6 + 0.3 * inside if inside else 0.0, 0.9 * near)


def content(texts: Sequence[str], spec: FieldSpec, *, known: Known) -> float | None:
    """Share of the texts that can be what ``spec`` holds; None where any text could, or there is none."""
    filled = [one for one in texts if not is_missing(one)][:_MOST_TEXTS]
    if not filled:
        return None
    if spec.name in {"department_id", "department_name", "unit_id"}:
        return _share(filled, lambda one: _is_known(one, known.departments) or bool(ORGANISATION.fullmatch(one)))
    if spec.name in {"course_id", "course_name"}:
        return _share(filled, lambda one: _is_known(one, known.courses)) if known.courses.ids else None
    if spec.name == "full_name":
        return _share(filled, lambda one: bool(_NAME.fullmatch(fold_person(one))) and not ORGANISATION.fullmatch(one))
    if spec.name == "kana":
        return _share(filled, lambda one: bool(_KANA.fullmatch(fold_kana(one))))
    if spec.name == "staff_id":
        return _share(filled, lambda one: bool(_NUMBERED.fullmatch(unicodedata.normalize("NFKC", one))))
    if spec.enum:
        return _share(filled, lambda one: _is_near(one, spec))
    if spec.type != "string":
        return _share(filled, lambda one: not isinstance(parse_cell(one, spec), Refusal))
    return None


def _is_near(written: str, spec: FieldSpec) -> bool:
    """Whether a text is a word of the list of ``spec``, or nearly one (修了済み)."""
    known = [*spec.enum, *spec.synonyms]
    return not isinstance(parse_cell(written, spec), Refusal) or bool(difflib.get_close_matches(written, known, n=1, cutoff=0.6))


def _share(texts: Sequence[str], fits: Callable[[str], bool]) -> float:
    return sum(fits(one) for one in texts) / len(texts)


def _is_known(written: str, directory: Directory) -> bool:
    return fold_name(written) in directory.ids or fold_name(written) in directory.names


def guess_column(heading: str, texts: Sequence[str], *, spec: FieldSpec, known: Known) -> ColumnGuess | None:
    """Whether the column under ``heading`` may be ``spec``; None when heading or content speak against it."""
    like, inside = likeness(heading, spec), content(texts, spec, known=known)
    if spec.personal and spec.name != "unit_id" and like < _TEXT_OF_PERSONAL:
        return None  # what looks like a name but is not headed so is not taken for one, nor is a name taken for a heading
    if like == 1.0:
        return ColumnGuess(heading=heading, field=spec, score=1.0, why="見出しが同じ", plain=True, meaning=spec.name)
    if inside is not None and inside < _LEAST:
        return None
    weak = not spec.enum and spec.type in _WEAK and spec.name not in {"department_id", "course_id", "full_name", "kana"}
    weight = 0.0 if inside is None else 0.25 if weak else 0.5
    score = (1 - weight) * like + weight * (inside or 0.0)
    if score < _LEAST:
        return None
    words = ([f"見出しが「{spec.title}」に近い"] if like >= _LEAST else []) + ([f"中身の{inside:.0%}が合う"] if inside is not None else [])
    return ColumnGuess(heading=heading, field=spec, score=score, why="、".join(words), plain=False, meaning=_meaning(heading, spec))


def _meaning(heading: str, spec: FieldSpec) -> str:
    """The field, or the heading for several fields that ``heading`` is nearest to."""
    names = {fold(one): spec.name for one in (spec.name, spec.title, *spec.aliases)} | {fold(one): one for one in spec.shared_aliases}
    near = difflib.get_close_matches(fold(heading), names, n=1, cutoff=0.0)
    return names[near[0]] if near and likeness(heading, spec) >= _LEAST else spec.name


def guess_columns(samples: Samples, table: TableSpec, *, known: Known, said: Mapping[str, str]) -> list[ColumnGuess]:
    """The best field of ``table`` for each heading, each field once; what the mapping already says is kept."""
    fields = {spec.name: spec for spec in table.fields}
    found: list[ColumnGuess] = []
    for heading, texts in zip(samples.headings, samples.texts, strict=True):
        if not heading:
            continue
        if said.get(heading) in fields:
            found.append(ColumnGuess(heading=heading, field=fields[said[heading]], score=1.0, why="対応表にある", plain=True, meaning=said[heading]))
            continue
        # 1件当たり処理時間 is near to 処理時間 and no amount of it.
        specs = [spec for spec in table.fields if not (is_sum(table.name, spec.name) and is_worked_out(heading))]
        guesses = (guess_column(heading, texts, spec=spec, known=known) for spec in specs)
        found += [one for one in guesses if one is not None]
    chosen: list[ColumnGuess] = []
    for one in sorted(found, key=lambda guess: (-guess.score, samples.headings.index(guess.heading), guess.field.name)):
        taken = {guess.heading for guess in chosen if not _is_shared(one)}
        if one.field.name not in {guess.field.name for guess in chosen} and one.heading not in taken:
            chosen.append(one)
    return sorted(chosen, key=lambda guess: samples.headings.index(guess.heading))


def _is_shared(guess: ColumnGuess) -> bool:
    return fold(guess.heading) in {fold(one) for one in guess.field.shared_aliases}


def safe_words(written: str, vocabulary: Collection[str], *, affixes: str) -> bool:
    """Whether a text is made of known words and harmless additions only, so that it can be shown without showing who is meant."""
    rest = unicodedata.normalize("NFKC", written)
    for word in sorted(vocabulary, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) > 1 else rest
    return rest != unicodedata.normalize("NFKC", written) and set(rest) <= set(affixes)

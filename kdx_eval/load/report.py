"""What was read, repaired and refused, and what the delivered tables can answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

QuestionKind: TypeAlias = Literal["reach", "overtime", "work_time", "indicator", "staff_month", "cost", "budget", "redeployment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One file or sheet: how many rows were read, accepted and refused, what was repaired, and remarks in Japanese.

    Attributes
    ----------
    table : str or None
        Which table it is; None when it was left aside (the notes say why).
    cells_repaired : mapping
        Kind of repair -> number of cells.
    """

    file: str
    sheet: str
    table: str | None
    encoding: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    cells_repaired: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCount:
    """How many people and rows of one department on one list were found in one way (``how``, as in ``MatchReport.by``, or ``staff_id``)."""

    file: str
    sheet: str
    department: str
    how: str
    n_people: int
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatch:
    """Rows of one department on one list whose person is not settled: why, whom to ask, and what to write; ``rows`` are the first of ``n_rows``."""

    file: str
    sheet: str
    department: str
    how: str
    n_rows: int
    rows: tuple[int, ...]
    ask: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReport:
    """How people on lists without an id were found on the roster; ``by`` counts people by the way they were found.

    ``n_unmatched`` people are not on the roster; they are kept as members of their department only (``department_only``).
    ``places`` counts by list and department, also those with an id; ``open`` says who must decide on the rest. No name is kept.
    """

    n_people: int
    n_matched: int
    n_ambiguous: int
    n_unmatched: int
    by: Mapping[str, int]
    places: tuple[MatchCount, ...] = ()
    open: tuple[OpenMatch, ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> MatchReport:
        """The inverse of ``asdict``."""
        places = tuple(MatchCount(**one) for one in raw.get("places", ()))
        unsettled = tuple(OpenMatch(**{**one, "rows": tuple(one["rows"])}) for one in raw.get("open", ()))
        return cls(**{**raw, "places": places, "open": unsettled})

    @property
    def share(self) -> float:
        """Share of people found on the roster, 0 to 1."""
        return self.n_matched / self.n_people if self.n_people else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """All files of a delivery."""

    files: tuple[FileReport, ...]
    matched: MatchReport | None = None
    derived: tuple[str, ...] = ()

    @property
    def rows_read(self) -> int:
        """Rows of data in all files; titles, headings and notes are not counted."""
        return sum(file.rows_read for file in self.files)

    @property
    def rows_accepted(self) -> int:
        """Rows that went into the tables."""
        return sum(file.rows_accepted for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows listed in rejected.csv."""
        return sum(file.rows_rejected for file in self.files)

    @property
    def rejected_share(self) -> float:
        """Share of rows refused, 0 to 1."""
        return self.rows_rejected / self.rows_read if self.rows_read else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        return asdict(self) | {"rows_read": self.rows_read, "rows_accepted": self.rows_accepted, "rows_rejected": self.rows_rejected}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> LoadReport:
        """The inverse of `to_dict`."""
        files = tuple(FileReport(**{**file, "notes": tuple(file["notes"])}) for file in raw["files"])
        matched = MatchReport.from_dict(raw["matched"]) if raw["matched"] else None
        return cls(files=files, matched=matched, derived=tuple(raw["derived"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """Whether a kind of question can be answered, which tables are missing, and a sentence that says so."""

    kind: QuestionKind
    title: str
    possible: bool
    missing: tuple[str, ...]
    sentence: str


_QUESTIONS: tuple[tuple[QuestionKind, str, tuple[str, ...]], ...] = (
    ("reach", "誰がどの研修を受けたか", ("training",)),
    ("overtime", "研修で課の時間外勤務が減ったか", ("training", "assignments", "worktime")),
    ("work_time", "研修で業務の時間が減ったか", ("training", "assignments", "workload")),
    ("indicator", "研修で成果指標が変わったか", ("training", "indicators")),
    ("cost", "研修に一人あたりいくらかかったか", ("training", "costs")),
    ("budget", "生まれた時間は人件費でいくらにあたるか", ("training", "costs", "wages")),
    ("redeployment", "生まれた時間をどこに使ったか", ("redeployment",)),
)
_WEIGHT = {"worktime": 5, "training": 9, "assignments": 6, "workload": 4, "costs": 4, "wages": 2, "indicators": 2, "redeployment": 1}
_INSTEAD = {"assignments": "所属履歴（または職員名簿）"}  # what a city is more likely to have


def answerable_from(present: Collection[str], titles: Mapping[str, str]) -> tuple[Answerable, ...]:
    """For each kind of question whether the tables in ``present`` suffice."""
    answers = []
    for kind, title, needed in _QUESTIONS:
        missing = tuple(table for table in needed if table not in present)
        sentence = (
            f"「{title}」に答えられます。"
            if not missing
            else f"「{title}」には「{'」「'.join(_INSTEAD.get(table, titles[table]) for table in missing)}」が足りません。"
        )
        answers.append(Answerable(kind=kind, title=title, possible=not missing, missing=missing, sentence=sentence))
    return tuple(answers)


def most_useful(answers: tuple[Answerable, ...], titles: Mapping[str, str]) -> str:
    """One sentence: which missing table would add most; a table that alone opens a question counts before others."""
    gain: dict[str, int] = {}
    for answer in answers:
        for table in answer.missing:
            gain[table] = gain.get(table, 0) + _WEIGHT[table] * (3 if len(answer.missing) == 1 else 1)
    if not gain:
        return "必要な表はそろっています。"
    best = max(gain, key=lambda table: (gain[table], table))
    opened = [answer.title for answer in answers if answer.missing == (best,)]
    more = f"（「{'」「'.join(opened)}」に答えられるようになります）" if opened else ""
    return f"次に「{_INSTEAD.get(best, titles[best])}」があると、最も役に立ちます{more}。"

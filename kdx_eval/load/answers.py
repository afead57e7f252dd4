"""What the delivered tables can answer, how long a time they cover before the first training, and what would add most."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from kdx_eval.load.database import name, rows
from kdx_eval.units import Month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

QuestionKind: TypeAlias = Literal[
    "reach", "overtime", "own_overtime", "work_time", "indicator", "staff_month", "lottery", "skills", "per_person", "cost", "budget", "double_counting",
    "prior_claims", "redeployment",
]  # fmt: skip
MONTHS_BEFORE = 12  # METHODS: with fewer months before training there is no grade 3
MONTHS_OF_SEASONS = 24  # METHODS: with fewer, seasons cannot be tested


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How far one table of measures reaches back before the courses.

    Attributes
    ----------
    first : Month
        The first month with measures.
    before : tuple of (Month, int)
        For each course its first month of training, and in how many months before it something was measured; earliest course first.
    """

    first: Month
    before: tuple[tuple[Month, int], ...]

    @property
    def longest(self) -> int:
        """Months before the course that has most of them."""
        return max(months for _, months in self.before)

    def reaching(self, months: int) -> int:
        """How many courses have at least so many months before them."""
        return sum(found >= months for _, found in self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """Whether a kind of question can be answered, which tables are missing, and a sentence that says so.

    Attributes
    ----------
    months_before : int or None
        Months with measures before the course that has most of them, for questions that compare before and after; None for others.
    """

    kind: QuestionKind
    title: str
    possible: bool
    missing: tuple[str, ...]
    sentence: str
    months_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    kind: QuestionKind
    title: str
    needed: tuple[str, ...]
    outcome: str | None = None  # the table of measures whose months before the training count
    of_persons: bool = False  # sums of departments do not do


_KINDS = (
    _Kind(kind="reach", title="誰がどの研修を受けたか", needed=("training",)),
    _Kind(kind="overtime", title="研修で課の時間外勤務が減ったか", needed=("training", "assignments", "worktime"), outcome="worktime"),
    _Kind(kind="own_overtime", title="受講した職員本人の時間外勤務が減ったか", needed=("training", "worktime"), of_persons=True),
    _Kind(kind="work_time", title="研修で業務の時間が減ったか", needed=("training", "assignments", "workload"), outcome="workload"),
    _Kind(kind="indicator", title="研修で成果指標が変わったか", needed=("training", "indicators"), outcome="indicators"),
    _Kind(kind="staff_month", title="課の職員の何割が受講済みかを、異動も含めて月ごとに追えるか", needed=("training", "assignments")),
    _Kind(kind="lottery", title="応募して選ばれなかった人と比べられるか", needed=("training", "applicants")),
    _Kind(kind="skills", title="どの区分の人材に、どのスキルが足りないか", needed=("skills", "tiers")),
    _Kind(kind="per_person", title="職員一人あたりの時間で、増員や欠員の影響を除けるか", needed=("headcount",)),
    _Kind(kind="cost", title="研修に一人あたりいくらかかったか", needed=("training", "costs")),
    _Kind(kind="budget", title="生まれた時間は人件費でいくらにあたるか", needed=("training", "costs", "wages")),
    _Kind(kind="double_counting", title="ほかの改善案件の効果と二重に数えていないか", needed=("interventions",)),
    _Kind(kind="prior_claims", title="前年度の要求で見込んだ効果は実現したか", needed=("prior_claims",)),
    _Kind(kind="redeployment", title="生まれた時間をどこに使ったか", needed=("redeployment",)),
)
# What a table is worth to a budget request: without training and a measure of time there is no evaluation at all; the others refine it.
_WEIGHT: Mapping[str, float] = {
    "training": 9, "assignments": 6, "worktime": 5, "workload": 4, "costs": 4, "wages": 2, "indicators": 2, "headcount": 1.5, "prior_claims": 1.5,
    "applicants": 1.2, "interventions": 1.2, "redeployment": 1, "skills": 0.8, "tiers": 0.6,
}  # fmt: skip
_ROSTER = ("assignments",)
_ALONE = 3  # a table that alone opens a question
_SERVES = {"wages": ("pay_table",)}  # a table of which another can take the place: the price of an hour is computed from the published pay
_INSTEAD = {"assignments": "所属履歴（または職員名簿）", "wages": "人件費単価（または給与費）"}  # what a city is more likely to have
_PRICES = {
    (True, True): "1時間の単価は「人件費単価」によります（「給与費」からの計算は、人件費単価にない年度や種類を補います）。",
    (True, False): "1時間の単価は「人件費単価」によります。",
    (False, True): "1時間の単価は、公表された「給与費」から計算します（財政課の「人件費単価」があれば、そちらによります）。",
}


def answerable_from(
    present: Collection[str], titles: Mapping[str, str], *, spans: Mapping[str, Span] | None = None, summed: Collection[str] = ()
) -> tuple[Answerable, ...]:
    """For each kind of question whether the tables in ``present`` suffice, and whether they reach back far enough where ``spans`` says.

    Tables in ``summed`` measure departments only: they do not suffice for questions about persons.
    """
    return tuple(_judge(kind, present, titles=titles, spans=spans or {}, summed=summed) for kind in _KINDS)


def _judge(asked: _Kind, present: Collection[str], *, titles: Mapping[str, str], spans: Mapping[str, Span], summed: Collection[str]) -> Answerable:
    missing = tuple(table for table in asked.needed if not {table, *_SERVES.get(table, ())} & set(present))
    lacking = [_INSTEAD.get(table, titles[table]) for table in missing]
    lacking += [f"{titles[table]}（職員ごとの行）" for table in asked.needed if asked.of_persons and table in summed and table in present]
    if missing == _ROSTER and asked.outcome and not asked.of_persons:
        # Without a roster the panel counts attendees instead of shares; saying that nothing can be answered would be untrue.
        told = _told(spans[asked.outcome], titles[asked.outcome]) if asked.outcome in spans else ""
        sentence = f"「{asked.title}」に答えられます。ただし、職員の名簿がないので、何人かが受けた課を、受けた課とみなします（割合では分けられません）。{told}"
        return Answerable(kind=asked.kind, title=asked.title, possible=True, missing=missing, sentence=sentence)
    if lacking:
        sentence = f"「{asked.title}」には「{'」「'.join(lacking)}」が足りません。"
        return Answerable(kind=asked.kind, title=asked.title, possible=False, missing=missing, sentence=sentence)
    span = spans.get(asked.outcome or "")
    told = _told(span, titles[asked.outcome]) if span and asked.outcome else ""
    if "wages" in asked.needed:
        told = _PRICES["wages" in present, "pay_table" in present]
    return Answerable(
        kind=asked.kind, title=asked.title, possible=True, missing=(), sentence=f"「{asked.title}」に答えられます。{told}",
        months_before=span.longest if span else None,
    )  # fmt: skip


def _told(span: Span, title: str) -> str:
    """What the months before the courses allow, in a sentence."""
    n_courses, year, seasons = len(span.before), span.reaching(MONTHS_BEFORE), span.reaching(MONTHS_OF_SEASONS)
    if not span.longest:
        return f"ただし、どの研修も始まる前の「{title}」がなく、後から受講した課でしか前と後を比べられません。"
    if not year:
        reached = f"ただし、研修が始まる前の「{title}」が長くて{span.longest}か月分で"
        return f"{reached}、証拠の強さはメリーランド尺度の3に届きません（{MONTHS_BEFORE}か月分が要ります）。"
    if seasons == n_courses:
        return f"どの研修も始まる前の「{title}」が{MONTHS_OF_SEASONS}か月分以上あり、季節の動きも見分けられます。"
    longer = f"（季節の動きを見分けられる{MONTHS_OF_SEASONS}か月分以上の研修は{seasons or 'なし'}）"
    if year == n_courses:
        return f"どの研修も始まる前の「{title}」が{MONTHS_BEFORE}か月分以上あります{longer}。"
    return (
        f"ただし、始まる前の「{title}」が{MONTHS_BEFORE}か月分以上ある研修は{n_courses}のうち{year}{longer}で、"
        "ほかは証拠の強さがメリーランド尺度の3に届きません。"
    )


def most_useful(answers: tuple[Answerable, ...], titles: Mapping[str, str], *, spans: Mapping[str, Span] | None = None) -> str:
    """One sentence: which missing table, or which earlier months of a table, would add most.

    A table that alone opens a question counts before others; so do the months without which no course has a year before it.
    """
    gain: dict[tuple[str, bool], float] = {}
    for answer in answers:
        for table in answer.missing:
            gain[table, False] = gain.get((table, False), 0) + _WEIGHT[table] * (_ALONE if len(answer.missing) == 1 else 1)
    possible = {answer.kind for answer in answers if answer.possible}
    for asked in _KINDS:
        span = (spans or {}).get(asked.outcome or "")
        if span and asked.outcome and asked.kind in possible and span.reaching(MONTHS_BEFORE) < len(span.before):
            lacking = 1 - span.reaching(MONTHS_BEFORE) / len(span.before)
            gain[asked.outcome, True] = _WEIGHT[asked.outcome] * (_ALONE if lacking == 1 else lacking)
    if not gain:
        return "必要な表はそろっています。"
    best, earlier = max(gain, key=lambda key: (gain[key], key))
    if earlier and spans:
        start = "" if any(not is_earlier for _, is_earlier in gain) or not spans[best].reaching(MONTHS_BEFORE) else "必要な表はそろっています。"
        return f"{start}次に{_earlier(spans[best], titles[best])}があると、最も役に立ちます（研修の前と後を1年単位で比べられるようになります）。"
    opened = [answer.title for answer in answers if answer.missing == (best,)]
    more = f"（「{'」「'.join(opened)}」に答えられるようになります）" if opened else ""
    return f"次に「{_INSTEAD.get(best, titles[best])}」があると、最も役に立ちます{more}。"


def _earlier(span: Span, title: str) -> str:
    """The months that the earliest course lacks, or, where no course has a year before it, the one that lacks fewest."""
    lacking = [(training, months) for training, months in span.before if months < MONTHS_BEFORE]
    training, _ = lacking[0] if span.reaching(MONTHS_BEFORE) else max(lacking, key=lambda entry: entry[1])
    first, last = training + -MONTHS_BEFORE, min(span.first, training) + -1
    if last < first:  # the table begins early enough: months within it are missing
        return f"「{title}」の、{training.year}年{training.month}月より前で抜けている月"
    until = f"から{last.year}年{last.month}月まで" if last > first else ""
    return f"「{title}」の{first.year}年{first.month}月{until}の分"


def measured_spans(con: DuckDBPyConnection, columns: Mapping[str, Collection[str]]) -> dict[str, Span]:
    """For each table of monthly measures how far it reaches back before the courses; empty without dated training.

    Months in which anything is measured count, whoever it was; a survey of a fiscal year has no months.

    Parameters
    ----------
    con : DuckDBPyConnection
        With one view for each table.
    columns : mapping
        Table -> its columns that hold a value.
    """
    begun = [column for column in ("enrolled_on", "completed_on", "offered_on") if column in columns.get("training", ())]
    if not begun:
        return {}
    found: dict[str, Span] = {}
    courses = f"SELECT date_trunc('month', min(coalesce({', '.join(begun)}))) AS begun FROM training GROUP BY course_id HAVING begun IS NOT NULL"
    for table in ("worktime", "workload", "indicators"):
        dated = [column for column in ("month", "date") if column in columns.get(table, ())]
        if not dated:
            continue
        month = f"date_trunc('month', coalesce({', '.join(name(column) for column in dated)}))"
        con.execute(f"CREATE OR REPLACE TEMP TABLE measured AS SELECT DISTINCT {month} AS m FROM {table} WHERE {month} IS NOT NULL")
        counts = rows(con, f"SELECT begun, (SELECT count(*) FROM measured WHERE m < begun) FROM ({courses}) ORDER BY 1, 2")
        first = rows(con, "SELECT min(m) FROM measured")[0][0]
        if counts and first is not None:
            found[table] = Span(first=_month(first), before=tuple((_month(start), int(str(months))) for start, months in counts))
    return found


def _month(day: object) -> Month:
    return Month.parse(str(day)[:10])

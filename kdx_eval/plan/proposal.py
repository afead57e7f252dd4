"""Proposing a plan from who was trained when, never from outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from kdx_eval.errors import PlanError
from kdx_eval.plan import values
from kdx_eval.plan.outcomes import resolve_outcome
from kdx_eval.plan.types import CohortWidth, Design, Outcome, Plan, Question, Role, TreatedFrom, Unit, nearest_hint
from kdx_eval.schema import load_indicators, parameter
from kdx_eval.units import Month

SMALLEST_GROUP = 3  # units on either side below which no interval is given (METHODS 4)
FEWEST_PLACEBOS = 19  # comparison units from which one supported unit can rank first among 20, p = 0.05
MONTHS_BEFORE = 12  # a comparison of the same calendar months needs a year before treatment
_EVERYONE_SHARE = 0.9
_SMALL_CITY_UNITS = 200

OrderKind: TypeAlias = Literal["unknown", "volunteered", "appointed", "lottery", "everyone"]
Explained: TypeAlias = tuple[Design, Role, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFacts:
    """Timing of one course: who was trained when, nothing about outcomes.

    Attributes
    ----------
    months : tuple of Month
        For each department (or person, where no departments are known) in which the course started, the month in which it did.
    n_units : int
        Departments (or persons) in all.
    """

    course_id: str
    course_name: str
    compulsory: bool = False
    n_trained: int = 0
    n_staff: int = 0
    n_units: int = 0
    months: tuple[Month, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorFacts:
    """Which indicator exists for which kind of unit; not its values."""

    indicator_id: str
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """All that a proposal may look at.

    Attributes
    ----------
    months : mapping of table to (Month, Month)
        First and last month each outcome table covers; further tables only serve to find the last month.
    training_dates : tuple
        Which of offered, enrolled and completed are recorded.
    """

    courses: tuple[CourseFacts, ...]
    months: Mapping[str, tuple[Month, Month]]
    indicators: tuple[IndicatorFacts, ...] = ()
    training_dates: tuple[TreatedFrom, ...] = ("enrolled",)
    city: str = ""
    synthetic: bool = False
    has_department_types: bool = False
    order: Mapping[str, OrderKind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """One of the six questions of ``plan new``: key of the answer, the question, how to answer."""

    key: str
    text: str
    hint: str


SIX_QUESTIONS: tuple[AskedQuestion, ...] = (
    AskedQuestion(key="courses", text="どの研修の効果を知りたいですか", hint="講座の番号か名前を「、」で区切って書きます。空なら受講記録にある全部です"),
    AskedQuestion(
        key="outcome",
        text="研修で何が変わると考えますか",
        hint="業務時間、時間外勤務、または指標の番号。空なら手元のデータから選びます",
    ),
    AskedQuestion(key="order", text="受講する人や順番は、どう決まりましたか", hint="手挙げ、指名、抽選、全員 のどれか。わからなければ空で構いません"),
    AskedQuestion(key="request_fiscal_year", text="どの年度の予算要求に使いますか", hint="R9、令和9年度、2027 のいずれかで書きます"),
    AskedQuestion(key="evaluated_through", text="何年何月までのデータで評価しますか", hint="2026-03 のように書きます。空ならデータの最後の月です"),
    AskedQuestion(
        key="smallest_effect",
        text="1課・1か月あたり、どれだけ変われば意味がありますか",
        hint="数だけを書きます（単位は上で選んだもの）。空なら費用に見合う大きさを自動で使います",
    ),
)
_ORDER_WORDS: dict[str, OrderKind] = {"手挙げ": "volunteered", "指名": "appointed", "抽選": "lottery", "全員": "everyone"}
_OUTCOME_WORDS = {"業務時間": "workload.minutes", "時間外勤務": "worktime.overtime_hours", "時間外勤務時間": "worktime.overtime_hours"}


def propose_plan(facts: PlanFacts) -> Plan:
    """A plan with one question for each course somebody took, its design chosen from training dates only.

    Returns
    -------
    Plan
        Each question carries in ``explanation`` one Japanese sentence on why its design was proposed.

    Raises
    ------
    PlanError
        When nobody was trained in any course.
    """
    return _propose(facts, outcome=None)


def _propose(facts: PlanFacts, *, outcome: tuple[Unit, str] | None) -> Plan:
    trained = [course for course in facts.courses if course.n_trained > 0]
    if not trained:
        raise PlanError("受講した人がいる研修がありません", place="training", hint="受講記録（氏名・所属・受講日）を入れてください")
    unit, outcome_key = outcome or _default_outcome(facts)
    every = [_propose_question(course, facts, unit=unit, outcome_key=outcome_key) for course in trained]
    questions = tuple(replace(question, question_id=f"q{number}") for number, question in enumerate(_gathered(every, trained), start=1))
    through = _last_month(facts)
    return Plan(
        title="デジタル人材育成研修の効果の検証",
        city=facts.city,
        synthetic=facts.synthetic,
        request_fiscal_year=values.fiscal_year((through + 1).fiscal_year.year + 1, "request_fiscal_year"),
        evaluated_fiscal_year=through.fiscal_year
        if through == through.fiscal_year.last
        else values.fiscal_year(through.fiscal_year.year - 1, "evaluated_fiscal_year"),
        evaluated_through=through,
        questions=questions,
    )


def plan_from_answers(answers: Mapping[str, object], facts: PlanFacts) -> Plan:
    """The proposal, adapted to the answers to :data:`SIX_QUESTIONS` (by key; empty answers keep the proposal).

    Raises
    ------
    PlanError
        When an answer cannot be understood or names a course that the data do not have.
    """
    known = [question.key for question in SIX_QUESTIONS]
    for key in answers:
        if key not in known and key != "city":
            raise PlanError("知らない問いへの答えです", place=key, hint=nearest_hint(key, known))
    said = {key: raw for key, raw in answers.items() if raw is not None and str(raw).strip()}
    courses = _chosen_courses(said.get("courses"), facts)
    order = _order(said.get("order"))
    facts = replace(facts, courses=courses, order={course.course_id: order for course in courses})
    if "evaluated_through" in said:
        through = values.month(said["evaluated_through"], "evaluated_through")
        covered = {table: (first, min(last, through)) for table, (first, last) in facts.months.items() if first <= through}
        facts = replace(facts, months={**covered, "training": (through, through)})
    plan = _propose(facts, outcome=_answered_outcome(said["outcome"], facts) if "outcome" in said else None)
    if "request_fiscal_year" in said:
        plan = replace(plan, request_fiscal_year=values.fiscal_year(said["request_fiscal_year"], "request_fiscal_year"))
    questions = plan.questions
    if "smallest_effect" in said:
        size = values.smallest_effect(_as_number(said["smallest_effect"]), "smallest_effect")
        questions = tuple(replace(question, smallest_effect=size) for question in questions)
    return replace(plan, questions=questions, city=str(said.get("city", plan.city)))


def _gathered(questions: list[Question], courses: list[CourseFacts]) -> list[Question]:
    """Questions with a comparison first; courses without one become a single question about reach, so that the pages stay readable."""
    asked = [question for question in questions if question.is_estimated]
    rest = [(question, course) for question, course in zip(questions, courses, strict=True) if not question.is_estimated]
    if len(rest) < 2:
        return [*asked, *(question for question, _ in rest)]
    names = "、".join(values.visible(course.course_name) for _, course in rest)
    together = replace(
        rest[0][0],
        title=f"比べる相手を作れない{len(rest)}講座は、どれだけ受講されたか",
        courses=tuple(course for question, _ in rest for course in question.courses),
        design="everyone",
        role="completion_only",
        explanation="全員が受ける、受けた課が少ないなどの理由で比べる相手を作れないので、受講の実績だけを報告します",
        note=f"対象: {names}",
    )
    return [*asked, together]


def _propose_question(course: CourseFacts, facts: PlanFacts, *, unit: Unit, outcome_key: str) -> Question:
    order = facts.order.get(course.course_id, "unknown")
    design, role, explanation = _design(course, order=order)
    treated_from: TreatedFrom = next((kind for kind in ("enrolled", "offered", "completed") if kind in facts.training_dates), "enrolled")
    width: CohortWidth = "month" if unit == "staff" and course.n_units >= _SMALL_CITY_UNITS else "quarter"
    outcome, note = _outcome(outcome_key, unit=unit)
    if role == "primary" and not facts.months.get(outcome.table):
        role, explanation = "completion_only", "比べるための成果のデータがないので、受講の実績だけを報告します"
    return Question(
        question_id="q",
        title=_title(course.course_name, outcome),
        courses=(values.visible(course.course_id.strip()),),
        unit=unit,
        outcome=outcome,
        design=design,
        treated_from=treated_from,
        cohort_width=width,
        excluded_periods=_covid(course, facts, table=outcome.table),
        # Matched months already take out each department's own seasons; a lottery is permuted within the strata it was drawn in.
        strata="department_type" if design == "lottery" and facts.has_department_types and unit != "staff" else None,
        role=role,
        note=note,
        explanation=explanation,
    )


def _title(course_name: str, outcome: Outcome) -> str:
    return f"{values.visible(course_name)}は{outcome.label}を{'減らしたか' if outcome.better == 'lower' else '増やしたか'}"


def _outcome(key: str, *, unit: Unit) -> tuple[Outcome, str]:
    """The outcome and a note; the good direction of a city's own indicator is a guess, and said to be one."""
    table, _, name = key.partition(".")
    if table != "indicators" or name in load_indicators():
        return resolve_outcome(key, unit=unit, place="outcome"), ""
    own = {"table": table, "indicator_id": name, "better": "lower"}
    note = "この指標は減ると良いものと仮に置いています。増えると良いものなら better を higher に直してください。"
    return resolve_outcome(own, unit=unit, place="outcome"), note


def _design(course: CourseFacts, *, order: OrderKind) -> Explained:
    """Design, role and the sentence that explains them, from the timing of one course."""
    treated = len(course.months)
    quarters = [month.index // 3 for month in course.months]
    comparison = course.n_units - sum(1 for quarter in quarters if quarter == min(quarters)) if quarters else 0
    at_once = course.n_staff > 0 and course.n_trained >= _EVERYONE_SHARE * course.n_staff and len(set(quarters)) <= 1
    if order == "everyone" or course.compulsory:
        return "everyone", "completion_only", "全員が受ける研修なので比べる相手がなく、受講の実績だけを報告します"
    if at_once or (treated > 1 and comparison == 0):
        return "everyone", "completion_only", "ほぼ全員が同じ時期に受けたので比べる相手がなく、受講の実績だけを報告します"
    if treated == 1 and comparison >= SMALLEST_GROUP:
        # Not asked by itself: every estimated question costs the others power (Holm), and one department rarely decides anything.
        if comparison >= FEWEST_PLACEBOS:
            way = "role を primary か secondary に直すと、よく似た動きの課を組み合わせた相手と比べられます"
            return "single", "completion_only", f"受けた課が1つだけなので、受講の実績だけを報告します（{way}）"
        return "single", "completion_only", "受けた課が1つだけで、比べる課が少なく偶然と区別できないので、受講の実績だけを報告します"
    if treated < SMALLEST_GROUP or comparison < SMALLEST_GROUP:
        return "staggered", "completion_only", "受けた課か比べる課が3つに満たないので、受講の実績だけを報告します"
    if order == "lottery":
        return "lottery", "primary", "受ける順番を抽選で決めたので、抽選の組の中で比べます"
    if len(set(quarters)) == 1:
        return "staggered", "primary", "同じ時期に受けた課を、受けていない課と比べます"
    return "staggered", "primary", "受講を始めた時期が課ごとに違うので、まだ受けていない課と比べます"


def _default_outcome(facts: PlanFacts) -> tuple[Unit, str]:
    workload = facts.months.get("workload")
    if workload is not None and workload[1] - workload[0] + 1 >= 2 * MONTHS_BEFORE:
        return "department", "workload.minutes"
    if "worktime" in facts.months or not facts.indicators:
        return "department", "worktime.overtime_hours"
    first = facts.indicators[0]
    return first.unit, f"indicators.{first.indicator_id}"


def _covid(course: CourseFacts, facts: PlanFacts, *, table: str) -> tuple[tuple[Month, Month], ...]:
    """The COVID months, when a full year before the first cohort remains without them."""
    covered = facts.months.get(table)
    if covered is None or not course.months:
        return ()
    last = Month.parse(str(parameter("covid_last_month").value))
    if covered[0] > last or min(course.months) - (last + 1) < MONTHS_BEFORE:
        return ()
    return ((covered[0], last),)


def _last_month(facts: PlanFacts) -> Month:
    ends = [last for _, last in facts.months.values()] or [month for course in facts.courses for month in course.months]
    if not ends:
        raise PlanError("データの期間がわかりません", place="evaluated_through", hint="何月までのデータで評価するかを答えてください")
    return max(ends)


def _chosen_courses(raw: object, facts: PlanFacts) -> tuple[CourseFacts, ...]:
    if raw is None:
        return facts.courses
    words = [word.strip() for word in str(raw).replace(",", "、").split("、") if word.strip()]
    by_word = {course.course_name: course for course in facts.courses} | {course.course_id: course for course in facts.courses}
    chosen = []
    for word in words:
        if word not in by_word:
            raise PlanError("この研修は受講記録にありません", place="courses", hint=nearest_hint(word, list(by_word)))
        if by_word[word] not in chosen:
            chosen.append(by_word[word])
    return tuple(chosen)


def _order(raw: object) -> OrderKind:
    if raw is None:
        return "unknown"
    word = str(raw).strip()
    if word not in _ORDER_WORDS:
        raise PlanError("順番の決め方がわかりません", place="order", hint=nearest_hint(word, list(_ORDER_WORDS)))
    return _ORDER_WORDS[word]


def _answered_outcome(raw: object, facts: PlanFacts) -> tuple[Unit, str]:
    word = str(raw).strip()
    units = {indicator.indicator_id: indicator.unit for indicator in facts.indicators}
    titles = {known.title: name for name, known in load_indicators().items()}
    name = titles.get(word, word).removeprefix("indicators.")
    if name in units:
        return units[name], f"indicators.{name}"
    return "department", _OUTCOME_WORDS.get(word, word)


def _as_number(raw: object) -> object:
    try:
        return float(str(raw))
    except ValueError:
        return raw

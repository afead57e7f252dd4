"""What delivered tables can answer, how far they reach back, and what would add most: against hand-worked cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdx_eval.load import answerable, load_dataset, most_useful_missing
from kdx_eval.load.answers import Answerable, Span, answerable_from, most_useful
from kdx_eval.schema import load_schema
from kdx_eval.units import Month

TITLES = {table.name: table.title for table in load_schema().tables.values()}
ALL = frozenset(TITLES)


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def one(kind: str, answers: tuple[Answerable, ...]) -> Answerable:
    (found,) = [answer for answer in answers if answer.kind == kind]
    return found


def span(first: str, *courses: tuple[str, int]) -> Span:
    return Span(first=Month.parse(first), before=tuple((Month.parse(training), months) for training, months in courses))


@pytest.mark.parametrize(
    ("kind", "opens"),
    [
        ("per_person", "headcount"), ("double_counting", "interventions"), ("prior_claims", "prior_claims"), ("lottery", "applicants"),
        ("skills", "skills"), ("overtime", "worktime"), ("work_time", "workload"), ("budget", "wages"), ("staff_month", "assignments"),
    ],
)  # fmt: skip
def test_a_question_opens_with_its_last_table(kind: str, opens: str) -> None:
    rest = ALL - {opens} - ({"pay_table"} if opens == "wages" else set())  # of the two that give a price either serves
    without = one(kind, answerable_from(rest, TITLES))
    assert (without.possible, without.missing) == (False, (opens,))
    assert TITLES[opens] in without.sentence
    assert one(kind, answerable_from(ALL, TITLES)).possible
    assert TITLES[opens] in most_useful(answerable_from(rest, TITLES), TITLES)


def test_nothing_at_all_asks_for_training_first() -> None:
    answers = answerable_from((), TITLES)
    assert not any(answer.possible for answer in answers)
    assert "受講記録" in most_useful(answers, TITLES)


def test_every_kind_of_question_and_every_weight_is_used() -> None:
    from typing import get_args

    from kdx_eval.load.answers import _KINDS, _WEIGHT, QuestionKind

    assert [kind.kind for kind in _KINDS] == list(get_args(QuestionKind))
    assert {table for kind in _KINDS for table in kind.needed} == set(_WEIGHT)


@pytest.mark.parametrize(
    ("courses", "words"),
    [
        ([("2025-06", 26), ("2025-09", 29)], "24か月分以上あり、季節の動きも"),
        ([("2024-06", 14), ("2025-09", 29)], "12か月分以上あります（季節の動きを見分けられる24か月分以上の研修は1）"),
        ([("2023-06", 2), ("2025-09", 29)], "12か月分以上ある研修は2のうち1（季節の動きを見分けられる24か月分以上の研修は1）"),
        ([("2023-06", 2), ("2023-09", 5)], "長くて5か月分で、証拠の強さはメリーランド尺度の3に届きません"),
        ([("2023-04", 0)], "後から受講した課でしか"),
    ],
)
def test_the_months_before_each_course_decide_what_is_said(courses: list[tuple[str, int]], words: str) -> None:
    answer = one("overtime", answerable_from(ALL, TITLES, spans={"worktime": span("2023-04", *courses)}))
    assert answer.possible
    assert words in answer.sentence
    assert answer.months_before == max(months for _, months in courses)
    assert one("reach", answerable_from(ALL, TITLES)).months_before is None


def test_earlier_months_can_be_worth_more_than_another_table() -> None:
    spans = {"worktime": span("2025-04", ("2025-06", 2))}
    answers = answerable_from(ALL - {"redeployment"}, TITLES, spans=spans)
    assert "「勤務時間」の2024年6月から2025年3月までの分" in most_useful(answers, TITLES, spans=spans)
    spans = {"worktime": span("2023-04", ("2025-06", 26))}
    assert "再配分" in most_useful(answerable_from(ALL - {"redeployment"}, TITLES, spans=spans), TITLES, spans=spans)
    assert most_useful(answerable_from(ALL, TITLES, spans=spans), TITLES, spans=spans) == "必要な表はそろっています。"


def test_months_missing_within_are_told_from_a_late_beginning() -> None:
    spans = {"worktime": span("2020-04", ("2025-06", 9))}
    assert "抜けている月" in most_useful(answerable_from(ALL, TITLES, spans=spans), TITLES, spans=spans)


def test_months_are_counted_from_the_files(tmp_path: Path) -> None:
    months = [f"{2024 + (3 + n) // 12}-{(3 + n) % 12 + 1:02d}" for n in range(20)]
    rows = "".join(f"{department},{month},10\n" for month in months for department in ("市民課", "税務課"))
    (tmp_path / "勤務時間.csv").write_text(f"所属,年月,時間外\n{rows}", encoding="utf-8")
    attended = "001,市民課,A,2025-06-10\n002,税務課,A,2025-04-20\n003,税務課,B,2024-04-05\n"
    (tmp_path / "受講記録.csv").write_text(f"職員番号,所属,研修番号,受講開始日\n{attended}", encoding="utf-8")
    (tmp_path / "所属履歴.csv").write_text("職員番号,所属,開始日\n001,市民課,2020-04-01\n", encoding="utf-8")
    answer = one("overtime", answerable(load_dataset(tmp_path)))
    # April 2024 is the first month; A begins in April 2025, twelve months later; B at once.
    assert answer.months_before == 12
    assert "12か月分以上ある研修は2のうち1" in answer.sentence
    assert most_useful_missing(load_dataset(tmp_path))


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (("wages",), "「人件費単価」によります。"), (("pay_table",), "公表された「給与費」から計算"), (("wages", "pay_table"), "補います"),
    ],
)  # fmt: skip
def test_either_table_of_prices_serves_and_the_sentence_says_which_prevails(tables: tuple[str, ...], told: str) -> None:
    found = one("budget", answerable_from({"training", "costs", *tables}, TITLES))
    assert found.possible
    assert told in found.sentence
    assert "人件費単価" not in most_useful(answerable_from((ALL - {"wages"}) | {"pay_table"}, TITLES), TITLES)


def test_without_either_both_are_named() -> None:
    found = one("budget", answerable_from({"training", "costs"}, TITLES))
    assert (found.possible, found.missing) == (False, ("wages",))
    assert "「人件費単価（または給与費）」が足りません" in found.sentence

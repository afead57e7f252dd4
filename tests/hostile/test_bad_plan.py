"""A malformed plan gets one Japanese message that names the key, the nearest known key and the remedy."""

import pytest

from kdx_eval.errors import PlanError
from kdx_eval.plan import read_plan

GOOD = {
    "request_fiscal_year": "request_fiscal_year: 2027",
    "evaluated_through": "evaluated_through: 2026-03",
    "questions": "questions:",
    "question_id": "  - question_id: rpa",
    "title": "    title: 題",
    "courses": "    courses: [C01]",
    "unit": "    unit: department",
    "outcome": "    outcome: workload.minutes",
}


def read(folder, text, name="plan.yaml"):
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return read_plan(path)


def plan_text(**changes):
    return "\n".join({**GOOD, **changes}.values()) + "\n"


def test_the_good_plan_is_read(tmp_path):
    assert read(tmp_path, plan_text()).question("rpa").courses == ("C01",)


@pytest.mark.parametrize(
    ("changes", "place", "hint"),
    [
        ({"unit": "    unitt: department"}, "questions.rpa.unitt", "unit"),
        ({"unit": "    unit: departmnt"}, "questions.rpa.unit", "department"),
        ({"unit": "    unit: process", "outcome": "    outcome: worktime.overtime_hours"}, "questions.rpa.unit", "workload"),
        ({"outcome": "    outcome: workload.minuts"}, "questions.rpa.outcome", "workload.minutes"),
        ({"outcome": "    outcome: worklod.minutes"}, "questions.rpa.outcome", "workload"),
        ({"outcome": "    outcome: minutes"}, "questions.rpa.outcome", "workload.minutes"),
        ({"outcome": "    outcome: {table: workload, mesure: minutes}"}, "questions.rpa.outcome.mesure", "measure"),
        ({"outcome": "    outcome: indicators.genai_use"}, "questions.rpa.outcome", "genai_uses"),
        ({"title": ""}, "questions.rpa", "title"),
        ({"courses": "    courses: [C01, C01]"}, "questions.rpa.courses", "1つに"),
        ({"courses": "    courses:"}, "questions.rpa.courses", "値"),
        ({"more": "    threshold_share: 15"}, "questions.rpa.threshold_share", "0.15"),
        ({"more": "    threshold_share: '0.15'"}, "questions.rpa.threshold_share", "0.15"),
        ({"more": "    buffer_months: 1.5"}, "questions.rpa.buffer_months", "値"),
        ({"more": "    window: [2026-03, 2025-04]"}, "questions.rpa.window", "順番"),
        ({"more": "    excluded_periods: [[2020-04, null]]"}, "questions.rpa.excluded_periods", "2020-04"),
        ({"more": "    excluded_periods: 2020"}, "questions.rpa.excluded_periods", "2020-04"),
        ({"more": "    smallest_effect: breakeven"}, "questions.rpa.smallest_effect", "break_even"),
        ({"more": "    lottery_log: 記録.xlsx"}, "questions.rpa.lottery_log", "design"),
        ({"evaluated_through": "evaluated_through: 2026年3月"}, "evaluated_through", "2025-04"),
        ({"evaluated_through": "evaluated_through: 2026-13"}, "evaluated_through", "2025-04"),
        ({"request_fiscal_year": "request_fiscal_year: 令和"}, "request_fiscal_year", "令和9年度"),
        ({"request_fiscal_year": "request_fiscal_year: 2020"}, "request_fiscal_year", "年度"),
        ({"request_fiscal_year": "request_fiscal_year: R0"}, "request_fiscal_year", "R1"),
        ({"request_fiscal_year": "evaluated_fiscal_year: 2025"}, "plan", "request_fiscal_year"),
        ({"question_id": "  - question_id: ../../etc"}, "questions.", "英数字"),
        ({"title": '    title: "a\\u0007b"'}, "questions.rpa.title", "見えない"),
        ({"title": '    title: "a\\ud800b"'}, "questions.rpa.title", "見えない"),
    ],
)
def test_the_message_names_the_key_and_the_remedy(tmp_path, changes, place, hint):
    with pytest.raises(PlanError) as caught:
        read(tmp_path, plan_text(**changes))
    assert caught.value.place.startswith(place)
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_two_questions_of_one_id_are_refused(tmp_path):
    twice = [line for line in GOOD.values() if line.startswith(" ")]
    with pytest.raises(PlanError, match="同じ番号"):
        read(tmp_path, plan_text() + "\n".join(twice))


def test_a_key_written_twice_is_refused_instead_of_the_last_winning(tmp_path):
    with pytest.raises(PlanError, match=r"同じキーが2度"):
        read(tmp_path, plan_text(more="    unit: process"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "ただの文",
        "a: [1, 2",
        "a:\n\t- b",
        "1: 2",
        "questions: {}",
        "!!python/object/apply:os.system ['true']",
        "? [a]\n: b",
        "a: &x [*x]",
        "a: *missing",
        "\x00\x01",
        b"\xff\xfe\x00\x81\x20",
        "[" * 5000,
        plan_text(questions="questions: []", question_id="", title="", courses="", unit="", outcome=""),
    ],
)
def test_what_is_no_plan_is_a_plan_error(tmp_path, text):
    with pytest.raises(PlanError):
        read(tmp_path, text)


def test_yaml_never_builds_objects(tmp_path):
    with pytest.raises(PlanError):
        read(tmp_path, plan_text(title="    title: !!python/object/apply:os.getcwd []"))


def test_a_plan_saved_by_notepad_in_cp932_or_with_a_mark_is_read(tmp_path):
    assert read(tmp_path, plan_text().encode("cp932")).questions[0].title == "題"
    assert read(tmp_path, b"\xef\xbb\xbf" + plan_text().encode("utf-8")).questions[0].title == "題"


def test_a_missing_or_huge_file_is_a_plan_error(tmp_path):
    with pytest.raises(PlanError, match="ありません"):
        read_plan(tmp_path / "plan.yaml")
    with pytest.raises(PlanError, match="大きすぎ"):
        read(tmp_path, "#" * 1_000_001)


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"frozen": 1, "plan": 2}', '{"frozen": {"at": "x", "sha256": ""}, "plan": {}}', "1"])
def test_a_broken_frozen_copy_is_a_plan_error(tmp_path, text):
    with pytest.raises(PlanError):
        read(tmp_path, text, name="plan.frozen.json")


def test_an_unknown_question_names_the_nearest(tmp_path):
    with pytest.raises(PlanError, match="rpa"):
        read(tmp_path, plan_text()).question("rpaa")

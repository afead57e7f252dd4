"""Every question of a run stands under the objections: in full where few, grouped with its number where many."""

from __future__ import annotations

from dataclasses import replace

from kdx_eval.effect.study import CheckResult
from kdx_eval.report.asked import Ground, grouped, make_case, spans
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.questions import expected_answers
from tests.report_city import city, entry, evidence, plan, question


def test_runs_of_three_or_more_are_drawn_together():
    assert spans([5, 1, 2, 3, 7, 8]) == "問1～問3・問5・問7・問8"
    assert spans([]) == ""


def test_few_stand_in_full_and_many_by_group_with_the_bad_ones_first():
    few = [Ground(number=1, heading="傾き：問題なし", text="差は0.1。"), Ground(number=2, heading="", text="二つ目。")]
    assert grouped(few) == ("問1　傾き：問題なし。差は0.1。", "問2　二つ目。")
    many = [Ground(number=n, heading=f"傾き：{'問題あり' if n == 6 else '問題なし'}", text=f"差は{n}。", bad=n == 6) for n in range(1, 9)]
    assert grouped(many) == (
        "傾き：問題あり（問6）", "傾き：問題なし（問1～問5・問7・問8）", "問6　傾き：問題あり。差は6。", "問1　傾き：問題なし。差は1。",
        "問2　傾き：問題なし。差は2。", "ほかの問い（問3～問5・問7・問8）は「問いごとの検証」に記載",
    )  # fmt: skip


def test_no_question_of_a_large_run_is_missing_and_the_answer_stays_short():
    checks = tuple(CheckResult(check_id=key, title=key, outcome="passed", sentence="差は0.1。") for key in ("selection_months", "placebo_date"))
    bad = (replace(checks[0], outcome="failed"), checks[1])
    ids = [f"q{n}" for n in range(40)]
    shown = entry("q0", "fiscal_year", -6.2, 1.4)
    items = {key: replace(evidence(key, key, "効果あり", headline=shown), checks=bad if key == "q17" else checks) for key in ids}
    results = city(studies={}, evidence=items, plan=plan(tuple(question(key, key) for key in ids)))
    ledger = build_ledger(results)
    assert len(make_case(results, ledger).items) == 40
    answer = next(one for one in expected_answers(results, ledger) if "平均への回帰" in one.objection)
    assert answer.standing == "問題が見つかった"
    assert "問18" in answer.text
    assert answer.grounds[0].endswith("（問18）")
    assert any("問1～問17・問19～問40" in ground for ground in answer.grounds)
    assert len(answer.grounds) <= 8

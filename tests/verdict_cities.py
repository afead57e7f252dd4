"""Cities of one verdict each, in the words that the verdict permits and forbids."""

from __future__ import annotations

import re
from dataclasses import replace

from kdx_eval.effect.study import CheckResult
from kdx_eval.evidence import Evidence
from kdx_eval.evidence.wording import vocabulary
from kdx_eval.results import Results
from kdx_eval.savings import SavingsLine
from tests.report_city import CHECKS, city, hours, savings, study

SILENT = ("実質的効果なし", "逆効果", "判定不能")  # verdicts with an estimate of which no effect may be claimed
EFFECTS = {"実質的効果なし": (-0.1, 0.4), "逆効果": (5.0, 1.4), "判定不能": (-0.5, 1.8), "効果あり": (-6.2, 1.4), "小さい効果": (-2.0, 0.7)}
WORDS = {"title": "研修", "treated": "受講した課", "untreated": "受講していない課", "outcome": "時間外勤務時間", "per": "1課・1か月当たり"}
WORDS |= {"estimate": "（値）", "low": "（下）", "high": "（上）", "low90": "（下）", "high90": "（上）", "smallest": "1.50時間", "detectable": "2.90時間"}
WORDS |= {"enough": "費用に見合う大きさ", "n_treated": "24", "n_control": "36", "counter": "課"}
WORDS |= {"per_and": "1課・1か月当たり、", "per_aside": "（1課・1か月当たり）"}


def verdict_city(verdict: str, *, checks: tuple[CheckResult, ...] = CHECKS) -> Results:
    """Every estimated question of the city has that verdict and those checks."""
    results = city()
    estimate, error = EFFECTS[verdict]
    studies = {key: study(key, one.title, estimate, error=error) for key, one in results.studies.items()}
    found = {key: _judged(item, verdict, results=studies, checks=checks) for key, item in results.evidence.items()}
    assert results.savings is not None
    assert results.budget is not None
    lines: tuple[SavingsLine, ...] = tuple(
        replace(line, verdict=verdict, may_claim=verdict in {"効果あり", "小さい効果"}, saved=hours(-estimate * 240, error * 240))
        for line in results.savings.lines
    )
    may_claim = verdict in {"効果あり", "小さい効果"}
    total = replace(savings(lines, may_claim=may_claim), created=hours(-estimate * 480, error * 400), net=hours(-estimate * 480 - 1020, error * 400))
    cuts = results.budget.cuts
    if not may_claim:
        sentence = "延べ50人が受講できません（見込み、金額に比例）。時間への影響は、効果があると言える結果がまだないため示しません。"
        cuts = tuple(replace(cut, forgone_hours=None, sentence=cut.sentence if cut.name == "満額" else sentence) for cut in cuts)
    budget = replace(results.budget, cuts=cuts, cash_reduction_yen=0, cash_sentence="予算が実際に減る額はありません。")
    return city(studies=studies, evidence=found, savings=total, budget=budget if not may_claim else results.budget)


def forbidden_phrases(verdict: str) -> frozenset[str]:
    """The phrases in 「」 that the verdict forbids to say; those with a figure to be filled in are left out."""
    sentences = vocabulary()["verdicts"][verdict]["forbidden"]
    return frozenset(phrase for sentence in sentences for phrase in re.findall("「([^」]+)」", sentence) if "{" not in phrase)


def _judged(item: Evidence, verdict: str, *, results: dict[str, object], checks: tuple[CheckResult, ...]) -> Evidence:
    if item.headline is None:
        return item
    entry = vocabulary()["verdicts"][verdict]
    permitted, forbidden = (tuple(text.format(**WORDS) for text in entry[kind]) for kind in ("permitted", "forbidden"))
    one = results[item.question_id]
    return replace(
        item,
        verdict=verdict,
        headline=one.headline,
        headline_sentence=entry["headline"].format(**WORDS),
        sentences=permitted,
        forbidden=forbidden,
        checks=checks,
    )

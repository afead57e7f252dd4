"""Result sets with every mix of verdicts, worded by the real vocabulary; and the rules that no document may break."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from kdx_eval.budget.cuts import make_cuts
from kdx_eval.budget.worth import find_break_even, find_switching_values, make_scenarios, value_hours
from kdx_eval.evidence import Evidence
from kdx_eval.evidence.wording import verdict_fields, verdict_texts
from kdx_eval.report.annex import GLOSSARY, annex_blocks
from kdx_eval.report.blocks import Block, Bullets, Paragraph, Table
from kdx_eval.report.content import appendix_content
from kdx_eval.report.ledger import Ledger
from kdx_eval.report.pictures import Pictures
from kdx_eval.report.wording import ordered_evidence
from kdx_eval.results import Results
from kdx_eval.savings import Savings
from tests.report_city import AS_OF, KEPT, PRICE, city, cost, entry, evidence, hours, line, outlook_of, plan, question, savings, study
from tests.report_city import budget as make_budget

# Estimate and standard error that belong to the verdict when less is better and 1.5 is the smallest effect that matters.
SHAPES = {"効果あり": (-6.2, 1.4), "小さい効果": (-1.8, 0.6), "実質的効果なし": (-0.2, 0.3), "逆効果": (4.4, 1.1), "判定不能": (-1.1, 2.3), "検証対象外": None}
NO_PICTURES = Pictures(content={}, main=(), wide=(), by_question={})
CLAIMS = re.compile(
    r"効果があった|効果がありました|効果が認められました|時間が生まれた|時間を生み出した|削減できた|削減しました|費用に見合う効果|に当たります|時間の創出（?\n?（?幅|生まれた時間は(?:数える問いを合わせて)?年"
    r"|(?<!ない)人分（|人件費に換算すると"
)
CASH = re.compile(r"人件費が減[るりっ]|予算が減[るりっ](?!額)")
NO_EFFECT = re.compile(r"効果がなかった|効果はなかった|役に立たなかった")


def _question(number: int, verdict: str, chance: random.Random) -> tuple[Any, Any, Evidence]:
    key, title = f"q{number}", f"第{'一二三四五'[number]}研修により、時間外勤務は減ったか"
    asked = question(key, title, completion_only=verdict == "検証対象外")
    shape = SHAPES[verdict]
    if shape is None:
        found, fields = None, verdict_fields(asked, None, good=(math.nan,) * 3, good90=(math.nan,) * 2, smallest=1.5)
        item = evidence(key, title, "検証対象外", headline=None)
    else:
        scale = chance.choice((0.9, 1.0, 1.1))
        found = study(key, title, shape[0] * scale, error=shape[1])
        headline = entry(key, "fiscal_year", shape[0] * scale, shape[1])
        good = (-headline.estimate, -headline.conf_high, -headline.conf_low)
        fields = verdict_fields(asked, found, good=good, good90=(good[1] + 0.3, good[2] - 0.3), smallest=1.5)
        item = evidence(key, title, "効果あり", headline=found.headline)
    sentence, permitted, forbidden = verdict_texts(verdict, fields)
    return asked, found, replace(item, verdict=verdict, headline_sentence=sentence, sentences=permitted, forbidden=forbidden)  # type: ignore[arg-type]


def _savings(found: list[Evidence], studies: dict[str, Any]) -> Savings:
    lines = []
    for item in found:
        one = studies.get(item.question_id)
        saved = None if one is None else hours(-one.headline.estimate * one.unit_periods, one.headline.std_error * one.unit_periods)
        lines.append(line(item, saved))
    counted = [item.saved for item in lines if item.saved is not None]
    base = savings(tuple(lines), may_claim=False)
    if not counted:
        return replace(base, bridge=replace(base.bridge, recorded=False))
    created = hours(sum(one.hours for one in counted), math.sqrt(sum(one.std_error**2 for one in counted)))
    net = hours(created.hours - base.attendance_hours, created.std_error)
    claims = created.conf_low > 0 and any(item.may_claim for item in lines)  # as count_savings decides
    return replace(base, created=created, net=net, person_equivalent=net.hours / 1883, share_of_baseline=created.hours / 12480, may_claim=claims)


def simulated_city(seed: int, verdicts: Iterable[str] | None = None) -> Results:
    """One result set; without ``verdicts`` one to five at random."""
    chance = random.Random(seed)
    chosen = list(verdicts) if verdicts is not None else chance.choices(list(SHAPES), k=chance.randint(1, 5))
    made = [_question(number, verdict, chance) for number, verdict in enumerate(chosen)]
    studies = {asked.question_id: one for asked, one, _ in made if one is not None}
    freed = _savings([item for _, _, item in made], studies)
    costs = make_budget((cost("研修 委託", chance.randint(4, 30), 350_000),))
    even = find_break_even(costs.request_yen, price=PRICE, attendance_hours=freed.attendance_hours, persons=340)
    result = freed.net if freed.net is not None else None
    prior = tuple(replace(one, claim_id="q0", sentence="実績は幅で見ます。") for one in costs.prior_claims)
    costs = replace(
        costs,
        break_even=even,
        cash_reduction_yen=0,
        cash_sentence="予算が実際に減る額はありません。",
        reference_value=value_hours(result, price=PRICE),
        scenarios=make_scenarios(freed, price=PRICE, cost_yen=costs.request_yen, kept=KEPT),
        switching_values=find_switching_values(freed, price=PRICE, break_even=even),
        cuts=make_cuts(costs.request_yen, costs.previous_yen, seats=360, outlook=outlook_of(freed), price=PRICE),
        prior_claims=prior,
    )
    found = {item.question_id: item for _, _, item in made}
    return city(studies=studies, evidence=found, savings=freed, budget=costs, plan=plan(tuple(asked for asked, _, _ in made)))


def told(results: Results, ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Everything that the two pages and the 別冊 say, a row or a paragraph each, but for what they list as not to be said."""
    for name, value in appendix_content(results, ledger, as_of=AS_OF).items():
        for one in value if isinstance(value, list) else [value]:
            yield f"2ページ {name}", "　".join(str(cell) for cell in one.values()) if isinstance(one, dict) else str(one)
    for block in annex_blocks(results, ledger, pictures=NO_PICTURES):
        yield from (("別冊", text) for text in _texts(block))


def _texts(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield block.text
    elif isinstance(block, Bullets):
        yield from block.items
    elif isinstance(block, Table) and block.rows != GLOSSARY and block.columns[0].title != "言ってはいけない":
        yield from ("　".join(row) for row in block.rows)


def broken_rules(results: Results, ledger: Ledger, texts: Iterable[tuple[str, str]]) -> list[str]:
    """Every place where a text says what the verdicts forbid."""
    items = list(enumerate(ordered_evidence(results), start=1))
    silent = {text for _, item in items for text in item.forbidden}
    mute = not any(item.may_claim for _, item in items)
    found = []
    for place, text in texts:
        if text in silent:
            continue
        about = [item for number, item in items if re.search(rf"問{number}(?!\d)", text) or item.title in text]
        if CASH.search(text):
            found.append(f"{place}: 現金 {text}")
        if (mute or (about and not any(item.may_claim for item in about))) and CLAIMS.search(text):
            found.append(f"{place}: 効果 {text}")
        if any(item.verdict == "判定不能" for item in about) and NO_EFFECT.search(text):
            found.append(f"{place}: 無効果 {text}")
        found += [f"{place}: 幅なし {text}" for _ in _bare(results, ledger, text)]
    return found


def _bare(results: Results, ledger: Ledger, text: str) -> Iterator[str]:
    """Figures that must not stand without their range: of questions that may not be claimed, and the total where that may not be."""
    names = [f"question.{item.question_id}.{field}" for item in results.evidence.values() if not item.may_claim for field in ("estimate", "saved")]
    if results.savings is not None and not results.savings.may_claim:
        names += ["savings.created", "savings.net", "value.yen"]
    for name in names:
        claim = ledger.claim(name) if ledger.has(name) else None
        if claim is None or not claim.is_figure or not claim.range_text:
            continue
        for printed in {claim.text, claim.full_text}:
            if re.search(rf"(?<![\d,.△]){re.escape(printed)}", text) and not re.search(r"幅|95%", text):
                yield printed

"""No sentence that a verdict forbids stands in any document, whatever the mix of verdicts."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path

import pytest

from kdx_eval.report.claims import build_ledger
from kdx_eval.report.documents import write_documents
from kdx_eval.report.site import write_site
from tests.printed_numbers import texts_of
from tests.report_city import AS_OF
from tests.wording_cities import CASH, CLAIMS, NO_EFFECT, SHAPES, broken_rules, simulated_city, told

CITIES = 60  # tests/studies/wording_cities.py reads two hundred
TAGS = re.compile(r"<script>.*?</script>|<style>.*?</style>|<[^>]+>", re.DOTALL)


def test_cities_of_every_mix_claim_nothing_that_their_verdicts_forbid() -> None:
    seen: Counter[str] = Counter()
    for seed in range(CITIES):
        results = simulated_city(seed)
        ledger = build_ledger(results)
        assert broken_rules(results, ledger, told(results, ledger)) == [], seed
        seen.update(item.verdict for item in results.evidence.values())
        seen["mute"] += not any(item.may_claim for item in results.evidence.values())
    assert min(seen[verdict] for verdict in SHAPES) >= 20
    assert seen["mute"] >= 15


@pytest.mark.parametrize("verdict", sorted(SHAPES))
def test_a_city_of_one_verdict_only_says_that_verdict(verdict: str) -> None:
    results = simulated_city(7, [verdict] * 3)
    ledger = build_ledger(results)
    texts = list(told(results, ledger))
    assert broken_rules(results, ledger, texts) == []
    two_pages = "".join(text for place, text in texts if place.startswith("2ページ"))
    assert two_pages.count(verdict) >= 3
    for helpful in ("釣り合います", "322人", "見つけられる最小の大きさ" if SHAPES[verdict] else "修了の状況だけ"):
        assert helpful in two_pages


@pytest.mark.parametrize("verdict", ["判定不能", "逆効果"])
def test_in_every_format_a_city_without_a_claim_claims_nothing(verdict: str, tmp_path: Path) -> None:
    results = simulated_city(11, [verdict, verdict])
    ledger = build_ledger(results)
    write_documents(results, tmp_path, as_of=AS_OF)
    site = write_site(results, tmp_path, as_of=AS_OF).parent
    forbidden = {plain(text) for item in results.evidence.values() for text in item.forbidden}
    shown = {path.name: "".join(text for _, text in texts_of(path)) for path in (tmp_path / "documents").iterdir() if path.suffix != ".json"}
    shown |= {path.name: html.unescape(TAGS.sub("", path.read_text(encoding="utf-8"))) for path in site.glob("*.html")}
    assert len(shown) >= 10
    for name, text in shown.items():
        rest = plain(text)
        for sentence in forbidden:
            rest = rest.replace(sentence, "")
        # The glossary and the ledger name things; they claim nothing.
        assert [found[0] for found in CLAIMS.finditer(rest)] == [], name
        assert CASH.search(rest) is None, name
        assert NO_EFFECT.search(rest) is None or verdict == "実質的効果なし", name
    assert ledger.text("question.q0.headline")


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    "text",
    [
        "問1：研修には効果がありました。", "年1,488時間の時間が生まれた。", "人件費に換算すると2,360千円。", "問1は効果がなかった。",
        "研修で予算が減りました。", "問1の効果は1課・1か月当たり1.10時間の減。",
    ],
)  # fmt: skip
def test_a_forbidden_sentence_would_be_found(text: str) -> None:
    results = simulated_city(1, ["判定不能"])
    ledger = build_ledger(results)
    text = text.replace("1課・1か月当たり1.10時間の減", ledger.text("question.q0.estimate"))
    assert broken_rules(results, ledger, [("ある文書", text)])

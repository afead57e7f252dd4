"""Does any document say what its verdicts forbid? Two hundred result sets with every mix of verdicts, the two pages and the 別冊 of each.

Run: python tests/studies/wording_cities.py [--cities 200]; writes tests/studies/wording_cities.csv, a row for each verdict.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from kdx_eval.report.claims import build_ledger  # noqa: E402
from tests.wording_cities import SHAPES, broken_rules, simulated_city, told  # noqa: E402

TABLE = Path(__file__).with_suffix(".csv")


def count(cities: int) -> list[dict[str, object]]:
    """Cities, questions, texts read and forbidden sentences, by the verdict that a city holds."""
    totals: dict[str, Counter[str]] = {verdict: Counter() for verdict in (*SHAPES, "主張できる問いがない市", "すべて")}
    for seed in range(cities):
        results = simulated_city(seed)
        ledger = build_ledger(results)
        texts = list(told(results, ledger))
        broken = broken_rules(results, ledger, texts)
        verdicts = [item.verdict for item in results.evidence.values()]
        kinds = {*verdicts, "すべて", *([] if any(item.may_claim for item in results.evidence.values()) else ["主張できる問いがない市"])}
        for kind in kinds:
            questions = verdicts.count(kind) if kind in SHAPES else len(verdicts)
            totals[kind].update(cities=1, questions=questions, texts=len(texts), forbidden=len(broken))
    return [{"verdict": kind, **{name: found[name] for name in ("cities", "questions", "texts", "forbidden")}} for kind, found in totals.items()]


def main() -> int:
    """Write the table; the exit status is 1 when a forbidden sentence was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, default=200)
    rows = count(parser.parse_args().cities)
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return int(any(row["forbidden"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

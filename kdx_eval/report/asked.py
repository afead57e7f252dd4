"""What the answers to expected questions look at: the leading estimated questions of a run, with their ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.report.wording import numbered_evidence

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

MOST_ASKED = 3  # questions whose checks stand under an answer; the others stand in 問いごとの検証


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The leading questions that were estimated, with their numbers."""

    results: Results
    ledger: Ledger
    items: tuple[tuple[int, Evidence], ...]
    studies: tuple[tuple[int, EffectStudy], ...]

    def text(self, name: str) -> str:
        """What the ledger prints under that name."""
        return self.ledger.text(name)


def make_case(results: Results, ledger: Ledger) -> Case:
    """Primary questions first, bad news before good news, at most `MOST_ASKED`."""
    items = tuple((number, item) for number, item in numbered_evidence(results) if item.headline is not None)[:MOST_ASKED]
    studies = tuple((number, results.studies[item.question_id]) for number, item in items if item.question_id in results.studies)
    return Case(results=results, ledger=ledger, items=items, studies=studies)


def note_names(case: Case, beginning: str, *, claimed_only: bool) -> Iterator[tuple[int, str]]:
    """Notes of the studies that begin so; with ``claimed_only`` of questions whose effect may be claimed, since such notes name estimates."""
    claimed = {item.question_id for _, item in case.items if item.may_claim}
    for number, study in case.studies:
        for place, note in enumerate(study.notes):
            if note.startswith(beginning) and (not claimed_only or study.question_id in claimed):
                yield number, case.text(f"question.{study.question_id}.note.{place}")

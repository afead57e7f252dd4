"""What the answers to expected questions look at: every estimated question of a run, with its ledger; many are grouped, none left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.report.wording import numbered_evidence

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

FEW = 5  # questions up to which every finding stands in full
DETAILED = 3  # findings in full where there are more; all others stand beside them by number


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All questions that were estimated, with their numbers."""

    results: Results
    ledger: Ledger
    items: tuple[tuple[int, Evidence], ...]
    studies: tuple[tuple[int, EffectStudy], ...]

    def text(self, name: str) -> str:
        """What the ledger prints under that name."""
        return self.ledger.text(name)


def make_case(results: Results, ledger: Ledger) -> Case:
    """Primary questions first, bad news before good news."""
    items = tuple((number, item) for number, item in numbered_evidence(results) if item.headline is not None)
    studies = tuple((number, results.studies[item.question_id]) for number, item in items if item.question_id in results.studies)
    return Case(results=results, ledger=ledger, items=items, studies=studies)


def note_names(case: Case, beginning: str, *, claimed_only: bool) -> Iterator[tuple[int, str]]:
    """Notes of the studies that begin so; with ``claimed_only`` of questions whose effect may be claimed, since such notes name estimates."""
    claimed = {item.question_id for _, item in case.items if item.may_claim}
    for number, study in case.studies:
        for place, note in enumerate(study.notes):
            if note.startswith(beginning) and (not claimed_only or study.question_id in claimed):
                yield number, case.text(f"question.{study.question_id}.note.{place}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What one question says to an objection: under which heading (``受講前の動き：問題なし``), in which words, and whether it is bad news."""

    number: int
    heading: str
    text: str
    bad: bool = False


def grouped(grounds: Sequence[Ground]) -> tuple[str, ...]:
    """The grounds of every question: each in full where they are few, else by heading with the questions' numbers, and the worst few in full.

    Bad news comes first, so that a group never hides it.
    """
    ordered = sorted(grounds, key=lambda one: not one.bad)
    if len({one.number for one in ordered}) <= FEW:
        return tuple(_told(one) for one in ordered)
    groups: dict[str, list[int]] = {}
    for one in ordered:
        groups.setdefault(one.heading, []).append(one.number)
    heads = tuple(f"{heading}（{spans(numbers)}）" for heading, numbers in groups.items() if heading)
    details = tuple(_told(one) for one in ordered[:DETAILED])
    rest = [one.number for one in ordered[DETAILED:]]
    return (*heads, *details, f"ほかの問い（{spans(rest)}）は「問いごとの検証」に記載")


def _told(one: Ground) -> str:
    return f"問{one.number}　{one.heading}。{one.text}" if one.heading else f"問{one.number}　{one.text}"


def spans(numbers: Iterable[int]) -> str:
    """``問1～問3・問5``: the numbers of questions, runs of three or more drawn together."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [f"問{run[0]}～問{run[-1]}" if len(run) > 2 else "・".join(f"問{number}" for number in run) for run in runs]
    return "・".join(words)

"""What of the policy's parts readers outside the office get, by one rule: a part goes out if none of its cells counts persons, or each is hidden on both sides.

``vision`` holds means and shares of the whole city (its own rule: no mean over fewer than ten persons), ``stage_b`` measures, hours and indicators, ``review``
the versions of the policy. The others stay inside: skills, reach, levels and the cycle count persons who reached, completed or answered, and the rest of a
group is told by subtraction; targeting and the roll-out name departments before anything is decided; specialists tell the price of one seat among few; the
results of other cities were given to this one and not to the public.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kdx_eval.policy.stage_b import StageB
    from kdx_eval.policy.vision import Vision


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What the documents for outside do not tell: ids of questions, the sentence in their place, and whether the hours in all are hidden too."""

    questions: frozenset[str]
    sentence: str
    totals: bool


def outside_parts(policy: Mapping[str, object], silence: Silence) -> dict[str, object]:
    """The parts for outside, by name; a new part stays inside until it is named here."""
    return {name: _OUTSIDE[name](part, silence) for name, part in policy.items() if name in _OUTSIDE}


def _whole(part: Any, _silence: Silence) -> Any:
    return part


def _stage_b(found: StageB, silence: Silence) -> StageB:
    outcomes = tuple(
        replace(one, questions=tuple(replace(asked, verdict="公表しない", sentence=silence.sentence) if asked.question_id in silence.questions else asked
                                     for asked in one.questions))
        for one in found.outcomes
    )  # fmt: skip
    return replace(found, outcomes=outcomes, created_hours=None if silence.totals else found.created_hours, notes=_told(found.notes))


def _vision(found: Vision, _silence: Silence) -> Vision:
    return replace(found, notes=_told(found.notes))


def _told(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Without what asks the office to write something down."""
    return tuple(note for note in notes if not note.endswith("ください。"))


_OUTSIDE: Mapping[str, Callable[[Any, Silence], object]] = {"review": _whole, "stage_b": _stage_b, "vision": _vision}

"""The lottery that orders departments into waves: stratified, and reproducible by anybody from the recorded word alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdx_eval.errors import ParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One department in the lottery: its stratum, its number (SHA-256 of word and unit, hexadecimal) and the wave it drew (1 is first)."""

    unit: str
    stratum: str
    number: str
    wave: int


def draw_order(strata: Mapping[str, str], *, waves: int, word: str) -> tuple[Ticket, ...]:
    """Departments into ``waves`` of equal size, each stratum spread evenly.

    Within a stratum the departments are put in the order of SHA-256(word, department), and dealt out to the waves in turn, the next stratum going on
    where the last one stopped: neither the waves nor a stratum's departments in the waves differ by more than one. No random generator of a library is
    used, so that the same word gives the same order on any machine and in any year.

    Parameters
    ----------
    strata : mapping of unit to stratum
    word : str
        Fixed before the draw and best not chosen by the city itself (a published number of that day).

    Raises
    ------
    ParameterError
        No word, or fewer departments than waves.
    """
    if not word.strip():
        raise ParameterError("抽選の種（言葉）が空です", place="seed", hint="その日に公表される数字など、あとから選べないものを書いてください")
    if waves < 2 or len(strata) < waves:
        raise ParameterError("回の数は2以上、課の数以下です", place="waves", hint=f"対象の課は{len(strata)}です")
    numbers = {unit: _number(word, unit) for unit in strata}
    # Which stratum begins is drawn too: else the first stratum's departments would have the better chance of the larger waves.
    order = sorted(strata, key=lambda unit: (_number(word, strata[unit]), strata[unit], numbers[unit]))
    first = int(_number(word, ""), 16) % waves
    return tuple(
        Ticket(unit=unit, stratum=strata[unit], number=numbers[unit], wave=(first + place) % waves + 1) for place, unit in enumerate(order)
    )


def wave_counts(tickets: Sequence[Ticket], *, waves: int) -> dict[str, tuple[int, ...]]:
    """How many departments of each stratum each wave has."""
    return {
        stratum: tuple(sum(one.wave == wave and one.stratum == stratum for one in tickets) for wave in range(1, waves + 1))
        for stratum in sorted({one.stratum for one in tickets})
    }


def _number(word: str, unit: str) -> str:
    return hashlib.sha256(f"{word}\n{unit}".encode()).hexdigest()

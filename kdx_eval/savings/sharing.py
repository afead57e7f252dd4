"""The training's hours after hours that other projects claim too were divided: line by line, unit by unit, and in the total."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from kdx_eval.savings.bases import SavingsBasis, weakest
from kdx_eval.savings.details import TRAINING, Register
from kdx_eval.savings.register import TrainingHours, build_register
from kdx_eval.savings.types import Hours, SavingsLine
from kdx_eval.savings.units import QuestionUnits, UnitHours
from kdx_eval.units import FiscalYear

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherClaims:
    """What else claims hours of the year: `build_register`'s tables."""

    projects: pd.DataFrame | None
    year: FiscalYear
    baseline: pd.DataFrame | None
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Lines, their total and their units after the division, and the register that divided them."""

    lines: tuple[SavingsLine, ...]
    created: Hours | None
    units: tuple[QuestionUnits, ...]
    register: Register


def share_out(lines: Sequence[SavingsLine], gross: Hours | None, *, units: Sequence[QuestionUnits], may_claim: bool, others: OtherClaims) -> Shared:
    """Divide the hours of the training among all who claim them, by the rule of the register.

    A question claims in each of its departments what it saved there, in all never more than its total: departments where hours rose
    are set off against those where they fell. What the register leaves of a department's claims is left of every question there. The ends of the
    intervals are divided by the same rule, each as if it were the estimate; an end below zero claims nothing and stays.

    Parameters
    ----------
    gross : Hours or None
        The total before the division.
    may_claim : bool
        Whether the total may be claimed; if not, the training claims nothing and nothing is divided.
    """
    if gross is None or not may_claim:
        return Shared(lines=tuple(lines), created=gross, units=tuple(units), register=_divide(TrainingHours(), others)[0])
    claims = {one.question_id: _claims(one, total=_hours_of(lines, one.question_id)) for one in units}
    counted = {line.question_id for line in lines if line.in_total}
    training = _training(gross.hours, {key: claim for key, claim in claims.items() if key in counted}, lines=lines)
    register, kept = _divide(training, others)
    if all(share == 1.0 for share in kept.values()):
        return Shared(lines=tuple(lines), created=gross, units=tuple(units), register=register)
    low, high = (_divide(_scaled(training, end / gross.hours), others)[1] if end > 0 else {} for end in (gross.conf_low, gross.conf_high))
    shared = tuple(_share_line(line, claims.get(line.question_id, {}), kept=(low, kept, high)) for line in lines)
    counted_claims = [claims[line.question_id] for line in lines if line.question_id in counted and line.question_id in claims]
    return Shared(
        lines=shared,
        created=_share_total(gross, shared, claims=counted_claims, kept=(low, kept, high)),
        units=tuple(_share_units(one, claims[one.question_id], kept=kept) for one in units),
        register=register,
    )


def _hours_of(lines: Sequence[SavingsLine], question_id: str) -> float:
    return next((line.saved.hours for line in lines if line.question_id == question_id and line.saved is not None), 0.0)


def _claims(one: QuestionUnits, *, total: float) -> dict[_Key, float]:
    """What a question claims by department, and by process within it; nothing where it saved nothing in all."""
    saved = {unit.department_id: max(unit.shrunken, 0.0) for unit in one.departments}
    told = math.fsum(saved.values())
    if total <= 0 or told <= 0:
        return {}
    scale = min(1.0, total / told)
    found: dict[_Key, float] = {(department, ""): hours * scale for department, hours in saved.items() if hours > 0}
    inside: dict[str, float] = {}
    for unit in one.processes:
        inside[unit.department_id] = inside.get(unit.department_id, 0.0) + max(unit.shrunken, 0.0)
    for unit in one.processes:
        whole = found.get((unit.department_id, ""), 0.0)
        if whole > 0 and unit.shrunken > 0:
            found[unit.department_id, unit.process_id] = whole * unit.shrunken / inside[unit.department_id]
    return found


def _training(total: float, claims: Mapping[str, Mapping[_Key, float]], *, lines: Sequence[SavingsLine]) -> TrainingHours:
    by_key: dict[_Key, float] = {}
    whole: set[str] = set()
    for claim in claims.values():
        split = {department for department, process in claim if process}
        whole |= {department for department, _ in claim} - split
        for key, hours in claim.items():
            by_key[key] = by_key.get(key, 0.0) + hours
    bases: frozenset[SavingsBasis] = frozenset(line.basis for line in lines if line.in_total)
    return TrainingHours(
        total=total, basis=weakest(bases) or "task_measured", by_key=by_key, whole=frozenset(whole),
        unplaced=any(line.in_total and line.saved is not None and not claims.get(line.question_id) and line.saved.hours > 0 for line in lines),
    )  # fmt: skip


def _scaled(training: TrainingHours, factor: float) -> TrainingHours:
    return replace(training, total=training.total * factor, by_key={key: hours * factor for key, hours in training.by_key.items()})


def _divide(training: TrainingHours, others: OtherClaims) -> tuple[Register, dict[_Key, float]]:
    """The register, and the share of its claim that the training keeps, by department and, where the register knows processes, by process."""
    register = build_register(others.projects, training, year=others.year, baseline=others.baseline, names=others.names)
    rows = [row for row in register.rows if row.kind == TRAINING and not row.row_id and row.department_id and row.hours > 0]
    found = {(row.department_id, row.process_id): row.allocated_hours / row.hours for row in rows if row.process_id}
    for department in sorted({row.department_id for row in rows}):
        lost = math.fsum(row.hours - row.allocated_hours for row in rows if row.department_id == department)
        found[department, ""] = 1.0 - lost / training.by_key[department, ""]
    return register, found


def _lost(claim: Mapping[_Key, float], kept: Mapping[_Key, float]) -> float:
    return math.fsum(hours * (1.0 - kept.get(key, 1.0)) for key, hours in claim.items() if not key[1])


_Ends = tuple[Mapping[_Key, float], Mapping[_Key, float], Mapping[_Key, float]]


def _share_line(line: SavingsLine, claim: Mapping[_Key, float], *, kept: _Ends) -> SavingsLine:
    if line.saved is None or not claim or line.saved.hours <= 0:
        return line
    low, middle, high = (1.0 - _lost(claim, one) / line.saved.hours for one in kept)
    return replace(
        line,
        saved=_times(line.saved, (low, middle, high)),
        share_of_baseline=None if line.share_of_baseline is None else line.share_of_baseline * middle,
        annualised=None if line.annualised is None else _times(line.annualised, (low, middle, high)),
    )


def _times(hours: Hours, shares: tuple[float, float, float]) -> Hours:
    low, middle, high = shares
    return Hours(
        hours=hours.hours * middle,
        std_error=hours.std_error * middle,
        conf_low=hours.conf_low * low if hours.conf_low > 0 else hours.conf_low,
        conf_high=hours.conf_high * high,
    )


def _share_total(gross: Hours, lines: Sequence[SavingsLine], *, claims: Sequence[Mapping[_Key, float]], kept: _Ends) -> Hours:
    """The total: of the estimate the sum of the lines, of each end the share that is kept there."""
    low, middle, high = (1.0 - math.fsum(_lost(claim, one) for claim in claims) / gross.hours for one in kept)
    shared = _times(gross, (low, middle, high))
    return replace(shared, hours=math.fsum(line.saved.hours for line in lines if line.in_total and line.saved is not None))


def _share_units(one: QuestionUnits, claim: Mapping[_Key, float], *, kept: Mapping[_Key, float]) -> QuestionUnits:
    """The units less what fell to others, so that they still add up to the line."""
    if not _lost(claim, kept):
        return one
    departments = {key[0]: hours * (1.0 - kept.get(key, 1.0)) for key, hours in claim.items() if not key[1]}
    return replace(
        one,
        departments=tuple(_less(unit, departments.get(unit.department_id, 0.0)) for unit in one.departments),
        processes=tuple(_less(unit, _lost_in_process(unit, claim, kept=kept, whole=departments)) for unit in one.processes),
        note="ほかの取組も主張する時間を除いた後の時間です。",
    )


def _lost_in_process(unit: UnitHours, claim: Mapping[_Key, float], *, kept: Mapping[_Key, float], whole: Mapping[str, float]) -> float:
    """The process's part of what its department lost: by what the register took from each process, else by the claims."""
    inside = {key: hours for key, hours in claim.items() if key[1] and key[0] == unit.department_id}
    taken = {key: hours * (1.0 - kept.get(key, 1.0)) for key, hours in inside.items()}
    by = taken if math.fsum(taken.values()) > 0 else inside
    total = math.fsum(by.values())
    return whole.get(unit.department_id, 0.0) * by.get((unit.department_id, unit.process_id), 0.0) / total if total > 0 else 0.0


def _less(unit: UnitHours, lost: float) -> UnitHours:
    if not lost:
        return unit
    fields = ("hours", "conf_low", "conf_high", "shrunken", "shrunken_low", "shrunken_high")
    return replace(unit, **{name: getattr(unit, name) - lost for name in fields})

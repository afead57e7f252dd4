"""Adds to the totals what stands behind them: departments, persons, persistence, the bridge by department, the register, the books."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kdx_eval.effect.entries import evaluated_target
from kdx_eval.effect.heterogeneity import persistence
from kdx_eval.effect.study import EffectStudy
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.plan import Plan
from kdx_eval.savings.details import BridgeRow, PerPerson, YearSince
from kdx_eval.savings.facts import SavingsFacts
from kdx_eval.savings.reconcile import reconcile
from kdx_eval.savings.retention import measure_retention
from kdx_eval.savings.types import Savings, SavingsLine
from kdx_eval.savings.units import QuestionUnits, UnitHours, split_hours

PUBLIC = "公表用のため、課ごとの時間は示しません。"
NOT_SPLIT = "（課に分けられない分）"
FROM_HEADCOUNT, FROM_POSTINGS = "人員の表の実員（評価年度の平均）", "所属の記録から数えた職員"


def add_details(savings: Savings, studies: Mapping[str, EffectStudy], *, plan: Plan, facts: SavingsFacts) -> Savings:
    """The savings, whose register and units are known, with everything else that the records allow to say of them."""
    register = savings.register
    assert register is not None
    counted = [one for one in savings.units if any(line.in_total and line.question_id == one.question_id for line in savings.lines)]
    bridge = replace(savings.bridge, departments=_bridge(savings, counted, facts=facts, year=plan.evaluated_fiscal_year.year))
    redeployed = savings.bridge.redeployed_hours if savings.bridge.recorded else None
    panels = {} if facts.panels is None else facts.panels.panels
    total = [studies[line.question_id] for line in savings.lines if line.in_total]
    retention, note = measure_retention(total, panels, plan=plan, correlation=savings.correlation)
    found = replace(
        savings,
        bridge=bridge,
        per_person=tuple(one for line in savings.lines if (one := _per_person(line, studies[line.question_id], units=savings.units, facts=facts)) is not None),
        persistence=tuple(row for line in savings.lines for row in _persistence(line, studies[line.question_id], plan=plan, facts=facts)),
        retention=retention,
        retention_note=note,
        reconciliation=reconcile(facts.years, register, projects=facts.projects, redeployed=redeployed, hours_per_person=savings.hours_per_person),
    )
    return found if plan.audience == "internal" else public_savings(found)


def public_savings(savings: Savings) -> Savings:
    """The same totals without what is known of single departments, some of which are fewer than ten persons."""
    units = tuple(replace(one, departments=(), processes=(), note=PUBLIC) for one in savings.units)
    register = savings.register
    if register is not None:
        rows, forecasts = (tuple(row.nowhere() for row in part) for part in (register.rows, register.forecasts))
        register = replace(register, rows=rows, forecasts=forecasts, overlaps=tuple(one.nowhere() for one in register.overlaps))
    return replace(savings, units=units, bridge=replace(savings.bridge, departments=()), register=register)


def units_of(line: SavingsLine, study: EffectStudy, *, plan: Plan, facts: SavingsFacts) -> QuestionUnits:
    """A line's hours by department and process, as measured."""
    panel = None if facts.panels is None else facts.panels.panels.get(line.question_id)
    if panel is None:
        return QuestionUnits(question_id=line.question_id, departments=(), processes=(), note="課ごとの記録を渡していないため、課ごとの時間は示しません。")
    question = plan.question(line.question_id)
    processes = None if facts.processes is None else facts.processes.get(line.question_id)
    return split_hours(study, panel, question=question, plan=plan, processes=processes)


def _bridge(savings: Savings, counted: Sequence[QuestionUnits], *, facts: SavingsFacts, year: int) -> tuple[BridgeRow, ...]:
    created: dict[str, float] = {}
    names = dict(facts.names or {})
    for one in counted:
        for unit in one.departments:
            created[unit.department_id] = created.get(unit.department_id, 0.0) + unit.shrunken
            names.setdefault(unit.department_id, unit.name)
    used: dict[str, list[tuple[str, float]]] = {}
    if facts.redeployment is not None:
        for row in facts.redeployment.to_dict("records"):
            if int(row["fiscal_year"]) == year:
                target = row.get("destination")
                used.setdefault(str(row["department_id"]), []).append((target if isinstance(target, str) else "（再配分先の記入なし）", float(row["hours"])))
    if not created and not used:
        return ()
    rows = []
    for department in sorted({*created, *used}):
        spent = used.get(department, [])
        made, redeployed = created.get(department, 0.0), math.fsum(hours for _, hours in spent)
        rows.append(_bridge_row(department, names.get(department, department), made=made, spent=tuple(sorted(spent)), redeployed=redeployed))
    rest = savings.bridge.created_hours - math.fsum(row.created_hours for row in rows)
    return (*rows, _bridge_row("", NOT_SPLIT, made=rest, spent=(), redeployed=0.0)) if abs(rest) >= 0.5 else tuple(rows)


def _bridge_row(department: str, name: str, *, made: float, spent: tuple[tuple[str, float], ...], redeployed: float) -> BridgeRow:
    return BridgeRow(
        department_id=department, name=name, created_hours=made, redeployed_hours=redeployed, unexplained_hours=made - redeployed, destinations=spent
    )  # fmt: skip


def _per_person(line: SavingsLine, study: EffectStudy, *, units: Sequence[QuestionUnits], facts: SavingsFacts) -> PerPerson | None:
    """Hours per person at work in the trained departments."""
    if line.saved is None:
        return None
    departments: tuple[UnitHours, ...] = next((one.departments for one in units if one.question_id == line.question_id), ())
    staff = facts.staff or {}
    if departments and all(unit.department_id in staff for unit in departments):
        persons, source = math.fsum(staff[unit.department_id] for unit in departments), FROM_HEADCOUNT
    else:
        persons, source = float(study.persons_treated), FROM_POSTINGS
    if persons <= 0:
        return None
    return PerPerson(
        question_id=line.question_id, hours=line.saved.hours, persons=persons, per_person=line.saved.hours / persons,
        conf_low=line.saved.conf_low / persons, conf_high=line.saved.conf_high / persons, source=source,
    )  # fmt: skip


def _persistence(line: SavingsLine, study: EffectStudy, *, plan: Plan, facts: SavingsFacts) -> list[YearSince]:
    panel = None if facts.panels is None else facts.panels.panels.get(line.question_id)
    if panel is None or study.hours_per_unit is None:
        return []
    plain = panel.without_gaps().by_cluster()
    try:
        frame = persistence(plain, evaluated_target(plain, plan.question(line.question_id), plan=plan))
    except NotIdentifiedError:
        return []
    factor = study.hours_per_unit * (-1.0 if study.better == "lower" else 1.0)
    found = []
    for row in frame.to_dict("records"):
        low, high = sorted((factor * row["conf_low"], factor * row["conf_high"]))
        found.append(
            YearSince(question_id=line.question_id, year=int(row["year"]) + 1, hours=factor * row["estimate"], conf_low=low, conf_high=high,
                      n_units=int(row["n_units"]), exposure=None if math.isnan(row["exposure"]) else float(row["exposure"]))
        )  # fmt: skip
    return found

"""A question's hours by department and by process: parts that sum to its total, with intervals and drawn to the common share where little is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kdx_eval.effect import moments
from kdx_eval.effect.entries import evaluated_target
from kdx_eval.effect.heterogeneity import shrink
from kdx_eval.effect.inference import t_quantile
from kdx_eval.effect.study import EffectStudy
from kdx_eval.effect.unit_weights import CountedCohort, counted_cohorts
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.plan import Plan, Question

FEWEST_UNTRAINED = 5  # units never trained from whose own movement an interval is taken
_SAME = 1e-6  # relative difference of two sums in another order


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitHours:
    """The hours of one department or process in the evaluated year; positive means saved.

    Attributes
    ----------
    process_id : str
        Empty for a department.
    hours, conf_low, conf_high : float
        The unit's own change less its share of the comparison's, with a 95 % interval; they sum to the question's total.
    shrunken, shrunken_low, shrunken_high : float
        The same drawn to the common share of working hours the more, the less is known of the unit; they sum to the total too.
    baseline_hours : float
        Hours of the same months before training: the denominator.
    months : int
        Treated months behind the figure.
    """

    department_id: str
    process_id: str
    name: str
    hours: float
    conf_low: float
    conf_high: float
    shrunken: float
    shrunken_low: float
    shrunken_high: float
    baseline_hours: float
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionUnits:
    """One question's hours by department, by process where the records tell processes apart, and why a part is missing (Japanese)."""

    question_id: str
    departments: tuple[UnitHours, ...]
    processes: tuple[UnitHours, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cohort:
    """What one cohort's units are held against: hours a month that a trained unit of mean size would have changed, and that size."""

    counted: CountedCohort
    expected: float
    mean_baseline: float
    spread: float
    df: float


def split_hours(study: EffectStudy, panel: Panel, *, question: Question, plan: Plan, processes: Panel | None = None) -> QuestionUnits:
    """Divide the total of a question among its departments, and their processes.

    A unit's hours are its own change from the matched months before training less the comparison's change, the latter in proportion to the unit's
    hours before training. So the parts sum to the question's total whatever the sizes. The interval is taken from how much the same change,
    relative to hours, differs among units never trained; the shrinkage is `effect.heterogeneity.shrink` (Morris 1983) of the relative changes, and
    what it moves is given back in proportion to hours before training (difference benchmarking: Pfeffermann 2013, section 6.3).

    Parameters
    ----------
    processes : Panel, optional
        The same outcome by process (units ``department/process``), where ``panel`` has departments.

    Returns
    -------
    QuestionUnits
        Empty with a note where the design gives no figure by unit.
    """
    if study.hours_per_unit is None:
        return QuestionUnits(question_id=study.question_id, departments=(), processes=(), note="時間への換算がないため、課ごとの時間はありません。")
    hours = study.hours_per_unit * (-1.0 if study.better == "lower" else 1.0)
    plain = panel.without_gaps()
    try:
        m, target = moments(plain), evaluated_target(plain, question, plan=plan)
        cohorts = [_cohort(plain, one) for one in counted_cohorts(plain, m, target=target)]
    except NotIdentifiedError as error:
        return QuestionUnits(question_id=study.question_id, departments=(), processes=(), note=f"課ごとに分けた時間は示しません（{error.reason}）。")
    found = [_units(plain, cohort, members=cohort.counted.members, hours=hours) for cohort in cohorts]
    own = [unit for part in found for unit in part]
    total = study.total * hours
    if not own or not math.isclose(math.fsum(unit.hours for unit in own), total, rel_tol=_SAME, abs_tol=_SAME * max(1.0, abs(total))):
        return QuestionUnits(question_id=study.question_id, departments=(), processes=(), note="この比べ方では、全体の時間を課ごとに分けられません。")
    if question.unit == "staff":
        return QuestionUnits(question_id=study.question_id, departments=(), processes=(), note="人を単位にした問いのため、課ごとの時間は示しません。")
    if question.unit == "process":
        return QuestionUnits(question_id=study.question_id, departments=_summed(_settled(own, total), plain.names), processes=_settled(own, total))
    departments = _settled(own, total)
    inner = [] if processes is None else _inner(processes.without_gaps(), plain, cohorts=cohorts, hours=hours)
    return QuestionUnits(question_id=study.question_id, departments=departments, processes=_settled_within(inner, departments))


def _cohort(panel: Panel, counted: CountedCohort) -> _Cohort:
    expected = -float((counted.comparison * panel.outcome).sum())
    before = np.maximum(-counted.own, 0.0)
    mean = float((panel.outcome[counted.members] @ before).mean())
    spread, df = _spread(panel, counted)
    return _Cohort(counted=counted, expected=expected, mean_baseline=mean, spread=spread, df=df)


def _spread(panel: Panel, counted: CountedCohort) -> tuple[float, float]:
    """Standard deviation of the relative change among units never trained, of the cohort's own units where those are too few; degrees of freedom."""
    never = np.isinf(panel.cohort)
    among = never if never.sum() >= FEWEST_UNTRAINED else counted.members
    before = panel.outcome[among] @ np.maximum(-counted.own, 0.0)
    known = before > 0
    change = (panel.outcome[among] @ counted.own)[known] / before[known]
    if len(change) < 2:
        return math.nan, 0.0
    # The comparison's mean is itself estimated from so many units.
    return float(change.std(ddof=1)) * math.sqrt(1 + 1 / len(change)), float(len(change) - 1)


def _units(panel: Panel, cohort: _Cohort, *, members: npt.NDArray[np.bool_], hours: float) -> list[UnitHours]:
    """The units of one cohort before shrinkage."""
    own, months = cohort.counted.own, cohort.counted.n_periods
    outcome = panel.outcome[members]
    before = outcome @ np.maximum(-own, 0.0)
    share = before / cohort.mean_baseline if cohort.mean_baseline > 0 and (before >= 0).all() else np.ones(len(before))
    saved = hours * months * (outcome @ own - cohort.expected * share)
    base = abs(hours) * months * before
    half = (t_quantile(0.975, cohort.df) if cohort.df > 0 else math.nan) * cohort.spread * base
    found = []
    for place, label in enumerate(panel.units[members]):
        department, _, process = str(label).partition("/")
        found.append(
            _unit(department, process, name=panel.names.get(str(label), str(label)), hours=float(saved[place]), half=float(half[place]),
                  size=(float(base[place]), months))
        )  # fmt: skip
    return found


def _unit(department: str, process: str, *, name: str, hours: float, half: float, size: tuple[float, int]) -> UnitHours:
    low, high = hours - half, hours + half
    return UnitHours(
        department_id=department, process_id=process, name=name, hours=hours, conf_low=low, conf_high=high,
        shrunken=hours, shrunken_low=low, shrunken_high=high, baseline_hours=size[0], months=size[1],
    )  # fmt: skip


def _inner(processes: Panel, panel: Panel, *, cohorts: Sequence[_Cohort], hours: float) -> list[UnitHours]:
    """The processes of the trained departments, held against the departments' own comparison."""
    home = np.array([str(unit).partition("/")[0] for unit in processes.units], dtype=object)
    # Periods that one panel lacks cannot be weighed alike.
    if not np.array_equal(processes.periods, panel.periods):
        return []
    found = []
    for cohort in cohorts:
        members = np.isin(home, panel.units[cohort.counted.members])
        spread, df = _spread(processes, replace(cohort.counted, members=members))
        found += _units(processes, replace(cohort, spread=spread, df=df), members=members, hours=hours)
    return found


def _settled(units: Sequence[UnitHours], total: float) -> tuple[UnitHours, ...]:
    """The units with their shrunken hours, in the order of department and process; both columns sum to ``total``."""
    base = np.array([unit.baseline_hours for unit in units])
    hours = np.array([unit.hours for unit in units])
    half = np.array([unit.conf_high - unit.hours for unit in units])
    known = (base > 0) & np.isfinite(half) & (half > 0)
    centre, low, high = (np.array([getattr(unit, name) for unit in units]) for name in ("hours", "conf_low", "conf_high"))
    if known.sum() > 1:
        frame, _, _ = shrink(hours[known] / base[known], half[known] / t_quantile(0.975, float("inf")) / base[known])
        for column, name in ((centre, "shrunken"), (low, "shrunken_low"), (high, "shrunken_high")):
            column[known] = frame[name].to_numpy() * base[known]
    weight: FloatArray = base.clip(0.0)
    rest = (total - centre.sum()) * (weight / weight.sum() if weight.sum() > 0 else np.full(len(units), 1 / max(len(units), 1)))
    columns = zip(units, centre + rest, low + rest, high + rest, strict=True)
    settled = (replace(unit, shrunken=float(c), shrunken_low=float(a), shrunken_high=float(b)) for unit, c, a, b in columns)
    return tuple(sorted(settled, key=lambda unit: (unit.department_id, unit.process_id)))


def _settled_within(processes: Sequence[UnitHours], departments: Sequence[UnitHours]) -> tuple[UnitHours, ...]:
    """The processes with shrunken hours that sum to their department's; nothing where some department's processes do not make up the whole."""
    if not processes:
        return ()
    inside: dict[str, list[UnitHours]] = {}
    for unit in _settled(processes, math.fsum(unit.hours for unit in processes)):
        inside.setdefault(unit.department_id, []).append(unit)
    found: list[UnitHours] = []
    for department in departments:
        members = inside.get(department.department_id, [])
        told = math.fsum(unit.hours for unit in members)
        if not members or not math.isclose(told, department.hours, rel_tol=_SAME, abs_tol=_SAME * max(1.0, department.baseline_hours)):
            return ()
        shift = department.shrunken - math.fsum(unit.shrunken for unit in members)
        base = math.fsum(max(unit.baseline_hours, 0.0) for unit in members)
        for unit in members:
            by = shift * (max(unit.baseline_hours, 0.0) / base if base > 0 else 1 / len(members))
            found.append(replace(unit, shrunken=unit.shrunken + by, shrunken_low=unit.shrunken_low + by, shrunken_high=unit.shrunken_high + by))
    return tuple(found)


def _summed(processes: Sequence[UnitHours], names: Mapping[str, str]) -> tuple[UnitHours, ...]:
    """Departments as sums of their processes; intervals as if all processes of one department erred together, which is the widest."""
    groups: dict[str, list[UnitHours]] = {}
    for unit in processes:
        groups.setdefault(unit.department_id, []).append(unit)
    found = []
    for department, members in sorted(groups.items()):
        sums = {
            name: math.fsum(getattr(unit, name) for unit in members)
            for name in ("hours", "conf_low", "conf_high", "shrunken", "shrunken_low", "shrunken_high", "baseline_hours")
        }
        name = names.get(f"{department}/{members[0].process_id}", department).partition("／")[0]
        found.append(UnitHours(department_id=department, process_id="", name=name, months=max(unit.months for unit in members), **sums))
    return tuple(found)

"""From effects per unit and month to staff hours of the year, every primary question counted, good or bad."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.study import EffectStudy
from kdx_eval.errors import RuleError
from kdx_eval.evidence import Evidence, course_hours, course_keys
from kdx_eval.plan import Plan, Question
from kdx_eval.savings.assemble import add_details, units_of
from kdx_eval.savings.bases import BASIS_WORDS, HEADLINE_BASES, MONTHS_A_YEAR, SavingsBasis
from kdx_eval.savings.cash import claimed_overtime, count_cash
from kdx_eval.savings.details import BenefitClass
from kdx_eval.savings.facts import SavingsFacts, check_claims
from kdx_eval.savings.sharing import OtherClaims, Shared, share_out
from kdx_eval.savings.types import Bridge, Hours, Savings, SavingsLine
from kdx_eval.savings.units import QuestionUnits
from kdx_eval.schema import parameter
from kdx_eval.units import format_hours, format_number

OVERTIME_MEASURES = frozenset({"overtime_hours", "paid_overtime_yen"})
WHOLE, ATTENDED, OVERTIME = range(3)  # work done; hours on the time sheet, which hold it; overtime, which is part of both
OVERTIME_CLASS: BenefitClass = "時間外勤務手当の縮減"


def count_savings(evidence: Mapping[str, Evidence], studies: Mapping[str, EffectStudy], *, plan: Plan, facts: SavingsFacts | None = None) -> Savings:
    """Staff hours of the evaluated year (DESIGN 8, METHODS 4).

    Every primary question whose outcome converts to hours enters the total with its sign, whatever its verdict: a total of the
    significant ones alone would be too large. Overtime and the hours on the time sheet hold the same hours as the work done,
    so such a question is shown as うち where a question of the total covers the same course. Hours that RPA, BPR and other projects claim
    too are divided among all of them (`build_register`); what is left to the training stands in every figure, what was measured beside it as
    ``gross``. Attendance is netted, each course once.

    Returns
    -------
    Savings
        Hours; the total's interval comes from the joint covariance of the questions' influence on shared units.

    Raises
    ------
    RuleError
        Hours claimed for a process exceed the hours there were; two primary questions count the same hours of the same courses; more cash is
        claimed than left the books.
    """
    facts = facts or SavingsFacts()
    if facts.claims is not None and facts.baseline is not None:
        check_claims(facts.claims, facts.baseline)
    estimated = [question for question in plan.questions if question.question_id in studies]
    counted = _questions_of_total(estimated, facts=facts)
    measured = tuple(
        _line(studies[one.question_id], evidence[one.question_id], question=one, in_total=one in counted, facts=facts, plan=plan) for one in estimated
    )
    total = [line for line in measured if line.in_total]
    correlation = _correlation([(studies[one.question_id], one) for one in counted])
    gross = _sum([line.saved for line in total if line.saved], correlation=correlation, studies=[studies[line.question_id] for line in total])
    units = tuple(units_of(line, studies[line.question_id], plan=plan, facts=facts) for line in measured if line.saved is not None)
    shared, may_claim = _shared(measured, gross, units=units, plan=plan, facts=facts)
    lines, created = shared.lines, shared.created
    attendance = _attendance(counted or list(plan.questions), plan=plan, facts=facts)
    net = None if created is None else _shift(created, -attendance)
    baseline = sum(line.baseline_hours or 0.0 for line in total) or None
    year_hours = parameter("hours_per_year")
    per_person = float(year_hours.value)
    years = [line.annualised for line in lines if line.in_total and line.annualised]
    taken = claimed_overtime(shared.register.rows, facts=facts, year=plan.evaluated_fiscal_year.year)
    savings = Savings(
        fiscal_year=plan.evaluated_fiscal_year.year,
        lines=lines,
        created=created,
        attendance_hours=attendance,
        net=net,
        baseline_hours=baseline,
        share_of_baseline=None if created is None or baseline is None else created.hours / baseline,
        person_equivalent=None if net is None else net.hours / per_person,
        hours_per_person=per_person,
        person_basis=f"1人分＝年{format_number(per_person)}時間（{year_hours.source}）",
        may_claim=may_claim,
        bridge=_bridge(0.0 if created is None else created.hours, plan=plan, facts=facts),
        cash=count_cash([line for line in lines if line.benefit_class == OVERTIME_CLASS], evidence, plan=plan, facts=facts, taken_yen=taken),
        correlation=tuple(tuple(float(value) for value in row) for row in correlation),
        notes=_notes(lines, created, gross=gross, attendance=attendance),
        annualised=_sum(years, correlation=correlation, studies=[studies[line.question_id] for line in total]),
        units=shared.units,
        register=shared.register,
        gross=gross,
    )
    return add_details(savings, studies, plan=plan, facts=facts)


def _shared(lines: tuple[SavingsLine, ...], gross: Hours | None, *, units: Sequence[QuestionUnits], plan: Plan, facts: SavingsFacts) -> tuple[Shared, bool]:
    """The lines after hours that others claim too were divided, and whether their total may be claimed then."""
    others = OtherClaims(projects=facts.projects, year=plan.evaluated_fiscal_year, baseline=facts.baseline, names=facts.names or {})
    may_claim = gross is not None and gross.conf_low > 0 and any(line.may_claim for line in lines if line.in_total)
    shared = share_out(lines, gross, units=units, may_claim=may_claim, others=others)
    if may_claim and (shared.created is None or shared.created.conf_low <= 0):
        return share_out(lines, gross, units=units, may_claim=False, others=others), False
    return shared, may_claim


def _is_overtime(question: Question) -> bool:
    return question.outcome.table == "worktime" and question.outcome.measure in OVERTIME_MEASURES


def _measured(question: Question) -> int:
    """Which hours a question looks at; of the same course only the first kind counts."""
    if question.outcome.table != "worktime":
        return WHOLE
    return OVERTIME if _is_overtime(question) else ATTENDED


def _questions_of_total(questions: Sequence[Question], *, facts: SavingsFacts) -> list[Question]:
    """Primary questions whose hours add up without counting any twice, in the plan's order."""
    primary = [one for one in questions if one.role == "primary" and one.outcome.hours_per_unit is not None]
    keys = {one.question_id: course_keys(one.courses, reach=facts.reach) for one in primary}
    inside = {
        one.question_id for one in primary if any(_measured(other) < _measured(one) and keys[one.question_id] & keys[other.question_id] for other in primary)
    }
    counted = [one for one in primary if one.question_id not in inside]
    for rank, one in enumerate(counted):
        for other in counted[:rank]:
            if one.outcome.key == other.outcome.key and keys[one.question_id] & keys[other.question_id]:
                raise RuleError(
                    f"問い {other.question_id} と {one.question_id} は、同じ研修の同じ時間を二重に数えています",
                    place="plan（分析計画）",
                    hint="どちらかを role: secondary にしてください",
                )
    return counted


def _attendance(questions: Sequence[Question], *, plan: Plan, facts: SavingsFacts) -> float:
    keys = frozenset().union(*(course_keys(one.courses, reach=facts.reach) for one in questions))
    return course_hours(facts.reach, courses=keys, year=plan.evaluated_fiscal_year)


def _line(study: EffectStudy, evidence: Evidence, *, question: Question, in_total: bool, facts: SavingsFacts, plan: Plan) -> SavingsLine:
    per_unit = question.outcome.hours_per_unit
    saved = None if per_unit is None else _saved(study, hours=per_unit * study.unit_periods)
    baseline = None if per_unit is None else study.baseline_mean * study.unit_periods * per_unit
    impossible = saved is not None and baseline is not None and saved.hours > baseline > 0
    basis = (facts.bases or {}).get(question.question_id, "task_measured")
    full_year = study.n_treated_units * MONTHS_A_YEAR
    return SavingsLine(
        question_id=study.question_id,
        title=question.title,
        role=question.role,
        verdict=evidence.verdict,
        benefit_class=_benefit_class(question),
        outcome_label=question.outcome.label,
        saved=saved,
        gross=saved,
        baseline_hours=baseline,
        share_of_baseline=saved.hours / baseline if saved is not None and baseline else None,
        attendance_hours=_attendance([question], plan=plan, facts=facts),
        unit_periods=study.unit_periods,
        n_treated_units=study.n_treated_units,
        persons_treated=study.persons_treated,
        in_total=in_total,
        may_claim=evidence.may_claim and saved is not None and not impossible and basis in HEADLINE_BASES,
        note=_line_note(question, in_total=in_total, impossible=impossible, basis=basis),
        annualised=_saved(study, hours=per_unit * full_year) if per_unit is not None and study.monthly else None,
        basis=basis,
    )


def _benefit_class(question: Question) -> BenefitClass:
    if _is_overtime(question):
        return OVERTIME_CLASS
    return "定性的効果" if question.outcome.hours_per_unit is None else "業務時間の創出（予算額は減らない）"


def _line_note(question: Question, *, in_total: bool, impossible: bool, basis: SavingsBasis) -> str:
    if impossible:
        return "推定値がもとの時間を超えており、言うことはできません。"
    if question.outcome.hours_per_unit is None:
        return "時間への換算がないため、金額換算なし。"
    if basis not in HEADLINE_BASES:
        return f"時間の測り方が「{BASIS_WORDS[basis]}」のため、参考として示し、効果の時間としては言えません。"
    if question.role == "primary" and not in_total:
        return "うち数（同じ研修のほかの問いと同じ時間を含むため、合計には足していません）。"
    return "副次の問いのため、合計には入れていません。" if question.role == "secondary" else ""


def _saved(study: EffectStudy, *, hours: float) -> Hours:
    entry = study.headline
    ends = sorted((entry.conf_low * hours, entry.conf_high * hours))
    if study.better == "lower":
        ends = [-ends[1], -ends[0]]
    sign = -1.0 if study.better == "lower" else 1.0
    return Hours(hours=sign * entry.estimate * hours, std_error=entry.std_error * abs(hours), conf_low=ends[0], conf_high=ends[1])


def _correlation(members: Sequence[tuple[EffectStudy, Question]]) -> npt.NDArray[np.float64]:
    """Correlation of the hours saved between questions, from the units they share.

    Units of different kinds (departments against processes) cannot be matched; 1 is then assumed, which gives the widest total.
    """
    size = len(members)
    found = np.eye(size)
    for i in range(size):
        for j in range(i):
            found[i, j] = found[j, i] = _pair_correlation(members[i], members[j])
    return found


def _pair_correlation(one: tuple[EffectStudy, Question], other: tuple[EffectStudy, Question]) -> float:
    (study, question), (study2, question2) = one, other
    if question.unit != question2.unit or study.influence.empty or study2.influence.empty:
        return 1.0
    first = study.influence.set_index("unit")["value"].astype(float)
    second = study2.influence.set_index("unit")["value"].astype(float)
    size = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    if not (math.isfinite(size) and size > 0):
        return 1.0
    shared = first.index.intersection(second.index)
    turned = 1.0 if study.better == study2.better else -1.0
    return max(-1.0, min(1.0, turned * float((first.loc[shared] * second.loc[shared]).sum()) / size))


def _sum(saved: Sequence[Hours], *, correlation: npt.NDArray[np.float64], studies: Sequence[EffectStudy]) -> Hours | None:
    """Sum with the joint standard error, at the fewest degrees of freedom of its parts."""
    if not saved:
        return None
    if len(saved) == 1:
        return saved[0]
    from scipy import stats

    hours = math.fsum(one.hours for one in saved)
    errors = np.array([one.std_error for one in saved])
    std_error = float(np.sqrt(max(errors @ correlation @ errors, 0.0)))
    degrees = min(study.headline.df for study in studies)
    reach = float(stats.t.ppf(0.975, degrees)) * std_error
    return Hours(hours=hours, std_error=std_error, conf_low=hours - reach, conf_high=hours + reach)


def _shift(hours: Hours, by: float) -> Hours:
    return Hours(hours=hours.hours + by, std_error=hours.std_error, conf_low=hours.conf_low + by, conf_high=hours.conf_high + by)


def _bridge(created: float, *, plan: Plan, facts: SavingsFacts) -> Bridge:
    if facts.redeployment is None:
        return Bridge(created_hours=created, redeployed_hours=0.0, unexplained_hours=created, destinations=(), recorded=False)
    rows = facts.redeployment[facts.redeployment["fiscal_year"].astype(int) == plan.evaluated_fiscal_year.year]
    named = rows["destination"].fillna("（再配分先の記入なし）").astype(str)
    sums = rows["hours"].astype(float).groupby(named).sum()
    destinations = sorted(((str(name), float(hours)) for name, hours in sums.items()), key=lambda item: (-item[1], item[0]))
    redeployed = math.fsum(hours for _, hours in destinations)
    return Bridge(
        created_hours=created,
        redeployed_hours=redeployed,
        unexplained_hours=created - redeployed,
        destinations=tuple(destinations),
        recorded=not rows.empty,
    )


def _notes(lines: Sequence[SavingsLine], created: Hours | None, *, gross: Hours | None, attendance: float) -> tuple[str, ...]:
    found = []
    if created is not None and gross is not None and created != gross:
        found.append(
            f"時間はすべて、ほかの取組（RPA・BPR・生成AIなど）も主張する{format_hours(gross.hours - created.hours)}を除いた後のものです"
            f"（除く前は年{format_hours(gross.hours)}、分け方は効果の一覧のとおり）。"
        )
    if created is None:
        found.append("時間に換算できる問いがないため、時間の合計は示しません（金額換算なし）。")
    elif not math.isfinite(created.std_error):
        found.append("幅を計算できない問いがあるため、合計の幅は示しません。")
    if any(line.in_total and line.saved is not None and line.saved.hours < 0 for line in lines):
        found.append("合計には、時間が増えた問いも差し引いて入れています。")
    if any(line.in_total and not line.may_claim for line in lines):
        found.append("合計には、単独では効果があると言えない問いも入れています（言える問いだけを足すと過大になるため）。")
    if attendance == 0:
        found.append("受講時間の記録がないため、受講にかかった時間は差し引いていません。")
    return tuple(found)

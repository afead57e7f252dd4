"""What readers outside the office get: the same ledger under the same ids, without cells that rest on fewer than ten persons.

Hidden are: persons who took part, who completed and who did not, by course and by starting time; what gives them away by subtraction or division (a
further cell, or the total); every figure of a question that rests on so few, and the totals that hold it; rows by file; hours of attendance where the
length of the course would tell the number of persons. Money and the departments' own totals are public and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from kdx_eval.disclosure import MASKED, SMALL_CELL, Audience, mask_small
from kdx_eval.report.claims import build_ledger, results_digest
from kdx_eval.report.claims_background import timing_texts
from kdx_eval.report.ledger import Claim, Ledger
from kdx_eval.report.policy_parts.outside import Silence, outside_parts
from kdx_eval.report.wording import planned
from kdx_eval.savings.assemble import public_savings

if TYPE_CHECKING:
    from kdx_eval.budget import BudgetCase
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.plan import Question
    from kdx_eval.results import Results

PUBLIC_NOTE = f"公表用です。対象が{SMALL_CELL}人に満たない数字と、それが引き算や割り算で分かる数字は「{MASKED}」としています。"
TOO_FEW = f"対象が{SMALL_CELL}人に満たないため、公表しません。"
_FEW = re.compile(r"(?<![\d,.])[1-9][人名](?!当たり|[分・月日年\d])")
_SEATS = re.compile(r"(?<=延べ)[\d,]+(?=人)|(?<=1人1月当たり)[\d,.△]+(?=分)")
_TOTALS = ("savings.", "value.", "scenario.", "bridge.", "switch.", "cash.hours")
_COUNTED = ("question.", "savings.", "even.", "prior.", "cut.", "quality.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hidden:
    """What must not be shown: names of claims, questions as a whole, and whether seats, totals that hold such a question and courses must go too."""

    names: frozenset[str]
    questions: frozenset[str]
    seats: bool
    totals: bool
    courses: bool

    def holds(self, claim: Claim) -> bool:
        """Whether the figure must not be shown."""
        if claim.name.startswith("quality.file."):
            return True
        whole = claim.question_id in self.questions or any(claim.name.startswith(f"question.{key}.") for key in self.questions)
        return claim.name in self.names or whole or (self.totals and claim.name.startswith(_TOTALS))


def for_audience(results: Results, audience: Audience | None = None) -> tuple[Results, Ledger]:
    """Results and ledger as that audience may see them.

    Parameters
    ----------
    results : Results
        Unmasked.
    audience : {"internal", "public"}, optional
        Without it, the one that the plan names.

    Returns
    -------
    (Results, Ledger)
        For ``public`` each id of the ledger stands for the same figure as inside the office; a masked one has no value and the text 秘匿.
    """
    ledger = build_ledger(results)
    if (audience or planned(results).audience) == "internal":
        return results, ledger
    hidden = _hidden(results)
    shown = _public_results(results, hidden)
    digest = results_digest(shown)  # the digest of the unmasked results would let a small number be guessed and confirmed
    rows, outside = _row_texts(shown), build_ledger(shown)
    # What the results for outside do not hold any more is masked, whoever entered it; the rest is as they have it, under the ids of the inside.
    known = (replace(outside.claim(claim.name), id=claim.id) if outside.has(claim.name) else _gone(claim) for claim in ledger)
    masked = (_masked(claim, hidden) for claim in known)
    claims = tuple(replace(claim, digest=digest, text=rows.get(claim.name, claim.text)) for claim in masked)
    return shown, Ledger(claims=claims, digest=digest, note=PUBLIC_NOTE)


def _gone(claim: Claim) -> Claim:
    """A claim without its subject, which may be a department, and without its value."""
    text = "" if claim.unit == "文" else MASKED
    return replace(claim, subject="", value=None, low=None, high=None, text=text, range_text="", formula="", inputs=())


def _row_texts(shown: Results) -> dict[str, str]:
    """The claims that stand for a row of a table, as the public table has it."""
    return {f"question.{key}.timing.{place}": text for key, study in shown.studies.items() for place, text in enumerate(timing_texts(study))}


def _hidden(results: Results) -> _Hidden:
    names, small = _small_courses(results.budget)
    courses = any(name.startswith("reach.") for name in names)
    if courses:
        names |= {"total.enrolled", "total.completed"}  # less the courses that are shown, they would tell of the hidden ones
    asked = {question.question_id: question for question in planned(results).questions}
    questions = frozenset(key for key in results.evidence if _rests_on_few(results.studies.get(key), asked.get(key), results.budget))
    for key, study in results.studies.items():
        staff = key in asked and asked[key].unit == "staff"
        names |= _small_groups(key, study, staff=staff)
    seats = bool(small) and _in_plan(results.budget, asked.values(), small)
    counted = {line.question_id for line in results.savings.lines if line.in_total} if results.savings is not None else set()
    claims = () if results.budget is None else results.budget.prior_claims
    for place, claim in enumerate(claims):
        if claim.claim_id in questions:
            names |= {f"prior.{place}.{field}" for field in ("result", "share", "sentence")}
    if seats:
        names |= {"even.minutes", "even.persons", *(f"question.{key}.attendance" for key in results.evidence)}
        names |= {f"cut.{place}.{field}" for place in range(9) for field in ("seats", "forgone_seats")}
    return _Hidden(names=frozenset(names), questions=questions, seats=seats, totals=bool(questions & counted), courses=courses)


def _in_plan(budget: BudgetCase | None, asked: Iterable[Question], small: set[str]) -> bool:
    """Whether the number of seats, which is shown, holds a small course: it counts the plan's courses, or all where none of them is known."""
    keys = {course for question in asked for course in question.courses}
    reach = () if budget is None else budget.reach
    planned_courses = {item.course_id for item in reach if {item.course_id, item.course_name} & keys}
    return bool(small & planned_courses) or not planned_courses


def _small_courses(budget: BudgetCase | None) -> tuple[set[str], set[str]]:
    """Names of the claims on courses that must be masked, and the courses of which a count is small."""
    reach = () if budget is None else budget.reach
    if not reach:
        return set(), set()
    frame = pd.DataFrame({"enrolled": [item.enrolled for item in reach], "completed": [item.completed for item in reach]})
    frame["left"] = (frame["enrolled"] - frame["completed"]).clip(lower=0)
    took_part = mask_small(frame, "enrolled", totals=None)["masked"]
    # What one completion costs over the courses that have a cost tells how many completed them: a total that is shown.
    paid = [place for place, item in enumerate(reach) if item.cost_yen] or list(frame.index)
    free = frame.index.difference(paid)
    completed, left = (
        pd.concat([mask_small(frame.loc[paid], column)["masked"], mask_small(frame.loc[free], column, totals=None)["masked"]])
        for column in ("completed", "left")
    )
    names: set[str] = set()
    for place in range(len(reach)):
        if took_part[place]:
            names.add(f"reach.{place}.enrolled")
        if took_part[place] or completed[place] or left[place]:
            names |= {f"reach.{place}.{field}" for field in ("completed", "completion_share", "reach_share", "unit_cost")}
    if "total" in {*completed, *left}:
        names.add("reach.unit_cost")
    small = took_part.eq("small") | completed.isin(("small", "total")) | left.isin(("small", "total"))
    return names, {item.course_id for place, item in enumerate(reach) if small[place]}


def _rests_on_few(study: EffectStudy | None, asked: Question | None, budget: BudgetCase | None) -> bool:
    """Whether fewer than ten persons took the courses, stand behind the trained units or behind those that never trained."""
    reach = () if budget is None or asked is None else budget.reach
    persons = [sum(item.enrolled for item in reach if {item.course_id, item.course_name} & set(asked.courses))] if asked is not None else []
    if study is not None:
        treated = study.timing["cohort"].map(lambda cohort: float(cohort) < float("inf"))
        persons += [study.persons_treated, *(int(study.timing.loc[side, "n_persons"].sum()) for side in (treated, ~treated))]
    return any(0 < count < SMALL_CELL for count in persons)


def _small_groups(key: str, study: EffectStudy, *, staff: bool) -> set[str]:
    """Totals that give a small starting group away when the groups beside it are shown."""
    masked = _masked_timing(study, staff=staff)
    if not (masked["masked"] == "total").any():
        return set()
    fields = ("persons", "treated_units", "control_units") if staff else ("persons",)
    return {f"question.{key}.{field}" for field in fields}


def _masked_timing(study: EffectStudy, *, staff: bool) -> pd.DataFrame:
    """The starting times with missing values in place of small groups; a group of staff is counted in persons and in units alike."""
    timing = study.timing.assign(_trained=study.timing["cohort"].map(lambda cohort: float(cohort) < float("inf")))
    masked = mask_small(timing, "n_persons", value_columns=("n_units",) if staff else (), totals=("_trained",))
    if "share_at_start" in masked:
        began = (timing["share_at_start"].astype(float) * timing["n_persons"]).round()
        few = ((began > 0) & (began < SMALL_CELL)) | ((timing["n_persons"] > began) & (timing["n_persons"] - began < SMALL_CELL))
        masked["share_at_start"] = masked["share_at_start"].mask(few | masked["masked"].ne(""))
    return masked.drop(columns="_trained")


def _public_results(results: Results, hidden: _Hidden) -> Results:
    asked = {question.question_id: question for question in planned(results).questions}
    studies: dict[str, EffectStudy] = {}
    for key, study in results.studies.items():
        if key not in hidden.questions:
            timing = _masked_timing(study, staff=key in asked and asked[key].unit == "staff")
            studies[key] = replace(study, timing=timing.drop(columns="masked"), event_study=_supported(study))
    savings = None if hidden.totals else results.savings
    if savings is not None:
        lines = tuple(line for line in savings.lines if line.question_id not in hidden.questions)
        savings = public_savings(replace(savings, lines=lines))
    return replace(
        results,
        plan=replace(planned(results), audience="public"),
        policy=outside_parts(results.policy, Silence(questions=hidden.questions, sentence=TOO_FEW, totals=hidden.totals)),
        studies=studies,
        evidence={key: _silent(item) if key in hidden.questions else item for key, item in results.evidence.items()},
        savings=savings,
        budget=None if results.budget is None else _public_budget(results.budget, hidden),
        quality={key: value for key, value in results.quality.items() if key in ("rows_read", "rows_accepted", "rows_rejected", "policies")},
        reach=None,
    )


def _supported(study: EffectStudy) -> pd.DataFrame:
    """The months since training without those that only starting groups of fewer than ten persons reach."""
    small = study.timing[study.timing["n_persons"].lt(SMALL_CELL)]
    return study.event_study[study.event_study["n_units"] > small["n_units"].sum()] if len(small) else study.event_study


def _silent(item: Evidence) -> Evidence:
    """The question without anything that its result would tell."""
    return replace(
        item,
        verdict="検証対象外",
        maryland=None,
        japan=None,
        basis_plain="比較対象なし",
        smallest=None,
        detectable=None,
        detectable_range=None,
        interval90=None,
        p_holm=None,
        holm95=None,
        headline=None,
        headline_sentence=TOO_FEW,
        sentences=(TOO_FEW,) if item.sentences else (),
        forbidden=(),
        limits=(),
        reasons=(),
        checks=(),
    )


def _public_budget(budget: BudgetCase, hidden: _Hidden) -> BudgetCase:
    changed: dict[str, Any] = {}
    if hidden.courses:
        # Full cost counts attendance by course, and what follows is reckoned from it.
        changed |= {"full_cost": None, "swings": (), "drawn": (), "ladder": ()}
    if hidden.seats:
        changed |= {"outlook": None, "promises": ()}
    if hidden.totals:
        changed |= {"reference_value": None, "scenarios": (), "switching_values": ()}
    if hidden.seats and budget.break_even is not None:
        changed["break_even"] = replace(budget.break_even, persons=None, minutes_per_person_month=None, sentence=_told(budget.break_even.sentence, seats=True))
    if "reach.unit_cost" in hidden.names:
        changed["cost_per_completion_yen"] = None
    if hidden.seats:
        changed["cuts"] = tuple(replace(cut, seats=None, forgone_seats=None, sentence=_told(cut.sentence, seats=True)) for cut in budget.cuts)
    return replace(budget, reach=tuple(_public_reach(budget, hidden)), **changed)


def _public_reach(budget: BudgetCase, hidden: _Hidden) -> Iterable[Any]:
    """The courses; counts that are masked are nought here, so that nothing but the ledger can show them."""
    for place, item in enumerate(budget.reach):
        gone: Mapping[str, Any] = {field: 0 for field in ("enrolled", "completed") if f"reach.{place}.{field}" in hidden.names}
        if gone:
            yield replace(item, **gone, completion_share=None, reach_share=None, cost_per_completion_yen=None, attendance_hours=0.0)
        else:
            yield item


def _masked(claim: Claim, hidden: _Hidden) -> Claim:
    if hidden.holds(claim):
        if claim.unit == "文":
            return replace(claim, text=MASKED if claim.name.startswith("quality.") else TOO_FEW if claim.text else "")
        if not claim.is_figure:
            return claim
        return replace(claim, value=None, low=None, high=None, text=MASKED, range_text="")
    if claim.is_figure or not claim.name.startswith(_COUNTED):
        return claim
    return replace(claim, text=_told(claim.text, seats=hidden.seats))


def _told(text: str, *, seats: bool) -> str:
    """A sentence without small numbers of persons."""
    told = _FEW.sub(f"{SMALL_CELL}人未満", text)
    return _SEATS.sub(MASKED, told) if seats else told

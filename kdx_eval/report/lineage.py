"""What each figure of the ledger rests on, down to tables and files: completes what was entered with the figure itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kdx_eval.report.ledger import Claim, Ledger
from kdx_eval.report.policy_parts import section_of

if TYPE_CHECKING:
    from kdx_eval.results import Results

PLAN, PARAMETERS, POLICY, PEERS = "plan", "data_schema/parameters.csv", "policy", "data_schema/peer_cases.csv"
_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"funding\.|line\.|changes\.|missing\.|budget_note\.|alternative\.", ("costs",)),
    (r"prior\.", ("prior_claims",)),
    (r"cut\.\d+\.seats", ("training",)),
    (r"cut\.\d+\.forgone_seats", ("cut.0.seats", "request.yen")),
    (r"cut\.", ("request.yen",)),
    (r"cutline\.", ("costs", "request.yen")),
    (r"reach\.", ("training",)),
    (r"scenario\.\d+\.benefit", ("savings.created", "savings.attendance", "price.yen")),
    (r"scenario\.\d+\.cost_yen", ("even.cost",)),
    (r"scenario\.\d+\.(?:discount_rate|years)", (PARAMETERS,)),
    (r"scenario\.\d+\.(?:retention|factor)", ("savings.created", PLAN, PARAMETERS)),
    (r"scenario\.", ("savings.created", "price.yen", "even.cost")),
    (r"switch\.|even\.", ("savings.net", "price.yen", "even.cost")),
    (r"price\.", ("wages",)),
    (r"savings\.(?:person_basis|hours_per_person)", (PARAMETERS,)),
    (r"savings\.|bridge\.|value\.", ("savings.created",)),
    (r"cash\.", ("worktime", "costs")),
    (r"class\.|since\.|dept\.|proc\.|register\.|reg\.|key\.", ("savings.created", "interventions")),
    (r"person\.", ("savings.created", "headcount")),
    (r"use\.", ("savings.created", "redeployment")),
    (r"year\.|books\.", ("worktime", "headcount", "costs")),
    (r"stage\.|execution\.|special\.|full", ("costs", "training", "wages")),
    (r"price_", ("wages", "pay_table")),
    (r"forgone\.|outlook|continuation\.|promise", ("savings.created", "course_plans", PLAN)),
    (r"scenario_return|swing|drawn", ("savings.created", "costs", "wages")),
    (r"ladder\.", ("costs", "alternatives", "savings.created")),
    (r"peer\.", (PEERS,)),
    (r"quality\.", ("results/quality.json",)),
)
_ALSO: dict[str, tuple[str, ...]] = {"value.yen": ("price.yen",)}
_FILES = {"question": "results/evidence.json", "savings": "results/savings.json", "bridge": "results/savings.json"}
_OTHER = "results/budget.json"


def with_lineage(ledger: Ledger, results: Results) -> Ledger:
    """The ledger in which every claim names what it rests on; what was entered with the claim comes first.

    Returns
    -------
    Ledger
        Each claim's ``inputs`` are names of claims, of tables (``training``), of result files (``results/effects.json``), ``plan`` or
        ``data_schema/parameters.csv``; following them ends at one of the latter.
    """
    finder = _Finder(ledger, results)
    return replace(ledger, claims=tuple(replace(claim, inputs=finder.inputs(claim)) for claim in ledger))


class _Finder:
    def __init__(self, ledger: Ledger, results: Results) -> None:
        self._ledger = ledger
        self._questions = {} if results.plan is None else {question.question_id: question for question in results.plan.questions}
        self._budget = results.budget

    def inputs(self, claim: Claim) -> tuple[str, ...]:
        """What the claim rests on, each once."""
        found = [self._known(name, claim) for name in claim.inputs]
        if claim.name.startswith("question."):
            found += self._of_question(claim)
        elif not found:
            rule = next((inputs for pattern, inputs in _RULES if re.match(pattern, claim.name)), ())
            found += [name for name in rule if name != claim.name and (self._ledger.has(name) or not _is_claim(name))]
        found += _ALSO.get(claim.name, ())
        section = section_of(claim.name)
        found += () if section is None else section.rests_on
        if not found:
            found = [_FILES.get(claim.name.partition(".")[0], _OTHER)]
        return tuple(dict.fromkeys(name for name in found if name))

    def _known(self, name: str, claim: Claim) -> str:
        """``savings`` stands for the hours of the question that was promised, or for all."""
        if name != "savings":
            return name
        prior = re.fullmatch(r"prior\.(\d+)\.result", claim.name)
        if prior and self._budget is not None:
            promised = f"question.{self._budget.prior_claims[int(prior[1])].claim_id}.saved"
            if self._ledger.has(promised):
                return promised
        return "savings.created" if self._ledger.has("savings.created") else "results/savings.json"

    def _of_question(self, claim: Claim) -> list[str]:
        key = claim.question_id or max((one for one in self._questions if claim.name.startswith(f"question.{one}.")), key=len, default="")
        field = claim.name.removeprefix(f"question.{key}.")
        outcome = [self._questions[key].outcome.table] if key in self._questions else []
        raw = [*outcome, "training", PLAN]
        makers: dict[str, Callable[[], list[str]]] = {
            "estimate": lambda: raw,
            "saved": list,
            "share": list,
            "naive_hours": list,
            "attendance": lambda: ["courses"],
            "baseline": lambda: [*outcome],
            "smallest": lambda: ["costs", "wages", PLAN],
            "smallest_sentence": lambda: [f"question.{key}.smallest"],
        }
        if field in makers:
            return [name for name in makers[field]() if name != claim.name]
        if field.startswith("naive_") or field in ("detectable", "treated_units", "control_units", "persons"):
            return ["results/studies.json", *raw]
        whole = f"question.{key}.estimate"
        return [whole if self._ledger.has(whole) else "results/evidence.json", *([] if self._ledger.has(whole) else raw)]


def _is_claim(name: str) -> bool:
    return "." in name and "/" not in name

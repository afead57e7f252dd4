"""What was reached and what became of last year's promises."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kdx_eval.budget.types import TOTAL_CLAIM, PriorClaim, Reach
from kdx_eval.evidence.price import Record, decimal_or_none, records, text_column, whole_yen
from kdx_eval.savings import Hours, Savings
from kdx_eval.units import FiscalYear, format_hours, format_share, round_half_up


def list_reach(reach: pd.DataFrame | None, *, fiscal_year: FiscalYear, costs: pd.DataFrame) -> tuple[Reach, ...]:
    """Reach of every course in one year, with the cost of the courses that the cost table names."""
    if reach is None or reach.empty:
        return ()
    rows = reach[reach["fiscal_year"].astype(int) == fiscal_year.year].sort_values("course_id", kind="stable")
    return tuple(_reach(row, costs=costs) for row in records(rows))


def _reach(row: Record, *, costs: pd.DataFrame) -> Reach:
    course, name = str(row["course_id"]), row["course_id"] if _absent(row.get("course_name")) else row["course_name"]
    own = costs[costs["course_id"].isin([course, str(name)])]
    cost = int(own["yen"].sum()) if len(own) else None
    enrolled, completed = _count(row["n_enrolled"]), _count(row["n_completed"])
    staff = None if _absent(row.get("n_staff")) else _count(row["n_staff"])
    hours = row.get("attendance_hours")
    return Reach(
        course_id=course,
        course_name=str(name),
        enrolled=enrolled,
        completed=completed,
        staff=staff,
        completion_share=completed / enrolled if enrolled else None,
        reach_share=completed / staff if staff else None,
        attendance_hours=None if hours is None or _absent(hours) else float(hours),
        cost_yen=cost,
        cost_per_completion_yen=per_completion(cost, completed),
    )


def _absent(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _count(value: Any) -> int:
    return 0 if _absent(value) else int(value)


def per_completion(cost_yen: int | None, completed: int) -> int | None:
    """Yen for one completion, rounded half up; None without cost or completion."""
    return None if cost_yen is None or completed <= 0 else int(round_half_up(cost_yen / completed))


def compare_promises(prior_claims: pd.DataFrame | None, *, savings: Savings) -> tuple[PriorClaim, ...]:
    """前年度要求時の見込みと実績, by year and claim.

    A claim is held against the question of the same id; the claim 全体, or a single one that names no question, against the net total.
    """
    if prior_claims is None or prior_claims.empty:
        return ()
    rows = prior_claims.assign(claim_id=text_column(prior_claims, "claim_id"), basis=text_column(prior_claims, "basis"))
    rows = rows.sort_values(["fiscal_year", "claim_id"], kind="stable")
    of_year = rows[rows["fiscal_year"].astype(int) == savings.fiscal_year]
    measured = {line.question_id: line.saved for line in savings.lines}
    results: dict[str, Hours | None] = {claim: measured.get(claim) for claim in of_year["claim_id"]}
    if len(of_year) == 1 and of_year["claim_id"].iloc[0] not in measured:
        results[of_year["claim_id"].iloc[0]] = savings.net
    results |= {TOTAL_CLAIM: savings.net} if TOTAL_CLAIM in results else {}
    return tuple(_promise(row, result=results.get(row["claim_id"]), due=int(row["fiscal_year"]) == savings.fiscal_year) for row in records(rows))


def _promise(row: Record, *, result: Hours | None, due: bool) -> PriorClaim:
    place = "prior_claims（前年度要求時の見込み）"
    hours = decimal_or_none(row.get("hours"))
    claimed = None if hours is None else float(hours)
    yen = row.get("yen")
    result = result if due else None
    share = result.hours / claimed if result is not None and claimed else None
    return PriorClaim(
        claim_id=str(row["claim_id"]),
        fiscal_year=int(row["fiscal_year"]),
        basis=str(row["basis"]),
        claimed_hours=claimed,
        claimed_yen=None if _absent(yen) else whole_yen(yen, place=place),
        result_hours=None if result is None else result.hours,
        result_low=None if result is None else result.conf_low,
        result_high=None if result is None else result.conf_high,
        realised_share=share,
        sentence=_promise_sentence(claimed, result=result, share=share, due=due),
    )


def _promise_sentence(claimed: float | None, *, result: Hours | None, share: float | None, due: bool) -> str:
    promised = "時間の見込みなし" if claimed is None else f"見込み{format_hours(claimed)}"
    if not due:
        return f"{promised}。今回の評価の対象年度ではありません。"
    if result is None:
        return f"{promised}。実績は、対応する問いがないため示せません。"
    part = "" if share is None else f"、見込みの{format_share(share)}"
    return f"{promised}に対し、実績{format_hours(result.hours)}（95%の幅：{format_hours(result.conf_low)}～{format_hours(result.conf_high)}{part}）。"

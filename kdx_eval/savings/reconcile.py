"""The hours held against the books: paid overtime, the overtime allotment, staff, the budget line; what is left is called unexplained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kdx_eval.savings.bases import HEADLINE_BASES, MONTHS_A_YEAR
from kdx_eval.savings.details import BookYear, Reconciliation, Register
from kdx_eval.savings.records import ALLOTMENT, months_live
from kdx_eval.units import FiscalYear, format_hours, format_number


def reconcile(
    years: pd.DataFrame | None, register: Register, *, projects: pd.DataFrame | None, redeployed: float | None, hours_per_person: float
) -> Reconciliation:
    """Claimed and measured hours of each year beside what the city's books show.

    Parameters
    ----------
    years : DataFrame or None
        `records.read_years`.
    redeployed : float or None
        Hours whose use was recorded in the evaluated year; None without records.
    hours_per_person : float
        A person's year, by which staff who left are counted.

    Returns
    -------
    Reconciliation
        No year where the city recorded none of these.
    """
    if years is None or years.empty:
        return Reconciliation(years=(), sentences=("時間外勤務・人員・費用の記録がないため、帳簿との突き合わせはできません。",))
    rows = {int(row["fiscal_year"]): row for row in years.to_dict("records")}
    found = []
    for year in sorted(rows):
        evaluated = year == register.fiscal_year
        row, before = rows[year], rows.get(year - 1, {})
        staff, staff_before = _known(row.get("staff")), _known(before.get("staff"))
        fall = _known(row.get("overtime_fall"))
        staff_fall = None if staff is None or staff_before is None else staff_before - staff
        explained = math.fsum((redeployed or 0.0, max(fall or 0.0, 0.0), max(staff_fall or 0.0, 0.0) * hours_per_person))
        found.append(
            BookYear(
                fiscal_year=year,
                claimed_hours=_claimed(projects, FiscalYear(year)),
                measured_hours=register.measured_hours if evaluated else None,
                redeployed_hours=redeployed if evaluated else None,
                overtime_hours=_known(row.get("overtime_hours")),
                overtime_fall=fall,
                paid_yen=_whole(row.get("paid_yen")),
                allotment=str(row.get("allotment") or ""),
                staff=staff,
                staff_fall=staff_fall,
                budget_yen=_whole(row.get("budget_yen")),
                budget_stage=str(row.get("budget_stage") or ""),
                unexplained_hours=register.measured_hours - explained if evaluated else None,
            )
        )
    evaluated_year = next((one for one in found if one.fiscal_year == register.fiscal_year), found[-1])
    return Reconciliation(years=tuple(found), sentences=_sentences(evaluated_year, hours_per_person))


def _claimed(projects: pd.DataFrame | None, year: FiscalYear) -> float:
    """Claims that nobody measured, for the months in which the projects were in use."""
    rows: Sequence[Mapping[Any, Any]] = [] if projects is None else projects.to_dict("records")
    return math.fsum(
        float(row["claimed_hours"]) * months_live(row["live_on"], year) / MONTHS_A_YEAR
        for row in rows
        if not pd.isna(row["claimed_hours"]) and row["savings_basis"] not in HEADLINE_BASES
    )


def _sentences(year: BookYear, hours_per_person: float) -> tuple[str, ...]:
    found = []
    measured = year.measured_hours or 0.0
    if measured > 0:
        parts = []
        if year.overtime_fall is not None:
            parts.append(f"時間外勤務の{_moved(year.overtime_fall)}")
        if year.staff_fall is not None:
            persons = format_number(abs(year.staff_fall), 0 if year.staff_fall == round(year.staff_fall) else 1)
            fewer = f"{persons}人の減（1人年{format_hours(hours_per_person)}）"
            parts.append(f"職員数の{fewer if year.staff_fall > 0 else '増減なし' if year.staff_fall == 0 else f'{persons}人の増'}")
        if year.redeployed_hours is not None:
            parts.append(f"使い道の記録{format_hours(year.redeployed_hours)}")
        beside = "、".join(parts) or "帳簿の記録なし"
        left = year.unexplained_hours or 0.0
        if left > 0:
            found.append(f"測った{format_hours(measured)}に対し、帳簿に表れたのは{beside}。残る{format_hours(left)}は、どこに使われたかの記録がありません。")
        else:
            found.append(f"測った{format_hours(measured)}に対し、帳簿の動き（{beside}）のほうが大きく、研修や取組のほかの理由でも時間が動いています。")
    else:
        found.append("測って数えられる時間がないため、帳簿の動きを研修や取組の効果とは言えません。")
    if year.allotment:
        found.append(
            f"この年度は時間外勤務の{ALLOTMENT}があり（{year.allotment}）、時間外が減っても、割当てが減ったためか、仕事が減ったためかは帳簿だけでは分けられません。"
        )
    elif year.overtime_fall is not None and year.overtime_fall > 0:
        found.append("時間外勤務の減は全庁の合計で、研修のほかの理由（業務量、制度改正、人員）によるものを含みます。")
    if year.budget_yen is not None:
        found.append("予算額は事業費で、生まれた時間の分だけ減るものではありません。")
    return tuple(found)


def _moved(fall: float) -> str:
    return "増減なし" if fall == 0 else f"{format_hours(abs(fall))}の{'減' if fall > 0 else '増'}"


def _known(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _whole(value: Any) -> int | None:
    known = _known(value)
    return None if known is None else round(known)

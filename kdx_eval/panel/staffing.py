"""How many staff each department had, month by month, and which departments grew or shrank."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.panel.postings import Postings, read_postings
from kdx_eval.panel.reach import covered_months
from kdx_eval.panel.staff_months import split_postings
from kdx_eval.panel.tables import Tables, column, month_index
from kdx_eval.plan import Plan
from kdx_eval.units import Month

LARGE_CHANGE = 0.2
_MOST_NAMED = 5


def staffing(dataset: Tables, plan: Plan) -> pd.DataFrame:
    """Staff by department and month, from the first month with data until the last evaluated one.

    Returns
    -------
    DataFrame
        department_id, month (datetime64), posted (staff-months of those at work, from the assignments), quota (定数), actual (実員), vacancies
        (quota - actual, below zero where over quota), on_leave (育休・欠員 as the headcount gives it). Missing where nothing is known,
        never zero for want of a row.
    """
    connection = dataset.connect()
    try:
        postings = read_postings(connection, dataset)
        known = [month for span in covered_months(connection, dataset).values() for month in span]
        fields = {name: column(dataset, "headcount", name=name, kind="DOUBLE") for name in ("quota", "actual", "vacancies")}
        counted = connection.execute(
            f"""SELECT department_id, {month_index("month")} AS month, CAST(max({fields["quota"]}) AS DOUBLE) AS quota,
                       CAST(max({fields["actual"]}) AS DOUBLE) AS actual, CAST(max({fields["vacancies"]}) AS DOUBLE) AS on_leave
                FROM headcount WHERE department_id IS NOT NULL AND month IS NOT NULL GROUP BY ALL ORDER BY ALL"""
            if dataset.has("headcount")
            else "SELECT '' AS department_id, 0 AS month, 0.0 AS quota, 0.0 AS actual, 0.0 AS on_leave WHERE false"
        ).df()
    finally:
        connection.close()
    last = plan.evaluated_through.index
    starts = [*(month.index for month in known), *counted["month"]]
    months = np.arange(int(min(starts, default=last)), last + 1)
    posted = _posted(postings, months) if postings is not None else pd.DataFrame({"department_id": [], "month": [], "posted": []})
    frame = posted.merge(counted[counted["month"] <= last], on=["department_id", "month"], how="outer").sort_values(["department_id", "month"])
    frame["vacancies"] = frame["quota"] - frame["actual"]
    frame["month"] = pd.to_datetime([Month(int(index)).first_day for index in frame["month"]])
    order = ["department_id", "month", "posted", "quota", "actual", "vacancies", "on_leave"]
    return frame[order].reset_index(drop=True)


def _posted(postings: Postings, months: npt.NDArray[np.int64]) -> pd.DataFrame:
    held = split_postings(postings, months)
    total = held.total(len(months))
    department, month = np.nonzero(total)
    return pd.DataFrame({"department_id": held.departments[department], "month": months[month], "posted": total[department, month]})


def changed_departments(postings: Postings | None, headcount: pd.DataFrame | None, *, first: Month, last: Month) -> dict[str, tuple[float, float]]:
    """Departments whose staff changed by more than a fifth between the first and the last month: (staff then, staff at last).

    Headcounts say it where they reach, the assignments of the first day of each month elsewhere.
    """
    found: dict[str, tuple[float, float]] = {}
    if postings is not None:
        before, after = (postings.at_work(month.first_day).value_counts() for month in (first, last))
        found = {str(name): (float(before[name]), float(after[name])) for name in before.index.intersection(after.index)}
    if headcount is not None:
        within = headcount[headcount["month"].between(first.index, last.index)]
        for name, rows in within.groupby("department_id", sort=True):
            if len(rows) > 1:
                found[str(name)] = (float(rows["actual"].iloc[0]), float(rows["actual"].iloc[-1]))
    return {name: pair for name, pair in sorted(found.items()) if abs(pair[1] - pair[0]) > LARGE_CHANGE * pair[0]}


def staffing_note(changed: Mapping[str, tuple[float, float]], *, names: Mapping[str, str]) -> str:
    """One Japanese sentence on the departments that grew or shrank."""
    shown = [f"{names.get(name, name)} {before:g}人→{after:g}人" for name, (before, after) in list(changed.items())[:_MOST_NAMED]]
    more = "など" if len(changed) > _MOST_NAMED else ""
    return f"期間の初めと終わりで職員数が2割を超えて変わった課が{len(changed)}あります（{'、'.join(shown)}{more}）。"

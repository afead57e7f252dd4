"""The year after a roll-out was drawn: a city's own past carried on, departments trained as drawn, with an effect put in."""

import csv
import io

import numpy as np
import pandas as pd

from kdx_eval.units import Month

NOISE = 0.03  # of each month of a process, beside what the same month of the year before had


def write_next_year(folder, dataset, *, plan_text, order, effect, followed=1.0, seed=0):
    """A data folder with the months up to the plan's last, the order table as it was written, and training as drawn.

    ``effect`` is the change of minutes as a share; of the departments whose month has come only the first share ``followed`` (by id) trains, in the month
    it drew.
    """
    folder.mkdir()
    (folder / "plan.yaml").write_text(plan_text, encoding="utf-8", newline="\n")
    (folder / "順番表.csv").write_bytes(order)
    connection = dataset.connect()
    table = pd.read_csv(io.BytesIO(order), dtype=str)
    starts = {row["所属コード"]: Month.parse(row["始める月"]).index for _, row in table.iterrows()}
    last = Month.parse("2028-03").index
    due = sorted(name for name, start in starts.items() if start <= last)
    began = set(due[: round(followed * len(due))])
    _workload(folder, connection, starts={name: starts[name] for name in began}, last=last, effect=effect, seed=seed)
    _training(folder, connection, starts={name: starts[name] for name in began})
    for name, title in (("departments", "所属"), ("assignments", "所属履歴")):
        wanted = [column for column in dataset.columns(name) if column != "valid_to"] + (["valid_to"] if name == "assignments" else [])
        frame = connection.execute(f"SELECT {', '.join(wanted)} FROM {name} ORDER BY ALL").df()
        frame.to_csv(folder / f"{title}.csv", index=False, encoding="utf-8", quoting=csv.QUOTE_MINIMAL, date_format="%Y-%m-%d")


def _workload(folder, connection, *, starts, last, effect, seed):
    rng = np.random.default_rng(seed)
    past = connection.execute(
        'SELECT process_id, department_id, month, sum(cases) AS cases, sum("minutes") AS "minutes" FROM workload GROUP BY ALL ORDER BY ALL'
    ).df()
    past["index"] = [day.year * 12 + day.month - 1 for day in past["month"]]
    year = past[past["index"] > past["index"].max() - 12]
    parts = [past]
    for step in range(12, last - int(past["index"].max()) + 12, 12):
        ahead = year.assign(index=year["index"] + step)
        treated = np.array([starts.get(name, np.inf) <= at for name, at in zip(ahead["department_id"], ahead["index"], strict=True)])
        moved = ahead["minutes"] * np.exp(rng.normal(0, NOISE, len(ahead))) * (1 + effect * treated)
        parts.append(ahead.assign(minutes=moved.round())[ahead["index"] <= last])
    whole = pd.concat(parts)
    whole["month"] = [str(Month(int(index))) for index in whole["index"]]
    whole["measure_basis"] = "log"
    whole.drop(columns="index").astype({"minutes": "int64", "cases": "int64"}).to_csv(folder / "業務量.csv", index=False, encoding="utf-8")


def _training(folder, connection, *, starts):
    rows = connection.execute(
        """SELECT staff_id, course_id, strftime(offered_on, '%Y-%m-%d') AS offered_on, strftime(enrolled_on, '%Y-%m-%d') AS enrolled_on,
           status FROM training WHERE course_id = 'DXBPR' AND enrolled_on IS NOT NULL ORDER BY ALL"""
    ).df()
    trained = set(rows["staff_id"])
    people = connection.execute("SELECT staff_id, department_id FROM assignments WHERE valid_to IS NULL ORDER BY ALL").df()
    more = []
    for name, staff in people.groupby("department_id"):
        if name in starts:
            when = Month(starts[name])
            fresh = [person for person in staff["staff_id"] if person not in trained]
            more += [(person, "DXBPR", f"{when}-05", f"{when}-15", "completed") for person in fresh[: max(2, len(staff) // 2)]]
    pd.concat([rows, pd.DataFrame(more, columns=rows.columns)]).to_csv(folder / "受講記録.csv", index=False, encoding="utf-8")

"""The full delivery: what a city with good records hands over, in the formats that its divisions use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from kdx_eval.synthetic_city import finance, loop, writing
from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.delivery_plan import PLAN_TEXT, README_TEXT
from kdx_eval.synthetic_city.delivery_staff import write_courses, write_personnel
from kdx_eval.synthetic_city.design import MONTHS, city_months
from kdx_eval.synthetic_city.writing import UNKNOWN_DEPARTMENT, Fault, Planted, month_text, plant, write_csv

_BOM = "utf-8-sig"


def write_full(city: City, data: Path) -> list[Planted]:
    """Write all files of the full delivery into ``data``; returns where the faulty rows stand."""
    data.mkdir(parents=True, exist_ok=True)
    planted = write_personnel(city, data / "人事") + write_courses(city, data / "研修")
    planted += _work(city, data) + _worktime(city, data / "勤務時間.xlsx")
    _money(city, data)
    (data / "plan.yaml").write_text(PLAN_TEXT, encoding="utf-8", newline="\n")
    (data / "README.txt").write_text(README_TEXT, encoding=_BOM, newline="\r\n")
    return planted


def _work(city: City, data: Path) -> list[Planted]:
    processes = city.outcomes.processes.copy()
    processes["core"] = np.where(processes["core"], "はい", "いいえ")
    write_csv(processes, data / "業務" / "業務.csv", encoding=_BOM)
    work = city.workload().assign(measure_basis="log")
    work["month"] = work["month"].dt.strftime("%Y-%m")
    row: dict[str, object] = {str(k): v for k, v in work.iloc[0].items()} | {"month": "2026-04"}
    later = city.outcomes.processes["process_id"].iloc[1]
    faults = [
        Fault(position=90, row=row | {"minutes": -1200}, column="minutes", kind="negative_minutes"),
        Fault(position=700, row=row | {"process_id": later, "minutes": "#REF!"}, column="minutes", kind="error_text"),
        Fault(position=1_500, row=row | {"department_id": UNKNOWN_DEPARTMENT, "month": "2026-02"}, column="department_id", kind="unknown_department"),
        Fault(position=2_600, row=row | {"month": "2025-13"}, column="month", kind="impossible_date"),
        Fault(
            position=len(work),
            row={"process_id": "合計", "cases": work["cases"].sum(), "minutes": work["minutes"].sum()},
            column="process_id",
            kind="total_row",
        ),
    ]
    written, planted = plant(work, faults, file="業務/業務量.csv")
    write_csv(written, data / "業務" / "業務量.csv", encoding=_BOM)
    long = city.indicators().melt(["department_id", "month"], var_name="indicator_id")
    # Generative AI came into use, and into the log, in 令和5年度: before that nothing was collected.
    long = long[(long["indicator_id"] != "genai_uses") | (long["month"] >= pd.Timestamp(2023, 4, 1))]
    long = pd.concat([long, city.citizen_indicators()], ignore_index=True)
    long["month"] = long["month"].dt.strftime("%Y-%m")
    frame = long.rename(columns={"department_id": "unit_id"}).assign(unit_type="department")
    frame = frame.sort_values(["indicator_id", "unit_id", "month"], ignore_index=True)[["unit_type", "unit_id", "month", "indicator_id", "value"]]
    bad: dict[str, object] = {str(k): v for k, v in frame.iloc[0].items()} | {"month": "2026-04", "value": "#DIV/0!"}
    written, more = plant(frame, [Fault(position=333, row=bad, column="value", kind="error_text")], file="成果指標.csv")
    write_csv(written, data / "成果指標.csv", encoding=_BOM)
    return planted + more


def _worktime(city: City, path: Path) -> list[Planted]:
    """Two title rows, a two-row merged header, a long list, a total row and a note under it."""
    frame = city.worktime()
    names = dict(zip(city.departments["department_id"], city.departments["department_name"], strict=True))
    texts = [month_text(month) for month in city_months()]
    with writing.new_workbook(path) as book:
        sheet = book.add_worksheet("勤務時間")
        bold = book.add_format({"bold": True})
        head = book.add_format({"bold": True, "border": 1, "align": "center", "valign": "vcenter"})
        sheet.write_string(0, 0, f"所属別勤務時間数（令和4年度～令和7年度）　{writing.NOTICE}", bold)
        sheet.write_string(1, 0, "※時間外勤務手当は円。休職中の職員を除く。")
        sheet.merge_range(3, 0, 3, 1, "所属", head)
        sheet.merge_range(3, 2, 4, 2, "年月", head)
        sheet.merge_range(3, 3, 3, 4, "時間数", head)
        for column, title in {0: "所属コード", 1: "所属名", 3: "正規の勤務時間", 4: "時間外勤務時間", 5: "時間外勤務手当"}.items():
            sheet.write_string(4, column, title, head)
        sheet.write_string(3, 5, "支給額", head)
        sheet.set_column(0, 5, 16)
        rows = zip(frame["department_id"], frame["scheduled_hours"], frame["overtime_hours"], frame["paid_overtime_yen"], strict=True)
        for number, (department, scheduled, overtime, yen) in enumerate(rows):
            values = (department, names[department], texts[number % MONTHS], scheduled, overtime, int(yen))
            sheet.write_row(5 + number, 0, values)
        end = 5 + len(frame)
        first = str(frame["department_id"].iloc[0])
        sheet.write_row(end, 0, (first, names[first], "令和8年4月", 0))
        sheet.write_formula(end, 4, "=#REF!", None, "#REF!")
        sheet.write_row(
            end + 1, 0, ("合計", "", "", frame["scheduled_hours"].sum(), round(frame["overtime_hours"].sum(), 1), int(frame["paid_overtime_yen"].sum()))
        )
        sheet.write_string(end + 3, 0, "注　数値は給与システムの集計による。")
    place = {"file": path.name, "sheet": "勤務時間"}
    return [
        Planted(**place, row=end + 1, column="時間外勤務時間", kind="error_cell"),
        Planted(**place, row=end + 2, column="所属コード", kind="total_row"),
    ]


def _money(city: City, data: Path) -> None:
    costs = pd.concat([loop.earlier_costs(), finance.costs()], ignore_index=True)
    titles = ["年度", "予算区分", "款項目", "事業", "節", "細節", "数量", "単価", "見積番号", "金額", "経常臨時区分", "財源", "研修番号"]
    folder = data / "財務"
    with writing.new_workbook(folder / "費用.xlsx") as book:
        sheet = book.add_worksheet("費用")
        head = book.add_format({"bold": True, "border": 1})
        sheet.write_string(0, 0, f"DX人材育成事業　費用一覧　{writing.NOTICE}", book.add_format({"bold": True}))
        sheet.write_row(2, 0, titles, head)
        for number, row in enumerate(costs.itertuples(index=False), start=3):
            sheet.write_row(number, 0, [value if isinstance(value, str) else int(value) for value in row])
        sheet.set_column(4, 5, 34)
    write_csv(finance.wages(), folder / "人件費単価.csv", encoding=_BOM)
    write_csv(finance.prior_claims(), folder / "前年度要求時の見込み.csv", encoding=_BOM)
    write_csv(finance.course_plans(), data / "研修" / "研修の実施計画.csv", encoding=_BOM)
    write_csv(finance.alternatives(), folder / "代替案.csv", encoding=_BOM)
    write_csv(finance.pay_table(), folder / "給与費.csv", encoding=_BOM)
    write_csv(finance.events(), data / "同時施策.csv", encoding=_BOM)
    write_csv(finance.redeployment(city), data / "再配分.csv", encoding=_BOM)
    write_csv(finance.interventions(city), data / "支援案件.csv", encoding=_BOM)
    write_csv(finance.partner_results(), data / "他団体の結果.csv", encoding=_BOM)
    write_csv(loop.knowledge(city), data / "ナレッジ.csv", encoding=_BOM)
    write_csv(loop.targets(), data / "目標.csv", encoding=_BOM)
    write_csv(loop.measures(city), data / "施策.csv", encoding=_BOM)

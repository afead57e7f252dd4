"""The minimal delivery: what a city has on the first day, without ids, process data, history or plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdx_eval.synthetic_city import finance, records, writing
from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.design import FIRST_MONTH, MONTHS, stream
from kdx_eval.units import FiscalYear

_ROSTER_YEAR = 2  # the roster at hand is the one of R6.4.1
_COMPULSORY = ("SECURITY", "INFOSEC", "NEWNET", "NEWSEC")  # kept in another system


def write_minimal(city: City, data: Path) -> None:
    """Write 研修受講者名簿, 職員名簿, 時間外勤務時間数 and 研修費用 into ``data``."""
    data.mkdir(parents=True, exist_ok=True)
    names = records.make_names(city)
    _attendance(city, names, data / "研修受講者名簿.xlsx")
    _roster(city, names, data / "職員名簿.xlsx")
    _overtime(city, data / "時間外勤務時間数.xlsx")
    _costs(data / "研修費用.xlsx")


def _attendance(city: City, names: records.Names, path: Path) -> None:
    attended = records.attendance(city)
    attended = attended[~attended["course_id"].isin(_COMPULSORY)]
    title = records.policy_table("course_catalogue").set_index("course_id")["course_name"]
    department = city.departments["department_name"].to_numpy()
    person = attended["person"].to_numpy()
    days = attended["enrolled_on"].to_numpy().astype("datetime64[D]")
    year = (days.astype("datetime64[M]") - np.datetime64(str(FIRST_MONTH))).astype(int) // 12
    posted = department[city.people.posting[person, year]]
    rng = stream(city.seed, "attendance list")
    styles = writing.draw_styles(rng, len(person), short=0.45, slash=0.35, long=0.17, wide=0.03)
    texts = writing.date_texts(days, styles)
    with writing.new_workbook(path) as book:
        sheet = book.add_worksheet("受講者")
        bold = book.add_format({"bold": True})
        sheet.write_string(0, 0, f"研修受講者名簿（必修の研修を除く）　{writing.NOTICE}", bold)
        sheet.write_row(2, 0, ["氏名", "所属", "研修名", "受講日"], bold)
        for number, (who, where, course, day) in enumerate(zip(person, posted, attended["course_id"], texts, strict=True), start=3):
            sheet.write_row(number, 0, (_typed(names.written[who], rng.random()), where, title[course], day))
        sheet.set_column(0, 3, 24)


def _typed(name: str, chance: float) -> str:
    """A name as typed on a list: half-width or no space, and now and then the common form of a character."""
    if chance < 0.1:
        name = name.translate(str.maketrans("髙﨑𠮷", "高崎吉"))
    return name.replace("　", " " if chance < 0.4 else "" if chance < 0.5 else "　")


def _roster(city: City, names: records.Names, path: Path) -> None:
    posting = city.people.posting[:, _ROSTER_YEAR]
    posted = np.flatnonzero(posting >= 0)
    posted = posted[np.argsort(posting[posted], kind="stable")]
    department = city.departments["department_name"].to_numpy()
    with writing.new_workbook(path) as book:
        sheet = book.add_worksheet("R6.4.1現在")
        bold = book.add_format({"bold": True})
        sheet.write_string(0, 0, f"職員名簿（令和6年4月1日現在）　{writing.NOTICE}", bold)
        sheet.write_row(2, 0, ["氏名", "カナ", "所属", "級"], bold)
        for number, who in enumerate(posted, start=3):
            row = (str(names.written[who]), str(names.kana[who]), department[posting[who]], f"{city.people.grade[who]}級")
            sheet.write_row(number, 0, row)
        sheet.set_column(0, 2, 20)


def _overtime(city: City, path: Path) -> None:
    """One sheet a fiscal year: departments down, April to March across, totals in the last row and column."""
    with writing.new_workbook(path) as book:
        bold = book.add_format({"bold": True})
        for year in range(MONTHS // 12):
            fiscal = FiscalYear(FIRST_MONTH.year + year)
            sheet = book.add_worksheet(f"{fiscal.short}年度")
            sheet.write_string(0, 0, f"{fiscal.wareki} 所属別時間外勤務時間数　{writing.NOTICE}", bold)
            sheet.write_string(1, 0, "（単位：時間）")
            sheet.write_row(3, 0, ["課", *(f"{(3 + k) % 12 + 1}月" for k in range(12)), "合計"], bold)
            values = city.outcomes.overtime[:, 12 * year : 12 * year + 12]
            rows = zip(city.departments["department_name"], values, strict=True)
            for number, (name, hours) in enumerate(rows, start=4):
                sheet.write_row(number, 0, [name, *map(float, hours), round(float(hours.sum()), 1)])
            totals = np.round([*values.sum(axis=0), values.sum()], 1)
            sheet.write_row(4 + len(values), 0, ["合計", *map(float, totals)], bold)
            sheet.set_column(0, 0, 20)


def _costs(path: Path) -> None:
    catalogue = records.policy_table("course_catalogue").set_index("course_id")["course_name"]
    with writing.new_workbook(path) as book:
        sheet = book.add_worksheet("研修費用")
        bold = book.add_format({"bold": True})
        sheet.write_string(0, 0, f"研修費用一覧　{writing.NOTICE}", bold)
        sheet.write_row(2, 0, ["年度", "予算区分", "研修名", "内容", "数量", "単価", "金額", "財源"], bold)
        for number, row in enumerate(finance.costs().to_dict(orient="records"), start=3):
            year = FiscalYear(int(row["fiscal_year"])).wareki
            course = catalogue.get(row["course_id"], "")
            amounts = (int(row["quantity"]), int(row["unit_price"]), int(row["yen"]))
            sheet.write_row(number, 0, (year, row["stage"], course, row["detail"], *amounts, row["funding"]))
        sheet.set_column(2, 3, 34)

"""The price of a staff hour from the published 「給与・定員管理等について」, in steps that can be shown."""

from __future__ import annotations

import pandas as pd

from kdx_eval.budget.parts import PriceStep
from kdx_eval.errors import DataError
from kdx_eval.evidence.price import Record, decimal_or_none, records, text_column
from kdx_eval.schema import parameter
from kdx_eval.units import FiscalYear, format_number, round_half_up

WEEKS = 52
COMPUTED = ("wage_only", "fully_loaded", "marginal_overtime")


def price_steps(pay: pd.DataFrame | None, *, fiscal_year: FiscalYear) -> tuple[PriceStep, ...]:
    """From 職員数A and 計B to yen an hour; empty without a row of that year.

    The year's hours are the city's own, else weekly hours x 52 as the pay ordinance divides (条例の勤務1時間当たりの給与額の算式), which
    gives more hours, and so a lower price, than hours net of holidays and leave.

    Raises
    ------
    DataError
        The year has two rows, or its number of staff or hours is not positive.
    """
    row = _row(pay, fiscal_year)
    return () if row is None else tuple(_steps(row))


def complete_prices(wages: pd.DataFrame | None, *, pay: pd.DataFrame | None) -> pd.DataFrame | None:
    """The price table with rows computed from the pay table where finance gave no price of that year and basis.

    wage_only: 給料と職員手当; fully_loaded: 計B with 共済費, only where that is published (退職手当 is not in it);
    marginal_overtime: 給料 times the statutory premium.

    Raises
    ------
    DataError
        As ``price_steps``.
    """
    if pay is None or pay.empty:
        return wages
    computed = pd.DataFrame([price for year in sorted(set(pay["fiscal_year"].astype(int))) for price in _prices(pay, FiscalYear(year))])
    if wages is None or wages.empty:
        return computed
    given = wages[text_column(wages, "source") != ""]
    known = set(zip(given["fiscal_year"].astype(int), given["basis"].astype(str), strict=True))
    new = [pair not in known for pair in zip(computed["fiscal_year"], computed["basis"], strict=True)]
    return pd.concat([wages, computed[new]], ignore_index=True)


def _prices(pay: pd.DataFrame, year: FiscalYear) -> list[dict[str, object]]:
    row = _row(pay, year)
    if row is None:
        return []
    staff, (hours, _), source = _amount(row, "staff_count"), _hours(row), _source(row)
    salary, allowance, bonus = (_amount(row, name) for name in ("salary_yen", "allowance_yen", "bonus_yen"))
    contribution = decimal_or_none(row.get("contribution_yen"))
    found = {"wage_only": (salary + allowance) / staff / hours, "marginal_overtime": salary / staff / hours * float(parameter("overtime_premium").value)}
    if contribution is not None:
        found["fully_loaded"] = (salary + allowance + bonus + float(contribution)) / staff / hours
    common = {"fiscal_year": year.year, "grade": "", "source": source, "status": "derived"}
    return [{**common, "basis": basis, "yen_per_hour": int(round_half_up(found[basis]))} for basis in COMPUTED if basis in found]


def _row(pay: pd.DataFrame | None, year: FiscalYear) -> Record | None:
    if pay is None or pay.empty:
        return None
    rows = records(pay[pay["fiscal_year"].astype(int) == year.year])
    if len(rows) > 1:
        raise DataError(f"{year.wareki}の給与費が{len(rows)}行あります", place="pay_table（給与費）", hint="1年度に1行だけ残してください")
    return rows[0] if rows else None


def _steps(row: Record) -> list[PriceStep]:
    staff, (hours, hours_note) = _amount(row, "staff_count"), _hours(row)
    salary, allowance, bonus = (_amount(row, name) for name in ("salary_yen", "allowance_yen", "bonus_yen"))
    contribution = decimal_or_none(row.get("contribution_yen"))
    total = salary + allowance + bonus
    steps = [
        PriceStep(label="計B（給料・職員手当・期末勤勉手当）", formula=" ＋ ".join(map(format_number, (salary, allowance, bonus))), value=total, unit="円"),
        PriceStep(label="1人当たりの給与費（B÷A）", formula=f"{format_number(total)} ÷ {format_number(staff)}人", value=total / staff, unit="円"),
        PriceStep(label="1人の年間勤務時間", formula=hours_note, value=hours, unit="時間"),
    ]
    if contribution is None:
        words = "給料と職員手当だけ（共済費が公表されていないため、賞与・事業主負担を含む単価は計算しない）"
        each = (salary + allowance) / staff
    else:
        words, each = "賞与・共済費を含む（退職手当を除く）", (total + float(contribution)) / staff
        steps.append(
            PriceStep(
                label="1人当たりの共済費",
                formula=f"{format_number(float(contribution))} ÷ {format_number(staff)}人",
                value=float(contribution) / staff,
                unit="円",
            )
        )
    price = float(round_half_up(each / hours))
    steps.append(PriceStep(label=f"1時間の単価：{words}", formula=f"{format_number(each)} ÷ {format_number(hours, 1)}時間", value=price, unit="円/時間"))
    return steps


def _hours(row: Record) -> tuple[float, str]:
    own = decimal_or_none(row.get("hours_per_year"))
    if own is not None and own > 0:
        return float(own), "市の定め"
    weekly = parameter("weekly_hours")
    return float(weekly.value) * WEEKS, f"週{format_number(float(weekly.value), 2)}時間 × {WEEKS}週（条例の算式。休日・休暇を除かないため単価は低めに出る）"


def _amount(row: Record, name: str) -> float:
    value = decimal_or_none(row.get(name))
    if value is None or value < 0 or (name == "staff_count" and value == 0):
        raise DataError("給与費の表に、空か0以下の値があります", place=f"pay_table.{name}", hint="公表資料の職員数と給与費を入れてください")
    return float(value)


def _source(row: Record) -> str:
    given = row.get("source")
    named = "給与・定員管理等について" if given is None or pd.isna(given) or not str(given).strip() else str(given).strip()
    return f"{named}の給与費から計算"

"""The price of a staff hour and the cost of a year, as finance published them; nothing is made up."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any, TypeAlias, cast

import pandas as pd

from kdx_eval.errors import DataError
from kdx_eval.evidence.types import Price
from kdx_eval.plan.types import PriceBasis
from kdx_eval.units import FiscalYear, format_yen

Record: TypeAlias = dict[str, Any]

BASIS_NAMES: dict[PriceBasis, str] = {
    "fully_loaded": "賞与・共済負担を含む人件費単価",
    "wage_only": "給与のみの人件費単価",
    "marginal_overtime": "時間外勤務の割増単価",
    "avoided_cash": "支払わずに済む単価（会計年度任用・委託）",
}
SUPPLEMENT = "補正"
SETTLED_STAGES: tuple[tuple[str, ...], ...] = (("決算",), ("決算見込",), ("当初", SUPPLEMENT), ("当初",))


def choose_price(wages: pd.DataFrame | None, *, fiscal_year: FiscalYear, basis: PriceBasis) -> Price | None:
    """Finance's own price of a staff hour in one fiscal year.

    Only rows with a source and a status other than ``unverified`` are considered. Where the basis is not published, the fully
    loaded price stands in, then the wage-only one. Among grades the row for all staff (no grade) is taken, else the lowest price.

    Returns
    -------
    Price or None
        Yen per hour; None when the city gave no usable price at all.

    Raises
    ------
    DataError
        There are usable prices, but none for this fiscal year; a price is zero or negative.
    """
    usable = usable_prices(wages)
    if usable.empty:
        return None
    year = usable[usable["fiscal_year"].astype(int) == fiscal_year.year]
    if year.empty:
        raise DataError(
            f"{fiscal_year.wareki}の人件費単価がありません", place="wages（人件費単価）", hint=f"{fiscal_year.wareki}の行を、出所を付けて加えてください"
        )
    order: tuple[PriceBasis, ...] = (basis, "fully_loaded", "wage_only")
    for wanted in dict.fromkeys(order):
        rows = year[year["basis"] == wanted]
        if not rows.empty:
            return choose_from(rows, fiscal_year=fiscal_year, basis=wanted)
    return None


def usable_prices(wages: pd.DataFrame | None, *, with_unverified: bool = False) -> pd.DataFrame:
    """The rows with a source and, unless asked for, a status other than ``unverified``; texts are filled.

    Raises
    ------
    DataError
        A price is zero or negative, or one year, basis and grade has two different prices.
    """
    if wages is None or wages.empty:
        return pd.DataFrame(columns=["fiscal_year", "basis", "grade", "yen_per_hour", "source", "status"])
    rows = wages.copy()
    for name in ("grade", "source", "status"):
        rows[name] = text_column(rows, name)
    rows = rows[(rows["source"] != "") & rows["yen_per_hour"].notna()]
    if not with_unverified:
        rows = rows[rows["status"] != "unverified"]
    if (rows["yen_per_hour"].astype(float) <= 0).any():
        raise DataError("人件費単価に0以下の値があります", place="wages.yen_per_hour", hint="1時間当たりの円を正の数で入れてください")
    _refuse_overlaps(rows)
    return rows


def _refuse_overlaps(rows: pd.DataFrame) -> None:
    for key, group in rows.groupby(["fiscal_year", "basis", "grade"], sort=True):
        year, basis, grade = cast("tuple[int, PriceBasis, str]", key)
        count, level = group["yen_per_hour"].nunique(), f"（{grade}）" if grade else ""
        if count > 1:
            name = BASIS_NAMES.get(basis, str(basis))
            raise DataError(
                f"{FiscalYear(int(year)).wareki}の「{name}」{level}に、違う単価が{count}つあります",
                place="wages（人件費単価）",
                hint="年度・種類・級ごとに1行だけ残してください",
            )


def choose_from(rows: pd.DataFrame, *, fiscal_year: FiscalYear, basis: PriceBasis) -> Price:
    """One price of the rows of one year and basis: the row for all staff (no grade), else the lowest."""
    overall = rows[rows["grade"].isin(["", "全職員", "平均", "全体"])]
    chosen = (overall if not overall.empty else rows).sort_values(["yen_per_hour", "source"], kind="stable").iloc[0]
    yen = whole_yen(chosen["yen_per_hour"], place="wages.yen_per_hour")
    status = chosen["status"] or "sourced"
    note = "" if not overall.empty else "級別の単価のうち最も低いものを使っています。"
    computed = "（公表資料からの計算値）" if status == "derived" else ""
    sentence = f"人件費の単価は1時間{format_yen(yen)}（{fiscal_year.wareki}、{BASIS_NAMES[basis]}、出所：{chosen['source']}{computed}）です。{note}"
    return Price(yen_per_hour=yen, fiscal_year=fiscal_year.year, basis=basis, source=chosen["source"], status=status, sentence=sentence)


def records(frame: pd.DataFrame) -> list[Record]:
    """The rows as dictionaries by column name."""
    return cast("list[Record]", frame.to_dict("records"))


def text_column(frame: pd.DataFrame, name: str) -> pd.Series:
    """The column as stripped text, empty where missing or where the frame lacks it."""
    if name not in frame.columns:
        return pd.Series("", index=frame.index, dtype=object)
    return frame[name].map(lambda value: "" if pd.isna(value) else str(value).strip()).astype(object)


def whole_yen(value: object, *, place: str) -> int:
    """``value`` as whole yen.

    Raises
    ------
    DataError
        It is missing, or holds a fraction of a yen.
    """
    number = decimal_or_none(value)
    if number is None or number != number.to_integral_value():
        raise DataError("円の金額が空か、1円未満の端数があります", place=place, hint="円単位の整数で入れてください")
    return int(number)


def decimal_or_none(value: Any) -> Decimal | None:
    """``value`` as an exact decimal, None where missing."""
    if value is None or pd.isna(value):
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def checked_costs(costs: pd.DataFrame | None) -> pd.DataFrame:
    """The cost table with text columns filled and whole yen.

    Only 補正 may be negative, as books write a reduced budget (減額補正).

    Raises
    ------
    DataError
        A cost is negative or missing, or quantity times unit price is not the amount; the message names year and stage: the rows are not in
        the order of the file any more.
    """
    names = ("stage", "account", "project", "section", "detail", "quote_reference", "recurring", "funding", "course_id")
    if costs is None or costs.empty:
        return pd.DataFrame(columns=["fiscal_year", *names, "quantity", "unit_price", "yen"])
    rows = costs.reset_index(drop=True).copy()
    for name in names:
        rows[name] = text_column(rows, name)
    for name in ("quantity", "unit_price", "yen"):
        given = rows[name] if name in rows.columns else pd.Series(None, index=rows.index, dtype=object)
        rows[name] = pd.Series([decimal_or_none(value) for value in given], index=rows.index, dtype=object)
    rows["fiscal_year"] = rows["fiscal_year"].astype(int)
    rows["yen"] = pd.Series([_amount(row) for row in records(rows)], index=rows.index, dtype=object)
    _check_reduced(rows)
    return rows


def _check_reduced(rows: pd.DataFrame) -> None:
    """A budget can be reduced to nothing and no further."""
    budgets = rows[rows["stage"].isin(("当初", SUPPLEMENT))]
    for year in sorted(set(budgets["fiscal_year"].tolist())):
        if sum(budgets.loc[budgets["fiscal_year"] == year, "yen"]) < 0:
            place = f"costs（費用）の{FiscalYear(year).short}・{SUPPLEMENT}の行"
            raise DataError("補正で減らす額が、当初の額を超えています", place=place, hint="補正の金額か、当初の行の漏れを確かめてください")


def _amount(row: Record) -> int:
    stage = row["stage"]
    place = f"costs（費用）の{FiscalYear(int(row['fiscal_year'])).short}・{stage or '予算区分の記入なし'}の行"
    quantity, unit_price, yen = (decimal_or_none(row[name]) for name in ("quantity", "unit_price", "yen"))
    product = None if quantity is None or unit_price is None else quantity * unit_price
    if yen is None:
        yen = product
    amount = whole_yen(yen, place=place)
    if (amount < 0 and stage != SUPPLEMENT) or (quantity is not None and quantity < 0) or (unit_price is not None and unit_price < 0):
        raise DataError("費用が負の値です", place=place, hint="減額後の金額で入れてください（マイナスで書けるのは、予算区分が補正の行だけです）")
    if product is not None and product != amount:
        raise DataError("数量×単価が金額と一致しません", place=place, hint="数量・単価・金額（円）のどれかを直してください")
    return amount


def year_cost(costs: pd.DataFrame, *, fiscal_year: FiscalYear) -> tuple[pd.DataFrame, str]:
    """Rows of ``checked_costs`` that say what a year cost, and the stage: 決算, else 決算見込, else 当初と補正.

    Returns
    -------
    (DataFrame, str)
        Empty frame and empty text when the year has no cost.
    """
    year = costs[costs["fiscal_year"] == fiscal_year.year]
    for stages in SETTLED_STAGES:
        rows = year[year["stage"].isin(stages)]
        if set(stages) <= set(rows["stage"]):
            return rows, "と".join(stages)
    return year.iloc[:0], ""


def question_cost(rows: pd.DataFrame, *, courses: Collection[str], shared_part: float) -> int | None:
    """Yen of one question: all rows of its courses, and its part of the rows that name no course; None without any row."""
    own = rows[rows["course_id"].isin(list(courses))]
    shared = rows[rows["course_id"] == ""]
    if own.empty and shared.empty:
        return None
    return int(own["yen"].sum()) + int(int(shared["yen"].sum()) * shared_part)

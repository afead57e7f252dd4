"""Which month a column or row of a cross-tab is: 4月 of which year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from kdx_eval.errors import DataError
from kdx_eval.load.block_words import block_title
from kdx_eval.load.blocks import Row, Sheet
from kdx_eval.load.shapes import first_year, month_of, place_month, year_in


def dated_columns(
    sheet: Sheet, months: Sequence[tuple[int, int | dt.date]], *, labels: Sequence[str], above: Sequence[Row], title_first: bool
) -> tuple[list[tuple[int, dt.date]], tuple[str, ...]]:
    """Each month column with its first day, and remarks; a bare month takes the year over its column, of the mapping, of sheet, title or file.

    Raises DataError when a bare month has no year, or the same month stands twice without one.
    """
    bare = [month for _, month in months if isinstance(month, int)]
    over = _years_over(above, first=months[0][0], width=len(labels))
    calendar = bare[:1] == [1] and bare == sorted(bare) and bare[-1] > 3
    years: dict[int, int] = {}
    notes: tuple[str, ...] = ()
    if bare and over:
        years = over
    elif bare:
        year, calendar, notes = _one_year(sheet, block_title(above), january_first=calendar, title_first=title_first)
        years = dict.fromkeys(range(len(labels)), year)
    dated = [(index, place_month(month, years.get(index, 0), calendar=calendar)) for index, month in months]
    seen: dict[dt.date, int] = {}
    for index, day in dated:
        if day in seen:
            reason = f"見出し「{labels[index]}」の列が二つあります（{seen[day] + 1}列目と{index + 1}列目）"
            raise DataError(reason, place=sheet.place, hint="月の上の行に 令和6年度 のように年度を書くか、年度ごとにシートを分けてください")
        seen[day] = index
    return dated, notes


def _years_over(above: Sequence[Row], *, first: int, width: int) -> dict[int, int]:
    """Column -> year, from a row over the months in which years stand (令和5年度 over twelve months, then 令和6年度)."""
    for _, cells in reversed(above[-2:]):
        named = {index: year_in(cells[index]) for index in range(first, width) if cells[index]}
        if named and all(named.values()) and min(named) == first:
            found, latest = dict[int, int](), 0
            for index in range(first, width):
                here = named.get(index)
                latest = here[0] if here else latest
                found[index] = latest
            return found
    return {}


def _one_year(sheet: Sheet, title: str, *, january_first: bool, title_first: bool) -> tuple[int, bool, tuple[str, ...]]:
    said = sheet.said
    if said.year and (fixed := year_in(said.year)):
        return fixed[0], True, ()
    order = (title, sheet.title, *sheet.called) if title_first else (sheet.grid.sheet, title, sheet.called[1])
    fixed = year_in(said.fiscal_year) if said.fiscal_year else None
    found = fixed or first_year(order)
    if found is None:
        raise DataError("月だけで年度が書かれていません", place=sheet.place, hint="シート名を R6年度 のようにするか、表題に年度を書いてください")
    if january_first and not fixed:
        if found[1] != "年":
            hint = "見出しを 2025年1月 のように年から書くか、mapping.yaml の crosstab に fiscal_year: R6 か year: 2024 を書いてください"
            raise DataError("1月から始まる表で、1月から3月がどの年か決められません", place=sheet.place, hint=hint)
        return found[0], True, ("1月から始まるので、年度ではなく暦年の表として読みました",)
    others = {year[0] for year in map(year_in, order) if year and (year[1] == "年度" or year[0] == found[0])}
    differ = not fixed and len(others) > 1
    return found[0], False, ("注意: シート名・表題・ファイル名の年度が違います。シート名（重ねた表では表題）の年度で読みました",) if differ else ()


def months_of_rows(sheet: Sheet, body: Sequence[Row], *, column: int, title: str) -> tuple[dict[int, str], tuple[str, ...]]:
    """Line -> month (2024-04), and remarks; a bare month takes the year written left of it, which may be written once for its rows.

    Raises DataError when a bare month has no year, or the same month stands twice without one.
    """
    found = {line: month for line, cells in body if (month := month_of(cells[column])) is not None}
    bare = [month for month in found.values() if isinstance(month, int)]
    years: dict[int, int] = {}
    latest: int | None = None
    for line, cells in body:
        here = first_year(cells[:column])
        latest = here[0] if here else latest
        if latest is not None:
            years[line] = latest
    notes: tuple[str, ...] = ()
    calendar = False
    if bare and not years:
        calendar = bare[:1] == [1] and bare == sorted(bare) and bare[-1] > 3
        year, calendar, notes = _one_year(sheet, title, january_first=calendar, title_first=True)
        years = dict.fromkeys(found, year)
        if len(set(bare)) < len(bare):
            raise DataError("同じ月が二度あり、どの年度か分かりません", place=sheet.place, hint="月の左の列に 令和6年度 のように年度を書いてください")
    undated = next((line for line, month in found.items() if isinstance(month, int) and line not in years), None)
    if undated is not None:
        raise DataError("月だけで年度が書かれていません", place=f"{sheet.place} {undated}行", hint="月の左の列に 令和6年度 のように年度を書いてください")
    return {line: f"{place_month(month, years.get(line, 0), calendar=calendar):%Y-%m}" for line, month in found.items()}, notes

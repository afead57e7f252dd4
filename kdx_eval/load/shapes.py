"""What the texts around a cross-tab say: months, fiscal years, totals."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable

from kdx_eval.load.dates import Refusal, parse_fiscal_year, parse_month

_TOTAL = re.compile(
    r"(合計|小計|総計|総合計|計|全体|全庁|全庁計|市全体|市計|累計|total|subtotal)(時間数?|件数|人数|金額|額|全庁|全体|年間)?"
    r"|.{0,12}(部|局|課|所属|全庁|本庁|出先|機関|支所|年度|年間|期|全体)(合計|小計|計)"
)
_AROUND = re.compile(r"[\s()\[\]<>【】「」『』〈〉《》]")
_BARE_MONTH = re.compile(r"(1[0-2]|0?[1-9])月(分)?")
_YEAR_IN_TEXT = re.compile(r"((令和|平成|R|H)\s*(\d{1,2}|元)|(FY)?20\d{2})\s*(?P<ending>年度|年|度)?(?!\d)")
_WHOLE_DATE = re.compile(r"((令和|平成|R|H)\s*\d{1,2}|20\d{2})\s*[年/.-]\s*\d{1,2}\s*[月/.-]\s*\d{1,2}(?!\d)日?")
_YEAR_START = 4


def is_total(label: str) -> bool:
    """Whether a heading or a row is named as a sum: 合計, 総 合 計, ＜小計＞, 市民部計, 計（全庁）."""
    return bool(_TOTAL.fullmatch(_AROUND.sub("", unicodedata.normalize("NFKC", label)).lower()))


def month_of(cell: str) -> int | dt.date | None:
    """A bare month as a number, a dated one as its first day, None for anything else."""
    plain = unicodedata.normalize("NFKC", cell).strip().replace(" ", "")
    if found := _BARE_MONTH.fullmatch(plain):
        return int(found[1])
    if len(plain) < 4 or (plain.isdecimal() and len(plain) != 6):
        return None
    month = parse_month(plain)
    return None if isinstance(month, Refusal) else month


def place_month(month: int | dt.date, year: int, *, calendar: bool = False) -> dt.date:
    """The first day of ``month``; a bare January to March lies in the calendar year after that of its fiscal year."""
    if isinstance(month, dt.date):
        return month
    return dt.date(year if calendar or month >= _YEAR_START else year + 1, month, 1)


def year_in(written: str) -> tuple[int, str] | None:
    """The one year a text names and what follows it (年度, 年 or nothing); None when it names none or several (R5-R6)."""
    # The day on which a list was printed (2025/4/10 出力) says nothing about the year it is of.
    plain = _WHOLE_DATE.sub(" ", unicodedata.normalize("NFKC", written).replace("元", "1"))
    found: dict[bool, set[tuple[int, str]]] = {True: set(), False: set()}
    for match in _YEAR_IN_TEXT.finditer(plain):
        year = parse_fiscal_year(re.sub(r"\s", "", match[0]))
        if not isinstance(year, Refusal):
            found[match["ending"] == "年度"].add((year, match["ending"] or ""))
    # 令和7年5月集計 令和6年度時間外: what is called a fiscal year is one.
    for fiscal in (True, False):
        if found[fiscal]:
            return min(found[fiscal]) if len({year for year, _ in found[fiscal]}) == 1 else None
    return None


def first_year(texts: Iterable[str]) -> tuple[int, str] | None:
    """The year of the first text that names one; see `year_in`."""
    return next((found for text in texts if (found := year_in(text))), None)

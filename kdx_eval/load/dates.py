"""Dates, months and fiscal years as people type them: western, 和暦 by letter or name, kanji numerals, compact digits."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kdx_eval.load.rules import RULES


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell was not accepted; ``rule`` names a constant reason and hint, so no value can leak."""

    rule: str

    @property
    def reason(self) -> str:
        """What is wrong, in Japanese."""
        return RULES[self.rule][0]

    @property
    def hint(self) -> str:
        """How to mend it, in Japanese."""
        return RULES[self.rule][1]


_ERAS = {  # first and last day
    "M": (dt.date(1868, 1, 25), dt.date(1912, 7, 29)),
    "T": (dt.date(1912, 7, 30), dt.date(1926, 12, 24)),
    "S": (dt.date(1926, 12, 25), dt.date(1989, 1, 7)),
    "H": (dt.date(1989, 1, 8), dt.date(2019, 4, 30)),
    "R": (dt.date(2019, 5, 1), dt.date.max),
}
_NAMES = {"明治": "M", "大正": "T", "昭和": "S", "平成": "H", "令和": "R", "明": "M", "大": "T", "昭": "S", "平": "H", "令": "R"}
_ERA = r"(?P<era>明治|大正|昭和|平成|令和|[明大昭平令]|[MTSHRmtshr])"
_END = r"([\sT]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"
_WEEKDAY = r"(\s*\([月火水木金土日](・祝)?\))?"
_ERA_DATE = re.compile(rf"{_ERA}\s*(?P<y>\d{{1,2}})\s*[年./-]\s*(?P<m>\d{{1,2}})\s*[月./-]\s*(?P<d>\d{{1,2}})\s*日?{_WEEKDAY}{_END}")
_WESTERN_DATE = re.compile(rf"(?P<y>\d{{4}})\s*[年./-]\s*(?P<m>\d{{1,2}})\s*[月./-]\s*(?P<d>\d{{1,2}})\s*日?{_WEEKDAY}{_END}")
_COMPACT_DATE = re.compile(r"(?P<y>(19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})")
_ERA_COMPACT = re.compile(r"(?P<era>[TSHRtshr])(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})")
_SHORT_DATE = re.compile(r"\d{1,2}\s*[年./-]\s*\d{1,2}\s*[月./-]\s*\d{1,4}\s*日?")
_YEAR_LAST = re.compile(r"(?P<first>\d{1,2})[./-](?P<second>\d{1,2})[./-](?P<y>\d{4})")
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_ERA_MONTH = re.compile(rf"{_ERA}\s*(?P<y>\d{{1,2}})\s*[年./-]\s*(?P<m>\d{{1,2}})\s*月?(分|度)?")
_WESTERN_MONTH = re.compile(r"(?P<y>\d{4})\s*[年./-]\s*(?P<m>\d{1,2})\s*月?(分|度)?")
_FISCAL_MONTH = re.compile(rf"({_ERA}\s*(?P<e>\d{{1,2}})|(?P<y>(19|20)\d{{2}}))\s*年度\s*(?P<m>\d{{1,2}})月(分)?")
_SHORT_MONTH = re.compile(r"\d{1,2}\s*[年./-]\s*\d{1,2}\s*月?")
_COMPACT_MONTH = re.compile(r"(?P<y>(19|20)\d{2})(?P<m>\d{2})")
_ERA_YEAR = re.compile(rf"{_ERA}\s*(?P<y>\d{{1,2}})\s*(年度|年|度)?(当初|補正|決算)?")
_WESTERN_YEAR = re.compile(r"(FY)?\s*(?P<y>(19|20)\d{2})\s*(年度|年|度)?", re.IGNORECASE)
_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_YEAR_START = 4
_MONTHS = 12
DayOrder: TypeAlias = Literal["dmy", "mdy"]
_KANJI_RUN = re.compile("[〇零一二三四五六七八九十]+(?=[年月日])")


def day_order(texts: Iterable[str]) -> DayOrder | None:
    """Whether dates with the year last (15.4.2025, 4/15/2025) begin with the day or the month; None when no number above 12, or both places, tell."""
    found = [match for text in texts if (match := _YEAR_LAST.fullmatch(_tidy(text)))]
    first, second = (any(int(match[part]) > _MONTHS for match in found) for part in ("first", "second"))
    return None if first == second else "dmy" if first else "mdy"


def parse_date(text: str, *, order: DayOrder | None = None) -> dt.date | Refusal:
    """The day meant by ``text``; refused when the year is ambiguous (7.4.1), over (H31.5.1) or impossible.

    ``order`` says how dates with the year last are to be read; without it they are refused, since 4/1/2025 may be both.
    """
    plain = _tidy(text)
    if order and (found := _YEAR_LAST.fullmatch(plain)):
        month, day = (found["first"], found["second"]) if order == "mdy" else (found["second"], found["first"])
        return _day(int(found["y"]), int(month), int(day))
    if found := _ERA_DATE.fullmatch(plain) or _ERA_COMPACT.fullmatch(plain):
        return _era_day(found["era"], int(found["y"]), month=int(found["m"]), day=int(found["d"]))
    if found := _WESTERN_DATE.fullmatch(plain) or _COMPACT_DATE.fullmatch(plain):
        return _day(int(found["y"]), int(found["m"]), int(found["d"]))
    if _SHORT_DATE.fullmatch(plain):
        return Refusal("ambiguous_date")
    return Refusal("serial_number" if _SERIAL.fullmatch(plain) else "not_a_date")


def parse_month(text: str) -> dt.date | Refusal:
    """The first day of the month meant by ``text``: 2025-04, 202504, 2025年4月, R7.4, 令和7年4月, or a whole date.

    A month of a fiscal year lies in the calendar year after it from January to March: 令和6年度1月 is 2025-01.
    """
    plain = _tidy(text)
    if found := _FISCAL_MONTH.fullmatch(plain):
        return _fiscal_month(found)
    if found := _ERA_MONTH.fullmatch(plain):
        # A month of the changeover year is judged by its last day for the new era and its first for the old.
        return _era_month(found["era"], int(found["y"]), int(found["m"]))
    if found := _WESTERN_MONTH.fullmatch(plain) or _COMPACT_MONTH.fullmatch(plain.removesuffix(".0")):
        day = _day(int(found["y"]), int(found["m"]), 1)
        return Refusal("not_a_month") if isinstance(day, Refusal) else day
    if _SHORT_MONTH.fullmatch(plain):
        return Refusal("ambiguous_date")
    day = parse_date(text)
    if isinstance(day, Refusal):
        return day if day.rule in {"ambiguous_date", "era_over", "era_not_begun", "impossible_date", "serial_number"} else Refusal("not_a_month")
    return day.replace(day=1)


def parse_fiscal_year(text: str) -> int | Refusal:
    """The calendar year in which the fiscal year begins: 2025, R7, 令和7年度, FY2025; 平成31年度 and 令和元年度 are 2019."""
    plain = _tidy(text).removesuffix(".0")
    if found := _ERA_YEAR.fullmatch(plain):
        first, last = _ERAS[_letter(found["era"])]
        year = first.year + int(found["y"]) - 1
        if int(found["y"]) < 1:
            return Refusal("not_a_year")
        return Refusal("era_over") if year > last.year else year
    if found := _WESTERN_YEAR.fullmatch(plain):
        return int(found["y"])
    return Refusal("not_a_year")


def _tidy(text: str) -> str:
    # NFKC makes 令和 of ㋿ and digits of full-width ones.
    plain = unicodedata.normalize("NFKC", text).strip().replace("元年", "1年")
    plain = re.sub(r"(?<=[MTSHRmtshr])\.?元(?=[./-])", "1", plain)
    plain = re.sub(r"^([MTSHRmtshr])\.(?=\d)", r"\1", plain)
    return _KANJI_RUN.sub(lambda run: str(_from_kanji(run[0])), plain)


def _from_kanji(run: str) -> int:
    if "十" not in run:
        return int("".join(str(_DIGITS[char]) for char in run))
    tens, _, ones = run.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return 0  # not a number anybody writes; no date has the part 0, so it is refused
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


def _letter(era: str) -> str:
    return _NAMES.get(era, era.upper())


def _day(year: int, month: int, day: int) -> dt.date | Refusal:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return Refusal("impossible_date")


def _era_day(era: str, year: int, *, month: int, day: int) -> dt.date | Refusal:
    first, last = _ERAS[_letter(era)]
    if year < 1:
        return Refusal("impossible_date")
    found = _day(first.year + year - 1, month, day)
    if isinstance(found, Refusal):
        return found
    if found > last:
        return Refusal("era_over")
    return found if found >= first else Refusal("era_not_begun")


def _fiscal_month(found: re.Match[str]) -> dt.date | Refusal:
    year = int(found["y"]) if found["y"] else _ERAS[_letter(found["era"])][0].year + int(found["e"]) - 1
    month = int(found["m"])
    if found["era"] and year > _ERAS[_letter(found["era"])][1].year:
        return Refusal("era_over")
    day = _day(year if month >= _YEAR_START else year + 1, month, 1)
    return Refusal("not_a_month") if isinstance(day, Refusal) else day


def _era_month(era: str, year: int, month: int) -> dt.date | Refusal:
    first, last = _ERAS[_letter(era)]
    found = _day(first.year + year - 1, month, 1) if year >= 1 else Refusal("impossible_date")
    if isinstance(found, Refusal):
        return Refusal("not_a_month")
    if found > last:
        return Refusal("era_over")
    return found if found >= first.replace(day=1) else Refusal("era_not_begun")

"""Single values of a plan, as people type them; each converter raises a PlanError that names the key."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from kdx_eval.errors import ParameterError, PlanError
from kdx_eval.plan.types import nearest_hint
from kdx_eval.units import FiscalYear, Month

Converter: TypeAlias = Callable[[object, str], Any]

_ERA_OFFSETS = {"R": 2018, "令和": 2018, "H": 1988, "平成": 1988}
_FISCAL_YEAR = re.compile(r"(?:FY)?(20\d\d|19\d\d)(?:年度|年)?|(R|H|令和|平成)(\d{1,2}|元)(?:年度|年)?", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[\w\-]{1,40}")


def fields(raw: object, spec: Mapping[str, Converter], *, place: str) -> dict[str, Any]:
    """The given keys of a mapping, converted; unknown keys are refused with the nearest known one. Raises PlanError, naming the key, for anything else."""
    if not isinstance(raw, dict):
        raise PlanError("「キー: 値」の形になっていません", place=place, hint="kdx-eval plan new で作った見本と見比べてください")
    for key in raw:
        if key not in spec:
            raise PlanError("知らないキーがあります", place=_join(place, str(key)[:60]), hint=nearest_hint(str(key), list(spec)))
    return {key: spec[key](value, _join(place, key)) for key, value in raw.items()}


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def text(raw: object, place: str) -> str:
    """A non-empty text of one line or more; a bare number is taken as its digits. Raises PlanError, naming the key, for anything else."""
    if isinstance(raw, (str, int)) and not isinstance(raw, bool) and str(raw).strip():
        word = str(raw).strip()
        if word != visible(word):
            raise PlanError("制御文字が入っています", place=place, hint="見えない文字を消して書き直してください")
        return word
    raise PlanError("文字が入っていません", place=place, hint="値を書いてください")


def visible(word: str) -> str:
    """A text as it may stand in a plan: control characters and half characters become 〓."""
    return "".join("〓" if unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" else letter for letter in word)


def free_text(raw: object, place: str) -> str:
    """A text that may be empty."""
    return "" if raw is None or raw == "" else text(raw, place)


def optional_text(raw: object, place: str) -> str | None:
    """A text or nothing."""
    return None if raw is None else text(raw, place)


def identifier(raw: object, place: str) -> str:
    """An id of letters, digits, ``_`` and ``-``, since it becomes part of names of tables. Raises PlanError, naming the key, for anything else."""
    word = text(raw, place)
    if not _IDENTIFIER.fullmatch(word):
        raise PlanError("番号に使えない文字があります", place=place, hint="英数字・かな漢字と _ - で40字までにしてください")
    return word


def flag(raw: object, place: str) -> bool:
    """True or false. Raises PlanError, naming the key, for anything else."""
    if isinstance(raw, bool):
        return raw
    raise PlanError("true か false を書く所です", place=place, hint="引用符なしで true または false と書いてください")


def texts(raw: object, place: str) -> tuple[str, ...]:
    """A list of texts without repeats; a single text is a list of one. Raises PlanError, naming the key, for anything else."""
    items = raw if isinstance(raw, list) else [raw]
    words = tuple(text(item, place) for item in items)
    if len(set(words)) != len(words):
        raise PlanError("同じものが2度書かれています", place=place, hint="1つにまとめてください")
    return words


def number(low: float, high: float) -> Converter:
    """A converter for numbers in ``[low, high]``. Raises PlanError, naming the key, for anything else."""

    def convert(raw: object, place: str) -> float:
        if isinstance(raw, (int, float)) and not isinstance(raw, bool) and low <= raw <= high:
            return float(raw)
        raise PlanError(f"{low:g} から {high:g} までの数です", place=place, hint="値を確かめてください（割合は 0.15 のように書きます）")

    return convert


def whole(low: int, high: int) -> Converter:
    """A converter for integers in ``[low, high]``. Raises PlanError, naming the key, for anything else."""

    def convert(raw: object, place: str) -> int:
        if isinstance(raw, int) and not isinstance(raw, bool) and low <= raw <= high:
            return raw
        raise PlanError(f"{low} から {high} までの整数です", place=place, hint="値を確かめてください")

    return convert


def one_of(*words: str) -> Converter:
    """A converter for a closed list of words. Raises PlanError, naming the key, for anything else."""

    def convert(raw: object, place: str) -> str:
        if raw in words:
            return str(raw)
        raise PlanError("使えない値です", place=place, hint=nearest_hint(str(raw), list(words)))

    return convert


def optional(inner: Converter) -> Converter:
    """A converter that lets an empty value through as None."""
    return lambda raw, place: None if raw is None else inner(raw, place)


def month(raw: object, place: str) -> Month:
    """``2025-04``, or a date in that month. Raises PlanError, naming the key, for anything else."""
    if isinstance(raw, dt.date):
        return Month.of_date(raw)
    if isinstance(raw, str):
        try:
            return Month.parse(unicodedata.normalize("NFKC", raw).strip())
        except ParameterError:
            pass
    raise PlanError("月の書き方が違います", place=place, hint="2025-04 のように書いてください")


def fiscal_year(raw: object, place: str) -> FiscalYear:
    """``2027``, ``R9`` or ``令和9年度``. Raises PlanError, naming the key, for anything else."""
    found = None if isinstance(raw, bool) else _FISCAL_YEAR.fullmatch(unicodedata.normalize("NFKC", str(raw)).strip())
    if found is None:
        raise PlanError("年度の書き方が違います", place=place, hint="2027、R9、令和9年度 のいずれかで書いてください")
    western, era, number_in_era = found.groups()
    if western:
        return FiscalYear(int(western))
    year = 1 if number_in_era == "元" else int(number_in_era)
    if year == 0:
        raise PlanError("年度の書き方が違います", place=place, hint="元年度は R1 または 令和元年度 と書いてください")
    return FiscalYear(_ERA_OFFSETS[era.upper()] + year)


def window(raw: object, place: str) -> tuple[Month | None, Month | None]:
    """``[2022-04, 2026-03]``; either end may be empty. Raises PlanError, naming the key, for anything else."""
    if not isinstance(raw, list) or len(raw) != 2:
        raise PlanError("始めと終わりの2つの月を書く所です", place=place, hint="[2022-04, 2026-03] のように書いてください")
    first, last = (None if end is None else month(end, place) for end in raw)
    if first is not None and last is not None and last < first:
        raise PlanError("終わりの月が始めの月より前です", place=place, hint="順番を確かめてください")
    return first, last


def periods(raw: object, place: str) -> tuple[tuple[Month, Month], ...]:
    """A list of ``[2020-04, 2023-05]``, both ends included. Raises PlanError, naming the key, for anything else."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise PlanError("期間の一覧を書く所です", place=place, hint="- [2020-04, 2023-05] のように1行に1つ書いてください")
    found = []
    for item in raw:
        first, last = window(item, place)
        if first is None or last is None:
            raise PlanError("除く期間には両端が要ります", place=place, hint="[2020-04, 2023-05] のように書いてください")
        found.append((first, last))
    return tuple(found)


def smallest_effect(raw: object, place: str) -> float | Literal["break_even"]:
    """A positive size in the outcome's unit, or ``break_even``. Raises PlanError, naming the key, for anything else."""
    if raw == "break_even":
        return "break_even"
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and 0 < raw < 1e9:
        return float(raw)
    raise PlanError("正の数か break_even です", place=place, hint="費用に見合う大きさを自動で使うなら break_even と書いてください")

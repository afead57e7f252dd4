"""Writing the city's files the way departments export them: encodings, wareki, full-width digits, planted faults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kdx_eval.units import Month

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

UNKNOWN_DEPARTMENT = "009999"
NOTICE = "合成データ（架空の市。実在の職員・組織・金額ではない）"
_CREATED = dt.datetime(2026, 4, 1)  # fixed, so that the same city gives the same bytes
_FULL_WIDTH = str.maketrans("0123456789.R", "０１２３４５６７８９．Ｒ")

_ERAS = (("R", dt.date(2019, 5, 1)), ("H", dt.date(1989, 1, 8)), ("S", dt.date(1926, 12, 25)))
_ERA_NAMES = {"R": "令和", "H": "平成", "S": "昭和"}
DateStyle = Literal["short", "long", "slash", "iso", "wide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row that does not belong: where it is inserted (0 is the first data row), what it says, what is wrong."""

    position: int
    row: Mapping[str, object]
    column: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Where a faulty row stands: ``row`` is the physical line or sheet row, counted from 1."""

    file: str
    sheet: str
    row: int
    column: str
    kind: str


def plant(frame: pd.DataFrame, faults: Sequence[Fault], *, file: str) -> tuple[pd.DataFrame, list[Planted]]:
    """The frame with the faulty rows inserted, and where they stand in a CSV with one header line."""
    pieces, planted, start = [], [], 0
    for extra, fault in enumerate(sorted(faults, key=lambda fault: fault.position)):
        position = min(fault.position, len(frame))
        blank = dict.fromkeys(frame.columns, "")
        pieces += [frame.iloc[start:position], pd.DataFrame([blank | dict(fault.row)], dtype=object)]
        planted.append(Planted(file=file, sheet="", row=position + extra + 2, column=fault.column, kind=fault.kind))
        start = position
    pieces.append(frame.iloc[start:])
    return pd.concat([piece.astype(object) for piece in pieces], ignore_index=True), planted


def write_csv(frame: pd.DataFrame, path: Path, *, encoding: str) -> None:
    """CSV with CRLF line ends, as exports from Windows systems have; characters outside cp932 become 〓."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = frame.to_csv(index=False, lineterminator="\r\n")
    if encoding == "cp932":
        text = text.replace("𠮷", "〓")  # HR systems print a character of their own (外字) as 〓
    path.write_bytes(text.encode(encoding))


def new_workbook(path: Path) -> Workbook:
    """A workbook whose bytes depend on its content only."""
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": _CREATED, "comments": NOTICE})
    return book


def date_texts(days: ArrayLike, styles: Sequence[DateStyle]) -> list[str]:
    """Each day written in the style of the same place: R6.4.1, 令和6年4月1日, 2024/4/1, 2024-04-01, Ｒ６．４．１.

    A missing day (NaT) is written as an empty cell.
    """
    written: dict[tuple[object, DateStyle], str] = {}
    texts = []
    for day, style in zip(np.asarray(days).astype("datetime64[D]").tolist(), styles, strict=True):
        key = (day, style)
        if key not in written:
            written[key] = _date_text(day, style) if day is not None else ""
        texts.append(written[key])
    return texts


def _date_text(day: dt.date, style: DateStyle) -> str:
    era, year = next((letter, day.year - first.year + 1) for letter, first in _ERAS if day >= first)
    if style == "iso":
        return day.isoformat()
    if style == "slash":
        return f"{day.year}/{day.month}/{day.day}"
    if style == "long":
        return f"{_ERA_NAMES[era]}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    short = f"{era}{year}.{day.month}.{day.day}"
    return short.translate(_FULL_WIDTH) if style == "wide" else short


def month_text(month: Month) -> str:
    """令和6年4月."""
    return f"令和{month.year - 2018}年{month.month}月"


def full_width(text: str) -> str:
    """Digits and points in full width."""
    return text.translate(_FULL_WIDTH)


def draw_styles(rng: np.random.Generator, count: int, **weights: float) -> list[DateStyle]:
    """``count`` date styles drawn with the given weights, as several people type them."""
    styles: list[DateStyle] = ["short", "long", "slash", "iso", "wide"]
    chance = np.array([weights.get(style, 0.0) for style in styles])
    return [styles[k] for k in rng.choice(len(styles), count, p=chance / chance.sum())]

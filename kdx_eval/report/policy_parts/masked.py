"""How a figure of a group of persons is printed: the figure, 秘匿 where fewer than ten stand behind it, or that there is no data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kdx_eval.units import format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.report.ledger import LedgerBook

HIDDEN, NO_DATA, NO_VALUE = "秘匿", "データなし", "－"


def persons_text(persons: int | None) -> str:
    """``785人``, ``秘匿`` or ``データなし``."""
    return HIDDEN if persons is None else f"{format_number(persons)}人" if persons else NO_DATA


def count_text(persons: int | None, unit: str = "人") -> str:
    """``0人`` is said where zero is known; None is masked."""
    return HIDDEN if persons is None else f"{format_number(persons)}{unit}"


def value_text(value: float | None, persons: int | None, *, shown: Callable[[float], str]) -> str:
    """The value in its own format, unless it is masked or was not measured."""
    if persons is None:
        return HIDDEN
    return NO_DATA if persons == 0 else NO_VALUE if value is None else shown(value)


def share_text(share: float) -> str:
    """A share without decimals."""
    return format_share(share, 0)


def points_text(points: float) -> str:
    """A score or a difference of scores with two decimals."""
    return format_number(points, 2)


def signed_text(points: float) -> str:
    """The same with its sign: ``+0.28``, ``△0.40``."""
    text = points_text(points)
    return text if text.startswith("△") or not any(digit in text for digit in "123456789") else f"+{text}"


def enter_spread(book: LedgerBook, name: str, *, spread: object, fields: tuple[str, ...]) -> None:
    """Enter the named indicators of a `Spread` under ``name``."""
    persons: int | None = getattr(spread, "persons", None)
    if "persons" in fields:
        book.figure(f"{name}.persons", persons, text=persons_text(persons), unit="人", label="評価を受けた人", inputs=("skills", "tiers"))
    for field, (label, unit, shown) in SPREAD.items():
        if field in fields:
            value: float | None = getattr(spread, field)
            book.figure(f"{name}.{field}", value, text=value_text(value, persons, shown=shown), unit=unit, label=label, inputs=("skills", "tiers"))


SPREAD: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "attained": ("必要水準に達した割合", "割合", share_text),
    "below": ("必要水準に満たない割合", "割合", share_text),
    "gap": ("平均と必要水準の差", "点", signed_text),
    "mean": ("平均", "点", points_text),
    "deviation": ("標準偏差", "点", points_text),
    "width": ("P90－P10", "点", points_text),
    "floor": ("最低点の割合", "割合", share_text),
    "ceiling": ("最高点の割合", "割合", share_text),
}

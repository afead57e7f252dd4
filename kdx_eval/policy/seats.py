"""Cost per seat alone and jointly: classes are paid whole, seats in them are filled together."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kdx_eval.errors import ParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatCost:
    """What a course costs alone and held together with others.

    Attributes
    ----------
    classes_alone, classes_jointly : int
        Classes that the city pays alone; classes with the partners, who fill the free seats first.
    yen_alone, yen_jointly : float
        Yen per seat of this city.
    saved_yen : int
        Less for this city, its share of the joint fee being its share of the seats.
    """

    course: str
    fee_yen: int
    capacity: int
    own_seats: int
    partner_seats: int
    classes_alone: int
    classes_jointly: int
    yen_alone: float
    yen_jointly: float
    saved_yen: int


def seat_cost(course: str, *, fee_yen: int, capacity: int, own_seats: int, partner_seats: int, classes: int | None = None) -> SeatCost:
    """Fee per class x whole classes, divided by seats.

    Parameters
    ----------
    classes : int, optional
        Classes that the city holds; by default as few as hold its seats.

    Raises
    ------
    ParameterError
        A number is not above zero (the partners' seats: below zero), or the classes do not hold the seats.
    """
    if fee_yen <= 0 or capacity <= 0 or own_seats <= 0 or partner_seats < 0:
        raise ParameterError("1回の額・定員・席数は0より大きい数です", place=course, hint="費用の数量（回数）と受講者数を確かめてください")
    alone = math.ceil(own_seats / capacity) if classes is None else classes
    free = alone * capacity - own_seats
    if free < 0:
        raise ParameterError("席数が定員×回数を超えています", place=course, hint="研修の実施計画の1回の定員か、費用の数量（回数）を確かめてください")
    jointly = alone + math.ceil(max(0, partner_seats - free) / capacity)
    share = fee_yen * jointly * own_seats / (own_seats + partner_seats)
    return SeatCost(
        course=course, fee_yen=fee_yen, capacity=capacity, own_seats=own_seats, partner_seats=partner_seats, classes_alone=alone, classes_jointly=jointly,
        yen_alone=fee_yen * alone / own_seats, yen_jointly=share / own_seats, saved_yen=math.floor(fee_yen * alone - share),
    )  # fmt: skip

"""満額・減額・見送り: what each forgoes in seats and hours, and line by line of the books."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kdx_eval.budget.lines import group_by_item
from kdx_eval.budget.parts import Outlook
from kdx_eval.budget.types import CostLine, CutLine, CutName, CutOption
from kdx_eval.budget.worth import yen_of
from kdx_eval.evidence import Price
from kdx_eval.schema import parameter
from kdx_eval.units import format_hours, format_number, format_share, round_half_up


def make_cuts(request_yen: int | None, previous_yen: int | None, *, seats: int | None, outlook: Outlook, price: Price | None) -> tuple[CutOption, ...]:
    """満額, 減額 (to last year's amount where that is lower, else by a fifth) and 見送り; empty without a request.

    Only the hours of the request year's own attendees are forgone: those trained before keep theirs. Where the forecast rests on an assumption
    or on nothing, no hours are named.
    """
    if request_yen is None or request_yen <= 0:
        return ()
    same = previous_yen is not None and 0 < previous_yen < request_yen
    cut = float(parameter("assumed_cut_share").value)
    reduced = previous_yen if same and previous_yen is not None else int(round_half_up(request_yen * (1 - cut)))
    basis = "前年度当初予算と同額" if same else f"要求額の{format_share(cut, 0)}減と仮定"
    hours = _new_hours(outlook, price=price)
    return (
        _cut("満額", request_yen, request_yen=request_yen, seats=seats, hours=hours, basis=""),
        _cut("減額", reduced, request_yen=request_yen, seats=seats, hours=hours, basis=basis),
        _cut("見送り", 0, request_yen=request_yen, seats=seats, hours=hours, basis=""),
    )


@dataclass(frozen=True, slots=True)
class _NewHours:
    """Hours that depend on the request: low, middle, high, and the price behind the middle."""

    low: float
    middle: float
    high: float
    yen_per_hour: int | None

    def times(self, share: float) -> _NewHours:
        """The same share of each."""
        return _NewHours(self.low * share, self.middle * share, self.high * share, self.yen_per_hour)


def _new_hours(outlook: Outlook, *, price: Price | None) -> _NewHours | None:
    if not outlook.measured or outlook.central is None or outlook.central.new_hours <= 0:
        return None
    yen_per_hour = None if price is None else price.yen_per_hour
    low, middle, high = sorted(case.new_hours for case in outlook.cases)
    return _NewHours(low, middle, high, yen_per_hour)


def _cut(name: CutName, yen: int, *, request_yen: int, seats: int | None, hours: _NewHours | None, basis: str) -> CutOption:
    lost = 1 - yen / request_yen
    forgone_seats = None if seats is None else math.ceil(seats * lost)
    left = None if seats is None else seats - (forgone_seats or 0)
    forgone = None if hours is None else hours.middle * lost
    return CutOption(
        name=name,
        yen=yen,
        seats=left,
        forgone_seats=forgone_seats,
        forgone_hours=forgone,
        forgone_low=None if hours is None else hours.low * lost,
        forgone_high=None if hours is None else hours.high * lost,
        forgone_yen=None if forgone is None or hours is None or hours.yen_per_hour is None else yen_of(forgone, yen_per_hour=hours.yen_per_hour),
        sentence=_cut_sentence(name, forgone_seats=forgone_seats, hours=None if hours is None else hours.times(lost), basis=basis),
    )


def _cut_sentence(name: CutName, *, forgone_seats: int | None, hours: _NewHours | None, basis: str) -> str:
    if name == "満額":
        return "計画どおり実施します。"
    places = "受講できる人数は示せません" if forgone_seats is None else f"延べ{format_number(forgone_seats)}人が受講できません（見込み、金額に比例）"
    if hours is None:
        freed = "時間への影響は、効果とその続き方を測れた結果がまだないため示しません"
    else:
        freed = f"生まれる時間は年{format_hours(hours.middle)}（{format_number(hours.low)}～{format_hours(hours.high)}）減ります（見込み）"
    plan = "来年度に効果を確かめる計画も実施できません。" if name == "見送り" else ""
    return f"{basis + '。' if basis else ''}{places}。{freed}。{plan}"


def cut_lines(lines: tuple[CostLine, ...], previous: tuple[CostLine, ...], *, reduced_yen: int | None) -> tuple[CutLine, ...]:
    """Each 節・細節 of the request under 満額, 減額 and 見送り; every column adds up to its option to the yen.

    The cut falls on what grew against the year before, in proportion; where that is less than the cut, on every line in proportion to its
    amount. It is a proposal: which lines are cut is for the finance division to decide. Rounding is of running sums, so that the whole yen add up.
    Empty without a request or a reduced amount.
    """
    if reduced_yen is None or not lines:
        return ()
    now, before = group_by_item(lines), group_by_item(previous)
    items = sorted(now)
    full = [sum(line.yen for line in now[item]) for item in items]
    earlier = [sum(line.yen for line in before.get(item, ())) for item in items]
    grown = [max(0, yen - old) for yen, old in zip(full, earlier, strict=True)]
    cut = sum(full) - reduced_yen
    parts = share_running(cut, grown if sum(grown) >= cut else full)
    return tuple(_line(item, now[item], amounts=amounts) for item, *amounts in zip(items, full, earlier, parts, strict=True))


def share_running(total: int, weights: Sequence[int]) -> list[int]:
    """Whole yen in proportion to ``weights``, each the difference of two rounded running sums, so that they add up to ``total``."""
    whole = sum(weights)
    if whole <= 0:
        return [0] * len(weights)
    sums, running = [0], 0
    for weight in weights:
        running += weight
        sums.append((2 * total * running + whole) // (2 * whole))
    return [after - before for before, after in pairwise(sums)]


def _line(item: tuple[str, str], lines: Sequence[CostLine], *, amounts: Sequence[int]) -> CutLine:
    yen, before, cut = amounts
    return CutLine(
        section=item[0],
        detail=item[1],
        full_yen=yen,
        before_yen=before,
        grown_yen=max(0, yen - before),
        reduced_yen=yen - cut,
        forgone_yen=cut,
        sentence=_line_sentence(lines, yen=yen, cut=cut),
    )


def _line_sentence(lines: Sequence[CostLine], *, yen: int, cut: int) -> str:
    """What the cut takes from a line: in its own quantity where it is one quantity at one price."""
    if not cut:
        return "減らしません"
    if cut == yen:
        return "すべて取りやめます"
    quantity, price = (lines[0].quantity, lines[0].unit_price) if len(lines) == 1 else (None, None)
    if quantity is None or not price:
        return f"この細節の{format_share(cut / yen, 0)}を取りやめます"
    whole, lost = float(quantity), float(cut / price)
    digits = 0 if lost == round(lost) else 1
    return f"数量{format_number(whole, 0 if whole == round(whole) else 1)}のうち{format_number(lost, digits)}を取りやめます"

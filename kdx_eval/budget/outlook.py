"""見込み of the request year: the effect for each attendee x attendees x persistence, corrected by how earlier promises fared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from kdx_eval.budget.full_cost import CoursePlan, read_plans
from kdx_eval.budget.parts import KeptShare, Outlook, OutlookCase, OutlookLine, OutlookName, YenRange
from kdx_eval.budget.types import TOTAL_CLAIM, PriorClaim
from kdx_eval.evidence import Price, course_keys
from kdx_eval.evidence.price import text_column
from kdx_eval.plan import Plan
from kdx_eval.savings import Savings, SavingsLine
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, round_half_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One counted question with what carries its hours into the request year."""

    line: OutlookLine
    half_width: float

    def weights(self, persistence: float, *, years: int) -> tuple[float, float]:
        """Multiples of the measured hours: of those trained before, and of the request year's attendees.

        The effect is multiplied by ``persistence`` once for each year after the evaluated one, and once for the request year's own
        attendees, some of whom are trained late in the year or transferred.
        """
        between = self.line.between / self.line.attended * persistence
        return persistence**years + between, self.line.planned / self.line.attended * persistence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """What a forecast multiplies by: attendees, price, earlier promises, what is left after a year, and the sentence on that."""

    reach: pd.DataFrame | None
    course_plans: pd.DataFrame | None
    price: Price | None
    prior: tuple[PriorClaim, ...]
    kept: KeptShare | None
    kept_sentence: str


def forecast_year(savings: Savings, *, plan: Plan, basis: Basis) -> Outlook:
    """The forecast of the request year.

    Every question of the total is carried forward with its sign. Without a claim on hours, without attendance records to scale by, or where
    nothing is known of how long the effect lasts, there are no cases, and the sentence says why.
    """
    request, reach = plan.request_fiscal_year, basis.reach
    correction, sentence = find_correction(basis.prior)
    carried, known = carry_forward(savings, plan=plan, reach=reach, course_plans=basis.course_plans)
    seats = sum(one.line.planned for one in carried) or None
    outlook = Outlook(
        fiscal_year=request.year,
        lines=tuple(one.line for one in carried),
        cases=(),
        correction=correction,
        correction_sentence=sentence,
        attendance_hours=_planned_attendance(carried, plan=plan, reach=reach, savings=savings),
        planned_seats=seats,
        planned_known=known,
        sentence="効果があると言える結果がまだないため、要求年度に生まれる時間の見込みは立てません。",
    )
    if not savings.may_claim:
        return outlook
    if not carried:
        return replace(outlook, sentence="受講者数の記録がないため、要求年度に生まれる時間の見込みは立てられません。")
    if basis.kept is None:
        return replace(outlook, sentence=f"要求年度に生まれる時間の見込みは立てません。{basis.kept_sentence}")
    world = _World(carried=carried, correlation=savings.correlation, correction=correction, years=request.year - savings.fiscal_year, price=basis.price)
    shares: Mapping[OutlookName, float] = {"低位": basis.kept.low, "中位": basis.kept.central, "高位": basis.kept.high}
    cases = tuple(_case(name, share, world=world) for name, share in shares.items())
    told = _sentence(cases, request=request, known=known, seats=seats)
    doubt = "" if basis.kept.measured else "前提（出典なし・未検証）による参考です。"
    return replace(outlook, cases=cases, measured=basis.kept.measured, sentence=f"{doubt}{told}")


def find_correction(prior: tuple[PriorClaim, ...]) -> tuple[float, str]:
    """The realised share of all promises that are due, within 0 and 1, and a sentence on it; 1 without any."""
    due = [one for one in prior if one.result_hours is not None and one.claimed_hours]
    whole = [one for one in due if one.claim_id == TOTAL_CLAIM]
    claimed = sum(one.claimed_hours or 0.0 for one in whole or due)
    if claimed <= 0:
        return 1.0, "前年度までの見込みと実績の記録がないため、見込みの補正はしていません。"
    share = sum(one.result_hours or 0.0 for one in whole or due) / claimed
    used = min(1.0, max(0.0, share))
    capped = "。1を超える分は見込みに使いません" if share > 1 else "。マイナスのため0として扱います" if share < 0 else ""
    return used, f"前の見込みに対する実績は{format_share(share, 0)}でした{capped}。今回の見込みには{format_number(used, 2)}を掛けています。"


def carry_forward(savings: Savings, *, plan: Plan, reach: pd.DataFrame | None, course_plans: pd.DataFrame | None) -> tuple[tuple[Carried, ...], bool]:
    """The counted questions with their attendees, and whether the city gave the planned ones; empty when attendees are not known."""
    counted = [line for line in savings.lines if line.in_total and line.saved is not None]
    if reach is None or reach.empty or not counted:
        return (), False
    plans = read_plans(course_plans, fiscal_year=plan.request_fiscal_year)
    found, known = [], []
    for line in counted:
        courses = course_keys(plan.question(line.question_id).courses, reach=reach)
        between = sum(_enrolled_or_planned(reach, courses, year=year, course_plans=course_plans) for year in _years_between(plan))
        one, given = _carried(line, courses=courses, plan=plan, reach=reach, plans=plans, between=between)
        if one is None:
            return (), False
        found.append(one)
        known.append(given)
    return tuple(found), all(known)


def _years_between(plan: Plan) -> range:
    return range(plan.evaluated_fiscal_year.year + 1, plan.request_fiscal_year.year)


def _enrolled_or_planned(reach: pd.DataFrame, courses: frozenset[str], *, year: int, course_plans: pd.DataFrame | None) -> int:
    """Enrolments of a year after the evaluated one; a year that has only begun is taken as planned where that is more."""
    planned = sum(one.planned or 0 for one in read_plans(course_plans, fiscal_year=FiscalYear(year)) if one.course in courses)
    return max(planned, _enrolled(reach, courses, first=year, last=year))


def _carried(
    line: SavingsLine, *, courses: frozenset[str], plan: Plan, reach: pd.DataFrame, plans: Sequence[CoursePlan], between: int
) -> tuple[Carried | None, bool]:
    assert line.saved is not None
    evaluated = plan.evaluated_fiscal_year.year
    attended = _enrolled(reach, courses, first=0, last=evaluated)
    if attended <= 0 or not math.isfinite(line.saved.std_error):
        return None, False
    planned = [one.planned for one in plans if one.course in courses and one.planned is not None]
    latest = _enrolled(reach, courses, first=evaluated, last=evaluated)
    half = (line.saved.conf_high - line.saved.conf_low) / 2
    shown = OutlookLine(
        question_id=line.question_id,
        title=line.title,
        hours=line.saved.hours,
        attended=attended,
        between=between,
        planned=sum(planned) if planned else latest,
        hours_per_attendee=line.saved.hours / attended,
    )
    return Carried(line=shown, half_width=half), bool(planned)


def _enrolled(reach: pd.DataFrame, courses: frozenset[str], *, first: int, last: int) -> int:
    years = reach["fiscal_year"].astype(int)
    rows = reach[(text_column(reach, "course_id").isin(courses) | text_column(reach, "course_name").isin(courses)) & (years >= first) & (years <= last)]
    return int(rows["n_enrolled"].fillna(0).sum())


def _planned_attendance(carried: tuple[Carried, ...], *, plan: Plan, reach: pd.DataFrame | None, savings: Savings) -> float:
    """Attendance of the evaluated year, scaled to the planned attendees; each course once."""
    if reach is None or not carried:
        return 0.0
    keys = frozenset().union(*(course_keys(plan.question(one.line.question_id).courses, reach=reach) for one in carried))
    latest = _enrolled(reach, keys, first=savings.fiscal_year, last=savings.fiscal_year)
    planned = sum({plan.question(one.line.question_id).courses: one.line.planned for one in carried}.values())
    return savings.attendance_hours * planned / latest if latest else 0.0


def forecast_hours(
    carried: Sequence[Carried], persistence: float, *, correlation: Sequence[Sequence[float]], correction: float, years: int
) -> tuple[float, float, float]:
    """(hours of those trained before, hours of new attendees, half width of the 95 % interval of both), corrected."""
    before = after = variance = 0.0
    spread = []
    for one in carried:
        old, new = one.weights(persistence, years=years)
        before += old * one.line.hours
        after += new * one.line.hours
        spread.append((old + new) * one.half_width)
    for row, left in enumerate(spread):
        for column, right in enumerate(spread):
            variance += left * right * correlation[row][column]
    return before * correction, after * correction, math.sqrt(max(0.0, variance)) * correction


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What all cases share."""

    carried: Sequence[Carried]
    correlation: Sequence[Sequence[float]]
    correction: float
    years: int
    price: Price | None


def _case(name: OutlookName, share: float, *, world: _World) -> OutlookCase:
    before, new, half = forecast_hours(world.carried, share, correlation=world.correlation, correction=world.correction, years=world.years)
    total = before + new
    value = None
    if world.price is not None:
        middle, low, high = (int(round_half_up(hours * world.price.yen_per_hour)) for hours in (total, total - half, total + half))
        value = YenRange(yen=middle, low=low, high=high)
    return OutlookCase(name=name, persistence=share, carried_hours=before, new_hours=new, hours=total, low=total - half, high=total + half, value=value)


def _sentence(cases: tuple[OutlookCase, ...], *, request: FiscalYear, known: bool, seats: int | None) -> str:
    low, middle, high = cases
    whose = "予定" if known else "評価年度と同じと仮定"
    return (
        f"{request.wareki}の見込みは年{format_hours(middle.hours)}（低位{format_hours(low.hours)}、高位{format_hours(high.hours)}）、"
        f"うち要求年度の受講者（{whose}、延べ{format_number(seats or 0)}人）による分は{format_hours(middle.new_hours)}です。見込みであり、実績には加えません。"
    )

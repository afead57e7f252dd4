"""What staff hours are worth in yen, when they pay the cost, and how far that depends on the assumptions.

The value of hours is a reference figure (人件費換算): it does not leave the budget. Forecasts are never added to actuals.
"""

from __future__ import annotations

import math
from dataclasses import replace

from kdx_eval.budget.parts import KeptShare, YenRange
from kdx_eval.budget.types import BreakEven, Scenario, SwitchingValue
from kdx_eval.errors import ParameterError
from kdx_eval.evidence import Price
from kdx_eval.savings import Hours, Savings
from kdx_eval.schema import parameter
from kdx_eval.units import format_hours, format_number, format_yen, round_half_up

HORIZONS = (1, 3, 5)
DISCOUNT_PARAMETERS = ("discount_rate", "discount_rate_low_2", "discount_rate_low_1")
BASE_YEARS = 3


def annuity(years: int, *, rate: float, retention: float = 1.0) -> float:
    """Present value of one yen at the end of each of ``years`` years, of which ``retention`` is left after each further year.

    With retention 1 the ordinary annuity: 4.4518 for five years at 4 %. With rate 0 and retention 1 the convention of the
    JRI (冨島 2022), hours x price x years.

    Raises
    ------
    ParameterError
        The years are not positive, the rate is not above -1, or the retention lies outside 0 to 1.
    """
    if years < 1 or rate <= -1 or not 0 <= retention <= 1:
        raise ParameterError("年数は1以上、割引率は-1より大きく、残る割合は0〜1です", place="annuity", hint="値を確かめてください")
    return math.fsum(retention ** (year - 1) / (1 + rate) ** year for year in range(1, years + 1))


def net_present_yen(hours: float, *, attendance_hours: float, yen_per_hour: float, case: tuple[int, float, float], cost_yen: float) -> float:
    """What a scenario is worth less its cost, unrounded: (hours x factor - attendance / (1 + rate)) x price - cost.

    ``case`` is (years, discount rate, retention). Attendance is spent once, in the first year; the cost is paid at the start.
    """
    years, rate, retention = case
    once = attendance_hours * annuity(1, rate=rate)
    return (hours * annuity(years, rate=rate, retention=retention) - once) * yen_per_hour - cost_yen


def find_payback(hours: float, *, attendance_hours: float, yen_per_hour: float, case: tuple[int, float, float], cost_yen: float) -> float | None:
    """Years until the discounted value has paid cost and attendance, counted evenly within a year; None when it does not in time."""
    years, rate, retention = case
    left = cost_yen + attendance_hours * annuity(1, rate=rate) * yen_per_hour
    for year in range(1, years + 1):
        gained = hours * retention ** (year - 1) / (1 + rate) ** year * yen_per_hour
        if gained > 0 and left <= gained:
            return year - 1 + left / gained
        left -= gained
    return None


def conventional_yen(hours: float, *, yen_per_hour: int, years: int, cost_cut_yen: int = 0) -> int:
    """The effect as usual in requests for DX (JRI, 冨島 2022): hours x price x years, and costs that fall.

    Neither discount, decay nor comparison is in it; shown only beside the scenarios, never instead of them.
    """
    return yen_of(hours * years, yen_per_hour=yen_per_hour) + cost_cut_yen


def yen_of(hours: float, *, yen_per_hour: int) -> int:
    """Hours in whole yen, rounded half up."""
    return int(round_half_up(hours * yen_per_hour))


def value_hours(hours: Hours | None, *, price: Price | None) -> YenRange | None:
    """Yen of the hours with the interval; None without price or interval, since no yen may stand without its width."""
    if hours is None or price is None or not math.isfinite(hours.std_error):
        return None
    low, middle, high = (yen_of(one, yen_per_hour=price.yen_per_hour) for one in (hours.conf_low, hours.hours, hours.conf_high))
    return YenRange(yen=middle, low=low, high=high)


def find_break_even(cost_yen: int | None, *, price: Price | None, attendance_hours: float, persons: int | None) -> BreakEven | None:
    """分岐点: the hours at which the value equals the cost, attendance included; None without cost or price."""
    if cost_yen is None or price is None:
        return None
    hours = cost_yen / price.yen_per_hour + attendance_hours
    minutes = hours * 60 / (persons * 12) if persons else None
    each = f"（受講者1人1月当たり{format_number(minutes, 1)}分、延べ{format_number(persons or 0)}人）" if minutes is not None else ""
    return BreakEven(
        cost_yen=cost_yen,
        hours_per_year=hours,
        minutes_per_person_month=minutes,
        persons=persons,
        sentence=f"分岐点：年{format_hours(hours)}{each}の時間が生まれれば、費用{format_yen(cost_yen)}と受講時間に釣り合います（人件費換算、参考）。",
    )


def make_scenarios(savings: Savings, *, price: Price | None, cost_yen: int | None, kept: KeptShare | None) -> tuple[Scenario, ...]:
    """One, three and five years at 4, 2 and 1 % and the range of what is left after a year; empty without hours, price or cost.

    The hours created fade with retention; attendance is spent once, in the first year; the cost is paid at the start. Where nothing is known of
    how long the effect lasts there is only the one year.
    """
    if savings.created is None or price is None or cost_yen is None or not math.isfinite(savings.created.std_error):
        return ()
    rates = [float(parameter(name).value) for name in DISCOUNT_PARAMETERS]
    shares = () if kept is None else tuple(dict.fromkeys((kept.high, kept.central, kept.low)))
    cases = [(years, rate, share) for years in HORIZONS for rate in rates for share in (shares if years > 1 else (1.0,))]
    attendance, yen_per_hour = savings.attendance_hours, price.yen_per_hour
    found = (_scenario(savings.created, case=case, attendance_hours=attendance, yen_per_hour=yen_per_hour, cost_yen=cost_yen) for case in cases)
    first = {(years, rates[0], 1.0 if years == 1 or kept is None else kept.central) for years in HORIZONS}
    return tuple(replace(one, base=(one.years, one.discount_rate, one.retention) in first) for one in found)


def _scenario(created: Hours, *, case: tuple[int, float, float], attendance_hours: float, yen_per_hour: int, cost_yen: int) -> Scenario:
    years, rate, retention = case
    factor = annuity(years, rate=rate, retention=retention)
    once = attendance_hours * annuity(1, rate=rate)
    low, middle, high = (yen_of(one * factor - once, yen_per_hour=yen_per_hour) for one in (created.conf_low, created.hours, created.conf_high))
    return Scenario(
        years=years,
        discount_rate=rate,
        retention=retention,
        factor=factor,
        benefit=YenRange(yen=middle, low=low, high=high),
        cost_yen=cost_yen,
        net_yen=middle - cost_yen,
        base=False,
        ratio=middle / cost_yen if cost_yen else None,
        payback_years=find_payback(created.hours, attendance_hours=attendance_hours, yen_per_hour=yen_per_hour, case=case, cost_yen=cost_yen),
    )


def find_switching_values(savings: Savings, *, price: Price | None, break_even: BreakEven | None) -> tuple[SwitchingValue, ...]:
    """For each assumption the value at which the hours just pay the cost; empty without a break-even."""
    if price is None or break_even is None or savings.net is None or savings.created is None:
        return ()
    needed, net, cost = break_even.hours_per_year, savings.net.hours, break_even.cost_yen
    pays = net > 0
    threshold_price = cost / net if pays else None
    years = cost / (net * price.yen_per_hour) if pays else None
    never = "時間が生まれていないため、どの値でも釣り合いません。"
    return (
        SwitchingValue(
            assumption="生まれる時間",
            base=savings.created.hours,
            threshold=needed,
            unit="時間/年",
            sentence=f"年{format_hours(needed)}で釣り合います（推定は年{format_hours(savings.created.hours)}）。",
        ),
        SwitchingValue(
            assumption="1時間の単価",
            base=float(price.yen_per_hour),
            threshold=threshold_price,
            unit="円/時間",
            sentence=never
            if threshold_price is None
            else f"1時間{format_yen(threshold_price)}で釣り合います（使った単価は{format_yen(price.yen_per_hour)}）。",
        ),
        SwitchingValue(
            assumption="続く年数",
            base=1.0,
            threshold=years,
            unit="年",
            sentence=f"同じ時間が{format_number(years, 1)}年続けば釣り合います（割引・減衰なし）。" if years is not None else never,
        ),
    )

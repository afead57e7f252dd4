"""How far the judgement depends on each assumption: the tornado, and the value of each at which it turns (分岐点)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kdx_eval.budget.parts import FullCost, KeptShare, PriceOption, Swing
from kdx_eval.budget.prices import price_range
from kdx_eval.budget.types import BreakEven, SwitchingValue
from kdx_eval.budget.worth import BASE_YEARS, DISCOUNT_PARAMETERS, HORIZONS, net_present_yen
from kdx_eval.evidence import Price
from kdx_eval.savings import Savings
from kdx_eval.schema import parameter
from kdx_eval.units import format_number, format_share, format_yen, round_half_up

_STEPS = 60  # halvings: a share to more digits than are printed


def base_case(kept: KeptShare | None) -> tuple[int, float, float]:
    """(years, discount rate, retention) that the tornado and the ranges start from: one year where nothing is known of the next."""
    rate = float(parameter(DISCOUNT_PARAMETERS[0]).value)
    return (1, rate, 1.0) if kept is None else (BASE_YEARS, rate, kept.central)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """The assumptions that can be moved, beside the hours: prices and the one used, the cost, and what is left after a year."""

    price: Price | None
    prices: tuple[PriceOption, ...]
    cost_yen: int | None
    kept: KeptShare | None


def find_swings(savings: Savings, *, given: Assumptions, full_cost: FullCost | None) -> tuple[Swing, ...]:
    """The bars of the tornado, widest first; empty where hours may not be claimed, or without price or cost.

    Each assumption alone is moved to either end of its range, all else as in the base scenario.
    """
    created, price, cost_yen = savings.created, given.price, given.cost_yen
    if price is None or cost_yen is None or created is None or not savings.may_claim:
        return ()
    years, rate, share = base_case(given.kept)
    base = _World(created.hours, savings.attendance_hours, float(price.yen_per_hour), (years, rate, share), float(cost_yen))
    cheap, dear, where = price_range(given.prices, chosen=price)
    rates = [float(parameter(name).value) for name in DISCOUNT_PARAMETERS]
    staff = 0 if full_cost is None else sum(item.yen or 0 for item in full_cost.items if item.label in {"事務局の時間", "庁内講師の時間"})
    bars = [
        _swing("生まれる時間", "時間/年", (created.conf_low, created.hours, created.conf_high), lambda one: replace(base, hours=one), "効果の95％の幅"),
        _swing("1時間の単価", "円/時間", (cheap, price.yen_per_hour, dear), lambda one: replace(base, yen_per_hour=one), where),
        _swing("割引率", "割合", (max(rates), rate, min(rates)), lambda one: replace(base, case=(years, one, share)), "公共事業の率の準用と参考値"),
    ]
    if given.kept is not None:
        ends = (given.kept.low, share, given.kept.high)
        bars += [
            _swing("1年後に残る割合", "割合", ends, lambda one: replace(base, case=(years, rate, one)), given.kept.source),
            _swing("続く年数", "年", (min(HORIZONS), years, max(HORIZONS)), lambda one: replace(base, case=(int(one), rate, share)), "1年・3年・5年の試算"),
        ]
    if staff:
        bars.append(
            _swing(
                "費用の数え方",
                "円",
                (cost_yen + staff, cost_yen, cost_yen),
                lambda one: replace(base, cost_yen=one),
                "事務局と庁内講師の時間を費用に加えた場合",
            )
        )
    return tuple(sorted(bars, key=lambda bar: (-abs(bar.net_at_high - bar.net_at_low), bar.assumption)))


@dataclass(frozen=True, slots=True)
class _World:
    """All assumptions of the base scenario; one of them is moved at a time."""

    hours: float
    attendance_hours: float
    yen_per_hour: float
    case: tuple[int, float, float]
    cost_yen: float

    @property
    def net_yen(self) -> int:
        """Present value less cost, in whole yen."""
        found = net_present_yen(self.hours, attendance_hours=self.attendance_hours, yen_per_hour=self.yen_per_hour, case=self.case, cost_yen=self.cost_yen)
        return int(round_half_up(found))


def _swing(assumption: str, unit: str, ends: tuple[float, float, float], moved: Callable[[float], _World], source: str) -> Swing:
    low, base, high = ends
    at_low, at_high = moved(low).net_yen, moved(high).net_yen
    return Swing(
        assumption=assumption, unit=unit, low=float(low), base=float(base), high=float(high), net_at_low=at_low, net_at_high=at_high, source=source
    )  # fmt: skip


def more_switching_values(savings: Savings, *, price: Price | None, break_even: BreakEven | None, kept: KeptShare | None = None) -> tuple[SwitchingValue, ...]:
    """分岐点 for each attendee and month, of the cost, and of the share that is left after a year; empty without a break-even or hours."""
    created, net = savings.created, savings.net
    if price is None or break_even is None or created is None or net is None:
        return ()
    found = []
    if break_even.minutes_per_person_month is not None and break_even.persons:
        actual = created.hours * 60 / (break_even.persons * 12)
        needed = break_even.minutes_per_person_month
        sentence = f"受講者1人1月当たり{format_number(needed, 1)}分で費用と釣り合います（推定は{format_number(actual, 1)}分）。"
        found.append(SwitchingValue(assumption="1人1月当たりの時間", base=actual, threshold=needed, unit="分/人・月", sentence=sentence))
    worth = int(round_half_up(net.hours * price.yen_per_hour))
    words = f"費用が{format_yen(worth)}までなら、1年で釣り合います（今回は{format_yen(break_even.cost_yen)}）。" if worth > 0 else _NEVER
    found.append(SwitchingValue(assumption="費用", base=float(break_even.cost_yen), threshold=float(worth) if worth > 0 else None, unit="円", sentence=words))
    found.append(_retention(savings, price=price, cost_yen=break_even.cost_yen, base=None if kept is None else kept.central))
    return tuple(found)


_NEVER = "時間が生まれていないため、どの値でも釣り合いません。"


def _retention(savings: Savings, *, price: Price, cost_yen: int, base: float | None) -> SwitchingValue:
    """The share left after a year at which three years pay; it needs no assumption, so it stands where nothing was measured too."""
    created = savings.created
    assert created is not None
    years, rate = BASE_YEARS, float(parameter(DISCOUNT_PARAMETERS[0]).value)

    def net(share: float) -> float:
        case = (years, rate, share)
        return net_present_yen(created.hours, attendance_hours=savings.attendance_hours, yen_per_hour=price.yen_per_hour, case=case, cost_yen=cost_yen)

    name, unit = f"1年後に残る割合（{years}年）", "割合"
    if net(0.0) >= 0:
        sentence = "効果が1年で消えても釣り合います。"
        return SwitchingValue(assumption=name, base=base, threshold=0.0, unit=unit, sentence=sentence)
    if net(1.0) < 0:
        sentence = f"効果がすべて残っても、{years}年では釣り合いません。" if created.hours > 0 else _NEVER
        return SwitchingValue(assumption=name, base=base, threshold=None, unit=unit, sentence=sentence)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if net(middle) >= 0 else (middle, high)
    used = "測れていません" if base is None else f"試算では{format_share(base, 0)}"
    sentence = f"毎年{format_share(high, 0)}が残れば、{years}年で釣り合います（{used}）。"
    return SwitchingValue(assumption=name, base=base, threshold=high, unit=unit, sentence=sentence)

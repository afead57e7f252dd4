"""How far the judgement depends on each assumption: the tornado, and the value of each at which it turns (分岐点)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kdx_eval.budget.parts import FullCost, PriceOption, Swing
from kdx_eval.budget.prices import price_range
from kdx_eval.budget.types import BreakEven, SwitchingValue
from kdx_eval.budget.worth import BASE_RETENTION, BASE_YEARS, DISCOUNT_PARAMETERS, HORIZONS, RETENTIONS, net_present_yen
from kdx_eval.evidence import Price
from kdx_eval.savings import Savings
from kdx_eval.schema import parameter
from kdx_eval.units import format_number, format_share, format_yen, round_half_up

_STEPS = 60  # halvings: a share to more digits than are printed


def base_case() -> tuple[int, float, float]:
    """(years, discount rate, retention) that the tornado and the ranges start from."""
    return BASE_YEARS, float(parameter(DISCOUNT_PARAMETERS[0]).value), BASE_RETENTION


def find_swings(
    savings: Savings, *, price: Price | None, prices: tuple[PriceOption, ...], cost_yen: int | None, full_cost: FullCost | None
) -> tuple[Swing, ...]:
    """The bars of the tornado, widest first; empty where hours may not be claimed, or without price or cost.

    Each assumption alone is moved to either end of its range, all else as in the base scenario.
    """
    created = savings.created
    if price is None or cost_yen is None or created is None or not savings.may_claim:
        return ()
    years, rate, kept = base_case()
    base = _World(created.hours, savings.attendance_hours, float(price.yen_per_hour), base_case(), float(cost_yen))
    cheap, dear, where = price_range(prices, chosen=price)
    rates = [float(parameter(name).value) for name in DISCOUNT_PARAMETERS]
    staff = 0 if full_cost is None else sum(item.yen or 0 for item in full_cost.items if item.label in {"事務局の時間", "庁内講師の時間"})
    bars = [
        _swing("生まれる時間", "時間/年", (created.conf_low, created.hours, created.conf_high), lambda one: replace(base, hours=one), "効果の95％の幅"),
        _swing("1時間の単価", "円/時間", (cheap, price.yen_per_hour, dear), lambda one: replace(base, yen_per_hour=one), where),
        _swing("1年後に残る割合", "割合", (min(RETENTIONS), kept, max(RETENTIONS)), lambda one: replace(base, case=(years, rate, one)), "前提（出典なし）"),
        _swing("続く年数", "年", (min(HORIZONS), years, max(HORIZONS)), lambda one: replace(base, case=(int(one), rate, kept)), "1年・3年・5年の試算"),
        _swing("割引率", "割合", (max(rates), rate, min(rates)), lambda one: replace(base, case=(years, one, kept)), "公共事業の率の準用と参考値"),
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


def more_switching_values(savings: Savings, *, price: Price | None, break_even: BreakEven | None) -> tuple[SwitchingValue, ...]:
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
    found.append(_retention(savings, price=price, cost_yen=break_even.cost_yen))
    return tuple(found)


_NEVER = "時間が生まれていないため、どの値でも釣り合いません。"


def _retention(savings: Savings, *, price: Price, cost_yen: int) -> SwitchingValue:
    created = savings.created
    assert created is not None
    years, rate, kept = base_case()

    def net(share: float) -> float:
        case = (years, rate, share)
        return net_present_yen(created.hours, attendance_hours=savings.attendance_hours, yen_per_hour=price.yen_per_hour, case=case, cost_yen=cost_yen)

    name, unit = f"1年後に残る割合（{years}年）", "割合"
    if net(0.0) >= 0:
        sentence = "効果が1年で消えても釣り合います。"
        return SwitchingValue(assumption=name, base=kept, threshold=0.0, unit=unit, sentence=sentence)
    if net(1.0) < 0:
        sentence = f"効果がすべて残っても、{years}年では釣り合いません。" if created.hours > 0 else _NEVER
        return SwitchingValue(assumption=name, base=kept, threshold=None, unit=unit, sentence=sentence)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if net(middle) >= 0 else (middle, high)
    sentence = f"毎年{format_share(high, 0)}が残れば、{years}年で釣り合います（前提は{format_share(kept, 0)}）。"
    return SwitchingValue(assumption=name, base=kept, threshold=high, unit=unit, sentence=sentence)

"""The four price bases beside each other, each with its date, source, status and use."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kdx_eval.budget.parts import PriceOption
from kdx_eval.budget.worth import value_hours
from kdx_eval.evidence import Price
from kdx_eval.evidence.price import BASIS_NAMES, choose_from, usable_prices
from kdx_eval.plan.types import PriceBasis
from kdx_eval.savings import Hours
from kdx_eval.schema import parameter
from kdx_eval.schema.peer_cases import load_peer_cases
from kdx_eval.units import FiscalYear, format_yen, round_half_up

USES: dict[PriceBasis, str] = {
    "wage_only": "低い場合の目安",
    "fully_loaded": "時間の価値（参考）",
    "marginal_overtime": "現金で減る時間外勤務手当",
    "avoided_cash": "現金で減る会計年度任用・委託",
}
_HEADLINE = frozenset(("sourced", "derived"))


def list_prices(wages: pd.DataFrame | None, *, fiscal_year: FiscalYear, net: Hours | None, chosen: Price | None) -> tuple[PriceOption, ...]:
    """All four bases of one fiscal year; a basis without a usable row says why, and an unverified one may not stand in a headline."""
    return tuple(_option(basis, wages, fiscal_year=fiscal_year, net=net, chosen=chosen) for basis in USES)


def _option(basis: PriceBasis, wages: pd.DataFrame | None, *, fiscal_year: FiscalYear, net: Hours | None, chosen: Price | None) -> PriceOption:
    rows = usable_prices(wages, with_unverified=True)
    rows = rows[(rows["fiscal_year"].astype(int) == fiscal_year.year) & (rows["basis"] == basis)]
    sure = rows[rows["status"] != "unverified"]
    price = choose_from(rows if sure.empty else sure, fiscal_year=fiscal_year, basis=basis) if len(rows) else None
    ready = price is not None and price.status in _HEADLINE
    return PriceOption(
        basis=basis,
        label=BASIS_NAMES[basis],
        use=USES[basis],
        yen_per_hour=None if price is None else price.yen_per_hour,
        fiscal_year=fiscal_year.year,
        source="" if price is None else price.source,
        status="" if price is None else price.status,
        in_headline=ready,
        used=price is not None and chosen is not None and (price.basis, price.yen_per_hour) == (chosen.basis, chosen.yen_per_hour),
        value=value_hours(net, price=price),
        note=_note(basis, price=price, ready=ready),
    )


def _note(basis: PriceBasis, *, price: Price | None, ready: bool) -> str:
    if price is None:
        return "単価の記入がありません。"
    if not ready:
        return "出典が確認できていないため、見出しの数字には使えません。"
    if basis == "marginal_overtime":
        return f"平日の割増{float(parameter('overtime_premium').value):g}を想定。実際に支払いが減った時間だけに使います。"
    return "" if basis != "fully_loaded" else "職員の給与がこの分だけ減るわけではありません。"


def price_range(options: Sequence[PriceOption], *, chosen: Price) -> tuple[int, int, str]:
    """The lowest and highest price that may stand in a headline and where they come from: the city's own bases, else published cases."""
    own = [one.yen_per_hour for one in options if one.yen_per_hour is not None and one.in_headline]
    if len(set(own)) > 1:
        return min(*own, chosen.yen_per_hour), max(*own, chosen.yen_per_hour), "市の単価のうち最も低いものと最も高いもの"
    published = [int(round_half_up(case.yen / case.hours)) for case in load_peer_cases() if case.yen and case.hours and case.status == "sourced"]
    return (
        min(*published, chosen.yen_per_hour),
        max(*published, chosen.yen_per_hour),
        f"公表された他団体の例（{format_yen(min(published))}～{format_yen(max(published))}）",
    )

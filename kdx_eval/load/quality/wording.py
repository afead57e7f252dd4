"""Lists of months and codes as a reader wants them: ranges, and not more than can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kdx_eval.units import Month

_MOST = 5


def months_text(months: Sequence[Month], *, step: int = 1) -> str:
    """Months as ranges, 2024年4月～9月、2025年1月; months ``step`` apart (yearly counts: 12) belong to one range."""
    runs: list[list[Month]] = []
    for month in sorted(months):
        if runs and month - runs[-1][-1] == step:
            runs[-1].append(month)
        else:
            runs.append([month])
    shown = [_run_text(run) for run in runs[:_MOST]]
    return "、".join(shown) + (f"ほか{len(runs) - _MOST}か所" if len(runs) > _MOST else "")


def _run_text(run: Sequence[Month]) -> str:
    first, last = run[0], run[-1]
    start = f"{first.year}年{first.month}月"
    if first == last:
        return start
    return f"{start}～{last.month}月" if first.year == last.year else f"{start}～{last.year}年{last.month}月"


def codes_text(codes: Sequence[str], names: Mapping[str, str]) -> str:
    """The first few units by name (by code where they have none), and how many more."""
    return "、".join(names.get(code, code) for code in codes[:_MOST]) + (f"ほか{len(codes) - _MOST}" if len(codes) > _MOST else "")


def times_text(factor: float) -> str:
    """60倍, or 60分の1 for a factor below one."""
    return f"{factor:,.0f}倍" if factor >= 1 else f"{1 / factor:,.0f}分の1"

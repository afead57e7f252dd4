"""Tables of the data-quality report for notebooks and the command line: the same words in both places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kdx_eval.load.quality import SEVERITIES, STATES, Distribution, Finding, QualityReport
from kdx_eval.units import Month, format_share, format_value

_WITHHELD = "非表示"  # one person's value


def finding_rows(findings: Iterable[Finding]) -> Iterable[Sequence[str]]:
    """How grave, where, which months, what was found, how to mend it."""
    for item in findings:
        yield SEVERITIES[item.severity], item.place, _months(item.months), item.sentence, item.remedy


def _months(months: Sequence[str]) -> str:
    """First and last month and their number; the sentence tells more."""
    if not months:
        return ""
    first, last = Month.parse(months[0]), Month.parse(months[-1])
    return str(first) if len(months) == 1 else f"{first}～{last}（{len(months)}か月）"


def completeness_rows(report: QualityReport) -> Iterable[Sequence[str]]:
    """Months, units, and the number of cells in each state, by measure."""
    for grid in report.grids:
        counts = (f"{grid.count(state):,}" for state in STATES)
        yield grid.title, f"{grid.months[0]}～{grid.months[-1]}", f"{len(grid.units):,}", *counts, f"{grid.partly_blank:,}"


def distribution_rows(distributions: Iterable[Distribution]) -> Iterable[Sequence[str]]:
    """Number, least, quartiles, 99th percentile, greatest, share of zeros and of blanks."""
    for item in distributions:
        least, most = (_WITHHELD if value is None else format_value(value) for value in (item.minimum, item.maximum))
        middle = (format_value(value) for value in (item.lower_quartile, item.median, item.upper_quartile, item.p99))
        yield item.title, item.unit, f"{item.n:,}", least, *middle, most, format_share(item.zero_share), format_share(item.missing_share)


def _only(*kinds: Any) -> Callable[[QualityReport], Iterable[Sequence[str]]]:
    return lambda report: finding_rows(report.of_kind(*kinds))


_FINDINGS = ("", "表と列", "月", "見つかったこと", "直し方")
COMPLETENESS_HEADERS = ("表と列", "期間", "所属", "値あり", "ゼロ", "欠け", "集めていない", "一部空欄")
DISTRIBUTION_HEADERS = ("表と列", "単位", "値の数", "最小", "25%", "中央", "75%", "99%", "最大", "0の割合", "空欄の割合")
QUALITY_TABLES: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Iterable[Sequence[str]]]]] = {
    "findings": (_FINDINGS, lambda report: finding_rows(report.findings)),
    "unit_mistakes": (_FINDINGS, _only("unit", "shift")),
    "duplicates": (_FINDINGS, _only("duplicate")),
    "completeness": (COMPLETENESS_HEADERS, completeness_rows),
    "distributions": (DISTRIBUTION_HEADERS, lambda report: distribution_rows(report.distributions)),
}

"""One look over a delivery: completeness, distributions, suspicions, each with its remedy."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from kdx_eval.load.dataset import Dataset
from kdx_eval.load.quality.completeness import find_gaps, grid_of
from kdx_eval.load.quality.directory import read_departments, read_heads, read_names
from kdx_eval.load.quality.distributions import read_distributions
from kdx_eval.load.quality.duplicates import find_repeated_figures, find_repeated_rows, find_same_files
from kdx_eval.load.quality.levels import find_levels, has_lead_times
from kdx_eval.load.quality.persons import find_persons_left_out
from kdx_eval.load.quality.series import read_series
from kdx_eval.load.quality.shifts import find_shifts
from kdx_eval.load.quality.types import SEVERITIES, Finding, QualityReport
from kdx_eval.load.quality.unit_mistakes import find_unit_mistakes
from kdx_eval.schema import load_schema

_MANY_REFUSED, _MOST_REFUSED = 0.05, 0.5
_MANY_UNMATCHED = 0.1
# What rises and falls together: a month extraordinary in both was extraordinary.
_COMPANIONS = {
    ("worktime", "overtime_hours"): ("worktime", "paid_overtime_yen"),
    ("worktime", "paid_overtime_yen"): ("worktime", "overtime_hours"),
    ("workload", "minutes"): ("workload", "cases"),
    ("workload", "cases"): ("workload", "minutes"),
}
_NONE = ("", "")
_ORDER = tuple(SEVERITIES)


def inspect_quality(dataset: Dataset) -> QualityReport:
    """What an analyst should see before trusting a figure: completeness, distributions, and findings with the gravest first.

    Reads the tables, never the values of a person, and the sizes (where equal, the content) of the delivered files. Raises DataError when
    the delivery's folder has gone.
    """
    with dataset.connect() as con:
        names = read_names(con, dataset)
        series = read_series(con, dataset, names=names)
        departments = read_departments(con, dataset)
        heads = read_heads(con, dataset)
        grids = tuple(grid_of(one, departments) for one in series)
        findings = [*find_levels(con, dataset, series=series, heads=heads), *find_repeated_rows(con, dataset, names=names)]
        findings += find_persons_left_out(con, dataset)
        waiting = has_lead_times(con, dataset)
        distributions = read_distributions(con, dataset)
    by_name = {(one.table, one.measure): one for one in series}
    for key, one in by_name.items():
        if not (key == ("workload", "minutes") and waiting):
            findings += find_unit_mistakes(one, heads, companion=by_name.get(_COMPANIONS.get(key, _NONE)))
        findings += [*find_repeated_figures(one), *find_shifts(one)]
    findings += [*find_same_files(dataset), *find_gaps(grids, departments), *_of_reading(dataset)]
    # Stable: within a severity, units before duplicates before gaps, as collected.
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.severity))
    return QualityReport(load=dataset.report, grids=grids, distributions=distributions, findings=tuple(ordered))


def _rows_of_totals(dataset: Dataset) -> Counter[tuple[str, str]]:
    """(file, sheet) -> rows of totals, which are refused rightly and need no mending."""
    with Path(dataset.rejected).open(encoding="utf-8-sig", newline="") as stream:
        return Counter((row["file"], row["sheet"]) for row in csv.DictReader(stream) if row["rule"] == "total_row")


def _of_reading(dataset: Dataset) -> Iterator[Finding]:
    """What the loader itself already knows: many rows refused, people not matched."""
    titles = {spec.name: spec.title for spec in load_schema().tables.values()}
    totals = _rows_of_totals(dataset)
    for item in dataset.report.files:
        refused = item.rows_rejected - totals[item.file, item.sheet]
        share = refused / item.rows_read if item.rows_read else 0.0
        if share > _MANY_REFUSED:
            yield Finding(
                severity="stop" if share > _MOST_REFUSED else "ask", kind="refused", table=item.table or "", place=f"{item.file} {item.sheet}".strip(),
                sentence=f"{titles.get(item.table or '', '')}の {item.rows_read:,} 行のうち {refused:,} 行（{share:.0%}）を外しました",
                remedy="外した行の理由を見て、元のファイルを直してください",
            )  # fmt: skip
    found = dataset.report.matched
    if found is not None and found.n_people and dataset.has("staff") and 1 - found.share > _MANY_UNMATCHED:
        yield Finding(
            severity="ask", kind="matching", table="training", place=titles["training"],
            sentence=f"受講者 {found.n_people:,} 人のうち名簿と一致したのは {found.n_matched:,} 人（{found.share:.0%}）です",
            remedy="受講者名簿に職員番号かカナを加えるか、受講した時期の職員名簿を加えてください",
        )  # fmt: skip

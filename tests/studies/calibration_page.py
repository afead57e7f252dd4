"""The calibration table, its judgement against the targets of METHODS section 9, and its picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

CLAIMS = frozenset({"効果あり", "小さい効果"})
_Z = 1.959964


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: bias, coverage, width and power beside an oracle that knows the spread, and how often something was claimed, rightly or wrongly."""
    inside = (rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"])
    claimed = rows["verdict"].isin(CLAIMS)
    # A claim is printed with both intervals: the plain one, and the one that allows for a slope that went on.
    honest = (rows["strict_low"] <= rows["truth"]) & (rows["truth"] <= rows["strict_high"])
    wrong = claimed & (~honest | (rows["truth"] == 0))
    plain_wrong = claimed & (~inside | (rows["truth"] == 0))
    bare_wrong = rows["bare_claim"].astype(bool) & (~inside | (rows["truth"] == 0))
    table = rows.assign(
        bias=rows["estimate"] - rows["truth"], naive_bias=rows["naive"] - rows["truth"], inside=inside, width=rows["high"] - rows["low"],
        claimed=claimed, wrong=wrong, plain_wrong=plain_wrong, bare_wrong=bare_wrong, undecided=rows["verdict"] == "判定不能", grade_3=rows["grade"] >= 3,
        no_effect=rows["verdict"] == "実質的効果なし",
    )  # fmt: skip
    columns = ["truth", "bias", "naive_bias", "inside", "detectable", "claimed", "wrong", "plain_wrong", "bare_wrong", "undecided", "no_effect", "grade_3"]
    grouped = table.groupby("cell", sort=False)
    # The oracle has the same estimate and knows its spread: a normal interval of exactly the right width.
    spread = grouped["bias"].std()
    centre = grouped["bias"].mean()
    oracle = table.assign(seen=table["estimate"] + _Z * table["cell"].map(spread) < 0)
    return (
        grouped[columns]
        .mean()
        .assign(
            median_width=grouped["width"].median() / (2 * _Z * spread),
            oracle_power=oracle.groupby("cell", sort=False)["seen"].mean(),
            bias_error=spread / np.sqrt(grouped.size()),
            identified=grouped["identified"].first(),
            units=grouped["units"].first(),
            cities=grouped.size(),
        )
        .assign(bias=centre)
        .reset_index()
    )


def write_page(folder: Path, *, command: str, first_seed: int, smallest: float) -> None:
    """CALIBRATION.md and calibration.png from calibration.csv in the same folder."""
    table = pd.read_csv(folder / "calibration.csv")
    _draw(table, folder / "calibration.png")
    cities = int(table["cities"].min())
    level = 1 - 0.01 / len(table)
    head = f"""# Calibration

Made by `{command}`: {cities:,} simulated cities a cell, seeds from {first_seed:,} on, kept apart from those of the tests. Panels are simulated, not files
(`tests/studies/simulated_panels.py`), and judged by the same code as in the annual run (`judged_study`, `assess_evidence`). Hours per department and month;
smallest meaningful effect {smallest}. A claim is 効果あり or 小さい効果. It is printed with two intervals, the plain 95 % one and one that allows for a slope
that went on from before training (`Evidence.strict95`); it is wrong where there is no effect or where the truth lies outside the second, and "outside the plain
interval" counts the first. "Without gates" is what the plain interval alone would have claimed, wrongly. The oracle has the same estimate and knows its spread.
Targets (METHODS 9) count as missed only where the simultaneous 99 % binomial band over all {len(table)} cells excludes them.

![Wrong claims with and without the gates](calibration.png)

"""
    identified, violated = table[table["identified"]], table[~table["identified"]]
    text = head + _identified_table(identified, level=level) + _violated_table(violated, level=level) + _not_simulated()
    (folder / "CALIBRATION.md").write_text(text, encoding="utf-8", newline="\n")


def _band(share: float, cities: int, *, level: float) -> tuple[float, float]:
    """Clopper-Pearson bounds of a share."""
    hits = round(share * cities)
    low = stats.beta.ppf((1 - level) / 2, hits, cities - hits + 1) if hits else 0.0
    high = stats.beta.ppf((1 + level) / 2, hits + 1, cities - hits) if hits < cities else 1.0
    return float(low), float(high)


def _at_most(share: float, limit: float, *, cities: int, level: float) -> str:
    return f"{share:.1%}" + (" **missed**" if _band(share, cities, level=level)[0] > limit else "")


def _at_least(share: float, limit: float, *, cities: int, level: float) -> str:
    return f"{share:.1%}" + (" **missed**" if _band(share, cities, level=level)[1] < limit else "")


def _identified_table(table: pd.DataFrame, *, level: float) -> str:
    lines = [
        "## Where the comparison is identified",
        "",
        "Targets: coverage at least 93 %; wrong claims at most 5 %; width at most 1.25 times the oracle's;",
        "power at least 90 % of the oracle's and 判定不能 at most 10 %, both at 1.5 times the detectable effect.",
        "",
        "| cell | true effect | bias | before-after's | coverage of 95 % | width / oracle's | claims | oracle's power | wrong | 判定不能 | Maryland 3 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        n = int(row.cities)
        judged = "1.5 x" in str(row.cell)
        power = _at_least(row.claimed, 0.9 * row.oracle_power, cities=n, level=level) if judged else f"{row.claimed:.1%}"
        undecided = _at_most(row.undecided, 0.10, cities=n, level=level) if judged else f"{row.undecided:.1%}"
        width = f"{row.median_width:.2f}" + (" **missed**" if row.median_width > 1.25 else "")
        lines.append(
            f"| {row.cell} | {row.truth:.1f} | {row.bias:.2f} | {row.naive_bias:.1f} | {_at_least(row.inside, 0.93, cities=n, level=level)} | {width} "
            f"| {power} | {row.oracle_power:.1%} | {_at_most(row.wrong, 0.05, cities=n, level=level)} | {undecided} | {row.grade_3:.1%} |"
        )
    return "\n".join([*lines, "", ""])


def _violated_table(table: pd.DataFrame, *, level: float) -> str:
    lines = [
        "## Where an assumption is broken",
        "",
        "Target: wrong claims at most 5 %. Bias and coverage are published as they are.",
        "",
        "| cell | true effect | bias | coverage of 95 % | claims | wrong claims | outside the plain interval | wrong without gates | 判定不能 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.cell} | {row.truth:.1f} | {row.bias:.1f} | {row.inside:.1%} | {row.claimed:.1%} "
        f"| {_at_most(row.wrong, 0.05, cities=int(row.cities), level=level)} | {row.plain_wrong:.1%} | {row.bare_wrong:.1%} | {row.undecided:.1%} |"
        for row in table.itertuples()
    ]
    return "\n".join([*lines, "", ""])


def _not_simulated() -> str:
    return """Inflated self-reports and non-response are no part of a panel of recorded hours; they are held back by the basis of a saving
(`kdx_eval/savings`), not by these gates. Single months as cohorts are the cells with 10 departments, whose cohorts have one or two members.
"""


def _draw(table: pd.DataFrame, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = table.iloc[::-1]
    places = np.arange(len(shown))
    figure, axes = plt.subplots(figsize=(9, 0.28 * len(shown) + 1.2), layout="constrained")
    axes.barh(places, 100 * shown["bare_wrong"], color="#BBBBBB", height=0.7, label="interval alone")
    axes.barh(places, 100 * shown["wrong"], color="#0072B2", height=0.35, label="with the gates")
    axes.axvline(5, color="#D55E00", lw=1.2, ls="--", label="5 %")
    axes.set_yticks(places, shown["cell"], fontsize=7)
    axes.set_xlabel("wrong claims, % of simulated cities")
    axes.set_xlim(0, 100)
    axes.legend(loc="lower right", fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)

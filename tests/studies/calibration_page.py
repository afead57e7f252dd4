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
        no_effect=rows["verdict"] == "実質的効果なし", by_interval=rows["reason"] == "interval", by_trend=rows["reason"] == "trend",
        by_check=~rows["reason"].isin(["", "interval", "trend"]), strict_zero=claimed & (rows["strict_low"] * rows["strict_high"] <= 0),
        critical=(rows["high"] - rows["low"]) / (2 * rows["std_error"]), variance=rows["std_error"] ** 2,
    )  # fmt: skip
    columns = ["truth", "bias", "naive_bias", "inside", "detectable", "claimed", "wrong", "plain_wrong", "bare_wrong", "undecided", "no_effect", "grade_3"]
    columns += ["by_interval", "by_trend", "by_check", "strict_zero"]
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
            spread_ratio=grouped["estimate"].std() / spread,
            error_ratio=np.sqrt(grouped["variance"].mean()) / grouped["estimate"].std(),
            critical_ratio=grouped["critical"].median() / _Z,
            usual_check=grouped["reason"].agg(_usual_check),
            oracle_power=oracle.groupby("cell", sort=False)["seen"].mean(),
            bias_error=spread / np.sqrt(grouped.size()),
            identified=grouped["identified"].first(),
            units=grouped["units"].first(),
            cities=grouped.size(),
        )
        .assign(bias=centre)
        .reset_index()
    )


def _usual_check(reasons: pd.Series) -> str:
    """The check that most often made a city 判定不能, with its share of all cities; empty where none did."""
    failed = reasons[~reasons.isin(["", "interval", "trend"])].value_counts()
    return f"{failed.index[0]} {failed.iloc[0] / len(reasons):.1%}" if len(failed) else ""


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
that went on from before training, measured with and without the last half-year (`Evidence.strict95`); it is wrong where there is no effect or where the
truth lies outside the second, and "outside the plain interval" counts the first. Where the second reaches zero, the claim says so ("reaches zero", share
of all cities). "Without gates" is what the plain interval alone would have claimed, wrongly. The oracle has the same estimate and knows its spread.
Targets (METHODS 9) count as missed only where the simultaneous 99 % binomial band over all {len(table)} cells excludes them.

![Wrong claims with and without the gates](calibration.png)

"""
    identified, violated = table[table["identified"]], table[~table["identified"]]
    parts = (_identified_table(identified, level=level), _width_table(identified), _violated_table(violated, level=level), _reasons_table(table))
    text = head + "".join(parts) + _not_simulated()
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
        "| cell | true effect | bias | before-after's | coverage | width / oracle's | claims | oracle's power | wrong | reaches zero | 判定不能 | Maryland 3 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        n = int(row.cities)
        judged = "1.5 x" in str(row.cell)
        power = _at_least(row.claimed, 0.9 * row.oracle_power, cities=n, level=level) if judged else f"{row.claimed:.1%}"
        undecided = _at_most(row.undecided, 0.10, cities=n, level=level) if judged else f"{row.undecided:.1%}"
        width = f"{row.median_width:.2f}" + (" **missed**" if row.median_width > 1.25 else "")
        lines.append(
            f"| {row.cell} | {row.truth:.1f} | {row.bias:.2f} | {row.naive_bias:.1f} | {_at_least(row.inside, 0.93, cities=n, level=level)} | {width} "
            f"| {power} | {row.oracle_power:.1%} | {_at_most(row.wrong, 0.05, cities=n, level=level)} "
            f"| {row.strict_zero:.1%} | {undecided} | {row.grade_3:.1%} |"
        )
    return "\n".join([*lines, "", ""])


def _violated_table(table: pd.DataFrame, *, level: float) -> str:
    lines = [
        "## Where an assumption is broken",
        "",
        "Target: wrong claims at most 5 %. Bias and coverage are published as they are.",
        "",
        "| cell | true effect | bias | coverage of 95 % | claims | wrong claims | outside the plain interval | wrong without gates | reaches zero | 判定不能 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.cell} | {row.truth:.1f} | {row.bias:.1f} | {row.inside:.1%} | {row.claimed:.1%} "
        f"| {_at_most(row.wrong, 0.05, cities=int(row.cities), level=level)} | {row.plain_wrong:.1%} | {row.bare_wrong:.1%} | {row.strict_zero:.1%} "
        f"| {row.undecided:.1%} |"
        for row in table.itertuples()
    ]
    return "\n".join([*lines, "", ""])


def _width_table(table: pd.DataFrame) -> str:
    """The width against the oracle's, taken apart; the four parts multiply to it."""
    lines = [
        """## Where the width comes from

The oracle knows the spread of the estimate around the effect on these very departments. The interval is about departments of this kind: it also holds
the spread of their effects, which no data can take out (Neyman 1923: how an effect varies between units is not identified, so that a valid variance keeps
it). In these cities the effect is a share of the hours, and these differ between departments with a standard deviation of 35 %. Two sharper bounds were
examined. The one from the two spreads alone, (σ₁ − σ₀)² over the number of departments (Aronow, Green & Lee 2014), takes 2 % off the width with 60
departments and 7 % effect, 5 % with 20 departments at 1.5 times the detectable effect: too little to reach the target. Taking out what the level before
training explains (Roth & Sant'Anna 2023, the refined error) needs the untrained slope on that level to hold for the trained too, which the comparison
does not assume, and two slopes from 4 or 13 degrees of freedom in the cells that miss. So the interval stays: wider than the oracle's, and right for both
readings. The parts multiply to the width:

| cell | width / oracle's | effects that vary | size of our error | t instead of normal | median below mean error |
|---|---|---|---|---|---|"""
    ]
    for row in table.itertuples():
        rest = row.median_width / (row.spread_ratio * row.error_ratio * row.critical_ratio)
        lines.append(f"| {row.cell} | {row.median_width:.2f} | {row.spread_ratio:.2f} | {row.error_ratio:.2f} | {row.critical_ratio:.2f} | {rest:.2f} |")
    return "\n".join([*lines, "", ""])


def _reasons_table(table: pd.DataFrame) -> str:
    lines = [
        "## Why 判定不能",
        "",
        "Shares of all cities. First that apply: the interval alone gives no verdict; a check failed; the slope from before training could explain it.",
        "",
        "| cell | 判定不能 | interval | failed check | slope carried on | check that failed most often |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.cell} | {row.undecided:.1%} | {row.by_interval:.1%} | {row.by_check:.1%} | {row.by_trend:.1%} "
        f"| {row.usual_check if isinstance(row.usual_check, str) else ''} |"
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

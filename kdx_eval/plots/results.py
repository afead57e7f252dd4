"""Figures of results: effects, verdicts, hours and yen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kdx_eval.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, finish, label_text, new_figure, number_ticks, period_text, period_ticks, style
from kdx_eval.units import Month, format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kdx_eval.budget import BudgetCase
    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.panel.type import Panel
    from kdx_eval.savings import Savings

_COMPACT_HEIGHT, _COMPACT_SERIES, _COMPACT_RANGES = 2.5, 4.0, 3.0  # two figures beside each other
_MOST_NAMED = 40  # more names than this cannot be read beside the rows of a grid
UNDECIDED = frozenset({"判定不能", "検証対象外"})
_MOST_ROWS = 12  # more rows than this cannot be read in one figure


def is_synthetic(study: EffectStudy) -> bool:
    """Whether the study says that it was made from synthetic data (``settings["synthetic"] == "true"``)."""
    return study.settings.get("synthetic") == "true"


def plot_timing(study: EffectStudy, *, synthetic: bool | None = None) -> Figure:
    """How many units were first trained when: one bar for each cohort, the units never trained last.

    Returns
    -------
    Figure
        Units on the vertical axis, persons written above each bar.
    """
    timing = study.timing
    with style():
        figure, axes = new_figure(2.6)
        treated = np.isfinite(timing["cohort"].to_numpy(dtype=float))
        places = np.arange(len(timing))
        for mask, colour, hatch, label in ((treated, BLUE, "", "受講した単位"), (~treated, "white", "///", "未受講の単位")):
            if mask.any():
                axes.bar(places[mask], timing["n_units"][mask], color=colour, hatch=hatch, edgecolor=GREY, label=label)
        few = len(timing) <= _MOST_ROWS
        if few:
            for place, units, persons in zip(places, timing["n_units"], timing["n_persons"], strict=True):
                axes.annotate(
                    f"{units}（{format_number(persons)}人）", (place, units), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=8
                )
        step = 1 if few else len(timing) // _MOST_ROWS + 1
        axes.set_xticks(places[::step], [label_text(str(label), 14) for label in timing["label"]][::step])
        axes.margins(y=0.18)
        axes.set_ylabel("単位の数")
        axes.set_title("研修がいつ、どれだけの単位に行われたか")
        axes.legend(frameon=False, loc="upper left", fontsize=8.5, ncols=2)
        return finish(figure, synthetic=is_synthetic(study) if synthetic is None else synthetic)


def plot_comparison(panel: Panel, *, title: str = "", synthetic: bool = False) -> Figure:
    """Every unit month by month, before anything is estimated: who began when, how many of its staff were trained, where a value is missing.

    Returns
    -------
    Figure
        Units from the first to begin to those that never do; blue is the trained share of staff-months (all or nothing where it is unknown),
        a vermilion bar the start, hatching a month without a value. Names are written for up to forty units.
    """
    from matplotlib.patches import Rectangle

    order = np.lexsort((panel.units.astype(str), panel.cohort))
    grid = np.arange(panel.periods[0], panel.periods[-1] + 1) if panel.monthly else panel.periods
    treated = (panel.cohort[:, None] <= panel.periods).astype(float)
    share = treated if panel.exposure is None else np.where(np.isnan(panel.exposure), treated, panel.exposure)
    cells = np.full((panel.n_units, len(grid)), np.nan)
    cells[:, np.searchsorted(grid, panel.periods)] = np.where(np.isnan(panel.outcome), np.nan, share)[order]
    few, top = panel.n_units <= _MOST_NAMED, max(0.1, np.ceil(10 * np.nanmax(share, initial=0.0)) / 10)
    with style():
        figure, axes = new_figure(1.6 + min(0.17 * panel.n_units, 5.0 if not few else 6.8))
        axes.patch.set(facecolor="#EDEDED", edgecolor=GREY, hatch="xxxx")
        shades = axes.pcolormesh(np.arange(len(grid) + 1), np.arange(panel.n_units + 1), np.ma.masked_invalid(cells), cmap="Blues", vmin=0, vmax=top)
        rows = np.flatnonzero((panel.cohort[order] >= grid[0]) & (panel.cohort[order] <= grid[-1]))
        starts = np.searchsorted(grid, panel.cohort[order][rows])
        axes.vlines(starts, rows, rows + 1, color=VERMILLION, lw=2.4, label="受講の開始")
        ticked = (4, 10) if len(grid) <= 40 else (4,)
        shown = [place for place, period in enumerate(grid) if not panel.monthly or Month(round(period)).month in ticked]
        axes.set_xticks([place + 0.5 for place in shown], [period_text(float(grid[place]), monthly=panel.monthly) for place in shown])
        names = [label_text(panel.names.get(unit, str(unit)), 16) for unit in panel.units[order]] if few else []
        axes.set_yticks(np.arange(len(names)) + 0.5, names)
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        axes.invert_yaxis()
        if not few:
            axes.set_ylabel(f"{format_number(panel.n_units)}単位（上から始めた順）")
        axes.set_title(label_text(title or "誰を誰と、いつから比べるか", 44))
        if panel.exposure is not None:
            figure.colorbar(shades, ax=axes, label="受講した職員の割合（延べ月）", format=lambda value, _: f"{100 * value:.0f}%", shrink=0.8, pad=0.02)
        if np.isnan(cells).any():
            axes.add_patch(Rectangle((0, 0), 0, 0, facecolor="#EDEDED", edgecolor=GREY, hatch="xxxx", label="値なし"))
        _legend(figure, axes, columns=2)
        return finish(figure, synthetic=synthetic)


def plot_series(study: EffectStudy, *, synthetic: bool | None = None, compact: bool = False) -> Figure:
    """Trained units against the comparison, by period; the comparison is moved to the trained units' level before training.

    Parameters
    ----------
    compact : bool
        Small enough for half a page's width.

    Returns
    -------
    Figure
        Outcome in its own unit; the time before the first training is white, the time since then shaded.
    """
    series = study.series.sort_values("period" if "period" in study.series else "month")
    periods = _periods(series)
    with style():
        figure, axes = new_figure(_COMPACT_HEIGHT, _COMPACT_SERIES) if compact else new_figure(2.75)
        starts = [float(cohort) for cohort in study.timing["cohort"] if np.isfinite(cohort)]
        if starts and len(periods):
            axes.axvspan(min(starts) - 0.5, periods[-1] + 0.5, color="#EDEDED", zorder=0, lw=0, label="研修の開始後")
        axes.plot(periods, series["comparison_mean"], color=ORANGE, ls="--", lw=1.8, label="比較対照（研修前の水準にそろえた）")
        axes.plot(periods, series["treated_mean"], color=BLUE, lw=1.8, marker="o", ms=2.8, label="研修を受けた側")
        period_ticks(axes, periods, monthly=study.monthly)
        axes.set_xlim(periods[0] - 0.5, periods[-1] + 0.5)
        axes.margins(y=0.12)
        number_ticks(axes.yaxis)
        axes.set_ylabel(label_text(study.unit_label, 18))
        axes.set_title(label_text(f"{study.outcome_label}の推移", 44))
        axes.grid(axis="y", color="#D8D8D8", lw=0.6)
        _legend(figure, axes, columns=2 if compact else 3)
        return finish(figure, synthetic=is_synthetic(study) if synthetic is None else synthetic)


def _legend(figure: Figure, axes: Axes, *, columns: int) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", frameon=False, fontsize=8.5, ncols=columns)


def _periods(series: Any) -> list[float]:
    if "period" in series:
        return [float(period) for period in series["period"]]
    return [float(Month.of(stamp.year, stamp.month).index) for stamp in series["month"]]


def plot_event_study(study: EffectStudy, *, synthetic: bool | None = None) -> Figure:
    """Effect by time since training, with pointwise intervals and the uniform band.

    Returns
    -------
    Figure
        Hollow marks lie before training (where they should be near zero), filled marks after.
    """
    frame = study.event_study.sort_values("event_time")
    time = frame["event_time"].to_numpy(dtype=float)
    centre = frame["estimate"].to_numpy(dtype=float)
    low, high = (frame[name].to_numpy(dtype=float) for name in ("conf_low", "conf_high"))
    with style():
        figure, axes = new_figure(2.75)
        if {"band_low", "band_high"} <= set(frame.columns):
            axes.fill_between(time, frame["band_low"], frame["band_high"], color="#CFE3F1", lw=0, label="全期間を通した幅（95％）")
        errors = np.vstack([centre - low, high - centre])
        for mask, face, label in ((time < 0, "white", "研修前（ゼロに近いはず）"), (time >= 0, BLUE, "研修後")):
            if mask.any():
                axes.errorbar(time[mask], centre[mask], yerr=errors[:, mask], fmt="o", ms=3.6, mfc=face, mec=BLUE, ecolor=BLUE, elinewidth=0.9, label=label)
        axes.axhline(0, color=GREY, lw=0.9)
        axes.axvline(-0.5, color=GREY, lw=0.9, ls=":")
        number_ticks(axes.xaxis, axes.yaxis)
        axes.set_xlabel("研修開始からの月数" if study.monthly else "研修開始からの期間数")
        axes.set_ylabel(label_text(study.unit_label, 18))
        axes.set_title(label_text(f"{study.outcome_label}への効果", 44))
        _legend(figure, axes, columns=3)
        return finish(figure, synthetic=is_synthetic(study) if synthetic is None else synthetic)


def plot_ranges(
    rows: Sequence[tuple[str, float, float, float]],
    *,
    title: str,
    axis_label: str,
    marks: Sequence[float] = (),
    unclaimed: Collection[int] = (),
    synthetic: bool = False,
) -> Figure:
    """Ranges, one row each: label, centre, low, high; the base of ``plot_savings`` and ``plot_verdicts``.

    Parameters
    ----------
    rows : sequence of (label, centre, low, high)
        At most twelve are drawn; the number of those left out is written under the figure.
    marks : sequence of float
        Vertical dotted lines, such as the smallest meaningful effect.
    unclaimed : collection of int
        Rows that may not be called an effect although their range excludes zero: drawn hollow, as those that include it.
    """
    shown = list(rows[:_MOST_ROWS])
    with style():
        figure, axes = new_figure(1.25 + 0.3 * max(1, len(shown)))
        places = np.arange(len(shown))[::-1]
        for number, (place, (_, centre, low, high)) in enumerate(zip(places, shown, strict=True)):
            is_open = low <= 0 <= high or number in unclaimed
            colour = GREY if is_open else (BLUE if centre > 0 else VERMILLION)
            if np.isfinite([low, high]).all():
                axes.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="butt")
            axes.plot(centre, place, "o", ms=6, mfc="white" if is_open else colour, mec=colour, mew=1.4)
        axes.axvline(0, color=GREY, lw=0.9)
        for mark in marks:
            axes.axvline(mark, color=GREEN, lw=1.2, ls=":")
        axes.set_yticks(places, ["\n".join(label_text(part, 22) for part in row[0].split("\n")) for row in shown])
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.margins(x=0.08)
        number_ticks(axes.xaxis)
        left_out = f"（ほか{len(rows) - len(shown)}件は表に記載）" if len(rows) > len(shown) else ""
        axes.set_xlabel(f"{axis_label}{left_out}")
        axes.set_title(label_text(title, 48))
        return finish(figure, synthetic=synthetic)


def compact(figure: Figure) -> Figure:
    """The same range figure at half a page's width, as high as a compact series."""
    figure.set_size_inches(_COMPACT_RANGES, _COMPACT_HEIGHT)
    figure.axes[0].locator_params(axis="x", nbins=3)  # numbers of five digits would run into each other
    return figure


def plot_verdicts(evidence: Sequence[Evidence], *, synthetic: bool = False, short: bool = False) -> Figure:
    """Each question's effect with its interval, in multiples of its smallest meaningful effect; good effects lie to the right.

    Questions without an estimate or without a smallest meaningful effect are left out; ``short`` words fit half a page.
    """
    rows: list[tuple[str, float, float, float]] = []
    unclaimed: set[int] = set()
    for item in evidence:
        entry, unit = item.headline, item.smallest_effect
        if entry is None or not unit or not np.isfinite(unit):
            continue
        sign = -1.0 if item.better == "lower" else 1.0
        ends = sorted((sign * entry.conf_low / unit, sign * entry.conf_high / unit))
        if item.verdict in UNDECIDED:
            unclaimed.add(len(rows))
        rows.append((f"{item.title}\n{item.verdict}", sign * entry.estimate / unit, ends[0], ends[1]))
    return plot_ranges(
        rows,
        title="効果の大きさと幅" if short else "効果の大きさと幅（点線＝最小の効果）",
        axis_label="最小の効果＝1（右ほど良い）" if short else "最小の効果を1とした大きさ（右ほど良い）",
        marks=(1.0,),
        unclaimed=unclaimed,
        synthetic=synthetic,
    )


def plot_savings(savings: Savings, *, synthetic: bool = False) -> Figure:
    """Hours freed in the evaluated year by question, with 95 % intervals; questions without a conversion to hours are left out."""
    counted = [(line, line.saved) for line in savings.lines if line.saved is not None]
    rows = [(f"{line.title}（{line.verdict}）", saved.hours, saved.conf_low, saved.conf_high) for line, saved in counted]
    unclaimed = {number for number, (line, _) in enumerate(counted) if line.verdict in UNDECIDED}
    title, axis_label = "生まれた業務時間（評価年度、95％の幅）", "時間／年（右ほど多くの時間が生まれた）"
    return plot_ranges(rows, title=title, axis_label=axis_label, unclaimed=unclaimed, synthetic=synthetic)


def plot_scenarios(budget: BudgetCase, *, synthetic: bool = False) -> Figure:
    """Present value of the hours against the cost, for each base scenario; a forecast (見込み), not a result.

    Returns
    -------
    Figure
        In 千円; the thin lines are the 95 % intervals carried over from the effect.
    """
    shown = [scenario for scenario in budget.scenarios if scenario.base] or list(budget.scenarios[:3])
    with style():
        figure, axes = new_figure(2.6)
        places = np.arange(len(shown))
        benefit = np.array([scenario.benefit.yen for scenario in shown], dtype=float) / 1000
        reach = np.array([[s.benefit.yen - s.benefit.low, s.benefit.high - s.benefit.yen] for s in shown], dtype=float).reshape(-1, 2).T / 1000
        look: dict[str, Any] = {"color": "#9CC9E3", "edgecolor": BLUE, "ecolor": "black", "capsize": 3}  # pale, so that the range shows inside the bar
        axes.bar(places - 0.2, benefit, 0.38, yerr=np.maximum(reach, 0), label="時間の価値（参考、見込み）", **look)
        costs = np.array([scenario.cost_yen for scenario in shown], dtype=float) / 1000
        axes.bar(places + 0.2, costs, 0.38, color="white", edgecolor=GREY, hatch="///", label="費用")
        axes.axhline(0, color=GREY, lw=0.9)
        axes.set_xticks(places, [f"{s.years}年\n（定着{round(100 * s.retention)}％、割引{round(100 * s.discount_rate)}％）" for s in shown], fontsize=8.5)
        number_ticks(axes.yaxis)
        axes.set_ylabel("千円")
        axes.set_title("費用と時間の価値（参考）")
        _legend(figure, axes, columns=2)
        return finish(figure, synthetic=synthetic)


def plot_completeness(by_file: Mapping[str, tuple[int, int]], *, synthetic: bool = False) -> Figure:
    """Rows accepted and rejected by file.

    Parameters
    ----------
    by_file : mapping of file name to (accepted, rejected)

    Returns
    -------
    Figure
        Shares of the rows read in per cent; the number of rows stands beside each bar.
    """
    names = list(by_file)[:_MOST_ROWS]
    with style():
        figure, axes = new_figure(1.1 + 0.28 * max(1, len(names)))
        places = np.arange(len(names))[::-1]
        counts = np.array([by_file[name] for name in names], dtype=float).reshape(-1, 2)
        share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.barh(places, share[:, 0], color=BLUE, label="採用")
        axes.barh(places, share[:, 1], left=share[:, 0], color="white", edgecolor=VERMILLION, hatch="xxx", label="除外")
        for place, (accepted, rejected) in zip(places, counts, strict=True):
            label = f"{format_number(accepted + rejected)}行（除外{format_number(rejected)}）"
            axes.annotate(label, (101, place), va="center", fontsize=8, annotation_clip=False)
        axes.set_yticks(places, [label_text(name, 26) for name in names])
        axes.set_xlim(0, 125)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.set_xlabel("読み込んだ行に占める割合（％）")
        axes.set_title("ファイルごとの採用と除外")
        _legend(figure, axes, columns=2)
        return finish(figure, synthetic=synthetic)

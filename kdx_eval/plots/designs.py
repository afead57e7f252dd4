"""Figures of what else could have been chosen: other thresholds and assumptions beside the headline, and placebos of one supported unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kdx_eval.plots.results import is_synthetic, plot_ranges
from kdx_eval.plots.style import BLUE, GREY, VERMILLION, finish, label_text, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.effect.study import EffectStudy


def plot_variants(study: EffectStudy, *, synthetic: bool | None = None) -> Figure:
    """The headline on top, below it the same figure at other trained shares and the same estimate under less strict assumptions.

    Returns
    -------
    Figure
        In the outcome's unit, turned so that good lies to the right; 95 % intervals.
    """
    sign = -1.0 if study.better == "lower" else 1.0
    rows = [("計画どおり", study.headline.estimate, study.headline.conf_low, study.headline.conf_high)]
    for one in study.variants:
        label = f"「受けた」を{one.label}\n（受けた{one.n_treated}単位）" if one.kind == "threshold" else one.label
        rows.append((label, one.estimate, one.conf_low, one.conf_high))
    turned = [(label, sign * centre, min(sign * low, sign * high), max(sign * low, sign * high)) for label, centre, low, high in rows]
    return plot_ranges(
        turned,
        title=f"{study.outcome_label}：条件や前提を変えると",
        axis_label=f"{label_text(study.unit_label, 18)}（{'減った' if study.better == 'lower' else '増えた'}大きさ。右ほど良い）",
        synthetic=is_synthetic(study) if synthetic is None else synthetic,
    )


def plot_placebos(study: EffectStudy, *, synthetic: bool | None = None) -> Figure:
    """The supported unit's difference among those of untreated units taken as supported.

    Returns
    -------
    Figure
        Each untreated unit a grey mark, in the outcome's unit; dotted lines bound what ranks among chance (none where too few can tell).
    """
    placebos = np.sort(np.array(study.placebos, dtype=float))
    headline = study.headline
    half = (headline.conf_high - headline.conf_low) / 2
    with style():
        figure, axes = new_figure(2.0)
        # Heaped, so that equal values do not hide each other.
        edges = np.histogram_bin_edges(np.append(placebos, headline.estimate), bins=40)
        bins = np.clip(np.digitize(placebos, edges), 1, len(edges) - 1)
        heights = np.array([int((bins[:place] == number).sum()) for place, number in enumerate(bins)])
        axes.plot(placebos, heights, "o", color=GREY, ms=4.5, mfc="white", label=f"受けていない{len(placebos)}単位を支援とみなした場合")
        axes.plot(headline.estimate, 0, "D", color=BLUE, ms=8, label="実際に支援を受けた単位")
        if np.isfinite(half):
            for bound in (-half, half):
                axes.axvline(bound, color=VERMILLION, lw=1.2, ls=":", label="偶然と区別できる境" if bound < 0 else None)
        axes.axvline(0, color=GREY, lw=0.9)
        axes.set_yticks([])
        axes.set_ylim(-0.8, max(float(heights.max(initial=0)) + 1, 3))
        axes.set_xlabel(label_text(study.unit_label, 18))
        axes.set_title(label_text(f"{study.outcome_label}の差は、偶然でも起こる大きさか", 44))
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", frameon=False, fontsize=8.5, ncols=3)
        return finish(figure, synthetic=is_synthetic(study) if synthetic is None else synthetic)

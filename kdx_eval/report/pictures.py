"""All plots of a run as PNG, each drawn once for the PDF, the Word file and the site."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from kdx_eval.plots import compact, plot_event_study, plot_ranges, plot_series, plot_verdicts
from kdx_eval.report.blocks import shorten
from kdx_eval.report.wording import ordered_evidence, planned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.results import Results

DOTS_PER_INCH = 140
MOST_RANGES = 5
MOST_DRAWN = 12  # questions with plots of their own; the rest of a long run stands in the tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One plot: its file, alternative text, caption, and its width relative to the one beside it."""

    file: str
    alt: str
    caption: str
    width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """All plots of a run as PNG, each drawn once.

    Attributes
    ----------
    content : mapping of file name to bytes
    main : tuple of Picture
        The two plots of the two pages: the leading question's series, and the ranges.
    by_question : mapping of question id to Pictures of that question
    """

    content: Mapping[str, bytes]
    main: tuple[Picture, ...]
    by_question: Mapping[str, tuple[Picture, ...]]


@lru_cache(maxsize=1)
def draw_pictures(results: Results) -> Pictures:
    """Draw every plot that the documents and the site show; the last run's are kept, since both ask for them."""
    synthetic = planned(results).synthetic
    content: dict[str, bytes] = {}
    by_question: dict[str, tuple[Picture, ...]] = {}
    drawn = [item for item in ordered_evidence(results) if item.question_id in results.studies][:MOST_DRAWN]
    for number, item in enumerate(drawn, start=1):
        study = results.studies[item.question_id]
        title = shorten(item.title, 40)
        caption = f"図　{title}（研修を受けた側と比較対照の推移）"
        series = Picture(file=f"q{number}-series.png", alt=f"{title}：研修を受けた側と比較対照の推移", caption=caption)
        content[series.file] = _png(plot_series(study, synthetic=synthetic))
        pair: tuple[Picture, ...] = (series,)
        if len(study.event_study):
            caption = f"図　{title}（研修開始からの月数ごとの効果と幅）"
            event = Picture(file=f"q{number}-event.png", alt=f"{title}：研修開始からの月数ごとの効果と幅", caption=caption)
            content[event.file] = _png(plot_event_study(study, synthetic=synthetic))
            pair = (series, event)
        by_question[item.question_id] = pair
    main = []
    if drawn:
        first = results.studies[drawn[0].question_id]
        main.append(Picture(file="main-series.png", alt=f"問1：{first.outcome_label}の推移", caption="図　問1の推移（研修を受けた側と比較対照）", width=4.0))
        content["main-series.png"] = _png(plot_series(first, synthetic=synthetic, compact=True))
    ranges = _ranges(results)
    if ranges is not None:
        content[ranges[0].file] = _png(compact(ranges[1]))
        main.append(ranges[0])
    return Pictures(content=content, main=tuple(main), by_question=by_question)


def _ranges(results: Results) -> tuple[Picture, Figure] | None:
    """Hours where something converts to hours, else multiples of the smallest effect; rows are numbered as in the table beside."""
    synthetic = planned(results).synthetic
    numbered = list(enumerate(ordered_evidence(results), start=1))[:MOST_RANGES]
    saved = {} if results.savings is None else {line.question_id: line.saved for line in results.savings.lines if line.saved is not None}
    if saved:
        rows = [(f"問{n}\n{item.verdict}", saved[item.question_id]) for n, item in numbered if item.question_id in saved]
        points = [(label, hours.hours, hours.conf_low, hours.conf_high) for label, hours in rows]
        picture = Picture(file="ranges.png", alt="問いごとの時間とその幅", caption="図　問いごとの時間と95％の幅（0をまたぐものは効果と言えない）", width=3.0)
        return picture, plot_ranges(points, title="生まれた業務時間", axis_label="時間／年（右ほど良い）", synthetic=synthetic)
    if any(item.headline is not None and item.smallest_effect for _, item in numbered):
        picture = Picture(file="ranges.png", alt="問いごとの効果とその幅", caption="図　問いごとの効果と95％の幅（0をまたぐものは効果と言えない）", width=3.0)
        figure = plot_verdicts([replace(item, title=f"問{n}") for n, item in numbered], synthetic=synthetic)
        return picture, figure
    return None


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # No software name or date in the file, so that the same results give the same bytes.
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()

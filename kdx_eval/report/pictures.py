"""All plots of a run as PNG, each drawn once for the PDF, the Word file and the site."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from kdx_eval.plots import UNDECIDED, compact, plot_event_study, plot_ranges, plot_scenarios, plot_series, plot_tornado, plot_verdicts
from kdx_eval.report.blocks import shorten
from kdx_eval.report.wording import hours_range_text, numbered_evidence, part_of, planned
from kdx_eval.units import format_hours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.evidence import Evidence
    from kdx_eval.results import Results
    from kdx_eval.savings import Hours

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
    wide : tuple of Picture
        The same two at a page's full width, for the site.
    by_question : mapping of question id to Pictures of that question
    money : tuple of Picture
        The tornado and the scenarios, where hours may be claimed.
    """

    content: Mapping[str, bytes]
    main: tuple[Picture, ...]
    wide: tuple[Picture, ...]
    by_question: Mapping[str, tuple[Picture, ...]]
    money: tuple[Picture, ...] = ()


@lru_cache(maxsize=1)
def draw_pictures(results: Results) -> Pictures:
    """Draw every plot that the documents and the site show; the last run's are kept, since both ask for them."""
    synthetic = planned(results).synthetic
    content: dict[str, bytes] = {}
    by_question: dict[str, tuple[Picture, ...]] = {}
    drawn = [(number, item) for number, item in numbered_evidence(results) if item.question_id in results.studies][:MOST_DRAWN]
    for number, item in drawn:
        study = results.studies[item.question_id]
        title = f"問{number}　{shorten(item.title, 40)}"
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
    main, wide = [], []
    if drawn:
        number, item = drawn[0]
        first = results.studies[item.question_id]
        alt, caption = f"問{number}：{first.outcome_label}の推移", f"図　問{number}の推移（研修を受けた側と比較対照）"
        main.append(Picture(file="main-series.png", alt=alt, caption=caption, width=4.0))
        content["main-series.png"] = _png(plot_series(first, synthetic=synthetic, compact=True))
        wide.append(by_question[item.question_id][0])
    for narrow, kept in ((True, main), (False, wide)):
        ranges = _ranges(results, narrow=narrow)
        if ranges is not None:
            picture, figure = ranges
            content[picture.file] = _png(compact(figure) if narrow else figure)
            kept.append(picture)
    money = _money(results, content, synthetic=synthetic)
    return Pictures(content=content, main=tuple(main), wide=tuple(wide), by_question=by_question, money=money)


def _money(results: Results, content: dict[str, bytes], *, synthetic: bool) -> tuple[Picture, ...]:
    if results.budget is None or not results.budget.swings:
        return ()
    tornado = Picture(file="tornado.png", alt="前提を一つずつ動かしたときの差引。数値は次の表にある", caption="図　前提を一つずつ動かしたときの差引（見込み）")
    scenarios = Picture(file="scenarios.png", alt="1年・3年・5年の費用と時間の価値。数値は見込みの表にある", caption="図　費用と時間の価値（参考、見込み）")
    content[tornado.file] = _png(plot_tornado(results.budget, synthetic=synthetic))
    content[scenarios.file] = _png(plot_scenarios(results.budget, synthetic=synthetic))
    return tornado, scenarios


def _ranges(results: Results, *, narrow: bool) -> tuple[Picture, Figure] | None:
    """Hours where something converts to hours, else multiples of the smallest effect; rows are numbered as in the table beside."""
    synthetic = planned(results).synthetic
    numbered = sorted(numbered_evidence(results)[:MOST_RANGES], key=lambda pair: pair[0])
    saved = {} if results.savings is None else {line.question_id: line.saved for line in results.savings.lines if line.saved is not None}
    file = "ranges.png" if narrow else "ranges-wide.png"
    if any(item.question_id in saved for _, item in numbered):
        shown = [(number, item) for number, item in numbered if item.question_id in saved]
        rows = [(_row_label(results, number, item=item, narrow=narrow), saved[item.question_id]) for number, item in shown]
        unclaimed = {place for place, (_, item) in enumerate(shown) if item.verdict in UNDECIDED}
        points = [(label, hours.hours, hours.conf_low, hours.conf_high) for label, hours in rows]
        picture = Picture(file=file, alt=f"問いごとの時間とその幅。{_spoken(rows)}", caption="図　年間の時間と95％の幅（白丸は効果と言えない）", width=3.0)
        return picture, plot_ranges(points, title="生まれた業務時間", axis_label="時間／年（右ほど良い）", unclaimed=unclaimed, synthetic=synthetic)
    if any(item.headline is not None and item.smallest_effect for _, item in numbered):
        picture = Picture(file=file, alt="問いごとの効果とその幅", caption="図　問いごとの効果と95％の幅（点線＝最小の効果）", width=3.0)
        named = [replace(item, title=f"問{n}" if narrow else f"問{n}　{item.outcome_label}") for n, item in numbered]
        return picture, plot_verdicts(named, synthetic=synthetic, short=narrow)
    return None


def _row_label(results: Results, number: int, *, item: Evidence, narrow: bool) -> str:
    whole = part_of(results, item.question_id)
    inside = f"（問{whole}の一部）" if whole else ""
    return f"問{number}{inside}\n{item.verdict}" if narrow else f"問{number}　{shorten(item.outcome_label, 16)}\n{item.verdict}{inside}"


def _spoken(rows: list[tuple[str, Hours]]) -> str:
    """What a reader who cannot see the figure needs to know of it."""
    return "。".join(
        f"{label.replace(chr(10), '、')}、{format_hours(hours.hours)}、{hours_range_text(hours.conf_low, hours.conf_high)}" for label, hours in rows
    )


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # No software name or date in the file, so that the same results give the same bytes.
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()

"""All plots of a run as PNG, each drawn once for the PDF, the Word file and the site."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from kdx_eval.plots import (
    UNDECIDED,
    compact,
    plot_checks,
    plot_event_study,
    plot_placebos,
    plot_ranges,
    plot_scenarios,
    plot_series,
    plot_tornado,
    plot_variants,
    plot_verdicts,
)
from kdx_eval.report.blocks import Figure as Shown
from kdx_eval.report.blocks import Picture, shorten
from kdx_eval.report.hours_figures import hours_figures
from kdx_eval.report.policy_parts import policy_drawings
from kdx_eval.report.wording import hours_range_text, numbered_evidence, part_of, planned
from kdx_eval.units import format_hours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.effect.study import EffectStudy
    from kdx_eval.evidence import Evidence
    from kdx_eval.results import Results
    from kdx_eval.savings import Hours

DOTS_PER_INCH = 170
HOURS_PICTURES = {
    "bridge": ("生まれた時間から使い道の記録を引き、残りを示した図。数字は下の表にあります", "図　生まれた時間はどこへ行ったか"),
    "register": ("主張をそのまま足した時間と、重なりを除いて数えた時間の図。数字は下の表にあります", "図　同じ時間を二重に数えていないか"),
    "persistence": (
        "研修の開始からの年数別に、1単位・1か月当たりの時間と幅を示した図。数字は下の表にあります",
        "図　効果は続いているか（白丸は効果と言えない）",
    ),
}
MOST_RANGES = 5
MOST_DRAWN = 12  # questions with plots of their own; the rest of a long run stands in the tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """All plots of a run as PNG, each drawn once.

    Attributes
    ----------
    content : mapping of file name to bytes
    main : tuple of Picture
        The two plots of the two pages: the leading question's series, and the ranges.
    wide : tuple of Picture
        The same two at a page's full width; only `draw_site_pictures` makes them.
    by_question : mapping of question id to Pictures of that question
    by_part : mapping of a part of the policy to its pictures, ready to show
    hours : tuple of Picture
        The bridge, overlaps and persistence.
    checks : mapping of question id to the Picture of its checks; only `draw_site_pictures` makes them
    money : tuple of Picture
        The tornado and the scenarios, where hours may be claimed.
    """

    content: Mapping[str, bytes]
    main: tuple[Picture, ...]
    wide: tuple[Picture, ...]
    by_question: Mapping[str, tuple[Picture, ...]]
    by_part: Mapping[str, tuple[Shown, ...]] = field(default_factory=dict)
    hours: tuple[Picture, ...] = ()
    checks: Mapping[str, Picture] = field(default_factory=dict)
    money: tuple[Picture, ...] = ()


@lru_cache(maxsize=1)
def draw_pictures(results: Results) -> Pictures:
    """Draw every plot that the documents show; the last run's are kept, since the site asks for them too."""
    synthetic = planned(results).synthetic
    content: dict[str, bytes] = {}
    by_question: dict[str, tuple[Picture, ...]] = {}
    drawn = [(number, item) for number, item in numbered_evidence(results) if item.question_id in results.studies][:MOST_DRAWN]
    for number, item in drawn:
        title = f"問{number}　{shorten(item.title, 40)}"
        by_question[item.question_id] = tuple(_study_pictures(results.studies[item.question_id], content, name=f"q{number}", title=title, synthetic=synthetic))
    main = []
    if drawn:
        number, item = drawn[0]
        first = results.studies[item.question_id]
        alt, caption = f"問{number}：{first.outcome_label}の推移", f"図　問{number}の推移（研修を受けた側と比較対照）"
        main.append(Picture(file="main-series.png", alt=alt, caption=caption, width=4.0))
        content["main-series.png"] = _png(plot_series(first, synthetic=synthetic, compact=True))
    ranges = _ranges(results, narrow=True)
    if ranges is not None:
        content[ranges[0].file] = _png(compact(ranges[1]))
        main.append(ranges[0])
    return Pictures(
        content=content, main=tuple(main), wide=(), by_question=by_question,
        by_part=_part_pictures(results, content, synthetic=synthetic), hours=tuple(_hours_pictures(results, content, synthetic=synthetic)),
        money=_money(results, content, synthetic=synthetic),
    )  # fmt: skip


def draw_site_pictures(results: Results) -> Pictures:
    """The plots of the documents, and those that only the site shows: the checks of each question, and the two leading plots in full width."""
    base, synthetic = draw_pictures(results), planned(results).synthetic
    content = dict(base.content)
    checks: dict[str, Picture] = {}
    wide: list[Picture] = []
    for number, item in numbered_evidence(results):
        if item.question_id not in base.by_question:
            continue
        wide = wide or [base.by_question[item.question_id][0]]
        if any(check.conf_low is not None for check in item.checks):
            title = f"問{number}　{shorten(item.title, 40)}"
            checked = Picture(file=f"q{number}-checks.png", alt=f"{title}（確かめたこと）", caption=f"図　{title}（確かめたこと）")
            content[checked.file] = _png(plot_checks(item.checks, unit_label=item.unit_label, synthetic=synthetic))
            checks[item.question_id] = checked
    ranges = _ranges(results, narrow=False)
    if ranges is not None:
        content[ranges[0].file] = _png(ranges[1])
        wide.append(ranges[0])
    return replace(base, content=content, checks=checks, wide=tuple(wide))


def _study_pictures(study: EffectStudy, content: dict[str, bytes], *, name: str, title: str, synthetic: bool) -> Iterator[Picture]:
    wanted: list[tuple[str, str, Figure]] = [("series", "研修を受けた側と比較対照の推移", plot_series(study, synthetic=synthetic))]
    if len(study.event_study):
        wanted.append(("event", "研修開始からの月数ごとの効果と幅", plot_event_study(study, synthetic=synthetic)))
    if study.variants:
        wanted.append(("variants", "条件や前提を変えた場合の効果と幅", plot_variants(study, synthetic=synthetic)))
    if study.placebos:
        wanted.append(("placebos", "受けていない相手と比べた差の大きさ", plot_placebos(study, synthetic=synthetic)))
    for kind, words, figure in wanted:
        picture = Picture(file=f"{name}-{kind}.png", alt=f"{title}：{words}", caption=f"図　{title}（{words}）")
        content[picture.file] = _png(figure)
        yield picture


def _hours_pictures(results: Results, content: dict[str, bytes], *, synthetic: bool) -> Iterator[Picture]:
    if results.savings is None:
        return
    for kind, (alt, caption) in HOURS_PICTURES.items():
        for figure in hours_figures(results.savings, kind, synthetic=synthetic):
            picture = Picture(file=f"hours-{kind}.png", alt=alt, caption=caption)
            content[picture.file] = _png(figure)
            yield picture


def _part_pictures(results: Results, content: dict[str, bytes], *, synthetic: bool) -> dict[str, tuple[Shown, ...]]:
    found: dict[str, tuple[Shown, ...]] = {}
    for part, picture, figure in policy_drawings(results.policy, synthetic=synthetic):
        content[picture.file] = _png(figure)
        shown = Shown(name=picture.file.removesuffix(".png"), png=content[picture.file], alt=picture.alt, caption=picture.caption)
        found[part] = (*found.get(part, ()), shown)
    return found


def _money(results: Results, content: dict[str, bytes], *, synthetic: bool) -> tuple[Picture, ...]:
    if results.budget is None or not results.budget.swings:
        return ()
    tornado = Picture(file="tornado.png", alt="前提を一つずつ動かしたときの差引。数値は次の表にある", caption="図　前提を一つずつ動かしたときの差引（見込み）")
    scenarios = Picture(file="scenarios.png", alt="年数ごとの費用と時間の価値。数値は見込みの表にある", caption="図　費用と時間の価値（参考、見込み）")
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

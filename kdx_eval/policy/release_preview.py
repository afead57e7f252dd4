"""Everything that a release holds, in Japanese, for the city to see before it gives the file away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kdx_eval.plan.types import UNIT_NAMES
from kdx_eval.policy.release import SCHEMA_VERSION, cohort_text
from kdx_eval.units import format_number, format_share

if TYPE_CHECKING:
    from kdx_eval.policy.release import Release

Row = tuple[str, str, str]
_CONTROLS: Mapping[str, str] = {"not_yet_treated": "まだ受けていない側", "never_treated": "最後まで受けない側", "applicants": "応募して選ばれなかった側"}
_BEGINS: Mapping[str, str] = {"offered": "案内", "enrolled": "受講開始", "completed": "修了"}
_WIDTHS: Mapping[str, str] = {"month": "月", "quarter": "四半期", "half_year": "半年"}


def release_fields(release: Release) -> tuple[Row, ...]:
    """A row for each thing that the file holds: item, content, what it tells others; the design first, then the contrast, then moments if they are given."""
    return (*_design_rows(release), *_contrast_rows(release), *_moment_rows(release))


def _design_rows(release: Release) -> Iterator[Row]:
    design = release.design
    unit, periods = UNIT_NAMES.get(design["unit"], design["unit"]), design["periods"]
    good = "減ると良い" if design["better"] == "lower" else "増えると良い"
    left_out = "、".join(f"{first}～{last}" for first, last in design["excluded_periods"]) or "なし"
    begins, width = _BEGINS.get(design["treated_from"], design["treated_from"]), _WIDTHS.get(design["cohort_width"], design["cohort_width"])
    share, buffer = format_share(design["threshold_share"], 0), format_number(design["buffer_months"])
    yield "団体", f"{release.city}（{release.city_id}）", "どの市の結果か"
    yield "問い", f"{release.title}（番号 {release.question_id}）", "何を調べたか"
    yield "成果", f"{design['outcome']}（{design['unit_label']}、{good}）", "何を測ったか"
    yield "比べ方", f"{unit}ごと。相手は{_CONTROLS.get(design['control'], design['control'])}", "分析の決まり"
    yield "受けたとする決まり", f"{begins}から、職員の{share}以上で。{width}ごとにまとめ、はじめの{buffer}か月は数えない", "分析の決まり"
    yield "期間", f"{periods[0]}～{periods[-1]}の{format_number(len(periods))}か月。除く期間は{left_out}", "いつの記録か"
    yield "種類と照合番号", f"結果のファイルであること、形の版（{SCHEMA_VERSION}）、中身から計算した照合番号", "途中で変わっていないことを確かめるため"


def _contrast_rows(release: Release) -> Iterator[Row]:
    c, unit = release.contrast, release.design["unit_label"]
    size = f"{format_number(c.estimate, 4)} ± {format_number(c.std_error, 4)} {unit}（自由度 {format_number(c.df, 1)}）"
    yield "効果と標準誤差", size, "受けた側と比べる側の差。個人の値ではありません"
    yield "研修前の平均", f"{format_number(c.baseline_mean, 2)} {unit}", "受けた側をまとめた平均"
    sides = ((c.n_treated, c.n_control), (c.persons_treated, c.persons_control))
    counted, persons = (f"受けた側 {format_number(treated)}、比べる側 {format_number(control)}" for treated, control in sides)
    yield f"{UNIT_NAMES.get(release.design['unit'], '単位')}の数", counted, "いくつか"
    yield "人数", persons, "そこにいる職員の数"
    yield "課の指紋", f"{format_number(len(release.units))}個（課の番号から作った符号）", "同じ課を二度数えないため。課の名前は入りません"


def _moment_rows(release: Release) -> Iterator[Row]:
    m = release.moments
    if m is None:
        return
    groups = [
        f"{'受けていない' if cohort_text(g) == 'never' else cohort_text(g)}（{format_number(n)}課・{format_number(p)}人）"
        for g, n, p in zip(m.cohorts, m.size, m.persons, strict=True)
    ]
    count, months = len(m.cohorts), len(m.periods)
    yield "開始時期ごとの課と人数", "、".join(groups), "いつ始めた課がいくつあるか"
    yield "開始時期ごとの月別平均", f"{count} × {months}か月の数", "まとめた平均。課ごとの値は入りません"
    yield "開始時期ごとのばらつき", f"{count} × {months} × {months}の数", "課どうしの散らばり。3課以上をまとめた値です"

"""``pool export`` and ``pool combine``: giving a result to other cities, and putting theirs together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.cli import screen
from kdx_eval.errors import DataError, OutputError, PlanError

if TYPE_CHECKING:
    from kdx_eval.policy.pooling import PooledEffect


def export(run: Path, data: Path, *, question: str, city: str, out: Path | None, contrast_only: bool) -> None:
    """Show everything that the file would hold and, where it is told a file, write it.

    Raises
    ------
    DataError
        The data or the results have changed since the run.
    OutputError
        The file exists, or another release of the same question lies beside it: two can be subtracted.
    PlanError
        The run has no estimate of that question.
    KdxError
        A cell is too small, or the run cannot be read.
    """
    from kdx_eval.load import load_dataset
    from kdx_eval.policy.partnership import city_release
    from kdx_eval.policy.release import release_text
    from kdx_eval.policy.release_preview import release_fields
    from kdx_eval.results import read_results
    from kdx_eval.safe import write_atomic

    results = read_results(run / "results")
    if results.plan is None or question not in results.studies:
        raise PlanError("この番号の問いの推定結果がありません", place=question, hint=f"ある問い: {'、'.join(results.studies) or 'なし'}")
    _require_unchanged(run, data)
    if out is not None:
        _require_first(out, question=question)
    with screen.progress_bar() as progress:
        dataset = load_dataset(data, progress=progress)
        release = city_release(
            dataset, plan=results.plan, study=results.studies[question], city=(city, results.plan.city), with_moments=not contrast_only
        )
    screen.say(f"渡すファイルに入るもの（これがすべてです{'。まだ書き出していません' if out is None else ''}）:")
    screen.table(["項目", "内容", "わかること"], [list(row) for row in release_fields(release)])
    if out is None:
        screen.say("個人の値は入りません。書き出すときは --out 渡す/市の名前.json を付けます。中身の数字は、渡す前にメモ帳で開いて見られます。")
        return
    text = release_text(release)
    write_atomic(out, text)
    digest = str(json.loads(text)["digest"])
    screen.say(f"書き出しました: {out}", f"照合番号: {digest[:16]}…（受け取った市と電話などで確かめてください）", "個人の値は入っていません。")


def _require_unchanged(run: Path, data: Path) -> None:
    """The effect is the run's and the moments are counted now: both must be of the same data."""
    from kdx_eval.manifest import verify_manifest

    changed = [one.path for one in verify_manifest(run, data=data) if one.binding and one.path.startswith(("data/", "results/"))]
    if changed:
        hint = "kdx-eval run をやり直してから、もう一度書き出してください"
        raise DataError("この実行の後に、データまたは結果が変わっています", place=changed[0], hint=hint)


def _require_first(out: Path, *, question: str) -> None:
    from kdx_eval.policy.release import read_release

    for earlier in sorted(out.parent.glob("*.json")) if out.parent.is_dir() else ():
        text = earlier.read_text(encoding="utf-8")
        if '"kdx_eval release"' in text and read_release(text, place=earlier.name).question_id == question:
            hint = "二つを渡すと差から一つの課の値が分かることがあります。前のものを使うか、回収してから消してください"
            raise OutputError("同じ問いの結果を前にも書き出しています", place=str(earlier), hint=hint)


def combine(files: list[Path], *, common_design: bool) -> None:
    """Put the results of several cities together and show them.

    Raises
    ------
    KdxError
        A file was changed, overlaps another, or its design differs.
    """
    from kdx_eval.policy.pooling import pool_contrasts, pool_moments, pool_shares
    from kdx_eval.policy.release import read_release
    from kdx_eval.report.wording import change_range_text, change_text
    from kdx_eval.units import format_share

    releases = [read_release(_text(path), place=path.name) for path in files]
    label = str(releases[0].design["unit_label"])
    pooled = pool_contrasts(releases)
    rows = [
        [one.city, f"{one.contrast.n_treated + one.contrast.n_control:,}", change_text(one.contrast.estimate, label), f"{weight:.0%}"]
        for one, weight in zip(releases, pooled.weights, strict=True)
    ]
    screen.table(["市", "課の数", "効果", "重み"], rows)
    screen.say(f"まとめた効果: {change_text(pooled.estimate, label)}（{change_range_text(pooled.conf_low, pooled.conf_high, unit_label=label)}）")
    screen.say(_spread(pooled, label))
    shares = pool_shares(releases)
    if shares is not None:
        screen.say(f"もとの値に対する割合では{format_share(shares.estimate)}（幅{format_share(shares.conf_low)}～{format_share(shares.conf_high)}）")
    if common_design:
        from kdx_eval.effect import group_time_effects

        overall = group_time_effects(pool_moments(releases), control="not_yet_treated").aggregate("simple").overall
        width = change_range_text(overall.conf_low, overall.conf_high, unit_label=label)
        screen.say(f"共通の計画として一つに合わせた場合: {change_text(overall.estimate, label)}（{width}）")
        screen.say("この値では、ある市の課が別の市の課の比較相手になっています。")


def _spread(pooled: PooledEffect, label: str) -> str:
    from kdx_eval.report.wording import change_range_text, size_text

    text = f"市による違い（標準偏差）: {size_text(pooled.between, label)}。"
    if pooled.predict_low is None or pooled.predict_high is None:
        return f"{text}二つの市だけなので、次の市での範囲は示せません。"
    return f"{text}次の市での範囲: {change_range_text(pooled.predict_low, pooled.predict_high, unit_label=label)}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise OutputError("結果のファイルを読めません", place=str(path), hint="場所とファイル名を確かめてください") from None

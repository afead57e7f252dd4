"""``check`` and ``verify``: what was read and refused, what is suspect, what can be answered, and whether a run's files are as recorded."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.cli import screen
from kdx_eval.cli.matching import show_matching
from kdx_eval.errors import OutputError, VerifyError

if TYPE_CHECKING:
    from kdx_eval.load import Dataset, QualityReport
    from kdx_eval.load.quality import Grid

_MOST_REASONS = 12
_MOST_FINDINGS = 8  # of each severity
_MONTHS_OF_A_YEAR = 12
_DISTRIBUTION_COLUMNS = ("表と列", "単位", "値の数", "最小", "中央", "99%", "最大", "0の割合", "空欄の割合")
_MINUTES_PER_DAY = 1440
_REASONS = {"changed": "記録と内容が違います", "missing": "ありません", "unexpected": "記録にありません"}


def show_check(data: Path) -> None:
    """Print what the files give; nothing is written beside the user's cache."""
    from kdx_eval.load import answerable, inspect_quality, load_dataset, most_useful_missing

    with screen.progress_bar() as progress:
        dataset = load_dataset(data, progress=progress)
    quality = inspect_quality(dataset)
    _show_files(dataset)
    _show_rejected(Path(dataset.rejected))
    _show_findings(quality)
    _show_months(quality)
    _show_distributions(quality)
    _show_lead_times(dataset)
    show_matching(dataset)
    _show_forms(data)
    screen.say("■ このデータで答えられること・答えられないこと")
    screen.say(*(f"  {'○' if item.possible else '×'} {item.sentence}" for item in answerable(dataset)))
    screen.say("■ 次に加えると最も役立つもの", f"  {most_useful_missing(dataset)}")
    if dataset.has("training"):
        screen.say("■ 次にすること", f"  kdx-eval plan new {screen.quoted(data)}    6つの質問に答えて計画を作る")
        screen.say(f"  kdx-eval run {screen.quoted(data)}         すぐに下書きを作る（計画は自動で提案）")


def _show_forms(data: Path) -> None:
    """The city's own forms; whether the figures that they name exist is known once there is a ledger."""
    from kdx_eval.report.own_forms import check_forms, find_forms

    forms = find_forms(data)
    if not forms:
        return
    screen.say("■ 記入する様式")
    try:
        check_forms(data)
    except OutputError as error:
        screen.say(f"  {error.message}")
        return
    screen.say(*(f"  {form.name}（対応表 {mapping.name}）: シートとセルは確かめました。番号は、計算の後に確かめます。" for form, mapping in forms))


def _show_files(dataset: Dataset) -> None:
    from kdx_eval.schema import load_schema

    titles = {spec.name: spec.title for spec in load_schema().tables.values()}
    screen.say("■ 読み込んだファイル")
    screen.table(
        ["ファイル", "表", "読んだ行", "取り込んだ行", "外した行", "直したセル"],
        [
            [
                f"{item.file} {item.sheet}".strip(),
                titles.get(item.table or "", "使いません"),
                *_counts(item.rows_read, item.rows_accepted, item.rows_rejected, sum(item.cells_repaired.values())),
            ]
            for item in dataset.report.files
            if item.table or item.rows_read
        ],
    )
    screen.say("  直したセル＝全角の数字や和暦など、書き方をそろえたもの（値は変えていません）")
    notes = [(f"  {item.file} {item.sheet}".rstrip(), note) for item in dataset.report.files for note in item.notes]
    # What may be wrong comes before what was merely done.
    for place, note in sorted(notes, key=lambda one: not one[1].startswith("注意")):
        screen.say(f"{place}: {note}")


def _show_findings(quality: QualityReport) -> None:
    """What to mend, to ask and to know, the gravest first."""
    from kdx_eval.load.quality import SEVERITIES

    if not quality.findings:
        screen.say("■ 数字を疑う理由は見つかりませんでした（単位・重複・欠け・水準の変化）")
        return
    screen.say("■ 数字を信じる前に見てほしいこと")
    for severity, word in SEVERITIES.items():
        found = [finding for finding in quality.findings if finding.severity == severity]
        for finding in found[:_MOST_FINDINGS]:
            screen.say(f"  【{word}】{finding.place}: {finding.sentence}", f"      → {finding.remedy}")
        if len(found) > _MOST_FINDINGS:
            screen.say(f"  【{word}】ほか {len(found) - _MOST_FINDINGS} 件（ノートブック 01 ですべて見られます）")


def _show_months(quality: QualityReport) -> None:
    """One line a fiscal year, years that look alike together; one mark a month from April on."""
    if not quality.grids:
        return
    screen.say("■ 月ごとのそろい方（4月から3月まで。■ すべての所属に値あり　・ 一部の所属に値なし　○ 集めていない）")
    for grid in quality.distinct_grids:
        screen.say(f"  {grid.title}（{len(grid.units):,} 所属）")
        screen.say(*(f"    {years}  {marks}" for years, marks in _years(grid)))


def _years(grid: Grid) -> list[tuple[str, str]]:
    from kdx_eval.load.quality import STATES

    missing, nowhere = STATES.index("missing"), STATES.index("not_collected")
    marks = {}
    for month, column in zip(grid.months, grid.states.T, strict=True):
        marks[month] = "○" if (column == nowhere).all() else "・" if (column == missing).any() else "■"
    lines: list[tuple[list[str], str]] = []
    for year in sorted({month.fiscal_year for month in grid.months}):
        line = "".join(marks.get(year.first + k, "　") for k in range(_MONTHS_OF_A_YEAR)).rstrip("　")
        if lines and lines[-1][1] == line:
            lines[-1][0].append(year.short)
        else:
            lines.append(([year.short], line))
    return [((years[0] if len(years) == 1 else f"{years[0]}～{years[-1]}") + "年度", line) for years, line in lines]


def _show_distributions(quality: QualityReport) -> None:
    from kdx_eval.load.quality import MEASURED
    from kdx_eval.report.quality_tables import DISTRIBUTION_HEADERS, distribution_rows

    rows = list(distribution_rows(item for item in quality.distributions if item.table in MEASURED))
    if rows:
        shown = [DISTRIBUTION_HEADERS.index(header) for header in _DISTRIBUTION_COLUMNS]
        screen.say("■ 値の散らばり（月ごとの表。ほかの列はノートブック 01）")
        screen.table(_DISTRIBUTION_COLUMNS, [[row[at] for at in shown] for row in rows])


def _show_lead_times(dataset: Dataset) -> None:
    """Cases and lead times of an event log by the month in which the cases ended."""
    if not dataset.has("durations"):
        return
    with dataset.connect() as connection:
        months = connection.execute(
            """SELECT strftime(month, '%Y-%m'), count(*), CAST(avg(lead_minutes) AS DOUBLE), CAST(median(lead_minutes) AS DOUBLE)
               FROM durations GROUP BY ROLLUP (month) ORDER BY month NULLS LAST"""
        ).fetchall()
    if not months[-1][1]:
        return  # nothing was counted; why stands among the refused rows
    screen.say("■ 処理の記録から数えた件数と所要時間（待ち時間を含む）")
    rows = [[month or "合計", f"{cases:,}", *(f"{minutes / _MINUTES_PER_DAY:,.2f}" for minutes in spans)] for month, cases, *spans in months]
    screen.table(["終わった月", "件数", "平均（日）", "中央値（日）"], rows)


def _counts(*rows: int) -> list[str]:
    return [f"{count:,}" for count in rows]


def _show_rejected(path: Path) -> None:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        counts = Counter((row["file"], row["column"], row["reason"], row["hint"]) for row in csv.DictReader(stream))
    if not counts:
        screen.say("■ 外した行はありません")
        return
    screen.say("■ 外した行の理由（多い順）")
    for (file, column, reason, hint), count in counts.most_common(_MOST_REASONS):
        screen.say(f"  {count:,} 行  {file}「{column}」: {reason} → {hint}")
    screen.say(f"  全件の一覧（ファイル・シート・行・列・理由）: {path}")


def show_verify(folder: Path, *, data: Path | None) -> None:
    """Print what differs from the manifest.

    Raises
    ------
    VerifyError
        When a result or an input differs; an edited document is only reported.
    """
    from kdx_eval.manifest import verify_manifest

    mismatches = verify_manifest(folder, data=data)
    if mismatches:
        rows = [[item.path, _REASONS[item.reason], "結果・入力" if item.binding else "文書（編集可）"] for item in mismatches]
        screen.table(["ファイル", "状態", "種類"], rows)
    broken = sum(item.binding for item in mismatches)
    if broken:
        raise VerifyError(f"{broken} 個のファイルが記録と違います", place=str(folder), hint="kdx-eval run をもう一度実行して作り直してください")
    screen.say("結果はすべて実行の記録どおりです。")

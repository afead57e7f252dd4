"""``run`` and ``demo``: the batch with a progress bar, then where things lie and what each question's verdict is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.cli import screen
from kdx_eval.errors import OutputError

if TYPE_CHECKING:
    from kdx_eval.batch import BatchResult, Progress

DEMO_SEED = 2025


def run_demo(out: Path, *, minimal: bool, seed: int) -> None:
    """Make the synthetic city below ``out`` and evaluate it there."""
    from kdx_eval.batch import run_batch
    from kdx_eval.safe import ensure_output_dir

    folder = ensure_output_dir(out, None)
    with screen.progress_bar() as progress:
        progress("合成データの市を作っています", 0.0)
        data = prepare_city(folder / "city", minimal=minimal, seed=seed)
        result = run_batch(data, out=folder, progress=progress, synthetic=True)
    screen.say("これは合成データです。実在の市の数字ではありません。")
    _summarise(result)


def prepare_city(folder: Path, *, minimal: bool, seed: int) -> Path:
    """The data folder of a synthetic city; one made before by the same code with the same seed is used again.

    Raises
    ------
    OutputError
        When ``folder`` holds something that is not a synthetic city.
    """
    from kdx_eval.manifest import code_digest
    from kdx_eval.safe import write_atomic
    from kdx_eval.synthetic_city import make_city

    made_by = json.dumps({"code": code_digest(), "minimal": minimal, "seed": seed}, sort_keys=True) + "\n"
    marker = folder / "made_by.json"
    if marker.is_file() and marker.read_text(encoding="utf-8") == made_by:
        return folder / "data"
    if folder.exists():
        if not (folder / "truth.json").is_file():
            raise OutputError("合成データを置く場所に別のファイルがあります", place=str(folder), hint="空のフォルダーを --out で指定してください")
        shutil.rmtree(folder)
    half = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(half, ignore_errors=True)
    make_city(half, minimal=minimal, seed=seed)
    write_atomic(half / marker.name, made_by)
    half.rename(folder)  # a city is there as a whole or not at all
    return folder / "data"


def run_and_report(data: Path, *, plan: Path | None, out: Path | None) -> None:
    """Evaluate a city's data and say where everything lies."""
    from kdx_eval.batch import run_batch

    with screen.progress_bar() as progress:
        target = out or Path("reports") / f"fy{_request_year(data, plan, progress=progress)}-request"
        result = run_batch(data, plan=plan, out=target, progress=progress)
    where = result.out / "plan.yaml"
    if result.plan_origin == "proposed":
        screen.say(f"計画がなかったので、受講の日付から提案したものを使いました: {where}", "このファイルを直してもう一度実行すると、直した計画で計算します。")
    elif result.plan_origin == "edited":
        screen.say(f"前に提案した計画を直したものを使いました: {where}")
    _summarise(result)


def _request_year(data: Path, plan: Path | None, *, progress: Progress) -> int:
    from kdx_eval.batch import find_plan, proposed_plan
    from kdx_eval.load import load_dataset
    from kdx_eval.plan import read_plan

    source = plan or find_plan(data)
    chosen = read_plan(source) if source else proposed_plan(load_dataset(data, progress=progress))
    return chosen.request_fiscal_year.year


def _summarise(result: BatchResult) -> None:
    # Only two texts of each are shown: read_results would import the statistics for them.
    evidence = json.loads((result.out / "results" / "evidence.json").read_text(encoding="utf-8"))
    shown = [evidence[item.question_id] for item in result.plan.questions if item.question_id in evidence]
    skipped = sum(stage.outcome == "skipped" for stage in result.stages)
    screen.say("", result.plan.heading)
    screen.say(*(f"  【{item['verdict']}】{item['title']}" for item in shown), "")
    screen.say(
        f"附属資料: {result.documents / 'budget_appendix.pdf'}",
        f"          {result.documents / 'budget_appendix.docx'}",
        f"積算表:   {result.documents / 'calculation.xlsx'}",
        f"別冊:     {result.documents / 'annex.pdf'}",
        f"サイト:   {result.site}",
        f"公表用:   {result.public}（少人数の数字を伏せたもの。外へ出してよいのは、このフォルダーだけです）",
        f"所要時間: {result.seconds:.0f} 秒" + (f"（{skipped} 工程は前回のまま）" if skipped else ""),
    )

"""``rollout``: draw next year's order for real and write what goes with it."""

from __future__ import annotations

import json
from pathlib import Path

from kdx_eval.cli import screen
from kdx_eval.errors import PlanError


def write_rollout(data: Path, *, plan: Path, out: Path, word: str, waves: int, first_month: str) -> None:
    """Write the order, next year's plan and the page for heads of departments into ``out``.

    Raises
    ------
    PlanError
        The data leave nothing to be ordered.
    KdxError
        Data, plan or a number cannot be used.
    """
    from kdx_eval.load import load_dataset
    from kdx_eval.plan import plan_from_dict, plan_to_yaml, read_plan
    from kdx_eval.policy import study_policy
    from kdx_eval.policy.rollout import Rollout
    from kdx_eval.report.forms.rollout_notice import order_table, rollout_notice
    from kdx_eval.safe import ensure_output_dir, write_atomic

    folder = ensure_output_dir(out, data)
    with screen.progress_bar() as progress:
        dataset = load_dataset(data, progress=progress)
        used = read_plan(plan)
        progress("分け方ごとに、分析を5,000回くり返しています", 1.0)
        found = study_policy("rollout", dataset, plan=used, waves=waves, first_month=first_month, word=word)
    if not isinstance(found, Rollout) or found.chosen < 0:
        hint = "まだ研修が届いていない課と、研修の前の月の成果がそろうか確かめてください"
        raise PlanError(getattr(found, "notes", ("",))[0].rstrip("。"), place="rollout", hint=hint)
    write_atomic(folder / "順番表.csv", order_table(found))
    write_atomic(folder / "plan.yaml", plan_to_yaml(plan_from_dict(json.loads(found.plan))))
    write_atomic(folder / "課長への説明.docx", rollout_notice(found, synthetic=used.synthetic))
    option = found.options[found.chosen]
    screen.say(f"{option.name}、{len(found.order)}課の順番を決めました。種: {word}", f"見つけたい大きさを見つける確率: {option.power:.0%}")
    screen.say(found.wanted_note, *found.notes)
    screen.say(
        f"書き出しました: {folder}",
        "  順番表.csv          抽選の記録。書き換えずに、来年度のデータのフォルダーに入れてください（順番どおりに始めたかを、これで確かめます）",
        "  課長への説明.docx   黄色の部分を書き入れて配ってください",
        "  plan.yaml           来年度の分析の計画。始める前に固定してください:",
        f"  kdx-eval plan freeze {screen.quoted(folder / 'plan.yaml')}",
    )

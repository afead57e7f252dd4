"""``plan new`` and ``plan freeze``."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.cli import screen
from kdx_eval.errors import KdxError, OutputError, PlanError

if TYPE_CHECKING:
    from kdx_eval.plan import PlanFacts


def new_plan(data: Path, *, answers: Path | None, yes: bool, out: Path) -> None:
    """Ask, propose, explain and write a plan.

    Raises
    ------
    OutputError
        When the file exists already.
    KdxError
        When the data cannot be read or an answer cannot be understood.
    """
    if out.exists():
        raise OutputError("計画のファイルがすでにあります", place=str(out), hint="別の名前を --out で指定するか、今あるものを移してください")
    from kdx_eval.load import load_dataset
    from kdx_eval.panel.reach import plan_facts
    from kdx_eval.plan import plan_from_answers, plan_to_yaml
    from kdx_eval.safe import write_atomic

    with screen.progress_bar() as progress:
        facts = plan_facts(load_dataset(data, progress=progress))
    plan = plan_from_answers(_read_answers(answers) if answers else {} if yes else _ask(facts), facts)
    write_atomic(out, plan_to_yaml(plan))
    screen.say("", f"提案する計画（{plan.heading}）")
    screen.table(["番号", "問い", "比べ方の理由"], [[item.question_id, item.title, item.explanation] for item in plan.questions])
    screen.say(
        f"書き出しました: {out}",
        "内容を確かめ、直すところは直してから、結果を見る前に固定してください:",
        f"  kdx-eval plan freeze {screen.quoted(out)}",
        "固定せずに試すだけなら:",
        f"  kdx-eval run {screen.quoted(data)} --plan {screen.quoted(out)}",
    )


def freeze(plan: Path) -> None:
    """Freeze a plan today and say what that means; raises PlanError when it is missing or malformed."""
    from kdx_eval.plan import freeze_plan, read_plan

    if not plan.is_file():
        raise PlanError("計画のファイルがありません", place=str(plan), hint="kdx-eval plan new で作れます")
    frozen = freeze_plan(plan, on=dt.datetime.now(tz=dt.UTC).astimezone().date())
    screen.say(f"固定しました: {frozen}", read_plan(frozen).freeze_note, f"次は  kdx-eval run データ --plan {screen.quoted(plan)}")


def _ask(facts: PlanFacts) -> dict[str, object]:
    from kdx_eval.plan import SIX_QUESTIONS

    screen.say("6つの質問に答えてください。Enter だけなら、提案にまかせます。", "", "受講記録にある研修:")
    numbers = {str(number): course.course_id for number, course in enumerate(facts.courses, start=1)}
    rows = [[number, course.course_name, f"{course.n_trained:,}"] for number, course in zip(numbers, facts.courses, strict=True)]
    screen.table(["番号", "研修", "受けた人数"], rows)
    answers: dict[str, object] = {}
    for number, question in enumerate(SIX_QUESTIONS, start=1):
        hint = "上の表の番号か名前を「、」で区切って書きます。Enter だけなら全部です" if question.key == "courses" else question.hint
        screen.say("", f"質問{number} {question.text}", f"  （{hint}）")
        answers[question.key] = _ask_until_understood(question.key, facts, numbers=numbers if question.key == "courses" else {})
    return answers


def _ask_until_understood(key: str, facts: PlanFacts, *, numbers: Mapping[str, str]) -> str:
    """One answer that can be used, so that a slip does not cost the answers before it."""
    from kdx_eval.plan import plan_from_answers

    while True:
        try:
            said = input("答え> ").strip()
        except EOFError:
            raise PlanError("答えが途中で終わりました", hint="画面で答えられないときは --answers answers.xlsx か --yes を使ってください") from None
        words = said.replace(",", "、").replace("，", "、").split("、")
        said = "、".join(numbers.get(unicodedata.normalize("NFKC", word).strip(), word) for word in words)
        try:
            plan_from_answers({key: said}, facts)
        except KdxError as error:
            screen.say(f"  {error.message}", "  もう一度書いてください。")
        else:
            return said


def _read_answers(path: Path) -> dict[str, object]:
    from kdx_eval.report.forms import read_answer_sheet

    return read_answer_sheet(path)
